; CMPXCHG16B with LOCK is one access also against locked accesses of another processor to its halves.
%define PROCESSORS 2
%include "machine.inc"
%define COUNTS 20000
%define PAIR   FREE
%define READY  (FREE + 0x100)
%define DONE   (FREE + 0x140)

main16: enter_long main64
        bits 16

other16:
        mov ax, FREE >> 4
        mov fs, ax
.ready: pause
        cmp byte [fs:READY - FREE], 1
        jne .ready
        lgdt [gdt_pointer - BASE]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword CODE32:other32
        bits 32
other32:
        mov eax, cr4
        or eax, 0x20
        mov cr4, eax
        mov eax, TABLES
        mov cr3, eax
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x100
        wrmsr
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        jmp CODE64:other64

        bits 64
; Counts each half by itself.
other64:
        mov ecx, COUNTS
.next:  lock inc qword [PAIR]
        mov eax, 1
        lock xadd [PAIR + 8], rax
        dec ecx
        jnz .next
        mov byte [DONE], 1
        jmp $

; Counts both halves together.
main64:
%ifdef QEMU                         ; whose second processor waits for a start-up interrupt
        PASS
%endif
        xor eax, eax
        mov [PAIR], rax
        mov [PAIR + 8], rax
        mov byte [READY], 1
        mov esi, COUNTS
.next:  mov rax, [PAIR]
        mov rdx, [PAIR + 8]
.again: lea rbx, [rax + 1]
        lea rcx, [rdx + 2]
        lock cmpxchg16b [PAIR]
        jnz .again
        dec esi
        jnz .next
.wait:  pause
        cmp byte [DONE], 1
        jne .wait
        expect qword [PAIR], 2 * COUNTS
        expect qword [PAIR + 8], 3 * COUNTS

        ; Not at a multiple of 16: #GP(0).
        faults 13, 0, { cmpxchg16b [PAIR + 8] }
        PASS
        END_OF_PROGRAM
