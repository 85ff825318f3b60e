/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vfio-user protocol on the wire, as QEMU 10.1 and later speak it: little endian, a header and then the command's own bytes; file
 * descriptors travel beside a message. Used by the server and the client of this folder.
 * Sources: QEMU docs/interop/vfio-user.rst (version 0.9.1) and libvfio-user docs/vfio-user.rst (version 0.9.2, for 16 to 18); <linux/vfio.h>
 * for region, interrupt and feature numbers, which are VFIO's own and are not repeated here.
 */
#ifndef MEDIANT_VMM_VFIO_USER_PROTOCOL_H
#define MEDIANT_VMM_VFIO_USER_PROTOCOL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vfio_user_command {
    VFIO_USER_VERSION = 1,
    VFIO_USER_DMA_MAP = 2,
    VFIO_USER_DMA_UNMAP = 3,
    VFIO_USER_DEVICE_GET_INFO = 4,
    VFIO_USER_DEVICE_GET_REGION_INFO = 5,
    VFIO_USER_DEVICE_GET_REGION_IO_FDS = 6,
    VFIO_USER_DEVICE_GET_IRQ_INFO = 7,
    VFIO_USER_DEVICE_SET_IRQS = 8,
    VFIO_USER_REGION_READ = 9,
    VFIO_USER_REGION_WRITE = 10,
    VFIO_USER_DMA_READ = 11,  /* server to client */
    VFIO_USER_DMA_WRITE = 12, /* server to client */
    VFIO_USER_DEVICE_RESET = 13,
    VFIO_USER_DIRTY_PAGES = 14,
    VFIO_USER_REGION_WRITE_MULTI = 15,
    VFIO_USER_DEVICE_FEATURE = 16,
    VFIO_USER_MIG_DATA_READ = 17,
    VFIO_USER_MIG_DATA_WRITE = 18,
    VFIO_USER_COMMANDS,
};

enum {
    VFIO_USER_FLAG_TYPE = 0xf,     /* 0 command, 1 reply */
    VFIO_USER_FLAG_REPLY = 1 << 0,
    VFIO_USER_FLAG_NO_REPLY = 1 << 4,
    VFIO_USER_FLAG_ERROR = 1 << 5, /* in a reply: error holds an errno value, and nothing follows */

    VFIO_USER_MAJOR = 0,
    VFIO_USER_MINOR = 0,

    /* What counts when a side does not say otherwise in its capabilities. */
    VFIO_USER_DEFAULT_FDS = 1,
    VFIO_USER_DEFAULT_TRANSFER = 1 << 20, /* bytes of data in one message */
    VFIO_USER_DEFAULT_DMA_MAPS = 65535,
};

struct vfio_user_header {
    uint16_t id; /* the sender's; a reply repeats it */
    uint16_t command;
    uint32_t size; /* with this header */
    uint32_t flags;
    uint32_t error;
};

/* VERSION, both ways; JSON text with its NUL follows, or nothing. */
struct vfio_user_version {
    uint16_t major, minor;
};

/* DMA_MAP; one file descriptor beside it, if the server may map the range. */
struct vfio_user_dma_map {
    uint32_t argsz;
    uint32_t flags;  /* VFIO_USER_DMA_* */
    uint64_t offset; /* in the file */
    uint64_t addr, size;
};
enum { VFIO_USER_DMA_MAP_READ = 1 << 0, VFIO_USER_DMA_MAP_WRITE = 1 << 1 };

/* DMA_UNMAP. */
struct vfio_user_dma_unmap {
    uint32_t argsz;
    uint32_t flags; /* VFIO_DMA_UNMAP_FLAG_* of linux/vfio.h */
    uint64_t addr, size;
};

/* REGION_READ and REGION_WRITE, both ways; the data follows. */
struct vfio_user_region_access {
    uint64_t offset;
    uint32_t region;
    uint32_t count; /* bytes */
};

/* REGION_WRITE_MULTI: a count, then that many of these. */
struct vfio_user_write_one {
    uint64_t offset;
    uint32_t region;
    uint32_t count; /* bytes of data that count */
    uint8_t data[8];
};
enum { VFIO_USER_WRITE_MULTI_MAX = 200 };

/* DEVICE_GET_REGION_IO_FDS, the part before the array. */
struct vfio_user_region_io_fds {
    uint32_t argsz, flags, index, count;
};

/* The structures of DEVICE_GET_INFO, DEVICE_GET_REGION_INFO, DEVICE_GET_IRQ_INFO, DEVICE_SET_IRQS and DEVICE_FEATURE as of the protocol's version:
 * those of linux/vfio.h may have grown. */
struct vfio_user_device_info {
    uint32_t argsz, flags, num_regions, num_irqs;
};

struct vfio_user_region_info {
    uint32_t argsz, flags, index, cap_offset;
    uint64_t size, offset;
};

struct vfio_user_irq_info {
    uint32_t argsz, flags, index, count;
};

struct vfio_user_irq_set {
    uint32_t argsz, flags, index, start, count;
};

struct vfio_user_device_feature {
    uint32_t argsz, flags;
};

#ifdef __cplusplus
}
#endif
#endif
