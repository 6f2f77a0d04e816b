#include "memory_protection.h"

#include "failure.h"
#include "record/entry_state.h"

/* UEFI 2.10, 37.7, which gnu-efi's headers do not have. */
struct memory_attribute_protocol;
typedef EFI_STATUS(EFIAPI *change_attributes)(struct memory_attribute_protocol *protocol,
                                              EFI_PHYSICAL_ADDRESS base, UINT64 size,
                                              UINT64 attributes);
struct memory_attribute_protocol {
    void *get;
    change_attributes set, clear;
};

#define EXECUTE_PROTECTED UINT64_C(0x4000)
#define READ_ONLY         UINT64_C(0x20000)

static struct memory_attribute_protocol *protocol_find(void)
{
    static const EFI_GUID guid = {
        0xf4560cf6, 0x40ec, 0x4b4a, {0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1, 0x89}};

    struct memory_attribute_protocol *protocol = firmware_locate(&guid, NULL);

    return recording_can_call(protocol, sizeof *protocol / sizeof(void *)) ? protocol : NULL;
}

bool memory_is_executable(uint64_t root, unsigned levels, const void *page)
{
    const uint64_t present = 1, large = 1 << 7, no_execute = UINT64_C(1) << 63;
    const uint64_t address = UINT64_C(0x000ffffffffff000);
    uint64_t entry = root;

    for (unsigned level = levels; level > 0; level--) {
        const uint64_t *table = (const uint64_t *)(uintptr_t)(entry & address);

        entry = table[(uintptr_t)page >> (12 + 9 * (level - 1)) & 511];
        if (!(entry & present) || (entry & no_execute))
            return false;
        if (level <= 3 && (entry & large))
            return true;
    }
    return true;
}

EFI_STATUS memory_make_code(void *memory, uint64_t size)
{
    struct memory_attribute_protocol *protocol = protocol_find();
    EFI_STATUS status = EFI_SUCCESS;

    if (protocol)
        status = protocol->set(protocol, (uintptr_t)memory, size, READ_ONLY);
    if (protocol && !EFI_ERROR(status))
        status = protocol->clear(protocol, (uintptr_t)memory, size, EXECUTE_PROTECTED);
    if (EFI_ERROR(status))
        return failure(status, "the firmware does not let memory be executed");
    return EFI_SUCCESS;
}

void memory_make_data(void *memory, uint64_t size)
{
    struct memory_attribute_protocol *protocol = protocol_find();

    if (!protocol)
        return;
    protocol->set(protocol, (uintptr_t)memory, size, EXECUTE_PROTECTED);
    protocol->clear(protocol, (uintptr_t)memory, size, READ_ONLY);
}
