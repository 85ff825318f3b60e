/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every key of a configuration file, once: the table drives parsing, errors, -o overrides, and documentation.
 */
#ifndef MEDIANT_VMM_OPTIONS_H
#define MEDIANT_VMM_OPTIONS_H

#include "vmm/device_settings.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Settings as the program uses them; the strings are owned. */
struct gpu_settings {
    char *backend;
    uint64_t aperture; /* bytes */
    char *mdev;        /* path of a folder, or NULL */
};

struct scheduler_settings {
    char *policy;
    uint64_t slice_ns, hang_ns; /* 0: the scheduler's default */
};

struct observe_settings {
    char *metrics;   /* path of a UNIX socket, or "HOST:PORT" or "PORT" of this host, or NULL */
    char *trace;     /* path, or NULL */
    char *directory; /* path, or NULL */
    char *streams;   /* path, or NULL */
    uint64_t streams_max; /* bytes */
};

/* Of the program itself. */
struct vmm_settings {
    char *control; /* path of the control socket, "auto", or NULL */
    char *namespaces; /* "auto" or "off": of the sandbox */
};

struct vm_settings {
    char *name;
    char *image;      /* path of a bare-metal guest, or NULL */
    char *kernel;     /* path of a Linux kernel, or NULL: one of both is given */
    char *initrd;     /* path, or NULL; with kernel */
    char *cmdline;    /* of the kernel, or NULL */
    uint64_t memory;  /* bytes */
    uint64_t vcpus;
    uint64_t cpu_share, cpu_cap; /* percent; 0: none */
    char *pin;        /* list of host CPUs, or NULL */
    char *gpu;        /* vGPU type, "passthrough", "none", or VFIO_USER_PREFIX and the path of a served vGPU's socket */
    uint64_t weight;  /* 0: the type's */
    char *gpu_class;  /* "normal" or "latency" */
    uint64_t gpu_cap; /* percent of each engine's time; 0: none */
    uint64_t trap_limit; /* accesses to the vGPU in a second; 0: none */
    char *monitor;    /* "dp" or "hdmi" */
    char *mode;       /* of the monitor, as 1920x1080@60; or NULL */
    char *edid;       /* path of the monitor's EDID, or NULL */
    char *vnc;        /* where the screen is shown, or NULL: vmm/display/address.h */
    char *vnc_password; /* path, or NULL */
    char *keymap;     /* the keyboard layout that the guest has set */
    char *input;      /* "auto", "yes" or "no": whether it has keyboard and tablet */
    char *on_reset;   /* "end" or "restart": what becomes of it when the guest resets its PC */
    char *serial;     /* "stdio", "none" or a path */
    char *console;    /* as serial; "none": the device is not there */
    char *args;       /* the command line of image, or NULL */
    GPtrArray *disks; /* struct disk_settings *, in the file's order; NULL when there is none */
    GPtrArray *shares; /* struct share_settings *, likewise */
    GPtrArray *nets;  /* struct net_settings *, likewise */
    char *screenshot; /* path, or NULL */
};

#define VFIO_USER_PREFIX "vfio-user:"

/* A vGPU that is served to another VMM. */
struct vgpu_settings {
    char *name;
    char *type;       /* vGPU type or "passthrough" */
    char *socket;     /* path, or NULL for the default */
    uint64_t weight;  /* 0: the type's */
    char *gpu_class;  /* "normal" or "latency" */
    uint64_t gpu_cap; /* percent of each engine's time; 0: none */
    uint64_t trap_limit; /* accesses to the vGPU in a second; 0: none */
    char *pin;        /* list of host CPUs for the thread that answers its client, or NULL */
    char *monitor;    /* "dp" or "hdmi" */
    char *mode, *edid, *vnc, *vnc_password; /* as those of a VM */
    char *screenshot; /* path, or NULL */
};

enum option_group { OPTION_GPU, OPTION_SCHEDULER, OPTION_OBSERVE, OPTION_VMM, OPTION_VM, OPTION_VGPU, OPTION_GROUPS };

enum option_type {
    OPTION_STRING,   /* char *: any text */
    OPTION_CHOICE,   /* char *: one of choices(), or prefix and a path that is relative to the configuration file */
    OPTION_PATH,     /* char *: relative to the configuration file */
    OPTION_SERIAL,   /* char *: "stdio", "none" or a path */
    OPTION_LISTEN,   /* char *: a path, or HOST:PORT or PORT of a loopback address, as address.h takes them */
    OPTION_SOCKET,   /* char *: "auto" or a path */
    OPTION_SIZE,     /* uint64_t: bytes */
    OPTION_DURATION, /* uint64_t: nanoseconds */
    OPTION_NUMBER,   /* uint64_t */
    OPTION_DISK,     /* GPtrArray * of struct disk_settings: the key has a name, as in `disk root`, and may appear often */
    OPTION_SHARE,    /* GPtrArray * of struct share_settings, likewise */
    OPTION_NET,      /* GPtrArray * of struct net_settings, likewise */
};

struct option {
    enum option_group group;
    const char *key;
    enum option_type type;
    size_t offset;        /* in the group's settings struct */
    const char *fallback; /* the default, in the form of the file; NULL: the key must be given, "" : unset */
    uint64_t min, max;    /* of numbers, sizes and durations; 0 and 0 for any */
    uint64_t multiple;    /* sizes are a multiple of this; 0 for any */
    bool power_of_two;
    char **(*choices)(void); /* NULL-terminated; caller frees with g_strfreev */
    const char *prefix;   /* of choices: also takes this and a path; or NULL */
    const char *example;  /* a good value, for errors */
    const char *help;
};

extern const struct option options[];
extern const size_t option_count;

/* "gpu", "scheduler", "observe", "vmm", "vm", "vgpu". */
extern const char *const option_group_names[OPTION_GROUPS + 1];
/* True for groups that have a name of their own, as in [vm NAME], and may appear often. */
bool option_group_is_named(enum option_group group);

/* NULL when the group has no such key. For keys that have a name, key is with it ("disk root"), and *name its begin; else NULL. */
const struct option *option_find(enum option_group group, const char *key, const char **name);
/* "disk NAME": how the key is written. Caller frees with g_free. */
char *option_title(const struct option *option);
/* The key of the group that was probably meant, or NULL. */
const char *option_suggest(enum option_group group, const char *key);

/*
 * Parses text into the option's field of settings (replacing what is there of that name). name is what option_find() gave; base is the directory that paths are relative to. On failure
 * returns false with *reason (caller frees), as in: "12X" is not a size (try 512M)
 */
bool option_set(const struct option *option, void *settings, const char *name, const char *text, const char *base, char **reason);

/* What values it takes, for people: "fair, fifo or ..." or "10us to 10s". Caller frees with g_free. */
char *option_values(const struct option *option);

/* Releases the strings and lists of a group's settings. */
void option_clear_all(enum option_group group, void *settings);

#ifdef __cplusplus
}
#endif
#endif
