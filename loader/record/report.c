/* report.c: the record so far as a file on the volume, for who cannot get it out of the machine in
 * another way. A volume that is full or read-only is a line on the console, and no more. */
#include "record/report.h"

#include <library/audit/audit.h>
#include <library/format.h>
#include <library/string.h>

#include "console.h"
#include "failure.h"
#include "pages.h"
#include "record/recording.h"
#include "text.h"

enum { PATH_MAXIMUM = 64 };

static const char folder[] = "\\baton\\report";

/* \baton\report\0123456789abcdef0123456789abcdef.rec */
static void report_path(const uint8_t boot[16], char path[PATH_MAXIMUM])
{
    size_t length = strlen(folder);

    memcpy(path, folder, length);
    path[length++] = '\\';
    for (size_t i = 0; i < 16; i++, length += 2)
        format_string(path + length, PATH_MAXIMUM - length, "%02x", boot[i]);
    memcpy(path + length, ".rec", sizeof ".rec");
}

static EFI_STATUS open(EFI_FILE_HANDLE root, const char *path, UINT64 mode, UINT64 attributes,
                       EFI_FILE_HANDLE *file)
{
    CHAR16 wide[PATH_MAXIMUM];

    if (!text_widen(path, wide, PATH_MAXIMUM))
        return EFI_INVALID_PARAMETER;
    return root->Open(root, file, wide, mode, attributes);
}

static EFI_STATUS create(EFI_FILE_HANDLE root, const char *path, UINT64 attributes,
                         EFI_FILE_HANDLE *file)
{
    return open(root, path, EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE,
                attributes, file);
}

static EFI_STATUS write_all(EFI_FILE_HANDLE file, struct record_writer *record)
{
    uint64_t size = record_size(record);
    UINTN written = size;
    EFI_STATUS status;

    record_seal(record);
    status = file->Write(file, &written, record->bytes);
    return EFI_ERROR(status) || written == size ? status : EFI_VOLUME_FULL;
}

/* What could not be written whole is no record: it goes again. */
static EFI_STATUS write_report(EFI_FILE_HANDLE root, const char *path)
{
    EFI_FILE_HANDLE file;
    EFI_STATUS status = create(root, folder, EFI_FILE_DIRECTORY, &file);

    if (EFI_ERROR(status))
        return status;
    file->Close(file);
    status = create(root, path, 0, &file);
    if (EFI_ERROR(status))
        return status;
    status = write_all(file, &recording);
    if (EFI_ERROR(status)) {
        file->Delete(file);
        return status;
    }
    return file->Close(file);
}

/* ---- what came later at an earlier boot, and was left in a variable ---- */

/* The file's bytes, up to its end; false: it cannot be read. */
static bool read_all(EFI_FILE_HANDLE file, uint8_t *memory)
{
    UINTN piece = 1;

    for (size_t at = 0; piece && at < RECORD_BUFFER_SIZE; at += piece) {
        piece = RECORD_BUFFER_SIZE - at;
        if (EFI_ERROR(file->Read(file, &piece, memory + at)) || piece > RECORD_BUFFER_SIZE - at)
            return false;
    }
    return true;
}

static EFI_STATUS add_to(EFI_FILE_HANDLE file, const struct record *later)
{
    struct record_writer report;
    const char *reason;
    uint8_t *memory;
    EFI_STATUS status = pages_allocate(RECORD_BUFFER_SIZE + RECORD_VARIABLE_SIZE,
                                       "an earlier report", (void **)&memory);

    if (EFI_ERROR(status))
        return status;
    if (!read_all(file, memory) ||
        record_continue(&report, memory, RECORD_BUFFER_SIZE + RECORD_VARIABLE_SIZE, &reason) != 0)
        status = EFI_VOLUME_CORRUPTED;
    if (!EFI_ERROR(status)) {
        record_append_from(&report, later, 0);
        status = file->SetPosition(file, 0);
    }
    if (!EFI_ERROR(status))
        status = write_all(file, &report);
    pages_free(memory);
    return status;
}

/* Where that boot's report is not on this volume, it waits. */
static void take_from_variable(EFI_FILE_HANDLE root)
{
    static uint64_t bytes[RECORD_VARIABLE_SIZE / sizeof(uint64_t)];
    EFI_GUID vendor = RECORD_VARIABLE_GUID;
    UINTN size = sizeof bytes;
    char path[PATH_MAXIMUM];
    struct record later;
    EFI_FILE_HANDLE file;
    const char *reason;
    EFI_STATUS status =
        firmware.runtime->GetVariable((CHAR16 *)RECORD_VARIABLE_NAME, &vendor, NULL, &size, bytes);

    if (EFI_ERROR(status) || size > sizeof bytes || record_open(&later, bytes, size, &reason) != 0)
        return;
    report_path(later.header.boot, path);
    if (EFI_ERROR(open(root, path, EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE, 0, &file)))
        return;
    status = add_to(file, &later);
    file->Close(file);
    if (!EFI_ERROR(status))
        firmware.runtime->SetVariable((CHAR16 *)RECORD_VARIABLE_NAME, &vendor, 0, 0, NULL);
    console_print("loader: %s what came later to %s\n",
                  EFI_ERROR(status) ? "could not add" : "added", path);
}

/* ---- the report ---- */

void recording_report(struct volume *volume)
{
    char path[PATH_MAXIMUM];
    EFI_STATUS status;

    if (volume->root)
        take_from_variable(volume->root);
    report_path(((const struct record_header *)recording.bytes)->boot, path);
    status = volume->root ? write_report(volume->root, path) : EFI_WRITE_PROTECTED;
    if (EFI_ERROR(status))
        console_print("loader: no report on the volume: %s (EFI status 0x%llx)\n",
                      failure_name(status), (unsigned long long)status);
    else
        console_print("loader: wrote %s\n", path);
}

/* ---- the audit, which so far knows P0 to P3 ---- */

void recording_findings(void)
{
    struct audit_finding *findings;
    char text[AUDIT_CODE_SIZE];
    struct record record;
    const char *reason;

    if (record_open(&record, recording.bytes, recording.capacity, &reason) != 0 ||
        EFI_ERROR(pages_allocate(AUDIT_CHECKS * sizeof *findings, "the audit", (void **)&findings)))
        return;
    audit_run(&record, NULL, AUDIT_UEFI, findings);
    audit_code_text(findings, record.header.boot, text);
    console_print("loader: before the exit: %s\n", text);
    pages_free(findings);
}
