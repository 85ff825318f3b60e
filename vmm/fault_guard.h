/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that another process shares with us may vanish: it can truncate the file after we have mapped it, and the next access raises SIGBUS.
 * A guarded range of which a page is gone gets zeroes of our own in its place, all of it, so that only the owner of the file loses. (All of it:
 * page by page, its owner could use up the mappings that a process may have.) Used for the DMA regions of vfio-user clients.
 *
 * This is the one piece of state that belongs to the process and not to an object, as signal handlers do.
 *
 * Threads: any.
 */
#ifndef MEDIANT_VMM_FAULT_GUARD_H
#define MEDIANT_VMM_FAULT_GUARD_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { FAULT_GUARD_MAX = 4096 };

/*
 * Guards the mapping [start, start + size), whose pages have page_size bytes (a power of two, above 4 KiB for hugetlbfs); start and size are multiples
 * of it. Returns an id for the other functions, or -1 when FAULT_GUARD_MAX ranges are guarded already.
 */
int fault_guard_add(void *start, size_t size, size_t page_size);
/* Before the range is unmapped, when nobody accesses it any more. */
void fault_guard_remove(int id);
/* Whether the range was replaced. */
bool fault_guard_hit(int id);

#ifdef __cplusplus
}
#endif
#endif
