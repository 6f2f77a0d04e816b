/* Which of a processor's answers and registers are kept. */
#include "library/record/processor_registers.h"

#include "library/string.h"

/* ---- CPUID (SDM volume 2, CPUID) ---- */

enum {
    LEAVES_MAXIMUM = 32,    /* of each range */
    SUBLEAVES_MAXIMUM = 16, /* of a leaf that has several */
    ANSWERS_MAXIMUM = 160,
};

struct answers {
    struct record_cpuid *list; /* room for ANSWERS_MAXIMUM */
    size_t count;
    record_cpuid_function *ask;
};

/* Leaves whose answer depends on ECX: caches, features, topology, state, traces. */
static bool has_subleaves(uint32_t leaf)
{
    return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd || leaf == 0x14 || leaf == 0x1f ||
           leaf == 0x8000001d;
}

/* False: the answer is empty, or there is no more room. */
static bool keep_answer(struct answers *answers, uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result answer = answers->ask(leaf, subleaf);

    if (answers->count == ANSWERS_MAXIMUM)
        return false;
    answers->list[answers->count++] =
        (struct record_cpuid){leaf, subleaf, answer.eax, answer.ebx, answer.ecx, answer.edx};
    return (answer.eax | answer.ebx | answer.ecx | answer.edx) != 0;
}

/* A range begins with a leaf that says which one is its last. */
static void keep_range(struct answers *answers, uint32_t first)
{
    uint32_t last = answers->ask(first, 0).eax;

    if (last < first || last - first >= LEAVES_MAXIMUM)
        last = last < first ? first : first + LEAVES_MAXIMUM - 1;
    for (uint32_t leaf = first; leaf <= last; leaf++) {
        uint32_t subleaf = 0;
        while (keep_answer(answers, leaf, subleaf) && has_subleaves(leaf) &&
               ++subleaf < SUBLEAVES_MAXIMUM)
            ;
    }
}

void record_append_cpuid(struct record_writer *writer, uint64_t tsc, record_cpuid_function *ask)
{
    const uint32_t hypervisor = UINT32_C(1) << 31; /* CPUID.1:ECX */
    struct answers answers = {.ask = ask};

    answers.list =
        record_reserve(writer, RECORD_CPUID, tsc, ANSWERS_MAXIMUM * sizeof(*answers.list));
    if (answers.list == NULL)
        return;
    keep_range(&answers, 0);
    if (ask(1, 0).ecx & hypervisor)
        keep_range(&answers, 0x40000000);
    keep_range(&answers, 0x80000000);
    record_shorten(writer, answers.count * sizeof(*answers.list));
}

/* ---- model-specific registers (SDM volume 3, 12.11; volume 4) ---- */

enum {
    MSR_MICROCODE = 0x8b,
    MSR_MTRR_CAPABILITIES = 0xfe,
    MSR_MTRR_VARIABLE = 0x200,
    MSR_PAT = 0x277,
    MSR_MTRR_DEFAULT = 0x2ff,

    FEATURE_MTRR = 1 << 12, /* CPUID.1:EDX */
    FEATURE_PAT = 1 << 16,
    CAPABILITY_FIXED = 1 << 8,

    MSRS_MAXIMUM = 48,
    VARIABLE_MAXIMUM = 16, /* pairs */
};

struct registers {
    struct record_msr *list; /* room for MSRS_MAXIMUM */
    uint32_t count;
    record_msr_function *read;
};

static void keep_register(struct registers *registers, uint32_t index)
{
    registers->list[registers->count++] =
        (struct record_msr){.index = index, .value = registers->read(index)};
}

static void keep_mtrrs(struct registers *registers)
{
    static const uint32_t fixed[] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                                     0x26b, 0x26c, 0x26d, 0x26e, 0x26f};
    uint64_t capabilities = registers->read(MSR_MTRR_CAPABILITIES);
    uint32_t pairs = capabilities & 0xff;

    keep_register(registers, MSR_MTRR_CAPABILITIES);
    keep_register(registers, MSR_MTRR_DEFAULT);
    for (size_t i = 0; capabilities & CAPABILITY_FIXED && i < sizeof(fixed) / sizeof(fixed[0]); i++)
        keep_register(registers, fixed[i]);
    for (uint32_t i = 0; i < 2 * (pairs < VARIABLE_MAXIMUM ? pairs : VARIABLE_MAXIMUM); i++)
        keep_register(registers, MSR_MTRR_VARIABLE + i);
}

/* Others than these makers' processors need not have the register. */
static bool has_microcode(record_cpuid_function *ask)
{
    const uint32_t genu = 0x756e6547, auth = 0x68747541; /* "Genu", "Auth" */
    uint32_t vendor = ask(0, 0).ebx;

    return vendor == genu || vendor == auth;
}

void record_append_msrs(struct record_writer *writer, uint16_t kind, uint64_t tsc,
                        record_cpuid_function *ask, record_msr_function *read)
{
    struct cpuid_result features = ask(1, 0);
    struct record_msrs *head =
        record_reserve(writer, kind, tsc, sizeof(*head) + MSRS_MAXIMUM * sizeof(struct record_msr));

    if (head == NULL)
        return;
    struct registers registers = {.list = head->msrs, .read = read};
    if (features.edx & FEATURE_MTRR)
        keep_mtrrs(&registers);
    if (features.edx & FEATURE_PAT)
        keep_register(&registers, MSR_PAT);
    if (has_microcode(ask))
        keep_register(&registers, MSR_MICROCODE);
    head->apic_id = features.ebx >> 24;
    head->count = registers.count;
    record_shorten(writer, sizeof(*head) + registers.count * sizeof(struct record_msr));
}
