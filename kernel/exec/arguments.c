#include "exec/arguments.h"

#include <asm/errno.h>

#include "library/align.h"
#include "library/string.h"
#include "memory/address_space.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/user_account.h"
#include "thread/preemption.h"
#include "thread/thread.h"

#define SLOTS_IN_PAGE    (PAGE_SIZE / sizeof(vaddr_t))
#define POINTERS_MAXIMUM 0x7fffffff /* Linux's MAX_ARG_STRINGS */

static const char platform[] = "x86_64"; /* AT_PLATFORM */

/* ---- the block ---- */

static bool grow_frame_list(struct exec_arguments *arguments)
{
    size_t old_size = arguments->frame_capacity * sizeof(*arguments->frames);
    bool few = arguments->frames == arguments->few_frames;
    paddr_t *frames = heap_grow(few ? NULL : arguments->frames, few ? 0 : old_size, 4 * old_size);
    if (!frames)
        return false;
    if (few) {
        memcpy(frames, arguments->few_frames, old_size);
        arguments->account = user_account_get_current();
    }
    quota_take(&arguments->account->pages,
               4 * arguments->frame_capacity - (few ? 0 : arguments->frame_capacity));
    arguments->frames = frames;
    arguments->frame_capacity *= 4;
    return true;
}

/* Makes sure that the block's first `size` bytes are there. 0 or -ENOMEM. */
static int add_frames(struct exec_arguments *arguments, size_t size)
{
    while (arguments->frame_count * PAGE_SIZE < size) {
        if (arguments->frame_count == arguments->frame_capacity && !grow_frame_list(arguments))
            return -ENOMEM;
        paddr_t frame = frame_allocate(FRAME_ANONYMOUS, FRAME_ZEROED);
        if (!frame)
            return -ENOMEM;
        arguments->frames[arguments->frame_count++] = frame;
    }
    return 0;
}

/* Almost always one frame is there and holds all. */
static inline int reserve(struct exec_arguments *arguments, size_t size)
{
    return size <= arguments->frame_count * PAGE_SIZE ? 0 : add_frames(arguments, size);
}

/* The byte at `offset`, for access up to the end of its page. */
static void *at(const struct exec_arguments *arguments, size_t offset)
{
    return (char *)frame_pointer(arguments->frames[offset / PAGE_SIZE]) + offset % PAGE_SIZE;
}

static size_t left_in_page(size_t offset)
{
    return PAGE_SIZE - offset % PAGE_SIZE;
}

/* Slots are aligned to their size: one never crosses a page. */
static void put_slot(struct exec_arguments *arguments, size_t offset, uint64_t value)
{
    *(uint64_t *)at(arguments, offset) = value;
}

static uint64_t get_slot(const struct exec_arguments *arguments, size_t offset)
{
    return *(const uint64_t *)at(arguments, offset);
}

static void put_bytes(struct exec_arguments *arguments, size_t offset, const void *bytes,
                      size_t size)
{
    while (size) {
        size_t part = size < left_in_page(offset) ? size : left_in_page(offset);
        memcpy(at(arguments, offset), bytes, part);
        bytes = (const char *)bytes + part;
        offset += part;
        size -= part;
    }
}

/* Divides the block up; the strings' place is still empty. 0, -E2BIG, -ENOMEM. */
static int begin(struct exec_arguments *arguments, vaddr_t base, size_t start, size_t limit,
                 size_t argument_count, size_t environment_count)
{
    size_t pointers = (argument_count + environment_count) * sizeof(vaddr_t);
    if (limit <= pointers)
        return -E2BIG;

    arguments->base = base;
    arguments->frames = arguments->few_frames;
    arguments->frame_count = 0;
    arguments->frame_capacity = array_length(arguments->few_frames);
    arguments->argument_count = argument_count;
    arguments->environment_count = environment_count;
    arguments->start = start;
    arguments->slot = start + sizeof(uint64_t); /* behind argc */
    arguments->auxiliary_vector = arguments->slot + pointers + 2 * sizeof(vaddr_t);
    arguments->random =
        align_up(arguments->auxiliary_vector + EXEC_AUXILIARY_PAIRS * 2 * sizeof(uint64_t), 16);
    arguments->strings = arguments->random + 16 + sizeof(platform);
    arguments->end = arguments->strings;
    arguments->second_string = 0;
    arguments->limit = arguments->strings + limit - pointers;

    int error = reserve(arguments, arguments->strings);
    if (error) {
        exec_arguments_discard(arguments);
        return error;
    }
    put_slot(arguments, start, argument_count);
    put_bytes(arguments, arguments->random + 16, platform, sizeof(platform));
    return 0;
}

void exec_arguments_discard(struct exec_arguments *arguments)
{
    for (size_t i = 0; i < arguments->frame_count; i++)
        frame_release(arguments->frames[i]);
    arguments->frame_count = 0;
    if (arguments->account) { /* there were more than a few */
        quota_give(&arguments->account->pages, arguments->frame_capacity);
        user_account_release(arguments->account);
        arguments->account = NULL;
        heap_free(arguments->frames);
    }
    arguments->frames = arguments->few_frames;
}

/* ---- strings ---- */

static vaddr_t address_of(const struct exec_arguments *arguments, size_t offset)
{
    return arguments->base + offset;
}

/* Appends a string of the kernel, with its NUL. 0, -E2BIG, -ENOMEM. */
static int append(struct exec_arguments *arguments, const char *string)
{
    size_t size = strlen(string) + 1;

    if (size > EXEC_STRING_MAXIMUM || arguments->end + size > arguments->limit)
        return -E2BIG;
    int error = reserve(arguments, arguments->end + size);
    if (error)
        return error;
    put_bytes(arguments, arguments->end, string, size);
    arguments->end += size;
    return 0;
}

/*
 * Appends a string of the program, page by page, reading each byte once: what
 * another thread does to it meanwhile changes what is copied and nothing else.
 */
static int append_user(struct exec_arguments *arguments, vaddr_t string)
{
    size_t left = EXEC_STRING_MAXIMUM;

    for (;;) {
        size_t part = left_in_page(arguments->end);
        if (part > left)
            part = left;
        if (part > arguments->limit - arguments->end)
            part = arguments->limit - arguments->end;
        if (!part)
            return -E2BIG;
        int error = reserve(arguments, arguments->end + part);
        if (error)
            return error;
        ssize_t length = user_string_in(at(arguments, arguments->end), string, part);
        if (length >= 0) {
            arguments->end += length + 1;
            return 0;
        }
        if (length != -ENAMETOOLONG)
            return length;
        arguments->end += part;
        string += part;
        left -= part;
    }
}

/* ---- collecting ---- */

static int count_user(vaddr_t array, size_t *count)
{
    for (*count = 0; array; (*count)++) {
        vaddr_t pointer;
        if (user_get(&pointer, array + *count * sizeof(pointer)))
            return -EFAULT;
        if (!pointer)
            return 0;
        if (*count % SLOTS_IN_PAGE == SLOTS_IN_PAGE - 1) {
            thread_preemption_point();
            if (thread_interrupted(THREAD_KILLABLE))
                return -EINTR;
            if (*count >= POINTERS_MAXIMUM)
                return -E2BIG;
        }
    }
    return 0;
}

static size_t count_kernel(const char *const *array)
{
    size_t count = 0;
    while (array && array[count])
        count++;
    return count;
}

static void point_to_next_string(struct exec_arguments *arguments)
{
    put_slot(arguments, arguments->slot, address_of(arguments, arguments->end));
    arguments->slot += sizeof(vaddr_t);
}

static int append_list(struct exec_arguments *arguments, const struct exec_source *source,
                       vaddr_t array, const char *const *kernel_array, size_t count)
{
    int error = 0;

    for (size_t i = 0; i < count && !error; i++) {
        point_to_next_string(arguments);
        if (source->kernel) {
            error = append(arguments, kernel_array[i]);
        } else {
            vaddr_t string;
            if (user_get(&string, array + i * sizeof(string)))
                return -EFAULT;
            error = append_user(arguments, string);
        }
        if (!arguments->second_string)
            arguments->second_string = arguments->end;
        thread_preemption_point();
    }
    arguments->slot += sizeof(vaddr_t); /* the NULL */
    return error;
}

/* Like append_list(), but from the last string to the first, and without their pointers. */
static int append_backwards(struct exec_arguments *arguments, vaddr_t array, size_t count)
{
    int error = 0;

    while (count-- && !error) {
        vaddr_t string;
        if (user_get(&string, array + count * sizeof(string)))
            return -EFAULT;
        error = append_user(arguments, string);
        thread_preemption_point();
    }
    return error;
}

/*
 * The strings cannot be collected, -EFAULT or -E2BIG. Where several are wrong, Linux gives the
 * error of the one that it comes to first: it copies the path, then the variables, then the
 * arguments, each list from its end. What was collected so far is lost.
 */
static int first_error(struct exec_arguments *arguments, const struct exec_source *source,
                       const char *path, size_t argument_count, size_t environment_count, int error)
{
    int first;

    arguments->end = arguments->strings;
    first = append(arguments, path);
    if (!first)
        first = append_backwards(arguments, source->environment, environment_count);
    if (!first)
        first = append_backwards(arguments, source->arguments, argument_count);
    return first ? first : error; /* another thread may have mended it meanwhile */
}

int exec_arguments_collect(struct exec_arguments *arguments, const struct exec_source *source,
                           const char *path, vaddr_t base, size_t start, size_t limit)
{
    /* Linux since 5.18 (CVE-2021-4034): a program always has an argv[0]. */
    static const char *const one_empty[] = {"", NULL};
    const struct exec_source empty = {.kernel = true, .kernel_arguments = one_empty};
    const struct exec_source *first = source;
    size_t argument_count, environment_count;
    int error = 0;

    if (source->kernel) {
        argument_count = count_kernel(source->kernel_arguments);
        environment_count = count_kernel(source->kernel_environment);
    } else {
        error = count_user(source->arguments, &argument_count);
        if (!error)
            error = count_user(source->environment, &environment_count);
        if (error)
            return error;
    }
    if (!argument_count) {
        first = &empty;
        argument_count = 1;
    }

    error = begin(arguments, base, start, limit, argument_count, environment_count);
    if (error)
        return error;
    error =
        append_list(arguments, first, first->arguments, first->kernel_arguments, argument_count);
    arguments->environment = arguments->end;
    if (!error)
        error = append_list(arguments, source, source->environment, source->kernel_environment,
                            environment_count);
    arguments->path = arguments->end;
    if (!error)
        error = append(arguments, path);
    if ((error == -EFAULT || error == -E2BIG) && !source->kernel)
        error = first_error(arguments, source, path, first == source ? argument_count : 0,
                            environment_count, error);
    if (error)
        exec_arguments_discard(arguments);
    return error;
}

/* ---- scripts ---- */

/* Copies the strings [from, old->end) of another block to the end. 0, -E2BIG, -ENOMEM. */
static int append_rest(struct exec_arguments *arguments, const struct exec_arguments *old,
                       size_t from)
{
    if (arguments->end + (old->end - from) > arguments->limit)
        return -E2BIG;
    int error = reserve(arguments, arguments->end + (old->end - from));
    if (error)
        return error;
    while (from < old->end) {
        size_t part = left_in_page(from);
        if (part > old->end - from)
            part = old->end - from;
        put_bytes(arguments, arguments->end, at(old, from), part);
        arguments->end += part;
        from += part;
        thread_preemption_point();
    }
    return 0;
}

int exec_arguments_replace_first(struct exec_arguments *arguments, const char *const *strings,
                                 size_t count)
{
    struct exec_arguments old = *arguments, new = {0};
    size_t old_pointers = (old.argument_count + old.environment_count) * sizeof(vaddr_t);

    if (old.frames == arguments->few_frames)
        old.frames = old.few_frames;
    int error = begin(&new, old.base, old.start, old.limit - old.strings + old_pointers,
                      old.argument_count - 1 + count, old.environment_count);
    if (error)
        return error;
    for (size_t i = 0; i < count && !error; i++) {
        point_to_next_string(&new);
        error = append(&new, strings[i]);
        if (!new.second_string)
            new.second_string = new.end;
    }
    size_t rest = new.end;
    if (!error)
        error = append_rest(&new, &old, old.second_string);
    if (error) {
        exec_arguments_discard(&new);
        return error;
    }

    /* The other strings' pointers: all moved by the same distance; NULLs stay. */
    size_t distance = rest - old.second_string;
    size_t first = old.start + 2 * sizeof(vaddr_t);
    for (size_t slot = first; slot < old.auxiliary_vector; slot += sizeof(vaddr_t)) {
        vaddr_t pointer = get_slot(&old, slot);
        put_slot(&new, new.slot, pointer ? pointer + distance : 0);
        new.slot += sizeof(vaddr_t);
        if (slot % PAGE_SIZE == 0)
            thread_preemption_point();
    }
    new.environment = old.environment + distance;
    new.path = old.path + distance;

    exec_arguments_discard(arguments);
    *arguments = new;
    if (new.frames == new.few_frames)
        arguments->frames = arguments->few_frames;
    return 0;
}

/* ---- finishing ---- */

void exec_arguments_rebase(struct exec_arguments *arguments, vaddr_t base)
{
    size_t first = arguments->start + sizeof(uint64_t);

    for (size_t slot = first; slot < arguments->auxiliary_vector; slot += sizeof(vaddr_t)) {
        vaddr_t pointer = get_slot(arguments, slot);
        put_slot(arguments, slot, pointer ? pointer - arguments->base + base : 0);
        if (slot % PAGE_SIZE == 0)
            thread_preemption_point();
    }
    arguments->base = base;
}

void exec_arguments_finish(struct exec_arguments *arguments, const uint64_t *vector, size_t count,
                           const uint8_t random[16])
{
    put_bytes(arguments, arguments->auxiliary_vector, vector, count * 2 * sizeof(*vector));
    put_bytes(arguments, arguments->random, random, 16);
}

vaddr_t exec_arguments_random(const struct exec_arguments *arguments)
{
    return address_of(arguments, arguments->random);
}

vaddr_t exec_arguments_platform(const struct exec_arguments *arguments)
{
    return address_of(arguments, arguments->random + 16);
}

vaddr_t exec_arguments_path(const struct exec_arguments *arguments)
{
    return address_of(arguments, arguments->path);
}

vaddr_t exec_arguments_top(const struct exec_arguments *arguments)
{
    return arguments->base + arguments->frame_count * PAGE_SIZE;
}

int exec_arguments_move(struct exec_arguments *arguments, struct address_space *space)
{
    space->stack_start = address_of(arguments, arguments->start);
    space->argument_start = address_of(arguments, arguments->strings);
    space->argument_end = space->environment_start = address_of(arguments, arguments->environment);
    space->environment_end = address_of(arguments, arguments->path);

    /* From the top down, so that those left over are still the first ones of the list. */
    while (arguments->frame_count) {
        size_t last = arguments->frame_count - 1;
        int error =
            address_space_adopt(space, arguments->base + last * PAGE_SIZE, arguments->frames[last]);
        if (error)
            return error;
        arguments->frame_count--;
    }
    exec_arguments_discard(arguments); /* the list */
    return 0;
}
