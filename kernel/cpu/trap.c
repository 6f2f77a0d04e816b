#include "cpu/trap.h"

#include "cpu/contained_call.h"
#include "cpu/cpu.h"
#include "cpu/hooks.h"
#include "cpu/interrupt_controller.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/registers.h"
#include "cpu/trap_offsets.h"
#include "cpu/user_access.h"
#include "library/string.h"

_Static_assert(__builtin_offsetof(struct trap_frame, vector) == FRAME_VECTOR, "trap_offsets.h");
_Static_assert(__builtin_offsetof(struct trap_frame, rip) == FRAME_RIP, "trap_offsets.h");
_Static_assert(__builtin_offsetof(struct trap_frame, cs) == FRAME_CS, "trap_offsets.h");
_Static_assert(__builtin_offsetof(struct trap_frame, rflags) == FRAME_RFLAGS, "trap_offsets.h");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "trap_offsets.h");
_Static_assert(__builtin_offsetof(struct cpu, current) == CPU_CURRENT, "trap_offsets.h");
_Static_assert(__builtin_offsetof(struct cpu_hooks, system_call) == HOOKS_SYSTEM_CALL,
               "trap_offsets.h");

/* trap_entry.S */
extern const char trap_stubs[];
extern const char trap_user_iretq[];
void system_call_entry(void);
void trap_dispatch(struct trap_frame *frame);
void trap_user_return(struct trap_frame *frame);

/* Interrupt stack table slots, from 1 (Intel SDM volume 3, 6.14.5). */
enum {
    IST_DOUBLE_FAULT = 1,
    IST_NMI,
    IST_MACHINE_CHECK,
    IST_DEBUG,
};
_Static_assert(IST_DEBUG == TRAP_STACK_COUNT, "one stack each");

/* A gate of the IDT (Intel SDM volume 3, 6.14.1). */
struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type; /* present, privilege, 0xe: interrupt gate */
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

static struct gate idt[256];           /* constant after trap_initialize() */
static struct gate contained_idt[256]; /* the same, but every trap has a stack of its own */

struct handler {
    interrupt_handler *function;
    void *context;
};
static struct handler handlers[256];

void interrupt_set_handler(uint8_t vector, interrupt_handler *function, void *context)
{
    handlers[vector].context = context;
    __atomic_store_n(&handlers[vector].function, function, __ATOMIC_RELEASE);
}

/* ---- tables ---- */

void trap_initialize(void)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        uint64_t stub = (uint64_t)trap_stubs + vector * 16;
        bool program_may_raise = vector == TRAP_BREAKPOINT || vector == TRAP_OVERFLOW;

        idt[vector] = (struct gate){
            .offset_low = stub & 0xffff,
            .selector = SELECTOR_KERNEL_CODE,
            .type = program_may_raise ? 0xee : 0x8e,
            .offset_middle = stub >> 16 & 0xffff,
            .offset_high = stub >> 32,
        };
    }
    idt[TRAP_DOUBLE_FAULT].ist = IST_DOUBLE_FAULT;
    idt[TRAP_NMI].ist = IST_NMI;
    idt[TRAP_MACHINE_CHECK].ist = IST_MACHINE_CHECK;
    idt[TRAP_DEBUG].ist = IST_DEBUG;
    for (unsigned vector = 0; vector < 256; vector++) {
        contained_idt[vector] = idt[vector];
        if (!idt[vector].ist)
            contained_idt[vector].ist = IST_DEBUG;
    }
}

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static void load_gates(const struct gate *gates)
{
    struct table_register idtr = {sizeof(idt) - 1, (uint64_t)gates};
    __asm__ volatile("lidt %0" ::"m"(idtr));
}

/* Code and data descriptors are flat; a TSS descriptor takes two slots (SDM volume
 * 3, 3.4.5, 8.2.3). One is only there to be asked for its limit: data that cannot be written. */
void trap_load_segments(struct cpu *cpu)
{
    uint64_t tss = (uint64_t)&cpu->task_state;
    uint64_t *gdt = cpu->descriptors;

    gdt[0] = 0;
    gdt[SELECTOR_KERNEL_CODE / 8] = 0x00af9b000000ffffUL;
    gdt[SELECTOR_KERNEL_DATA / 8] = 0x00cf93000000ffffUL;
    gdt[SELECTOR_USER_DATA / 8] = 0x00cff3000000ffffUL;
    gdt[SELECTOR_USER_CODE / 8] = 0x00affb000000ffffUL;
    gdt[SELECTOR_TASK_STATE / 8] = (sizeof(struct task_state) - 1) | (tss & 0xffffff) << 16 |
                                   0x89UL << 40 | (tss >> 24 & 0xff) << 56;
    gdt[SELECTOR_TASK_STATE / 8 + 1] = tss >> 32;
    gdt[SELECTOR_CPU_NUMBER / 8] = 0x0040f10000000000UL | cpu->number;

    struct table_register gdtr = {sizeof(cpu->descriptors) - 1, (uint64_t)gdt};
    struct table_register idtr = {sizeof(idt) - 1, (uint64_t)idt};
    __asm__ volatile("lgdt %0\n\t"
                     "lidt %1\n\t"
                     "pushq %2\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %3, %%eax\n\t"
                     "movl %%eax, %%ss\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%fs\n\t"
                     "movl %%eax, %%gs\n\t"
                     "lldt %%ax\n\t"
                     "movl %4, %%eax\n\t"
                     "ltr %%ax" ::"m"(gdtr),
                     "m"(idtr), "i"(SELECTOR_KERNEL_CODE), "i"(SELECTOR_KERNEL_DATA),
                     "i"(SELECTOR_TASK_STATE)
                     : "rax", "memory");
}

void trap_initialize_cpu(struct cpu *cpu, char (*stacks)[TRAP_STACK_SIZE])
{
    for (int i = 0; i < TRAP_STACK_COUNT; i++)
        cpu->task_state.ist[i] = (uint64_t)(stacks + i + 1);
    cpu->task_state.io_map_base = sizeof(struct task_state);
    trap_load_segments(cpu);

    cpu->self = cpu;
    msr_write(MSR_GS_BASE, (uint64_t)cpu);
    msr_write(MSR_KERNEL_GS_BASE, 0);
    msr_write(MSR_FS_BASE, 0);

    msr_write(MSR_STAR,
              (uint64_t)(SELECTOR_USER_DATA - 8) << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
    msr_write(MSR_LSTAR, (uint64_t)system_call_entry);
    msr_write(MSR_CSTAR, 0);
    msr_write(MSR_FMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF |
                             RFLAGS_AC | RFLAGS_CF);
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SCE);
}

void trap_set_kernel_stack(struct cpu *cpu, vaddr_t top)
{
    cpu->kernel_stack_top = top;
    cpu->task_state.rsp[0] = top;
}

/* ---- while code runs that is not ours ---- */

void trap_enter_contained(void)
{
    load_gates(contained_idt);
}

void trap_leave_contained(void)
{
    load_gates(idt);
}

static bool lies_on(const struct trap_frame *frame, const struct cpu *cpu, unsigned ist)
{
    return cpu->task_state.ist[ist - 1] - (vaddr_t)frame <= TRAP_STACK_SIZE;
}

bool trap_on_contained_stack(const struct trap_frame *frame, const struct cpu *cpu)
{
    return lies_on(frame, cpu, IST_DEBUG) || lies_on(frame, cpu, IST_DOUBLE_FAULT);
}

/* ---- traps ---- */

static const char *const trap_names[32] = {
    [TRAP_DIVIDE] = "divide error",
    [TRAP_DEBUG] = "debug",
    [TRAP_NMI] = "NMI",
    [TRAP_BREAKPOINT] = "breakpoint",
    [TRAP_OVERFLOW] = "overflow",
    [TRAP_BOUND] = "bound range exceeded",
    [TRAP_INVALID_OPCODE] = "invalid opcode",
    [TRAP_NO_DEVICE] = "device not available",
    [TRAP_DOUBLE_FAULT] = "double fault",
    [TRAP_INVALID_TSS] = "invalid TSS",
    [TRAP_NO_SEGMENT] = "segment not present",
    [TRAP_STACK] = "stack-segment fault",
    [TRAP_PROTECTION] = "general protection",
    [TRAP_PAGE_FAULT] = "page fault",
    [TRAP_X87] = "x87 floating-point error",
    [TRAP_ALIGNMENT] = "alignment check",
    [TRAP_MACHINE_CHECK] = "machine check",
    [TRAP_SIMD] = "SIMD floating-point exception",
};

const char *trap_name(uint64_t vector)
{
    return vector < array_length(trap_names) && trap_names[vector] ? trap_names[vector]
                                                                   : "unknown trap";
}

/*
 * IRETQ to user mode faulted: the frame that it read from (five words at the
 * interrupted RSP, the end of the thread's user frame) is one the CPU refuses. The
 * program asked for it (sigreturn), so it is made the program's fault, at the
 * address it wanted to go to. Returns the frame to go on with.
 */
static struct trap_frame *blame_program(const struct trap_frame *frame)
{
    struct trap_frame copy = *frame;
    struct trap_frame *user = (struct trap_frame *)(frame->rsp + 5 * 8) - 1;

    /* Only the general registers: rip to ss are in place already. */
    memcpy(user, &copy, __builtin_offsetof(struct trap_frame, vector));
    user->vector = copy.vector;
    user->code = copy.code;
    /* Whatever the selectors were meant to be, a signal can only be delivered to these. */
    user->cs = SELECTOR_USER_CODE;
    user->ss = SELECTOR_USER_DATA;
    user->rflags = (user->rflags & 0xfff) | RFLAGS_IF;
    return user;
}

static void user_trap(struct trap_frame *frame, vaddr_t address)
{
    interrupts_enable();
    if (frame->vector == TRAP_PAGE_FAULT && cpu_hooks.page_fault(frame, address))
        return;
    cpu_hooks.user_trap(frame, address);
}

static bool resolve_kernel_trap(struct trap_frame *frame, vaddr_t address)
{
    if (frame->vector == TRAP_PAGE_FAULT) {
        if (frame->rflags & RFLAGS_IF)
            interrupts_enable();
        bool resolved = cpu_hooks.page_fault(frame, address);
        interrupts_disable();
        return resolved;
    }
    if (frame->vector == TRAP_PROTECTION) {
        vaddr_t fixup = user_access_fixup(frame->rip);
        if (fixup)
            frame->rip = fixup;
        return fixup;
    }
    return false;
}

static void (*stray_watch)(struct trap_frame *frame); /* by the boot CPU alone */

void interrupt_watch_stray(void (*watch)(struct trap_frame *frame))
{
    stray_watch = watch;
}

static void interrupt_dispatch(struct trap_frame *frame)
{
    const struct handler *handler = &handlers[frame->vector];
    interrupt_handler *function = __atomic_load_n(&handler->function, __ATOMIC_ACQUIRE);

    struct cpu *cpu = cpu_current();
    __atomic_store_n(&cpu->interrupts[frame->vector], cpu->interrupts[frame->vector] + 1,
                     __ATOMIC_RELAXED);
    if (frame->vector == VECTOR_SPURIOUS)
        return; /* has no end of interrupt (Intel SDM volume 3, 11.9) */
    cpu->interrupt_depth++;
    if (function) {
        function(handler->context, frame);
    } else if (stray_watch) {
        cpu->interrupt_depth--;
        stray_watch(frame);
        return;
    } else {
        log_write(LOG_WARNING, "interrupt: nobody handles vector %u", (unsigned)frame->vector);
    }
    cpu->interrupt_depth--;
    local_apic_end_of_interrupt();
}

/* Everything but system calls comes here; interrupts off. */
void trap_dispatch(struct trap_frame *frame)
{
    vaddr_t address = frame->vector == TRAP_PAGE_FAULT ? cr2_read() : 0;

    if (frame->vector == TRAP_PAGE_FAULT && trap_from_user(frame)) { /* most are */
        user_trap(frame, address);
        return;
    }
    if (frame->vector >= 32) {
        interrupt_dispatch(frame);
        return;
    }
    if (frame->vector == TRAP_NMI) {
        if (handlers[TRAP_NMI].function)
            handlers[TRAP_NMI].function(handlers[TRAP_NMI].context, frame);
        return;
    }
    if (frame->vector == TRAP_DOUBLE_FAULT && contained_call_trap(frame, 0))
        return;
    if (frame->vector == TRAP_MACHINE_CHECK || frame->vector == TRAP_DOUBLE_FAULT)
        panic_trap(frame, "%s, code %#lx", trap_name(frame->vector), frame->code);
    if (trap_from_user(frame)) {
        user_trap(frame, address);
        return;
    }
    if (contained_call_trap(frame, address))
        return;
    if (frame->rip == (vaddr_t)trap_user_iretq) {
        struct trap_frame *user = blame_program(frame);
        user_trap(user, address);
        interrupts_disable();
        trap_user_return(user);
        trap_return_to_user(user);
    }
    /* A program's single step or breakpoint that came to pass in the kernel: it said nothing. */
    if (frame->vector == TRAP_DEBUG) {
        frame->rflags &= ~RFLAGS_TF;
        return;
    }
    if (!resolve_kernel_trap(frame, address))
        panic_trap(frame, "%s, code %#lx, address %#lx", trap_name(frame->vector), frame->code,
                   address);
}

/* SYSRET takes RIP from RCX and RFLAGS from R11. */
static void check_frame(const struct trap_frame *frame)
{
    debug_assert(frame->vector != TRAP_SYSCALL ||
                 (frame->rip == frame->rcx && frame->rflags == frame->r11 && !(frame->rip >> 47)));
}

/* The last C before user mode, where there is something to do; interrupts off. */
void trap_user_return(struct trap_frame *frame)
{
    cpu_hooks.user_return(frame);
    check_frame(frame);
}
