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
    vaddr_t restorer;
    struct ucontext context;
    siginfo_t information;
};

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

static void context_fill(struct user_frame *user, const struct trap_frame *frame,
                         struct thread_signals *signals, vaddr_t image, signal_set mask)
{
    struct ucontext *context = &user->context;

    /* Between its fields too there is nothing of the kernel's. */
    memset(context, 0, offsetof(struct ucontext, uc_mcontext));
    context->uc_flags =
        (fpu_image_features ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    context->uc_stack.ss_sp = (void *)signals->stack_base;
    context->uc_stack.ss_flags = signals->stack_flags;
    context->uc_stack.ss_size = signals->stack_size;
    context->uc_sigmask = mask;
    context->uc_mcontext = (struct sigcontext){
        .r8 = frame->r8,
        .r9 = frame->r9,
        .r10 = frame->r10,
        .r11 = frame->r11,
        .r12 = frame->r12,
        .r13 = frame->r13,
        .r14 = frame->r14,
        .r15 = frame->r15,
        .rdi = frame->rdi,
        .rsi = frame->rsi,
        .rbp = frame->rbp,
        .rbx = frame->rbx,
        .rdx = frame->rdx,
        .rax = frame->rax,
        .rcx = frame->rcx,
        .rsp = frame->rsp,
        .rip = frame->rip,
        .eflags = frame->rflags,
        .cs = frame->cs,
        .ss = frame->ss,
        .err = signals->fault_code,
        .trapno = signals->fault_vector,
        .oldmask = mask,
        .cr2 = signals->fault_address,
        .fpstate = (struct _fpstate *)image,
    };
}

int signal_frame_push(struct trap_frame *frame, const struct sigaction *action,
                      const siginfo_t *information, signal_set mask)
{
    struct thread_signals *signals = &user_thread_current()->signals;
    struct user_frame user;
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
    vaddr_t place = align_down(image - sizeof(user), 16) - 8;
    if ((nested || entering) && !on_alternate_stack(signals, place))
        return -EFAULT; /* it would run over the end of the alternate stack */

    user.restorer = (vaddr_t)action->sa_restorer;
    if (action->sa_flags & SA_SIGINFO)
        user.information = *information;
    else
        memset(&user.information, 0, sizeof(user.information));
    context_fill(&user, frame, signals, image, mask);
    if (image_push(image) || user_copy_out(place, &user, sizeof(user)))
        return -EFAULT;

    frame->rdi = information->si_signo;
    frame->rsi = place + offsetof(struct user_frame, information);
    frame->rdx = place + offsetof(struct user_frame, context);
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
    frame->r8 = context->r8;
    frame->r9 = context->r9;
    frame->r10 = context->r10;
    frame->r11 = context->r11;
    frame->r12 = context->r12;
    frame->r13 = context->r13;
    frame->r14 = context->r14;
    frame->r15 = context->r15;
    frame->rdi = context->rdi;
    frame->rsi = context->rsi;
    frame->rbp = context->rbp;
    frame->rbx = context->rbx;
    frame->rdx = context->rdx;
    frame->rax = context->rax;
    frame->rcx = context->rcx;
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
    if (user_copy_in(&context, place + offsetof(struct user_frame, context), sizeof(context)))
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
