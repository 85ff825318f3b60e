/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What changed on a screen, and when to look again. See watch.h. */
#include "vmm/display/watch.h"

#include "vmm/display/card.h"

#include <string.h>

#define AFTER_VBLANK UINT64_C(200000) /* ns: what was armed is latched, and shown */

void watch_init(struct watch *watch, const char *guest, const struct watch_source *source, struct picture *picture)
{
    *watch = (struct watch){.source = *source, .guest = guest, .picture = picture, .pace_ns = WATCH_SHORTEST};
}

void watch_rest(struct watch *watch)
{
    g_clear_pointer(&watch->card, g_free);
    g_clear_pointer(&watch->line, g_free);
    g_mutex_lock(&watch->picture->lock);
    g_clear_pointer(&watch->picture->image, image_free);
    g_mutex_unlock(&watch->picture->lock);
}

void watch_stir(struct watch *watch, uint64_t now_ns)
{
    watch->stirred_ns = now_ns;
    watch->pace_ns = WATCH_SHORTEST;
    watch->probe_ns = 0;
}

/* Another picture, which is taken over and shown as it is: all of it is new. */
static bool replace(struct watch *watch, struct image *image, struct damage *damage)
{
    damage_all(damage, image);
    g_free(watch->line);
    watch->line = g_new(uint32_t, image->width);
    g_mutex_lock(&watch->picture->lock);
    image_free(watch->picture->image);
    watch->picture->image = image;
    g_mutex_unlock(&watch->picture->lock);
    return true;
}

static bool show_card(struct watch *watch, bool failed, const char *words, struct damage *damage)
{
    if (g_strcmp0(watch->card, words) == 0)
        return false;
    struct image *image = card_create(watch->guest, failed, words);
    if (!image)
        return false;
    g_free(watch->card);
    watch->card = g_strdup(words);
    return replace(watch, image, damage);
}

/* The first vertical blank that is not too soon; with a shorter frame than our shortest some are left out. */
static uint64_t next_look(uint64_t now_ns, uint64_t vblank_ns, uint64_t frame_ns)
{
    uint64_t earliest = now_ns + WATCH_SHORTEST - WATCH_SHORTEST / 8;

    if (vblank_ns == UINT64_MAX || frame_ns == 0)
        return now_ns + WATCH_SHORTEST;
    if (vblank_ns < earliest)
        vblank_ns += (earliest - vblank_ns + frame_ns - 1) / frame_ns * frame_ns;
    return vblank_ns + AFTER_VBLANK;
}

/* Reads a row of tiles; true when something in it differs, and is changed in the picture. With the picture's lock. */
static bool update_row(struct watch *watch, struct scanout_reader *reader, unsigned row, struct damage *damage)
{
    struct image *image = watch->picture->image;
    unsigned end = MIN((row + 1) * DAMAGE_TILE, image->height);
    bool differs = false;

    for (unsigned y = row * DAMAGE_TILE; y < end; y++) {
        uint32_t *shown = image->pixels + (size_t)y * image->width;
        scanout_reader_line(reader, y, watch->line);
        watch->lines++;
        if (damage_compare_line(damage, shown, watch->line, image->width, y)) {
            memcpy(shown, watch->line, image->width * sizeof(*shown));
            differs = true;
        }
    }
    return differs;
}

/* Finds the rows of tiles with lines of this probe that differ, and marks them and their neighbours. */
static void probe(struct watch *watch, struct scanout_reader *reader, unsigned grain, bool rows[DAMAGE_ROWS])
{
    const struct image *image = watch->picture->image;

    for (unsigned y = 0; y < image->height; y++) {
        unsigned row = y / DAMAGE_TILE;
        if (y / grain % WATCH_PROBES != watch->phase || rows[row])
            continue;
        scanout_reader_line(reader, y, watch->line);
        watch->lines++;
        if (memcmp(image->pixels + (size_t)y * image->width, watch->line, image->width * sizeof(*watch->line)) == 0)
            continue;
        for (unsigned i = row ? row - 1 : 0; i <= MIN(row + 1, DAMAGE_ROWS - 1); i++)
            rows[i] = true;
    }
    watch->phase = (watch->phase + 1) % WATCH_PROBES;
}

static void set_pace(struct watch *watch, uint64_t now_ns, bool changed)
{
    bool awake = now_ns - watch->stirred_ns < WATCH_AWAKE;

    watch->pace_ns = awake     ? WATCH_SHORTEST
                     : changed ? MAX(watch->pace_ns / 2, WATCH_SHORTEST)
                               : MIN(watch->pace_ns * 2, WATCH_LONGEST);
    watch->probe_ns = now_ns + watch->pace_ns - WATCH_SHORTEST / 2; /* the look that is nearest to it */
}

/* The screen as it is now, to be shown once it is whole; NULL without memory. */
static struct image *read_whole(struct watch *watch, struct scanout_reader *reader, unsigned width, unsigned height)
{
    struct image *image = image_create(width, height);

    for (unsigned y = 0; image && y < height; y++, watch->lines++)
        scanout_reader_line(reader, y, image->pixels + (size_t)y * width);
    return image;
}

/* all: the pipe was set to something else. */
static bool scan(struct watch *watch, uint64_t now_ns, const struct scanout *scanout, bool all, struct damage *damage)
{
    g_autoptr(GError) error = NULL;
    struct scanout_reader *reader = watch->source.reader(watch->source.opaque, scanout, &error);
    struct image *image = watch->picture->image;
    bool rows[DAMAGE_ROWS] = {false}, changed = false, fresh = false;
    unsigned width, height, grain;

    if (!reader)
        return show_card(watch, false, error ? error->message : "no picture", damage);
    scanout_reader_size(reader, &width, &height, &grain);
    if (!image || image->width != width || image->height != height) {
        image = read_whole(watch, reader, width, height);
        changed = fresh = all = image && replace(watch, image, damage);
    }
    if (image && !all)
        probe(watch, reader, grain, rows);
    if (image) {
        g_mutex_lock(&watch->picture->lock);
        for (unsigned row = 0; row * DAMAGE_TILE < height; row++)
            changed |= !fresh && (all || rows[row]) && update_row(watch, reader, row, damage);
        g_mutex_unlock(&watch->picture->lock);
        g_clear_pointer(&watch->card, g_free);
        watch->shown = *scanout;
        if (!all || !changed)
            set_pace(watch, now_ns, changed);
    }
    watch->source.done(watch->source.opaque, reader);
    return changed;
}

bool watch_look(struct watch *watch, uint64_t now_ns, struct damage *damage)
{
    g_autoptr(GError) error = NULL;
    struct scanout scanout = {0};
    uint64_t vblank_ns = UINT64_MAX;
    bool there = watch->source.look(watch->source.opaque, &scanout, &vblank_ns, &error);

    if (!there || !scanout.on) {
        watch->look_ns = now_ns + WATCH_WITHOUT;
        return show_card(watch, !there, there ? "Waiting for the guest's i915 driver to set a mode." : error->message, damage);
    }
    watch->look_ns = next_look(now_ns, vblank_ns, scanout.frame_ns);
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): a difference between the fields costs a look at the picture, no more */
    bool set = watch->card || !watch->picture->image || memcmp(&scanout, &watch->shown, sizeof(scanout)) != 0;
    return (set || now_ns >= watch->probe_ns) && scan(watch, now_ns, &scanout, set, damage);
}
