#include "firmware/record/canary.h"

#include "cpu/clock.h"
#include "cpu/registers.h"
#include "firmware/record/handoff_record.h"
#include "library/string.h"
#include "memory/frame.h"
#include "thread/preemption.h"

/* 4 MiB of frames, as the allocator gives them. */
#define FRAMES  1024
#define WORDS   (PAGE_SIZE / sizeof(uint64_t))
#define PATTERN 0x5ca1ab1e0ff1ce5aUL

enum { KEPT = 256 }; /* changed bytes that are recorded of a frame */

static paddr_t frames[FRAMES];
static unsigned frames_taken;
static uint64_t started; /* ns */

static uint64_t pattern_of(paddr_t frame, size_t word)
{
    return PATTERN ^ (frame + word);
}

void handoff_record_canary_start(void)
{
    if (!handoff_record_wanted())
        return;
    while (frames_taken < FRAMES) {
        paddr_t frame = frame_allocate(FRAME_KERNEL, 0);
        if (!frame)
            break;
        uint64_t *words = frame_pointer(frame);
        for (size_t i = 0; i < WORDS; i++)
            words[i] = pattern_of(frame, i);
        frames[frames_taken++] = frame;
        thread_preemption_point();
    }
    started = clock_now();
}

/* Bytes of a frame that are not as they were; the first one, and what stands there. */
static uint64_t look(paddr_t frame, size_t *first)
{
    const uint64_t *words = frame_pointer(frame);
    uint64_t changed = 0;

    for (size_t i = 0; i < WORDS; i++) {
        uint64_t difference = words[i] ^ pattern_of(frame, i);
        for (unsigned byte = 0; difference && byte < 8; byte++) {
            if (!(difference >> (8 * byte) & 0xff))
                continue;
            if (!changed++)
                *first = i * 8 + byte;
        }
    }
    return changed;
}

/* Guarded by the record's lock. */
static bool reported[FRAMES];
static struct record_canary *all; /* entries that each look writes anew */
static struct record_still_running *running;

static void record_changed(struct record_writer *writer, paddr_t frame, uint64_t changed,
                           size_t first)
{
    const struct record_canary entry = {
        .base = frame,
        .size = PAGE_SIZE,
        .nanoseconds = clock_now() - started,
        .changed = changed,
        .first = frame + first,
    };
    size_t size = PAGE_SIZE - first < KEPT ? PAGE_SIZE - first : KEPT;

    record_append(writer, RECORD_CANARY, tsc_read(), &entry, sizeof(entry),
                  (const uint8_t *)frame_pointer(frame) + first, size);
}

/* A frame is told once. */
static void look_at_all(struct record_writer *writer)
{
    for (unsigned i = 0; i < frames_taken; i++) {
        size_t first = 0;
        uint64_t changed = reported[i] ? 0 : look(frames[i], &first);

        if (changed)
            record_changed(writer, frames[i], changed, first);
        reported[i] = reported[i] || changed;
        thread_preemption_point();
    }
}

void handoff_record_canary_look(void)
{
    struct record_writer *writer = handoff_record_lock();

    if (writer && frames_taken) {
        if (!all) /* frames that need not lie in a row */
            all = record_reserve(writer, RECORD_CANARY, tsc_read(), sizeof(*all));
        if (!running)
            running = record_reserve(writer, RECORD_STILL_RUNNING, tsc_read(), sizeof(*running));
        if (all)
            *all = (struct record_canary){.base = frames[0],
                                          .size = frames_taken * PAGE_SIZE,
                                          .nanoseconds = clock_now() - started};
        if (running)
            running->nanoseconds = clock_now();
        look_at_all(writer);
    }
    handoff_record_unlock();
}
