/*
 * runtime_calls.h: the calls of runtime_services.h, with the firmware's own types. All sleep until
 * it is their turn and return what the service did, or EFI_UNSUPPORTED when there is none, or
 * EFI_DEVICE_ERROR when it had to be ended: it ran into a trap, or took too long. What they are
 * given lies in kernel memory.
 */
#ifndef BATON_FIRMWARE_RUNTIME_CALLS_H
#define BATON_FIRMWARE_RUNTIME_CALLS_H

#include <efi.h>

EFI_STATUS runtime_get_time(EFI_TIME *time, EFI_TIME_CAPABILITIES *capabilities);
EFI_STATUS runtime_get_wakeup_time(BOOLEAN *enabled, BOOLEAN *pending, EFI_TIME *time);
EFI_STATUS runtime_set_time(EFI_TIME *time);
/* `data` may be NULL with *size 0: only the size is asked for. */
EFI_STATUS runtime_get_variable(CHAR16 *name, EFI_GUID *vendor, UINT32 *attributes, UINTN *size,
                                void *data);
EFI_STATUS runtime_get_next_variable_name(UINTN *size, CHAR16 *name, EFI_GUID *vendor);
EFI_STATUS runtime_set_variable(CHAR16 *name, EFI_GUID *vendor, UINT32 attributes, UINTN size,
                                void *data);
EFI_STATUS runtime_query_variable_info(UINT32 attributes, UINT64 *storage, UINT64 *left,
                                       UINT64 *largest);

/* Only for virtual_map.c: whoever calls it has to give the services their new addresses. */
EFI_STATUS runtime_set_virtual_address_map(UINTN size, UINTN step, UINT32 version,
                                           EFI_MEMORY_DESCRIPTOR *map);

EFI_STATUS runtime_set_virtual_address_map_again(UINTN size, UINTN step, UINT32 version,
                                                 EFI_MEMORY_DESCRIPTOR *map);

#ifdef DEBUG_CHECKS
/* A service that is none: anything, called as one; and anything in the place of ResetSystem. For
   tests of what then happens. */
EFI_STATUS runtime_misbehave(const void *function, uint64_t argument, uint64_t patience);
void runtime_spoil_reset(const void *function);
#endif

/* The errno that comes closest to a status, negative; 0 for EFI_SUCCESS. */
int runtime_status_error(EFI_STATUS status);

#endif
