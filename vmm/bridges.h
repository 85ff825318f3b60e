/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two functions of the platform that every VM has: the host bridge at 00:00.0 and the PCH's LPC bridge (to ISA) at 00:1f.0. Drivers
 * look at them to learn where they are: i915 tells the PCH, and by that the display's outputs, from the LPC bridge, and leaves MCHBAR as
 * it finds it. Registers: 6th Generation Intel Core datasheet, volume 2 (host bridge); Intel 100 series PCH datasheet, volume 2. Both are
 * configuration space only. Attached by machine.c.
 */
#ifndef MEDIANT_VMM_BRIDGES_H
#define MEDIANT_VMM_BRIDGES_H

#include "gpu/pci/pci_device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HOST_BRIDGE_SLOT = 0,
    HOST_BRIDGE_MCHBAR = 0x48,   /* 64 bits: base, bit 0 enable; nothing answers there, as i915 reads the GPU's mirror of it */
    HOST_BRIDGE_PCIEXBAR = 0x60, /* 64 bits: base of ECAM, bit 0 enable, bits 2:1 length (0: 256 MiB) */
    HOST_BRIDGE_TOM = 0xa0,      /* 64 bits: bytes of RAM */
    HOST_BRIDGE_TOUUD = 0xa8,    /* 64 bits: end of the RAM above 4 GiB */
    HOST_BRIDGE_TOLUD = 0xbc,    /* 32 bits: end of the RAM below 4 GiB */
    ISA_BRIDGE_SLOT = 31,
};

/* Where the host bridge says that its own registers are: 32 KiB. */
#define HOST_BRIDGE_MCHBAR_BASE UINT64_C(0xfed10000)
#define HOST_BRIDGE_MCHBAR_SIZE UINT64_C(0x8000)

struct host_bridge_config {
    uint64_t ecam_base;
    uint64_t low, high; /* bytes of RAM from 0 and from MEMORY_HIGH_BASE, multiples of 1 MiB or cut down to that */
};

/* The bus that they are attached to owns them. */
struct pci_device *host_bridge_create(const struct host_bridge_config *config);
struct pci_device *isa_bridge_create(void);

#ifdef __cplusplus
}
#endif
#endif
