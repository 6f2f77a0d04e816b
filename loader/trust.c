#include "trust.h"

#include <library/boot_entry.h>
#include <library/format.h>
#include <library/menu/boot_count.h>
#include <library/sbat.h>
#include <library/sha256.h>
#include <library/string.h>
#include <library/text_line.h>

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

static void digest_write(const void *bytes, uint64_t size, char text[2 * SHA256_SIZE + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SHA256_SIZE];

    sha256(bytes, size, NULL, 0, digest);
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[2 * SHA256_SIZE] = '\0';
}

/* As it was signed: parted by slashes, an entry without the tries that are left. */
static void path_plain(const char *path, char plain[BOOT_ENTRY_PATH_MAX])
{
    char identifier[BOOT_FILE_NAME_MAX];
    struct boot_count count;
    char *name = plain;

    format_string(plain, BOOT_ENTRY_PATH_MAX, "%s", path);
    for (char *next = plain; *next; next++) {
        *next = *next == '\\' ? '/' : ascii_lower(*next);
        if (*next == '/')
            name = next + 1;
    }
    if (boot_count_parse(name, ".conf", identifier, &count))
        memcpy(name, identifier, strlen(identifier) + 1);
}

static bool path_is(struct slice slice, const char *plain)
{
    for (size_t i = 0; i < slice.size; i++) {
        if (ascii_lower(slice.text[i]) != plain[i])
            return false;
    }
    return plain[slice.size] == '\0';
}

static bool digests_name(const char *path, const char *digest)
{
    char plain[BOOT_ENTRY_PATH_MAX];
    const uint8_t *bytes;
    uint64_t size;

    path_plain(path, plain);
    if (!unified_section(".digests", 0, &bytes, &size))
        return false;
    struct slice rest = {(const char *)bytes, size}, line;
    while (text_take_line(&rest, &line)) {
        line = slice_trim(line);
        if (slice_is(slice_take_word(&line), digest) && path_is(line, plain))
            return true;
    }
    return false;
}

EFI_STATUS trust_check(const char *path, const void *bytes, uint64_t size)
{
    char digest[2 * SHA256_SIZE + 1];

    if (!trust_is_asked_for())
        return EFI_SUCCESS;
    digest_write(bytes, size, digest);
    if (digests_name(path, digest))
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
