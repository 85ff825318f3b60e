/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pcode mailbox's commands. Called by uncore.c when software starts one. */
#include "gpu/blocks/pcode.h"

enum pcode_command {
    PCODE_RC6_VIDS_OR_HDCP_KEYS = 0x05, /* i915 reads RC6 voltages by it, and writes 1 to load HDCP keys */
    PCODE_MEMORY_LATENCY = 0x06,
    PCODE_CDCLK_CONTROL = 0x07,
    PCODE_WRITE_MIN_FREQ_TABLE = 0x08,
    PCODE_READ_MIN_FREQ_TABLE = 0x09,
    PCODE_READ_OVERCLOCKING = 0x0c,
    PCODE_DYNAMIC_DUTY_CYCLE = 0x1a,
    PCODE_SAGV_CONTROL = 0x21,
};

enum pcode_error {
    PCODE_SUCCESS = 0,
    PCODE_ILLEGAL_COMMAND = 1,
    PCODE_ILLEGAL_DATA = 3,
};

enum {
    CDCLK_READY_FOR_CHANGE = 1,
    SAGV_DISABLE = 0,
    SAGV_IS_DISABLED = 1,
    SAGV_ENABLE = 3,
    EFFICIENT_RATIO = 8, /* 400 MHz: where the GT does most for its power */
};

/* Memory latency in microseconds of watermark levels 0 to 3, and 4 to 7, one byte for each. Grows with the level, as i915 asks. */
static const uint32_t memory_latency[2] = {0x1e140f02, 0x63554b3c};

uint32_t pcode_execute(struct pcode *pcode, uint32_t mailbox, uint32_t *data, uint32_t *data1)
{
    uint8_t ratio = *data;

    switch (mailbox & 0xff) {
    case PCODE_RC6_VIDS_OR_HDCP_KEYS:
        *data = 0;
        return PCODE_SUCCESS;
    case PCODE_MEMORY_LATENCY:
        if (*data > 1)
            return PCODE_ILLEGAL_DATA;
        *data = memory_latency[*data];
        return PCODE_SUCCESS;
    case PCODE_CDCLK_CONTROL:
        *data = CDCLK_READY_FOR_CHANGE;
        return PCODE_SUCCESS;
    case PCODE_WRITE_MIN_FREQ_TABLE:
        pcode->ia_ratio[ratio] = *data >> 8;
        pcode->ring_ratio[ratio] = *data >> 16;
        return PCODE_SUCCESS;
    case PCODE_READ_MIN_FREQ_TABLE:
        *data = ratio | (uint32_t)pcode->ia_ratio[ratio] << 8 | (uint32_t)pcode->ring_ratio[ratio] << 16;
        return PCODE_SUCCESS;
    case PCODE_READ_OVERCLOCKING:
        *data = 0; /* none */
        return PCODE_SUCCESS;
    case PCODE_DYNAMIC_DUTY_CYCLE:
        *data = EFFICIENT_RATIO << 8;
        *data1 = 0;
        return PCODE_SUCCESS;
    case PCODE_SAGV_CONTROL:
        if (*data != SAGV_DISABLE && *data != SAGV_ENABLE)
            return PCODE_ILLEGAL_DATA;
        *data = *data == SAGV_DISABLE ? SAGV_IS_DISABLED : 0;
        return PCODE_SUCCESS;
    default:
        return PCODE_ILLEGAL_COMMAND;
    }
}
