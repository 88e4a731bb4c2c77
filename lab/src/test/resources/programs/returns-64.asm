; IRET and POPF of 64-bit code, again and again, so that they are translated: to level 3 and within level 0, with
; descriptors, flags and addresses that are not always good.
%include "machine.inc"
%define TURNS  60
%define ABSENT (FREE + 0x10000)
%define PT     (TABLES + 0x3000)

main16: enter_long main64
        bits 64
main64: mov dword [PT + (ABSENT >> 12) * 8], 0
        mov rax, cr3
        mov cr3, rax
        mov dword [turn], 0
next:
        ; To level 3: DS does not come along, since it is one of level 0.
        mov ax, DATA32
        mov ds, ax
        enter_user64 user
user:   mov ax, ds
        expect ax, 0
        mov ax, cs
        expect ax, USER_CODE64
        mov ax, ss
        expect ax, USER_DATA32
        expect rsp, USER_STACK
        ; A page fault's frame has RF, with which the handler returns; nobody sees it.
        faults 14, 4, { mov eax, [ABSENT + 8] }
        pushf
        pop rax
        test eax, 0x10000
        expect_if z
%ifndef QEMU                        ; which forgets RF
        test dword [SEEN_FLAGS], 0x10000
        expect_if nz
%endif
        pushf
        xor dword [rsp], 0x2008d5
        pop rax
        push rax
        popf
        pushf
        pop rcx
        expect rax, rcx
        push qword 0x3002
        popf
        leave_user64

        ; Within level 0, with a stack segment and without.
        mov r12d, 2
        xor r13d, r13d
within: lea rbx, [rsp - 24]
        push r13
        push rbx
        push qword 0x108d7
        push qword CODE64
        push qword same
        iretq
        FAIL
same:   expect_if c
        expect_if o
        pushf
        pop rax
        expect eax, 0x8d7
        expect rsp, rbx
        mov ax, ss
        expect ax, r13w
        add rsp, 24
        mov r13d, DATA32
        dec r12d
        jnz within
        ; POPF at level 0: IOPL and ID.
        push qword 0x2032d7 - 0x200
        popf
        pushf
        pop rax
        expect eax, 0x2030d7
        push qword 2
        popf

        ; Frames that are not good; each is as it was before when the fault has been dealt with.
        to_user64 failed64
        bts qword [rsp], 47
        faults_strictly 13, 0, { iretq }
        btr qword [rsp], 47
        and byte [gdt + USER_CODE64 - 3 + 5], 0x7f
        faults 11, USER_CODE64 - 3, { iretq }
        or byte [gdt + USER_CODE64 - 3 + 5], 0x80
        and byte [gdt + USER_DATA32 - 3 + 5], 0x7f
        faults_strictly 12, USER_DATA32 - 3, { iretq }
        or byte [gdt + USER_DATA32 - 3 + 5], 0x80
        mov qword [rsp + 32], 0
        faults 13, 0, { iretq }
        mov qword [rsp + 32], USER_DATA32
        mov word [rsp + 8], 0
        faults 13, 0, { iretq }
        mov word [rsp + 8], gdt_end - gdt | 3
        faults 13, gdt_end - gdt, { iretq }
        mov word [rsp + 8], USER_CODE64
        pushf
        or dword [rsp], 0x4000          ; NT
        popf
        faults 13, 0, { iretq }
        pushf
        and dword [rsp], ~0x4000
        popf
        ; To compatibility mode.
        mov qword [rsp + 8], USER_CODE32
        mov qword [rsp], narrow
        iretq
        bits 32
narrow: mov eax, -1
        inc eax
        expect eax, 0
        mov ax, cs
        expect ax, USER_CODE32
        mov ax, USER_DATA32
        mov ds, ax
        leave_user32
        bits 64
        ; The handler is one of 64-bit code, and so is what it went on with.
        inc dword [turn]
        cmp dword [turn], TURNS
        jb next
        PASS
turn:   dd 0
        END_OF_PROGRAM
