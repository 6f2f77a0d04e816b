/*
 * initrd_media.h: how Linux gets its initrd from a loader: a LoadFile2 protocol on a device path of
 * a vendor's medium (LINUX_EFI_INITRD_MEDIA_GUID; Documentation/x86/boot.rst, "initrd media").
 */
#ifndef BATON_LOADER_MENU_INITRD_MEDIA_H
#define BATON_LOADER_MENU_INITRD_MEDIA_H

#include <library/boot_entry.h>

#include "firmware.h"

/* Reads the entry's archives from the volume `device`, one behind the other, and offers them.
   Without any nothing is offered. */
EFI_STATUS initrd_media_offer(EFI_HANDLE device, const struct boot_entry *entry);
void initrd_media_withdraw(void);

#endif
