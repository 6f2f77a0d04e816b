/* findings.h: what the audit (kernel/library/audit/) says of this machine's record. */
#ifndef BATON_FIRMWARE_RECORD_FINDINGS_H
#define BATON_FIRMWARE_RECORD_FINDINGS_H

#include "library/audit/audit.h"

/*
 * By which profile the machine judges itself: the value of the option `audit`. NULL or "": `uefi`;
 * a name that no profile has is told in the log. At boot, before there are others.
 */
void handoff_findings_choose(const char *profile);
enum audit_profile handoff_findings_profile(void);

/*
 * Judges the record as it is now, by that profile: AUDIT_CHECKS findings in memory of their
 * own, for the caller to free (heap_free()). NULL: there is no record (*error -ENODATA), or no
 * memory
 * (-ENOMEM). By a thread; may sleep.
 */
struct audit_finding *handoff_findings(int *error);

/* Says them on the log, the worst first, with what to do. */
void handoff_findings_log(void);

#endif
