/*
 * features.c: what the processor can do (Intel SDM volume 2, CPUID), and the
 * control registers set accordingly.
 */
#include "cpu/features.h"

#include "cpu/cpu.h"
#include "cpu/registers.h"
#include "cpu/user_access.h"
#include "library/cache_description.h"
#include "library/memory_type.h"
#include "library/string.h"

struct cpu_features cpu_features;

/*
 * QEMU 7.2's emulation of a processor with XSAVE and none of its extensions (Opteron_G4,
 * Opteron_G5) takes CR4.OSXSAVE for reserved and then stands still, with other systems too. A
 * processor of silicon is believed.
 */
static bool xsave_stops_emulator(void)
{
    const struct cpuid_result emulator = cpuid(0x40000000, 0);
    static const uint32_t tcg = 0x54474354; /* "TCGT", of "TCGTCGTCGTCG" */

    return cpuid(1, 0).ecx >> 31 & 1 && emulator.ebx == tcg && !cpuid(0xd, 1).eax;
}

void cpu_features_find(void)
{
    struct cpu_features *f = &cpu_features;
    uint32_t last = cpuid(0, 0).eax;
    uint32_t last_extended = cpuid(0x80000000, 0).eax;
    struct cpuid_result basic = cpuid(1, 0);

    f->basic = basic.edx;
    f->x2apic = basic.ecx >> 21 & 1;
    f->xsave = (basic.ecx >> 26 & 1) && !xsave_stops_emulator();
    f->rdrand = basic.ecx >> 30 & 1;
    f->global_pages = basic.edx >> 13 & 1;
    if (last >= 7) {
        struct cpuid_result seven = cpuid(7, 0);
        f->smep = seven.ebx >> 7 & 1;
        f->smap = seven.ebx >> 20 & 1;
        f->umip = seven.ecx >> 2 & 1;
    }
    f->physical_bits = 36;
    if (last_extended >= 0x80000001) {
        struct cpuid_result extended = cpuid(0x80000001, 0);
        f->nx = extended.edx >> 20 & 1;
        f->gigabyte_pages = extended.edx >> 26 & 1;
        f->rdtscp = extended.edx >> 27 & 1;
    }
    if (last_extended >= 0x80000007)
        f->invariant_tsc = cpuid(0x80000007, 0).edx >> 8 & 1;
    if (last_extended >= 0x80000008)
        f->physical_bits = cpuid(0x80000008, 0).eax & 0xff;
}

void cpu_features_enable(void)
{
    const struct cpu_features *f = &cpu_features;
    uint64_t cr4 = cr4_read() | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_MCE;

    cr4 |= f->global_pages ? CR4_PGE : 0;
    cr4 |= f->smep ? CR4_SMEP : 0;
    cr4 |= f->smap ? CR4_SMAP : 0;
    cr4 |= f->umip ? CR4_UMIP : 0;
    cr4 |= f->xsave ? CR4_OSXSAVE : 0;
    /* FSGSBASE stays off: a base is then changed by arch_prctl(2) or a selector load only. */
    cr4 &= ~CR4_FSGSBASE;
    cr4_write(cr4);
    cr0_write((cr0_read() | CR0_WP | CR0_MP | CR0_NE) & ~(CR0_EM | CR0_TS));
    user_access_smap = f->smap;
    /* What RDTSCP and RDPID tell programs: the CPU's number, as on Linux. */
    if (f->rdtscp)
        msr_write(MSR_TSC_AUX, cpu_current()->number);
}

/* ---- for programs that ask ---- */

bool cpu_has_flag(uint32_t leaf, char output, unsigned bit)
{
    if (leaf == 7 && cpuid(0, 0).eax < 7)
        return false;
    struct cpuid_result result = cpuid(leaf, 0);
    uint32_t value = output == 'b' ? result.ebx : output == 'c' ? result.ecx : result.edx;
    return value >> bit & 1;
}

static bool leaf_is_there(uint32_t leaf)
{
    return cpuid(leaf & 0x80000000, 0).eax >= leaf;
}

bool cpu_cache_at(unsigned index, struct cache_description *cache)
{
    const unsigned topology_extensions = 22, most = 16;
    bool extended = leaf_is_there(0x8000001d) && cpu_has_flag(0x80000001, 'c', topology_extensions);

    if (index >= most)
        return false;
    if (extended || (leaf_is_there(4) && cpuid(4, 0).eax)) {
        struct cpuid_result r = cpuid(extended ? 0x8000001d : 4, index);
        return cache_of_leaf((uint32_t[]){r.eax, r.ebx, r.ecx, r.edx}, cache);
    }
    if (!leaf_is_there(0x80000006))
        return false;
    struct cpuid_result first = cpuid(0x80000005, 0), second = cpuid(0x80000006, 0);
    return cache_of_old_leaves((uint32_t[]){first.ecx, first.edx},
                               (uint32_t[]){second.ecx, second.edx}, index, cache);
}

unsigned cpu_virtual_bits(void)
{
    const unsigned usual = 48;

    return leaf_is_there(0x80000008) ? cpuid(0x80000008, 0).eax >> 8 & 0xff : usual;
}

void cpu_identify(struct cpu_identity *identity)
{
    struct cpuid_result result = cpuid(0, 0);

    memset(identity, 0, sizeof(*identity));
    memcpy(identity->vendor, &result.ebx, 4);
    memcpy(identity->vendor + 4, &result.edx, 4);
    memcpy(identity->vendor + 8, &result.ecx, 4);

    uint32_t signature = cpuid(1, 0).eax;
    identity->stepping = signature & 15;
    identity->family = signature >> 8 & 15;
    identity->model = signature >> 4 & 15;
    if (identity->family == 15)
        identity->family += signature >> 20 & 255;
    if (identity->family >= 6)
        identity->model |= signature >> 12 & 0xf0;

    if (cpuid(0x80000000, 0).eax < 0x80000004)
        return;
    for (uint32_t i = 0; i < 3; i++) {
        result = cpuid(0x80000002 + i, 0);
        memcpy(identity->model_name + 16 * i, &result, 16);
    }
}

/* SDM volume 4, table 2-2: the fixed ranges' registers, in the order of their addresses. */
static const uint16_t fixed_ranges[MEMORY_TYPE_FIXED_COUNT] = {
    0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
};

bool cpu_memory_is_write_back(paddr_t base, uint64_t size)
{
    const uint32_t has_registers = 1U << 12, has_fixed = 1U << 8;
    static struct memory_type_registers registers;

    if (!(cpuid(1, 0).edx & has_registers))
        return false;
    uint64_t capability = msr_read(MSR_MTRR_CAP);
    registers.default_type = msr_read(MSR_MTRR_DEF_TYPE);
    registers.variable_count = capability & 0xff;
    if (registers.variable_count > MEMORY_TYPE_VARIABLE_MAX)
        return false;
    for (unsigned i = 0; i < registers.variable_count; i++) {
        registers.base[i] = msr_read(MSR_MTRR_PHYSBASE0 + 2 * i);
        registers.mask[i] = msr_read(MSR_MTRR_PHYSBASE0 + 2 * i + 1);
    }
    for (int i = 0; capability & has_fixed && i < MEMORY_TYPE_FIXED_COUNT; i++)
        registers.fixed[i] = msr_read(fixed_ranges[i]);
    return memory_type_is_write_back(&registers, cpu_features.physical_bits, base, size);
}
