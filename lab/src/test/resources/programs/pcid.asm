; Process-context identifiers: CR4.PCIDE, CR3 with an identifier, INVPCID and what it refuses; RSM outside its mode.
%include "machine.inc"
%define PCIDE (1 << 17)
%define DESCRIPTOR FREE
%define PAGE   (FREE + 0x1000)
%define OTHER  (FREE + 0x2000)
%define ENTRY  (TABLES + 0x3000 + (PAGE >> 12) * 8)

main16: enter_long main64
        bits 64
main64:
        ; There is no system management mode.
        faults 6, -1, rsm

        mov eax, 1
        cpuid
        test ecx, 1 << 17
%ifdef QEMU                         ; which need not have them
        jnz has
        PASS
has:
%else
        expect_if nz
%endif
        mov dword [PAGE], 1
        mov dword [OTHER], 2

        ; Without PCIDE only identifier 0 can be named.
        xor eax, eax
        mov qword [DESCRIPTOR], 1
        mov qword [DESCRIPTOR + 8], PAGE
        faults 13, 0, { invpcid rax, [DESCRIPTOR] }
        mov qword [DESCRIPTOR], 0
        invpcid rax, [DESCRIPTOR]

        ; PCIDE can be set while the low bits of CR3 are clear.
        mov rbx, cr4
        or ebx, PCIDE
        mov eax, TABLES | 0x18
        mov cr3, rax
        faults 13, 0, { mov cr4, rbx }
        mov eax, TABLES
        mov cr3, rax
        mov cr4, rbx
        mov rax, cr4
        expect rax, rbx

        ; An identifier is part of CR3; bit 63 is not.
        mov rax, TABLES | 5 | 1 << 63
        mov cr3, rax
        mov rax, cr3
        expect rax, TABLES | 5

        ; Paging cannot go while PCIDE is set, not even from compatibility mode.
        mov rax, cr0
        btr rax, 31
        faults 13, 0, { mov cr0, rax }

        ; What INVPCID refuses.
        mov eax, 4
        faults 13, 0, { invpcid rax, [DESCRIPTOR] }
        xor eax, eax
        mov qword [DESCRIPTOR], 0x1000
        faults 13, 0, { invpcid rax, [DESCRIPTOR] }
        mov qword [DESCRIPTOR], 5
        mov rdx, 1 << 47
        mov [DESCRIPTOR + 8], rdx
        faults 13, 0, { invpcid rax, [DESCRIPTOR] }
        faults 14, 0, { invpcid rax, [0x200000] }
        enter_user64 user
user:   faults 13, 0, { invpcid rax, [DESCRIPTOR] }
        leave_user64

        ; Each of its types forgets a translation of the present identifier.
        mov qword [DESCRIPTOR + 8], PAGE
        xor ecx, ecx
each:   mov qword [ENTRY], PAGE | 7
        mov rax, cr3
        mov cr3, rax
        expect dword [PAGE], 1
        mov qword [ENTRY], OTHER | 7
        mov rax, rcx
        invpcid rax, [DESCRIPTOR]
        expect dword [PAGE], 2
        inc ecx
        cmp ecx, 4
        jb each

        ; And so do a load of CR3 without bit 63, and one of CR4 that changes PCIDE.
        mov qword [ENTRY], PAGE | 7
        mov eax, TABLES | 5
        mov cr3, rax
        expect dword [PAGE], 1
        mov qword [ENTRY], OTHER | 7
        mov eax, TABLES
        mov cr3, rax
        expect dword [PAGE], 2
        mov qword [ENTRY], PAGE | 7
        btr rbx, 17
        mov cr4, rbx
        expect dword [PAGE], 1
        PASS
        END_OF_PROGRAM
