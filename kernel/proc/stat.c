/* stat.c: what /proc says of what was done: times, switches, interrupts, load (proc(5)). */
#include <linux/stat.h>

#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "cpu/device_vector.h"
#include "cpu/interrupt_controller.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/frame.h"
#include "proc/proc.h"
#include "process/identity.h"
#include "process/system_information.h"
#include "thread/load.h"

#define TICK (NANOSECONDS_PER_SECOND / 100)

/* Of all of them. */
static void times_sum(struct cpu_times *sum)
{
    struct cpu_times times;

    memset(sum, 0, sizeof(*sum));
    CPU_SET_FOREACH (number, &cpu_online) {
        scheduler_cpu_times(cpus[number], &times);
        sum->user += times.user;
        sum->system += times.system;
        sum->idle += times.idle;
        sum->switches += times.switches;
    }
}

/* ---- uptime, loadavg ---- */

static void text_hundredths(struct text *text, uint64_t nanoseconds)
{
    text_print(text, "%lu.%02lu", nanoseconds / NANOSECONDS_PER_SECOND,
               nanoseconds % NANOSECONDS_PER_SECOND / TICK);
}

static int uptime_show(const struct pseudo_key *key, struct text *text)
{
    struct cpu_times times;

    (void)key;
    times_sum(&times);
    text_hundredths(text, clock_now());
    text_append(text, " ", 1);
    text_hundredths(text, times.idle);
    text_append(text, "\n", 1);
    return 0;
}

static int load_show(const struct pseudo_key *key, struct text *text)
{
    const uint64_t one = 1UL << LOAD_SHIFT;
    struct thread_summary threads;
    uint64_t averages[3];

    (void)key;
    thread_summary(&threads);
    load_averages(averages);
    for (size_t i = 0; i < array_length(averages); i++) {
        uint64_t rounded = averages[i] + one / 200;
        text_print(text, "%lu.%02lu ", rounded / one, rounded % one * 100 / one);
    }
    text_print(text, "%u/%u %u\n", threads.runnable, threads.threads, threads.newest);
    return 0;
}

/* ---- interrupts ---- */

static uint64_t interrupts_of_vector(unsigned vector)
{
    uint64_t sum = 0;

    CPU_SET_FOREACH (number, &cpu_online)
        sum += __atomic_load_n(&cpus[number]->interrupts[vector], __ATOMIC_RELAXED);
    return sum;
}

static uint64_t interrupts_sum(void)
{
    uint64_t sum = 0;

    for (unsigned vector = 0; vector < 256; vector++)
        sum += interrupts_of_vector(vector);
    return sum;
}

static void text_vector(struct text *text, unsigned vector)
{
    CPU_SET_FOREACH (number, &cpu_online)
        text_print(text, "%10u ",
                   __atomic_load_n(&cpus[number]->interrupts[vector], __ATOMIC_RELAXED));
}

/* Those that are the CPUs' own business. */
static const struct {
    const char *name;
    uint8_t vector;
    const char *meaning;
} own_interrupts[] = {
    {"LOC", VECTOR_TIMER, "Local timer interrupts"},
    {"SPU", VECTOR_SPURIOUS, "Spurious interrupts"},
    {"RES", VECTOR_RESCHEDULE, "Rescheduling interrupts"},
    {"CAL", VECTOR_CALL, "Function call interrupts"},
    {"LOG", VECTOR_LOG, "Kernel log interrupts"},
};

/* Devices that interrupt by message, by their vector. */
static void text_messages(struct text *text)
{
    char name[DEVICE_VECTOR_NAME];

    for (unsigned vector = DEVICE_VECTOR_FIRST; vector <= DEVICE_VECTOR_LAST; vector++) {
        if (!device_vector_describe((uint8_t)vector, name))
            continue;
        text_print(text, "%3u: ", vector);
        text_vector(text, vector);
        text_print(text, "  PCI-MSI %7u-edge      %s\n", vector, name);
    }
}

static int interrupts_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(text, "    ");
    CPU_SET_FOREACH (number, &cpu_online)
        text_print(text, "       CPU%-2u ", number);
    text_print(text, "\n");
    for (unsigned irq = 0; irq < ISA_INTERRUPTS; irq++) {
        struct isa_interrupt interrupt;
        if (!interrupt_isa_describe(irq, &interrupt))
            continue;
        text_print(text, "%3u: ", irq);
        text_vector(text, interrupt.vector);
        if (interrupt.by_io_apic)
            text_print(text, "  IO-APIC %3u-%s     %s\n", interrupt.input,
                       interrupt.level ? "fasteoi" : "edge   ", interrupt.name);
        else
            text_print(text, "  XT-PIC                 %s\n", interrupt.name);
    }
    text_messages(text);
    for (size_t i = 0; i < array_length(own_interrupts); i++) {
        text_print(text, "%s: ", own_interrupts[i].name);
        text_vector(text, own_interrupts[i].vector);
        text_print(text, "  %s\n", own_interrupts[i].meaning);
    }
    return 0;
}

/* Work that interrupts put off: there is none here, each does its own at once. */
static int soft_interrupts_show(const struct pseudo_key *key, struct text *text)
{
    static const char *const names[] = {"HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
                                        "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};

    (void)key;
    text_print(text, "                    ");
    CPU_SET_FOREACH (number, &cpu_online)
        text_print(text, "CPU%-8u", number);
    text_print(text, "\n");
    for (size_t i = 0; i < array_length(names); i++) {
        text_print(text, "%12s:", names[i]);
        CPU_SET_FOREACH (number, &cpu_online)
            text_print(text, " %10u", 0);
        text_print(text, "\n");
    }
    return 0;
}

/* ---- stat, vmstat ---- */

static void text_cpu_times(struct text *text, const char *name, const struct cpu_times *times)
{
    text_print(text, "%s %lu 0 %lu %lu 0 0 0 0 0 0\n", name, times->user / TICK,
               times->system / TICK, times->idle / TICK);
}

static int stat_show(const struct pseudo_key *key, struct text *text)
{
    struct thread_summary threads;
    struct cpu_times sum, times;
    char name[16];

    (void)key;
    thread_summary(&threads);
    times_sum(&sum);
    text_cpu_times(text, "cpu ", &sum);
    CPU_SET_FOREACH (number, &cpu_online) {
        scheduler_cpu_times(cpus[number], &times);
        format_string(name, sizeof(name), "cpu%u", number);
        text_cpu_times(text, name, &times);
    }
    text_print(text, "intr %lu", interrupts_sum());
    for (unsigned irq = 0; irq < ISA_INTERRUPTS; irq++) {
        struct isa_interrupt interrupt;
        bool connected = interrupt_isa_describe(irq, &interrupt);
        text_print(text, " %lu", connected ? interrupts_of_vector(interrupt.vector) : 0);
    }
    text_print(text, "\nctxt %lu\nbtime %lu\nprocesses %lu\nprocs_running %u\n", sum.switches,
               (clock_wall() - clock_now()) / NANOSECONDS_PER_SECOND, identity_given(),
               threads.runnable);
    text_print(text, "procs_blocked %u\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n", threads.blocked);
    return 0;
}

/* What is counted here; nothing is paged in or out, for there are no disks. */
static int memory_statistics_show(const struct pseudo_key *key, struct text *text)
{
    struct memory_summary memory;

    (void)key;
    memory_summary(&memory);
    text_print(text, "nr_free_pages %lu\nnr_anon_pages %lu\nnr_file_pages %lu\nnr_shmem %lu\n",
               memory.free, memory.anonymous, memory.cached, memory.shared);
    text_print(text, "nr_page_table_pages %lu\nnr_dirty 0\nnr_writeback 0\n", memory.page_tables);
    text_print(text, "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n");
    return 0;
}

static struct pseudo_node stat_nodes[] = {
    {.name = "interrupts", .mode = S_IFREG | 0444, .show = interrupts_show},
    {.name = "loadavg", .mode = S_IFREG | 0444, .show = load_show},
    {.name = "softirqs", .mode = S_IFREG | 0444, .show = soft_interrupts_show},
    {.name = "stat", .mode = S_IFREG | 0444, .show = stat_show},
    {.name = "uptime", .mode = S_IFREG | 0444, .show = uptime_show},
    {.name = "vmstat", .mode = S_IFREG | 0444, .show = memory_statistics_show},
};

void proc_stat_initialize(void)
{
    pseudo_add(&proc_root, stat_nodes, array_length(stat_nodes));
}
