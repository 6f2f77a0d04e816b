/*
 * variables.h: the firmware's variables (UEFI 2.10, 8.2) as a list that is made once and kept up
 * with what programs make and remove: asking the firmware for all of them takes long, and it may
 * never end.
 *
 * All functions may sleep and call the firmware (runtime_calls.h); no spinlock held.
 */
#ifndef BATON_FIRMWARE_PROGRAMS_VARIABLES_H
#define BATON_FIRMWARE_PROGRAMS_VARIABLES_H

#include "library/efi_variable.h"
#include "library/types.h"

/* At boot. */
void variables_initialize(void);

/* More are left out: of a firmware whose list does not end, as well. */
#define VARIABLES_MAXIMUM 4096
/* Bytes of a value, at most. */
#define VARIABLE_SIZE_MAXIMUM (1U << 20)

/* A variable is known by a number, which is not given a second time. Newer ones have greater
 * numbers. */
struct variable {
    uint64_t number;
    struct efi_variable_name name;
    uint64_t hash;  /* of its file's name */
    uint64_t size;  /* of the value, when it was last seen */
    bool immutable; /* its file is */
    bool is_new;    /* made by a program that has not opened it yet */
};

/* What is known of number `number`, or of the greatest below `limit`, or of the one whose file has
   this name. 0, -ENOENT, -ENOMEM. */
int variable_get(uint64_t number, struct variable *variable);
int variable_before(uint64_t limit, struct variable *variable);
int variable_find(const char *file_name, struct variable *variable);

/* The value with its attributes, four bytes before it: *bytes is the caller's to heap_free(), its
   size is returned. 0: it has none yet, or none any more. -EIO, -ENOMEM, -EFBIG, … */
ssize_t variable_read(uint64_t number, uint8_t **bytes);
/* Sets it by attributes and value. 0, -EINVAL (also: UEFI says that it holds something else),
   -ENOSPC, -EROFS, -EACCES, -EIO, … Set to nothing, it is gone. */
int variable_write(uint64_t number, const uint8_t *bytes, size_t size);
/* A file for a variable that gets its value later. 0, -EINVAL (no such name), -EEXIST, -ENOSPC,
   -ENOMEM. */
int variable_create(const char *file_name);
/* -EPERM: it is immutable. */
int variable_remove(const char *file_name);
/* The firmware is asked anew when somebody next wants to know: files without a value go. */
void variables_forget(void);
/* 0, -ENOENT. */
int variable_set_immutable(uint64_t number, bool immutable);
int variable_opened(uint64_t number);

#endif
