/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is to know in numbers about a run: one snapshot of all users of the GPU, and one table that says what each number is. The control socket,
 * `vmm top`, `--stats` and the metrics are made from these two, so that they cannot disagree.
 *
 * Numbers are uint64_t. Counters only grow while their vGPU exists. Nothing here is on a guest's way: the layers count without locks, and a snapshot takes
 * each vGPU's lock, and the scheduler's, for a moment.
 *
 * Threads: any, while what the source names exists.
 */
#ifndef MEDIANT_VMM_OBSERVE_FIGURES_H
#define MEDIANT_VMM_OBSERVE_FIGURES_H

#include "scheduler/scheduler.h"
#include "vmm/gpu_setup.h"
#include "vmm/machine.h"

#include <json-glib/json-glib.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { FIGURES_TRAPS = TRACE_TRAP_APERTURE + 1 };

/* How a user fares; figures_state_names has the words. */
enum figures_state {
    FIGURES_RUNNING,
    FIGURES_WAITING,  /* a served vGPU without a client */
    FIGURES_PAUSED,
    FIGURES_EXITED,   /* its VM shut down */
    FIGURES_STOPPED,  /* we stopped its VM */
    FIGURES_DISABLED, /* its vGPU was disabled; its VM runs on */
    FIGURES_CRASHED,  /* its VM did */
    FIGURES_FAILED,   /* our part failed */
    FIGURES_STATES
};
extern const char *const figures_state_names[FIGURES_STATES];

/* One user: a VM, or a served vGPU. Arrays are by engine, trace event (traps), enum machine_exit, enum sched_quota. */
struct figures_user {
    unsigned index; /* the user's number in gpu_setup */
    char *name;
    char *type; /* vGPU type, "passthrough" or "none" */
    enum figures_state state;
    char *reason; /* of the state, or NULL */

    uint64_t weight;
    uint64_t busy_ns[ENGINE_COUNT], submitted[ENGINE_COUNT], completed[ENGINE_COUNT], queued[ENGINE_COUNT];
    uint64_t preempted[ENGINE_COUNT], hung[ENGINE_COUNT], resets[ENGINE_COUNT], rejected[ENGINE_COUNT], replaced[ENGINE_COUNT];
    uint64_t delayed, delayed_ns;
    uint64_t longest_hold_ns;
    uint64_t traps[FIGURES_TRAPS], unknown_registers;
    uint64_t interrupts, guest_resets, failures;
    uint64_t frames, vblanks;
    uint64_t shadow_tables, shadow_tables_limit;
    uint64_t quota_most[SCHED_QUOTAS], quota_limit[SCHED_QUOTAS];

    uint64_t vcpus, exits[MACHINE_EXITS], memory, resident;
};

struct figures {
    struct figures_user *users;
    unsigned count;
    char *policy; /* the scheduler's */
    uint64_t uptime_ns;
    uint64_t trace_records, trace_lost; /* gpu/trace.h */
    uint64_t left_out;
    uint64_t scrapes, scrapes_dropped;  /* of the metrics' server; 0 without one */
};

/* Where figures come from. The pointers stay the caller's. */
struct figures_source {
    struct gpu_setup *gpu;
    struct trace *trace;
    const char *policy;
    uint64_t start_ns; /* CLOCK_MONOTONIC */
    /* What the owner of the users knows more: state, reason, VM (figures_add_machine()). On the thread that takes the snapshot; may be NULL. */
    void (*add)(void *opaque, unsigned user, struct figures_user *figures);
    void *opaque;
    uint64_t scrapes, scrapes_dropped; /* counted by metrics.c, on its thread */
};

struct figures *figures_take(const struct figures_source *source);
/* Of them, left_out alone: the 3D, media and compute commands that the model did not execute. Any thread. */
uint64_t figures_left_out(const struct figures_source *source);
void figures_free(struct figures *figures); /* NULL is allowed */

/* For add(): the VM's exits and memory, and how it ended if it has. machine may be NULL. */
void figures_add_machine(struct figures_user *figures, struct machine *machine);

/* What a number belongs to. */
enum figure_subject { FIGURE_RUN, FIGURE_VGPU, FIGURE_VM };
/* What its array goes by. */
enum figure_dimension { FIGURE_PLAIN, FIGURE_ENGINE, FIGURE_TRAP, FIGURE_EXIT, FIGURE_QUOTA, FIGURE_DIMENSIONS };
enum figure_unit { FIGURE_NUMBER, FIGURE_NS, FIGURE_BYTES };

struct figure_desc {
    enum figure_subject subject;
    const char *name; /* in JSON; ends in _ns or _bytes when it has that unit */
    enum figure_unit unit;
    bool counter;     /* else a gauge */
    enum figure_dimension dimension;
    size_t offset;    /* in struct figures_user, or struct figures for FIGURE_RUN */
    const char *help; /* one sentence without its full stop */
};
extern const struct figure_desc figure_descs[];
extern const size_t figure_count;
/* The one with that name; NULL when there is none. */
const struct figure_desc *figure_find(const char *name);

/* How many numbers the array has, what its index is called ("engine"), and the index's name ("rcs0"). FIGURE_PLAIN: 1, NULL, NULL. */
unsigned figure_length(enum figure_dimension dimension);
const char *figure_label(enum figure_dimension dimension);
const char *figure_index_name(enum figure_dimension dimension, unsigned index);
/* The numbers in a snapshot; user is not looked at for FIGURE_RUN. */
const uint64_t *figure_values(const struct figure_desc *desc, const struct figures *figures, unsigned user);
/* "vmm_vgpu_busy_seconds_total". Caller frees with g_free(). */
char *figure_metric_name(const struct figure_desc *desc);

/* One object: the run's numbers, and "users", an array of objects. Arrays are objects by index name. Caller frees with json_node_unref(). */
JsonNode *figures_to_json(const struct figures *figures);
/* Prometheus' text exposition, version 0.0.4. Caller frees with g_free(). */
char *figures_to_metrics(const struct figures *figures);

#ifdef __cplusplus
}
#endif
#endif
