/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fences between batches: sync files, syncobjs, and the order that shared buffers imply. A gate, a batch that waits for a dword in memory,
 * makes sure that what has to wait really would be early.
 */
#include "blt.h"
#include "checks.h"
#include "gate.h"
#include "mi.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    GATE_MS = 60, /* how long something must not happen */
};

/* Is the sync file signalled within so many milliseconds? */
static bool signalled(int fd, int ms)
{
    struct pollfd waiting = {fd, POLLIN, 0};

    return poll(&waiting, 1, ms) == 1 && waiting.revents & POLLIN;
}

static void must_be_quiet(const struct bo *bo, unsigned dword, uint32_t before, const char *what)
{
    sleep_ms(GATE_MS);
    if (*(volatile uint32_t *)&bo->map[dword] != before)
        fail("%s: expected nothing before the fence, found %#x", what, bo->map[dword]);
}

static void sync_file_out(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < gem->engine_count; i++) {
        struct gate *gate = gate_create(gem);
        struct bo *bo = bo_create(gem, PAGE);
        struct batch *batch = batch_create(gem, gem->engines[i], 0, 64);

        gate_emit(gate, batch);
        mi_store_dword(batch, bo, 0, 42);
        batch->flags = I915_EXEC_FENCE_OUT;
        batch_submit(batch);
        if (signalled(batch->fence_out, GATE_MS) || sync_file_status(batch->fence_out) != 0)
            fail("%s: expected a sync file to wait, it is signalled", gem->engines[i]->name);
        gate_open(gate);
        if (!signalled(batch->fence_out, PATIENCE_S * 1000))
            fail("%s: expected a sync file to be signalled, still waiting after %d seconds", gem->engines[i]->name, PATIENCE_S);
        if (sync_file_status(batch->fence_out) != 1)
            fail("%s: expected status 1 of a sync file, found %d", gem->engines[i]->name, sync_file_status(batch->fence_out));
        /* No other wait: the fence alone must be enough. */
        if (*(volatile uint32_t *)bo->map != 42)
            fail("%s: expected 42 when the fence is signalled, found %u", gem->engines[i]->name, bo->map[0]);
        close(batch->fence_out);
        batch_await(batch);
        batch_destroy(batch);
        bo_destroy(bo);
        gate_destroy(gate);
    }
    gem_close(gem);
}

/* One engine writes behind a gate, the other copies when the fence of the first lets it. Nothing else orders them. */
static void pair(struct gem *gem, const struct engine *writer, const struct engine *reader, uint32_t value)
{
    struct gate *gate = gate_create(gem);
    struct bo *bo = bo_create(gem, PAGE);
    struct batch *write = batch_create(gem, writer, 0, 64), *read = batch_create(gem, reader, context_create(gem), 64);

    bo->map[0] = bo->map[16] = 1;
    gate_emit(gate, write);
    mi_store_dword(write, bo, 0, value);
    write->async = read->async = true;
    write->flags = I915_EXEC_FENCE_OUT;
    batch_submit(write);
    mi_copy_dword(read, bo, 64, bo, 0);
    read->flags = I915_EXEC_FENCE_IN;
    read->fence_in = write->fence_out;
    batch_submit(read);
    must_be_quiet(bo, 16, 1, reader->name);
    gate_open(gate);
    batch_await(read);
    bo_expect(bo, 16, value, "a copy behind a fence");
    close(write->fence_out);
    context_destroy(gem, read->context);
    batch_destroy(write);
    batch_destroy(read);
    bo_destroy(bo);
    gate_destroy(gate);
}

static void sync_file_in(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < gem->engine_count; i++)
        for (unsigned j = 0; j < gem->engine_count; j++)
            if (i != j)
                pair(gem, gem->engines[i], gem->engines[j], hash32(settings->seed, i, j));
    gem_close(gem);
}

/* The render engine writes a picture, the blitter copies it behind the fence. */
static void render_then_blit(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    const struct engine *render = gem_need_engine(gem, I915_ENGINE_CLASS_RENDER), *blitter = gem_need_engine(gem, I915_ENGINE_CLASS_COPY);
    struct rng rng = {settings->seed};
    struct surface *from = surface_create(gem, TILING_LINEAR, 256, 64, &rng), *to = surface_create(gem, TILING_X, 512, 64, &rng);
    struct blt blt = {.bytes = 4, .rop = ROP_COPY};
    struct gate *gate = gate_create(gem);
    struct batch *write = batch_create(gem, render, 0, 64 * 64 * 4 + 64), *copy = batch_create(gem, blitter, 0, 64);

    write->async = copy->async = true;
    gate_emit(gate, write);
    for (unsigned i = 0; i < 64 * 64; i++) {
        uint32_t value = (uint32_t)rng_next(&rng);

        mi_store_dword(write, from->bo, 4 * i, value);
        memcpy(from->expected + 4 * i, &value, 4);
    }
    write->flags = I915_EXEC_FENCE_OUT;
    batch_submit(write);
    blt_copy(copy, to, from, &blt, (struct rect){10, 0, 74, 64}, 0, 0);
    for (unsigned y = 0; y < 64; y++)
        memcpy(to->expected + 512 * y + 40, from->expected + 256 * y, 256);
    copy->flags = I915_EXEC_FENCE_IN;
    copy->fence_in = write->fence_out;
    batch_submit(copy);
    sleep_ms(GATE_MS);
    if (bo_idle(to->bo, 0))
        fail("expected a blit to wait for its fence, it is done");
    gate_open(gate);
    batch_await(copy);
    surface_expect(from, "stores of the render engine");
    surface_expect(to, "a blit behind a fence");
    gem_close(gem);
}

static uint32_t syncobj_create(const struct gem *gem)
{
    uint32_t handle;

    if (drmSyncobjCreate(gem->fd, 0, &handle))
        fail("cannot create a syncobj: %s", strerror(errno));
    return handle;
}

static int64_t deadline_ns(unsigned ms)
{
    return (int64_t)(now_s() * 1e9) + (int64_t)ms * 1000000;
}

/* 0 or -errno; all of them. */
static int syncobj_wait(const struct gem *gem, uint32_t *handles, unsigned count, unsigned ms)
{
    return drmSyncobjWait(gem->fd, handles, count, deadline_ns(ms), DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL, NULL);
}

/* Each engine signals a syncobj behind a gate of its own; one batch waits for all, one for none but the first. */
static void array(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    struct gate *gates[4];
    struct batch *writers[4], *all, *first;
    struct drm_i915_gem_exec_fence out[4], in[5];
    uint32_t objects[4], done = syncobj_create(gem);
    struct bo *bo = bo_create(gem, PAGE);

    if (!gem_param(gem, I915_PARAM_HAS_EXEC_FENCE_ARRAY))
        skip("the kernel has no arrays of fences");
    for (unsigned i = 0; i < gem->engine_count; i++) {
        gates[i] = gate_create(gem);
        objects[i] = syncobj_create(gem);
        out[i] = (struct drm_i915_gem_exec_fence){objects[i], I915_EXEC_FENCE_SIGNAL};
        in[i] = (struct drm_i915_gem_exec_fence){objects[i], I915_EXEC_FENCE_WAIT};
        writers[i] = batch_create(gem, gem->engines[i], 0, 64);
        gate_emit(gates[i], writers[i]);
        mi_store_dword(writers[i], bo, 4 * i, 100 + i);
        writers[i]->async = true;
        writers[i]->flags = I915_EXEC_FENCE_ARRAY;
        writers[i]->fences = &out[i];
        writers[i]->fence_count = 1;
        batch_submit(writers[i]);
    }
    in[gem->engine_count] = (struct drm_i915_gem_exec_fence){done, I915_EXEC_FENCE_SIGNAL};
    /* On an engine that is free before the last fence is signalled. */
    all = batch_create(gem, gem->engines[gem->engine_count > 1], context_create(gem), 64);
    for (unsigned i = 0; i < gem->engine_count; i++)
        mi_copy_dword(all, bo, 64 + 4 * i, bo, 4 * i);
    first = batch_create(gem, gem->engines[gem->engine_count - 1], context_create(gem), 64);
    mi_copy_dword(first, bo, 128, bo, 0);
    all->async = first->async = true;
    all->flags = first->flags = I915_EXEC_FENCE_ARRAY;
    all->fences = first->fences = in;
    all->fence_count = gem->engine_count + 1;
    first->fence_count = 1;
    batch_submit(all);
    batch_submit(first);
    must_be_quiet(bo, 16, 0, "a batch that waits for all engines");
    for (unsigned i = gem->engine_count; i-- > 1;) {
        gate_open(gates[i]);
        batch_await(writers[i]);
    }
    must_be_quiet(bo, 16, 0, "a batch that waits for all engines, of which one is left");
    must_be_quiet(bo, 32, 0, "a batch that waits for the first engine");
    if (syncobj_wait(gem, &done, 1, GATE_MS) != -ETIME)
        fail("expected a syncobj wait to time out");
    gate_open(gates[0]);
    if (syncobj_wait(gem, &done, 1, PATIENCE_S * 1000))
        fail("expected a syncobj to be signalled, still waiting after %d seconds", PATIENCE_S);
    for (unsigned i = 0; i < gem->engine_count; i++)
        if (bo->map[16 + i] != 100 + i)
            fail("copy %u behind an array of fences: expected %u, found %u", i, 100 + i, bo->map[16 + i]);
    batch_await(first);
    bo_expect(bo, 32, 100, "a copy behind the first fence");
    if (syncobj_wait(gem, objects, gem->engine_count, PATIENCE_S * 1000))
        fail("expected all syncobjs to be signalled");
    gem_close(gem);
}

/* Points of one timeline, waited for and signalled across engines. */
static void timeline(const struct settings *settings)
{
    enum { POINTS = 6 };
    struct gem *gem = gem_open(settings);
    uint32_t object = syncobj_create(gem);
    struct bo *bo = bo_create(gem, PAGE);
    struct gate *gate = gate_create(gem);
    struct batch *batches[POINTS];
    uint64_t point = 0;

    if (!gem_param(gem, I915_PARAM_HAS_EXEC_TIMELINE_FENCES))
        skip("the kernel has no timeline fences");
    bo->map[0] = 7;
    for (unsigned i = 0; i < POINTS; i++) {
        struct drm_i915_gem_exec_fence fences[2] = {{object, I915_EXEC_FENCE_SIGNAL}, {object, I915_EXEC_FENCE_WAIT}};
        uint64_t values[2] = {i + 1, i};
        struct drm_i915_gem_execbuffer_ext_timeline_fences extension = {
            .base.name = DRM_I915_GEM_EXECBUFFER_EXT_TIMELINE_FENCES,
            .fence_count = i ? 2 : 1,
            .handles_ptr = (uintptr_t)fences,
            .values_ptr = (uintptr_t)values,
        };

        batches[i] = batch_create(gem, gem->engines[i % gem->engine_count], 0, 64);
        if (i == 0)
            gate_emit(gate, batches[i]);
        mi_copy_dword(batches[i], bo, 4 * (i + 1), bo, 4 * i);
        batches[i]->async = true;
        batches[i]->flags = I915_EXEC_USE_EXTENSIONS;
        batches[i]->extensions = &extension;
        batch_submit(batches[i]);
    }
    must_be_quiet(bo, POINTS, 0, "the last point of a timeline");
    gate_open(gate);
    point = POINTS;
    if (drmSyncobjTimelineWait(gem->fd, &object, &point, 1, deadline_ns(PATIENCE_S * 1000), DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL, NULL))
        fail("expected point %u of a timeline, still waiting after %d seconds", POINTS, PATIENCE_S);
    for (unsigned i = 1; i <= POINTS; i++)
        bo_expect(bo, i, 7, "a copy in the order of a timeline");
    gem_close(gem);
}

/* A value is handed from engine to engine through memory; the kernel orders batches by the buffers that they write and read. */
static void implicit(const struct settings *settings)
{
    enum { STEPS_MAX = 200 };
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};
    unsigned steps = settings->quick ? 40 : STEPS_MAX;
    struct bo *bos[8];
    struct batch *batches[STEPS_MAX];
    unsigned at = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(bos); i++)
        bos[i] = bo_create(gem, PAGE);
    bos[0]->map[0] = 0xfeed;
    for (unsigned i = 0; i < steps; i++) {
        unsigned next = (at + (unsigned)rng_between(&rng, 1, (int)ARRAY_SIZE(bos) - 1)) % ARRAY_SIZE(bos);

        batches[i] = batch_create(gem, gem->engines[rng_below(&rng, gem->engine_count)], 0, 32);
        mi_copy_dword(batches[i], bos[next], 0, bos[at], 0);
        mi_flush(batches[i]);
        mi_store_dword(batches[i], bos[at], 0, i); /* so that a late reader finds rubbish */
        batch_submit(batches[i]);
        at = next;
    }
    batch_await(batches[steps - 1]);
    bo_expect(bos[at], 0, 0xfeed, "a value that went from engine to engine");
    gem_close(gem);
}

/* Waits that end by time, early enough and not too early. */
static void wait_timeout(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    struct gate *gate = gate_create(gem);
    struct batch *batch = batch_create(gem, gem->engines[0], 0, 64);
    uint32_t object = syncobj_create(gem);
    struct drm_i915_gem_exec_fence out = {object, I915_EXEC_FENCE_SIGNAL};
    double started, took;

    gate_emit(gate, batch);
    batch->flags = I915_EXEC_FENCE_ARRAY;
    batch->fences = &out;
    batch->fence_count = 1;
    batch_submit(batch);
    if (bo_idle(batch->bo, 0))
        fail("expected a batch to be busy, it is idle");
    started = now_s();
    if (bo_idle(batch->bo, 0.1))
        fail("expected a wait of 0.1 s for a busy batch to time out, it ended well");
    took = now_s() - started;
    if (took < 0.09 || took > 3)
        fail("expected a wait of 0.1 s to take as long, it took %.3f s", took);
    started = now_s();
    if (syncobj_wait(gem, &object, 1, 100) != -ETIME)
        fail("expected a syncobj wait of 0.1 s to time out");
    took = now_s() - started;
    if (took < 0.09 || took > 3)
        fail("expected a syncobj wait of 0.1 s to take as long, it took %.3f s", took);
    gate_open(gate);
    if (!bo_idle(batch->bo, PATIENCE_S) || syncobj_wait(gem, &object, 1, PATIENCE_S * 1000))
        fail("expected the batch to end within %d seconds", PATIENCE_S);
    gem_close(gem);
}

static void refused(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    struct batch *batch = batch_create(gem, gem->engines[0], 0, 16);
    struct drm_i915_gem_exec_fence fence = {0xffff, I915_EXEC_FENCE_WAIT};
    int error;

    batch->flags = I915_EXEC_FENCE_ARRAY;
    batch->fences = &fence;
    batch->fence_count = 1;
    error = batch_try(batch);
    if (error != -ENOENT)
        fail("a syncobj that is not there: expected %d, found %d", -ENOENT, error);
    fence.handle = syncobj_create(gem);
    error = batch_try(batch);
    if (error != -EINVAL)
        fail("a syncobj without a fence: expected %d, found %d", -EINVAL, error);
    batch->flags = I915_EXEC_FENCE_IN;
    batch->fence_in = gem->fd;
    error = batch_try(batch);
    if (error != -EINVAL)
        fail("a file that is no sync file: expected %d, found %d", -EINVAL, error);
    batch->flags = 0;
    batch_run(batch);
    gem_close(gem);
}

const struct check fence_checks[] = {
    {"sync_file_out", sync_file_out, "a sync file is signalled when its batch has run, not before, on every engine", 0},
    {"sync_file_in", sync_file_in, "one engine waits for the sync file of another, all pairs", 0},
    {"render_then_blit", render_then_blit, "the blitter copies what the render engine wrote, behind a fence", 0},
    {"array", array, "syncobjs in arrays, waited for and signalled", 0},
    {"timeline", timeline, "points of a timeline", 0},
    {"implicit", implicit, "the order that shared buffers imply", 0},
    {"wait_timeout", wait_timeout, "waits that end by time", 0},
    {"refused", refused, "fences that the kernel must refuse", 0},
    {0},
};
