/*
 * hooks.h: what can be made to misbehave, a file each. Every install function looks for its orders
 * and changes the firmware's tables only if there are some.
 */
#ifndef BATON_TEST_FIRMWARE_HOOKS_H
#define BATON_TEST_FIRMWARE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <efi.h>

/* The firmware's tables, and its services as they were before anything was hooked. */
extern EFI_SYSTEM_TABLE *system_table;
extern EFI_BOOT_SERVICES real_boot;
extern EFI_RUNTIME_SERVICES real_runtime;

extern bool boot_services_gone; /* memory_map.c */

/* Whether a call comes from the loader: the firmware calls its own services through the same
 * table. */
bool caller_is_loader(const void *return_address);
#define CALLED_BY_LOADER() caller_is_loader(__builtin_return_address(0))

/* Pages of that type with no order's failure. NULL: there are none. */
void *pages_take(EFI_MEMORY_TYPE type, UINTN pages);

/* dma.c: where the device's registers lie, of 1 MiB; 0: there is none. It writes there. */
uint64_t dma_window(void);
void dma_start(uint64_t target);

/* main.c: how much of the stack that `stack` gave the loader has used. */
void stack_report(void);

/* Sets a table's checksum again. */
void table_seal(EFI_TABLE_HEADER *header);

/* runtime_processor.c: leaves the processor so; another `how` is none of its own. */
void processor_leave(const char *how, uint64_t value);

/* returns.c: with `returns`, these too return so; NULLs among them stay. */
void returns_wrap(void *services, size_t count);

/* poison.c: fills the memory of boot services, as this map has it, but for the map itself, of
   `size` bytes. */
void poison(const EFI_MEMORY_DESCRIPTOR *map, size_t count, size_t size);

/* left_behind.c: what the orders say is left so by a firmware that has shut down; `before` is the
   system table as it was. */
void leave_behind(const EFI_SYSTEM_TABLE *before);

void processor_leave_five_levels(void); /* processor.c */

void memory_map_install(void);                  /* memory_map.c: the map and the exit */
void memory_install(void);                      /* memory.c: allocations */
void files_install(EFI_HANDLE device);          /* files.c */
void screen_install(void);                      /* screen.c */
void acpi_install(void);                        /* acpi.c */
void runtime_install(void);                     /* runtime.c */
void processor_install(void);                   /* processor.c */
void boot_services_install(void);               /* boot_services.c: what they answer */
void tables_install(void);                      /* tables.c: configuration tables */
void protocols_install(void);                   /* protocols.c: protocols, variables, TPM */
void console_install(void);                     /* console.c: what a person looks at and types on */
void returns_install(const EFI_LOADED_IMAGE *); /* returns.c: flags */
void entered_install(const EFI_LOADED_IMAGE *); /* entered.c: flags, a program */
void image_install(EFI_LOADED_IMAGE *loader);   /* main.c: what the loader is told of itself */

#endif
