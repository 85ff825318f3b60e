/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The physical GPU: what one Gen9 PCI function offers to the software that drives it. gpu/model implements it in software;
 * gpu/vfio will implement it on hardware. gpu/driver is written on this surface alone, and nothing above the driver touches it.
 *
 * Threads: all functions may be called from any thread, except destroy. The interrupt callback runs on a thread of the backend with
 * no backend lock held; it must not block and must not call back into the GPU (it wakes the driver's thread).
 */
#ifndef MEDIANT_GPU_GPU_H
#define MEDIANT_GPU_GPU_H

#include "gpu/defs/engine.h"
#include "gpu/pci/dma.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gpu;

/* The kernel's names: "rcs0", "bcs0", "vcs0", "vecs0". "?" for other values. */
const char *gpu_engine_name(unsigned engine);

struct gpu_info {
    uint16_t vendor, device;
    uint8_t revision;
    const char *name;       /* for people: "Skylake GT2 model" */
    uint64_t aperture_size; /* bytes of BAR2: the part of the GGTT that the CPU can reach */
    uint64_t ggtt_size;     /* bytes of global graphics address space: 4 GiB */
    unsigned fences;        /* fence registers: 32 */
};

struct gpu_ops {
    /* MMIO in BAR0 below 2 MiB. offset is a multiple of 4; others read all ones and ignore writes. */
    uint32_t (*read32)(struct gpu *gpu, uint32_t offset);
    void (*write32)(struct gpu *gpu, uint32_t offset, uint32_t value);
    /* Global GTT entries (BAR0 + 8 MiB). index is the page number; beyond the table reads 0, writes are ignored. */
    uint64_t (*pte_read)(struct gpu *gpu, uint32_t index);
    void (*pte_write)(struct gpu *gpu, uint32_t index, uint64_t pte);
    /*
     * Makes host memory reachable for the GPU's DMA and tells the address to put into page tables (39 bits, 4 KiB aligned; 2 MiB
     * aligned when host and size are). size is a multiple of 4 KiB. The memory must stay until dma_unmap, which returns
     * when the GPU no longer touches it.
     */
    bool (*dma_map)(struct gpu *gpu, void *host, uint64_t size, unsigned prot, uint64_t *iova, GError **error);
    void (*dma_unmap)(struct gpu *gpu, uint64_t iova, uint64_t size);
    /* The function to call at each interrupt (MSI). NULL for none; when it returns the old one no longer runs. */
    void (*set_irq)(struct gpu *gpu, void (*fn)(void *opaque), void *opaque);
    /* Function-level reset: all state at power-on, DMA mappings kept. */
    bool (*reset)(struct gpu *gpu, GError **error);
    void (*destroy)(struct gpu *gpu);
};

/* Embedded in each backend. */
struct gpu {
    const struct gpu_ops *ops;
    struct gpu_info info;
};

static inline uint32_t gpu_read32(struct gpu *gpu, uint32_t offset)
{
    return gpu->ops->read32(gpu, offset);
}

static inline void gpu_write32(struct gpu *gpu, uint32_t offset, uint32_t value)
{
    gpu->ops->write32(gpu, offset, value);
}

/* Releases the backend; NULL is allowed. */
void gpu_destroy(struct gpu *gpu);

#ifdef __cplusplus
}
#endif
#endif
