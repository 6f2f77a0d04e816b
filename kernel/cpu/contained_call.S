/*
 * contained_call.S: into code that is not ours and out of it, in two ways. Where our own stack is
 * stands in memory: of what comes back no register is believed.
 */
#include "cpu/trap_offsets.h"

    .bss
    .balign 8
contained_stack:
    .quad 0

    .text
/*
 * void contained_call_enter(struct contained_call *call): calls it, interrupts on meanwhile.
 * Interrupts are off before and after. What was returned goes to call->result.
 */
    .globl contained_call_enter
contained_call_enter:
    pushq %rbp
    movq %rsp, %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdi
    pushfq
    movq %rsp, contained_stack(%rip)
    movq CALL_STACK_TOP(%rdi), %rsp
    subq $48, %rsp                      /* four shadows, the fifth argument, and alignment */
    movq CALL_ARGUMENTS + 32(%rdi), %rax
    movq %rax, 32(%rsp)
    movq CALL_FUNCTION(%rdi), %rax
    movq CALL_ARGUMENTS + 16(%rdi), %r8
    movq CALL_ARGUMENTS + 24(%rdi), %r9
    movq CALL_ARGUMENTS(%rdi), %rcx
    movq CALL_ARGUMENTS + 8(%rdi), %rdx
    xorl %ebp, %ebp                     /* a backtrace ends here */
    movl $(CALL_PATTERN + 3), %ebx
    movl $(CALL_PATTERN + 6), %esi
    movl $(CALL_PATTERN + 7), %edi
    movl $(CALL_PATTERN + 12), %r12d
    movl $(CALL_PATTERN + 13), %r13d
    movl $(CALL_PATTERN + 14), %r14d
    movl $(CALL_PATTERN + 15), %r15d
    .irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    pcmpeqd %xmm\n, %xmm\n
    .endr
    sti
    call *%rax
    pushfq
    popq %rdx
    cli
    movq %rdi, %rcx
    movq contained_stack(%rip), %rsp
    movq 8(%rsp), %rdi
    movq %rax, CALL_RESULT(%rdi)
    movq %rdx, CALL_AFTER(%rdi)
    movq %rbx, CALL_AFTER + 8(%rdi)
    movq %rbp, CALL_AFTER + 16(%rdi)
    movq %rsi, CALL_AFTER + 24(%rdi)
    movq %rcx, CALL_AFTER + 32(%rdi)
    movq %r12, CALL_AFTER + 40(%rdi)
    movq %r13, CALL_AFTER + 48(%rdi)
    movq %r14, CALL_AFTER + 56(%rdi)
    movq %r15, CALL_AFTER + 64(%rdi)
    .irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movdqu %xmm\n, CALL_AFTER + 72 + 16 * (\n - 6)(%rdi)
    .endr
leave:
    popfq                               /* IF off; DF, AC, NT, TF as they were */
    popq %rdi
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    cld
    ret

/* Where a trap is sent that ends the call, interrupts off, on any stack. */
    .globl contained_call_leave
contained_call_leave:
    movq contained_stack(%rip), %rsp
    jmp leave
