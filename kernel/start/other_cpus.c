/*
 * other_cpus.c: prepares what each CPU needs for itself and a ticket that says
 * so, wakes all by INIT and start-up interrupts (Intel SDM volume 3, 9.4.4.1), and waits
 * until they are there. Each takes its own ticket, becomes its own idle thread
 * and takes part in scheduling. README.md draws who may do what when.
 */
#include "start/other_cpus.h"

#include <asm/errno.h>

#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "cpu/features.h"
#include "cpu/fpu.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/registers.h"
#include "cpu/start_cpu.h"
#include "cpu/tlb.h"
#include "cpu/trap.h"
#include "firmware/record/processors.h"
#include "library/format.h"
#include "library/processor_list.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/kernel_space.h"
#include "memory/page_table.h"
#include "thread/thread.h"

#define MILLISECOND 1000000UL

/* Intel SDM volume 3, 9.4.4.1: 10 ms after INIT, and a second start-up interrupt for who missed the
   first. A slow machine, or one whose firmware still holds a processor, gets seconds. */
#define INIT_TIME     (10 * MILLISECOND)
#define SECOND_CALL   (200 * MILLISECOND)
#define PATIENCE      (5000 * MILLISECOND)
#define PATIENCE_MORE (5000 * MILLISECOND) /* for one that has taken its ticket */

/* Everything one CPU has for itself. */
struct processor {
    struct cpu cpu;
    struct thread idle;
    struct processor_notes *notes; /* for the record of the handoff, or NULL */
    char trap_stacks[TRAP_STACK_COUNT][TRAP_STACK_SIZE] __attribute__((aligned(16)));
};

/* Whom to start. Tickets and processors are never freed, also those that were given up: a processor
   may come at any time. */
static struct start_ticket *tickets;
static uint32_t ticket_count;

/* The page that all start from. */
struct launch_pad {
    paddr_t code; /* below 1 MiB */
    paddr_t root; /* maps that page at its own address; below 4 GiB, for 32-bit code */
};

static bool ticket_move(struct start_ticket *ticket, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&ticket->state, &from, to, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static bool ticket_is(const struct start_ticket *ticket, uint32_t state)
{
    return __atomic_load_n(&ticket->state, __ATOMIC_ACQUIRE) == state;
}

/* ---- on the new CPU ---- */

static void take_part(struct cpu *cpu)
{
    cpus[cpu->number] = cpu;
    cpu_join(cpu, &cpu_online);
    __atomic_fetch_add(&cpu_count, 1, __ATOMIC_SEQ_CST);
    tlb_forget(); /* from here on it is told what to forget; of before it knows nothing */
}

static void processor_main(struct start_ticket *ticket)
{
    struct cpu *cpu = ticket->cpu;
    struct processor *processor = container_of(cpu, struct processor, cpu);

    handoff_record_notes_take(processor->notes);
    trap_initialize_cpu(cpu, processor->trap_stacks);
    trap_set_kernel_stack(cpu, processor->idle.kernel_stack_top);
    page_attributes_load();
    cr3_write(kernel_root);
    cpu_features_enable();
    local_apic_initialize_cpu();
    fpu_initialize_cpu();
    scheduler_initialize_cpu(&processor->idle, kernel_root);
    if (!ticket_move(ticket, TICKET_TAKEN, TICKET_ONLINE))
        processor_stop();
    take_part(cpu);
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

static struct processor *processor_prepare(uint32_t number, uint32_t apic_id)
{
    struct processor *processor = heap_allocate_zeroed(sizeof(*processor));
    vaddr_t stack = processor ? kernel_stack_allocate() : 0;

    if (!stack) {
        heap_free(processor);
        return NULL;
    }
    cpu_enter_number(&processor->cpu, number);
    processor->cpu.apic_id = apic_id;
    processor->cpu.current = &processor->idle;
    processor->notes = handoff_record_notes_make();
    processor->idle.kernel_stack = stack;
    processor->idle.kernel_stack_top = stack + KERNEL_STACK_SIZE;
    format_string(processor->idle.name, sizeof(processor->idle.name), "idle/%u", number);
    return processor;
}

/* A ticket for each, in this order, as far as memory goes. */
static int tickets_prepare(const struct processor_list *list)
{
    tickets = heap_allocate_zeroed(list->count * sizeof(*tickets));
    if (!tickets)
        return -ENOMEM;
    for (uint32_t i = 0; i < list->count; i++) {
        struct processor *processor = processor_prepare(i + 1, list->apic_ids[i]);
        if (!processor)
            break;
        tickets[ticket_count++] = (struct start_ticket){
            .apic_id = list->apic_ids[i],
            .state = TICKET_OFFERED,
            .stack = processor->idle.kernel_stack_top,
            .cpu = &processor->cpu,
        };
    }
    if (ticket_count < list->count)
        log_write(LOG_WARNING, "cpu: no memory for %u more processors: they stay off",
                  list->count - ticket_count);
    cpu_set_words = ticket_count / 64 + 1; /* number 0 is this one */
    return ticket_count ? 0 : -ENOMEM;
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

    char *code = frame_pointer(pad->code);
    const struct start_cpu_data data = {pad->root, processor_main, tickets, ticket_count,
                                        clock_tsc_frequency() / 1000 * held_back};
    memcpy(code, start_cpu_code, start_cpu_code_end - start_cpu_code);
    memcpy(code + (start_cpu_data - start_cpu_code), &data, sizeof(data));
    return 0;
}

static uint32_t tickets_that_are(uint32_t state)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < ticket_count; i++)
        count += ticket_is(&tickets[i], state);
    return count;
}

static void call_who_is_missing(const struct launch_pad *pad)
{
    for (uint32_t i = 0; i < ticket_count; i++)
        if (ticket_is(&tickets[i], TICKET_OFFERED))
            local_apic_send_startup(tickets[i].apic_id, pad->code >> PAGE_SHIFT);
}

/* Until nobody's ticket is in this state any more, or the time is over. */
static void wait_while_any(uint32_t state, uint64_t patience)
{
    uint64_t deadline = clock_now() + patience;

    while (tickets_that_are(state) && clock_now() < deadline)
        pause_for(MILLISECOND / 10);
}

static void wake_all(const struct launch_pad *pad)
{
    for (uint32_t i = 0; i < ticket_count; i++)
        local_apic_send_init(tickets[i].apic_id);
    pause_for(INIT_TIME);
    call_who_is_missing(pad);
    wait_while_any(TICKET_OFFERED, SECOND_CALL);
    call_who_is_missing(pad);
    wait_while_any(TICKET_OFFERED, PATIENCE);
    wait_while_any(TICKET_TAKEN, PATIENCE_MORE);
}

/* Who is not there by now stops for good, whenever it comes; INIT takes it out of whatever it does
   instead. */
static void give_up_the_others(void)
{
    for (uint32_t i = 0; i < ticket_count; i++) {
        struct start_ticket *ticket = &tickets[i];
        bool silent = ticket_move(ticket, TICKET_OFFERED, TICKET_GIVEN_UP);
        if (!silent && !ticket_move(ticket, TICKET_TAKEN, TICKET_GIVEN_UP))
            continue;
        local_apic_send_init(ticket->apic_id);
        log_write(LOG_WARNING, "cpu: the processor with APIC %u %s: given up", ticket->apic_id,
                  silent ? "does not answer" : "began and did not get through");
    }
}

/* Who has got through takes part some instructions later. */
static void wait_until_all_take_part(void)
{
    uint32_t passed = tickets_that_are(TICKET_ONLINE);
    uint64_t deadline = clock_now() + PATIENCE_MORE;

    while (__atomic_load_n(&cpu_count, __ATOMIC_ACQUIRE) < 1 + passed && clock_now() < deadline)
        pause_for(MILLISECOND / 10);
}

static void report_list(const struct processor_list *list, uint32_t most)
{
    if (list->own_missing)
        log_write(LOG_WARNING, "cpu: the MADT does not name the processor that runs");
    if (list->twice)
        log_write(LOG_WARNING,
                  "cpu: the MADT names APIC %u twice (%u such entries): it is started once",
                  list->first_twice, list->twice);
    if (list->unreachable)
        log_write(
            LOG_WARNING,
            "cpu: no interrupt reaches APIC %u in the mode that the firmware left: ignored, %u in "
            "all",
            list->first_unreachable, list->unreachable);
    if (list->too_many)
        log_write(LOG_WARNING, "cpu: %u more processors stay off: %u are used at most",
                  list->too_many, most);
}

static int list_read(struct processor_list *list, const struct acpi_root *acpi)
{
    struct acpi_table table;
    struct acpi_madt madt;
    const char *reason;

    if (!acpi || acpi_table_find(acpi, "APIC", &table) || acpi_madt_start(&madt, &table, &reason))
        return -ENOENT; /* interrupt_controller.c has said so */
    processor_list_read(list, &madt, cpus[0]->apic_id, local_apic_id_maximum());
    return 0;
}

/* What came of each, since `asked`. */
static void record_all(uint64_t asked)
{
    for (uint32_t i = 0; i < ticket_count; i++) {
        struct processor *processor = container_of(tickets[i].cpu, struct processor, cpu);
        handoff_record_processor(processor->notes, tickets[i].apic_id,
                                 ticket_is(&tickets[i], TICKET_ONLINE) ? RECORD_PROCESSOR_WOKE
                                                                       : RECORD_PROCESSOR_SILENT,
                                 asked);
    }
}

void other_cpus_start(const struct acpi_root *acpi, uint32_t most)
{
    static uint32_t apic_ids[CPU_MAXIMUM - 1];
    uint32_t used = most > CPU_MAXIMUM ? CPU_MAXIMUM : most < 1 ? 1 : most;
    struct processor_list list = {.apic_ids = apic_ids, .room = used - 1};
    struct launch_pad pad;

    handoff_record_boot_processor(cpus[0]->apic_id);
    if (list_read(&list, acpi))
        return;
    report_list(&list, used);
    if (!list.count)
        return;
    if (tickets_prepare(&list) || launch_pad_make(&pad)) {
        log_write(LOG_WARNING, "cpu: no memory to start other processors");
        return;
    }
    uint64_t asked = tsc_read();
    wake_all(&pad);
    give_up_the_others();
    record_all(asked);
    wait_until_all_take_part();
    log_write(LOG_NOTICE, "cpu: %u online", cpu_count);
}
