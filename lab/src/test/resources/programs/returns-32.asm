; Ways between level 0 and level 3 of 32-bit code, and loads of segment registers, as kernels of 32 bits have them: again
; and again, so that they are translated, with descriptors that change in between.
%include "machine.inc"
%define TURNS   60
%define TLS     (selector(0) | 3)       ; data of level 3 with a base that changes
%define PERCPU  selector(1)             ; data of level 0 with a base
%define LIMITED (selector(2) | 3)       ; data of level 3 with a limit
%define DIRECTORY FREE
%define PAGES   (FREE + 0x1000)
%define DATA    (FREE + 0x10000)        ; its low 16 bits are clear

main16: enter_protected main32
        bits 32
main32:
        fill_table PAGES, 4
        mov dword [DIRECTORY], PAGES + 7
        start_paging DIRECTORY
        jmp paged
paged:  sysenter_to CODE32, kernel
        descriptor 1, 0xffff, 0x00cf9300 | DATA >> 16
        mov dword [DATA], 0x12345678
        mov dword [DATA + 0x100], 0x9abcdef0
        mov dword [turn], 0
next:
        ; The base that GS has at level 3 is another one each second turn.
        mov eax, [turn]
        and eax, 1
        shl eax, 24
        mov ax, 0xffff
        descriptor 0, eax, 0x00cff300 | DATA >> 16
        mov ax, TLS
        mov gs, ax
        xor eax, eax
        mov fs, ax
        enter_user32 user
user:   mov eax, [turn]
        and eax, 1
        mov eax, [gs:0]
        jz even
        expect eax, 0x9abcdef0
        jmp base_known
even:   expect eax, 0x12345678
base_known:
        mov ax, gs
        expect ax, TLS
        mov ax, cs
        expect ax, USER_CODE32
        mov ax, ss
        expect ax, USER_DATA32
        expect esp, USER_STACK
        ; POPF at level 3 changes status flags and ID, here IF too, but not IOPL.
        pushf
        xor dword [esp], 0x2008d5
        pop eax
        push eax
        popf
        pushf
        pop ecx
        expect eax, ecx
        push dword 0x2d7
        popf
        pushf
        pop eax
        expect eax, 0x32d7
        push dword 2
        popf
        ; Into the kernel by SYSENTER.
        stc
        sysenter
        FAIL
kernel: expect_if c
        expect esp, SYSENTER_STACK
        mov ax, cs
        expect ax, CODE32
        mov ax, ss
        expect ax, DATA32
        ; What entry code does: a segment of its own in FS, and the old one back.
        push ds
        push es
        push fs
        push gs
        mov ax, PERCPU
        mov fs, ax
        expect dword [fs:0], 0x12345678
        mov ax, USER_DATA32
        mov ds, ax
        mov es, ax
        expect dword [es:DATA], 0x12345678
        ; A return within the level, with RF and other flags.
        push dword 0x108d7
        push cs
        push dword same
        iret
        FAIL
same:   expect_if c
        expect_if o
        expect_if s
        pushf
        pop eax
        expect eax, 0x8d7
        ; The stack segment is still SYSENTER's.
        xor eax, eax
        cpuid
        mov ax, ss
        expect ax, DATA32
        ; A segment with a limit: accesses are checked, and beyond it there is nothing.
        descriptor 2, 0xff, 0x0040f300 | DATA >> 16
        mov ax, LIMITED
        mov gs, ax
        mov eax, [gs:0xfc]
        faults_strictly 13, 0, { mov eax, [gs:0x100] }
        ; A selector beyond the table, one of the LDT that is not there, and a segment that is not present.
        mov ax, gdt_end - gdt
        faults 13, gdt_end - gdt, { mov gs, ax }
        mov ax, 0xc
        faults 13, 0xc, { mov gs, ax }
        and byte [gdt + selector(2) + 5], 0x7f
        mov ax, LIMITED
        faults 11, LIMITED & ~3, { mov gs, ax }
        pop gs
        pop fs
        pop es
        pop ds
        xor eax, eax
        mov dx, fs
        expect dx, 0
        faults_strictly 13, 0, { mov eax, [fs:eax] }
        mov edx, back
        mov ecx, USER_STACK - 0x40
        stc
        sysexit
back:   expect_if c
        expect esp, USER_STACK - 0x40
        mov ax, cs
        expect ax, CODE32 + 16 | 3
        mov ax, ss
        expect ax, CODE32 + 24 | 3
        leave_user32
        ; A segment of level 0 does not get to level 3.
        mov ax, PERCPU
        mov fs, ax
        enter_user32 without
without:
        mov ax, fs
        expect ax, 0
        faults_strictly 13, 0, { mov eax, [fs:0] }
        leave_user32
        ; Nor do segments that are not what they were: code, then a stack that is not present.
        to_user32 failed32
        and byte [gdt + USER_CODE32 - 3 + 5], 0x7f
        faults 11, USER_CODE32 - 3, { iret }
        or byte [gdt + USER_CODE32 - 3 + 5], 0x80
        and byte [gdt + USER_DATA32 - 3 + 5], 0x7f
        faults_strictly 12, USER_DATA32 - 3, { iret }
        or byte [gdt + USER_DATA32 - 3 + 5], 0x80
        ; Levels that do not fit: a stack of level 0.
        mov dword [esp + 16], DATA32
        faults 13, DATA32, { iret }
        add esp, 20
        ; Level 1 is possible, though not what is usual.
        descriptor 3, 0xffff, 0x00cfbb00
        descriptor 4, 0xffff, 0x00cfb300
        push dword selector(4) | 1
        push dword USER_STACK
        push dword 0x3002
        push dword selector(3) | 1
        push dword level1
        iret
level1: mov ax, cs
        expect ax, selector(3) | 1
        leave_user32
        inc dword [turn]
        cmp dword [turn], TURNS
        jb next
        PASS
turn:   dd 0
        END_OF_PROGRAM
