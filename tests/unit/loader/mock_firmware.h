/*
 * mock_firmware.h: boot services for host tests of the loader, in plain memory: it hands out pages,
 * keeps a memory map that can change when it should not, reads files in as small pieces as it is
 * told, and notes every call that is not allowed.
 */
#ifndef BATON_TESTS_MOCK_FIRMWARE_H
#define BATON_TESTS_MOCK_FIRMWARE_H

#include <setjmp.h>

#include "firmware.h"

enum { MOCK_DESCRIPTORS = 16, MOCK_INTERFACES = 8 };

/* A protocol on a handle; the handles are the numbers from 1. */
struct mock_interface {
    uintptr_t handle;
    EFI_GUID guid;
    void *interface;
};

struct mock_firmware {
    /* The memory map: GetMemoryMap copies descriptors, descriptor_size apart. */
    EFI_MEMORY_DESCRIPTOR map[MOCK_DESCRIPTORS];
    size_t descriptors;
    size_t descriptor_size;
    UINTN key;
    int map_calls;
    int map_fails_at; /* number of the GetMemoryMap that fails; 0: none */

    int exit_calls;
    int stale_keys;         /* so many exits find that the map has changed */
    EFI_STATUS exit_status; /* unless 0, what every exit answers */
    bool exit_tried;
    int calls_after_exit; /* calls that are not allowed after the first exit */

    /* Pages: memory of the host; the first `low_pages` allocations get a low address. */
    int low_pages;
    int pages_taken, pages_given_back;
    int pool_taken, pool_given_back;
    int allocations_left; /* then there is no memory; negative: no limit */

    /* A file. */
    const uint8_t *file;
    uint64_t file_size, file_position;
    UINTN read_limit;      /* largest read that works; a larger one fails */
    UINTN read_piece;      /* bytes a read gives at most */
    uint64_t read_ends_at; /* where the medium ends, before the file does */
    UINTN largest_read;
    int files_open;

    /* The loader's own image, and whether it was checked. */
    EFI_LOADED_IMAGE_PROTOCOL image;
    bool secure_boot;
    const char *revoked; /* shim's variable SbatLevel; NULL: there is none */
    UINT32 revoked_attributes;

    struct mock_interface interfaces[MOCK_INTERFACES];
    size_t interfaces_count;

    /* What the loader said. */
    char console_text[256];
    int failures;
    EFI_STATUS failure_status;
    char failure_text[256];
    jmp_buf halted; /* failure_halt() comes here */
    const char *halt_text;
    unsigned halt_attempts;
};

extern struct mock_firmware mock;

/* A new firmware; `firmware` then points to it. */
void mock_firmware_start(void);

/* Puts a protocol on a handle. */
void mock_interface_add(uintptr_t handle, EFI_GUID guid, void *interface);

/* A volume with the mock's file under any path. */
EFI_FILE_HANDLE mock_volume(void);

#endif
