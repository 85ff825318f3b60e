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

/*
 * Most tables have not changed: that is found out without asking where, which takes a third of the time. The vectors are of the size of the
 * processor's registers: larger ones are taken apart before the compiler knows for which processor.
 */
typedef uint64_t vector16 __attribute__((vector_size(16), aligned(8), may_alias));
typedef uint64_t vector32 __attribute__((vector_size(32), aligned(8), may_alias));

/* NOLINTBEGIN(bugprone-macro-parentheses): types and attributes have none */
#define DEFINE_DIFFERS(name, vector, attributes)                                                                             \
    __attribute__((noinline, no_sanitize("thread") attributes)) static bool name(const vector *guest, const vector *seen)    \
    {                                                                                                                        \
        vector a = {0}, b = {0}, c = {0}, d = {0};                                                                           \
                                                                                                                             \
        for (unsigned i = 0; i < 4096 / sizeof(vector); i += 4) {                                                            \
            a |= guest[i] ^ seen[i];                                                                                         \
            b |= guest[i + 1] ^ seen[i + 1];                                                                                 \
            c |= guest[i + 2] ^ seen[i + 2];                                                                                 \
            d |= guest[i + 3] ^ seen[i + 3];                                                                                 \
        }                                                                                                                    \
        a |= b | c | d;                                                                                                      \
        uint64_t any = 0;                                                                                                    \
        for (unsigned i = 0; i < sizeof(vector) / 8; i++)                                                                    \
            any |= a[i];                                                                                                     \
        return any;                                                                                                          \
    }
/* NOLINTEND(bugprone-macro-parentheses) */
#define TARGET_AVX2 , target("avx2")

DEFINE_DIFFERS(differs, vector16, )
DEFINE_DIFFERS(differs_avx2, vector32, TARGET_AVX2)

bool ppgtt_diff(const void *guest, uint64_t seen[512], uint64_t changed[8])
{
    const uint64_t *words = guest;
    bool any = false;

    if (!(__builtin_cpu_supports("avx2") ? differs_avx2(guest, (const void *)seen) : differs(guest, (const void *)seen)))
        return false;
    uint64_t blocks = differing_blocks(guest, (const void *)seen);

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
