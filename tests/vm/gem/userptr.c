/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of this process as a buffer of the GPU. */
#include "checks.h"
#include "mi.h"
#include "paint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *pages(uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        fail("no memory: %s", strerror(errno));
    return memory;
}

static struct bo *wrap(struct gem *gem, void *memory, uint64_t bytes, uint32_t flags)
{
    struct bo *bo = NULL;
    int error = bo_create_userptr(gem, memory, bytes, flags, &bo);

    if (error == -ENODEV)
        skip(flags & I915_USERPTR_READ_ONLY ? "the kernel has no read-only user memory" : "the kernel has no user memory");
    if (error)
        fail("user memory of %llu bytes: the kernel refuses it: %s", (unsigned long long)bytes, strerror(-error));
    return bo;
}

static void store(const struct settings *settings)
{
    enum { BYTES = 6 * PAGE, STORES = 40 };
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};

    for (unsigned i = 0; i < gem->engine_count; i++) {
        uint32_t *memory = aligned_alloc(PAGE, BYTES), *expected = malloc(BYTES);
        struct batch *batch = batch_create(gem, gem->engines[i], 0, STORES * 5);
        struct bo *bo;

        memset(memory, 0x77, BYTES);
        memcpy(expected, memory, BYTES);
        bo = wrap(gem, memory, BYTES, 0);
        for (unsigned n = 0; n < STORES; n++) {
            unsigned at = rng_below(&rng, BYTES / 4);

            expected[at] = (uint32_t)rng_next(&rng);
            mi_store_dword(batch, bo, 4 * at, expected[at]);
        }
        batch_run(batch);
        bo_await(bo);
        bo_expect_all(bo, expected, gem->engines[i]->name);
        batch_destroy(batch);
        bo_destroy(bo);
        free(memory);
        free(expected);
    }
    gem_close(gem);
}

/* Drawing between user memory and buffers, in both directions. */
static void blit(const struct settings *settings)
{
    enum { SURFACES = 4, PITCH = 768, ROWS = 100 };
    unsigned rounds = settings->quick ? 1 : 4;

    for (unsigned round = 0; round < rounds; round++) {
        struct gem *gem = gem_open(settings);
        struct rng rng = {settings->seed + round};
        struct surface *surfaces[SURFACES];
        void *memory[2];
        uint64_t bytes = (surface_bytes(TILING_Y, PITCH, ROWS) + PAGE - 1) & ~(uint64_t)(PAGE - 1);

        memory[0] = aligned_alloc(PAGE, bytes);
        memory[1] = pages(bytes);
        surfaces[0] = surface_create_on(wrap(gem, memory[0], bytes, 0), TILING_LINEAR, PITCH, ROWS, &rng);
        surfaces[1] = surface_create_on(wrap(gem, memory[1], bytes, 0), TILING_Y, PITCH, ROWS, &rng);
        surfaces[2] = surface_create(gem, TILING_LINEAR, 1024, 90, &rng);
        surfaces[3] = surface_create(gem, TILING_X, 1024, 90, &rng);
        paint_and_compare(gem, 0, surfaces, SURFACES, PAINT_FILL | PAINT_COPY | PAINT_FAST_COPY, 48, &rng, "drawing on user memory");
        for (unsigned i = 0; i < SURFACES; i++)
            surface_destroy(surfaces[i]);
        free(memory[0]);
        munmap(memory[1], bytes);
        gem_close(gem);
    }
}

/* The GPU reads it; a write does nothing, and what follows in the batch is done. */
static void read_only(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);

    for (unsigned i = 0; i < gem->engine_count; i++) {
        uint32_t *memory = pages(PAGE);
        struct bo *bo, *copy = bo_create(gem, PAGE);
        struct batch *batch = batch_create(gem, gem->engines[i], 0, 32);

        memory[0] = 0x600d;
        bo = wrap(gem, memory, PAGE, I915_USERPTR_READ_ONLY);
        mi_copy_dword(batch, copy, 0, bo, 0);
        mi_store_dword(batch, bo, 0, 0xbad);
        mi_flush(batch);
        mi_copy_dword(batch, copy, 4, bo, 0);
        /* The kernel is not told of the write. */
        for (unsigned n = 0; n < batch->object_count; n++)
            if (batch->objects[n].handle == bo->handle)
                batch->objects[n].flags &= ~(uint64_t)EXEC_OBJECT_WRITE;
        batch_run(batch);
        bo_expect(copy, 0, 0x600d, "a read of read-only memory");
        bo_expect(copy, 1, 0x600d, "a read of read-only memory after a write to it");
        if (memory[0] != 0x600d)
            fail("%s wrote to read-only memory: expected %#x, found %#x", gem->engines[i]->name, 0x600d, memory[0]);
        batch_destroy(batch);
        bo_destroy(copy);
        bo_destroy(bo);
        munmap(memory, PAGE);
    }
    gem_close(gem);
}

/* Other memory at the same place of this process: the GPU must follow. */
static void remapped(const struct settings *settings)
{
    enum { BYTES = 4 * PAGE };
    unsigned rounds = settings->quick ? 8 : 40;
    struct gem *gem = gem_open(settings);
    struct rng rng = {settings->seed};
    uint32_t *memory = pages(BYTES);
    struct bo *bo;

    memset(memory, 0, BYTES);
    bo = wrap(gem, memory, BYTES, 0);
    for (unsigned round = 0; round < rounds; round++) {
        struct batch *batch = batch_create(gem, gem->engines[round % gem->engine_count], 0, 64);
        unsigned at = rng_below(&rng, BYTES / 4);
        uint32_t value = (uint32_t)rng_next(&rng);

        mi_store_dword(batch, bo, 4 * at, value);
        batch_run(batch);
        bo_await(bo);
        for (unsigned i = 0; i < BYTES / 4; i++)
            if (memory[i] != (i == at ? value : 0))
                fail("round %u: offset %#x of memory that was mapped anew: expected %#x, found %#x", round, 4 * i, i == at ? value : 0,
                     memory[i]);
        batch_destroy(batch);
        if (mmap(memory, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
            fail("no memory: %s", strerror(errno));
    }
    bo_destroy(bo);
    gem_close(gem);
}

static void refused(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    uint8_t *memory = pages(4 * PAGE);
    struct batch *batch = batch_create(gem, gem->engines[0], 0, 16);
    struct bo *bo = NULL;
    int error;

    if ((error = bo_create_userptr(gem, memory + 64, PAGE, 0, &bo)) != -EINVAL)
        fail("memory that begins within a page: expected %d, found %d", -EINVAL, error);
    if ((error = bo_create_userptr(gem, memory, PAGE + 64, 0, &bo)) != -EINVAL)
        fail("memory that ends within a page: expected %d, found %d", -EINVAL, error);
    if ((error = bo_create_userptr(gem, memory, 0, 0, &bo)) != -EINVAL)
        fail("no memory: expected %d, found %d", -EINVAL, error);
    /* Memory that is gone when the batch comes. */
    memset(memory, 0, 4 * PAGE);
    bo = wrap(gem, memory, 4 * PAGE, 0);
    munmap(memory, 4 * PAGE);
    mi_store_dword(batch, bo, 0, 1);
    error = batch_try(batch);
    if (error != -EFAULT)
        fail("memory that is gone: expected %d, found %d", -EFAULT, error);
    gem_close(gem);
}

const struct check userptr_checks[] = {
    {"store", store, "stores to memory of this process, on every engine", 0},
    {"blit", blit, "drawing between memory of this process and buffers", 0},
    {"read_only", read_only, "memory that the GPU may only read", 0},
    {"remapped", remapped, "other memory at the same place", 0},
    {"refused", refused, "memory that the kernel must refuse", 0},
    {0},
};
