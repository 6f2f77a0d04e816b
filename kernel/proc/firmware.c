/*
 * firmware.c: /proc/baton/firmware, by which tests call the firmware's services:
 *
 *   time STATUS [YYYY-MM-DD hh:mm:ss]      GetTime; a status is an errno, 0: success
 *   storage STATUS TOTAL LEFT              QueryVariableInfo, for variables that stay
 *   variables STATUS COUNT BYTES           GetNextVariableName to its end, GetVariable of each
 *   range BASE SIZE KIND                   the memory map, a line for each
 *
 * In debug kernels a line that is written makes a service of something that is none, and calls it:
 * `read ADDRESS`, `write ADDRESS`, `execute ADDRESS`, `divide`, `invalid`, `deep` (until the stack
 * ends), `loop`, `deaf` (that with interrupts off), `registers` (it changes those of the FPU and
 * turns interrupts off), or puts it in the place of ResetSystem: `reset ADDRESS`, `reset loop`. The
 * write's error is what came of it.
 */
#include <asm/errno.h>
#include <linux/stat.h>

#include "cpu/clock.h"
#include "cpu/fpu.h"
#include "cpu/registers.h"
#include "file/pseudo.h"
#include "firmware/runtime_calls.h"
#include "firmware/runtime_space.h"
#include "library/string.h"
#include "memory/heap.h"
#include "proc/baton.h"

#define NAME_SIZE        2048
#define VARIABLE_MAXIMUM 4096 /* a firmware whose enumeration does not end is left there */

static void show_time(struct text *text)
{
    EFI_TIME time = {0};
    int error = runtime_status_error(runtime_get_time(&time, NULL));

    text_print(text, "time %d", error);
    if (!error)
        text_print(text, " %04u-%02u-%02u %02u:%02u:%02u", time.Year, time.Month, time.Day,
                   time.Hour, time.Minute, time.Second);
    text_print(text, "\n");
}

static void show_storage(struct text *text)
{
    UINT64 total = 0, left = 0, largest = 0;
    UINT32 kind =
        EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS;
    int error = runtime_status_error(runtime_query_variable_info(kind, &total, &left, &largest));

    text_print(text, "storage %d %lu %lu\n", error, (uint64_t)total, (uint64_t)left);
}

static void show_variables(struct text *text)
{
    CHAR16 *name = heap_allocate_zeroed(NAME_SIZE);
    EFI_GUID vendor = {0};
    EFI_STATUS status = EFI_OUT_OF_RESOURCES;
    uint64_t count = 0, bytes = 0;

    while (name && count < VARIABLE_MAXIMUM) {
        UINTN size = NAME_SIZE, length = 0;
        status = runtime_get_next_variable_name(&size, name, &vendor);
        if (EFI_ERROR(status))
            break;
        count++;
        if (runtime_get_variable(name, &vendor, NULL, &length, NULL) == EFI_BUFFER_TOO_SMALL)
            bytes += length;
    }
    heap_free(name);
    text_print(text, "variables %d %lu %lu\n",
               status == EFI_NOT_FOUND ? 0 : runtime_status_error(status), count, bytes);
}

static int firmware_show(const struct pseudo_key *key, struct text *text)
{
    const struct memory_range *range;

    (void)key;
    show_time(text);
    show_storage(text);
    show_variables(text);
    for (size_t i = 0; (range = runtime_space_range(i)); i++)
        text_print(text, "range %#lx %#lx %s\n", range->base, range->size,
                   memory_kind_name(range->kind));
    return 0;
}

#ifdef DEBUG_CHECKS
#define LOOP_PATIENCE (NANOSECONDS_PER_SECOND / 5)
#define SERVICE       __attribute__((ms_abi))

static SERVICE EFI_STATUS read_there(volatile uint64_t *place)
{
    (void)*place;
    return EFI_SUCCESS;
}

static SERVICE EFI_STATUS write_there(volatile uint64_t *place)
{
    *place = 0;
    return EFI_SUCCESS;
}

static SERVICE EFI_STATUS divide(volatile uint64_t zero)
{
    volatile uint64_t one = 1;

    return one / zero;
}

static SERVICE EFI_STATUS invalid(void)
{
    __builtin_trap();
}

static SERVICE EFI_STATUS deep(volatile uint64_t *above)
{
    volatile uint64_t here[64] = {(uint64_t)above | 1};

    return here[0] ? deep(here) + here[0] : EFI_SUCCESS;
}

static SERVICE EFI_STATUS loop(void)
{
    for (;;)
        cpu_relax();
}

static SERVICE EFI_STATUS deaf(void)
{
    interrupts_disable();
    for (;;)
        cpu_relax();
}

static SERVICE EFI_STATUS registers(void)
{
    fpu_reset();
    interrupts_disable();
    return EFI_SUCCESS;
}

static const struct deed {
    const char *name;
    const void *function;
} deeds[] = {
    {"read", read_there}, {"write", write_there}, {"divide", divide},       {"invalid", invalid},
    {"deep", deep},       {"loop", loop},         {"registers", registers}, {"deaf", deaf},
};

static const void *deed_find(const char *name)
{
    for (size_t i = 0; i < array_length(deeds); i++)
        if (!strcmp(name, deeds[i].name))
            return deeds[i].function;
    return NULL;
}

/* Hexadecimal, with 0x. */
static uint64_t address_of(const char *text)
{
    uint64_t value = 0;

    if (strncmp(text, "0x", 2) != 0)
        return 0;
    for (text += 2; *text && *text != '\n'; text++)
        value = value << 4 | (uint64_t)(*text <= '9' ? *text - '0' : (*text | 32) - 'a' + 10);
    return value;
}

static int firmware_store(const struct pseudo_key *key, const char *bytes, size_t size)
{
    char word[16] = "";
    size_t length = 0;

    (void)key;
    while (length < size && length < sizeof(word) - 1 && bytes[length] > ' ')
        length++;
    memcpy(word, bytes, length);
    const char *rest = bytes + length + (bytes[length] == ' ');
    uint64_t address = address_of(rest);

    if (!strcmp(word, "reset")) {
        runtime_spoil_reset(address ? (const void *)address : deed_find("loop"));
        return 0;
    }
    const void *function = !strcmp(word, "execute") ? (const void *)address : deed_find(word);
    if (!function)
        return -EINVAL;
    return runtime_status_error(runtime_misbehave(function, address, LOOP_PATIENCE));
}
#endif

static struct pseudo_node firmware_file = {
    .name = "firmware",
    .show = firmware_show,
#ifdef DEBUG_CHECKS
    .mode = S_IFREG | 0600,
    .store = firmware_store,
#else
    .mode = S_IFREG | 0400,
#endif
};

void proc_firmware_add(struct pseudo_node *directory)
{
    pseudo_add(directory, &firmware_file, 1);
}
