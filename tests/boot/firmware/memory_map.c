/*
 * memory_map.c: what is wrong with the memory map, and an exit from boot services that does not
 * come at the first try.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

#define DESCRIPTORS_MAXIMUM 40000

/* Taken once, so that a change of the map costs no memory between two calls. */
static uint8_t *raw; /* as the firmware gave it */
static EFI_MEMORY_DESCRIPTOR *map;
static size_t map_count;
static UINTN calls;    /* of GetMemoryMap by the loader */
static UINTN refusals; /* of ExitBootServices so far */
bool boot_services_gone;

static EFI_MEMORY_DESCRIPTOR *descriptor_add(EFI_MEMORY_DESCRIPTOR descriptor)
{
    if (map_count == DESCRIPTORS_MAXIMUM)
        return NULL;
    map[map_count] = descriptor;
    return &map[map_count++];
}

static EFI_STATUS map_read(UINTN *key, UINT32 *version)
{
    UINTN size = DESCRIPTORS_MAXIMUM * sizeof *map, step;
    EFI_STATUS status =
        real_boot.GetMemoryMap(&size, (EFI_MEMORY_DESCRIPTOR *)raw, key, &step, version);

    map_count = 0;
    for (UINTN at = 0; !EFI_ERROR(status) && at + step <= size; at += step)
        descriptor_add(*(EFI_MEMORY_DESCRIPTOR *)(raw + at));
    return status;
}

/* The largest piece of free memory. */
static EFI_MEMORY_DESCRIPTOR *largest(void)
{
    EFI_MEMORY_DESCRIPTOR *found = &map[0];

    for (size_t i = 0; i < map_count; i++) {
        if (map[i].Type == EfiConventionalMemory &&
            (found->Type != EfiConventionalMemory || map[i].NumberOfPages > found->NumberOfPages))
            found = &map[i];
    }
    return found;
}

/* `map-split N [TYPE]`: one piece of free memory as N; every other one as TYPE. `map-shrink CALL`:
   from the loader's call CALL on no more. */
static void split(uint64_t pieces, uint64_t type)
{
    EFI_MEMORY_DESCRIPTOR *first = largest(), next = *first;
    uint64_t pages = first->NumberOfPages / (pieces + 1);

    if (!pages || !pieces)
        return;
    first->NumberOfPages -= pages * pieces;
    next.PhysicalStart += first->NumberOfPages * EFI_PAGE_SIZE;
    next.NumberOfPages = pages;
    for (uint64_t i = 0; i < pieces; i++) {
        next.Type = type && i % 2 ? type : EfiConventionalMemory;
        descriptor_add(next);
        next.PhysicalStart += pages * EFI_PAGE_SIZE;
    }
}

/* `map-grow FROM N [EACH]`: from the loader's call FROM on N pieces more, and EACH more each time.
 */
static void grow(void)
{
    const struct order *order = order_next(NULL, "map-grow");

    if (order && calls >= order_number(order, 1))
        split(order_number(order, 2) + (calls - order_number(order, 1)) * order_number(order, 3),
              0);
}

/* `map-add TYPE BASE PAGES ATTRIBUTES` */
static void add(void)
{
    for (const struct order *order = NULL; (order = order_next(order, "map-add"));) {
        descriptor_add((EFI_MEMORY_DESCRIPTOR){.Type = order_number(order, 1),
                                               .PhysicalStart = order_number(order, 2),
                                               .NumberOfPages = order_number(order, 3),
                                               .Attribute = order_number(order, 4)});
    }
}

/* A device that a runtime service drives is runtime memory (UEFI 2.11, 7.2.3). */
static void add_device(void)
{
    if (dma_window())
        descriptor_add((EFI_MEMORY_DESCRIPTOR){
            .Type = EfiMemoryMappedIO,
            .PhysicalStart = dma_window(),
            .NumberOfPages = 256,
            .Attribute = EFI_MEMORY_RUNTIME | EFI_MEMORY_UC,
        });
}

/* `map-unaligned BYTES`: every piece of memory begins, and the largest one too, that much later. */
static void unalign(uint64_t bytes)
{
    for (size_t i = 0; i < map_count; i++) {
        if (map[i].Type == EfiConventionalMemory && map[i].NumberOfPages > 1) {
            map[i].PhysicalStart += bytes;
            map[i].NumberOfPages--;
        }
    }
}

static void twice(void)
{
    for (size_t i = map_count; i-- > 0;)
        descriptor_add(map[i]);
}

static void reverse(void)
{
    for (size_t i = 0; i < map_count / 2; i++) {
        EFI_MEMORY_DESCRIPTOR other = map[map_count - 1 - i];

        map[map_count - 1 - i] = map[i];
        map[i] = other;
    }
}

/* `map-low FROM TO`: another type for what lies below 4 GiB. */
static void change_low(void)
{
    for (const struct order *order = NULL; (order = order_next(order, "map-low"));) {
        for (size_t i = 0; i < map_count; i++) {
            if (map[i].Type == order_number(order, 1) && !(map[i].PhysicalStart >> 32))
                map[i].Type = order_number(order, 2);
        }
    }
}

/* `map-shadow FROM TO BYTES`: for each descriptor of type FROM one more, of type TO, that much
 * later. */
static void shadow(void)
{
    for (const struct order *order = NULL; (order = order_next(order, "map-shadow"));) {
        for (size_t i = map_count; i-- > 0;) {
            EFI_MEMORY_DESCRIPTOR other = map[i];

            if (other.Type != order_number(order, 1))
                continue;
            other.Type = order_number(order, 2);
            other.PhysicalStart += order_number(order, 3);
            descriptor_add(other);
        }
    }
}

/* `map-set ATTRIBUTES TYPE`: those of that type have them too. */
static void attributes_set(void)
{
    for (const struct order *order = NULL; (order = order_next(order, "map-set"));) {
        for (size_t i = 0; i < map_count; i++) {
            if (map[i].Type == order_number(order, 2))
                map[i].Attribute |= order_number(order, 1);
        }
    }
}

/* `map-type FROM TO`, `map-clear ATTRIBUTES`, `map-zero`: of every descriptor. */
static void change(void)
{
    const struct order *type = order_next(NULL, "map-type");
    uint64_t cleared = order_value("map-clear", 0);

    for (size_t i = 0; i < map_count; i++) {
        if (type && map[i].Type == order_number(type, 1))
            map[i].Type = order_number(type, 2);
        map[i].Attribute &= ~cleared;
    }
    for (uint64_t i = order_value("map-zero", 0); i > 0; i--)
        descriptor_add((EFI_MEMORY_DESCRIPTOR){.Type = EfiConventionalMemory,
                                               .PhysicalStart = 0x200000 * i,
                                               .Attribute = EFI_MEMORY_WB});
}

static void map_spoil(void)
{
    const struct order *pieces = order_next(NULL, "map-split");

    if (pieces && calls < order_value("map-shrink", UINT64_MAX))
        split(order_number(pieces, 1), order_number(pieces, 2));
    grow();
    add();
    add_device();
    change();
    change_low();
    shadow();
    attributes_set();
    if (order_next(NULL, "map-unaligned"))
        unalign(order_value("map-unaligned", 0));
    if (order_next(NULL, "map-twice"))
        twice();
    if (order_next(NULL, "map-reverse"))
        reverse();
}

static void map_give(uint8_t *to, UINTN step)
{
    memset(to, 0xa5, map_count * step);
    for (size_t i = 0; i < map_count; i++)
        memcpy(to + i * step, &map[i], sizeof map[i]);
}

/* `map-size CALL BYTES [LAST]`, `map-step CALL BYTES [LAST]`: what the loader's call CALL, or those
   from there to LAST, say of themselves, and is not so. */
static void said_of_call(const char *name, UINTN *value)
{
    for (const struct order *order = NULL; (order = order_next(order, name));) {
        uint64_t first = order_number(order, 1);

        if (calls >= first && calls <= (*order->words[3] ? order_number(order, 3) : first))
            *value = order_number(order, 2);
    }
}

static EFI_STATUS EFIAPI get_memory_map(UINTN *size, EFI_MEMORY_DESCRIPTOR *descriptors, UINTN *key,
                                        UINTN *step, UINT32 *version)
{
    UINTN room = *size;
    EFI_STATUS status;

    if (!CALLED_BY_LOADER())
        return real_boot.GetMemoryMap(size, descriptors, key, step, version);
    calls++;
    if (calls == order_value("map-fails", 0))
        return order_number(order_next(NULL, "map-fails"), 2) | EFI_ERROR_MASK;
    status = map_read(key, version);
    if (EFI_ERROR(status))
        return status;
    map_spoil();
    *step = order_value("map-stride", sizeof *map);
    *version = order_value("map-version", *version);
    *size = map_count * *step + order_value("map-tail", 0);
    if (room < *size || !descriptors) {
        *key = 0x5741; /* rule 4: rubbish */
        said_of_call("map-size", size);
        said_of_call("map-step", step);
        return EFI_BUFFER_TOO_SMALL;
    }
    map_give((uint8_t *)descriptors, *step);
    said_of_call("map-size", size);
    said_of_call("map-step", step);
    return EFI_SUCCESS;
}

/* `exit-stale N`, `exit-status STATUS`, `exit-answers STATUS`. As a real one it shuts down in part
   before it refuses. */
static EFI_STATUS EFIAPI exit_boot_services(EFI_HANDLE image, UINTN key)
{
    EFI_SYSTEM_TABLE before = *system_table;
    EFI_STATUS status = EFI_SUCCESS;

    if (refusals++ < order_value("exit-stale", 0)) {
        real_boot.ExitBootServices(image, key + 0x1000);
        return EFI_INVALID_PARAMETER;
    }
    if (order_next(NULL, "exit-status"))
        return order_value("exit-status", 0) | EFI_ERROR_MASK;
    stack_report();
    status = real_boot.ExitBootServices(image, key);
    boot_services_gone = !EFI_ERROR(status);
    if (EFI_ERROR(status))
        return status;
    poison(map, map_count, DESCRIPTORS_MAXIMUM * sizeof *map);
    leave_behind(&before);
    return order_value("exit-answers", status);
}

/* `exit-slow MILLISECONDS`: a driver that takes its time when boot services end. */
static void EFIAPI slow_handler(EFI_EVENT event, void *context)
{
    (void)event, (void)context;
    real_boot.Stall(1000 * order_value("exit-slow", 0));
}

static void slow_install(void)
{
    EFI_EVENT event;

    if (order_next(NULL, "exit-slow"))
        real_boot.CreateEvent(EVT_SIGNAL_EXIT_BOOT_SERVICES, TPL_CALLBACK, slow_handler, NULL,
                              &event);
}

static void port_write16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

/*
 * `exit-watchdog TICKS`: the chipset's watchdog runs on after the exit (Intel ICH9 data sheet:
 * the TCO registers lie 60h behind PMBASE, the bit No Reboot in the register GCS; OVMF puts both
 * where they are here), and resets the machine when its ticks of 0.6 s have gone by twice. QEMU's
 * lets it only with ICH9-LPC.noreboot=off.
 */
static void EFIAPI watchdog_handler(EFI_EVENT event, void *context)
{
    enum { TCO = 0x660, RELOAD = TCO, CONTROL = TCO + 8, TIMER = TCO + 0x12 };

    const uint32_t no_reboot = UINT32_C(1) << 5;
    volatile uint32_t *gcs = (volatile uint32_t *)(uintptr_t)0xfed1f410;

    (void)event, (void)context;
    *gcs &= ~no_reboot;
    port_write16(TIMER, (uint16_t)order_value("exit-watchdog", 0));
    port_write16(RELOAD, 1);
    port_write16(CONTROL, 0); /* not halted */
}

static void watchdog_install(void)
{
    EFI_EVENT event;

    if (order_next(NULL, "exit-watchdog"))
        real_boot.CreateEvent(EVT_SIGNAL_EXIT_BOOT_SERVICES, TPL_CALLBACK, watchdog_handler, NULL,
                              &event);
}

void memory_map_install(void)
{
    UINTN pages = DESCRIPTORS_MAXIMUM * sizeof *map / EFI_PAGE_SIZE + 1;

    raw = pages_take(EfiBootServicesData, pages);
    map = pages_take(EfiBootServicesData, pages);
    if (!raw || !map) {
        report("no memory for the memory map\n");
        return;
    }
    slow_install();
    watchdog_install();
    system_table->BootServices->GetMemoryMap = get_memory_map;
    system_table->BootServices->ExitBootServices = exit_boot_services;
}
