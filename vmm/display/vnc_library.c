/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads libvncserver. See vnc_library.h. */
#include "vmm/display/vnc_library.h"

#include <dlfcn.h>
#include <glib.h>

enum { INITIAL_SIDE = 64 }; /* of a picture that is replaced before anybody sees it */

#define LIBRARY "libvncserver.so.1" /* the interface of 0.9.13 and later */
#define SYMBOL(field) {G_STRINGIFY(rfb##field), G_STRUCT_OFFSET(struct vnc_library, field)}

static const struct {
    const char *name;
    long offset;
} symbols[] = {
    {"rfbLog", G_STRUCT_OFFSET(struct vnc_library, log)},
    {"rfbErr", G_STRUCT_OFFSET(struct vnc_library, err)},
    {"sraRgnEmpty", G_STRUCT_OFFSET(struct vnc_library, region_empty)},
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

static struct {
    GMutex lock;
    GPtrArray *spare; /* rfbScreenInfoPtr; NULL: none were reserved */
} reserve;

static void no_log(const char *format, ...)
{
}

/* NULL, or why not; it stays. */
static char *load(struct vnc_library *loaded)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

    if (!library)
        return g_strdup_printf("libvncserver cannot be loaded: %s (install libvncserver1)", dlerror());
    for (size_t i = 0; i < G_N_ELEMENTS(symbols); i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (!symbol)
            return g_strdup_printf("%s has no %s: another version than this was built for", LIBRARY, symbols[i].name);
        *(void **)G_STRUCT_MEMBER_P(loaded, symbols[i].offset) = symbol;
    }
    *loaded->log = *loaded->err = no_log;
    /* What the library for ciphers reads when it is used first, it reads now. */
    unsigned char block[16] = {0};
    loaded->RandomBytes(block);
    loaded->EncryptBytes(block, (char[]){"warm up"});
    return NULL;
}

const struct vnc_library *vnc_library_get(const char **reason)
{
    static struct vnc_library library;
    static char *problem;
    static gsize once;

    if (g_once_init_enter(&once)) {
        problem = load(&library);
        g_once_init_leave(&once, 1);
    }
    if (reason)
        *reason = problem;
    return problem ? NULL : &library;
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
