/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Gen9 display engine: pipes A-C with planes and cursor, transcoders A-C and EDP, ports A-E with one monitor, GMBUS and
 * AUX channels, hotplug and panel power. One block, used by the software model (the physical display) and by each vGPU (the
 * virtual display); it knows neither.
 *
 * It works on the owner's register file and interrupt tree. It has no thread and no clock: the owner gives the time
 * (CLOCK_MONOTONIC nanoseconds in real use, any growing number in tests) with each call, and calls display_tick() when
 * display_next_event_ns() says so. Counters and scan lines are computed from the time when they are read, so that a pipe
 * that nobody waits for costs nothing.
 *
 * Threads: the owner serialises all calls, under the lock that also guards the interrupt tree, and after each asks
 * irq_tree_take_message() whether a message is due.
 *
 * Sources: Intel PRM Skylake vol. 12 (display), vol. 2c (registers); Linux 6.1 drivers/gpu/drm/i915/display.
 */
#ifndef MEDIANT_GPU_BLOCKS_DISPLAY_H
#define MEDIANT_GPU_BLOCKS_DISPLAY_H

#include "gpu/blocks/edid.h"

#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

struct display;
struct irq_tree; /* gpu/blocks/irq_tree.h */
struct scanout; /* gpu/blocks/scanout.h */
struct trace;

enum {
    DISPLAY_PIPES = 3,       /* A, B, C */
    DISPLAY_TRANSCODERS = 4, /* A, B, C, EDP */
    DISPLAY_PORTS = 5,       /* A .. E; E has no AUX channel of its own */
    DISPLAY_PLANES = 4,      /* universal planes of a pipe, in z-order; the cursor is above them */
};

enum display_port {
    DISPLAY_PORT_A,
    DISPLAY_PORT_B,
    DISPLAY_PORT_C,
    DISPLAY_PORT_D,
    DISPLAY_PORT_E,
};

/* Number of a port's DDC bus in GMBUS0 (Sunrise Point PCH; i915 intel_gmbus.c, gmbus_pins_skl). */
enum display_gmbus_pin {
    DISPLAY_GMBUS_PIN_C = 4,
    DISPLAY_GMBUS_PIN_B = 5,
    DISPLAY_GMBUS_PIN_D = 6,
};

/*
 * The connectors of a board: ports with a way out for DisplayPort and for HDMI, a bit 1 << enum display_port for each; a port may have both. Drivers learn
 * of them from the straps (SFUSE_STRAP) and from the firmware's VBT (gpu/blocks/vbt.h).
 */
struct display_wiring {
    unsigned dp;
    unsigned hdmi;
};
/* Every board of ours, that of a vGPU too: either kind of monitor could be plugged in at ports B, C and D. */
extern const struct display_wiring display_board;

/* What is plugged in. */
enum display_monitor {
    DISPLAY_MONITOR_NONE,
    DISPLAY_MONITOR_DP,   /* DPCD and DDC through the port's AUX channel (ports A .. D) */
    DISPLAY_MONITOR_HDMI, /* DDC through the port's GMBUS pin (ports B .. D) */
};

struct display_config {
    uint32_t *regs;                /* MMIO_SIZE / 4 dwords, relaxed atomics; the owner's, outlives the display */
    struct irq_tree *irq;          /* the owner's; the display sets events and levels, and looks at masks to know who waits */
    enum display_port port;        /* where the monitor is */
    enum display_monitor monitor;
    struct monitor_settings mode;  /* the monitor's; width and height are given, 640x480 .. 4095x4095 */
    struct trace *trace;           /* may be NULL; events FLIP and VBLANK */
    unsigned vgpu;                 /* for the trace */
};

/* NULL with an error when the configuration is impossible (monitor size, a port that cannot have such a monitor). */
struct display *display_create(const struct display_config *config, GError **error);
void display_destroy(struct display *display); /* NULL is allowed */

/*
 * Power-on state: all pipes and ports off, the monitor (still plugged in) without a link. The owner has put the reset
 * values of registers.def into the register file and reset the interrupt tree before, also before display_create(), which
 * ends with this at time 0.
 */
void display_reset(struct display *display, uint64_t now_ns);

/*
 * Registers of classes REG_DISPLAY, REG_GMBUS and REG_AUX with all side effects; offset is a multiple of 4 below MMIO_SIZE.
 * Registers without a behaviour of their own are memory in the register file. Any offset and value may come from a guest.
 */
uint32_t display_mmio_read(struct display *display, uint32_t offset, uint64_t now_ns);
void display_mmio_write(struct display *display, uint32_t offset, uint32_t value, uint64_t now_ns);
/*
 * Software reads a register of the interrupt tree, which the owner says before irq_tree_read(), or has written one, said after irq_tree_write(). A vertical
 * blank whose interrupt is enabled waits for a look at its pipe's IIR, and the next one for that to be cleared, 50 ms at most (the interrupt does not).
 */
void display_interrupt_read(struct display *display, uint32_t offset, uint64_t now_ns);
void display_interrupt_written(struct display *display, uint32_t offset, uint64_t now_ns);

/*
 * A flip by a command (MI_DISPLAY_FLIP): as if software wrote PLANE_STRIDE, the tiling and async bits of PLANE_CTL, and
 * PLANE_SURF. plane counts from 0; ones that do not exist are ignored. tiling is the field of PLANE_CTL (0 linear, 1 X, 4
 * Y, 5 Yf).
 */
void display_flip(struct display *display, unsigned pipe, unsigned plane, uint32_t surface, uint32_t stride, unsigned tiling,
                  bool async, uint64_t now_ns);

/* True while an armed update of the plane waits for its vblank: what MI_WAIT_FOR_EVENT waits for. */
bool display_flip_pending(struct display *display, unsigned pipe, unsigned plane, uint64_t now_ns);

/* When the pipe's next vertical blank starts; UINT64_MAX when the pipe is off. */
uint64_t display_next_vblank_ns(struct display *display, unsigned pipe, uint64_t now_ns);

/* Duration of a frame of the pipe, from its transcoder's timings and clock; 0 when the pipe is off. */
uint64_t display_frame_ns(struct display *display, unsigned pipe);

/* Brings the display to now: latches armed updates whose vblank has passed, counts frames, raises interrupts. */
void display_tick(struct display *display, uint64_t now_ns);

/*
 * When display_tick() must be called next so that nobody who waits for an interrupt waits too long: the next vblank of a
 * pipe whose vblank or flip-done interrupt is unmasked (for the latter: with an update armed). UINT64_MAX when nobody
 * waits. Ask again after each register write of the display or of the pipes' interrupt registers.
 */
uint64_t display_next_event_ns(const struct display *display);

/* Plugs the monitor in or out: live state, hotplug status and interrupt. */
void display_hotplug(struct display *display, bool connected);

/*
 * What the display shows now, copied for scanout_render() and scanout_describe() (gpu/blocks/scanout.h), which then run
 * without the owner's lock: the pipe that feeds the monitor, else the first that is on, else pipe A (off).
 */
void display_scanout(struct display *display, uint64_t now_ns, struct scanout *scanout);

struct display_stats {
    uint64_t frames;       /* primary surfaces (plane 1 of a running pipe) that became visible */
    uint64_t vblanks;      /* vertical blanks of running pipes */
    uint64_t last_flip_ns; /* when the last of the frames became visible; 0 for never */
};
void display_stats(const struct display *display, struct display_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
