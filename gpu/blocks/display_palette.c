/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The precision palettes: 1024 entries a pipe behind an index and a data register. Stored for the driver, which reads back
 * what it wrote, and for scan-out, with the registers of gamma and colour space. (The legacy palette is plain registers.)
 * Called by display.c.
 */
#include <string.h>

#include "gpu/blocks/display_internal.h"

/* i915_reg.h PAL_PREC_*. */
enum {
    PREC_PAL_AUTO_INCREMENT = 1 << 15,
    PREC_PAL_INDEX_MASK = SCANOUT_PRECISION - 1,
};

static bool decode(uint32_t offset, unsigned *pipe, uint32_t *offset_a)
{
    if (offset < R_PREC_PAL_INDEX || offset >= R_PREC_PAL_INDEX + DISPLAY_PIPES * PALETTE_PIPE_STRIDE)
        return false;
    *pipe = (offset - R_PREC_PAL_INDEX) / PALETTE_PIPE_STRIDE;
    *offset_a = offset - *pipe * PALETTE_PIPE_STRIDE;
    return true;
}

/* The entry that a data access means; moves the index on when it is to. */
static uint32_t *entry(struct display *display, unsigned pipe)
{
    uint32_t offset = R_PREC_PAL_INDEX + pipe * PALETTE_PIPE_STRIDE, index = display_reg(display, offset);

    if (index & PREC_PAL_AUTO_INCREMENT)
        display_reg_set(display, offset, (index & ~(uint32_t)PREC_PAL_INDEX_MASK) | ((index + 1) & PREC_PAL_INDEX_MASK));
    return &display->s.precision[pipe][index & PREC_PAL_INDEX_MASK];
}

bool palette_mmio_read(struct display *display, uint32_t offset, uint32_t *value)
{
    uint32_t offset_a;
    unsigned pipe;

    if (!decode(offset, &pipe, &offset_a) || offset_a != R_PREC_PAL_DATA)
        return false;
    *value = *entry(display, pipe);
    return true;
}

bool palette_mmio_write(struct display *display, uint32_t offset, uint32_t value)
{
    uint32_t offset_a;
    unsigned pipe;

    if (!decode(offset, &pipe, &offset_a) || offset_a != R_PREC_PAL_DATA)
        return false;
    *entry(display, pipe) = value & 0x3fffffff; /* ten bits a colour */
    return true;
}

void palette_scanout(const struct display *display, unsigned pipe, struct scanout_color *color)
{
    static const uint32_t coefficients[] = {R_PIPE_CSC_COEFF_RY_GY, R_PIPE_CSC_COEFF_BY, R_PIPE_CSC_COEFF_RU_GU,
                                            R_PIPE_CSC_COEFF_BU,    R_PIPE_CSC_COEFF_RV_GV, R_PIPE_CSC_COEFF_BV};
    uint32_t csc = pipe * CSC_PIPE_STRIDE;

    color->gamma_mode = display_reg(display, R_GAMMA_MODE + pipe * PALETTE_PIPE_STRIDE);
    color->csc_mode = display_reg(display, R_PIPE_CSC_MODE + csc);
    color->misc = display_reg(display, R_PIPEMISC + pipe * PIPE_STRIDE);
    for (unsigned i = 0; i < G_N_ELEMENTS(coefficients); i++)
        color->coefficients[i] = display_reg(display, coefficients[i] + csc);
    for (unsigned i = 0; i < 3; i++) {
        color->before[i] = display_reg(display, R_PIPE_CSC_PREOFF_HI + csc + i * 4);
        color->behind[i] = display_reg(display, R_PIPE_CSC_POSTOFF_HI + csc + i * 4);
    }
    memcpy(color->precision, display->s.precision[pipe], sizeof(color->precision));
}

void palette_reset(struct display *display)
{
    memset(display->s.precision, 0, sizeof(display->s.precision));
}
