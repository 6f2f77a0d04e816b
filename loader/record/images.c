/* images.c: the images in memory (UEFI 2.11, 9.1): where, from where, with what sections. */
#include <efi.h>
#include <efidebug.h>
#include <library/align.h>
#include <library/bytes.h>
#include <library/pe_image.h>
#include <library/string.h>

#include "record/entry_state.h"
#include "record/inventory.h"
#include "record/recording.h"

/* PE Format: what is read of the headers, at offsets from "PE\0\0". */
enum {
    DOS_HEADER = 60,
    SECTION_COUNT = 6,
    OPTIONAL_SIZE = 20,
    OPTIONAL_HEADER = 24,
    ENTRY_POINT = OPTIONAL_HEADER + 16,
    SECTION_ALIGNMENT = OPTIONAL_HEADER + 32,
    SUBSYSTEM = OPTIONAL_HEADER + 68,
    DLL_CHARACTERISTICS = OPTIONAL_HEADER + 70,
    SECTION_SIZE = 40,

    SUBSYSTEM_RUNTIME = 12,
    SECTIONS_MAXIMUM = 32,
    HEADERS_MAXIMUM = 4096,
};

struct image {
    char name[PE_NAME_SIZE];
    const uint8_t *sections;
    const EFI_DEVICE_PATH *path;
    struct record_image head;
};

/* The file's name without folders, from the last node of a path that has one, as ASCII. */
static void name_from_path(const EFI_DEVICE_PATH *path, char *name)
{
    size_t size = device_path_size(path), length = 0;

    for (size_t at = 0; at < size;) {
        const uint8_t *node = (const uint8_t *)path + at;
        size_t node_size = load16(node + 2);

        if (node[0] == MEDIA_DEVICE_PATH && node[1] == MEDIA_FILEPATH_DP) {
            for (size_t i = 4; i + 2 <= node_size && load16(node + i); i += 2) {
                uint16_t letter = load16(node + i);

                if (letter == '\\' || letter == '/')
                    length = 0;
                else if (length < PE_NAME_SIZE - 1)
                    name[length++] = letter > ' ' && letter < 0x7f ? (char)letter : '?';
            }
        }
        at += node_size;
    }
    name[length] = '\0';
}

/*
 * A file of a firmware volume has a GUID in its path, and its name in a section of its own (PI 1.8,
 * volume 3, 2.2.4, 3.4.1): EFI_FIRMWARE_VOLUME2_PROTOCOL, which gnu-efi does not name.
 */
struct firmware_volume {
    void *get_attributes, *set_attributes, *read_file;
    EFI_STATUS(EFIAPI *read_section)
    (const struct firmware_volume *self, const EFI_GUID *file, UINT8 type, UINTN instance,
     void **buffer, UINTN *size, UINT32 *authentication);
};

static void name_from_volume(EFI_HANDLE device, const EFI_DEVICE_PATH *path, char *name)
{
    enum { FIRMWARE_FILE = 6, USER_INTERFACE = 0x15 };
    static const EFI_GUID volume_2 = {
        0x220e73b6, 0x6bdb, 0x4413, {0x84, 0x05, 0xb9, 0x74, 0xb1, 0x08, 0x61, 0x9a}};
    const struct firmware_volume *volume = firmware_protocol(device, &volume_2);
    UINT32 authentication;
    CHAR16 *wide = NULL;
    UINTN size = 0;
    size_t length = 0;

    if (!volume || !recording_can_call(&volume->read_section, 1) ||
        device_path_size(path) < sizeof *path + sizeof(EFI_GUID) ||
        path->Type != MEDIA_DEVICE_PATH || path->SubType != FIRMWARE_FILE ||
        EFI_ERROR(volume->read_section(volume, (const EFI_GUID *)(path + 1), USER_INTERFACE, 0,
                                       (void **)&wide, &size, &authentication)) ||
        !recording_can_read((uintptr_t)wide, size))
        return;
    for (; length < PE_NAME_SIZE - 1 && length < size / 2 && wide[length]; length++)
        name[length] = wide[length] > ' ' && wide[length] < 0x7f ? (char)wide[length] : '?';
    name[length] = '\0';
    firmware.boot->FreePool(wide);
}

static void read_headers(const uint8_t *base, uint64_t size, struct image *image)
{
    struct record_image *head = &image->head;
    struct pe_image pe;
    const uint8_t *header;
    uint64_t sections;

    if (!recording_can_read((uintptr_t)base, size < HEADERS_MAXIMUM ? size : HEADERS_MAXIMUM) ||
        !recording_can_read((uintptr_t)base, size) || !pe_image_read(base, size, &pe))
        return;
    header = base + load32(base + DOS_HEADER);
    sections = load32(base + DOS_HEADER) + OPTIONAL_HEADER + load16(header + OPTIONAL_SIZE);
    head->flags |= RECORD_IMAGE_HEADER;
    head->entry_point = (uintptr_t)base + load32(header + ENTRY_POINT);
    head->section_alignment = load32(header + SECTION_ALIGNMENT);
    head->subsystem = load16(header + SUBSYSTEM);
    head->dll_characteristics = load16(header + DLL_CHARACTERISTICS);
    if (head->subsystem == SUBSYSTEM_RUNTIME)
        head->flags |= RECORD_IMAGE_RUNTIME;
    memcpy(image->name, pe.name, sizeof image->name);
    head->section_count = load16(header + SECTION_COUNT);
    if (head->section_count > SECTIONS_MAXIMUM)
        head->section_count = SECTIONS_MAXIMUM;
    image->sections = base + sections;
    if (sections + (uint64_t)SECTION_SIZE * head->section_count > size)
        head->section_count = 0;
}

/* Its tail: name, section headers, device path, each filled up to 8 bytes. */
static void append(struct image *image)
{
    struct record_image *head = &image->head;
    size_t sections = (size_t)SECTION_SIZE * head->section_count;
    uint8_t *to;

    head->name_size = (uint16_t)strlen(image->name);
    head->path_size = (uint32_t)device_path_size(image->path);
    to = record_reserve(&recording, RECORD_IMAGE, 0,
                        sizeof *head + align_up(head->name_size, 8) + align_up(sections, 8) +
                            align_up(head->path_size, 8));
    if (!to)
        return;
    memcpy(to, head, sizeof *head);
    to += sizeof *head;
    memcpy(to, image->name, head->name_size);
    to += align_up(head->name_size, 8);
    if (sections)
        memcpy(to, image->sections, sections);
    to += align_up(sections, 8);
    if (head->path_size)
        memcpy(to, image->path, head->path_size);
}

/* The debug image information table (UEFI 2.11, 18.4.3) holds it. */
static bool in_debug_table(const EFI_LOADED_IMAGE_PROTOCOL *loaded)
{
    static const EFI_GUID guid = EFI_DEBUG_IMAGE_INFO_TABLE_GUID;
    const EFI_DEBUG_IMAGE_INFO_TABLE_HEADER *table = configuration_table(&guid);
    const EFI_DEBUG_IMAGE_INFO *images;

    if (!recording_can_read((uintptr_t)table, sizeof *table))
        return false;
    images = table->EfiDebugImageInfoTable;
    if (!recording_can_read((uintptr_t)images, (uint64_t)table->TableSize * sizeof *images))
        return false;
    for (size_t i = 0; i < table->TableSize; i++) {
        const EFI_DEBUG_IMAGE_INFO_NORMAL *normal = images[i].NormalImage;

        if (recording_can_read((uintptr_t)normal, sizeof *normal) &&
            normal->ImageInfoType == EFI_DEBUG_IMAGE_INFO_TYPE_NORMAL &&
            normal->LoadedImageProtocolInstance == loaded)
            return true;
    }
    return false;
}

static void record_image(EFI_HANDLE handle, const EFI_LOADED_IMAGE_PROTOCOL *loaded)
{
    struct image image = {
        .head = {.handle = (uintptr_t)handle,
                 .base = (uintptr_t)loaded->ImageBase,
                 .size = loaded->ImageSize,
                 .code_type = loaded->ImageCodeType,
                 .data_type = loaded->ImageDataType,
                 .flags = handle == firmware.image ? RECORD_IMAGE_OURS : 0},
        .path = loaded->FilePath,
    };

    read_headers(loaded->ImageBase, loaded->ImageSize, &image);
    if (!image.name[0])
        name_from_volume(loaded->DeviceHandle, loaded->FilePath, image.name);
    if (!image.name[0])
        name_from_path(loaded->FilePath, image.name);
    if (in_debug_table(loaded))
        image.head.flags |= RECORD_IMAGE_DEBUG;
    append(&image);
}

void record_images(void)
{
    static const EFI_GUID loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_HANDLE *handles;
    size_t count = firmware_handles(&loaded_image, &handles);

    for (size_t i = 0; i < count; i++) {
        const EFI_LOADED_IMAGE_PROTOCOL *loaded = firmware_protocol(handles[i], &loaded_image);

        if (recording_can_read((uintptr_t)loaded, sizeof *loaded))
            record_image(handles[i], loaded);
    }
    if (count)
        firmware.boot->FreePool(handles);
}
