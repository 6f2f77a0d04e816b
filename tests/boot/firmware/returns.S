/*
 * returns.S: functions that stand for services (returns.c). Each makes the call with the caller's own
 * arguments, wherever they lie, and when the loader has called returns with other flags.
 */
    .set    FUNCTIONS, 128                  /* returns.c */

    .text
    .globl returns_functions
    .balign 16
returns_functions:
    .set    n, 0
    .rept   FUNCTIONS
    pushq   $n
    jmp     stand_for
    .balign 16
    .set    n, n + 1
    .endr

/* The return address is kept aside meanwhile, so that the arguments stay in their places; in such an
   order that an interrupt's own calls are none of ours. RAX, R10 and R11 are nobody's. */
stand_for:
    pop     %rax
    lea     returns_services(%rip), %r10
    mov     (%r10,%rax,8), %rax
    mov     (%rsp), %r11
    sub     returns_caller(%rip), %r11
    cmp     returns_caller+8(%rip), %r11
    jb      1f
    jmp     *%rax
1:  incq    depth(%rip)
    mov     depth(%rip), %r11
    lea     addresses(%rip), %r10
    pop     (%r10,%r11,8)
    call    *%rax
    mov     depth(%rip), %r11
    lea     addresses(%rip), %r10
    push    (%r10,%r11,8)
    decq    depth(%rip)
    pushfq
    mov     returns_set(%rip), %r11
    or      %r11, (%rsp)
    mov     returns_cleared(%rip), %r11
    not     %r11
    and     %r11, (%rsp)
    popfq
    ret

    .bss
    .balign 8
depth:
    .skip   8
addresses:
    .skip   8 * 64
