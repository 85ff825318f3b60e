/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of vGPUs, from the counters that are kept anyhow: so that no guest waits for a client. Used by control.c. */
#include "vmm/control/internal.h"

#include "mmio/vgpu.h"

enum { PERIOD_MS = 100 };

struct seen {
    uint64_t hangs[ENGINE_COUNT], resets[ENGINE_COUNT];
    bool displayed;
};

struct watch {
    struct control *control;
    GArray *users; /* struct seen, for as many as there were when we looked last */
    guint timer;
};

static void report(struct control *control, unsigned user, const char *event, unsigned engine, uint64_t count)
{
    JsonObject *data = control_event_data(control, user);

    json_object_set_string_member(data, "engine", gpu_engine_name(engine));
    json_object_set_int_member(data, "count", (gint64)count);
    control_server_event(control->server, event, data);
}

/* A plane that was set up before its pipe counts as a frame, but is no flip; the whole device counts flips only. */
static bool shows_something(const struct figures_source *source, unsigned user, unsigned id)
{
    struct vgpu_stats stats = {0};

    return trace_count(source->trace, id, TRACE_FLIP) > 0 || (gpu_setup_stats(source->gpu, user, &stats) && stats.frames > 0);
}

static void look(struct control *control, unsigned user, struct seen *seen)
{
    const struct figures_source *source = control->config.figures;
    unsigned id = gpu_setup_trace_id(source->gpu, user);

    if (!id)
        return;
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        uint64_t hangs = trace_count_engine(source->trace, id, e, TRACE_HANG), resets = trace_count_engine(source->trace, id, e, TRACE_ENGINE_RESET);
        if (hangs > seen->hangs[e])
            report(control, user, "HANG", e, hangs - seen->hangs[e]);
        if (resets > seen->resets[e])
            report(control, user, "ENGINE_RESET", e, resets - seen->resets[e]);
        seen->hangs[e] = hangs;
        seen->resets[e] = resets;
    }
    if (!seen->displayed && shows_something(source, user, id)) {
        seen->displayed = true;
        control_server_event(control->server, "DISPLAY_READY", control_event_data(control, user));
    }
}

static gboolean on_timer(gpointer opaque)
{
    struct watch *watch = opaque;
    unsigned count = gpu_setup_count(watch->control->config.figures->gpu);

    if (count > watch->users->len)
        g_array_set_size(watch->users, count);
    for (unsigned i = 0; i < count; i++)
        if (gpu_setup_trace_id(watch->control->config.figures->gpu, i))
            look(watch->control, i, &g_array_index(watch->users, struct seen, i));
        else
            g_array_index(watch->users, struct seen, i) = (struct seen){0}; /* the next one of this number begins anew */
    return G_SOURCE_CONTINUE;
}

struct watch *watch_create(struct control *control)
{
    struct watch *watch = g_new0(struct watch, 1);

    watch->control = control;
    watch->users = g_array_new(FALSE, TRUE, sizeof(struct seen));
    watch->timer = g_timeout_add(PERIOD_MS, on_timer, watch);
    return watch;
}

void watch_destroy(struct watch *watch)
{
    if (!watch)
        return;
    g_source_remove(watch->timer);
    g_array_unref(watch->users);
    g_free(watch);
}
