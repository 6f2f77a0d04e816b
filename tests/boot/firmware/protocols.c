/*
 * protocols.c: what protocols and variables say before the exit: `protection ATTRIBUTES` is a
 * memory attribute protocol with that answer for all memory, `variable NAME BYTES` what GetVariable
 * gives the loader, `variable-size NAME SIZE` how much it says it gave, `time BYTES` what GetTime
 * gives; `protocol GUID BYTES` is a handle with such a protocol, of those bytes, `protocol-at GUID
 * ADDRESS` one that is said to be there. `tpm-extend PCR` extends a PCR without an entry in the
 * event log, `tpm-fails STATUS` is a TPM that takes no measurement, `tpm-log OFFSET BYTES` one
 * whose log is these, with the last event there, `tpm-log-at FIRST LAST` one whose log is said to
 * be there.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

/* ---- protection: EFI_MEMORY_ATTRIBUTE_PROTOCOL (UEFI 2.11, 37.7), which gnu-efi does not name
 * ---- */

struct memory_attributes {
    EFI_STATUS(EFIAPI *get)
    (struct memory_attributes *self, UINT64 base, UINT64 length, UINT64 *attributes);
    EFI_STATUS(EFIAPI *set)
    (struct memory_attributes *self, UINT64 base, UINT64 length, UINT64 attributes);
    EFI_STATUS(EFIAPI *clear)
    (struct memory_attributes *self, UINT64 base, UINT64 length, UINT64 attributes);
};

static EFI_STATUS EFIAPI attributes_get(struct memory_attributes *self, UINT64 base, UINT64 length,
                                        UINT64 *attributes)
{
    (void)self, (void)base, (void)length;
    *attributes = order_value("protection", 0);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI attributes_change(struct memory_attributes *self, UINT64 base,
                                           UINT64 length, UINT64 attributes)
{
    (void)self, (void)base, (void)length, (void)attributes;
    return EFI_SUCCESS;
}

static void protection_install(void)
{
    static EFI_GUID guid = {
        0xf4560cf6, 0x40ec, 0x4b4a, {0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1, 0x89}};
    static struct memory_attributes protocol = {attributes_get, attributes_change,
                                                attributes_change};
    EFI_HANDLE handle = NULL;

    if (order_next(NULL, "protection"))
        real_boot.InstallProtocolInterface(&handle, &guid, EFI_NATIVE_INTERFACE, &protocol);
}

/* ---- variable ---- */

static EFI_GET_VARIABLE real_get_variable;
static EFI_GET_TIME real_get_time;

static bool name_is(const CHAR16 *wide, const char *name)
{
    while (*name && *wide == (CHAR16)*name)
        wide++, name++;
    return *wide == 0 && *name == 0;
}

static const struct order *order_named(const char *order_name, const CHAR16 *name)
{
    const struct order *order = NULL;

    while ((order = order_next(order, order_name)) && !name_is(name, order->words[1])) {
    }
    return order;
}

static EFI_STATUS EFIAPI get_variable(CHAR16 *name, EFI_GUID *guid, UINT32 *attributes, UINTN *size,
                                      VOID *data)
{
    const struct order *sized = boot_services_gone ? NULL : order_named("variable-size", name);
    const struct order *order = boot_services_gone ? NULL : order_named("variable", name);
    EFI_STATUS status = EFI_SUCCESS;

    if (order) {
        *size = order_bytes(order, 2, data, *size);
        if (attributes)
            *attributes = EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS;
    } else if (!sized) {
        status = real_get_variable(name, guid, attributes, size, data);
    }
    if (sized)
        *size = order_number(sized, 2);
    return status;
}

static EFI_STATUS EFIAPI get_time(EFI_TIME *time, EFI_TIME_CAPABILITIES *capabilities)
{
    if (boot_services_gone)
        return real_get_time(time, capabilities);
    order_bytes(order_next(NULL, "time"), 1, time, sizeof *time);
    return EFI_SUCCESS;
}

static void variables_install(void)
{
    EFI_RUNTIME_SERVICES *runtime = system_table->RuntimeServices;

    real_get_variable = runtime->GetVariable;
    real_get_time = runtime->GetTime;
    if (order_next(NULL, "variable") || order_next(NULL, "variable-size"))
        runtime->GetVariable = get_variable;
    if (order_next(NULL, "time"))
        runtime->GetTime = get_time;
}

/* ---- protocol, protocol-at ---- */

static void protocol_add(const struct order *order, void *interface)
{
    EFI_HANDLE handle = NULL;
    EFI_GUID guid;

    order_bytes(order, 1, &guid, sizeof guid);
    if (EFI_ERROR(
            real_boot.InstallProtocolInterface(&handle, &guid, EFI_NATIVE_INTERFACE, interface)))
        report("%s: not installed\n", order->words[0]);
}

static void protocols_add(void)
{
    const struct order *order;

    for (order = NULL; (order = order_next(order, "protocol"));) {
        uint8_t *page = pages_take(EfiBootServicesData, 1);

        if (page) {
            order_bytes(order, 2, page, EFI_PAGE_SIZE);
            protocol_add(order, page);
        }
    }
    for (order = NULL; (order = order_next(order, "protocol-at"));)
        protocol_add(order, (void *)order_number(order, 2));
}

/* ---- tpm-extend: TPM2_PCR_Extend (TPM 2.0 Library, part 3, 22.2), by SubmitCommand ---- */

struct tcg2_protocol { /* TCG EFI Protocol Specification 2.0, 6 */
    EFI_STATUS(EFIAPI *capability)(struct tcg2_protocol *self, UINT8 *capability);
    EFI_STATUS(EFIAPI *event_log)
    (struct tcg2_protocol *self, UINT32 format, EFI_PHYSICAL_ADDRESS *location,
     EFI_PHYSICAL_ADDRESS *last, BOOLEAN *truncated);
    EFI_STATUS(EFIAPI *measure)
    (struct tcg2_protocol *self, UINT64 flags, EFI_PHYSICAL_ADDRESS data, UINT64 size, void *event);
    EFI_STATUS(EFIAPI *submit)
    (struct tcg2_protocol *self, UINT32 size, UINT8 *command, UINT32 answer_size, UINT8 *answer);
};

static void pcr_extend(struct tcg2_protocol *tpm, uint8_t pcr)
{
    uint8_t answer[64] = {0};
    uint8_t command[65] = {
        0x80, 0x02, 0, 0,    0,    sizeof command,
        0,    0,    1, 0x82, /* with a session; the command */
        0,    0,    0, pcr,  /* which PCR */
        0,    0,    0, 9,    0x40, 0,
        0,    9,    0, 0,    0,    0,
        0,                              /* an empty password */
        0,    0,    0, 1,    0,    0xb, /* one digest, SHA-256: zeros */
    };
    EFI_STATUS status = tpm->submit(tpm, sizeof command, command, sizeof answer, answer);

    report("tpm-extend: 0x%llx, response code 0x%x%02x\n", (unsigned long long)status, answer[8],
           answer[9]);
}

static EFI_GUID tcg2_guid = {
    0x607f766c, 0x7455, 0x42be, {0x93, 0x0b, 0xe4, 0xd7, 0x6d, 0xb2, 0x72, 0x0f}};

static void tpm_extend(void)
{
    struct tcg2_protocol *tpm;

    if (!order_next(NULL, "tpm-extend"))
        return;
    if (EFI_ERROR(real_boot.LocateProtocol(&tcg2_guid, NULL, (void **)&tpm)))
        report("tpm-extend: no TPM\n");
    else
        pcr_extend(tpm, (uint8_t)order_value("tpm-extend", 0));
}

/* ---- tpm-fails, tpm-log, tpm-log-at ---- */

static EFI_STATUS EFIAPI capability_tell(struct tcg2_protocol *self, UINT8 *capability)
{
    enum { PRESENT = 16 };

    (void)self;
    capability[PRESENT] = 1;
    return EFI_SUCCESS;
}

static void event_log_place(const struct order *order, EFI_PHYSICAL_ADDRESS *location,
                            EFI_PHYSICAL_ADDRESS *last, BOOLEAN *truncated)
{
    *location = order_number(order, 1);
    *last = order_number(order, 2);
    *truncated = FALSE;
}

static EFI_STATUS EFIAPI event_log_give(struct tcg2_protocol *self, UINT32 format,
                                        EFI_PHYSICAL_ADDRESS *location, EFI_PHYSICAL_ADDRESS *last,
                                        BOOLEAN *truncated)
{
    static uint8_t bytes[4096];
    const struct order *order = order_next(NULL, "tpm-log");
    const struct order *place = order_next(NULL, "tpm-log-at");

    (void)self, (void)format;
    if (place)
        event_log_place(place, location, last, truncated);
    if (!order)
        return place ? EFI_SUCCESS : EFI_NOT_FOUND;
    order_bytes(order, 2, bytes, sizeof bytes);
    *location = (uintptr_t)bytes;
    *last = *location + order_value("tpm-log", 0);
    *truncated = TRUE;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI measurement_refuse(struct tcg2_protocol *self, UINT64 flags,
                                            EFI_PHYSICAL_ADDRESS data, UINT64 size, void *event)
{
    (void)self, (void)flags, (void)data, (void)size, (void)event;
    return order_next(NULL, "tpm-fails") ? EFIERR(order_value("tpm-fails", 0)) : EFI_SUCCESS;
}

static EFI_STATUS EFIAPI command_refuse(struct tcg2_protocol *self, UINT32 size, UINT8 *command,
                                        UINT32 answer_size, UINT8 *answer)
{
    (void)self, (void)size, (void)command, (void)answer_size, (void)answer;
    return EFI_DEVICE_ERROR;
}

static void tpm_install(void)
{
    static struct tcg2_protocol protocol = {capability_tell, event_log_give, measurement_refuse,
                                            command_refuse};
    EFI_HANDLE handle = NULL;

    if (order_next(NULL, "tpm-fails") || order_next(NULL, "tpm-log") ||
        order_next(NULL, "tpm-log-at"))
        real_boot.InstallProtocolInterface(&handle, &tcg2_guid, EFI_NATIVE_INTERFACE, &protocol);
}

void protocols_install(void)
{
    tpm_install();
    protection_install();
    variables_install();
    protocols_add();
    tpm_extend();
}
