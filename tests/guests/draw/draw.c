/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Draws an animated picture by blits and flips pages: wallpaper, bouncing tiles, a name and a frame counter. Keeps some frames queued, so
 * that the GPU always has work. Args: name=WORD hue=0..5 seconds=N load=N (full-screen layers for each frame) vsync (waits for each flip to be shown).
 */
#include "font.h"
#include "display.h"
#include "guest.h"
#include "interrupt.h"
#include "mi.h"

#define KEY 0xffff00ffu /* the sprite's transparent colour */

enum {
    QUEUED = 3,           /* frames that the GPU has ahead */
    BUFFERS = QUEUED + 2, /* and the one shown, and the one being shown next */
    TILES = 32,
    TILE = 64,
    SCALE = 6, /* pixels for each dot of the font */
    GLYPH = (FONT_WIDTH + 1) * SCALE,
    SURFACE_VA = 0x100000000, /* buffers at 16 MiB steps */
};

struct scene {
    struct gpu gpu;
    struct ppgtt vm;
    struct context ctx;
    struct batch batch[BUFFERS];
    unsigned width, height, pitch, hue, load;
    uint64_t wallpaper_va, tile_va, digits_va, name_va, buffer_va[BUFFERS];
    uint32_t buffer_gma[BUFFERS];
    unsigned name_width;
    struct {
        int x, y, dx, dy;
    } tiles[TILES];
};

static uint32_t mix(unsigned hue, unsigned level) /* level 0..255 */
{
    static const uint32_t masks[6] = {0xff0000, 0x00ff00, 0x0000ff, 0xffff00, 0x00ffff, 0xff00ff};
    return 0xff000000 | (level * 0x010101 & masks[hue % 6]);
}

static uint32_t *surface(struct scene *s, uint64_t va, size_t bytes)
{
    size_t aligned = (bytes + 65535) & ~65535ul;
    uint32_t *memory = page_alloc_aligned(aligned, 65536);

    ppgtt_map(&s->vm, va, memory, aligned, 65536);
    return memory;
}

static void draw_glyphs(uint32_t *out, unsigned pitch_pixels, const char *text, uint32_t ink, uint32_t paper)
{
    for (unsigned n = 0; text[n]; n++)
        for (unsigned y = 0; y < FONT_HEIGHT * SCALE; y++)
            for (unsigned x = 0; x < GLYPH; x++)
                out[y * pitch_pixels + n * GLYPH + x] = font_dot(text[n], x / SCALE, y / SCALE) ? ink : paper;
}

static void make_pictures(struct scene *s, const char *name)
{
    uint32_t *wallpaper = surface(s, s->wallpaper_va, (size_t)s->pitch * s->height);
    for (unsigned y = 0; y < s->height; y++)
        for (unsigned x = 0; x < s->width; x++) {
            unsigned stripe = (x + y) / 32 & 1 ? 24 : 0;
            wallpaper[y * (s->pitch / 4) + x] = mix(s->hue, 24 + y * 120 / s->height + stripe);
        }
    uint32_t *tile = surface(s, s->tile_va, TILE * TILE * 4);
    for (int y = 0; y < TILE; y++)
        for (int x = 0; x < TILE; x++) {
            int dx = x - TILE / 2, dy = y - TILE / 2, r = dx * dx + dy * dy;
            tile[y * TILE + x] = r < 28 * 28 ? mix(s->hue, 255 - r / 6) | 0x404040 : KEY;
        }
    draw_glyphs(surface(s, s->digits_va, 10 * GLYPH * 4 * FONT_HEIGHT * SCALE), 10 * GLYPH, "0123456789", 0xffffffff, 0xff101010);
    s->name_width = strlen(name) * GLYPH;
    draw_glyphs(surface(s, s->name_va, s->name_width * 4 * FONT_HEIGHT * SCALE), s->name_width, name, 0xffffffff, 0xff000000);
}

static void copy(struct batch *b, uint64_t dst, unsigned dst_pitch, unsigned dx, unsigned dy, unsigned w, unsigned h, uint64_t src,
                 unsigned src_pitch, unsigned sx, unsigned sy)
{
    batch_emit(b, XY_SRC_COPY_BLT(BLT_WRITE_RGBA));
    batch_emit(b, BLT_BPP_32 | BLT_ROP_SRCCOPY | dst_pitch);
    batch_emit(b, dy << 16 | dx);
    batch_emit(b, (dy + h) << 16 | (dx + w));
    batch_address(b, dst);
    batch_emit(b, sy << 16 | sx);
    batch_emit(b, src_pitch);
    batch_address(b, src);
}

/* The same, without the pixels of the key colour. */
static void sprite(struct batch *b, uint64_t dst, unsigned dst_pitch, unsigned dx, unsigned dy, unsigned w, unsigned h, uint64_t src,
                   unsigned src_pitch, uint32_t key)
{
    copy(b, dst, dst_pitch, dx, dy, w, h, src, src_pitch, 0, 0);
    b->dwords[b->used - 10] = XY_SRC_COPY_CHROMA_BLT(BLT_WRITE_RGBA | BLT_CHROMA_SOURCE);
    batch_emit(b, key);
    batch_emit(b, key);
}

static void fill(struct batch *b, uint64_t dst, unsigned pitch, unsigned x, unsigned y, unsigned w, unsigned h, uint32_t colour)
{
    batch_emit(b, XY_COLOR_BLT(BLT_WRITE_RGBA));
    batch_emit(b, BLT_BPP_32 | BLT_ROP_PATCOPY | pitch);
    batch_emit(b, y << 16 | x);
    batch_emit(b, (y + h) << 16 | (x + w));
    batch_address(b, dst);
    batch_emit(b, colour);
}

static uint32_t draw_frame(struct scene *s, unsigned frame)
{
    struct batch *b = &s->batch[frame % BUFFERS];
    uint64_t dst = s->buffer_va[frame % BUFFERS];
    unsigned x, number = frame;

    b->used = 0;
    for (unsigned layer = 0; layer < s->load; layer++)
        copy(b, dst, s->pitch, 0, 0, s->width, s->height, s->wallpaper_va, s->pitch, 0, 0);
    for (unsigned i = 0; i < TILES; i++) {
        s->tiles[i].x += s->tiles[i].dx;
        s->tiles[i].y += s->tiles[i].dy;
        if (s->tiles[i].x < 0 || s->tiles[i].x + TILE > (int)s->width) {
            s->tiles[i].dx = -s->tiles[i].dx;
            s->tiles[i].x += 2 * s->tiles[i].dx;
        }
        if (s->tiles[i].y < 0 || s->tiles[i].y + TILE > (int)s->height) {
            s->tiles[i].dy = -s->tiles[i].dy;
            s->tiles[i].y += 2 * s->tiles[i].dy;
        }
        sprite(b, dst, s->pitch, s->tiles[i].x, s->tiles[i].y, TILE, TILE, s->tile_va, TILE * 4, KEY);
    }
    copy(b, dst, s->pitch, 16, 16, s->name_width, FONT_HEIGHT * SCALE, s->name_va, s->name_width * 4, 0, 0);
    for (unsigned i = 0; i < 5; i++, number /= 10)
        copy(b, dst, s->pitch, s->width - 16 - (i + 1) * GLYPH, 16, GLYPH, FONT_HEIGHT * SCALE, s->digits_va, 10 * GLYPH * 4,
             number % 10 * GLYPH, 0);
    x = frame * 4 % (s->width - 64);
    fill(b, dst, s->pitch, x, s->height - 24, 64, 16, 0xffffffff);
    batch_emit(b, MI_BATCH_BUFFER_END);
    batch_emit(b, MI_NOOP);
    ring_batch(&s->ctx, b->va);
    uint32_t seqno = ring_finish(&s->ctx);
    context_submit(&s->ctx, NULL);
    return seqno;
}

/* As a desktop does, which has no more frames than its monitor. */
static void flip_and_wait(struct gpu *gpu, uint32_t surface)
{
    enum { PLANE_FLIP_DONE = 1 << 3 }; /* of the pipe's interrupts */
    volatile uint32_t *seen = &gpu->pipe_iir[0];

    *seen = 0;
    display_flip(gpu, surface);
    for (;;) {
        const uint32_t before = gpu->interrupts;
        if (*seen & PLANE_FLIP_DONE)
            return;
        cpu_wait_while(&gpu->interrupts, before);
    }
}

int guest_main(void)
{
    static struct scene scene;
    struct scene *s = &scene;
    uint32_t pending[BUFFERS];
    unsigned seconds = boot_arg_number("seconds", 5), frame = 0, shown = 0;
    char name[16] = "GUEST", value[2];
    const bool vsync = boot_arg("vsync", value, sizeof(value));

    if (!gpu_open(&s->gpu))
        return 1;
    boot_arg("name", name, sizeof(name));
    gpu_enable_interrupts(&s->gpu);
    s->gpu.sleeps = true;
    user_enter();
    s->hue = boot_arg_number("hue", 0);
    s->load = boot_arg_number("load", 4);
    if (!display_preferred_mode(&s->gpu, &s->width, &s->height)) {
        printf("draw: no monitor answers\n");
        return 1;
    }
    if (s->width > 1024) {
        s->width = 1024;
        s->height = 768;
    }
    s->pitch = (s->width * 4 + 511) & ~511u;
    ppgtt_init(&s->vm);
    context_init(&s->ctx, &s->gpu, ENGINE_BCS0, &s->vm, 16384);
    s->wallpaper_va = SURFACE_VA + (8ull << 24);
    s->tile_va = SURFACE_VA + (9ull << 24);
    s->digits_va = SURFACE_VA + (10ull << 24);
    s->name_va = SURFACE_VA + (11ull << 24);
    make_pictures(s, name);
    for (unsigned i = 0; i < BUFFERS; i++) {
        s->buffer_va[i] = SURFACE_VA + ((uint64_t)i << 24);
        s->buffer_gma[i] = gpu_bind_low(&s->gpu, surface(s, s->buffer_va[i], (size_t)s->pitch * s->height), (size_t)s->pitch * s->height);
        batch_init(&s->batch[i], &s->vm, 0x10000000 + ((uint64_t)i << 20), 16384);
    }
    gpu_flush_ggtt(&s->gpu);
    for (unsigned i = 0; i < TILES; i++) {
        s->tiles[i].x = i * 97 % (s->width - TILE);
        s->tiles[i].y = i * 61 % (s->height - TILE);
        s->tiles[i].dx = 1 + i % 5;
        s->tiles[i].dy = 1 + i % 3;
    }
    printf("draw: %s, %ux%u on %s, %u layers\n", name, s->width, s->height, s->gpu.display_hdmi ? "HDMI" : "DisplayPort", s->load);

    for (uint64_t end = time_us() + seconds * 1000000ull; time_us() < end; frame++) {
        pending[frame % BUFFERS] = draw_frame(s, frame);
        if (frame < QUEUED)
            continue;
        unsigned done = (frame - QUEUED) % BUFFERS;
        if (!context_wait(&s->ctx, pending[done], 30)) {
            printf("draw: frame %u did not end\n", frame - QUEUED);
            return 1;
        }
        if (shown++ == 0)
            display_set_mode(&s->gpu, s->width, s->height, s->buffer_gma[done], s->pitch, false);
        else if (vsync)
            flip_and_wait(&s->gpu, s->buffer_gma[done]);
        else
            display_flip(&s->gpu, s->buffer_gma[done]);
    }
    context_wait(&s->ctx, pending[(frame - 1) % BUFFERS], 30);
    printf("draw: %u frames drawn\n", frame);
    return 0;
}
