/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between the parts of the vGPU. One struct, one lock:
 *
 *  - vgpu->lock guards everything but what is marked otherwise. Register, GTT and aperture accesses run under it on vCPU threads,
 *    results of the scheduler and display time on the vGPU's own thread. vgpu_lock() / vgpu_unlock() bracket it; the second sends
 *    what interrupts came due, with no lock held.
 *  - Order: the dma_space's lock for changes (listener callbacks) -> vgpu->lock -> the scheduler's, the driver's, dma sections.
 *  - wake_lock is a leaf: scheduler callbacks take it and nothing else.
 */
#ifndef MEDIANT_MMIO_VGPU_INTERNAL_H
#define MEDIANT_MMIO_VGPU_INTERNAL_H

#include "gpu/blocks/display.h"
#include "gpu/blocks/execlist.h"
#include "gpu/blocks/fences.h"
#include "gpu/blocks/irq_tree.h"
#include "gpu/blocks/uncore.h"
#include "gpu/defs/registers.h"
#include "mmio/ppgtt.h"
#include "mmio/throttle.h"
#include "mmio/vgpu.h"

enum {
    VGPU_ALL_ENGINES = (1 << ENGINE_COUNT) - 1,
};

/* One range of guest memory that the GPU can reach. */
struct guest_region {
    uint64_t gpa, size, iova;
    bool writable;
};

/* A workload that the scheduler has, in the order of submission. */
struct flight {
    struct workload *workload;
    struct ppgtt_root *root;
    uint64_t pdp[4];   /* the guest's own, as in its context image */
    bool four_level;
    uint32_t ring_start, ring_tail, ring_ctl; /* as in its context image */
    uint64_t element;  /* which submitted element it belongs to: virtual_engine.element */
    GArray *flips;     /* struct flip; NULL for none */
};

/* A flip command: dwords as in MI_DISPLAY_FLIP. */
struct flip {
    uint32_t dwords[4];
};

struct virtual_engine {
    struct vgpu *vgpu;
    unsigned index;     /* enum gpu_engine */
    struct execlist list;
    GQueue flights;     /* struct flight */
    uint64_t element;   /* number of the element that runs */
    bool ahead;         /* the second element of the running list is queued already, as number element + 1 */
    bool preempting;    /* the scheduler was asked to give everything back */
    bool taken_off;     /* ... and the running element did not end before */
    bool hung;          /* stands still until the guest resets it */
    bool context_switch; /* an interrupt of the execlist is due when the machine has returned */
};

/* PCI_DIRECT_PAGES pages of the aperture (aperture_direct.c). */
struct aperture_window {
    bool open;        /* the guest reaches it itself */
    uint32_t traps;   /* since it was closed or refused */
    uint32_t wanted;  /* ... before it is opened */
    uint32_t changes; /* of its entries, since it was opened */
};

struct vgpu {
    struct pci_device pci; /* first: vgpu_pci() */
    struct scheduler *scheduler;
    struct driver *driver;
    struct gpu *gpu;
    struct sched_client *client;
    const struct vgpu_type *type;
    struct throttle throttle; /* of accesses to its BARs */
    struct trace *trace;
    unsigned id;
    char *name;
    void (*failed)(void *opaque, const char *reason);
    void (*hung)(void *opaque, const struct error_state *state);
    bool (*records)(void *opaque);
    void (*recorded)(void *opaque, struct stream *stream);
    void *opaque;

    GMutex lock;

    /* Partition of the physical GPU. Constant. */
    uint64_t low_base, high_base, aperture_size;
    bool low_allocated, high_allocated;

    /* Guest memory as the GPU sees it (guest_memory.c). */
    GArray *regions; /* struct guest_region, sorted by gpa */
    unsigned listener;

    /* Global GTT (ggtt.c). */
    uint64_t *ggtt;       /* GGTT_ENTRIES guest entries; only those of the partition are ever set */
    bool ggtt_dirty;      /* physical entries changed since the last flush */
    struct aperture_window *windows; /* of the low part, or NULL: the host has no direct access */

    struct ppgtt *ppgtt;

    /* Registers. regs: relaxed atomics, as the blocks read some without the lock. */
    uint32_t *regs;
    struct irq_tree irq;
    struct uncore uncore;
    struct display *display;
    struct pipe_crc_worker *crc;
    struct virtual_engine engines[ENGINE_COUNT];
    GArray *flips; /* of the workload that is being created, or NULL */
    struct stream *stream; /* likewise, when it is recorded */

    /* INTx (interrupts.c): not under the lock. */
    unsigned intx_state; /* atomic */
    bool intx_level;     /* of the thread that is telling the host; read with relaxed atomics elsewhere */

    /* Failure (failure.c). */
    char *failure;       /* atomic pointer; owned by failures */
    GPtrArray *failures; /* all reasons ever, so that vgpu_failure() stays valid */
    bool failure_told;

    /* The vGPU's thread (thread.c). */
    GThread *thread;
    GMutex wake_lock;
    GCond wake_cond;
    bool woken, stopping;     /* under wake_lock */
    bool asleep;              /* likewise: it waits, and nobody has signalled */
    uint64_t deadline_ns;     /* when the thread wakes by itself; under lock */
};

/* vgpu.c */
void vgpu_lock(struct vgpu *vgpu);
void vgpu_unlock(struct vgpu *vgpu);

/* display.c */
extern const struct pipe_crc_worker_ops vgpu_crc_ops; /* opaque is the vGPU */

/* thread.c */
bool vgpu_thread_start(struct vgpu *vgpu, GError **error);
void vgpu_thread_stop(struct vgpu *vgpu);
void vgpu_wake(struct vgpu *vgpu); /* any thread, any lock */

/* config_space.c. Callers hold no lock. */
void vgpu_config_init(struct vgpu *vgpu);
void vgpu_config_reset(struct vgpu *vgpu);
uint32_t vgpu_config_read(struct vgpu *vgpu, unsigned offset, unsigned size);
void vgpu_config_write(struct vgpu *vgpu, unsigned offset, unsigned size, uint32_t value);

/* guest_memory.c */
void guest_memory_attach(struct vgpu *vgpu, struct dma_space *dma); /* no lock held */
void guest_memory_ignore(struct vgpu *vgpu);                        /* no lock held; changes are not followed any more */
void guest_memory_detach(struct vgpu *vgpu);                        /* no lock held; nothing of the vGPU runs */
bool guest_memory_find(struct vgpu *vgpu, uint64_t gpa, struct guest_region *region);
extern const struct ppgtt_ops guest_memory_ppgtt_ops; /* opaque is the vGPU */

/* ggtt.c */
void ggtt_init(struct vgpu *vgpu);
void ggtt_finish(struct vgpu *vgpu);
void ggtt_reset(struct vgpu *vgpu); /* all of the partition at scratch */
void ggtt_flush(struct vgpu *vgpu); /* if anything changed */
/* The guest's view of its entries; offset in bytes from the start of the table. */
void ggtt_table_read(struct vgpu *vgpu, uint64_t offset, void *data, size_t len);
void ggtt_table_write(struct vgpu *vgpu, uint64_t offset, const void *data, size_t len);
/* True when all of [gma, gma + len) is in the partition. */
bool ggtt_owned(const struct vgpu *vgpu, uint64_t gma, uint64_t len);
/* Memory of the guest behind its global GTT; false when a page is not its own or not mapped to memory. */
bool ggtt_read(struct vgpu *vgpu, uint64_t gma, void *data, size_t len);
bool ggtt_write(struct vgpu *vgpu, uint64_t gma, const void *data, size_t len);
void ggtt_region_added(struct vgpu *vgpu, const struct guest_region *region);
void ggtt_region_removed(struct vgpu *vgpu, const struct guest_region *region);

/* aperture.c */
void aperture_read(struct vgpu *vgpu, uint64_t offset, void *data, size_t len);
void aperture_write(struct vgpu *vgpu, uint64_t offset, const void *data, size_t len);
/* The guest's fences that cover something; returns how many. */
enum { APERTURE_FENCES = 32 };
unsigned aperture_fences(const struct vgpu *vgpu, struct fence list[APERTURE_FENCES]);

/* aperture_direct.c: under the lock, but for the first two */
void aperture_direct_init(struct vgpu *vgpu);   /* when the host is known */
void aperture_direct_finish(struct vgpu *vgpu); /* nothing of the vGPU runs */
void aperture_direct_trapped(struct vgpu *vgpu, uint64_t offset); /* an access was */
void aperture_direct_entry(struct vgpu *vgpu, uint64_t index);    /* an entry of the global GTT leads elsewhere */
void aperture_direct_fences(struct vgpu *vgpu);                   /* a fence has changed */
void aperture_direct_close(struct vgpu *vgpu);                    /* all of it is trapped again */

/* registers.c: offset is a multiple of 4 below MMIO_SIZE. */
void registers_reset(struct vgpu *vgpu);                                /* all of them, at power-on */
void registers_reset_engines(struct vgpu *vgpu, unsigned engines, bool full); /* what a graphics reset clears */
uint32_t registers_read(struct vgpu *vgpu, uint32_t offset);
void registers_write(struct vgpu *vgpu, uint32_t offset, uint32_t value);
/* Any length and alignment, anywhere in BAR0. */
void bar0_read(struct vgpu *vgpu, uint64_t offset, void *data, size_t len);
void bar0_write(struct vgpu *vgpu, uint64_t offset, const void *data, size_t len);

/* engine_registers.c */
uint32_t virtual_engine_register_read(struct vgpu *vgpu, const struct reg_desc *desc, unsigned index, uint32_t offset);
void virtual_engine_register_write(struct vgpu *vgpu, const struct reg_desc *desc, unsigned index, uint32_t offset, uint32_t value);
/* The flight's context has come to run: its ring is the engine's. */
void virtual_engine_show_ring(struct vgpu *vgpu, const struct flight *flight);
/* It has left the engine, in its ring at the offset head. */
void virtual_engine_show_end(struct vgpu *vgpu, const struct flight *flight, uint32_t head);
/* The engine stands there until it is reset; errors that the guest has not masked are told by an interrupt, as hardware does. */
void virtual_engine_show_hang(struct vgpu *vgpu, unsigned engine, const struct engine_view *view);

/* pvinfo.c */
void pvinfo_reset(struct vgpu *vgpu);
void pvinfo_write(struct vgpu *vgpu, uint32_t offset, uint32_t value);

/* execlist.c */
void engines_init(struct vgpu *vgpu);
void engines_finish(struct vgpu *vgpu); /* after engines_cancel() */
void virtual_engine_elsp_write(struct vgpu *vgpu, unsigned engine, uint32_t value);
void engines_reap(struct vgpu *vgpu); /* takes what the scheduler has finished */
/* The guest invalidates an engine's TLB: what it has queued or runs sees the page tables as they are now. */
void engines_invalidate_tlb(struct vgpu *vgpu, unsigned engine);
/* Cancels all work of the engines and takes it back; the execlists are idle then. */
void engines_cancel(struct vgpu *vgpu, unsigned engines, bool forget);

/* guest_ppgtt.c: copies memory of the flight's address space by the guest's own tables; false when not all of it is there. */
bool guest_ppgtt_read(struct vgpu *vgpu, const struct flight *flight, uint64_t address, void *data, size_t size);

/* record.c: around the creation of a workload; records what is submitted meanwhile, and the batches that it leads to. */
void record_begin(struct vgpu *vgpu, unsigned engine, uint64_t context);
void record_add(struct vgpu *vgpu, bool batch, uint64_t gma, const uint32_t *dwords, size_t count);
void record_end(struct vgpu *vgpu, const struct flight *flight);

/* error_report.c: tells the owner where the engine stood, with the batch from the guest's address space. */
void error_report(struct vgpu *vgpu, const struct flight *flight);

/* guest_view.c: what the scheduler may ask. */
extern const struct guest_ops guest_view_ops;

/* interrupts.c */
void interrupts_engine(struct vgpu *vgpu, unsigned engine, uint32_t sources); /* enum engine_irq bits */
void interrupts_send(struct vgpu *vgpu);        /* no lock held: the MSI that is due */
bool interrupts_intx_wanted(struct vgpu *vgpu); /* under the lock: the level that INTx should have */
void interrupts_update_intx(struct vgpu *vgpu); /* no lock held */

/* reset.c */
void reset_device(struct vgpu *vgpu);                    /* power-on; takes the lock itself */
void reset_graphics(struct vgpu *vgpu, uint32_t gdrst);  /* GDRST; under the lock */

/* failure.c */
G_GNUC_PRINTF(2, 3) void vgpu_fail(struct vgpu *vgpu, const char *format, ...); /* under the lock; the first reason counts */
bool vgpu_has_failed(const struct vgpu *vgpu);
void failure_finish(struct vgpu *vgpu); /* the vGPU's thread, no lock held: stops the work and tells the owner */
void failure_clear(struct vgpu *vgpu);  /* device reset */

#endif
