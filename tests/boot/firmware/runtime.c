/*
 * runtime.c: runtime services that misbehave: `runtime SERVICE HOW [VALUE [TIMES]]` for get-time,
 * set-time, get-variable, next-variable, set-variable, query-variable, set-virtual and reset. HOW
 * is
 *
 *   jump        to VALUE, where there is no code
 *   touch       reads the byte at VALUE first; `write` writes it; `word` writes 0 to four bytes
 *   ecam        reads where the first PCI device's configuration space lies
 *   boot-code   runs in memory that was the boot services'
 *   dma         has a device write to VALUE first (dma.c)
 *   sse         uses the vector registers, and leaves them changed
 *   stack       works on a stack in boot-services memory
 *   interrupts  returns with interrupts on
 *   direction   returns with the direction flag set
 *   fails       with status VALUE; `answers`: the same without an error bit of its own
 *   rubbish     fills what it gives with VALUE
 *   attributes  get-variable: says that they are VALUE
 *   returns     without doing anything, with success
 *   size        says that what it gave has VALUE bytes
 *   small       gives nothing: the buffer is too small, VALUE bytes are needed
 *   beyond      writes VALUE bytes more than there is room for
 *   name        next-variable: one variable, of that name (BYTES), and no more
 *   again       next-variable: one variable, for ever; `vendors`: each time another vendor's;
 *               `unended`: its name has no end
 *   bytes       get-time: gives these (BYTES)
 *   numbers     query-variable: each is VALUE
 *   grows       get-variable: the buffer is too small, and each time a byte more is needed
 *   table       fills the table of runtime services with VALUE, header and all
 *   port        writes the byte in bits 16 to 23 of VALUE to the port in its lower ones
 *   endless     next-variable: one after the other, another name each time
 *   sleeps      for VALUE milliseconds first; `sleeps-deaf` with interrupts off
 *   spins       for ever
 *   deaf        for ever, with interrupts off; `halts` there
 * or a way of runtime_processor.c, from the exit from boot services on. Without VALUE there is
 * nothing at 0x7fff0000000; TIMES is how often, without it always.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

enum service {
    GET_TIME,
    SET_TIME,
    GET_VARIABLE,
    NEXT_VARIABLE,
    SET_VARIABLE,
    QUERY_VARIABLE,
    SET_VIRTUAL,
    RESET,
    SERVICE_COUNT,
};

typedef EFI_STATUS(EFIAPI *service_call)(void *, void *, void *, void *, void *);

static const char *const names[SERVICE_COUNT] = {
    "get-time",     "set-time",       "get-variable", "next-variable",
    "set-variable", "query-variable", "set-virtual",  "reset",
};

/* What each does, found out before the exit; orders are text that lies in runtime memory too. */
static struct {
    const char *how; /* NULL: nothing */
    uint64_t value;
    uint64_t times;
    const struct order *order;
    service_call real;
} services[SERVICE_COUNT];

static service_call boot_code; /* a stub in boot-services memory: jumps to what R10 says */
static uint8_t *boot_stack_end;

#define NOWHERE UINT64_C(0x7fff0000000)

static bool is(enum service service, const char *how)
{
    return strcmp(services[service].how, how) == 0;
}

/* Bounded work on the vector registers, without the compiler's knowledge of them. */
static void vectors_change(void)
{
    static const uint64_t pattern[2] __attribute__((aligned(16))) = {0xbad0bad0, 0xbad0bad0};

    __asm__ volatile("movaps %0, %%xmm0\n\tmovaps %0, %%xmm7\n\tmovaps %0, %%xmm15"
                     :
                     : "m"(pattern));
}

static uint64_t millisecond; /* in cycles of the time stamp counter */

static uint64_t tsc_read(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static void sleep(uint64_t milliseconds)
{
    uint64_t start = tsc_read();

    while (tsc_read() - start < milliseconds * millisecond)
        __asm__ volatile("pause");
}

/* What it does for as long as it is let. */
static void stay(enum service service)
{
    if (is(service, "deaf") || is(service, "sleeps-deaf") || is(service, "halts"))
        __asm__ volatile("cli");
    if (is(service, "sleeps") || is(service, "sleeps-deaf"))
        sleep(services[service].value);
    while (is(service, "halts"))
        __asm__ volatile("hlt");
    while (is(service, "spins") || is(service, "deaf"))
        __asm__ volatile("pause");
}

/* Where a service says how much it gives, and where it gives it. */
static UINTN *size_place(enum service service, void *a, void *d)
{
    return service == GET_VARIABLE ? d : service == NEXT_VARIABLE ? a : NULL;
}

static uint8_t *given_end(enum service service, void *a, void *b, void *d, void *e)
{
    switch (service) {
    case GET_TIME:
        return (uint8_t *)a + sizeof(EFI_TIME);
    case GET_VARIABLE:
        return e ? (uint8_t *)e + *(UINTN *)d : NULL;
    case NEXT_VARIABLE:
        return (uint8_t *)b + *(UINTN *)a;
    case QUERY_VARIABLE:
        return (uint8_t *)d + sizeof(UINT64);
    default:
        return NULL;
    }
}

/* `name`, `endless`: a list of variables that is not the firmware's. */
static EFI_STATUS name_give(const struct order *order, CHAR16 *name)
{
    static unsigned count;
    bool endless = strcmp(order->words[2], "endless") == 0;

    if (name[0] && !endless)
        return EFI_NOT_FOUND;
    if (!endless) {
        order_bytes(order, 3, name, 1024);
        return EFI_SUCCESS;
    }
    name[0] = L'E';
    for (unsigned digit = 0, rest = count++; digit < 8; digit++, rest /= 10)
        name[8 - digit] = (CHAR16)(L'0' + rest % 10);
    name[9] = 0;
    return EFI_SUCCESS;
}

/* `again`, `vendors`, `unended`: it goes on for ever. */
static EFI_STATUS name_repeat(enum service service, UINTN room, CHAR16 *name, uint32_t *vendor)
{
    if (is(service, "vendors"))
        vendor[0]++;
    for (UINTN i = 0; is(service, "unended") && i < room / sizeof *name; i++)
        name[i] = L'U';
    if (!is(service, "unended")) {
        name[0] = L'A';
        name[1] = 0;
    }
    return EFI_SUCCESS;
}

/* What changes from one call to the next; false: the service is not told so. */
static bool give_otherwise(enum service service, void *const given[4], EFI_STATUS *status)
{
    static UINTN needed;
    uint64_t value = services[service].value;

    if (is(service, "again") || is(service, "vendors") || is(service, "unended")) {
        *status = name_repeat(service, *(UINTN *)given[0], given[1], given[2]);
    } else if (is(service, "grows")) {
        needed = needed > *(UINTN *)given[3] ? needed : *(UINTN *)given[3];
        *(UINTN *)given[3] = ++needed;
        *status = EFI_BUFFER_TOO_SMALL;
    } else if (is(service, "bytes")) {
        order_bytes(services[service].order, 3, given[0], sizeof(EFI_TIME));
    } else if (is(service, "numbers")) {
        for (int i = 1; i < 4; i++)
            *(UINT64 *)given[i] = value;
    } else {
        return false;
    }
    return true;
}

/* What others go on with. */
static void break_others(enum service service)
{
    uint64_t value = services[service].value;

    if (is(service, "table"))
        memset(system_table->RuntimeServices, (int)value, sizeof *system_table->RuntimeServices);
    if (is(service, "port"))
        __asm__ volatile("outb %0, %1" : : "a"((uint8_t)(value >> 16)), "Nd"((uint16_t)value));
}

static EFI_STATUS on_other_stack(service_call call, void *a, void *b, void *c, void *d, void *e)
{
    EFI_STATUS status;
    /* UEFI's convention: four arguments in registers, the fifth above 32 bytes of room. */
    uint64_t *top = (uint64_t *)boot_stack_end - 6;

    top[4] = (uintptr_t)e;
    register void *third __asm__("r8") = c;
    register void *fourth __asm__("r9") = d;
    __asm__ volatile("mov %%rsp, %%rbx\n\tmov %[top], %%rsp\n\tcall *%[call]\n\tmov %%rbx, %%rsp"
                     : "=a"(status), "+c"(a), "+d"(b), "+r"(third), "+r"(fourth)
                     : [top] "r"(top), [call] "r"(call)
                     : "rbx", "r10", "r11", "memory", "cc");
    return status;
}

static EFI_STATUS through_boot_code(service_call call, void *a, void *b, void *c, void *d, void *e)
{
    __asm__ volatile("" : : : "memory");
    *(service_call *)((uintptr_t)boot_code + 64) = call;
    return boot_code(a, b, c, d, e);
}

/* Before the service's own work; true: there is no more to do, *status is the answer. */
static bool misbehave(enum service service, void *a, void *b, void *d, EFI_STATUS *status)
{
    uint64_t value = services[service].value;
    volatile uint8_t *place = (volatile uint8_t *)value;

    *status = EFI_SUCCESS;
    if (is(service, "jump"))
        ((service_call)value)(NULL, NULL, NULL, NULL, NULL);
    else if (is(service, "touch") || is(service, "ecam"))
        (void)*place;
    else if (is(service, "write"))
        *place = 0x5a;
    else if (is(service, "word"))
        *(volatile uint32_t *)value = 0;
    else if (is(service, "dma"))
        dma_start(value);
    else if (is(service, "sse"))
        vectors_change();
    stay(service);
    if (is(service, "fails"))
        *status = value | EFI_ERROR_MASK;
    if (is(service, "answers"))
        *status = value;
    if (is(service, "rubbish"))
        memset(a, (int)value, service == GET_TIME ? sizeof(EFI_TIME) : 8);
    if (is(service, "name") || is(service, "endless"))
        *status = name_give(services[service].order, b);
    if (is(service, "small") && size_place(service, a, d)) {
        *size_place(service, a, d) = value;
        *status = EFI_BUFFER_TOO_SMALL;
    }
    return is(service, "fails") || is(service, "answers") || is(service, "rubbish") ||
           is(service, "returns") || is(service, "name") || is(service, "endless") ||
           is(service, "small");
}

/* After the service's own work. */
static void spoil(enum service service, void *a, void *b, void *c, void *d, void *e)
{
    uint64_t value = services[service].value;
    uint8_t *end = given_end(service, a, b, d, e);

    if (is(service, "attributes") && c)
        *(UINT32 *)c = value;
    if (is(service, "beyond") && end)
        memset(end, 0x5a, value);
    if (is(service, "size") && size_place(service, a, d))
        *size_place(service, a, d) = value;
}

static EFI_STATUS work(enum service service, void *a, void *b, void *c, void *d, void *e)
{
    service_call real = services[service].real;
    EFI_STATUS status;

    if (!boot_services_gone || !services[service].how || services[service].times == 0)
        return real(a, b, c, d, e);
    services[service].times--;
    break_others(service);
    if (misbehave(service, a, b, d, &status) ||
        give_otherwise(service, (void *const[4]){a, b, c, d}, &status))
        return status;
    if (is(service, "boot-code"))
        status = through_boot_code(real, a, b, c, d, e);
    else if (is(service, "stack"))
        status = on_other_stack(real, a, b, c, d, e);
    else
        status = real(a, b, c, d, e);
    if (!EFI_ERROR(status))
        spoil(service, a, b, c, d, e);
    processor_leave(services[service].how, services[service].value);
    if (is(service, "interrupts"))
        __asm__ volatile("sti");
    if (is(service, "direction"))
        __asm__ volatile("std");
    return status;
}

#define SERVICE(function, service)                                                                 \
    static EFI_STATUS EFIAPI function(void *a, void *b, void *c, void *d, void *e)                 \
    {                                                                                              \
        return work(service, a, b, c, d, e);                                                       \
    }
SERVICE(get_time, GET_TIME)
SERVICE(set_time, SET_TIME)
SERVICE(get_variable, GET_VARIABLE)
SERVICE(next_variable, NEXT_VARIABLE)
SERVICE(set_variable, SET_VARIABLE)
SERVICE(query_variable, QUERY_VARIABLE)
SERVICE(set_virtual, SET_VIRTUAL)
SERVICE(reset, RESET)

/* Code and stack in memory that is the boot services' own. */
static void boot_memory_prepare(void)
{
    static const uint8_t jump[] = {0x48, 0x8b, 0x05, 0x39, 0, 0, 0, 0xff, 0xe0}; /* jmp *64(here) */
    uint8_t *code = pages_take(EfiBootServicesCode, 1);
    uint8_t *stack = pages_take(EfiBootServicesData, 4);

    if (code)
        memcpy(code, jump, sizeof jump);
    boot_code = (service_call)code;
    boot_stack_end = stack + 4 * EFI_PAGE_SIZE;
}

/* Where the configuration space of bus 0 lies: the register of QEMU's q35 (MCH, PCIEXBAR). */
static uint64_t ecam_base(void)
{
    uint32_t low;

    __asm__ volatile("outl %0, %1" : : "a"(0x80000060), "Nd"((uint16_t)0xcf8));
    __asm__ volatile("inl %1, %0" : "=a"(low) : "Nd"((uint16_t)0xcfc));
    return low & 0xf0000000;
}

static void order_take(const struct order *order)
{
    for (int i = 0; i < SERVICE_COUNT; i++) {
        if (strcmp(order->words[1], names[i]) != 0)
            continue;
        services[i].order = order;
        services[i].how = order->words[2];
        services[i].value = *order->words[3] ? order_number(order, 3) : NOWHERE;
        services[i].times = *order->words[4] ? order_number(order, 4) : UINT64_MAX;
        if (is(i, "ecam"))
            services[i].value = ecam_base();
        return;
    }
    report("runtime: no service %s\n", order->words[1]);
}

void runtime_install(void)
{
    EFI_RUNTIME_SERVICES *runtime = system_table->RuntimeServices;
    const struct {
        void **place;
        service_call hook;
    } table[SERVICE_COUNT] = {
        [GET_TIME] = {(void **)&runtime->GetTime, get_time},
        [SET_TIME] = {(void **)&runtime->SetTime, set_time},
        [GET_VARIABLE] = {(void **)&runtime->GetVariable, get_variable},
        [NEXT_VARIABLE] = {(void **)&runtime->GetNextVariableName, next_variable},
        [SET_VARIABLE] = {(void **)&runtime->SetVariable, set_variable},
        [QUERY_VARIABLE] = {(void **)&runtime->QueryVariableInfo, query_variable},
        [SET_VIRTUAL] = {(void **)&runtime->SetVirtualAddressMap, set_virtual},
        [RESET] = {(void **)&runtime->ResetSystem, reset},
    };

    boot_memory_prepare();
    millisecond = tsc_read();
    real_boot.Stall(10000);
    millisecond = (tsc_read() - millisecond) / 10;
    for (const struct order *order = NULL; (order = order_next(order, "runtime"));)
        order_take(order);
    for (int i = 0; i < SERVICE_COUNT; i++) {
        services[i].real = (service_call)*table[i].place;
        if (services[i].how)
            *table[i].place = (void *)table[i].hook;
    }
}
