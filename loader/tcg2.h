/*
 * tcg2.h: the TPM's protocol (TCG EFI Protocol Specification, family 2.0, revision 00.13), which
 * gnu-efi does not name.
 */
#ifndef BATON_LOADER_TCG2_H
#define BATON_LOADER_TCG2_H

#include "firmware.h"
#include "record/entry_state.h"

enum { TCG2_LOG_FORMAT_2 = 2 }; /* crypto agile */

struct tcg2_event;

struct tcg2_protocol {
    EFI_STATUS(EFIAPI *capability)(struct tcg2_protocol *self, void *capability);
    EFI_STATUS(EFIAPI *event_log)
    (struct tcg2_protocol *self, UINT32 format, EFI_PHYSICAL_ADDRESS *location,
     EFI_PHYSICAL_ADDRESS *last, BOOLEAN *truncated);
    EFI_STATUS(EFIAPI *hash_log_extend)
    (struct tcg2_protocol *self, UINT64 flags, EFI_PHYSICAL_ADDRESS data, UINT64 size,
     const struct tcg2_event *event);
    EFI_STATUS(EFIAPI *submit)
    (struct tcg2_protocol *self, UINT32 size, const void *command, UINT32 room, void *response);
};

/* What it says of itself (6.4.4), so far as somebody asks. */
struct tcg2_capability {
    UINT8 size, structure_version[2], protocol_version[2];
    UINT32 digests, logs;
    BOOLEAN present;
    UINT16 command_maximum, response_maximum;
    UINT32 manufacturer, bank_count, banks;
};
_Static_assert(sizeof(struct tcg2_capability) == 36, "TCG EFI Protocol, 6.4.4");

/* What goes into the log beside the digests (6.6.4); `data` has size - 18 bytes. */
struct tcg2_event {
    UINT32 size, header_size;
    UINT16 header_version;
    UINT32 pcr, type;
    UINT8 data[];
} __attribute__((packed));

/* NULL: there is none. *status, unless NULL, is what the firmware answered. */
static inline struct tcg2_protocol *tcg2_find(EFI_STATUS *status)
{
    static const EFI_GUID guid = {
        0x607f766c, 0x7455, 0x42be, {0x93, 0x0b, 0xe4, 0xd7, 0x6d, 0xb2, 0x72, 0x0f}};

    struct tcg2_protocol *protocol = firmware_locate(&guid, status);

    return recording_can_call(protocol, sizeof *protocol / sizeof(void *)) ? protocol : NULL;
}

/* The name of the configuration table with the events since GetEventLog was first called (7). */
static const EFI_GUID tcg2_final_events = {
    0x1e2ed096, 0x30e2, 0x4254, {0xbd, 0x89, 0x86, 0x3b, 0xbe, 0xf8, 0x23, 0x25}};

#endif
