/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SMBIOS structures (DMTF DSP0134 3.4), for firmware.c: what dmidecode, systemd and cloud-init read of a machine. */
#ifndef MEDIANT_VMM_FIRMWARE_SMBIOS_H
#define MEDIANT_VMM_FIRMWARE_SMBIOS_H

#include "vmm/firmware/firmware.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appends the 64-bit entry point and the structures, for memory that starts at base (a multiple of 16), to out, which is empty. */
void smbios_build(const struct firmware_config *config, uint64_t base, GByteArray *out);

#ifdef __cplusplus
}
#endif
#endif
