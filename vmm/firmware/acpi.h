/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ACPI tables, for firmware.c. Layouts: ACPI 6.4, chapter 5.2; MCFG: PCI Firmware Specification 3.3, 4.1.2. */
#ifndef MEDIANT_VMM_FIRMWARE_ACPI_H
#define MEDIANT_VMM_FIRMWARE_ACPI_H

#include "vmm/firmware/firmware.h"

#ifdef __cplusplus
extern "C" {
#endif

struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum; /* all bytes add up to 0 */
    char oem_id[6], oem_table_id[8];
    uint32_t oem_revision;
    char creator_id[4];
    uint32_t creator_revision;
} __attribute__((packed));

/*
 * Appends RSDP, XSDT, FADT, FACS, MADT, MCFG and DSDT, for memory that starts at base (a multiple of 64), to out, which is empty. The RSDP
 * comes first.
 */
void acpi_build(const struct firmware_config *config, uint64_t base, GByteArray *out);

/* dsdt.c: appends the DSDT's definition block, what follows its header. */
void dsdt_build(const struct firmware_config *config, GByteArray *out);

#ifdef __cplusplus
}
#endif
#endif
