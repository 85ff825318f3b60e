/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between the parts of the model: register file and memory (model.c, mmio.c, memory.c), engines (engine.c and cs*.c),
 * blitter (blit*.c), and the blocks that it shares with the vGPU (gpu/blocks).
 *
 * Threads and locks:
 *  - regs[] is read and written with relaxed atomics by any thread.
 *  - model->lock guards the blocks (interrupt tree, uncore, display). An engine thread takes it for single register
 *    accesses, never while it touches memory.
 *  - Each engine has its own lock for its execlist queue; order: engine lock, then model lock.
 *  - MSIs go out with no lock held.
 */
#ifndef MEDIANT_GPU_MODEL_INTERNAL_H
#define MEDIANT_GPU_MODEL_INTERNAL_H

#include "gpu/defs/registers.h"
#include "gpu/model/model.h"

#ifdef __cplusplus
extern "C" {
#endif

struct engine;
struct irq_tree;
struct uncore;
struct display;

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
    uint32_t fence_generation;
    struct irq_tree *irq;
    struct uncore *uncore;
    struct display *display;
    struct engine *engines[ENGINE_COUNT];
    /* The gpu face's interrupt sink. */
    GMutex irq_lock;
    void (*irq_fn)(void *opaque);
    void *irq_opaque;
    struct pci_host gpu_host; /* the host that the gpu face plugs the model into */
};

static inline uint32_t model_reg(const struct model *model, uint32_t offset)
{
    return __atomic_load_n(&model->regs[offset / 4], __ATOMIC_RELAXED);
}

static inline void model_reg_set(struct model *model, uint32_t offset, uint32_t value)
{
    __atomic_store_n(&model->regs[offset / 4], value, __ATOMIC_RELAXED);
}

/* Register accesses with all side effects, as the CPU (BAR0) or a command (LRI, SRM ...) makes them. offset is a multiple of 4 below
 * MMIO_SIZE. Takes locks: the caller holds none. (mmio.c) */
uint32_t model_mmio_read(struct model *model, uint32_t offset);
void model_mmio_write(struct model *model, uint32_t offset, uint32_t value);

/* Interrupt sources that an engine can raise; the bit positions are those of the GT interrupt registers. */
enum engine_irq {
    ENGINE_IRQ_USER = 1 << 0,        /* MI_USER_INTERRUPT */
    ENGINE_IRQ_ERROR = 1 << 3,       /* command streamer error */
    ENGINE_IRQ_PIPE_CONTROL = 1 << 4,/* PIPE_CONTROL or MI_FLUSH_DW notify */
    ENGINE_IRQ_CONTEXT_SWITCH = 1 << 8,
    ENGINE_IRQ_WAIT_SEMAPHORE = 1 << 11,
};
/* Sets the source in the interrupt tree, subject to the engine's IMR, and sends the MSI when due. No lock held. (mmio.c) */
void model_engine_irq(struct model *model, unsigned engine, uint32_t sources);

/*
 * Memory as one engine sees it. All addresses are graphics addresses; translation goes through the engine's TLB, which keeps
 * entries until they are invalidated, as hardware does. (memory.c)
 */
enum vm_kind { VM_GGTT, VM_PPGTT };

enum mem_fault {
    MEM_OK,
    MEM_NOT_PRESENT, /* no valid PTE on the way, or an address beyond 48 bits or the GGTT */
    MEM_READ_ONLY,   /* a write to a page without the write bit */
    MEM_BAD_DMA,     /* the PTE points to nothing in the DMA view */
};

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
 * 2 MiB page). NULL and *fault on failure, which is also recorded in the fault registers. Only in a section.
 */
void *engine_map(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, size_t *len, bool write, enum mem_fault *fault);

/* Copies; false on a fault. Aligned 4 and 8 byte copies are single accesses. */
bool engine_read(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, void *buf, size_t len, enum mem_fault *fault);
bool engine_write(struct engine_memory *memory, enum vm_kind vm, uint64_t addr, const void *buf, size_t len, enum mem_fault *fault);

/* GGTT accesses by other units (status pages, display): no TLB, any thread. */
bool model_ggtt_read(struct model *model, uint64_t addr, void *buf, size_t len);
bool model_ggtt_write(struct model *model, uint64_t addr, const void *buf, size_t len);

/*
 * The engines. (engine.c, cs.c ...)
 */
struct engine *engine_create(struct model *model, unsigned engine);
void engine_destroy(struct engine *engine); /* stops its thread */
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
 * The blitter, called by the command streamer of BCS with a whole command. Returns MEM_OK or the fault that stops the engine.
 * (blit.c)
 */
struct blitter;
struct blitter *blitter_create(struct engine *engine, struct engine_memory *memory);
void blitter_destroy(struct blitter *blitter);
enum mem_fault blitter_execute(struct blitter *blitter, unsigned cmd_id, const uint32_t *dwords, unsigned count, enum vm_kind vm,
                               uint32_t bcs_swctrl);

#ifdef __cplusplus
}
#endif
#endif
