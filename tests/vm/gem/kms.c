/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The display: monitor, modes, page flips, vblanks, cursor. Needs to be DRM master: no compositor may run. */
#include "blt.h"
#include "checks.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xf86drmMode.h>

enum {
    EVENT_PATIENCE_MS = 5000,
    EDID_BLOCK = 128,
};

struct screen {
    struct gem *gem; /* of the card */
    drmModeConnector *connector;
    uint32_t crtc;
    unsigned crtc_index;
    drmModeModeInfo mode; /* the preferred one */
};

/* A dumb buffer with a framebuffer around it. */
struct frame {
    struct bo *bo;
    uint32_t id, pitch;
};

static double refresh_of(const drmModeModeInfo *mode)
{
    return mode->clock * 1000.0 / ((double)mode->htotal * mode->vtotal);
}

static drmModeConnector *find_connected(int fd, const drmModeRes *resources)
{
    for (int i = 0; i < resources->count_connectors; i++) {
        drmModeConnector *connector = drmModeGetConnector(fd, resources->connectors[i]);

        if (connector && connector->connection == DRM_MODE_CONNECTED)
            return connector;
        drmModeFreeConnector(connector);
    }
    fail("expected a connected monitor, none of %d connectors has one", resources->count_connectors);
}

/* A CRTC that one of the connector's encoders can use. */
static void find_crtc(struct screen *screen, const drmModeRes *resources)
{
    for (int i = 0; i < screen->connector->count_encoders; i++) {
        drmModeEncoder *encoder = drmModeGetEncoder(screen->gem->fd, screen->connector->encoders[i]);

        for (int crtc = 0; encoder && crtc < resources->count_crtcs; crtc++) {
            if (encoder->possible_crtcs >> crtc & 1) {
                screen->crtc = resources->crtcs[crtc];
                screen->crtc_index = (unsigned)crtc;
                drmModeFreeEncoder(encoder);
                return;
            }
        }
        drmModeFreeEncoder(encoder);
    }
    fail("expected a CRTC for the connected monitor, found none");
}

static struct screen *screen_open(const struct settings *settings)
{
    struct screen *screen = calloc(1, sizeof(*screen));
    struct settings card = *settings;
    drmModeRes *resources;
    unsigned preferred = 0;

    if (!settings->card)
        skip("there is no card node");
    card.render = settings->card;
    screen->gem = gem_open(&card);
    if (drmSetMaster(screen->gem->fd) && !drmIsMaster(screen->gem->fd))
        skip("somebody else is DRM master");
    resources = drmModeGetResources(screen->gem->fd);
    if (!resources || resources->count_connectors == 0)
        skip("the device has no display");
    screen->connector = find_connected(screen->gem->fd, resources);
    find_crtc(screen, resources);
    if (screen->connector->count_modes == 0)
        fail("expected modes of the monitor, found none");
    for (int i = 0; i < screen->connector->count_modes; i++)
        if (screen->connector->modes[i].type & DRM_MODE_TYPE_PREFERRED && !preferred++)
            screen->mode = screen->connector->modes[i];
    if (!preferred)
        fail("expected a preferred mode among %d, found none", screen->connector->count_modes);
    drmModeFreeResources(resources);
    return screen;
}

static struct frame frame_create(const struct screen *screen, unsigned width, unsigned height)
{
    struct drm_mode_create_dumb create = {.width = width, .height = height, .bpp = 32};
    struct drm_mode_map_dumb offset = {0};
    struct frame frame = {0};
    void *map;
    int error = gem_ioctl(screen->gem, DRM_IOCTL_MODE_CREATE_DUMB, &create);

    if (error)
        fail("cannot create a dumb buffer of %u x %u: %s", width, height, strerror(-error));
    offset.handle = create.handle;
    error = gem_ioctl(screen->gem, DRM_IOCTL_MODE_MAP_DUMB, &offset);
    if (error)
        fail("no map of a dumb buffer: %s", strerror(-error));
    map = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, screen->gem->fd, (off_t)offset.offset);
    if (map == MAP_FAILED)
        fail("cannot map a dumb buffer: %s", strerror(errno));
    frame.pitch = create.pitch;
    frame.bo = bo_adopt(screen->gem, create.handle, create.size, map);
    if (drmModeAddFB(screen->gem->fd, width, height, 24, 32, create.pitch, create.handle, &frame.id))
        fail("no framebuffer of %u x %u: %s", width, height, strerror(errno));
    return frame;
}

static void frame_destroy(const struct screen *screen, struct frame *frame)
{
    drmModeRmFB(screen->gem->fd, frame->id);
    munmap(frame->bo->map, frame->bo->size);
    bo_destroy(frame->bo);
}

static void set_mode(const struct screen *screen, const struct frame *frame, const drmModeModeInfo *mode)
{
    drmModeModeInfo wanted = *mode;
    drmModeCrtc *crtc;

    if (drmModeSetCrtc(screen->gem->fd, screen->crtc, frame->id, 0, 0, &screen->connector->connector_id, 1, &wanted))
        fail("mode %s at %.1f Hz: the kernel refuses it: %s", mode->name, refresh_of(mode), strerror(errno));
    crtc = drmModeGetCrtc(screen->gem->fd, screen->crtc);
    if (!crtc || !crtc->mode_valid || crtc->mode.hdisplay != mode->hdisplay || crtc->mode.vdisplay != mode->vdisplay ||
        crtc->buffer_id != frame->id)
        fail("expected mode %s with framebuffer %u, found %ux%u with %u", mode->name, frame->id, crtc ? crtc->mode.hdisplay : 0,
             crtc ? crtc->mode.vdisplay : 0, crtc ? crtc->buffer_id : 0);
    drmModeFreeCrtc(crtc);
}

/* Waits for so many vblanks; their count and time at the end. */
static void wait_vblanks(const struct screen *screen, unsigned count, unsigned *sequence, double *seconds)
{
    drmVBlank vblank = {.request = {.type = DRM_VBLANK_RELATIVE, .sequence = count}};

    vblank.request.type |= (drmVBlankSeqType)(screen->crtc_index << DRM_VBLANK_HIGH_CRTC_SHIFT & DRM_VBLANK_HIGH_CRTC_MASK);
    if (drmWaitVBlank(screen->gem->fd, &vblank))
        fail("waiting for %u vblanks: %s", count, strerror(errno));
    *sequence = vblank.reply.sequence;
    *seconds = (double)vblank.reply.tval_sec + (double)vblank.reply.tval_usec * 1e-6;
}

static void expect_rate(double found, const drmModeModeInfo *mode, const char *what)
{
    double expected = refresh_of(mode);

    note("%s: %.2f Hz, %s says %.2f", what, found, mode->name, expected);
    if (found < expected * 0.67 || found > expected * 1.5)
        fail("%s: expected about %.1f Hz, found %.1f Hz", what, expected, found);
}

static void expect_vblanks(const struct screen *screen, const drmModeModeInfo *mode, unsigned count)
{
    unsigned first, last;
    double begin, end, started;

    wait_vblanks(screen, 1, &first, &begin);
    started = now_s();
    for (unsigned i = 0; i < count; i++) {
        unsigned before = i ? last : first;

        wait_vblanks(screen, 1, &last, &end);
        if (last - before < 1 || last - before > 1000)
            fail("expected the vblank after number %u, found number %u", before, last);
    }
    expect_rate((last - first) / (end - begin), mode, "vblanks by their time stamps");
    /* On a busy machine this process may be late, so only one side of it is sure. */
    if (now_s() - started < (last - first) / refresh_of(mode) * 0.7)
        fail("expected %u vblanks to take %.2f s, they took %.2f s", last - first, (last - first) / refresh_of(mode), now_s() - started);
}

static drmModePropertyBlobRes *read_edid(const struct screen *screen)
{
    for (int i = 0; i < screen->connector->count_props; i++) {
        drmModePropertyRes *property = drmModeGetProperty(screen->gem->fd, screen->connector->props[i]);
        bool is_edid = property && strcmp(property->name, "EDID") == 0;

        drmModeFreeProperty(property);
        if (is_edid && screen->connector->prop_values[i])
            return drmModeGetPropertyBlob(screen->gem->fd, (uint32_t)screen->connector->prop_values[i]);
    }
    return NULL;
}

/* VESA E-EDID 1.4: header, a checksum for each block, the number of extensions, the first detailed timing is the preferred one. */
static void monitor(const struct settings *settings)
{
    static const uint8_t header[8] = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};
    struct screen *screen = screen_open(settings);
    drmModePropertyBlobRes *blob = read_edid(screen);
    const uint8_t *edid, *timing;
    unsigned width, height;

    if (!blob || blob->length < EDID_BLOCK || blob->length % EDID_BLOCK)
        fail("expected an EDID of blocks of 128 bytes, found %u bytes", blob ? blob->length : 0);
    edid = blob->data;
    if (memcmp(edid, header, sizeof(header)) != 0)
        fail("expected the header of an EDID, found %02x %02x %02x ...", edid[0], edid[1], edid[2]);
    if (blob->length != EDID_BLOCK * (1u + edid[126]))
        fail("the EDID says that it has %u extensions, found %u bytes", edid[126], blob->length);
    for (unsigned block = 0; block < blob->length / EDID_BLOCK; block++) {
        uint8_t sum = 0;

        for (unsigned i = 0; i < EDID_BLOCK; i++)
            sum = (uint8_t)(sum + edid[block * EDID_BLOCK + i]);
        if (sum != 0)
            fail("EDID block %u: expected checksum 0, found %#x", block, sum);
    }
    timing = edid + 54;
    width = timing[2] | (timing[4] & 0xf0u) << 4;
    height = timing[5] | (timing[7] & 0xf0u) << 4;
    if (screen->mode.hdisplay != width || screen->mode.vdisplay != height)
        fail("expected the EDID's %u x %u as the preferred mode, found %ux%u", width, height, screen->mode.hdisplay, screen->mode.vdisplay);
    note("%d modes, preferred %s at %.2f Hz", screen->connector->count_modes, screen->mode.name, refresh_of(&screen->mode));
    drmModeFreePropertyBlob(blob);
    gem_close(screen->gem);
}

/* Sets modes of the list one after the other, and counts vblanks in each. */
static void modes(const struct settings *settings)
{
    struct screen *screen = screen_open(settings);
    unsigned most = settings->quick ? 2 : 8, set = 0;
    struct frame frame = {0};

    for (int i = 0; i < screen->connector->count_modes && set < most; i++) {
        const drmModeModeInfo *mode = &screen->connector->modes[i];
        struct frame next;

        if (mode->flags & (DRM_MODE_FLAG_INTERLACE | DRM_MODE_FLAG_DBLSCAN))
            continue;
        next = frame_create(screen, mode->hdisplay, mode->vdisplay);
        for (unsigned n = 0; n < next.bo->size / 4; n++)
            next.bo->map[n] = 0xff000000 | n;
        set_mode(screen, &next, mode);
        expect_vblanks(screen, mode, 12);
        if (set++)
            frame_destroy(screen, &frame);
        frame = next;
    }
    note("%u modes", set);
    gem_close(screen->gem);
}

struct flips {
    unsigned count, sequence;
    double seconds;
};

static void flipped(int fd, unsigned sequence, unsigned tv_sec, unsigned tv_usec, void *user_data)
{
    struct flips *flips = user_data;

    (void)fd;
    flips->count++;
    flips->sequence = sequence;
    flips->seconds = tv_sec + tv_usec * 1e-6;
}

static void flip_and_wait(const struct screen *screen, const struct frame *frame, struct flips *flips)
{
    drmEventContext context = {.version = 2, .page_flip_handler = flipped};
    struct pollfd waiting = {screen->gem->fd, POLLIN, 0};
    unsigned before = flips->count;
    double deadline = now_s() + EVENT_PATIENCE_MS / 1000.0;

    if (drmModePageFlip(screen->gem->fd, screen->crtc, frame->id, DRM_MODE_PAGE_FLIP_EVENT, flips))
        fail("flip %u: the kernel refuses it: %s", flips->count, strerror(errno));
    while (flips->count == before) {
        if (now_s() > deadline)
            fail("flip %u: expected its event, none after %d ms", flips->count, EVENT_PATIENCE_MS);
        if (poll(&waiting, 1, 100) == 1 && drmHandleEvent(screen->gem->fd, &context))
            fail("flip %u: no event can be read", flips->count);
    }
}

static void flip(const struct settings *settings)
{
    struct screen *screen = screen_open(settings);
    unsigned count = settings->quick ? 20 : 120;
    struct frame frames[2];
    struct flips flips = {0}, first;

    for (unsigned i = 0; i < 2; i++) {
        frames[i] = frame_create(screen, screen->mode.hdisplay, screen->mode.vdisplay);
        for (unsigned n = 0; n < frames[i].bo->size / 4; n++)
            frames[i].bo->map[n] = i ? 0xff203060 : 0xff603020;
    }
    set_mode(screen, &frames[0], &screen->mode);
    flip_and_wait(screen, &frames[1], &flips);
    first = flips;
    for (unsigned i = 0; i < count; i++) {
        unsigned before = flips.sequence;

        flip_and_wait(screen, &frames[i % 2], &flips);
        if (flips.sequence - before < 1 || flips.sequence - before > 1000)
            fail("flip %u: expected a vblank after number %u, found number %u", i, before, flips.sequence);
    }
    expect_rate((flips.sequence - first.sequence) / (flips.seconds - first.seconds), &screen->mode, "flips by their time stamps");
    note("%u flips in %u frames", count, flips.sequence - first.sequence);
    gem_close(screen->gem);
}

/* The blitter draws what is then shown; what it drew is compared when the frame is off the screen. */
static void blit(const struct settings *settings)
{
    struct screen *screen = screen_open(settings);
    const struct engine *blitter = gem_need_engine(screen->gem, I915_ENGINE_CLASS_COPY);
    unsigned count = settings->quick ? 6 : 30;
    int width = screen->mode.hdisplay, height = screen->mode.vdisplay;
    struct frame frames[2];
    struct flips flips = {0};
    struct blt blt = {.bytes = 4, .rop = ROP_FILL};

    for (unsigned i = 0; i < 2; i++)
        frames[i] = frame_create(screen, screen->mode.hdisplay, screen->mode.vdisplay);
    set_mode(screen, &frames[0], &screen->mode);
    for (unsigned i = 0; i < count; i++) {
        struct frame *frame = &frames[(i + 1) % 2];
        struct surface surface = {.bo = frame->bo, .tiling = TILING_LINEAR, .pitch = frame->pitch, .rows = (unsigned)height};
        uint32_t around = 0xff000000 | hash32(settings->seed, i, 0), inside = 0xff000000 | hash32(settings->seed, i, 1);
        struct rect box = {width / 4, height / 4, width / 2 + (int)i, height / 2 + (int)i};
        struct batch *batch = batch_create(screen->gem, blitter, 0, 64);

        blt_fill(batch, &surface, &blt, (struct rect){0, 0, width, height}, around);
        blt_fill(batch, &surface, &blt, box, inside);
        batch_submit(batch);
        flip_and_wait(screen, frame, &flips); /* the kernel waits for the blits before it flips */
        batch_await(batch);
        for (int y = 0; y < height; y += 7) {
            for (int x = 0; x < width; x += 5) {
                bool in = x >= box.x1 && x < box.x2 && y >= box.y1 && y < box.y2;
                uint32_t found = frame->bo->map[(size_t)y * frame->pitch / 4 + (size_t)x];

                if (found != (in ? inside : around))
                    fail("frame %u, pixel %d, %d: expected %#x, found %#x", i, x, y, in ? inside : around, found);
            }
        }
        batch_destroy(batch);
    }
    gem_close(screen->gem);
}

static void vblank(const struct settings *settings)
{
    struct screen *screen = screen_open(settings);
    struct frame frame = frame_create(screen, screen->mode.hdisplay, screen->mode.vdisplay);

    set_mode(screen, &frame, &screen->mode);
    expect_vblanks(screen, &screen->mode, settings->quick ? 30 : 120);
    gem_close(screen->gem);
}

static void cursor(const struct settings *settings)
{
    enum { SIZE = 64 };
    struct screen *screen = screen_open(settings);
    struct frame frame = frame_create(screen, screen->mode.hdisplay, screen->mode.vdisplay), image = frame_create(screen, SIZE, SIZE);
    int fd = screen->gem->fd, width = screen->mode.hdisplay, height = screen->mode.vdisplay;
    const int places[][2] = {{0, 0}, {-20, -20}, {width / 2, height / 2}, {width - 10, height - 10}, {width - 1, 0}};
    unsigned sequence;
    double seconds;

    for (unsigned i = 0; i < SIZE * SIZE; i++)
        image.bo->map[i] = (i / SIZE + i) % 8 ? 0xffffffff : 0x80ff0000;
    set_mode(screen, &frame, &screen->mode);
    if (drmModeSetCursor(fd, screen->crtc, image.bo->handle, SIZE, SIZE))
        fail("a cursor of %d x %d: the kernel refuses it: %s", SIZE, SIZE, strerror(errno));
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        if (drmModeMoveCursor(fd, screen->crtc, places[i][0], places[i][1]))
            fail("a cursor at %d, %d: the kernel refuses it: %s", places[i][0], places[i][1], strerror(errno));
        wait_vblanks(screen, 2, &sequence, &seconds);
    }
    if (drmModeSetCursor(fd, screen->crtc, 0, 0, 0))
        fail("taking the cursor away: %s", strerror(errno));
    gem_close(screen->gem);
}

static void off_and_on(const struct settings *settings)
{
    struct screen *screen = screen_open(settings);
    struct frame frame = frame_create(screen, screen->mode.hdisplay, screen->mode.vdisplay);
    int fd = screen->gem->fd;

    for (unsigned i = 0; i < (settings->quick ? 2u : 6u); i++) {
        drmModeCrtc *crtc;

        set_mode(screen, &frame, &screen->mode);
        expect_vblanks(screen, &screen->mode, 12);
        if (drmModeSetCrtc(fd, screen->crtc, 0, 0, 0, NULL, 0, NULL))
            fail("switching the display off: %s", strerror(errno));
        crtc = drmModeGetCrtc(fd, screen->crtc);
        if (!crtc || crtc->mode_valid)
            fail("expected no mode when the display is off, found one");
        drmModeFreeCrtc(crtc);
        if (!drmModePageFlip(fd, screen->crtc, frame.id, 0, NULL))
            fail("expected no flip when the display is off, the kernel took one");
    }
    gem_close(screen->gem);
}

const struct check kms_checks[] = {
    {"monitor", monitor, "a monitor is there, its EDID is whole and names the preferred mode", 0},
    {"modes", modes, "modes of the list, with vblanks in each", 0},
    {"vblank", vblank, "vblanks come at the mode's rate", 0},
    {"flip", flip, "page flips with events, one each frame", 0},
    {"blit", blit, "frames that the blitter draws", 0},
    {"cursor", cursor, "a cursor, also at the edges", 0},
    {"off_and_on", off_and_on, "the display off and on again", 0},
    {0},
};
