/*
 * other_cpus.c: prepares what a CPU needs for itself, wakes it by INIT and
 * start-up interrupts (Intel SDM volume 3, 9.4.4.1), and waits until it says that it is
 * there. It becomes its own idle thread and takes part in scheduling. One that comes too
 * late finds that it was given up: README.md draws who meets whom.
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
    uint64_t ticket; /* atomic; TICKET_*, and above 32 bits whose it is: an APIC identifier */
    uint64_t delay;  /* ticks that it is held back; for tests */
};
enum {
    TICKET_NONE,
    TICKET_OPEN, /* start_cpu.S knows these two */
    TICKET_CLAIMED,
};

/* Each of the two waits for a CPU: until it claims its start, until it is ready to run. */
#define PATIENCE (5 * NANOSECONDS_PER_SECOND)

/* Everything one CPU has for itself. */
struct processor {
    struct cpu cpu;
    uint32_t gate; /* atomic; GATE_*: whether it will run is decided here, once */
    struct thread idle;
    char trap_stacks[TRAP_STACK_COUNT][TRAP_STACK_SIZE] __attribute__((aligned(16)));
};

enum {
    GATE_CLOSED,
    GATE_PASSED,   /* by the CPU: it has its number */
    GATE_GIVEN_UP, /* by who waits for it: the number is another's */
};

/* The page that all start from, one at a time. */
struct launch_pad {
    paddr_t code; /* below 1 MiB */
    paddr_t root; /* maps that page at its own address; below 4 GiB, for 32-bit code */
};

/* True: it was decided so; false: otherwise. */
static bool gate_decide(struct processor *processor, uint32_t decision)
{
    uint32_t closed = GATE_CLOSED;
    return __atomic_compare_exchange_n(&processor->gate, &closed, decision, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

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
    if (!gate_decide(processor, GATE_PASSED))
        processor_stop();
    scheduler_initialize_cpu(&processor->idle, kernel_root);
    __atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
    scheduler_idle();
}

/* ---- on the boot CPU ---- */

static uint64_t held_back; /* ms; tests of debug kernels only */

void other_cpus_hold_back(uint64_t milliseconds)
{
    held_back = milliseconds;
}

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

static void processor_free(struct processor *processor)
{
    kernel_stack_free(processor->idle.kernel_stack);
    heap_free(processor);
}

static uint64_t ticket(const struct processor *processor, uint32_t state)
{
    return (uint64_t)processor->cpu.apic_id << 32 | state;
}

/* What start_cpu.S reads; the ticket last. */
static struct start_cpu_handoff *pad_fill(const struct launch_pad *pad, struct processor *processor)
{
    char *code = frame_pointer(pad->code);
    struct start_cpu_handoff *given = (void *)(code + (start_cpu_data - start_cpu_code));

    given->root = pad->root;
    given->stack = processor->idle.kernel_stack_top;
    given->entry = processor_main;
    given->cpu = &processor->cpu;
    given->delay = clock_tsc_frequency() / 1000 * held_back;
    __atomic_store_n(&given->ticket, ticket(processor, TICKET_OPEN), __ATOMIC_SEQ_CST);
    return given;
}

static bool is_claimed(const struct start_cpu_handoff *given)
{
    return (uint32_t)__atomic_load_n(&given->ticket, __ATOMIC_ACQUIRE) == TICKET_CLAIMED;
}

/* INIT, and twice "start" (SDM volume 3, 9.4.4.1); then it is waited for. */
static void wake(const struct launch_pad *pad, uint32_t apic_id,
                 const struct start_cpu_handoff *given)
{
    uint64_t deadline = clock_now() + PATIENCE;

    local_apic_send_init(apic_id);
    pause_for(10 * MILLISECOND);
    for (int attempt = 0; attempt < 2; attempt++) {
        local_apic_send_startup(apic_id, pad->code >> PAGE_SHIFT);
        uint64_t until = attempt ? deadline : clock_now() + 50 * MILLISECOND;
        while (!is_claimed(given) && clock_now() < until)
            pause_for(MILLISECOND / 10);
    }
}

enum launch_end {
    LAUNCH_ONLINE,
    LAUNCH_ABSENT, /* nothing of what was prepared is in use, or will be */
    LAUNCH_STUCK,  /* it has begun: pad, stack and structure are its own for good */
};

static enum launch_end launch(const struct launch_pad *pad, struct processor *processor)
{
    struct start_cpu_handoff *given = pad_fill(pad, processor);
    uint32_t apic_id = processor->cpu.apic_id;
    uint64_t open = ticket(processor, TICKET_OPEN);

    wake(pad, apic_id, given);
    if (!is_claimed(given)) {
        local_apic_send_init(apic_id); /* it waits for a start that never comes */
        if (__atomic_compare_exchange_n(&given->ticket, &open, TICKET_NONE, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return LAUNCH_ABSENT;
    }
    for (uint64_t deadline = clock_now() + PATIENCE;
         __atomic_load_n(&processor->gate, __ATOMIC_ACQUIRE) == GATE_CLOSED &&
         clock_now() < deadline;)
        pause_for(MILLISECOND / 10);
    if (gate_decide(processor, GATE_GIVEN_UP)) {
        local_apic_send_init(apic_id);
        return LAUNCH_STUCK;
    }
    while (!__atomic_load_n(&processor->cpu.online, __ATOMIC_ACQUIRE))
        pause_for(MILLISECOND / 10); /* it runs: there is a bound to what it still does */
    return LAUNCH_ONLINE;
}

static int launch_pad_make(struct launch_pad *pad)
{
    uint64_t tables = 0;

    pad->code = frame_allocate(FRAME_KERNEL, FRAME_BELOW_1M);
    pad->root = frame_allocate(FRAME_PAGE_TABLE, FRAME_BELOW_4G | FRAME_ZEROED);
    if (!pad->code || !pad->root)
        return -ENOMEM;
    /* Once: a late processor may be in the midst of it. */
    memcpy(frame_pointer(pad->code), start_cpu_code, start_cpu_code_end - start_cpu_code);
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

/* One more CPU, which gets the next number. */
static enum launch_end start_one(const struct launch_pad *pad, uint32_t apic_id)
{
    struct processor *processor = prepare(cpu_count, apic_id);

    if (!processor) {
        log_write(LOG_WARNING, "cpu: no memory for the processor with APIC %u", apic_id);
        return LAUNCH_ABSENT;
    }
    cpus[cpu_count] = &processor->cpu;
    enum launch_end end = launch(pad, processor);
    if (end == LAUNCH_ONLINE) {
        __atomic_store_n(&cpu_count, cpu_count + 1, __ATOMIC_SEQ_CST);
        return end;
    }
    cpus[cpu_count] = NULL;
    log_write(LOG_WARNING, "cpu: the processor with APIC %u %s: given up", apic_id,
              end == LAUNCH_ABSENT ? "does not answer" : "does not get ready");
    if (end == LAUNCH_ABSENT)
        processor_free(processor);
    return end;
}

/* ---- what the MADT says ---- */

/* Identifiers that were tried, the boot CPU's first. */
struct tried {
    uint32_t apic_id[CPU_MAXIMUM];
    uint32_t count;
    uint32_t left_off; /* good ones that there is no room for */
};

static bool is_known(const struct tried *tried, uint32_t apic_id)
{
    for (uint32_t i = 0; i < tried->count; i++)
        if (tried->apic_id[i] == apic_id)
            return true;
    return false;
}

/* Is this an entry for a processor that is to be started? */
static bool is_candidate(const struct acpi_madt_entry *entry, const struct tried *tried)
{
    if (entry->kind != ACPI_MADT_PROCESSOR || !entry->processor.enabled)
        return false;
    uint32_t apic_id = entry->processor.apic_id;
    if (apic_id > local_apic_id_maximum()) {
        log_write(LOG_WARNING,
                  "cpu: no interrupt reaches APIC %u in the mode that the firmware left: ignored",
                  apic_id);
        return false;
    }
    if (is_known(tried, apic_id)) {
        if (apic_id != cpus[0]->apic_id)
            log_write(LOG_WARNING, "cpu: the MADT names APIC %u twice: ignored", apic_id);
        return false;
    }
    return true;
}

/* Pads are not given back: a processor that did not answer may still come to where it stops. */
static bool start_candidate(struct launch_pad *pad, uint32_t apic_id)
{
    if (!pad->code && launch_pad_make(pad)) {
        log_write(LOG_WARNING, "cpu: no memory below 1 MiB to start other processors from");
        return false;
    }
    if (start_one(pad, apic_id) == LAUNCH_STUCK)
        pad->code = 0;
    return true;
}

void other_cpus_start(const struct acpi_root *acpi, uint32_t most)
{
    static struct tried tried;
    struct launch_pad pad = {0};
    struct acpi_table table;
    struct acpi_madt madt;
    struct acpi_madt_entry entry;
    const char *reason;

    if (most > CPU_MAXIMUM)
        most = CPU_MAXIMUM;
    if (most <= 1 || !acpi || acpi_table_find(acpi, "APIC", &table) ||
        acpi_madt_start(&madt, &table, &reason))
        return;
    tried.apic_id[tried.count++] = cpus[0]->apic_id;
    while (acpi_madt_next(&madt, &entry) == 1) {
        if (!is_candidate(&entry, &tried))
            continue;
        if (cpu_count >= most || tried.count == CPU_MAXIMUM) {
            tried.left_off++;
            continue;
        }
        tried.apic_id[tried.count++] = entry.processor.apic_id;
        if (!start_candidate(&pad, entry.processor.apic_id))
            return;
    }
    if (tried.left_off)
        log_write(LOG_NOTICE, "cpu: %u processors stay off: %u are used at most", tried.left_off,
                  most);
    log_write(LOG_NOTICE, "cpu: %u online", cpu_count);
}
