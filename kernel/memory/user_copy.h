/*
 * user_copy.h: the only way to the calling thread's user memory (invariant 7):
 * range check, STAC/CLAC, faults resolved as the program's own would be. All
 * may sleep (a fault takes the address space's mutex): no spinlock held, and
 * no lock that a page fault takes (address space, page cache).
 * Each returns 0 or -EFAULT; after -EFAULT part may have been copied.
 */
#ifndef BATON_MEMORY_USER_COPY_H
#define BATON_MEMORY_USER_COPY_H

#include "library/types.h"

/* The first address that is not a user's: one page below the canonical end. */
#define USER_END 0x7ffffffff000UL

int user_copy_in(void *to, vaddr_t from, size_t size);
int user_copy_out(vaddr_t to, const void *from, size_t size);
int user_zero(vaddr_t to, size_t size);
/*
 * A structure that grows with the years, its size beside it (clone3(2), openat2(2),
 * sched_setattr(2)): `size` bytes as the program knows it become `own` bytes as the kernel does. A
 * shorter one is filled up with zeros, and what a longer one has more must be zeros: else -E2BIG,
 * as for more than a page. -EINVAL: shorter than its first version, `least`.
 */
int user_copy_struct(void *to, size_t own, size_t least, vaddr_t from, size_t size);
/*
 * Copies a NUL-terminated string of at most `size` bytes with the NUL. Returns its length
 * without the NUL, -EFAULT, or -ENAMETOOLONG when no NUL came within `size` bytes.
 */
ssize_t user_string_in(char *to, vaddr_t from, size_t size);
/* As user_copy_*, but returns how many bytes were copied before a fault: read() and write(). */
size_t user_copy_in_partial(void *to, vaddr_t from, size_t size);
size_t user_copy_out_partial(vaddr_t to, const void *from, size_t size);

/*
 * What LOCK CMPXCHG does, on a 4-byte aligned word: writes `value` if *expected is there, else
 * stores what is there in *expected. 0 (look at *expected to know which), -EFAULT. For futexes:
 * robust lists and FUTEX_WAKE_OP.
 */
int user_compare_exchange(vaddr_t address, uint32_t *expected, uint32_t value);

/*
 * The calling thread's FPU registers to and from an image in its memory (cpu/fpu.h): those of
 * `features`, 0: by FXSAVE's form. 0; -EFAULT, also when the address is not aligned to 64 bytes or
 * the CPU refuses what is there: then, after a load, the registers are a new program's.
 */
int user_fpu_save(vaddr_t image);
int user_fpu_load(vaddr_t image, uint64_t features);

/* Two bytes of each of `count` structures that lie `stride` bytes apart, and nothing between them:
   poll(2)'s answers. 0 or -EFAULT: some are written. */
int user_put_fields(vaddr_t to, const int16_t *from, size_t count, size_t stride);

/* Is [address, address+size) in user space at all? */
static inline bool user_range_ok(vaddr_t address, size_t size)
{
    return size <= USER_END && address <= USER_END - size;
}

/* One value of the type of *(pointer). */
#define user_get(pointer, from) user_copy_in((pointer), (from), sizeof(*(pointer)))
#define user_put(to, pointer)   user_copy_out((to), (pointer), sizeof(*(pointer)))

#endif
