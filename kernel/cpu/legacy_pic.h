/*
 * legacy_pic.h: the two 8259s of a PC (Intel, 8259A data sheet): silenced where there are I/O
 * APICs, and used where no table tells of one. Their interrupts reach the CPU through its local
 * APIC's input 0.
 */
#ifndef BATON_CPU_LEGACY_PIC_H
#define BATON_CPU_LEGACY_PIC_H

#include <stdbool.h>
#include <stdint.h>

#define LEGACY_PIC_INPUTS 16

/* Silences both: input `irq` would come as vector `first` + irq. `first` is a multiple of 8.
   Whether they are there. At boot, or with the lock of the interrupts' routes. */
bool legacy_pic_initialize(uint8_t first);
/* One input on or off. The same. */
void legacy_pic_enable(uint8_t irq, bool on);
/* Was it the input, and not a request that was gone when the CPU asked (data sheet, "Interrupt
   sequence", 4)? In its handler, interrupts off. */
bool legacy_pic_is_real(uint8_t irq);
/* The handler is done. Interrupts off. */
void legacy_pic_end_of_interrupt(uint8_t irq);

#endif
