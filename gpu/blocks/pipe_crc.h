/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pipe CRCs. Software that enables PIPE_CRC_CTL gets a checksum of each frame that the pipe sends to its transcoder, in PIPE_CRC_RES_1, and an interrupt
 * with it, at the vertical blank that ends the frame: drivers' tests compare pictures by it. Equal pictures have equal checksums; which polynomial the
 * hardware uses is not published, ours is that of zlib's crc32() over the pixels as the monitor gets them.
 *
 * To read a frame takes milliseconds, too long for the owner's lock. So the display says when a frame is to be read (display_crc_take()), a worker reads it
 * without the lock, and the display is told (display_crc_give()). The vertical blank waits for that: where reading takes longer than a frame, frames
 * are as much longer. It waits for its interrupt to be taken, too (display_pipe.c): so no checksum is of another frame than its number says, even where a
 * guest is held up before it reads the frame counter. A display's checksums take at most half of a processor.
 *
 * Sources: Linux 6.1 intel_pipe_crc.c, i915_reg.h (PIPE_CRC_*); IGT lib/igt_pipe_crc.c (which frame a checksum is of).
 */
#ifndef MEDIANT_GPU_BLOCKS_PIPE_CRC_H
#define MEDIANT_GPU_BLOCKS_PIPE_CRC_H

#include "gpu/blocks/scanout.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A frame to be read. */
struct pipe_crc {
    struct scanout scanout; /* what the checksum is of: the pipe's picture, or one of its planes alone */
    uint32_t ticket;        /* the display's */
    bool known;             /* the reader's answer: false when the frame could not be read, */
    uint32_t value;         /* else its checksum */
};

/*
 * True when a frame is to be read now: then its answer must be given to display_crc_give(), before which no other frame comes. The owner asks after each
 * display_tick() (display_next_event_ns() counts the time for it), under the lock of the display.
 */
bool display_crc_take(struct display *display, uint64_t now_ns, struct pipe_crc *frame);
/* Under the same lock; may be late, when the pipe is long off. */
void display_crc_give(struct display *display, const struct pipe_crc *frame, uint64_t now_ns);

/* Reads the frame: known and value. Any thread. */
void pipe_crc_read(struct pipe_crc *frame, scanout_read_fn read, void *opaque);

/*
 * A thread that reads one frame after the other; it starts with the first. done() is called on it, without any lock, for each frame that was given; on the
 * caller's thread for a frame that cannot be read because there is no thread to be had.
 */
struct pipe_crc_worker;
struct pipe_crc_worker_ops {
    scanout_read_fn read;
    void (*done)(void *opaque, const struct pipe_crc *frame);
};
struct pipe_crc_worker *pipe_crc_worker_create(const struct pipe_crc_worker_ops *ops, void *opaque);
/* One at a time: not before done() of the last. The frame is copied. No lock held that done() takes. */
void pipe_crc_worker_give(struct pipe_crc_worker *worker, const struct pipe_crc *frame);
/* Waits for a frame that is being read. NULL is allowed. */
void pipe_crc_worker_destroy(struct pipe_crc_worker *worker);

#ifdef __cplusplus
}
#endif
#endif
