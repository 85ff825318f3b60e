/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of hangs. See hang_files.h. */
#include "vmm/observe/hang_files.h"

#include <stdio.h>

struct hang {
    char *path, *text, *guest, *reason;
    unsigned engine;
};

struct hang_files {
    char *directory;
    GMutex lock;        /* guards all below */
    GHashTable *counts; /* guest's name -> how many it has */
    GQueue waiting;     /* struct hang */
    guint idle;
};

struct hang_files *hang_files_create(const char *directory)
{
    if (!directory)
        return NULL;
    struct hang_files *files = g_new0(struct hang_files, 1);
    files->directory = g_strdup(directory);
    files->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&files->lock);
    g_queue_init(&files->waiting);
    return files;
}

static void hang_free(struct hang *hang)
{
    g_free(hang->path);
    g_free(hang->text);
    g_free(hang->guest);
    g_free(hang->reason);
    g_free(hang);
}

static void write_hang(const struct hang *hang)
{
    g_autoptr(GError) error = NULL;

    if (g_file_set_contents_full(hang->path, hang->text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
        fprintf(stderr, "vmm: guest %s: %s hung: %s (vmm decode %s)\n", hang->guest, gpu_engine_name(hang->engine), hang->reason, hang->path);
    else
        fprintf(stderr, "vmm: guest %s: %s hung: %s (no error state: %s)\n", hang->guest, gpu_engine_name(hang->engine), hang->reason, error->message);
}

static gboolean write_waiting(gpointer opaque)
{
    struct hang_files *files = opaque;
    struct hang *hang;

    for (;;) {
        g_mutex_lock(&files->lock);
        hang = g_queue_pop_head(&files->waiting);
        if (!hang)
            files->idle = 0;
        g_mutex_unlock(&files->lock);
        if (!hang)
            return G_SOURCE_REMOVE;
        write_hang(hang);
        hang_free(hang);
    }
}

void hang_files_destroy(struct hang_files *files)
{
    if (!files)
        return;
    if (files->idle)
        g_source_remove(files->idle);
    write_waiting(files);
    g_hash_table_destroy(files->counts);
    g_mutex_clear(&files->lock);
    g_free(files->directory);
    g_free(files);
}

void hang_files_add(struct hang_files *files, const struct error_state *state)
{
    const char *guest = state->guest ? state->guest : "unknown";

    if (!files)
        return;
    g_mutex_lock(&files->lock);
    unsigned number = GPOINTER_TO_UINT(g_hash_table_lookup(files->counts, guest)) + 1;
    if (number <= HANG_FILES_EACH) {
        struct hang *hang = g_new(struct hang, 1);
        *hang = (struct hang){.path = g_strdup_printf("%s/%s-hang-%u.txt", files->directory, guest, number),
                              .text = error_state_format(state),
                              .guest = g_strdup(guest),
                              .reason = g_strdup(state->reason ? state->reason : "no reason is known"),
                              .engine = state->engine};
        g_hash_table_insert(files->counts, g_strdup(guest), GUINT_TO_POINTER(number));
        g_queue_push_tail(&files->waiting, hang);
        if (!files->idle)
            files->idle = g_idle_add_full(G_PRIORITY_DEFAULT, write_waiting, files, NULL);
    }
    g_mutex_unlock(&files->lock);
}
