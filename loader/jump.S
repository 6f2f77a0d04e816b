/*
 * jump.S: from the firmware's address space to the kernel's.
 *
 * It fills one page of its own, with its data: when CR3 changes, this is all
 * that the loader's page table maps executable, and nothing may write it. So
 * the descriptors have their accessed bits set, which the processor would
 * otherwise set itself (Intel SDM, volume 3A, 3.4.5.1).
 *
 * jump_to_kernel(RCX root, RDX stack_top, R8 handoff, R9 entry)
 */
    .set    CODE, 0x08
    .set    DATA, 0x10
    .set    CODE32, 0x18
    .set    CR0_PG, 1 << 31
    .set    CR4_PAE, 1 << 5
    .set    CR4_MCE, 1 << 6
    .set    CR4_OSFXSR, 1 << 9
    .set    CR4_OSXMMEXCPT, 1 << 10
    .set    CR4_LA57, 1 << 12

    .section .jump, "xr"
    .balign 4096
    .globl jump_page
    .globl jump_to_kernel
jump_page:
jump_to_kernel:
    pushq   $2                              /* rule 24: the firmware's handlers are gone */
    popfq

    /* From here on the stack carries what is needed last: below it, handoff and entry. */
    mov     %rcx, %rdi
    mov     %rdx, %rsp
    push    %r9
    push    %r8

    /* Own GDT; an empty IDT until the kernel has its own: a fault in between resets. */
    lgdt    gdt_register(%rip)
    lidt    idt_register(%rip)
    mov     $DATA, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %fs
    mov     %eax, %gs
    mov     %eax, %ss
    xor     %eax, %eax
    lldt    %ax

    /* NXE before the first CR3 with no-execute bits: U-Boot leaves it off. */
    mov     $0xc0000080, %ecx               /* IA32_EFER */
    rdmsr
    or      $(1 << 11), %eax                /* NXE */
    wrmsr

    /*
     * CR4: PAE, OSFXSR, OSXMMEXCPT, and MCE as it was (a TDX guest may not
     * clear it); everything else off: PGE, PCIDE, SMEP, SMAP, CET, protection
     * keys. CET goes before WP could, PGE's end flushes global pages. LA57
     * cannot change here.
     */
    mov     %cr4, %rdx
    and     $(CR4_MCE | CR4_LA57), %edx
    or      $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %edx
    mov     %rdx, %cr4

    /* CR0: PG, WP, NE, ET, MP, PE; not CD, NW, AM, TS, EM. */
    mov     $(CR0_PG | 1 << 16 | 1 << 5 | 1 << 4 | 1 << 1 | 1 << 0), %eax
    mov     %rax, %cr0

    test    $CR4_LA57, %edx
    jnz     leave_five_levels

    mov     %rdi, %cr3
    pushq   $CODE
    lea     enter_kernel(%rip), %rax
    push    %rax
    lretq

    /*
     * Rule 21: five levels of paging can only be left with paging off (SDM,
     * volume 3A, 4.1.2), and so through 32-bit code. This page, the stack and
     * the root lie below 4 GiB then. R8 to R15 do not survive.
     */
leave_five_levels:
    lea     2f(%rip), %ebx
    pushq   $CODE32
    lea     1f(%rip), %rax
    push    %rax
    lretq
    .code32
1:  mov     %cr0, %eax
    and     $~CR0_PG, %eax
    mov     %eax, %cr0
    and     $~CR4_LA57, %edx
    mov     %edx, %cr4
    mov     %edi, %cr3
    or      $CR0_PG, %eax
    mov     %eax, %cr0
    pushl   $CODE
    pushl   %ebx
    lretl
    .code64
2:  mov     %esp, %esp                      /* the upper half was undefined meanwhile */

enter_kernel:
    pop     %rdi                            /* the handoff */
    pop     %rax                            /* the entry */
    xor     %ebx, %ebx
    xor     %ecx, %ecx
    xor     %edx, %edx
    xor     %esi, %esi
    xor     %ebp, %ebp                      /* the end of every backtrace */
    pushq   $0                              /* as after a call; nowhere to return to */
    jmp     *%rax

    .balign 8
gdt:
    .quad   0
    .quad   0x00af9b000000ffff              /* CODE: 64-bit code, accessed */
    .quad   0x00cf93000000ffff              /* DATA: data, accessed */
    .quad   0x00cf9b000000ffff              /* CODE32: 32-bit code, accessed */
gdt_end:
    .balign 8
    .skip   6
gdt_register:
    .word   gdt_end - gdt - 1
    .quad   gdt
    .skip   6
idt_register:
    .word   0
    .quad   0
    .balign 4096
