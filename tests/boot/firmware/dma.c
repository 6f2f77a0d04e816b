/*
 * dma.c: a runtime service that lets a device write to memory which is not its own: QEMU's `edu`
 * (docs/specs/edu.rst there). It turns bus mastering on again itself, after whoever turned it off,
 * and its device's window is in the memory map as runtime memory.
 */
#include "hooks.h"

enum { EDU = 0x11e81234, COMMAND = 4, BAR = 0x10, MEMORY_AND_MASTER = 6 };
/* Behind ECAM on q35, where nothing is; OVMF gives the device no place. */
#define WINDOW UINT32_C(0xf0000000)

enum { SOURCE = 0x80, TARGET = 0x88, COUNT = 0x90, START = 0x98 }; /* edu's registers */
enum { BUFFER = 0x40000, BYTES = 64, TO_MEMORY = 3 };

static uint32_t device; /* as CONFIG_ADDRESS has it; 0: there is none */
static uint64_t window;

static void address_set(uint32_t address)
{
    __asm__ volatile("outl %0, %1" : : "a"(address), "Nd"((uint16_t)0xcf8));
}

static uint32_t config_read(uint32_t address)
{
    uint32_t value;

    address_set(address);
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"((uint16_t)0xcfc));
    return value;
}

static void config_write(uint32_t address, uint32_t value)
{
    address_set(address);
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"((uint16_t)0xcfc));
}

uint64_t dma_window(void)
{
    for (uint32_t slot = 0; slot < 32 && !device; slot++) {
        uint32_t address = 0x80000000 | slot << 11;

        if (config_read(address) == EDU)
            device = address;
    }
    if (device && !window) {
        window = WINDOW;
        config_write(device | BAR, WINDOW);
    }
    return window;
}

static void register_write(unsigned offset, uint64_t value)
{
    *(volatile uint64_t *)(window + offset) = value;
}

void dma_start(uint64_t target)
{
    if (!device)
        return;
    config_write(device | COMMAND, config_read(device | COMMAND) | MEMORY_AND_MASTER);
    register_write(SOURCE, BUFFER);
    register_write(TARGET, target);
    register_write(COUNT, BYTES);
    register_write(START, TO_MEMORY);
}
