/*
 * files.c: a volume that lies. A wrapper stands for each open file; `file PATH BYTES` puts a file
 * there, the others belong to whichever file is read:
 * `read-short BYTES`, `read-fails NUMBER STATUS`, `read-zero NUMBER`, `read-more BYTES`,
 * `open-fails PATH STATUS`, `info-size PATH SIZE`, `info-fails STATUS`, `info-small SIZE`,
 * `info-directory PATH`, `info-length BYTES`, `volume-fails STATUS`, `volume-null`, `open-null
 * PATH`, `folder NAME TIMES`.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

#define CONTENT_MAXIMUM (65536 + 4096) /* an entry that is too long, too */

struct wrapped {
    EFI_FILE file; /* what the loader sees */
    EFI_FILE *real;
    char path[128]; /* with slashes made backslashes, in small letters */
    const struct order *content;
    size_t position;
    bool used;
};

static struct wrapped wrapped[32];
static uint8_t content[CONTENT_MAXIMUM];
static UINTN reads;
static EFI_STATUS(EFIAPI *real_open_volume)(EFI_FILE_IO_INTERFACE *, EFI_FILE **);

static EFI_FILE *wrap(EFI_FILE *real, const char *path, const struct order *order);

static bool is_about(const struct order *order, const char *path)
{
    return strcmp(order->words[1], path) == 0;
}

static const struct order *order_about(const char *name, const char *path)
{
    const struct order *order = NULL;

    while ((order = order_next(order, name)) && !is_about(order, path)) {
    }
    return order;
}

static void narrow(char *path, size_t size, const CHAR16 *wide)
{
    size_t used = 0;

    for (; *wide && used < size - 1; wide++) {
        if (used == 0 && *wide == '\\')
            continue;
        path[used++] = (char)(*wide >= 'A' && *wide <= 'Z' ? *wide + 32 : *wide);
    }
    path[used] = 0;
}

static EFI_STATUS EFIAPI file_open(EFI_FILE *file, EFI_FILE **opened, CHAR16 *name, UINT64 mode,
                                   UINT64 attributes)
{
    struct wrapped *folder = (struct wrapped *)file;
    const struct order *order;
    char path[128];
    EFI_STATUS status;

    narrow(path, sizeof path, name);
    if ((order = order_about("open-fails", path)))
        return order_number(order, 2) | EFI_ERROR_MASK;
    if (order_about("open-null", path)) {
        *opened = NULL;
        return EFI_SUCCESS;
    }
    order = order_about("file", path);
    if (order) {
        *opened = wrap(NULL, path, order);
        return EFI_SUCCESS;
    }
    status = folder->real->Open(folder->real, opened, name, mode, attributes);
    if (!EFI_ERROR(status))
        *opened = wrap(*opened, path, NULL);
    return status;
}

static EFI_STATUS EFIAPI file_close(EFI_FILE *file)
{
    struct wrapped *self = (struct wrapped *)file;

    self->used = false;
    return self->real ? self->real->Close(self->real) : EFI_SUCCESS;
}

static EFI_STATUS content_read(struct wrapped *self, UINTN *size, void *buffer)
{
    size_t all = order_bytes(self->content, 2, content, sizeof content);

    if (*size > all - self->position)
        *size = all - self->position;
    memcpy(buffer, content + self->position, *size);
    self->position += *size;
    return EFI_SUCCESS;
}

/* `folder NAME TIMES`: the folder of the entries holds a file with that name (BYTES, as many as
   there is room for), TIMES over; 0: without end. */
static bool folder_read(const struct wrapped *self, UINTN *size, EFI_FILE_INFO *information)
{
    static uint64_t given;
    const struct order *order = order_next(NULL, "folder");
    const size_t head = offsetof(EFI_FILE_INFO, FileName);

    if (!order || !is_about(&(struct order){{"", "loader\\entries"}}, self->path))
        return false;
    if (order_number(order, 2) && given++ >= order_number(order, 2)) {
        *size = 0;
        return true;
    }
    memset(information, 0, *size);
    *size = head + order_bytes(order, 1, information->FileName, *size - head);
    information->Size = *size;
    return true;
}

static EFI_STATUS EFIAPI file_read(EFI_FILE *file, UINTN *size, VOID *buffer)
{
    struct wrapped *self = (struct wrapped *)file;
    const struct order *order = order_next(NULL, "read-fails");
    EFI_STATUS status;

    if (folder_read(self, size, buffer))
        return EFI_SUCCESS;
    reads++;
    if (order && reads == order_number(order, 1))
        return order_number(order, 2) | EFI_ERROR_MASK;
    if (reads == order_value("read-zero", 0)) {
        *size = 0;
        return EFI_SUCCESS;
    }
    if (*size > order_value("read-short", *size))
        *size = order_value("read-short", *size);
    status = self->content ? content_read(self, size, buffer)
                           : self->real->Read(self->real, size, buffer);
    if (!EFI_ERROR(status))
        *size += order_value("read-more", 0);
    return status;
}

static EFI_STATUS EFIAPI file_information(EFI_FILE *file, EFI_GUID *type, UINTN *size, VOID *buffer)
{
    struct wrapped *self = (struct wrapped *)file;
    EFI_FILE_INFO *information = buffer;
    const struct order *order;
    EFI_STATUS status;

    if (order_next(NULL, "info-fails"))
        return order_value("info-fails", 0) | EFI_ERROR_MASK;
    if (order_next(NULL, "info-small")) {
        *size = order_value("info-small", 0);
        return EFI_BUFFER_TOO_SMALL;
    }
    if (order_next(NULL, "info-length")) {
        UINTN room = *size;

        *size = order_value("info-length", 0);
        memset(buffer, 0, room < *size ? room : *size);
        return room < *size ? EFI_BUFFER_TOO_SMALL : EFI_SUCCESS;
    }
    if (self->content) {
        UINTN room = *size;

        *size = sizeof *information + sizeof(CHAR16);
        if (room < *size)
            return EFI_BUFFER_TOO_SMALL;
        memset(information, 0, *size);
        information->Size = *size;
        information->FileSize = order_bytes(self->content, 2, content, sizeof content);
        status = EFI_SUCCESS;
    } else {
        status = self->real->GetInfo(self->real, type, size, buffer);
    }
    if (!EFI_ERROR(status) && (order = order_about("info-size", self->path)))
        information->FileSize = order_number(order, 2);
    if (!EFI_ERROR(status) && order_about("info-directory", self->path))
        information->Attribute |= EFI_FILE_DIRECTORY;
    return status;
}

static EFI_STATUS EFIAPI file_get_position(EFI_FILE *file, UINT64 *position)
{
    struct wrapped *self = (struct wrapped *)file;

    *position = self->position;
    return self->real ? self->real->GetPosition(self->real, position) : EFI_SUCCESS;
}

static EFI_STATUS EFIAPI file_set_position(EFI_FILE *file, UINT64 position)
{
    struct wrapped *self = (struct wrapped *)file;

    self->position = position;
    return self->real ? self->real->SetPosition(self->real, position) : EFI_SUCCESS;
}

static EFI_FILE *wrap(EFI_FILE *real, const char *path, const struct order *order)
{
    for (size_t i = 0; i < sizeof wrapped / sizeof wrapped[0]; i++) {
        struct wrapped *self = &wrapped[i];

        if (self->used)
            continue;
        *self = (struct wrapped){.real = real, .content = order, .used = true};
        string_copy(self->path, path, sizeof self->path);
        self->file.Revision = EFI_FILE_HANDLE_REVISION;
        self->file.Open = file_open;
        self->file.Close = file_close;
        self->file.Read = file_read;
        self->file.GetInfo = file_information;
        self->file.GetPosition = file_get_position;
        self->file.SetPosition = file_set_position;
        returns_wrap(&self->file.Open, 10);
        return &self->file;
    }
    report("too many open files\n");
    return real;
}

static EFI_STATUS EFIAPI open_volume(EFI_FILE_IO_INTERFACE *volume, EFI_FILE **root)
{
    EFI_STATUS status;

    if (order_next(NULL, "volume-fails"))
        return order_value("volume-fails", 0) | EFI_ERROR_MASK;
    if (order_next(NULL, "volume-null")) {
        *root = NULL;
        return EFI_SUCCESS;
    }
    status = real_open_volume(volume, root);
    if (!EFI_ERROR(status))
        *root = wrap(*root, "", NULL);
    return status;
}

void files_install(EFI_HANDLE device)
{
    static EFI_GUID simple_file_system = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_FILE_IO_INTERFACE *volume;

    if (EFI_ERROR(real_boot.HandleProtocol(device, &simple_file_system, (void **)&volume)))
        return;
    real_open_volume = volume->OpenVolume;
    volume->OpenVolume = open_volume;
}
