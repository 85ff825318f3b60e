/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several CPUs: start-up, a counter that all of them change, interrupts from each to each, at both privilege levels. */
#include "guest.h"
#include "interrupt.h"

enum { IPI_VECTOR = 0x40, INCREMENTS = 200000, WAIT_US = 5000000 };

static uint32_t counter, arrived, ready, go, ipis[MAX_CPUS];

static void on_ipi(struct interrupt_frame *frame, void *arg)
{
    __atomic_add_fetch(&ipis[apic_id()], 1, __ATOMIC_RELEASE);
}

static bool wait_for(const uint32_t *word, uint32_t value)
{
    uint64_t end = time_us() + WAIT_US;

    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
        if (time_us() > end)
            return false;
    return true;
}

/* Each CPU counts at CPL 3, then sleeps until its interrupt comes, and answers with one to CPU 0. */
static void work(void *arg)
{
    unsigned cpu = (unsigned)(uintptr_t)arg;

    user_enter();
    __atomic_add_fetch(&ready, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
        cpu_pause();
    for (unsigned i = 0; i < INCREMENTS; i++)
        __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&arrived, 1, __ATOMIC_RELEASE);
    if (cpu == 0)
        return;
    cpu_wait_while(&ipis[cpu], 0);
    apic_send_ipi(0, IPI_VECTOR + cpu); /* a vector each: an APIC keeps only one pending interrupt of a vector */
}

int guest_main(void)
{
    unsigned cpus = boot.vcpus < MAX_CPUS ? boot.vcpus : MAX_CPUS;

    report_prefix_push("smp");
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        interrupt_set(IPI_VECTOR + cpu, on_ipi, NULL);
    report(apic_id() == 0, "the first CPU has APIC id 0");
    for (unsigned cpu = 1; cpu < cpus; cpu++)
        report(smp_start(cpu, work, (void *)(uintptr_t)cpu), "CPU %u starts", cpu);
    report(!smp_start(cpus, work, NULL), "there is no CPU %u", cpus);
    report(wait_for(&ready, cpus - 1), "%u CPUs at CPL 3", cpus - 1);

    __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
    work(NULL);
    user_leave();
    report(wait_for(&arrived, cpus), "all CPUs counted");
    report(counter == cpus * INCREMENTS, "counter is %u of %u", counter, cpus * INCREMENTS);

    for (unsigned cpu = 1; cpu < cpus; cpu++)
        apic_send_ipi(cpu, IPI_VECTOR);
    report(wait_for(&ipis[0], cpus - 1), "%u answers to interrupts of each CPU", cpus - 1);
    for (unsigned cpu = 1; cpu < cpus; cpu++)
        report(ipis[cpu] == 1, "CPU %u got one interrupt", cpu);
    apic_send_ipi(0, IPI_VECTOR);
    report(wait_for(&ipis[0], cpus), "an interrupt to itself");
    report_prefix_pop();
    return report_summary();
}
