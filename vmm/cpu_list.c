/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of the host's CPUs; see cpu_list.h. Used by cpu_group.c, served.c and config_check.c. */
#include "vmm/cpu_list.h"

#include "vmm/units.h"

#include <errno.h>
#include <sched.h>

GArray *cpu_list_parse(const char *text, char **reason)
{
    g_autoptr(GArray) cpus = g_array_new(FALSE, FALSE, sizeof(unsigned));
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);

    for (char **part = parts; *part; part++) {
        g_auto(GStrv) ends = g_strsplit(g_strstrip(*part), "-", -1);
        unsigned count = g_strv_length(ends);
        uint64_t first = 0, last = 0;
        if (count < 1 || count > 2 || !parse_number(ends[0], &first) || !parse_number(ends[count - 1], &last) || first > last) {
            *reason = g_strdup_printf("\"%s\" is not a list of CPUs (try 0-3,8)", text);
            return NULL;
        }
        if (last >= CPU_LIST_MAX) {
            *reason = g_strdup_printf("\"%s\" names CPU %" G_GUINT64_FORMAT " (at most %d)", text, last, CPU_LIST_MAX - 1);
            return NULL;
        }
        for (unsigned cpu = (unsigned)first; cpu <= last; cpu++) {
            if (cpus->len >= CPU_LIST_MAX) {
                *reason = g_strdup_printf("\"%s\" names more than %d CPUs", text, CPU_LIST_MAX);
                return NULL;
            }
            g_array_append_val(cpus, cpu);
        }
    }
    return g_steal_pointer(&cpus);
}

bool cpu_list_check(const GArray *cpus, char **reason)
{
    cpu_set_t *allowed = CPU_ALLOC(CPU_LIST_MAX); /* as large a set as the kernel needs */
    size_t size = CPU_ALLOC_SIZE(CPU_LIST_MAX);

    CPU_ZERO_S(size, allowed);
    if (sched_getaffinity(0, size, allowed) < 0)
        CPU_ZERO_S(size, allowed);
    *reason = NULL;
    for (unsigned i = 0; !*reason && i < cpus->len; i++) {
        unsigned cpu = g_array_index(cpus, unsigned, i);
        if (!CPU_ISSET_S(cpu, size, allowed))
            *reason = g_strdup_printf("the host has no CPU %u that this process may use (%d are: see taskset -cp $$)", cpu, CPU_COUNT_S(size, allowed));
    }
    CPU_FREE(allowed);
    return !*reason;
}

bool cpu_list_run_on(const unsigned *cpus, size_t count)
{
    cpu_set_t *set = CPU_ALLOC(CPU_LIST_MAX);
    size_t size = CPU_ALLOC_SIZE(CPU_LIST_MAX);

    CPU_ZERO_S(size, set);
    for (size_t i = 0; i < count; i++)
        CPU_SET_S(cpus[i], size, set);
    bool ok = sched_setaffinity(0, size, set) == 0;
    int saved = errno;
    CPU_FREE(set);
    errno = saved;
    return ok;
}
