/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffers at addresses that user space chose, in all parts of the 48-bit address space, written by every engine. */
#include "checks.h"
#include "mi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILL = 0xa5a5a5a5 };

/* Places where page tables of some level begin or end: 64 KiB, 2 MiB, 1 GiB, 4 GiB, 512 GiB, the sign of canonical addresses, the top. */
static const struct {
    uint64_t address;
    unsigned pages;
} places[] = {
    {0x0000000000001000, 1},
    {0x0000000000010000, 3},
    {0x00000000001fe000, 4},
    {0x000000003ffff000, 2},
    {0x00000000fffff000, 2},
    {0x0000000123456000, 5},
    {0x0000007ffffff000, 2},
    {0x0000123456789000, 1},
    {0x00007fffffffe000, 4},
    {0x0000fffffe000000, 3},
    {0x0000ffffffffe000, 2},
};
enum { STORES = 6 }; /* in each buffer */

/* Dword of store number i in a buffer: both ends, both sides of page borders, anywhere. */
static unsigned store_place(uint64_t size, unsigned i, struct rng *rng)
{
    unsigned dwords = (unsigned)(size / 4);

    switch (i) {
    case 0:
        return 0;
    case 1:
        return dwords - 1;
    case 2:
        return PAGE / 4 - 1;
    case 3:
        return dwords - PAGE / 4;
    default:
        return rng_below(rng, dwords);
    }
}

/* Appends stores to a buffer, and does the same to what it is expected to hold. */
static void scatter(struct batch *batch, struct bo *bo, uint32_t *expected, struct rng *rng)
{
    for (unsigned i = 0; i < STORES; i++) {
        unsigned at = store_place(bo->size, i, rng);
        uint64_t value = rng_next(rng);

        if (at % 2 == 0 && rng_below(rng, 2)) {
            mi_store_qword(batch, bo, 4 * (uint64_t)at, value);
            expected[at + 1] = (uint32_t)(value >> 32);
        } else {
            mi_store_dword(batch, bo, 4 * (uint64_t)at, (uint32_t)value);
        }
        expected[at] = (uint32_t)value;
    }
}

static uint32_t *expect_fill(struct bo *bo)
{
    uint32_t *expected = malloc(bo->size);

    bo_fill(bo, FILL);
    memcpy(expected, bo->map, bo->size);
    return expected;
}

static void check_places(struct gem *gem, const struct engine *engine, uint32_t context, unsigned selector, struct rng *rng)
{
    struct bo *bos[ARRAY_SIZE(places)];
    uint32_t *expected[ARRAY_SIZE(places)];
    struct batch *batch = batch_create(gem, engine, context, ARRAY_SIZE(places) * STORES * 5);

    batch->selector = selector;
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        bos[i] = bo_create_at(gem, (uint64_t)places[i].pages * PAGE, places[i].address);
        expected[i] = expect_fill(bos[i]);
        scatter(batch, bos[i], expected[i], rng);
    }
    batch_run(batch);
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        char what[80];

        snprintf(what, sizeof(what), "%s, buffer at %#llx", engine->name, (unsigned long long)places[i].address);
        bo_await(bos[i]);
        bo_expect_all(bos[i], expected[i], what);
        bo_destroy(bos[i]);
        free(expected[i]);
    }
    batch_destroy(batch);
}

static void addresses(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};

    for (unsigned i = 0; i < gem->engine_count; i++)
        check_places(gem, gem->engines[i], 0, gem->engines[i]->selector, &rng);
    gem_close(gem);
}

static uint32_t create_with_map(struct gem *gem, const struct engine *const *engines, unsigned count)
{
    I915_DEFINE_CONTEXT_PARAM_ENGINES(map, 8);
    struct drm_i915_gem_context_create_ext_setparam set = {.base.name = I915_CONTEXT_CREATE_EXT_SETPARAM};
    struct drm_i915_gem_context_create_ext create = {.flags = I915_CONTEXT_CREATE_FLAGS_USE_EXTENSIONS, .extensions = (uintptr_t)&set};
    int error;

    memset(&map, 0, sizeof(map));
    for (unsigned i = 0; i < count; i++)
        map.engines[i] = (struct i915_engine_class_instance){engines[i]->class, 0};
    set.param.param = I915_CONTEXT_PARAM_ENGINES;
    set.param.value = (uintptr_t)&map;
    set.param.size = sizeof(struct i915_context_param_engines) + count * sizeof(map.engines[0]);
    error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_CONTEXT_CREATE_EXT, &create);
    if (error)
        fail("cannot create a context with an engine map: %s", strerror(-error));
    return create.ctx_id;
}

/* The map has the engines backwards, and the first of them once more. A register tells which engine it really was. */
static void engine_map(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    const struct engine *map[5];
    unsigned count = 0;
    struct rng rng = {settings->seed};
    struct bo *result = bo_create(gem, PAGE);
    uint32_t context;

    for (unsigned i = gem->engine_count; i-- > 0;)
        map[count++] = gem->engines[i];
    map[count++] = gem->engines[0];
    context = create_with_map(gem, map, count);
    for (unsigned i = 0; i < count; i++) {
        struct batch *batch = batch_create(gem, map[i], context, 16);
        uint32_t value = (uint32_t)rng_next(&rng);

        check_places(gem, map[i], context, i, &rng);
        batch->selector = i;
        mi_load_register(batch, map[i]->base + REG_GPR, value);
        mi_store_register(batch, map[i]->base + REG_GPR, result, 4 * i);
        batch_run(batch);
        bo_expect(result, i, value, "a register of the engine that the map names");
        batch_destroy(batch);
    }
    gem_close(gem);
}

static void many_buffers(const struct settings *settings)
{
    enum { BUFFERS = 96 };
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};
    struct bo *bos[BUFFERS];
    uint32_t *expected[BUFFERS];

    /* One address out of each of many equal parts of the address space, so that none overlap. */
    for (unsigned i = 0; i < BUFFERS; i++) {
        uint64_t part = (UINT64_C(1) << 48) / BUFFERS / PAGE;
        uint64_t page = part * i + 1 + rng_next(&rng) % (part - 8);

        bos[i] = bo_create_at(gem, (uint64_t)rng_between(&rng, 1, 4) * PAGE, page * PAGE);
        expected[i] = expect_fill(bos[i]);
    }
    for (unsigned i = 0; i < gem->engine_count; i++) {
        struct batch *batch = batch_create(gem, gem->engines[i], 0, BUFFERS * STORES * 5);

        for (unsigned buffer = 0; buffer < BUFFERS; buffer++)
            scatter(batch, bos[buffer], expected[buffer], &rng);
        batch_run(batch);
        for (unsigned buffer = 0; buffer < BUFFERS; buffer++) {
            bo_await(bos[buffer]);
            bo_expect_all(bos[buffer], expected[buffer], gem->engines[i]->name);
        }
        batch_destroy(batch);
    }
    gem_close(gem);
}

/* Two buffers take turns at one address, and one buffer moves through many: page tables change under the GPU's eyes. */
static void moving(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};
    unsigned rounds = settings->quick ? 16 : 64;
    struct bo *first = bo_create_at(gem, 2 * PAGE, GIB(5)), *second = bo_create_at(gem, 2 * PAGE, GIB(5));
    struct bo *nomad = bo_create(gem, 2 * PAGE);
    uint32_t *expected_first = expect_fill(first), *expected_second = expect_fill(second), *expected_nomad = expect_fill(nomad);

    for (unsigned i = 0; i < rounds; i++) {
        const struct engine *engine = gem->engines[rng_below(&rng, gem->engine_count)];
        bool even = i % 2 == 0;
        struct batch *batch = batch_create(gem, engine, 0, 2 * STORES * 5);

        scatter(batch, even ? first : second, even ? expected_first : expected_second, &rng);
        nomad->address = canonical((rng_next(&rng) % (GIB(1024) / PAGE) + GIB(1024) / PAGE) * PAGE);
        scatter(batch, nomad, expected_nomad, &rng);
        batch_run(batch);
        bo_await(first);
        bo_await(second);
        bo_await(nomad);
        bo_expect_all(first, expected_first, "first of two at one address");
        bo_expect_all(second, expected_second, "second of two at one address");
        bo_expect_all(nomad, expected_nomad, "a buffer that moves");
        batch_destroy(batch);
    }
    gem_close(gem);
}

static void expect_error(struct batch *batch, int expected, const char *what)
{
    int error = batch_try(batch);

    if (error != expected)
        fail("%s: expected %d (%s), found %d", what, expected, strerror(-expected), error);
    batch_reset(batch);
}

static void refused(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    struct batch *batch = batch_create(gem, gem->engines[0], 0, 16);
    struct bo *a = bo_create_at(gem, 2 * PAGE, GIB(6)), *b = bo_create_at(gem, PAGE, GIB(6) + PAGE);

    a->address = GIB(6) + 64;
    batch_use(batch, a, false);
    expect_error(batch, -EINVAL, "an address within a page");
    a->address = UINT64_C(1) << 47;
    batch_use(batch, a, false);
    expect_error(batch, -EINVAL, "an address that is not canonical");
    a->address = GIB(6);
    batch_use(batch, a, false);
    batch_use(batch, b, false);
    expect_error(batch, -ENOSPC, "two buffers that overlap");
    /* And nothing is broken. */
    mi_store_dword(batch, b, 0, 17);
    batch_run(batch);
    bo_expect(b, 0, 17, "a store after refusals");
    gem_close(gem);
}

const struct check softpin_checks[] = {
    {"addresses", addresses, "stores to buffers all over the 48-bit address space, on every engine", 0},
    {"engine_map", engine_map, "the same through a context's engine map", 0},
    {"many_buffers", many_buffers, "stores to 96 buffers at random addresses in one batch, on every engine", 0},
    {"moving", moving, "buffers that change their addresses between batches", 0},
    {"refused", refused, "addresses that the kernel must refuse", 0},
    {0},
};
