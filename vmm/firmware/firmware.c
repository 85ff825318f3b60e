/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts the tables into the firmware area. Called by machine.c. */
#include "vmm/firmware/firmware.h"

#include "vmm/firmware/acpi.h"
#include "vmm/firmware/smbios.h"

#include <string.h>

uint64_t firmware_fill(const struct firmware_config *config, uint8_t *firmware)
{
    g_autoptr(GByteArray) acpi = g_byte_array_new(), smbios = g_byte_array_new();

    acpi_build(config, FIRMWARE_ACPI, acpi);
    smbios_build(config, FIRMWARE_SMBIOS, smbios);
    if (config->vcpus > 254 || acpi->len > FIRMWARE_SMBIOS - FIRMWARE_ACPI || smbios->len > FIRMWARE_END - FIRMWARE_SMBIOS)
        return 0;
    memcpy(firmware + (FIRMWARE_ACPI - FIRMWARE_START), acpi->data, acpi->len);
    memcpy(firmware + (FIRMWARE_SMBIOS - FIRMWARE_START), smbios->data, smbios->len);
    return FIRMWARE_ACPI;
}
