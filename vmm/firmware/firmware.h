/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a PC's firmware leaves in memory: ACPI tables and SMBIOS structures that describe the machine that machine.c builds. They are written
 * into the area below 1 MiB where guests that are told nothing search for them. No firmware code runs, so there is none to call either.
 */
#ifndef MEDIANT_VMM_FIRMWARE_H
#define MEDIANT_VMM_FIRMWARE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All of it lies here; a boot_range for boot.h. */
#define FIRMWARE_START UINT64_C(0xe0000)
#define FIRMWARE_OPREGION FIRMWARE_START /* 8 KiB, for the GPU's (IGD OpRegion) */
#define FIRMWARE_ACPI UINT64_C(0xe4000)
#define FIRMWARE_SMBIOS UINT64_C(0xf0000)
#define FIRMWARE_END UINT64_C(0x100000)

struct firmware_config {
    const char *name; /* the VM's: SMBIOS has it as the serial number, and the UUID is made from it */
    unsigned vcpus;   /* local APIC ids 0 .. vcpus - 1; at most 254 */
    uint64_t memory_low, memory_high; /* bytes of RAM from 0 and from MEMORY_HIGH_BASE */
    uint64_t pci_high, pci_high_end;  /* the range for 64-bit BARs */
};

/*
 * Writes everything to firmware, which stands for guest memory [FIRMWARE_START, FIRMWARE_END), and returns the physical address of ACPI's root pointer
 * (RSDP). 0 when the tables do not fit: 254 vCPUs do.
 */
uint64_t firmware_fill(const struct firmware_config *config, uint8_t *firmware);

#ifdef __cplusplus
}
#endif
#endif
