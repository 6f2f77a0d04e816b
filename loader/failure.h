/*
 * failure.h: how the loader says that something went wrong.
 *
 * Every error of the loader is made here: the caller returns what failure() returns, so nothing
 * fails without a line that names the file or the thing, and the EFI status in words.
 */
#ifndef BATON_LOADER_FAILURE_H
#define BATON_LOADER_FAILURE_H

#include <handoff.h>

#include "firmware.h"

/*
 * Prints `baton loader: <message>: <status in words>` on the console and returns `status`.
 * The message is a printf format; it names the file first. Boot services must still be there.
 */
__attribute__((format(printf, 2, 3))) EFI_STATUS failure(EFI_STATUS status, const char *format,
                                                         ...);

/* A status in words. */
const char *failure_name(EFI_STATUS status);

/*
 * The end after the first ExitBootServices, when there is no firmware to return to and no kernel
 * to go to: writes the message, the status, the number of tries and what to do to COM1's registers
 * and onto the framebuffer, and halts. Interrupts off.
 */
_Noreturn void failure_halt(const struct handoff_framebuffer *framebuffer, const char *message,
                            EFI_STATUS status, unsigned attempts);

#endif
