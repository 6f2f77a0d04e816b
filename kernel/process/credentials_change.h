/* credentials_change.h: replacing the calling thread's credentials: setuid(2), prctl(2), exec. */
#ifndef BATON_PROCESS_CREDENTIALS_CHANGE_H
#define BATON_PROCESS_CREDENTIALS_CHANGE_H

struct credentials;

/* A copy of the calling thread's, to change; NULL: no memory. */
struct credentials *credentials_change_begin(void);
/* Makes it the thread's; the reference passes to it. -EAGAIN: no memory, nothing changed. */
int credentials_change_commit(struct credentials *fresh);

#endif
