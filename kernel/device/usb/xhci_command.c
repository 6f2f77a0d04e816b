/* xhci_command.c: commands to the controller (xHCI 1.2, 4.6), one at a time. */
#include <asm/errno.h>

#include "cpu/clock.h"
#include "device/usb/xhci.h"

#define PATIENCE       (5 * NANOSECONDS_PER_SECOND)
#define PATIENCE_ABORT (NANOSECONDS_PER_SECOND / 2)

static int error_of(uint8_t code)
{
    switch (code) {
    case XHCI_SUCCESS:
        return 0;
    case XHCI_NO_RESOURCE:
        return -ENOMEM;
    case XHCI_NO_SLOT:
    case XHCI_NO_BANDWIDTH:
        return -ENOSPC;
    case XHCI_TRANSACTION_ERROR:
        return -EPROTO;
    default:
        return -EIO;
    }
}

void xhci_command_event(struct xhci *controller, const struct xhci_block *event)
{
    if (!controller->command_at || event->parameter != controller->command_at)
        return;
    controller->command_code = event->status >> 24;
    controller->command_slot = event->control >> 24;
    controller->command_at = 0;
    wait_queue_wake_all(&controller->command_done);
}

static bool is_done(struct xhci *controller)
{
    bool enabled = spinlock_acquire_save(&controller->lock);
    bool done = controller->command_at == 0;

    spinlock_release_restore(&controller->lock, enabled);
    return done || xhci_is_dead(controller);
}

/* command_lock held. */
static void begin(struct xhci *controller, struct xhci_block command)
{
    bool cycle;
    uint16_t at = xhci_ring_reserve(&controller->commands, &controller->command_next,
                                    &controller->command_cycle, 1, &cycle);
    bool enabled = spinlock_acquire_save(&controller->lock);

    controller->command_at = controller->commands.bus + at * sizeof(command);
    xhci_ring_put(&controller->commands, at, command, cycle);
    spinlock_release_restore(&controller->lock, enabled);
    controller->doorbells[0] = 0;
}

/* It takes too long. What cannot be aborted ends the controller (4.6.1.2). */
static int abort_command(struct xhci *controller)
{
    xhci_write64(controller->operational, XHCI_COMMAND_RING, XHCI_RING_ABORT);
    wait_event(&controller->command_done, is_done(controller), THREAD_UNINTERRUPTIBLE,
               clock_now() + PATIENCE_ABORT);
    xhci_die(controller, "a command was not answered");
    return -ENODEV;
}

int xhci_command(struct xhci *controller, struct xhci_block command, uint8_t *slot)
{
    int error;

    mutex_acquire(&controller->command_lock);
    if (!xhci_is_dead(controller))
        begin(controller, command);
    error = wait_event(&controller->command_done, is_done(controller), THREAD_UNINTERRUPTIBLE,
                       clock_now() + PATIENCE);
    if (error)
        error = abort_command(controller);
    else
        error = xhci_is_dead(controller) ? -ENODEV : error_of(controller->command_code);
    if (slot)
        *slot = controller->command_slot;
    mutex_release(&controller->command_lock);
    return error;
}
