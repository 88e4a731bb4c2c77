; 32-bit protected mode without paging: segment checks, privilege levels, gates.
%include "machine.inc"

main16: enter_protected main32
        bits 32
main32:
        ; Faults push EFLAGS, CS, EIP and the error code on the present stack.
        faults 6, -1, ud2
        expect dword [SEEN_CS], CODE32
        expect dword [SEEN_TOP], STACK - 12
        traps 0x20, { int 0x20 }
        traps 3, { int3 }
        mov eax, 0x7fffffff
        add eax, 1
        traps 4, { into }
        xor eax, eax
        into

        ; The null selector may be loaded, but not used; not at all in SS.
        xor eax, eax
        mov fs, ax
        faults_strictly 13, 0, { mov al, [fs:0] }
        faults 13, 0, { mov ss, ax }
        ; Behind the table; a code segment that cannot be read; a system segment; not present.
        mov ax, 0x200
        faults 13, 0x200, { mov fs, ax }
        descriptor 0, 0x0000ffff, 0x00cf9800
        mov ax, selector(0)
        faults 13, selector(0), { mov fs, ax }
        mov ax, TASK
        faults 13, TASK, { mov fs, ax }
        descriptor 0, 0x0000ffff, 0x00cf1200
        mov ax, selector(0)
        faults 11, selector(0), { mov fs, ax }
        faults 12, selector(0), { mov ss, ax }
        ; The accessed flag is set by loading.
        descriptor 0, 0x00000fff, 0x00409200 | FREE >> 16
        mov fs, ax
        expect byte [spare + 5], 0x93
        ; Limits.
        mov al, [fs:0xfff]
        faults_strictly 13, 0, { mov al, [fs:0x1000] }
        faults_strictly 13, 0, { mov ax, [fs:0xfff] }
        faults_strictly 13, 0, { mov eax, [fs:0xffffffff] }
        ; Read-only data.
        descriptor 1, 0x00000fff, 0x00409000 | FREE >> 16
        mov ax, selector(1)
        mov gs, ax
        mov al, [gs:0]
        faults_strictly 13, 0, { mov [gs:0], al }
        mov ax, selector(1)
        faults 13, selector(1), { mov ss, ax }
        ; Code cannot be written.
        faults_strictly 13, 0, { mov [cs:FREE], al }
        ; Expand-down: what is above the limit.
        descriptor 2, 0x00000fff, 0x00409600 | FREE >> 16
        mov ax, selector(2)
        mov gs, ax
        faults_strictly 13, 0, { mov al, [gs:0xfff] }
        mov al, [gs:0x1000]
        faults_strictly 13, 0, { mov eax, [gs:0xfffffffe] }

        ; LAR, LSL, VERR, VERW.
        mov cx, selector(1)
        lar eax, cx
        expect_if z
        expect eax, 0x00409100
        lsl eax, cx
        expect_if z
        expect eax, 0xfff
        verr cx
        expect_if z
        verw cx
        expect_if nz
        mov cx, 0x200
        lar eax, cx
        expect_if nz
        expect eax, 0xfff
        mov cx, DATA32
        lsl eax, cx
        expect eax, 0xffffffff
        mov ax, DATA32
        mov cx, 3
        arpl ax, cx
        expect_if z
        expect ax, DATA32 | 3
        arpl ax, cx
        expect_if nz

        ; A call gate to the same level pushes CS and EIP.
        descriptor 3, (CODE32 << 16) + (same - $$), 0x8c00 | BASE
        call selector(3):0
back1:  expect esp, STACK
        jmp outer
same:   expect esp, STACK - 8
        expect dword [esp], back1
        expect dword [esp + 4], CODE32
        retf

outer:
        ; To level 3 and back through a call gate with two parameters.
        descriptor 3, (CODE32 << 16) + (inner - $$), 0xec02 | BASE
        mov ax, DATA32
        mov gs, ax                      ; not for level 3: made null on the way
        enter_user32 user
user:
        mov cx, gs
        expect cx, 0
        push dword 0x1111
        push dword 0x2222
        call selector(3) | 3:0
back2:  expect esp, USER_STACK
        mov cx, cs
        expect cx, USER_CODE32
        ; What level 3 may not do.
        faults 13, 0, { hlt }
        expect dword [SEEN_SP], USER_STACK
        expect dword [SEEN_SS], USER_DATA32
        expect dword [SEEN_TOP], STACK2 - 20
        faults 13, 0, { mov eax, cr0 }
        faults 13, 0, { lgdt [gdt_pointer] }
        faults 13, 0, { clts }
        faults 13, 0x20 * 8 + 2, { int 0x20 }
        mov ax, DATA32
        faults 13, DATA32, { mov fs, ax }
        faults 13, CODE32, { jmp CODE32:0 }
        faults 13, CODE32, { call CODE32:0 }
        traps 3, { int3 }
        leave_user32
        jmp conforming

inner:  mov cx, cs
        expect cx, CODE32
        expect esp, STACK2 - 24
        expect dword [esp], back2
        expect dword [esp + 4], USER_CODE32
        expect dword [esp + 8], 0x2222
        expect dword [esp + 12], 0x1111
        expect dword [esp + 16], USER_STACK - 8
        expect dword [esp + 20], USER_DATA32
        retf 8

conforming:
        ; Conforming code keeps the level of its caller.
        descriptor 4, 0x0000ffff, 0x00cf9e00
        enter_user32 user2
user2:  call selector(4) | 3:conform
        leave_user32
        jmp sixteen
conform:
        mov cx, cs
        expect cx, selector(4) | 3
        retf

sixteen:
        ; 16-bit interrupt gates push words; only 16 bits of the offset count.
        descriptor 5, 0x0000ffff, 0x00409a00 | BASE >> 16
        mov dword [IDT + 0x31 * 8], (CODE16 << 16) + (word_handler - $$)
        mov dword [IDT + 0x31 * 8 + 4], 0x8600
        jmp selector(5):low_offset - BASE
low_offset:
        int 0x31
        jmp CODE32:flat_again
flat_again:
        expect esp, STACK
        expect bx, STACK - 6 & 0xffff
        jmp checks
        bits 16
word_handler:
        mov ebx, esp
        iret
        bits 32

checks:
        ; Gates: not present, no gate at all, a code segment that is none, behind the table.
        and byte [IDT + 0x32 * 8 + 5], 0x7f
        faults 11, 0x32 * 8 + 2, { int 0x32 }
        mov dword [IDT + 0x32 * 8 + 4], 0x8c00
        faults 13, 0x32 * 8 + 2, { int 0x32 }
        mov dword [IDT + 0x32 * 8], 0
        mov dword [IDT + 0x32 * 8 + 4], 0x8e00
        faults 13, 0, { int 0x32 }
        mov dword [IDT + 0x32 * 8], DATA32 << 16
        faults 13, DATA32, { int 0x32 }

        ; A fault while a fault is delivered: #DF with error code 0.
        mov dword [IDT + 6 * 8], DATA32 << 16
        faults_strictly 13, DATA32 | 1, { ud2 }
        mov dword [IDT + 13 * 8], 0
        mov dword [IDT + 13 * 8 + 4], 0
        faults_strictly 8, 0, { mov [cs:FREE], al }
        PASS
        END_OF_PROGRAM
