/* cpu.c: sets of processors as text; /proc/cpuinfo: what they are, by CPUID (Intel SDM volume 2).
 */
#include <linux/stat.h>

#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "cpu/features.h"
#include "library/string.h"
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

/*
 * CPUID's flags by the names and in the order of Linux (arch/x86/include/asm/cpufeatures.h): the
 * bits of a register from 0 on, "-" where it shows none. Left out is what the kernel does not turn
 * on: FSGSBASE, protection keys, 5 levels of tables, shadow stacks; and what is Linux's own.
 */
static const struct flag_register {
    uint32_t leaf;
    char output; /* a register: b, c, d */
    const char *names;
} flag_registers[] = {
    {1, 'd',
     "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts "
     "acpi "
     "mmx fxsr sse sse2 ss ht tm ia64 pbe"},
    {0x80000001, 'd',
     "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm "
     "3dnowext 3dnow"},
    {1, 'c',
     "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid "
     "dca "
     "sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor"},
    {0x80000001, 'c',
     "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop "
     "skinit "
     "wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc "
     "perfctr_llc "
     "mwaitx"},
    {7, 'b',
     "- tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f avx512dq "
     "rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni "
     "avx512bw "
     "avx512vl"},
    {7, 'c',
     "- avx512vbmi umip - - waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni avx512_bitalg "
     "tme "
     "avx512_vpopcntdq - - - - - - - rdpid - bus_lock_detect cldemote - movdiri movdir64b enqcmd"},
    {7, 'd',
     "- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - md_clear - - - serialize - "
     "tsxldtrk - pconfig arch_lbr - - amx_bf16 avx512_fp16 amx_tile amx_int8 - - flush_l1d "
     "arch_capabilities"},
};

static void text_register(struct text *text, const struct flag_register *flags)
{
    const char *name = flags->names;

    for (unsigned bit = 0; *name; bit++) {
        const char *blank = strchr(name, ' ');
        size_t length = blank ? (size_t)(blank - name) : strlen(name);
        if (*name != '-' && cpu_has_flag(flags->leaf, flags->output, bit)) {
            text_append(text, " ", 1);
            text_append(text, name, length);
        }
        name += length + (blank != NULL);
    }
}

static void text_flags(struct text *text)
{
    for (size_t i = 0; i < array_length(flag_registers); i++)
        text_register(text, &flag_registers[i]);
}

static int processor_show(const struct pseudo_key *key, struct text *text)
{
    uint64_t twice = 2 * clock_tsc_frequency(); /* Linux's loop of two instructions a cycle */
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
        text_print(text, "\nbugs\t\t:\nbogomips\t: %lu.%02lu\nclflush size\t: 64\n",
                   twice / 1000000, twice % 1000000 / 10000);
        text_print(text, "address sizes\t: %u bits physical, %u bits virtual\n\n",
                   cpu_features.physical_bits, cpu_virtual_bits());
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
