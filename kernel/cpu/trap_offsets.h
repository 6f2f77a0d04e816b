/*
 * trap_offsets.h: struct trap_frame, struct cpu and struct cpu_hooks as trap_entry.S knows them,
 * and the beginning of struct thread. trap.c asserts each line, thread/thread.h those of the
 * thread, contained_call.c those of its own struct.
 */
#ifndef BATON_CPU_TRAP_OFFSETS_H
#define BATON_CPU_TRAP_OFFSETS_H

#define FRAME_VECTOR 120
#define FRAME_RIP    136
#define FRAME_CS     144
#define FRAME_RFLAGS 152
#define FRAME_SIZE   176

#define CPU_CURRENT            8
#define CPU_KERNEL_STACK_TOP   16
#define CPU_USER_STACK_SCRATCH 24

#define THREAD_WORK       16
#define THREAD_USER_SINCE 24
#define THREAD_USER_TICKS 32

#define HOOKS_SYSTEM_CALL 0

#define CALL_FUNCTION  0
#define CALL_ARGUMENTS 8
#define CALL_STACK_TOP 48
#define CALL_RESULT    72
#define CALL_AFTER     264 /* flags, eight registers, ten of SSE */

/* What preserved registers hold when the call begins (UEFI 2.11, 2.3.4.2); RBP holds 0, the SSE
   registers ones. */
#define CALL_PATTERN 0x5a5a0000

#ifdef __ASSEMBLER__
#define TRAP_SYSCALL       256
#define SELECTOR_USER_DATA 0x1b
#define SELECTOR_USER_CODE 0x23
#endif

#endif
