/*
 * main.c: the order of the boot. Each step needs what the ones before it made.
 *
 * kernel_main() runs once, on the boot CPU, interrupts off, and becomes that CPU's
 * idle thread; what may sleep is done by the first thread, start().
 */
#include <asm/errno.h>
#include <handoff.h>

#include "cpu/call.h"
#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "cpu/features.h"
#include "cpu/fpu.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/panic_wait.h"
#include "cpu/registers.h"
#include "cpu/symbol.h"
#include "device/driver.h"
#include "device/pci.h"
#include "device/tamper.h"
#include "device/usb/usb.h"
#include "exec/init.h"
#include "exec/placement.h"
#include "file/device.h"
#include "file/file.h"
#include "file/lockdown.h"
#include "firmware/acpi_ports.h"
#include "firmware/acpi_power.h"
#include "firmware/battery_clock.h"
#include "firmware/dma_remapping.h"
#include "firmware/firmware_memory.h"
#include "firmware/machine_end.h"
#include "firmware/power_button.h"
#include "firmware/programs/measurements.h"
#include "firmware/programs/memory_device.h"
#include "firmware/programs/tables.h"
#include "firmware/programs/variables.h"
#include "firmware/record/canary.h"
#include "firmware/record/findings.h"
#include "firmware/record/functions.h"
#include "firmware/record/handoff_record.h"
#include "firmware/record/machine_state.h"
#include "firmware/record/report.h"
#include "firmware/record/runtime.h"
#include "firmware/record/variable_report.h"
#include "firmware/record/virtual_map.h"
#include "firmware/runtime_services.h"
#include "library/acpi.h"
#include "library/align.h"
#include "library/error.h"
#include "library/memory_map.h"
#include "library/options.h"
#include "library/pixel.h"
#include "library/string.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/kernel_space.h"
#include "memory/page_fault.h"
#include "proc/machine/usb.h"
#include "proc/proc.h"
#include "process/process.h"
#include "process/signal/signal.h"
#include "process/system_information.h"
#include "process/vdso/vdso.h"
#include "socket/socket.h"
#include "start/handoff_check.h"
#include "start/other_cpus.h"
#include "storage/disks.h"
#include "storage/fat.h"
#include "storage/fuse/fuse.h"
#include "syscall/table.h"
#include "terminal/console.h"
#include "terminal/early_screen.h"
#include "terminal/framebuffer.h"
#include "terminal/serial.h"
#include "thread/mutex.h"
#include "thread/thread.h"
#include "thread/timer.h"

_Noreturn void kernel_main(const struct handoff *given); /* entry.S */

#define OPTIONS_LENGTH 4096

static struct handoff handoff; /* a copy: the loader's memory is given back */
static char options[OPTIONS_LENGTH];
static struct memory_range *ranges; /* in the loader's memory, then in the heap */
static int range_count;

static struct cpu boot_cpu;
static struct thread boot_idle;
static char trap_stacks[TRAP_STACK_COUNT][TRAP_STACK_SIZE] __attribute__((aligned(16)));
static struct thread start_thread;
static struct timer poll_timer;

extern char boot_stack_top[]; /* entry.S */
#define BOOT_STACK_SIZE 16384

/*
 * The boot cannot go on, and it is not our fault: says why and stops. Who watches sees a panic;
 * registers and a backtrace would tell nothing more.
 */
static _Noreturn void stop(const char *reason)
{
    log_write(LOG_ERROR, "panic: cannot start: %s. " PANIC_WAIT_TEXT ".", reason);
    log_write(LOG_ERROR, "panic: end");
    panic_wait();
}

/* ---- on the loader's tables ---- */

/* From here on traps are reported, and cpu_current() works. */
static void catch_traps(void)
{
    boot_cpu.current = &boot_idle;
    cpu_enter_number(&boot_cpu, 0);
    trap_initialize();
    trap_initialize_cpu(&boot_cpu, trap_stacks);
    trap_set_kernel_stack(&boot_cpu, (vaddr_t)boot_stack_top);
    cpus[0] = &boot_cpu;
    cpu_join(&boot_cpu, &cpu_online);
    cpu_count = 1;
}

/* mem=SIZE: of the usable memory no more than that is used, from the lowest up. */
static void limit_memory(void)
{
    uint64_t left;

    if (options_number(options, "mem", &left))
        return;
    left = align_down(left, PAGE_SIZE);
    for (int i = 0; i < range_count; i++) {
        if (ranges[i].kind != MEMORY_USABLE)
            continue;
        if (ranges[i].size > left)
            ranges[i].size = left;
        left -= ranges[i].size;
    }
}

/* Says what is wrong with the map, and takes memory that is write-back although it does not say so.
 */
static void judge_memory(const struct memory_map_findings *findings)
{
    char words[MEMORY_MAP_FINDINGS_TEXT];
    uint64_t left;

    memory_map_findings_text(findings, words, sizeof(words));
    log_write(LOG_NOTICE, "memory map: %u descriptors, %d ranges%s%s", findings->descriptors,
              range_count, *words ? "; " : "", words);
    uint64_t judged =
        memory_map_judge_uncached(ranges, range_count, cpu_memory_is_write_back, &left);
    if (judged)
        log_write(LOG_WARNING,
                  "memory map: %lu KiB without the write-back attribute, which MTRRs say they are",
                  judged >> 10);
    if (left)
        log_write(LOG_WARNING, "memory map: %lu KiB are not write-back: not used", left >> 10);
}

/*
 * Does the range's last word keep what is written there? Memory that is not there reads as ones,
 * zeros, or what was on the bus last: two words tell. On the loader's tables, which map it.
 */
static bool keeps_words(const struct memory_range *range)
{
    volatile uint64_t *word = (volatile uint64_t *)(range->base + range->size) - 1;
    const uint64_t words[] = {(uint64_t)word, ~(uint64_t)word}, before = *word;
    bool kept = true;

    for (size_t i = 0; i < array_length(words); i++) {
        *word = words[i];
        cache_line_flush(word);
        kept &= *word == words[i];
    }
    *word = before;
    return kept;
}

/* Free memory, says the firmware, where none is. */
static void refuse_missing_memory(void)
{
    for (int i = 0; i < range_count; i++) {
        struct memory_range *range = &ranges[i];
        if (range->kind != MEMORY_USABLE || !range->size || keeps_words(range))
            continue;
        log_write(LOG_WARNING, "memory map: %#lx to %#lx is no memory: not used", range->base,
                  range->base + range->size - 1);
        range->kind = MEMORY_RESERVED;
    }
}

/* A second look at what the loader has looked at: nobody may draw into memory. */
static void judge_framebuffer(void)
{
    const char *problem = handoff.framebuffer.format == HANDOFF_PIXEL_NONE
                              ? NULL
                              : framebuffer_overlaps(&handoff.framebuffer, ranges, range_count);
    if (!problem)
        return;
    early_screen_end();
    log_write(LOG_WARNING, "no console on the framebuffer: %s", problem);
    handoff.framebuffer.format = HANDOFF_PIXEL_NONE;
}

/* The loader's memory goes back; the map stays. */
static void keep_ranges(void)
{
    struct memory_range *copy = heap_allocate(range_count * sizeof(*ranges));

    if (!copy)
        stop("too little memory for the memory map");
    memcpy(copy, ranges, range_count * sizeof(*ranges));
    ranges = copy;
}

static void take_handoff(const struct handoff *given)
{
    const char *wrong = handoff_check(given, cpu_features.physical_bits);

    if (wrong) {
        log_write(LOG_ERROR, "handoff: %s", wrong);
        stop("the loader's handoff is unusable");
    }
    handoff = *given;
    string_copy(options, (const char *)given->options.base,
                given->options.size < sizeof(options) ? given->options.size : sizeof(options));

    if (options_flag(options, "quiet"))
        log_quiet();

    const struct handoff_memory_map *map = &handoff.memory_map;
    struct memory_map_findings findings;
    ranges = (struct memory_range *)handoff.workspace.base;
    range_count = memory_map_parse((const void *)map->base, map->size, map->descriptor_size,
                                   map->descriptor_version, cpu_features.physical_bits, ranges,
                                   handoff.workspace.size / sizeof(*ranges), &findings);
    if (range_count <= 0)
        stop("the firmware's memory map is unusable");
    judge_memory(&findings);
    refuse_missing_memory();
    judge_framebuffer();
    limit_memory();
}

/* From the loader's tables to our own. Pointers into physical memory are stale from here on. */
static void enter_own_tables(void)
{
    page_attributes_load();
    paddr_t root = memory_initialize(&handoff, ranges, range_count);
    if (!root)
        stop("too little memory");
    uint64_t loaders = cr3_read();
    cr3_write(root);
    if (!early_screen_move(&handoff.framebuffer)) {
        cr3_write(loaders); /* which show the screen */
        stop("too little memory");
    }
    cpu_features_enable();
    ranges = frame_pointer((paddr_t)ranges);

    const struct symbols symbols = {
        .table = frame_pointer(handoff.symbols.base),
        .table_size = handoff.symbols.size,
        .names = frame_pointer(handoff.symbol_names.base),
        .names_size = handoff.symbol_names.size,
    };
    symbol_initialize(&symbols, handoff.kernel.virtual_base);

    struct frame_counts frames;
    frame_count(&frames);
    log_write(LOG_NOTICE, "memory: %lu MiB usable, kernel at %#lx (%lu KiB)",
              frames.total * PAGE_SIZE >> 20, handoff.kernel.virtual_base,
              handoff.kernel.size >> 10);
}

/* ---- the machine ---- */

static const void *acpi_view(void *context, uint64_t physical, size_t size)
{
    (void)context;
    return firmware_memory_view(ranges, (size_t)range_count, physical, size);
}

static struct acpi_root acpi_root; /* constant after boot */

static const struct acpi_root *acpi; /* NULL: there is none; constant after boot */

/* Tables with a wrong checksum are used all the same, as on other systems: acpi.h. */
static void report_checksums(void)
{
    struct acpi_table table;
    const char *reason;

    if (acpi_root.checksum_wrong)
        log_write(LOG_WARNING, "acpi: the root table has a wrong checksum: used all the same");
    for (uint32_t i = 0; i < acpi_root.entry_count; i++)
        if (!acpi_table_at(&acpi_root, i, &table, &reason) && table.checksum_wrong)
            log_write(LOG_WARNING, "acpi: table %s has a wrong checksum: used all the same",
                      table.signature);
}

static const struct acpi_root *find_acpi(void)
{
    static const struct acpi_memory memory = {.map = acpi_view};
    const char *reason = "the firmware names none";
    uint64_t rsdp = handoff.tables.acpi2 ? handoff.tables.acpi2 : handoff.tables.acpi1;

    if (!rsdp || acpi_root_find(&memory, rsdp, &acpi_root, &reason)) {
        log_write(LOG_WARNING, "acpi: no usable tables: %s", reason);
        return NULL;
    }
    const unsigned first_with_xsdt = 2, rsdt_entry = 4;
    if (acpi_root.revision >= first_with_xsdt && acpi_root.entry_size == rsdt_entry)
        log_write(LOG_WARNING, "acpi: the XSDT is not used, the RSDT is: %s", reason);
    report_checksums();
    return &acpi_root;
}

static void *map_registers(paddr_t base, size_t size)
{
    return device_map(base, size, DEVICE_UNCACHED);
}

/* Whether the handoff is recorded whole. */
static bool records_all(void)
{
    return options_asked(options, "report") || options_asked(options, "audit");
}

static bool reports_to_variable(void)
{
    char value[16];

    return !options_string(options, "report", value, sizeof(value)) &&
           strcmp(value, "variable") == 0;
}

/* `audit=emp`; without a value, or with a yes for one, it is the usual profile. */
static void choose_profile(void)
{
    char profile[16];

    if (!options_flag(options, "audit") &&
        !options_string(options, "audit", profile, sizeof(profile)))
        handoff_findings_choose(profile);
}

/* Interrupts, clocks, registers of programs. */
static void initialize_machine(void)
{
    acpi = find_acpi();

    handoff_record_machine_state(acpi, handoff.exit_rflags);
    dma_remapping_stop(acpi);
    if (records_all())
        handoff_record_watch_interrupts();
    if (interrupt_controller_initialize(acpi, map_registers))
        stop("the processor has no usable local APIC");
    boot_cpu.apic_id = local_apic_id();
    acpi_ports_open(acpi ? &acpi_root : NULL);
    clock_initialize(acpi, map_registers);
    handoff_record_interrupts();
    if (handoff.time.valid)
        clock_wall_set(handoff.time.unix_seconds * NANOSECONDS_PER_SECOND +
                       handoff.time.nanoseconds);
    fpu_initialize();
    fpu_initialize_cpu();
    cpu_call_initialize();
    panic_initialize();
}

/* ---- programs ---- */

static void load_root_file_system(void)
{
    const struct handoff_range *initrd = &handoff.initrd;
    const char *reason = "unknown";

    if (!initrd->size)
        stop("the boot entry names no initrd");
    int error = file_system_load_cpio(frame_pointer(initrd->base), initrd->size, &reason);
    if (error == -ENOMEM)
        stop("too little memory for the initrd's files");
    if (error) {
        log_write(LOG_ERROR, "initrd: %s", reason);
        stop("the initrd is corrupt");
    }
    memory_give_back(initrd->base & -PAGE_SIZE,
                     (initrd->size + initrd->base % PAGE_SIZE) & -PAGE_SIZE);
}

/* Starts the first program there is, as Linux looks for it; init= names another. */
static void start_init(void)
{
    static const char *const paths[] = {"/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
    static const char *const environment[] = {"HOME=/", "TERM=linux", NULL};
    char chosen[256];
    const char *arguments[17] = {chosen};
    size_t count = 1;

    static char words[OPTIONS_LENGTH];
    const char *position = options_for_init(options);
    struct option option;
    char *end = words;
    while (count < array_length(arguments) - 1 && options_next(&position, &option)) {
        memcpy(end, option.word, option.word_length);
        end[option.word_length] = '\0';
        arguments[count++] = end;
        end += option.word_length + 1;
    }

    if (!options_string(options, "init", chosen, sizeof(chosen)) ||
        !options_string(options, "rdinit", chosen, sizeof(chosen))) {
        int error = process_start_init(chosen, arguments, environment);
        if (!error)
            return;
        log_write(LOG_ERROR, "init: %s: %s", chosen, error_text(error));
        stop("the program that init= names cannot be started");
    }
    for (size_t i = 0; i < array_length(paths); i++) {
        string_copy(chosen, paths[i], sizeof(chosen));
        int error = process_start_init(chosen, arguments, environment);
        if (!error)
            return;
        if (error != -ENOENT)
            log_write(LOG_WARNING, "init: %s: %s", chosen, error_text(error));
    }
    stop("there is no init in the initrd");
}

/* For a machine on which no device interrupts: a serial port fills its FIFO of 16 bytes in 1.4 ms.
 */
#define POLL_TIME (NANOSECONDS_PER_SECOND / 1000)

static void poll_devices(struct timer *timer)
{
    interrupt_isa_poll();
    timer_arm(timer, clock_now() + POLL_TIME);
}

static void start_polling(void)
{
    if (!interrupt_isa_needs_polling())
        return;
    timer_initialize(&poll_timer, poll_devices);
    timer_arm(&poll_timer, clock_now() + POLL_TIME);
}

/* Programs find the disks that are there from the start; one that does not answer shall not keep
   them from starting. */
#define DRIVERS_PATIENCE (5 * NANOSECONDS_PER_SECOND)

/* The first thread: what may sleep. */
static void start(void *unused)
{
    (void)unused;
    if (file_system_initialize())
        stop("too little memory for a root file system");
    sockets_initialize();
    if (fuse_initialize())
        stop("the number of /dev/fuse is taken");
    fat_initialize();
    if (vdso_initialize())
        stop("too little memory for the vDSO");
    kcmp_initialize();
    if (process_start_teller())
        stop("too little memory for a thread of the kernel");
    proc_initialize();
    system_set_options(options);
    lockdown_initialize(handoff.secure_boot, options);
    if (options_flag(options, "norandmaps"))
        exec_placement_level = 0;
    if (terminals_initialize(options))
        log_write(LOG_WARNING, "some terminals are missing: too little memory");
    start_polling();
    load_root_file_system();
    acpi_power_initialize(acpi);
    int error = runtime_services_initialize(&handoff.tables, acpi, ranges, (size_t)range_count);
    if (error)
        log_write(LOG_WARNING, "firmware: no runtime services: %s", error_text(error));
    measurements_initialize(&handoff.measurements);
    if (firmware_tables_initialize(&handoff.tables, acpi))
        log_write(LOG_WARNING, "firmware: no tables for programs: too little memory");
    pci_initialize(acpi, ranges, (size_t)range_count);
#ifdef DEBUG_CHECKS
    uint64_t one_in;
    if (!options_number(options, "tamper", &one_in))
        tamper_begin(one_in);
#endif
    usb_drivers_use(usb_drivers);
    if (usb_nodes_initialize())
        log_write(LOG_WARNING, "there are no nodes of USB devices");
    if (storage_initialize(options_flag(options, "rw-disks")))
        log_write(LOG_WARNING, "no disks: too little memory");
    else if (drivers_start(pci_drivers))
        log_write(LOG_WARNING, "no disks and no USB: too little memory");
    variables_initialize();
    proc_machine_initialize();
    if (memory_device_initialize())
        log_write(LOG_WARNING, "firmware: there is no /dev/mem");
    machine_end_initialize(options);
    power_button_initialize(acpi);
    if (battery_clock_initialize())
        log_write(LOG_NOTICE, "clock: none that runs while the machine is off");
    handoff_record_settle(records_all());
    if (records_all())
        choose_profile();
    handoff_record_functions();
    handoff_record_canary_start();
    handoff_record_try_services();
    if (records_all() && options_flag(options, "virtualmap"))
        runtime_services_move();
    memory_give_back(handoff.loader.base, handoff.loader.size);
    uint64_t most;
#ifdef DEBUG_CHECKS
    uint64_t milliseconds;
    if (!options_number(options, "holdcpus", &milliseconds))
        other_cpus_hold_back(milliseconds);
#endif
    other_cpus_start(acpi, options_number(options, "maxcpus", &most) ? CPU_MAXIMUM : most);
    if (options_asked(options, "audit"))
        handoff_findings_log();
    drivers_wait(DRIVERS_PATIENCE);
    storage_settle(DRIVERS_PATIENCE);
    if (reports_to_variable())
        handoff_report_to_variable();
    else if (options_asked(options, "report"))
        handoff_report_write(&handoff.partition);
    start_init();
}

static void start_ended(struct thread *thread)
{
    kernel_stack_free(thread->kernel_stack);
}

static void start_threads(void)
{
    boot_idle.kernel_stack = (vaddr_t)boot_stack_top - BOOT_STACK_SIZE;
    boot_idle.kernel_stack_top = (vaddr_t)boot_stack_top;
    string_copy(boot_idle.name, "idle/0", sizeof(boot_idle.name));
    scheduler_initialize_cpu(&boot_idle, kernel_root);

    vaddr_t stack = kernel_stack_allocate();
    if (!stack || memory_start())
        stop("too little memory");
    thread_initialize(&start_thread, "start", stack, KERNEL_STACK_SIZE, start, NULL, kernel_root);
    start_thread.release = start_ended;
    thread_start(&start_thread);
}

void kernel_main(const struct handoff *given)
{
    catch_traps();
    if (given->magic == HANDOFF_MAGIC)
        early_screen_begin(&given->framebuffer);
    serial_log_initialize();
    cpu_features_find();
    log_write(LOG_NOTICE, "Baton starts");
    take_handoff(given);
    if (!cpu_features.nx)
        stop("the processor cannot forbid execution of data (NX)");
    enter_own_tables();
    if (!framebuffer_initialize(&handoff.framebuffer))
        early_screen_end();
    keep_ranges();
    handoff_record_take(&handoff.record);
    initialize_machine();
    random_add(handoff.seed, sizeof(handoff.seed));
    struct option trace;
    scheduler_trace = options_find(options, "trace", &trace) && trace.value &&
                      trace.value_length == 6 && !memcmp(trace.value, "switch", 6);

    start_threads();
    scheduler_idle();
}
