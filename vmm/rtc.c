/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real-time clock and CMOS memory. Created by machine.c. */
#include "vmm/rtc.h"

#include "vmm/alarm.h"
#include "vmm/rtc_time.h"

#include <string.h>

enum {
    A_RATE = 0x0f,
    A_DIVIDER = 0x70,
    A_DIVIDER_RUNS = 0x20, /* 32.768 kHz */
    A_DIVIDER_RESET = 0x60, /* 110 or 111 */
    A_UPDATE = 1 << 7,
    A_INITIAL = A_DIVIDER_RUNS | 6, /* 1024 Hz, as firmware leaves it */
    B_SET = 1 << 7,
    B_UPDATE = 1 << 4,
    FLAG_PERIODIC = 1 << 6, /* the enable in B and the flag in C are the same bit */
    FLAG_ALARM = 1 << 5,
    FLAG_UPDATE = 1 << 4,
    FLAGS = FLAG_PERIODIC | FLAG_ALARM | FLAG_UPDATE,
    C_INTERRUPT = 1 << 7,
    D_VALID = 1 << 7,
    UPDATE_US = 244,  /* how long before an update A says so */
    RESTART_US = 500000, /* how far the first second is when the divider starts */
    CRYSTAL_HZ = 32768,

    /* CMOS memory of a PC: what Bochs' and SeaBIOS' tables have at these. */
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_KIB = 0x15,
    CMOS_EXTENDED_KIB = 0x17, /* above 1 MiB, also at 0x30 */
    CMOS_EXTENDED_KIB_COPY = 0x30,
    CMOS_ABOVE_16M = 0x34,    /* in 64 KiB */
    CMOS_ABOVE_4G = 0x5b,     /* in 64 KiB, 3 bytes */
    EQUIPMENT_FPU = 1 << 1,
};

/* The host's clock may be set: an alarm is looked at again at the latest after this. */
#define LONGEST_WAIT (60 * G_USEC_PER_SEC)

struct rtc {
    struct rtc_config config;
    struct alarm *alarm; /* NULL with a clock of the tests */
    GMutex lock;
    uint8_t index;
    uint8_t ram[RTC_BYTES]; /* the time registers count while the clock stands */
    int64_t offset; /* microseconds that this clock is ahead of the host's */
    int64_t seen;   /* its time up to which flags are set */
    bool held;      /* the divider was in reset since the clock stands: it starts at half a second */
    bool level;
};

static int64_t now_us(const struct rtc *rtc)
{
    return (rtc->config.now ? rtc->config.now(rtc->config.opaque) : g_get_real_time()) + rtc->offset;
}

static bool divider_runs(const struct rtc *rtc)
{
    return (rtc->ram[RTC_A] & A_DIVIDER) == A_DIVIDER_RUNS;
}

static bool counts(const struct rtc *rtc)
{
    return divider_runs(rtc) && !(rtc->ram[RTC_B] & B_SET);
}

/* Length of the periodic interrupt in ticks of the crystal, 0 for none. */
static unsigned period(const struct rtc *rtc)
{
    const unsigned rate = rtc->ram[RTC_A] & A_RATE;

    return rate == 0 ? 0 : 1u << (rate <= 2 ? rate + 6 : rate - 1);
}

static int64_t to_ticks(int64_t us)
{
    return us / G_USEC_PER_SEC * CRYSTAL_HZ + us % G_USEC_PER_SEC * CRYSTAL_HZ / G_USEC_PER_SEC;
}

static int64_t seconds(int64_t us)
{
    return us / G_USEC_PER_SEC - (us % G_USEC_PER_SEC < 0);
}

/* Sets the flags of what happened since it was last called. */
static void advance(struct rtc *rtc)
{
    const int64_t now = now_us(rtc), last = rtc->seen;
    const unsigned length = period(rtc);

    rtc->seen = now;
    if (now <= last)
        return;
    if (length > 0 && divider_runs(rtc) && to_ticks(now) / length != to_ticks(last) / length)
        rtc->ram[RTC_C] |= FLAG_PERIODIC;
    if (counts(rtc) && seconds(now) != seconds(last)) {
        rtc->ram[RTC_C] |= FLAG_UPDATE;
        if (rtc_time_next_alarm(seconds(last), rtc->ram) <= seconds(now))
            rtc->ram[RTC_C] |= FLAG_ALARM;
    }
}

/* Its time of the next flag that would interrupt. */
static int64_t next_event(const struct rtc *rtc)
{
    const uint8_t enabled = rtc->ram[RTC_B];
    const unsigned length = period(rtc);
    int64_t next = rtc->seen + LONGEST_WAIT;

    if ((enabled & FLAG_PERIODIC) && length > 0 && divider_runs(rtc)) {
        const int64_t tick = (to_ticks(rtc->seen) / length + 1) * length;
        const int64_t at = tick / CRYSTAL_HZ * G_USEC_PER_SEC + (tick % CRYSTAL_HZ * G_USEC_PER_SEC + CRYSTAL_HZ - 1) / CRYSTAL_HZ;
        next = MIN(next, at);
    }
    if ((enabled & FLAG_UPDATE) && counts(rtc))
        next = MIN(next, (seconds(rtc->seen) + 1) * G_USEC_PER_SEC);
    if ((enabled & FLAG_ALARM) && counts(rtc)) {
        const int64_t alarm = rtc_time_next_alarm(seconds(rtc->seen), rtc->ram);
        if (alarm != INT64_MAX)
            next = MIN(next, alarm * G_USEC_PER_SEC);
    }
    return next;
}

static void update(struct rtc *rtc)
{
    const uint8_t enabled = rtc->ram[RTC_B] & FLAGS;

    advance(rtc);
    const bool level = rtc->ram[RTC_C] & enabled;
    rtc->ram[RTC_C] = (rtc->ram[RTC_C] & FLAGS) | (level ? C_INTERRUPT : 0);
    if (level != rtc->level)
        rtc->config.irq(rtc->config.opaque, level);
    rtc->level = level;
    if (rtc->alarm && enabled && !level)
        alarm_set(rtc->alarm, g_get_monotonic_time() + next_event(rtc) - rtc->seen);
}

static void ring(void *opaque)
{
    struct rtc *rtc = opaque;

    g_mutex_lock(&rtc->lock);
    update(rtc);
    g_mutex_unlock(&rtc->lock);
}

/* The registers have a new time: the clock goes on from there, part of a second into it. */
static void set_time(struct rtc *rtc, int64_t part)
{
    rtc->offset += rtc_time_from_registers(rtc->ram) * G_USEC_PER_SEC + part - now_us(rtc);
    rtc->seen = now_us(rtc);
}

static int64_t part_of_second(const struct rtc *rtc)
{
    const int64_t now = now_us(rtc);

    return now - seconds(now) * G_USEC_PER_SEC;
}

static bool is_time(unsigned index)
{
    return (index <= RTC_YEAR && index != RTC_SECONDS_ALARM && index != RTC_MINUTES_ALARM && index != RTC_HOURS_ALARM) || index == RTC_CENTURY;
}

static uint8_t read_register(struct rtc *rtc, unsigned index)
{
    uint8_t value;

    update(rtc);
    if (is_time(index) && counts(rtc))
        rtc_time_to_registers(seconds(rtc->seen), rtc->ram);
    switch (index) {
    case RTC_A:
        return rtc->ram[RTC_A] | (counts(rtc) && part_of_second(rtc) >= G_USEC_PER_SEC - UPDATE_US ? A_UPDATE : 0);
    case RTC_C:
        value = rtc->ram[RTC_C];
        rtc->ram[RTC_C] = 0;
        update(rtc);
        return value;
    case RTC_D:
        return D_VALID;
    default:
        return rtc->ram[index];
    }
}

/* A or B gets a value: the clock may stop or go on. */
static void control(struct rtc *rtc, unsigned index, uint8_t value)
{
    const bool counted = counts(rtc);

    if (counted)
        rtc_time_to_registers(seconds(rtc->seen), rtc->ram);
    if (index == RTC_B && (value & B_SET))
        value &= ~B_UPDATE;
    rtc->ram[index] = value;
    if (counted)
        rtc->held = false;
    if ((rtc->ram[RTC_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET)
        rtc->held = true;
    if (!counted && counts(rtc))
        set_time(rtc, rtc->held ? RESTART_US : part_of_second(rtc));
}

static void write_register(struct rtc *rtc, unsigned index, uint8_t value)
{
    update(rtc);
    if (is_time(index)) {
        const bool runs = counts(rtc);
        const int64_t part = part_of_second(rtc);
        if (runs)
            rtc_time_to_registers(seconds(rtc->seen), rtc->ram);
        rtc->ram[index] = value;
        if (runs)
            set_time(rtc, part);
    } else if (index == RTC_A) {
        control(rtc, index, value & (A_DIVIDER | A_RATE));
    } else if (index == RTC_B) {
        control(rtc, index, value);
    } else if (index != RTC_C && index != RTC_D) {
        rtc->ram[index] = value;
    }
    update(rtc);
}

static void read_ports(void *opaque, uint64_t offset, void *data, size_t len)
{
    struct rtc *rtc = opaque;
    uint8_t *bytes = data;

    g_mutex_lock(&rtc->lock);
    for (size_t i = 0; i < len; i++)
        bytes[i] = offset + i == 0 ? 0xff : read_register(rtc, rtc->index); /* the index cannot be read */
    g_mutex_unlock(&rtc->lock);
}

static void write_ports(void *opaque, uint64_t offset, const void *data, size_t len)
{
    struct rtc *rtc = opaque;
    const uint8_t *bytes = data;

    g_mutex_lock(&rtc->lock);
    for (size_t i = 0; i < len; i++) {
        if (offset + i == 0)
            rtc->index = bytes[i] & (RTC_BYTES - 1);
        else
            write_register(rtc, rtc->index, bytes[i]);
    }
    g_mutex_unlock(&rtc->lock);
}

void rtc_reset(struct rtc *rtc)
{
    g_mutex_lock(&rtc->lock);
    update(rtc);
    control(rtc, RTC_B, rtc->ram[RTC_B] & ~(B_SET | FLAGS)); /* a time that was being set counts, by the digits that it was set in */
    control(rtc, RTC_A, A_INITIAL);
    control(rtc, RTC_B, RTC_B_24H);
    rtc->ram[RTC_C] = 0;
    rtc->index = 0;
    update(rtc);
    g_mutex_unlock(&rtc->lock);
}

const struct address_ops rtc_ops = {read_ports, write_ports};

static void set_word(struct rtc *rtc, unsigned index, uint64_t value)
{
    value = MIN(value, UINT16_MAX);
    rtc->ram[index] = value & 0xff;
    rtc->ram[index + 1] = value >> 8 & 0xff;
}

static void set_memory(struct rtc *rtc)
{
    const uint64_t low_kib = rtc->config.memory_low >> 10, high_units = MIN(rtc->config.memory_high >> 16, 0xffffff);
    const uint64_t extended_kib = low_kib > 1024 ? low_kib - 1024 : 0;

    rtc->ram[CMOS_EQUIPMENT] = EQUIPMENT_FPU;
    set_word(rtc, CMOS_BASE_KIB, 640);
    set_word(rtc, CMOS_EXTENDED_KIB, extended_kib);
    set_word(rtc, CMOS_EXTENDED_KIB_COPY, extended_kib);
    set_word(rtc, CMOS_ABOVE_16M, low_kib > 16384 ? (low_kib - 16384) / 64 : 0);
    for (unsigned i = 0; i < 3; i++)
        rtc->ram[CMOS_ABOVE_4G + i] = high_units >> 8 * i & 0xff;
}

struct rtc *rtc_create(const struct rtc_config *config)
{
    struct rtc *rtc = g_new0(struct rtc, 1);

    rtc->config = *config;
    rtc->ram[RTC_A] = A_INITIAL;
    rtc->ram[RTC_B] = RTC_B_24H;
    set_memory(rtc);
    rtc->seen = now_us(rtc);
    g_mutex_init(&rtc->lock);
    if (!config->now)
        rtc->alarm = alarm_create("rtc", ring, rtc);
    return rtc;
}

void rtc_destroy(struct rtc *rtc)
{
    if (!rtc)
        return;
    alarm_destroy(rtc->alarm);
    g_mutex_clear(&rtc->lock);
    g_free(rtc);
}
