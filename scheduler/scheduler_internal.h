/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the scheduler share.
 *
 * Locks: scheduler->lock guards queues, ports, policies, results and usage. The scheduler's thread holds it for each round of decisions;
 * the clients' threads take it for a moment. What a client's thread does with an idle shadow context (one that has no
 * workload and is on no engine) needs no lock: nobody else looks at it.
 */
#ifndef MEDIANT_SCHEDULER_INTERNAL_H
#define MEDIANT_SCHEDULER_INTERNAL_H

#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"
#include "scheduler/audit.h"
#include "scheduler/commands.h"
#include "scheduler/policy.h"
#include "scheduler/scheduler.h"

#include <time.h>

enum {
    SCHED_PAGE = 4096,
    SCHED_STATE_DWORDS = SCHED_PAGE / 4,
    SCHED_MAX_CONTEXTS = 48,          /* shadow contexts of a client; idle ones beyond are dropped */
    SCHED_MAX_QUEUED = 4096,          /* workloads of a client on an engine */
    SCHED_MAX_BATCH_BYTES = 16 << 20, /* copies of privileged batches of a client */
    SCHED_MIN_RING = 16 << 10,
    SCHED_MAX_RING = 2 << 20,         /* what RING_CTL can say */
};
#define SCHED_DEFAULT_SLICE_NS UINT64_C(4000000)
#define SCHED_DEFAULT_HANG_NS UINT64_C(2000000000)
#define SCHED_MIN_PATIENCE_NS UINT64_C(10000000)  /* with who has held an engine again and again */
#define SCHED_FORGIVE_NS UINT64_C(10000000000)    /* after which all is forgotten */
#define SCHED_RESET_GRACE_NS UINT64_C(20000000) /* a client that resets itself: how long its context may take to come off by preemption */

/* Bits of ring and batch state in a context image. PRM SKL vol. 2c, "RING_BUFFER_HEAD", "BB_ADDR", "BB_STATE". */
enum {
    RING_HEAD_OFFSET = 0x1ffffc,
    RING_TAIL_OFFSET = 0x1ffff8,
    RING_CTL_ENABLE = 1 << 0,
    RING_CTL_PAGES = 0x1ff000, /* size in pages, less one */
    BATCH_ADDRESS_VALID = 1 << 0,
    BATCH_STATE_PPGTT = 1 << 5,
    MI_MODE_STOP = 1 << 8,
    WA_PER_CONTEXT_VALID = 1 << 0,
    WA_INDIRECT_LINES = 0x3f, /* size in cache lines of 64 bytes */
};

/* Host memory of a shadow context beside image and ring: written by its commands. */
struct breadcrumb {
    uint32_t seqno;     /* of the last workload that is complete */
    uint32_t timestamp; /* CTX_TIMESTAMP when it was */
    uint64_t scratch;   /* of flushes */
};

/* Privileged batches in host memory, and what they are copies of. */
struct batch_copies {
    struct gpu_buffer buffer;
    struct audit audit;
};

/* A guest's context on an engine: our image and ring in its stead. */
struct shadow_context {
    struct sched_client *client;
    unsigned engine;
    uint32_t lrca; /* the guest's */
    struct hw_context hw;
    struct gpu_buffer crumb;
    struct batch_copies workarounds; /* indirect-context batch and per-context batch */
    struct batch_copies resume;      /* batches that a preempted position lies in */
    bool four_level;

    /* The client's thread. */
    unsigned users;         /* workloads that were made and are neither written back nor freed */
    uint32_t guest_state[CTX_PDP0_LDW + 1]; /* first dwords of the guest's register state as it was loaded */
    uint32_t guest_start;                   /* graphics address of the guest's ring */
    uint32_t guest_ring, guest_tail;        /* ring size in bytes; where the next segment begins */
    uint32_t saved_batch[6];                /* CTX_BB_ADDR_UDW .. SBB_STATE as written back: a guest may only resubmit these or PPGTT ones */
    bool resumable;                         /* saved_batch belongs to what the image holds */
    uint64_t last_used;
    bool forgotten;                         /* by a reset: what is submitted later is another context, even at the same place */
    uint32_t page0[SCHED_STATE_DWORDS];     /* per-process status page as the guest's memory has it */

    /* Under the lock. */
    GQueue workloads;       /* submitted and not ended, in order */
    uint32_t tail, retired; /* ring offsets: end of what was emitted; end of what is complete */
    uint32_t seqno;         /* of the last one that was made */
    uint32_t charged;       /* CTX_TIMESTAMP up to which time is accounted for */
    uint32_t raises;        /* WORKLOAD_IRQ_* that its commands may raise */
    struct register_loads loads; /* by its commands */
    bool broken;            /* a workload was taken off before its end: the ring is not to be continued */
};

struct workload {
    struct sched_client *client;
    struct shadow_context *context;
    unsigned engine;
    uint64_t desc, id;
    uint32_t seqno;
    uint32_t *dwords; /* the audited segment, until it is emitted */
    size_t count;
    uint32_t guest_head, guest_tail;
    uint32_t begin, end; /* ring offsets of the segment's first byte and of the end of the epilogue */
    uint32_t raises;
    struct register_loads loads;
    struct batch_copies batches;
    enum workload_status status;
    uint32_t ring_head;
    uint64_t busy_ns;
    char *reason;
    struct error_state *error_state; /* of a hang, or NULL */
    struct engine_view *view;        /* likewise */
    bool emitted, complete, leaving, dispatched;
    bool submitted, written_back;
};

/* A client on one engine. */
struct sched_lane {
    struct sched_client *client;
    unsigned engine;
    struct policy_entity entity;
    GQueue queue;       /* struct workload: submitted and not ended, in order */
    bool preempting;    /* those with leaving set come back as soon as the engine has let go */
    bool resetting;     /* all of them are cancelled then */
    uint64_t reset_by;  /* and the engine is reset if it has not by then */
    bool hung;          /* nothing of the lane runs until its client resets the engine */
    unsigned strikes;   /* resets in a row because it did not let go (hang.c) */
    uint64_t struck_at; /* the last of them */
    uint32_t interrupts;
};

struct sched_client {
    struct scheduler *scheduler;
    unsigned id;
    char *name;
    const struct guest_ops *ops;
    void *guest;
    struct sched_lane lanes[ENGINE_COUNT];
    GQueue results;
    struct sched_usage usage;
    uint32_t *registers;    /* values of REG_PER_VGPU registers by index in scheduler->switched; see set */
    bool *registers_set;
    bool *registers_open;       /* the client's FORCE_TO_NONPRIV slots open the register to its batches, which nobody audits */
    bool opens[ENGINE_COUNT];   /* one of them, or more, belongs to the engine */
    unsigned registers_version; /* changes with its values, but not when a batch or a command changes them */
    bool notify, notifying; /* to be notified; notify() is running */
    GPtrArray *contexts;    /* struct shadow_context; the client's thread */
    uint64_t uses;
    size_t batch_bytes;     /* atomic */
    uint64_t most[SCHED_QUOTAS]; /* atomic */
    uint64_t cost_ns[SCHED_COSTS]; /* atomic */
};

/* One element of a submission. */
struct sched_port {
    struct hw_context *hw;          /* NULL: empty */
    struct shadow_context *context; /* NULL for the scheduler's own */
    uint32_t tail;
};

struct sched_engine {
    unsigned index;
    struct policy policy;
    struct hw_context pulse;   /* our own empty context: takes others off the engine, and shows that it lets go */
    struct sched_port active[2], pending[2];
    bool waiting;              /* pending was submitted and not yet acknowledged */
    uint64_t waiting_since;
    struct workload *running;  /* the workload that the trace shows on the engine */
    uint64_t slice_start;      /* when the running client got it */
    uint64_t accounted_at;     /* when its time was last accounted for */
    uint32_t interrupts;       /* seen in this round */
    GPtrArray *candidates;     /* contexts that may have raised them */
    bool error;                /* the command streamer reported one in this round */
    bool look;                 /* an event of it, or a client's request, since the last round */
    unsigned queued;           /* workloads in the queues of its lanes */
    bool dead;                 /* a reset did not work */
    struct driver_progress progress;
    uint32_t progress_seqno;
    uint64_t progress_since;
    uint64_t polled_at;
    uint64_t contested_since; /* since when another client waits for it; 0: none does */
    const struct sched_client *owner; /* whose registers are loaded, as of owner_version; may be gone */
    unsigned owner_version;
};

/* A physical register that each client has its own value of. */
struct sched_register {
    uint32_t offset;
    uint8_t engine;   /* whose owner's value it has to be */
    bool nonpriv;     /* a FORCE_TO_NONPRIV slot: what it opens is checked */
    bool masked;
    uint32_t initial; /* physical, before anybody's */
    uint32_t value;   /* physical, as we know it, when it has no loader */
    struct sched_client *loader; /* whose commands or batches may have changed it since: they see their value again when it has the engine again */
};

struct scheduler {
    struct driver *driver;
    struct trace *trace;
    uint64_t slice_ns, hang_ns;
    const struct policy_ops *policy;
    GMutex lock;
    GCond changed;        /* a reset or a notification has ended */
    GPtrArray *clients;
    struct sched_engine engines[ENGINE_COUNT];
    struct sched_register *switched;
    unsigned switched_count;
    uint64_t next_id;     /* atomic */
    uint64_t elsp_ns;     /* writes to the ELSP so far, by any thread */
    GThread *thread;
    clockid_t thread_clock; /* of its processor time, once has_clock is set */
    bool has_clock;       /* under the lock */
    uint64_t deadline;    /* when the thread looks again by itself */
    bool quit;
};

static inline uint32_t *shadow_state(const struct shadow_context *context)
{
    return (uint32_t *)(void *)(context->hw.image.host + CONTEXT_STATE_PAGE * SCHED_PAGE);
}

static inline struct sched_lane *workload_lane(const struct workload *workload)
{
    return &workload->client->lanes[workload->engine];
}

/* shadow_context.c: the client's thread. */
struct shadow_context *shadow_context_get(struct sched_client *client, unsigned engine, uint32_t lrca, uint32_t guest_ring, GError **error);
void shadow_contexts_forget(struct sched_client *client, uint32_t engine_mask);
/* Loads it from the guest's register state (already read, all dwords of the page) and its engine state. The context is idle. */
bool shadow_context_load(struct shadow_context *context, const uint32_t *guest, const uint64_t pdp[4], GError **error);
bool shadow_context_write_back(struct shadow_context *context, uint32_t ring_head);
/* Fills the part of an audit that the caller owes. */
void shadow_context_audit_init(const struct shadow_context *context, const uint64_t pdp[4], struct audit *audit);

/* shadow_ring.c: under the lock. */
/* Bytes of ring that a segment of count dwords needs. */
uint32_t shadow_ring_bytes(unsigned engine, size_t count);
/* Puts workloads of the context into its ring, in order, as far as there is room. */
void shadow_ring_emit(struct shadow_context *context);
/* Notes registers that commands load, for switched_registers_note_loads(). */
void shadow_ring_note_loads(struct shadow_context *context, const struct register_loads *loads);
/* Puts the context's position behind all that was emitted: what is left of it will not run. */
void shadow_ring_skip(struct shadow_context *context);
/* Where the guest's ring stands for a context that is off the engine; complete: the guest's commands of workload have all run. */
uint32_t shadow_ring_guest_head(const struct shadow_context *context, const struct workload *workload, bool *complete);

/* complete.c: under the lock. */
void engine_context_status(struct sched_engine *engine, struct scheduler *scheduler, uint32_t status, uint64_t now);
/* The client has so much of a quota. Calls for one quota do not run at once: the client's thread, or the scheduler's lock. (client.c) */
void sched_client_note(struct sched_client *client, enum sched_quota quota, uint64_t value);

/* The engine lets go of the client's context now, which it was asked for when the last submission was made. */
void engine_note_hold(const struct sched_engine *engine, struct sched_client *client, uint64_t now);

/* The first of the context's workloads that is not complete, or NULL. */
struct workload *first_incomplete(const struct shadow_context *context);
/* Marks what is complete, accounts for time, hands out results. */
void engine_retire(struct scheduler *scheduler, struct sched_engine *engine, uint64_t now);
void engine_deliver_interrupts(struct sched_engine *engine);
void engine_note_candidate(struct sched_engine *engine);
/* The context is on the engine, or submitted to it. */
bool engine_holds_context(const struct sched_engine *engine, const struct shadow_context *context);
/* All workloads that it has are complete, and wait for the engine to let go of it. */
bool context_is_done(const struct shadow_context *context);
bool engine_holds_lane(const struct sched_engine *engine, const struct sched_lane *lane);
/* Ends a workload: off the queues, into the results. */
void workload_end(struct workload *workload, enum workload_status status, const char *reason);
/* Answers sched_client_preempt() and _reset() where the engine has let go. */
void engine_settle(struct scheduler *scheduler, struct sched_engine *engine);

/* dispatch.c: under the lock. */
/* Decides and submits; returns when to look again (UINT64_MAX: when something happens). */
uint64_t engine_dispatch(struct scheduler *scheduler, struct sched_engine *engine, uint64_t now);
/*
 * The same, on the thread of the lane's client, when nobody else is concerned: no other client has work for the engine or is on it. False: the
 * scheduler's thread has to look.
 */
bool lane_dispatch_alone(struct scheduler *scheduler, struct sched_lane *lane, uint64_t now);
/* Tells the policy which lanes have work that may run. */
void engine_note_ready(struct scheduler *scheduler, struct sched_engine *engine, uint64_t now);
void lane_update_ready(struct scheduler *scheduler, struct sched_lane *lane, uint64_t now);
struct sched_lane *lane_of(struct policy_entity *entity);
/* Submits our own context in front of what runs: to take it off, or to see that it can be. */
void engine_pulse(struct scheduler *scheduler, struct sched_engine *engine, bool resume, uint64_t now);

/* batch_copies.c */
void batch_copies_free(struct sched_client *client, struct batch_copies *copies);
/* Places the batches of an audit (which it takes over) in host memory, and patches dwords. */
bool batch_copies_place(struct sched_client *client, struct batch_copies *copies, struct audit *audit, uint32_t *dwords, GError **error);
/* Shows the batches of an audit, which may have failed, to the guest's recorder. */
void batches_show(const struct sched_client *client, const struct audit *audit);

/* hang.c: under the lock. */
/* Looks for an engine that does not move, and resets it; returns when to look again. */
uint64_t engine_check_hang(struct scheduler *scheduler, struct sched_engine *engine, uint64_t now);

/* error_capture.c: under the lock, before the engine is reset. Notes in the workload that the context executes where the engine stands. */
/* engine_view.c: of the context that is on its engine; false when it is not there any more. */
bool engine_view_read(const struct scheduler *scheduler, const struct shadow_context *context, struct engine_view *view);

void error_capture(struct scheduler *scheduler, const struct sched_engine *engine, const struct shadow_context *guilty, const char *reason);

/* switched_registers.c: under the lock. */
void switched_registers_init(struct scheduler *scheduler);
/* True when the engine's registers have other values than the client's. */
bool switched_registers_differ(struct scheduler *scheduler, unsigned engine, const struct sched_client *client);
/* A context goes to the engine whose commands or batches may change some. */
void switched_registers_note_loads(struct scheduler *scheduler, const struct shadow_context *context);
/* The engine was reset, and with it those registers that a reset clears: what they hold now is nobody's. */
void switched_registers_lost(struct scheduler *scheduler, unsigned engine);
/* The client goes: nothing is its any more. */
void switched_registers_drop(struct scheduler *scheduler, const struct sched_client *client);
/* The engine is empty and the client gets it: what is in the registers is kept for whoever changed it last. */
void switched_registers_load(struct scheduler *scheduler, unsigned engine, const struct sched_client *client);

#endif
