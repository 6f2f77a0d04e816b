/* xhci.h: a controller, for the files of this folder. */
#ifndef BATON_DEVICE_USB_XHCI_H
#define BATON_DEVICE_USB_XHCI_H

#include "device/driver.h"
#include "device/usb/usb.h"
#include "device/usb/xhci_registers.h"
#include "memory/worker.h"
#include "thread/wait_queue.h"

#define XHCI_SLOTS     256 /* slot 0 is none */
#define XHCI_PORT_MOST 256 /* port 0 is none */
#define XHCI_RING_SIZE (PAGE_SIZE / sizeof(struct xhci_block))

/* How fast a port's speeds are, by their identifiers: xHCI 1.2, 7.2. */
struct xhci_port {
    bool super_speed;          /* of USB 3 */
    enum usb_speed speeds[16]; /* 0: none */
    struct usb_device *device; /* the thread's; NULL: none */
    bool failed;               /* what is there cannot be used; until it goes; the thread's */
};

struct xhci {
    struct pci_device *pci;
    uint8_t number;               /* from 1 on */
    volatile uint8_t *capability; /* registers; constant, as what follows */
    volatile uint8_t *operational, *runtime;
    volatile uint32_t *doorbells;
    size_t size;
    uint8_t slot_count, port_count;
    uint16_t context_size;      /* 32 or 64 */
    paddr_t below;              /* where memory has to be that it reaches */
    struct dma_memory contexts; /* addresses of device contexts, by slot */
    struct dma_memory scratchpad_addresses;
    struct dma_memory *scratchpads; /* the controller's own */
    uint32_t scratchpad_count;
    struct xhci_port ports[XHCI_PORT_MOST];

    struct spinlock lock; /* taken with interrupts off */
    struct dma_memory events, event_table;
    uint16_t event_next;                         /* lock */
    bool event_cycle;                            /* lock */
    bool dead;                                   /* does nothing any more; lock to write; atomic */
    struct usb_device *slots[XHCI_SLOTS];        /* lock */
    uint64_t ports_changed[XHCI_PORT_MOST / 64]; /* atomic */

    struct mutex command_lock; /* one at a time */
    struct dma_memory commands;
    uint16_t command_next;              /* command_lock */
    bool command_cycle;                 /* command_lock */
    paddr_t command_at;                 /* the one under way; 0: none; lock */
    uint8_t command_code, command_slot; /* of the one that ended; lock */
    struct wait_queue command_done;
    struct wait_queue transfer_done; /* threads that wait for a transfer */

    struct worker worker;
    struct wait_queue work; /* the thread waits for some */
    struct wait_queue settled_queue;
    int starting; /* the thread, and disks, that look at what was there at the start; atomic */
    bool leaving; /* the thread has to end; atomic */
    TAILQ_HEAD(usb_device_list, usb_device)
    devices;            /* hubs before what hangs on them; the thread's, and tree lock */
    uint8_t numbers[2]; /* the last one given to a device, of USB 2, of USB 3; the thread's */
};

/* Linux's names: usb1 for a controller's ports of USB 2, usb2 for those of USB 3, each counted from
   1 on; usb3 and usb4 for the next controller's. */
static inline uint8_t xhci_bus(const struct xhci *controller, unsigned port)
{
    return (uint8_t)(2 * controller->number - 1 + controller->ports[port].super_speed);
}
static inline unsigned xhci_port_on_bus(const struct xhci *controller, unsigned port)
{
    unsigned count = 0;

    for (unsigned i = 1; i <= port; i++)
        count += controller->ports[i].super_speed == controller->ports[port].super_speed;
    return count;
}

/* ---- registers ---- */

static inline uint32_t xhci_read(const volatile uint8_t *base, uint32_t offset)
{
    return *(const volatile uint32_t *)(base + offset);
}
static inline void xhci_write(volatile uint8_t *base, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(base + offset) = value;
}
/* In two halves, which every controller takes (5.1). */
static inline void xhci_write64(volatile uint8_t *base, uint32_t offset, uint64_t value)
{
    xhci_write(base, offset, (uint32_t)value);
    xhci_write(base, offset + 4, (uint32_t)(value >> 32));
}
static inline uint32_t xhci_port_offset(unsigned port)
{
    return XHCI_PORTS + (port - 1) * XHCI_PORT_SIZE;
}

/* ---- xhci_ring.c ---- */

/* Where a ring's last place links back to its first. */
#define XHCI_RING_LINK (XHCI_RING_SIZE - 1)
int xhci_ring_allocate(const struct xhci *controller, struct dma_memory *ring);
/*
 * Places for `count` requests in a row, at most USB_SEGMENTS_MAXIMUM + 2, with nothing under way:
 * the first. *next and *cycle are moved behind them; *block_cycle is what marks them.
 */
uint16_t xhci_ring_reserve(struct dma_memory *ring, uint16_t *next, bool *cycle, uint16_t count,
                           bool *block_cycle);
/* Writes one; what marks it as new comes last. */
void xhci_ring_put(struct dma_memory *ring, uint16_t at, struct xhci_block block, bool cycle);

/* ---- xhci_command.c ---- */

/* Has it carried out. 0; *slot, unless NULL, is the one it was about. Or a negative errno; -ENODEV:
   the controller is dead, or is now. May sleep, bounded. */
int xhci_command(struct xhci *controller, struct xhci_block command, uint8_t *slot);
/* The event that a command is done. The controller's lock is held. */
void xhci_command_event(struct xhci *controller, const struct xhci_block *event);

/* ---- xhci_slot.c ---- */

/* Gives the device a slot, an address and its pipe 0; undone by xhci_slot_leave(). */
int xhci_slot_enter(struct usb_device *device);
/* Tells the real size of packets on pipe 0. */
int xhci_slot_set_packet_size(struct usb_device *device, uint16_t packet_size);
/* Begins a pipe's endpoint anew, which is quiet. */
int xhci_slot_renew_pipe(struct usb_pipe *pipe);
/* Tells that it is a hub, by device->hub_ports and think_time. */
int xhci_slot_set_hub(struct usb_device *device);
/* Nothing is under way any more; the controller forgets the device. May sleep. */
void xhci_slot_leave(struct usb_device *device);

/* ---- transfer.c ---- */

/* What an event is about: a transfer that is done now, whose done() is to be called without the
   lock; NULL: none. The controller's lock is held. */
struct usb_transfer *xhci_transfer_event(struct xhci *controller, const struct xhci_block *event);
/* Ends what is under way on all pipes: the controller does not touch the memory any more. */
void usb_device_finish_transfers(struct usb_device *device);

/* ---- device.c, root_port.c, thread.c ---- */

/* Looks what hangs on a port that was reset. NULL: it cannot be used. By the thread. */
struct usb_device *usb_device_attach(struct xhci *controller, struct usb_device *hub, uint8_t port,
                                     enum usb_speed speed, uint8_t speed_identifier);
/* The device, and all that hangs on it, is gone. By the thread. */
void usb_device_detach(struct usb_device *device);
/* A change was seen on a port of the controller's. By the thread. */
void xhci_root_port_changed(struct xhci *controller, unsigned port);
/* Returns when what was plugged in has been looked at, or that takes too long. */
int xhci_thread_start(struct xhci *controller);
/* Somebody begins (1), or is through (-1), whom the start of programs waits for. */
void xhci_starting(struct xhci *controller, int change);
void xhci_thread_end(struct xhci *controller);

/* The controller does nothing any more: its thread lets all devices go. Any context. */
void xhci_die(struct xhci *controller, const char *why);
static inline bool xhci_is_dead(const struct xhci *controller)
{
    return __atomic_load_n(&controller->dead, __ATOMIC_RELAXED);
}

/* By a thread. */
void usb_sleep(uint64_t milliseconds);

#endif
