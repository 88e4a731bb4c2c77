; Virtual-8086 mode: entry and exit, IOPL-sensitive instructions, I/O permissions, mode extensions (VME).
%include "machine.inc"
%define V86 0x2000                      ; real-mode segment of the V86 program's stack and data: linear 20000

; in_v86 flags, label: runs V86 code at a label of the program; it comes back by a fault announced with RESUME, to
; 32-bit code. The V86 code segment is BASE >> 4.
%macro in_v86 2
        push dword V86
        push dword V86
        push dword V86
        push dword V86
        push dword V86
        push dword 0x1000
        push dword 0x20000 | %1
        push dword BASE >> 4
        push dword %2 - BASE
        iret
%endmacro

; stopped vector, error, label: the V86 code was left by a fault there.
%macro stopped_at 4
        mov eax, %1
        cmp dword [SEEN_VECTOR], %2
        jne failed32
        cmp dword [SEEN_ERROR], %3
        jne failed32
        cmp dword [SEEN_IP], %4 - BASE
        jne failed32
        test byte [SEEN_FLAGS + 2], 2
        jz failed32
%endmacro
%define stopped stopped_at __?LINE?__,

; The common handler goes on in V86 mode; this one goes on in the kernel.
%macro expect_exit 1
        mov dword [kernel], %1
%endmacro

main16: enter_protected main32
        bits 32
        align 4
kernel: dd 0
v86_exit:
        ; Stack: vector, error, IP, CS, flags, SP, SS, ES, DS, FS, GS. Data segments are null.
        mov ax, ds
        test ax, ax
        jnz .not_null
        mov ax, gs
        test ax, ax
        jnz .not_null
        mov ax, DATA32
        mov ds, ax
        mov es, ax
        pop dword [SEEN_VECTOR]
        pop dword [SEEN_ERROR]
        pop dword [SEEN_IP]
        pop dword [SEEN_CS]
        pop dword [SEEN_FLAGS]
        pop dword [SEEN_SP]
        pop dword [SEEN_SS]
        mov eax, [esp]
        mov [FREE], eax                 ; ES
        mov eax, [esp + 12]
        mov [FREE + 4], eax             ; GS
        mov esp, STACK
        jmp dword [kernel]
.not_null:
        mov eax, 0xeeee
        jmp failed32
stub13: push byte 13
        jmp v86_exit
stub6:  push byte -1
        push byte 6
        jmp v86_exit
stub33: push byte -1
        push byte 0x33
        jmp v86_exit

%macro gate 3                           ; vector, label, type
        mov eax, %2
        mov [IDT + %1 * 8], ax
        mov word [IDT + %1 * 8 + 2], CODE32
        mov word [IDT + %1 * 8 + 4], %3
        shr eax, 16
        mov [IDT + %1 * 8 + 6], ax
%endmacro

main32: gate 13, stub13, 0x8e00
        gate 6, stub6, 0x8e00
        gate 0x33, stub33, 0xee00

        ; HLT is privileged: #GP(0). The frame has the V86 segments.
        expect_exit e1
        in_v86 2, v1
e1:     stopped 13, 0, v1_hlt
        expect dword [SEEN_CS], BASE >> 4
        expect dword [SEEN_SS], V86
        expect dword [SEEN_SP], 0xffe
        expect dword [FREE], 0x1234
        expect dword [FREE + 4], V86
        ; Segments are 16 times their selector.
        expect word [0x12340 + 0x10], 0xbeef
        expect word [0x20ffe], 0x1234

        ; Below IOPL 3: CLI, STI, PUSHF, POPF, IRET and INT n fault.
        expect_exit e2
        in_v86 2, v2
e2:     stopped 13, 0, v2
        expect_exit e3
        in_v86 2, v3
e3:     stopped 13, 0, v3
        expect_exit e4
        in_v86 2, v4
e4:     stopped 13, 0, v4
        expect_exit e5
        in_v86 2, v5
e5:     stopped 13, 0, v5
        expect_exit e6
        in_v86 2, v6
e6:     stopped 13, 0, v6
        expect_exit e7
        in_v86 2, v7
e7:     stopped 13, 0, v7
        ; With IOPL 3 they work; INT n goes through the gate to level 0.
        expect_exit e8
        in_v86 0x3002, v8
e8:     stopped 0x33, -1, v8_end
        ; LGDT and LLDT: no rights, and no such instruction.
        expect_exit e9
        in_v86 0x3002, v9
e9:     stopped 13, 0, v9
        expect_exit e10
        in_v86 0x3002, v10
e10:    stopped 6, -1, v10

        ; I/O goes by the bitmap, whatever IOPL is.
        mov word [TSS + 102], 0x1000
        expect_exit e11
        in_v86 0x3002, v11
e11:    stopped 13, 0, v11
        mov word [TSS + 102], 0x88
        mov dword [TSS + 0x88 + 0x80 / 8], 0xfffffffe
        mov dword [TSS + 0x8c + 0x80 / 8], 0xffffffff
        expect_exit e12
        in_v86 0x3002, v11
e12:    stopped 13, 0, v11_word

%ifdef QEMU                         ; which has no redirection of INT n
        PASS
%endif
        ; VME: PUSHF shows VIF as IF and IOPL 3, CLI and STI change VIF, INT n goes to the program's own handler.
        mov eax, cr4
        or al, 1
        mov cr4, eax
        xor eax, eax
        mov edi, TSS + 0x88 - 32
        mov ecx, 8
        rep stosd
        mov word [0x44 * 4], v86_int - BASE
        mov word [0x44 * 4 + 2], BASE >> 4
        expect_exit e13
        in_v86 2, v13
e13:    stopped 13, 0, v13_end
        test dword [SEEN_FLAGS], 0x80000
        expect_if z
        expect word [0x20ff6], 0x1111
        ; A bit of the bitmap sends INT n to the monitor.
        mov byte [TSS + 0x88 - 32 + 0x44 / 8], 0x10
        expect_exit e14
        in_v86 2, v14
e14:    stopped 13, 0, v14
        ; With VIP set, STI faults.
        expect_exit e15
        in_v86 0x100002, v15
e15:    stopped 13, 0, v15
        PASS

        bits 16
v1:     mov ax, 0x1234
        mov es, ax
        mov word [es:0x10], 0xbeef
        push ax
v1_hlt: hlt
v2:     cli
v3:     pushf
v4:     popf
v5:     iret
v6:     int 0x33
v7:     sti
v8:     cli
        pushf
        pop ax
        and ah, 0xbf
        push ax
        popf
        sti
        int 0x33
v8_end: hlt
v9:     lgdt [0]
v10:    lldt ax
v11:    in al, 0x80
v11_word:
        in ax, 0x80
v13:    sti
        pushf
        pop ax
        and ax, 0x3200
        cmp ax, 0x3200
        jne v13_bad
        int 0x44
        pushf
        pop ax
        test ah, 2
        jz v13_bad
        cli
        pushf
        pop ax
        test ah, 2
        jnz v13_bad
v13_end:
        hlt
v13_bad:
        int3
v14:    int 0x44
v15:    sti
v86_int:
        pushf
        pop ax
        test ah, 2
        jnz v13_bad
        push ax
        push word 0x1111
        add sp, 4
        iret
        END_OF_PROGRAM
