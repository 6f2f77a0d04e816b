/*
 * efi_variable.h: the names of UEFI variables as files (Linux's
 * Documentation/filesystems/efivarfs.rst), which of them it is dangerous to remove, and what may be
 * in those that UEFI defines (UEFI 2.10, 3.3).
 *
 * Pure: nothing that the firmware or a program gives is trusted.
 */
#ifndef BATON_LIBRARY_EFI_VARIABLE_H
#define BATON_LIBRARY_EFI_VARIABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EFI_VARIABLE_NAME_UNITS = 512,    /* of 16 bits, with the terminating 0 */
    EFI_VARIABLE_FILE_NAME = 255 + 1, /* bytes, with the NUL */
    EFI_VARIABLE_VENDOR_SIZE = 16,
};

struct efi_variable_name {
    uint16_t units[EFI_VARIABLE_NAME_UNITS];  /* UTF-16, terminated */
    uint8_t vendor[EFI_VARIABLE_VENDOR_SIZE]; /* a GUID as it lies in memory */
};

/*
 * The file's name: the variable's in UTF-8 with "!" for "/", a hyphen, and the vendor's GUID.
 * False: it has no name, or none that a file can have (longer than 255 bytes, a half of a surrogate
 * pair).
 */
bool efi_variable_file_name(const struct efi_variable_name *name,
                            char text[EFI_VARIABLE_FILE_NAME]);
/* The other way, as Linux does it: each byte is a unit. False: it does not end in a hyphen and a
   GUID, or nothing is before it. */
bool efi_variable_name_parse(const char *text, struct efi_variable_name *name);

bool efi_variable_name_equal(const struct efi_variable_name *one,
                             const struct efi_variable_name *other);

/* May it be removed without asking twice? Other variables some firmware cannot do without: their
   files begin as immutable. */
bool efi_variable_is_removable(const struct efi_variable_name *name);
/* May this become its value? False where UEFI says that it is something else. */
bool efi_variable_value_is_sane(const struct efi_variable_name *name, const uint8_t *value,
                                size_t size);

#endif
