/*
 * security.c: securityfs, which is mounted on /sys/kernel/security: how far the kernel is locked
 * down, and what was measured into the TPM before it (Linux's
 * Documentation/ABI/testing/securityfs, Documentation/security/tpm/tpm_event_log.rst).
 */
#include <asm/errno.h>
#include <linux/magic.h>
#include <linux/stat.h>

#include "file/lockdown.h"
#include "firmware/programs/measurements.h"
#include "library/string.h"
#include "proc/machine/machine.h"

/* "none [integrity] confidentiality" */
static int lockdown_show(const struct pseudo_key *key, struct text *text)
{
    enum lockdown is = lockdown_level();

    (void)key;
    for (enum lockdown level = 0; level < LOCKDOWN_LEVELS; level++)
        text_print(text, level == is ? "[%s]%s" : "%s%s", lockdown_name(level),
                   level + 1 < LOCKDOWN_LEVELS ? " " : "\n");
    return 0;
}

static int lockdown_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    (void)key;
    if (size > 0 && bytes[size - 1] == '\n')
        size--;
    for (enum lockdown level = 0; level < LOCKDOWN_LEVELS; level++) {
        const char *name = lockdown_name(level);

        if (strlen(name) == size && memcmp(name, bytes, size) == 0)
            return lockdown_raise(level, "securityfs");
    }
    return -EINVAL;
}

static int measurements_show(const struct pseudo_key *key, struct text *text)
{
    size_t size;
    const void *log = measurements_log(&size);

    (void)key;
    text_append(text, log, size);
    return 0;
}

static struct pseudo_node tpm_files[] = {
    {.name = "binary_bios_measurements", .mode = S_IFREG | 0440, .show = measurements_show},
};
static struct pseudo_node files[] = {
    {.name = "lockdown", .mode = S_IFREG | 0644, .show = lockdown_show, .store = lockdown_store},
};
static struct pseudo_node tpm_directory = {
    .name = "tpm0",
    .mode = S_IFDIR | 0755,
    .children = tpm_files,
    .child_count = array_length(tpm_files),
};
static struct pseudo_node root = {
    .mode = S_IFDIR | 0755,
    .children = files,
    .child_count = array_length(files),
};

static struct pseudo_node kernel_nodes[] = {
    {.name = "security", .mode = S_IFDIR | 0755}, /* securityfs is mounted here */
};
static struct pseudo_node nodes[] = {
    {.name = "kernel",
     .mode = S_IFDIR | 0755,
     .children = kernel_nodes,
     .child_count = array_length(kernel_nodes)},
};

void machine_security_add(void)
{
    size_t size;

    if (measurements_log(&size))
        pseudo_add(&root, &tpm_directory, 1);
    pseudo_add(&sys_root, nodes, array_length(nodes));
    pseudo_tree_add("securityfs", SECURITYFS_MAGIC, &root, NULL);
}
