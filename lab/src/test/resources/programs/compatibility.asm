; IA-32e mode around 64-bit code: compatibility mode, gates of 64 bits, IST, SYSENTER, alignment check, I/O rights.
%include "machine.inc"

main16: enter_long main64
        bits 64
main64:
        ; IST: the stack is switched whatever the privilege level.
        mov qword [TSS + 36], STACK2 - 0x1005
        mov byte [IDT + 0x21 * 16 + 4], 1
        traps 0x21, { int 0x21 }
        expect dword [SEEN_TOP], STACK2 - 0x1010 - 40
        mov byte [IDT + 0x21 * 16 + 4], 0

        ; A far return to compatibility mode: addresses are 32 bits, INC has its short form, R8 is gone.
        push qword CODE32
        push qword compat
        o64 retf
        bits 32
compat: mov eax, -1
        inc eax
        expect eax, 0
        mov ax, DATA32
        mov ds, ax
        mov ss, ax
        mov eax, 0xfffffff0
        mov ecx, [eax + FREE + 0x10]    ; wraps at 4 GiB
        ; Faults go to 64-bit handlers, which push SS and RSP always.
        mov esp, STACK - 4
        faults 6, -1, ud2
        expect dword [SEEN_CS], CODE32
        expect dword [SEEN_SS], DATA32
        expect dword [SEEN_SP], STACK - 4
        mov esp, STACK
        ; Task gates, TSSs and 16-bit call gates are nothing here.
        faults 13, TASK, { jmp TASK:0 }
        descriptor 0, CODE64 << 16, 0x8400
        faults 13, selector(0), { call selector(0):0 }
        ; A 64-bit call gate: 16 bytes, pushes 8 bytes each.
        descriptor 0, (CODE64 << 16) + (gate_code - $$), 0x8c00 | BASE
        descriptor 1, 0, 0
        call selector(0):0
back:   jmp CODE64:long_again
        bits 64
gate_code:
        expect qword [rsp], back
        expect qword [rsp + 8], CODE32
        expect esp, STACK - 16
        o64 retf
long_again:
        xor eax, eax
        mov ds, ax
        mov ss, ax
        mov rsp, STACK
        ; From level 3 through the gate: SS becomes null, RSP comes from the TSS.
        descriptor 0, (CODE64 << 16) + (inner - $$), 0xec00 | BASE
        enter_user64 user
far_gate:
        dd 0
        dw selector(0)
user:   call dword far [far_gate]
user_back:
        expect rsp, USER_STACK
        ; A gate's upper half must be clean.
        jmp user_on
inner:  expect esp, STACK2 - 32
        expect dword [rsp], user_back
        expect dword [rsp + 8], USER_CODE64
        expect dword [rsp + 16], USER_STACK
        expect dword [rsp + 24], USER_DATA32
        mov ax, ss
        expect ax, 0
        o64 retf
user_on:
        ; Alignment check: CR0.AM and EFLAGS.AC, at level 3 only.
        leave_user64
        mov rax, cr0
        bts eax, 18
        mov cr0, rax
        enter_user64 aligned
aligned:
        mov eax, [FREE + 1]
        pushf
        or dword [rsp], 0x40000
        popf
        faults_strictly 17, 0, { mov eax, [FREE + 1] }
        faults_strictly 17, 0, { mov [FREE + 2], eax }
        faults_strictly 17, 0, { mov rax, [FREE + 4] }
        mov eax, [FREE + 4]
        mov ax, [FREE + 2]
        pushf
        and dword [rsp], ~0x40000
        popf
        mov eax, [FREE + 1]
        leave_user64
        pushf
        or dword [rsp], 0x40000
        popf
        mov eax, [FREE + 1]
        pushf
        and dword [rsp], ~0x40000
        popf

%ifndef QEMU                        ; whose SYSENTER in IA-32e mode depends on the vendor
        ; Compatibility mode at level 3; SYSENTER enters 64-bit code, SYSEXIT goes back to either.
        sysenter_to CODE64, sysenter_entry
        descriptor 0, 0x0000ffff, 0x00cffb00
        push qword USER_DATA32
        push qword USER_STACK
        push qword 0x3202
        push qword USER_CODE32
        push qword user_compat
        iretq
        bits 32
user_compat:
        mov ax, USER_DATA32
        mov ds, ax
        ; SYSCALL is undefined here for Intel's processors.
        faults 6, -1, syscall
        mov edx, sysexit_back
        mov ecx, USER_STACK - 0x20
        sysenter
        FAIL
sysexit_back:
        expect esp, USER_STACK - 0x20
        mov ax, cs
        expect ax, CODE64 + 16 | 3
        mov ax, ss
        expect ax, CODE64 + 24 | 3
        ; The table has no code segment of that number: nothing but INT 30 may follow.
        mov dword [RESUME], finish
        int 0x30
        bits 64
sysenter_entry:
        expect rsp, SYSENTER_STACK
        mov ax, cs
        expect ax, CODE64
        mov ax, ss
        expect ax, CODE64 + 8
        pushf
        pop rax
        test ah, 2
        expect_if z
        sysexit
finish:
%endif
        ; Ports: level 3 with IOPL 0 goes by the bitmap; what it saw is looked at afterwards.
        mov word [TSS + 102], 0x88
        mov dword [TSS + 0x88 + 0xf8 / 8 - 3], 0xffffffff
        mov byte [TSS + 0x88 + 0x80 / 8], 0xfe
        mov byte [TSS + 0x89 + 0x80 / 8], 0xff
        mov dword [FREE + 0x20], 0
        push qword USER_DATA32
        push qword USER_STACK
        push qword 2
        push qword USER_CODE64
        push qword ports
        iretq
ports:  in al, 0x80
        mov dword [RESUME], port1
        in ax, 0x80
        jmp port_end
port1:  cmp dword [SEEN_VECTOR], 13
        jne port_end
        mov dword [RESUME], port2
        out 0x81, al
        jmp port_end
port2:  cmp dword [SEEN_VECTOR], 13
        jne port_end
        mov dword [RESUME], port3
        cli
        jmp port_end
port3:  mov dword [FREE + 0x20], 1
port_end:
        leave_user64
        expect dword [FREE + 0x20], 1
        PASS
        END_OF_PROGRAM
