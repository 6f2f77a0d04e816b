#include "trust.h"

#include <library/digest_list.h>
#include <library/sbat.h>
#include <library/sha256.h>

#include "failure.h"
#include "unified.h"

#define LEVEL_MAXIMUM 4096 /* bytes of SbatLevel; shim's has some hundreds */

/* The variable SecureBoot is 1 when images are checked (UEFI 2.10, 3.3). */
bool trust_is_asked_for(void)
{
    static const EFI_GUID global = EFI_GLOBAL_VARIABLE;
    uint8_t value = 0;
    UINTN size = sizeof value;

    return !EFI_ERROR(firmware.runtime->GetVariable(L"SecureBoot", (EFI_GUID *)&global, NULL, &size,
                                                    &value)) &&
           size == sizeof value && value == 1;
}

EFI_STATUS trust_check(const char *path, const void *bytes, uint64_t size)
{
    uint8_t digest[SHA256_SIZE];
    const uint8_t *list;
    uint64_t list_size;

    if (!trust_is_asked_for())
        return EFI_SUCCESS;
    sha256(bytes, size, NULL, 0, digest);
    if (unified_section(".digests", 0, &list, &list_size) &&
        digest_list_has((const char *)list, list_size, path, digest))
        return EFI_SUCCESS;
    return failure(EFI_SECURITY_VIOLATION,
                   "%s: Secure Boot is on, and this is not what was signed with the loader: sign "
                   "the volume anew (scripts/image --sign), or turn Secure Boot off",
                   path);
}

/* shim's variable, which only what runs before the system can have written; 0: there is none. */
static size_t revocations_read(char *level, size_t room)
{
    static const EFI_GUID shim = {
        0x605dab50, 0xe046, 0x4300, {0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23}};
    const UINT32 wanted = EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS;
    UINT32 attributes = 0;
    UINTN size = room;

    if (EFI_ERROR(firmware.runtime->GetVariable(L"SbatLevel", (EFI_GUID *)&shim, &attributes, &size,
                                                level)) ||
        attributes != wanted || size > room)
        return 0;
    return size;
}

EFI_STATUS trust_check_generation(const char *what, const EFI_LOADED_IMAGE_PROTOCOL *image)
{
    static char level[LEVEL_MAXIMUM]; /* too large for the stack */
    char component[SBAT_NAME_MAX];
    const uint8_t *section;
    uint64_t section_size;
    size_t level_size;

    if (!trust_is_asked_for() || !image_section(image, ".sbat", 0, &section, &section_size))
        return EFI_SUCCESS;
    level_size = revocations_read(level, sizeof level);
    if (!sbat_is_revoked((const char *)section, section_size, level, level_size, component))
        return EFI_SUCCESS;
    return failure(
        EFI_SECURITY_VIOLATION,
        "%s: Secure Boot is on, and this generation of \"%s\" was revoked: a newer one is "
        "needed",
        what, component);
}
