/* protection.c: what the memory attribute protocol (UEFI 2.11, 37.7) says of our own image. */
#include <library/bytes.h>
#include <library/string.h>

#include "record/entry_state.h"
#include "record/inventory.h"
#include "record/recording.h"

/* gnu-efi does not name it. */
struct memory_attribute_protocol {
    EFI_STATUS(EFIAPI *get)
    (struct memory_attribute_protocol *self, EFI_PHYSICAL_ADDRESS base, UINT64 length,
     UINT64 *attributes);
    void *set, *clear;
};

void record_protection(void)
{
    enum { PAGES_MAXIMUM = 64 };
    static const EFI_GUID guid = {
        0xf4560cf6, 0x40ec, 0x4b4a, {0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1, 0x89}};
    static struct record_protection_run runs[PAGES_MAXIMUM];
    struct record_protection head = {0};
    struct memory_attribute_protocol *protocol = firmware_locate(&guid, &head.locate_status);
    uint64_t base = (uintptr_t)firmware.loaded_image->ImageBase;
    size_t count = 0;

    for (; recording_can_call(protocol, 1) && count < PAGES_MAXIMUM &&
           count * EFI_PAGE_SIZE < firmware.loaded_image->ImageSize;
         count++) {
        struct record_protection_run *run = &runs[count];

        *run = (struct record_protection_run){.base = base + count * EFI_PAGE_SIZE,
                                              .size = EFI_PAGE_SIZE};
        run->status = protocol->get(protocol, run->base, run->size, &run->attributes);
    }
    recording_append(RECORD_MEMORY_PROTECTION, &head, sizeof head, runs, count * sizeof runs[0]);
}
