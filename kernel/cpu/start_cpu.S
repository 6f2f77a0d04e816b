/*
 * start_cpu.S: where another CPU begins (Intel SDM volume 3, 9.4.4): in real
 * mode, at the start of a page below 1 MiB into which start/other_cpus.c copied
 * start_cpu_code up to start_cpu_code_end. It goes through protected mode into
 * long mode on the root in the struct start_cpu_data at the end of the code.
 * There it looks for the ticket with its own APIC identifier and takes it: only
 * now it has a stack, and calls entry(ticket). Without a ticket that is still
 * offered it stops for good.
 *
 * Any number of processors may be here at once, also one that nobody waits for
 * any more: what is written to the page is the same for all of them.
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
    movl $0x1b, %ecx                    /* APIC base: bit 10 set in x2APIC mode */
    rdmsr
    btl $10, %eax
    jc x2apic
    testl %edx, %edx
    jnz initial_identifier              /* registers above 4 GiB: out of reach without paging */
    andl $0xfffff000, %eax
    movl 0x20(%eax), %esi
    shrl $24, %esi
    jmp identified
initial_identifier:
    movl %ebx, %edi
    movl $1, %eax                       /* the one it had after reset: CPUID.01H:EBX[31:24] */
    cpuid
    movl %ebx, %esi
    shrl $24, %esi
    movl %edi, %ebx
    jmp identified
x2apic:
    movl $0x802, %ecx
    rdmsr
    movl %eax, %esi
identified:
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
    rdtsc                               /* a test holds it back */
    shlq $32, %rdx
    leaq (%rax, %rdx), %r8
hold:
    pause
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    subq %r8, %rax
    cmpq OFFSET(start_cpu_data) + 32(%rbx), %rax
    jb hold
    /* Who am I? The identifier that the start-up interrupt was sent to (SDM volume 3, 11.4.6 and
       11.12.5.1); ESI has it from the local APIC's register. */
    movq OFFSET(start_cpu_data) + 16(%rbx), %rdi
    movq OFFSET(start_cpu_data) + 24(%rbx), %rcx
next_ticket:
    subq $1, %rcx
    jc stop
    cmpl %esi, (%rdi)                   /* apic_id */
    je found_ticket
    addq $24, %rdi
    jmp next_ticket
found_ticket:
    xorl %eax, %eax                     /* TICKET_OFFERED */
    movl $1, %edx                       /* TICKET_TAKEN */
    lock cmpxchgl %edx, 4(%rdi)
    jne stop
    movq 8(%rdi), %rsp
    movq OFFSET(start_cpu_data) + 8(%rbx), %rax
    xorl %ebp, %ebp
    call *%rax
    ud2
stop:
    cli
    hlt
    jmp stop

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
start_cpu_data:                         /* struct start_cpu_data */
    .quad 0                             /* root */
    .quad 0                             /* entry */
    .quad 0                             /* tickets */
    .quad 0                             /* ticket_count */
    .quad 0                             /* delay */
start_cpu_code_end:
