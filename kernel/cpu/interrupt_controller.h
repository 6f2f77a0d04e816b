/*
 * interrupt_controller.h: the local APIC of each CPU and the I/O APICs.
 */
#ifndef BATON_CPU_INTERRUPT_CONTROLLER_H
#define BATON_CPU_INTERRUPT_CONTROLLER_H

#include "cpu/trap.h"

struct acpi_root;

/*
 * Masks the 8259s, finds the APICs in the MADT (NULL: none; then there are the
 * local APIC where the MSR says it is, and the 8259s) and masks every I/O APIC input. Once, at
 * boot, after device_map() works. 0, or -ENODEV: no local APIC.
 */
typedef void *device_map_function(paddr_t base, size_t size);
int interrupt_controller_initialize(const struct acpi_root *acpi, device_map_function *map);
/* Turns this CPU's local APIC on, everything masked; takes the mode (xAPIC, x2APIC) as found. */
void local_apic_initialize_cpu(void);
uint32_t local_apic_id(void);
/* The greatest identifier that an interrupt can be sent to in the mode that the firmware left. */
uint32_t local_apic_id_maximum(void);
/* Where its registers are seen, also if the mode does not need them. */
paddr_t local_apic_address(void);
void local_apic_end_of_interrupt(void);
/* An interrupt to another CPU, by its APIC identifier; to this one. Any context. */
void local_apic_send(uint32_t apic_id, uint8_t vector);
void local_apic_send_self(uint8_t vector);
/* INIT and start-up interrupts (Intel SDM volume 3, 9.4.4): `page` is the code's page below 1 MiB.
 */
void local_apic_send_init(uint32_t apic_id);
void local_apic_send_startup(uint32_t apic_id, uint8_t page);
/* One that the other CPU takes whatever it does. Any context. */
void local_apic_send_nmi(uint32_t apic_id);
/* For a panic: the other CPUs stop where they are, by NMI. */
void local_apic_stop_others(void);
/* The timer: one interrupt on VECTOR_TIMER after so many of its ticks; 0: none. */
void local_apic_timer_arm(uint32_t ticks);
uint32_t local_apic_timer_left(void);

/*
 * Routes the ISA interrupt `irq` (0-15; the MADT's overrides are applied) to
 * this CPU and calls `handler` for it, as interrupt_set_handler() says.
 * Several handlers may share an irq (COM1 and COM3 do); each is called. `name`:
 * of the device, for /proc/interrupts; constant.
 * Without an I/O APIC it comes by the 8259, and without that by
 * interrupt_isa_poll(). Errors: -ENODEV (no I/O APIC serves it), -ENOSPC (no
 * vector or slot left).
 */
int interrupt_connect_isa(uint8_t irq, const char *name, interrupt_handler *handler, void *context);
/*
 * The same for a device's pin of PCI that leads to the ISA interrupt `irq` (1-15): by level, shared
 * by many. `handler`: whether its device had interrupted. -ENODEV also: a device of ISA has it, by
 * edges.
 */
typedef bool pin_handler(void *context);
int interrupt_connect_pin(uint8_t irq, const char *name, pin_handler *handler, void *context);
/* Takes out who has this context: when it returns the handler neither runs nor will. Interrupts on,
   no spinlock held. */
void interrupt_disconnect_pin(uint8_t irq, const void *context);

/* From now on it comes no more. Any context. */
void interrupt_mask_isa(uint8_t irq);

/*
 * While it is on, this CPU gets an NMI 18 times a second, from the 8254 through the I/O APIC: the
 * one interrupt that nobody can turn off. Nothing comes where one of these is missing. Interrupts
 * off, by one CPU at a time, which turns it off again.
 */
void interrupt_nmi_ticks(bool on);
/* Whether they come on this machine. Interrupts off or nobody else there, and no ticks on. */
bool interrupt_nmi_ticks_come(void);

/* Nothing interrupts for the devices of ISA: somebody has to call the second function often, with
   interrupts off, on the boot CPU. It calls every handler, with no frame. */
bool interrupt_isa_needs_polling(void);
void interrupt_isa_poll(void);

#define ISA_INTERRUPTS 16
struct isa_interrupt {
    const char *name; /* of who connected it first */
    bool by_io_apic;  /* else by the 8259s, and the next two mean nothing */
    uint32_t input;   /* global system interrupt */
    bool level;       /* else an edge */
    uint8_t vector;
};
/* False: nobody has connected it. */
bool interrupt_isa_describe(uint8_t irq, struct isa_interrupt *interrupt);

#endif
