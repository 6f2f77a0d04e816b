/* protection.c: /proc/sys/fs/protected_* (proc(5)). */
#include "file/tree/protection.h"
#include "proc/proc.h"

static int level_show(enum protection kind, struct text *text)
{
    text_print(text, "%u\n", protection_level(kind));
    return 0;
}

static int level_store(enum protection kind, const char *bytes)
{
    int64_t level;
    int error = proc_setting_parse(bytes, 0, UINT32_MAX, &level);

    return error ? error : protection_set_level(kind, (uint32_t)level);
}

/* A file that shows a level, and sets it. */
#define LEVEL(name, kind)                                                                          \
    static int name##_show(const struct pseudo_key *key, struct text *text)                        \
    {                                                                                              \
        (void)key;                                                                                 \
        return level_show(kind, text);                                                             \
    }                                                                                              \
    static int name##_store(const struct pseudo_key *key, const char *bytes, size_t size)          \
    {                                                                                              \
        (void)key;                                                                                 \
        (void)size;                                                                                \
        return level_store(kind, bytes);                                                           \
    }
LEVEL(fifos, PROTECTION_FIFOS)
LEVEL(hardlinks, PROTECTION_HARDLINKS)
LEVEL(regular, PROTECTION_REGULAR)
LEVEL(symlinks, PROTECTION_SYMLINKS)

#define LEVEL_NODE(level)                                                                          \
    {                                                                                              \
        .name = "protected_" #level, .mode = S_IFREG | 0644, .show = level##_show,                 \
        .store = level##_store                                                                     \
    }
static struct pseudo_node level_files[] = {
    LEVEL_NODE(fifos),
    LEVEL_NODE(hardlinks),
    LEVEL_NODE(regular),
    LEVEL_NODE(symlinks),
};

void proc_protection_add(struct pseudo_node *sys_fs)
{
    pseudo_add(sys_fs, level_files, array_length(level_files));
}
