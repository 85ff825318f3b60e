/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The capabilities that both sides of a vfio-user connection send as JSON with their version. Used by session.c and
 * client_discovery.c.
 */
#ifndef MEDIANT_VMM_VFIO_USER_CAPABILITIES_H
#define MEDIANT_VMM_VFIO_USER_CAPABILITIES_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { VFIO_USER_JSON_MAX = 4096 }; /* bytes that a receiver looks at: the parser recurses with their depth */

/* Numbers are what the sender can take. */
struct vfio_user_capabilities {
    uint32_t max_msg_fds;        /* descriptors in one message */
    uint32_t max_data_xfer_size; /* bytes of data in one message; never above VFIO_USER_DEFAULT_TRANSFER here */
    uint32_t max_dma_maps;
    uint64_t pgsizes;            /* page sizes of DMA_MAP, a bit each */
    bool write_multiple;         /* REGION_WRITE_MULTI */
};

/*
 * Parses the other side's JSON; NULL stands for none. What is not there gets the protocol's default. False with *reason (g_free) when it is no JSON object, or a
 * number is none or makes no sense.
 */
bool vfio_user_capabilities_parse(const char *json, struct vfio_user_capabilities *capabilities, char **reason);

/* Our own, as JSON; write_multiple only if the other side has it, or, for a client, wants it. Caller frees with g_free. */
char *vfio_user_capabilities_format(const struct vfio_user_capabilities *theirs);

#ifdef __cplusplus
}
#endif
#endif
