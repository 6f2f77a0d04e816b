#include "firmware/record/handoff_record.h"

#include "cpu/log.h"
#include "cpu/registers.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/kernel_space.h"
#include "thread/mutex.h"

static struct mutex lock; /* guards what is below */
static struct record_writer writer;
static bool there;         /* there is a record */
static bool wanted = true; /* everything is to be recorded */

static struct handoff_range memory; /* the loader's, until it goes back */

void handoff_record_take(const struct handoff_range *range)
{
    const char *reason = "unknown";

    mutex_initialize(&lock, MUTEX_RECORD);
    memory = *range;
    if (record_continue(&writer, frame_pointer(range->base), range->size, &reason))
        log_write(LOG_WARNING, "handoff: its record %s", reason);
    else
        there = true;
}

bool handoff_record_wanted(void)
{
    return there && wanted;
}

/* To memory that holds just what is there. */
static void shrink(void)
{
    size_t size = record_size(&writer);
    void *smaller = heap_allocate(size);

    if (smaller && !record_move(&writer, smaller, size))
        return;
    heap_free(smaller);
    there = false;
}

void handoff_record_settle(bool want)
{
    mutex_acquire(&lock);
    wanted = want;
    if (!want) {
        if (there)
            shrink();
        memory_give_back(memory.base, memory.size);
    }
    mutex_release(&lock);
}

struct record_writer *handoff_record_lock(void)
{
    mutex_acquire(&lock);
    return handoff_record_wanted() ? &writer : NULL;
}

void handoff_record_unlock(void)
{
    mutex_release(&lock);
}

void handoff_record_append(uint16_t kind, const void *fixed, size_t fixed_size, const void *tail,
                           size_t tail_size)
{
    struct record_writer *to = handoff_record_lock();

    if (to)
        record_append(to, kind, tsc_read(), fixed, fixed_size, tail, tail_size);
    handoff_record_unlock();
}

bool handoff_record_look_locked(struct record *record)
{
    mutex_acquire(&lock);
    if (there)
        record_look(&writer, record);
    return there;
}

const void *handoff_record_view_locked(size_t *size)
{
    mutex_acquire(&lock);
    if (!there)
        return NULL;
    record_seal(&writer);
    *size = record_size(&writer);
    return writer.bytes;
}
