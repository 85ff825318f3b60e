/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a machine without a GPU offers: PCI configuration both ways, the serial port, the RTC and ACPI's timer with their interrupts, tables,
 * unclaimed addresses.
 */
#include "guest.h"
#include "interrupt.h"
#include "pci.h"

enum { COM1 = 0x3f8, SERIAL_LINE = 4, SERIAL_VECTOR = 0x44, RTC_LINE = 8, RTC_VECTOR = 0x48, PM_TIMER = 0x608 };

static uint32_t serial_interrupts, rtc_interrupts, rtc_flags;

static void on_serial(struct interrupt_frame *frame, void *arg)
{
    (void)inb(COM1 + 2); /* IIR: acknowledges "transmitter empty" */
    __atomic_add_fetch(&serial_interrupts, 1, __ATOMIC_RELEASE);
}

static void test_pci(void)
{
    report_prefix_push("pci");
    report(pci_port_read(0, 0, 4) == 0x191f8086, "host bridge by ports is 0x%x", pci_port_read(0, 0, 4));
    report(boot.ecam_base && pci_read(0, 0, 4) == pci_port_read(0, 0, 4), "the same by ECAM");
    report((pci_port_read(0, 0x60, 4) & ~1u) == boot.ecam_base, "PCIEXBAR tells where ECAM is");
    report(pci_port_read(0, 2, 2) == 0x191f && pci_port_read(0, 3, 1) == 0x19, "word and byte accesses");
    report(pci_port_read(30 << 3, 0, 4) == ~0u && pci_read(30 << 3, 0, 4) == ~0u, "an empty slot reads all ones");
    report(pci_read(31 << 3, 0, 4) == 0xa1458086 && pci_read(31 << 3, 8, 4) >> 8 == 0x060100, "the PCH's ISA bridge");
    pci_write(0, 0, 4, 0x12345678);
    report(pci_read(0, 0, 4) == 0x191f8086, "the identity is read-only");
    pci_port_write(0, 0x0c, 1, 0x5a);
    report(pci_read(0, 0x0c, 1) == 0x5a, "a write by ports is seen by ECAM");
    outl(0xcf8, 0);
    report(inl(0xcfc) == ~0u, "a disabled address reads all ones");
    outl(0xcf8, 0x80000008);
    report(inl(0xcf8) == 0x80000008, "the address register reads back");
    report_prefix_pop();
}

static void test_serial(void)
{
    report_prefix_push("serial");
    outb(COM1 + 7, 0xa5);
    report(inb(COM1 + 7) == 0xa5, "scratch register");
    report((inb(COM1 + 5) & 0x60) == 0x60, "transmitter empty");
    interrupt_set(SERIAL_VECTOR, on_serial, NULL);
    ioapic_route(SERIAL_LINE, SERIAL_VECTOR, 0);
    outb(COM1 + 4, 0x0b); /* DTR, RTS, OUT2 */
    outb(COM1 + 1, 0x02);
    cpu_wait_while(&serial_interrupts, 0);
    report(serial_interrupts == 1, "enabling the transmitter interrupt raises it");
    outb(COM1 + 1, 0);
    outb(COM1 + 4, 0x10); /* loop */
    outb(COM1 + 2, 0x01);
    outb(COM1, 'x');
    bool looped = (inb(COM1 + 5) & 1) && inb(COM1) == 'x';
    outb(COM1 + 4, 0x0b);
    report(looped, "loop-back");
    report_prefix_pop();
}

static uint8_t rtc_read(uint8_t index)
{
    outb(0x70, index);
    return inb(0x71);
}

static void rtc_write(uint8_t index, uint8_t value)
{
    outb(0x70, index);
    outb(0x71, value);
}

static void on_rtc(struct interrupt_frame *frame, void *arg)
{
    rtc_flags = rtc_read(12);
    __atomic_add_fetch(&rtc_interrupts, 1, __ATOMIC_RELEASE);
}

static void test_clocks(void)
{
    report_prefix_push("clocks");
    report(rtc_read(0x32) >= 0x20 && rtc_read(13) == 0x80, "the RTC has a year, 0x%x%02x", rtc_read(0x32), rtc_read(9));
    interrupt_set(RTC_VECTOR, on_rtc, NULL);
    ioapic_route(RTC_LINE, RTC_VECTOR, 0);
    (void)rtc_read(12);
    rtc_write(11, 0x42);
    for (uint32_t seen = 0; seen < 3; seen++)
        cpu_wait_while(&rtc_interrupts, seen);
    rtc_write(11, 0x02);
    report(rtc_interrupts >= 3 && (rtc_flags & 0xc0) == 0xc0, "its periodic interrupt comes, flags 0x%x", rtc_flags);
    uint32_t start = inl(PM_TIMER), now = start;
    for (unsigned i = 0; i < 1000000 && now - start < 3580; i++)
        now = inl(PM_TIMER);
    report(now - start >= 3580 && now - start < 0x80000000, "ACPI's timer counts");
    report(inw(0x604) & 1, "the machine is in ACPI mode");
    report_prefix_pop();
}

static void test_tables(void)
{
    const char *rsdp = NULL, *smbios = NULL;

    report_prefix_push("tables");
    for (uintptr_t p = 0xe0000; p < 0x100000; p += 16) {
        if (!rsdp && *(const uint64_t *)p == 0x2052545020445352) /* "RSD PTR " */
            rsdp = (const char *)p;
        if (!smbios && (*(const uint64_t *)p & 0xffffffffff) == 0x5f334d535f) /* "_SM3_" */
            smbios = (const char *)p;
    }
    report(rsdp && **(const uint32_t *const *)(rsdp + 24) == 0x54445358, "ACPI's root pointer leads to an XSDT");
    report(smbios && **(const uint16_t *const *)(smbios + 16) == 0x1800, "SMBIOS starts with the firmware's structure");
    report_prefix_pop();
}

static void test_nothing(void)
{
    report_prefix_push("nothing");
    report(mmio_read32(0xf0000000) == ~0u, "unclaimed memory reads all ones");
    mmio_write32(0xf0000000, 1);
    report(mmio_read64(0xf0000000) == ~0ull, "and ignores writes");
    report(inb(0x1234) == 0xff && inl(0x1234) == ~0u, "unclaimed ports read all ones");
    report_prefix_pop();
}

static uint64_t default_memory_type(void)
{
    uint32_t low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0x2ff)); /* IA32_MTRR_DEF_TYPE */
    return (uint64_t)high << 32 | low;
}

int guest_main(void)
{
    test_pci();
    test_serial();
    test_clocks();
    test_tables();
    test_nothing();
    report(default_memory_type() == 0x806, "memory is write-back by default, and MTRRs are on");
    uint64_t hz = tsc_hz();
    report(hz > 100000000 && hz < 10000000000, "TSC runs at %lu MHz", hz / 1000000);
    user_enter();
    uint32_t seen = serial_interrupts;
    outb(COM1 + 1, 0x02);
    cpu_wait_while(&serial_interrupts, seen);
    report(serial_interrupts == seen + 1, "an interrupt at CPL 3");
    report(mmio_read32(0xf0000000) == ~0u, "a device access at CPL 3");
    return report_summary();
}
