#include "cpu/panic.h"

#include "cpu/clock.h"
#include "cpu/contained_call.h"
#include "cpu/cpu.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/panic_wait.h"
#include "cpu/registers.h"
#include "cpu/symbol.h"
#include "cpu/trap.h"
#include "library/format.h"

#define BACKTRACE_LIMIT 32

static bool ending; /* atomic: only the first CPU reports */

static void print_registers(const struct trap_frame *f)
{
    char where[96];

    log_write(LOG_ERROR, "  rip %016lx  %s", f->rip, symbol_describe(f->rip, where, sizeof(where)));
    log_write(LOG_ERROR, "  rsp %016lx  rflags %08lx  cs %04lx  ss %04lx", f->rsp, f->rflags, f->cs,
              f->ss);
    log_write(LOG_ERROR, "  rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx", f->rax, f->rbx, f->rcx,
              f->rdx);
    log_write(LOG_ERROR, "  rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx", f->rsi, f->rdi, f->rbp,
              f->r8);
    log_write(LOG_ERROR, "  r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx", f->r9, f->r10, f->r11,
              f->r12);
    log_write(LOG_ERROR, "  r13 %016lx  r14 %016lx  r15 %016lx", f->r13, f->r14, f->r15);
    log_write(LOG_ERROR, "  cr0 %08lx  cr2 %016lx  cr3 %016lx  cr4 %08lx", cr0_read(), cr2_read(),
              cr3_read(), cr4_read());
}

/*
 * Follows the chain of saved frame pointers (the kernel is built with
 * -fno-omit-frame-pointer). A frame must lie above the last one, not far, in the
 * kernel's half, so that a broken chain ends and does not fault.
 */
static void print_backtrace(vaddr_t frame_pointer)
{
    char where[96];

    log_write(LOG_ERROR, "backtrace:");
    for (int depth = 0; depth < BACKTRACE_LIMIT; depth++) {
        if (frame_pointer < 0xffff800000000000UL || frame_pointer % 8)
            return;
        const vaddr_t *frame = (const vaddr_t *)frame_pointer;
        if (!frame[1])
            return;
        /* The call's last byte: what it returns to may belong to the next function already. */
        log_write(LOG_ERROR, "  %016lx  %s", frame[1],
                  symbol_describe(frame[1] - 1, where, sizeof(where)));
        if (frame[0] <= frame_pointer || frame[0] > frame_pointer + 65536)
            return;
        frame_pointer = frame[0];
    }
}

/* The NMI of the CPU that ends it all, or one that watches a call into the firmware; any other is
   not ours to explain. */
static void stop_interrupt(void *context, struct trap_frame *frame)
{
    (void)context;
    if (__atomic_load_n(&ending, __ATOMIC_ACQUIRE))
        processor_stop();
    if (!contained_call_nmi(frame))
        log_write(LOG_WARNING, "an NMI nobody sent");
}

/* ---- in order ---- */

#define STOP_PATIENCE NANOSECONDS_PER_SECOND

static uint32_t stopped; /* CPUs; atomic */

/* The firmware's ResetSystem may not come back: the first to stop sees to that it is ended. An NMI
   ends the watch. */
static _Noreturn void watch_to_the_end(void)
{
    for (;;) {
        contained_call_watch();
        cpu_relax();
    }
}

static void stop_in_order(void *context, struct trap_frame *frame)
{
    (void)context;
    (void)frame;
    if (__atomic_fetch_add(&stopped, 1, __ATOMIC_RELEASE) == 0)
        watch_to_the_end();
    processor_stop();
}

void cpu_stop_others(void)
{
    uint64_t until = clock_now() + STOP_PATIENCE;
    uint32_t others = 0;

    CPU_SET_FOREACH (number, &cpu_online) {
        if (cpus[number] != cpu_current()) {
            local_apic_send(cpus[number]->apic_id, VECTOR_STOP);
            others++;
        }
    }
    while (__atomic_load_n(&stopped, __ATOMIC_ACQUIRE) < others && clock_now() < until)
        cpu_relax();
    if (__atomic_load_n(&stopped, __ATOMIC_ACQUIRE) < others)
        log_write(LOG_WARNING, "cpu: %u of %u other processors do not stop",
                  others - __atomic_load_n(&stopped, __ATOMIC_ACQUIRE), others);
}

void panic_initialize(void)
{
    interrupt_set_handler(TRAP_NMI, stop_interrupt, NULL);
    interrupt_set_handler(VECTOR_STOP, stop_in_order, NULL);
}

_Noreturn void cpu_halt_all(void)
{
    interrupts_disable();
    if (!__atomic_exchange_n(&ending, true, __ATOMIC_ACQ_REL))
        local_apic_stop_others();
    processor_stop();
}

static _Noreturn void panic_list(const struct trap_frame *frame, vaddr_t frame_pointer,
                                 const char *format, va_list arguments)
{
    interrupts_disable();
    if (__atomic_exchange_n(&ending, true, __ATOMIC_ACQ_REL))
        processor_stop(); /* another CPU's panic, or one inside the report */
    local_apic_stop_others();
    log_enter_panic();

    char reason[256];
    format_string_list(reason, sizeof(reason), format, arguments);
    log_write(LOG_ERROR, "panic: %s", reason);
    log_write(LOG_ERROR, "on CPU %u", cpu_current()->number);
    if (frame)
        print_registers(frame);
    print_backtrace(frame_pointer);
    log_write(LOG_ERROR, "panic: %s. " PANIC_WAIT_TEXT ".", reason);
    log_write(LOG_ERROR, "panic: end");
    panic_wait();
}

void panic(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    panic_list(NULL, (vaddr_t)__builtin_frame_address(0), format, arguments);
}

void panic_trap(const struct trap_frame *frame, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    panic_list(frame, frame->rbp, format, arguments);
}
