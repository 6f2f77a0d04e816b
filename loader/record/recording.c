#include "record/recording.h"

#include <library/random.h>
#include <library/string.h>

#include "pages.h"
#include "processor.h"

static uint8_t static_part[RECORD_STATIC_SIZE] __attribute__((aligned(4096)));

struct record_writer recording;

/* Nothing secret: one boot is told from another. */
static void identify_boot(uint8_t boot[16])
{
    const uint32_t rdrand = UINT32_C(1) << 30; /* CPUID.1:ECX */
    uint8_t key[RANDOM_KEY_SIZE] = {0};
    uint64_t more[2] = {tsc_read()};

    if (cpuid(1, 0).ecx & rdrand)
        random_read(&more[1]);
    random_mix(key, more, sizeof more);
    random_generate(key, boot, 16);
}

void recording_begin(void)
{
    uint8_t boot[16];

    identify_boot(boot);
    record_start(&recording, static_part, sizeof static_part, "Baton " BATON_VERSION, boot);
}

EFI_STATUS recording_move(struct handoff_range *range)
{
    void *memory;
    EFI_STATUS status = pages_allocate_unset(RECORD_BUFFER_SIZE, "the handoff's record", &memory);

    if (EFI_ERROR(status))
        return status;
    record_move(&recording, memory, RECORD_BUFFER_SIZE);
    *range = (struct handoff_range){.base = pages_address(memory), .size = RECORD_BUFFER_SIZE};
    return EFI_SUCCESS;
}

void recording_append(uint16_t kind, const void *fixed, size_t fixed_size, const void *tail,
                      size_t tail_size)
{
    record_append(&recording, kind, tsc_read(), fixed, fixed_size, tail, tail_size);
}
