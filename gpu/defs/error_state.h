/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an engine stood when it hung: its registers, and the commands around its active head. Captured by the scheduler before it resets the engine, completed by
 * the vGPU with what only it can read, written to a file by vmm/observe/, printed by `vmm decode`.
 *
 * Pure data: no state, any thread.
 */
#ifndef MEDIANT_GPU_DEFS_ERROR_STATE_H
#define MEDIANT_GPU_DEFS_ERROR_STATE_H

#include "gpu/defs/decode.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ERROR_REGISTERS_MAX = 64,
    ERROR_DWORDS_MAX = 4096, /* of ring or batch */
    ERROR_BEHIND = 64,       /* dwords behind the active head that are kept of a batch */
};

/* Commands at consecutive graphics addresses, from the begin of a command on. */
struct error_memory {
    uint64_t gma;
    uint32_t *dwords; /* owned; NULL when there are none */
    unsigned count;
};

struct error_state {
    unsigned engine;
    char *guest, *reason; /* one line each; guest may be NULL */
    uint64_t workload, context; /* the trace's id; global graphics address of the guest's image */
    struct {
        uint32_t offset, value;
    } registers[ERROR_REGISTERS_MAX];
    unsigned register_count;
    struct error_memory ring;  /* what the workload has there, as the mediator made it */
    struct error_memory batch; /* the one that was executed, if any was */
};

struct error_state *error_state_create(unsigned engine, const char *reason);
void error_state_free(struct error_state *state); /* NULL is allowed */

/* Reads all registers that the decoder looks at. */
void error_state_capture(struct error_state *state, uint32_t (*read)(void *opaque, uint32_t offset), void *opaque);
/* A captured register, 0 when it is not there. */
uint32_t error_state_register(const struct error_state *state, uint32_t offset);
/* The active head: the graphics address of the command that was executed. */
uint64_t error_state_active_head(const struct error_state *state);

/* Keeps a copy of dwords, ERROR_DWORDS_MAX at most. */
void error_memory_set(struct error_memory *memory, uint64_t gma, const uint32_t *dwords, unsigned count);
/*
 * Which part of a batch is of interest, after registers and ring are there: false when the engine was executing the ring. *gma is the begin of a command (of the
 * batch if the ring starts one near the active head, else the active head), *count what to read, *ppgtt where. 1 .. ERROR_DWORDS_MAX.
 */
bool error_state_wants_batch(const struct error_state *state, uint64_t *gma, unsigned *count, bool *ppgtt);

/* As text. Caller frees with g_free(). */
char *error_state_format(const struct error_state *state);
/* True when text begins as error_state_format() begins it. */
bool error_state_is(const char *text);
/* Back from text; NULL with G_IO_ERROR_INVALID_DATA, which names the line. Text may be anything. */
struct error_state *error_state_parse(const char *text, GError **error);
/* Prints it in the PRM's terms; the command at the active head is marked. */
void error_state_decode(const struct error_state *state, decode_print print, void *opaque);

#ifdef __cplusplus
}
#endif
#endif
