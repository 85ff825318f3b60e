/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparison of guest page tables with the copies that the shadow was made from, 64 bytes at a time. Called by ppgtt.c. */
#include "mmio/ppgtt_diff.h"

#include <string.h>

typedef uint64_t lanes __attribute__((vector_size(64), aligned(8), may_alias));

enum { LANES = 8, BLOCKS = 512 / LANES };

/*
 * The guest's engines and processors write these words while they are read. A word that is caught in between only decides whether its
 * block is looked at again; the word-sized copy below is what counts.
 */
__attribute__((noinline, no_sanitize("thread"))) static uint64_t differing_blocks(const lanes *guest, const lanes *seen)
{
    uint64_t blocks = 0;

    for (unsigned b = 0; b < BLOCKS; b++) {
        lanes x = guest[b] ^ seen[b];
        uint64_t any = x[0] | x[1] | x[2] | x[3] | x[4] | x[5] | x[6] | x[7];
        blocks |= (uint64_t)(any != 0) << b;
    }
    return blocks;
}

bool ppgtt_diff(const void *guest, uint64_t seen[512], uint64_t changed[8])
{
    const uint64_t *words = guest;
    uint64_t blocks = differing_blocks(guest, (const lanes *)(const void *)seen);
    bool any = false;

    for (; blocks; blocks &= blocks - 1) {
        unsigned first = (unsigned)__builtin_ctzll(blocks) * LANES;
        for (unsigned i = first; i < first + LANES; i++) {
            uint64_t now = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
            if (now == seen[i])
                continue;
            seen[i] = now;
            changed[i / 64] |= UINT64_C(1) << (i % 64);
            any = true;
        }
    }
    return any;
}
