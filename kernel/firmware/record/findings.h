/* findings.h: what the audit (kernel/library/audit/) says of this machine's record. */
#ifndef BATON_FIRMWARE_RECORD_FINDINGS_H
#define BATON_FIRMWARE_RECORD_FINDINGS_H

#include "library/audit/audit.h"

/*
 * Judges the record as it is now, by the profile `uefi`: AUDIT_CHECKS findings in memory of their
 * own, for the caller to free (heap_free()). NULL: there is no record (*error -ENODATA), or no
 * memory
 * (-ENOMEM). By a thread; may sleep.
 */
struct audit_finding *handoff_findings(int *error);

/* Says them on the log, the worst first, with what to do. */
void handoff_findings_log(void);

#endif
