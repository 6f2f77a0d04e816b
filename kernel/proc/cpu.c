/* cpu.c: sets of processors as text; /proc/cpuinfo: what they are, by CPUID (Intel SDM volume 2).
 */
#include <linux/stat.h>

#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "cpu/features.h"
#include "proc/proc.h"

/* ---- sets ---- */

void proc_text_cpus(struct text *text, const struct cpu_set *set)
{
    const char *separator = "";

    CPU_SET_FOREACH (first, set) {
        unsigned last = first;
        while (last + 1 < CPU_MAXIMUM && cpu_set_has(set, last + 1))
            last++;
        text_print(text, last > first ? "%s%u-%u" : "%s%u", separator, first, last);
        separator = ",";
        first = last;
    }
}

static unsigned highest_online(void)
{
    unsigned highest = 0;

    CPU_SET_FOREACH (number, &cpu_online)
        highest = number;
    return highest;
}

void proc_text_cpu_mask(struct text *text, const struct cpu_set *set)
{
    unsigned highest = highest_online();

    for (unsigned digit = highest / 4 + 1; digit-- > 0;) {
        uint64_t four = cpu_set_word(set, digit / 16) >> digit % 16 * 4 & 15;
        text_print(text, digit % 8 == 0 && digit > 0 ? "%lx," : "%lx", four);
    }
}

/* ---- cpuinfo ---- */

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

    for (size_t i = 0; i < array_length(flags); i++)
        if (cpu_has_flag(flags[i].leaf, flags[i].output, flags[i].bit))
            text_print(text, " %s", flags[i].name);
}

static int processor_show(const struct pseudo_key *key, struct text *text)
{
    struct cpu_identity identity;

    (void)key;
    cpu_identify(&identity);
    CPU_SET_FOREACH (number, &cpu_online) {
        text_print(text, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
                   number, identity.vendor, identity.family, identity.model);
        text_print(text, "model name\t: %s\nstepping\t: %u\n", identity.model_name,
                   identity.stepping);
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
