/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DSDT: what is on the board that no bus can be asked for. Called by acpi.c. */
#include "vmm/boot.h"
#include "vmm/bridges.h"
#include "vmm/firmware/acpi.h"
#include "vmm/firmware/aml.h"
#include "vmm/machine.h"
#include "vmm/pci_bus.h"
#include "vmm/pci_plug.h"
#include "vmm/power.h"
#include "vmm/rtc.h"
#include "vmm/serial.h"

enum { PCI_PINS = 4 };

/* Where PCI interrupts go: every pin of every slot to one line. An entry names function "any" of a slot, a pin, no link device, and the line. */
static void add_interrupts(struct aml *aml)
{
    aml_name(aml, "_PRT");
    aml_open_package(aml, PCI_SLOTS * PCI_PINS);
    for (unsigned slot = 0; slot < PCI_SLOTS; slot++)
        for (unsigned pin = 0; pin < PCI_PINS; pin++) {
            aml_open_package(aml, 4);
            aml_integer(aml, slot << 16 | 0xffff);
            aml_integer(aml, pin);
            aml_integer(aml, 0);
            aml_integer(aml, PCI_IRQ);
            aml_end(aml);
        }
    aml_end(aml);
}

static void add_windows(struct aml *aml, const struct firmware_config *config)
{
    aml_name(aml, "_CRS");
    aml_open_resources(aml);
    aml_range16(aml, AML_RANGE_BUS, 0, PCI_ECAM_SIZE / PCI_ECAM_BUS_SIZE - 1);
    aml_io(aml, PCI_CONFIG_ADDRESS, 8);
    aml_range16(aml, AML_RANGE_IO, 0, PCI_CONFIG_ADDRESS - 1);
    aml_range16(aml, AML_RANGE_IO, PCI_CONFIG_ADDRESS + 8, UINT16_MAX);
    aml_range32(aml, AML_RANGE_MEMORY, PCI_HOLE_START, PCI_HOLE_END - 1);
    if (config->pci_high_end > config->pci_high)
        aml_range64(aml, AML_RANGE_MEMORY, config->pci_high, config->pci_high_end - 1);
    aml_end(aml);
}

/* An ISA device with one range of ports and, unless irq is 0, an interrupt. */
static void add_isa_device(struct aml *aml, const char *name, const char *id, uint16_t port, uint8_t ports, unsigned irq)
{
    aml_open_device(aml, name);
    aml_name(aml, "_HID");
    aml_eisa_id(aml, id);
    aml_name(aml, "_UID");
    aml_integer(aml, 1);
    aml_name(aml, "_CRS");
    aml_open_resources(aml);
    aml_io(aml, port, ports);
    if (irq)
        aml_irq(aml, irq);
    aml_end(aml);
    aml_end(aml);
}

/*
 * The slot of the GPU, which comes and goes: what an operating system needs to be told of that, and to tell. It has no _STA: whether something is there is
 * what the bus says. The code, in the language that aml.h writes the encoding of:
 *
 *     HPEV: what a general-purpose event calls. Looks what happened, clears it, and then tells, so that what happens meanwhile is not lost.
 *     HPOS(slot, event, status): a report, in three steps that nothing may come between.
 */
static void add_plugging(struct aml *aml)
{
    static const char *const registers[] = {"HPIN", "HPRM", "HPEJ", "HPSL", "HPRE", "HPRS", NULL}; /* as pci_plug.h has them */
    static const struct {
        const char *what;
        uint8_t notification; /* ACPI 6.4, table 5.175: device check, eject request */
    } events[] = {{"HPIN", 1}, {"HPRM", 3}};
    const uint32_t bit = UINT32_C(1) << MACHINE_GPU_SLOT;

    G_STATIC_ASSERT(PCI_PLUG_PORTS == 4 * (G_N_ELEMENTS(registers) - 1));
    aml_port_fields(aml, "HPRG", PCI_PLUG_PORT, registers);
    aml_open_method(aml, "HPOS", 3, true);
    for (unsigned i = 0; i < 3; i++) {
        aml_store(aml);
        aml_argument(aml, i);
        aml_use(aml, registers[3 + i]);
    }
    aml_end(aml);

    aml_open_device(aml, "GFX0");
    aml_name(aml, "_ADR");
    aml_integer(aml, MACHINE_GPU_SLOT << 16);
    aml_name(aml, "_SUN");
    aml_integer(aml, MACHINE_GPU_SLOT);
    aml_open_method(aml, "_EJ0", 1, true);
    aml_store(aml);
    aml_integer(aml, bit);
    aml_use(aml, "HPEJ");
    aml_end(aml);
    aml_open_method(aml, "_OST", 3, true);
    aml_use(aml, "HPOS");
    aml_integer(aml, MACHINE_GPU_SLOT);
    aml_argument(aml, 0);
    aml_argument(aml, 1);
    aml_end(aml);
    aml_end(aml);

    aml_open_method(aml, "HPEV", 0, true);
    for (unsigned i = 0; i < G_N_ELEMENTS(events); i++) {
        aml_open_if(aml);
        aml_and(aml);
        aml_use(aml, events[i].what);
        aml_integer(aml, bit);
        aml_nowhere(aml);
        aml_store(aml);
        aml_integer(aml, bit);
        aml_use(aml, events[i].what);
        aml_notify(aml, "GFX0", events[i].notification);
        aml_end(aml);
    }
    aml_end(aml);
}

/* Edge: the event is cleared before the method runs. */
static void add_events(struct aml *aml)
{
    char name[5];

    g_snprintf(name, sizeof(name), "_E%02X", POWER_GPE_PLUG);
    aml_open_scope(aml, "_GPE");
    aml_open_method(aml, name, 0, false);
    aml_use(aml, "\\_SB_.PCI0.HPEV");
    aml_end(aml);
    aml_end(aml);
}

/* A conventional host bridge (PNP0A03): what is on its bus are conventional functions, so there is nothing that _OSC would negotiate. */
static void add_pci(struct aml *aml, const struct firmware_config *config)
{
    aml_open_device(aml, "PCI0");
    aml_name(aml, "_HID");
    aml_eisa_id(aml, "PNP0A03");
    aml_name(aml, "_UID");
    aml_integer(aml, 0);
    aml_name(aml, "_BBN");
    aml_integer(aml, 0);
    add_windows(aml, config);
    add_interrupts(aml);

    aml_open_device(aml, "ISA_");
    aml_name(aml, "_ADR");
    aml_integer(aml, ISA_BRIDGE_SLOT << 16);
    add_isa_device(aml, "COM1", "PNP0501", SERIAL_PORT, SERIAL_PORTS, SERIAL_IRQ);
    add_isa_device(aml, "RTC_", "PNP0B00", RTC_PORT, RTC_PORTS, RTC_IRQ);
    add_isa_device(aml, "TIMR", "PNP0100", 0x40, 4, 0); /* KVM's PIT; its interrupt 0 is the kernel's to know */
    aml_end(aml);
    add_plugging(aml);
    aml_end(aml);
}

/* What is taken though no device says so. */
static void add_board(struct aml *aml)
{
    aml_open_device(aml, "MBRD");
    aml_name(aml, "_HID");
    aml_eisa_id(aml, "PNP0C02");
    aml_name(aml, "_UID");
    aml_integer(aml, 0);
    aml_name(aml, "_CRS");
    aml_open_resources(aml);
    aml_memory(aml, PCI_ECAM_BASE, PCI_ECAM_SIZE);
    aml_memory(aml, HOST_BRIDGE_MCHBAR_BASE, HOST_BRIDGE_MCHBAR_SIZE);
    aml_io(aml, POWER_PORT, POWER_PORTS);
    aml_io(aml, PCI_PLUG_PORT, PCI_PLUG_PORTS);
    aml_io(aml, BOOT_EXIT_PORT, 1);
    aml_end(aml);
    aml_end(aml);
}

static void add_processors(struct aml *aml, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[5];
        g_snprintf(name, sizeof(name), "CP%02X", i & 0xff);
        aml_open_device(aml, name);
        aml_name(aml, "_HID");
        aml_string(aml, "ACPI0007");
        aml_name(aml, "_UID");
        aml_integer(aml, i);
        aml_end(aml);
    }
}

void dsdt_build(const struct firmware_config *config, GByteArray *out)
{
    struct aml aml = {.bytes = out};

    aml_open_scope(&aml, "_SB_");
    add_pci(&aml, config);
    add_board(&aml);
    add_processors(&aml, config->vcpus);
    aml_end(&aml);
    add_events(&aml);
    /* Soft off, the only sleeping state: SLP_TYP for PM1a and PM1b control. */
    aml_name(&aml, "_S5_");
    aml_open_package(&aml, 4);
    aml_integer(&aml, POWER_S5_TYPE);
    for (unsigned i = 0; i < 3; i++)
        aml_integer(&aml, 0);
    aml_end(&aml);
}
