/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's driver of the physical GPU: bring-up, the global GTT as a resource, hardware contexts, submission by ELSP, completion by
 * context status, engine reset. Written on gpu.h alone, so that it runs on the model and on hardware.
 *
 * Threads: driver_wait_events() and reset belong to one thread (the scheduler's). Submission to an engine and its reset are serialised by
 * the caller (the scheduler's lock). GGTT and context functions may be called from any thread.
 */
#ifndef MEDIANT_GPU_DRIVER_DRIVER_H
#define MEDIANT_GPU_DRIVER_DRIVER_H

#include "gpu/gpu.h"
#include "gpu/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

struct driver;

/* Takes over gpu (which the driver then owns): reset, workarounds, page attributes, status pages, execlists on, interrupts on. */
struct driver *driver_create(struct gpu *gpu, struct trace *trace, GError **error);
void driver_destroy(struct driver *driver); /* NULL is allowed */
struct gpu *driver_gpu(struct driver *driver);

/*
 * Global GTT space. Addresses are bytes. The low part (below the aperture's size) can be reached by the CPU through the aperture,
 * the high part cannot. Freshly allocated and freed ranges point to the scratch page.
 */
enum ggtt_part { GGTT_LOW, GGTT_HIGH };
bool driver_ggtt_alloc(struct driver *driver, enum ggtt_part part, uint64_t size, uint64_t align, uint64_t *gma, GError **error);
void driver_ggtt_free(struct driver *driver, uint64_t gma, uint64_t size);
/* Bytes free in the largest hole of the part. */
uint64_t driver_ggtt_available(struct driver *driver, enum ggtt_part part);
/* How many ranges of this size (a multiple of the page) could be allocated one after the other: holes of other sizes are of no use. */
unsigned driver_ggtt_room(struct driver *driver, enum ggtt_part part, uint64_t size);
/* Writes one entry (PTE_PRESENT etc. as given, 0 for scratch); the translation is flushed by driver_ggtt_flush(). */
void driver_ggtt_set(struct driver *driver, uint64_t gma, uint64_t pte);
void driver_ggtt_flush(struct driver *driver);

/* Memory of the host that the GPU can reach: page aligned, zeroed, mapped by gpu->dma_map. */
struct gpu_buffer {
    uint8_t *host;
    uint64_t size;
    uint64_t iova;
    uint64_t gma; /* in the global GTT, or UINT64_MAX when it is not bound there */
};
bool driver_buffer_init(struct driver *driver, struct gpu_buffer *buffer, uint64_t size, bool bind_ggtt, GError **error);
void driver_buffer_finish(struct driver *driver, struct gpu_buffer *buffer); /* zeroed buffers are allowed */

/*
 * A hardware context with its ring. The owner fills image and ring; page 0 of the image is its status page.
 */
struct hw_context {
    unsigned engine;
    uint32_t id;              /* what the context status reports; unique in the driver */
    struct gpu_buffer image;  /* context_pages(engine) pages, bound in the GGTT */
    struct gpu_buffer ring;   /* bound in the GGTT */
    void *owner;              /* for the scheduler */
};
/* ring_size is a power of two, 4 KiB .. 2 MiB. The image is filled with a valid register state for an empty ring. */
bool hw_context_init(struct driver *driver, struct hw_context *context, unsigned engine, uint64_t ring_size, GError **error);
void hw_context_finish(struct driver *driver, struct hw_context *context);

/* Writes the ELSP: first runs, then second (NULL for none). desc_flags: DESC_ADDRESSING_*, DESC_FORCE_*. */
void driver_submit(struct driver *driver, unsigned engine, const struct hw_context *first, uint32_t first_flags,
                   const struct hw_context *second, uint32_t second_flags);

enum driver_event_kind {
    DRIVER_CONTEXT_STATUS, /* one entry of the engine's context status buffer */
    DRIVER_USER_INTERRUPT, /* MI_USER_INTERRUPT ran at least once since the last of these */
    DRIVER_NOTIFY,         /* a PIPE_CONTROL or MI_FLUSH_DW with its notify bit completed at least once */
    DRIVER_ENGINE_ERROR,   /* the command streamer stopped on an error */
};
struct driver_event {
    enum driver_event_kind kind;
    unsigned engine;
    uint32_t status;     /* CSB_* for DRIVER_CONTEXT_STATUS, EIR for DRIVER_ENGINE_ERROR */
    uint32_t context_id; /* for DRIVER_CONTEXT_STATUS */
};
enum { DRIVER_MAX_EVENTS = ENGINE_COUNT * 16 };
/*
 * Sleeps until the GPU has something to say, driver_wake() is called or deadline_ns (CLOCK_MONOTONIC; 0 for no limit) has passed; returns
 * how many events were stored, at most max (give DRIVER_MAX_EVENTS: what does not fit waits for the next call). The interrupts of an
 * engine are read before its context status, so a context that raised one is the running one or among those of the status
 * entries of the same call.
 */
unsigned driver_wait_events(struct driver *driver, struct driver_event *events, unsigned max, uint64_t deadline_ns);
void driver_wake(struct driver *driver); /* any thread */
/*
 * Interrupts of the engine that the next driver_wait_events() will report: bit 0 for DRIVER_USER_INTERRUPT, bit 4 for DRIVER_NOTIFY, where
 * the GT interrupt registers have them. They stay pending. For who has seen an effect of commands that ran after the last report.
 */
uint32_t driver_pending_interrupts(struct driver *driver, unsigned engine);

/* Where the engine stands: two values that differ when it has moved (active head, ring head and context). */
struct driver_progress {
    uint64_t active_head;
    uint32_t ring_head;
    uint32_t error; /* EIR: not 0 when the command streamer has stopped on an error */
};
void driver_engine_progress(struct driver *driver, unsigned engine, struct driver_progress *progress);

/* The engines' time stamps (RING_TIMESTAMP, CTX_TIMESTAMP) count ticks of this many per second: 12 MHz on Skylake. */
uint64_t driver_ticks_to_ns(const struct driver *driver, uint64_t ticks);

/* Cancels whatever the engine does and brings it back, ready for driver_submit(). */
bool driver_engine_reset(struct driver *driver, unsigned engine, GError **error);

/* Makes the engine forget all translations, also those of what runs. */
void driver_tlb_invalidate(struct driver *driver, unsigned engine);

/* Registers of the physical GPU, for the mediator's switch of per-vGPU registers. */
uint32_t driver_read32(struct driver *driver, uint32_t offset);
void driver_write32(struct driver *driver, uint32_t offset, uint32_t value);

#ifdef __cplusplus
}
#endif
#endif
