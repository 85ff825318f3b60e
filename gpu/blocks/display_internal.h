/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between the parts of the display engine: dispatch (display.c), pipes and planes (display_pipe.c), clocks
 * (display_clock.c), palettes (display_palette.c), checksums of frames (display_crc.c), ports, hotplug and panel power
 * (display_port.c), AUX channels (aux_channel.c), GMBUS (gmbus.c). Nobody else includes it.
 */
#ifndef MEDIANT_GPU_BLOCKS_DISPLAY_INTERNAL_H
#define MEDIANT_GPU_BLOCKS_DISPLAY_INTERNAL_H

#include "gpu/blocks/display.h"
#include "gpu/blocks/irq_tree.h"
#include "gpu/blocks/monitor.h"
#include "gpu/blocks/scanout.h"
#include "gpu/defs/registers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Distances between the instances of a block (PRM SKL vol. 12; i915_reg.h). */
enum {
    PIPE_STRIDE = 0x1000,       /* pipes A-C, and the registers of transcoders A-C */
    PLANE_REG_STRIDE = 0x100,
    SCALER_PIPE_STRIDE = 0x800,
    SCALER_STRIDE = 0x100,
    PALETTE_PIPE_STRIDE = 0x800,
    PORT_STRIDE = 0x100,
    CSC_PIPE_STRIDE = 0x100,
};

/* An update that waits for its vblank. */
enum { ARMED_NONE, ARMED_FLIP, ARMED_QUIET /* self-armed by enabling: no flip done */ };

struct plane_state {
    struct scanout_plane live, next;
    uint8_t armed;
};

struct cursor_state {
    struct scanout_cursor live, next;
    uint8_t armed;
};

struct scaler_state {
    struct scanout_scaler live, next;
    bool armed;
};

/* The checksum of the frame that is being shown. */
struct crc_state {
    enum {
        CRC_AHEAD,   /* it has not been read, */
        CRC_TAKEN,   /* is being read, */
        CRC_KNOWN,   /* was read, */
        CRC_UNKNOWN, /* could not be read */
    } stage;
    uint32_t ticket, value;
    uint64_t taken_ns;
    uint64_t cost_ns;       /* how long the last one took */
    uint64_t rest_until_ns; /* no other is read before */
};

/*
 * Time of a running pipe: frame numbers count starts of vertical blanks. Frame `frame` began at vblank_ns, and each next one
 * frame_ns later; both move on in pipe_advance().
 */
struct pipe_state {
    bool on;
    uint64_t vblank_ns; /* start of the last vblank that was handled */
    uint64_t frame_ns;  /* of the current frame */
    uint32_t frame;     /* value of the frame counter at vblank_ns */
    uint32_t flips;     /* flips given to plane 1 */
    uint64_t flip_ns;   /* when the last of them was given */
    uint64_t retry_ns;        /* when to look again whether a vblank that waits for a checksum may come; 0 when none waits */
    uint32_t told;            /* interrupt bits of the vblank that is due, raised already while it waits for software to take them; 0 when it is not due */
    uint64_t taking_until_ns; /* the end of software's time to take them, or else to clear those of the last one, which it has seen; 0 when it has none */
    struct crc_state crc;
    struct plane_state planes[DISPLAY_PLANES];
    struct cursor_state cursor;
    struct scaler_state scalers[SCANOUT_SCALERS];
};

struct gmbus_state {
    bool active;     /* between start and stop */
    bool read;
    uint16_t left;   /* bytes still to move in this cycle */
    bool nak;
    uint8_t pin;
};

/* All that changes, in plain data: this is what a later save and restore stores (with the register file). */
struct display_state {
    struct monitor monitor;
    struct pipe_state pipes[DISPLAY_PIPES];
    struct gmbus_state gmbus;
    uint32_t precision[DISPLAY_PIPES][SCANOUT_PRECISION];
    uint32_t crc_ticket; /* of the last frame that was taken, */
    bool crc_taken;      /* and is being read: these two go through a reset, as the reader does */
    struct display_stats stats;
};

struct display {
    uint32_t *regs;
    struct irq_tree *irq;
    enum display_port port;
    enum display_monitor kind;
    struct trace *trace;
    unsigned vgpu;
    struct display_state s;
};

static inline uint32_t display_reg(const struct display *display, uint32_t offset)
{
    return __atomic_load_n(&display->regs[offset / 4], __ATOMIC_RELAXED);
}

static inline void display_reg_set(struct display *display, uint32_t offset, uint32_t value)
{
    __atomic_store_n(&display->regs[offset / 4], value, __ATOMIC_RELAXED);
}

static inline bool display_monitor_on(const struct display *display, unsigned port, enum display_monitor kind)
{
    return display->s.monitor.connected && display->port == port && display->kind == kind;
}

/*
 * Each of the following returns false when the offset is not its own; then nothing changed. Writes that only need memory
 * are not theirs either.
 */

/* Pipes, planes, cursors, scalers, transcoders. (display_pipe.c) */
bool pipe_mmio_read(struct display *display, uint32_t offset, uint64_t now_ns, uint32_t *value);
bool pipe_mmio_write(struct display *display, uint32_t offset, uint32_t value, uint64_t now_ns);
void pipe_reset(struct display *display, unsigned pipe, uint64_t now_ns);
/* Handles all vblanks up to now. */
void pipe_advance(struct display *display, unsigned pipe, uint64_t now_ns);
/* When the next vblank comes, if nothing that it waits for comes before. */
uint64_t pipe_vblank_ns(const struct pipe_state *p);
uint64_t pipe_next_event_ns(const struct display *display, unsigned pipe);

/* What a pipe shows now, without bringing it to now. (display.c) */
void pipe_scanout(const struct display *display, unsigned pipe, struct scanout *scanout);

/* Checksums of frames. (display_crc.c) */
bool crc_mmio_write(struct display *display, uint32_t offset, uint32_t value, uint64_t now_ns);
/* The pipe runs, and software asks for a checksum of each frame. */
bool crc_wanted(const struct display *display, unsigned pipe);
/* ... and the vblank that ends the frame has to wait for it; until when it does at most. */
bool crc_missing(const struct display *display, unsigned pipe);
uint64_t crc_patience_ns(const struct display *display, unsigned pipe);
/* At the vblank: stores the checksum; returns the interrupt bit that is due. */
uint32_t crc_latch(struct display *display, unsigned pipe);
/* The same bit, before. */
uint32_t crc_done_bit(const struct display *display, unsigned pipe);
uint64_t crc_next_event_ns(const struct display *display, unsigned pipe);

/* Which transcoder a running pipe feeds: 0..3 (3 is EDP), -1 when none runs. (display_clock.c) */
int display_pipe_transcoder(const struct display *display, unsigned pipe);
/* Offset of a transcoder's register, from that of transcoder A's. */
uint32_t display_transcoder_reg(unsigned transcoder, uint32_t offset_a);
/* The port that a transcoder feeds, -1 for none. */
int display_transcoder_port(const struct display *display, unsigned transcoder);
/* Pixel clock of a transcoder in Hz from the PLL, link M/N and port mode; 0 when it cannot be told. */
uint64_t display_pixel_hz(const struct display *display, unsigned transcoder);
/* Duration of the transcoder's frame, between 2 ms and 1 s; 60 Hz when timings or clock are not set. */
uint64_t display_transcoder_frame_ns(const struct display *display, unsigned transcoder);

/* Ports, hotplug, panel power, straps. (display_port.c) */
bool port_mmio_write(struct display *display, uint32_t offset, uint32_t value);
void port_reset(struct display *display);
void port_set_connected(struct display *display, bool connected, bool notify);

/* Precision palettes. (display_palette.c) */
bool palette_mmio_read(struct display *display, uint32_t offset, uint32_t *value);
bool palette_mmio_write(struct display *display, uint32_t offset, uint32_t value);
void palette_reset(struct display *display);
/* What gamma and colour space conversion go by. */
void palette_scanout(const struct display *display, unsigned pipe, struct scanout_color *color);

/* (aux_channel.c) */
bool aux_mmio_write(struct display *display, uint32_t offset, uint32_t value);

/* (gmbus.c) */
bool gmbus_mmio_read(struct display *display, uint32_t offset, uint32_t *value);
bool gmbus_mmio_write(struct display *display, uint32_t offset, uint32_t value);
void gmbus_reset(struct display *display);

#ifdef __cplusplus
}
#endif
#endif
