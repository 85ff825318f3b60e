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
    struct observe_settings observe;
    struct vmm_settings vmm;
    GPtrArray *vms;   /* struct vm_settings *, in the file's order */
    GPtrArray *vgpus; /* struct vgpu_settings *, in the file's order; a file has VMs or vGPUs, not both */
};

/*
 * Reads path and applies overrides ("section.key=value", NULL-terminated, may be NULL). A section is gpu, scheduler, vmm, a VM's or vGPU's name (or
 * "vm NAME"), or "vm" or "vgpu" for all of them.
 */
struct config *config_load(const char *path, const char *const *overrides, GError **error);
/* The option --control: as -o vmm.control=VALUE. */
void config_set_control(struct config *config, const char *value);
void config_free(struct config *config); /* NULL is allowed */

/* What can be said without KVM: images load, types fit, the GPU is not used twice. config_load() does not do this. */
enum config_check_depth {
    CONFIG_CHECK_ALL,
    CONFIG_CHECK_BEFORE_START, /* without what starting a VM checks anyhow and takes long: unpacking its kernel */
};
bool config_check(const struct config *config, enum config_check_depth depth, GError **error);

/* Who uses the GPU that this process has: a VM of its own, or a VMM that attaches to a socket. Pointers belong to the configuration. */
struct gpu_user {
    const char *group, *key; /* for messages: "vm" and "gpu", or "vgpu" and "type" */
    const char *name;
    const char *type;        /* vGPU type, "passthrough", or "none": also when the GPU is another process's */
    const char *monitor;
    const char *mode, *edid; /* or NULL */
    const char *vnc, *vnc_password; /* or NULL */
    const char *keymap;      /* NULL: nothing is typed here */
    const char *screenshot;  /* path, or NULL */
    unsigned weight;         /* 0: the type's */
    unsigned cap;            /* percent of each engine; 0: none */
    bool latency;            /* of the latency class */
    uint64_t trap_limit;     /* accesses in a second; 0: none */
};
/* One for each VM, or for each served vGPU, in the file's order. Caller frees with g_array_unref(). */
GArray *config_gpu_users(const struct config *config);
/* Whether users may come while it runs. */
bool config_grows(const struct config *config);
/* What is wrong with a key of the user's: a VMM_ERROR_CONFIG that names file, group and key. Returns false, for return fail_user(...). */
bool fail_user(const struct config *config, const struct gpu_user *user, const char *key, GError **error, const char *format, ...) G_GNUC_PRINTF(5, 6);

/* True when type is a vGPU type (neither none nor passthrough). */
bool gpu_user_has_vgpu(const struct gpu_user *user);
/* The weight that counts: its own or the type's; 0 without a vGPU. */
unsigned gpu_user_weight(const struct gpu_user *user);

#ifdef __cplusplus
}
#endif
#endif
