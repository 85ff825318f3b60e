/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit: reads a private copy of what a guest wants to run with privilege (ring segments, batches in the global GTT, workaround
 * batches of a context), command by command, and makes it safe or says why it is not. It checks and changes the copy in place, so that what
 * was checked is what runs. Called by workload_create(); the tests and the fuzzer call it on plain buffers.
 *
 * What decides is the command table (gpu/defs/commands.def). Batches in the PPGTT are not read: hardware runs them without privilege.
 * Batches in the global GTT are copied once, audited on the copy, and the commands that start them are patched to the copies.
 *
 * Threads: an audit belongs to one thread. It calls guest_ops on it.
 */
#ifndef MEDIANT_SCHEDULER_AUDIT_H
#define MEDIANT_SCHEDULER_AUDIT_H

#include "gpu/defs/registers.h"
#include "scheduler/scheduler.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    AUDIT_MAX_BATCHES = 64,             /* copies in one audit */
    AUDIT_MAX_BYTES = 4 << 20,          /* of copies in one audit */
    AUDIT_MAX_FLIPS = 16,
    AUDIT_MAX_LOADS = 8,                /* different registers of the vGPU in a list of those that are loaded */
    AUDIT_BATCH_PADDING = 64,           /* bytes of MI_NOOP behind a copy: the command streamer reads ahead */
};

/* Registers with REG_PER_VGPU that commands load: what they hold then is known to the engine only. */
struct register_loads {
    uint32_t offset[AUDIT_MAX_LOADS];
    unsigned count;
    bool more; /* than the list has room for: any of the engine's */
};

void register_loads_add(struct register_loads *loads, uint32_t offset);

/* The engine whose owner a register with REG_PER_VGPU goes with (switched_registers.c): only its commands may load it. */
unsigned switched_registers_engine(const struct reg_desc *row, uint32_t offset);

/* Where a buffer stands: decides what may start a batch, and what ends the buffer. */
enum audit_level {
    AUDIT_RING,     /* its length is known; batches return to it */
    AUDIT_INDIRECT, /* an indirect-context workaround batch: its length is known; it starts nothing */
    AUDIT_BATCH,    /* ends with MI_BATCH_BUFFER_END, or by going on elsewhere */
    AUDIT_BATCH2,   /* a second-level batch: it returns into a batch */
};

struct audit_flip {
    uint32_t dwords[8];
    unsigned count;
};

/* One privileged batch: the copy of [gma, gma + 4 * used) of the guest, or code of ours that replaces a command (gma is UINT64_MAX). */
struct audit_batch {
    uint64_t gma;
    enum audit_level level;
    uint32_t *dwords;
    size_t used, fetched; /* dwords that are commands of it; dwords copied */
    uint8_t *boundary;    /* one byte for each dword: 1 where a command starts */
    size_t place;         /* byte offset where audit_place() puts it */
};

struct audit {
    /* Filled by the caller. */
    unsigned engine;
    const struct guest_ops *ops;
    void *guest;
    uint64_t context_gma; /* the guest's context image: page 0 is its per-process status page */
    uint64_t pdp[4];      /* what stands for the guest's page table roots */
    size_t max_bytes;     /* of batch copies; at most AUDIT_MAX_BYTES */
    struct trace *trace;
    unsigned vgpu;

    /* Found. */
    uint32_t interrupts;  /* WORKLOAD_IRQ_*: what its commands may raise */
    bool unscanned;       /* it starts a batch in the PPGTT */
    struct audit_flip flips[AUDIT_MAX_FLIPS];
    unsigned flip_count;
    struct register_loads loads;
    GPtrArray *batches;   /* struct audit_batch */
    size_t copied;        /* bytes in them */

    /* Internal. */
    GArray *fixups;
    GError *error;
};

/* Clears it; the caller then fills the first part. */
void audit_init(struct audit *audit);
void audit_finish(struct audit *audit);

/*
 * Audits count dwords (a ring segment or an indirect-context batch) in place, and every privileged batch that they lead to. False
 * with *error naming the command, its place and the rule.
 */
bool audit_buffer(struct audit *audit, enum audit_level level, uint32_t *dwords, size_t count, GError **error);
/* Copies and audits one batch at the guest's gma and what it leads to: the per-context workaround batch. It becomes batches[0]. */
bool audit_batch_at(struct audit *audit, uint64_t gma, GError **error);

/* Bytes that the batches need together, 0 when there are none. */
size_t audit_size(const struct audit *audit);
/*
 * Copies the batches to host (audit_size() bytes), which the GPU sees at gma of the global GTT, and patches every command that
 * starts one: in the copies and in dwords, the buffer that was audited (NULL when there was none).
 */
void audit_place(struct audit *audit, void *host, uint64_t gma, uint32_t *dwords);

/* The guest's address of a byte in the placed batches; UINT64_MAX when it lies in none of them or in code of ours. */
uint64_t audit_guest_address(const struct audit *audit, uint64_t offset);

#ifdef __cplusplus
}
#endif
#endif
