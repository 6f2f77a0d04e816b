/*
 * interrupt_controller.h: the local APIC of each CPU and the I/O APICs.
 */
#ifndef BATON_CPU_INTERRUPT_CONTROLLER_H
#define BATON_CPU_INTERRUPT_CONTROLLER_H

#include "cpu/trap.h"

/*
 * Routes the ISA interrupt `irq` (0-15; the MADT's overrides are applied) to
 * this CPU and calls `handler` for it, as interrupt_set_handler() says.
 * Several handlers may share an irq (COM1 and COM3 do); each is called.
 * Errors: -ENODEV (no I/O APIC serves it), -ENOSPC (no vector or slot left).
 */
int interrupt_connect_isa(uint8_t irq, interrupt_handler *handler, void *context);

#endif
