/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffers that the kernel places: relocations, start and length of batches within a buffer. Uses the ioctl itself, not struct batch. */
#include "checks.h"
#include "mi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    OBJECTS_MAX = 32,
    RELOCS_MAX = 2048,
    WRONG_OFFSET = 0x7fff0000, /* presumed offsets and addresses in the batch before the kernel has patched them */
    HINT = 0x40000000,         /* where the buffers are said to be: the kernel tries these places first, so they are others */
    HINT_STEP = 0x100000,
};

/* One execbuffer whose last object is the batch, which is also the object that has the relocations (unless said otherwise). */
struct relocated {
    struct gem *gem;
    struct drm_i915_gem_exec_object2 objects[OBJECTS_MAX];
    struct drm_i915_gem_relocation_entry *relocs;
    unsigned object_count, reloc_count;
    struct bo *batch;
    unsigned used;
};

static struct relocated *relocated_create(struct gem *gem, unsigned dwords)
{
    struct relocated *r = calloc(1, sizeof(*r));

    r->gem = gem;
    r->relocs = calloc(RELOCS_MAX, sizeof(*r->relocs));
    r->batch = bo_create(gem, 4 * (uint64_t)dwords);
    return r;
}

static void relocated_destroy(struct relocated *r)
{
    bo_destroy(r->batch);
    free(r->relocs);
    free(r);
}

static unsigned add_object(struct relocated *r, const struct bo *bo)
{
    r->objects[r->object_count] = (struct drm_i915_gem_exec_object2){.handle = bo->handle, .offset = HINT + HINT_STEP * r->object_count};
    return r->object_count++;
}

static void put(struct relocated *r, uint32_t dword)
{
    r->batch->map[r->used++] = dword;
}

/* The address of a place in an object, in the two dwords that come next. target: its handle, or with HANDLE_LUT its index. */
static void put_address(struct relocated *r, uint32_t target, uint32_t delta, bool write)
{
    struct drm_i915_gem_relocation_entry *reloc = &r->relocs[r->reloc_count++];

    reloc->target_handle = target;
    reloc->delta = delta;
    reloc->offset = 4 * (uint64_t)r->used;
    reloc->presumed_offset = WRONG_OFFSET;
    reloc->read_domains = I915_GEM_DOMAIN_INSTRUCTION;
    reloc->write_domain = write ? I915_GEM_DOMAIN_INSTRUCTION : 0;
    put(r, WRONG_OFFSET + delta);
    put(r, 0);
}

/* MI_STORE_DATA_IMM by hand: mi.h wants buffers that have an address. */
static void put_store(struct relocated *r, uint32_t target, uint32_t delta, uint32_t value)
{
    put(r, 0x20u << 23 | 2);
    put_address(r, target, delta, true);
    put(r, value);
}

static void put_end(struct relocated *r)
{
    if (r->used % 2 == 0)
        put(r, MI_NOOP);
    put(r, MI_BATCH_BUFFER_END);
}

static int execute(struct relocated *r, const struct engine *engine, uint64_t flags, uint32_t start, uint32_t length)
{
    struct drm_i915_gem_execbuffer2 args = {
        .buffers_ptr = (uintptr_t)r->objects,
        .buffer_count = r->object_count,
        .batch_start_offset = start,
        .batch_len = length,
        .flags = engine->selector | flags,
    };

    return gem_ioctl(r->gem, DRM_IOCTL_I915_GEM_EXECBUFFER2, &args);
}

static void must_execute(struct relocated *r, const struct engine *engine, uint64_t flags, uint32_t start, uint32_t length)
{
    int error = execute(r, engine, flags, start, length);

    if (error)
        fail("the kernel refuses a relocated batch for %s: %s", engine->name, strerror(-error));
    if (!bo_idle(r->batch, PATIENCE_S))
        fail("expected a relocated batch on %s to end, it still runs after %d seconds", engine->name, PATIENCE_S);
}

/* Adds the batch as the last object, with the relocations. */
static void add_batch(struct relocated *r)
{
    unsigned index = add_object(r, r->batch);

    r->objects[index].relocs_ptr = (uintptr_t)r->relocs;
    r->objects[index].relocation_count = r->reloc_count;
}

static void patched_on(struct gem *gem, const struct engine *engine, bool lut, struct rng *rng)
{
    enum { TARGETS = 3, STORES = 4 };
    struct relocated *r = relocated_create(gem, 256);
    struct bo *targets[TARGETS];
    uint32_t values[TARGETS][STORES];

    for (unsigned i = 0; i < TARGETS; i++) {
        targets[i] = bo_create(gem, (i + 1) * PAGE);
        add_object(r, targets[i]);
    }
    for (unsigned i = 0; i < TARGETS; i++)
        for (unsigned j = 0; j < STORES; j++) {
            values[i][j] = (uint32_t)rng_next(rng);
            put_store(r, lut ? i : targets[i]->handle, (uint32_t)(targets[i]->size / STORES * j), values[i][j]);
        }
    put_end(r);
    add_batch(r);
    must_execute(r, engine, lut ? I915_EXEC_HANDLE_LUT : 0, 0, 0);
    for (unsigned i = 0; i < TARGETS; i++)
        for (unsigned j = 0; j < STORES; j++)
            bo_expect(targets[i], (unsigned)(targets[i]->size / STORES * j / 4), values[i][j], engine->name);
    /* The batch has the addresses that the kernel says it gave. */
    bo_await(r->batch);
    for (unsigned i = 0; i < r->reloc_count; i++) {
        const struct drm_i915_gem_relocation_entry *reloc = &r->relocs[i];
        uint64_t found = r->batch->map[reloc->offset / 4] | (uint64_t)r->batch->map[reloc->offset / 4 + 1] << 32;
        uint64_t given = r->objects[i / STORES].offset;

        if (found != given + reloc->delta)
            fail("%s: expected relocation %u to be patched to %#llx, found %#llx", engine->name, i,
                 (unsigned long long)(given + reloc->delta), (unsigned long long)found);
    }
    for (unsigned i = 0; i < TARGETS; i++)
        bo_destroy(targets[i]);
    relocated_destroy(r);
}

static void patched(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};

    for (unsigned i = 0; i < gem->engine_count; i++)
        patched_on(gem, gem->engines[i], false, &rng);
    gem_close(gem);
}

static void handle_lut(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};

    for (unsigned i = 0; i < gem->engine_count; i++)
        patched_on(gem, gem->engines[i], true, &rng);
    gem_close(gem);
}

/* A batch that jumps into another buffer, which has relocations of its own. The kernel's parser lets no batch of the blitter do that. */
static void chain(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < gem->engine_count; i++) {
        struct relocated *from, *to;
        struct bo *target;
        unsigned index;

        if (gem->engines[i]->class == I915_ENGINE_CLASS_COPY)
            continue;
        from = relocated_create(gem, 64);
        to = relocated_create(gem, 64);
        target = bo_create(gem, PAGE);
        put_store(to, target->handle, 16, 0x22222222);
        put_end(to);
        add_object(from, target);
        index = add_object(from, to->batch);
        from->objects[index].relocs_ptr = (uintptr_t)to->relocs;
        from->objects[index].relocation_count = to->reloc_count;
        put_store(from, target->handle, 8, 0x11111111);
        put(from, 0x31u << 23 | 1 << 8 | 1); /* MI_BATCH_BUFFER_START, addresses of the context */
        put_address(from, to->batch->handle, 0, false);
        put_store(from, target->handle, 24, 0x33333333); /* nobody comes back here */
        put_end(from);
        add_batch(from);
        must_execute(from, gem->engines[i], 0, 0, 0);
        bo_expect(target, 2, 0x11111111, "a store before the jump");
        bo_expect(target, 4, 0x22222222, "a store in the second buffer");
        bo_expect(target, 6, 0, "a store behind the jump");
        bo_destroy(target);
        relocated_destroy(from);
        relocated_destroy(to);
    }
    gem_close(gem);
}

/* Several batches in one buffer, each run by its start. */
static void start_offset(const struct settings *settings)
{
    enum { PARTS = 8, PART_DWORDS = 64 };
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < gem->engine_count; i++) {
        struct relocated *r = relocated_create(gem, PARTS * PART_DWORDS);
        struct bo *target = bo_create(gem, PAGE);
        uint32_t expected[PAGE / 4] = {0};

        add_object(r, target);
        for (unsigned part = 0; part < PARTS; part++) {
            r->used = part * PART_DWORDS + 2 * part;
            put_store(r, target->handle, 64 * part, hash32(settings->seed, i, part));
            put_end(r);
        }
        add_batch(r);
        for (unsigned n = 0; n < PARTS; n++) {
            unsigned part = n * 5 % PARTS;

            must_execute(r, gem->engines[i], 0, 4 * (part * PART_DWORDS + 2 * part), n % 2 ? 24 : 0);
            expected[16 * part] = hash32(settings->seed, i, part);
            bo_await(target);
            bo_expect_all(target, expected, gem->engines[i]->name);
        }
        bo_destroy(target);
        relocated_destroy(r);
    }
    gem_close(gem);
}

/* A second time with what the first one returned, and NO_RELOC: nothing is patched, and it runs all the same. */
static void no_reloc(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < gem->engine_count; i++) {
        struct relocated *r = relocated_create(gem, 64);
        struct bo *target = bo_create(gem, PAGE);
        uint32_t before[2];

        add_object(r, target);
        put_store(r, target->handle, 0, 1);
        put_end(r);
        add_batch(r);
        must_execute(r, gem->engines[i], 0, 0, 0);
        bo_expect(target, 0, 1, "the first run");
        target->map[0] = 0;
        memcpy(before, &r->batch->map[1], sizeof(before));
        r->objects[0].flags |= EXEC_OBJECT_WRITE; /* the relocations do not say it any more */
        must_execute(r, gem->engines[i], I915_EXEC_NO_RELOC, 0, 0);
        bo_expect(target, 0, 1, "the second run, without relocation");
        if (memcmp(before, &r->batch->map[1], sizeof(before)) != 0)
            fail("expected NO_RELOC to leave the batch alone, found another address in it");
        bo_destroy(target);
        relocated_destroy(r);
    }
    gem_close(gem);
}

static void many(const struct settings *settings)
{
    enum { TARGETS = 20 };
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};
    unsigned stores = settings->quick ? 300 : RELOCS_MAX;

    for (unsigned i = 0; i < gem->engine_count; i++) {
        struct relocated *r = relocated_create(gem, 4 * stores + 2);
        struct bo *targets[TARGETS];
        uint32_t(*expected)[PAGE / 4] = calloc(TARGETS, sizeof(*expected));

        for (unsigned target = 0; target < TARGETS; target++) {
            targets[target] = bo_create(gem, PAGE);
            add_object(r, targets[target]);
        }
        for (unsigned store = 0; store < stores; store++) {
            unsigned target = rng_below(&rng, TARGETS), at = rng_below(&rng, PAGE / 4);

            expected[target][at] = (uint32_t)rng_next(&rng);
            put_store(r, targets[target]->handle, 4 * at, expected[target][at]);
        }
        put_end(r);
        add_batch(r);
        must_execute(r, gem->engines[i], 0, 0, 0);
        for (unsigned target = 0; target < TARGETS; target++) {
            bo_await(targets[target]);
            bo_expect_all(targets[target], expected[target], gem->engines[i]->name);
            bo_destroy(targets[target]);
        }
        free(expected);
        relocated_destroy(r);
    }
    gem_close(gem);
}

static void refused(const struct settings *settings)
{
    static const struct {
        const char *what;
        uint64_t offset;
        uint32_t handle, write_domain;
        int error;
    } cases[] = {
        {"a relocation beyond its buffer", 1 << 20, 0, 0, -EINVAL},
        {"a relocation at an odd place", 6, 0, 0, -EINVAL},
        {"a relocation to a buffer that is not in the list", 4, 0xffff, 0, -ENOENT},
        {"a relocation with two write domains", 4, 0, I915_GEM_DOMAIN_INSTRUCTION | I915_GEM_DOMAIN_RENDER, -EINVAL},
        {"a relocation with a domain of the CPU", 4, 0, I915_GEM_DOMAIN_CPU, -EINVAL},
    };
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct relocated *r = relocated_create(gem, 64);
        struct bo *target = bo_create(gem, PAGE);
        int error;

        add_object(r, target);
        put_store(r, target->handle, 0, 1);
        put_end(r);
        add_batch(r);
        r->relocs[0].offset = cases[i].offset;
        if (cases[i].handle)
            r->relocs[0].target_handle = cases[i].handle;
        if (cases[i].write_domain)
            r->relocs[0].write_domain = cases[i].write_domain;
        error = execute(r, gem->engines[0], 0, 0, 0);
        if (error != cases[i].error)
            fail("%s: expected %d (%s), found %d", cases[i].what, cases[i].error, strerror(-cases[i].error), error);
        bo_destroy(target);
        relocated_destroy(r);
    }
    gem_close(gem);
}

const struct check reloc_checks[] = {
    {"patched", patched, "relocations with wrong presumed offsets, on every engine", 0},
    {"handle_lut", handle_lut, "the same with targets named by their index", 0},
    {"chain", chain, "a batch that jumps into a second buffer", 0},
    {"start_offset", start_offset, "several batches in one buffer", 0},
    {"no_reloc", no_reloc, "relocations that are right already", 0},
    {"many", many, "some thousand relocations in one batch", 0},
    {"refused", refused, "relocations that the kernel must refuse", 0},
    {0},
};
