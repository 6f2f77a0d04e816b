/*
 * usb.h: USB devices, their pipes, and the drivers of their functions. README.md draws who owns
 * what, and how a device goes.
 */
#ifndef BATON_DEVICE_USB_USB_H
#define BATON_DEVICE_USB_USB_H

#include "device/disk.h"
#include "device/dma.h"
#include "library/types.h"
#include "library/usb/descriptors.h"
#include "thread/mutex.h"

struct usb_device;
struct usb_driver;
struct usb_pipe;
struct xhci;

/* ---- transfers ---- */

/* Segments that one transfer has at most, and bytes of each: inside one page. */
#define USB_SEGMENTS_MAXIMUM 64

/*
 * Bytes to or from an endpoint. Whoever submits it keeps it, its segments and the memory that they
 * name until it is done.
 */
struct usb_transfer {
    const struct disk_segment *segments;
    uint32_t segment_count; /* 0: a packet of no bytes */
    const uint8_t *setup;   /* 8 bytes; NULL: it is no control transfer */

    int status;     /* 0, also if fewer bytes came; -EPIPE: stalled; -EPROTO: no answer, or a broken
                       one; -EOVERFLOW: too many bytes; -ECANCELED: usb_pipe_stop(); -ENODEV: gone */
    uint32_t moved; /* bytes */
    /* Called once, with no lock, in an interrupt or by a thread. May submit again. */
    void (*done)(struct usb_transfer *transfer);
    void *context;
};

/* One way to an endpoint. Has one transfer at a time. */
struct usb_pipe {
    struct usb_device *device; /* constant, as the next three */
    struct usb_endpoint endpoint;
    uint8_t index;                /* in the device's context: 1 to 31 */
    struct dma_memory ring;       /* of requests: xhci_ring.c */
    uint16_t next;                /* where the next request goes; controller's lock */
    bool cycle;                   /* what marks it as new; controller's lock */
    bool halted;                  /* it stalled or failed: usb_pipe_recover(); controller's lock */
    bool stopping;                /* takes nothing; controller's lock */
    uint16_t first, count;        /* requests of `current`; controller's lock */
    struct usb_transfer *current; /* under way; controller's lock; NULL */
};

/*
 * Begins a transfer on a pipe that has none under way. Any context, no lock. done() comes always,
 * also if the device is gone, or the pipe is halted (-EPIPE): then at once.
 */
void usb_submit(struct usb_pipe *pipe, struct usb_transfer *transfer);
/* Submits it and waits, so long at most (ns); then it is stopped. Returns its status; -ETIMEDOUT.
   By a thread; sets done and context. */
int usb_transfer(struct usb_pipe *pipe, struct usb_transfer *transfer, uint64_t patience);
/* Ends what is under way with -ECANCELED; nothing more is begun until usb_pipe_recover(). When it
   returns the device does not touch its memory any more. May sleep. */
void usb_pipe_stop(struct usb_pipe *pipe);
/* Makes a halted or stopped pipe usable again, and tells the device so. 0 or a negative errno. */
int usb_pipe_recover(struct usb_pipe *pipe);

/* ---- control ---- */

/* bmRequestType (USB 2.0, 9.3). */
enum {
    USB_REQUEST_IN = 0x80,
    USB_REQUEST_CLASS = 0x20,
    USB_REQUEST_INTERFACE = 0x01,
    USB_REQUEST_ENDPOINT = 0x02,
    USB_REQUEST_OTHER = 0x03, /* a hub's port */
};
/* bRequest (9.4). */
enum {
    USB_GET_STATUS = 0,
    USB_CLEAR_FEATURE = 1,
    USB_SET_FEATURE = 3,
    USB_GET_DESCRIPTOR = 6,
    USB_SET_CONFIGURATION = 9,
    USB_SET_INTERFACE = 11,
};
#define USB_CONTROL_MAXIMUM 4096 /* bytes of data */

/*
 * A request to the device, with up to USB_CONTROL_MAXIMUM bytes of data to or from `data`. Returns
 * how many bytes, or a negative errno. At most five seconds. May sleep.
 */
int usb_control(struct usb_device *device, uint8_t type, uint8_t request, uint16_t value,
                uint16_t index, void *data, uint16_t size);
/* A descriptor of exactly so many bytes, or more of a longer one: how many, or a negative errno. */
int usb_get_descriptor(struct usb_device *device, uint8_t request_type, uint8_t type,
                       uint8_t number, uint16_t index, void *data, uint16_t size);

/* ---- devices ---- */

/* An interface and its driver. */
struct usb_function {
    struct usb_device *device;
    const struct usb_interface *interface; /* NULL: not used */
    const struct usb_driver *driver;       /* NULL: none */
    void *data;                            /* the driver's */
    bool work;                             /* driver->work is wanted; atomic */
};

#define USB_NUMBER_FIRST 2
#define USB_NUMBER_LAST  127
#define USB_PIPES        32 /* by their index in the device's context */
#define USB_DEPTH_MOST   6  /* a device behind five hubs (USB 2.0, 4.1.1) */

struct usb_device {
    struct xhci *controller;
    struct usb_device *hub;       /* it hangs on; NULL: on the controller itself */
    TAILQ_ENTRY(usb_device) link; /* of all of the controller's: thread's, and tree_lock */
    uint8_t port;                 /* of the hub, or of the controller; from 1 */
    uint8_t root_port;            /* of the controller's, through which it is reached */
    uint8_t depth;                /* 1: on the controller itself */
    uint32_t route;               /* xHCI 1.2, 8.9 */
    enum usb_speed speed;
    uint8_t speed_identifier;                 /* as the controller calls it */
    uint8_t slot;                             /* 0: none */
    uint8_t translator_slot, translator_port; /* of the hub that speaks its slow speed; 0: none */
    uint8_t hub_ports;                        /* of a hub; 0: it is none */
    uint8_t think_time;                       /* of a hub */
    bool gone;                                /* controller's lock to write; atomic */

    struct dma_memory context; /* the controller's */
    struct dma_memory input;   /* what it is told of it; input_lock, once drivers have it */
    struct mutex input_lock;
    struct dma_memory buffer; /* for control transfers; control_lock */
    struct mutex control_lock;
    struct usb_pipe *pipes[USB_PIPES]; /* controller's lock to write */

    struct usb_device_descriptor descriptor;
    struct usb_configuration *configuration;
    uint8_t descriptor_bytes[USB_DEVICE_SIZE]; /* as they came, for programs */
    uint8_t *configuration_bytes;
    uint16_t configuration_size;
    char vendor[USB_TEXT_MAXIMUM], product[USB_TEXT_MAXIMUM], serial[USB_TEXT_MAXIMUM];
    char name[24];                     /* "1-2.4": Linux's, of /sys/bus/usb */
    uint8_t bus;                       /* as Linux counts: a controller's ports for USB 2, and for
                                          USB 3, are two */
    uint8_t number;                    /* on its bus, of /dev/bus/usb: tree.c */
    uint64_t coming;                   /* it came as that: no other has this number; tree.c */
    TAILQ_ENTRY(usb_device) tree_link; /* tree.c */
    struct usb_function functions[USB_INTERFACES_MAXIMUM];
};

/* Finds the endpoint's pipe or makes one. By the controller's thread. 0 or a negative errno. */
int usb_pipe_open(struct usb_device *device, const struct usb_endpoint *endpoint,
                  struct usb_pipe **pipe);

/* Has a function's driver called by the controller's thread. Any context. */
void usb_function_wake(struct usb_function *function);

/* ---- drivers of functions ---- */

struct usb_driver {
    const char *name; /* as in /sys/bus/usb/drivers */
    bool (*matches)(const struct usb_interface *interface);
    /* All three by the controller's thread; may sleep, bounded. */
    int (*probe)(struct usb_function *function);
    /* The device may be gone: its pipes have nothing under way and take nothing more. */
    void (*remove)(struct usb_function *function);
    void (*work)(struct usb_function *function); /* NULL: never wants it */
};
/* drivers.c; the last is NULL. Only the start names it. */
extern const struct usb_driver *const usb_drivers[];
/* Each function is offered to these in turn. Once, before drivers_start(); the table stays the
   caller's, for ever. */
void usb_drivers_use(const struct usb_driver *const *drivers);
extern const struct usb_driver usb_hub_driver, usb_keyboard_driver, usb_storage_driver;

#endif
