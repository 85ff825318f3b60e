/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors of the VMM: their codes are the exit codes of the program. Set by every part of vmm/, printed by cli.c. */
#ifndef MEDIANT_VMM_ERROR_H
#define MEDIANT_VMM_ERROR_H

#include <glib.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the program returns. */
enum exit_code {
    EXIT_OK = 0,            /* the guests shut down, or were asked to by a signal */
    EXIT_VMM_FAILURE = 1,   /* KVM, the system or the VMM itself failed */
    EXIT_USAGE = 2,         /* command line or configuration; nothing was started */
    EXIT_GUEST_CRASHED = 3, /* triple fault, unknown instruction, or a guest that left with a status other than 0 */
    EXIT_VGPU_DISABLED = 4, /* a vGPU was disabled because of what its guest did */
    EXIT_TIMEOUT = 124,     /* --timeout, as timeout(1) */
};

enum vmm_error {
    VMM_ERROR_FAILED = EXIT_VMM_FAILURE,
    VMM_ERROR_CONFIG = EXIT_USAGE,
};

#define VMM_ERROR vmm_error_quark()
GQuark vmm_error_quark(void);

/*
 * Sets VMM_ERROR_CONFIG with the message "WHERE: text", on one line whatever the text holds; where is what the error is about, as a file's path. Returns
 * false, for return fail_config(...).
 */
bool fail_config(GError **error, const char *where, const char *format, ...) G_GNUC_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif
#endif
