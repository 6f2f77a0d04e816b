/*
 * boot_services.c: services that answer the loader oddly before the exit: `before SERVICE HOW
 * [VALUE [TIMES]]` for those in the table below. HOW is answers  with status VALUE, without doing
 * anything then     works, and answers with status VALUE gives    nothing, with success: what it is
 * asked for lies at VALUE count    locate-handle-buffer, protocols-per-handle: says that it found
 * VALUE or a way of runtime_processor.c, when it has worked. TIMES is how often, without it always.
 * `boot-table OFFSET BYTES` (tables.c) leaves a service out.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

typedef EFI_STATUS(EFIAPI *service_call)(void *, void *, void *, void *, void *);

enum service {
    FREE_PAGES,
    FREE_POOL,
    CREATE_EVENT,
    SET_TIMER,
    WAIT_FOR_EVENT,
    CLOSE_EVENT,
    HANDLE_PROTOCOL,
    LOCATE_PROTOCOL,
    LOCATE_HANDLE_BUFFER,
    PROTOCOLS_PER_HANDLE,
    STALL,
    WATCHDOG,
    GET_VARIABLE,
    SET_VARIABLE,
    SERVICE_COUNT,
};

static struct {
    const struct order *order; /* NULL: nothing */
    uint64_t times;
    service_call real;
} services[SERVICE_COUNT];

static const char *how(enum service service)
{
    return services[service].order->words[2];
}

static uint64_t value(enum service service)
{
    return order_number(services[service].order, 3);
}

static void count_say(enum service service, void *c, void *d, UINTN count)
{
    if (service == LOCATE_HANDLE_BUFFER)
        *(UINTN *)d = count;
    else if (service == PROTOCOLS_PER_HANDLE)
        *(UINTN *)c = count;
}

static void give(enum service service, void *b, void *c, void *d, void *e)
{
    void *place = service == LOCATE_HANDLE_BUFFER ? e : service == PROTOCOLS_PER_HANDLE ? b : c;

    *(uint64_t *)place = value(service);
    count_say(service, c, d, 3);
}

static EFI_STATUS misbehave(enum service service, void *a, void *b, void *c, void *d, void *e)
{
    EFI_STATUS status;

    if (strcmp(how(service), "answers") == 0)
        return value(service);
    if (strcmp(how(service), "gives") == 0) {
        give(service, b, c, d, e);
        return EFI_SUCCESS;
    }
    status = services[service].real(a, b, c, d, e);
    if (strcmp(how(service), "count") == 0 && !EFI_ERROR(status))
        count_say(service, c, d, value(service));
    if (strcmp(how(service), "then") == 0)
        status = value(service);
    processor_leave(how(service), value(service));
    return status;
}

static EFI_STATUS work(enum service service, const void *caller, void *a, void *b, void *c, void *d,
                       void *e)
{
    if (boot_services_gone || !caller_is_loader(caller) || services[service].times == 0)
        return services[service].real(a, b, c, d, e);
    services[service].times--;
    return misbehave(service, a, b, c, d, e);
}

#define SERVICE(function, service)                                                                 \
    static EFI_STATUS EFIAPI function(void *a, void *b, void *c, void *d, void *e)                 \
    {                                                                                              \
        return work(service, __builtin_return_address(0), a, b, c, d, e);                          \
    }
SERVICE(free_pages, FREE_PAGES)
SERVICE(free_pool, FREE_POOL)
SERVICE(create_event, CREATE_EVENT)
SERVICE(set_timer, SET_TIMER)
SERVICE(wait_for_event, WAIT_FOR_EVENT)
SERVICE(close_event, CLOSE_EVENT)
SERVICE(handle_protocol, HANDLE_PROTOCOL)
SERVICE(locate_protocol, LOCATE_PROTOCOL)
SERVICE(locate_handle_buffer, LOCATE_HANDLE_BUFFER)
SERVICE(protocols_per_handle, PROTOCOLS_PER_HANDLE)
SERVICE(stall, STALL)
SERVICE(watchdog, WATCHDOG)
SERVICE(get_variable, GET_VARIABLE)
SERVICE(set_variable, SET_VARIABLE)

static void hook(enum service service, void **place, service_call function, const char *name)
{
    for (const struct order *order = NULL; (order = order_next(order, "before"));) {
        if (strcmp(order->words[1], name) != 0)
            continue;
        services[service].order = order;
        services[service].times = *order->words[4] ? order_number(order, 4) : UINT64_MAX;
        services[service].real = (service_call)*place;
        *place = (void *)function;
        return;
    }
}

void boot_services_install(void)
{
    EFI_BOOT_SERVICES *boot = system_table->BootServices;
    EFI_RUNTIME_SERVICES *runtime = system_table->RuntimeServices;
    const struct {
        const char *name;
        void *place;
        service_call function;
    } table[SERVICE_COUNT] = {
        [FREE_PAGES] = {"free-pages", &boot->FreePages, free_pages},
        [FREE_POOL] = {"free-pool", &boot->FreePool, free_pool},
        [CREATE_EVENT] = {"create-event", &boot->CreateEvent, create_event},
        [SET_TIMER] = {"set-timer", &boot->SetTimer, set_timer},
        [WAIT_FOR_EVENT] = {"wait-for-event", &boot->WaitForEvent, wait_for_event},
        [CLOSE_EVENT] = {"close-event", &boot->CloseEvent, close_event},
        [HANDLE_PROTOCOL] = {"handle-protocol", &boot->HandleProtocol, handle_protocol},
        [LOCATE_PROTOCOL] = {"locate-protocol", &boot->LocateProtocol, locate_protocol},
        [LOCATE_HANDLE_BUFFER] = {"locate-handle-buffer", &boot->LocateHandleBuffer,
                                  locate_handle_buffer},
        [PROTOCOLS_PER_HANDLE] = {"protocols-per-handle", &boot->ProtocolsPerHandle,
                                  protocols_per_handle},
        [STALL] = {"stall", &boot->Stall, stall},
        [WATCHDOG] = {"watchdog", &boot->SetWatchdogTimer, watchdog},
        [GET_VARIABLE] = {"get-variable", &runtime->GetVariable, get_variable},
        [SET_VARIABLE] = {"set-variable", &runtime->SetVariable, set_variable},
    };

    for (int i = 0; i < SERVICE_COUNT; i++)
        hook(i, table[i].place, table[i].function, table[i].name);
}
