/*
 * load.c: exponentially damped averages of the number of runnable threads, from a sample every
 * five seconds. There is no tick for it: whoever switches threads, or asks, takes the samples that
 * have become due; what has not switched since was what it is now.
 */
#include "thread/load.h"

#include "cpu/clock.h"
#include "cpu/cpu.h"
#include "thread/run_queue.h"

#define SAMPLE_NS (5 * NANOSECONDS_PER_SECOND)
#define ONE       (1UL << LOAD_SHIFT)
/* Behind so many samples nothing is left of what was before. */
#define SAMPLES_MAXIMUM 2000

/* 1/exp(5 s/1 min), 5 min, 15 min, in fixed point. */
static const uint64_t decays[3] = {1884, 2014, 2037};

uint64_t load_next_sample = SAMPLE_NS;
static uint64_t averages_now[3]; /* written by whoever moved load_next_sample; atomic to read */

static unsigned load_runnable(void)
{
    unsigned count = 0;

    CPU_SET_FOREACH (number, &cpu_online) {
        const struct cpu *cpu = cpus[number];
        /* What waits for an idle CPU has only just come. */
        if (__atomic_load_n(&cpu->current, __ATOMIC_RELAXED) != cpu->idle)
            count += 1 + __atomic_load_n(&cpu->run_queue->length, __ATOMIC_RELAXED);
    }
    return count;
}

static void average(uint64_t *load, uint64_t decay, uint64_t active)
{
    uint64_t sum = *load * decay + active * (ONE - decay);
    if (active >= *load)
        sum += ONE - 1;
    __atomic_store_n(load, sum / ONE, __ATOMIC_RELAXED);
}

void load_sample(uint64_t now)
{
    uint64_t due = __atomic_load_n(&load_next_sample, __ATOMIC_RELAXED);
    if (now < due)
        return;
    uint64_t samples = (now - due) / SAMPLE_NS + 1;
    if (!__atomic_compare_exchange_n(&load_next_sample, &due, due + samples * SAMPLE_NS, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return; /* another CPU does it */
    uint64_t active = (uint64_t)load_runnable() << LOAD_SHIFT;
    if (samples > SAMPLES_MAXIMUM)
        samples = SAMPLES_MAXIMUM;
    for (; samples > 0; samples--)
        for (size_t i = 0; i < 3; i++)
            average(&averages_now[i], decays[i], active);
}

void load_averages(uint64_t averages[3])
{
    bool enabled = interrupts_save();
    load_sample(clock_now());
    interrupts_restore(enabled);
    for (size_t i = 0; i < 3; i++)
        averages[i] = __atomic_load_n(&averages_now[i], __ATOMIC_RELAXED);
}
