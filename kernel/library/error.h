/*
 * error.h: errors in words, for log lines that a person reads.
 *
 * Pure: no lock, any context.
 */
#ifndef BATON_LIBRARY_ERROR_H
#define BATON_LIBRARY_ERROR_H

/* What an errno means, as errno(3) has it; `error` is negative, as functions return it. Constant.
 */
const char *error_text(int error);

#endif
