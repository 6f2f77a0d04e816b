/*
 * FAT volumes in memory, beside a model: random operations, each device write a place to cut, and a
 * walk over what is there that finds more than this library's own reading would.
 */
#include "library/fat/fat.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

/* ---- a device ---- */

static struct {
    uint8_t *bytes;
    size_t size;
    unsigned writes, fail_at; /* from write `fail_at` on nothing is written; 0: all is */
} disk;

static int disk_read(void *context, uint64_t offset, void *bytes, size_t size)
{
    (void)context;
    memcpy(bytes, disk.bytes + offset, size);
    return 0;
}

static int disk_write(void *context, uint64_t offset, const void *bytes, size_t size)
{
    (void)context;
    if (disk.fail_at && ++disk.writes >= disk.fail_at)
        return -EIO;
    memcpy(disk.bytes + offset, bytes, size);
    return 0;
}

/* A fresh volume: as mkfs.vfat makes them. */
static void disk_format(unsigned bits, uint32_t sector, uint32_t sectors_a_cluster,
                        uint32_t clusters)
{
    uint32_t reserved = bits == 32 ? 32 : 1, root_entries = bits == 32 ? 0 : 512;
    uint32_t table = (uint32_t)(((uint64_t)(clusters + 2) * bits / 8 + sector) / sector);
    uint32_t sectors =
        reserved + 2 * table + root_entries * 32 / sector + clusters * sectors_a_cluster;

    free(disk.bytes);
    disk.size = (size_t)sectors * sector;
    disk.bytes = calloc(1, disk.size);
    disk.fail_at = disk.writes = 0;
    uint8_t *boot = disk.bytes;
    boot[0] = 0xeb;
    boot[510] = 0x55;
    boot[511] = 0xaa;
    put16(boot + 11, (uint16_t)sector);
    boot[13] = (uint8_t)sectors_a_cluster;
    put16(boot + 14, (uint16_t)reserved);
    boot[16] = 2;
    put16(boot + 17, (uint16_t)root_entries);
    put32(boot + 32, sectors);
    boot[21] = 0xf8;
    memcpy(boot + (bits == 32 ? 71 : 43), "A LABEL    ", 11);
    if (bits == 32) {
        put32(boot + 36, table);
        put32(boot + 44, 2);
        put16(boot + 48, 1);
        uint8_t *information = disk.bytes + sector;
        put32(information, 0x41615252);
        put32(information + 484, 0x61417272);
        put32(information + 488, clusters - 1);
        put32(information + 492, 3);
        put16(information + 510, 0xaa55);
    } else {
        put16(boot + 22, (uint16_t)table);
    }
    for (int i = 0; i < 2; i++) {
        uint8_t *entries = disk.bytes + (size_t)(reserved + (uint32_t)i * table) * sector;
        if (bits == 32) {
            put32(entries, 0x0ffffff8);
            put32(entries + 4, 0x0fffffff);
            put32(entries + 8, 0x0fffffff);
        } else if (bits == 16) {
            put32(entries, 0xfffffff8);
        } else {
            put32(entries, 0x00fffff8);
        }
    }
}

static const struct fat_time now = {1700000000, 0};

static void volume_open(struct fat_volume *volume)
{
    static uint8_t chunk[FAT_CLUSTER_MAXIMUM];
    const struct fat_device device = {.size = disk.size, .read = disk_read, .write = disk_write};

    expect_equal(fat_open(volume, &device), 0);
    volume->chunk = chunk;
}

/* ---- what must hold ---- */

struct check {
    struct fat_volume *volume;
    uint8_t *owned; /* by cluster: some chain has it */
    unsigned lost, surplus, wrong, names;
};

/* Walks one chain; `size`: bytes that it must hold. */
static void check_chain(struct check *check, uint32_t first, uint64_t size, bool exact)
{
    uint64_t held = 0;
    uint32_t next = first;

    while (next != FAT_END && first) {
        uint32_t cluster = next;
        if (!fat_is_cluster(check->volume, cluster) || check->owned[cluster] ||
            fat_next(check->volume, cluster, &next)) {
            check->wrong++;
            return;
        }
        check->owned[cluster] = 1;
        if (held >= size && exact)
            check->surplus++;
        held += check->volume->cluster_size;
    }
    if (held < size)
        check->wrong++;
}

static void check_directory(struct check *check, const struct fat_node *directory, int depth)
{
    struct fat_name name;
    uint64_t offset = 0;
    int there;

    if (directory->first)
        check_chain(check, directory->first, 0, false);
    while ((there = fat_list(check->volume, directory, &offset, &name)) > 0) {
        struct fat_name same;
        check->names++;
        if (fat_lookup(check->volume, directory, name.name, name.length, &same) ||
            same.first != name.first)
            check->wrong++;
        if (name.node.attributes & FAT_DIRECTORY && depth < 20)
            check_directory(check, &name.node, depth + 1);
        else
            check_chain(check, name.node.first, name.node.size, true);
    }
    check->wrong += there < 0;
}

static void volume_check(struct check *check)
{
    struct fat_volume volume;
    struct fat_node root;
    uint32_t next;

    volume_open(&volume);
    *check = (struct check){.volume = &volume, .owned = calloc(volume.cluster_count + 2, 1)};
    fat_root(&volume, &root);
    check_directory(check, &root, 0);
    for (uint32_t i = 0; i < volume.cluster_count; i++) {
        /* A free cluster is refused: so what is answered for belongs to someone. */
        if (!check->owned[i + 2] && !fat_next(&volume, i + 2, &next))
            check->lost++;
    }
    free(check->owned);
}

/* ---- random operations ---- */

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % limit;
}

#define FILES 24

static const char *const name_forms[] = {
    "file %u.txt",
    "FILE%u",
    "a rather long name that needs several entries %u.document",
    "\xc3\xa9t\xc3\xa9 %u",
    "%u",
    ".hidden%u",
    "x%u.y.z",
    "\xf0\x9f\x90\xa7 %u"};

struct model_file {
    bool there;
    char name[100];
    unsigned directory; /* 0: the root, 1: the directory */
    uint8_t *bytes;
    uint32_t size;
};
static struct model_file model[FILES];

static void model_clear(void)
{
    for (size_t i = 0; i < FILES; i++)
        free(model[i].bytes);
    memset(model, 0, sizeof(model));
}

/* One operation on the volume and the model; false: the device failed. */
static bool operate(struct fat_volume *volume, struct fat_node directories[2])
{
    struct model_file *file = &model[random_below(FILES)];
    struct fat_name name, moved;
    struct fat_node *directory = &directories[file->there ? file->directory : random_below(2)];
    uint8_t bytes[3000];
    int error;

    if (!file->there) {
        snprintf(file->name, sizeof(file->name),
                 name_forms[random_below((uint32_t)array_length(name_forms))],
                 (unsigned)(file - model));
        error =
            fat_create(volume, directory, file->name, strlen(file->name), FAT_ARCHIVE, &now, &name);
        if (error == -EIO)
            return false;
        expect_equal(error, 0);
        file->there = true;
        file->directory = directory == &directories[1];
        return true;
    }
    error = fat_lookup(volume, directory, file->name, strlen(file->name), &name);
    if (error == -EIO)
        return false;
    expect_equal(error, 0);
    expect_equal(name.node.size, file->size);
    uint32_t what = random_below(10);
    if (what < 5) {
        uint32_t offset = random_below(file->size + 2000);
        size_t size = 1 + random_below(sizeof(bytes) - 1);
        memset(bytes, (int)random_below(256), size);
        ssize_t done = fat_write(volume, &name.node, offset, bytes, size, &now);
        if (done == -EIO)
            return false;
        expect_equal(done, (ssize_t)size);
        if (offset + size > file->size) {
            file->bytes = realloc(file->bytes, offset + size);
            if (offset > file->size)
                memset(file->bytes + file->size, 0, offset - file->size);
            file->size = (uint32_t)(offset + size);
        }
        memcpy(file->bytes + offset, bytes, size);
    } else if (what < 7) {
        uint32_t size = random_below(file->size + 3000);
        error = fat_resize(volume, &name.node, size, &now);
        if (error == -EIO)
            return false;
        expect_equal(error, 0);
        file->bytes = realloc(file->bytes, size + 1);
        if (size > file->size)
            memset(file->bytes + file->size, 0, size - file->size);
        file->size = size;
    } else if (what < 8) {
        if (fat_remove(volume, directory, &name) || fat_release(volume, &name.node))
            return false;
        free(file->bytes);
        *file = (struct model_file){0};
    } else {
        unsigned to = random_below(2);
        char text[100];
        snprintf(text, sizeof(text), "moved %u to %u.%u", (unsigned)(file - model), to,
                 random_below(3));
        struct fat_name target;
        error = fat_lookup(volume, &directories[to], text, strlen(text), &target);
        if (!error)
            return true;
        error = fat_rename(volume, directory, &name, &directories[to], text, strlen(text), NULL,
                           &moved);
        if (error == -EIO)
            return false;
        expect_equal(error, 0);
        strcpy(file->name, text);
        file->directory = to;
    }
    return true;
}

static void model_compare(struct fat_volume *volume, struct fat_node directories[2])
{
    static uint8_t bytes[1 << 20];

    for (size_t i = 0; i < FILES; i++) {
        struct model_file *file = &model[i];
        struct fat_name name;
        if (!file->there)
            continue;
        if (!expect_equal(fat_lookup(volume, &directories[file->directory], file->name,
                                     strlen(file->name), &name),
                          0))
            continue;
        expect_equal(name.node.size, file->size);
        expect_equal(fat_read(volume, &name.node, 0, bytes, sizeof(bytes)), file->size);
        expect(!file->size || memcmp(bytes, file->bytes, file->size) == 0);
    }
}

/* The root, and a directory in it. */
static bool directories_begin(struct fat_volume *volume, struct fat_node directories[2])
{
    struct fat_name name;

    fat_root(volume, &directories[0]);
    if (fat_create(volume, &directories[0], "sub directory", 13, FAT_DIRECTORY, &now, &name))
        return false;
    directories[1] = name.node;
    return true;
}

static const struct {
    unsigned bits;
    uint32_t sector, sectors, clusters;
} forms[] = {{12, 512, 2, 900}, {16, 512, 4, 5000}, {32, 512, 2, 66000}, {12, 4096, 1, 300}};

static void test_operations(void)
{
    for (size_t form = 0; form < array_length(forms); form++) {
        struct fat_volume volume;
        struct fat_node directories[2];
        struct check check;
        uint32_t before, after;

        test_case("operations beside a model: FAT%u, sectors of %u", forms[form].bits,
                  forms[form].sector);
        disk_format(forms[form].bits, forms[form].sector, forms[form].sectors,
                    forms[form].clusters);
        volume_open(&volume);
        expect_equal(volume.bits, forms[form].bits);
        expect_string(volume.label, "A LABEL");
        expect(directories_begin(&volume, directories));
        for (int i = 0; i < 1500; i++)
            expect(operate(&volume, directories));
        model_compare(&volume, directories);
        volume_check(&check);
        expect_equal(check.wrong, 0);
        expect_equal(check.lost, 0);
        expect_equal(check.surplus, 0);
        expect_equal(fat_free_count(&volume, &before), 0);
        volume.free_count = UINT32_MAX;
        expect_equal(fat_free_count(&volume, &after), 0);
        expect_equal(before, after);
        expect_equal(fat_synchronise(&volume), 0);
        model_clear();
    }
}

/* The device stops at write N, for each N of 500 operations. */
static void test_cuts(void)
{
    for (size_t form = 0; form < 3; form++) {
        unsigned cuts = 0, wrong = 0, operations = form == 2 ? 60 : 500;
        uint8_t *fresh;
        bool whole = false;

        test_case("a cut at each write: FAT%u", forms[form].bits);
        disk_format(forms[form].bits, forms[form].sector, forms[form].sectors,
                    form == 2   ? 65600
                    : form == 1 ? 4200
                                : 400);
        fresh = malloc(disk.size);
        memcpy(fresh, disk.bytes, disk.size);
        /* Not each write is cut at where that takes too long; each run another part of them. */
        for (unsigned cut = 1; !whole; cut += form == 2 ? 7 : 1 + cut / 200) {
            struct fat_volume volume;
            struct fat_node directories[2];
            struct check check;
            memcpy(disk.bytes, fresh, disk.size);
            random_state = 7;
            disk.writes = 0;
            disk.fail_at = cut;
            volume_open(&volume);
            whole = directories_begin(&volume, directories);
            for (unsigned i = 0; i < operations && whole; i++)
                whole = operate(&volume, directories);
            disk.fail_at = 0;
            volume_check(&check);
            wrong += check.wrong;
            cuts++;
            model_clear();
        }
        expect_equal(wrong, 0);
        expect(cuts >= 50);
        free(fresh);
    }
}

static void test_names(void)
{
    uint16_t units[FAT_NAME_MAXIMUM];
    char text[FAT_NAME_MAXIMUM + 1], long_text[300];
    uint8_t alias[11];

    test_case("names that can be, and cannot");
    static const char *const refused[] = {"",
                                          ".",
                                          "..",
                                          "a/b",
                                          "a:b",
                                          "a*",
                                          "a?",
                                          "a\"",
                                          "a<",
                                          "a>",
                                          "a|",
                                          "a\\b",
                                          "a\x01",
                                          "\xff",
                                          "\xc0\x80",
                                          "\xed\xa0\x80",
                                          "\xf5\x80\x80\x80",
                                          "\xe2\x82"};
    for (size_t i = 0; i < array_length(refused); i++)
        expect(fat_name_to_units(refused[i], strlen(refused[i]), units) < 0);
    static const char *const kept[] = {
        "a", "\xc3\xa9", "\xe2\x82\xac uro", "\xf0\x9f\x90\xa7", " a", "a.b.c", ".a"};
    for (size_t i = 0; i < array_length(kept); i++) {
        int count = fat_name_to_units(kept[i], strlen(kept[i]), units);
        expect(count > 0);
        expect_equal(fat_name_from_units(units, (size_t)count, text), strlen(kept[i]));
        expect_string(text, kept[i]);
    }
    memset(long_text, 'x', sizeof(long_text));
    expect_equal(fat_name_to_units(long_text, 255, units), 255);
    expect_equal(fat_name_to_units(long_text, 256, units), -ENAMETOOLONG);
    expect_equal(fat_name_to_units("a. .", 4, units), 1);

    test_case("units that are no name");
    expect(fat_name_from_units((const uint16_t[]){0xd800}, 1, text) < 0);
    expect(fat_name_from_units((const uint16_t[]){0xdc00, 'a'}, 2, text) < 0);
    expect(fat_name_from_units((const uint16_t[]){'a', '/'}, 2, text) < 0);
    expect(fat_name_from_units((const uint16_t[]){'.'}, 1, text) < 0);
    expect(fat_name_from_units(units, 0, text) < 0);

    test_case("short names");
    expect(fat_alias_exact("README.TXT", 10, alias));
    expect_equal(memcmp(alias, "README  TXT", 11), 0);
    expect(!fat_alias_exact("readme.txt", 10, alias));
    expect(!fat_alias_exact("TOOLONGNAME", 11, alias));
    expect(!fat_alias_exact("A.B.C", 5, alias));
    expect(!fat_alias_exact("A.", 2, alias));
    fat_alias_make("a rather long name.document", 27, 0, alias);
    expect_equal(memcmp(alias, "ARATHE~1DOC", 11), 0);
    fat_alias_make("a rather long name.document", 27, 1, alias);
    expect_equal(memcmp(alias, "ARATHE~2DOC", 11), 0);
    fat_alias_make("\xc3\xa9.\xc3\xa9", 5, 0, alias);
    expect_equal(memcmp(alias, "_~1     _  ", 11), 0);
    fat_alias_make("+", 1, 0, alias);
    expect_equal(memcmp(alias, "_~1        ", 11), 0);
    expect_equal(fat_alias_show((const uint8_t *)"README  TXT", 24, text), 10);
    expect_string(text, "readme.txt");
    expect_equal(fat_alias_show((const uint8_t *)"\x05\x82         ", 0, text), 4);
    expect_string(text, "\xcf\x83\xc3\xa9");
    expect(fat_alias_show((const uint8_t *)"        TXT", 0, text) < 0);
    expect(fat_alias_show((const uint8_t *)"A/B     TXT", 0, text) < 0);
    expect(fat_alias_show((const uint8_t *)".          ", 0, text) < 0);
    expect(fat_alias_show((const uint8_t *)"..         ", 0, text) < 0);

    test_case("case");
    expect(fat_names_equal("ABC", 3, "abc", 3));
    expect(fat_names_equal("\xc3\x89", 2, "\xc3\xa9", 2));
    expect(fat_names_equal("\xd0\x90\xd0\x81", 4, "\xd0\xb0\xd1\x91", 4));
    expect(!fat_names_equal("abc", 3, "ab", 2));
    expect(!fat_names_equal("\xff", 1, "\xff", 1));
}

static void test_times(void)
{
    test_case("times");
    uint16_t date, clock;
    uint8_t fine;
    static const int64_t moments[] = {315532800, 951827696, 1700000001, 4354819199};
    for (size_t i = 0; i < array_length(moments); i++) {
        fat_time_store(&(struct fat_time){moments[i], 120000000}, &date, &clock, &fine);
        struct fat_time back = fat_time_load(date, clock, fine);
        expect_equal(back.seconds, moments[i]);
        expect_equal(back.nanoseconds, 120000000);
    }
    fat_time_store(&(struct fat_time){-5, 0}, &date, &clock, &fine);
    expect_equal(fat_time_load(date, clock, fine).seconds, 315532800);
    fat_time_store(&(struct fat_time){INT64_MAX, 0}, &date, &clock, &fine);
    expect_equal(fat_time_load(date, clock, fine).seconds, 4354819199);
    expect_equal(fat_time_load(0, 0, 0).seconds, 315532800);
}

static void test_many(void)
{
    struct fat_volume volume;
    struct fat_node root;
    struct fat_name name, found;
    char text[64];

    test_case("a directory of many alike");
    disk_format(16, 512, 4, 5000);
    volume_open(&volume);
    fat_root(&volume, &root);
    expect_equal(fat_create(&volume, &root, "many", 4, FAT_DIRECTORY, &now, &name), 0);
    struct fat_node many = name.node;
    for (unsigned i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "similar names, number %u", i);
        expect_equal(fat_create(&volume, &many, text, strlen(text), 0, &now, &found), 0);
    }
    uint64_t offset = 0;
    unsigned count = 0;
    while (fat_list(&volume, &many, &offset, &found) > 0)
        count++;
    expect_equal(count, 300);
    expect_equal(fat_check_empty(&volume, &many), -ENOTEMPTY);

    test_case("a name takes another's place");
    struct fat_name one, two, moved;
    expect_equal(fat_lookup(&volume, &many, "SIMILAR names, number 7", 23, &one), 0);
    expect_equal(fat_lookup(&volume, &many, "similar names, number 9", 23, &two), 0);
    expect_equal(fat_write(&volume, &one.node, 0, "hello", 5, &now), 5);
    expect_equal(fat_rename(&volume, &many, &one, &many, two.name, two.length, &two, &moved), 0);
    expect_equal(fat_release(&volume, &two.node), 0);
    expect_equal(fat_lookup(&volume, &many, "similar names, number 7", 23, &found), -ENOENT);
    expect_equal(fat_lookup(&volume, &many, "similar names, number 9", 23, &found), 0);
    expect_equal(found.node.size, 5);
    /* And in another directory, a directory too. */
    expect_equal(fat_create(&volume, &root, "moves", 5, FAT_DIRECTORY, &now, &one), 0);
    expect_equal(fat_rename(&volume, &root, &one, &many, "moved", 5, NULL, &moved), 0);
    expect_equal(fat_check_empty(&volume, &moved.node), 0);
    /* Its own other case. */
    expect_equal(fat_rename(&volume, &many, &moved, &many, "MOVED", 5, NULL, &one), 0);
    expect_equal(fat_lookup(&volume, &many, "moved", 5, &found), 0);
    expect_string(found.name, "MOVED");
    struct check check;
    volume_check(&check);
    expect_equal(check.wrong, 0);

    test_case("a volume that is full");
    ssize_t done;
    static uint8_t bytes[65536];
    expect_equal(fat_create(&volume, &root, "big", 3, 0, &now, &one), 0);
    while ((done = fat_write(&volume, &one.node, one.node.size, bytes, sizeof(bytes), &now)) > 0)
        ;
    expect_equal(done, -ENOSPC);
    expect_equal(fat_resize(&volume, &one.node, FAT_SIZE_MAXIMUM + 1, &now), -EFBIG);
    expect_equal(fat_mark(&volume, true), 0);
    volume.device.read_only = true;
    expect_equal(fat_write(&volume, &one.node, 0, bytes, 1, &now), -EROFS);
    expect_equal(fat_resize(&volume, &one.node, 0, &now), -EROFS);
    expect_equal(fat_mark(&volume, false), -EROFS);
}

/* No FAT: each field of the boot sector that makes no sense. */
static void test_boot_sectors(void)
{
    static const struct {
        size_t offset;
        uint8_t value;
    } damages[] = {{510, 0}, {0, 0},  {11, 1}, {12, 3}, {12, 0x20}, {13, 0}, {13, 3},
                   {14, 0},  {16, 0}, {16, 9}, {22, 0}, {35, 0xff}, {18, 0}};
    struct fat_volume volume;

    test_case("boot sectors that are none");
    for (size_t i = 0; i < array_length(damages); i++) {
        disk_format(16, 512, 1, 5000);
        disk.bytes[damages[i].offset] = damages[i].value;
        if (damages[i].offset == 18)
            disk.bytes[17] = 0;
        const struct fat_device device = {
            .size = disk.size, .read = disk_read, .write = disk_write};
        if (!expect(fat_open(&volume, &device) == -EINVAL))
            printf("# damage %zu\n", i);
    }
}

int main(void)
{
    test_names();
    test_times();
    test_boot_sectors();
    test_operations();
    test_many();
    test_cuts();
    free(disk.bytes);
    disk.bytes = NULL;
    return test_end();
}
