; REP MOVS and REP STOS over several pages that lie anywhere: whole, with elements across a border, where source and
; destination overlap, and up to a page that is not there.
%include "machine.inc"
%define SOURCE (FREE + 0x10000)
%define TARGET (FREE + 0x20000)
%define PT     (TABLES + 0x3000)
%define COUNT  (3 * 4096 + 100)

main16: enter_long main64
        bits 64
main64:
        ; The pages of the target follow each other downwards in memory.
        xor ecx, ecx
page:   mov eax, TARGET + 0xf000
        mov edx, ecx
        shl edx, 12
        sub eax, edx
        or eax, 7
        mov [PT + (TARGET >> 12) * 8 + rcx * 8], rax
        inc ecx
        cmp ecx, 16
        jb page
        mov rax, cr3
        mov cr3, rax

        mov r12d, 40
again:
        ; The source has a sum of its own at each place.
        xor ecx, ecx
fill:   mov eax, ecx
        imul eax, eax, 0x9e3779b1
        add eax, r12d
        shr eax, 13
        mov [SOURCE + rcx], al
        inc ecx
        cmp ecx, 0x6000
        jb fill

        ; Bytes, from and to places that are differently far from a border.
        mov esi, SOURCE + 77
        mov edi, TARGET + 1234
        mov ecx, COUNT
        rep movsb
        expect rcx, 0
        expect rsi, SOURCE + 77 + COUNT
        expect rdi, TARGET + 1234 + COUNT
        mov esi, SOURCE + 77
        mov edi, TARGET + 1234
        mov ecx, COUNT
        call same

        ; Quadwords across borders.
        mov esi, SOURCE + 5
        mov edi, TARGET + 3
        mov ecx, COUNT / 8
        rep movsq
        expect rsi, SOURCE + 5 + COUNT / 8 * 8
        expect rdi, TARGET + 3 + COUNT / 8 * 8
        mov esi, SOURCE + 5
        mov edi, TARGET + 3
        mov ecx, COUNT / 8 * 8
        call same

        ; A destination behind the source is filled with what lies between.
        mov esi, TARGET + 4000
        mov edi, TARGET + 4003
        mov ecx, COUNT
        mov dword [TARGET + 4000], 0x00332211
        rep movsb
        mov edi, TARGET + 4000
        mov ecx, COUNT / 3
three:  cmp word [rdi], 0x2211
        jne wrong
        cmp byte [rdi + 2], 0x33
        jne wrong
        add edi, 3
        dec ecx
        jnz three

        ; Words and doublewords stored across borders.
        mov edi, TARGET + 1
        mov ecx, COUNT / 2
        mov eax, 0x5aa5
        rep stosw
        expect rdi, TARGET + 1 + COUNT / 2 * 2
        mov edi, TARGET + 1
        mov ecx, COUNT / 2
words:  cmp word [rdi], 0x5aa5
        jne wrong
        add edi, 2
        dec ecx
        jnz words
        mov edi, TARGET + 2
        mov ecx, COUNT / 4
        mov eax, r12d
        rep stosd
        mov edi, TARGET + 2
        mov ecx, COUNT / 4
        mov edx, ecx
        repe scasd
        expect_if e
        expect rcx, 0

        ; What comes before a page that is not there is done.
        mov qword [PT + ((TARGET >> 12) + 2) * 8], 0
        invlpg [TARGET + 0x2000]
        mov esi, SOURCE
        mov edi, TARGET + 10
        mov ecx, COUNT
        faults 14, 2, { rep movsb }
        expect rcx, COUNT - 8182
        expect rsi, SOURCE + 8182
        expect rdi, TARGET + 0x2000
        mov esi, SOURCE
        mov edi, TARGET + 10
        mov ecx, 8182
        call same
        mov rax, TARGET + 0xd000 | 7
        mov [PT + ((TARGET >> 12) + 2) * 8], rax

        dec r12d
        jnz again

        ; Nothing at all touches nothing.
        xor ecx, ecx
        mov rdi, -1
        rep stosb
        rep movsq
        expect rdi, -1
        PASS

; ECX bytes at RSI and RDI are to be the same.
same:   mov al, [rsi]
        cmp al, [rdi]
        jne wrong
        inc esi
        inc edi
        dec ecx
        jnz same
        ret
wrong:  FAIL
        END_OF_PROGRAM
