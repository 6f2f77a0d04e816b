/* pseudo_file.h: what the files of /proc, /sys and their like do when they are open. For pseudo.c.
 */
#ifndef BATON_FILE_PSEUDO_FILE_H
#define BATON_FILE_PSEUDO_FILE_H

#include "file/pseudo.h"

/* What an inode stands for; its `private`. Constant. */
struct pseudo_place {
    struct pseudo_node *node;
    struct pseudo_key key;
    bool is_setting; /* below /proc/sys */
};

/* Is it below the directory of a process? */
static inline bool pseudo_is_of_process(const struct pseudo_place *place)
{
    return place->key.number[0] != 0;
}

/* What a file opened at this place does. */
const struct file_operations *pseudo_file_operations(const struct file_system *file_system,
                                                     const struct pseudo_place *place);

#endif
