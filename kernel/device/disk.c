#include "device/disk.h"

#include "device/hooks.h"

int disk_add(struct disk *disk)
{
    return device_hooks.disk_add(disk);
}

void disk_remove(struct disk *disk)
{
    device_hooks.disk_remove(disk);
}

void disk_text(char *result, size_t room, const uint8_t *text, size_t size)
{
    size_t length = 0;

    while (size > 0 && *text == ' ') {
        text++;
        size--;
    }
    for (; length < size && length < room - 1 && text[length]; length++)
        result[length] = text[length] >= ' ' && text[length] <= '~' ? (char)text[length] : '.';
    while (length > 0 && result[length - 1] == ' ')
        length--;
    result[length] = '\0';
}
