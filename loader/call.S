/*
 * call.S: where every indirect call of the loader's goes, by -mretpoline-external-thunk, with its
 * target in R11. All that leads into firmware is among them.
 *
 * UEFI 2.10, 2.3.4: a service returns with the direction flag clear and interrupts as they were. One
 * that does not would have our copies run backwards (REP MOVS), and those of the next service. So each
 * call ends with the flags that call_flags says.
 *
 * The arguments beyond the fourth are copied, for this call has a return address of its own: eight, more than any
 * service has. There is no state, so that calls may nest.
 */
    .set    HOMES, 4
    .set    ARGUMENTS, 8
    .set    FRAME, 8 * (HOMES + ARGUMENTS) + 8   /* aligns the stack */

    .text
    .globl __x86_indirect_thunk_r11
__x86_indirect_thunk_r11:
    sub     $FRAME, %rsp
    .set    n, HOMES
    .rept   ARGUMENTS
    mov     FRAME + 8 + 8 * n(%rsp), %rax
    mov     %rax, 8 * n(%rsp)
    .set    n, n + 1
    .endr
    call    *%r11
    pushfq
    pop     call_flags+8(%rip)
    push    call_flags(%rip)
    popfq
    add     $FRAME, %rsp
    ret
