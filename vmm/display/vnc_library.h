/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvncserver, loaded when the first screen is made: with what it depends on (GnuTLS, image codecs) it takes megabytes of each process that links it, and
 * most have no screen.
 *
 * Threads: any. The first call loads files, so it comes before the calling thread is confined.
 *
 * The library's screens, of which each viewer has one, come from here too: making one resets a lock that all threads in the library share, so that none may be
 * made once a viewer is there. Who makes viewers later has their screens made before.
 */
#ifndef MEDIANT_VMM_DISPLAY_VNC_LIBRARY_H
#define MEDIANT_VMM_DISPLAY_VNC_LIBRARY_H

#include <rfb/rfb.h>
#include <rfb/rfbregion.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Its functions by their names without "rfb"; log and err are its variables, region_empty is sraRgnEmpty(). */
struct vnc_library {
    rfbLogProc *log, *err;
    __typeof__(sraRgnEmpty) *region_empty;
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
    __typeof__(rfbProcessClientMessage) *ProcessClientMessage;
    __typeof__(rfbWriteExact) *WriteExact;
    __typeof__(rfbRegisterProtocolExtension) *RegisterProtocolExtension;
    __typeof__(rfbUnregisterProtocolExtension) *UnregisterProtocolExtension;
    __typeof__(rfbClientConnectionGone) *ClientConnectionGone;
};

/* NULL when it cannot be loaded; *reason (may be NULL) says why then, and stays. */
const struct vnc_library *vnc_library_get(const char **reason);

/* Makes screens for so many viewers that come later; false when the library cannot be loaded, or memory is short. From here on until the release, no other is made. */
bool vnc_library_reserve(unsigned viewers);
/* One of them, or, when none were reserved, a new one; NULL when there is none left, or no memory. The library is loaded. */
rfbScreenInfoPtr vnc_library_take(void);
/* When its viewer has gone. Its fields stay as they are. NULL is allowed. */
void vnc_library_give(rfbScreenInfoPtr screen);
/* Frees those that were reserved, and nobody has. */
void vnc_library_release(void);

#ifdef __cplusplus
}
#endif
#endif
