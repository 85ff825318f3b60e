/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the driver share: its state, and the steps of bring-up that a reset repeats.
 */
#ifndef MEDIANT_GPU_DRIVER_INTERNAL_H
#define MEDIANT_GPU_DRIVER_INTERNAL_H

#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"
#include "gpu/driver/driver.h"

enum {
    DRIVER_PAGE = 4096,
    DRIVER_CSB_RESET = CSB_ENTRIES - 1, /* both pointers after a reset: the next entry is 0 (gt/intel_execlists_submission.c) */
    DRIVER_CONTEXT_IDS = 1 << 20,       /* width of the software context id in a descriptor */
};

/* A free run of global GTT pages. */
struct ggtt_hole {
    uint64_t start, size; /* bytes */
};

struct driver_engine {
    struct gpu_buffer status_page;
    unsigned csb_head;    /* last entry that was read */
    uint32_t interrupts;  /* ENGINE_INTERRUPT_* seen and not yet reported */
};

struct driver {
    struct gpu *gpu;
    struct trace *trace;
    uint64_t ticks_per_second;

    GMutex lock;       /* the allocators below */
    GArray *holes[2];  /* struct ggtt_hole by enum ggtt_part, sorted, never adjacent */
    uint64_t part_end[2];
    GHashTable *context_ids;
    uint32_t next_context_id;
    uint64_t scratch_pte;
    uint8_t *scratch;
    uint64_t scratch_iova;

    struct driver_engine engines[ENGINE_COUNT]; /* the submitting thread's */

    GMutex wait_lock;  /* the flags */
    GCond wait_cond;
    bool interrupted, woken;
    bool asleep;       /* somebody waits, and nobody has signalled: a signal is a system call */
};

/* Bits of an engine in the GT interrupt registers (PRM vol. 2c, "GT Interrupt 0 Definition"). */
enum {
    ENGINE_INTERRUPT_USER = 1 << 0,
    ENGINE_INTERRUPT_ERROR = 1 << 3,
    ENGINE_INTERRUPT_NOTIFY = 1 << 4,
    ENGINE_INTERRUPT_CONTEXT_SWITCH = 1 << 8,
    ENGINE_INTERRUPTS = ENGINE_INTERRUPT_USER | ENGINE_INTERRUPT_ERROR | ENGINE_INTERRUPT_NOTIFY | ENGINE_INTERRUPT_CONTEXT_SWITCH,
};

static inline uint32_t engine_read(struct driver *driver, unsigned engine, uint32_t offset)
{
    return gpu_read32(driver->gpu, engine_mmio_base(engine) + offset);
}

static inline void engine_write(struct driver *driver, unsigned engine, uint32_t offset, uint32_t value)
{
    gpu_write32(driver->gpu, engine_mmio_base(engine) + offset, value);
}

/* Values for registers whose upper half says which bits of the lower change. */
static inline uint32_t masked_set(uint32_t bits)
{
    return bits << 16 | bits;
}

static inline uint32_t masked_clear(uint32_t bits)
{
    return bits << 16;
}

/* Reads until (value & mask) == want; false after timeout_us. */
bool driver_poll(struct driver *driver, uint32_t offset, uint32_t mask, uint32_t want, unsigned timeout_us);

/* ggtt_space.c */
bool ggtt_space_init(struct driver *driver, GError **error);
void ggtt_space_finish(struct driver *driver);

/* bringup.c: what a driver_engine_reset() has to do again for one engine. */
void driver_engine_init(struct driver *driver, unsigned engine);
/* reset.c: stops the engines in the mask and resets them together. */
bool driver_reset_engines(struct driver *driver, unsigned engine_mask, GError **error);
/* submission.c: where an engine's interrupt bits stand. */
uint32_t driver_interrupt_bank(unsigned engine, unsigned *shift);
void driver_interrupt(void *opaque); /* the gpu's interrupt callback */

#endif
