/* cpu.c: /proc/cpuinfo: what the processors are, by CPUID (Intel SDM volume 2). */
#include <linux/stat.h>

#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "cpu/registers.h"
#include "library/string.h"
#include "proc/proc.h"

/* CPUID's flags by the names that Linux gives them; those that programs look for. */
static void text_flags(struct text *text)
{
    static const struct {
        uint32_t leaf;
        char output; /* a register: b, c, d */
        uint8_t bit;
        const char *name;
    } flags[] = {
        {1, 'd', 0, "fpu"},
        {1, 'd', 4, "tsc"},
        {1, 'd', 5, "msr"},
        {1, 'd', 6, "pae"},
        {1, 'd', 8, "cx8"},
        {1, 'd', 9, "apic"},
        {1, 'd', 11, "sep"},
        {1, 'd', 13, "pge"},
        {1, 'd', 15, "cmov"},
        {1, 'd', 16, "pat"},
        {1, 'd', 19, "clflush"},
        {1, 'd', 23, "mmx"},
        {1, 'd', 24, "fxsr"},
        {1, 'd', 25, "sse"},
        {1, 'd', 26, "sse2"},
        {0x80000001, 'd', 11, "syscall"},
        {0x80000001, 'd', 20, "nx"},
        {0x80000001, 'd', 27, "rdtscp"},
        {0x80000001, 'd', 29, "lm"},
        {1, 'c', 0, "pni"},
        {1, 'c', 1, "pclmulqdq"},
        {1, 'c', 9, "ssse3"},
        {1, 'c', 12, "fma"},
        {1, 'c', 13, "cx16"},
        {1, 'c', 19, "sse4_1"},
        {1, 'c', 20, "sse4_2"},
        {1, 'c', 22, "movbe"},
        {1, 'c', 23, "popcnt"},
        {1, 'c', 25, "aes"},
        {1, 'c', 26, "xsave"},
        {1, 'c', 28, "avx"},
        {1, 'c', 29, "f16c"},
        {1, 'c', 30, "rdrand"},
        {1, 'c', 31, "hypervisor"},
        {0x80000001, 'c', 0, "lahf_lm"},
        {0x80000001, 'c', 5, "abm"},
        {7, 'b', 3, "bmi1"},
        {7, 'b', 5, "avx2"},
        {7, 'b', 7, "smep"},
        {7, 'b', 8, "bmi2"},
        {7, 'b', 9, "erms"},
        {7, 'b', 16, "avx512f"},
        {7, 'b', 18, "rdseed"},
        {7, 'b', 19, "adx"},
        {7, 'b', 20, "smap"},
        {7, 'b', 23, "clflushopt"},
        {7, 'c', 2, "umip"},
    };
    uint32_t highest = cpuid(0, 0).eax;

    for (size_t i = 0; i < array_length(flags); i++) {
        if (flags[i].leaf == 7 && highest < 7)
            continue;
        struct cpuid_result result = cpuid(flags[i].leaf, 0);
        uint32_t value = flags[i].output == 'b'   ? result.ebx
                         : flags[i].output == 'c' ? result.ecx
                                                  : result.edx;
        if (value >> flags[i].bit & 1)
            text_print(text, " %s", flags[i].name);
    }
}

/* The vendor (12 letters) and the model's name (Intel SDM volume 2, CPUID). */
static void processor_names(char vendor[13], char model[49])
{
    struct cpuid_result result = cpuid(0, 0);

    memcpy(vendor, &result.ebx, 4);
    memcpy(vendor + 4, &result.edx, 4);
    memcpy(vendor + 8, &result.ecx, 4);
    vendor[12] = 0;
    memset(model, 0, 49);
    if (cpuid(0x80000000, 0).eax < 0x80000004)
        return;
    for (uint32_t i = 0; i < 3; i++) {
        result = cpuid(0x80000002 + i, 0);
        memcpy(model + 16 * i, &result, 16);
    }
}

static int processor_show(const struct pseudo_key *key, struct text *text)
{
    char vendor[13], model_name[49];
    uint32_t signature = cpuid(1, 0).eax;
    unsigned family = signature >> 8 & 15, model = signature >> 4 & 15;

    (void)key;
    if (family == 15)
        family += signature >> 20 & 255;
    if (family >= 6)
        model |= signature >> 12 & 0xf0;
    processor_names(vendor, model_name);
    for (unsigned number = 0; number < CPU_MAXIMUM; number++) {
        if (!cpus[number] || !__atomic_load_n(&cpus[number]->online, __ATOMIC_RELAXED))
            continue;
        text_print(text, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
                   number, vendor, family, model);
        text_print(text, "model name\t: %s\nstepping\t: %u\n", model_name, signature & 15);
        text_print(text, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n",
                   __atomic_load_n(&cpu_count, __ATOMIC_RELAXED), number,
                   __atomic_load_n(&cpu_count, __ATOMIC_RELAXED));
        text_print(text, "apicid\t\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\n",
                   cpus[number]->apic_id);
        text_print(text, "flags\t\t:");
        text_flags(text);
        text_print(text,
                   "\nbugs\t\t:\nclflush size\t: 64\naddress sizes\t: %u bits physical, 48 bits "
                   "virtual\n\n",
                   cpu_features.physical_bits);
    }
    return 0;
}

static struct pseudo_node cpu_nodes[] = {
    {.name = "cpuinfo", .mode = S_IFREG | 0444, .show = processor_show},
};

void proc_cpu_initialize(void)
{
    pseudo_add(&proc_root, cpu_nodes, array_length(cpu_nodes));
}
