/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pipes: time (frames, scan lines, vertical blanks), double-buffered planes, cursors and scalers, flips. Called by
 * display.c.
 *
 * A write to an arming register (PLANE_SURF, CURBASE, PS_WIN_SZ) takes a copy of the block's registers; the copy becomes
 * live at the next vertical blank, at once when the pipe is off or the flip is asynchronous. PLANE_CTL and CURCNTR arm by
 * themselves when they enable what was off (i915 skl_plane_update_arm, i9xx_cursor_update_arm).
 */
#include <string.h>

#include "gpu/blocks/display_internal.h"
#include "gpu/trace.h"

/* PRM SKL vol. 2c; i915_reg.h. */
enum {
    TRANS_CONF_ENABLE = 1u << 31,
    TRANS_CONF_STATE = 1 << 30,
    PLANE_CTL_ENABLE = 1u << 31,
    PLANE_CTL_ASYNC_FLIP = 1 << 9,
    PLANE_CTL_TILED_SHIFT = 10,
    PLANE_CTL_TILED_MASK = 7 << PLANE_CTL_TILED_SHIFT,
    CURSOR_MODE_MASK = 0x27,
    TOTAL_MASK = 0x1fff,
    DSL_MASK = 0xfffff,
    TAKING_NS = 50000000,
};

static uint32_t pipe_reg(unsigned pipe, uint32_t offset_a)
{
    return offset_a + pipe * PIPE_STRIDE;
}

static uint32_t plane_reg(unsigned pipe, unsigned plane, uint32_t offset_1a)
{
    return offset_1a + pipe * PIPE_STRIDE + plane * PLANE_REG_STRIDE;
}

static uint32_t scaler_reg(unsigned pipe, unsigned scaler, uint32_t offset_1a)
{
    return offset_1a + pipe * SCALER_PIPE_STRIDE + scaler * SCALER_STRIDE;
}

/* What an arming write takes. */
static void plane_snapshot(const struct display *display, unsigned pipe, unsigned plane, struct scanout_plane *out)
{
    *out = (struct scanout_plane){
        .ctl = display_reg(display, plane_reg(pipe, plane, R_PLANE_CTL_1)),
        .stride = display_reg(display, plane_reg(pipe, plane, R_PLANE_STRIDE_1)),
        .pos = display_reg(display, plane_reg(pipe, plane, R_PLANE_POS_1)),
        .size = display_reg(display, plane_reg(pipe, plane, R_PLANE_SIZE_1)),
        .keyval = display_reg(display, plane_reg(pipe, plane, R_PLANE_KEYVAL_1)),
        .keymsk = display_reg(display, plane_reg(pipe, plane, R_PLANE_KEYMSK_1)),
        .surf = display_reg(display, plane_reg(pipe, plane, R_PLANE_SURF_1)),
        .keymax = display_reg(display, plane_reg(pipe, plane, R_PLANE_KEYMAX_1)),
        .offset = display_reg(display, plane_reg(pipe, plane, R_PLANE_OFFSET_1)),
        .aux_dist = display_reg(display, plane_reg(pipe, plane, R_PLANE_AUX_DIST_1)),
        .aux_offset = display_reg(display, plane_reg(pipe, plane, R_PLANE_AUX_OFFSET_1)),
    };
}

/* Returns the flip-done bit that is due. */
static uint32_t plane_latch(struct display *display, unsigned pipe, unsigned plane, uint64_t now_ns)
{
    struct pipe_state *p = &display->s.pipes[pipe];
    struct plane_state *state = &p->planes[plane];
    bool flip = state->armed == ARMED_FLIP;

    if (state->armed == ARMED_NONE)
        return 0;
    state->live = state->next;
    state->armed = ARMED_NONE;
    display_reg_set(display, plane_reg(pipe, plane, R_PLANE_SURFLIVE_1), state->live.surf);
    if (!p->on)
        return 0;
    if (state->live.ctl & PLANE_CTL_ENABLE) {
        trace_emit(display->trace, TRACE_FLIP, display->vgpu, TRACE_NO_ENGINE, state->live.surf, plane);
        if (!plane) {
            display->s.stats.frames++;
            display->s.stats.last_flip_ns = now_ns;
        }
    }
    return flip ? (uint32_t)IRQ_PIPE_PLANE1_FLIP << plane : 0;
}

static void cursor_latch(struct display *display, unsigned pipe)
{
    struct cursor_state *cursor = &display->s.pipes[pipe].cursor;

    if (cursor->armed == ARMED_NONE)
        return;
    cursor->live = cursor->next;
    cursor->armed = ARMED_NONE;
    display_reg_set(display, pipe_reg(pipe, R_CURSURFLIVE), cursor->live.base);
}

/* Everything that was armed becomes live. Returns the interrupt bits that are due. */
static uint32_t pipe_latch(struct display *display, unsigned pipe, uint64_t now_ns)
{
    struct pipe_state *p = &display->s.pipes[pipe];
    uint32_t bits = 0;

    for (unsigned i = 0; i < DISPLAY_PLANES; i++)
        bits |= plane_latch(display, pipe, i, now_ns);
    cursor_latch(display, pipe);
    for (unsigned i = 0; i < SCANOUT_SCALERS; i++) {
        if (p->scalers[i].armed)
            p->scalers[i].live = p->scalers[i].next;
        p->scalers[i].armed = false;
    }
    return bits;
}

static bool pipe_armed(const struct pipe_state *p)
{
    for (unsigned i = 0; i < DISPLAY_PLANES; i++) {
        if (p->planes[i].armed != ARMED_NONE)
            return true;
    }
    return p->cursor.armed != ARMED_NONE || p->scalers[0].armed || p->scalers[1].armed;
}

uint64_t pipe_vblank_ns(const struct pipe_state *p)
{
    return MAX(p->vblank_ns + p->frame_ns, MAX(p->retry_ns, p->taking_until_ns));
}

/*
 * The interrupt of a vblank is raised when it is due; all else of it waits until software takes the interrupt, for TAKING_NS at most. Drivers rely on an
 * interrupt that comes within microseconds. i915 updates planes and cursors with interrupts off, when the scan line says that the vblank is 100 us away
 * (intel_pipe_update_start), and numbers a checksum by the frame counter that it reads after it. Here each access is trapped and crosses a socket, an
 * interrupt crosses another, and a busy host stops the virtual CPU for milliseconds: a vblank could come in the midst of that, or between its time and
 * the handler's, and the driver would take it for one that came behind.
 */
static bool vblank_untaken(struct display *display, unsigned pipe, struct pipe_state *p, uint64_t now_ns)
{
    const struct irq_bank_state *bank = &display->irq->bank[IRQ_PIPE_A + pipe];
    uint32_t bits = IRQ_PIPE_VBLANK | IRQ_PIPE_VSYNC | crc_done_bit(display, pipe);

    if (!p->told) {
        if (bits & bank->ier & bank->iir) /* the last one's: who has not even looked at them is not waited for */
            return now_ns < p->taking_until_ns && now_ns - p->vblank_ns < p->frame_ns + TAKING_NS;
        if (!(bits & bank->ier & ~bank->imr))
            return false;
        p->told = bits;
        p->taking_until_ns = now_ns + TAKING_NS;
        irq_tree_set(display->irq, IRQ_PIPE_A + pipe, bits);
    }
    return now_ns < p->taking_until_ns;
}

/* True while the vblank that is due waits: for the frame's checksum, for its interrupt to be taken. */
static bool vblank_waits(struct display *display, unsigned pipe, struct pipe_state *p, uint64_t now_ns)
{
    if (!p->told && crc_missing(display, pipe) && now_ns < crc_patience_ns(display, pipe)) {
        p->retry_ns = crc_patience_ns(display, pipe);
        return true;
    }
    /* A checksum for each frame: late ones are longer, not left out. */
    if (p->retry_ns || (crc_wanted(display, pipe) && now_ns - p->vblank_ns >= 2 * p->frame_ns))
        p->frame_ns = now_ns - p->vblank_ns;
    p->retry_ns = 0;
    return vblank_untaken(display, pipe, p, now_ns);
}

void pipe_advance(struct display *display, unsigned pipe, uint64_t now_ns)
{
    struct pipe_state *p = &display->s.pipes[pipe];
    uint64_t frames, first_ns;
    uint32_t bits;
    int transcoder;

    if (!p->on || !p->frame_ns || now_ns < p->vblank_ns || now_ns - p->vblank_ns < p->frame_ns || vblank_waits(display, pipe, p, now_ns))
        return;
    frames = (now_ns - p->vblank_ns) / p->frame_ns;
    first_ns = p->vblank_ns + p->frame_ns;
    p->vblank_ns += frames * p->frame_ns;
    p->frame += (uint32_t)frames;
    display->s.stats.vblanks += frames;
    /* What was armed went live at the first of these vblanks. */
    bits = IRQ_PIPE_VBLANK | IRQ_PIPE_VSYNC | crc_latch(display, pipe);
    if (pipe_armed(p))
        bits |= pipe_latch(display, pipe, first_ns);
    bits &= ~p->told;
    p->told = 0;
    p->taking_until_ns = 0;
    if (!(display->irq->bank[IRQ_PIPE_A + pipe].imr & IRQ_PIPE_VBLANK))
        trace_emit(display->trace, TRACE_VBLANK, display->vgpu, TRACE_NO_ENGINE, p->frame, 0);
    irq_tree_set(display->irq, IRQ_PIPE_A + pipe, bits);
    /* Timings and clocks that changed count from the next frame on. */
    transcoder = display_pipe_transcoder(display, pipe);
    if (transcoder >= 0)
        p->frame_ns = display_transcoder_frame_ns(display, (unsigned)transcoder);
}

uint64_t pipe_next_event_ns(const struct display *display, unsigned pipe)
{
    const struct pipe_state *p = &display->s.pipes[pipe];
    uint32_t open = ~display->irq->bank[IRQ_PIPE_A + pipe].imr;
    bool wanted;

    if (!p->on)
        return UINT64_MAX;
    wanted = open & (IRQ_PIPE_VBLANK | IRQ_PIPE_VSYNC);
    for (unsigned i = 0; i < DISPLAY_PLANES; i++)
        wanted |= p->planes[i].armed == ARMED_FLIP && (open & ((uint32_t)IRQ_PIPE_PLANE1_FLIP << i));
    uint64_t crc_ns = crc_next_event_ns(display, pipe), vblank_ns = wanted ? pipe_vblank_ns(p) : UINT64_MAX;
    return MIN(vblank_ns, crc_ns);
}

/*
 * The scan line now. Line 0 is the first active one; frames are counted from the start of the vertical blank. Hardware's
 * counter lags by one line, by two on HDMI (i915 intel_crtc scanline_offset).
 */
static uint32_t scan_line(const struct display *display, unsigned pipe, uint64_t now_ns)
{
    const struct pipe_state *p = &display->s.pipes[pipe];
    int transcoder = display_pipe_transcoder(display, pipe);
    uint64_t vtotal, vblank, line, into;
    uint32_t lag = 1;

    if (!p->on || transcoder < 0)
        return 0;
    vtotal = ((display_reg(display, display_transcoder_reg((unsigned)transcoder, R_TRANS_VTOTAL)) >> 16) & TOTAL_MASK) + 1;
    vblank = (display_reg(display, display_transcoder_reg((unsigned)transcoder, R_TRANS_VBLANK)) & TOTAL_MASK) + 1;
    if (((display_reg(display, display_transcoder_reg((unsigned)transcoder, R_TRANS_DDI_FUNC_CTL)) >> 24) & 7) < 2)
        lag = 2;
    into = now_ns > p->vblank_ns ? MIN(now_ns - p->vblank_ns, p->frame_ns - 1) : 0;
    if (p->told || crc_missing(display, pipe)) /* the blank may be far; who waits for it near its line would lose patience */
        into = MIN(into, p->frame_ns / 8 * 7);
    line = (vblank + into * vtotal / p->frame_ns) % vtotal;
    return (uint32_t)((line + vtotal * 2 - lag) % vtotal) & DSL_MASK;
}

/* The transcoder that feeds from the pipe was switched on or off, or to another pipe. */
static void pipe_update_power(struct display *display, unsigned pipe, uint64_t now_ns)
{
    struct pipe_state *p = &display->s.pipes[pipe];
    int transcoder = display_pipe_transcoder(display, pipe);

    if (transcoder >= 0) {
        if (!p->on) {
            p->vblank_ns = now_ns;
            p->retry_ns = 0;
            p->told = 0;
            p->taking_until_ns = 0;
            p->crc.stage = CRC_AHEAD;
            if (p->planes[0].live.ctl & PLANE_CTL_ENABLE) { /* set up before the pipe: visible now */
                display->s.stats.frames++;
                display->s.stats.last_flip_ns = now_ns;
            }
        }
        p->frame_ns = display_transcoder_frame_ns(display, (unsigned)transcoder);
        p->on = true;
        pipe_advance(display, pipe, now_ns);
    } else {
        p->on = false;
        pipe_latch(display, pipe, now_ns); /* nothing waits for a vblank that does not come */
    }
}

static void update_power(struct display *display, uint64_t now_ns)
{
    for (unsigned pipe = 0; pipe < DISPLAY_PIPES; pipe++)
        pipe_update_power(display, pipe, now_ns);
}

/* A write to TRANS_CONF: the state follows the enable bit at once. */
static void transcoder_configure(struct display *display, uint32_t offset, uint32_t value, uint64_t now_ns)
{
    value &= ~(uint32_t)TRANS_CONF_STATE;
    display_reg_set(display, offset, value & TRANS_CONF_ENABLE ? value | TRANS_CONF_STATE : value);
    update_power(display, now_ns);
}

static void plane_arm(struct display *display, unsigned pipe, unsigned plane, bool flip, uint64_t now_ns)
{
    struct pipe_state *p = &display->s.pipes[pipe];
    struct plane_state *state = &p->planes[plane];

    plane_snapshot(display, pipe, plane, &state->next);
    /* A flip stays one when the control register is written again behind it. */
    state->armed = flip || state->armed == ARMED_FLIP ? ARMED_FLIP : ARMED_QUIET;
    if (flip && !plane) {
        p->flips++;
        p->flip_ns = now_ns;
    }
    if (!p->on || (flip && (state->next.ctl & PLANE_CTL_ASYNC_FLIP))) {
        uint32_t bits = plane_latch(display, pipe, plane, now_ns);
        if (bits)
            irq_tree_set(display->irq, IRQ_PIPE_A + pipe, bits);
    }
}

static void cursor_arm(struct display *display, unsigned pipe)
{
    struct pipe_state *p = &display->s.pipes[pipe];

    p->cursor.next = (struct scanout_cursor){
        .ctl = display_reg(display, pipe_reg(pipe, R_CURCNTR)),
        .base = display_reg(display, pipe_reg(pipe, R_CURBASE)),
        .pos = display_reg(display, pipe_reg(pipe, R_CURPOS)),
        .fbc = display_reg(display, pipe_reg(pipe, R_CUR_FBC_CTL)),
    };
    p->cursor.armed = ARMED_FLIP;
    if (!p->on)
        cursor_latch(display, pipe);
}

static void scaler_arm(struct display *display, unsigned pipe, unsigned scaler)
{
    struct pipe_state *p = &display->s.pipes[pipe];
    struct scaler_state *state = &p->scalers[scaler];

    state->next = (struct scanout_scaler){
        .ctrl = display_reg(display, scaler_reg(pipe, scaler, R_PS_CTRL_1)),
        .pos = display_reg(display, scaler_reg(pipe, scaler, R_PS_WIN_POS_1)),
        .size = display_reg(display, scaler_reg(pipe, scaler, R_PS_WIN_SZ_1)),
    };
    state->armed = p->on;
    if (!p->on)
        state->live = state->next;
}

/* Pipe and register of pipe A that an offset in the pipes' blocks stands for. */
static bool pipe_decode(uint32_t offset, uint32_t base_a, unsigned *pipe, uint32_t *offset_a)
{
    if (offset < base_a || offset >= base_a + DISPLAY_PIPES * PIPE_STRIDE)
        return false;
    *pipe = (offset - base_a) / PIPE_STRIDE;
    *offset_a = offset - *pipe * PIPE_STRIDE;
    return true;
}

/* Plane and register of plane 1A, for the registers that lie at one place in each plane's block. */
static bool plane_decode(uint32_t offset_a, unsigned *plane, uint32_t *offset_1a)
{
    if (offset_a < R_PLANE_CTL_1 || offset_a >= R_PLANE_CTL_1 + DISPLAY_PLANES * PLANE_REG_STRIDE)
        return false;
    *plane = (offset_a - R_PLANE_CTL_1) / PLANE_REG_STRIDE;
    *offset_1a = offset_a - *plane * PLANE_REG_STRIDE;
    return true;
}

/* The pipe whose IIR this is, NULL when it is none's. */
static struct pipe_state *pipe_of_iir(struct display *display, uint32_t offset, unsigned *pipe)
{
    for (*pipe = 0; *pipe < DISPLAY_PIPES; ++*pipe) {
        if (offset == irq_tree_iir(IRQ_PIPE_A + *pipe))
            return &display->s.pipes[*pipe];
    }
    return NULL;
}

void display_interrupt_read(struct display *display, uint32_t offset, uint64_t now_ns)
{
    unsigned pipe;
    struct pipe_state *p = pipe_of_iir(display, offset, &pipe);
    const struct irq_bank_state *bank;

    if (!p)
        return;
    bank = &display->irq->bank[IRQ_PIPE_A + pipe];
    pipe_advance(display, pipe, now_ns);
    if (p->told)
        p->taking_until_ns = 0;
    pipe_advance(display, pipe, now_ns);
    if (bank->iir & bank->ier & (IRQ_PIPE_VBLANK | IRQ_PIPE_VSYNC | IRQ_PIPE_CRC_DONE))
        p->taking_until_ns = now_ns + TAKING_NS;
}

void display_interrupt_written(struct display *display, uint32_t offset, uint64_t now_ns)
{
    unsigned pipe;
    struct pipe_state *p = pipe_of_iir(display, offset, &pipe);

    if (!p)
        return;
    if (!(display->irq->bank[IRQ_PIPE_A + pipe].iir & p->told)) /* what was seen is cleared, or what was not */
        p->taking_until_ns = 0;
    pipe_advance(display, pipe, now_ns);
}

bool pipe_mmio_read(struct display *display, uint32_t offset, uint64_t now_ns, uint32_t *value)
{
    struct pipe_state *p;
    uint32_t offset_a;
    unsigned pipe;

    if (!pipe_decode(offset, R_PIPEDSL, &pipe, &offset_a))
        return false;
    p = &display->s.pipes[pipe];
    pipe_advance(display, pipe, now_ns);
    switch (offset_a) {
    case R_PIPEDSL:
        *value = scan_line(display, pipe, now_ns);
        return true;
    case R_PIPE_FRMCOUNT_G4X:
        *value = p->frame;
        return true;
    case R_PIPE_FLIPCOUNT_G4X:
        *value = p->flips;
        return true;
    case R_PIPE_FRMTMSTMP: /* microseconds */
        *value = (uint32_t)(p->vblank_ns / 1000);
        return true;
    case R_PIPE_FLIPTMSTMP:
        *value = (uint32_t)(p->flip_ns / 1000);
        return true;
    default:
        return false; /* memory; the live addresses were stored when they were latched */
    }
}

static void plane_write(struct display *display, unsigned pipe, unsigned plane, uint32_t offset_1a, uint32_t offset,
                        uint32_t value, uint64_t now_ns)
{
    const struct plane_state *state = &display->s.pipes[pipe].planes[plane];

    display_reg_set(display, offset, value);
    if (offset_1a == R_PLANE_SURF_1)
        plane_arm(display, pipe, plane, true, now_ns);
    else if (!(state->live.ctl & PLANE_CTL_ENABLE) && (value & PLANE_CTL_ENABLE))
        plane_arm(display, pipe, plane, false, now_ns);
}

/* Registers of the pipe's block, 0x70000 and up. */
static bool pipe_block_write(struct display *display, unsigned pipe, uint32_t offset_a, uint32_t offset, uint32_t value,
                             uint64_t now_ns)
{
    struct pipe_state *p = &display->s.pipes[pipe];
    unsigned plane;
    uint32_t offset_1a;

    switch (offset_a) {
    case R_PIPECONF:
        transcoder_configure(display, offset, value, now_ns);
        return true;
    case R_PIPE_FLIPCOUNT_G4X:
        display->s.pipes[pipe].flips = value;
        return true;
    case R_PIPEDSL:
    case R_PIPE_FRMCOUNT_G4X:
    case R_PIPE_FRMTMSTMP:
    case R_PIPE_FLIPTMSTMP:
    case R_CURSURFLIVE:
        return true; /* read-only */
    case R_CURCNTR:
        display_reg_set(display, offset, value);
        if (!(p->cursor.live.ctl & CURSOR_MODE_MASK) && (value & CURSOR_MODE_MASK))
            cursor_arm(display, pipe);
        return true;
    case R_CURBASE:
        display_reg_set(display, offset, value);
        cursor_arm(display, pipe);
        return true;
    default:
        break;
    }
    if (!plane_decode(offset_a, &plane, &offset_1a))
        return false;
    switch (offset_1a) {
    case R_PLANE_CTL_1:
    case R_PLANE_SURF_1:
        plane_write(display, pipe, plane, offset_1a, offset, value, now_ns);
        return true;
    case R_PLANE_SURFLIVE_1:
        return true; /* read-only */
    default:
        return false;
    }
}

bool pipe_mmio_write(struct display *display, uint32_t offset, uint32_t value, uint64_t now_ns)
{
    uint32_t offset_a;
    unsigned pipe;

    if (offset == R_PIPECONF_EDP) {
        transcoder_configure(display, offset, value, now_ns);
        return true;
    }
    if (offset == R_TRANS_DDI_FUNC_CTL_EDP) {
        display_reg_set(display, offset, value);
        update_power(display, now_ns);
        return true;
    }
    if (pipe_decode(offset, R_PIPEDSL, &pipe, &offset_a)) {
        pipe_advance(display, pipe, now_ns);
        return pipe_block_write(display, pipe, offset_a, offset, value, now_ns);
    }
    for (pipe = 0; pipe < DISPLAY_PIPES; pipe++) {
        for (unsigned i = 0; i < SCANOUT_SCALERS; i++) {
            if (offset == scaler_reg(pipe, i, R_PS_WIN_SZ_1)) {
                pipe_advance(display, pipe, now_ns);
                display_reg_set(display, offset, value);
                scaler_arm(display, pipe, i);
                return true;
            }
        }
    }
    return false;
}

void pipe_reset(struct display *display, unsigned pipe, uint64_t now_ns)
{
    struct pipe_state *p = &display->s.pipes[pipe];

    memset(p, 0, sizeof(*p));
    p->vblank_ns = now_ns;
    /* The reset values of the table are live: all planes off. */
    for (unsigned i = 0; i < DISPLAY_PLANES; i++)
        plane_snapshot(display, pipe, i, &p->planes[i].live);
}

void display_flip(struct display *display, unsigned pipe, unsigned plane, uint32_t surface, uint32_t stride, unsigned tiling,
                  bool async, uint64_t now_ns)
{
    uint32_t ctl;

    if (pipe >= DISPLAY_PIPES || plane >= DISPLAY_PLANES)
        return;
    pipe_advance(display, pipe, now_ns);
    ctl = display_reg(display, plane_reg(pipe, plane, R_PLANE_CTL_1));
    ctl &= ~(uint32_t)(PLANE_CTL_TILED_MASK | PLANE_CTL_ASYNC_FLIP);
    ctl |= (tiling << PLANE_CTL_TILED_SHIFT & PLANE_CTL_TILED_MASK) | (async ? PLANE_CTL_ASYNC_FLIP : 0);
    display_reg_set(display, plane_reg(pipe, plane, R_PLANE_CTL_1), ctl);
    display_reg_set(display, plane_reg(pipe, plane, R_PLANE_STRIDE_1), stride);
    display_reg_set(display, plane_reg(pipe, plane, R_PLANE_SURF_1), surface);
    plane_arm(display, pipe, plane, true, now_ns);
}

bool display_flip_pending(struct display *display, unsigned pipe, unsigned plane, uint64_t now_ns)
{
    if (pipe >= DISPLAY_PIPES || plane >= DISPLAY_PLANES)
        return false;
    pipe_advance(display, pipe, now_ns);
    return display->s.pipes[pipe].planes[plane].armed != ARMED_NONE;
}

uint64_t display_next_vblank_ns(struct display *display, unsigned pipe, uint64_t now_ns)
{
    if (pipe >= DISPLAY_PIPES || !display->s.pipes[pipe].on)
        return UINT64_MAX;
    pipe_advance(display, pipe, now_ns);
    return pipe_vblank_ns(&display->s.pipes[pipe]);
}

uint64_t display_frame_ns(struct display *display, unsigned pipe)
{
    if (pipe >= DISPLAY_PIPES || !display->s.pipes[pipe].on)
        return 0;
    return display->s.pipes[pipe].frame_ns;
}
