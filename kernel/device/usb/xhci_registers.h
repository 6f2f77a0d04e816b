/* xhci_registers.h: what xHCI 1.2 names, with its sections. */
#ifndef BATON_DEVICE_USB_XHCI_REGISTERS_H
#define BATON_DEVICE_USB_XHCI_REGISTERS_H

#include "library/types.h"

/* Capability registers (5.3): offsets from the base. */
enum {
    XHCI_CAPABILITY_LENGTH = 0x00, /* 8 bits, with the version above */
    XHCI_STRUCTURE_1 = 0x04,       /* slots, interrupters, ports */
    XHCI_STRUCTURE_2 = 0x08,       /* scratchpads */
    XHCI_CAPABILITY_1 = 0x10,
    XHCI_DOORBELL_OFFSET = 0x14,
    XHCI_RUNTIME_OFFSET = 0x18,
    XHCI_CAPABILITIES_END = 0x20,
};
#define XHCI_CAPABILITY_64_BITS       0x1U
#define XHCI_CAPABILITY_LARGE_CONTEXT 0x4U /* contexts of 64 bytes */

/* Operational registers (5.4). */
enum {
    XHCI_COMMAND = 0x00,
    XHCI_STATUS = 0x04,
    XHCI_PAGE_SIZE = 0x08,
    XHCI_COMMAND_RING = 0x18,
    XHCI_CONTEXTS = 0x30, /* the array of device contexts */
    XHCI_CONFIGURE = 0x38,
    XHCI_PORTS = 0x400,
    XHCI_PORT_SIZE = 0x10,
};
#define XHCI_COMMAND_RUN       0x1U
#define XHCI_COMMAND_RESET     0x2U
#define XHCI_COMMAND_INTERRUPT 0x4U
#define XHCI_STATUS_HALTED     0x1U
#define XHCI_STATUS_ERROR      0x4U /* of the bus to memory */
#define XHCI_STATUS_INTERRUPT  0x8U
#define XHCI_STATUS_NOT_READY  0x800U
#define XHCI_STATUS_FAILED     0x1000U
#define XHCI_RING_CYCLE        0x1U
#define XHCI_RING_ABORT        0x4U
#define XHCI_RING_RUNNING      0x8U

/* A port's status and control (5.4.8). */
#define XHCI_PORT_CONNECTED      0x1U
#define XHCI_PORT_ENABLED        0x2U /* writing it turns it off */
#define XHCI_PORT_RESET          0x10U
#define XHCI_PORT_POWER          0x200U
#define XHCI_PORT_WARM_RESET     0x80000000U
#define XHCI_PORT_CHANGES        0x00fe0000U /* writing one clears it */
#define XHCI_PORT_CONNECT_CHANGE 0x00020000U
#define XHCI_PORT_RESET_CHANGES  0x00280000U /* of a reset and of a warm one */
/* What is written back as it was: not what acts when it is written. */
#define XHCI_PORT_KEPT (XHCI_PORT_POWER | 0x0e00c000U)
static inline unsigned xhci_port_speed(uint32_t status)
{
    return status >> 10 & 0xf;
}
static inline unsigned xhci_port_link(uint32_t status)
{
    return status >> 5 & 0xf;
}
enum { /* link states */
       XHCI_LINK_INACTIVE = 6,
       XHCI_LINK_COMPLIANCE = 10,
};

/* Runtime registers (5.5): of interrupter 0, from the runtime offset. */
enum {
    XHCI_INTERRUPT_MANAGEMENT = 0x20,
    XHCI_INTERRUPT_MODERATION = 0x24,
    XHCI_EVENT_SEGMENTS = 0x28,
    XHCI_EVENT_TABLE = 0x30,
    XHCI_EVENT_DEQUEUE = 0x38,
    XHCI_RUNTIME_END = 0x40,
};
#define XHCI_INTERRUPT_PENDING 0x1U
#define XHCI_INTERRUPT_ENABLE  0x2U
#define XHCI_EVENT_BUSY        0x8U

/* Extended capabilities (7). */
enum {
    XHCI_EXTENDED_LEGACY = 1,
    XHCI_EXTENDED_PROTOCOL = 2,
};
#define XHCI_LEGACY_FIRMWARE_OWNS 0x00010000U
#define XHCI_LEGACY_SYSTEM_OWNS   0x01000000U
#define XHCI_LEGACY_SMI_KEPT      0x000e1feeU /* reserved: written back as read */
#define XHCI_LEGACY_SMI_CLEARED   0xe0000000U /* what happened: writing one clears it */

/* Transfer request blocks (6.4). */
struct xhci_block {
    uint64_t parameter;
    uint32_t status;
    uint32_t control;
};
#define XHCI_BLOCK_CYCLE      0x1U
#define XHCI_BLOCK_TOGGLE     0x2U /* of a link */
#define XHCI_BLOCK_SHORT      0x4U /* interrupt if fewer bytes come */
#define XHCI_BLOCK_CHAIN      0x10U
#define XHCI_BLOCK_INTERRUPT  0x20U
#define XHCI_BLOCK_IMMEDIATE  0x40U
#define XHCI_BLOCK_IN         0x10000U
#define XHCI_BLOCK_TYPE(type) ((uint32_t)(type) << 10)

enum xhci_block_type {
    XHCI_NORMAL = 1,
    XHCI_SETUP = 2,
    XHCI_DATA = 3,
    XHCI_STATUS_STAGE = 4,
    XHCI_LINK = 6,
    XHCI_ENABLE_SLOT = 9,
    XHCI_DISABLE_SLOT = 10,
    XHCI_ADDRESS_DEVICE = 11,
    XHCI_CONFIGURE_ENDPOINT = 12,
    XHCI_EVALUATE_CONTEXT = 13,
    XHCI_RESET_ENDPOINT = 14,
    XHCI_STOP_ENDPOINT = 15,
    XHCI_SET_DEQUEUE = 16,
    XHCI_TRANSFER_EVENT = 32,
    XHCI_COMMAND_EVENT = 33,
    XHCI_PORT_EVENT = 34,
};

/* Completion codes (6.4.5). */
enum xhci_code {
    XHCI_SUCCESS = 1,
    XHCI_BUFFER_ERROR = 2,
    XHCI_BABBLE = 3,
    XHCI_TRANSACTION_ERROR = 4,
    XHCI_STALL = 6,
    XHCI_NO_RESOURCE = 7,
    XHCI_NO_BANDWIDTH = 8,
    XHCI_NO_SLOT = 9,
    XHCI_SHORT_PACKET = 13,
    XHCI_STOPPED = 26,
    XHCI_STOPPED_LENGTH = 27,
    XHCI_STOPPED_SHORT = 28,
    XHCI_SPLIT_ERROR = 36,
};

#endif
