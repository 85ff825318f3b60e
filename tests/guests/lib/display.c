/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mode setting in its smallest form; see display.h. Register use: PRM SKL vol. 12. */
#include "display.h"
#include "guest.h"
#include "regs.h"

enum {
    FIRST_PORT = 1, /* B */
    LAST_PORT = 3,  /* D */
    AUX_SEND = 1u << 31,
    AUX_DONE = 1 << 30,
    AUX_TIMEOUT_ERROR = 1 << 28,
    AUX_RECEIVE_ERROR = 1 << 25,
    DP_I2C_WRITE_MOT = 0x4 << 4,
    DP_I2C_READ_MOT = 0x5 << 4,
    DP_I2C_READ = 0x1 << 4,
    EDID_ADDRESS = 0x50,
};

/* One AUX transaction: header and payload out, reply in. Returns the reply's length, 0 on failure. */
static unsigned aux_transfer(struct gpu *gpu, const uint8_t *out, unsigned out_bytes, uint8_t *in, unsigned in_max)
{
    uint32_t ctl = R_DP_AUX_CH_CTL + gpu->display_port * 0x100, data = R_DP_AUX_CH_DATA_1 + gpu->display_port * 0x100, status;

    for (unsigned i = 0; i < out_bytes; i += 4) {
        uint32_t word = 0;
        for (unsigned b = 0; b < 4 && i + b < out_bytes; b++)
            word |= (uint32_t)out[i + b] << (24 - 8 * b);
        gpu_write(gpu, data + i, word);
    }
    gpu_write(gpu, ctl, AUX_SEND | AUX_DONE | AUX_TIMEOUT_ERROR | AUX_RECEIVE_ERROR | out_bytes << 20 | 0x1f);
    for (unsigned tries = 0; (status = gpu_read(gpu, ctl)) & AUX_SEND; tries++)
        if (tries == 1000)
            return 0;
    if (status & (AUX_TIMEOUT_ERROR | AUX_RECEIVE_ERROR))
        return 0;
    unsigned bytes = status >> 20 & 31;
    for (unsigned i = 0; i < bytes && i < in_max; i++)
        in[i] = gpu_read(gpu, data + (i & ~3u)) >> (24 - 8 * (i & 3));
    return bytes;
}

static bool read_edid(struct gpu *gpu, uint8_t edid[128])
{
    uint8_t reply[20];
    const uint8_t offset[] = {DP_I2C_WRITE_MOT, 0, EDID_ADDRESS, 0, 0};

    if (!aux_transfer(gpu, offset, sizeof(offset), reply, sizeof(reply)) || reply[0] != 0)
        return false;
    for (unsigned at = 0; at < 128; at += 16) {
        const uint8_t request[] = {at == 112 ? DP_I2C_READ : DP_I2C_READ_MOT, 0, EDID_ADDRESS, 15};
        if (aux_transfer(gpu, request, sizeof(request), reply, sizeof(reply)) != 17 || reply[0] != 0)
            return false;
        for (unsigned i = 0; i < 16; i++)
            edid[at + i] = reply[1 + i];
    }
    return edid[0] == 0 && edid[1] == 0xff;
}

/* The EDID of an HDMI monitor through the PCH's I2C controller; PRM SKL vol. 2c, "GMBUS". */
static bool read_edid_by_gmbus(struct gpu *gpu, unsigned pin, uint8_t edid[128])
{
    enum { READY = 1 << 30, WAIT = 1 << 25, INDEX = 1 << 26, STOP = 1 << 27, READ = 1, HW_READY = 1 << 11, NAK = 1 << 10 };
    bool ok = true;

    gpu_write(gpu, R_PCH_GMBUS0, pin);
    gpu_write(gpu, R_PCH_GMBUS1, READY | WAIT | INDEX | 128 << 16 | EDID_ADDRESS << 1 | READ);
    for (unsigned at = 0; ok && at < 128; at += 4) {
        uint32_t status = 0;
        for (unsigned tries = 0; tries < 1000 && !((status = gpu_read(gpu, R_PCH_GMBUS2)) & (HW_READY | NAK)); tries++)
            cpu_pause();
        ok = (status & HW_READY) && !(status & NAK);
        uint32_t word = ok ? gpu_read(gpu, R_PCH_GMBUS3) : 0;
        for (unsigned i = 0; i < 4; i++)
            edid[at + i] = word >> (8 * i);
    }
    gpu_write(gpu, R_PCH_GMBUS1, READY | STOP);
    gpu_write(gpu, R_PCH_GMBUS1, 1u << 31); /* a NAK stays until it is cleared */
    gpu_write(gpu, R_PCH_GMBUS1, 0);
    gpu_write(gpu, R_PCH_GMBUS0, 0);
    return ok && edid[0] == 0 && edid[1] == 0xff;
}

bool display_preferred_mode(struct gpu *gpu, unsigned *width, unsigned *height)
{
    uint8_t edid[128];

    static const uint8_t pins[] = {[1] = 5, [2] = 4, [3] = 6}; /* of ports B, C, D; Linux 6.1 display/intel_gmbus.c */
    for (gpu->display_port = FIRST_PORT;; gpu->display_port++) {
        if (gpu->display_port > LAST_PORT)
            return false;
        if (read_edid(gpu, edid))
            break;
        gpu->display_hdmi = read_edid_by_gmbus(gpu, pins[gpu->display_port], edid);
        if (gpu->display_hdmi)
            break;
    }
    /* First detailed timing descriptor: active pixels and lines. */
    const uint8_t *timing = edid + 54;
    *width = timing[2] | (timing[4] & 0xf0) << 4;
    *height = timing[5] | (timing[7] & 0xf0) << 4;
    return true;
}

void display_set_mode(struct gpu *gpu, unsigned width, unsigned height, uint32_t surface, uint32_t pitch, bool x_tiled)
{
    uint32_t h = (width + 160 - 1) << 16 | (width - 1), v = (height + 30 - 1) << 16 | (height - 1);

    gpu_write(gpu, R_TRANS_HTOTAL, h);
    gpu_write(gpu, R_TRANS_HBLANK, h);
    gpu_write(gpu, R_TRANS_HSYNC, (width + 80 - 1) << 16 | (width + 48 - 1));
    gpu_write(gpu, R_TRANS_VTOTAL, v);
    gpu_write(gpu, R_TRANS_VBLANK, v);
    gpu_write(gpu, R_TRANS_VSYNC, (height + 9 - 1) << 16 | (height + 3 - 1));
    gpu_write(gpu, R_PIPESRC, (width - 1) << 16 | (height - 1));
    gpu_write(gpu, R_DDI_BUF_CTL + gpu->display_port * 0x100, 1u << 31);
    gpu_write(gpu, R_TRANS_DDI_FUNC_CTL, 1u << 31 | gpu->display_port << 28 | (gpu->display_hdmi ? 0 : 2) << 24);
    gpu_write(gpu, R_PIPECONF, 1u << 31);
    for (unsigned tries = 0; !(gpu_read(gpu, R_PIPECONF) & 1 << 30) && tries < 1000; tries++)
        cpu_pause();
    gpu_write(gpu, R_PLANE_STRIDE_1, x_tiled ? pitch / 512 : pitch / 64);
    gpu_write(gpu, R_PLANE_POS_1, 0);
    gpu_write(gpu, R_PLANE_SIZE_1, (height - 1) << 16 | (width - 1));
    gpu_write(gpu, R_PLANE_OFFSET_1, 0);
    gpu_write(gpu, R_PLANE_CTL_1, 1u << 31 | 4 << 24 | (x_tiled ? 1 << 10 : 0)); /* XRGB8888 */
    gpu_write(gpu, R_PLANE_SURF_1, surface);
}

void display_flip(struct gpu *gpu, uint32_t surface)
{
    gpu_write(gpu, R_PLANE_SURF_1, surface);
}

bool display_shows(struct gpu *gpu, uint32_t surface)
{
    return (gpu_read(gpu, R_PLANE_SURFLIVE_1) & 0xfffff000) == surface;
}

uint32_t display_frame(struct gpu *gpu)
{
    return gpu_read(gpu, R_PIPE_FRMCOUNT_G4X);
}
