/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACPI's PM1 block, timer and general-purpose events. Created by machine.c. */
#include "vmm/power.h"

#include "vmm/alarm.h"

#include <string.h>

/* ACPI 6.4, tables 4.13 to 4.15 */
enum {
    STS_TIMER = 1 << 0,
    STS_POWER_BUTTON = 1 << 8,
    EN_TIMER = 1 << 0,
    EN_GLOBAL = 1 << 5,
    EN_BUTTONS = 3 << 8,
    EN_RTC = 1 << 10,
    EN_ALL = EN_TIMER | EN_GLOBAL | EN_BUTTONS | EN_RTC,
    CNT_SCI_EN = 1 << 0,
    CNT_KEPT = 0x1c02, /* SLP_TYP and BM_RLD read back */
    CNT_SLP_EN = 1 << 13,
    GPE_ALL = 1 << POWER_GPE_PLUG,
    HALF_BITS = 31, /* TMR_STS is set whenever the timer's highest bit changes */
};

struct power {
    struct power_config config;
    struct alarm *alarm; /* NULL with a clock of the tests */
    GMutex lock;
    int64_t start;
    uint64_t halves; /* how often the highest bit had changed when the guest last cleared TMR_STS */
    int64_t stopped_at; /* when the timer stands, else 0 */
    bool pressed; /* PWRBTN_STS */
    uint16_t enable, control;
    uint16_t events, events_enable; /* GPE0_STS, GPE0_EN */
    bool level;
};

static int64_t now_us(const struct power *power)
{
    return power->config.now ? power->config.now(power->config.opaque) : g_get_monotonic_time();
}

static uint64_t ticks(const struct power *power)
{
    const uint64_t us = MAX((power->stopped_at ? power->stopped_at : now_us(power)) - power->start, 0);

    return us / G_USEC_PER_SEC * POWER_TIMER_HZ + us % G_USEC_PER_SEC * POWER_TIMER_HZ / G_USEC_PER_SEC;
}

static uint16_t status(const struct power *power)
{
    return (ticks(power) >> HALF_BITS != power->halves ? STS_TIMER : 0) | (power->pressed ? STS_POWER_BUTTON : 0);
}

/* With the lock held: the SCI's level, and when it will change by itself. */
static void update(struct power *power)
{
    const bool level = (status(power) & power->enable) || (power->events & power->events_enable);

    if (level != power->level)
        power->config.irq(power->config.opaque, level);
    power->level = level;
    if (power->alarm && (power->enable & EN_TIMER) && !(status(power) & STS_TIMER) && !power->stopped_at) {
        const uint64_t tick = (power->halves + 1) << HALF_BITS;
        alarm_set(power->alarm, power->start + (int64_t)(tick / POWER_TIMER_HZ * G_USEC_PER_SEC +
                                                         (tick % POWER_TIMER_HZ * G_USEC_PER_SEC + POWER_TIMER_HZ - 1) / POWER_TIMER_HZ));
    }
}

static void ring(void *opaque)
{
    struct power *power = opaque;

    g_mutex_lock(&power->lock);
    update(power);
    g_mutex_unlock(&power->lock);
}

struct power *power_create(const struct power_config *config)
{
    struct power *power = g_new0(struct power, 1);

    power->config = *config;
    power->control = CNT_SCI_EN;
    power->start = now_us(power);
    g_mutex_init(&power->lock);
    if (!config->now)
        power->alarm = alarm_create("pm-timer", ring, power);
    return power;
}

void power_destroy(struct power *power)
{
    if (!power)
        return;
    alarm_destroy(power->alarm);
    g_mutex_clear(&power->lock);
    g_free(power);
}

void power_press_button(struct power *power)
{
    g_mutex_lock(&power->lock);
    power->pressed = true;
    update(power);
    g_mutex_unlock(&power->lock);
}

void power_raise(struct power *power, unsigned event)
{
    g_mutex_lock(&power->lock);
    power->events |= 1u << event;
    update(power);
    g_mutex_unlock(&power->lock);
}

void power_reset(struct power *power)
{
    g_mutex_lock(&power->lock);
    power->pressed = false;
    power->events = power->events_enable = 0;
    power->enable = 0;
    power->control = CNT_SCI_EN;
    power->halves = ticks(power) >> HALF_BITS;
    update(power);
    g_mutex_unlock(&power->lock);
}

void power_stop_timer(struct power *power, bool stop)
{
    g_mutex_lock(&power->lock);
    if (stop && !power->stopped_at) {
        power->stopped_at = now_us(power);
    } else if (!stop && power->stopped_at) {
        power->start += now_us(power) - power->stopped_at;
        power->stopped_at = 0;
    }
    update(power);
    g_mutex_unlock(&power->lock);
}

static void read_ports(void *opaque, uint64_t offset, void *data, size_t len)
{
    struct power *power = opaque;
    uint16_t words[POWER_PORTS / 2] = {0};

    g_mutex_lock(&power->lock);
    const uint32_t timer = (uint32_t)ticks(power);
    words[0] = status(power);
    words[1] = power->enable;
    words[POWER_PM1_CONTROL / 2] = power->control;
    words[POWER_GPE0 / 2] = power->events;
    words[POWER_GPE0 / 2 + 1] = power->events_enable;
    g_mutex_unlock(&power->lock);
    memcpy(&words[POWER_TIMER / 2], &timer, sizeof(timer));
    memcpy(data, (const uint8_t *)words + offset, len);
}

/* A byte write reaches its half of a register: what it does not write keeps its value, which is 0 for bits that are cleared or done by ones. */
static void write_ports(void *opaque, uint64_t offset, const void *data, size_t len)
{
    struct power *power = opaque;
    uint16_t words[POWER_PORTS / 2] = {0};

    g_mutex_lock(&power->lock);
    words[1] = power->enable;
    words[POWER_PM1_CONTROL / 2] = power->control;
    words[POWER_GPE0 / 2 + 1] = power->events_enable;
    memcpy((uint8_t *)words + offset, data, len);
    if (words[0] & STS_TIMER)
        power->halves = ticks(power) >> HALF_BITS;
    if (words[0] & STS_POWER_BUTTON)
        power->pressed = false;
    power->events &= ~words[POWER_GPE0 / 2];
    power->events_enable = words[POWER_GPE0 / 2 + 1] & GPE_ALL;
    power->enable = words[1] & EN_ALL;
    power->control = CNT_SCI_EN | (words[POWER_PM1_CONTROL / 2] & CNT_KEPT);
    update(power);
    g_mutex_unlock(&power->lock);
    if (words[POWER_PM1_CONTROL / 2] & CNT_SLP_EN)
        power->config.shut_down(power->config.opaque);
}

const struct address_ops power_ops = {read_ports, write_ports};
