/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control groups and affinity of vCPU threads; see cpu_group.h. Used by machine.c and vcpu.c. */
#include "vmm/cpu_group.h"

#include "vmm/cpu_list.h"
#include "vmm/error.h"
#include "vmm/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADVICE "try systemd-run --user --scope -p Delegate=cpu vmm run ..."
enum { PERIOD_US = 100000 }; /* cpu.max */

struct cpu_group {
    GArray *cpus;   /* unsigned, of pin; NULL: anywhere */
    char *directory; /* of the VM's group; NULL: none */
    unsigned vcpus;
};

static bool fail(GError **error, enum vmm_error code, const char *name, const char *format, ...) G_GNUC_PRINTF(4, 5);

static bool fail(GError **error, enum vmm_error code, const char *name, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, VMM_ERROR, (int)code, "guest %s: %s", name, reason);
    return false;
}

static bool check_pin(struct cpu_group *group, const char *name, const char *pin, GError **error)
{
    g_autofree char *reason = NULL;

    group->cpus = cpu_list_parse(pin, &reason);
    return (group->cpus && cpu_list_check(group->cpus, &reason)) || fail(error, VMM_ERROR_CONFIG, name, "pin: %s", reason);
}

/* One value into one file of a group. */
static bool group_write(const char *directory, const char *file, const char *value)
{
    g_autofree char *path = g_build_filename(directory, file, NULL);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
    int saved = errno;

    if (fd >= 0)
        close(fd);
    errno = saved;
    return ok;
}

static bool has_word(const char *directory, const char *file, const char *word)
{
    g_autofree char *path = g_build_filename(directory, file, NULL), *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return false;
    g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);
    return g_strv_contains((const char *const *)words, word);
}

static char *vcpu_directory(const struct cpu_group *group, unsigned vcpu)
{
    return g_strdup_printf("%s/vcpu%u", group->directory, vcpu);
}

/* A threaded group, with its weight and its limit. */
static bool make_group(const char *directory, unsigned weight, unsigned cap)
{
    g_autofree char *share = g_strdup_printf("%u", weight), *max = g_strdup_printf("%u %d", cap * (PERIOD_US / 100), PERIOD_US);

    return mkdir(directory, 0755) == 0 && group_write(directory, "cgroup.type", "threaded") &&
           (!weight || group_write(directory, "cpu.weight", share)) && (!cap || group_write(directory, "cpu.max", max));
}

static bool make_groups(struct cpu_group *group, const char *own, const char *name, unsigned vcpus, const struct cpu_limits *limits, GError **error)
{
    if (!has_word(own, "cgroup.controllers", "cpu"))
        return fail(error, VMM_ERROR_FAILED, name, "cpu_share and cpu_cap need the cpu controller of cgroup v2, which %s does not have (" ADVICE ")", own);
    if (!has_word(own, "cgroup.subtree_control", "cpu") && !group_write(own, "cgroup.subtree_control", "+cpu"))
        return fail(error, VMM_ERROR_FAILED, name, "cpu_share and cpu_cap: %s cannot be divided: %s (" ADVICE ")", own, g_strerror(errno));
    group->directory = g_strdup_printf("%s/vmm-%d-%s", own, (int)getpid(), name);
    /* The weights of all vCPUs together, so that one of two does not weigh as much as one of one would. */
    unsigned weight = MIN(limits->share * vcpus, 10000u);
    if (!make_group(group->directory, weight, 0) || !group_write(group->directory, "cgroup.subtree_control", "+cpu"))
        return fail(error, VMM_ERROR_FAILED, name, "cpu_share and cpu_cap: cannot make the group %s: %s (" ADVICE ")", group->directory, g_strerror(errno));
    for (; group->vcpus < vcpus; group->vcpus++) {
        g_autofree char *directory = vcpu_directory(group, group->vcpus);
        if (!make_group(directory, limits->share, limits->cap)) {
            int saved = errno;
            rmdir(directory);
            return fail(error, VMM_ERROR_FAILED, name, "cpu_share and cpu_cap: cannot make the group %s: %s (" ADVICE ")", directory, g_strerror(saved));
        }
    }
    return true;
}

struct cpu_group *cpu_group_create_in(const char *root, const char *path, const char *name, unsigned vcpus, const struct cpu_limits *limits,
                                      GError **error)
{
    struct cpu_group *group = g_new0(struct cpu_group, 1);
    bool ok = !limits->pin || check_pin(group, name, limits->pin, error);

    if (ok && (limits->share || limits->cap)) {
        g_autofree char *own = g_build_filename(root, path, NULL);
        sandbox_allow(SANDBOX_GROUP, own);
        ok = make_groups(group, own, name, vcpus, limits, error);
    }
    if (ok)
        return group;
    cpu_group_destroy(group);
    return NULL;
}

/* A field of the first line that is wanted, of a proc file whose lines have at least three; cgroups(7) and proc(5). Caller frees. */
static char *proc_field(const char *file, const char *separators, bool (*wanted)(char **fields), unsigned number)
{
    g_autofree char *text = NULL;

    if (!g_file_get_contents(file, &text, NULL, NULL))
        return NULL;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit_set(*line, separators, -1);
        if (g_strv_length(fields) >= 3 && wanted(fields))
            return g_strdup(fields[number]);
    }
    return NULL;
}

static bool is_cgroup2_mount(char **fields)
{
    return strcmp(fields[2], "cgroup2") == 0;
}

static bool is_unified_entry(char **fields)
{
    return strcmp(fields[0], "0") == 0 && !*fields[1];
}

struct cpu_group *cpu_group_create(const char *name, unsigned vcpus, const struct cpu_limits *limits, GError **error)
{
    g_autofree char *root = proc_field("/proc/self/mounts", " ", is_cgroup2_mount, 1);
    g_autofree char *path = proc_field("/proc/self/cgroup", ":", is_unified_entry, 2);

    if ((limits->share || limits->cap) && (!root || !path)) {
        fail(error, VMM_ERROR_FAILED, name,
             "cpu_share and cpu_cap need cgroup v2, which this host has not mounted (leave them out, or boot with systemd.unified_cgroup_hierarchy=1)");
        return NULL;
    }
    return cpu_group_create_in(root ? root : "", path ? path : "", name, vcpus, limits, error);
}

bool cpu_group_enter(struct cpu_group *group, unsigned vcpu, GError **error)
{
    if (group->directory) {
        g_autofree char *directory = vcpu_directory(group, vcpu), *tid = g_strdup_printf("%d", (int)gettid());
        if (!group_write(directory, "cgroup.threads", tid)) {
            g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "vCPU %u cannot enter %s: %s", vcpu, directory, g_strerror(errno));
            return false;
        }
    }
    if (group->cpus) {
        unsigned cpu = g_array_index(group->cpus, unsigned, vcpu % group->cpus->len);
        if (!cpu_list_run_on(&cpu, 1)) {
            g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "vCPU %u cannot run on CPU %u: %s", vcpu, cpu, g_strerror(errno));
            return false;
        }
    }
    return true;
}

void cpu_group_destroy(struct cpu_group *group)
{
    if (!group)
        return;
    while (group->vcpus > 0) {
        g_autofree char *directory = vcpu_directory(group, --group->vcpus);
        rmdir(directory);
    }
    if (group->directory)
        rmdir(group->directory);
    if (group->cpus)
        g_array_unref(group->cpus);
    g_free(group->directory);
    g_free(group);
}
