/*
 * protocols.c: what protocols and variables say before the exit: `protection ATTRIBUTES` is a
 * memory attribute protocol with that answer for all memory, `variable NAME BYTES` what GetVariable
 * gives the loader, `tpm-extend PCR` extends a PCR without an entry in the event log, `tpm-fails
 * STATUS` is a TPM that takes no measurement, `tpm-log OFFSET BYTES` one whose log is these, with
 * the last event there.
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

static bool name_is(const CHAR16 *wide, const char *name)
{
    while (*name && *wide == (CHAR16)*name)
        wide++, name++;
    return *wide == 0 && *name == 0;
}

static EFI_STATUS EFIAPI get_variable(CHAR16 *name, EFI_GUID *guid, UINT32 *attributes, UINTN *size,
                                      VOID *data)
{
    const struct order *order = NULL;

    while (!boot_services_gone && (order = order_next(order, "variable"))) {
        if (!name_is(name, order->words[1]))
            continue;
        *size = order_bytes(order, 2, data, *size);
        if (attributes)
            *attributes = EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS;
        return EFI_SUCCESS;
    }
    return real_get_variable(name, guid, attributes, size, data);
}

static void variables_install(void)
{
    if (!order_next(NULL, "variable"))
        return;
    real_get_variable = system_table->RuntimeServices->GetVariable;
    system_table->RuntimeServices->GetVariable = get_variable;
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

/* ---- tpm-fails, tpm-log ---- */

static EFI_STATUS EFIAPI capability_tell(struct tcg2_protocol *self, UINT8 *capability)
{
    enum { PRESENT = 16 };

    (void)self;
    capability[PRESENT] = 1;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI event_log_give(struct tcg2_protocol *self, UINT32 format,
                                        EFI_PHYSICAL_ADDRESS *location, EFI_PHYSICAL_ADDRESS *last,
                                        BOOLEAN *truncated)
{
    static uint8_t bytes[4096];
    const struct order *order = order_next(NULL, "tpm-log");

    (void)self, (void)format;
    if (!order)
        return EFI_NOT_FOUND;
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

    if (order_next(NULL, "tpm-fails") || order_next(NULL, "tpm-log"))
        real_boot.InstallProtocolInterface(&handle, &tcg2_guid, EFI_NATIVE_INTERFACE, &protocol);
}

void protocols_install(void)
{
    tpm_install();
    protection_install();
    variables_install();
    tpm_extend();
}
