/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts the other CPUs by INIT and SIPI (Intel SDM volume 3, 8.4.4). */
#include "guest.h"
#include "interrupt.h"

#define APIC_ICR_LOW 0xfee00300ul
#define APIC_ICR_HIGH 0xfee00310ul
enum { ICR_INIT = 0x4500, ICR_STARTUP = 0x4600, SIPI_TRIES = 2, SIPI_WAIT_US = 500000 };

extern char trampoline[], trampoline_end[], stacks[];
extern uint64_t ap_stack;
void smp_entry(void);

/* One CPU is started at a time. */
static struct {
    unsigned cpu;
    void (*fn)(void *arg);
    void *arg;
    uint32_t up;
} starting;

void smp_entry(void)
{
    void (*fn)(void *) = starting.fn;
    void *arg = starting.arg;

    interrupt_init_cpu(starting.cpu);
    __atomic_store_n(&starting.up, 1, __ATOMIC_RELEASE);
    __asm__ volatile("sti");
    fn(arg);
    if (cpu_cpl() == 3)
        user_leave();
}

static bool wait_until_up(void)
{
    uint64_t end = time_us() + SIPI_WAIT_US;

    while (!__atomic_load_n(&starting.up, __ATOMIC_ACQUIRE))
        if (time_us() > end)
            return false;
    return true;
}

bool smp_start(unsigned cpu, void (*fn)(void *arg), void *arg)
{
    if (cpu == 0 || cpu >= MAX_CPUS || cpu >= boot.vcpus)
        return false;
    memcpy((void *)TRAMPOLINE, trampoline, (size_t)(trampoline_end - trampoline));
    starting.cpu = cpu;
    starting.fn = fn;
    starting.arg = arg;
    starting.up = 0;
    ap_stack = (uintptr_t)stacks + STACK_SIZE * (cpu + 1);
    cpu_barrier();
    mmio_write32(APIC_ICR_HIGH, cpu << 24);
    mmio_write32(APIC_ICR_LOW, ICR_INIT);
    for (unsigned i = 0; i < SIPI_TRIES; i++) {
        mmio_write32(APIC_ICR_HIGH, cpu << 24);
        mmio_write32(APIC_ICR_LOW, ICR_STARTUP | TRAMPOLINE >> 12);
        if (wait_until_up())
            return true;
    }
    return false;
}
