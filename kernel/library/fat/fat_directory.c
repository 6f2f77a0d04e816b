/*
 * fat_directory.c: names in directories. A directory is read and written in pieces: a cluster, or,
 * in the root of 12 and 16 bits, as much as a cluster has.
 */
#include <linux/errno.h>

#include "library/bytes.h"
#include "library/fat/fat.h"
#include "library/string.h"

#define ENTRY          32
#define FREE_ENTRY     0xe5 /* first byte: it is free; 0: so are all behind it */
#define LONG_NAME      15   /* attributes of an entry that is a part of a long name */
#define LAST_PART      0x40 /* in its number: the first in the directory, the last of the name */
#define PART_UNITS     13   /* units of UTF-16 in one */
#define PARTS_MAXIMUM  20
#define SIZE_MAXIMUM   (65536U * ENTRY) /* of a directory */
#define ALIAS_ATTEMPTS 2000

static const uint8_t unit_places[PART_UNITS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};

static void put16(uint8_t *bytes, uint16_t value)
{
    __builtin_memcpy(bytes, &value, sizeof(value));
}

static void put32(uint8_t *bytes, uint32_t value)
{
    __builtin_memcpy(bytes, &value, sizeof(value));
}

/* ---- pieces ---- */

/* A piece of a directory, which is in volume->chunk. */
struct piece {
    const struct fat_node *directory;
    uint64_t start;   /* in the directory */
    uint64_t device;  /* where it lies */
    uint32_t size;    /* 0: nothing is loaded */
    uint32_t cluster; /* 0: of the root of 12 and 16 bits */
};

static bool is_fixed_root(const struct fat_volume *volume, const struct fat_node *directory)
{
    return volume->bits != 32 && !directory->first;
}

/* Loads the piece that is there. */
static int piece_load(struct fat_volume *volume, struct piece *piece)
{
    int error = fat_device_read(volume, piece->device, volume->chunk, piece->size);
    if (error)
        piece->size = 0;
    return error;
}

/* Goes to the piece that holds `offset`, at or behind the one that is loaded. 1; 0: the directory
   ends before it; or an error. */
static int piece_find(struct fat_volume *volume, struct piece *piece, uint64_t offset)
{
    uint32_t size = volume->cluster_size;

    if (piece->size && offset - piece->start < piece->size)
        return 1;
    if (offset >= SIZE_MAXIMUM)
        return 0;
    if (is_fixed_root(volume, piece->directory)) {
        if (offset >= volume->root_size)
            return 0;
        piece->start = offset / size * size;
        piece->device = volume->root_start + piece->start;
        piece->size = volume->root_size - piece->start < size
                          ? volume->root_size - (uint32_t)piece->start
                          : size;
    } else {
        if (!piece->size) {
            piece->cluster = piece->directory->first;
            piece->start = 0;
        }
        while (offset - piece->start >= size) {
            uint32_t next;
            int error = fat_next(volume, piece->cluster, &next);
            if (error)
                return error;
            if (next == FAT_END)
                return 0;
            piece->cluster = next;
            piece->start += size;
        }
        if (!fat_is_cluster(volume, piece->cluster))
            return -EIO;
        piece->device = fat_cluster_offset(volume, piece->cluster);
        piece->size = size;
    }
    int error = piece_load(volume, piece);
    return error ? error : 1;
}

/* Writes the sectors of [from, to) of the piece, in one go. */
static int piece_store(struct fat_volume *volume, const struct piece *piece, uint32_t from,
                       uint32_t to)
{
    uint32_t mask = volume->sector_size - 1;

    from &= ~mask;
    to = (to + mask) & ~mask;
    return fat_device_write(volume, piece->device + from, volume->chunk + from, to - from);
}

/* ---- reading ---- */

static void node_load(const struct fat_volume *volume, const uint8_t *entry, uint64_t device,
                      struct fat_node *node)
{
    uint32_t first = load16(entry + 26);

    if (volume->bits == 32)
        first |= (uint32_t)load16(entry + 20) << 16;
    *node = (struct fat_node){
        .first = first,
        .size = entry[11] & FAT_DIRECTORY ? 0 : load32(entry + 28),
        .attributes = entry[11],
        .created = fat_time_load(load16(entry + 16), load16(entry + 14), entry[13]),
        .modified = fat_time_load(load16(entry + 24), load16(entry + 22), 0),
        .accessed = fat_time_load(load16(entry + 18), 0, 0),
        .entry = device,
    };
    /* What makes no sense has no contents. */
    if (!fat_is_cluster(volume, first)) {
        node->first = 0;
        node->size = 0;
    }
}

static void node_store(const struct fat_volume *volume, const struct fat_node *node, uint8_t *entry)
{
    uint16_t date, clock;
    uint8_t fine;

    entry[11] = node->attributes;
    fat_time_store(&node->created, &date, &clock, &fine);
    entry[13] = fine;
    put16(entry + 14, clock);
    put16(entry + 16, date);
    fat_time_store(&node->accessed, &date, &clock, &fine);
    put16(entry + 18, date);
    fat_time_store(&node->modified, &date, &clock, &fine);
    put16(entry + 22, clock);
    put16(entry + 24, date);
    if (volume->bits == 32)
        put16(entry + 20, (uint16_t)(node->first >> 16));
    put16(entry + 26, (uint16_t)node->first);
    put32(entry + 28, node->attributes & FAT_DIRECTORY ? 0 : node->size);
}

/* The long name that is being put together, last part first. */
struct long_name {
    uint16_t units[PARTS_MAXIMUM * PART_UNITS];
    unsigned count;   /* parts in all; 0: there is none */
    unsigned missing; /* parts that are to come */
    uint8_t checksum;
    uint64_t first; /* offset of the first entry */
};

static void part_take(struct long_name *name, const uint8_t *entry, uint64_t offset)
{
    unsigned number = entry[0] & 0x3f;

    if (entry[0] & LAST_PART) {
        name->count = number >= 1 && number <= PARTS_MAXIMUM ? number : 0;
        name->missing = name->count;
        name->checksum = entry[13];
        name->first = offset;
    }
    if (!name->count || number != name->missing || entry[13] != name->checksum) {
        name->count = 0;
        return;
    }
    name->missing--;
    for (unsigned i = 0; i < PART_UNITS; i++)
        name->units[name->missing * PART_UNITS + i] = load16(entry + unit_places[i]);
}

/* Makes of a short entry, and what came before it, a name. False: it is none to be shown. */
static bool name_finish(const struct fat_volume *volume, const struct long_name *parts,
                        const uint8_t *entry, uint64_t offset, uint64_t device,
                        struct fat_name *found)
{
    int length = -EINVAL;

    if (entry[11] & FAT_LABEL)
        return false;
    memcpy(found->alias, entry, sizeof(found->alias));
    found->first = offset;
    found->count = 1;
    if (parts->count && !parts->missing && fat_alias_checksum(entry) == parts->checksum) {
        size_t count = parts->count * PART_UNITS, used = 0;
        while (used < count && parts->units[used])
            used++;
        length = used <= FAT_NAME_MAXIMUM ? fat_name_from_units(parts->units, used, found->name)
                                          : -EINVAL;
        found->first = parts->first;
        found->count = parts->count + 1;
    }
    if (length < 0)
        length = fat_alias_show(entry, entry[12], found->name);
    if (length <= 0)
        return false;
    found->length = (size_t)length;
    node_load(volume, entry, device, &found->node);
    return true;
}

/* The next name at or behind *offset, as fat_list(), with the piece that it ends in. */
static int next_name(struct fat_volume *volume, struct piece *piece, uint64_t *offset,
                     struct fat_name *found)
{
    struct long_name parts = {.count = 0};
    int there;

    for (*offset = (*offset + ENTRY - 1) / ENTRY * ENTRY;
         (there = piece_find(volume, piece, *offset)) > 0;) {
        const uint8_t *entry = volume->chunk + (*offset - piece->start);
        uint64_t device = piece->device + (*offset - piece->start), at = *offset;
        if (entry[0] == 0)
            return 0;
        *offset += ENTRY;
        if (entry[0] == FREE_ENTRY || (entry[0] == '.' && at < 2UL * ENTRY)) {
            parts.count = 0;
        } else if ((entry[11] & 0x3f) == LONG_NAME) {
            part_take(&parts, entry, at);
        } else {
            if (name_finish(volume, &parts, entry, at, device, found))
                return 1;
            parts.count = 0;
        }
    }
    return there;
}

static bool is_directory(const struct fat_volume *volume, const struct fat_node *node)
{
    return node->attributes & FAT_DIRECTORY &&
           (fat_is_cluster(volume, node->first) || (!node->first && !node->entry));
}

int fat_list(struct fat_volume *volume, const struct fat_node *directory, uint64_t *offset,
             struct fat_name *found)
{
    struct piece piece = {.directory = directory};

    return is_directory(volume, directory) ? next_name(volume, &piece, offset, found) : -EIO;
}

int fat_lookup(struct fat_volume *volume, const struct fat_node *directory, const char *name,
               size_t length, struct fat_name *found)
{
    struct piece piece = {.directory = directory};
    char alias[FAT_NAME_MAXIMUM + 1];
    uint64_t offset = 0;
    int there;

    if (!is_directory(volume, directory))
        return -EIO;
    while ((there = next_name(volume, &piece, &offset, found)) > 0) {
        if (fat_names_equal(name, length, found->name, found->length))
            return 0;
        int shown = fat_alias_show(found->alias, 0, alias);
        if (shown > 0 && fat_names_equal(name, length, alias, (size_t)shown))
            return 0;
    }
    return there < 0 ? there : -ENOENT;
}

int fat_check_empty(struct fat_volume *volume, const struct fat_node *directory)
{
    struct fat_name found;
    uint64_t offset = 0;

    int there = fat_list(volume, directory, &offset, &found);
    return there > 0 ? -ENOTEMPTY : there;
}

/* ---- a place for a name ---- */

/* The entries that a name is made of. */
struct entry_set {
    uint8_t bytes[(PARTS_MAXIMUM + 1) * ENTRY];
    unsigned count;
};

static void set_make(const struct fat_volume *volume, const uint16_t *units, size_t unit_count,
                     const uint8_t alias[11], const struct fat_node *node, struct entry_set *set)
{
    unsigned parts = (unsigned)((unit_count + PART_UNITS - 1) / PART_UNITS);
    uint8_t checksum = fat_alias_checksum(alias);

    memset(set->bytes, 0, sizeof(set->bytes));
    for (unsigned part = 0; part < parts; part++) {
        uint8_t *entry = set->bytes + (parts - 1 - part) * ENTRY;
        entry[0] = (uint8_t)((part + 1) | (part + 1 == parts ? LAST_PART : 0));
        entry[11] = LONG_NAME;
        entry[13] = checksum;
        for (unsigned i = 0; i < PART_UNITS; i++) {
            size_t unit = part * PART_UNITS + i;
            put16(entry + unit_places[i], unit < unit_count    ? units[unit]
                                          : unit == unit_count ? 0
                                                               : 0xffff);
        }
    }
    uint8_t *entry = set->bytes + parts * ENTRY;
    memcpy(entry, alias, 11);
    node_store(volume, node, entry);
    set->count = parts + 1;
}

static bool alias_taken(struct fat_volume *volume, const struct fat_node *directory,
                        const uint8_t alias[11], int *error)
{
    struct piece piece = {.directory = directory};
    struct fat_name found;
    uint64_t offset = 0;
    int there;

    while ((there = next_name(volume, &piece, &offset, &found)) > 0)
        if (memcmp(found.alias, alias, sizeof(found.alias)) == 0)
            return true;
    *error = there;
    return false;
}

/* The entries for a new name. */
static int set_for(struct fat_volume *volume, const struct fat_node *directory, const char *name,
                   size_t length, const struct fat_node *node, struct entry_set *set)
{
    uint16_t units[FAT_NAME_MAXIMUM];
    uint8_t alias[11];
    int error = 0;

    int count = fat_name_to_units(name, length, units);
    if (count < 0)
        return count;
    if (fat_alias_exact(name, length, alias)) {
        if (alias_taken(volume, directory, alias, &error))
            return -EEXIST;
        set_make(volume, units, 0, alias, node, set);
        return error;
    }
    for (unsigned attempt = 0; attempt < ALIAS_ATTEMPTS && !error; attempt++) {
        fat_alias_make(name, length, attempt, alias);
        if (!alias_taken(volume, directory, alias, &error) && !error) {
            set_make(volume, units, (size_t)count, alias, node, set);
            return 0;
        }
    }
    return error ? error : -ENOSPC;
}

/* Adds a cluster full of zeros to a directory. */
static int directory_extend(struct fat_volume *volume, struct piece *piece)
{
    uint32_t cluster;

    if (is_fixed_root(volume, piece->directory) ||
        piece->start + 2UL * volume->cluster_size > SIZE_MAXIMUM)
        return -ENOSPC;
    int error = fat_allocate(volume, 1, &cluster);
    if (error)
        return error;
    memset(volume->chunk, 0, volume->cluster_size);
    error = fat_device_write(volume, fat_cluster_offset(volume, cluster), volume->chunk,
                             volume->cluster_size);
    if (!error)
        error = fat_set(volume, piece->cluster, cluster);
    if (error)
        fat_free_chain(volume, cluster);
    piece->size = 0; /* the chunk is another's now */
    return error;
}

/* Where `count` entries fit, side by side in one piece where a piece has so many; with that piece
   loaded. Beyond what was the directory's end, what lies behind them has to be cleared: *ends. */
static int place_find(struct fat_volume *volume, struct piece *piece, unsigned count,
                      uint64_t *place, bool *ends)
{
    uint64_t offset = 0;
    unsigned run = 0;
    int there;

    *ends = false;
    for (;;) {
        uint64_t before = piece->start;
        uint32_t had = piece->size;
        there = piece_find(volume, piece, offset);
        if (there < 0)
            return there;
        if (!there) {
            int error = directory_extend(volume, piece);
            if (error)
                return error;
            *piece = (struct piece){.directory = piece->directory};
            continue; /* the new piece is found from the beginning of the chain */
        }
        if ((!had || piece->start != before) && count * ENTRY <= piece->size)
            run = 0; /* not across pieces */
        uint8_t *entry = volume->chunk + (offset - piece->start);
        if (entry[0] == 0 && !*ends)
            *ends = true;
        bool free = *ends || entry[0] == FREE_ENTRY;
        run = free ? run + 1 : 0;
        if (run == count) {
            *place = offset + ENTRY - (uint64_t)count * ENTRY;
            return 0;
        }
        offset += ENTRY;
        /* What is left of this piece is too small: where the directory ended, it is made free. */
        if (*ends && offset - piece->start == piece->size && count * ENTRY <= piece->size) {
            uint32_t first = piece->size;
            while (first && (volume->chunk[first - ENTRY] == 0))
                first -= ENTRY;
            for (uint32_t at = first; at < piece->size; at += ENTRY)
                volume->chunk[at] = FREE_ENTRY;
            if (first < piece->size) {
                int error = piece_store(volume, piece, first, piece->size);
                if (error)
                    return error;
            }
        }
    }
}

/* Writes the set there, a write for each piece; one, but where clusters are smaller than it. */
static int set_write(struct fat_volume *volume, struct piece *piece, uint64_t place,
                     const struct entry_set *set, bool ends, uint64_t *device)
{
    unsigned done = 0;

    *piece = (struct piece){.directory = piece->directory};
    while (done < set->count) {
        uint64_t offset = place + (uint64_t)done * ENTRY;
        int there = piece_find(volume, piece, offset);
        if (there <= 0)
            return there ? there : -EIO;
        uint32_t from = (uint32_t)(offset - piece->start);
        uint32_t room = (piece->size - from) / ENTRY;
        unsigned now = set->count - done < room ? set->count - done : room;
        memcpy(volume->chunk + from, set->bytes + done * ENTRY, (size_t)now * ENTRY);
        done += now;
        uint32_t to = from + now * ENTRY;
        *device = piece->device + to - ENTRY;
        if (done == set->count && ends && to < piece->size && volume->chunk[to]) {
            volume->chunk[to] = 0;
            to += ENTRY;
        }
        int error = piece_store(volume, piece, from, to);
        if (error)
            return error;
    }
    if (!ends)
        return 0;
    /* Does the directory go on with what lay there before its end? */
    uint64_t behind = place + (uint64_t)set->count * ENTRY;
    if (behind != piece->start + piece->size)
        return 0;
    int there = piece_find(volume, piece, behind);
    if (there <= 0 || !volume->chunk[0])
        return there < 0 ? there : 0;
    volume->chunk[0] = 0;
    return piece_store(volume, piece, 0, ENTRY);
}

/* Enters a name for a node, whose place it sets. */
static int name_enter(struct fat_volume *volume, const struct fat_node *directory, const char *name,
                      size_t length, struct fat_node *node, struct fat_name *entered)
{
    struct piece piece = {.directory = directory};
    struct entry_set set;
    uint64_t place, device;
    bool ends;

    int error = set_for(volume, directory, name, length, node, &set);
    if (!error)
        error = place_find(volume, &piece, set.count, &place, &ends);
    if (!error)
        error = set_write(volume, &piece, place, &set, ends, &device);
    if (error)
        return error;
    node->entry = device;
    entered->first = place;
    entered->count = set.count;
    entered->length = length;
    memcpy(entered->name, name, length);
    entered->name[length] = '\0';
    memcpy(entered->alias, set.bytes + (set.count - 1) * ENTRY, sizeof(entered->alias));
    entered->node = *node;
    return 0;
}

/* ---- making, removing, renaming ---- */

/* A new directory's first cluster: itself and what is above it. */
static int directory_make(struct fat_volume *volume, const struct fat_node *parent,
                          struct fat_node *node)
{
    int error = fat_allocate(volume, 1, &node->first);
    if (error)
        return error;
    struct fat_node above = *node;
    above.first = parent->entry ? parent->first : 0; /* the root has no number there */
    uint8_t *chunk = volume->chunk;
    memset(chunk, 0, volume->cluster_size);
    memset(chunk, ' ', 11);
    memset(chunk + ENTRY, ' ', 11);
    chunk[0] = chunk[ENTRY] = chunk[ENTRY + 1] = '.';
    node_store(volume, node, chunk);
    node_store(volume, &above, chunk + ENTRY);
    error = fat_device_write(volume, fat_cluster_offset(volume, node->first), chunk,
                             volume->cluster_size);
    if (error)
        fat_free_chain(volume, node->first);
    return error;
}

int fat_create(struct fat_volume *volume, struct fat_node *directory, const char *name,
               size_t length, uint8_t attributes, const struct fat_time *now,
               struct fat_name *created)
{
    struct fat_node node = {
        .attributes = attributes, .created = *now, .modified = *now, .accessed = *now};
    uint16_t units[FAT_NAME_MAXIMUM];

    if (!is_directory(volume, directory))
        return -EIO;
    length = length > FAT_NAME_MAXIMUM ? FAT_NAME_MAXIMUM + 1 : length;
    int count = fat_name_to_units(name, length, units);
    if (count < 0)
        return count;
    int error = attributes & FAT_DIRECTORY ? directory_make(volume, directory, &node) : 0;
    if (error)
        return error;
    error = name_enter(volume, directory, name, length, &node, created);
    if (error && node.first)
        fat_free_chain(volume, node.first);
    return error;
}

int fat_remove(struct fat_volume *volume, const struct fat_node *directory,
               const struct fat_name *name)
{
    struct piece piece = {.directory = directory};

    for (uint32_t done = 0; done < name->count;) {
        uint64_t offset = name->first + (uint64_t)done * ENTRY;
        int there = piece_find(volume, &piece, offset);
        if (there <= 0)
            return there ? there : -EIO;
        uint32_t from = (uint32_t)(offset - piece.start), at = from;
        for (; done < name->count && at < piece.size; done++, at += ENTRY)
            volume->chunk[at] = FREE_ENTRY;
        int error = piece_store(volume, &piece, from, at);
        if (error)
            return error;
    }
    return 0;
}

/* Do all entries of both names lie in one piece, which is then loaded? */
static bool in_one_piece(struct fat_volume *volume, struct piece *piece, uint64_t first,
                         uint32_t count, uint64_t other, uint32_t other_count)
{
    uint64_t low = first < other ? first : other;
    uint64_t end = first + (uint64_t)count * ENTRY,
             end_other = other + (uint64_t)other_count * ENTRY;
    uint64_t high = end > end_other ? end : end_other;

    return piece_find(volume, piece, low) > 0 && high - piece->start <= piece->size;
}

/* Both names are in one piece: one write. */
static int rename_within(struct fat_volume *volume, const struct piece *piece,
                         const struct fat_name *from, uint64_t place, const struct entry_set *set,
                         bool ends, uint64_t *device)
{
    uint32_t old = (uint32_t)(from->first - piece->start), new = (uint32_t)(place - piece->start);
    uint32_t old_end = old + from->count * ENTRY, new_end = new + set->count *ENTRY;

    for (uint32_t at = old; at < old_end; at += ENTRY)
        volume->chunk[at] = FREE_ENTRY;
    memcpy(volume->chunk + new, set->bytes, (size_t)set->count * ENTRY);
    *device = piece->device + new_end - ENTRY;
    if (ends && new_end < piece->size && volume->chunk[new_end]) {
        volume->chunk[new_end] = 0;
        new_end += ENTRY;
    }
    return piece_store(volume, piece, old < new ? old : new, old_end > new_end ? old_end : new_end);
}

/* Takes over the place of `target`: its short entry names what `from` named. */
static int rename_over(struct fat_volume *volume, const struct fat_node *from_directory,
                       const struct fat_name *from, const struct fat_node *to_directory,
                       const struct fat_name *target, struct fat_name *moved)
{
    struct piece piece = {.directory = to_directory};
    uint64_t last = target->first + (uint64_t)(target->count - 1) * ENTRY;
    bool same =
        from_directory->first == to_directory->first &&
        in_one_piece(volume, &piece, from->first, from->count, target->first, target->count);

    if (!same) {
        int error = fat_remove(volume, from_directory, from);
        if (error)
            return error;
    }
    piece = (struct piece){.directory = to_directory};
    int there = piece_find(volume, &piece, last);
    if (there <= 0)
        return there ? there : -EIO;
    uint32_t at = (uint32_t)(last - piece.start), first = at, end = at + ENTRY;
    node_store(volume, &from->node, volume->chunk + at);
    if (same) {
        uint32_t old = (uint32_t)(from->first - piece.start), old_end = old + from->count * ENTRY;
        for (uint32_t i = old; i < old_end; i += ENTRY)
            volume->chunk[i] = FREE_ENTRY;
        first = old < first ? old : first;
        end = old_end > end ? old_end : end;
    }
    *moved = *target;
    moved->node = from->node;
    moved->node.entry = piece.device + at;
    return piece_store(volume, &piece, first, end);
}

/* A directory that moved: what is above it is another one. */
static int parent_set(struct fat_volume *volume, const struct fat_node *node,
                      const struct fat_node *parent)
{
    struct piece piece = {.directory = node};
    uint32_t first = parent->entry ? parent->first : 0;

    int there = piece_find(volume, &piece, ENTRY);
    if (there <= 0)
        return there ? there : -EIO;
    uint8_t *entry = volume->chunk + ENTRY;
    if (entry[0] != '.' || entry[1] != '.')
        return -EIO;
    put16(entry + 26, (uint16_t)first);
    put16(entry + 20, volume->bits == 32 ? (uint16_t)(first >> 16) : 0);
    return piece_store(volume, &piece, ENTRY, 2 * ENTRY);
}

int fat_rename(struct fat_volume *volume, const struct fat_node *from_directory,
               const struct fat_name *from, struct fat_node *to_directory, const char *to,
               size_t length, const struct fat_name *target, struct fat_name *moved)
{
    struct fat_node node = from->node;
    struct entry_set set;
    uint64_t place;
    bool ends;
    int error;

    if (!is_directory(volume, to_directory))
        return -EIO;
    if (target) {
        error = rename_over(volume, from_directory, from, to_directory, target, moved);
    } else {
        struct piece piece = {.directory = to_directory};
        error = set_for(volume, to_directory, to, length, &node, &set);
        if (error == -EEXIST || error == -ENOSPC) /* it may be its own alias that is in the way */
            error = from_directory->first == to_directory->first ? 1 : error;
        if (!error)
            error = place_find(volume, &piece, set.count, &place, &ends);
        if (error < 0)
            return error;
        bool same = !error && from_directory->first == to_directory->first;
        piece = (struct piece){.directory = to_directory};
        if (same && in_one_piece(volume, &piece, from->first, from->count, place, set.count)) {
            error = rename_within(volume, &piece, from, place, &set, ends, &node.entry);
            *moved = *from;
            moved->first = place;
            moved->count = set.count;
            memcpy(moved->alias, set.bytes + (set.count - 1) * ENTRY, sizeof(moved->alias));
            moved->node = node;
        } else {
            error = fat_remove(volume, from_directory, from);
            if (!error)
                error = name_enter(volume, to_directory, to, length, &node, moved);
        }
        moved->length = length;
        memcpy(moved->name, to, length);
        moved->name[length] = '\0';
    }
    if (!error && node.attributes & FAT_DIRECTORY && from_directory->first != to_directory->first)
        error = parent_set(volume, &moved->node, to_directory);
    return error;
}

int fat_update(struct fat_volume *volume, const struct fat_node *node)
{
    uint64_t mask = volume->sector_size - 1;

    if (!node->entry)
        return 0;
    int error = fat_device_read(volume, node->entry & ~mask, volume->sector, volume->sector_size);
    if (error)
        return error;
    node_store(volume, node, volume->sector + (node->entry & mask));
    return fat_device_write(volume, node->entry & ~mask, volume->sector, volume->sector_size);
}
