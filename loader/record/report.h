/* report.h: the record so far (P0 to P3), as \baton\report\BOOT.rec on the volume, and what the
   audit says of it. */
#ifndef BATON_LOADER_RECORD_REPORT_H
#define BATON_LOADER_RECORD_REPORT_H

#include "volume.h"

/* Writes it, and says so on the console; a failure is a line and no more. */
void recording_report(struct volume *volume);

/* Says on the console, in one line, what fails so far: should the exit fail or hang, it was seen.
 */
void recording_findings(void);

#endif
