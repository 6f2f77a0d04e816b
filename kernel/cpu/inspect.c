#include "cpu/inspect.h"

#include <asm/errno.h>

#include "cpu/call.h"
#include "cpu/cpu.h"

struct question {
    uint32_t leaf, subleaf;
    struct cpuid_result result;
    uint32_t msr;
    uint64_t value;
    int error; /* until the processor has answered: it is not there */
};

static void answer_cpuid(void *context)
{
    struct question *question = context;

    question->result = cpuid(question->leaf, question->subleaf);
    question->error = 0;
}

/* RDMSR of what may not be there: user_access_fixup() leads on behind the trap. */
static int msr_read_checked(uint32_t msr, uint64_t *value)
{
    uint32_t low = 0, high = 0;
    int error;

    __asm__ volatile("1: rdmsr\n\t"
                     "xorl %0, %0\n"
                     "2:\n\t"
                     ".pushsection .exception_table, \"a\"\n\t"
                     ".balign 4\n\t"
                     ".long 1b - ., 3f - .\n\t"
                     ".popsection\n\t"
                     ".pushsection .text.unlikely, \"ax\"\n"
                     "3: movl %4, %0\n\t"
                     "jmp 2b\n\t"
                     ".popsection"
                     : "=&r"(error), "+a"(low), "+d"(high)
                     : "c"(msr), "i"(-EIO)
                     : "memory");
    *value = (uint64_t)high << 32 | low;
    return error;
}

static void answer_msr(void *context)
{
    struct question *question = context;

    question->error = msr_read_checked(question->msr, &question->value);
}

static int ask(unsigned number, void (*answer)(void *context), struct question *question)
{
    if (number >= CPU_MAXIMUM)
        return -ENXIO;
    struct cpu_set one = cpu_set_of(number);

    question->error = -ENXIO;
    cpu_call(&one, answer, question);
    return question->error;
}

int cpu_inspect_cpuid(unsigned number, uint32_t leaf, uint32_t subleaf, struct cpuid_result *result)
{
    struct question question = {.leaf = leaf, .subleaf = subleaf};
    int error = ask(number, answer_cpuid, &question);

    *result = question.result;
    return error;
}

int cpu_inspect_msr(unsigned number, uint32_t msr, uint64_t *value)
{
    struct question question = {.msr = msr};
    int error = ask(number, answer_msr, &question);

    *value = question.value;
    return error;
}
