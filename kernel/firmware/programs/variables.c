#include "firmware/programs/variables.h"

#include <asm/errno.h>

#include "cpu/log.h"
#include "firmware/runtime_calls.h"
#include "library/hash.h"
#include "library/string.h"
#include "memory/heap.h"
#include "thread/mutex.h"
#include "thread/preemption.h"

#define ATTRIBUTES_SIZE 4
/* UEFI 2.10, 8.2: those that are defined, but enhanced authentication. */
#define ATTRIBUTES_KNOWN 0x7fU

/* In the order of their numbers. Large: they lie one by one. */
static struct variable *list[VARIABLES_MAXIMUM]; /* lock */
static size_t count;                             /* lock */
static bool is_listed;                           /* lock: the firmware was asked for all */
static uint64_t last_number;                     /* lock */
static struct mutex lock;

/* What a GUID is in efi.h's words. */
static EFI_GUID *vendor_of(struct efi_variable_name *name)
{
    return (EFI_GUID *)(void *)name->vendor;
}

static CHAR16 *units_of(struct efi_variable_name *name)
{
    return (CHAR16 *)(void *)name->units;
}

/* ---- the list; lock held ---- */

static struct variable *find_name(const struct efi_variable_name *name)
{
    for (size_t i = 0; i < count; i++)
        if (efi_variable_name_equal(&list[i]->name, name))
            return list[i];
    return NULL;
}

static struct variable *find_number(uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (list[i]->number == number)
            return list[i];
    return NULL;
}

static uint64_t hash_of(const char *file_name)
{
    return hash_bytes(file_name, strlen(file_name), 0);
}

static int add(const struct efi_variable_name *name, uint64_t size, bool is_new)
{
    char text[EFI_VARIABLE_FILE_NAME];

    if (count == VARIABLES_MAXIMUM)
        return -ENOSPC;
    struct variable *variable = heap_allocate(sizeof(*variable));
    if (!variable)
        return -ENOMEM;
    *variable = (struct variable){.number = ++last_number,
                                  .name = *name,
                                  .hash = efi_variable_file_name(name, text) ? hash_of(text) : 0,
                                  .size = size,
                                  .immutable = !efi_variable_is_removable(name),
                                  .is_new = is_new};
    list[count++] = variable;
    return 0;
}

static void take_out(struct variable *variable)
{
    size_t i = 0;

    while (list[i] != variable)
        i++;
    memmove(&list[i], &list[i + 1], (--count - i) * sizeof(list[0]));
    heap_free(variable);
}

/* ---- asking the firmware ---- */

static uint64_t size_of(struct efi_variable_name *name)
{
    UINTN size = 0;
    EFI_STATUS status = runtime_get_variable(units_of(name), vendor_of(name), NULL, &size, NULL);

    return status == EFI_BUFFER_TOO_SMALL && size <= VARIABLE_SIZE_MAXIMUM ? size : 0;
}

/* The next one's name. 0; -ENOENT: no more; -EEXIST: it was there before, so the list is a circle.
 */
static int next_name(struct efi_variable_name *name)
{
    UINTN size = sizeof(name->units);
    EFI_STATUS status = runtime_get_next_variable_name(&size, units_of(name), vendor_of(name));

    if (EFI_ERROR(status))
        return status == EFI_NOT_FOUND ? -ENOENT : -EIO;
    name->units[EFI_VARIABLE_NAME_UNITS - 1] = 0;
    return find_name(name) ? -EEXIST : 0;
}

static void say_end(int error)
{
    if (error == -EEXIST)
        log_write(LOG_WARNING,
                  "firmware: its list of variables names one twice, and is left there");
    else if (error == -ENOSPC)
        log_write(LOG_WARNING, "firmware: of its variables those after %u are left out",
                  VARIABLES_MAXIMUM);
    else if (error == -EIO)
        log_write(LOG_WARNING, "firmware: its list of variables ends in an error");
}

/* Lock held; on its first call the firmware's whole list is read. 0 or -ENOMEM. */
static int list_all(void)
{
    if (is_listed)
        return 0;
    struct efi_variable_name *name = heap_allocate_zeroed(sizeof(*name));
    int error = name ? 0 : -ENOMEM;
    while (!error) {
        error = next_name(name);
        if (!error)
            error = add(name, size_of(name), false);
        thread_preemption_point();
    }
    heap_free(name);
    is_listed = error != -ENOMEM;
    say_end(error);
    while (!is_listed && count) /* once more the next time */
        take_out(list[count - 1]);
    return is_listed ? 0 : error;
}

void variables_forget(void)
{
    mutex_acquire(&lock);
    while (count)
        take_out(list[count - 1]);
    is_listed = false;
    mutex_release(&lock);
}

void variables_initialize(void)
{
    mutex_initialize(&lock, MUTEX_VARIABLES);
}

/* ---- what is known ---- */

static int list_lock(void)
{
    mutex_acquire(&lock);
    int error = list_all();
    if (error)
        mutex_release(&lock);
    return error;
}

/* Ends list_lock(): what was found is copied. */
static int give(const struct variable *found, struct variable *variable)
{
    if (found)
        *variable = *found;
    mutex_release(&lock);
    return found ? 0 : -ENOENT;
}

int variable_get(uint64_t number, struct variable *variable)
{
    int error = list_lock();
    return error ? error : give(find_number(number), variable);
}

int variable_before(uint64_t limit, struct variable *variable)
{
    int error = list_lock();
    if (error)
        return error;
    size_t i = count;
    while (i && list[i - 1]->number >= limit)
        i--;
    return give(i ? list[i - 1] : NULL, variable);
}

/* Lock held. As a directory would: by the file's name, which is not always the variable's. */
static struct variable *find_file(const char *file_name)
{
    struct variable *found = NULL;
    char text[EFI_VARIABLE_FILE_NAME];
    uint64_t hash = hash_of(file_name);

    for (size_t i = 0; i < count && !found; i++) {
        /* No text is made of a name that cannot be it: there may be thousands. */
        if (list[i]->hash == hash && efi_variable_file_name(&list[i]->name, text) &&
            strcmp(text, file_name) == 0)
            found = list[i];
        thread_preemption_point();
    }
    return found;
}

int variable_find(const char *file_name, struct variable *variable)
{
    int error = list_lock();
    return error ? error : give(find_file(file_name), variable);
}

int variable_set_immutable(uint64_t number, bool immutable)
{
    mutex_acquire(&lock);
    struct variable *variable = find_number(number);
    if (variable)
        variable->immutable = immutable;
    mutex_release(&lock);
    return variable ? 0 : -ENOENT;
}

int variable_opened(uint64_t number)
{
    mutex_acquire(&lock);
    struct variable *variable = find_number(number);
    if (variable)
        variable->is_new = false;
    mutex_release(&lock);
    return variable ? 0 : -ENOENT;
}

static void set_size(uint64_t number, uint64_t size)
{
    mutex_acquire(&lock);
    struct variable *variable = find_number(number);
    if (variable)
        variable->size = size;
    mutex_release(&lock);
}

/* ---- values ---- */

static ssize_t read_value(struct efi_variable_name *name, uint8_t **bytes)
{
    UINTN size = 0;
    UINT32 attributes = 0;
    EFI_STATUS status = runtime_get_variable(units_of(name), vendor_of(name), NULL, &size, NULL);

    if (status == EFI_NOT_FOUND)
        return 0;
    if (status != EFI_BUFFER_TOO_SMALL)
        return status == EFI_SUCCESS ? -EIO : runtime_status_error(status);
    if (size > VARIABLE_SIZE_MAXIMUM)
        return -EFBIG;
    UINTN room = size;
    *bytes = heap_allocate(ATTRIBUTES_SIZE + room);
    if (!*bytes)
        return -ENOMEM;
    status = runtime_get_variable(units_of(name), vendor_of(name), &attributes, &size,
                                  *bytes + ATTRIBUTES_SIZE);
    if (status == EFI_SUCCESS && size <= room) {
        memcpy(*bytes, &attributes, ATTRIBUTES_SIZE);
        return (ssize_t)(ATTRIBUTES_SIZE + size);
    }
    heap_free(*bytes);
    return status == EFI_NOT_FOUND ? 0
           : status == EFI_SUCCESS ? -EIO
                                   : runtime_status_error(status);
}

ssize_t variable_read(uint64_t number, uint8_t **bytes)
{
    struct variable *variable = heap_allocate(sizeof(*variable));
    if (!variable)
        return -ENOMEM;
    ssize_t result = variable_get(number, variable);
    if (!result)
        result = read_value(&variable->name, bytes);
    else if (result == -ENOENT)
        result = 0;
    heap_free(variable);
    return result;
}

static int write_value(struct variable *variable, const uint8_t *bytes, size_t size)
{
    UINT32 attributes;

    memcpy(&attributes, bytes, ATTRIBUTES_SIZE);
    bytes += ATTRIBUTES_SIZE;
    size -= ATTRIBUTES_SIZE;
    if (attributes & ~ATTRIBUTES_KNOWN || !efi_variable_value_is_sane(&variable->name, bytes, size))
        return -EINVAL;
    EFI_STATUS status = runtime_set_variable(units_of(&variable->name), vendor_of(&variable->name),
                                             attributes, size, (void *)bytes);
    int error = runtime_status_error(status);
    return error == -ENOENT ? -EIO : error; /* as Linux */
}

/* What it is after it was set: another size, or gone. */
static void look_again(struct variable *variable)
{
    UINTN size = 0;
    EFI_STATUS status = runtime_get_variable(units_of(&variable->name), vendor_of(&variable->name),
                                             NULL, &size, NULL);

    if (status == EFI_BUFFER_TOO_SMALL) {
        set_size(variable->number, size);
    } else if (status == EFI_NOT_FOUND) {
        mutex_acquire(&lock);
        struct variable *gone = find_number(variable->number);
        if (gone)
            take_out(gone);
        mutex_release(&lock);
    }
}

int variable_write(uint64_t number, const uint8_t *bytes, size_t size)
{
    if (size < ATTRIBUTES_SIZE)
        return -EINVAL;
    if (size > ATTRIBUTES_SIZE + VARIABLE_SIZE_MAXIMUM)
        return -ENOSPC;
    struct variable *variable = heap_allocate(sizeof(*variable));
    if (!variable)
        return -ENOMEM;
    int error = variable_get(number, variable);
    if (error == -ENOENT)
        error = -EIO; /* removed meanwhile */
    if (!error)
        error = write_value(variable, bytes, size);
    if (!error)
        look_again(variable);
    heap_free(variable);
    return error;
}

/* ---- making and removing ---- */

int variable_create(const char *file_name)
{
    struct efi_variable_name *name = heap_allocate_zeroed(sizeof(*name));
    if (!name)
        return -ENOMEM;
    int error = efi_variable_name_parse(file_name, name) ? 0 : -EINVAL;
    if (!error)
        error = list_lock();
    if (!error) {
        error = find_name(name) ? -EEXIST : add(name, 0, true);
        mutex_release(&lock);
    }
    heap_free(name);
    return error;
}

/* Lock held. One that has no value yet is none of the firmware's. */
static int remove_locked(struct variable *variable)
{
    if (variable->immutable)
        return -EPERM;
    EFI_STATUS status =
        runtime_set_variable(units_of(&variable->name), vendor_of(&variable->name), 0, 0, NULL);
    if (status != EFI_SUCCESS && status != EFI_NOT_FOUND)
        return -EINVAL; /* as Linux */
    take_out(variable);
    return 0;
}

int variable_remove(const char *file_name)
{
    int error = list_lock();
    if (error)
        return error;
    struct variable *variable = find_file(file_name);
    error = variable ? remove_locked(variable) : -ENOENT;
    mutex_release(&lock);
    return error;
}
