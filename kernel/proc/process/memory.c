/* memory.c: of what a process has in memory: sizes, arguments, environment. Its regions: maps.c. */
#include "library/string.h"
#include "memory/address_space.h"
#include "proc/process/files.h"
#include "proc/process/target.h"

void pid_memory_gather(struct pid_memory *facts, struct address_space *space)
{
    struct region *region;

    memset(facts, 0, sizeof(*facts));
    address_space_lock(space);
    facts->total = space->pages_total;
    facts->resident = space->pages_mapped;
    facts->most_resident = address_space_most_resident(space);
    facts->most_total =
        space->pages_total > space->pages_total_most ? space->pages_total : space->pages_total_most;
    facts->data = space->pages_data;
    facts->text = (space->code_end - space->code_start + PAGE_SIZE - 1) >> PAGE_SHIFT;
    facts->page_tables = space->page_tables;
    for (region = space->first; region; region = region->next) {
        uint64_t pages = (region->end - region->start) >> PAGE_SHIFT;
        if (region->flags & REGION_STACK)
            facts->stack += pages;
        if (region->flags & REGION_LOCKED)
            facts->locked += pages;
        if (region->object && (region->flags & REGION_EXECUTE))
            facts->library += pages;
    }
    address_space_unlock(space);
    facts->library -= facts->library < facts->text ? facts->library : facts->text;
}

/* A piece of the process's memory, as text; what is gone is left out, and what lies with a server,
   which might never answer: that must not keep those who list processes. */
static int show_bytes(struct address_space *space, struct text *text, vaddr_t from, vaddr_t end)
{
    char piece[512];

    while (from < end) {
        size_t size = end - from < sizeof(piece) ? end - from : sizeof(piece);
        if (address_space_glance(space, piece, from, size))
            break;
        text_append(text, piece, size);
        from += size;
    }
    return 0;
}

static int show_arguments(struct address_space *space, struct text *text)
{
    address_space_lock(space);
    vaddr_t from = space->argument_start, end = space->argument_end;
    address_space_unlock(space);
    return show_bytes(space, text, from, end);
}

static int show_environment(struct address_space *space, struct text *text)
{
    address_space_lock(space);
    vaddr_t from = space->environment_start, end = space->environment_end;
    address_space_unlock(space);
    return show_bytes(space, text, from, end);
}

static int show_auxiliary_vector(struct address_space *space, struct text *text)
{
    size_t count = 0;

    while (count + 2 < array_length(space->auxiliary_vector) && space->auxiliary_vector[count])
        count += 2;
    text_append(text, space->auxiliary_vector, (count + 2) * sizeof(uint64_t));
    return 0;
}

int pid_command_line_show(const struct pseudo_key *key, struct text *text)
{
    return pid_memory_show(key, text, show_arguments);
}

int pid_environment_show(const struct pseudo_key *key, struct text *text)
{
    return pid_memory_show(key, text, show_environment);
}

int pid_auxiliary_show(const struct pseudo_key *key, struct text *text)
{
    return pid_memory_show(key, text, show_auxiliary_vector);
}

int pid_statm_show(const struct pseudo_key *key, struct text *text)
{
    struct address_space *space = pid_observe_memory(key);
    struct pid_memory memory = {0};

    if (space) {
        pid_memory_gather(&memory, space);
        address_space_unobserve(space);
    }
    text_print(text, "%lu %lu %lu %lu 0 %lu 0\n", memory.total, memory.resident, memory.shared,
               memory.text, memory.data + memory.stack);
    return 0;
}
