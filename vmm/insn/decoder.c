/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads capstone. */
#include "vmm/insn/decoder.h"

#include "vmm/late_library.h"

#define SYMBOL(field) {"cs_" #field, offsetof(struct decoder, field)}

static const struct late_symbol symbols[] = {SYMBOL(open), SYMBOL(option), SYMBOL(disasm), SYMBOL(free), SYMBOL(close)};
static struct decoder decoder;
/* The one whose headers this was built with. */
static struct late_library library = LATE_LIBRARY("libcapstone.so." G_STRINGIFY(CS_API_MAJOR), "libcapstone" G_STRINGIFY(CS_API_MAJOR), symbols, &decoder);

const struct decoder *decoder_get(void)
{
    static gsize said;
    const char *reason;

    if (late_library_load(&library, &reason))
        return &decoder;
    if (g_once_init_enter(&said)) {
        g_printerr("vmm: instructions that KVM cannot do are not finished: %s\n", reason);
        g_once_init_leave(&said, 1);
    }
    return NULL;
}
