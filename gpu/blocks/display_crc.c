/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pipe CRCs: when a frame is read, and what its vertical blank waits for; see pipe_crc.h. Called by display.c and display_pipe.c.
 *
 * A frame is read as late in its time as lets the answer come before the vertical blank, by how long the last one took. What is armed is not live before
 * the blank, so registers and pictures are those of the frame.
 */
#include <string.h>

#include "gpu/blocks/display_internal.h"
#include "gpu/blocks/pipe_crc.h"
#include "gpu/trace.h"

/* PIPE_CRC_CTL. */
enum {
    CRC_ENABLE = 1u << 31,
    CRC_SOURCE_SHIFT = 28,
    CRC_SOURCE_MASK = 7,
    CRC_SOURCE_PIPE = 4, /* DMUX: what goes to the transcoder */
};

enum {
    PATIENCE_NS = 1000000000, /* a vertical blank waits for no longer: a client may not answer when its memory is read */
    MARGIN_NS = 500000,
};

static uint32_t control(const struct display *display, unsigned pipe)
{
    return display_reg(display, R_PIPE_CRC_CTL + pipe * PIPE_STRIDE);
}

bool crc_wanted(const struct display *display, unsigned pipe)
{
    return display->s.pipes[pipe].on && (control(display, pipe) & CRC_ENABLE);
}

static uint64_t start_ns(const struct pipe_state *p)
{
    uint64_t lead_ns = MIN(p->crc.cost_ns + p->crc.cost_ns / 4 + MARGIN_NS, p->frame_ns);

    return MAX(p->vblank_ns + p->frame_ns - lead_ns, p->crc.rest_until_ns);
}

bool crc_missing(const struct display *display, unsigned pipe)
{
    return crc_wanted(display, pipe) && display->s.pipes[pipe].crc.stage < CRC_KNOWN;
}

uint64_t crc_patience_ns(const struct display *display, unsigned pipe)
{
    const struct pipe_state *p = &display->s.pipes[pipe];

    return p->vblank_ns + p->frame_ns + PATIENCE_NS;
}

uint64_t crc_next_event_ns(const struct display *display, unsigned pipe)
{
    const struct pipe_state *p = &display->s.pipes[pipe];

    if (!crc_wanted(display, pipe))
        return UINT64_MAX;
    if (p->crc.stage == CRC_AHEAD && !display->s.crc_taken)
        return start_ns(p);
    return pipe_vblank_ns(p);
}

uint32_t crc_done_bit(const struct display *display, unsigned pipe)
{
    return display->s.pipes[pipe].crc.stage == CRC_KNOWN ? IRQ_PIPE_CRC_DONE : 0;
}

uint32_t crc_latch(struct display *display, unsigned pipe)
{
    struct pipe_state *p = &display->s.pipes[pipe];
    bool known = p->crc.stage == CRC_KNOWN;

    p->crc.stage = CRC_AHEAD;
    if (!known)
        return 0;
    display_reg_set(display, R_PIPE_CRC_RES_1 + pipe * PIPE_STRIDE, p->crc.value);
    trace_emit(display->trace, TRACE_FRAME_CRC, display->vgpu, TRACE_NO_ENGINE, pipe, p->crc.value);
    return IRQ_PIPE_CRC_DONE;
}

bool crc_mmio_write(struct display *display, uint32_t offset, uint32_t value, uint64_t now_ns)
{
    for (unsigned pipe = 0; pipe < DISPLAY_PIPES; pipe++) {
        struct pipe_state *p = &display->s.pipes[pipe];

        if (offset != R_PIPE_CRC_CTL + pipe * PIPE_STRIDE)
            continue;
        pipe_advance(display, pipe, now_ns);
        display_reg_set(display, offset, value);
        p->crc.stage = CRC_AHEAD; /* what was read of this frame answers the question before: it is read again */
        p->retry_ns = MIN(p->retry_ns, now_ns);
        pipe_advance(display, pipe, now_ns);
        return true;
    }
    return false;
}

/* The plane that a source means; -1 for one that this hardware has not. */
static int source_plane(unsigned source)
{
    static const int planes[] = {[0] = 0, [1] = -1, [2] = 1, [3] = -1, [5] = -1, [6] = 2, [7] = 3};

    return planes[source];
}

static void leave_plane(struct scanout *scanout, int plane)
{
    for (int i = 0; i < DISPLAY_PLANES; i++) {
        if (i != plane)
            memset(&scanout->planes[i], 0, sizeof(scanout->planes[i]));
    }
    memset(&scanout->cursor, 0, sizeof(scanout->cursor));
    scanout->background = 0;
}

bool display_crc_take(struct display *display, uint64_t now_ns, struct pipe_crc *frame)
{
    for (unsigned pipe = 0; pipe < DISPLAY_PIPES && !display->s.crc_taken; pipe++) {
        struct pipe_state *p = &display->s.pipes[pipe];
        unsigned source = (control(display, pipe) >> CRC_SOURCE_SHIFT) & CRC_SOURCE_MASK;

        if (!crc_wanted(display, pipe) || p->crc.stage != CRC_AHEAD || now_ns < start_ns(p))
            continue;
        memset(frame, 0, sizeof(*frame));
        pipe_scanout(display, pipe, &frame->scanout);
        frame->scanout.wire = true;
        if (source != CRC_SOURCE_PIPE)
            leave_plane(&frame->scanout, source_plane(source));
        frame->ticket = ++display->s.crc_ticket;
        p->crc.stage = CRC_TAKEN;
        p->crc.ticket = frame->ticket;
        p->crc.taken_ns = now_ns;
        display->s.crc_taken = true;
        return true;
    }
    return false;
}

void display_crc_give(struct display *display, const struct pipe_crc *frame, uint64_t now_ns)
{
    struct pipe_state *p = &display->s.pipes[frame->scanout.pipe];

    display->s.crc_taken = false;
    if (p->crc.ticket != frame->ticket)
        return;
    p->crc.cost_ns = now_ns > p->crc.taken_ns ? now_ns - p->crc.taken_ns : 0;
    p->crc.rest_until_ns = now_ns + p->crc.cost_ns;
    if (p->crc.stage != CRC_TAKEN)
        return; /* asked for something else, or out of patience */
    p->crc.stage = frame->known ? CRC_KNOWN : CRC_UNKNOWN;
    p->crc.value = frame->value;
    pipe_advance(display, frame->scanout.pipe, now_ns);
}
