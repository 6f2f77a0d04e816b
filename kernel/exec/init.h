/* init.h: how the first process starts. */
#ifndef BATON_EXEC_INIT_H
#define BATON_EXEC_INIT_H

/*
 * Creates PID 1 from the program at `path` and starts it, with its page-table
 * root in place from the beginning. `root_directory` is the file room's
 * business. 0 or a negative errno. May sleep; called once, by a kernel thread.
 */
int process_start_init(const char *path, const char *const *arguments,
                       const char *const *environment);

#endif
