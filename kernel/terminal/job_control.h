/*
 * job_control.h: which session a terminal controls, and which of its process
 * groups may use it (POSIX, 11.1 "Interface Characteristics"; credentials(7)).
 */
#ifndef BATON_TERMINAL_JOB_CONTROL_H
#define BATON_TERMINAL_JOB_CONTROL_H

#include "library/types.h"

struct file;
struct session;
struct terminal;

/*
 * Guards terminal->session and ->foreground and session->terminal. Taken with
 * interrupts off, after a terminal's lock and before process_table_lock.
 */
extern struct spinlock control_lock;

/* The calling process's controlling terminal; NULL: none. Terminals live for ever, or as long as
   a session has them. */
struct terminal *controlling_terminal(void);
/* Is it this one? */
bool terminal_controls_caller(struct terminal *terminal);

/* At open(2): a session's leader without a terminal gets it. */
void terminal_acquire(struct terminal *terminal);

/*
 * May the calling process use the terminal now? `signal` SIGTTIN: to read,
 * SIGTTOU: to write or change it. 0; -RESTART_CALL: its group was sent the
 * signal; -EIO: it cannot be stopped and may not.
 */
ssize_t terminal_check_foreground(struct terminal *terminal, int signal);

/* Sends a signal to the foreground group. Any context; the terminal's lock may be held. */
void terminal_signal(struct terminal *terminal, int signal);

/* Who gets a terminal's SIGIO unless its file has an owner: the foreground, or who asks. */
void terminal_owner_default(struct terminal *terminal, struct file *file);

/* Why a session loses its terminal; it decides who gets SIGHUP. */
enum terminal_loss {
    TERMINAL_HUNG_UP,      /* the line is gone: the session's leader */
    TERMINAL_LEADER_ENDED, /* the foreground */
    TERMINAL_GIVEN_UP,     /* by the leader, TIOCNOTTY: the foreground, with SIGCONT */
    TERMINAL_STOLEN,       /* TIOCSCTTY by root: nobody */
};
void terminal_release_session(struct terminal *terminal, enum terminal_loss why);

/* TIOCSCTTY, TIOCNOTTY, TIOCGPGRP, TIOCSPGRP, TIOCGSID. */
ssize_t terminal_set_controlling(struct terminal *terminal, struct file *file, bool steal);
ssize_t terminal_give_up(struct terminal *terminal);
ssize_t terminal_foreground_get(struct terminal *terminal, bool master, vaddr_t argument);
ssize_t terminal_foreground_set(struct terminal *terminal, vaddr_t argument);
ssize_t terminal_session_get(struct terminal *terminal, bool master, vaddr_t argument);

/* What process/hooks.h asks: a session's terminal, for /proc/PID/stat. */
void session_terminal_describe(struct session *session, uint32_t *device, int *foreground);

#endif
