/* fat_options.h: what mount(8) says of a FAT volume ("Mount options for fat" and "for vfat"). */
#ifndef BATON_STORAGE_FAT_OPTIONS_H
#define BATON_STORAGE_FAT_OPTIONS_H

#include "file/pseudo.h"

struct fat_options {
    uint32_t user, group, file_mask, directory_mask;
};

/* Those of a list with commas, or NULL; the usual ones for others. 0, -EINVAL: one is wrong. */
int fat_options_parse(struct fat_options *result, const char *options);
/* As /proc/mounts shows them. */
void fat_options_describe(const struct fat_options *options, struct text *text);

#endif
