#include "cpu/legacy_pic.h"

#include "cpu/registers.h"

/* Two chips of eight inputs; the second hangs on input 2 of the first. */
enum {
    FIRST_COMMAND = 0x20,
    SECOND_COMMAND = 0xa0,
    DATA = 1, /* behind the command's port */
    CASCADE = 2,
    INPUTS = 8,

    INITIALIZE = 0x11, /* ICW1: edges, cascaded, ICW4 follows */
    MODE_8086 = 0x01,  /* ICW4 */
    END_SPECIFIC = 0x60,
    READ_IN_SERVICE = 0x0b, /* OCW3 */
};

static uint8_t masks[2] = {0xff, 0xff}; /* guarded by the lock of the interrupts' routes */

static uint16_t command_port(uint8_t irq)
{
    return irq < INPUTS ? FIRST_COMMAND : SECOND_COMMAND;
}

static void program(uint16_t command, uint8_t vector, uint8_t cascade)
{
    port_write8(command, INITIALIZE);
    port_write8(command + DATA, vector);
    port_write8(command + DATA, cascade);
    port_write8(command + DATA, MODE_8086);
    port_write8(command + DATA, 0xff);
}

bool legacy_pic_initialize(uint8_t first)
{
    static const uint8_t probe = 0xff & ~(1U << CASCADE);

    program(FIRST_COMMAND, first, 1U << CASCADE);
    program(SECOND_COMMAND, first + INPUTS, CASCADE);
    masks[0] = masks[1] = 0xff;
    port_write8(FIRST_COMMAND + DATA, probe); /* the second chip's inputs are all masked */
    return port_read8(FIRST_COMMAND + DATA) == probe;
}

void legacy_pic_enable(uint8_t irq, bool on)
{
    uint8_t bit = 1U << irq % INPUTS, *mask = &masks[irq / INPUTS];

    *mask = on ? *mask & ~bit : *mask | bit;
    port_write8(command_port(irq) + DATA, irq < INPUTS ? *mask & ~(1U << CASCADE) : *mask);
}

static bool in_service(uint8_t irq)
{
    port_write8(command_port(irq), READ_IN_SERVICE);
    return port_read8(command_port(irq)) >> irq % INPUTS & 1;
}

bool legacy_pic_is_real(uint8_t irq)
{
    if (irq % INPUTS != INPUTS - 1 || in_service(irq))
        return true;
    if (irq >= INPUTS) /* the first chip knows nothing of it */
        legacy_pic_end_of_interrupt(CASCADE);
    return false;
}

void legacy_pic_end_of_interrupt(uint8_t irq)
{
    port_write8(command_port(irq), END_SPECIFIC | irq % INPUTS);
    if (irq >= INPUTS)
        port_write8(FIRST_COMMAND, END_SPECIFIC | CASCADE);
}
