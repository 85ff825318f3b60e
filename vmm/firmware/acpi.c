/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds the ACPI tables. Called by firmware.c. */
#include "vmm/firmware/acpi.h"

#include "vmm/pci_bus.h"
#include "vmm/power.h"
#include "vmm/rtc.h"

#include <string.h>

#define LOCAL_APIC_BASE 0xfee00000u
#define IO_APIC_BASE 0xfec00000u

struct rsdp { /* 5.2.5.3 */
    char signature[8];
    uint8_t checksum; /* of the first 20 bytes */
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt, length;
    uint64_t xsdt;
    uint8_t extended_checksum, reserved[3];
} __attribute__((packed));

struct generic_address { /* 5.2.3.2 */
    uint8_t space, bits, offset, access;
    uint64_t address;
} __attribute__((packed));
enum { SPACE_IO = 1, ACCESS_BYTE = 1, ACCESS_WORD = 2, ACCESS_DWORD = 3 };

struct fadt { /* 5.2.9 */
    struct acpi_header header;
    uint32_t facs, dsdt;
    uint8_t reserved0, preferred_profile;
    uint16_t sci_interrupt;
    uint32_t smi_command;
    uint8_t acpi_enable, acpi_disable, s4bios_request, pstate_control;
    uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0, gpe1;
    uint8_t pm1_event_length, pm1_control_length, pm2_control_length, pm_timer_length, gpe0_length, gpe1_length, gpe1_base, cst_control;
    uint16_t c2_latency, c3_latency, flush_size, flush_stride;
    uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
    uint16_t boot_architecture;
    uint8_t reserved1;
    uint32_t flags;
    struct generic_address reset;
    uint8_t reset_value;
    uint16_t arm_boot_architecture;
    uint8_t minor_version;
    uint64_t x_facs, x_dsdt;
    struct generic_address x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control, x_pm2_control, x_pm_timer, x_gpe0, x_gpe1;
    struct generic_address sleep_control, sleep_status;
    char hypervisor[8];
} __attribute__((packed));
G_STATIC_ASSERT(sizeof(struct fadt) == 276);

enum {
    FADT_WBINVD = 1 << 0,
    FADT_C1_SUPPORTED = 1 << 2,
    FADT_NO_SLEEP_BUTTON = 1 << 5, /* not as fixed hardware; the power button, bit 4, is */
    FADT_NO_RTC_WAKE = 1 << 6,
    FADT_TIMER_32_BITS = 1 << 8,
    FADT_RESET = 1 << 10,
    BOOT_LEGACY_DEVICES = 1 << 0, /* a serial port; no 8042 keyboard controller (bit 1) */
    BOOT_NO_VGA = 1 << 2,         /* nothing that may be probed blindly */
    LATENCY_NO_C2 = 101,
    LATENCY_NO_C3 = 1001,
    RESET_VALUE = 0x06,
};

struct facs { /* 5.2.10 */
    char signature[4];
    uint32_t length, hardware_signature, waking_vector, global_lock, flags;
    uint64_t x_waking_vector;
    uint8_t version, reserved[31];
} __attribute__((packed));
G_STATIC_ASSERT(sizeof(struct facs) == 64);

struct madt { /* 5.2.12 */
    struct acpi_header header;
    uint32_t local_apic, flags;
} __attribute__((packed));
enum { MADT_PCAT_COMPAT = 1 << 0 }; /* there are 8259s too */

struct madt_local_apic {
    uint8_t type, length, uid, apic_id;
    uint32_t flags;
} __attribute__((packed));

struct madt_io_apic {
    uint8_t type, length, id, reserved;
    uint32_t address, gsi_base;
} __attribute__((packed));

struct madt_override {
    uint8_t type, length, bus, source;
    uint32_t gsi;
    uint16_t flags;
} __attribute__((packed));

struct madt_local_nmi {
    uint8_t type, length, uid;
    uint16_t flags;
    uint8_t lint;
} __attribute__((packed));

enum {
    MADT_LOCAL_APIC = 0,
    MADT_IO_APIC = 1,
    MADT_OVERRIDE = 2,
    MADT_LOCAL_NMI = 4,
    LOCAL_APIC_ENABLED = 1 << 0,
    ALL_PROCESSORS = 0xff,
    ACTIVE_HIGH = 1,
    ACTIVE_LOW = 3,
    LEVEL_TRIGGERED = 3 << 2,
};

struct mcfg {
    struct acpi_header header;
    uint64_t reserved0, base;
    uint16_t segment;
    uint8_t first_bus, last_bus;
    uint32_t reserved1;
} __attribute__((packed));

static uint8_t complement(const uint8_t *bytes, size_t count)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += bytes[i];
    return (uint8_t)-sum;
}

static void append(GByteArray *out, const void *data, size_t len)
{
    g_byte_array_append(out, data, (guint)len);
}

/* Tables start at multiples of 16, the FACS at one of 64. Returns the offset. */
static guint align(GByteArray *out, guint alignment)
{
    while (out->len % alignment)
        g_byte_array_append(out, (const guint8[1]){0}, 1);
    return out->len;
}

static struct acpi_header header(const char *signature, uint8_t revision)
{
    struct acpi_header h = {.revision = revision, .oem_id = "MEDIAN", .oem_table_id = "MEDIANT ", .oem_revision = 1, .creator_id = "MEDN", .creator_revision = 1};

    memcpy(h.signature, signature, sizeof(h.signature));
    return h;
}

/* The table that starts at an offset ends where out does. */
static void finish(GByteArray *out, guint start)
{
    struct acpi_header *h = (struct acpi_header *)(void *)(out->data + start);

    h->length = out->len - start;
    h->checksum = complement(out->data + start, out->len - start);
}

static guint add_dsdt(const struct firmware_config *config, GByteArray *out)
{
    const guint start = align(out, 16);
    const struct acpi_header h = header("DSDT", 2); /* 2: integers have 64 bits */

    append(out, &h, sizeof(h));
    dsdt_build(config, out);
    finish(out, start);
    return start;
}

static guint add_facs(GByteArray *out)
{
    const guint start = align(out, 64);
    const struct facs facs = {.signature = {'F', 'A', 'C', 'S'}, .length = sizeof(facs), .version = 2};

    append(out, &facs, sizeof(facs));
    return start;
}

static struct generic_address port(uint16_t address, unsigned bytes)
{
    return (struct generic_address){SPACE_IO, bytes * 8, 0, bytes == 4 ? ACCESS_DWORD : bytes == 2 ? ACCESS_WORD : ACCESS_BYTE, address};
}

static guint add_fadt(GByteArray *out, uint64_t facs, uint64_t dsdt)
{
    enum {
        EVENT = POWER_PORT + POWER_PM1_EVENT,
        CONTROL = POWER_PORT + POWER_PM1_CONTROL,
        TIMER = POWER_PORT + POWER_TIMER,
        EVENTS = POWER_PORT + POWER_GPE0,
    };
    const guint start = align(out, 16);
    const struct fadt fadt = {
        .header = header("FACP", 6),
        .facs = (uint32_t)facs,
        .dsdt = (uint32_t)dsdt,
        .sci_interrupt = POWER_IRQ,
        .pm1a_event = EVENT,
        .pm1a_control = CONTROL,
        .pm_timer = TIMER,
        .gpe0 = EVENTS,
        .pm1_event_length = 4,
        .pm1_control_length = 2,
        .pm_timer_length = 4,
        .gpe0_length = 4,
        .c2_latency = LATENCY_NO_C2,
        .c3_latency = LATENCY_NO_C3,
        .century = RTC_CENTURY,
        .boot_architecture = BOOT_LEGACY_DEVICES | BOOT_NO_VGA,
        .flags = FADT_WBINVD | FADT_C1_SUPPORTED | FADT_NO_SLEEP_BUTTON | FADT_NO_RTC_WAKE | FADT_TIMER_32_BITS | FADT_RESET,
        .reset = port(PCI_RESET_CONTROL, 1),
        .reset_value = RESET_VALUE,
        .minor_version = 4,
        .x_dsdt = dsdt,
        .x_pm1a_event = {SPACE_IO, 32, 0, ACCESS_WORD, EVENT}, /* two registers of a word each */
        .x_pm1a_control = port(CONTROL, 2),
        .x_pm_timer = port(TIMER, 4),
        .x_gpe0 = {SPACE_IO, 32, 0, ACCESS_BYTE, EVENTS},
        .hypervisor = "MEDIANT",
    };

    append(out, &fadt, sizeof(fadt));
    finish(out, start);
    return start;
}

static void add_override(GByteArray *out, unsigned irq, uint16_t flags)
{
    const struct madt_override override = {MADT_OVERRIDE, sizeof(override), 0, irq, irq, flags};

    append(out, &override, sizeof(override));
}

/* ISA interrupts reach the I/O APIC at the pin of their number, interrupt 0 too: that is how KVM connects them. */
static guint add_madt(GByteArray *out, unsigned vcpus)
{
    const guint start = align(out, 16);
    const struct madt madt = {.header = header("APIC", 5), .local_apic = LOCAL_APIC_BASE, .flags = MADT_PCAT_COMPAT};
    const struct madt_io_apic io_apic = {MADT_IO_APIC, sizeof(io_apic), 0, 0, IO_APIC_BASE, 0};
    const struct madt_local_nmi nmi = {MADT_LOCAL_NMI, sizeof(nmi), ALL_PROCESSORS, 0, 1};

    append(out, &madt, sizeof(madt));
    for (unsigned i = 0; i < vcpus; i++) {
        const struct madt_local_apic apic = {MADT_LOCAL_APIC, sizeof(apic), i, i, LOCAL_APIC_ENABLED};
        append(out, &apic, sizeof(apic));
    }
    append(out, &io_apic, sizeof(io_apic));
    add_override(out, POWER_IRQ, LEVEL_TRIGGERED | ACTIVE_HIGH);
    add_override(out, PCI_IRQ, LEVEL_TRIGGERED | ACTIVE_LOW);
    append(out, &nmi, sizeof(nmi));
    finish(out, start);
    return start;
}

static guint add_mcfg(GByteArray *out)
{
    const guint start = align(out, 16);
    const struct mcfg mcfg = {.header = header("MCFG", 1), .base = PCI_ECAM_BASE, .last_bus = PCI_ECAM_SIZE / PCI_ECAM_BUS_SIZE - 1};

    append(out, &mcfg, sizeof(mcfg));
    finish(out, start);
    return start;
}

static guint add_xsdt(GByteArray *out, const uint64_t *tables, size_t size)
{
    const guint start = align(out, 16);
    const struct acpi_header h = header("XSDT", 1);

    append(out, &h, sizeof(h));
    append(out, tables, size);
    finish(out, start);
    return start;
}

void acpi_build(const struct firmware_config *config, uint64_t base, GByteArray *out)
{
    struct rsdp rsdp = {.signature = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '}, .oem_id = "MEDIAN", .revision = 2, .length = sizeof(rsdp)};

    append(out, &rsdp, sizeof(rsdp));
    const uint64_t facs = base + add_facs(out), dsdt = base + add_dsdt(config, out);
    const uint64_t tables[] = {base + add_fadt(out, facs, dsdt), base + add_madt(out, config->vcpus), base + add_mcfg(out)};
    rsdp.xsdt = base + add_xsdt(out, tables, sizeof(tables));
    rsdp.checksum = complement((const uint8_t *)&rsdp, offsetof(struct rsdp, length));
    rsdp.extended_checksum = complement((const uint8_t *)&rsdp, sizeof(rsdp));
    memcpy(out->data, &rsdp, sizeof(rsdp));
}
