/* process_group.h: for the files that change groups and sessions; others use process.h. */
#ifndef BATON_PROCESS_PROCESS_GROUP_H
#define BATON_PROCESS_PROCESS_GROUP_H

#include "process/process.h"

/* What remains to be freed when the lock is released. */
struct process_group_remains {
    struct process_group *group;
    struct session *session;
};

/*
 * A group and a session (NULL: the group is for one that exists) that nobody
 * sees yet. NULL: no memory.
 */
struct process_group *process_group_create(struct session *session);
struct session *session_create(void);

/* process_table_lock held: */

/* `process` becomes a member; its reference to the group is taken. */
void process_group_join(struct process_group *group, struct process *process);
/* It leaves its group. What ends by that is in *remains. */
void process_group_leave(struct process *process, struct process_group_remains *remains);
/* Has the group no member whose parent is in another group of its session, `ignored` apart? */
bool process_group_orphaned_locked(struct process_group *group, const struct process *ignored);
/* Is one of its members stopped, or about to be? Takes their locks. */
bool process_group_has_stopped(struct process_group *group);

/* Without the lock. */
void process_group_remains_free(struct process_group_remains *remains);

#endif
