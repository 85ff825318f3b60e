/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random drawing with a reference on the CPU. See paint.h. */
#include "paint.h"
#include "mi.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_OPERATIONS = 24 };

static uint32_t get_pixel(const struct surface *surface, unsigned bytes, int x, int y)
{
    uint32_t pixel = 0;

    memcpy(&pixel, surface->expected + (size_t)y * surface->pitch + (size_t)x * bytes, bytes);
    return pixel;
}

static void put_pixel(struct surface *surface, unsigned bytes, int x, int y, uint32_t pixel)
{
    memcpy(surface->expected + (size_t)y * surface->pitch + (size_t)x * bytes, &pixel, bytes);
}

/* Bit by bit from the definition: the number is a table of eight results. */
static uint32_t combine(uint8_t rop, uint32_t pattern, uint32_t source, uint32_t destination)
{
    uint32_t result = 0;

    for (unsigned row = 0; row < 8; row++) {
        uint32_t here = (row & 4 ? pattern : ~pattern) & (row & 2 ? source : ~source) & (row & 1 ? destination : ~destination);

        if (rop >> row & 1)
            result |= here;
    }
    return result;
}

/* One pixel of a fill or a copy. */
static void draw_pixel(struct surface *dst, const struct blt *blt, int x, int y, uint32_t pattern, uint32_t source)
{
    uint32_t before = get_pixel(dst, blt->bytes, x, y), after = combine(blt->rop, pattern, source, before);
    uint32_t kept = 0;

    if (blt->bytes == 4)
        kept = (blt->keep_rgb ? 0x00ffffffu : 0) | (blt->keep_alpha ? 0xff000000u : 0);
    put_pixel(dst, blt->bytes, x, y, (before & kept) | (after & ~kept));
}

static struct rect intersect(struct rect a, struct rect b)
{
    if (a.x1 < b.x1)
        a.x1 = b.x1;
    if (a.y1 < b.y1)
        a.y1 = b.y1;
    if (a.x2 > b.x2)
        a.x2 = b.x2;
    if (a.y2 > b.y2)
        a.y2 = b.y2;
    return a;
}

static void expect_fill(struct surface *dst, const struct blt *blt, struct rect to, struct rect visible, uint32_t colour)
{
    struct rect drawn = intersect(to, visible);

    for (int y = drawn.y1; y < drawn.y2; y++)
        for (int x = drawn.x1; x < drawn.x2; x++)
            draw_pixel(dst, blt, x, y, colour, 0);
}

/* The source as it was before, whatever of it is overwritten. */
static void expect_copy(struct surface *dst, const struct surface *src, const struct blt *blt, struct rect to, struct rect visible, int from_x,
                        int from_y)
{
    struct rect drawn = intersect(to, visible);
    int width = to.x2 - to.x1, height = to.y2 - to.y1;
    uint32_t *source = malloc((size_t)width * (size_t)height * sizeof(*source));

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            source[y * width + x] = get_pixel(src, blt->bytes, from_x + x, from_y + y);
    for (int y = drawn.y1; y < drawn.y2; y++)
        for (int x = drawn.x1; x < drawn.x2; x++)
            draw_pixel(dst, blt, x, y, 0, source[(y - to.y1) * width + x - to.x1]);
    free(source);
}

/* Half of what is drawn is small, so that edges, not areas, are most of it. */
static int random_extent(struct rng *rng, int limit)
{
    return rng_below(rng, 2) && limit > 24 ? rng_between(rng, 1, 24) : rng_between(rng, 1, limit);
}

static struct rect random_rect(struct rng *rng, int width, int height)
{
    int w = random_extent(rng, width), h = random_extent(rng, height);
    int x = rng_between(rng, 0, width - w), y = rng_between(rng, 0, height - h);

    return (struct rect){x, y, x + w, y + h};
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static struct rect all_of(const struct surface *surface, unsigned bytes)
{
    return (struct rect){0, 0, (int)(surface->pitch / bytes), (int)surface->rows};
}

/* Raster operations of all kinds: constants, one operand, two operands. Fills have no source, copies no pattern. */
static uint8_t random_rop(struct rng *rng, bool copy)
{
    static const uint8_t of_pattern[] = {ROP_FILL, 0x0f, 0x5a, 0xa0, 0xfa, 0x50, 0x55, 0x00, 0xff, 0xaa};
    static const uint8_t of_source[] = {ROP_COPY, 0x33, 0x66, 0x88, 0xee, 0x44, 0x55, 0x00, 0xff, 0xbb};

    return copy ? of_source[rng_below(rng, ARRAY_SIZE(of_source))] : of_pattern[rng_below(rng, ARRAY_SIZE(of_pattern))];
}

/* Pixel size, raster operation, bytes kept. */
static struct blt random_blt(struct rng *rng, bool copy, unsigned kinds)
{
    struct blt blt = {.bytes = 1u << rng_below(rng, 3), .rop = copy ? ROP_COPY : ROP_FILL};

    if (kinds & PAINT_ROPS) {
        unsigned keep = rng_below(rng, 8);

        if (rng_below(rng, 2))
            blt.rop = random_rop(rng, copy);
        blt.keep_rgb = blt.bytes == 4 && keep == 1;
        blt.keep_alpha = blt.bytes == 4 && keep == 2;
    }
    return blt;
}

/*
 * Perhaps a clip rectangle: then what is drawn may begin outside of the surface, as long as the clip rectangle is inside. Returns what is
 * visible.
 */
static struct rect random_clip(struct batch *batch, const struct surface *dst, struct blt *blt, struct rect *to, unsigned kinds,
                               struct rng *rng)
{
    struct rect all = all_of(dst, blt->bytes), visible = all;

    if (!(kinds & PAINT_CLIP) || rng_below(rng, 2))
        return visible;
    visible = random_rect(rng, all.x2, all.y2);
    if (rng_below(rng, 2)) {
        int x = rng_between(rng, -40, 40), y = rng_between(rng, -40, 40);

        to->x1 += x;
        to->x2 += x;
        to->y1 += y;
        to->y2 += y;
    }
    blt->clip = true;
    blt_set_clip(batch, visible);
    return visible;
}

static void paint_fill(struct batch *batch, struct surface *dst, unsigned kinds, struct rng *rng)
{
    struct blt blt = random_blt(rng, false, kinds);
    struct rect all = all_of(dst, blt.bytes), to = random_rect(rng, all.x2, all.y2);
    struct rect visible = random_clip(batch, dst, &blt, &to, kinds, rng);
    uint32_t colour = (uint32_t)rng_next(rng);

    blt_fill(batch, dst, &blt, to, colour);
    expect_fill(dst, &blt, to, visible, colour);
}

static void paint_copy(struct batch *batch, struct surface *dst, const struct surface *src, unsigned kinds, struct rng *rng)
{
    struct blt blt = random_blt(rng, true, kinds);
    struct rect into = all_of(dst, blt.bytes), from = all_of(src, blt.bytes);
    int width = random_extent(rng, smaller(into.x2, from.x2)), height = random_extent(rng, smaller(into.y2, from.y2));
    int x = rng_between(rng, 0, from.x2 - width), y = rng_between(rng, 0, from.y2 - height);
    struct rect to = {rng_between(rng, 0, into.x2 - width), rng_between(rng, 0, into.y2 - height), 0, 0};
    struct rect visible;

    to.x2 = to.x1 + width;
    to.y2 = to.y1 + height;
    visible = random_clip(batch, dst, &blt, &to, kinds, rng);
    blt_copy(batch, dst, src, &blt, to, x, y);
    expect_copy(dst, src, &blt, to, visible, x, y);
}

static void paint_fast_copy(struct batch *batch, struct surface *dst, const struct surface *src, struct rng *rng)
{
    struct blt blt = {.bytes = 1u << rng_below(rng, 3), .rop = ROP_COPY};
    struct rect into = all_of(dst, blt.bytes), from = all_of(src, blt.bytes);
    int width = random_extent(rng, smaller(into.x2, from.x2)), height = random_extent(rng, smaller(into.y2, from.y2));
    int x = rng_between(rng, 0, from.x2 - width), y = rng_between(rng, 0, from.y2 - height);
    struct rect to = {rng_between(rng, 0, into.x2 - width), rng_between(rng, 0, into.y2 - height), 0, 0};

    to.x2 = to.x1 + width;
    to.y2 = to.y1 + height;
    blt_fast_copy(batch, dst, src, blt.bytes, to, x, y);
    expect_copy(dst, src, &blt, to, into, x, y);
}

void paint(struct batch *batch, struct surface *const *surfaces, unsigned count, unsigned kinds, struct rng *rng)
{
    unsigned to = rng_below(rng, count), from = rng_below(rng, count);
    unsigned operations[3], known = 0;

    for (unsigned kind = PAINT_FILL; kind <= PAINT_FAST_COPY; kind <<= 1)
        if (kinds & kind)
            operations[known++] = kind;
    switch (operations[rng_below(rng, known)]) {
    case PAINT_FILL:
        paint_fill(batch, surfaces[to], kinds, rng);
        break;
    case PAINT_COPY:
        if (from == to && !(kinds & PAINT_OVERLAP))
            from = (to + 1) % count;
        paint_copy(batch, surfaces[to], surfaces[from], kinds, rng);
        break;
    default:
        if (from == to)
            from = (to + 1) % count;
        paint_fast_copy(batch, surfaces[to], surfaces[from], rng);
        break;
    }
    mi_flush(batch);
}

void paint_surfaces(struct gem *gem, struct surface **surfaces, unsigned count, struct rng *rng)
{
    for (unsigned i = 0; i < count; i++) {
        enum tiling tiling = (enum tiling)(i % TILING_COUNT);
        unsigned unit = tiling == TILING_LINEAR ? 64 : tiling == TILING_X ? 512 : 128;
        unsigned pitch = unit * (unsigned)rng_between(rng, 1, (int)(1536 / unit));

        surfaces[i] = surface_create(gem, tiling, pitch, (unsigned)rng_between(rng, 20, 150), rng);
    }
}

void paint_and_compare(struct gem *gem, uint32_t context, struct surface *const *surfaces, unsigned count, unsigned kinds,
                       unsigned operations, struct rng *rng, const char *what)
{
    const struct engine *blitter = gem_need_engine(gem, I915_ENGINE_CLASS_COPY);

    while (operations) {
        unsigned some = operations < BATCH_OPERATIONS ? operations : BATCH_OPERATIONS;
        struct batch *batch = batch_create(gem, blitter, context, some * PAINT_DWORDS);

        for (unsigned i = 0; i < some; i++)
            paint(batch, surfaces, count, kinds, rng);
        batch_run(batch);
        batch_destroy(batch);
        operations -= some;
    }
    for (unsigned i = 0; i < count; i++)
        surface_expect(surfaces[i], what);
}
