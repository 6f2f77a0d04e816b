#include "menu/entries.h"

#include <library/format.h>
#include <library/string.h>
#include <library/text_line.h>

#include "console.h"
#include "menu/boot_partition.h"
#include "menu/interface.h"
#include "menu/unified_files.h"
#include "pages.h"
#include "text.h"

#define TEXT_MAXIMUM BOOT_ENTRY_FILE_MAX

/* ---- files ---- */

static EFI_STATUS file_open(EFI_HANDLE device, const char *path, uint64_t mode,
                            EFI_FILE_HANDLE *file)
{
    static const EFI_GUID simple_file_system = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_FILE_IO_INTERFACE *file_system = firmware_protocol(device, &simple_file_system);
    CHAR16 wide[BOOT_ENTRY_PATH_MAX];
    EFI_FILE_HANDLE root;
    EFI_STATUS status;

    if (!file_system || !text_widen_path(path, wide, BOOT_ENTRY_PATH_MAX))
        return EFI_NOT_FOUND;
    status = file_system->OpenVolume(file_system, &root);
    if (EFI_ERROR(status))
        return status;
    if (!root)
        return EFI_DEVICE_ERROR;
    *file = NULL;
    status = root->Open(root, file, wide, mode, 0);
    root->Close(root);
    return !EFI_ERROR(status) && !*file ? EFI_DEVICE_ERROR : status;
}

static bool file_exists(EFI_HANDLE device, const char *path)
{
    EFI_FILE_HANDLE file;

    if (EFI_ERROR(file_open(device, path, EFI_FILE_MODE_READ, &file)))
        return false;
    file->Close(file);
    return true;
}

EFI_STATUS entries_text(EFI_HANDLE device, const char *path, char **text, size_t *size)
{
    UINTN read = TEXT_MAXIMUM + 1; /* one more: the parser says that it is too long */
    EFI_FILE_HANDLE file;
    EFI_STATUS status = file_open(device, path, EFI_FILE_MODE_READ, &file);

    if (EFI_ERROR(status))
        return status;
    status = firmware.boot->AllocatePool(EfiLoaderData, read, (void **)text);
    if (!EFI_ERROR(status)) {
        status = file->Read(file, &read, *text);
        *size = read <= TEXT_MAXIMUM + 1 ? read : 0;
        if (EFI_ERROR(status))
            firmware.boot->FreePool(*text);
    }
    file->Close(file);
    return status;
}

/* File names have "ASCII upper and lower case characters, digits, +, -, _ and ." */
static bool name_narrow(const CHAR16 *wide, char name[BOOT_FILE_NAME_MAX])
{
    for (size_t i = 0; i < BOOT_FILE_NAME_MAX; i++) {
        if (wide[i] && (wide[i] <= ' ' || wide[i] > '~' || wide[i] == '\\' || wide[i] == '/'))
            return false;
        name[i] = (char)wide[i];
        if (!wide[i])
            return i > 0;
    }
    return false;
}

/* ---- one entry ---- */

/* The place for one more; NULL: there are enough. */
static struct entry *entry_new(struct entries *entries, enum entry_kind kind, EFI_HANDLE device)
{
    if (entries->count == ENTRIES_MAXIMUM)
        return NULL;
    struct entry *entry = &entries->all[entries->count];
    *entry = (struct entry){.kind = kind, .device = device};
    return entry;
}

static void copy(char *to, const char *from, size_t size)
{
    format_string(to, size, "%s", from);
}

/* An entry that the loader itself found. */
static void automatic_add(struct entries *entries, enum entry_kind kind, EFI_HANDLE device,
                          const char *path, const char *identifier, const char *title)
{
    struct entry *entry = entry_new(entries, kind, device);

    if (!entry)
        return;
    entry->name.automatic = true;
    copy(entry->path, path, sizeof entry->path);
    copy(entry->identifier, identifier, sizeof entry->identifier);
    copy(entry->title, title, sizeof entry->title);
    entries->count++;
}

/* ---- \loader\entries ---- */

static void entry_describe(struct entry *entry, const struct boot_entry *parsed)
{
    copy(entry->title, parsed->title, sizeof entry->title);
    copy(entry->version, parsed->version, sizeof entry->version);
    copy(entry->machine_id, parsed->machine_id, sizeof entry->machine_id);
    copy(entry->sort_key, parsed->sort_key, sizeof entry->sort_key);
    entry->editable = true;
}

/* An entry that would start the loader itself, again and again. */
static bool is_own(const struct entry *entry, const char *program)
{
    char path[BOOT_ENTRY_PATH_MAX];
    size_t same = 0;

    if (entry->device != firmware.loaded_image->DeviceHandle ||
        !firmware_own_path(path, sizeof path))
        return false;
    for (char *letter = path; *letter; letter++)
        *letter = *letter == '\\' ? '/' : ascii_lower(*letter);
    while (path[same] && path[same] == ascii_lower(program[same]))
        same++;
    return !path[same] && !program[same];
}

/* "Boot loaders should ignore all entries that don't match the local platform". */
static bool entry_file_read(struct entry *entry)
{
    static struct boot_entry parsed; /* too large for the stack */
    struct boot_entry_error error;
    char *text;
    size_t size;
    bool good;

    if (EFI_ERROR(entries_text(entry->device, entry->path, &text, &size)))
        return false;
    good = boot_entry_parse(text, size, &parsed, &error) == 0;
    firmware.boot->FreePool(text);
    if (good && is_own(entry, parsed.program))
        return false;
    if (good)
        entry_describe(entry, &parsed);
    else if (!parsed.foreign)
        console_print("loader: %s is no entry: line %u: %s\n", entry->path, error.line,
                      error.reason);
    return good;
}

/* ---- \EFI\Linux ---- */

static bool unified_file_read(struct entry *entry)
{
    struct os_release release;
    EFI_FILE_HANDLE file;
    bool good;

    if (EFI_ERROR(file_open(entry->device, entry->path, EFI_FILE_MODE_READ, &file)))
        return false;
    good = unified_file_describe(file, &release);
    file->Close(file);
    if (!good)
        return false;
    copy(entry->title, release.title, sizeof entry->title);
    copy(entry->version, release.version, sizeof entry->version);
    copy(entry->sort_key, release.sort_key, sizeof entry->sort_key);
    entry->editable = true;
    return true;
}

void entry_unified_options(const struct entry *entry, char options[BOOT_ENTRY_OPTIONS_MAX])
{
    EFI_FILE_HANDLE file;

    *options = '\0';
    if (EFI_ERROR(file_open(entry->device, entry->path, EFI_FILE_MODE_READ, &file)))
        return;
    unified_file_options(file, options);
    file->Close(file);
}

/* ---- folders of entries ---- */

static const struct place {
    enum entry_kind kind;
    const char *folder, *suffix;
    bool (*read)(struct entry *entry);
} places[] = {
    {ENTRY_FILE, "/loader/entries", ".conf", entry_file_read},
    {ENTRY_UNIFIED, "/EFI/Linux", ".efi", unified_file_read},
};

static const struct place *place_of(const struct entry *entry)
{
    return &places[entry->kind == ENTRY_UNIFIED];
}

/* False: the path is too long. */
static bool path_make(struct entry *entry)
{
    return format_string(entry->path, sizeof entry->path, "%s/%s", place_of(entry)->folder,
                         entry->file) < (int)sizeof entry->path;
}

static void file_add(struct entries *entries, const struct place *place, EFI_HANDLE device,
                     const char *name)
{
    struct entry *entry = entry_new(entries, place->kind, device);

    if (!entry || !boot_count_parse(name, place->suffix, entry->identifier, &entry->name.count))
        return;
    copy(entry->file, name, sizeof entry->file);
    /* As systemd-boot names them: a FAT volume does not tell capitals from small letters. */
    for (char *letter = entry->identifier; *letter; letter++)
        *letter = ascii_lower(*letter);
    if (path_make(entry) && place->read(entry))
        entries->count++;
}

/* Directories are read entry after entry (UEFI 2.10, 13.5, EFI_FILE_PROTOCOL.Read()). */
static void folder_read(struct entries *entries, const struct place *place, EFI_HANDLE device,
                        EFI_FILE_HANDLE folder)
{
    static union {
        EFI_FILE_INFO information;
        uint8_t bytes[sizeof(EFI_FILE_INFO) + 2 * BOOT_FILE_NAME_MAX];
    } buffer;
    char name[BOOT_FILE_NAME_MAX];

    for (unsigned files = 0; files < 4 * ENTRIES_MAXIMUM; files++) {
        UINTN size = sizeof buffer;

        buffer = (__typeof__(buffer)){0};
        if (EFI_ERROR(folder->Read(folder, &size, &buffer)) || size == 0)
            return;
        if (!(buffer.information.Attribute & EFI_FILE_DIRECTORY) &&
            name_narrow(buffer.information.FileName, name))
            file_add(entries, place, device, name);
    }
}

static void files_find(struct entries *entries, EFI_HANDLE device)
{
    EFI_FILE_HANDLE folder;

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (EFI_ERROR(file_open(device, places[i].folder, EFI_FILE_MODE_READ, &folder)))
            continue;
        folder_read(entries, &places[i], device, folder);
        folder->Close(folder);
    }
    if (entries->count == ENTRIES_MAXIMUM)
        console_print("loader: more than %u entries: the others are left out\n", ENTRIES_MAXIMUM);
}

/* ---- other systems ---- */

static void volume_look(struct entries *entries, EFI_HANDLE device)
{
    static const struct {
        const char *path, *identifier, *title;
    } systems[] = {
        {"/EFI/Microsoft/Boot/bootmgfw.efi", "auto-windows", "Windows Boot Manager"},
        {"/EFI/debian/shimx64.efi", "auto-debian", "Debian"},
        {"/EFI/debian/grubx64.efi", "auto-debian-grub", "Debian (without shim)"},
        {"/EFI/systemd/systemd-bootx64.efi", "auto-systemd-boot", "systemd-boot"},
        {"/shellx64.efi", "auto-efi-shell", "EFI shell"},
    };

    for (size_t i = 0; i < sizeof systems / sizeof systems[0]; i++) {
        if (file_exists(device, systems[i].path))
            automatic_add(entries, ENTRY_PROGRAM, device, systems[i].path, systems[i].identifier,
                          systems[i].title);
    }
}

static void systems_find(struct entries *entries)
{
    static const EFI_GUID simple_file_system = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_HANDLE *handles;
    size_t count = firmware_handles(&simple_file_system, &handles);

    for (size_t i = 0; i < count; i++)
        volume_look(entries, handles[i]);
    if (count)
        firmware.boot->FreePool(handles);
}

/* ---- all of them ---- */

/* The strings stay where they are from here on. */
static void names_point(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        struct entry *entry = &entries->all[i];

        entry->name.identifier = entry->identifier;
        entry->name.title = entry->title;
        entry->name.version = entry->version;
        entry->name.machine_id = entry->machine_id;
        entry->name.sort_key = entry->sort_key;
        entries->shown[i] = &entry->name;
    }
    boot_names_sort(entries->shown, entries->count);
}

EFI_STATUS entries_find(const struct loader_settings *settings, struct entries *entries)
{
    size_t size = ENTRIES_MAXIMUM * sizeof *entries->all;
    EFI_HANDLE boot_partition;
    EFI_STATUS status;

    *entries = (struct entries){0};
    status = pages_allocate_unset(size + ENTRIES_MAXIMUM * sizeof *entries->shown, "the entries",
                                  (void **)&entries->all);
    if (EFI_ERROR(status))
        return status;
    entries->shown = (const struct boot_name **)((uint8_t *)entries->all + size);
    files_find(entries, firmware.loaded_image->DeviceHandle);
    boot_partition = boot_partition_find();
    if (boot_partition)
        files_find(entries, boot_partition);
    if (settings->automatic_entries)
        systems_find(entries);
    if (settings->automatic_firmware && interface_setup_is_there())
        automatic_add(entries, ENTRY_SETUP, NULL, "", "auto-reboot-to-firmware-setup",
                      "The firmware's setup");
    names_point(entries);
    return EFI_SUCCESS;
}

void entries_free(struct entries *entries)
{
    pages_free(entries->all);
    *entries = (struct entries){0};
}

struct entry *entry_at(const struct entries *entries, size_t index)
{
    return (struct entry *)((const uint8_t *)entries->shown[index] - offsetof(struct entry, name));
}

/* ---- boot counting ---- */

/* Only the name changes: EFI_FILE_INFO with another FileName (UEFI 2.10, 13.5, SetInfo()). */
static EFI_STATUS file_rename(EFI_FILE_HANDLE file, const char *name)
{
    static const EFI_GUID file_info = EFI_FILE_INFO_ID;
    static union {
        EFI_FILE_INFO information;
        uint8_t bytes[sizeof(EFI_FILE_INFO) + 2 * BOOT_FILE_NAME_MAX];
    } buffer;
    UINTN size = sizeof buffer;
    EFI_STATUS status = file->GetInfo(file, (EFI_GUID *)&file_info, &size, &buffer);

    if (EFI_ERROR(status))
        return status;
    text_widen(name, buffer.information.FileName, BOOT_FILE_NAME_MAX);
    buffer.information.Size = SIZE_OF_EFI_FILE_INFO + 2 * (strlen(name) + 1);
    return file->SetInfo(file, (EFI_GUID *)&file_info, buffer.information.Size, &buffer);
}

void entry_count_down(struct entry *entry)
{
    char next[BOOT_FILE_NAME_MAX];
    EFI_FILE_HANDLE file;
    EFI_STATUS status;

    interface_tell_counted("");
    if (!*entry->file || !boot_count_next(entry->file, place_of(entry)->suffix, next))
        return;
    status = file_open(entry->device, entry->path, EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE, &file);
    if (!EFI_ERROR(status)) {
        status = file_rename(file, next);
        file->Close(file);
    }
    if (EFI_ERROR(status)) {
        console_print("loader: %s cannot become %s: its tries are not counted\n", entry->file,
                      next);
        return;
    }
    copy(entry->file, next, sizeof entry->file);
    path_make(entry);
    interface_tell_counted(entry->path);
    entry->tried = true;
}
