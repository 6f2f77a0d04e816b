/* battery_clock.h: the clock that runs while the machine is off. */
#ifndef BATON_FIRMWARE_BATTERY_CLOCK_H
#define BATON_FIRMWARE_BATTERY_CLOCK_H

/* At boot: /dev/rtc0 and /proc/driver/rtc. 0, or -ENODEV: there is none, or its battery is empty.
 */
int battery_clock_initialize(void);

#endif
