#include "process/restartable_sequence.h"

#include <asm/errno.h>
#include <linux/rseq.h>

#include "memory/user_copy.h"
#include "process/process.h"
#include "process/system_calls.h"

#define AREA_SIZE_MINIMUM 32 /* of the first version, which is what glibc 2.36 registers */

/* 0: not inside a sequence, or taken back; negative: the program's data make no sense. */
static int take_back(struct user_thread *thread, struct trap_frame *frame)
{
    const uint64_t nothing = 0;
    struct rseq_cs section;
    uint32_t signature;
    vaddr_t place;

    if (user_get(&place, thread->rseq + offsetof(struct rseq, rseq_cs)))
        return -EFAULT;
    if (!place)
        return 0;
    if (user_get(&section, place))
        return -EFAULT;
    /* linux/rseq.h; the abort handler stands outside, behind the registered signature. */
    if (section.version || section.start_ip >= USER_END || section.abort_ip >= USER_END ||
        section.start_ip + section.post_commit_offset < section.start_ip ||
        section.start_ip + section.post_commit_offset >= USER_END ||
        section.abort_ip - section.start_ip < section.post_commit_offset)
        return -EINVAL;
    if (user_get(&signature, section.abort_ip - sizeof(signature)))
        return -EFAULT;
    if (signature != thread->rseq_signature)
        return -EINVAL;

    bool inside = frame->rip - section.start_ip < section.post_commit_offset;
    if (user_put(thread->rseq + offsetof(struct rseq, rseq_cs), &nothing))
        return -EFAULT;
    if (inside) {
        frame->rip = section.abort_ip;
        if (frame->vector == TRAP_SYSCALL) /* leaves by IRETQ */
            frame->vector = TRAP_NONE;
    }
    return 0;
}

static int tell_cpu(struct user_thread *thread)
{
    uint32_t numbers[2] = {thread->thread.cpu->number, thread->thread.cpu->number};

    /* cpu_id_start and cpu_id stand side by side at the beginning. */
    return user_put(thread->rseq, &numbers);
}

void restartable_sequence_set(struct user_thread *thread, vaddr_t area)
{
    thread->rseq = area;
    thread->thread.work_when_switched = area ? THREAD_WORK_SEQUENCE : 0;
    if (area) /* tell it on the way back */
        __atomic_fetch_or(&thread->thread.work, THREAD_WORK_SEQUENCE, __ATOMIC_RELAXED);
}

void restartable_sequence_update(struct user_thread *thread, struct trap_frame *frame)
{
    __atomic_fetch_and(&thread->thread.work, ~(uint32_t)THREAD_WORK_SEQUENCE, __ATOMIC_RELAXED);
    if (!thread->rseq)
        return;
    if (take_back(thread, frame) || tell_cpu(thread)) {
        restartable_sequence_set(thread, 0);
        signal_force_fault(SIGSEGV, SI_KERNEL, 0);
    }
}

ssize_t sys_rseq(vaddr_t area, uint32_t size, int flags, uint32_t signature)
{
    struct user_thread *thread = user_thread_current();

    if (flags & RSEQ_FLAG_UNREGISTER) {
        const uint32_t unregistered[2] = {0, RSEQ_CPU_ID_UNINITIALIZED};
        if (flags & ~RSEQ_FLAG_UNREGISTER)
            return -EINVAL;
        if (thread->rseq != area || !thread->rseq || thread->rseq_size != size)
            return -EINVAL;
        if (thread->rseq_signature != signature)
            return -EPERM;
        if (user_put(area, &unregistered))
            return -EFAULT;
        restartable_sequence_set(thread, 0);
        return 0;
    }
    if (flags)
        return -EINVAL;
    if (thread->rseq) {
        if (thread->rseq != area || thread->rseq_size != size)
            return -EINVAL;
        return thread->rseq_signature == signature ? -EBUSY : -EPERM;
    }
    if (area % AREA_SIZE_MINIMUM || size != AREA_SIZE_MINIMUM)
        return -EINVAL;
    if (!user_range_ok(area, size))
        return -EFAULT;
    thread->rseq_size = size;
    thread->rseq_signature = signature;
    restartable_sequence_set(thread, area);
    return 0;
}
