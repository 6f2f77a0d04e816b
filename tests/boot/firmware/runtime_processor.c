/*
 * runtime_processor.c: runtime services that leave the processor otherwise than they found it. Each
 * way has one number, VALUE of its order:
 *   flags       returns with these set in RFLAGS
 *   control0    returns with these bits of CR0 the other way round; `control4` of CR4
 *   cache-bits  returns with CR3's bits PWT and PCD set
 *   msr         returns with that model-specific register 0; of EFER SCE alone
 *   gdt, idt    returns with a table of no descriptors, interrupts off
 *   segments    returns with null selectors in DS, ES, FS and GS
 *   breakpoint  returns with a hardware breakpoint on what is executed there
 *   floating    returns with x87's and SSE's exceptions unmasked, x87's registers full
 *   int         executes INT with that vector
 */
#include <library/string.h>

#include "hooks.h"

#define EFER     0xc0000080
#define EFER_SCE UINT64_C(1)
#define CR3_BITS UINT64_C(0x18)

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static void flags(uint64_t bits)
{
    __asm__ volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq" : : "r"(bits) : "memory", "cc");
}

static void control0(uint64_t bits)
{
    uint64_t value;

    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    __asm__ volatile("mov %0, %%cr0" : : "r"(value ^ bits) : "memory");
}

static void control4(uint64_t bits)
{
    uint64_t value;

    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    __asm__ volatile("mov %0, %%cr4" : : "r"(value ^ bits) : "memory");
}

static void cache_bits(uint64_t unused)
{
    uint64_t value;

    (void)unused;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    __asm__ volatile("mov %0, %%cr3" : : "r"(value | CR3_BITS) : "memory");
}

static void msr(uint64_t number)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"((uint32_t)number));
    low = number == EFER ? low & ~EFER_SCE : 0;
    high = number == EFER ? high : 0;
    __asm__ volatile("wrmsr" : : "c"((uint32_t)number), "a"(low), "d"(high));
}

static void gdt(uint64_t unused)
{
    const struct table_register none = {0};

    (void)unused;
    __asm__ volatile("cli\n\tlgdt %0" : : "m"(none));
}

static void idt(uint64_t unused)
{
    const struct table_register none = {0};

    (void)unused;
    __asm__ volatile("cli\n\tlidt %0" : : "m"(none));
}

static void segments(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%fs\n\tmov %0, %%gs" : : "r"(0));
}

static void breakpoint(uint64_t address)
{
    const uint64_t on_in_every_task = 2; /* SDM, volume 3B, 18.2.4 */

    __asm__ volatile("mov %0, %%dr0" : : "r"(address));
    __asm__ volatile("mov %0, %%dr7" : : "r"(on_in_every_task));
}

static void floating(uint64_t unused)
{
    static const uint32_t unmasked = 0;
    static const uint16_t control = 0x0340;

    (void)unused;
    __asm__ volatile("fninit\n\t.rept 8\n\tfld1\n\t.endr\n\tfldcw %0\n\tldmxcsr %1"
                     :
                     : "m"(control), "m"(unmasked));
}

/* INT and RET for each vector, 4 bytes each. */
__asm__(".text\n.balign 4\ninterrupts:\n"
        ".set vector, 0\n.rept 256\n.byte 0xcd, vector, 0xc3, 0x90\n.set vector, vector + 1\n"
        ".endr\n");
extern const uint8_t interrupts[];

static void interrupt(uint64_t vector)
{
    ((void (*)(void))(uintptr_t)(interrupts + 4 * (vector & 255)))();
}

void processor_leave(const char *how, uint64_t value)
{
    static const struct {
        const char *how;
        void (*leave)(uint64_t value);
    } ways[] = {
        {"flags", flags},       {"control0", control0},     {"control4", control4},
        {"msr", msr},           {"cache-bits", cache_bits}, {"gdt", gdt},
        {"idt", idt},           {"segments", segments},     {"breakpoint", breakpoint},
        {"floating", floating}, {"int", interrupt},
    };

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (strcmp(how, ways[i].how) == 0)
            ways[i].leave(value);
    }
}
