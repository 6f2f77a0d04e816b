/* given.c: short answers to what the rooms below ask of this one (memory/hooks.h, file/hooks.h). */
#include <linux/capability.h>

#include "file/credentials.h"
#include "file/descriptor_table.h"
#include "process/process.h"

int32_t process_number_current(void)
{
    return process_current() ? process_current()->id : 0;
}

void process_replace_descriptors(struct descriptor_table *table)
{
    struct thread *self = thread_current();
    struct descriptor_table *old = self->descriptors;

    bool enabled = spinlock_acquire_save(&self->process->lock);
    self->descriptors = table;
    spinlock_release_restore(&self->process->lock, enabled);
    descriptor_table_release(old);
}

bool process_locks_unlimited(void)
{
    return credentials_capable(credentials_current(), CAP_IPC_LOCK);
}
