#include "clock.h"

#include "firmware.h"
#include "processor.h"

/* Days from 1970-01-01 to a date of the Gregorian calendar, counting years from March so that the
 * leap day is the last (H. Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_from_date(int64_t year, int month, int day)
{
    int64_t years = month > 2 ? year : year - 1; /* from 1 March of year 0 */
    int64_t months = (month + 9) % 12;           /* March is 0 */

    return years * 365 + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day - 1 -
           719468;
}

/* The ranges of UEFI 2.10, 8.3.1: clocks with an empty battery give all kinds of rubbish. */
static bool time_sane(const EFI_TIME *time)
{
    return time->Year >= 1998 && time->Year <= 9999 && time->Month >= 1 && time->Month <= 12 &&
           time->Day >= 1 && time->Day <= 31 && time->Hour <= 23 && time->Minute <= 59 &&
           time->Second <= 59 && time->Nanosecond <= 999999999 &&
           (time->TimeZone == EFI_UNSPECIFIED_TIMEZONE ||
            (time->TimeZone >= -1440 && time->TimeZone <= 1440));
}

void clock_read(struct handoff_time *time)
{
    EFI_TIME now;
    EFI_STATUS status = firmware.runtime->GetTime(&now, NULL);

    *time = (struct handoff_time){.tsc = tsc_read()};
    if (EFI_ERROR(status) || !time_sane(&now))
        return;
    time->unix_seconds = days_from_date(now.Year, now.Month, now.Day) * 86400 + now.Hour * 3600 +
                         now.Minute * 60 + now.Second;
    /* Localtime = UTC - TimeZone (UEFI 2.10, 8.3.1). */
    if (now.TimeZone != EFI_UNSPECIFIED_TIMEZONE)
        time->unix_seconds += now.TimeZone * 60;
    time->nanoseconds = now.Nanosecond;
    time->timezone = now.TimeZone;
    time->daylight = now.Daylight;
    time->valid = 1;
}
