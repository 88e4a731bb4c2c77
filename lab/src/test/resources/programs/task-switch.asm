; Task switches between 32- and 16-bit tasks: by JMP, CALL, IRET, interrupt and exception.
%include "machine.inc"

%define TSS2 FREE
%define TSS3 (FREE + 0x200)
%define STACK3 0x50000

; A 32-bit TSS at an address: start, stack, code selector, data selector, flags.
%macro tss32 6
        mov edi, %1
        xor eax, eax
        mov ecx, 27
        rep stosd
        mov dword [%1 + 32], %2
        mov dword [%1 + 36], %6
        mov dword [%1 + 56], %3
        mov dword [%1 + 72], %5
        mov dword [%1 + 76], %4
        mov dword [%1 + 80], %5
        mov dword [%1 + 84], %5
        mov dword [%1 + 102], 104 << 16
%endmacro

main16: enter_protected main32
        bits 32
main32:
        descriptor 0, (TSS2 & 0xffff) << 16 | 103, 0x8900 | TSS2 >> 16
        descriptor 1, (TSS3 & 0xffff) << 16 | 103, 0x8900 | TSS3 >> 16
        expect byte [gdt + TASK + 5], 0x8b

        ; JMP to a task saves the old one, and makes it available again; CR0.TS is set.
        tss32 TSS2, second, STACK3, CODE32, DATA32, 2
        mov dword [TSS2 + 40], 0x12345678
        mov ebx, 0xabcd
        clts
        jmp selector(0):0
first:  expect ebx, 0xabcd
        expect esp, STACK
        expect byte [spare + 5], 0x89
        expect byte [gdt + TASK + 5], 0x8b
        str ax
        expect ax, TASK
        jmp call_task
second: expect eax, 0x12345678
        expect esp, STACK3
        expect dword [TSS + 32], first
        expect dword [TSS + 52], 0xabcd
        expect dword [TSS + 56], STACK
        expect word [TSS + 76], CODE32
        expect byte [spare + 5], 0x8b
        expect byte [gdt + TASK + 5], 0x89
        expect word [TSS2], 0
        pushf
        pop eax
        test ah, 0x40
        expect_if z
        mov eax, cr0
        test al, 8
        expect_if nz
        jmp TASK:0
        FAIL

call_task:
        ; CALL links the tasks, sets NT, leaves both busy; IRET goes back.
        tss32 TSS2, nested, STACK3, CODE32, DATA32, 2
        call selector(0):0
after_call:
        expect byte [spare + 5], 0x89
        expect byte [gdt + TASK + 5], 0x8b
        pushf
        pop eax
        test ah, 0x40
        expect_if z
        ; The saved flags of the nested task have NT clear.
        test byte [TSS2 + 37], 0x40
        expect_if z
        expect dword [TSS2 + 32], after_iret
        ; Called again it goes on behind its IRET.
        call selector(0):0
        jmp errors
nested: expect word [TSS2], TASK
        expect byte [spare + 5], 0x8b
        expect byte [gdt + TASK + 5], 0x8b
        pushf
        pop eax
        test ah, 0x40
        expect_if nz
        ; The caller is busy.
        faults 13, TASK, { call TASK:0 }
        iret
after_iret:
        iret

errors: ; What is no task, not present, too short.
        faults 13, SPARE + 0x38, { call SPARE + 0x38:0 }
        descriptor 2, (TSS2 & 0xffff) << 16 | 103, 0x0900 | TSS2 >> 16
        faults 11, selector(2), { call selector(2):0 }
        descriptor 2, (TSS2 & 0xffff) << 16 | 102, 0x8900 | TSS2 >> 16
        faults 10, selector(2), { call selector(2):0 }
        expect byte [spare + 2 * 8 + 5], 0x89

        ; A bad segment in the new task: #TS at its first instruction, in its own context.
        tss32 TSS2, never, STACK3, CODE32, DATA32, 2
        mov word [TSS2 + 84], CODE16
        or byte [gdt + CODE16 + 5], 0
        mov byte [gdt + CODE16 + 5], 0x98
        mov dword [RESUME], bad_data
        jmp selector(0):0
never:  FAIL
bad_data:
        mov ax, DATA32
        mov ds, ax
        expect dword [SEEN_VECTOR], 10
        expect dword [SEEN_ERROR], CODE16
%ifndef QEMU                        ; where it is the jump's
        expect dword [SEEN_IP], never
%endif
        expect dword [SEEN_TOP], STACK3 - 12
        str ax
        expect ax, selector(0)
        mov byte [gdt + CODE16 + 5], 0x9a
        ; Back to the first task by hand.
        mov dword [TSS + 32], again
        jmp TASK:0
again:
        ; A task gate in the IDT: the handler finds the interrupted program in its link; an error code is pushed.
        tss32 TSS2, gate_task, STACK3, CODE32, DATA32, 2
        mov dword [IDT + 13 * 8], selector(0) << 16
        mov dword [IDT + 13 * 8 + 4], 0x8500
        mov ax, 0x200
faulty:   mov fs, ax
        expect ax, 0x200
        jmp sixteen
gate_task:
        expect word [TSS2], TASK
        expect esp, STACK3 - 4
        expect dword [esp], 0x200
        expect dword [TSS + 32], faulty
        mov dword [TSS + 32], faulty + 2
        add esp, 4
        iret

sixteen:
        ; A 16-bit task.
        mov edi, TSS3
        xor eax, eax
        mov ecx, 11
        rep stosd
        mov word [TSS3 + 14], word_task - BASE
        mov word [TSS3 + 16], 2
        mov word [TSS3 + 18], 0x1234
        mov word [TSS3 + 26], 0x8000
        mov word [TSS3 + 34], DATA16
        mov word [TSS3 + 36], CODE16
        mov word [TSS3 + 38], DATA16
        mov word [TSS3 + 40], DATA16
        descriptor 1, (TSS3 & 0xffff) << 16 | 43, 0x8100 | TSS3 >> 16
        call selector(1):0
        expect word [TSS3 + 18], 0x4321
        expect word [TSS3 + 14], word_end - BASE
        expect byte [spare + 8 + 5], 0x81
        expect esp, STACK

%ifdef QEMU
        PASS
%endif
        ; The T flag of a TSS: a debug trap before the first instruction.
        tss32 TSS2, traced, STACK3, CODE32, DATA32, 2
        mov word [TSS2 + 100], 1
        xor eax, eax
        mov dr6, eax
        mov dword [RESUME], traced_on
        call selector(0):0
        PASS
traced: FAIL
traced_on:
        expect dword [SEEN_VECTOR], 1
        expect dword [SEEN_IP], traced
        mov eax, dr6
        test ah, 0x80
        expect_if nz
        iret
        bits 16
word_task:
        expect ax, 0x1234
        expect sp, 0x8000
        pushf
        pop ax
        test ah, 0x40
        expect_if nz
        mov ax, 0x4321
        iret
word_end:
        END_OF_PROGRAM
