/*
 * user_access.S: the only instructions that touch user memory. Each of them
 * that may fault has an entry in .exception_table; the page fault handler
 * first tries to resolve the fault as the program's own, and failing that goes
 * on at the entry's second address.
 *
 * STAC and CLAC (Intel SDM volume 2) exist only with SMAP: user_access_smap
 * says so. The direction flag is clear.
 */
    .macro ALLOW
    cmpb $0, user_access_smap(%rip)
    je 77f
    stac
77:
    .endm

    .macro FORBID
    cmpb $0, user_access_smap(%rip)
    je 78f
    clac
78:
    .endm

    /* The instruction at `fault` may fault; then `fixup` is next. */
    .macro ON_FAULT fault, fixup
    .pushsection .exception_table, "a"
    .balign 4
    .long \fault - .
    .long \fixup - .
    .popsection
    .endm

    .bss
    .globl user_access_smap
user_access_smap:
    .byte 0

    .text
/*
 * size_t user_access_copy(void *to, const void *from, size_t size)
 * Returns how many bytes were not copied. After a fault in a word the rest is
 * tried byte by byte, so that all before the bad page is copied. Long pieces go by
 * rounds of 8 times 32 bytes where a register may be borrowed (page.c); a round that
 * faults is tried once more in words. That a fault may let other threads run does not
 * matter: each switch saves the register as it is.
 */
#define STEP       32
#define AT_ONCE    8
#define ROUND_SIZE (STEP * AT_ONCE)
#define LONG       1024 /* shorter pieces are not worth borrowing */
    .globl user_access_copy
user_access_copy:
    ALLOW
    cmpq $LONG, %rdx
    jae 5f
6:  movq %rdx, %rcx
    shrq $3, %rcx
    andl $7, %edx
1:  rep movsq
    movl %edx, %ecx
2:  rep movsb
3:  FORBID
    movq %rcx, %rax
    ret
4:  leaq (%rdx, %rcx, 8), %rcx
    jmp 2b
    ON_FAULT 1b, 4b
    ON_FAULT 2b, 3b
5:  cmpb $0, page_borrows_register(%rip)
    je 6b
    subq $STEP, %rsp
    vmovdqu %ymm0, (%rsp)
7:  .set offset, 0
    .rept AT_ONCE
8:  vmovdqu offset(%rsi), %ymm0
9:  vmovdqu %ymm0, offset(%rdi)
    ON_FAULT 8b, 10f
    ON_FAULT 9b, 10f
    .set offset, offset + STEP
    .endr
    addq $ROUND_SIZE, %rsi
    addq $ROUND_SIZE, %rdi
    subq $ROUND_SIZE, %rdx
    cmpq $ROUND_SIZE, %rdx
    jae 7b
10: vmovdqu (%rsp), %ymm0
    addq $STEP, %rsp
    jmp 6b

/* size_t user_access_zero(void *to, size_t size): how many bytes were not filled. */
    .globl user_access_zero
user_access_zero:
    ALLOW
    xorl %eax, %eax
    movq %rsi, %rcx
    shrq $3, %rcx
    andl $7, %esi
1:  rep stosq
    movl %esi, %ecx
2:  rep stosb
3:  FORBID
    movq %rcx, %rax
    ret
4:  leaq (%rsi, %rcx, 8), %rcx
    jmp 2b
    ON_FAULT 1b, 4b
    ON_FAULT 2b, 3b

/*
 * size_t user_access_put_fields(void *to, const void *from, size_t count, size_t stride)
 * Stores two bytes in each of `count` structures, `stride` bytes apart there and here. Returns in
 * how many it did not.
 */
    .globl user_access_put_fields
user_access_put_fields:
    ALLOW
    testq %rdx, %rdx
    jz 3f
    subq %rsi, %rdi                     /* how far it is from here to there */
1:  movzwl (%rsi), %eax
2:  movw %ax, (%rsi, %rdi)
    addq %rcx, %rsi
    decq %rdx
    jnz 1b
3:  FORBID
    movq %rdx, %rax
    ret
    ON_FAULT 2b, 3b

/*
 * ssize_t user_access_string(char *to, const char *from, size_t size)
 * Copies up to and with a NUL. Returns the length without it, -1 after a
 * fault, -2 when there was none in `size` bytes. Eight bytes at a time while
 * they are there: a word w has a zero byte if (w - 0x01..01) & ~w & 0x80..80,
 * and its lowest set bit is in the first (Warren, Hacker's Delight, 6-1).
 */
    .globl user_access_string
user_access_string:
    ALLOW
    movq %rsi, %r11
    addq %rsi, %rdx                     /* where the bytes end */
    movabsq $0x0101010101010101, %r8
    movabsq $0x8080808080808080, %r9
    jmp 2f
1:  movq (%rsi), %rax
    movq %rax, (%rdi)
    movq %rax, %rcx
    notq %rcx
    subq %r8, %rax
    andq %r9, %rcx
    andq %rcx, %rax
    jnz 5f
    addq $8, %rsi
    addq $8, %rdi
2:  leaq 8(%rsi), %rax
    cmpq %rdx, %rax
    jbe 1b
3:  cmpq %rdx, %rsi                     /* byte by byte */
    jae 6f
4:  movb (%rsi), %al
    movb %al, (%rdi)
    testb %al, %al
    jz 7f
    incq %rsi
    incq %rdi
    jmp 3b
5:  bsfq %rax, %rax
    shrq $3, %rax
    addq %rax, %rsi
7:  FORBID
    movq %rsi, %rax
    subq %r11, %rax
    ret
6:  FORBID
    movq $-2, %rax
    ret
8:  FORBID
    movq $-1, %rax
    ret
    ON_FAULT 1b, 3b
    ON_FAULT 4b, 8b

/*
 * int user_access_compare_exchange(uint32_t *address, uint32_t *expected, uint32_t value)
 * LOCK CMPXCHG on a user's word; what was there goes to *expected. 0, -1 after a fault.
 */
    .globl user_access_compare_exchange
user_access_compare_exchange:
    ALLOW
    movl (%rsi), %eax
1:  lock cmpxchgl %edx, (%rdi)
    FORBID
    movl %eax, (%rsi)
    xorl %eax, %eax
    ret
2:  FORBID
    movl $-1, %eax
    ret
    ON_FAULT 1b, 2b

/*
 * int user_access_fpu_save(void *image, uint64_t features)
 * int user_access_fpu_load(const void *image, uint64_t features)
 * The FPU registers to and from a user's image, 64-byte aligned: by XSAVE and XRSTOR those of
 * `features`, by FXSAVE and FXRSTOR where it is 0. 0; -1 after a fault, also where the CPU refuses the
 * image: then the registers may be anything.
 */
    .globl user_access_fpu_save
user_access_fpu_save:
    ALLOW
    movq %rsi, %rax
    movq %rsi, %rdx
    shrq $32, %rdx
    testq %rsi, %rsi
    jz 2f
1:  xsave64 (%rdi)
    jmp 3f
2:  fxsave64 (%rdi)
3:  FORBID
    xorl %eax, %eax
    ret
4:  FORBID
    movl $-1, %eax
    ret
    ON_FAULT 1b, 4b
    ON_FAULT 2b, 4b

    .globl user_access_fpu_load
user_access_fpu_load:
    ALLOW
    movq %rsi, %rax
    movq %rsi, %rdx
    shrq $32, %rdx
    testq %rsi, %rsi
    jz 2f
1:  xrstor64 (%rdi)
    jmp 3f
2:  fxrstor64 (%rdi)
3:  FORBID
    xorl %eax, %eax
    ret
4:  FORBID
    movl $-1, %eax
    ret
    ON_FAULT 1b, 4b
    ON_FAULT 2b, 4b
