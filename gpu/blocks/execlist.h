/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The execlist submission port of a Gen8/9 engine as pure logic: which context runs, which list waits, and which context status
 * entries software gets to see. Two users:
 *
 *  - gpu/model: start() lets the engine's thread load the context, preempt() asks it to stop at its next arbitration point; the thread
 *    answers with execlist_context_done() or execlist_context_preempted().
 *  - mmio (the vGPU): start() hands the context to the scheduler as a workload; the scheduler's results are the answers. A vGPU that
 *    prepares both elements of a list at once queues the second by itself when it sees the submission, and may ignore start() for it:
 *    the answers must come in the order of the elements all the same.
 *
 * Hardware keeps two lists of two elements (contexts) each: one that runs and one that waits. Sequences of status entries:
 *   idle, list {A}        IDLE_ACTIVE(0) ... CONTEXT_COMPLETE|ACTIVE_IDLE(A)
 *   idle, list {A, B}     IDLE_ACTIVE(0) ... CONTEXT_COMPLETE|ELEMENT_SWITCH(A) ... CONTEXT_COMPLETE|ACTIVE_IDLE(B)
 *   A runs, list {C, ..}  PREEMPTED(A) at A's arbitration point; C runs. A was saved, its list is gone (B never ran).
 *   A runs, list {A, ..}  PREEMPTED|LITE_RESTORE(A); A goes on with the new tail from its image (unless DESC_FORCE_RESTORE).
 *   A, the last of its list, ends while a list waits: CONTEXT_COMPLETE|ACTIVE_IDLE(A), then IDLE_ACTIVE(0).
 *   A, not the last of its list, ends while a list waits: CONTEXT_COMPLETE|ELEMENT_SWITCH(A), then B is to run, and is
 *   preempted before its first command: PREEMPTED(B).
 * i915 takes IDLE_ACTIVE and PREEMPTED as "the waiting list runs now" and any other entry as "the running element has ended".
 *
 * Sources: PRM SKL vol. 2c "EXECLIST_SUBMITPORT", "EXECLIST_STATUS", "CONTEXT_STATUS", vol. 6 "Execlists"; Linux 6.1
 * gt/intel_execlists_submission.c (gen8_csb_parse, process_csb), gvt/execlist.c for the layout of the status register.
 *
 * Threads: none of its own; the owner serialises all calls on one struct. Callbacks run inside the calls below, as their last
 * act: a callback may call back into the machine, and may not assume which element is started when it returns.
 */
#ifndef MEDIANT_GPU_BLOCKS_EXECLIST_H
#define MEDIANT_GPU_BLOCKS_EXECLIST_H

#include "gpu/defs/formats.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Context status events beside those of formats.h: why a context that had not ended was switched out by itself. */
enum {
    CSB_WAIT_SYNC_FLIP = 1 << 5,
    CSB_WAIT_VBLANK = 1 << 6,
    CSB_WAIT_SEMAPHORE = 1 << 7,
    CSB_WAIT_SCANLINE = 1 << 8,
};

/* EXECLIST_STATUS, low dword; the high dword is the id of the running context. */
enum {
    EXECLIST_STATUS_CURRENT_LIST = 1 << 0, /* which of the two lists runs */
    EXECLIST_STATUS_WRITE_LIST = 1 << 1,   /* which the next submission goes to */
    EXECLIST_STATUS_QUEUE_FULL = 1 << 2,
    EXECLIST_STATUS_LIST1_VALID = 1 << 3,
    EXECLIST_STATUS_LIST0_VALID = 1 << 4,
    EXECLIST_STATUS_REASON_SHIFT = 5, /* events of the last switch, 9 bits */
    EXECLIST_STATUS_ELEMENT_SHIFT = 14, /* 0 none, 1 element 0, 2 element 1 */
    EXECLIST_STATUS_ARBITRATION = 1 << 16,
    EXECLIST_STATUS_LIST1_ACTIVE = 1 << 17,
    EXECLIST_STATUS_LIST0_ACTIVE = 1 << 18,
};

struct execlist_ops {
    /*
     * The context of desc is the one to run from now on. lite: it is already loaded, only its ring tail is to be read again from
     * its image. After an element switch a list may be waiting already (execlist.waiting, for which preempt() was called before):
     * then the context is to be preempted before its first command.
     */
    void (*start)(void *opaque, uint64_t desc, bool lite);
    /*
     * A list waits behind the running context, which should stop at its next arbitration point. lite: the waiting list begins with the
     * running context, so that nothing needs to be saved. Called again when a newer list replaces the waiting one.
     */
    void (*preempt)(void *opaque, bool lite);
    /*
     * A new context status entry (status, context id) at index 0..5: write it to the status page, then the index to the write pointer
     * there, then raise the context-switch interrupt when the machine's call has returned.
     */
    void (*csb_write)(void *opaque, unsigned index, uint32_t status, uint32_t context_id);
};

/* Plain data: it may be copied, saved and restored. Owners read it but change it only through the functions. */
struct execlist {
    uint32_t elsp[4];          /* dwords of the submission in the making */
    uint32_t elsp_count;
    uint64_t list[2][2];       /* descriptors by list and element; an element without DESC_VALID is absent */
    uint8_t current;           /* list that runs, or ran last */
    uint8_t element;           /* element of it that runs */
    bool active;               /* an element runs */
    bool waiting;              /* the other list waits */
    uint32_t last_reason;      /* events of the last entry */
    uint32_t status[CSB_ENTRIES][2]; /* CONTEXT_STATUS_BUF */
    uint8_t write_pointer;     /* CONTEXT_STATUS_PTR 2:0; beyond 5: nothing was written yet */
    uint8_t read_pointer;      /* 10:8, software's */
};

/* State at power-on and after an engine reset: idle, nothing waits, write pointer 7. No callback runs. */
void execlist_reset(struct execlist *list);

/*
 * A write to the submit port. The fourth of (element 1 high, element 1 low, element 0 high, element 0 low) submits. Returns true when it
 * did. A list whose element 0 is not valid is dropped, as a whole.
 */
bool execlist_elsp_write(struct execlist *list, uint32_t dword, const struct execlist_ops *ops, void *opaque);
/* The same with both descriptors at once; desc1 is 0 for none. A newer list replaces one that waits. */
bool execlist_submit(struct execlist *list, uint64_t desc0, uint64_t desc1, const struct execlist_ops *ops, void *opaque);

/* The running context came to its tail and is saved. Ignored when nothing runs. */
void execlist_context_done(struct execlist *list, const struct execlist_ops *ops, void *opaque);
/*
 * The running context stopped (and, unless execlist_would_lite_restore(), is saved) because a list waits. Ignored when nothing
 * runs or none waits.
 */
void execlist_context_preempted(struct execlist *list, const struct execlist_ops *ops, void *opaque);
/*
 * The running context is saved and gives way because it waits for something (events: one of CSB_WAIT_*), which it does when its
 * image does not inhibit switches at waits. The next element or list runs; software must submit the context again.
 */
void execlist_context_waits(struct execlist *list, uint32_t events, const struct execlist_ops *ops, void *opaque);

/* Descriptor of the running context, 0 when idle. */
uint64_t execlist_running(const struct execlist *list);
/* True when the waiting list begins with the running context and does not force a restore. */
bool execlist_would_lite_restore(const struct execlist *list);

/* EXECLIST_STATUS: low dword (arbitration: as the engine has it now) and high dword. */
uint64_t execlist_status(const struct execlist *list, bool arbitration);
/* CONTEXT_STATUS_PTR, read and write (masked: bits 31:16 select). */
uint32_t execlist_pointer_read(const struct execlist *list);
void execlist_pointer_write(struct execlist *list, uint32_t value);
/* CONTEXT_STATUS_BUF: dword 0..11. */
uint32_t execlist_buffer_read(const struct execlist *list, unsigned dword);

#ifdef __cplusplus
}
#endif
#endif
