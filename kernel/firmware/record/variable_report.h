/* variable_report.h: with `report=variable`, what came after the loader's report, in a variable. */
#ifndef BATON_FIRMWARE_RECORD_VARIABLE_REPORT_H
#define BATON_FIRMWARE_RECORD_VARIABLE_REPORT_H

/*
 * Leaves in the variable RECORD_VARIABLE_NAME (handoff_record.h) what tells most of what came after
 * the exit, as much as finds room; the log says so, or why not. By a thread, at boot; may sleep.
 */
void handoff_report_to_variable(void);

#endif
