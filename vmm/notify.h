/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells the service manager that the guests run, or that the sockets are there (sd_notify(3), "Standalone Implementations"). Used by session.c and serve.c. */
#ifndef MEDIANT_VMM_NOTIFY_H
#define MEDIANT_VMM_NOTIFY_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Sends READY=1 to the datagram socket that $NOTIFY_SOCKET names: a path, or @ and a name of the abstract kind. Nothing happens without that variable; a
 * socket that cannot be reached is said on standard error, and the service manager then gives up waiting. Before the calling thread is confined.
 */
void notify_ready(void);

#ifdef __cplusplus
}
#endif
#endif
