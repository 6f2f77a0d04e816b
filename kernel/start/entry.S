/*
 * entry.S: the kernel's first instruction. The loader's promises are in
 * include/handoff.h: RDI is the handoff, interrupts are off, CR3 the loader's.
 * All that is done here is to leave the loader's stack for one of our own.
 */
    .bss
    .balign 16
boot_stack:
    .skip 16384
    .globl boot_stack_top
boot_stack_top:

    .text
    .globl kernel_entry
kernel_entry:
    leaq boot_stack_top(%rip), %rsp
    xorl %ebp, %ebp
    call kernel_main
    ud2
