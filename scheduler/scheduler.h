/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler: takes workloads (a guest's ring segment in a context), makes them safe, and decides whose run on the engines of the one
 * physical GPU.
 *
 * A workload is prepared on the thread of the guest that submits it (so that a guest pays for its own audit) and queued; one
 * scheduler thread dispatches, preempts, completes and resets. Results wait in a list of the client until its own thread
 * takes them: the scheduler never calls into a vGPU with anything but notify(), which must only wake a thread.
 *
 * Locks: callers may hold their vGPU's lock; the scheduler's are below it.
 */
#ifndef MEDIANT_SCHEDULER_SCHEDULER_H
#define MEDIANT_SCHEDULER_SCHEDULER_H

#include "gpu/defs/error_state.h"
#include "gpu/driver/driver.h"
#include "gpu/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

struct scheduler;
struct sched_client; /* one vGPU */
struct shadow_context;
struct workload;

struct scheduler_config {
    const char *policy;    /* "fair", "round-robin", "fifo" ...: a name from policy_names() */
    uint64_t slice_ns;     /* time slice before another client gets the engine; 0 for the default */
    uint64_t hang_ns;      /* no progress for this long ends in an engine reset; 0 for the default */
    struct trace *trace;
};

/* The driver stays the caller's and must outlive the scheduler. */
struct scheduler *scheduler_create(struct driver *driver, const struct scheduler_config *config, GError **error);
void scheduler_destroy(struct scheduler *scheduler); /* all clients must be gone; NULL is allowed */

/* NULL-terminated. */
const char *const *policy_names(void);
/* Shares the engines by another policy from now on; false when there is none of that name. Any thread. */
bool scheduler_set_policy(struct scheduler *scheduler, const char *name, GError **error);
/* The name of the policy in force. Any thread. */
const char *scheduler_policy(struct scheduler *scheduler);

/*
 * What the scheduler asks of a vGPU while it prepares that vGPU's workloads. All but notify() run on the calling thread, inside
 * workload_create() or workload_write_back(), with no lock of the scheduler held.
 */
struct guest_ops {
    /* Copies guest memory behind the guest's own global GTT; false when any page is not mapped to guest memory. */
    bool (*ggtt_read)(void *guest, uint64_t gma, void *buf, size_t len);
    bool (*ggtt_write)(void *guest, uint64_t gma, const void *buf, size_t len);
    /* True when all of [gma, gma + len) is in the guest's own partition of the global GTT. */
    bool (*ggtt_owned)(void *guest, uint64_t gma, uint64_t len);
    /*
     * A privileged command of the guest writes a register (MI_LOAD_REGISTER_IMM, and PIPE_CONTROL's LRI post-sync operation). Called
     * for every one, whether the register table says REG_CMD or not. The guest may change *value (the value to load
     * instead); false: the write must not happen on hardware, and is left out. Emulated effects on the virtual register happen here. What
     * gets to hardware is limited once more by the audit: registers without REG_CMD or REG_NONPRIV never do.
     */
    bool (*register_write)(void *guest, unsigned engine, uint32_t offset, uint32_t *value);
    /*
     * The guest's value of a register, for a command that stores it and may not see the physical one (all that are neither
     * REG_CONTEXT nor REG_NONPRIV nor REG_NONPRIV_READ); false: not readable, the workload is rejected.
     */
    bool (*register_read)(void *guest, unsigned engine, uint32_t offset, uint32_t *value);
    /* A display flip command; the guest's virtual display does it when the workload completes. */
    void (*display_flip)(void *guest, const uint32_t *dwords, unsigned count);
    /*
     * Global graphics address of the guest's hardware status page of the engine (its HWS_PGA): where MI_STORE_DATA_INDEX
     * without the per-process bit goes. Checked by ggtt_owned like any other.
     */
    uint64_t (*status_page)(void *guest, unsigned engine);
    /*
     * What the guest submits with privilege, for who records it: its ring segment as it was copied, before the audit; and (batch) each privileged batch, as the
     * audit has left it, but an indirect context batch as it was copied; all that was read also when the audit refuses it. gma is where the guest has it. NULL:
     * nobody wants it.
     */
    void (*submits)(void *guest, bool batch, uint64_t gma, const uint32_t *dwords, size_t count);
    /* Called on the scheduler's thread, no lock held: results or interrupts are waiting. Must only wake the guest's thread. */
    void (*notify)(void *guest);
};

struct sched_client_config {
    unsigned id;      /* for the trace, 1 .. TRACE_MAX_VGPUS - 1 */
    const char *name; /* copied */
    unsigned weight;  /* 1 .. 256: share of each engine's time */
    unsigned cap;     /* most that it gets of each engine's time, in percent; 0 or 100: no cap */
    bool latency;     /* goes before others while it uses no more than its weight's part */
    const struct guest_ops *ops;
    void *guest;
};
/*
 * Of one client, the caller serialises (by its vGPU's lock): workload_create(), workload_submit(), workload_write_back(),
 * sched_client_preempt(), sched_client_reset(), sched_client_destroy().
 */
struct sched_client *sched_client_create(struct scheduler *scheduler, const struct sched_client_config *config, GError **error);
/* Cancels everything; when it returns nothing of the client runs. NULL is allowed. */
void sched_client_destroy(struct sched_client *client);

/*
 * The client's value of a register with REG_PER_VGPU: loaded into the physical register when an engine that it concerns goes to
 * this client and the value there differs. Values of registers without that flag are ignored. Any thread.
 */
void sched_client_set_register(struct sched_client *client, uint32_t offset, uint32_t value);

/*
 * Prepares one context submission: reads the guest's context image and ring segment once, audits the copies, shadows privileged batches,
 * and fills the shadow context and ring. desc is the guest's descriptor; pdp the roots of the shadow page tables that
 * stand for the guest's (four_level as in the descriptor; they stay valid until the workload is freed). While an earlier workload of
 * the same context has not been written back, this is a lite restore: only the ring tail is taken from the image, and the
 * segment begins where the earlier one ended. NULL: *error says which command or address broke which rule, and the vGPU must
 * be failed. But G_IO_ERROR_BUSY is nobody's fault: an earlier workload of the context hung, or was cancelled by the hang of another, and has not been
 * reaped; the engine stands still for this client. A segment of no commands gives a workload too (it completes at once, as on hardware).
 */
struct workload *workload_create(struct sched_client *client, unsigned engine, uint64_t desc, bool four_level,
                                 const uint64_t pdp[4], GError **error);
/* Queues it. The scheduler owns it until it comes back by sched_client_reap(). */
void workload_submit(struct workload *workload);
void workload_free(struct workload *workload); /* one that is not queued */

enum workload_status {
    WORKLOAD_DONE,      /* ran to its tail */
    WORKLOAD_PREEMPTED, /* taken off by sched_client_preempt(): ran partly or not at all */
    WORKLOAD_CANCELLED, /* by a reset of its own client */
    WORKLOAD_HUNG,      /* cancelled by the hang check or an engine error */
};
enum workload_status workload_status(const struct workload *workload);
unsigned workload_engine(const struct workload *workload);
uint64_t workload_desc(const struct workload *workload);
uint64_t workload_busy_ns(const struct workload *workload); /* time on the engine */
const char *workload_reason(const struct workload *workload); /* of a hang, in words; NULL otherwise */
/*
 * Of the workload that hung, where its engine stood; NULL for others, also those that were cancelled with it. The caller may add to it; it goes with the workload.
 */
struct error_state *workload_error_state(struct workload *workload);

/*
 * Where an engine stands in a client's context, as registers of the guest's own engine would say it: addresses in the mediator's ring and copies of
 * batches are those of the guest's, 0 where the guest has nothing (in commands of ours).
 */
struct engine_view {
    uint32_t ring_head;                 /* byte offset in the guest's ring */
    uint64_t active_head, fault_address; /* ACTHD; DMA_FADD */
    uint64_t batch, second_batch;       /* BBADDR, SBBADDR: with the valid bit */
    uint32_t batch_state, second_state; /* BBSTATE, SBBSTATE */
    uint32_t ipeir, ipehr, instdone, instps;
    uint32_t errors;                    /* ESR */
};
/* Of the workload that hung, when its engine was reset; NULL for others. It goes with the workload. */
const struct engine_view *workload_engine_view(const struct workload *workload);
/* As it is now. False when no context of the client is on the engine. The client's caller, as workload_create(). */
bool sched_client_engine_view(struct sched_client *client, unsigned engine, struct engine_view *view);
/*
 * Where the guest's ring head stands: at the tail for DONE, at the command that runs next for PREEMPTED. What the virtual
 * RING_HEAD register and the image show. Byte offset in the guest's ring.
 */
uint32_t workload_ring_head(const struct workload *workload);
/*
 * Writes the context's state back to the guest's image: ring head, registers, engine state; only the ring head when a later workload
 * of the context is under way (hardware saves nothing at a lite restore). To be called once for each ended workload, before
 * the guest learns of the end. False when the guest has unmapped the image.
 */
bool workload_write_back(struct workload *workload);

/* The next ended workload of the client, in order for each engine; NULL when none waits. The caller frees it. */
struct workload *sched_client_reap(struct sched_client *client);

/*
 * Interrupts that the client's commands have raised on the engine since the last call, WORKLOAD_IRQ_*; the call clears them. They are
 * reported when they happen (notify() is called), not at the end of the workload: a ring segment may hold several requests,
 * each with an interrupt of its own. Take them before reaping. A context that shares an instant with another may get one too
 * many, never one too few.
 */
enum {
    WORKLOAD_IRQ_USER = 1 << 0,   /* MI_USER_INTERRUPT; the bits are those of the GT interrupt registers */
    WORKLOAD_IRQ_NOTIFY = 1 << 4, /* PIPE_CONTROL or MI_FLUSH_DW notify */
};
uint32_t sched_client_interrupts(struct sched_client *client, unsigned engine);

/*
 * Takes the client's unfinished workloads off the engine; each comes back as DONE or PREEMPTED (when the engine does not let go in time:
 * HUNG), in order. Does not wait. A preempted context goes on where it stopped when it is submitted again: its ring head is in the
 * image, and a position inside a batch is remembered by the shadow context.
 */
void sched_client_preempt(struct sched_client *client, unsigned engine);
/* Cancels the client's workloads on the engines in the mask; when it returns none of them runs, and those that had not ended are CANCELLED.
 * Waits at most for an engine reset. Forgets shadow contexts if forget is set (full reset). */
void sched_client_reset(struct sched_client *client, uint32_t engine_mask, bool forget);

/* What a client may have of the mediator's memory and time; beyond it, its own work fails or waits. */
enum sched_quota {
    SCHED_QUOTA_QUEUED,      /* workloads that wait on an engine */
    SCHED_QUOTA_CONTEXTS,    /* shadow contexts */
    SCHED_QUOTA_BATCH_BYTES, /* copies of privileged batches */
    SCHED_QUOTAS
};
extern const struct sched_quota_desc {
    const char *name;
    uint64_t limit;
} sched_quotas[SCHED_QUOTAS];

/* Where the mediator's own time for a client's submissions goes: laps of its threads, each a part of the way (docs/submission.md). */
enum sched_cost {
    SCHED_COST_PAGE_TABLES, /* shadow page tables and global entries brought up to date (mmio) */
    SCHED_COST_CONTEXT,     /* the guest's register state read, our image filled */
    SCHED_COST_COPY,        /* ring segment copied */
    SCHED_COST_AUDIT,       /* segment and privileged batches audited, batches placed */
    SCHED_COST_QUEUE,       /* queued, written to our ring, dispatched or the scheduler woken */
    SCHED_COST_ELSP,        /* written to the physical ELSP: on the model, its engine's thread woken. In no other */
    SCHED_COST_WRITE_BACK,  /* the guest's image written */
    SCHED_COST_STATUS,      /* the guest's context status and interrupt (mmio) */
    SCHED_COSTS
};
extern const char *const sched_cost_names[SCHED_COSTS];

struct sched_usage {
    uint64_t busy_ns[ENGINE_COUNT];
    uint64_t workloads[ENGINE_COUNT];
    uint64_t preemptions, hangs;
    uint64_t longest_hold_ns; /* longest that an engine took to let go of it for another client, a reset included */
    unsigned queued; /* now */
    uint64_t most[SCHED_QUOTAS]; /* that it ever had of each quota */
    uint64_t cost_ns[SCHED_COSTS];
};
/* Adds the time since *since, CLOCK_MONOTONIC, to a cost, and sets *since to now. Any thread, no lock. */
void sched_client_lap(struct sched_client *client, enum sched_cost cost, uint64_t *since);
/* Processor time of the scheduler's thread so far, for all clients, its writes to the ELSP included. Any thread. */
uint64_t scheduler_cpu_ns(struct scheduler *scheduler);
void sched_client_usage(struct sched_client *client, struct sched_usage *usage); /* any thread */
/* At run time; any thread. */
void sched_client_set_weight(struct sched_client *client, unsigned weight);
void sched_client_set_limits(struct sched_client *client, unsigned cap, bool latency);

#ifdef __cplusplus
}
#endif
#endif
