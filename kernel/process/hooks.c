/* hooks.c: what the rooms below ask of this one, and what begins at boot. */
#include <linux/capability.h>

#include "file/credentials.h"
#include "file/descriptor_table.h"
#include "file/file.h"
#include "memory/page_fault.h"
#include "process/file_owner.h"
#include "process/out_of_memory.h"
#include "process/process.h"

static void broken_pipe(void)
{
    signal_send_self(SIGPIPE);
}

static void size_exceeded(void)
{
    signal_send_self(SIGXFSZ);
}

static int32_t process_number(void)
{
    return process_current() ? process_current()->id : 0;
}

static void descriptors_replace(struct descriptor_table *table)
{
    struct thread *self = thread_current();
    struct descriptor_table *old = self->descriptors;

    bool enabled = spinlock_acquire_save(&self->process->lock);
    self->descriptors = table;
    spinlock_release_restore(&self->process->lock, enabled);
    descriptor_table_release(old);
}

static bool lock_unlimited(void)
{
    return credentials_capable(credentials_current(), CAP_IPC_LOCK);
}

void process_initialize(void)
{
    static const struct file_hooks hooks = {
        .broken_pipe = broken_pipe,
        .size_exceeded = size_exceeded,
        .process_number = process_number,
        .descriptors_replace = descriptors_replace,
        .signal_mask_replace = signal_mask_replace,
        .signal_mask_restore = signal_mask_restore,
        .owner_find = file_owner_find,
        .owner_release = file_owner_release,
        .owner_number = file_owner_number,
        .owner_signal = file_owner_signal,
    };

    file_hooks = &hooks;
    memory_ended = out_of_memory;
    memory_lock_unlimited = lock_unlimited;
    kcmp_initialize();
}
