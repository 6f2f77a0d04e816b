/*
 * frame.c: from a signal to a call of its handler, and back.
 *
 *     higher addresses   the interrupted function's stack
 *                        its red zone (psABI x86-64, 3.2.2): 128 bytes
 *                        FPU image, 64-byte aligned, with Linux's marks
 *                        siginfo, ucontext
 *     stack pointer      return address: the C library's restorer
 *
 * Nothing that comes back by rt_sigreturn is trusted: the selectors are two
 * fixed values, of the flags only those of an ordinary program are taken, the
 * instruction pointer is canonical, the FPU image is checked by fpu_load().
 */
#include "process/signal/frame.h"

#include <asm/errno.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include <linux/signal.h>

#include "cpu/fpu.h"
#include "cpu/registers.h"
#include "library/align.h"
#include "library/string.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "process/system_calls.h"

struct user_frame {
    struct frame_head {
        vaddr_t restorer;
        struct ucontext context;
    } head;
    siginfo_t information;
};

/* The general registers lie there as in a trap's frame, up to RCX. */
#define GENERAL_REGISTERS_SIZE offsetof(struct trap_frame, vector)
_Static_assert(GENERAL_REGISTERS_SIZE == offsetof(struct sigcontext, rsp) &&
                   offsetof(struct trap_frame, rdi) == offsetof(struct sigcontext, rdi) &&
                   offsetof(struct trap_frame, rcx) == offsetof(struct sigcontext, rcx),
               "trap.h");

#define RED_ZONE_SIZE 128

/* What a handler may change of the flags: arithmetic, direction, trap, alignment check, resume. */
#define FLAGS_RESTORED                                                                             \
    (RFLAGS_CF | 0x4UL | 0x10UL | 0x40UL | 0x80UL | RFLAGS_TF | RFLAGS_DF | 0x800UL | RFLAGS_RF |  \
     RFLAGS_AC)

/* Linux's __USER_CS and __USER_DS, which programs that build frames by hand may write. */
#define LINUX_USER_CODE 0x33
#define LINUX_USER_DATA 0x2b

/* ---- the alternate stack ---- */

bool signal_stack_in_use(vaddr_t stack_pointer)
{
    const struct thread_signals *signals = &user_thread_current()->signals;

    /* SS_AUTODISARM: the kernel disarmed it itself when a handler began to use it. */
    if (signals->stack_flags & (SS_DISABLE | SS_AUTODISARM))
        return false;
    return stack_pointer > signals->stack_base &&
           stack_pointer - signals->stack_base <= signals->stack_size;
}

static bool on_alternate_stack(const struct thread_signals *signals, vaddr_t stack_pointer)
{
    return !(signals->stack_flags & SS_DISABLE) && stack_pointer > signals->stack_base &&
           stack_pointer - signals->stack_base <= signals->stack_size;
}

int signal_stack_set(const stack_t *stack, vaddr_t stack_pointer)
{
    struct thread_signals *signals = &user_thread_current()->signals;
    uint32_t mode = stack->ss_flags & ~SS_AUTODISARM;

    if (signal_stack_in_use(stack_pointer))
        return -EPERM;
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
        return -EINVAL;
    if (mode == SS_DISABLE) {
        signals->stack_base = 0;
        signals->stack_size = 0;
    } else {
        if (stack->ss_size < MINSIGSTKSZ)
            return -ENOMEM;
        signals->stack_base = (vaddr_t)stack->ss_sp;
        signals->stack_size = stack->ss_size;
    }
    signals->stack_flags = stack->ss_flags & ~(uint32_t)SS_ONSTACK;
    return 0;
}

/* ---- the FPU image ---- */

static size_t image_size_on_stack(void)
{
    return fpu_image_features ? fpu_image_size + FP_XSTATE_MAGIC2_SIZE : fpu_image_size;
}

size_t signal_frame_size(void)
{
    /* The parts, and what their alignment can cost. */
    return sizeof(struct user_frame) + image_size_on_stack() + 64 + 16 + 8;
}

/* What FXSAVE leaves to software, and behind it XSAVE's header. */
struct image_marks {
    struct _fpx_sw_bytes software;
    struct _header header;
};
#define IMAGE_MARKS offsetof(struct _fpstate, sw_reserved)
_Static_assert(IMAGE_MARKS + offsetof(struct image_marks, header) ==
                   offsetof(struct _xstate, xstate_hdr),
               "they lie side by side");

/* The registers go where they are wanted at once. XSAVE looks at its header first, which has to be
   zeros, and leaves alone what software has: there stands, as on Linux, how much follows. */
static int image_push(vaddr_t to)
{
    struct image_marks marks = {0};
    uint32_t magic2 = FP_XSTATE_MAGIC2;
    size_t size = sizeof(marks.software);

    if (fpu_image_features) {
        marks.software.magic1 = FP_XSTATE_MAGIC1;
        marks.software.extended_size = fpu_image_size + FP_XSTATE_MAGIC2_SIZE;
        marks.software.xfeatures = fpu_image_features;
        marks.software.xstate_size = fpu_image_size;
        size = sizeof(marks);
        if (user_put(to + fpu_image_size, &magic2))
            return -EFAULT;
    }
    return user_copy_out(to + IMAGE_MARKS, &marks, size) || user_fpu_save(to) ? -EFAULT : 0;
}

/* What of the registers is in the image: a program that knows only FXSAVE wrote no marks. */
static uint64_t image_features(vaddr_t image, const struct _fpx_sw_bytes *marks)
{
    uint32_t magic2;
    bool extended = marks->magic1 == FP_XSTATE_MAGIC1 && marks->xstate_size >= 576 &&
                    marks->xstate_size <= fpu_image_size &&
                    marks->extended_size >= marks->xstate_size + FP_XSTATE_MAGIC2_SIZE &&
                    user_get(&magic2, image + marks->xstate_size) == 0 &&
                    magic2 == FP_XSTATE_MAGIC2;

    return extended ? marks->xfeatures & fpu_image_features : 0;
}

/* A frame may hold less than this kernel would write: then the rest gets its initial state. */
static int image_restore(vaddr_t from)
{
    struct _fpx_sw_bytes marks;
    uint32_t mxcsr;

    if (!from) {
        fpu_reset();
        return 0;
    }
    if (user_get(&mxcsr, from + offsetof(struct _fpstate, mxcsr)) ||
        user_get(&marks, from + IMAGE_MARKS))
        return -EFAULT;
    /* Some emulators let reserved bits of MXCSR pass (Intel SDM volume 1, 10.2.3). */
    if (mxcsr & ~0xffffU)
        return -EFAULT;
    uint64_t features = fpu_image_features ? image_features(from, &marks) : 0;
    if (features != fpu_image_features)
        fpu_reset();
    return user_fpu_load(from, features);
}

/* ---- building ---- */

static void registers_fill(struct sigcontext *registers, const struct trap_frame *frame,
                           const struct thread_signals *signals)
{
    memcpy(registers, frame, GENERAL_REGISTERS_SIZE);
    registers->rsp = frame->rsp;
    registers->rip = frame->rip;
    registers->eflags = frame->rflags;
    registers->cs = (uint16_t)frame->cs;
    registers->gs = 0;
    registers->fs = 0;
    registers->ss = (uint16_t)frame->ss;
    registers->err = signals->fault_code;
    registers->trapno = signals->fault_vector;
    registers->cr2 = signals->fault_address;
    memset(registers->reserved1, 0, sizeof(registers->reserved1));
}

/* All of it is written, and between its fields too there is nothing of the kernel's. */
static void context_fill(struct ucontext *context, const struct trap_frame *frame,
                         const struct thread_signals *signals, vaddr_t image, signal_set mask)
{
    memset(context, 0, offsetof(struct ucontext, uc_mcontext));
    context->uc_flags =
        (fpu_image_features ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    context->uc_stack.ss_sp = (void *)signals->stack_base;
    context->uc_stack.ss_flags = signals->stack_flags;
    context->uc_stack.ss_size = signals->stack_size;
    registers_fill(&context->uc_mcontext, frame, signals);
    context->uc_mcontext.oldmask = mask;
    context->uc_mcontext.fpstate = (struct _fpstate *)image;
    context->uc_sigmask = mask;
}

/* What the signal was is told to who asked for it. */
static int information_push(vaddr_t to, const siginfo_t *information,
                            const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO ? user_copy_out(to, information, sizeof(*information)) : 0;
}

int signal_frame_push(struct trap_frame *frame, const struct sigaction *action,
                      const siginfo_t *information, signal_set mask)
{
    struct thread_signals *signals = &user_thread_current()->signals;
    struct frame_head head;
    bool entering = false;
    bool nested = on_alternate_stack(signals, frame->rsp);
    vaddr_t stack = frame->rsp - RED_ZONE_SIZE;

    if (!(action->sa_flags & SA_RESTORER))
        return -EFAULT; /* x86-64 has no other way back */
    if ((action->sa_flags & SA_ONSTACK) && !(signals->stack_flags & SS_DISABLE) &&
        !signal_stack_in_use(frame->rsp)) {
        stack = signals->stack_base + signals->stack_size;
        entering = true;
    }
    vaddr_t image = align_down(stack - image_size_on_stack(), 64);
    /* At a function's entry the stack pointer is 8 below a multiple of 16 (psABI 3.2.2). */
    vaddr_t place = align_down(image - sizeof(struct user_frame), 16) - 8;
    if ((nested || entering) && !on_alternate_stack(signals, place))
        return -EFAULT; /* it would run over the end of the alternate stack */

    head.restorer = (vaddr_t)action->sa_restorer;
    context_fill(&head.context, frame, signals, image, mask);
    vaddr_t told = place + offsetof(struct user_frame, information);
    if (image_push(image) || information_push(told, information, action) ||
        user_copy_out(place, &head, sizeof(head)))
        return -EFAULT;

    frame->rdi = information->si_signo;
    frame->rsi = told;
    frame->rdx = place + offsetof(struct user_frame, head.context);
    frame->rax = 0;
    frame->rsp = place;
    frame->rip = (vaddr_t)action->sa_handler;
    frame->rflags &= ~(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
    frame->cs = SELECTOR_USER_CODE;
    frame->ss = SELECTOR_USER_DATA;
    frame->vector = TRAP_NONE; /* leaves by IRETQ, and is no call to restart */
    if (signals->stack_flags & SS_AUTODISARM) {
        signals->stack_base = 0;
        signals->stack_size = 0;
        signals->stack_flags = SS_DISABLE;
    }
    fpu_reset();
    return 0;
}

void signal_frame_failed(int signal)
{
    struct process *process = process_current();
    siginfo_t information = signal_information_kernel(SIGSEGV);

    if (signal == SIGSEGV) { /* its own handler cannot run */
        bool enabled = spinlock_acquire_save(&process->lock);
        spinlock_acquire(&process->signals.actions->lock);
        signal_action(process->signals.actions, SIGSEGV)->sa_handler = SIG_DFL;
        spinlock_release(&process->signals.actions->lock);
        spinlock_release_restore(&process->lock, enabled);
    }
    signal_force(&information);
}

/* ---- the way back ---- */

static bool selectors_valid(const struct sigcontext *context)
{
    return (context->cs == SELECTOR_USER_CODE || context->cs == LINUX_USER_CODE) &&
           (context->ss == SELECTOR_USER_DATA || context->ss == LINUX_USER_DATA);
}

static void registers_restore(struct trap_frame *frame, const struct sigcontext *context)
{
    memcpy(frame, context, GENERAL_REGISTERS_SIZE);
    frame->rsp = context->rsp;
    frame->rip = context->rip;
    frame->rflags = (frame->rflags & ~FLAGS_RESTORED) | (context->eflags & FLAGS_RESTORED);
    frame->cs = SELECTOR_USER_CODE;
    frame->ss = SELECTOR_USER_DATA;
}

ssize_t sys_rt_sigreturn(void)
{
    struct trap_frame *frame = thread_user_frame(thread_current());
    struct ucontext context;
    vaddr_t place = frame->rsp - sizeof(vaddr_t); /* the handler's RET took the restorer */

    frame->vector = TRAP_NONE;
    thread_current()->restart.again = NULL;
    if (user_copy_in(&context, place + offsetof(struct user_frame, head.context), sizeof(context)))
        goto bad;
    /* A mode that does not exist, or an address at which IRETQ itself would fault. */
    if (!selectors_valid(&context.uc_mcontext) || context.uc_mcontext.rip >= USER_END)
        goto bad;
    if (image_restore((vaddr_t)context.uc_mcontext.fpstate))
        goto bad;

    signal_mask_set(context.uc_sigmask);
    registers_restore(frame, &context.uc_mcontext);
    /* Only what cannot be read is an error here (as Linux). */
    signal_stack_set(&context.uc_stack, frame->rsp);
    return frame->rax;

bad:;
    siginfo_t information = signal_information_kernel(SIGSEGV);
    signal_force(&information);
    return 0;
}
