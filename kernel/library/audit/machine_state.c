/* What devices do once boot services are gone: 27 to 31. */
#include "library/audit/check.h"
#include "library/string.h"

static void interrupts(struct audit *audit)
{
    struct record_interrupts head;
    struct record_interrupt item;
    struct record_entry entry;
    size_t size;

    if (!audit_need(audit, RECORD_INTERRUPTS, &entry))
        return;
    const uint8_t *items = record_load(&entry, &head, sizeof(head), &size);
    for (size_t at = 0; sizeof(item) <= size - at; at += sizeof(item)) {
        memcpy(&item, items + at, sizeof(item));
        if (item.count > 0)
            audit_fail(audit, entry.offset + sizeof(head) + at,
                       "vector %u came %u times in %llu us", item.vector, item.count,
                       (unsigned long long)head.nanoseconds / 1000);
    }
}

static bool after_exit(struct audit *audit, struct record_entry *entry,
                       struct record_after_exit *state)
{
    if (!audit_need(audit, RECORD_AFTER_EXIT, entry))
        return false;
    (void)record_load(entry, state, sizeof(*state), NULL);
    return true;
}

static void vectors_ask(struct audit *audit, const char *what, const uint32_t bits[8],
                        uint64_t offset)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        if (bits[vector / 32] & 1U << vector % 32)
            audit_fail(audit, offset + vector / 32 * 4, "vector %u %s", vector, what);
    }
}

static void lvt_ask(struct audit *audit, const char *name, uint32_t entry, uint64_t offset)
{
    enum {
        MASKED = 1 << 16, /* SDM volume 3, 11.5.1 */
    };

    if (!(entry & MASKED))
        audit_fail(audit, offset, "%s is not masked: 0x%x", name, entry);
}

/* LINT0 and LINT1 stay as they are in virtual wire mode (external interrupts and NMI): they are not
 * asked. */
static void local_apic(struct audit *audit)
{
    struct record_after_exit state;
    struct record_entry entry;

    if (!after_exit(audit, &entry, &state))
        return;
    if (!(state.valid & RECORD_VALID_LOCAL_APIC)) {
        audit_not_known(audit, "the local APIC was not read");
        return;
    }
    uint64_t offset = entry.offset;
    vectors_ask(audit, "is in service", state.in_service,
                offset + __builtin_offsetof(struct record_after_exit, in_service));
    vectors_ask(audit, "is requested", state.requested,
                offset + __builtin_offsetof(struct record_after_exit, requested));
    lvt_ask(audit, "LVT timer", state.lvt_timer,
            offset + __builtin_offsetof(struct record_after_exit, lvt_timer));
    lvt_ask(audit, "LVT thermal sensor", state.lvt_thermal,
            offset + __builtin_offsetof(struct record_after_exit, lvt_thermal));
    lvt_ask(audit, "LVT performance counters", state.lvt_performance,
            offset + __builtin_offsetof(struct record_after_exit, lvt_performance));
    lvt_ask(audit, "LVT error", state.lvt_error,
            offset + __builtin_offsetof(struct record_after_exit, lvt_error));
}

static void pic(struct audit *audit)
{
    struct record_after_exit state;
    struct record_entry entry;

    if (!after_exit(audit, &entry, &state))
        return;
    if (!(state.valid & RECORD_VALID_8259)) {
        audit_not_applicable(audit, "there are no 8259s");
        return;
    }
    for (unsigned line = 0; line < 16; line++) {
        if (!(state.pic_mask[line / 8] & 1U << line % 8))
            audit_fail(audit,
                       entry.offset + __builtin_offsetof(struct record_after_exit, pic_mask) +
                           line / 8,
                       "IRQ %u is not masked", line);
    }
}

static void master_found(struct audit *audit, uint64_t offset,
                         const struct record_pci_command *item)
{
    const char *name = record_pci_class_name(item->class_code);

    audit_fail(audit, offset, "%04x:%02x:%02x.%u, %s (class %04x)", item->segment, item->bus,
               item->device_function >> 3, item->device_function & 7,
               name != NULL ? name : "a device", item->class_code);
}

static void bus_masters(struct audit *audit)
{
    enum {
        BUS_MASTER = 4, /* PCI 3.0, 6.2.2 */
    };
    struct record_pci_command item;
    struct record_entry entry;

    if (!audit_need(audit, RECORD_PCI_COMMANDS, &entry))
        return;
    for (size_t at = 0; sizeof(item) <= entry.size - at; at += sizeof(item)) {
        memcpy(&item, entry.bytes + at, sizeof(item));
        if (item.command & BUS_MASTER)
            master_found(audit, entry.offset + at, &item);
    }
}

static void canary(struct audit *audit)
{
    struct record_entry entry = {0};
    struct record_canary watched;

    if (!audit_need(audit, RECORD_CANARY, &entry))
        return;
    entry = (struct record_entry){0};
    while (record_next_of(audit->record, RECORD_CANARY, &entry)) {
        (void)record_load(&entry, &watched, sizeof(watched), NULL);
        if (watched.changed > 0)
            audit_fail(audit, entry.offset, "%llu bytes changed, the first at 0x%llx, in %llu ms",
                       (unsigned long long)watched.changed, (unsigned long long)watched.first,
                       (unsigned long long)watched.nanoseconds / 1000000);
    }
}

static const struct audit_check checks[] = {
    {27, AUDIT_HIGH, AUDIT_HIGH, false, "interrupts after the exit", "UEFI 2.11, 7.4.6 and 2.3.4",
     "none: boot services' timer is gone", "Stop the timer in ExitBootServices.", interrupts},
    {28, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "local APIC after the exit",
     "SDM volume 3, 11.5 and 11.8",
     "nothing in service or requested; timer, thermal, performance and error entries masked",
     "Send the end of interrupt before the exit, and mask the LVT entries that firmware used.",
     local_apic},
    {29, AUDIT_MEDIUM, AUDIT_MEDIUM, false, "8259s after the exit", "Intel 8259A data sheet, OCW1",
     "all 16 lines masked", "Mask both 8259s when the legacy timer is stopped.", pic},
    {30, AUDIT_HIGH, AUDIT_HIGH, false, "bus mastering after the exit",
     "UEFI 2.11, 7.4.6 and 14.3.9; PCI 3.0, 6.2.2", "bit 2 of the command register clear",
     "Let each driver stop DMA and clear Bus Master Enable when boot services end, bridges too.",
     bus_masters},
    {31, AUDIT_CRITICAL, AUDIT_CRITICAL, false, "DMA into free memory", "UEFI 2.11, 7.4.6",
     "free memory stays as the system left it",
     "Find the device by the bytes it wrote, and stop it in ExitBootServices.", canary},
};

AUDIT_FAMILY(audit_machine_state, "exit", checks);
