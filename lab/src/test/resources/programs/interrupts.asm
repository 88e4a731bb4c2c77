; Interrupts from outside: IF, the shadows of STI and MOV SS, HLT, NMI, task priority, repeated instructions.
; Port F8 makes an interrupt of the vector that is written to it, port F9 an NMI.
%include "machine.inc"

; interrupted vector, label: the last event was that vector, and would have returned to the label.
%macro interrupted_at 3
        mov eax, %1
        cmp dword [SEEN_VECTOR], %2
        jne failed64
        cmp dword [SEEN_IP], %3
        jne failed64
        mov dword [SEEN_VECTOR], -1
%endmacro
%define interrupted interrupted_at __?LINE?__,
%macro raise 1
        mov al, %1
        out 0xf8, al
%endmacro

main16: enter_long main64
        bits 64
main64:
%ifdef QEMU                         ; which has no such ports
        PASS
%endif
        ; Nothing comes while IF is clear; after STI one instruction is done first.
        mov dword [SEEN_COUNT], 0
        raise 0x30 - 0x0f
        nop
        expect dword [SEEN_COUNT], 0
        mov dword [RESUME], a2
        xor ebx, ebx
        sti
        inc ebx
a1:     inc ebx
        FAIL
a2:     interrupted 0x21, a1
        expect ebx, 1
        expect dword [SEEN_TOP], STACK - 40
        test dword [SEEN_FLAGS], 0x200
        expect_if nz
        ; STI with IF set casts no shadow: an interrupt comes at once behind the OUT that raises it.
        mov dword [RESUME], b2
        sti
        nop
        raise 0x21
b1:     FAIL
b2:     interrupted 0x21, b1
        cli
        ; CLI behind STI: still nothing.
        mov dword [SEEN_COUNT], 0
        raise 0x21
        sti
        cli
        nop
        expect dword [SEEN_COUNT], 0
        ; HLT waits; STI and HLT together lose nothing.
        mov dword [RESUME], c2
        sti
        hlt
c1:     FAIL
c2:     interrupted 0x21, c1
        cli
        ; POPF and IRET cast no shadow.
        raise 0x21
        mov dword [RESUME], d2
        push qword 0x202
        popf
d1:     FAIL
d2:     interrupted 0x21, d1
        cli
        raise 0x21
        mov dword [RESUME], e2
        push qword 0
        push qword STACK
        push qword 0x202
        push qword CODE64
        push qword e1
        iretq
e1:     FAIL
e2:     interrupted 0x21, e1
        ; MOV SS casts one.
        cli
        raise 0x21
        push qword 0x202
        mov dword [RESUME], f2
        xor ebx, ebx
        xor ecx, ecx
        mov ss, cx
        popf                            ; in the shadow
f1:     FAIL
f2:     interrupted 0x21, f1
        cli
        ; NMI comes without IF, and no second one before IRET.
        mov eax, nmi
        mov [IDT + 2 * 16], ax
        shr eax, 16
        mov [IDT + 2 * 16 + 6], ax
        xor ebx, ebx
        out 0xf9, al
n1:     expect ebx, 2
        ; It ends a HLT with IF clear.
        xor ebx, ebx
        mov byte [FREE], 1
        cli
        out 0xf9, al
        expect ebx, 1

        ; Task priority: CR8.
        mov eax, 3
        mov cr8, rax
        mov rbx, cr8
        expect rbx, 3
        sti
        mov dword [SEEN_COUNT], 0
        raise 0x31
        nop
        nop
        expect dword [SEEN_COUNT], 0
        mov dword [RESUME], h2
        mov eax, 2
        mov cr8, rax
h1:     FAIL
h2:     interrupted 0x31, h1
        cli
        mov eax, 0x10
        faults 13, 0, { mov cr8, rax }

        ; REP OUTSB is interrupted between items and goes on where it was.
        mov esi, FREE + 0x100
        mov edi, esi
        mov ecx, 8
        mov al, 0x22
        rep stosb
        mov ecx, 8
        mov edx, 0xf8
        sti
        mov dword [RESUME], rep_on
rep_at: rep outsb
        jmp rep_end
rep_on: cli
        interrupted 0x22, rep_at
        mov eax, 8
        sub eax, ecx
        add eax, FREE + 0x100
        expect eax, esi
        jmp inputs
rep_end:
        cli
        expect ecx, 0
inputs:
        ; REP INSB over the end of what is mapped: #PF with the registers at the item.
        mov al, 0x5a
        out 0xfa, al
        mov edx, 0xfa
        mov edi, 0x200000 - 4
        mov ecx, 8
        faults 14, 2, { rep insb }
        expect ecx, 4
        expect edi, 0x200000
        expect dword [0x200000 - 4], 0x5a5a5a5a
        PASS

nmi:    inc ebx
        cmp byte [FREE], 0
        jne .end
        cmp ebx, 1
        jne .end
        out 0xf9, al                    ; waits until the IRET below
        nop
        expect ebx, 1
.end:   iretq
        END_OF_PROGRAM
