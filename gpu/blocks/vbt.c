/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the VBT. Called by opregion.c. */
#include "gpu/blocks/vbt.h"

#include <glib.h>
#include <string.h>

#include "gpu/blocks/display.h"

/* The format is little endian, as is every host of ours. */
G_STATIC_ASSERT(G_BYTE_ORDER == G_LITTLE_ENDIAN);

/*
 * The version of the BDB decides what the fields mean and how long they are. 209 is of Skylake's time: child devices have 38 bytes (196 to 215), general
 * features 5 (before 242).
 */
enum {
    VBT_VERSION = 100,
    BDB_VERSION = 209,
    BLOCK_GENERAL_FEATURES = 1,
    BLOCK_GENERAL_DEFINITIONS = 2,
};

struct vbt_header {
    char signature[20]; /* "$VBT" and the platform, padded with blanks */
    uint16_t version;
    uint16_t header_size;
    uint16_t size; /* header, BDB and all blocks */
    uint8_t checksum; /* makes the sum of all bytes 0 */
    uint8_t reserved;
    uint32_t bdb_offset;
    uint32_t aim_offsets[4]; /* add-in modules */
} __attribute__((packed));

struct bdb_header {
    char signature[16];
    uint16_t version;
    uint16_t header_size;
    uint16_t size; /* header and blocks */
} __attribute__((packed));

struct block_header {
    uint8_t id;
    uint16_t size; /* of what follows */
} __attribute__((packed));

enum { FEATURES5_INTEGRATED_EFP = 1 << 2 /* digital ports of the GPU itself; CRT (bit 0) and TV (bit 1) are not there */ };

struct general_features {
    uint8_t bits[4];  /* panel fitting, spread spectrum, rotation, ...: as a driver has it without a VBT */
    uint8_t bits5;
} __attribute__((packed));

enum { CRT_DDC_PIN = 2 /* where i915 looks for a VGA monitor's EDID, were there one */ };

struct general_definitions {
    uint8_t crt_ddc_pin;
    uint8_t dpms;
    uint8_t boot_display[2];
    uint8_t child_size;
} __attribute__((packed));

/* Bits of device_type. */
enum {
    TYPE_DIGITAL = 1 << 1,
    TYPE_DISPLAYPORT = 1 << 2,
    TYPE_TMDS = 1 << 4,
    TYPE_HIGH_SPEED = 1 << 6,
    TYPE_CONTENT_PROTECTION = 1 << 7,
    TYPE_NOT_HDMI = 1 << 11,
    TYPE_HOTPLUG = 1 << 13,
    TYPE_POWER_MANAGEMENT = 1 << 14,
    TYPE_OF_ALL = TYPE_DIGITAL | TYPE_HIGH_SPEED | TYPE_CONTENT_PROTECTION | TYPE_HOTPLUG | TYPE_POWER_MANAGEMENT,
};

enum {
    /* With HDMI's drive strength as i915 sets it on Skylake without a VBT (800 mV, no de-emphasis); no limit to the data rate (bits 7:5). */
    HDMI_LEVEL_SHIFTER = 8,
    SUPPORTS_HDMI = 1 << 0,
    SUPPORTS_DISPLAYPORT = 1 << 1,
    SUPPORTS_TMDS = 1 << 2,
    CAPABILITY_INTEGRATED_ENCODER = 1 << 5,
};

struct child_device {
    uint16_t handle;
    uint16_t device_type;
    uint8_t i2c_speed;
    uint8_t dp_onboard_redriver;
    uint8_t dp_ondock_redriver;
    uint8_t hdmi_level_and_rate; /* 4:0 and 7:5 */
    uint16_t dtd_pointer;
    uint8_t compression_flags;
    uint8_t compression_index;
    uint8_t reserved[2];
    uint16_t addin_offset;
    uint8_t dvo_port; /* port and kind in one number */
    uint8_t i2c_pin;
    uint8_t i2c_address;
    uint8_t ddc_pin; /* GMBUS pin of the EDID */
    uint16_t edid_pointer;
    uint8_t dvo_config;
    uint8_t lane_flags; /* dock, lane reversal, LSPCON, boost, inverted hotplug */
    uint8_t supports;
    uint8_t aux_channel; /* 0: the port's own */
    uint8_t dongle_detect;
    uint8_t capabilities;
    uint8_t dvo_wiring;
    uint8_t mipi_bridge;
    uint16_t extended_type;
    uint8_t dvo_function;
    uint8_t type_c_flags;
    uint8_t dp_gpio_index;
    uint16_t dp_gpio_pin;
    uint8_t boost_levels;
} __attribute__((packed));

G_STATIC_ASSERT(sizeof(struct vbt_header) == 48);
G_STATIC_ASSERT(sizeof(struct bdb_header) == 22);
G_STATIC_ASSERT(sizeof(struct child_device) == 38);

/* The names that the VBT has for the things of a port. */
static const struct port {
    enum display_port port;
    uint16_t handle; /* external flat panel 1 .. 4 */
    uint8_t dvo_dp;
    uint8_t dvo_hdmi;
    uint8_t aux_channel;
    uint8_t ddc_pin; /* 0: none, so no HDMI */
} ports[] = {
    {DISPLAY_PORT_B, .handle = 0x04, .dvo_dp = 7, .dvo_hdmi = 1, .aux_channel = 0x10, .ddc_pin = DISPLAY_GMBUS_PIN_B},
    {DISPLAY_PORT_C, .handle = 0x40, .dvo_dp = 8, .dvo_hdmi = 2, .aux_channel = 0x20, .ddc_pin = DISPLAY_GMBUS_PIN_C},
    {DISPLAY_PORT_D, .handle = 0x20, .dvo_dp = 9, .dvo_hdmi = 3, .aux_channel = 0x30, .ddc_pin = DISPLAY_GMBUS_PIN_D},
    {DISPLAY_PORT_A, .handle = 0x10, .dvo_dp = 10, .aux_channel = 0x40},
};

/* All that can be in a table, in its order; what follows the last child is left off. */
struct table {
    struct vbt_header header;
    struct bdb_header bdb;
    struct block_header features_header;
    struct general_features features;
    struct block_header definitions_header;
    struct general_definitions definitions;
    struct child_device children[G_N_ELEMENTS(ports)];
} __attribute__((packed));

G_STATIC_ASSERT(sizeof(struct table) <= VBT_MAX_SIZE);

/*
 * With both, the port has a connector for each, not one dual-mode socket: at that, an HDMI monitor would need an adapter, and i915 would allow it what a passive
 * one can do (165 MHz, too little for 1920x1200 without reduced blanking). i915 takes a port with both for a native HDMI port if it has the number of
 * one and no AUX channel is named; the DisplayPort's is then the port's own.
 */
static struct child_device describe(const struct port *port, bool dp, bool hdmi)
{
    struct child_device child = {
        .handle = port->handle,
        .device_type = TYPE_OF_ALL,
        .dvo_port = hdmi ? port->dvo_hdmi : port->dvo_dp,
        .aux_channel = hdmi ? 0 : port->aux_channel,
        .capabilities = CAPABILITY_INTEGRATED_ENCODER,
    };

    if (dp) {
        child.device_type |= TYPE_DISPLAYPORT;
        child.supports |= SUPPORTS_DISPLAYPORT;
    }
    if (hdmi) {
        child.device_type |= TYPE_TMDS;
        child.supports |= SUPPORTS_HDMI | SUPPORTS_TMDS;
        child.hdmi_level_and_rate = HDMI_LEVEL_SHIFTER;
        child.ddc_pin = port->ddc_pin;
    } else {
        child.device_type |= TYPE_NOT_HDMI;
    }
    return child;
}

static unsigned write_children(struct child_device *children, const struct display_wiring *wiring)
{
    unsigned count = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(ports); i++) {
        bool dp = wiring->dp >> ports[i].port & 1;
        bool hdmi = (wiring->hdmi >> ports[i].port & 1) && ports[i].ddc_pin;

        if (dp || hdmi)
            children[count++] = describe(&ports[i], dp, hdmi);
    }
    return count;
}

size_t vbt_write(uint8_t *buf, const struct display_wiring *wiring)
{
    struct table table = {
        .header = {.version = VBT_VERSION, .header_size = sizeof(table.header), .bdb_offset = offsetof(struct table, bdb)},
        .bdb = {.version = BDB_VERSION, .header_size = sizeof(table.bdb)},
        .features_header = {BLOCK_GENERAL_FEATURES, sizeof(table.features)},
        .features = {.bits5 = FEATURES5_INTEGRATED_EFP},
        .definitions_header = {.id = BLOCK_GENERAL_DEFINITIONS},
        .definitions = {.crt_ddc_pin = CRT_DDC_PIN, .child_size = sizeof(struct child_device)},
    };
    size_t children = sizeof(struct child_device) * write_children(table.children, wiring);
    size_t size = offsetof(struct table, children) + children;
    uint8_t sum = 0;

    memcpy(table.header.signature, "$VBT SKYLAKE        ", sizeof(table.header.signature));
    memcpy(table.bdb.signature, "BIOS_DATA_BLOCK ", sizeof(table.bdb.signature));
    table.header.size = (uint16_t)size;
    table.bdb.size = (uint16_t)(size - table.header.bdb_offset);
    table.definitions_header.size = (uint16_t)(sizeof(table.definitions) + children);
    memcpy(buf, &table, size);
    for (size_t i = 0; i < size; i++)
        sum += buf[i];
    buf[offsetof(struct table, header.checksum)] = (uint8_t)-sum;
    return size;
}
