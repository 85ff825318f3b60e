/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder: command streams, context images and error registers as text in the PRM's terms. `vmm decode` prints with it, and so do
 * messages about rejected or hung work. It knows what the tables know, and no more.
 *
 * All functions are pure: no state, any thread. Input may be anything; work is bounded by its size.
 */
#ifndef MEDIANT_GPU_DEFS_DECODE_H
#define MEDIANT_GPU_DEFS_DECODE_H

#include "gpu/gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Takes one line, without a newline; valid during the call only. */
typedef void (*decode_print)(void *opaque, const char *line);

/*
 * Prints one line for each command of an engine (runs of MI_NOOP share one): address, name, length, memory and registers it reaches,
 * immediate values. gma is the graphics address of dwords[0], for the left column. Unknown dwords are printed and skipped one by one; a
 * command that goes on beyond count is marked as truncated. Stops behind an MI_BATCH_BUFFER_END. Returns how many of the dwords were
 * decoded, at most count.
 */
unsigned decode_commands(unsigned engine, const uint32_t *dwords, unsigned count, uint64_t gma, decode_print print, void *opaque);

/* The name of the command that dword0 starts on the engine; NULL when there is none. */
const char *decode_command_name(unsigned engine, uint32_t dword0);

/*
 * Prints the register state page of a context image: one line for each register, with a remark where the image names another
 * register than the layout does (formats.h). count dwords are there, at most a page is looked at.
 */
void decode_context(unsigned engine, const uint32_t *state, unsigned count, decode_print print, void *opaque);

/*
 * Prints why an engine stands: ring and batch position, error registers, the command at fault, page faults. read gives the value of a
 * register (absolute offset): from a live device, or from a saved snapshot.
 */
void decode_error_state(unsigned engine, uint32_t (*read)(void *opaque, uint32_t offset), void *read_opaque, decode_print print,
                        void *opaque);

#ifdef __cplusplus
}
#endif
#endif
