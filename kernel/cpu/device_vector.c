#include "cpu/device_vector.h"

#include <asm/errno.h>

#include "cpu/call.h"
#include "cpu/cpu.h"
#include "cpu/spinlock.h"
#include "library/string.h"

/* Intel SDM volume 3, 11.11.1 and 11.11.2: physical destination, edge, fixed. An address has room
   for 8 bits of the processor's identifier. */
#define MESSAGE_ADDRESS     0xfee00000UL
#define MESSAGE_DESTINATION 12

#define VECTORS (DEVICE_VECTOR_LAST - DEVICE_VECTOR_FIRST + 1)

static struct spinlock vectors_lock = SPINLOCK_INITIALIZER; /* with interrupts off */
static struct {
    bool taken;                    /* vectors_lock */
    char name[DEVICE_VECTOR_NAME]; /* vectors_lock */
} vectors[VECTORS];

/* A free one, which is the caller's from now on; or -ENOSPC. */
static int take_vector(const char *name)
{
    int vector = -ENOSPC;
    bool enabled = spinlock_acquire_save(&vectors_lock);

    for (unsigned i = 0; i < VECTORS && vector < 0; i++)
        if (!vectors[i].taken) {
            vectors[i].taken = true;
            string_copy(vectors[i].name, name, sizeof(vectors[i].name));
            vector = DEVICE_VECTOR_FIRST + (int)i;
        }
    spinlock_release_restore(&vectors_lock, enabled);
    return vector;
}

int device_vector_connect(const char *name, interrupt_handler *handler, void *context,
                          struct interrupt_message *message)
{
    uint32_t processor = cpus[0]->apic_id;

    if (processor >= UINT8_MAX)
        return -ENODEV;
    int vector = take_vector(name);
    if (vector < 0)
        return vector;
    interrupt_set_handler((uint8_t)vector, handler, context);
    message->address = MESSAGE_ADDRESS | (uint64_t)processor << MESSAGE_DESTINATION;
    message->data = (uint32_t)vector;
    return vector;
}

static void ignore(void *context, struct trap_frame *frame)
{
    (void)context;
    (void)frame;
}

void device_vector_disconnect(uint8_t vector)
{
    /* What is under way yet finds somebody. */
    interrupt_set_handler(vector, ignore, NULL);
    interrupts_settle();

    bool enabled = spinlock_acquire_save(&vectors_lock);
    vectors[vector - DEVICE_VECTOR_FIRST].taken = false;
    spinlock_release_restore(&vectors_lock, enabled);
}

bool device_vector_describe(uint8_t vector, char name[DEVICE_VECTOR_NAME])
{
    bool enabled = spinlock_acquire_save(&vectors_lock);
    bool taken = vectors[vector - DEVICE_VECTOR_FIRST].taken;

    memcpy(name, vectors[vector - DEVICE_VECTOR_FIRST].name, DEVICE_VECTOR_NAME);
    spinlock_release_restore(&vectors_lock, enabled);
    return taken;
}
