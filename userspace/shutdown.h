/*
 * shutdown.h: how init ends the machine.
 *
 * What asks for it is what asks busybox's and System V's init: a signal to process 1. poweroff,
 * reboot and halt send SIGUSR2, SIGTERM and SIGUSR1; the kernel sends SIGINT for Ctrl-Alt-Del and
 * SIGPWR for the power button.
 */
#ifndef BATON_SHUTDOWN_H
#define BATON_SHUTDOWN_H

#include <signal.h>
#include <sys/types.h>

/* Blocks the signals that ask for an end, and SIGCHLD: they come while shutdown_wait_mask() is in
   force, and only there. */
void shutdown_prepare(void);
/* What to wait with: ppoll(2), sigsuspend(2). */
void shutdown_wait_mask(sigset_t *mask);
/* If one of them has come: ends everything and never returns. `shell`: heeds SIGHUP and not
   SIGTERM; or -1. */
void shutdown_if_asked(pid_t shell);
/* Ends the machine as reboot(2)'s `command` says, whoever still runs. */
_Noreturn void shutdown_now(int command);

#endif
