/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of the host's CPUs a VM's vCPUs get: a share and a cap by control groups, and the CPUs that they run on. Sources: the kernel's
 * Documentation/admin-guide/cgroup-v2.rst, "Threads", "Delegation" and "CPU".
 *
 * The groups are threaded ones below the group that the VMM was started in: `vmm-PID-NAME` for the VM, and `vcpuN` in it for each vCPU. Only a VMM whose
 * group was delegated to it may make them (`systemd-run --user --scope -p Delegate=cpu vmm run ...`); nothing is changed outside.
 *
 * Threads: create and destroy belong to one thread; enter is called by each vCPU's.
 */
#ifndef MEDIANT_VMM_CPU_GROUP_H
#define MEDIANT_VMM_CPU_GROUP_H

#include <glib.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cpu_limits {
    unsigned share;  /* 1 .. 100: weight of a vCPU against others, in percent of a host CPU; 0: none asked for */
    unsigned cap;    /* 1 .. 100: what a vCPU may use at most, in percent of a host CPU; 0: no limit */
    const char *pin; /* list of host CPUs ("0-3,8"): vCPU N runs on the Nth, beginning again at its end; NULL: anywhere */
};

struct cpu_group;

/*
 * Checks what is asked for against this host and makes the groups. Errors say what is missing and how to get it; nothing is left behind then. A VM
 * without limits gets a group that does nothing.
 */
struct cpu_group *cpu_group_create(const char *name, unsigned vcpus, const struct cpu_limits *limits, GError **error);

/* For tests: as above, with the cgroup2 hierarchy mounted at root and this process in path ("/user.slice/x"). */
struct cpu_group *cpu_group_create_in(const char *root, const char *path, const char *name, unsigned vcpus, const struct cpu_limits *limits, GError **error);

/* Moves the calling thread to the place of a vCPU. */
bool cpu_group_enter(struct cpu_group *group, unsigned vcpu, GError **error);

/* Removes the groups; the vCPUs' threads are gone. NULL is allowed. */
void cpu_group_destroy(struct cpu_group *group);

#ifdef __cplusplus
}
#endif
#endif
