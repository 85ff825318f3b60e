/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batches that never end: the kernel resets their engine, says who it was, and everybody else goes on.
 *
 * In a vGPU the driver cannot preempt, so its only way to notice is the heartbeat: a request that it raises in priority four times, one
 * interval (2.5 s) after the other, until it resets the engine (gt/intel_engine_heartbeat.c). The checks shorten the interval if they may.
 */
#include "checks.h"
#include "files.h"
#include "mi.h"
#include "paint.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
    HASTY_INTERVAL_MS = 400,
    HASTY_LIMIT_S = 30, /* five intervals, and a lot */
    LIMIT_S = 90,       /* the same with the kernel's own interval */
};

/* A path below the card's directory in sysfs; NULL when there is none. Free it. */
static char *card_path(const struct settings *settings, const char *below)
{
    struct stat node;
    char pattern[256], *path = NULL;
    glob_t found;

    if (stat(settings->render, &node) < 0)
        return NULL;
    snprintf(pattern, sizeof(pattern), "/sys/dev/char/%u:%u/device/drm/card[0-9]*%s", major(node.st_rdev), minor(node.st_rdev), below);
    if (glob(pattern, 0, NULL, &found) == 0)
        path = strdup(found.gl_pathv[0]);
    globfree(&found);
    return path;
}

/* The file of the card in debugfs; NULL when there is none. Free it. */
static char *debugfs_path(const struct settings *settings, const char *file)
{
    char *card = card_path(settings, ""), path[256];

    if (!card)
        return NULL;
    snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%s/%s", strrchr(card, '/') + strlen("/card"), file);
    free(card);
    return access(path, W_OK) == 0 ? strdup(path) : NULL;
}

/* Files that were changed and what they held, to be restored. */
static struct {
    char *path;
    char before[32];
} changes[8];
static unsigned change_count;

static void restore_changes(void)
{
    for (unsigned i = 0; i < change_count; i++)
        file_write(changes[i].path, changes[i].before);
}

/* Writes to a file of the kernel until this process ends; takes the path. */
static bool change(char *path, const char *text)
{
    if (path && change_count < ARRAY_SIZE(changes) && file_read(path, changes[change_count].before, sizeof(changes[0].before)) &&
        file_write(path, text)) {
        changes[change_count++].path = path;
        return true;
    }
    free(path);
    return false;
}

/* At the end: a record that was not to be made is remembered as one that failed, and no other is made until somebody clears that. */
static void forget_record(const struct settings *settings)
{
    char *path = card_path(settings, "/error");

    if (path && change_count < ARRAY_SIZE(changes)) {
        changes[change_count].path = path;
        strcpy(changes[change_count++].before, "1");
    }
}

/*
 * Lifts the kernel's limit of 20 s for any batch of contexts that are yet to be created (request_timeout_ms): it would come before a reset by
 * the heartbeat where that is slow, and hide that there is none.
 */
static void lift_limit(const struct settings *settings)
{
    atexit(restore_changes);
    if (!change(debugfs_path(settings, "i915_params/request_timeout_ms"), "600000"))
        note("cannot lift the limit for batches");
}

/*
 * Lifts the limit, and shortens the heartbeat of all engines. Before a reset the kernel makes a record of the error, for which it reads much
 * memory through the aperture; without with_record it makes none. Returns how many seconds a hang may last.
 */
static double hasten(const struct settings *settings, const struct gem *gem, bool with_record)
{
    static bool done, all = true;
    char hasty[16];

    if (done) /* for another engine of the same check */
        return all ? HASTY_LIMIT_S : LIMIT_S;
    done = true;
    lift_limit(settings);
    snprintf(hasty, sizeof(hasty), "%d", HASTY_INTERVAL_MS);
    for (unsigned i = 0; i < gem->engine_count; i++) {
        char below[64];

        snprintf(below, sizeof(below), "/engine/%s/heartbeat_interval_ms", gem->engines[i]->name);
        all &= change(card_path(settings, below), hasty);
    }
    if (!all)
        note("cannot shorten the heartbeat: each hang takes some fifteen seconds");
    if (!with_record) {
        if (change(debugfs_path(settings, "i915_params/error_capture"), "N"))
            forget_record(settings);
        else
            note("cannot do without records of errors");
    }
    return all ? HASTY_LIMIT_S : LIMIT_S;
}

static void need_reset(const struct gem *gem)
{
    int resets = gem_param(gem, I915_PARAM_HAS_GPU_RESET);

    note("the kernel resets %s", resets == 2 ? "engines" : resets ? "the whole GPU" : "nothing");
    if (!resets)
        skip("the kernel does not reset the GPU");
}

/* Where the driver can preempt, a batch that lets itself be preempted may run as long as it likes. */
static void need_no_preemption(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);

    if (gem_param(gem, I915_PARAM_HAS_SCHEDULER) & I915_SCHEDULER_CAP_PREEMPTION)
        skip("the kernel preempts, so this is no hang");
    gem_close(gem);
}

/* Ways not to end. */
typedef void (*hang_fn)(struct batch *batch);

static void endless(struct batch *batch)
{
    mi_jump(batch, batch->bo, 4 * (uint64_t)batch->used);
}

/* The same, but one that could be preempted in each round, if arbitration were on. */
static void endless_with_arbitration(struct batch *batch)
{
    uint64_t begin = 4 * (uint64_t)batch->used;

    emit(batch, MI_ARB_CHECK);
    mi_jump(batch, batch->bo, begin);
}

static void unknown_command(struct batch *batch)
{
    emit(batch, MI_UNKNOWN);
    for (unsigned i = 0; i < 7; i++)
        emit(batch, MI_NOOP);
}

/* A semaphore that nobody signals. */
static void forsaken(struct batch *batch)
{
    mi_wait_at_least(batch, batch->bo, 0, UINT32_MAX);
}

/* A context that hangs, and what it does around it. */
struct guilty {
    struct gem *gem;
    const struct engine *engine;
    uint32_t context;
    struct bo *bo; /* dword 0: it has begun; 16: it came past the hang */
    struct batch *batch;
    double started;
};

static void guilty_submit(struct guilty *guilty, struct gem *gem, const struct engine *engine, uint32_t context, hang_fn hang)
{
    double deadline = now_s() + PATIENCE_S;

    guilty->gem = gem;
    guilty->engine = engine;
    guilty->context = context;
    guilty->bo = bo_create(gem, PAGE);
    guilty->batch = batch_create(gem, engine, context, 64);
    mi_store_dword(guilty->batch, guilty->bo, 0, 1);
    mi_flush(guilty->batch);
    hang(guilty->batch);
    mi_store_dword(guilty->batch, guilty->bo, 64, 1);
    guilty->batch->flags = I915_EXEC_FENCE_OUT;
    guilty->started = now_s();
    batch_submit(guilty->batch);
    while (!*(volatile uint32_t *)guilty->bo->map) {
        if (now_s() > deadline)
            fail("%s: expected a batch to begin within %d seconds", engine->name, PATIENCE_S);
        sleep_ms(1);
    }
}

/*
 * Waits for the reset, and looks at what it left: the fence's error, nothing done past the hang. False: the kernel's limit for batches came
 * first (see hasten()); it resets the engine as well, but bans the context.
 */
static bool guilty_reset(struct guilty *guilty, double limit)
{
    int status;

    if (!bo_idle(guilty->batch->bo, limit))
        fail("%s: expected a reset within %.0f seconds, the batch still hangs", guilty->engine->name, limit);
    note("%s: reset after %.1f s", guilty->engine->name, now_s() - guilty->started);
    status = sync_file_status(guilty->batch->fence_out);
    if (status != -EIO && status != -EINTR)
        fail("%s: expected status %d of a batch that hung, found %d", guilty->engine->name, -EIO, status);
    if (*(volatile uint32_t *)&guilty->bo->map[16] != 0)
        fail("%s: expected nothing past an endless loop, found a store", guilty->engine->name);
    close(guilty->batch->fence_out);
    return status == -EIO;
}

/* The same, where only a reset by the heartbeat will do. */
static void guilty_expect_reset(struct guilty *guilty, double limit)
{
    if (!guilty_reset(guilty, limit))
        skip("%s: the kernel's limit for batches came before a reset by the heartbeat", guilty->engine->name);
}

static void expect_stats(const struct gem *gem, uint32_t context, bool is_guilty, const char *whose)
{
    struct drm_i915_reset_stats stats = {.ctx_id = context};
    int error = gem_ioctl(gem, DRM_IOCTL_I915_GET_RESET_STATS, &stats);

    if (error)
        fail("no reset statistics: %s", strerror(-error));
    if ((stats.batch_active != 0) != is_guilty)
        fail("%s context: expected %s batch that hung, the kernel counts %u", whose, is_guilty ? "a" : "no", stats.batch_active);
}

static void store_and_expect(struct gem *gem, const struct engine *engine, uint32_t context, uint32_t value, const char *what)
{
    struct bo *bo = bo_create(gem, PAGE);
    struct batch *batch = batch_create(gem, engine, context, 16);

    mi_store_dword(batch, bo, 0, value);
    batch_run(batch);
    bo_expect(bo, 0, value, what);
    batch_destroy(batch);
    bo_destroy(bo);
}

/* One hang on one engine, with an innocent context behind it and innocent work on the other engines. */
static void one_hang(const struct settings *settings, unsigned index, hang_fn hang, bool recoverable)
{
    struct gem *gem = gem_open(settings); /* of its own: the kernel bans whole clients that hang too often */
    const struct engine *engine = gem->engines[index];
    double limit = hasten(settings, gem, false);
    uint32_t context = context_create(gem), innocent = context_create(gem);
    struct bo *behind = bo_create(gem, PAGE);
    struct batch *waiting = batch_create(gem, engine, innocent, 16), *again;
    struct guilty guilty;
    int error;

    need_reset(gem);
    if (!recoverable && (error = context_set(gem, context, I915_CONTEXT_PARAM_RECOVERABLE, 0)) != 0)
        fail("the kernel refuses a context that is not recoverable: %s", strerror(-error));
    guilty_submit(&guilty, gem, engine, context, hang);
    mi_store_dword(waiting, behind, 0, 0x1770ce);
    batch_submit(waiting);
    for (unsigned i = 0; i < gem->engine_count; i++)
        if (i != index)
            store_and_expect(gem, gem->engines[i], innocent, hash32(settings->seed, i, 0), "another engine during a hang");
    note("%s: the other engines took %.1f s", engine->name, now_s() - guilty.started);
    guilty_expect_reset(&guilty, limit);
    batch_await(waiting);
    bo_expect(behind, 0, 0x1770ce, "a batch that waited behind a hang");
    expect_stats(gem, context, true, "the guilty");
    expect_stats(gem, innocent, false, "an innocent");
    for (unsigned i = 0; i < gem->engine_count; i++)
        store_and_expect(gem, gem->engines[i], innocent, hash32(settings->seed, i, 1), "an innocent context after a reset");
    again = batch_create(gem, engine, context, 16);
    mi_store_dword(again, behind, 4, 0xa6a1);
    error = batch_try(again);
    if (recoverable && error)
        fail("%s: expected a context to go on after one hang, the kernel refuses its batch: %s", engine->name, strerror(-error));
    if (!recoverable && error != -EIO)
        fail("%s: expected %d for a banned context, found %d", engine->name, -EIO, error);
    if (recoverable) {
        batch_await(again);
        bo_expect(behind, 1, 0xa6a1, "a context after its hang");
    }
    gem_close(gem);
}

static void on_all_engines(const struct settings *settings, hang_fn hang, bool recoverable)
{
    struct gem *gem = gem_open(settings);
    unsigned count = gem->engine_count;

    gem_close(gem);
    for (unsigned i = 0; i < count; i++)
        one_hang(settings, i, hang, recoverable);
}

static void loop(const struct settings *settings)
{
    on_all_engines(settings, endless, true);
}

static void loop_with_arbitration(const struct settings *settings)
{
    need_no_preemption(settings);
    on_all_engines(settings, endless_with_arbitration, true);
}

static void semaphore(const struct settings *settings)
{
    need_no_preemption(settings);
    on_all_engines(settings, forsaken, true);
}

static void command(const struct settings *settings)
{
    on_all_engines(settings, unknown_command, true);
}

static void banned(const struct settings *settings)
{
    on_all_engines(settings, endless, false);
}

/* Twice is forgiven, the third time within two minutes is not (CONTEXT_FAST_HANG_JIFFIES). */
static void thrice(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    double limit = hasten(settings, gem, false);
    uint32_t context = context_create(gem);
    struct batch *batch;
    int error;

    need_reset(gem);
    for (unsigned i = 0; i < 3; i++) {
        struct guilty guilty;

        guilty_submit(&guilty, gem, gem->engines[0], context, endless);
        guilty_expect_reset(&guilty, limit);
        if (i < 2)
            store_and_expect(gem, gem->engines[0], context, i + 1, "a context that hung less than three times");
    }
    batch = batch_create(gem, gem->engines[0], context, 16);
    error = batch_try(batch);
    if (error != -EIO)
        fail("expected %d for a context that hung three times, found %d", -EIO, error);
    gem_close(gem);
}

/* A context is destroyed while it hangs: nobody can be asked about it any more, but the engine has to come back. */
static void destroyed(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    double limit = hasten(settings, gem, false);

    need_reset(gem);
    for (unsigned i = 0; i < gem->engine_count; i++) {
        uint32_t context = context_create(gem);
        struct guilty guilty;

        guilty_submit(&guilty, gem, gem->engines[i], context, endless);
        context_destroy(gem, context);
        guilty_reset(&guilty, limit);
        store_and_expect(gem, gem->engines[i], 0, i + 1, "another context after the reset");
    }
    gem_close(gem);
}

static void hanging_worker(const struct settings *settings, unsigned index)
{
    struct gem *gem = gem_open(settings);
    struct guilty guilty;

    guilty_submit(&guilty, gem, gem->engines[index % gem->engine_count], context_create(gem), endless);
    _exit(0);
}

/* Whole processes die with hanging batches, one on each engine. */
static void abandoned(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    double limit = hasten(settings, gem, false);

    need_reset(gem);
    run_workers(gem->engine_count, settings, hanging_worker);
    for (unsigned i = 0; i < gem->engine_count; i++) {
        struct bo *bo = bo_create(gem, PAGE);
        struct batch *batch = batch_create(gem, gem->engines[i], 0, 16);

        mi_store_dword(batch, bo, 0, i + 1);
        batch_submit(batch);
        if (!bo_idle(batch->bo, limit * gem->engine_count))
            fail("%s: expected the engine back within %.0f seconds after a process died", gem->engines[i]->name, limit * gem->engine_count);
        bo_expect(bo, 0, i + 1, "a batch behind one of a dead process");
    }
    gem_close(gem);
}

/* The blitter draws, for itself and right after the reset, while the render engine hangs. */
static void drawing(const struct settings *settings)
{
    enum { SURFACES = 4 };
    struct gem *gem = gem_open(settings);
    double limit = hasten(settings, gem, false);
    struct rng rng = {settings->seed};
    struct surface *surfaces[SURFACES];
    struct guilty guilty;

    need_reset(gem);
    paint_surfaces(gem, surfaces, SURFACES, &rng);
    guilty_submit(&guilty, gem, gem_need_engine(gem, I915_ENGINE_CLASS_RENDER), context_create(gem), endless);
    while (!bo_idle(guilty.batch->bo, 0) && now_s() < guilty.started + limit)
        paint_and_compare(gem, 0, surfaces, SURFACES, PAINT_ALL, 20, &rng, "drawing while another engine hangs");
    guilty_expect_reset(&guilty, limit);
    paint_and_compare(gem, 0, surfaces, SURFACES, PAINT_ALL, 60, &rng, "drawing after another engine hung");
    gem_close(gem);
}

/* A reset by hand, through debugfs, of an engine that hangs and of the others, which are idle. */
static void by_hand(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    char *path = debugfs_path(settings, "i915_wedged");
    struct guilty guilty;

    need_reset(gem);
    if (!path)
        skip("i915_wedged is not in debugfs");
    guilty_submit(&guilty, gem, gem->engines[0], context_create(gem), endless);
    if (!file_write(path, "0xffffffff")) /* all engines */
        fail("cannot write to %s: %s", path, strerror(errno));
    guilty_expect_reset(&guilty, PATIENCE_S);
    expect_stats(gem, guilty.context, true, "the guilty");
    for (unsigned i = 0; i < gem->engine_count; i++)
        store_and_expect(gem, gem->engines[i], 0, i + 1, "an engine after a reset by hand");
    gem_close(gem);
}

/* The kernel's record of a hang. */
static void record(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    double limit = hasten(settings, gem, true);
    char *path = card_path(settings, "/error"), text[128] = {0};
    struct guilty guilty;

    need_reset(gem);
    if (!path || !file_write(path, "1")) /* forgets an older one */
        skip("the kernel's record of errors cannot be reached");
    guilty_submit(&guilty, gem, gem->engines[0], context_create(gem), endless);
    guilty_expect_reset(&guilty, 4 * limit); /* the record takes its time */
    if (!file_read(path, text, sizeof(text)))
        fail("cannot read %s", path);
    if (strncmp(text, "GPU HANG", 8) != 0)
        fail("expected the record of a hang, found \"%.60s\"", text);
    file_write(path, "1");
    gem_close(gem);
}

/* With the kernel's own patience. */
static void heartbeat(const struct settings *settings)
{
    struct gem *gem;
    struct guilty guilty;

    if (settings->quick)
        skip("slow");
    gem = gem_open(settings);
    need_reset(gem);
    lift_limit(settings);
    guilty_submit(&guilty, gem, gem->engines[0], context_create(gem), endless);
    guilty_reset(&guilty, LIMIT_S);
    store_and_expect(gem, gem->engines[0], 0, 1, "an engine after a reset");
    gem_close(gem);
}

const struct check hang_checks[] = {
    {"loop", loop, "an endless loop, on each engine; who was it, and do the others go on", 420},
    {"loop_with_arbitration", loop_with_arbitration, "the same with MI_ARB_CHECK in the loop", 420},
    {"semaphore", semaphore, "a semaphore that nobody signals", 420},
    {"command", command, "a command that no engine has", 420},
    {"banned", banned, "a context that is not recoverable gets -EIO after a hang", 420},
    {"thrice", thrice, "a context is banned when it hangs for the third time", 300},
    {"destroyed", destroyed, "a context is destroyed while it hangs", 420},
    {"abandoned", abandoned, "processes die with hanging batches", 420},
    {"drawing", drawing, "the blitter draws while the render engine hangs", 120},
    {"by_hand", by_hand, "a reset through debugfs (i915_wedged)", 120},
    {"record", record, "the kernel's record of a hang", 420},
    {"heartbeat", heartbeat, "a hang with the kernel's own heartbeat interval (slow)", 120},
    {0},
};
