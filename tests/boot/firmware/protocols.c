/*
 * protocols.c: what protocols and variables say before the exit: `protection ATTRIBUTES` is a
 * memory attribute protocol with that answer for all memory, `variable NAME BYTES` what GetVariable
 * gives the loader, `tpm-extend PCR` extends a PCR without an entry in the event log.
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
    void *others[3];
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

static void tpm_extend(void)
{
    static EFI_GUID guid = {
        0x607f766c, 0x7455, 0x42be, {0x93, 0x0b, 0xe4, 0xd7, 0x6d, 0xb2, 0x72, 0x0f}};
    struct tcg2_protocol *tpm;

    if (!order_next(NULL, "tpm-extend"))
        return;
    if (EFI_ERROR(real_boot.LocateProtocol(&guid, NULL, (void **)&tpm)))
        report("tpm-extend: no TPM\n");
    else
        pcr_extend(tpm, (uint8_t)order_value("tpm-extend", 0));
}

void protocols_install(void)
{
    protection_install();
    variables_install();
    tpm_extend();
}
