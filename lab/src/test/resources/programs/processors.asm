; Two processors: code that the other writes, locked counters, plain accesses seen in order.
%define PROCESSORS 2
%include "machine.inc"
%define ROUNDS 3000
%define COUNTS 20000
%define FLAG   (0x40000 + 0x100)        ; written behind each change of the code
%define SEEN_FLAG (0x40000 + 0x140)     ; what the reader has seen
%define DONE   (0x40000 + 0x180)
%define COUNTER (0x40000 + 0x200)
%define SPLIT  (0x40000 + 0x23e)        ; across two cache lines
%define PAGES  (0x40000 + 0xffe)        ; across two pages
%define MIXED  (0x40000 + 0x27e)        ; across two lines; the other processor counts in its upper half
%define READY  (0x40000 + 0x1c0)

; 16-bit code; FS is at 40000 in both processors.
%define far(x) ((x) - 0x40000)

main16:
%ifdef QEMU                         ; whose second processor waits for a start-up interrupt
        PASS
%endif
        mov ax, 0x4000
        mov fs, ax
        xor eax, eax
        mov [fs:far(FLAG)], eax
        mov byte [fs:far(READY)], 1
        ; Changes the constant that the other's routine returns, then tells it.
        mov cx, ROUNDS
        mov eax, 1
change: mov [constant - BASE], eax
        mov [fs:far(FLAG)], eax
        inc eax
        ; Plain data in the same page as the code.
        mov [beside - BASE], eax
        loop change
        mov cx, COUNTS
        mov dword [fs:far(FLAG)], -1
mixed:  lock inc dword [fs:far(MIXED)]
        loop mixed
wait1:  pause
        cmp byte [fs:far(DONE)], 0
        je wait1
        call count
        lock inc dword [fs:far(DONE)]
wait2:  pause
        cmp dword [fs:far(DONE)], 3
        jne wait2
        expect word [fs:far(MIXED)], COUNTS
        expect word [fs:far(MIXED) + 2], COUNTS
        expect dword [fs:far(COUNTER)], 2 * COUNTS
        expect dword [fs:far(COUNTER) + 4], 2 * COUNTS
        expect dword [fs:far(COUNTER) + 8], 2 * COUNTS
        expect dword [fs:far(SPLIT)], 2 * COUNTS
        expect dword [fs:far(PAGES)], 2 * COUNTS
        PASS

other16:
        mov ax, 0x4000
        mov fs, ax
        mov ss, ax
        mov sp, 0xf000
ready:  pause
        cmp byte [fs:far(READY)], 1
        jne ready
look:   mov esi, [fs:far(FLAG)]
        ; Who executes what another processor has changed must serialize before (SDM Vol. 3A 9.1.3).
        cpuid
        cmp esi, -1
        je looked
        call routine
        cmp eax, esi
        jae look
        FAIL
looked: call routine
        expect eax, ROUNDS
        mov cx, COUNTS
mixed2: lock inc word [fs:far(MIXED) + 2]
        loop mixed2
        mov byte [fs:far(DONE)], 1
        call count
        lock inc dword [fs:far(DONE)]
        jmp $

; Counts in five ways together with the other processor.
count:  mov cx, COUNTS
.next:  lock inc dword [fs:far(COUNTER)]
        mov eax, 1
        lock xadd [fs:far(COUNTER) + 4], eax
.again: mov eax, [fs:far(COUNTER) + 8]
        lea edx, [eax + 1]
        lock cmpxchg [fs:far(COUNTER) + 8], edx
        jne .again
        lock inc dword [fs:far(SPLIT)]
        lock inc dword [fs:far(PAGES)]
        loop .next
        ret

        align 4096
routine:
        db 0x66, 0xb8                   ; mov eax, constant
constant:
        dd 0
        ret
beside: dd 0
        END_OF_PROGRAM
