/* files.h: the files below /proc/PID (proc(5)), for the table in directory.c. */
#ifndef BATON_PROC_PROCESS_FILES_H
#define BATON_PROC_PROCESS_FILES_H

#include "proc/proc.h"

struct address_space;

/* ---- memory.c ---- */

/* Sizes in pages. */
struct pid_memory {
    uint64_t total, most_total, resident, most_resident, shared, text, data, stack, page_tables,
        locked, library;
};

void pid_memory_gather(struct pid_memory *memory, struct address_space *space);
int pid_auxiliary_show(const struct pseudo_key *key, struct text *text);
int pid_command_line_show(const struct pseudo_key *key, struct text *text);
int pid_environment_show(const struct pseudo_key *key, struct text *text);
int pid_statm_show(const struct pseudo_key *key, struct text *text);

/* ---- memory_file.c ---- */

extern const struct file_operations pid_memory_operations;

/* ---- maps.c ---- */

int pid_maps_show(const struct pseudo_key *key, struct text *text);
int pid_smaps_show(const struct pseudo_key *key, struct text *text);
int pid_smaps_rollup_show(const struct pseudo_key *key, struct text *text);

/* ---- status.c ---- */

int pid_stat_show(const struct pseudo_key *key, struct text *text);
int pid_status_show(const struct pseudo_key *key, struct text *text);
int pid_name_show(const struct pseudo_key *key, struct text *text);
int pid_name_store(const struct pseudo_key *key, const char *bytes, size_t size);

/* ---- limits.c ---- */

int pid_limits_show(const struct pseudo_key *key, struct text *text);
int pid_oom_adjustment_show(const struct pseudo_key *key, struct text *text);
int pid_oom_adjustment_store(const struct pseudo_key *key, const char *bytes, size_t size);
int pid_oom_score_show(const struct pseudo_key *key, struct text *text);

/* ---- links.c ---- */

int pid_executable_follow(const struct pseudo_key *key, struct path *path);
ssize_t pid_executable_read(const struct pseudo_key *key, char *buffer, size_t size);
int pid_working_follow(const struct pseudo_key *key, struct path *path);
ssize_t pid_working_read(const struct pseudo_key *key, char *buffer, size_t size);
int pid_root_follow(const struct pseudo_key *key, struct path *path);
ssize_t pid_root_read(const struct pseudo_key *key, char *buffer, size_t size);
/* pseudo_node.find and .next of fd and fdinfo. */
int pid_descriptor_find(const struct pseudo_key *key, const char *name,
                        struct pseudo_key *child_key, struct pseudo_node **child);
bool pid_descriptor_next(const struct pseudo_key *key, uint64_t *position,
                         struct pseudo_name *name);
int pid_descriptor_information_find(const struct pseudo_key *key, const char *name,
                                    struct pseudo_key *child_key, struct pseudo_node **child);
bool pid_descriptor_information_next(const struct pseudo_key *key, uint64_t *position,
                                     struct pseudo_name *name);

#endif
