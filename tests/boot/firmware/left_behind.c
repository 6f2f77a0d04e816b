/*
 * left_behind.c: how the firmware leaves the machine when boot services end:
 *   exit-pointers             the system table as it was
 *   exit-interrupts           interrupts on
 *   exit-flags BITS           these set in RFLAGS
 *   exit-control N BITS       these set in control register N, 0 or 4
 *   exit-msr REGISTER VALUE   a model-specific register so
 *   exit-breakpoints ADDRESS  a hardware breakpoint on what is executed there
 *   exit-apic REGISTER VALUE  a local APIC's register, by its offset, so
 *   exit-in-service VECTOR    an interrupt that was taken and not ended
 *   exit-pending VECTOR       one that waits
 *   exit-five-levels          5-level paging on (processor.c)
 *   exit-write ADDRESS VALUE  32 bits of a device's memory so
 *   exit-port PORT VALUE      a byte written to a port
 *   exit-pci CLASS OFFSET VALUE  32 bits in the configuration space of each function on bus 0 of
 *                             that base class
 */
#include "hooks.h"
#include "orders.h"

#define LOCAL_APIC UINT64_C(0xfee00000)
/* DR7: breakpoint 0 is on in every task, for execution (SDM, volume 3B, 18.2.4). */
#define BREAKPOINT_0_ON 2

static void msr_write(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void write32(uint64_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

static void port_write(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint32_t pci_choose(uint32_t device, uint32_t offset)
{
    uint32_t value;

    __asm__ volatile("outl %0, %1"
                     :
                     : "a"(UINT32_C(1) << 31 | device << 8 | offset), "Nd"((uint16_t)0xcf8));
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"((uint16_t)0xcfc));
    return value;
}

static void pci_set(const struct order *order)
{
    for (uint32_t device = 0; device < 256; device++) {
        if (pci_choose(device, 0) == UINT32_MAX ||
            pci_choose(device, 8) >> 24 != order_number(order, 1))
            continue;
        pci_choose(device, (uint32_t)order_number(order, 2));
        __asm__ volatile("outl %0, %1"
                         :
                         : "a"((uint32_t)order_number(order, 3)), "Nd"((uint16_t)0xcfc));
    }
}

static void control_set(uint64_t number, uint64_t bits)
{
    uint64_t value;

    if (number == 0) {
        __asm__ volatile("mov %%cr0, %0" : "=r"(value));
        __asm__ volatile("mov %0, %%cr0" : : "r"(value | bits) : "memory");
    } else {
        __asm__ volatile("mov %%cr4, %0" : "=r"(value));
        __asm__ volatile("mov %0, %%cr4" : : "r"(value | bits) : "memory");
    }
}

static void breakpoint_set(uint64_t address)
{
    __asm__ volatile("mov %0, %%dr0" : : "r"(address));
    __asm__ volatile("mov %0, %%dr7" : : "r"(UINT64_C(BREAKPOINT_0_ON)));
}

static void flags_set(uint64_t bits)
{
    __asm__ volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq" : : "r"(bits) : "memory", "cc");
}

/* A descriptor of the interrupt table (SDM, volume 3, 6.14.1). */
struct gate {
    uint16_t low, selector, kind, middle;
    uint32_t high, reserved;
};

__asm__(".text\ninterrupt_unended:\n\tiretq\n");
extern const uint8_t interrupt_unended[];

static void interrupt_self(uint64_t vector)
{
    const uint32_t to_self = 1 << 18 | 1 << 14;

    write32(LOCAL_APIC + 0x300, to_self | (uint32_t)(vector & 255));
}

/* Taken by a handler that does nothing, in the table that is there. */
static void interrupt_take(uint64_t vector)
{
    uint64_t handler = (uintptr_t)interrupt_unended;
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) table;
    uint16_t code;

    __asm__ volatile("sidt %0" : "=m"(table));
    __asm__ volatile("mov %%cs, %0" : "=r"(code));
    ((struct gate *)table.base)[vector & 255] =
        (struct gate){(uint16_t)handler, code, 0x8e00, (uint16_t)(handler >> 16), handler >> 32, 0};
    __asm__ volatile("cli");
    interrupt_self(vector);
    __asm__ volatile("sti\n\tnop\n\tnop\n\tcli" : : : "memory");
}

static void leave_devices(void)
{
    const struct order *order;

    for (order = NULL; (order = order_next(order, "exit-apic"));)
        write32(LOCAL_APIC + order_number(order, 1), order_number(order, 2));
    for (order = NULL; (order = order_next(order, "exit-in-service"));)
        interrupt_take(order_number(order, 1));
    for (order = NULL; (order = order_next(order, "exit-pending"));)
        interrupt_self(order_number(order, 1));
    for (order = NULL; (order = order_next(order, "exit-write"));)
        write32(order_number(order, 1), order_number(order, 2));
    for (order = NULL; (order = order_next(order, "exit-port"));)
        port_write(order_number(order, 1), order_number(order, 2));
    for (order = NULL; (order = order_next(order, "exit-pci"));)
        pci_set(order);
}

static void leave_processor(void)
{
    const struct order *order;

    for (order = NULL; (order = order_next(order, "exit-msr"));)
        msr_write(order_number(order, 1), order_number(order, 2));
    for (order = NULL; (order = order_next(order, "exit-control"));)
        control_set(order_number(order, 1), order_number(order, 2));
    processor_leave_five_levels();
    if (order_next(NULL, "exit-breakpoints"))
        breakpoint_set(order_value("exit-breakpoints", 0));
    if (order_next(NULL, "exit-flags"))
        flags_set(order_value("exit-flags", 0));
    if (order_next(NULL, "exit-interrupts"))
        __asm__ volatile("sti");
}

void leave_behind(const EFI_SYSTEM_TABLE *before)
{
    if (order_next(NULL, "exit-pointers"))
        *system_table = *before;
    leave_devices();
    leave_processor();
}
