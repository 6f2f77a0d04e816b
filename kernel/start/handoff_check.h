/* handoff_check.h: the handoff is input like any other. */
#ifndef BATON_START_HANDOFF_CHECK_H
#define BATON_START_HANDOFF_CHECK_H

#include <handoff.h>

/*
 * Is the handoff one that this kernel understands, and does nothing in it point
 * to where it cannot? NULL, or what is wrong. Pure: follows no pointer.
 */
const char *handoff_check(const struct handoff *handoff, unsigned physical_bits);

#endif
