/* jump.h: the last step: into the kernel's address space and the kernel. */
#ifndef BATON_LOADER_JUMP_H
#define BATON_LOADER_JUMP_H

#include <stdint.h>

/* The page that holds all of jump.S; in the loader's image, which is EfiLoaderCode (rule 9). */
extern const uint8_t jump_page[];

/*
 * Sets the processor up as handoff.h says and jumps to `entry`. `root` is a page table that maps
 * jump_page executable at its own address, the stack and the kernel; all addresses are physical
 * but `entry`. Boot services must be gone.
 */
_Noreturn void jump_to_kernel(uint64_t root, uint64_t stack_top, uint64_t handoff, uint64_t entry);

#endif
