/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IGD OpRegion: 8 KiB of a guest's memory in which firmware tells the driver of Intel graphics about the board, above all by the VBT (vbt.h). Firmware
 * reserves the memory, fills it, and writes its address to the register ASLS in the GPU's configuration space; 0 there means that there is none.
 *
 * All GPUs of ours, vGPUs and the model, are on the same kind of board, so one content fits them all. opregion_fill() makes it: for our own machine, which is
 * the guest's firmware (opregion_install()), and for a file that other VMMs' firmware takes (vmm opregion).
 * Sources: Linux 6.1 i915 display/intel_opregion.c (layout, what a driver reads and writes) and gvt/opregion.c (what GVT-g gives to its guests).
 */
#ifndef MEDIANT_GPU_BLOCKS_OPREGION_H
#define MEDIANT_GPU_BLOCKS_OPREGION_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct display_wiring; /* gpu/blocks/display.h */
struct dma_space;      /* gpu/pci/dma.h */
struct pci_device;     /* gpu/pci/pci_device.h */

enum {
    OPREGION_SIZE = 8192,
    OPREGION_ALIGN = 4096,
    OPREGION_VBT = 0x400, /* where the VBT is, at most 6 KiB */
    OPREGION_ASLS = 0xfc, /* register of the GPU's configuration space, 32 bits; firmware writes it */
};

/* Writes all OPREGION_SIZE bytes of buf. wiring: normally &display_board. */
void opregion_fill(uint8_t *buf, const struct display_wiring *wiring);

/*
 * Does firmware's part: writes the OpRegion to [gpa, gpa + OPREGION_SIZE) of the guest's memory and its address to the GPU's ASLS, which a reset of the GPU
 * clears. The caller keeps that memory from the guest's memory map. gpu is attached, no vCPU runs. False, with the GPU as it was, when gpu is no Intel
 * display controller, or gpa is 0, not a multiple of OPREGION_ALIGN, beyond 4 GiB, or has no writable memory; false too when ASLS does not take the address.
 */
bool opregion_install(struct pci_device *gpu, struct dma_space *dma, uint64_t gpa);

#ifdef __cplusplus
}
#endif
#endif
