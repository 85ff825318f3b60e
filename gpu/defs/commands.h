/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command table: one row in commands.def for each command of the Gen9 command streamers, with its length rule, where it holds
 * addresses, who may use it, and what the audit does with it. The model executes by command id, the audit checks by row,
 * the decoder prints by name.
 *
 * Sources: Intel PRM Skylake vol. 2a (instructions); Mesa's gen9.xml for packet lengths.
 */
#ifndef MEDIANT_GPU_DEFS_COMMANDS_H
#define MEDIANT_GPU_DEFS_COMMANDS_H

#include "gpu/gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

enum cmd_id {
#define C(NAME, match, mask, length, engines, privilege, audit, ...) CMD_##NAME,
#include "gpu/defs/commands.def"
#undef C
    CMD_COUNT,
};

/* Length rule: a fixed number of dwords, or the low bits of dword 0 plus 2 (LEN8, LEN6, LEN16...). */
enum {
    CMD_LENGTH_FIELD = 0x80, /* length = (dword0 & ((1 << (length & 0x1f)) - 1)) + 2 */
};

enum cmd_privilege {
    CMD_USER,          /* any batch */
    CMD_PRIVILEGED,    /* hardware turns it into a no-operation in a non-privileged batch */
    CMD_RING_ONLY,     /* legal in the ring buffer only */
};

/* What the audit does with the command in a privileged buffer of a guest. */
enum cmd_audit {
    AUDIT_ALLOW,    /* nothing in it can reach beyond the guest */
    AUDIT_ADDRESS,  /* check its global graphics addresses (and register offsets) */
    AUDIT_REGISTER, /* check the registers that it names */
    AUDIT_SPECIAL,  /* a function of its own (batch start, user interrupt, flip, ...) */
    AUDIT_NOOP,     /* replaced by MI_NOOP */
    AUDIT_REJECT,   /* the vGPU fails */
};

/* One address or register offset inside a command. */
struct cmd_field {
    uint8_t dword;      /* index of its (low) dword */
    uint8_t kind;       /* enum cmd_field_kind */
    uint8_t ggtt_dword; /* where the bit is that selects the global GTT */
    uint8_t ggtt_bit;   /* bit number; CMD_GGTT_ALWAYS, CMD_GGTT_NEVER, or bit | CMD_GGTT_WHEN_CLEAR */
    uint32_t bytes;     /* bytes reached from the address on; 0 means "see the command" */
    uint8_t flags;      /* CMD_FIELD_*; for a register: of the register, not of memory */
};
enum cmd_field_kind {
    FIELD_NONE,
    FIELD_ADDRESS,  /* 48-bit graphics address in two dwords */
    FIELD_ADDRESS32,/* 32-bit graphics address */
    FIELD_REGISTER, /* MMIO offset */
    FIELD_STATUS_INDEX, /* byte offset into the hardware status page: global (ggtt bit) or the context's own */
};
enum {
    CMD_FIELD_WRITE = 1 << 0,   /* the command writes there; without it, it reads */
    CMD_FIELD_REPEAT2 = 1 << 1, /* again every second dword up to the command's end (MI_LOAD_REGISTER_IMM) */
};
enum { CMD_GGTT_ALWAYS = 0xff, CMD_GGTT_NEVER = 0xfe, CMD_GGTT_WHEN_CLEAR = 0x40, CMD_MAX_FIELDS = 4 };

struct cmd_desc {
    const char *name;
    uint32_t match, mask; /* on dword 0 */
    uint8_t length;       /* dwords, or CMD_LENGTH_FIELD | bits */
    uint8_t engines;      /* bit mask by enum gpu_engine */
    uint8_t privilege;    /* enum cmd_privilege */
    uint8_t audit;        /* enum cmd_audit */
    struct cmd_field fields[CMD_MAX_FIELDS];
};
extern const struct cmd_desc cmd_descs[CMD_COUNT];

/*
 * Slots by type and opcode: MI by bits 28:23, blitter by bits 28:22, render and media by bits 28:16. Type 1 does not exist.
 */
#define CMD_SLOT_NONE (64 + 128 + 8192)
#define CMD_SLOT(dword0) \
    (((dword0) >> 29) == 0   ? (((dword0) >> 23) & 0x3f) \
     : ((dword0) >> 29) == 2 ? 64 + (((dword0) >> 22) & 0x7f) \
     : ((dword0) >> 29) == 3 ? 64 + 128 + (((dword0) >> 16) & 0x1fff) \
                             : CMD_SLOT_NONE)
extern const uint16_t cmd_slots[ENGINE_COUNT][CMD_SLOT_NONE + 1]; /* command id + 1, or 0 */

/* The command that dword0 starts on this engine (below ENGINE_COUNT), or CMD_COUNT when there is none. Constant time. */
static inline enum cmd_id cmd_find(unsigned engine, uint32_t dword0)
{
    unsigned id = cmd_slots[engine][CMD_SLOT(dword0)];

    return id ? (enum cmd_id)(id - 1) : CMD_COUNT;
}

/* Its length in dwords, at least 1. id is below CMD_COUNT. */
static inline unsigned cmd_length(enum cmd_id id, uint32_t dword0)
{
    unsigned length = cmd_descs[id].length;

    return length & CMD_LENGTH_FIELD ? (dword0 & ((UINT32_C(1) << (length & 0x1f)) - 1)) + 2 : length;
}

/*
 * What a command reaches: one memory range or one register. The table's fields say where the operands are; this resolves what
 * depends on the rest of the command (post-sync operations, data sizes, address bits that carry flags).
 */
struct cmd_reach {
    uint64_t address; /* graphics address (48 bits), register offset, or byte offset into the status page */
    uint32_t bytes;   /* from there on; 0 when only the whole command tells (blits, batches, display surfaces) */
    uint16_t dword;   /* the operand's index in the command */
    uint8_t kind;     /* enum cmd_field_kind */
    bool ggtt;        /* selects the global GTT (a non-privileged batch gets its PPGTT all the same); for
                         FIELD_STATUS_INDEX: the global status page rather than the context's */
    bool write;
};
/*
 * Iterates over what the command reaches: *cursor starts at 0; false when there is no more. dwords holds count dwords, which may be fewer
 * than the command's length (what lies beyond is left out). Nothing beyond count is read; at most one step for each dword.
 */
bool cmd_reach_next(enum cmd_id id, const uint32_t *dwords, unsigned count, unsigned *cursor, struct cmd_reach *reach);

#ifdef __cplusplus
}
#endif
#endif
