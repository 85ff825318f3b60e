/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches one guest's screen while somebody looks. At each vertical blank, at most 60 times a second, it compares what the pipe is set to, which costs next to
 * nothing; when that has changed (a flip, the cursor, the mode) it reads the screen and finds the tiles that differ.
 *
 * Memory can change without a word to the display. So, now and then, an eighth of the lines is compared too, another one each time, and where one differs what is
 * around it is read: at the pace at which things are found to change, at most a vertical blank, at least four times a second.
 *
 * Threads: one at a time, that of screen.c. The picture is changed under its lock.
 */
#ifndef MEDIANT_VMM_DISPLAY_WATCH_H
#define MEDIANT_VMM_DISPLAY_WATCH_H

#include "vmm/display/damage.h"
#include "vmm/display/picture.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where pictures come from: as gpu_setup_scanout(), gpu_setup_reader() and gpu_setup_reader_done() of vmm/gpu_setup.h. */
struct watch_source {
    bool (*look)(void *opaque, struct scanout *scanout, uint64_t *vblank_ns, GError **error);
    struct scanout_reader *(*reader)(void *opaque, const struct scanout *scanout, GError **error);
    void (*done)(void *opaque, struct scanout_reader *reader);
    void *opaque;
};

enum { WATCH_PROBES = 8 }; /* of so many lines, or blocks of lines, one is compared at a time */

/* Nanoseconds. */
#define WATCH_SHORTEST UINT64_C(16600000) /* from look to look */
#define WATCH_LONGEST UINT64_C(250000000) /* from probe to probe */
#define WATCH_AWAKE UINT64_C(500000000)   /* after input: how long the pace stays the shortest */
#define WATCH_WITHOUT UINT64_C(100000000) /* from look to look where the guest shows nothing */

struct watch {
    struct watch_source source;
    const char *guest; /* the name */
    struct picture *picture;
    struct scanout shown;   /* what the picture was made of; valid unless card is set */
    char *card;             /* the words of the picture, where the guest shows none */
    uint32_t *line;         /* of the picture's width */
    unsigned phase;         /* of the next probe */
    uint64_t stirred_ns;    /* when somebody last typed */
    uint64_t pace_ns;       /* from probe to probe */
    uint64_t look_ns, probe_ns; /* when to do either again */
    uint64_t lines;         /* how many were read */
};

/* guest, picture and the source outlive the watch. */
void watch_init(struct watch *watch, const char *guest, const struct watch_source *source, struct picture *picture);
/* Gives back what it holds, the picture too, until the next look. Nobody uses the picture. */
void watch_rest(struct watch *watch);

/* One look. True when the picture has changed, with what differs from before added to *damage (all, for another size). */
bool watch_look(struct watch *watch, uint64_t now_ns, struct damage *damage);
/* Somebody typed, or came: something is going to change. */
void watch_stir(struct watch *watch, uint64_t now_ns);
/* When to look again: watch->look_ns. */

#ifdef __cplusplus
}
#endif
#endif
