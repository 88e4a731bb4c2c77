; 64-bit mode: interrupts and faults with their frames, privilege changes, SYSCALL and SYSRET, system registers.
%include "machine.inc"
main16: enter_long main64
        bits 64
main64:
        ; A fault aligns the stack to 16 bytes and pushes SS, RSP, RFLAGS, CS, RIP, error code.
        mov rsp, STACK - 3
        faults 6, -1, ud2
        expect dword [SEEN_SP], STACK - 3
        expect dword [SEEN_TOP], STACK - 16 - 40
        expect dword [SEEN_CS], CODE64
        expect dword [SEEN_SS], 0
%ifndef QEMU                        ; which does not set RF in the frames of faults
        test dword [SEEN_FLAGS], 0x10000
        expect_if nz
%endif
        mov rsp, STACK

        ; Not canonical: #GP(0), through RSP or RBP: #SS(0).
        mov rax, 0x0000800000000000
        faults 13, 0, { mov cl, [rax] }
        mov rbp, rax
        faults_strictly 12, 0, { mov cl, [rbp] }
        faults_strictly 13, 0, { jmp rax }           ; which it finds when it fetches there

        ; A page that is not there: #PF, error code and CR2.
        faults 14, 0, { mov al, [0x200000] }
        expect dword [SEEN_CR2], 0x200000
        faults 14, 2, { mov [0x1ffffd], eax }
        expect dword [SEEN_CR2], 0x200000

        ; Software interrupts push the address behind them.
        traps 0x20, { int 0x20 }
        traps 3, { int3 }
        ; Vectors behind the IDT's limit: #GP(vector * 8 + 2).
        faults_strictly 13, 0x90 * 8 + 2, { int 0x90 }

        ; Selectors.
        mov ax, 0x1000
        faults 13, 0x1000, { mov ds, ax }
        mov ax, CODE32
        mov ds, ax
        mov ax, DATA32 | 3
        faults 13, DATA32, { mov ss, ax }
        xor eax, eax
        mov ss, ax
        mov ds, ax

        ; To privilege level 3 and back: the stack comes from the TSS.
        enter_user64 user
user:
        faults 13, 0, { hlt }
        expect dword [SEEN_SP], USER_STACK
        expect dword [SEEN_TOP], STACK2 - 48 + 8
        expect dword [SEEN_CS], USER_CODE64
        expect dword [SEEN_SS], USER_DATA32
        faults_strictly 13, 0x20 * 8 + 2, { int 0x20 }
        traps 3, { int3 }
        faults 13, 0, { mov rax, cr0 }
        faults 13, 0, { rdmsr }
        faults 13, 0, { lgdt [gdt_pointer] }
        leave_user64
        mov ax, cs
        expect ax, CODE64

        ; SYSCALL saves RIP and RFLAGS, clears what SFMASK says; SYSRET takes them back.
        mov ecx, 0xc0000081
        xor eax, eax
        mov edx, USER_CODE32 - 16 << 16 | CODE64
        wrmsr
        inc ecx
        mov eax, entry
        xor edx, edx
        wrmsr
        mov ecx, 0xc0000084
        mov eax, 0x401
        wrmsr
        enter_user64 caller
caller:
        std
        stc
        syscall
behind:
        expect_if c
        pushf
        pop rax
        expect eax, 0x3403
        cld
        mov ax, ss
        expect ax, USER_CODE32 - 16 + 8 | 3
        mov ax, cs
        expect ax, USER_CODE32 | 3
        mov dword [RESUME], entered
        int 0x30
entry:
        expect ecx, behind
        expect_if nc
        mov ax, ss
        expect ax, CODE64 + 8
        mov ax, cs
        expect ax, CODE64
        mov rax, r11
        expect eax, 0x3403
        pushf
        pop rax
        test eax, 0x400
        expect_if z
        o64 sysret
entered:
        ; The same as systems do it, again and again until nothing on the way has to be found first.
        mov ecx, 0xc0000084
        mov eax, 0x47fd5
        xor edx, edx
        wrmsr
        mov ecx, 0xc0000082
        mov eax, served
        wrmsr
        mov ebx, 3
        enter_user64 again
again:
        syscall
        mov ax, ss
        expect ax, USER_CODE32 - 16 + 8 | 3
        mov ax, cs
        expect ax, USER_CODE32 | 3
        dec ebx
        jnz again
        mov dword [RESUME], finished
        int 0x30
served:
        mov ax, ss
        expect ax, CODE64 + 8
        mov ax, cs
        expect ax, CODE64
        o64 sysret
finished:
        ; SWAPGS and the bases.
        mov ecx, 0xc0000101
        mov eax, 0x1234
        mov edx, 0xffff8000
        wrmsr
        mov ecx, 0xc0000102
        mov eax, 0x5678
        xor edx, edx
        wrmsr
        swapgs
        rdmsr
        expect eax, 0x1234
        expect edx, 0xffff8000
        ; Not canonical.
        mov edx, 0x8000
        faults_strictly 13, 0, { wrmsr }
        mov ecx, 0x12345678
        faults_strictly 13, 0, { rdmsr }

        ; Paging cannot go, nor PAE.
        mov rax, cr0
        btr rax, 31
        faults_strictly 13, 0, { mov cr0, rax }
        mov rax, cr4
        btr rax, 5
        faults_strictly 13, 0, { mov cr4, rax }
        PASS
        END_OF_PROGRAM
