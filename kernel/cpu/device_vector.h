/*
 * device_vector.h: vectors of the processors for devices that interrupt by message (MSI): a write
 * to an address that the local APIC listens at (Intel SDM volume 3, 11.11).
 */
#ifndef BATON_CPU_DEVICE_VECTOR_H
#define BATON_CPU_DEVICE_VECTOR_H

#include "cpu/trap.h"

/* What a device writes, and where, to interrupt. */
struct interrupt_message {
    uint64_t address;
    uint32_t data;
};

/*
 * Takes a free vector and calls `handler` for it, on the boot CPU, as interrupt_set_handler() says.
 * `name`: of the driver, for /proc/interrupts; stays until it is disconnected. Returns the vector,
 * or -ENOSPC; -ENODEV: no message reaches the boot CPU.
 */
int device_vector_connect(const char *name, interrupt_handler *handler, void *context,
                          struct interrupt_message *message);
/* The device no longer interrupts: when this returns, the handler neither runs nor will. Interrupts
   on, no spinlock held. */
void device_vector_disconnect(uint8_t vector);

/* Copies the name of the driver, for /proc. False: nobody has this vector. */
#define DEVICE_VECTOR_NAME 32
bool device_vector_describe(uint8_t vector, char name[DEVICE_VECTOR_NAME]);

#define DEVICE_VECTOR_FIRST (VECTOR_DEVICE_FIRST + 16) /* below: ISA's */
#define DEVICE_VECTOR_LAST  VECTOR_DEVICE_LAST

#endif
