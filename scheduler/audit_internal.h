/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the audit share: the command under the eye, verdicts, and the checks by kind. */
#ifndef MEDIANT_SCHEDULER_AUDIT_INTERNAL_H
#define MEDIANT_SCHEDULER_AUDIT_INTERNAL_H

#include "gpu/defs/commands.h"
#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"
#include "scheduler/audit.h"
#include "scheduler/commands.h"

/* The command that is being audited. dwords points into the copy; length is inside it. */
struct audit_command {
    uint32_t *dwords;
    unsigned length;
    enum cmd_id id;
    enum audit_level level;
    int batch;     /* index of the batch that it is in, -1 for the buffer that the caller gave */
    size_t offset; /* of its first dword, in dwords */
    bool ends;     /* set: nothing behind it is reached */
};

/* A command at (batch, offset) that starts what lies at (target, target_offset): its address is known when the batches are placed. */
struct audit_fixup {
    int batch;
    size_t offset; /* of the low address dword */
    unsigned target;
    size_t target_offset; /* dwords */
};

/* Verdicts. Each returns what the check is to return: true to go on. */
bool audit_reject(struct audit *audit, const struct audit_command *command, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Replaces the whole command by MI_NOOP. */
bool audit_noop(struct audit *audit, const struct audit_command *command);

/* Global graphics memory: rejects unless [gma, gma + bytes) is the guest's own. */
bool audit_check_range(struct audit *audit, const struct audit_command *command, uint64_t gma, uint64_t bytes);
/* All address fields of the command by its row. bytes: for fields that say "see the command". (audit_memory.c) */
bool audit_check_addresses(struct audit *audit, const struct audit_command *command, uint64_t bytes);

/* The checks by command. (audit_memory.c, audit_register.c, audit_batch.c) */
bool audit_pipe_control(struct audit *audit, struct audit_command *command);
bool audit_flush_dw(struct audit *audit, struct audit_command *command);
bool audit_store_data_imm(struct audit *audit, struct audit_command *command);
bool audit_store_data_index(struct audit *audit, struct audit_command *command);
bool audit_atomic(struct audit *audit, struct audit_command *command);
bool audit_semaphore_wait(struct audit *audit, struct audit_command *command);
bool audit_cache_line_flush(struct audit *audit, struct audit_command *command);
bool audit_load_register_imm(struct audit *audit, struct audit_command *command);
bool audit_store_register_mem(struct audit *audit, struct audit_command *command);
bool audit_load_register_mem(struct audit *audit, struct audit_command *command);
bool audit_load_register_reg(struct audit *audit, struct audit_command *command);
bool audit_batch_start(struct audit *audit, struct audit_command *command);
bool audit_batch_end(struct audit *audit, struct audit_command *command);
bool audit_display_flip(struct audit *audit, struct audit_command *command);
bool audit_user_interrupt(struct audit *audit, struct audit_command *command);

/* A register write with a known value: true with *value to load, false when it must be left out. */
bool audit_register_write(struct audit *audit, uint32_t offset, uint32_t *value);
/* True when hardware may store the register for the guest: nothing in it is of the host or another guest. */
bool audit_register_readable(const struct audit *audit, uint32_t offset);

/* Code of ours in place of the command (at least 3 dwords): runs dwords, then goes on behind the command. (audit_batch.c) */
bool audit_detour(struct audit *audit, struct audit_command *command, const uint32_t *dwords, unsigned count);
/* Copies and audits the batches that were found and not yet looked at. */
bool audit_pending_batches(struct audit *audit, unsigned from);
/*
 * Walks the commands of count dwords or, when batch is not NULL, of a batch that is fetched from the guest as the walk goes on; index is the batch's number, -1
 * for the ring segment. (audit.c)
 */
bool audit_walk(struct audit *audit, enum audit_level level, int index, struct audit_batch *batch, uint32_t *dwords, size_t count);

#endif
