/*
 * entered.S: the loader, or a function of its own, is entered with other flags (entered.c).
 */
    .text
/* Stands at the loader's first instruction, once: puts back what was there. RAX, R10 and R11 are nobody's. */
    .globl entered_first
entered_first:
    mov     entered_place(%rip), %r10
    mov     entered_code(%rip), %rax
    mov     %rax, (%r10)
    mov     entered_code+8(%rip), %rax
    mov     %rax, 8(%r10)
    pushfq
    mov     entered_set(%rip), %rax
    or      %rax, (%rsp)
    mov     entered_cleared(%rip), %rax
    not     %rax
    and     %rax, (%rsp)
    popfq
    jmp     *%r10

/* entered_load(RCX protocol, RDX path, R8 policy, R9 size, buffer): EFI_LOAD_FILE2_PROTOCOL, with the
   direction flag set. */
    .globl entered_load
entered_load:
    sub     $0x28, %rsp                     /* four homes and the fifth argument */
    mov     0x28 + 8 + 0x20(%rsp), %rax
    mov     %rax, 0x20(%rsp)
    std
    call    *(%rcx)
    cld
    add     $0x28, %rsp
    ret
