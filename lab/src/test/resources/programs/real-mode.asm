; Real-address mode: interrupts, segment limits, unreal mode, the way to protected mode and back.
%include "machine.inc"

; handler vector, label: puts a far pointer into the interrupt vector table.
%macro handler 2
        mov word [fs:%1 * 4], %2 - BASE
        mov word [fs:%1 * 4 + 2], BASE >> 4
%endmacro
main16:
        xor ax, ax
        mov fs, ax
        ; INT pushes FLAGS, CS, IP and clears IF and TF.
        handler 0x40, int40
        sti
        int 0x40
int40_back:
        pushf
        pop ax
        test ah, 2
        expect_if nz
        expect sp, 0xff00
        expect cx, 0x4040
        cli
        ; A divide error has the address of the DIV.
        handler 0, divide
        mov ax, 5
        xor dx, dx
        xor bx, bx
divide_at:
        div bx
        expect cx, 0x1000
        ; INTO, BOUND, undefined opcodes.
        handler 4, overflow
        mov al, 0x7f
        add al, 1
        into
into_behind:
        expect cx, 0x1004
        handler 6, undefined
undefined_at:
        ud2
        expect cx, 0x1006
        ; Instructions of protected mode are undefined.
        mov word [fs:6 * 4], undefined3 - BASE
        sldt ax
        expect cx, 0x1007
        lldt ax
        expect cx, 0x1007
        arpl ax, bx
        expect cx, 0x1007
        ; A word at FFFF is beyond the limit: #GP, through SS #SS; no error code is pushed.
        handler 13, limit
        handler 12, limit
%ifndef QEMU                        ; which has no limits
        xor cx, cx
        mov bx, 0xffff
limit_at:
        mov ax, [bx]
        nop
        expect cx, 0x100d
        xor cx, cx
        mov bp, 0xffff
        mov ax, [bp]
        nop
        expect cx, 0x100d
%endif
        ; Addresses wrap at 16 bits before the limit is looked at.
        mov bx, 0xfff0
        mov si, 0x0120
        mov word [0x110], 0x7777
        expect word [bx + si], 0x7777
        ; SP wraps.
        mov bp, sp
        xor sp, sp
        push word 0x1234
        expect sp, 0xfffe
        pop ax
        expect sp, 0
        expect ax, 0x1234
        mov sp, bp

        ; The segment base is 16 times the selector; PUSHF and POPF pass IOPL and NT, but not RF and VM.
        push word 0x7002
        popf
        pushf
        pop ax
        expect ax, 0x7002
        push word 2
        popf
        ; Far call and return; far jump through memory.
        call (BASE >> 4):far_routine - BASE
        expect cx, 0xfa4
        jmp far [far_pointer - BASE]
        FAIL
far_pointer:
        dw far_target - BASE, BASE >> 4
far_target:
        ; LES and LDS, 32-bit operands.
        les edi, [far48 - BASE]
        expect edi, 0x12345678
        mov ax, es
        expect ax, 0x4321
        jmp tables
far48:  dd 0x12345678
        dw 0x4321
tables: ; SGDT and SIDT, LGDT of 24 bits; IDT elsewhere.
        lidt [new_idt - BASE]
        sidt [0x100]
        expect word [0x100], 0x3ff
        expect dword [0x102], 0x00000500
        mov word [fs:0x500 + 0x40 * 4], int40b - BASE
        mov word [fs:0x500 + 0x40 * 4 + 2], BASE >> 4
        int 0x40
        expect cx, 0x50b
        lidt [old_idt - BASE]
        ; To protected mode and back with a segment of 4 GiB: unreal mode.
        lgdt [gdt_pointer - BASE]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp CODE16:protected16 - BASE
protected16:
        mov ax, DATA32
        mov gs, ax
        mov ax, DATA16
        mov ds, ax
        mov es, ax
        mov eax, cr0
        and al, 0xfe
        mov cr0, eax
        jmp (BASE >> 4):real_again - BASE
real_again:
        mov ax, BASE >> 4
        mov ds, ax
        xor ax, ax
        mov ss, ax
        mov fs, ax
        mov ebx, 0x45678
        mov dword [gs:ebx], 0xfeedf00d
        mov ax, 0x4000
        mov es, ax
        expect dword [es:0x5678], 0xfeedf00d
        ; The limit stays when the selector is loaded again in real mode.
        xor ax, ax
        mov gs, ax
        expect dword [gs:ebx], 0xfeedf00d
        ; SMSW, LMSW cannot clear PE; MOV to CR0 with PG but without PE faults.
        smsw ax
        test al, 1
        expect_if z
%ifndef QEMU                        ; which takes it
        handler 13, skip3
        xor cx, cx
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        expect cx, 0x200d
%endif
        ; IRET loads flags.
        pushf
        push word BASE >> 4
        push word returned - BASE
        mov bp, sp
        or word [bp + 4], 0x0801
        iret
returned:
        expect_if c
        expect_if o
        PASS

int40:  pushf
        pop ax
        test ah, 3
        expect_if z
        mov bp, sp
        expect word [bp], int40_back - BASE
        expect word [bp + 2], BASE >> 4
        mov cx, 0x4040
        iret
int40b: mov cx, 0x50b
        iret
divide: mov bp, sp
        expect word [bp], divide_at - BASE
        add word [bp], 2
        mov cx, 0x1000
        iret
overflow:
        mov bp, sp
        expect word [bp], into_behind - BASE
        mov cx, 0x1004
        iret
undefined:
        mov bp, sp
        expect word [bp], undefined_at - BASE
        add word [bp], 2
        mov cx, 0x1006
        iret
undefined3:
        push bp
        mov bp, sp
        mov cx, 0x1007
        push ax
        push bx
        mov bx, [bp + 2]
        add word [bp + 2], 2
        cmp byte [bx], 0x0f
        jne .two
        inc word [bp + 2]
.two:   pop bx
        pop ax
        pop bp
        iret
limit:  push bp
        mov bp, sp
        add word [bp + 2], 2
        cmp bx, 0xffff
        jne .three
        jmp .done
.three: inc word [bp + 2]
.done:  pop bp
        mov cx, 0x100d
        iret
skip3:  mov bp, sp
        add word [bp], 3
        mov cx, 0x200d
        iret
far_routine:
        mov cx, 0xfa4
        retf
new_idt:
        dw 0x3ff
        dd 0x500
old_idt:
        dw 0x3ff
        dd 0
        END_OF_PROGRAM
