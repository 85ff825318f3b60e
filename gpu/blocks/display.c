/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The display engine: life, dispatch of register accesses to its parts, time. Called by the model and by each vGPU. */
#include "gpu/blocks/display.h"

#include <gio/gio.h>
#include <string.h>

#include "gpu/blocks/display_internal.h"

static bool config_valid(const struct display_config *config, GError **error)
{
    bool dp = config->port <= DISPLAY_PORT_D;
    bool hdmi = config->port >= DISPLAY_PORT_B && config->port <= DISPLAY_PORT_D;

    if ((config->monitor == DISPLAY_MONITOR_DP && !dp) || (config->monitor == DISPLAY_MONITOR_HDMI && !hdmi)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "port %c cannot have %s monitor", 'A' + (int)config->port,
                    config->monitor == DISPLAY_MONITOR_DP ? "a DisplayPort" : "an HDMI");
        return false;
    }
    return true;
}

struct display *display_create(const struct display_config *config, GError **error)
{
    enum edid_interface interface = config->monitor == DISPLAY_MONITOR_HDMI ? EDID_INTERFACE_HDMI : EDID_INTERFACE_DP;
    struct display *display;

    if (!config_valid(config, error))
        return NULL;
    display = g_new0(struct display, 1);
    display->regs = config->regs;
    display->irq = config->irq;
    display->port = config->port;
    display->kind = config->monitor;
    display->trace = config->trace;
    display->vgpu = config->vgpu;
    if (config->monitor != DISPLAY_MONITOR_NONE &&
        !monitor_init(&display->s.monitor, &config->mode, interface)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "no monitor can have %ux%u pixels at %u Hz (640x480 to 4095x4095)", config->mode.width, config->mode.height,
                    config->mode.refresh_hz ? config->mode.refresh_hz : EDID_REFRESH);
        g_free(display);
        return NULL;
    }
    display_reset(display, 0);
    return display;
}

void display_destroy(struct display *display)
{
    g_free(display);
}

void display_reset(struct display *display, uint64_t now_ns)
{
    for (unsigned pipe = 0; pipe < DISPLAY_PIPES; pipe++)
        pipe_reset(display, pipe, now_ns);
    gmbus_reset(display);
    palette_reset(display);
    if (display->kind != DISPLAY_MONITOR_NONE)
        monitor_reset(&display->s.monitor);
    port_reset(display);
}

uint32_t display_mmio_read(struct display *display, uint32_t offset, uint64_t now_ns)
{
    uint32_t value;

    if (pipe_mmio_read(display, offset, now_ns, &value) || gmbus_mmio_read(display, offset, &value) ||
        palette_mmio_read(display, offset, &value))
        return value;
    if (offset == R_IVB_TIMESTAMP_CTR) /* microseconds */
        return (uint32_t)(now_ns / 1000);
    return display_reg(display, offset);
}

/* Status registers without behaviour of their own, and the clock. */
static bool read_only(uint32_t offset)
{
    unsigned index;
    const struct reg_desc *desc = reg_find(offset, &index);

    return desc && desc->access == REG_RO;
}

void display_mmio_write(struct display *display, uint32_t offset, uint32_t value, uint64_t now_ns)
{
    if (pipe_mmio_write(display, offset, value, now_ns) || crc_mmio_write(display, offset, value, now_ns) || aux_mmio_write(display, offset, value) ||
        gmbus_mmio_write(display, offset, value) || port_mmio_write(display, offset, value) ||
        palette_mmio_write(display, offset, value) || read_only(offset))
        return;
    display_reg_set(display, offset, value);
}

void display_tick(struct display *display, uint64_t now_ns)
{
    for (unsigned pipe = 0; pipe < DISPLAY_PIPES; pipe++)
        pipe_advance(display, pipe, now_ns);
}

uint64_t display_next_event_ns(const struct display *display)
{
    uint64_t next = UINT64_MAX;

    for (unsigned pipe = 0; pipe < DISPLAY_PIPES; pipe++) {
        uint64_t event = pipe_next_event_ns(display, pipe);
        next = MIN(next, event);
    }
    return next;
}

void display_hotplug(struct display *display, bool connected)
{
    if (display->kind != DISPLAY_MONITOR_NONE)
        port_set_connected(display, connected, true);
}

/* The running pipe that feeds the monitor, else the first that runs, else A. */
static unsigned shown_pipe(const struct display *display)
{
    unsigned first = DISPLAY_PIPES;

    for (unsigned pipe = 0; pipe < DISPLAY_PIPES; pipe++) {
        int transcoder = display_pipe_transcoder(display, pipe);

        if (transcoder < 0)
            continue;
        if (display->s.monitor.connected && display_transcoder_port(display, (unsigned)transcoder) == (int)display->port)
            return pipe;
        if (first == DISPLAY_PIPES)
            first = pipe;
    }
    return first < DISPLAY_PIPES ? first : 0;
}

void pipe_scanout(const struct display *display, unsigned pipe, struct scanout *scanout)
{
    const struct pipe_state *p = &display->s.pipes[pipe];
    unsigned transcoder;

    memset(scanout, 0, sizeof(*scanout));
    scanout->pipe = pipe;
    scanout->on = p->on;
    scanout->port = -1;
    scanout->frame_ns = p->on ? p->frame_ns : 0;
    transcoder = p->on ? (unsigned)display_pipe_transcoder(display, pipe) : pipe;
    if (p->on)
        scanout->port = display_transcoder_port(display, transcoder);
    scanout->monitor = display->s.monitor.connected && scanout->port == (int)display->port;
    scanout->source = display_reg(display, R_PIPESRC + pipe * PIPE_STRIDE);
    scanout->active = (display_reg(display, display_transcoder_reg(transcoder, R_TRANS_HTOTAL)) & 0x1fff) << 16 |
                      (display_reg(display, display_transcoder_reg(transcoder, R_TRANS_VTOTAL)) & 0x1fff);
    scanout->background = display_reg(display, R_PIPE_BOTTOM_COLOR + pipe * PIPE_STRIDE);
    for (unsigned i = 0; i < DISPLAY_PLANES; i++)
        scanout->planes[i] = p->planes[i].live;
    scanout->cursor = p->cursor.live;
    for (unsigned i = 0; i < SCANOUT_SCALERS; i++)
        scanout->scalers[i] = p->scalers[i].live;
    palette_scanout(display, pipe, &scanout->color);
    for (unsigned i = 0; i < G_N_ELEMENTS(scanout->palette); i++)
        scanout->palette[i] = display_reg(display, R_LGC_PALETTE + pipe * PALETTE_PIPE_STRIDE + i * 4) & 0xffffff;
}

void display_scanout(struct display *display, uint64_t now_ns, struct scanout *scanout)
{
    display_tick(display, now_ns);
    pipe_scanout(display, shown_pipe(display), scanout);
}

void display_stats(const struct display *display, struct display_stats *stats)
{
    *stats = display->s.stats;
}
