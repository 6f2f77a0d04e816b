/*
 * trap_entry.S: every way into the kernel and out of it.
 *
 * Each way in builds a struct trap_frame (trap.h) at the top of a kernel stack
 * and calls C with its address. Interrupts are off (all gates are interrupt
 * gates, SYSCALL clears IF), the direction flag is cleared, AC too where SMAP
 * gives it a meaning.
 */
#include "cpu/trap_offsets.h"

/* In the order of struct trap_frame, from its end. */
    .macro PUSH_REGISTERS
    pushq %rcx
    pushq %rax
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r15
    pushq %r14
    pushq %r13
    pushq %r12
    pushq %r11
    pushq %r10
    pushq %r9
    pushq %r8
    .endm

    .macro POP_REGISTERS
    popq %r8
    popq %r9
    popq %r10
    popq %r11
    popq %r12
    popq %r13
    popq %r14
    popq %r15
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rax
    popq %rcx
    .endm

    .macro FORBID_USER_ACCESS
    cmpb $0, user_access_smap(%rip)
    je 1f
    clac
1:
    .endm

/* Ticks of the time stamp counter, in RAX. RDX is lost. That another instruction may pass it does
   not matter where only this thread's stretches are added up. */
    .macro READ_TICKS
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    .endm

/* Goes to `clear` when the thread at `thread` has nothing to do before user mode. Debug kernels look
   into each frame: to them there is always something to do. */
    .macro IF_NO_WORK thread, clear
#ifndef DEBUG_CHECKS
    cmpl $0, THREAD_WORK(\thread)
    je \clear
#endif
    .endm

    .text
/*
 * trap_stubs: 256 entries of 16 bytes; the IDT points at them. Each leaves
 * vector and code (0 where the CPU pushes none: Intel SDM volume 3, table 6-1)
 * on the stack. Vectors that may come at any instruction, also between
 * SYSCALL and SWAPGS, go by trap_anywhere: debug, NMI, double fault, machine check.
 */
    .balign 16
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
    .else
    pushq $0
    .endif
    pushq $vector
    .if vector == 1 || vector == 2 || vector == 8 || vector == 18
    jmp trap_anywhere
    .else
    jmp trap_common
    .endif
    .set vector, vector + 1
    .endr

/* A trap from user mode, or from kernel code that runs with the kernel's GS. */
    .balign 16
trap_common:
    PUSH_REGISTERS
    cld
    testb $3, FRAME_CS(%rsp)
    jz 2f
    swapgs
    xorl %ebp, %ebp                     /* a backtrace ends here */
    FORBID_USER_ACCESS
    movq %rsp, %rdi
    call trap_dispatch
/* Back to user mode by the frame at the stack's top. Interrupts are off. */
trap_leave_to_user:
    cli
    movq %gs:CPU_CURRENT, %rax
    IF_NO_WORK %rax, trap_restore_user
    movq %rsp, %rdi
    call trap_user_return
trap_restore_user:
    POP_REGISTERS
    swapgs
    addq $16, %rsp
    .globl trap_user_iretq
trap_user_iretq:                        /* may fault by what the frame holds: trap.c mends it */
    iretq
2:  FORBID_USER_ACCESS
    movq %rsp, %rdi
    /*
     * The IRETQ above faulted: user registers and the user's GS are live, and the CPU says that
     * the kernel did it. trap_dispatch() turns it into the program's own fault.
     */
    leaq trap_user_iretq(%rip), %rax
    cmpq %rax, FRAME_RIP(%rsp)
    jne 3f
    swapgs
3:  call trap_dispatch
trap_restore_kernel:
    POP_REGISTERS
    addq $16, %rsp
    iretq

/*
 * A trap that may find either GS, on a stack of its own (IST). From user mode it
 * goes on like any other, on the thread's kernel stack. From the kernel it
 * asks the MSR which GS is there: the kernel's is in the upper half.
 */
    .balign 16
trap_anywhere:
    PUSH_REGISTERS
    cld
    testb $3, FRAME_CS(%rsp)
    jnz 4f
    FORBID_USER_ACCESS
    movl $0xc0000101, %ecx              /* MSR_GS_BASE */
    rdmsr
    xorl %ebx, %ebx
    testl %edx, %edx
    js 5f
    swapgs
    movl $1, %ebx                       /* swap back at the end */
5:  movq %rsp, %rdi
    call trap_dispatch
    testl %ebx, %ebx
    jz trap_restore_kernel
    swapgs
    jmp trap_restore_kernel
4:  swapgs
    xorl %ebp, %ebp
    FORBID_USER_ACCESS
    movq %rsp, %rsi
    movq %gs:CPU_KERNEL_STACK_TOP, %rdi
    subq $FRAME_SIZE, %rdi
    movq %rdi, %rsp
    movl $(FRAME_SIZE / 8), %ecx
    rep movsq
    movq %rsp, %rdi
    call trap_dispatch
    jmp trap_leave_to_user

/*
 * system_call_entry: where SYSCALL goes (Intel SDM volume 2). RCX: the caller's
 * RIP, R11: its RFLAGS; MSR_FMASK cleared IF, TF, DF, AC, NT. The stack is still
 * the user's.
 */
    .balign 16
    .globl system_call_entry
system_call_entry:
    swapgs
    movq %rsp, %gs:CPU_USER_STACK_SCRATCH
    movq %gs:CPU_KERNEL_STACK_TOP, %rsp
    pushq $SELECTOR_USER_DATA
    pushq %gs:CPU_USER_STACK_SCRATCH
    pushq %r11
    pushq $SELECTOR_USER_CODE
    pushq %rcx
    pushq %rax                          /* the number, kept for a restart */
    pushq $TRAP_SYSCALL
    PUSH_REGISTERS
    movq %gs:CPU_CURRENT, %rbx          /* kept across the call */
    READ_TICKS
    subq THREAD_USER_SINCE(%rbx), %rax
    addq %rax, THREAD_USER_TICKS(%rbx)
    movq $0, THREAD_USER_SINCE(%rbx)
    xorl %ebp, %ebp
    movq %rsp, %rdi
    sti
    call *cpu_hooks+HOOKS_SYSTEM_CALL(%rip)
    cli
    IF_NO_WORK %rbx, 6f
    movq %rsp, %rdi
    call trap_user_return
6:  READ_TICKS
    movq %rax, THREAD_USER_SINCE(%rbx)
    /*
     * SYSRET if the frame is still what the call made it; else IRETQ. Whoever replaces registers
     * says so by the vector (trap.h). TF and RF are not for SYSRET. That RIP may lie beyond the user
     * half, where Intel's SYSRET would fault in ring 0 (SDM volume 2), cannot be: the last page
     * below its end is never mapped (USER_END), so no SYSCALL stands before it.
     */
    cmpq $TRAP_SYSCALL, FRAME_VECTOR(%rsp)
    jne trap_restore_user
    testl $0x10100, FRAME_RFLAGS(%rsp)
    jnz trap_restore_user
    POP_REGISTERS
    movq 40(%rsp), %rsp                 /* vector, code, rip, cs, rflags, then rsp */
    swapgs
    sysretq

/* _Noreturn void trap_return_to_user(struct trap_frame *frame): see trap.h. */
    .balign 16
    .globl trap_return_to_user
trap_return_to_user:
    movq %rdi, %rsp
    jmp trap_restore_user
