; More pieces of code than a processor keeps decoded: what it has made of others must still change when their bytes do.
%include "machine.inc"
%define CHANGING FREE                ; mov eax, imm32; ret
%define BESIDE   (FREE + 0x800)      ; of the same page, and no code
%define MUCH     (FREE + 0x10000)
%define PIECES   70000

main16: enter_long main64
        bits 64
main64:
        mov byte [CHANGING], 0xb8
        mov dword [CHANGING + 1], 1
        mov byte [CHANGING + 5], 0xc3
        ; CLTS, after which nothing is decoded ahead.
        mov edi, MUCH
        mov ecx, PIECES
        mov ax, 0x060f
        rep stosw
        mov byte [rdi], 0xc3

        mov ebx, 1                  ; what the function returns now
        mov r8d, 3
round:
        mov ecx, 10
often:  mov eax, CHANGING
        call rax
        expect eax, ebx
        loop often

        mov eax, MUCH
        call rax

        ; A write to data of the page is one to a page of code, and not the last.
        mov dword [BESIDE], ebx
        inc ebx
        mov dword [CHANGING + 1], ebx
        mov eax, CHANGING
        call rax
        expect eax, ebx

        ; The much code itself, near its end.
        mov word [MUCH + (PIECES - 1) * 2], 0xc031   ; xor eax, eax
        mov eax, MUCH
        call rax
        expect eax, 0
        mov word [MUCH + (PIECES - 1) * 2], 0x060f
        mov eax, MUCH
        call rax
        expect eax, MUCH

        dec r8d
        jnz round
        PASS
END_OF_PROGRAM
