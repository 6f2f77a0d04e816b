/*
 * memory_options.h: what mount(2) is told about a file system in memory (tmpfs(5)), by the rules
 * of Linux's mm/shmem.c. Pure; any context.
 */
#ifndef BATON_LIBRARY_MEMORY_OPTIONS_H
#define BATON_LIBRARY_MEMORY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct memory_options {
    bool has_pages, has_inodes, has_mode, has_user, has_group; /* was it said? */
    uint64_t pages;  /* size=, nr_blocks=; rounded up; 0: no limit */
    uint64_t inodes; /* nr_inodes=; 0: no limit */
    uint32_t mode, user, group;
};

/*
 * Reads "size=10m,nr_inodes=1k,mode=755,…" (NULL: nothing was said). `memory`: all pages that
 * there are, for a size in percent. 0, or -EINVAL: an unknown name or a bad value.
 */
int memory_options_parse(const char *text, uint64_t memory, struct memory_options *options);

#endif
