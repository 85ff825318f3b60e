/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between the parts of the model: register file and memory (model.c, mmio.c, walk.c, memory.c, aperture.c), its two faces
 * (pci.c, gpu_face.c), interrupts (irq.c), the display's thread (display_thread.c), engines (engine.c and cs*.c), blitter (blit*.c), and
 * the blocks that it shares with the vGPU (gpu/blocks).
 *
 * Threads and locks:
 *  - regs[] is read and written with relaxed atomics by any thread (blocks/regfile.h).
 *  - model->lock guards the blocks (interrupt tree, uncore, display). Take it by model_lock() and model_unlock(). An engine thread
 *    takes it for single register accesses, never while it touches memory (between engine_memory_enter() and _leave()).
 *  - Each engine has its own lock for its execlist queue; order: engine lock, then model lock.
 *  - config_lock guards the PCI configuration space, fault_lock the fault registers; both are leaves.
 *  - irq_lock is held around the gpu face's interrupt callback, so that set_irq() can wait for it, and for nothing else.
 *  - reset_lock makes resets exclusive; it is taken with no other lock held, and not by engine threads.
 *  - MSIs go out with no lock held that a register access takes.
 */
#ifndef MEDIANT_GPU_MODEL_INTERNAL_H
#define MEDIANT_GPU_MODEL_INTERNAL_H

#include "gpu/blocks/irq_tree.h"
#include "gpu/defs/registers.h"
#include "gpu/model/model.h"

#ifdef __cplusplus
extern "C" {
#endif

struct engine;
struct irq_tree;
struct uncore;
struct display;
struct pipe_crc_worker;

struct model {
    struct pci_device pci; /* first: model_pci() */
    struct gpu gpu;
    struct trace *trace;
    unsigned vgpu;
    struct dma_space *dma;
    GMutex lock;
    uint32_t *regs;  /* MMIO_SIZE / 4 dwords */
    uint64_t *ggtt;  /* GGTT_ENTRIES entries, relaxed atomics */
    uint64_t aperture_size;
    uint64_t ggtt_flushes; /* counts GGTT TLB invalidations; engines compare (atomic) */
    struct irq_tree *irq;
    struct uncore *uncore;
    struct display *display;
    struct engine *engines[ENGINE_COUNT];
    bool stopping; /* atomic: destruction has begun, commands write no registers any more */
    GMutex reset_lock;
    GMutex config_lock;
    uint32_t mmio_index; /* of the I/O BAR; atomic */
    GMutex fault_lock;
    /* INTx: bits of enum intx_state (irq.c), and the level that the host knows. */
    unsigned intx_state;
    bool intx_level; /* atomic */
    bool intx_armed; /* atomic: the host has INTx and software has not turned to MSI */
    /* The gpu face: its interrupt sink, and the host that it plugs the model into. */
    GMutex irq_lock;
    void (*irq_fn)(void *opaque);
    void *irq_opaque;
    struct pci_host gpu_host;
    GMutex iova_lock;
    GArray *iovas; /* struct iova_range, sorted */
    uint64_t iova_next;
    /* The display's thread; guarded by lock. */
    GThread *display_thread;
    GCond display_wake;
    uint64_t display_deadline_ns; /* when the thread looks next by itself */
    bool display_stop;
    struct pipe_crc_worker *crc; /* of the display's thread */
};

/* The lock of the blocks. model_unlock() also sends the interrupt message that became due and wakes the display's thread for an
 * earlier event: no other lock may be held then. (irq.c) */
static inline void model_lock(struct model *model)
{
    g_mutex_lock(&model->lock);
}
void model_unlock(struct model *model);

/* Brings INTx to the level that interrupt tree and config space ask for; no lock held. (irq.c) */
void model_update_intx(struct model *model);
/* Sends the message if the line is up: after MSI was enabled. No lock held. (irq.c) */
void model_resend_message(struct model *model);

/* A scanout_read_fn; opaque is the model. (model.c) */
bool model_read_surface(void *opaque, uint64_t gma, void *buf, size_t len);

void model_display_thread_start(struct model *model); /* (display_thread.c) */
void model_display_thread_stop(struct model *model);

/* All state at power-on but the PCI configuration space and the DMA view: a function-level reset. No lock held. (model.c) */
void model_reset(struct model *model);
/* A graphics reset by GDRST bits: engines, and for GDRST_FULL the rest of the GT. No lock held, not on an engine's thread. (model.c) */
void model_graphics_reset(struct model *model, uint32_t gdrst);

void model_pci_init(struct model *model); /* (pci.c) */
void model_gpu_face_init(struct model *model); /* (gpu_face.c) */
void model_gpu_face_finish(struct model *model);

/* The CPU's accesses through BAR2: any offset, alignment and length inside of it, detiled by the fences. (aperture.c) */
void model_aperture_read(struct model *model, uint64_t offset, void *data, size_t len);
void model_aperture_write(struct model *model, uint64_t offset, const void *data, size_t len);

static inline uint32_t model_reg(const struct model *model, uint32_t offset)
{
    return __atomic_load_n(&model->regs[offset / 4], __ATOMIC_RELAXED);
}

static inline void model_reg_set(struct model *model, uint32_t offset, uint32_t value)
{
    __atomic_store_n(&model->regs[offset / 4], value, __ATOMIC_RELAXED);
}

/* Register accesses with all side effects, as the CPU makes them by BAR0. offset is a multiple of 4 below MMIO_SIZE. Takes locks: the
 * caller holds none. model_mmio_write() may wait for engines (GDRST): not for engine threads. (mmio.c) */
uint32_t model_mmio_read(struct model *model, uint32_t offset);
void model_mmio_write(struct model *model, uint32_t offset, uint32_t value);
/* The same as a command makes it (LRI, LRM, LRR; SRM reads by model_mmio_read()), on an engine's thread. A graphics reset, which
 * would wait for this very thread, is not started: the write is dropped and traced as MODEL_ERROR. */
void model_mmio_command_write(struct model *model, uint32_t offset, uint32_t value);

/* Sets the source in the interrupt tree, subject to the engine's IMR, and sends the MSI when due. No lock held. (irq.c) */
void model_engine_irq(struct model *model, unsigned engine, uint32_t sources);

/*
 * Memory as one engine sees it. All addresses are graphics addresses; translation goes through the engine's TLB, which keeps
 * entries until they are invalidated, as hardware does. (memory.c)
 */
enum vm_kind { VM_GGTT, VM_PPGTT };

enum mem_fault {
    MEM_OK,
    MEM_NOT_PRESENT, /* no valid PTE on the way, or an address beyond 48 bits (that is not canonical) or the GGTT */
    MEM_READ_ONLY,   /* a write to a page without the write bit; within memory.c only: it is no fault, the write is dropped */
    MEM_BAD_DMA,     /* the PTE points to nothing in the DMA view */
    MEM_BAD_COMMAND, /* no memory fault: the blitter was given a malformed command, on which hardware hangs */
};

/* One translation, as the page tables say now. The caller is in a section of the DMA view. (walk.c) */
struct translation {
    uint64_t dma;   /* of the block's first byte */
    uint64_t bytes; /* size of the block: 4 KiB, 64 KiB, 2 MiB or 1 GiB; graphics address and block are aligned alike */
    bool writable;
    unsigned level; /* on MEM_NOT_PRESENT: where the walk ended, 0 PTE .. 3 PML4E, as RING_FAULT_REG's fault type */
};
enum mem_fault walk_ggtt(struct model *model, uint64_t addr, struct translation *t);
enum mem_fault walk_ppgtt(struct model *model, bool four_level, const uint64_t pdp[4], uint64_t addr, struct translation *t);

struct engine_memory; /* page table roots and TLB; owned by the engine's thread */

struct engine_memory *engine_memory_create(struct model *model, unsigned engine);
void engine_memory_destroy(struct engine_memory *memory);

/* Loads page table roots: four PDPs, or (four_level) the PML4 in pdp[0]. Invalidates the PPGTT entries of the TLB. */
void engine_memory_set_roots(struct engine_memory *memory, bool four_level, const uint64_t pdp[4]);
/* What a TLB invalidation command or register does: forgets all PPGTT (and GGTT) translations. */
void engine_memory_invalidate(struct engine_memory *memory);

/*
 * Pin the DMA view around accesses: engine_map() pointers are valid from enter to leave only. Keep sections short (one
 * command, or one slice of a blit), so that unmapping can go on. engine_read and friends work inside or outside of a section.
 */
void engine_memory_enter(struct engine_memory *memory);
void engine_memory_leave(struct engine_memory *memory);

/*
 * Host pointer for [addr, addr + *len), shortened to what is contiguous (at least up to the end of the 4 KiB page; more inside a
 * 2 MiB page). NULL and *fault on failure, which is also recorded in the fault registers. For a write to a page without the write bit, the pointer
 * leads to a copy that nobody reads, good until the next such write. Only in a section.
 */
void *engine_map(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, size_t *len, bool write, enum mem_fault *fault);

/* Copies; false on a fault. Aligned 4 and 8 byte copies are single accesses. */
bool engine_read(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, void *buf, size_t len, enum mem_fault *fault);
bool engine_write(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, const void *buf, size_t len, enum mem_fault *fault);

/* GGTT accesses by other units (status pages, display): no TLB, any thread, not inside of a section. (memory.c) */
bool model_ggtt_read(struct model *model, uint64_t addr, void *buf, size_t len);
bool model_ggtt_write(struct model *model, uint64_t addr, const void *buf, size_t len);

/*
 * The engines. (engine.c, cs.c ...)
 */
struct engine *engine_create(struct model *model, unsigned engine);
void engine_destroy(struct engine *engine); /* stops its thread; NULL is allowed */
/* Register accesses within the engine's own range (class REG_ENGINE); offset is relative to its base. */
uint32_t engine_mmio_read(struct engine *engine, uint32_t offset);
void engine_mmio_write(struct engine *engine, uint32_t offset, uint32_t value);
/* Engine reset by GDRST: stops execution at once (mid-command), drops queues, registers to their reset values. Waits until the thread
 * stands still; the caller holds no lock. */
void engine_reset(struct engine *engine);
/* A write to the TLB invalidation registers or a GGTT flush: the engine invalidates before its next access. Any thread. */
void engine_invalidate_tlb(struct engine *engine);
/* True while a reset or destruction waits for the thread: long operations give up when they see it. */
bool engine_should_stop(const struct engine *engine);

/*
 * The blitter, called by the command streamer of BCS with a whole command of the 2D type. Returns MEM_OK, the fault that stops the
 * engine (pixels before it may have been written), or MEM_BAD_COMMAND. When engine_should_stop() it returns MEM_OK early; the
 * streamer looks at that flag itself. Enters and leaves the memory sections: the caller is in none. dwords is a copy that nobody
 * else writes. cmd_id is an enum cmd_id. bcs_swctrl is the register BCS_SWCTRL of the context. (blit.c)
 */
struct blitter;
struct blitter *blitter_create(struct engine *engine, struct engine_memory *memory);
void blitter_destroy(struct blitter *blitter); /* NULL is allowed */
enum mem_fault blitter_execute(struct blitter *blitter, unsigned cmd_id, const uint32_t *dwords, unsigned count, enum vm_kind vm,
                               uint32_t bcs_swctrl);

/*
 * What the XY_SETUP commands left behind (clip rectangle, colours, pattern, destination), as dwords: it belongs to the
 * context, so the streamer saves and loads it with the context's image. A new context starts with zeros.
 */
enum { BLITTER_STATE_DWORDS = 14 };
void blitter_save(const struct blitter *blitter, uint32_t state[BLITTER_STATE_DWORDS]);
void blitter_load(struct blitter *blitter, const uint32_t state[BLITTER_STATE_DWORDS]);

#ifdef __cplusplus
}
#endif
#endif
