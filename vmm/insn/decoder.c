/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads capstone. */
#include "vmm/insn/decoder.h"

#include <dlfcn.h>
#include <glib.h>

#define LIBRARY "libcapstone.so." G_STRINGIFY(CS_API_MAJOR) /* the one whose headers this was built with */

static bool find(void *library, struct decoder *decoder)
{
    const struct {
        const char *name;
        void *function;
    } functions[] = {{"cs_open", &decoder->open},
                     {"cs_option", &decoder->option},
                     {"cs_disasm", &decoder->disasm},
                     {"cs_free", &decoder->free},
                     {"cs_close", &decoder->close}};

    for (unsigned i = 0; i < G_N_ELEMENTS(functions); i++) {
        void *symbol = dlsym(library, functions[i].name);
        if (!symbol)
            return false;
        *(void **)functions[i].function = symbol;
    }
    return true;
}

const struct decoder *decoder_get(void)
{
    static struct decoder decoder;
    static gsize once;

    if (g_once_init_enter(&once)) {
        void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
        const bool found = library && find(library, &decoder);
        if (!found)
            g_printerr("vmm: instructions that KVM cannot do are not finished: %s (install capstone)\n", library ? LIBRARY " is incomplete" : dlerror());
        g_once_init_leave(&once, found ? 1 : 2);
    }
    return once == 1 ? &decoder : NULL;
}
