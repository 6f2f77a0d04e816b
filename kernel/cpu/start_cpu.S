/*
 * start_cpu.S: where another CPU begins (Intel SDM volume 3, 9.4.4): in real
 * mode, at the start of a page below 1 MiB into which start/other_cpus.c copied
 * start_cpu_code up to start_cpu_code_end. It goes through protected mode into
 * long mode on the root, stack and entry point in the struct start_cpu_handoff
 * at the end of the code, and calls entry(argument): if the ticket there is open
 * and bears the identifier of this CPU's local APIC, and nobody has taken it. A CPU
 * that comes when its start was given up stops for good and touches nothing.
 *
 * Position-independent within its page: EBX holds the page's address.
 */
#define OFFSET(label) ((label) - start_cpu_code)

    .section .rodata
    .balign 16
    .globl start_cpu_code, start_cpu_code_end, start_cpu_data
    .code16
start_cpu_code:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    movzwl %ax, %ebx
    shll $4, %ebx
    /* Addresses within the page become physical ones. */
    leal OFFSET(gdt)(%ebx), %eax
    movl %eax, OFFSET(gdt_register) + 2
    leal OFFSET(protected_mode)(%ebx), %eax
    movl %eax, OFFSET(far_protected)
    leal OFFSET(long_mode)(%ebx), %eax
    movl %eax, OFFSET(far_long)
    lgdtl OFFSET(gdt_register)
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl *OFFSET(far_protected)

    .code32
protected_mode:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    rdtsc                               /* a test holds it back */
    movl %eax, %esi
    movl %edx, %edi
hold:
    pause
    rdtsc
    subl %esi, %eax
    sbbl %edi, %edx
    subl OFFSET(start_cpu_data) + 40(%ebx), %eax
    sbbl OFFSET(start_cpu_data) + 44(%ebx), %edx
    jb hold

    movl $0x1b, %ecx                    /* MSR_APIC_BASE: x2APIC mode? */
    rdmsr
    testl $0x400, %eax
    jz in_memory
    movl $0x802, %ecx                   /* its APIC_ID */
    rdmsr
    jmp claim
in_memory:
    andl $0xfffff000, %eax
    movl 0x20(%eax), %eax
    shrl $24, %eax
claim:
    movl %eax, %edx                     /* expected: this identifier, open */
    movl %eax, %ecx                     /* to be: this identifier, claimed */
    movl $1, %eax
    leal OFFSET(start_cpu_data) + 32(%ebx), %edi
    movl %ebx, %ebp
    movl $2, %ebx
    lock cmpxchg8b (%edi)
    movl %ebp, %ebx
    je claimed
stop:
    cli
    hlt
    jmp stop
claimed:
    movl %cr4, %eax
    orl $0x20, %eax                     /* PAE */
    movl %eax, %cr4
    movl OFFSET(start_cpu_data)(%ebx), %eax
    movl %eax, %cr3                     /* start-up code of a CPU: invariant 1 */
    movl $0xc0000080, %ecx              /* EFER: LME, NXE */
    rdmsr
    orl $0x900, %eax
    wrmsr
    movl $0x80010033, %eax              /* PG, WP, NE, ET, MP, PE */
    movl %eax, %cr0
    ljmpl *OFFSET(far_long)(%ebx)

    .code64
long_mode:
    movl %ebx, %ebx
    movq OFFSET(start_cpu_data) + 8(%rbx), %rsp
    movq OFFSET(start_cpu_data) + 16(%rbx), %rax
    movq OFFSET(start_cpu_data) + 24(%rbx), %rdi
    xorl %ebp, %ebp
    call *%rax
    ud2

    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff            /* 0x08: 32-bit code */
    .quad 0x00cf93000000ffff            /* 0x10: data */
    .quad 0x00af9b000000ffff            /* 0x18: 64-bit code */
gdt_register:
    .word 31
    .long 0
far_protected:
    .long 0
    .word 0x08
far_long:
    .long 0
    .word 0x18
    .balign 8
start_cpu_data:                         /* struct start_cpu_handoff */
    .quad 0                             /* root */
    .quad 0                             /* stack */
    .quad 0                             /* entry */
    .quad 0                             /* argument */
    .quad 0                             /* ticket: 0, 1 open, 2 claimed; APIC identifier above */
    .quad 0                             /* ticks to wait before */
start_cpu_code_end:
