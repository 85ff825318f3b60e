/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software Gen9 GPU: a register-level model of a Skylake GT2 (8086:1912). It is one PCI function that can be used in two
 * ways: through model_gpu(), as the physical GPU below the mediator, or through model_pci(), given whole to one guest.
 * 8086:1912 is HD Graphics 530: the part that Debian's i915, Mesa's shim and Intel's offline compilers all know as "skl".
 *
 * Threads: each engine runs on its own thread, the display on another; see model_internal.h.
 */
#ifndef MEDIANT_GPU_MODEL_MODEL_H
#define MEDIANT_GPU_MODEL_MODEL_H

#include "gpu/gpu.h"
#include "gpu/pci/pci_device.h"
#include "gpu/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

struct model;
struct image; /* gpu/blocks/image.h */
struct scanout;
struct scanout_reader;
struct monitor_settings;

struct model_config {
    uint64_t aperture_size;  /* bytes, 256 MiB .. 4 GiB, a power of two; 0 for 256 MiB */
    struct trace *trace;     /* may be NULL; must outlive the model */
    bool hdmi;               /* the monitor is on HDMI (EDID by GMBUS) instead of DisplayPort (EDID by AUX) */
    unsigned vgpu;           /* the id that the model's own events carry in the trace */
    const struct monitor_settings *monitor; /* gpu/blocks/edid.h, with its mode; NULL for 1920x1200; copied */
};

struct model *model_create(const struct model_config *config, GError **error);
void model_destroy(struct model *model); /* NULL is allowed; also through gpu_destroy and pci_device_ops.destroy */

/* The two faces; owned by the model. Only one of them may be used. */
struct gpu *model_gpu(struct model *model);
struct pci_device *model_pci(struct model *model);

/* As vgpu_scanout() and vgpu_reader() of mmio/, for the model's own monitor. */
void model_scanout(struct model *model, struct scanout *scanout, uint64_t *vblank_ns);
struct scanout_reader *model_reader(struct model *model, const struct scanout *scanout, GError **error);

/* What the model's own monitor shows now; NULL with an error when no plane is on. Caller frees with image_free(). */
struct image *model_screenshot(struct model *model, GError **error);

#ifdef __cplusplus
}
#endif
#endif
