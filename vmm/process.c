/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals and limits of the process; see process.h. */
#include "vmm/process.h"

#include "vmm/error.h"

#include <signal.h>
#include <sys/resource.h>

bool process_prepare(GError **error)
{
    struct rlimit limit;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return true;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max >= PROCESS_DESCRIPTORS_MIN)
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "only %llu file descriptors are allowed, and %d are too few to begin with (ulimit -Hn)",
                (unsigned long long)limit.rlim_max, PROCESS_DESCRIPTORS_MIN);
    return false;
}
