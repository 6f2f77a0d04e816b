/*
 * void context_switch(struct thread *from, struct thread *to)
 *
 * Leaves the kernel stack of `from` and goes on on that of `to`, where an earlier
 * context_switch() left it (or thread_initialize() made it look so).
 * The page-table root is the thread's own: it is read from `to` and from nowhere else
 * (invariant 1). CR3 is not loaded when it holds that root already: what is
 * compared is the register itself, not a copy of it.
 *
 * Called with interrupts off and the run queue's lock held; returns, on the
 * other stack, with both unchanged. Saves what the System V ABI says a callee saves.
 */
#define THREAD_PAGE_TABLE_ROOT 0        /* asserted in thread.h */
#define THREAD_STACK_POINTER   8

    .text
    .balign 16
    .globl context_switch
context_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, THREAD_STACK_POINTER(%rdi)
    movq THREAD_STACK_POINTER(%rsi), %rsp
    movq THREAD_PAGE_TABLE_ROOT(%rsi), %rax
    movq %cr3, %rcx
    cmpq %rax, %rcx
    je 1f
    movq %rax, %cr3
1:  popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret

/*
 * thread_begin: where a new thread's first context_switch() returns to, with
 * its entry function in RBX and the argument in R12. The run queue's lock is
 * still held, interrupts are off.
 */
    .balign 16
    .globl thread_begin
thread_begin:
    xorl %ebp, %ebp
    call scheduler_begin_thread
    sti
    movq %r12, %rdi
    call *%rbx
    call thread_exit
    ud2
