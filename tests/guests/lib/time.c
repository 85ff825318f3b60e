/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time by the TSC, whose rate the VMM tells; under others it is measured against channel 2 of the PIT. */
#include "guest.h"

/* Intel 8254 datasheet; port 0x61 gates channel 2 and shows its output. */
enum {
    PIT_HZ = 1193182,
    PIT_CHANNEL2 = 0x42,
    PIT_COMMAND = 0x43,
    GATE_PORT = 0x61,
    GATE_ON = 1,
    SPEAKER_ON = 2,
    OUTPUT = 0x20,
    MEASURE_MS = 10,
    MEASUREMENTS = 5,
};

static uint64_t rate, origin;

/* TSC ticks in a second by one measurement, which a host that takes the CPU away makes too large. */
static uint64_t measure(void)
{
    const unsigned count = PIT_HZ * MEASURE_MS / 1000;

    outb(GATE_PORT, (inb(GATE_PORT) & ~SPEAKER_ON) | GATE_ON);
    outb(PIT_COMMAND, 0xb0); /* channel 2, low byte then high byte, mode 0 */
    outb(PIT_CHANNEL2, count & 0xff);
    outb(PIT_CHANNEL2, count >> 8);
    uint64_t start = rdtsc();
    while (!(inb(GATE_PORT) & OUTPUT))
        ;
    return (rdtsc() - start) * (1000 / MEASURE_MS);
}

uint64_t tsc_hz(void)
{
    if (rate)
        return rate;
    origin = rdtsc();
    uint64_t best = (uint64_t)boot.tsc_khz * 1000;
    for (unsigned i = 0; !boot.tsc_khz && i < MEASUREMENTS; i++) {
        uint64_t now = measure();
        best = i == 0 || now < best ? now : best;
    }
    rate = best;
    return rate;
}

uint64_t time_us(void)
{
    uint64_t hz = tsc_hz(), ticks = rdtsc() - origin;

    return ticks / hz * 1000000 + ticks % hz * 1000000 / hz;
}

void delay_us(uint64_t us)
{
    uint64_t end = time_us() + us;

    while (time_us() < end)
        cpu_pause();
}
