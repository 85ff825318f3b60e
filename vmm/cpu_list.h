/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of the host's CPUs, as the keys `pin` have them, and threads that run on them only. Source of the syntax: the kernel's
 * Documentation/admin-guide/cgroup-v2.rst, cpuset, "List format".
 *
 * Threads: any.
 */
#ifndef MEDIANT_VMM_CPU_LIST_H
#define MEDIANT_VMM_CPU_LIST_H

#include <glib.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CPU_LIST_MAX = 4096 };

/* Numbers (unsigned) of a list such as "0-3,8" in its order, each below CPU_LIST_MAX. NULL and a reason (caller frees) when it is none. */
GArray *cpu_list_parse(const char *text, char **reason);

/* Whether the calling thread may run on each of them; if not, a reason (caller frees) that names the first that it may not. */
bool cpu_list_check(const GArray *cpus, char **reason);

/* From now on the calling thread runs on these only, of which there is one at least, each below CPU_LIST_MAX. If that fails, errno says why. */
bool cpu_list_run_on(const unsigned *cpus, size_t count);

#ifdef __cplusplus
}
#endif
#endif
