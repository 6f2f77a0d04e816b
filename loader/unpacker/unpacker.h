/*
 * unpacker.h: what the loader asks of the unpacker, a program of its own that holds Debian's
 * libraries of compression. Both sides have the System V calling convention.
 *
 * Context: interrupts off, but for the calls of the host's functions.
 */
#ifndef BATON_LOADER_UNPACKER_H
#define BATON_LOADER_UNPACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <library/archive.h>

#define UNPACKER_ABI __attribute__((sysv_abi))

/* What the unpacker may ask of the loader. */
struct unpacker_host {
    void *(UNPACKER_ABI *allocate)(size_t size); /* aligned to 16; NULL: there is none */
    void(UNPACKER_ABI *release)(void *memory);
    bool(UNPACKER_ABI *write)(const void *bytes, size_t size); /* false: stop; the host knows why */
};

/* One compressed archive, at the beginning of these bytes; behind it may lie anything. */
struct unpacker_job {
    const struct unpacker_host *host;
    enum archive_format format;
    const uint8_t *bytes;
    size_t size;

    size_t consumed;    /* bytes that the archive took */
    const char *reason; /* after a failure: what is wrong, or NULL where write() said stop */
};

/* What the unpacker's image begins with at its entry: false on failure. */
typedef bool(UNPACKER_ABI *unpacker_entry)(struct unpacker_job *job);

#endif
