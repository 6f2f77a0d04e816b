/* report.h: the record as a file on the volume that the machine was started from. */
#ifndef BATON_FIRMWARE_RECORD_REPORT_H
#define BATON_FIRMWARE_RECORD_REPORT_H

#include <handoff.h>

/*
 * Writes what is recorded so far to \baton\report\BOOT.rec, in place of what the loader wrote
 * there, and says so on the log; a failure is a line and no more. At boot, by a thread, when disks
 * have their partitions and before programs have any of them. `report` is the word of a person that
 * this file may be written: an internal disk's lock, which is for programs, does not count.
 */
void handoff_report_write(const struct handoff_partition *partition);

#endif
