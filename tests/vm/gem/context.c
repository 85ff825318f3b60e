/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Contexts: what each has for itself (an address space, registers) and what it must not reach. */
#include "checks.h"
#include "mi.h"

#include <errno.h>
#include <string.h>

/* Two contexts mean different buffers by one address. */
static void addresses(const struct settings *settings)
{
    enum { CONTEXTS = 2, SLOTS = PAGE / 4 };
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};
    struct bo *bos[CONTEXTS];
    uint32_t contexts[CONTEXTS];
    uint32_t expected[CONTEXTS][SLOTS] = {{0}};
    unsigned rounds = settings->quick ? 24 : 120;

    for (unsigned i = 0; i < CONTEXTS; i++) {
        contexts[i] = context_create(gem);
        bos[i] = bo_create_at(gem, PAGE, GIB(6));
    }
    for (unsigned round = 0; round < rounds; round++) {
        unsigned which = rng_below(&rng, CONTEXTS), slot = rng_below(&rng, SLOTS);
        struct batch *batch = batch_create(gem, gem->engines[rng_below(&rng, gem->engine_count)], contexts[which], 16);

        expected[which][slot] = (uint32_t)rng_next(&rng);
        mi_store_dword(batch, bos[which], 4 * slot, expected[which][slot]);
        batch_submit(batch); /* the batch is not waited for: the next one may be the other context's, on the same engine */
    }
    for (unsigned i = 0; i < CONTEXTS; i++) {
        bo_await(bos[i]);
        bo_expect_all(bos[i], expected[i], "buffers of two contexts at one address");
    }
    gem_close(gem);
}

/* The registers that a context has for itself and that user batches may write. */
struct own_registers {
    uint32_t offsets[48];
    uint32_t masked[48]; /* bits of a masked register that hold something; 0: all bits, not masked */
    unsigned count;
};

static void add_register(struct own_registers *own, uint32_t offset, uint32_t masked)
{
    own->offsets[own->count] = offset;
    own->masked[own->count++] = masked;
}

/*
 * General purpose registers on all engines, the predicate's sources on the render engine, the blitter's tiling switch. For the blitter the
 * kernel has a list of its own of what user batches may touch (i915_cmd_parser.c), in which these are.
 */
static void own_registers(const struct engine *engine, struct own_registers *own)
{
    own->count = 0;
    for (unsigned i = 0; i < 2 * GPR_COUNT; i++)
        add_register(own, engine->base + REG_GPR + 4 * i, 0);
    if (engine->class == I915_ENGINE_CLASS_RENDER) {
        for (unsigned i = 0; i < 2; i++) {
            add_register(own, engine->base + REG_PREDICATE_SRC0 + 4 * i, 0);
            add_register(own, engine->base + REG_PREDICATE_SRC1 + 4 * i, 0);
        }
    }
    if (engine->class == I915_ENGINE_CLASS_COPY)
        add_register(own, REG_BCS_SWCTRL, BCS_SWCTRL_SRC_Y | BCS_SWCTRL_DST_Y);
}

static uint32_t load_random(struct batch *batch, const struct own_registers *own, unsigned i, struct rng *rng)
{
    uint32_t value = (uint32_t)rng_next(rng);

    if (own->masked[i]) {
        value &= own->masked[i];
        mi_load_register(batch, own->offsets[i], own->masked[i] << 16 | value);
    } else {
        mi_load_register(batch, own->offsets[i], value);
    }
    return value;
}

static void registers_of(struct gem *gem, const struct engine *engine, const struct settings *settings)
{
    enum { CONTEXTS = 4, ROUNDS_MAX = 60 };
    struct rng rng = {settings->seed ^ engine->base};
    unsigned rounds = settings->quick ? 16 : ROUNDS_MAX;
    struct own_registers own;
    uint32_t contexts[CONTEXTS], values[CONTEXTS][48], expected[ROUNDS_MAX][48];
    struct bo *result = bo_create(gem, ROUNDS_MAX * sizeof(expected[0]));

    own_registers(engine, &own);
    for (unsigned i = 0; i < CONTEXTS; i++) {
        struct batch *batch;

        contexts[i] = context_create(gem);
        batch = batch_create(gem, engine, contexts[i], 48 * 3);
        for (unsigned reg = 0; reg < own.count; reg++)
            values[i][reg] = load_random(batch, &own, reg, &rng);
        batch_submit(batch);
    }
    /* Each round reads all registers of one context, then changes some. Nobody waits, so that contexts follow each other at once. */
    for (unsigned round = 0; round < rounds; round++) {
        unsigned which = rng_below(&rng, CONTEXTS);
        struct batch *batch = batch_create(gem, engine, contexts[which], 48 * 7);

        for (unsigned reg = 0; reg < own.count; reg++) {
            mi_store_register(batch, own.offsets[reg], result, round * sizeof(expected[0]) + 4 * reg);
            expected[round][reg] = values[which][reg];
        }
        for (unsigned i = 0; i < 8; i++) {
            unsigned reg = rng_below(&rng, own.count);

            values[which][reg] = load_random(batch, &own, reg, &rng);
        }
        batch->async = true;
        batch_submit(batch);
    }
    bo_await(result);
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned reg = 0; reg < own.count; reg++) {
            uint32_t found = result->map[round * 48 + reg];

            if (own.masked[reg])
                found &= own.masked[reg];
            if (found != expected[round][reg])
                fail("%s, round %u, register %#x: expected %#x, found %#x", engine->name, round, own.offsets[reg], expected[round][reg],
                     found);
        }
    }
}

static void registers(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < gem->engine_count; i++)
        registers_of(gem, gem->engines[i], settings);
    gem_close(gem);
}

/* One context has a buffer at an address where another one has nothing: the other neither reads nor writes it, and is not hurt by trying. */
static void isolation(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < gem->engine_count; i++) {
        uint32_t owner = context_create(gem), stranger = context_create(gem);
        struct bo *secret = bo_create(gem, PAGE), *loot = bo_create(gem, PAGE);
        struct batch *own = batch_create(gem, gem->engines[i], owner, 16), *foreign = batch_create(gem, gem->engines[i], stranger, 64);

        mi_store_dword(own, secret, 0, 0x5ec3e7);
        batch_run(own);
        bo_fill(loot, 1);
        mi_copy_dword(foreign, loot, 0, secret, 0);
        mi_store_dword(foreign, secret, 0, 0xbad);
        mi_store_dword(foreign, loot, 4, 2);
        /* The address stays in the batch, the buffer is not the kernel's to map. */
        for (unsigned n = 0; n < foreign->object_count; n++)
            if (foreign->objects[n].handle == secret->handle)
                foreign->objects[n] = foreign->objects[--foreign->object_count];
        batch_run(foreign);
        bo_await(secret);
        bo_expect(loot, 1, 2, "a store after accesses to nothing");
        if (loot->map[0] == 0x5ec3e7)
            fail("%s: a context read the buffer of another one", gem->engines[i]->name);
        bo_expect(secret, 0, 0x5ec3e7, "a buffer that another context tried to write");
        batch_destroy(own);
        batch_destroy(foreign);
        bo_destroy(secret);
        bo_destroy(loot);
        context_destroy(gem, owner);
        context_destroy(gem, stranger);
    }
    gem_close(gem);
}

/* Two contexts with one address space see each other's buffers. */
static void shared_space(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    struct drm_i915_gem_vm_control vm = {0};
    uint32_t contexts[2];
    struct bo *bo = bo_create(gem, PAGE);
    int error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_VM_CREATE, &vm);

    if (error)
        fail("cannot create an address space: %s", strerror(-error));
    for (unsigned i = 0; i < 2; i++) {
        struct drm_i915_gem_context_create_ext_setparam set = {
            .base.name = I915_CONTEXT_CREATE_EXT_SETPARAM,
            .param = {.param = I915_CONTEXT_PARAM_VM, .value = vm.vm_id},
        };
        struct drm_i915_gem_context_create_ext create = {.flags = I915_CONTEXT_CREATE_FLAGS_USE_EXTENSIONS, .extensions = (uintptr_t)&set};

        error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_CONTEXT_CREATE_EXT, &create);
        if (error)
            fail("cannot create a context in an address space: %s", strerror(-error));
        contexts[i] = create.ctx_id;
    }
    for (unsigned i = 0; i < gem->engine_count; i++) {
        struct batch *first = batch_create(gem, gem->engines[i], contexts[0], 16);
        struct batch *second = batch_create(gem, gem->engines[i], contexts[1], 16);
        uint32_t value = hash32(settings->seed, i, 0);

        mi_store_dword(first, bo, 0, value);
        batch_run(first);
        /* The buffer is where the first context put it; the second one does not name it. */
        mi_copy_dword(second, bo, 64, bo, 0);
        second->object_count = 1;
        batch_run(second);
        bo_expect(bo, 16, value, "what a second context copies in the address space of the first");
    }
    gem_close(gem);
}

/* A context is destroyed while its batches run: they end all the same. */
static void destroyed(const struct settings *settings)
{
    enum { BATCHES = 10 };
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < gem->engine_count; i++) {
        struct bo *bo = bo_create(gem, PAGE);

        for (unsigned n = 0; n < BATCHES; n++) {
            uint32_t context = context_create(gem);
            struct batch *batch = batch_create(gem, gem->engines[i], context, 16);

            mi_store_dword(batch, bo, 4 * n, 1 + n);
            batch_submit(batch);
            context_destroy(gem, context);
        }
        for (unsigned n = 0; n < BATCHES; n++)
            bo_expect(bo, n, 1 + n, "a batch of a context that was destroyed");
    }
    gem_close(gem);
}

/* Registers that user batches may not write: on most engines the write does nothing and the batch goes on; the blitter's is not even taken. */
static void privilege(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < gem->engine_count; i++) {
        const struct engine *engine = gem->engines[i];
        struct batch *batch = batch_create(gem, engine, 0, 64);
        struct bo *bo = bo_create(gem, PAGE);

        mi_load_register(batch, engine->base + REG_MAX_IDLE, 0x12345);
        mi_store_dword(batch, bo, 0, 1);
        if (engine->class == I915_ENGINE_CLASS_COPY) {
            int error = batch_try(batch);

            if (error != -EACCES)
                fail("a privileged register in a batch of the blitter: expected %d, found %d", -EACCES, error);
        } else {
            batch_run(batch);
            bo_expect(bo, 0, 1, "a store behind a write to a privileged register");
        }
    }
    gem_close(gem);
}

const struct check context_checks[] = {
    {"addresses", addresses, "two contexts with different buffers at one address", 0},
    {"registers", registers, "registers of contexts across switches, on every engine", 0},
    {"isolation", isolation, "a context that tries an address of another one", 0},
    {"shared_space", shared_space, "two contexts with one address space", 0},
    {"destroyed", destroyed, "contexts destroyed while they run", 0},
    {"privilege", privilege, "registers that user batches may not write", 0},
    {0},
};
