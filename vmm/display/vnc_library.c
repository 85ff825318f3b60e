/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads libvncserver. See vnc_library.h. */
#include "vmm/display/vnc_library.h"

#include <dlfcn.h>
#include <glib.h>

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
