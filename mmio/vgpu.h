/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual GPU: a PCI function that looks like a Skylake GT2 to its guest and turns what the guest writes into workloads for the
 * scheduler. Ballooned in the way of GVT-g: the guest learns its part of the global GTT from PVINFO.
 *
 * Threads: register accesses come from vCPU threads, under the vGPU's lock; the vGPU's own thread takes results from the scheduler,
 * keeps the virtual display's time, and raises interrupts.
 */
#ifndef MEDIANT_MMIO_VGPU_H
#define MEDIANT_MMIO_VGPU_H

#include "gpu/pci/pci_device.h"
#include "scheduler/scheduler.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vgpu;
struct stream; /* gpu/defs/stream.h */
struct image; /* gpu/blocks/image.h */
struct scanout; /* gpu/blocks/scanout.h */
struct scanout_reader;
struct monitor_settings; /* gpu/blocks/edid.h */

/* The kernel's types: "i915-GVTg_V5_1" and so on; values as in Linux 6.1 gvt/vgpu.c. */
struct vgpu_type {
    const char *name;
    uint64_t low_gm, high_gm; /* bytes */
    unsigned fences;
    unsigned weight;
    unsigned width, height; /* of the virtual monitor, at most */
};
/* Terminated by an entry without a name. */
extern const struct vgpu_type vgpu_types[];
const struct vgpu_type *vgpu_type_find(const char *name); /* NULL when unknown */
/* The lines of the kernel's mdev sysfs file (Linux 6.1 gvt/kvmgt.c, description_show). Caller frees with g_free(). */
char *vgpu_type_description(const struct vgpu_type *type);

struct vgpu_config {
    unsigned id;        /* 1 .. TRACE_MAX_VGPUS - 1 */
    const char *name;   /* for messages; copied */
    const struct vgpu_type *type;
    unsigned weight;    /* 0 for the type's */
    unsigned cap;       /* most of each engine's time, in percent; 0: no cap */
    bool latency;       /* in the scheduler's latency class */
    uint64_t trap_limit; /* most accesses of the guest in a second, before they wait; 0: no limit */
    bool hdmi;          /* the monitor is on HDMI (EDID by GMBUS) instead of DisplayPort (EDID by AUX) */
    const struct monitor_settings *monitor; /* with its mode; NULL for the type's size; copied */
    struct trace *trace;
    /* Called once, from any thread, when the vGPU is disabled because of what its guest did; must not block. May be NULL. */
    void (*failed)(void *opaque, const char *reason);
    /*
     * Called from the vGPU's thread or a vCPU's, under the vGPU's lock, when a workload hung: where the engine stood. Must not block nor call back; state is valid
     * during the call. May be NULL.
     */
    void (*hung)(void *opaque, const struct error_state *state);
    /*
     * For who records what the guest submits (gpu/defs/stream.h): asked at each submission whether it is wanted, and given it, to keep. Threads and lock as above,
     * no lock of the scheduler; must not block nor call back. Both may be NULL.
     */
    bool (*records)(void *opaque);
    void (*recorded)(void *opaque, struct stream *stream);
    void *opaque;
};

/* Fails when the type no longer fits: the error names what is exhausted (low or high GM) and how much is left. */
struct vgpu *vgpu_create(struct scheduler *scheduler, struct driver *driver, const struct vgpu_config *config, GError **error);
void vgpu_destroy(struct vgpu *vgpu); /* NULL is allowed; also by pci_device_ops.destroy */

/* The function to plug into a machine; owned by the vGPU. */
struct pci_device *vgpu_pci(struct vgpu *vgpu);

/* Its share of the engines' time from now on, 1 .. 256. Any thread. */
void vgpu_set_weight(struct vgpu *vgpu, unsigned weight);
/* As in struct vgpu_config. Any thread. */
void vgpu_set_limits(struct vgpu *vgpu, unsigned cap, bool latency);

/* The reason why it was disabled, or NULL; valid until vgpu_destroy(). */
const char *vgpu_failure(struct vgpu *vgpu);

/*
 * For who looks at the virtual monitor often: what its pipe is set to now and when the next vertical blank begins (UINT64_MAX: the pipe is off), which costs
 * next to nothing; then a reader of the picture of that. False or NULL with an error when the vGPU is disabled or there is no picture.
 */
bool vgpu_scanout(struct vgpu *vgpu, struct scanout *scanout, uint64_t *vblank_ns, GError **error);
struct scanout_reader *vgpu_reader(struct vgpu *vgpu, const struct scanout *scanout, GError **error);

/* What the virtual monitor shows now; NULL with an error when the guest has no plane on. Caller frees with image_free(). */
struct image *vgpu_screenshot(struct vgpu *vgpu, GError **error);

struct vgpu_stats {
    struct sched_usage usage;
    uint64_t frames; /* surfaces that became visible: flips of the primary plane */
    uint64_t vblanks;
    uint64_t delayed, delayed_ns; /* accesses that had to wait because of the limit, and their time */
    unsigned shadow_tables, shadow_tables_max; /* 4 KiB each: taken so far, and the quota */
};
void vgpu_stats(struct vgpu *vgpu, struct vgpu_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
