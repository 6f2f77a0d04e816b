#include "unpack.h"

#include <library/align.h>
#include <library/elf.h>

#include "console.h"
#include "failure.h"
#include "hosted.h"
#include "memory_protection.h"
#include "pages.h"
#include "processor.h"
#include "unpacker/unpacker.h"

/* The unpacker's file, in our own image (unpacker_file.S). */
extern const uint8_t unpacker_file[], unpacker_file_end[];

static struct {
    void *image; /* NULL: not loaded */
    struct elf_kernel elf;
    unpacker_entry enter;
} unpacker;

static struct pieces *output;
static EFI_STATUS output_status;

/* ---- what the unpacker asks for ---- */

/* Memory aligned as malloc(3) promises, behind the address that the firmware gave (UEFI 2.10, 7.2:
 * a multiple of 8). */
static void *UNPACKER_ABI host_allocate(size_t size)
{
    const size_t alignment = 16;
    void *pool = NULL;
    void **memory = NULL;

    hosted_leave();
    if (size <= SIZE_MAX / 2 &&
        !EFI_ERROR(firmware.boot->AllocatePool(EfiLoaderData, size + 2 * alignment, &pool))) {
        memory = (void **)align_up((uintptr_t)pool + sizeof pool, alignment);
        memory[-1] = pool;
    }
    hosted_enter();
    return memory;
}

static void UNPACKER_ABI host_release(void *memory)
{
    hosted_leave();
    firmware.boot->FreePool(((void **)memory)[-1]);
    hosted_enter();
}

static bool UNPACKER_ABI host_write(const void *bytes, size_t size)
{
    hosted_leave();
    output_status = pieces_append(output, bytes, size);
    hosted_enter();
    return !EFI_ERROR(output_status);
}

/* ---- the unpacker ---- */

/* Its code lies in its first segment, which begins at 0. */
static EFI_STATUS unpacker_load(void)
{
    const char *reason = "";
    EFI_STATUS status;

    if (unpacker.image)
        return EFI_SUCCESS;
    if (elf_kernel_parse(unpacker_file, (size_t)(unpacker_file_end - unpacker_file), &unpacker.elf,
                         &reason) != 0)
        return failure(EFI_LOAD_ERROR, "the unpacker: %s", reason);
    status = pages_allocate_code(unpacker.elf.image_size, "the unpacker", &unpacker.image);
    if (EFI_ERROR(status))
        return status;
    if (elf_kernel_load(&unpacker.elf, unpacker_file, unpacker.image, (uintptr_t)unpacker.image,
                        &reason) != 0)
        return failure(EFI_LOAD_ERROR, "the unpacker: %s", reason);
    unpacker.enter = (unpacker_entry)((uintptr_t)unpacker.image + unpacker.elf.entry);
    status = memory_make_code(unpacker.image,
                              align_up(unpacker.elf.segments[0].memory_size, EFI_PAGE_SIZE));
    if (!EFI_ERROR(status) &&
        !memory_is_executable(cr3_read(), five_level_paging() ? 5 : 4, unpacker.image))
        status = failure(EFI_UNSUPPORTED, "this firmware lets no memory be executed: use an initrd "
                                          "that is not compressed");
    return status;
}

void unpack_end(void)
{
    if (!unpacker.image)
        return;
    memory_make_data(unpacker.image, align_up(unpacker.elf.segments[0].memory_size, EFI_PAGE_SIZE));
    pages_free(unpacker.image);
    unpacker.image = NULL;
}

static bool job_run(struct unpacker_job *job)
{
    bool done;

    hosted_enter();
    done = unpacker.enter(job);
    hosted_leave();
    return done;
}

EFI_STATUS unpack(const char *path, enum archive_format format, const uint8_t *bytes, uint64_t size,
                  uint64_t *offset, struct pieces *unpacked)
{
    static const struct unpacker_host host = {
        .allocate = host_allocate,
        .release = host_release,
        .write = host_write,
    };
    struct unpacker_job job = {
        .host = &host,
        .format = format,
        .bytes = bytes + *offset,
        .size = size - *offset,
    };
    const char *name = archive_format_name(format);
    EFI_STATUS status = unpacker_load();

    if (EFI_ERROR(status))
        return status;
    console_print("loader: unpacking %s (%s)\n", path, name);
    output = unpacked;
    output_status = EFI_SUCCESS;
    if (!job_run(&job)) {
        if (EFI_ERROR(output_status))
            return failure(output_status, "%s: cannot be unpacked", path);
        return failure(EFI_LOAD_ERROR, "%s: corrupt %s archive at byte %llu: %s", path, name,
                       (unsigned long long)*offset, job.reason);
    }
    *offset += job.consumed;
    return EFI_SUCCESS;
}
