/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Draws the timeline: a legend, an overview of the whole run (each column is split by the guests' shares of that time), and a detail of
 * the moment with the most switches, where single slices are seen. One lane for each engine that did something.
 */
#include "gpu/gpu.h"
#include "vmm/canvas.h"
#include "vmm/error.h"
#include "vmm/timeline.h"

#include <math.h>
#include <string.h>

#define MS UINT64_C(1000000)

enum {
    WIDTH = 1200,
    LEFT = 80,
    PLOT = 1080, /* a multiple of COLUMN */
    COLUMN = 2,
    LANE = 44,
    LANE_GAP = 8,
    LEGEND_LINE = 26,
    DETAIL_MS = 60,
    TICKS = 8,

    INK = 0x222222,
    GRID = 0xd8d8d8,
    IDLE = 0xf2f2f2,
};

/* Colours that people with any kind of colour vision tell apart (Okabe and Ito, 2008), then darker ones. */
static const uint32_t palette[TIMELINE_GUESTS] = {0x0072b2, 0xe69f00, 0x009e73, 0xcc79a7, 0xd55e00, 0x56b4e9, 0xf0e442, 0x666666,
                                                  0x003f63, 0x8a5f00, 0x005c43, 0x7a3f62, 0x7f3800, 0x2f6f94, 0x8f8728, 0x222222};

struct window {
    uint64_t start_ns, end_ns;
};

static double to_x(const struct window *window, uint64_t time_ns)
{
    return LEFT + (double)(time_ns - window->start_ns) * PLOT / (double)(window->end_ns - window->start_ns);
}

/* 1, 2 or 5 times a power of ten, so that at most TICKS labels stand beside each other. */
static uint64_t tick_step(uint64_t length_ns)
{
    uint64_t step = 1;

    while (step * 10 < length_ns / TICKS)
        step *= 10;
    for (unsigned i = 0; i < 3; i++) {
        static const unsigned factors[] = {1, 2, 5};
        if (step * factors[i] * TICKS >= length_ns)
            return step * factors[i];
    }
    return step * 10;
}

static char *format_time(uint64_t time_ns, uint64_t step_ns)
{
    if (step_ns >= 1000 * MS)
        return g_strdup_printf("%.0f s", (double)time_ns / 1e9);
    if (step_ns >= 100 * MS)
        return g_strdup_printf("%.1f s", (double)time_ns / 1e9);
    return g_strdup_printf(step_ns >= MS ? "%.0f ms" : "%.2f ms", (double)time_ns / 1e6);
}

static void draw_axis(struct canvas *canvas, const struct window *window, double top, double bottom)
{
    uint64_t step = tick_step(window->end_ns - window->start_ns);
    uint64_t first = (window->start_ns + step - 1) / step * step;

    for (uint64_t at = first; at <= window->end_ns; at += step) {
        double x = to_x(window, at);
        g_autofree char *label = format_time(at, step);
        canvas_rect(canvas, x, top, 1, bottom - top + 6, GRID);
        canvas_text(canvas, x, bottom + 26, CANVAS_MIDDLE, false, INK, label);
    }
}

static void draw_lane_name(struct canvas *canvas, unsigned engine, double y)
{
    canvas_text(canvas, LEFT - 12, y + LANE / 2.0 + 7, CANVAS_END, false, INK, gpu_engine_name(engine));
    canvas_rect(canvas, LEFT, y, PLOT, LANE, IDLE);
}

/* Busy time of a guest within a part of the run, from the buckets that it touches. */
static double busy_between(const struct timeline *timeline, unsigned engine, unsigned guest, double start_ns, double end_ns)
{
    double bucket_ns = (double)timeline_bucket_ns(timeline), busy = 0;

    for (unsigned b = (unsigned)(start_ns / bucket_ns); b < TIMELINE_BUCKETS && b * bucket_ns < end_ns; b++) {
        double part = MIN(end_ns, (b + 1) * bucket_ns) - MAX(start_ns, b * bucket_ns);
        busy += (double)timeline_busy_ns(timeline, engine, guest, b) * part / bucket_ns;
    }
    return busy;
}

static void draw_overview_lane(struct canvas *canvas, const struct timeline *timeline, const struct window *window, unsigned engine,
                               double y)
{
    double column_ns = (double)(window->end_ns - window->start_ns) * COLUMN / PLOT;

    for (unsigned column = 0; column < PLOT / COLUMN; column++) {
        double base = y + LANE;
        for (unsigned g = 0; g < timeline_guest_count(timeline); g++) {
            double busy = busy_between(timeline, engine, g, column * column_ns, (column + 1) * column_ns);
            double height = MIN(LANE * busy / column_ns, base - y);
            canvas_rect(canvas, LEFT + column * COLUMN, base - height, COLUMN, height, palette[g]);
            base -= height;
        }
    }
}

static void draw_detail_lane(struct canvas *canvas, const struct timeline *timeline, const struct window *window, unsigned engine,
                             double y)
{
    for (size_t i = 0; i < timeline_interval_count(timeline); i++) {
        struct timeline_interval interval = timeline_interval(timeline, i);
        if (interval.engine != engine || interval.end_ns <= window->start_ns || interval.start_ns >= window->end_ns)
            continue;
        double left = to_x(window, MAX(interval.start_ns, window->start_ns));
        double right = to_x(window, MIN(interval.end_ns, window->end_ns));
        canvas_rect(canvas, left, y, MAX(right - left, 0.5), LANE, palette[interval.guest]);
    }
}

/* Of the kept intervals: the stretch of DETAIL_MS in which an engine changes hands most often. */
static struct window choose_detail(const struct timeline *timeline)
{
    struct window best = {0, DETAIL_MS * MS};
    size_t count = timeline_interval_count(timeline), from = 0, best_switches = 0, switches = 0;

    if (count > 0)
        best.start_ns = timeline_interval(timeline, count / 2).start_ns;
    for (size_t to = 1; to < count; to++) {
        struct timeline_interval now = timeline_interval(timeline, to), before = timeline_interval(timeline, to - 1);
        switches += now.engine == before.engine && now.guest != before.guest;
        while (from < to && now.end_ns > timeline_interval(timeline, from).start_ns + DETAIL_MS * MS) {
            struct timeline_interval a = timeline_interval(timeline, from), b = timeline_interval(timeline, from + 1);
            switches -= a.engine == b.engine && a.guest != b.guest && switches > 0;
            from++;
        }
        if (switches > best_switches) {
            best_switches = switches;
            best.start_ns = timeline_interval(timeline, from).start_ns;
        }
    }
    best.end_ns = best.start_ns + DETAIL_MS * MS;
    return best;
}

static void draw_legend(struct canvas *canvas, const struct timeline *timeline, double y)
{
    uint64_t all = 0, weights = 0;

    for (unsigned g = 0; g < timeline_guest_count(timeline); g++) {
        weights += timeline_guest_weight(timeline, g);
        for (unsigned e = 0; e < ENGINE_COUNT; e++)
            all += timeline_total_ns(timeline, e, g);
    }
    for (unsigned g = 0; g < timeline_guest_count(timeline); g++, y += LEGEND_LINE) {
        uint64_t busy = 0;
        unsigned weight = timeline_guest_weight(timeline, g);
        for (unsigned e = 0; e < ENGINE_COUNT; e++)
            busy += timeline_total_ns(timeline, e, g);
        g_autofree char *text = g_strdup_printf("%s: %.1f %% of the GPU time (%.0f ms), weight %u of %u = %.1f %%",
                                                timeline_guest_name(timeline, g), all ? 100.0 * (double)busy / (double)all : 0.0,
                                                (double)busy / 1e6, weight, (unsigned)weights,
                                                weights ? 100.0 * weight / (double)weights : 0.0);
        canvas_rect(canvas, LEFT, y, 18, 18, palette[g]);
        canvas_text(canvas, LEFT + 28, y + 16, CANVAS_START, false, INK, text);
    }
}

typedef void (*draw_lane)(struct canvas *, const struct timeline *, const struct window *, unsigned, double);

/* A title, the lanes of the engines in the mask, an axis. Returns where it ends. */
static double draw_panel(struct canvas *canvas, const struct timeline *timeline, const struct window *window, unsigned engines,
                         const char *title, double y, draw_lane lane)
{
    canvas_text(canvas, LEFT, y + 16, CANVAS_START, false, INK, title);
    y += 28;
    double top = y;
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        if (!(engines >> e & 1))
            continue;
        draw_lane_name(canvas, e, y);
        y += LANE + LANE_GAP;
    }
    draw_axis(canvas, window, top, y - LANE_GAP);
    y = top;
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        if (!(engines >> e & 1))
            continue;
        lane(canvas, timeline, window, e, y);
        y += LANE + LANE_GAP;
    }
    return y + 40;
}

bool timeline_write(const struct timeline *timeline, const char *path, GError **error)
{
    const unsigned guests = timeline_guest_count(timeline);
    unsigned engines = 0, lanes = 0;
    struct window whole = {0, MAX(timeline_end_ns(timeline), MS)}, detail = choose_detail(timeline);

    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        bool used = false;
        for (unsigned g = 0; g < guests; g++)
            used |= timeline_total_ns(timeline, e, g) > 0;
        engines |= (unsigned)used << e;
        lanes += used;
    }
    unsigned height = 64 + guests * LEGEND_LINE + 16 + 2 * (28 + lanes * (LANE + LANE_GAP) + 48) + 16;
    struct canvas *canvas =
        g_str_has_suffix(path, ".png") ? canvas_create_pixels(WIDTH, height) : canvas_create_svg(WIDTH, height);
    if (!canvas) {
        const char *reason;
        canvas_load_pixels(&reason);
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: cannot be drawn: %s", path, reason);
        return false;
    }

    canvas_text(canvas, LEFT, 40, CANVAS_START, true, INK, "Who had which engine when");
    draw_legend(canvas, timeline, 64);
    double y = 64 + guests * LEGEND_LINE + 16;
    if (lanes == 0) {
        canvas_text(canvas, LEFT, y + 16, CANVAS_START, false, INK, "No guest used an engine.");
    } else {
        g_autofree char *title = g_strdup_printf("%d ms of it", DETAIL_MS);
        y = draw_panel(canvas, timeline, &whole, engines, "The whole run: each column is split by share", y, draw_overview_lane);
        draw_panel(canvas, timeline, &detail, engines, title, y + 8, draw_detail_lane);
    }
    bool ok = canvas_write(canvas, path, error);
    canvas_destroy(canvas);
    return ok;
}
