/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine and its command streamer, shared by engine.c (thread, execlist), engine_regs.c, context.c and cs*.c; nobody else
 * includes this.
 *
 * Threads: struct cs belongs to the engine's thread. list, start_due and the flags of struct engine are guarded by its lock; attention
 * and preempt are atomics that the thread looks at between commands. The engine's thread holds no lock and is outside of a
 * memory section (cs_leave()) when it calls into the rest of the model.
 */
#ifndef MEDIANT_GPU_MODEL_ENGINE_INTERNAL_H
#define MEDIANT_GPU_MODEL_ENGINE_INTERNAL_H

#include "gpu/blocks/execlist.h"
#include "gpu/defs/commands.h"
#include "gpu/model/model_internal.h"

/* Where commands come from. Each level returns to the one below it. */
enum cs_level {
    CS_RING,
    CS_BATCH,
    CS_SECOND,     /* second-level batch */
    CS_WORKAROUND, /* the indirect or per-context batch of a context restore */
    CS_LEVELS,
};

/* Why the command streamer stops executing. */
enum cs_status {
    CS_OK,        /* it goes on */
    CS_DONE,      /* head is at the tail (or a workaround batch ended) */
    CS_PREEMPTED, /* at an arbitration point, for the waiting list */
    CS_YIELDED,   /* waits for a semaphore and its image lets others run meanwhile */
    CS_HALTED,    /* STOP_RING, or software prepares a reset */
    CS_STOPPED,   /* reset or destruction */
    CS_ERROR,     /* error registers are set: no progress until a reset */
};

enum {
    CS_COMMAND_DWORDS = 1025, /* longest command that is looked at: a 10-bit length field */
    CS_SLICE = 1024,         /* commands in one memory section */
    URB_BYTES = 32 * 1024,   /* what MI_LOAD_URB_MEM can reach */
};

/* MI_MODE, RESET_CTL, MODE. PRM SKL vol. 2c; Linux 6.1 gt/intel_engine_regs.h. */
enum {
    MI_MODE_STOP_RING = 1 << 8,
    MI_MODE_IDLE = 1 << 9,
    RESET_CTL_REQUEST = 1 << 0,
    RESET_CTL_READY = 1 << 1,
    MODE_EXECLISTS = 1 << 15,
    CTL_VALID = 1 << 0,
    CTL_WAIT_SEMAPHORE = 1 << 10,
    CTL_PAGES = 0x1ff000,
    HEAD_ADDR = 0x1ffffc,
    HEAD_WRAP_SHIFT = 21,
    TAIL_ADDR = 0x1ffff8,
    BB_VALID = 1 << 0,
    BB_STATE_PPGTT = 1 << 5,
    BB_STATE_PREDICATE_SHIFT = 28, /* the model's own: MI_SET_PREDICATE of a preempted batch */
};

/* Error status bits (EIR, EMR, ESR). Linux 6.1 i915_reg.h, I915_ERROR_*. */
enum {
    ERROR_INSTRUCTION = 1 << 0,
    ERROR_PAGE_TABLE = 1 << 4,
};

enum engine_attention {
    ATTENTION_STOP = 1 << 0,
    ATTENTION_HALT = 1 << 1,
    ATTENTION_INVALIDATE = 1 << 2,
};

struct engine;

struct cs {
    struct engine *engine;
    struct model *model;
    struct engine_memory *memory;
    unsigned id;   /* enum gpu_engine */
    uint32_t base; /* of its registers */

    /* The loaded context. */
    uint64_t desc; /* 0: none */
    enum vm_kind ppgtt_vm; /* VM_GGTT when the descriptor does not enable the PPGTT */
    uint32_t ring_start, ring_size, tail;
    uint32_t wraps; /* how often the head wrapped, 11 bits */
    struct {
        uint64_t ip; /* address of the next command; for the ring the offset in it (the head) */
        bool ppgtt;
    } at[CS_LEVELS];
    enum cs_level level;
    bool privileged;    /* of the level */
    bool arbitration;   /* MI_ARB_ON_OFF */
    unsigned predicate; /* MI_SET_PREDICATE; 0: none */
    unsigned turns;     /* starts of batches since a command last did something: many are a loop that waits to be changed */
    bool turned_away;   /* what waits for the engine was there at the last turn already, and did not get it */

    uint64_t wa_end;    /* CS_WORKAROUND: where it ends; 0: by MI_BATCH_BUFFER_END */

    /* Commands at ip that can be read through a pointer; only in a section. */
    bool in_section;
    const uint32_t *window;
    size_t window_dwords;

    uint32_t dw[CS_COMMAND_DWORDS]; /* the current command, copied */
    unsigned len;
    bool repeat; /* set by a command that returns CS_PREEMPTED before its end: it is executed again on resumption */
    uint32_t scan_start[3], scan_end[3]; /* MI_LOAD_SCAN_LINES by pipe; inclusive when start <= end */
    bool scan_exclusive[3];
    uint8_t *urb;
};

struct engine {
    struct model *model;
    struct engine_memory *memory;
    struct blitter *blitter;
    unsigned id;
    uint32_t base;
    GThread *thread;

    GMutex lock;
    GCond cond;
    struct execlist list;
    bool start_due, start_lite; /* start() was called; the context is execlist_running() */
    bool running;         /* the thread executes a context */
    bool hung;            /* stopped on an error */
    bool quit, reset_wanted;
    bool irq_due;         /* a context status was written */
    uint64_t signals;     /* MI_SEMAPHORE_SIGNAL to this engine */

    uint32_t attention; /* atomic, enum engine_attention */
    uint32_t preempt;   /* atomic bool: a list waits */
    uint64_t timestamp_base; /* atomic: CTX_TIMESTAMP is ticks minus this while a context runs; 0: none runs */

    struct cs cs;
};

/* The submit port and what registers show of the thread. No lock held. (engine.c) */
void engine_elsp_write(struct engine *engine, uint32_t value);
bool engine_is_idle(struct engine *engine);
/* STOP_RING and RESET_CTL, as they are now, decide whether the engine halts. */
void engine_update_halt(struct engine *engine);
/* MI_SEMAPHORE_SIGNAL: the engine looks at the semaphore it waits for again. */
void engine_signal(struct engine *engine);

/* Registers of an engine. (engine_regs.c) */
static inline uint32_t cs_reg(const struct cs *cs, uint32_t offset)
{
    return model_reg(cs->model, cs->base + offset);
}

static inline void cs_reg_set(struct cs *cs, uint32_t offset, uint32_t value)
{
    model_reg_set(cs->model, cs->base + offset, value);
}

static inline uint64_t cs_reg64(const struct cs *cs, uint32_t offset)
{
    return cs_reg(cs, offset) | (uint64_t)cs_reg(cs, offset + 4) << 32;
}

static inline void cs_reg64_set(struct cs *cs, uint32_t offset, uint64_t value)
{
    cs_reg_set(cs, offset, (uint32_t)value);
    cs_reg_set(cs, offset + 4, (uint32_t)(value >> 32));
}

/* Which engine's registers an absolute offset belongs to; the render engine for all that is no engine's. */
unsigned engine_of_offset(uint32_t offset);
/* A write by context restore: masked and read-only bits handled, no side effects but those of MI_MODE. Absolute offset. */
void engine_reg_restore(struct engine *engine, uint32_t offset, uint32_t value);
/* All registers of the engine to their reset values. */
void engine_regs_reset(struct engine *engine);

/* 12 MHz ticks of CLOCK_MONOTONIC: what RING_TIMESTAMP shows. PRM SKL vol. 14 (time stamp bases); CTC_MODE 0xa26c says so. */
uint64_t engine_timestamp(void);
static inline uint32_t engine_attention(const struct engine *engine)
{
    return __atomic_load_n(&engine->attention, __ATOMIC_RELAXED);
}

/* Context images. (context.c) CS_OK, or CS_ERROR, or what a workaround batch ended with. */
enum cs_status context_restore(struct cs *cs, uint64_t desc);
/* Lite restore: the ring tail alone. */
enum cs_status context_reload_tail(struct cs *cs);
enum cs_status context_save(struct cs *cs);

/* The command streamer. (cs.c) Runs until there is a reason to stop, never CS_OK. */
enum cs_status cs_run(struct cs *cs);
/* Runs a workaround batch in the global GTT: bytes of it, or to its end (0). CS_OK when it ended. */
enum cs_status cs_run_workaround(struct cs *cs, uint32_t address, uint32_t bytes);
/* Ends the memory section, if there is one, and shows where execution stands in the registers. */
void cs_leave(struct cs *cs);
void cs_publish(struct cs *cs);
/* Drops the fetch window: the next command is read through the page tables again. */
static inline void cs_refetch(struct cs *cs)
{
    cs->window_dwords = 0;
}
/* Records an error and leaves: CS_ERROR. reason is an ERROR_* bit. */
enum cs_status cs_error(struct cs *cs, uint32_t reason, uint64_t address);
/* An arbitration point: CS_PREEMPTED when a list waits and arbitration is on. */
enum cs_status cs_arbitrate(struct cs *cs);
/* Batches. */
enum cs_status cs_batch_start(struct cs *cs);
enum cs_status cs_batch_end(struct cs *cs);
void cs_set_level(struct cs *cs, enum cs_level level);

/* The address space that a command's address is in: the GGTT only if the command asks for it and may. */
static inline enum vm_kind cs_vm(const struct cs *cs, bool ggtt)
{
    return ggtt && cs->privileged ? VM_GGTT : cs->ppgtt_vm;
}
static inline uint64_t cs_address(uint32_t low, uint32_t high)
{
    return ((uint64_t)high << 32 | low) & UINT64_C(0xffffffffffff);
}
/* Memory accesses of commands; a fault stops the engine. */
enum cs_status cs_load(struct cs *cs, enum vm_kind vm, uint64_t address, void *data, size_t len);
enum cs_status cs_store(struct cs *cs, enum vm_kind vm, uint64_t address, const void *data, size_t len);
/* Address of a byte in the status page: the global one, or the context's own. In the GGTT. */
uint64_t cs_status_page(const struct cs *cs, bool global, uint32_t offset);
void cs_irq(struct cs *cs, uint32_t sources);

/* Register accesses by commands, with the privilege check of the level. (cs_registers.c) */
bool cs_register_readable(const struct cs *cs, uint32_t offset);
bool cs_register_writable(const struct cs *cs, uint32_t offset);
uint32_t cs_register_read(struct cs *cs, uint32_t offset);
void cs_register_write(struct cs *cs, uint32_t offset, uint32_t value);

/*
 * Commands: each works on cs->dw and cs->len, with ip already behind the command, and returns CS_OK or why execution stops. A
 * table row gives the shortest and longest form that is legal.
 */
typedef enum cs_status cs_command(struct cs *cs);
struct cs_handler {
    cs_command *fn;
    uint16_t min, max;
};
extern const struct cs_handler cs_handlers[CMD_COUNT]; /* (cs_commands.c) */

cs_command cs_load_register_imm, cs_load_register_mem, cs_load_register_reg, cs_store_register_mem; /* cs_registers.c */
cs_command cs_math, cs_predicate, cs_set_predicate;                                                /* cs_math.c */
cs_command cs_atomic;                                                                              /* cs_atomic.c */
cs_command cs_pipe_control, cs_flush_dw;                                                           /* cs_flush.c */
cs_command cs_semaphore_wait, cs_semaphore_signal, cs_wait_for_event, cs_load_scan_lines_incl, cs_load_scan_lines_excl,
    cs_display_flip; /* cs_wait.c */
/* The ring holds less than the command at its head: waits for a lite restore, a preemption or a reset. (cs_wait.c) */
enum cs_status cs_starve(struct cs *cs);
/* Between two turns of a loop that does nothing: sleeps when there were many. */
void cs_turn(struct cs *cs);

#endif
