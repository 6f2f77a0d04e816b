/*
 * five_levels.S: `five-levels`: the processor is switched to 5-level paging under the firmware, as a
 * firmware does it that was built for it. That takes paging off for a moment, and so 32-bit code
 * (Intel SDM, volume 3A, 4.1.2); this page, the stack and the root lie below 4 GiB.
 *
 * five_levels_enter(RCX root)
 */
    .set    CODE, 0x08
    .set    CODE32, 0x10
    .set    CR0_PG, 1 << 31
    .set    CR4_LA57, 1 << 12

    .text
    .globl five_levels_enter
five_levels_enter:
    pushfq
    cli
    push    %rbx
    push    %rbp
    push    %rsi
    push    %rdi
    push    %r12                            /* what is above 7 does not survive 32-bit code */
    push    %r13
    push    %r14
    push    %r15
    sgdt    firmware_gdt(%rip)
    mov     %cs, %eax
    push    %rax
    lgdt    gdt_register(%rip)
    lea     2f(%rip), %ebx
    pushq   $CODE32
    lea     1f(%rip), %rax
    push    %rax
    lretq
    .code32
1:  mov     %cr0, %eax
    and     $~CR0_PG, %eax
    mov     %eax, %cr0
    mov     %cr4, %edx
    or      $CR4_LA57, %edx
    mov     %edx, %cr4
    mov     %ecx, %cr3
    or      $CR0_PG, %eax
    mov     %eax, %cr0
    pushl   $CODE
    pushl   %ebx
    lretl
    .code64
2:  mov     %esp, %esp
    lgdt    firmware_gdt(%rip)
    lea     3f(%rip), %rax                  /* the firmware's CS lies on the stack */
    push    %rax
    lretq
3:  pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rdi
    pop     %rsi
    pop     %rbp
    pop     %rbx
    popfq
    ret

    .data
    .balign 8
gdt:
    .quad   0
    .quad   0x00af9b000000ffff              /* CODE: 64-bit code */
    .quad   0x00cf9b000000ffff              /* CODE32: 32-bit code */
gdt_end:
    .balign 8
    .skip   6
gdt_register:
    .word   gdt_end - gdt - 1
    .quad   gdt
    .skip   6
firmware_gdt:
    .skip   10
