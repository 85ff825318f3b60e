/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Draws a struct blit. Called by blit.c on the engine's thread, and by tests and benchmarks with memory of their own.
 *
 * Three ways: plain copies and constant fills go by long runs of linear memory or by blocks of tiled memory; everything else goes
 * through spans, pieces of one row for which the operands are gathered, combined and written back under a mask.
 * Work is cut into slices, after each of which the caller may stop the run.
 */
#include "gpu/model/blit.h"
#include "gpu/model/blit_stream.h"

enum {
    PAGE = 4096,
    SPAN_BYTES = 4096,
    WINDOWS = 64,              /* pages kept mapped for each direction: a row of tiles of an 8 KiB wide surface */
    ACCESS_COST = 64,          /* what a row or a block costs beside its bytes, as bytes */
    STREAM_MINIMUM = 4 << 20,  /* from this size on the cache is of no use */
    PATTERN_PIXELS = 64,
    MAX_CPP = 16,
};

struct window {
    uint64_t page; /* address with bit 0 set; 0: empty */
    uint8_t *host;
};

struct run {
    const struct blit *blit;
    const struct blit_memory *memory;
    enum blit_result result;
    size_t work; /* since the last pause */
    bool stream;
    struct window windows[2][WINDOWS]; /* reading, writing */
};

/* The operands of one span, and its mask. */
struct span {
    bool transparent;                /* the masks differ from pixel to pixel */
    uint8_t source[SPAN_BYTES], pattern[SPAN_BYTES], destination[SPAN_BYTES];
    uint8_t enable[SPAN_BYTES];      /* by pixel, of the transparencies */
    uint8_t byte_enable[SPAN_BYTES]; /* by byte */
    uint8_t pattern_pixels[PATTERN_PIXELS * MAX_CPP];
    uint8_t pattern_enable[PATTERN_PIXELS];
};

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void forget_windows(struct run *run)
{
    memset(run->windows, 0, sizeof(run->windows));
}

/* Accounts for work that is done; between slices lets the caller in. Host pointers from before are void. False: give up. */
static bool charge(struct run *run, size_t bytes)
{
    run->work += bytes;
    if (run->work < BLIT_SLICE)
        return true;
    run->work = 0;
    stream_fence();
    forget_windows(run);
    if (run->memory->pause(run->memory->opaque))
        return true;
    run->result = BLIT_STOPPED;
    return false;
}

static uint8_t *map(struct run *run, uint64_t addr, size_t *len, bool write)
{
    uint8_t *host = run->memory->map(run->memory->opaque, addr, len, write);

    if (!host || !*len) {
        run->result = BLIT_FAULTED;
        return NULL;
    }
    return host;
}

/* The byte at addr; valid to the end of its page. */
static uint8_t *at(struct run *run, uint64_t addr, bool write)
{
    struct window *window = &run->windows[write][addr / PAGE % WINDOWS];
    uint64_t page = addr & ~(uint64_t)(PAGE - 1);

    if (window->page != (page | 1)) {
        size_t len = PAGE;

        window->page = 0;
        window->host = map(run, page, &len, write);
        if (!window->host)
            return NULL;
        window->page = page | 1;
    }
    return window->host + (addr - page);
}

/* Writes the bytes whose enable is 1 and no other ones, most often by groups of eight. */
static void masked_copy(uint8_t *to, const uint8_t *from, const uint8_t *enable, size_t bytes)
{
    const uint64_t all = UINT64_C(0x0101010101010101), rgb = UINT64_C(0x0001010100010101);
    size_t i = 0;

    for (; i + 8 <= bytes; i += 8) {
        uint64_t enabled;

        memcpy(&enabled, enable + i, 8);
        if (enabled == all) {
            memcpy(to + i, from + i, 8);
        } else if (enabled == rgb) { /* two pixels without their alpha */
            memcpy(to + i, from + i, 3);
            memcpy(to + i + 4, from + i + 4, 3);
        } else if (enabled) {
            for (size_t j = i; j < i + 8; j++) {
                if (enable[j])
                    to[j] = from[j];
            }
        }
    }
    for (; i < bytes; i++) {
        if (enable[i])
            to[i] = from[i];
    }
}

/* The block of a tiled surface that holds byte x of row y, and where in it that is. */
struct place {
    uint8_t *block;
    unsigned x, y; /* inside */
    struct tile_shape shape;
};

static bool find_block(struct run *run, const struct blit_surface *surface, int64_t x, int64_t y, bool write, struct place *place)
{
    unsigned bpp = run->blit->cpp * 8;

    place->shape = tile_shape(surface->tiling, bpp);
    place->x = (unsigned)x & (place->shape.width - 1u);
    place->y = (unsigned)y & (place->shape.height - 1u);
    place->block = at(run, surface->addr + (uint64_t)tile_offset(surface->tiling, surface->pitch, x - place->x, y - place->y, bpp),
                      write);
    return place->block;
}

/* Writes enabled bytes of one row of a block. */
static void write_block_masked(const struct run *run, const struct blit_surface *surface, const struct place *place,
                               const uint8_t *from, const uint8_t *enable, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        unsigned x = place->x + (unsigned)done;
        size_t piece = min_size(bytes - done, tile_span(surface->tiling, x));
        int64_t offset = tile_offset(surface->tiling, tile_pitch_unit(surface->tiling, run->blit->cpp * 8), x, place->y,
                                     run->blit->cpp * 8);

        masked_copy(place->block + offset % PAGE, from + done, enable + done, piece);
        done += piece;
    }
}

/* Reads bytes of one row, from byte x of row y on. */
static bool read_row(struct run *run, const struct blit_surface *surface, int64_t x, int64_t y, uint8_t *to, size_t bytes)
{
    while (bytes) {
        size_t piece;

        if (surface->tiling == TILING_LINEAR) {
            uint64_t addr = surface->addr + (uint64_t)(y * surface->pitch + x);
            const uint8_t *from = at(run, addr, false);

            if (!from)
                return false;
            piece = min_size(bytes, PAGE - addr % PAGE);
            memcpy(to, from, piece);
        } else {
            struct place place;

            if (!find_block(run, surface, x, y, false, &place))
                return false;
            piece = min_size(bytes, place.shape.width - place.x);
            tile_read(surface->tiling, run->blit->cpp * 8, place.block, place.x, place.y, (unsigned)piece, 1, to, 0);
        }
        to += piece;
        x += (int64_t)piece;
        bytes -= piece;
    }
    return true;
}

/* Writes them; enable is NULL or has a byte for each. */
static bool write_row(struct run *run, const struct blit_surface *surface, int64_t x, int64_t y, const uint8_t *from,
                      const uint8_t *enable, size_t bytes)
{
    while (bytes) {
        size_t piece;

        if (surface->tiling == TILING_LINEAR) {
            uint64_t addr = surface->addr + (uint64_t)(y * surface->pitch + x);
            uint8_t *to = at(run, addr, true);

            if (!to)
                return false;
            piece = min_size(bytes, PAGE - addr % PAGE);
            if (enable)
                masked_copy(to, from, enable, piece);
            else
                memcpy(to, from, piece);
        } else {
            struct place place;

            if (!find_block(run, surface, x, y, true, &place))
                return false;
            piece = min_size(bytes, place.shape.width - place.x);
            if (enable)
                write_block_masked(run, surface, &place, from, enable, piece);
            else
                tile_write(surface->tiling, run->blit->cpp * 8, place.block, place.x, place.y, (unsigned)piece, 1, from, 0);
        }
        from += piece;
        if (enable)
            enable += piece;
        x += (int64_t)piece;
        bytes -= piece;
    }
    return true;
}

/*
 * Fills.
 */

/* A page of the pixel, and a pixel more so that a run may start anywhere in one. */
struct paint {
    uint8_t bytes[PAGE + MAX_CPP];
    bool uniform; /* all bytes are equal */
};

static void paint_init(struct paint *paint, uint32_t pixel, unsigned cpp)
{
    paint->uniform = true;
    for (size_t i = 0; i < sizeof(paint->bytes); i++) {
        paint->bytes[i] = (uint8_t)(pixel >> (i % cpp * 8));
        paint->uniform &= paint->bytes[i] == paint->bytes[0];
    }
}

static bool fill_linear_run(struct run *run, const struct paint *paint, uint64_t addr, size_t bytes)
{
    size_t phase = 0;

    while (bytes) {
        size_t len = min_size(bytes, BLIT_SLICE);
        uint8_t *to = map(run, addr, &len, true);

        if (!to)
            return false;
        len = min_size(len, min_size(bytes, BLIT_SLICE));
        addr += len;
        bytes -= len;
        for (size_t left = len; left;) {
            size_t piece = min_size(left, PAGE);

            if (paint->uniform)
                memset(to, paint->bytes[0], piece);
            else if (run->stream)
                stream_copy(to, paint->bytes + phase, piece);
            else
                memcpy(to, paint->bytes + phase, piece);
            phase = (phase + piece) % run->blit->cpp;
            to += piece;
            left -= piece;
        }
        if (!charge(run, len))
            return false;
    }
    return true;
}

static bool fill_linear(struct run *run, const struct paint *paint)
{
    const struct blit *blit = run->blit;
    const struct blit_rect *rect = &blit->visible;
    size_t row_bytes = (size_t)(rect->x2 - rect->x1) * blit->cpp;
    int64_t rows = rect->y2 - rect->y1;
    uint64_t addr = blit->dst.addr + (uint64_t)((int64_t)rect->y1 * blit->dst.pitch + (int64_t)rect->x1 * blit->cpp);

    if (blit->dst.pitch == (int64_t)row_bytes)
        return fill_linear_run(run, paint, addr, row_bytes * (size_t)rows);
    for (; rows; rows--, addr += (uint64_t)(int64_t)blit->dst.pitch) {
        if (!fill_linear_run(run, paint, addr, row_bytes) || !charge(run, ACCESS_COST))
            return false;
    }
    return true;
}

/* Where the next block begins after x, at most end. size is a power of two. */
static int64_t block_end(int64_t x, int64_t size, int64_t end)
{
    int64_t next = (x & ~(size - 1)) + size;

    return next < end ? next : end;
}

static bool fill_tiled(struct run *run, const struct paint *paint)
{
    const struct blit *blit = run->blit;
    const struct blit_rect *rect = &blit->visible;
    unsigned bpp = blit->cpp * 8;
    struct tile_shape shape = tile_shape(blit->dst.tiling, bpp);
    int64_t x1 = (int64_t)rect->x1 * blit->cpp, x2 = (int64_t)rect->x2 * blit->cpp;

    for (int64_t y = rect->y1, y_end; y < rect->y2; y = y_end) {
        y_end = block_end(y, shape.height, rect->y2);
        for (int64_t x = x1, x_end; x < x2; x = x_end) {
            struct place place;

            x_end = block_end(x, shape.width, x2);
            if (!find_block(run, &blit->dst, x, y, true, &place))
                return false;
            if ((x_end - x) * (y_end - y) == PAGE)
                memcpy(place.block, paint->bytes, PAGE);
            else
                tile_write(blit->dst.tiling, bpp, place.block, place.x, place.y, (unsigned)(x_end - x), (unsigned)(y_end - y),
                           paint->bytes, 0);
            if (!charge(run, (size_t)((x_end - x) * (y_end - y)) + ACCESS_COST))
                return false;
        }
    }
    return true;
}

static uint32_t load_pixel(const uint8_t *from, unsigned cpp)
{
    uint32_t pixel = 0;

    memcpy(&pixel, from, cpp);
    return pixel;
}

static bool fill(struct run *run)
{
    const struct blit *blit = run->blit;
    struct paint paint;
    uint8_t pixel[4] = {0};

    memcpy(pixel, &blit->pattern_fg, 4);
    blit_rop(blit->rop, pixel, pixel, pixel, 4);
    paint_init(&paint, load_pixel(pixel, 4), blit->cpp);
    return blit->dst.tiling == TILING_LINEAR ? fill_linear(run, &paint) : fill_tiled(run, &paint);
}

/*
 * Copies.
 */

static bool copy_run_forward(struct run *run, uint64_t to, uint64_t from, size_t bytes)
{
    while (bytes) {
        size_t len = min_size(bytes, BLIT_SLICE), source_len = len;
        uint8_t *dst = map(run, to, &len, true);
        const uint8_t *src = dst ? map(run, from, &source_len, false) : NULL;

        if (!src)
            return false;
        len = min_size(min_size(len, source_len), min_size(bytes, BLIT_SLICE));
        if (run->stream)
            stream_copy(dst, src, len);
        else
            memmove(dst, src, len);
        to += len;
        from += len;
        bytes -= len;
        if (!charge(run, len))
            return false;
    }
    return true;
}

/* From the end, a page of each side at a time. */
static bool copy_run_backward(struct run *run, uint64_t to, uint64_t from, size_t bytes)
{
    while (bytes) {
        uint64_t to_end = to + bytes, from_end = from + bytes;
        size_t len = min_size(bytes, min_size((to_end - 1) % PAGE, (from_end - 1) % PAGE) + 1);
        size_t dst_len = len, src_len = len;
        uint8_t *dst = map(run, to_end - len, &dst_len, true);
        const uint8_t *src = dst ? map(run, from_end - len, &src_len, false) : NULL;

        if (!src)
            return false;
        memmove(dst, src, len);
        bytes -= len;
        if (!charge(run, len))
            return false;
    }
    return true;
}

static bool copy_linear(struct run *run)
{
    const struct blit *blit = run->blit;
    const struct blit_rect *rect = &blit->visible;
    size_t row_bytes = (size_t)(rect->x2 - rect->x1) * blit->cpp;
    int64_t rows = rect->y2 - rect->y1, dst_step = blit->dst.pitch, src_step = blit->src.pitch;
    int64_t src_x = (int64_t)blit->src_x + rect->x1 - blit->rect.x1, src_y = (int64_t)blit->src_y + rect->y1 - blit->rect.y1;
    uint64_t to = blit->dst.addr + (uint64_t)(rect->y1 * dst_step + (int64_t)rect->x1 * blit->cpp);
    uint64_t from = blit->src.addr + (uint64_t)(src_y * src_step + src_x * blit->cpp);
    bool backward = blit->backward_x;

    /* Rows that follow each other without gaps are one, as long as both directions agree. */
    if (dst_step == (int64_t)row_bytes && src_step == dst_step && (blit->backward_x == blit->backward_y || rows == 1)) {
        row_bytes *= (size_t)rows;
        rows = 1;
    }
    if (blit->backward_y) {
        to += (uint64_t)((rows - 1) * dst_step);
        from += (uint64_t)((rows - 1) * src_step);
        dst_step = -dst_step;
        src_step = -src_step;
    }
    for (; rows; rows--, to += (uint64_t)dst_step, from += (uint64_t)src_step) {
        if (!(backward ? copy_run_backward : copy_run_forward)(run, to, from, row_bytes) || !charge(run, ACCESS_COST))
            return false;
    }
    return true;
}

/* The part of a rectangle in one direction: from the rows of the surface to a buffer without gaps, or back. */
static bool move_rect(struct run *run, const struct blit_surface *surface, int64_t x, int64_t y, size_t bytes, int64_t rows,
                      uint8_t *buffer, bool write)
{
    unsigned bpp = run->blit->cpp * 8;
    struct tile_shape shape = tile_shape(surface->tiling, bpp);
    int64_t x2 = x + (int64_t)bytes, y2 = y + rows;

    if (surface->tiling == TILING_LINEAR) {
        for (; y < y2; y++, buffer += bytes) {
            if (!(write ? write_row(run, surface, x, y, buffer, NULL, bytes) : read_row(run, surface, x, y, buffer, bytes)))
                return false;
        }
        return true;
    }
    for (int64_t row = y, row_end; row < y2; row = row_end) {
        row_end = block_end(row, shape.height, y2);
        for (int64_t column = x, column_end; column < x2; column = column_end) {
            uint8_t *at_corner = buffer + (size_t)(row - y) * bytes + (size_t)(column - x);
            struct place place;

            column_end = block_end(column, shape.width, x2);
            if (!find_block(run, surface, column, row, write, &place))
                return false;
            if (write)
                tile_write(surface->tiling, bpp, place.block, place.x, place.y, (unsigned)(column_end - column),
                           (unsigned)(row_end - row), at_corner, (ptrdiff_t)bytes);
            else
                tile_read(surface->tiling, bpp, place.block, place.x, place.y, (unsigned)(column_end - column),
                          (unsigned)(row_end - row), at_corner, (ptrdiff_t)bytes);
        }
    }
    return true;
}

/* Byte x of row y of a linear or X-tiled surface, and how many bytes follow it there. */
static uint8_t *row_run(struct run *run, const struct blit_surface *surface, int64_t x, int64_t y, bool write, size_t *bytes)
{
    struct place place;

    if (surface->tiling == TILING_LINEAR) {
        uint64_t addr = surface->addr + (uint64_t)(y * surface->pitch + x);

        *bytes = PAGE - addr % PAGE;
        return at(run, addr, write);
    }
    if (!find_block(run, surface, x, y, write, &place))
        return NULL;
    *bytes = place.shape.width - place.x;
    return place.block + place.y * place.shape.width + place.x;
}

/* A rectangle between linear and X-tiled surfaces, whose rows have long runs: straight from one to the other. */
static bool copy_rows(struct run *run, int64_t dst_x, int64_t dst_y, int64_t src_x, int64_t src_y, size_t bytes, int64_t rows)
{
    const struct blit *blit = run->blit;

    for (int64_t row = 0; row < rows; row++) {
        for (size_t done = 0; done < bytes;) {
            size_t to_run, from_run, piece;
            uint8_t *to = row_run(run, &blit->dst, dst_x + (int64_t)done, dst_y + row, true, &to_run);
            const uint8_t *from = to ? row_run(run, &blit->src, src_x + (int64_t)done, src_y + row, false, &from_run) : NULL;

            if (!from)
                return false;
            piece = min_size(bytes - done, min_size(to_run, from_run));
            if (run->stream)
                stream_copy(to, from, piece);
            else
                memmove(to, from, piece);
            done += piece;
        }
    }
    return true;
}

static bool long_runs(enum tiling tiling)
{
    return tiling == TILING_LINEAR || tiling == TILING_X;
}

/*
 * At least one side is tiled: goes by groups of that side's blocks (the destination's if both are), 512 bytes wide so that linear
 * rows are touched in runs of some length, through a buffer that stays in the cache if one side has short runs.
 */
static bool copy_blocks(struct run *run)
{
    enum { GROUP_WIDTH = 512, GROUP_ROWS = 64 };
    const struct blit *blit = run->blit;
    const struct blit_rect *rect = &blit->visible;
    bool by_destination = blit->dst.tiling != TILING_LINEAR;
    bool direct = long_runs(blit->dst.tiling) && long_runs(blit->src.tiling);
    /* From the destination's coordinates to the source's; the guide's are either of them. */
    int64_t dx = ((int64_t)blit->src_x - blit->rect.x1) * blit->cpp, dy = (int64_t)blit->src_y - blit->rect.y1;
    int64_t guide_x = by_destination ? 0 : dx, guide_y = by_destination ? 0 : dy;
    int64_t x1 = (int64_t)rect->x1 * blit->cpp + guide_x, x2 = (int64_t)rect->x2 * blit->cpp + guide_x;
    int64_t y1 = rect->y1 + guide_y, y2 = rect->y2 + guide_y;
    struct tile_shape shape = tile_shape(by_destination ? blit->dst.tiling : blit->src.tiling, blit->cpp * 8);
    uint8_t buffer[GROUP_WIDTH * GROUP_ROWS] __attribute__((aligned(64)));

    for (int64_t y = y1, y_end; y < y2; y = y_end) {
        y_end = block_end(y, shape.height, y2);
        for (int64_t x = x1, x_end; x < x2; x = x_end) {
            int64_t dst_x = x - guide_x, dst_y = y - guide_y;
            size_t bytes;

            x_end = block_end(x, GROUP_WIDTH, x2);
            bytes = (size_t)(x_end - x);
            if (direct ? !copy_rows(run, dst_x, dst_y, dst_x + dx, dst_y + dy, bytes, y_end - y)
                       : !move_rect(run, &blit->src, dst_x + dx, dst_y + dy, bytes, y_end - y, buffer, false) ||
                             !move_rect(run, &blit->dst, dst_x, dst_y, bytes, y_end - y, buffer, true))
                return false;
            if (!charge(run, bytes * (size_t)(y_end - y) + ACCESS_COST))
                return false;
        }
    }
    return true;
}

/*
 * Spans: everything else.
 */

static void store_pixel(uint8_t *to, uint32_t pixel, unsigned cpp)
{
    memcpy(to, &pixel, cpp);
}

/* Fetches or expands the 8 x 8 pattern. */
static bool load_pattern(struct run *run, struct span *span)
{
    const struct blit *blit = run->blit;

    memset(span->pattern_enable, 1, sizeof(span->pattern_enable));
    switch (blit->pattern) {
    case BLIT_PATTERN_COLOR:
        if (blit->pattern_immediate) {
            memcpy(span->pattern_pixels, blit->pattern_immediate, PATTERN_PIXELS * blit->cpp);
            return true;
        }
        if (!(blit_rop_operands(blit->rop) & BLIT_ROP_PATTERN))
            return true;
        return read_row(run, &(struct blit_surface){.addr = blit->pattern_addr}, 0, 0, span->pattern_pixels,
                        PATTERN_PIXELS * blit->cpp);
    case BLIT_PATTERN_SOLID:
    case BLIT_PATTERN_MONO:
        for (unsigned i = 0; i < PATTERN_PIXELS; i++) {
            bool set = blit->pattern == BLIT_PATTERN_SOLID || (blit->pattern_bits[i / 8] << (i % 8) & 0x80);

            store_pixel(span->pattern_pixels + i * blit->cpp, set ? blit->pattern_fg : blit->pattern_bg, blit->cpp);
            if (!set && blit->pattern_transparent)
                span->pattern_enable[i] = 0;
        }
        return true;
    default:
        return true;
    }
}

/* The pattern operand from pixel (x, y) on; with a transparent pattern also clears the mask. */
static void fill_pattern(const struct blit *blit, struct span *span, int32_t x, int32_t y, size_t pixels)
{
    unsigned row = (blit->pattern_y + (uint32_t)y - (uint32_t)blit->rect.y1) & 7;
    unsigned column = (blit->pattern_x + (uint32_t)x - (uint32_t)blit->rect.x1) & 7;
    size_t bytes = pixels * blit->cpp, done = min_size(bytes, 8 * blit->cpp);

    for (unsigned i = 0; i < 8 && i < pixels; i++)
        memcpy(span->pattern + i * blit->cpp, span->pattern_pixels + (row * 8 + (column + i) % 8) * blit->cpp, blit->cpp);
    while (done < bytes) {
        size_t piece = min_size(done, bytes - done);

        memcpy(span->pattern + done, span->pattern, piece);
        done += piece;
    }
    if (blit->pattern == BLIT_PATTERN_MONO && blit->pattern_transparent) {
        for (size_t i = 0; i < pixels; i++)
            span->enable[i] &= span->pattern_enable[row * 8 + (column + i) % 8];
    }
}

/* The expanded mono source from pixel (x, y) on; zeros of a transparent one clear the mask. */
static bool expand_source(struct run *run, struct span *span, int32_t x, int32_t y, size_t pixels)
{
    const struct blit *blit = run->blit;
    uint64_t first = (uint64_t)((int64_t)y - blit->rect.y1) * blit->mono_row_bits + blit->mono_start +
                     (uint64_t)((int64_t)x - blit->rect.x1);
    size_t bytes = (size_t)((first % 8 + pixels + 7) / 8);
    uint8_t fetched[SPAN_BYTES / 8 + 1];
    const uint8_t *bits = fetched;

    if (blit->mono_immediate)
        bits = blit->mono_immediate + first / 8;
    else if (!read_row(run, &(struct blit_surface){.addr = blit->src.addr}, (int64_t)(first / 8), 0, fetched, bytes))
        return false;
    for (size_t i = 0; i < pixels; i++) {
        size_t bit = first % 8 + i;
        bool set = bits[bit / 8] << (bit % 8) & 0x80;

        store_pixel(span->source + i * blit->cpp, set ? blit->source_fg : blit->source_bg, blit->cpp);
        if (!set && blit->source_transparent)
            span->enable[i] = 0;
    }
    return true;
}

struct component {
    uint8_t shift, bits;
};

/* Whether each component lies between those of low and high. */
static bool in_range(const struct blit *blit, uint32_t pixel)
{
    static const struct component components[][4] = {
        [BLIT_8] = {{0, 8}, {0, 0}, {0, 0}, {0, 0}},
        [BLIT_565] = {{0, 5}, {5, 6}, {11, 5}, {0, 0}},
        [BLIT_1555] = {{0, 5}, {5, 5}, {10, 5}, {15, 1}},
        [BLIT_8888] = {{0, 8}, {8, 8}, {16, 8}, {24, 8}},
    };
    unsigned count = blit->chroma & BLIT_CHROMA_ALPHA ? 4 : 3;

    for (unsigned i = 0; i < count; i++) {
        struct component part = components[blit->depth][i];
        uint32_t mask = (1u << part.bits) - 1, value = pixel >> part.shift & mask;

        if (value < (blit->chroma_low >> part.shift & mask) || value > (blit->chroma_high >> part.shift & mask))
            return false;
    }
    return true;
}

/* A source key writes where the source is out of range, a destination key where the destination is in range. */
static void apply_chroma(const struct blit *blit, struct span *span, size_t pixels)
{
    bool destination = blit->chroma & BLIT_CHROMA_DESTINATION;
    const uint8_t *from = destination ? span->destination : span->source;

    for (size_t i = 0; i < pixels; i++) {
        if (in_range(blit, load_pixel(from + i * blit->cpp, blit->cpp)) != destination)
            span->enable[i] = 0;
    }
}

static void enable_bytes(const struct blit *blit, struct span *span, size_t pixels)
{
    uint32_t writes = blit->depth != BLIT_8888 ? 0x01010101u
                                               : (blit->write_alpha ? 0x01000000u : 0) | (blit->write_rgb ? 0x00010101u : 0);

    for (size_t i = 0; i < pixels; i++)
        store_pixel(span->byte_enable + i * blit->cpp, span->enable[i] ? writes : 0, blit->cpp);
}

static bool chroma_on(const struct blit *blit)
{
    if (!(blit->chroma & BLIT_CHROMA_ENABLE))
        return false;
    return blit->chroma & BLIT_CHROMA_DESTINATION || blit->source == BLIT_SOURCE_COLOR;
}

/* Pixels may be left out one by one. */
static bool transparent(const struct blit *blit)
{
    return (blit->source == BLIT_SOURCE_MONO && blit->source_transparent) ||
           (blit->pattern == BLIT_PATTERN_MONO && blit->pattern_transparent) || chroma_on(blit);
}

static bool draw_span(struct run *run, struct span *span, int32_t x, int32_t y, size_t pixels)
{
    const struct blit *blit = run->blit;
    unsigned uses = blit_rop_operands(blit->rop);
    bool masked = span->transparent || !blit->write_rgb || !blit->write_alpha;
    size_t bytes = pixels * blit->cpp;

    if (span->transparent)
        memset(span->enable, 1, pixels);
    if (blit->source == BLIT_SOURCE_COLOR && (uses & BLIT_ROP_SOURCE || chroma_on(blit))) {
        int64_t src_x = (int64_t)blit->src_x + x - blit->rect.x1, src_y = (int64_t)blit->src_y + y - blit->rect.y1;

        if (!read_row(run, &blit->src, src_x * blit->cpp, src_y, span->source, bytes))
            return false;
    }
    if (blit->source == BLIT_SOURCE_MONO && (uses & BLIT_ROP_SOURCE || blit->source_transparent) &&
        !expand_source(run, span, x, y, pixels))
        return false;
    if (blit->pattern != BLIT_PATTERN_NONE)
        fill_pattern(blit, span, x, y, pixels);
    if ((uses & BLIT_ROP_DESTINATION || (chroma_on(blit) && blit->chroma & BLIT_CHROMA_DESTINATION)) &&
        !read_row(run, &blit->dst, (int64_t)x * blit->cpp, y, span->destination, bytes))
        return false;
    if (chroma_on(blit))
        apply_chroma(blit, span, pixels);
    if (span->transparent)
        enable_bytes(blit, span, pixels);
    blit_rop(blit->rop, span->destination, span->source, span->pattern, bytes);
    if (!write_row(run, &blit->dst, (int64_t)x * blit->cpp, y, span->destination, masked ? span->byte_enable : NULL, bytes))
        return false;
    return charge(run, 2 * bytes + ACCESS_COST);
}

static bool draw_spans(struct run *run)
{
    const struct blit *blit = run->blit;
    const struct blit_rect *rect = &blit->visible;
    int32_t step = SPAN_BYTES / (int32_t)blit->cpp;
    struct span span;

    memset(&span, 0, sizeof(span));
    span.transparent = transparent(blit);
    memset(span.enable, 1, sizeof(span.enable));
    enable_bytes(blit, &span, (size_t)step);
    if (!load_pattern(run, &span))
        return false;
    for (int32_t row = 0; row < rect->y2 - rect->y1; row++) {
        int32_t y = blit->backward_y ? rect->y2 - 1 - row : rect->y1 + row;

        for (int32_t done = 0, pixels; done < rect->x2 - rect->x1; done += pixels) {
            int32_t left = rect->x2 - rect->x1 - done;

            pixels = left < step ? left : step;
            if (!draw_span(run, &span, blit->backward_x ? rect->x2 - done - pixels : rect->x1 + done, y, (size_t)pixels))
                return false;
        }
    }
    return true;
}

enum blit_result blit_run(const struct blit *blit, const struct blit_memory *memory)
{
    struct run run = {.blit = blit, .memory = memory, .result = BLIT_DONE};
    const struct blit_rect *rect = &blit->visible;
    unsigned uses = blit_rop_operands(blit->rop);
    bool plain = !transparent(blit) && blit->write_rgb && blit->write_alpha;
    uint64_t bytes;
    bool done;

    if (rect->x1 >= rect->x2 || rect->y1 >= rect->y2 || (!blit->write_rgb && !blit->write_alpha))
        return BLIT_DONE;
    bytes = (uint64_t)(rect->x2 - rect->x1) * (uint64_t)(rect->y2 - rect->y1) * blit->cpp;
    run.stream = bytes >= STREAM_MINIMUM && !(blit->source == BLIT_SOURCE_COLOR && blit->src.addr == blit->dst.addr);
    if (plain && (!uses || (uses == BLIT_ROP_PATTERN && blit->pattern == BLIT_PATTERN_SOLID)))
        done = fill(&run);
    else if (!plain || uses != BLIT_ROP_SOURCE || blit->rop != 0xcc || blit->source != BLIT_SOURCE_COLOR)
        done = draw_spans(&run);
    else if (blit->dst.tiling == TILING_LINEAR && blit->src.tiling == TILING_LINEAR)
        done = copy_linear(&run);
    else if (blit->src.addr == blit->dst.addr) /* may overlap: in the order of rows */
        done = draw_spans(&run);
    else
        done = copy_blocks(&run);
    stream_fence();
    return done ? BLIT_DONE : run.result;
}
