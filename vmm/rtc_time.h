/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A point in time as the registers of an MC146818A have it: BCD or binary, 12 or 24 hours. Pure functions, for rtc.c. */
#ifndef MEDIANT_VMM_RTC_TIME_H
#define MEDIANT_VMM_RTC_TIME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Registers; MC146818A data sheet, table 1 to 3. */
enum {
    RTC_SECONDS = 0,
    RTC_SECONDS_ALARM = 1,
    RTC_MINUTES = 2,
    RTC_MINUTES_ALARM = 3,
    RTC_HOURS = 4,
    RTC_HOURS_ALARM = 5,
    RTC_WEEKDAY = 6, /* 1 is Sunday */
    RTC_DAY = 7,
    RTC_MONTH = 8,
    RTC_YEAR = 9,
    RTC_A = 10,
    RTC_B = 11,
    RTC_C = 12,
    RTC_D = 13,

    RTC_B_24H = 1 << 1,
    RTC_B_BINARY = 1 << 2,

    RTC_BYTES = 128,
};

/* Fills the time registers and the century of ram for seconds since 1970 (UTC), in the format that ram[RTC_B] selects. Alarms stay. */
void rtc_time_to_registers(int64_t seconds, uint8_t ram[RTC_BYTES]);

/* The reverse. What is no date (a month of 0, the 31st of February) becomes the nearest one that is; the day of the week is not looked at. */
int64_t rtc_time_from_registers(const uint8_t ram[RTC_BYTES]);

/* The first second after `after` at which the alarm registers match (bits 7:6 both set: any value), or INT64_MAX when they never do. */
int64_t rtc_time_next_alarm(int64_t after, const uint8_t ram[RTC_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
