/*
 * fat_writer IMAGE LOG OPERATIONS SEED: random operations on the FAT volume in IMAGE, which stays
 * as it is; each write that the volume asks for goes into LOG: where (8 bytes), how many (4), and
 * the bytes. fat_cuts.py replays them up to each, and has fsck.vfat look.
 */
#include "library/fat/fat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *image;
static size_t image_size;
static FILE *image_log;

static int image_read(void *context, uint64_t offset, void *bytes, size_t size)
{
    (void)context;
    memcpy(bytes, image + offset, size);
    return 0;
}

static int image_write(void *context, uint64_t offset, const void *bytes, size_t size)
{
    uint32_t count = (uint32_t)size;

    (void)context;
    memcpy(image + offset, bytes, size);
    fwrite(&offset, sizeof(offset), 1, image_log);
    fwrite(&count, sizeof(count), 1, image_log);
    fwrite(bytes, size, 1, image_log);
    return 0;
}

static void image_load(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (!file || fseek(file, 0, SEEK_END))
        abort();
    image_size = (size_t)ftell(file);
    image = malloc(image_size);
    rewind(file);
    if (!image || fread(image, image_size, 1, file) != 1)
        abort();
    fclose(file);
}

/* ---- operations ---- */

#define NAMES 40

static struct fat_volume volume;
static struct fat_node directories[3]; /* the root, one in it, and one in that */
static const struct fat_time now = {1700000000, 0};

static uint32_t below(uint32_t limit)
{
    return (uint32_t)rand() % limit;
}

static void choose_name(char name[64])
{
    static const char *const forms[] = {"SHORT%u.TXT", "a name of several entries %u.text", "%u",
                                        "\xc3\xbc%u"};
    snprintf(name, 64, forms[below(4)], below(NAMES));
}

static void change(struct fat_node *directory, struct fat_name *name)
{
    static uint8_t bytes[9000];
    struct fat_node *other = &directories[below(3)];
    struct fat_name there, moved;
    char to[64];

    switch (below(6)) {
    case 0:
    case 1:
    case 2:
        memset(bytes, (int)below(256), sizeof(bytes));
        fat_write(&volume, &name->node, below(name->node.size + 3000), bytes, 1 + below(8999),
                  &now);
        break;
    case 3:
        fat_resize(&volume, &name->node, below(name->node.size + 5000), &now);
        break;
    case 4:
        if (!fat_remove(&volume, directory, name))
            fat_release(&volume, &name->node);
        break;
    default:
        choose_name(to);
        if (fat_lookup(&volume, other, to, strlen(to), &there) == -ENOENT)
            fat_rename(&volume, directory, name, other, to, strlen(to), NULL, &moved);
    }
}

static void operate(void)
{
    struct fat_node *directory = &directories[below(3)];
    struct fat_name name;
    char text[64];

    choose_name(text);
    int error = fat_lookup(&volume, directory, text, strlen(text), &name);
    if (error == -ENOENT)
        error = fat_create(&volume, directory, text, strlen(text), FAT_ARCHIVE, &now, &name);
    else if (!error && !(name.node.attributes & FAT_DIRECTORY))
        change(directory, &name);
    if (error && error != -ENOSPC)
        abort();
}

static void directories_make(void)
{
    struct fat_name name;

    fat_root(&volume, &directories[0]);
    for (int i = 0; i < 2; i++) {
        if (fat_create(&volume, &directories[i], "directory", 9, FAT_DIRECTORY, &now, &name))
            abort();
        directories[i + 1] = name.node;
    }
}

int main(int count, char **arguments)
{
    static uint8_t chunk[FAT_CLUSTER_MAXIMUM];

    if (count != 5)
        return 2;
    image_load(arguments[1]);
    image_log = fopen(arguments[2], "wb");
    srand((unsigned)atoi(arguments[4]));
    const struct fat_device device = {.size = image_size, .read = image_read, .write = image_write};
    if (!image_log || fat_open(&volume, &device))
        return 1;
    volume.chunk = chunk;
    directories_make();
    for (int i = 0; i < atoi(arguments[3]); i++)
        operate();
    return fat_synchronise(&volume) || fclose(image_log) ? 1 : 0;
}
