/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scheduler/scheduler.h"

const char *const *policy_names(void)
{
    static const char *const names[] = {"fair", NULL};
    return names;
}
