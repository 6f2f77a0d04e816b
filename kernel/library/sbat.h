/*
 * sbat.h: revocation by generations (shim's SBAT.md): a program's section ".sbat" says of each of
 * its components which generation it is; what is revoked says which is the least that may run.
 *
 * Pure: no allocation, no lock; nothing in the texts is trusted.
 */
#ifndef BATON_LIBRARY_SBAT_H
#define BATON_LIBRARY_SBAT_H

#include <stdbool.h>
#include <stddef.h>

#define SBAT_NAME_MAX 64 /* with the NUL */

/*
 * Is a component of `section` older than `level` wants? Then its name is in `name`. Each is lines
 * of COMPONENT,GENERATION,… up to a NUL or the size. A line that is none revokes nothing; a
 * component's generation that is no number is 0, older than any.
 */
bool sbat_is_revoked(const char *section, size_t section_size, const char *level, size_t level_size,
                     char name[SBAT_NAME_MAX]);

#endif
