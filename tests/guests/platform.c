/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine without a GPU offers: PCI configuration both ways, the serial port with its interrupt, unclaimed addresses, timers. */
#include "guest.h"
#include "interrupt.h"
#include "pci.h"

enum { COM1 = 0x3f8, SERIAL_LINE = 4, SERIAL_VECTOR = 0x44 };

static uint32_t serial_interrupts;

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
    report(pci_port_read(31 << 3, 0, 4) == ~0u && pci_read(31 << 3, 0, 4) == ~0u, "an empty slot reads all ones");
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

static void test_nothing(void)
{
    report_prefix_push("nothing");
    report(mmio_read32(0xf0000000) == ~0u, "unclaimed memory reads all ones");
    mmio_write32(0xf0000000, 1);
    report(mmio_read64(0xf0000000) == ~0ull, "and ignores writes");
    report(inb(0x1234) == 0xff && inl(0x1234) == ~0u, "unclaimed ports read all ones");
    report_prefix_pop();
}

int guest_main(void)
{
    test_pci();
    test_serial();
    test_nothing();
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
