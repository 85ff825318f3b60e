/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads libvncserver. See vnc_library.h. */
#include "vmm/display/vnc_library.h"

#include "vmm/late_library.h"

enum { INITIAL_SIDE = 64 }; /* of a picture that is replaced before anybody sees it */

#define SYMBOL(field) {G_STRINGIFY(rfb##field), offsetof(struct vnc_library, field)}

static const struct late_symbol symbols[] = {
    {"rfbLog", offsetof(struct vnc_library, log)},
    {"rfbErr", offsetof(struct vnc_library, err)},
    {"sraRgnEmpty", offsetof(struct vnc_library, region_empty)},
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
    SYMBOL(ProcessClientMessage),
    SYMBOL(WriteExact),
    SYMBOL(RegisterProtocolExtension),
    SYMBOL(UnregisterProtocolExtension),
    SYMBOL(ClientConnectionGone),
};

static struct vnc_library functions;
/* The interface of 0.9.13 and later. */
static struct late_library library = LATE_LIBRARY("libvncserver.so.1", "libvncserver1", symbols, &functions);

static struct {
    GMutex lock;
    GPtrArray *spare; /* rfbScreenInfoPtr; NULL: none were reserved */
} reserve;

static void no_log(const char *format, ...)
{
}

/*
 * What the library for ciphers reads when it is used first, it reads now. And the lock of the list of extensions, which is made when the list is used first, is
 * made before several viewers' threads use it.
 */
static void warm_up(void)
{
    unsigned char block[16] = {0};
    rfbProtocolExtension none = {0};

    *functions.log = *functions.err = no_log;
    functions.EncryptBytes(block, (char[]){"warm up"});
    functions.RegisterProtocolExtension(&none);
    functions.UnregisterProtocolExtension(&none);
}

const struct vnc_library *vnc_library_get(const char **reason)
{
    static gsize warm;

    if (!late_library_load(&library, reason))
        return NULL;
    if (g_once_init_enter(&warm)) {
        warm_up();
        g_once_init_leave(&warm, 1);
    }
    return &functions;
}

static rfbScreenInfoPtr make_screen(void)
{
    const struct vnc_library *vnc = vnc_library_get(NULL);

    return vnc ? vnc->GetScreen(NULL, NULL, INITIAL_SIDE, INITIAL_SIDE, 8, 3, 4) : NULL;
}

bool vnc_library_reserve(unsigned viewers)
{
    GPtrArray *spare = g_ptr_array_new();
    rfbScreenInfoPtr screen = NULL;

    for (unsigned i = 0; i < viewers && (screen = make_screen()) != NULL; i++)
        g_ptr_array_add(spare, screen);
    g_mutex_lock(&reserve.lock);
    reserve.spare = spare;
    g_mutex_unlock(&reserve.lock);
    return screen != NULL;
}

rfbScreenInfoPtr vnc_library_take(void)
{
    g_mutex_lock(&reserve.lock);
    rfbScreenInfoPtr screen = !reserve.spare ? make_screen() : reserve.spare->len > 0 ? g_ptr_array_steal_index(reserve.spare, reserve.spare->len - 1) : NULL;
    g_mutex_unlock(&reserve.lock);
    return screen;
}

void vnc_library_give(rfbScreenInfoPtr screen)
{
    if (!screen)
        return;
    g_mutex_lock(&reserve.lock);
    if (reserve.spare)
        g_ptr_array_add(reserve.spare, screen);
    else
        vnc_library_get(NULL)->ScreenCleanup(screen);
    g_mutex_unlock(&reserve.lock);
}

void vnc_library_release(void)
{
    g_mutex_lock(&reserve.lock);
    for (guint i = 0; reserve.spare && i < reserve.spare->len; i++)
        vnc_library_get(NULL)->ScreenCleanup(g_ptr_array_index(reserve.spare, i));
    if (reserve.spare)
        g_ptr_array_unref(reserve.spare);
    reserve.spare = NULL;
    g_mutex_unlock(&reserve.lock);
}
