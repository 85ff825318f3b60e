/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills an OpRegion and gives it to a guest. Called by the machine at its start and by vmm opregion. */
#include "gpu/blocks/opregion.h"

#include <glib.h>
#include <string.h>

#include "gpu/blocks/display.h"
#include "gpu/blocks/vbt.h"
#include "gpu/pci/dma.h"
#include "gpu/pci/pci_device.h"

/*
 * Mailboxes that are announced. 2 (software SCI) ended with version 2 and 3 (ASLE) has requests of firmware, which nobody would make: they stay zero. What a
 * driver writes to mailbox 1 is for ACPI methods, and nobody reads it.
 */
enum {
    MAILBOX_ACPI = 1 << 0,
    MAILBOX_VBT = 1 << 3,
    VERSION_2_0 = 2 << 24,
    LID_OPEN = 1 << 0,
    LID_KNOWN = 1 << 1,
};

struct opregion_header {
    char signature[16];
    uint32_t size_kib;
    uint32_t version; /* major 31:24, minor 23:16, revision 15:8 */
    char system_bios[32];
    char video_bios[16];
    char graphics_driver[16];
    uint32_t mailboxes;
    uint32_t driver_model;
    uint32_t platform;
    char oem_version[32];
    uint8_t reserved[124];
};

/* Mailbox 1. Lists of displays are the driver's to write. */
struct opregion_acpi {
    uint32_t driver_ready, notification, event;
    uint8_t reserved[20];
    uint32_t displays[4][8]; /* supported, present, active, next active */
    uint32_t sleep_timeout, toggle_index, hotplug, lid, docking, resume, events, os_notification, driver_status;
    uint8_t more_displays[60];
};

struct opregion {
    struct opregion_header header;
    struct opregion_acpi acpi; /* mailbox 1 */
    uint8_t mailbox2[0x100];
    uint8_t mailbox3[0x100];
    uint8_t vbt[0x1800]; /* mailbox 4 */
    uint8_t mailbox5[0x400];
};

G_STATIC_ASSERT(sizeof(struct opregion_header) == 0x100);
G_STATIC_ASSERT(sizeof(struct opregion_acpi) == 0x100);
G_STATIC_ASSERT(offsetof(struct opregion, acpi.lid) == 0x1ac);
G_STATIC_ASSERT(offsetof(struct opregion, vbt) == OPREGION_VBT);
G_STATIC_ASSERT((int)sizeof(struct opregion) == (int)OPREGION_SIZE);
G_STATIC_ASSERT((int)VBT_MAX_SIZE <= 0x1800);

void opregion_fill(uint8_t *buf, const struct display_wiring *wiring)
{
    struct opregion region = {
        .header = {.size_kib = OPREGION_SIZE / 1024, .version = VERSION_2_0, .mailboxes = MAILBOX_ACPI | MAILBOX_VBT},
        .acpi = {.lid = LID_OPEN | LID_KNOWN}, /* GVT-g found that Windows needs this (gvt/opregion.c) */
    };

    memcpy(region.header.signature, "IntelGraphicsMem", sizeof(region.header.signature));
    vbt_write(region.vbt, wiring);
    memcpy(buf, &region, sizeof(region));
}

enum { VENDOR_INTEL = 0x8086, BASE_CLASS_DISPLAY = 0x03 };

static bool is_intel_gpu(struct pci_device *dev)
{
    uint32_t class_revision = dev->ops->config_read(dev, PCI_REG_REVISION, 4);

    return dev->ops->config_read(dev, PCI_REG_VENDOR, 2) == VENDOR_INTEL && class_revision >> 24 == BASE_CLASS_DISPLAY;
}

bool opregion_install(struct pci_device *gpu, struct dma_space *dma, uint64_t gpa)
{
    uint8_t region[OPREGION_SIZE];

    if (!is_intel_gpu(gpu) || gpa == 0 || gpa % OPREGION_ALIGN || gpa > UINT32_MAX)
        return false;
    opregion_fill(region, &display_board);
    if (!dma_space_write(dma, gpa, region, sizeof(region)))
        return false;
    gpu->ops->config_write(gpu, OPREGION_ASLS, 4, (uint32_t)gpa);
    return gpu->ops->config_read(gpu, OPREGION_ASLS, 4) == (uint32_t)gpa;
}
