; 32-bit and PAE paging: large pages, PDPTE registers, reserved bits, no execute, user rights.
%include "machine.inc"
%define PAGE (FREE + 0x5000)
%define PD   0x2000
%define PT   0x3000
%define PTE32 (PT + PAGE / 0x1000 * 4)
%define PAE_PDPT 0x1000
%define PAE_PD 0x4000
%define PAE_PT 0x5000
%define PTE64 (PAE_PT + PAGE / 0x1000 * 8)

main16: enter_protected main32
        bits 32
main32:
        mov edi, 0x1000
        xor eax, eax
        mov ecx, 0x1800
        rep stosd
        ; 32-bit tables: the first 4 MiB by 4 KiB pages.
        mov dword [PD], PT | 7
        fill_table PT, 4
        start_paging PD
        mov al, [PAGE]
        expect dword [PTE32], PAGE | 0x27
        mov [PAGE], al
        expect dword [PTE32], PAGE | 0x67
        faults 14, 0, { mov al, [0x400000] }
        mov eax, cr2
        expect eax, 0x400000
        mov dword [PTE32], PAGE | 5
        invlpg [PAGE]
        faults 14, 3, { mov [PAGE], al }
        enter_user32 user1
user1:  mov al, [PAGE]
        faults 14, 7, { mov [PAGE], al }
        faults 14, 4, { mov al, [0x400000] }
        leave_user32
        ; Without PSE bit 7 of a directory entry means nothing; with it, it is a 4 MiB page.
        mov dword [PTE32], PAGE | 7
        invlpg [PAGE]
        mov dword [PAGE + 0x10], 0x1234abcd
        mov eax, cr4
        or al, 0x10
        mov cr4, eax
        mov dword [PD + 4], 0x000000e7
        expect dword [0x400000 + PAGE + 0x10], 0x1234abcd
        ; Bit 21 of it is reserved.
        mov dword [PD + 4], 0x002000e7
        invlpg [0x400000]
        faults_strictly 14, 9, { mov al, [0x400000] }
        mov dword [PD + 4], 0

        ; PAE: tables of 8-byte entries, found through registers loaded with CR3.
        mov dword [PAE_PDPT], PAE_PD | 1
        mov dword [PAE_PD], PAE_PT | 7
        fill_table PAE_PT, 8
        mov eax, cr0
        btr eax, 31
        mov cr0, eax
        mov eax, cr4
        or al, 0x20
        mov cr4, eax
        start_paging PAE_PDPT
        mov dword [PAGE + 0x10], 0x5678abcd
        expect dword [PTE64], PAGE | 0x67
        ; A PDPTE in memory counts only when CR3 is loaded.
        mov dword [PAE_PDPT + 8], PAE_PD | 1
%ifndef QEMU                        ; which looks into memory
        faults 14, 0, { mov al, [0x40000000 + PAGE] }
%endif
        mov eax, cr3
        mov cr3, eax
        expect dword [0x40000000 + PAGE + 0x10], 0x5678abcd
        ; Its reserved bits: #GP when CR3 is loaded, and CR3 stays.
        mov dword [PAE_PDPT + 8], PAE_PD | 3
        faults_strictly 13, 0, { mov cr3, eax }
        mov dword [PAE_PDPT + 8], 0
        mov cr3, eax
        faults 14, 0, { mov al, [0x40000000 + PAGE] }
        ; No execute.
        mov ecx, 0xc0000080
        rdmsr
        bts eax, 11
        wrmsr
        mov dword [PTE64 + 4], 0x80000000
        mov byte [PAGE], 0xc3
        invlpg [PAGE]
        mov dword [RESUME], no_execute
        mov ebx, PAGE
        call ebx
        FAIL
no_execute:
        expect dword [SEEN_VECTOR], 14
        expect dword [SEEN_ERROR], 0x11
        expect dword [SEEN_IP], PAGE
        ; Bits 52 to 62 are reserved here.
        mov dword [PTE64 + 4], 0x00100000
        invlpg [PAGE]
        faults_strictly 14, 9, { mov al, [PAGE] }
        mov dword [PTE64 + 4], 0
        ; A 2 MiB page.
        mov dword [PAE_PD + 8], 0x000000e7
        expect dword [0x200000 + PAGE + 0x14], 0
        mov dword [PAE_PD + 8], 0
        invlpg [0x200000]
        faults 14, 0, { mov al, [0x200000 + PAGE] }
        ; EFER.LME cannot change while paging is on.
        rdmsr
        bts eax, 8
        faults_strictly 13, 0, { wrmsr }
        PASS
        END_OF_PROGRAM
