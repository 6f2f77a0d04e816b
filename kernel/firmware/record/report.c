#include "firmware/record/report.h"

#include <asm/errno.h>

#include "cpu/clock.h"
#include "cpu/log.h"
#include "firmware/record/canary.h"
#include "firmware/record/handoff_record.h"
#include "library/error.h"
#include "library/fat/fat.h"
#include "library/format.h"
#include "library/string.h"
#include "memory/heap.h"
#include "storage/block.h"
#include "storage/fat_time.h"

_Static_assert(HANDOFF_PARTITION_MBR == PARTITION_TABLE_MBR &&
                   HANDOFF_PARTITION_GUID == PARTITION_TABLE_GPT,
               "a partition's kind");

enum { NAME_SIZE = 2 * 16 + sizeof(".rec") };

/* ---- the record's bytes ---- */

struct report {
    char name[NAME_SIZE]; /* 0123456789abcdef0123456789abcdef.rec, as the loader calls it */
    char *bytes;
    size_t size;
};

/* A copy: while the disk is waited for, others want to record. 0, -ENODATA or -ENOMEM. */
static int report_take(struct report *report)
{
    handoff_record_canary_look();
    const struct record_header *header = handoff_record_view_locked(&report->size);
    int error = header ? -ENOMEM : -ENODATA;

    report->bytes = header ? heap_allocate(report->size) : NULL;
    if (report->bytes) {
        memcpy(report->bytes, header, report->size);
        for (size_t i = 0; i < sizeof(header->boot); i++)
            format_string(report->name + 2 * i, sizeof(report->name) - 2 * i, "%02x",
                          header->boot[i]);
        memcpy(report->name + 2 * sizeof(header->boot), ".rec", sizeof(".rec"));
        error = 0;
    }
    handoff_record_unlock();
    return error;
}

/* ---- the volume's device ---- */

static bool is_wanted(const struct block_device *device, const struct handoff_partition *partition)
{
    if (device->partition != partition->number || device->table != partition->kind)
        return false;
    if (device->table == PARTITION_TABLE_GPT)
        return memcmp(device->guid, partition->signature, sizeof(device->guid)) == 0;
    return memcmp(&device->owner->signature, partition->signature,
                  sizeof(device->owner->signature)) == 0;
}

/* With a reference. 0, -ENODEV, or -ENOTUNIQ: a copy of the disk is there too, and nobody could say
   which of them it was. */
static int device_find(const struct handoff_partition *partition, struct block_device **found)
{
    struct block_device *device = NULL;

    *found = NULL;
    if (partition->kind == HANDOFF_PARTITION_NONE)
        return -ENODEV;
    while ((device = block_device_next(device))) {
        if (!is_wanted(device, partition))
            continue;
        if (*found) {
            block_device_release(device);
            block_device_release(*found);
            return -ENOTUNIQ;
        }
        *found = device;
        block_device_reference(device);
    }
    return *found ? 0 : -ENODEV;
}

static int volume_read(void *context, uint64_t offset, void *bytes, size_t size)
{
    return block_read(context, offset, bytes, size);
}

static int volume_write(void *context, uint64_t offset, const void *bytes, size_t size)
{
    return block_write(context, offset, bytes, size);
}

/* ---- the file ---- */

/* From a folder to one in it, which is made if it is not there. */
static int folder_enter(struct fat_volume *volume, struct fat_node *folder, const char *name)
{
    struct fat_time now = fat_time_now();
    struct fat_name found;

    int error = fat_lookup(volume, folder, name, strlen(name), &found);
    if (error == -ENOENT)
        error = fat_create(volume, folder, name, strlen(name), FAT_DIRECTORY, &now, &found);
    if (!error && !(found.node.attributes & FAT_DIRECTORY))
        error = -ENOTDIR;
    if (!error)
        *folder = found.node;
    return error;
}

static void file_delete(struct fat_volume *volume, struct fat_node *folder, struct fat_name *file)
{
    if (!fat_remove(volume, folder, file))
        fat_release(volume, &file->node);
}

/* A new file with these bytes; what an earlier boot left under this name goes. */
static int file_make(struct fat_volume *volume, struct fat_node *folder, const char *name,
                     const struct report *report, struct fat_name *file)
{
    struct fat_time now = fat_time_now();

    if (!fat_lookup(volume, folder, name, strlen(name), file))
        file_delete(volume, folder, file);
    int error = fat_create(volume, folder, name, strlen(name), FAT_ARCHIVE, &now, file);
    if (error)
        return error;
    ssize_t done = fat_write(volume, &file->node, 0, report->bytes, report->size, &now);
    if (done == (ssize_t)report->size)
        return 0;
    file_delete(volume, folder, file);
    return done < 0 ? (int)done : -ENOSPC;
}

/* Under another name first: what the loader wrote stays until all of the new one is there. */
static int file_replace(struct fat_volume *volume, struct fat_node *folder,
                        const struct report *report)
{
    struct fat_name made, old, moved;

    int error = file_make(volume, folder, "report.new", report, &made);
    if (error)
        return error;
    error = fat_lookup(volume, folder, report->name, strlen(report->name), &old);
    bool replaces = !error;
    if (!error || error == -ENOENT)
        error = fat_rename(volume, folder, &made, folder, report->name, strlen(report->name),
                           replaces ? &old : NULL, &moved);
    if (error)
        file_delete(volume, folder, &made);
    else if (replaces)
        fat_release(volume, &old.node);
    return error;
}

static int volume_fill(struct fat_volume *volume, const struct report *report)
{
    struct fat_node folder;

    volume->chunk = heap_allocate(volume->cluster_size);
    if (!volume->chunk)
        return -ENOMEM;
    fat_root(volume, &folder);
    int error = folder_enter(volume, &folder, "baton");
    if (!error)
        error = folder_enter(volume, &folder, "report");
    if (!error)
        error = file_replace(volume, &folder, report);
    int synchronised = fat_synchronise(volume);
    heap_free(volume->chunk);
    return error ? error : synchronised;
}

static int device_fill(struct block_device *device, const struct report *report)
{
    const struct fat_device below = {
        .context = device,
        .size = block_device_size(device),
        .read = volume_read,
        .write = volume_write,
    };
    uint64_t errors = __atomic_load_n(&device->errors, __ATOMIC_RELAXED);

    if (device->owner->facts.read_only)
        return -EROFS;
    struct fat_volume *volume = heap_allocate(sizeof(*volume));
    int error = volume ? fat_open(volume, &below) : -ENOMEM;
    if (!error)
        error = volume_fill(volume, report);
    heap_free(volume);
    int flushed = block_flush(device, &errors);
    return error ? error : flushed;
}

static int device_write(const struct handoff_partition *partition, const struct report *report)
{
    struct block_device *device;
    int error = device_find(partition, &device);

    if (error)
        return error;
    error = block_device_open(device, true);
    if (!error) {
        error = device_fill(device, report);
        block_device_close(device, true);
    }
    if (!error)
        log_write(LOG_NOTICE, "handoff: wrote \\baton\\report\\%s on %s", report->name,
                  device->name);
    block_device_release(device);
    return error;
}

void handoff_report_write(const struct handoff_partition *partition)
{
    struct report report;
    int error = report_take(&report);

    if (!error) {
        error = device_write(partition, &report);
        heap_free(report.bytes);
    }
    if (error)
        log_write(LOG_WARNING, "handoff: no report on the volume: %s",
                  error == -ENODEV     ? "there is no driver for it, or it is no partition's"
                  : error == -ENOTUNIQ ? "a copy of it is there too"
                                       : error_text(error));
}
