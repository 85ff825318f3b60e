/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process gives up as a whole. Called by sandbox.c. */
#include "vmm/sandbox/parts.h"

#include <sys/prctl.h>
#include <sys/resource.h>

/*
 * Limits that no guest needs. Others stay as they are: processes and locked memory are counted for the user and not for us, address space and file sizes depend
 * on the guests, and the number of open files is what holds a guest with a share back (vm_devices.c).
 */
static const struct {
    int resource;
    rlim_t value;
} limits[] = {
    {RLIMIT_CORE, 0},     /* the guests' memory would be in the file */
    {RLIMIT_MSGQUEUE, 0}, /* POSIX message queues */
    {RLIMIT_NICE, 0},     /* no thread makes itself more important */
    {RLIMIT_RTPRIO, 0},
};

bool limits_apply(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return false;
    /* Lowering a limit cannot fail. */
    for (unsigned i = 0; i < G_N_ELEMENTS(limits); i++)
        setrlimit(limits[i].resource, &(struct rlimit){limits[i].value, limits[i].value});
    /*
     * Core files that a program takes (core_pattern with |) ignore the limit of zero, but not this; and no other process of this user may look into the
     * guests' memory. /proc/self stays usable by the process itself, which p9 needs. A sanitizer that looks for leaks attaches to the process.
     */
    if (!SANDBOX_SANITIZER)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return true;
}
