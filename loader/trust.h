/*
 * trust.h: with Secure Boot on nothing is believed that nobody signed (UEFI 2.10, 32).
 *
 * The firmware checks the loader. What the loader then reads and does not give back to the firmware
 * to be checked (entry, kernel, initrd) has to be named by the loader's section ".digests", which
 * the signature covers: lines of a SHA-256 in hexadecimal and a path.
 */
#ifndef BATON_LOADER_TRUST_H
#define BATON_LOADER_TRUST_H

#include "firmware.h"

/* Is Secure Boot on, as far as the firmware says? */
bool trust_is_asked_for(void);

/*
 * EFI_SUCCESS: Secure Boot is off, or this is the content that the signed loader names under `path`
 * ('/' or '\\' part it). Else it says so and returns EFI_SECURITY_VIOLATION.
 */
EFI_STATUS trust_check(const char *path, const void *bytes, uint64_t size);

/*
 * EFI_SUCCESS: Secure Boot is off, or nobody has revoked the generation of this image, which its
 * section ".sbat" tells (shim's SBAT.md). Where shim starts images it asks that itself; where it
 * once did, what it was told holds for images that the firmware starts, too.
 */
EFI_STATUS trust_check_generation(const char *what, const EFI_LOADED_IMAGE_PROTOCOL *image);

#endif
