.text
.globl kernel_entry
kernel_entry:
    call kernel_main
1:  cli
    hlt
    jmp 1b
