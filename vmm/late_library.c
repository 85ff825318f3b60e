/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads a library and finds its functions. See late_library.h. */
#include "vmm/late_library.h"

#include <dlfcn.h>

/* NULL, or why not. */
static char *load(const struct late_library *library)
{
    void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);

    if (!handle)
        return g_strdup_printf("%s cannot be loaded: %s (install %s)", library->file, dlerror(), library->package);
    for (size_t i = 0; i < library->symbol_count; i++) {
        void *symbol = dlsym(handle, library->symbols[i].name);
        if (!symbol)
            return g_strdup_printf("%s has no %s: another version than this was built for (install %s)", library->file, library->symbols[i].name,
                                   library->package);
        *(void **)G_STRUCT_MEMBER_P(library->functions, library->symbols[i].offset) = symbol;
    }
    return NULL;
}

bool late_library_load(struct late_library *library, const char **reason)
{
    if (g_once_init_enter(&library->once)) {
        library->problem = load(library);
        g_once_init_leave(&library->once, 1);
    }
    if (reason)
        *reason = library->problem;
    return !library->problem;
}
