/*
 * returns.c: `returns SET CLEARED`: every service, and every function of the protocols that the
 * loader uses most, returns to it with these flags set and those cleared.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

/* returns.S */
enum { FUNCTIONS = 128, FUNCTION_SIZE = 16 };
extern const uint8_t returns_functions[FUNCTIONS * FUNCTION_SIZE];

void *returns_services[FUNCTIONS]; /* which each of them stands for */
uint64_t returns_set, returns_cleared;
struct {
    uint64_t base, size;
} returns_caller;

static void *stand_for(void *service)
{
    size_t i = 0;

    while (i < FUNCTIONS && returns_services[i] && returns_services[i] != service)
        i++;
    if (i == FUNCTIONS)
        return service;
    returns_services[i] = service;
    return (void *)(returns_functions + i * FUNCTION_SIZE);
}

void returns_wrap(void *services, size_t count)
{
    void **service = services;

    for (size_t i = 0; order_next(NULL, "returns") && service && i < count; i++) {
        if (service[i])
            service[i] = stand_for(service[i]);
    }
}

#define SERVICES(table)                                                                            \
    &(table)->Hdr + 1, (sizeof *(table) - sizeof(EFI_TABLE_HEADER)) / sizeof(void *)

/* The protocol on each handle that has it; its functions come first, or behind its revision. */
static void protocols_wrap(EFI_GUID guid, size_t offset, size_t count)
{
    EFI_HANDLE *handles;
    UINTN found = 0;
    uint8_t *protocol;

    if (EFI_ERROR(real_boot.LocateHandleBuffer(ByProtocol, &guid, NULL, &found, &handles)))
        return;
    for (UINTN i = 0; i < found; i++) {
        if (!EFI_ERROR(real_boot.HandleProtocol(handles[i], &guid, (void **)&protocol)))
            returns_wrap(protocol + offset, count);
    }
}

void returns_install(const EFI_LOADED_IMAGE *loader)
{
    const struct order *order = order_next(NULL, "returns");

    if (!order)
        return;
    returns_set = order_number(order, 1);
    returns_cleared = order_number(order, 2);
    returns_caller.base = (uintptr_t)loader->ImageBase;
    returns_caller.size = loader->ImageSize;
    protocols_wrap((EFI_GUID)SIMPLE_TEXT_OUTPUT_PROTOCOL, 0, 9);
    protocols_wrap((EFI_GUID)SIMPLE_TEXT_INPUT_PROTOCOL, 0, 2);
    protocols_wrap((EFI_GUID)EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL_GUID, 0, 2);
    protocols_wrap((EFI_GUID)EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID, 0, 3);
    protocols_wrap((EFI_GUID)SIMPLE_FILE_SYSTEM_PROTOCOL, 8, 1);
    returns_wrap(SERVICES(system_table->BootServices));
    returns_wrap(SERVICES(system_table->RuntimeServices));
}
