; User code at one address of several address spaces: what is there after CR3 was loaded with and without leave to
; keep translations, and after each way to forget them.
%include "machine.inc"
%define PCIDE (1 << 17)
%define PGE   (1 << 7)
%define KEEP  (1 << 63)
%define DESCRIPTOR FREE
%define OTHER_TABLES (FREE + 0x10000)
%define CODE  (FREE + 0x20000)
%define ONE   CODE
%define TWO   (FREE + 0x21000)
%define ENTRY       (TABLES + 0x3000 + (CODE >> 12) * 8)
%define OTHER_ENTRY (OTHER_TABLES + 0x3000 + (CODE >> 12) * 8)
%define FIRST  (TABLES | 1)
%define SECOND (OTHER_TABLES | 2)

; finds cr3, number: with that in CR3 user code finds code that gives the number.
%macro finds_at 3
        mov rax, %2
        mov cr3, rax
        call ask
        expect_at %1, ebx, %3
%endmacro
%define finds finds_at __?LINE?__,

main16: enter_long main64
        bits 64
main64: mov eax, 1
        cpuid
        test ecx, 1 << 17
%ifdef QEMU                         ; which need not have PCIDs
        jnz has
        PASS
has:
%else
        expect_if nz
%endif
        mov esi, TABLES
        mov edi, OTHER_TABLES
        mov ecx, 4 * 4096 / 8
        rep movsq
        mov dword [OTHER_TABLES], OTHER_TABLES + 0x1007
        mov dword [OTHER_TABLES + 0x1000], OTHER_TABLES + 0x2007
        mov dword [OTHER_TABLES + 0x2000], OTHER_TABLES + 0x3007
        mov qword [OTHER_ENTRY], TWO | 7
        mov rax, 0xc300000001bb     ; MOV EBX, 1; RET
        mov [ONE], rax
        mov rax, 0xc300000002bb     ; MOV EBX, 2; RET
        mov [TWO], rax
        mov rax, cr4
        or eax, PCIDE
        mov cr4, rax

        ; Each space has its own code, whoever was there last.
        mov r12d, 60
turn:   finds FIRST | KEEP, 1
        finds SECOND | KEEP, 2
        dec r12d
        jnz turn

        ; Without KEEP a load looks again.
        mov qword [ENTRY], TWO | 7
        finds FIRST, 2
        finds SECOND | KEEP, 2
        mov qword [ENTRY], ONE | 7
        finds FIRST, 1
        finds SECOND | KEEP, 2

        ; So does one behind each type of INVPCID, which may be for a space that is not in force.
        mov qword [DESCRIPTOR], 1
        mov qword [DESCRIPTOR + 8], CODE
        xor r13d, r13d
type:   mov qword [ENTRY], TWO | 7
        mov rax, r13
        invpcid rax, [DESCRIPTOR]
        finds FIRST | KEEP, 2
        finds SECOND | KEEP, 2
        mov qword [ENTRY], ONE | 7
        mov rax, r13
        invpcid rax, [DESCRIPTOR]
        finds FIRST | KEEP, 1
        finds SECOND | KEEP, 2
        inc r13d
        cmp r13d, 4
        jb type

        ; INVLPG is for the space in force.
        mov qword [OTHER_ENTRY], ONE | 7
        invlpg [CODE]
        call ask
        expect ebx, 1
        finds FIRST | KEEP, 1
        mov qword [ENTRY], TWO | 7
        invlpg [CODE]
        call ask
        expect ebx, 2
        finds SECOND | KEEP, 1

        ; A change of CR4.PGE forgets what all spaces had.
        mov qword [ENTRY], ONE | 7
        mov rax, cr4
        xor eax, PGE
        mov cr4, rax
        finds FIRST | KEEP, 1
        mov qword [OTHER_ENTRY], TWO | 7

        ; One identifier may name another space each time.
        mov r12d, 20
same:   finds FIRST, 1
        finds OTHER_TABLES | 1, 2
        dec r12d
        jnz same

        ; More spaces than anyone can tell apart, one of which stays.
        mov rax, SECOND
        mov cr3, rax
        mov r12d, 300
many:   finds SECOND | KEEP, 2
        mov r13d, 20
load:   mov rax, FIRST
        mov cr3, rax
        dec r13d
        jnz load
        call ask
        expect ebx, 1
        dec r12d
        jnz many
        PASS

; Lets user code call what is at CODE; returns what that gives in EBX.
ask:    enter_user64 user
user:   xor ebx, ebx
        mov eax, CODE
        call rax
        leave_user64
        sub rsp, 8
        ret
        END_OF_PROGRAM
