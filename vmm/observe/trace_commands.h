/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket's commands for traces: trace-start, trace-stop, query-trace. Added to a run's socket by session.c and serve.c; `vmm trace` uses them. */
#ifndef MEDIANT_VMM_OBSERVE_TRACE_COMMANDS_H
#define MEDIANT_VMM_OBSERVE_TRACE_COMMANDS_H

#include "vmm/control/server.h"
#include "vmm/outputs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What control_server_add() takes, with the run's struct outputs as opaque. */
extern const struct control_command trace_commands[];

#ifdef __cplusplus
}
#endif
#endif
