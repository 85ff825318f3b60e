/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffers seen through the aperture: linear, or detiled by a fence register. What one side writes the other must read, where the second side
 * is the CPU's own map and this program's idea of tiling.
 *
 * All accesses to these maps are single loads and stores of 32 bits: behind them may be a trap and an instruction emulator, which knows
 * neither AVX nor cares for memcpy(). For the same reason the checks do not touch every byte.
 */
#include "checks.h"
#include "mi.h"
#include "surface.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

struct view {
    volatile uint32_t *map;
    const struct bo *bo;
};

static struct view view_create(struct bo *bo)
{
    struct drm_i915_gem_mmap_offset args = {.handle = bo->handle, .flags = I915_MMAP_OFFSET_GTT};
    struct view view = {.bo = bo};
    void *map;
    int error = gem_ioctl(bo->gem, DRM_IOCTL_I915_GEM_MMAP_OFFSET, &args);

    if (error == -ENODEV)
        skip("the device has no aperture");
    if (error)
        fail("no map through the aperture: %s", strerror(-error));
    map = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED, bo->gem->fd, (off_t)args.offset);
    if (map == MAP_FAILED)
        fail("cannot map %llu bytes through the aperture: %s", (unsigned long long)bo->size, strerror(errno));
    view.map = map;
    return view;
}

/*
 * Waits until what was written through the view has arrived. The kernel takes the aperture of this GPU for coherent and flushes nothing but
 * write buffers; a virtual machine, however, may hand on writes to a device as a bus does, without waiting for them. A read comes behind
 * them, always. What the kernel promises is checked once, in coherent().
 */
static void view_settle(struct view view)
{
    (void)view.map[0];
}

static void view_destroy(struct view view)
{
    munmap((void *)(uintptr_t)view.map, view.bo->size);
}

/* Who uses the buffer next. */
static void hand_over(const struct bo *bo, uint32_t domain)
{
    struct drm_i915_gem_set_domain args = {.handle = bo->handle, .read_domains = domain, .write_domain = domain};
    int error;

    if (!bo_idle(bo, PATIENCE_S))
        fail("a buffer is busy for %d seconds", PATIENCE_S);
    error = gem_ioctl(bo->gem, DRM_IOCTL_I915_GEM_SET_DOMAIN, &args);
    if (error)
        fail("handing a buffer over to domain %#x: %s", domain, strerror(-error));
}

/* Tells the kernel how the buffer is tiled, and the surface how the kernel says that addresses are swizzled. */
static void set_tiling(struct surface *surface)
{
    static const uint32_t modes[TILING_COUNT] = {I915_TILING_NONE, I915_TILING_X, I915_TILING_Y};
    struct gem *gem = surface->bo->gem;
    struct drm_i915_gem_set_tiling set = {.handle = surface->bo->handle, .tiling_mode = modes[surface->tiling]};
    struct drm_i915_gem_get_tiling get = {.handle = surface->bo->handle};
    int error;

    set.stride = surface->tiling == TILING_LINEAR ? 0 : surface->pitch;
    error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_SET_TILING, &set);
    if (error == -EOPNOTSUPP)
        skip("the device has no fences");
    if (error)
        fail("%s, pitch %u: the kernel refuses it: %s", tiling_names[surface->tiling], surface->pitch, strerror(-error));
    error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_GET_TILING, &get);
    if (error || get.tiling_mode != modes[surface->tiling])
        fail("expected tiling mode %u, found %u (%d)", modes[surface->tiling], get.tiling_mode, error);
    if (get.swizzle_mode != get.phys_swizzle_mode)
        skip("addresses are swizzled by physical address bits");
    surface->swizzle = get.swizzle_mode;
}

static uint32_t expected_dword(const struct surface *surface, unsigned x, unsigned y)
{
    uint32_t value;

    memcpy(&value, surface->expected + (size_t)y * surface->pitch + x, 4);
    return value;
}

static volatile uint32_t *view_dword(struct view view, const struct surface *surface, unsigned x, unsigned y)
{
    return view.map + ((uint64_t)y * surface->pitch + x) / 4;
}

static void read_one(struct view view, const struct surface *surface, unsigned x, unsigned y)
{
    uint32_t found = *view_dword(view, surface, x, y), expected = expected_dword(surface, x, y);

    if (found != expected)
        fail("reading byte %u of row %u of a %s surface of pitch %u through the aperture: expected %#x, found %#x", x, y,
             tiling_names[surface->tiling], surface->pitch, expected, found);
}

static void write_one(struct view view, struct surface *surface, unsigned x, unsigned y, uint32_t value)
{
    *view_dword(view, surface, x, y) = value;
    memcpy(surface->expected + (size_t)y * surface->pitch + x, &value, 4);
}

/* Steps that are odd in dwords and rows, so that all columns and rows of tiles get their share. */
enum { STEP_X = 4 * 13, STEP_Y = 3 };

static void both_ways(struct gem *gem, enum tiling tiling, unsigned pitch, unsigned rows, struct rng *rng)
{
    struct surface *surface = surface_create(gem, tiling, pitch, rows, rng);
    struct view view;

    set_tiling(surface);
    surface_write(surface); /* once more, now that the swizzle is known */
    view = view_create(surface->bo);
    hand_over(surface->bo, I915_GEM_DOMAIN_GTT);
    for (unsigned y = 0; y < rows; y += STEP_Y)
        for (unsigned x = y * 4 % STEP_X; x < pitch; x += STEP_X)
            read_one(view, surface, x, y);
    for (unsigned y = 0; y < rows; y += STEP_Y)
        for (unsigned x = y * 8 % STEP_X; x < pitch; x += STEP_X)
            write_one(view, surface, x, y, (uint32_t)rng_next(rng));
    /* Both ends of the surface. */
    write_one(view, surface, 0, 0, (uint32_t)rng_next(rng));
    write_one(view, surface, pitch - 4, rows - 1, (uint32_t)rng_next(rng));
    view_settle(view);
    hand_over(surface->bo, I915_GEM_DOMAIN_CPU);
    surface_expect(surface, "writes through the aperture");
    /* And the CPU writes while the view stays. */
    for (size_t i = 0; i < (size_t)pitch * rows; i++)
        surface->expected[i] ^= 0x5a;
    surface_write(surface);
    hand_over(surface->bo, I915_GEM_DOMAIN_GTT);
    for (unsigned y = 1; y < rows; y += 2 * STEP_Y)
        for (unsigned x = y * 12 % STEP_X; x < pitch; x += STEP_X)
            read_one(view, surface, x, y);
    view_destroy(view);
    surface_destroy(surface);
}

static void linear(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};

    both_ways(gem, TILING_LINEAR, 4096, 1, &rng);
    both_ways(gem, TILING_LINEAR, 1000, 200, &rng);
    gem_close(gem);
}

static void x_tiled(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};

    both_ways(gem, TILING_X, 512, 8, &rng);
    both_ways(gem, TILING_X, 2048, 100, &rng);
    if (!settings->quick)
        both_ways(gem, TILING_X, 7680, 64, &rng);
    gem_close(gem);
}

static void y_tiled(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};

    both_ways(gem, TILING_Y, 128, 32, &rng);
    both_ways(gem, TILING_Y, 1920, 100, &rng);
    if (!settings->quick)
        both_ways(gem, TILING_Y, 7680, 64, &rng);
    gem_close(gem);
}

/* What engines write is seen through the aperture, and what is written through the aperture is seen by engines. */
static void engines(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < gem->engine_count; i++) {
        struct bo *bo = bo_create(gem, 4 * PAGE);
        struct batch *batch = batch_create(gem, gem->engines[i], 0, 64);
        struct view view = view_create(bo);
        uint32_t value = hash32(settings->seed, i, 0);

        mi_store_dword(batch, bo, PAGE, value);
        batch_run(batch);
        hand_over(bo, I915_GEM_DOMAIN_GTT);
        if (view.map[PAGE / 4] != value)
            fail("%s wrote %#x, the aperture shows %#x", gem->engines[i]->name, value, view.map[PAGE / 4]);
        view.map[2 * PAGE / 4] = ~value;
        __sync_synchronize();
        batch_reset(batch);
        mi_copy_dword(batch, bo, 3 * PAGE, bo, 2 * PAGE);
        batch_run(batch);
        bo_expect(bo, 3 * PAGE / 4, ~value, "what an engine reads after a write through the aperture");
        view_destroy(view);
        batch_destroy(batch);
        bo_destroy(bo);
    }
    gem_close(gem);
}

/* More tiled surfaces in use than there are fences: the kernel takes fences from one to give them to another, all the time. */
static void fences(const struct settings *settings)
{
    enum { SURFACES = 12 };
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};
    struct surface *surfaces[SURFACES];
    struct view views[SURFACES];
    unsigned accesses = settings->quick ? 300 : 3000;

    note("the device has %d fences", gem_param(gem, I915_PARAM_NUM_FENCES_AVAIL));
    for (unsigned i = 0; i < SURFACES; i++) {
        enum tiling tiling = i % 5 == 4 ? TILING_LINEAR : i % 2 ? TILING_X : TILING_Y;
        unsigned pitch = 512 * (unsigned)rng_between(&rng, 1, 4);

        surfaces[i] = surface_create(gem, tiling, pitch, 64, &rng);
        set_tiling(surfaces[i]);
        surface_write(surfaces[i]);
        views[i] = view_create(surfaces[i]->bo);
        hand_over(surfaces[i]->bo, I915_GEM_DOMAIN_GTT);
    }
    for (unsigned i = 0; i < accesses; i++) {
        unsigned which = rng_below(&rng, SURFACES);
        unsigned x = 4 * rng_below(&rng, surfaces[which]->pitch / 4), y = rng_below(&rng, surfaces[which]->rows);

        if (rng_below(&rng, 2))
            read_one(views[which], surfaces[which], x, y);
        else
            write_one(views[which], surfaces[which], x, y, (uint32_t)rng_next(&rng));
    }
    for (unsigned i = 0; i < SURFACES; i++) {
        view_settle(views[i]);
        hand_over(surfaces[i]->bo, I915_GEM_DOMAIN_CPU);
        surface_expect(surfaces[i], "writes through the aperture, with other surfaces between them");
        view_destroy(views[i]);
    }
    gem_close(gem);
}

/*
 * The kernel's promise of I915_PARAM_MMAP_GTT_COHERENT: the CPU's own map shows at once what was written through the aperture. A VMM that
 * hands writes on without waiting cannot keep it; then this says so and skips, as long as they come at all.
 */
static void coherent(const struct settings *settings)
{
    enum { ROUNDS = 500, PLACES = 4 * PAGE / 4 };
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};
    struct bo *bo = bo_create(gem, 4 * PAGE);
    struct view view = view_create(bo);
    unsigned late = 0;
    double longest = 0;

    if (!gem_param(gem, I915_PARAM_MMAP_GTT_COHERENT))
        skip("the kernel does not promise it for this GPU");
    hand_over(bo, I915_GEM_DOMAIN_GTT);
    view.map[0] = 0; /* the first access maps it */
    view_settle(view);
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned at = rng_below(&rng, PLACES);
        uint32_t value = (uint32_t)rng_next(&rng) | 1;
        double written;

        view.map[at] = value;
        __sync_synchronize();
        if (*(volatile uint32_t *)&bo->map[at] == value)
            continue;
        written = now_s();
        while (*(volatile uint32_t *)&bo->map[at] != value)
            if (now_s() > written + 1)
                fail("a write through the aperture is not in memory after a second: expected %#x, found %#x", value, bo->map[at]);
        longest = now_s() - written > longest ? now_s() - written : longest;
        late++;
    }
    view_destroy(view);
    gem_close(gem);
    if (late)
        skip("%u of %d writes through the aperture came late, by %.1f ms at most: the VMM does not wait for them", late, ROUNDS,
             longest * 1000);
}

/* One surface changes its tiling, and with it what a map through the aperture means. */
static void retiling(const struct settings *settings)
{
    static const enum tiling order[] = {TILING_X, TILING_Y, TILING_LINEAR, TILING_Y, TILING_X};
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};
    struct surface *surface = surface_create(gem, TILING_LINEAR, 1024, 64, &rng);
    struct view view = view_create(surface->bo);

    for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
        surface->tiling = order[i];
        set_tiling(surface);
        hand_over(surface->bo, I915_GEM_DOMAIN_CPU);
        surface_write(surface);
        hand_over(surface->bo, I915_GEM_DOMAIN_GTT);
        for (unsigned n = 0; n < 200; n++) {
            unsigned x = 4 * rng_below(&rng, surface->pitch / 4), y = rng_below(&rng, surface->rows);

            read_one(view, surface, x, y);
            write_one(view, surface, x, y, (uint32_t)rng_next(&rng));
        }
        view_settle(view);
        hand_over(surface->bo, I915_GEM_DOMAIN_CPU);
        surface_expect(surface, "writes through the aperture after a change of tiling");
    }
    gem_close(gem);
}

/* More buffers than the aperture has room for, one after the other and then again: views are taken down and put up. */
static void crowd(const struct settings *settings)
{
    enum { BUFFERS_MAX = 48, BUFFER_MIB = 4 };
    unsigned buffers = settings->quick ? 8 : BUFFERS_MAX;
    struct gem *gem;
    struct bo *bos[BUFFERS_MAX];
    struct view views[BUFFERS_MAX];

    need_memory(MIB(BUFFER_MIB) * buffers);
    gem = gem_open(settings);
    for (unsigned i = 0; i < buffers; i++) {
        bos[i] = bo_create(gem, MIB(BUFFER_MIB));
        views[i] = view_create(bos[i]);
        hand_over(bos[i], I915_GEM_DOMAIN_GTT);
        for (unsigned at = 0; at < MIB(BUFFER_MIB); at += MIB(1) - PAGE)
            views[i].map[at / 4] = hash32(settings->seed, i, at);
    }
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < buffers; i++)
            for (unsigned at = 0; at < MIB(BUFFER_MIB); at += MIB(1) - PAGE)
                if (views[i].map[at / 4] != hash32(settings->seed, i, at))
                    fail("buffer %u of %u, offset %#x, through the aperture: expected %#x, found %#x", i, buffers, at,
                         hash32(settings->seed, i, at), views[i].map[at / 4]);
    for (unsigned i = 0; i < buffers; i++) {
        view_settle(views[i]);
        hand_over(bos[i], I915_GEM_DOMAIN_CPU);
        for (unsigned at = 0; at < MIB(BUFFER_MIB); at += MIB(1) - PAGE)
            if (bos[i]->map[at / 4] != hash32(settings->seed, i, at))
                fail("buffer %u of %u, offset %#x: expected %#x, found %#x", i, buffers, at, hash32(settings->seed, i, at),
                     bos[i]->map[at / 4]);
        view_destroy(views[i]);
        bo_destroy(bos[i]);
    }
    gem_close(gem);
}

/*
 * A surface that does not fit into what a vGPU may use of the aperture (64 or 128 MiB): the kernel maps a part of it at a time, of 1 MiB or
 * some rows of tiles, with a fence for that part.
 */
static void partial(const struct settings *settings)
{
    enum { PITCH = 8192, ROWS = 18 * 1024, STEP_ROWS = 61 }; /* 144 MiB */
    static const enum tiling tilings[] = {TILING_X, TILING_Y};
    struct gem *gem;

    if (settings->quick)
        skip("slow");
    need_memory(surface_bytes(TILING_X, PITCH, ROWS));
    gem = gem_open(settings);
    for (unsigned i = 0; i < ARRAY_SIZE(tilings); i++) {
        struct surface surface = {.tiling = tilings[i], .pitch = PITCH, .rows = ROWS};
        struct view view;

        surface.bo = bo_create(gem, surface_bytes(tilings[i], PITCH, ROWS));
        set_tiling(&surface);
        view = view_create(surface.bo);
        hand_over(surface.bo, I915_GEM_DOMAIN_GTT);
        for (unsigned y = 0; y < ROWS; y += STEP_ROWS)
            *view_dword(view, &surface, y * 52 % PITCH & ~3u, y) = hash32(settings->seed, i, y);
        for (unsigned y = 0; y < ROWS; y += STEP_ROWS) {
            uint32_t found = *view_dword(view, &surface, y * 52 % PITCH & ~3u, y);

            if (found != hash32(settings->seed, i, y))
                fail("row %u of a large %s surface, through the aperture: expected %#x, found %#x", y, tiling_names[tilings[i]],
                     hash32(settings->seed, i, y), found);
        }
        view_settle(view);
        hand_over(surface.bo, I915_GEM_DOMAIN_CPU);
        for (unsigned y = 0; y < ROWS; y += STEP_ROWS) {
            uint32_t found = surface.bo->map[surface_offset(&surface, y * 52 % PITCH & ~3u, y) / 4];

            if (found != hash32(settings->seed, i, y))
                fail("row %u of a large %s surface: expected %#x, found %#x", y, tiling_names[tilings[i]],
                     hash32(settings->seed, i, y), found);
        }
        view_destroy(view);
        bo_destroy(surface.bo);
    }
    gem_close(gem);
}

const struct check aperture_checks[] = {
    {"linear", linear, "a linear surface, written on one side and read on the other", 0},
    {"x_tiled", x_tiled, "the same X-tiled, with a fence", 0},
    {"y_tiled", y_tiled, "the same Y-tiled", 0},
    {"engines", engines, "what engines and the aperture see of each other", 0},
    {"coherent", coherent, "memory shows at once what was written through the aperture", 0},
    {"fences", fences, "more tiled surfaces than there are fences", 120},
    {"retiling", retiling, "a surface that changes its tiling", 0},
    {"crowd", crowd, "more buffers than the aperture has room for", 120},
    {"partial", partial, "a tiled surface larger than the aperture of a vGPU (slow, 144 MiB)", 180},
    {0},
};
