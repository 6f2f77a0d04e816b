/* exec_calls.h: programs to be called by exec_calls and exec_spawn. */
#ifndef BATON_TESTS_EXEC_CALLS_H
#define BATON_TESTS_EXEC_CALLS_H

#include "exec_cases.h"

static char *tell_arguments[] = {"x", "tell", NULL};
static char *exit_arguments[] = {"x", "exit", "99", NULL};
static char *one_variable[] = {"A=1", NULL};

#define TOLD "x|tell;A=1"

/* A program of this folder to be played with. */
static inline bool has_copy(const char *name)
{
    return file_copy(program, name, 0755);
}

#endif
