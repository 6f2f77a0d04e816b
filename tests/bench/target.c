/*
 * target.c: the smallest useful program, for measuring execve(2).
 *
 * No libc and no start-up work.  With no argument it exits at once.  With a
 * decimal counter as argument it decrements the counter and re-executes
 * itself until the counter is zero, so a chain of N execs costs N times
 * "replace the image, fault in what it touches" and nothing else.
 *
 * PAD is the number of filler bytes, half of them read-only and half of them
 * writable data, that make the file (and its loaded image) large.  Only one
 * byte at each end and in the middle of either half is touched, so a kernel
 * that loads lazily pays the same for every size.
 */
#ifndef PAD
#define PAD 0
#endif

#define HALF       (PAD / 2)
#define STRING_(x) #x
#define STRING(x)  STRING_(x)

#if PAD
/* Non-zero filler: it must not become bss, nor a hole in the file. */
__asm__(".section .rodata.pad,\"a\",@progbits\n"
        "pad_ro: .fill " STRING(HALF) ", 1, 0x5a\n"
                                      ".section .data.pad,\"aw\",@progbits\n"
                                      "pad_rw: .fill " STRING(HALF) ", 1, 0x5a\n"
                                                                    ".text\n");
extern const volatile char pad_ro[HALF];
extern volatile char pad_rw[HALF];
#endif

static long kernel_call(long nr, long a, long b, long c)
{
    long r;
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return r;
}

/* Decrements a decimal string in place; returns 0 if it was zero already. */
static int decrement(char *s)
{
    char *end = s;

    while (*end)
        end++;
    while (end-- > s) {
        if (*end > '0') {
            --*end;
            while (*++end)
                *end = '9';
            return 1;
        }
    }
    return 0;
}

__attribute__((used)) static void start(long *sp)
{
    long argc = sp[0];
    char **argv = (char **)(sp + 1), **envp = argv + argc + 1;
    long status = 0;

#if PAD
    (void)pad_ro[0], (void)pad_ro[HALF / 2], (void)pad_ro[HALF - 1];
    pad_rw[0]++, pad_rw[HALF / 2]++, pad_rw[HALF - 1]++;
#endif
    if (argc > 1 && decrement(argv[1]))
        status = -kernel_call(59, (long)argv[0], (long)argv, (long)envp); /* execve */
    for (;;)
        kernel_call(231, status, 0, 0); /* exit_group */
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call start\n");
