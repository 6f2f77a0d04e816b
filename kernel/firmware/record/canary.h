/*
 * canary.h: P6: a pattern in free memory, looked at again later: who writes there has not been told
 * that boot services are gone (UEFI 2.11, 7.4.6).
 */
#ifndef BATON_FIRMWARE_RECORD_CANARY_H
#define BATON_FIRMWARE_RECORD_CANARY_H

/* Takes frames and fills them, if everything is to be recorded. At boot, once, by a thread. */
void handoff_record_canary_start(void);

/*
 * Looks at them, and records how long it has been, and what has changed; also, how long the machine
 * has run. For who is about to read the record; by a thread.
 */
void handoff_record_canary_look(void);

#endif
