/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error domain of vmm/. */
#include "vmm/error.h"

G_DEFINE_QUARK(vmm-error, vmm_error)

bool fail_config(GError **error, const char *where, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    g_strdelimit(reason, "\n\r", ' ');
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %s", where, reason);
    return false;
}
