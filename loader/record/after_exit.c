/* after_exit.c: P5, as far as the loader sees it first: the system table, and who is still bus
 * master. The rest is the kernel's (kernel/firmware/record/). */
#include "record/after_exit.h"

#include <library/string.h>

#include "record/recording.h"

enum { FUNCTIONS_MAXIMUM = 1024 };

static struct record_pci_command *commands; /* the entry that is being filled; NULL: no room */
static size_t command_count;

void recording_pci_begin(void)
{
    size_t room = record_room(&recording) / sizeof *commands;

    command_count = 0;
    commands =
        record_reserve(&recording, RECORD_PCI_COMMANDS, 0,
                       (room < FUNCTIONS_MAXIMUM ? room : FUNCTIONS_MAXIMUM) * sizeof *commands);
    if (room < FUNCTIONS_MAXIMUM)
        commands = NULL;
}

void recording_pci_command(uint32_t bus, uint32_t device_function, uint16_t command, uint32_t class)
{
    if (commands && command_count < FUNCTIONS_MAXIMUM)
        commands[command_count++] =
            (struct record_pci_command){.bus = (uint8_t)bus,
                                        .device_function = (uint8_t)device_function,
                                        .command = command,
                                        .class_code = (uint16_t) class};
}

void recording_pci_end(void)
{
    if (commands)
        record_shorten(&recording, command_count * sizeof *commands);
}

void recording_system_table_after(void)
{
    const EFI_TABLE_HEADER *table = &firmware.system->Hdr;
    const struct record_bytes head = {.address = (uintptr_t)table, .length = table->HeaderSize};

    recording_append(RECORD_SYSTEM_TABLE_AFTER, &head, sizeof head, table,
                     table->HeaderSize <= EFI_PAGE_SIZE ? table->HeaderSize : 0);
}
