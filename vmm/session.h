/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One `vmm run`: the GPU, the machines, the main loop, and what is reported at the end. */
#ifndef MEDIANT_VMM_SESSION_H
#define MEDIANT_VMM_SESSION_H

#include "vmm/config.h"
#include "vmm/outputs.h"

#ifdef __cplusplus
extern "C" {
#endif

struct session_options {
    const char *device;   /* "/dev/kvm" */
    double timeout_s;     /* 0 for none */
    const struct output_options *outputs;
};

/*
 * Runs all VMs of a checked configuration until each has ended, SIGINT or SIGTERM came, or the time is over. SIGUSR1 writes the
 * screenshots. Returns the exit code; *error
 * is set only when nothing was started.
 */
int session_run(const struct config *config, const struct session_options *options, GError **error);

#ifdef __cplusplus
}
#endif
#endif
