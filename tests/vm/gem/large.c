/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large buffers, which the kernel maps with pages of 2 MiB and 64 KiB where their memory allows it. Every page is written by the GPU with
 * something that only this page has, and all of it is looked at.
 *
 * Memory in pieces of 2 MiB comes from transparent huge pages: for the buffers of the driver they are switched on by shmem_enabled, which
 * these checks do for their time if they may; for memory of this process by madvise().
 */
#include "blt.h"
#include "checks.h"
#include "files.h"
#include "mi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char shmem_enabled[] = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
static char shmem_before[32];

static void restore_shmem(void)
{
    file_write(shmem_enabled, shmem_before);
}

/* The file reads "always within_size [never]": the word in brackets is what holds. */
static void want_huge_shmem(void)
{
    char text[128], *begin, *end;

    if (!file_read(shmem_enabled, text, sizeof(text)) || !(begin = strchr(text, '[')) || !(end = strchr(begin, ']'))) {
        note("transparent huge pages of shared memory: unknown");
        return;
    }
    snprintf(shmem_before, sizeof(shmem_before), "%.*s", (int)(end - begin - 1), begin + 1);
    if (file_write(shmem_enabled, "always"))
        atexit(restore_shmem);
    else
        note("cannot switch on transparent huge pages of shared memory: buffers may have small pages only");
}

/* A surface whose rows are pages. No expectation of its own: what a page should hold is computed. */
static struct surface page_rows(struct bo *bo)
{
    return (struct surface){.bo = bo, .tiling = TILING_LINEAR, .pitch = PAGE, .rows = (unsigned)(bo->size / PAGE)};
}

enum { ROW_PIXELS = PAGE / 4, FILLS = 2048 /* in a batch */ };

/* Fills each page from first on with a colour of its own, by the blitter, page by page. */
static void fill_pages(struct gem *gem, struct bo *bo, uint64_t seed)
{
    const struct engine *blitter = gem_need_engine(gem, I915_ENGINE_CLASS_COPY);
    struct surface surface = page_rows(bo);
    struct blt blt = {.bytes = 4, .rop = ROP_FILL};

    for (unsigned row = 0; row < surface.rows;) {
        struct batch *batch = batch_create(gem, blitter, 0, FILLS * 7);

        for (unsigned i = 0; i < FILLS && row < surface.rows; i++, row++)
            blt_fill(batch, &surface, &blt, (struct rect){0, (int)row, ROW_PIXELS, (int)row + 1}, hash32(seed, 0, row));
        batch_run(batch);
        batch_destroy(batch);
    }
}

static void expect_pages(const struct bo *bo, uint64_t seed, unsigned first, unsigned count, unsigned like, const char *what)
{
    bo_await(bo);
    for (unsigned page = 0; page < count; page++) {
        const uint32_t *dwords = bo->map + (uint64_t)(first + page) * ROW_PIXELS;
        uint32_t expected = hash32(seed, 0, like + page);

        for (unsigned i = 0; i < ROW_PIXELS; i++)
            if (dwords[i] != expected)
                fail("%s: page %u of %llu, dword %u: expected %#x, found %#x", what, first + page, (unsigned long long)bo->size / PAGE, i,
                     expected, dwords[i]);
    }
}

/* Fills, then copies the lower half over the upper one in one blit, then stores at page borders from all engines. */
static void exercise(struct gem *gem, struct bo *bo, const struct settings *settings, const char *what)
{
    const struct engine *blitter = gem_need_engine(gem, I915_ENGINE_CLASS_COPY);
    struct surface surface = page_rows(bo);
    unsigned half = surface.rows / 2;
    struct blt blt = {.bytes = 4, .rop = ROP_COPY};
    struct batch *batch = batch_create(gem, blitter, 0, 16);
    uint64_t border = MIB(2) < bo->size ? MIB(2) : bo->size / 2;

    fill_pages(gem, bo, settings->seed);
    expect_pages(bo, settings->seed, 0, surface.rows, 0, what);
    blt_copy(batch, &surface, &surface, &blt, (struct rect){0, (int)half, ROW_PIXELS, (int)(2 * half)}, 0, 0);
    batch_run(batch);
    batch_destroy(batch);
    expect_pages(bo, settings->seed, 0, half, 0, what);
    expect_pages(bo, settings->seed, half, half, 0, what);
    for (unsigned i = 0; i < gem->engine_count; i++) {
        const uint64_t at[] = {8 * i, border - 16 * (i + 1), border + 16 * i, KIB(64) - 16 * (i + 1), KIB(64) + 16 * i, bo->size - 16 * (i + 1)};

        batch = batch_create(gem, gem->engines[i], 0, 64);
        for (unsigned n = 0; n < ARRAY_SIZE(at); n++)
            mi_store_dword(batch, bo, at[n], 0x1000 * (i + 1) + n);
        batch_run(batch);
        for (unsigned n = 0; n < ARRAY_SIZE(at); n++)
            bo_expect(bo, (unsigned)(at[n] / 4), 0x1000 * (i + 1) + n, what);
        batch_destroy(batch);
    }
}

static void aligned(const struct settings *settings)
{
    uint64_t bytes = settings->quick ? MIB(16) : MIB(64);
    struct gem *gem;

    need_memory(bytes);
    want_huge_shmem();
    gem = gem_open(settings);
    exercise(gem, bo_create_at(gem, bytes, GIB(64)), settings, "a large buffer");
    gem_close(gem);
}

/* Sizes and addresses at which a mapping begins or ends with small pages, or has none but small ones. */
static void odd(const struct settings *settings)
{
    static const struct {
        uint64_t size, address;
        const char *what;
    } cases[] = {
        {MIB(2), GIB(64), "2 MiB"},
        {MIB(2) + PAGE, GIB(65), "2 MiB and a page"},
        {MIB(4) - PAGE, GIB(66), "4 MiB less a page"},
        {MIB(4), GIB(67) + PAGE, "4 MiB, a page off"},
        {MIB(4), GIB(68) + KIB(64), "4 MiB, 64 KiB off"},
        {KIB(192), GIB(69), "192 KiB"},
        {MIB(6), GIB(70) - MIB(2), "6 MiB across 1 GiB"},
    };
    struct gem *gem;

    need_memory(MIB(8));
    want_huge_shmem();
    gem = gem_open(settings);
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bo *bo = bo_create_at(gem, cases[i].size, cases[i].address);

        exercise(gem, bo, settings, cases[i].what);
        bo_destroy(bo);
    }
    gem_close(gem);
}

static void user_memory(const struct settings *settings)
{
    uint64_t bytes = settings->quick ? MIB(8) : MIB(32);
    uint8_t *memory;
    struct gem *gem;
    struct bo *bo = NULL;
    int error;

    need_memory(bytes);
    gem = gem_open(settings);
    memory = aligned_alloc(MIB(2), bytes);
    if (!memory)
        fail("no memory");
    if (madvise(memory, bytes, MADV_HUGEPAGE) < 0)
        note("no transparent huge pages: %s", strerror(errno));
    memset(memory, 0, bytes);
    error = bo_create_userptr(gem, memory, bytes, 0, &bo);
    if (error)
        fail("user memory of %llu MiB: the kernel refuses it: %s", (unsigned long long)(bytes >> 20), strerror(-error));
    bo->address = GIB(64);
    exercise(gem, bo, settings, "large user memory");
    gem_close(gem);
}

/* A large buffer's address is given to small ones and back: large pages make room for tables, and tables for large pages. */
static void turns(const struct settings *settings)
{
    enum { SMALL = 4 };
    unsigned rounds = settings->quick ? 3 : 10;
    struct gem *gem;
    struct bo *large, *small[SMALL];

    need_memory(MIB(8));
    want_huge_shmem();
    gem = gem_open(settings);
    large = bo_create_at(gem, MIB(4), GIB(64));
    for (unsigned i = 0; i < SMALL; i++)
        small[i] = bo_create_at(gem, 3 * PAGE, GIB(64) + KIB(512) * i);
    for (unsigned round = 0; round < rounds; round++) {
        struct batch *batch = batch_create(gem, gem->engines[round % gem->engine_count], 0, 64);

        fill_pages(gem, large, settings->seed + round);
        expect_pages(large, settings->seed + round, 0, (unsigned)(large->size / PAGE), 0, "a large buffer");
        for (unsigned i = 0; i < SMALL; i++)
            mi_store_dword(batch, small[i], 2 * PAGE, round * SMALL + i + 1);
        batch_run(batch);
        for (unsigned i = 0; i < SMALL; i++)
            bo_expect(small[i], 2 * PAGE / 4, round * SMALL + i + 1, "a small buffer at the address of a large one");
        expect_pages(large, settings->seed + round, 0, (unsigned)(large->size / PAGE), 0, "a large buffer whose address others have");
        batch_destroy(batch);
    }
    gem_close(gem);
}

const struct check large_checks[] = {
    {"aligned", aligned, "64 MiB at an address for huge pages, every page written and compared", 180},
    {"odd", odd, "sizes and addresses between page sizes", 120},
    {"user_memory", user_memory, "32 MiB of memory of this process", 180},
    {"turns", turns, "a large buffer and small ones take turns at one address", 120},
    {0},
};
