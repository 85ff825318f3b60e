/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds what a guest changed in one of its page tables. Used by ppgtt.c. */
#ifndef MEDIANT_MMIO_PPGTT_DIFF_H
#define MEDIANT_MMIO_PPGTT_DIFF_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Compares the 512 entries of a guest's table with seen, copies those that differ into seen and sets their bits in changed. The guest
 * may write at the same time: what seen holds afterwards is what must be used. True when a bit was set.
 */
bool ppgtt_diff(const void *guest, uint64_t seen[512], uint64_t changed[8]);

#endif
