/*
 * start.S: the loader's first instructions: notes how the firmware left the
 * processor (UEFI 2.10, 2.3.4), for the kernel's audit, before any compiled
 * code changes it, and goes on in efi_main with clean flags (call.S) and the arguments as they came (RCX,
 * RDX: the image's handle, the system table).
 */
    .text
    .globl loader_start
loader_start:
    mov     %rsp, start_state+40(%rip)
    pushfq
    pop     %rax
    mov     %rax, start_state+0(%rip)
    and     $0x202, %eax                    /* interrupts as they are, every other flag off */
    mov     %rax, call_flags(%rip)
    push    %rax
    popfq
    mov     %rcx, %r8
    mov     %rdx, %r9
    rdtsc
    shl     $32, %rdx
    or      %rdx, %rax
    mov     %rax, start_state+48(%rip)
    mov     %cr0, %rax
    mov     %rax, start_state+8(%rip)
    mov     %cr3, %rax
    mov     %rax, start_state+16(%rip)
    mov     %cr4, %rax
    mov     %rax, start_state+24(%rip)
    mov     $0xc0000080, %ecx               /* IA32_EFER */
    rdmsr
    shl     $32, %rdx
    or      %rdx, %rax
    mov     %rax, start_state+32(%rip)
    mov     %r8, %rcx
    mov     %r9, %rdx
    jmp     efi_main
