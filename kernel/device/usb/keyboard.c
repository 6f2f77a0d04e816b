/* keyboard.c: USB keyboards (HID 1.11). Reports come by interrupt, lights go by the thread. */
#include "device/keyboard.h"

#include <asm/errno.h>

#include "cpu/log.h"
#include "device/hooks.h"
#include "device/tamper.h"
#include "device/usb/usb.h"
#include "device/usb/xhci.h"
#include "library/keyboard/usages.h"
#include "library/usb/hid_keyboard.h"
#include "memory/heap.h"

/* HID 1.11, 7.2. */
enum {
    SET_REPORT = 9,
    SET_IDLE = 10,
    SET_PROTOCOL = 11,

    PROTOCOL_BOOT = 0,
    PROTOCOL_REPORTS = 1,
    REPORT_OUTPUT = 2, /* in the upper byte of SET_REPORT's value */

    SUBCLASS_BOOT = 1,
    BOOT_KEYBOARD = 1,
};
#define FAILURES_MOST 8 /* in a row; then it is given up */

struct usb_keyboard {
    struct keyboard keyboard;
    struct usb_function *function;
    struct usb_pipe *pipe;
    struct dma_memory report;
    struct disk_segment segment;
    struct usb_transfer transfer;
    struct hid_keyboard description;
    struct hid_keyboard_state state; /* the transfer's */
    uint8_t lights_wanted;           /* atomic */
    uint8_t lights_shown;            /* the thread's */
    bool broken;                     /* the last transfer failed; atomic */
    unsigned failures;               /* in a row; atomic */
};

static int class_request(struct usb_function *function, uint8_t request, uint16_t value, void *data,
                         uint16_t size)
{
    return usb_control(function->device, USB_REQUEST_CLASS | USB_REQUEST_INTERFACE, request, value,
                       function->interface->number, data, size);
}

/* ---- keys: in an interrupt ---- */

static void key_changed(void *context, uint8_t usage, bool down)
{
    struct usb_keyboard *keyboard = context;
    uint16_t key = usage_key(usage);

    if (key)
        device_hooks.keyboard_key(&keyboard->keyboard, key, down);
}

/* The device may write there at any time: what is read is a copy. */
static void take_report(struct usb_keyboard *keyboard)
{
    uint8_t report[HID_REPORT_MAXIMUM];
    const volatile uint8_t *bytes = keyboard->report.address;
    uint32_t size = keyboard->transfer.moved;

    for (uint32_t i = 0; i < size && i < sizeof(report); i++)
        report[i] = bytes[i];
    if (size > sizeof(report))
        size = sizeof(report);
    tamper_bytes(report, size);
    hid_keyboard_input(&keyboard->description, &keyboard->state, report, size, key_changed,
                       keyboard);
}

static void report_came(struct usb_transfer *transfer)
{
    struct usb_keyboard *keyboard = transfer->context;

    if (transfer->status == -ECANCELED || transfer->status == -ENODEV)
        return;
    if (transfer->status) {
        __atomic_add_fetch(&keyboard->failures, 1, __ATOMIC_RELAXED);
        __atomic_store_n(&keyboard->broken, true, __ATOMIC_RELAXED);
        usb_function_wake(keyboard->function);
        return;
    }
    __atomic_store_n(&keyboard->failures, 0, __ATOMIC_RELAXED);
    take_report(keyboard);
    usb_submit(keyboard->pipe, transfer);
}

/* ---- lights, and what went wrong: the thread ---- */

static void set_leds(struct keyboard *base, uint8_t leds)
{
    struct usb_keyboard *keyboard = container_of(base, struct usb_keyboard, keyboard);

    __atomic_store_n(&keyboard->lights_wanted, leds, __ATOMIC_RELAXED);
    usb_function_wake(keyboard->function);
}

static void show_lights(struct usb_keyboard *keyboard)
{
    uint8_t report[HID_REPORT_MAXIMUM];
    uint8_t wanted = __atomic_load_n(&keyboard->lights_wanted, __ATOMIC_RELAXED);
    size_t size = hid_keyboard_lights(&keyboard->description, wanted, report);
    uint16_t value = REPORT_OUTPUT << 8 | hid_keyboard_lights_identifier(&keyboard->description);

    if (wanted == keyboard->lights_shown)
        return;
    keyboard->lights_shown = wanted;
    if (size)
        (void)class_request(keyboard->function, SET_REPORT, value, report, (uint16_t)size);
}

static void go_on(struct usb_keyboard *keyboard)
{
    __atomic_store_n(&keyboard->broken, false, __ATOMIC_RELAXED);
    if (__atomic_load_n(&keyboard->failures, __ATOMIC_RELAXED) > FAILURES_MOST ||
        usb_pipe_recover(keyboard->pipe)) {
        log_write(LOG_WARNING, "usb %s: the keyboard is given up",
                  keyboard->function->device->name);
        return;
    }
    usb_submit(keyboard->pipe, &keyboard->transfer);
}

static void keyboard_work(struct usb_function *function)
{
    struct usb_keyboard *keyboard = function->data;

    show_lights(keyboard);
    if (__atomic_load_n(&keyboard->broken, __ATOMIC_RELAXED))
        go_on(keyboard);
}

/* ---- coming and going ---- */

static bool is_boot_keyboard(const struct usb_interface *interface)
{
    return interface->subclass == SUBCLASS_BOOT && interface->protocol == BOOT_KEYBOARD;
}

/* By its report descriptor; what that says may be nonsense, then by the boot protocol. */
static int read_description(struct usb_function *function, struct hid_keyboard *description)
{
    const struct usb_interface *interface = function->interface;
    uint8_t *bytes = heap_allocate(HID_DESCRIPTOR_MAXIMUM);
    uint16_t size = interface->report_size;
    int error = -EINVAL;

    if (!bytes)
        return -ENOMEM;
    if (size && size <= HID_DESCRIPTOR_MAXIMUM)
        error = usb_get_descriptor(function->device, USB_REQUEST_INTERFACE, USB_HID_REPORT, 0,
                                   interface->number, bytes, size);
    if (error >= 0)
        error = hid_keyboard_parse(bytes, (size_t)error, description);
    heap_free(bytes);
    if (!error || !is_boot_keyboard(interface))
        return error;
    hid_keyboard_boot(description);
    error = class_request(function, SET_PROTOCOL, PROTOCOL_BOOT, NULL, 0);
    return error < 0 ? error : 0;
}

static int begin(struct usb_keyboard *keyboard)
{
    struct usb_function *function = keyboard->function;
    const struct usb_endpoint *endpoint =
        usb_endpoint_find(function->interface, USB_INTERRUPT, USB_IN);

    if (!endpoint)
        return -ENODEV;
    int error = read_description(function, &keyboard->description);
    if (!error)
        error = dma_allocate(&keyboard->report, PAGE_SIZE, function->device->controller->below);
    if (!error)
        error = usb_pipe_open(function->device, endpoint, &keyboard->pipe);
    if (error)
        return error;
    /* Only what changes is sent, from now on for ever (7.2.4); not all can do that. */
    (void)class_request(function, SET_IDLE, 0, NULL, 0);
    keyboard->segment = (struct disk_segment){keyboard->report.bus, endpoint->packet_size};
    return 0;
}

static int keyboard_probe(struct usb_function *function)
{
    struct usb_keyboard *keyboard = heap_allocate_zeroed(sizeof(*keyboard));

    if (!keyboard)
        return -ENOMEM;
    keyboard->function = function;
    keyboard->keyboard.set_leds = set_leds;
    int error = begin(keyboard);
    if (error) {
        dma_free(&keyboard->report);
        heap_free(keyboard);
        return error;
    }
    keyboard->transfer = (struct usb_transfer){.segments = &keyboard->segment,
                                               .segment_count = 1,
                                               .done = report_came,
                                               .context = keyboard};
    function->data = keyboard;
    device_hooks.keyboard_added(&keyboard->keyboard);
    usb_submit(keyboard->pipe, &keyboard->transfer);
    return 0;
}

static void keyboard_remove(struct usb_function *function)
{
    struct usb_keyboard *keyboard = function->data;

    device_hooks.keyboard_removed(&keyboard->keyboard);
    dma_free(&keyboard->report);
    heap_free(keyboard);
}

static bool keyboard_matches(const struct usb_interface *interface)
{
    return interface->class == USB_CLASS_HID;
}

const struct usb_driver usb_keyboard_driver = {
    .name = "usbhid",
    .matches = keyboard_matches,
    .probe = keyboard_probe,
    .remove = keyboard_remove,
    .work = keyboard_work,
};
