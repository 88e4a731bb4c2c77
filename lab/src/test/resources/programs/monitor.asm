; MONITOR and MWAIT: switched on by IA32_MISC_ENABLE, for the kernel alone, ended by another processor's write.
%define PROCESSORS 2
%include "machine.inc"
%define ROUNDS 200
%define LINE   FREE
%define TURN   (FREE + 0x100)

%define MISC_ENABLE 0x1a0
%define MONITOR_ENABLE (1 << 18)

main16: enter_long main64
        bits 16

; Writes to the line each time that the first processor has given it the turn.
other16:
        mov ax, FREE >> 4
        mov fs, ax
        xor eax, eax
.next:  inc eax
.turn:  pause
        cmp [fs:TURN - FREE], eax
        jne .turn
        mov cx, 500
        loop $
        mov [fs:LINE - FREE + 0x38], eax
        jmp .next

        bits 64
main64:
%ifdef QEMU                         ; whose second processor waits for a start-up interrupt
        PASS
%endif
        mov dword [TURN], 0
        mov dword [LINE + 0x38], 0

        ; Firmware leaves it off: CPUID does not tell of it.
        mov eax, 1
        cpuid
        test ecx, 8
        expect_if z
        mov eax, LINE
        xor ecx, ecx
        xor edx, edx
        faults 6, -1, monitor
        faults 6, -1, mwait

        mov ecx, MISC_ENABLE
        rdmsr
        or eax, MONITOR_ENABLE
        wrmsr
        rdmsr
        test eax, MONITOR_ENABLE
        expect_if nz
        mov eax, 1
        cpuid
        test ecx, 8
        expect_if nz
        mov eax, 5
        cpuid
        expect eax, 64
        expect ebx, 64
        expect ecx, 3
        expect edx, 0

        ; Hints in EDX and EAX may be anything; extensions may not.
        mov eax, LINE
        mov ecx, 1
        faults 13, 0, monitor
        mov ecx, 2
        faults 13, 0, mwait
        mov rcx, 1 << 32
        faults 13, 0, monitor
        faults 13, 0, mwait
        ; The address is read.
        xor ecx, ecx
        mov eax, 0x200000
        faults 14, 0, monitor
        mov rax, 1 << 47
        faults 13, 0, monitor

        ; Not for users.
        enter_user64 user
user:   mov eax, LINE
        xor ecx, ecx
        faults 6, -1, monitor
        faults 6, -1, mwait
        leave_user64

        ; With nothing watched it does not wait.
        xor ecx, ecx
        xor eax, eax
        mwait

        xor esi, esi
.round: inc esi
        mov [TURN], esi
.again: mov eax, LINE
        xor ecx, ecx
        xor edx, edx
        monitor
        cmp [LINE + 0x38], esi
        je .done
        mov eax, 0x20
        mov ecx, 1
        mwait
        jmp .again
.done:  cmp esi, ROUNDS
        jb .round
        PASS
        END_OF_PROGRAM
