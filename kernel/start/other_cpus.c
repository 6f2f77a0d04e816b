/*
 * other_cpus.c: prepares what a CPU needs for itself, wakes it by INIT and
 * start-up interrupts (Intel SDM volume 3, 9.4.4.1), and waits until it says that it is
 * there. It becomes its own idle thread and takes part in scheduling.
 */
#include "start/other_cpus.h"

#include <asm/errno.h>

#include "cpu/call.h"
#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "cpu/features.h"
#include "cpu/fpu.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/registers.h"
#include "cpu/trap.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/kernel_space.h"
#include "memory/page_table.h"
#include "thread/thread.h"

#define MILLISECOND 1000000UL

/* cpu/start_cpu.S: the code that is copied below 1 MiB, and what it reads there. */
extern const char start_cpu_code[], start_cpu_data[], start_cpu_code_end[];
struct start_cpu_handoff {
    uint64_t root, stack;
    void (*entry)(struct cpu *cpu);
    struct cpu *cpu;
};

/* Everything one CPU has for itself. */
struct processor {
    struct cpu cpu;
    struct thread idle;
    char trap_stacks[TRAP_STACK_COUNT][TRAP_STACK_SIZE] __attribute__((aligned(16)));
};

/* The page that all start from, one at a time. */
struct launch_pad {
    paddr_t code; /* below 1 MiB */
    paddr_t root; /* maps that page at its own address; below 4 GiB, for 32-bit code */
};

/* ---- on the new CPU ---- */

static void processor_main(struct cpu *cpu)
{
    struct processor *processor = container_of(cpu, struct processor, cpu);

    trap_initialize_cpu(cpu, processor->trap_stacks);
    trap_set_kernel_stack(cpu, processor->idle.kernel_stack_top);
    page_attributes_load();
    cr3_write(kernel_root);
    cpu_features_enable();
    local_apic_initialize_cpu();
    fpu_initialize_cpu();
    scheduler_initialize_cpu(&processor->idle, kernel_root);
    __atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
    scheduler_idle();
}

/* ---- on the boot CPU ---- */

static void pause_for(uint64_t nanoseconds)
{
    thread_prepare_sleep(THREAD_UNINTERRUPTIBLE);
    thread_sleep(clock_now() + nanoseconds);
}

static struct processor *prepare(uint32_t number, uint32_t apic_id)
{
    struct processor *processor = heap_allocate_zeroed(sizeof(*processor));
    vaddr_t stack = processor ? kernel_stack_allocate() : 0;

    if (!stack) {
        heap_free(processor);
        return NULL;
    }
    processor->cpu.number = number;
    processor->cpu.apic_id = apic_id;
    processor->cpu.current = &processor->idle;
    processor->idle.kernel_stack = stack;
    processor->idle.kernel_stack_top = stack + KERNEL_STACK_SIZE;
    format_string(processor->idle.name, sizeof(processor->idle.name), "idle/%u", number);
    return processor;
}

static bool launch(const struct launch_pad *pad, struct processor *processor)
{
    char *code = frame_pointer(pad->code);
    struct cpu *cpu = &processor->cpu;
    const struct start_cpu_handoff given = {
        .root = pad->root,
        .stack = processor->idle.kernel_stack_top,
        .entry = processor_main,
        .cpu = cpu,
    };

    memcpy(code, start_cpu_code, start_cpu_code_end - start_cpu_code);
    memcpy(code + (start_cpu_data - start_cpu_code), &given, sizeof(given));
    local_apic_send_init(cpu->apic_id);
    pause_for(10 * MILLISECOND);
    for (int attempt = 0; attempt < 2; attempt++) {
        local_apic_send_startup(cpu->apic_id, pad->code >> PAGE_SHIFT);
        uint64_t deadline = clock_now() + (attempt ? 500 : 50) * MILLISECOND;
        while (clock_now() < deadline) {
            if (__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
                return true;
            pause_for(MILLISECOND / 10);
        }
    }
    return false;
}

static bool start_one(const struct launch_pad *pad, uint32_t apic_id)
{
    struct processor *processor = prepare(cpu_count, apic_id);

    if (!processor) {
        log_write(LOG_WARNING, "cpu: no memory for the processor with APIC %u", apic_id);
        return false;
    }
    cpus[cpu_count] = &processor->cpu;
    if (!launch(pad, processor)) {
        /* It may come later after all: what was prepared for it stays its own. */
        log_write(LOG_WARNING, "cpu: the processor with APIC %u does not answer", apic_id);
        cpus[cpu_count] = NULL;
        return false;
    }
    __atomic_store_n(&cpu_count, cpu_count + 1, __ATOMIC_SEQ_CST);
    return true;
}

static int launch_pad_make(struct launch_pad *pad)
{
    uint64_t tables = 0;

    pad->code = frame_allocate(FRAME_KERNEL, FRAME_BELOW_1M);
    pad->root = frame_allocate(FRAME_PAGE_TABLE, FRAME_BELOW_4G | FRAME_ZEROED);
    if (!pad->code || !pad->root)
        return -ENOMEM;
    kernel_space_install(frame_pointer(pad->root));
    uint64_t *leaf = page_table_leaf_create(pad->root, pad->code, &tables);
    if (!leaf)
        return -ENOMEM;
    /* Executable, so not writable: it is written through the direct map. */
    uint64_t *entry = &leaf[page_table_index(pad->code, 0)];
    *entry = pad->code | PAGE_PRESENT | PAGE_ACCESSED;
    page_table_filled(entry, entry, 1);
    return 0;
}

/* The pad is not given back: a processor that did not answer may still use it. */
void other_cpus_start(const struct acpi_root *acpi, uint32_t most)
{
    struct launch_pad pad;
    struct acpi_table table;
    struct acpi_madt madt;
    struct acpi_madt_entry entry;
    const char *reason;

    if (most > CPU_MAXIMUM)
        most = CPU_MAXIMUM;
    if (most <= 1 || !acpi || acpi_table_find(acpi, "APIC", &table) ||
        acpi_madt_start(&madt, &table, &reason))
        return;
    bool ready = false;
    while (cpu_count < most && acpi_madt_next(&madt, &entry) == 1) {
        if (entry.kind != ACPI_MADT_PROCESSOR || !entry.processor.enabled ||
            entry.processor.apic_id == cpus[0]->apic_id)
            continue;
        if (!ready && launch_pad_make(&pad)) {
            log_write(LOG_WARNING, "cpu: no memory below 1 MiB to start other processors from");
            return;
        }
        ready = true;
        start_one(&pad, entry.processor.apic_id);
    }
    log_write(LOG_NOTICE, "cpu: %u online", cpu_count);
}
