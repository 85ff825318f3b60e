/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of the real-time clock from and to seconds. Used by rtc.c. */
#include "vmm/rtc_time.h"

#include "vmm/rtc.h"

#include <glib.h>

enum {
    HOURS_PM = 1 << 7, /* in 12-hour mode */
    ANY = 0xc0,
    DAY_SECONDS = 24 * 60 * 60,
};

static uint8_t encode(uint8_t b, unsigned value)
{
    return b & RTC_B_BINARY ? value : value / 10 << 4 | value % 10;
}

static unsigned decode(uint8_t b, uint8_t value)
{
    return b & RTC_B_BINARY ? value : (value >> 4) * 10u + (value & 15);
}

static uint8_t encode_hours(uint8_t b, unsigned hours)
{
    if (b & RTC_B_24H)
        return encode(b, hours);
    return encode(b, hours % 12 ? hours % 12 : 12) | (hours >= 12 ? HOURS_PM : 0);
}

static unsigned decode_hours(uint8_t b, uint8_t value)
{
    if (b & RTC_B_24H)
        return decode(b, value);
    const unsigned hours = decode(b, value & ~HOURS_PM);
    return (hours == 12 ? 0 : hours) + (value & HOURS_PM ? 12 : 0);
}

void rtc_time_to_registers(int64_t seconds, uint8_t ram[RTC_BYTES])
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
    const uint8_t b = ram[RTC_B];

    if (!time) /* beyond the year 9999 */
        return;
    ram[RTC_SECONDS] = encode(b, (unsigned)g_date_time_get_second(time));
    ram[RTC_MINUTES] = encode(b, (unsigned)g_date_time_get_minute(time));
    ram[RTC_HOURS] = encode_hours(b, (unsigned)g_date_time_get_hour(time));
    ram[RTC_WEEKDAY] = encode(b, (unsigned)g_date_time_get_day_of_week(time) % 7 + 1);
    ram[RTC_DAY] = encode(b, (unsigned)g_date_time_get_day_of_month(time));
    ram[RTC_MONTH] = encode(b, (unsigned)g_date_time_get_month(time));
    ram[RTC_YEAR] = encode(b, (unsigned)g_date_time_get_year(time) % 100);
    ram[RTC_CENTURY] = encode(b, (unsigned)g_date_time_get_year(time) / 100);
}

int64_t rtc_time_from_registers(const uint8_t ram[RTC_BYTES])
{
    const uint8_t b = ram[RTC_B];
    const unsigned year = CLAMP(decode(b, ram[RTC_CENTURY]) * 100 + decode(b, ram[RTC_YEAR]), 1, 9999);
    const unsigned month = CLAMP(decode(b, ram[RTC_MONTH]), 1, 12);
    const unsigned last = g_date_get_days_in_month((GDateMonth)month, (GDateYear)year);
    g_autoptr(GDateTime) time = g_date_time_new_utc((int)year, (int)month, (int)CLAMP(decode(b, ram[RTC_DAY]), 1, last),
                                                    (int)MIN(decode_hours(b, ram[RTC_HOURS]), 23), (int)MIN(decode(b, ram[RTC_MINUTES]), 59),
                                                    (double)MIN(decode(b, ram[RTC_SECONDS]), 59));

    return g_date_time_to_unix(time);
}

int64_t rtc_time_next_alarm(int64_t after, const uint8_t ram[RTC_BYTES])
{
    const uint8_t b = ram[RTC_B];
    const bool any_hour = ram[RTC_HOURS_ALARM] >= ANY, any_minute = ram[RTC_MINUTES_ALARM] >= ANY, any_second = ram[RTC_SECONDS_ALARM] >= ANY;
    const unsigned hour = decode_hours(b, ram[RTC_HOURS_ALARM]), minute = decode(b, ram[RTC_MINUTES_ALARM]), second = decode(b, ram[RTC_SECONDS_ALARM]);
    const int64_t day = after >= 0 ? after / DAY_SECONDS : -((DAY_SECONDS - 1 - after) / DAY_SECONDS);

    if ((!any_hour && hour > 23) || (!any_minute && minute > 59) || (!any_second && second > 59))
        return INT64_MAX;
    for (unsigned h = any_hour ? 0 : hour; h < 48; h += any_hour ? 1 : 24) {
        const int64_t at_hour = day * DAY_SECONDS + h * 3600;
        if (at_hour + 3599 <= after)
            continue;
        for (unsigned m = any_minute ? 0 : minute; m < 60; m += any_minute ? 1 : 60) {
            const int64_t at = at_hour + m * 60;
            if (any_second ? at + 59 > after : at + second > after)
                return any_second ? MAX(at, after + 1) : at + second;
        }
    }
    return INT64_MAX; /* not reached: two days hold every time of day */
}
