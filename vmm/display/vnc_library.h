/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvncserver, loaded when the first screen is made: with what it depends on (GnuTLS, image codecs) it takes megabytes of each process that links it, and
 * most have no screen.
 *
 * Threads: any. The first call loads files, so it comes before the calling thread is confined.
 */
#ifndef MEDIANT_VMM_DISPLAY_VNC_LIBRARY_H
#define MEDIANT_VMM_DISPLAY_VNC_LIBRARY_H

#include <rfb/rfb.h>
#include <rfb/rfbregion.h>

/* Its functions by their names without "rfb"; log and err are its variables, region_empty is sraRgnEmpty(). */
struct vnc_library {
    rfbLogProc *log, *err;
    __typeof__(sraRgnEmpty) *region_empty;
    __typeof__(rfbRandomBytes) *RandomBytes;
    __typeof__(rfbEncryptBytes) *EncryptBytes;
    __typeof__(rfbGetScreen) *GetScreen;
    __typeof__(rfbCheckPasswordByList) *CheckPasswordByList;
    __typeof__(rfbInitServer) *InitServer; /* rfbInitServer is a macro for one of four names */
    __typeof__(rfbScreenCleanup) *ScreenCleanup;
    __typeof__(rfbMarkRectAsModified) *MarkRectAsModified;
    __typeof__(rfbCloseClient) *CloseClient;
    __typeof__(rfbNewFramebuffer) *NewFramebuffer;
    __typeof__(rfbNewClient) *NewClient;
    __typeof__(rfbProcessEvents) *ProcessEvents;
    __typeof__(rfbClientConnectionGone) *ClientConnectionGone;
};

/* NULL when it cannot be loaded; *reason (may be NULL) says why then, and stays. */
const struct vnc_library *vnc_library_get(const char **reason);

#endif
