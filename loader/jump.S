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
    .section .jump, "xr"
    .balign 4096
    .globl jump_page
    .globl jump_to_kernel
jump_page:
jump_to_kernel:
    cli                                     /* rule 24: the firmware's handlers are gone */
    cld
    mov     %rcx, %r10
    mov     %rdx, %r11

    /* NXE before the first CR3 with no-execute bits: U-Boot leaves it off. */
    mov     $0xc0000080, %ecx               /* IA32_EFER */
    rdmsr
    or      $(1 << 11), %eax                /* NXE */
    wrmsr

    /*
     * CR4: PAE, OSFXSR, OSXMMEXCPT, and MCE as it was (a TDX guest may not
     * clear it); everything else off: PGE, PCIDE, SMEP, SMAP, CET, protection
     * keys. CET goes before WP could, PGE's end flushes global pages.
     */
    mov     %cr4, %rax
    and     $(1 << 6), %eax                 /* MCE */
    or      $(1 << 5 | 1 << 9 | 1 << 10), %eax
    mov     %rax, %cr4

    /* CR0: PG, WP, NE, ET, MP, PE; not CD, NW, AM, TS, EM. */
    mov     $(1 << 31 | 1 << 16 | 1 << 5 | 1 << 4 | 1 << 1 | 1 << 0), %eax
    mov     %rax, %cr0

    mov     %r10, %cr3
    mov     %r11, %rsp

    /* Own GDT; an empty IDT until the kernel has its own: a fault in between resets. */
    lgdt    gdt_register(%rip)
    lidt    idt_register(%rip)
    mov     $0x10, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %fs
    mov     %eax, %gs
    mov     %eax, %ss
    xor     %eax, %eax
    lldt    %ax
    pushq   $0x08
    lea     1f(%rip), %rax
    push    %rax
    lretq
1:
    mov     %r8, %rdi
    mov     %r9, %rax
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
    .quad   0x00af9b000000ffff              /* 0x08: 64-bit code, accessed */
    .quad   0x00cf93000000ffff              /* 0x10: data, accessed */
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
