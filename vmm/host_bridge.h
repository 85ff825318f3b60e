/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host bridge at 00:00.0: identity, and the register that tells where ECAM is. Attached by machine.c. */
#ifndef MEDIANT_VMM_HOST_BRIDGE_H
#define MEDIANT_VMM_HOST_BRIDGE_H

#include "gpu/pci/pci_device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    /* ECAM base (64 bits) with bit 0 enable and bits 2:1 length (0: 256 MiB), as in Intel's 6th generation datasheet, volume 2. */
    HOST_BRIDGE_PCIEXBAR = 0x60,
};

/* The bus that it is attached to owns it. */
struct pci_device *host_bridge_create(uint64_t ecam_base);

#ifdef __cplusplus
}
#endif
#endif
