; 4-level paging: rights by level, WP, NX, SMEP, SMAP, reserved bits, accessed and dirty flags, large pages, global pages, INVLPG.
%include "machine.inc"
%define PTES (TABLES + 0x3000)
%define PDES (TABLES + 0x2000)
%define PDPTES (TABLES + 0x1000)
%define PAGE (FREE + 0x5000)
%define PTE (PTES + PAGE / 0x1000 * 8)

; entry low, high: sets the entry of PAGE.
%macro entry 2
        mov dword [PTE], %1
        mov dword [PTE + 4], %2
        invlpg [PAGE]
%endmacro

; fetch_faults error: an instruction fetch from PAGE must fault so.
%macro fetch_faults_at 2
        mov dword [RESUME], %%after
        mov dword [SEEN_VECTOR], -1
        mov ebx, PAGE
        jmp rbx
%%after:
        mov eax, %1
        cmp dword [SEEN_VECTOR], 14
        jne failed64
        cmp dword [SEEN_ERROR], %2
        jne failed64
        cmp dword [SEEN_IP], PAGE
        jne failed64
        cmp dword [SEEN_CR2], PAGE
        jne failed64
%endmacro
%define fetch_faults fetch_faults_at __?LINE?__,

main16: enter_long main64
        bits 64
main64:
        ; Accessed by a read, dirty by a write.
        entry PAGE | 7, 0
        mov al, [PAGE]
        expect dword [PTE], PAGE | 0x27
        mov [PAGE], al
        expect dword [PTE], PAGE | 0x67
        ; A write to what was only read before sets dirty although a translation is there already.
        entry PAGE | 7, 0
        mov al, [PAGE]
        inc byte [PAGE]
        expect dword [PTE], PAGE | 0x67
        ; Tables' entries are accessed, but never dirty.
        expect dword [PDES], PTES | 0x27

        ; Not present; nothing is marked by a fault.
        entry PAGE | 6, 0
        faults 14, 0, { mov al, [PAGE] }
        faults 14, 2, { mov [PAGE], al }
        faults_strictly 14, 2, { add byte [PAGE], 1 }
        expect dword [PTE], PAGE | 6
        ; A stale translation may stay until INVLPG; after it, it must not.
        entry PAGE | 7, 0
        mov al, [PAGE]
        entry PAGE | 6, 0
        faults 14, 0, { mov al, [PAGE] }

        ; Supervisor writes to read-only pages: with WP a fault, without it none.
        entry PAGE | 5, 0
        faults 14, 3, { mov [PAGE], al }
        expect dword [PTE], PAGE | 0x05
        mov rax, cr0
        btr eax, 16
        mov cr0, rax
        mov [PAGE], al
        expect dword [PTE], PAGE | 0x65
        bts eax, 16
        mov cr0, rax
        faults 14, 3, { mov [PAGE], al }

        ; No execute: needs EFER.NXE, else the bit is reserved.
        entry PAGE | 7, 0x80000000
        mov byte [PAGE], 0xc3
        fetch_faults 0x11
        mov ecx, 0xc0000080
        rdmsr
        btr eax, 11
        wrmsr
        invlpg [PAGE]
        faults_strictly 14, 9, { mov al, [PAGE] }
        rdmsr
        bts eax, 11
        wrmsr
        ; Reserved bits of the entry.
        entry PAGE | 7, 0x00080000
        faults_strictly 14, 9, { mov al, [PAGE] }
        faults_strictly 14, 0xb, { mov [PAGE], al }

        ; User accesses.
        entry PAGE | 3, 0
        enter_user64 user1
user1:  faults 14, 5, { mov al, [PAGE] }
        faults 14, 7, { mov [PAGE], al }
        fetch_faults 0x15
        leave_user64
        entry PAGE | 5, 0
        enter_user64 user2
user2:  mov al, [PAGE]
        faults 14, 7, { mov [PAGE], al }
        ; A push that faults leaves RSP alone.
        mov rbx, rsp
        mov rsp, PAGE + 8
        faults 14, 7, { push rax }
        expect rsp, PAGE + 8
        mov rsp, rbx
        leave_user64
        ; What follows is the supervisor's alone: the program and its tables.
        mov ecx, 0x40
        mov edi, PTES
own:    and byte [rdi], ~4
        add edi, 8
        loop own
        mov rax, cr3
        mov cr3, rax

        ; SMEP: no supervisor fetches from user pages.
        entry PAGE | 7, 0
        mov byte [PAGE], 0xc3
        mov ebx, PAGE
        call rbx
        mov rax, cr4
        bts eax, 20
        mov cr4, rax
        fetch_faults 0x11
        ; SMAP: no supervisor accesses to user pages but with AC.
        mov rax, cr4
        bts eax, 21
        mov cr4, rax
        entry PAGE | 7, 0
        faults 14, 1, { mov al, [PAGE] }
        faults 14, 3, { mov [PAGE], al }
        stac
        mov al, [PAGE]
        mov [PAGE], al
        clac
        faults 14, 1, { mov al, [PAGE] }
        mov rax, cr4
        btr eax, 21
        btr eax, 20
        mov cr4, rax
        mov al, [PAGE]

        ; Access across two pages: the address of the fault is the second page's; nothing is written.
        entry PAGE | 7, 0
        mov dword [PTE + 8], 0
        invlpg [PAGE + 0x1000]
        mov dword [PAGE + 0xffc], 0x11111111
        faults 14, 2, { mov qword [PAGE + 0xffc], rax }
        mov rax, cr2
        expect rax, PAGE + 0x1000
        expect dword [PAGE + 0xffc], 0x11111111
        faults 14, 0, { mov rax, [PAGE + 0xffd] }
        ; An instruction across two pages.
        mov byte [PAGE + 0xfff], 0xb8
        mov dword [RESUME], crossed
        mov ebx, PAGE + 0xfff
        jmp rbx
        FAIL
crossed:
        mov rax, cr2
        expect rax, PAGE + 0x1000
        expect dword [SEEN_IP], PAGE + 0xfff
        mov dword [PTE + 8], PAGE + 0x1000 | 7

        ; A string instruction stops in the middle and can go on.
        mov dword [PTE + 8], 0
        invlpg [PAGE + 0x1000]
        mov edi, PAGE + 0xff0
        mov ecx, 0x20
        mov al, 0x77
        faults 14, 2, { rep stosb }
        expect ecx, 0x10
        expect edi, PAGE + 0x1000
        mov dword [PTE + 8], PAGE + 0x1000 | 7
        rep stosb
        expect ecx, 0
        expect byte [PAGE + 0x100f], 0x77

        ; A 2 MiB page at 2 MiB over the first 2 MiB; INVLPG anywhere in it forgets all of it.
        mov dword [PDES + 8], 0x000000e7
        mov dword [PAGE + 0x10], 0x12345678
        expect dword [0x200000 + PAGE + 0x10], 0x12345678
        mov eax, [0x200000 + TSS]
        mov dword [PDES + 8], 0
        invlpg [0x200000]
        faults 14, 0, { mov eax, [0x200000 + PAGE + 0x10] }
        faults 14, 0, { mov eax, [0x200000 + TSS] }
        ; Reserved bits of a large page.
        mov dword [PDES + 8], 0x000020e7
        faults_strictly 14, 9, { mov eax, [0x200000] }
        mov dword [PDES + 8], 0
        ; A 1 GiB page at 1 GiB.
        mov dword [PDPTES + 8], 0x000000e7
        expect dword [0x40000000 + PAGE + 0x10], 0x12345678
        mov dword [PDPTES + 8], 0
        invlpg [0x40000000]
        faults 14, 0, { mov eax, [0x40000000 + PAGE + 0x10] }

        ; Global pages stay when CR3 is loaded, and go when CR4.PGE changes.
        mov rax, cr4
        bts eax, 7
        mov cr4, rax
        entry PAGE | 0x107, 0
        mov al, [PAGE]
        mov dword [PTE], 0
        mov rax, cr3
        mov cr3, rax
        mov rax, cr4
        btr eax, 7
        mov cr4, rax
        faults 14, 0, { mov al, [PAGE] }

        ; Addresses: PML4 entries of both halves.
        mov eax, [TABLES]
        mov [TABLES + 511 * 8], eax
        mov rbx, 0xffffff8000000000 + PAGE + 0x1010
        mov eax, [PAGE + 0x1010]
        expect [rbx], eax
        PASS

        END_OF_PROGRAM
