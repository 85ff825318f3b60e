/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vGPUs that are to be there again after a restart: one JSON file for each in ROOT/etc/mdevctl.d/PARENT, in the format of mdevctl, which reads and writes the
 * same files (mdevctl(8), "define"). Used by mdev.c and cmd_mdev.c. Threads: any; files only.
 */
#ifndef MEDIANT_VMM_MDEV_DEFINITIONS_H
#define MEDIANT_VMM_MDEV_DEFINITIONS_H

#include <glib.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mdev_definition {
    char *uuid; /* lower case */
    char *type; /* any text: not checked */
    bool automatic;     /* start with the server */
    bool has_attributes; /* that are to be written to the device's files */
};
void mdev_definition_free(struct mdev_definition *definition);

/* The folder. Caller frees with g_free(). */
char *mdev_definitions_folder(const char *root);
/* By UUID. A file that is no definition is passed over, after complain(opaque, text). Empty when there is no folder. Caller frees with g_ptr_array_unref(). */
GPtrArray *mdev_definitions_load(const char *root, void (*complain)(void *opaque, const char *text), void *opaque);
/* Makes folders as needed, and replaces a definition of that UUID. VMM_ERROR_FAILED. */
bool mdev_definition_write(const char *root, const char *uuid, const char *type, bool automatic, GError **error);
/* VMM_ERROR_CONFIG when there is none. */
bool mdev_definition_remove(const char *root, const char *uuid, GError **error);

#ifdef __cplusplus
}
#endif
#endif
