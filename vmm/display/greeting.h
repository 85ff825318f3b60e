/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first words with a viewer: versions, and by which way ("security type") it shows who it is. libvncserver keeps the list of ways for the whole process,
 * without a lock: a viewer of a screen without a password would change what one of a screen with a password may choose, between the question and the answer. So
 * these words are said here; the check of the password and all that follows is the library's.
 *
 * Sources: RFC 6143, 7.1.1 to 7.1.3; for version 3.889, libvncserver 0.9.14, auth.c.
 *
 * Threads: the viewer's.
 */
#ifndef MEDIANT_VMM_DISPLAY_GREETING_H
#define MEDIANT_VMM_DISPLAY_GREETING_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/display/vnc_library.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All zero at the beginning. */
struct greeting {
    uint8_t said[12]; /* of a message that has not come in full */
    unsigned bytes;
};

/* Whether the client's next words are for the library. */
bool greeting_is_over(const rfbClientRec *client);
/*
 * Reads what has come, and answers; never waits for more. The library has told the client its own version, and client->sock does not block. False: hang up, it
 * has gone or broken the protocol.
 */
bool greeting_hear(struct greeting *greeting, const struct vnc_library *vnc, rfbClientPtr client);

#ifdef __cplusplus
}
#endif
#endif
