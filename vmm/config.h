/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file, read and checked. Errors are one line: `FILE: [group] key: what is wrong (try ...)`, VMM_ERROR_CONFIG. */
#ifndef MEDIANT_VMM_CONFIG_H
#define MEDIANT_VMM_CONFIG_H

#include "vmm/options.h"

#ifdef __cplusplus
extern "C" {
#endif

struct config {
    char *path;
    struct gpu_settings gpu;
    struct scheduler_settings scheduler;
    GPtrArray *vms; /* struct vm_settings *, in the file's order */
};

/*
 * Reads path and applies overrides ("section.key=value", NULL-terminated, may be NULL). A section is gpu, scheduler, a VM's name (or
 * "vm NAME"), or "vm" for all of them.
 */
struct config *config_load(const char *path, const char *const *overrides, GError **error);
void config_free(struct config *config); /* NULL is allowed */

/* What can be said without KVM: images load, types fit, the GPU is not used twice. config_load() does not do this. */
bool config_check(const struct config *config, GError **error);

/* True when gpu is a vGPU type (neither none nor passthrough). */
bool config_vm_has_vgpu(const struct vm_settings *vm);

#ifdef __cplusplus
}
#endif
#endif
