/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads libvncserver. See vnc_library.h. */
#include "vmm/display/vnc_library.h"

#include "vmm/late_library.h"

#define SYMBOL(field) {G_STRINGIFY(rfb##field), offsetof(struct vnc_library, field)}

static const struct late_symbol symbols[] = {
    {"rfbLog", offsetof(struct vnc_library, log)},
    {"rfbErr", offsetof(struct vnc_library, err)},
    {"sraRgnEmpty", offsetof(struct vnc_library, region_empty)},
    SYMBOL(RandomBytes),
    SYMBOL(EncryptBytes),
    SYMBOL(GetScreen),
    SYMBOL(CheckPasswordByList),
    SYMBOL(InitServer),
    SYMBOL(ScreenCleanup),
    SYMBOL(MarkRectAsModified),
    SYMBOL(CloseClient),
    SYMBOL(NewFramebuffer),
    SYMBOL(NewClient),
    SYMBOL(ProcessEvents),
    SYMBOL(ClientConnectionGone),
};

static struct vnc_library functions;
/* The interface of 0.9.13 and later. */
static struct late_library library = LATE_LIBRARY("libvncserver.so.1", "libvncserver1", symbols, &functions);

const struct vnc_library *vnc_library_get(const char **reason)
{
    return late_library_load(&library, reason) ? &functions : NULL;
}
