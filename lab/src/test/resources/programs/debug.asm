; Debug exceptions: single step, instruction, data and I/O breakpoints, RF, general detect, MOV SS.
%include "machine.inc"
main16: enter_long main64
        bits 64

; traced label, bits: the last debug trap was at a label with these low 16 bits of DR6.
%macro trapped_at 3
        cmp dword [SEEN_VECTOR], 1
        jne %%wrong
        cmp dword [SEEN_IP], %2
        jne %%wrong
        mov rax, dr6
        and eax, 0xe00f
        cmp eax, %3
        je %%right
%%wrong:
        mov eax, %1
        jmp failed64
%%right:
        xor eax, eax
        mov dr6, rax
%endmacro
%define trapped trapped_at __?LINE?__,

main64: ; Reserved bits of DR6 and DR7; DR4 and DR5.
        mov rax, dr6
        expect eax, 0xffff0ff0
        mov rax, dr7
        expect eax, 0x400
        mov eax, 0x5555
        mov dr0, rax
        mov dr3, rax
        xor eax, eax
        mov rax, dr3
        expect eax, 0x5555
        mov rax, dr4
        expect eax, 0xffff0ff0
        mov rax, cr4
        or al, 8
        mov cr4, rax
        faults 6, -1, { mov rax, dr4 }
        xor eax, eax
        bts rax, 32
        faults 13, 0, { mov dr7, rax }
        faults 13, 0, { mov dr6, rax }

        ; Single step: the trap comes after the instruction behind the one that sets TF.
        mov dword [RESUME], step1
        pushf
        or dword [rsp], 0x100
        popf
        nop
step1_at:
        nop
        FAIL
step1:  trapped step1_at, 0x4000
        and dword [SEEN_FLAGS], 0x100
        expect_if nz
        ; An instruction breakpoint is a fault; RF lets the instruction run.
        mov eax, bp1
        mov dr0, rax
        mov eax, 0x401
        mov dr7, rax
        mov dword [RESUME], bp1_hit
        xor ecx, ecx
bp1:    inc ecx
        FAIL
bp1_hit:
        trapped bp1, 1
        expect ecx, 0
        ; Once more, returning to the instruction with RF set.
        mov dword [SEEN_COUNT], 0
        push qword 0
        push qword STACK
        push qword 0x10002
        push qword CODE64
        push qword bp1_again
        mov eax, bp1_again
        mov dr0, rax
        iretq
bp1_again:
        inc ecx
        expect ecx, 1
        expect dword [SEEN_COUNT], 0

        ; Data: the trap comes behind the access. Four bytes, writes only; neighbours do not count.
        mov eax, FREE + 0x100
        mov dr1, rax
        mov eax, 0x00d00404
        mov dr7, rax
        mov dword [SEEN_COUNT], 0
        mov ecx, [FREE + 0x100]
        mov byte [FREE + 0xff], 5
        mov byte [FREE + 0x104], 5
        expect dword [SEEN_COUNT], 0
        mov dword [RESUME], wrote1
        mov word [FREE + 0xff], 5
wrote1_at:
        nop
        FAIL
wrote1: trapped wrote1_at, 2
        mov dword [RESUME], wrote2
        push qword 7
        pop qword [FREE + 0xfc]
wrote2_at:
        FAIL
wrote2: trapped wrote2_at, 2
        ; The page's other bytes are still found when a string is written through it.
        mov dword [RESUME], wrote3
        mov edi, FREE + 0xf0
        mov ecx, 64
        rep stosb
        FAIL
wrote3: expect ecx, 64 - 17
        expect edi, FREE + 0x101
        xor eax, eax
        mov dr6, rax
        ; Reads and writes, one byte.
        mov eax, 0x00300404
        mov dr7, rax
        mov dword [RESUME], read1
        mov rcx, [FREE + 0xf9]
read1_at:
        FAIL
read1:  trapped read1_at, 2

        ; MOV SS holds a trap off until the instruction behind it is done.
        mov eax, 0x400
        mov dr7, rax
        xor edx, edx
        mov [FREE + 0x100], edx
        mov dword [SEEN_COUNT], 0
        mov eax, 0x00f00404
        mov dr7, rax
%ifndef QEMU                        ; which lets it through
        mov dword [RESUME], shadow
        mov ss, [FREE + 0x100]
        inc edx
shadow_at:
        FAIL
shadow: trapped shadow_at, 2
        expect edx, 1
%endif

%ifdef QEMU                         ; which has none of the rest
        PASS
%endif
        ; Ports, with CR4.DE.
        mov eax, 0x80
        mov dr2, rax
        mov eax, 0x02000410
        mov dr7, rax
        mov dword [RESUME], port
        out 0x80, al
port_at:
        FAIL
port:   trapped port_at, 4

        ; General detect: any access to a debug register faults, and GD is off in the handler.
        mov eax, 0x2400
        mov dr7, rax
        mov dword [RESUME], detect
detect_at:
        mov rbx, dr0
        FAIL
detect: trapped detect_at, 0x2000
        mov rax, dr7
        expect eax, 0x400

        ; INT1 is no debug trap of DR6's.
        traps 1, { int1 }
        mov rax, dr6
        expect eax, 0xffff0ff0
        ; TF is off in a handler, and INT n leaves no trap behind.
        mov dword [SEEN_COUNT], 0
        PASS
        END_OF_PROGRAM
