/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of fids; see fids.h. */
#include "vmm/p9/fids.h"

#include "vmm/p9/protocol.h"
#include "vmm/p9/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct p9_fids {
    GHashTable *table; /* by number; owns them */
    size_t path_bytes;
    unsigned open; /* descriptors */
};

static void fid_free(gpointer data)
{
    struct p9_fid *fid = data;

    p9_close_fd(&fid->hold);
    p9_close_fd(&fid->fd);
    g_free(fid->path);
    g_free(fid);
}

struct p9_fids *p9_fids_create(void)
{
    struct p9_fids *fids = g_new0(struct p9_fids, 1);

    fids->table = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, fid_free);
    return fids;
}

void p9_fids_destroy(struct p9_fids *fids)
{
    g_hash_table_destroy(fids->table);
    g_free(fids);
}

struct p9_fid *p9_fids_find(struct p9_fids *fids, uint32_t number)
{
    return g_hash_table_lookup(fids->table, GUINT_TO_POINTER(number));
}

static void drop_path(struct p9_fids *fids, struct p9_fid *fid)
{
    fids->path_bytes -= fid->path ? strlen(fid->path) : 0;
    g_clear_pointer(&fid->path, g_free);
}

int p9_fids_set_path(struct p9_fids *fids, struct p9_fid *fid, const char *path)
{
    size_t len = strlen(path), old = fid->path ? strlen(fid->path) : 0;

    if (len > P9_PATH_MAX)
        return ENAMETOOLONG;
    if (fids->path_bytes - old + len > P9_PATHS_MAX_BYTES)
        return ENOMEM;
    drop_path(fids, fid);
    fid->path = g_strdup(path);
    fids->path_bytes += len;
    return 0;
}

int p9_fids_add(struct p9_fids *fids, uint32_t number, const char *path)
{
    if (number == P9_NO_FID || p9_fids_find(fids, number))
        return EBADF;
    if (g_hash_table_size(fids->table) >= P9_FIDS_MAX)
        return ENOMEM;
    struct p9_fid *fid = g_new0(struct p9_fid, 1);
    fid->number = number;
    fid->fd = fid->hold = -1;
    int failed = p9_fids_set_path(fids, fid, path);
    if (failed)
        fid_free(fid);
    else
        g_hash_table_insert(fids->table, GUINT_TO_POINTER(number), fid);
    return failed;
}

void p9_fids_remove(struct p9_fids *fids, struct p9_fid *fid)
{
    drop_path(fids, fid);
    fids->open -= (fid->fd >= 0) + (fid->hold >= 0);
    g_hash_table_remove(fids->table, GUINT_TO_POINTER(fid->number));
}

void p9_fids_clear(struct p9_fids *fids)
{
    g_hash_table_remove_all(fids->table);
    fids->path_bytes = 0;
    fids->open = 0;
}

bool p9_fids_may_open(const struct p9_fids *fids)
{
    return fids->open < P9_OPEN_MAX;
}

void p9_fids_opened(struct p9_fids *fids, struct p9_fid *fid, int fd, int access, bool directory)
{
    fid->fd = fd;
    fid->access = access;
    fid->directory = directory;
    fids->open++;
}

void p9_fids_removed(struct p9_fids *fids, const char *path, int hold)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, fids->table);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct p9_fid *fid = value;
        if (!fid->path || strcmp(fid->path, path) != 0)
            continue;
        drop_path(fids, fid);
        if (hold >= 0 && p9_fids_may_open(fids) && (fid->hold = fcntl(hold, F_DUPFD_CLOEXEC, 0)) >= 0)
            fids->open++;
    }
}

void p9_fids_renamed(struct p9_fids *fids, const char *from, const char *to)
{
    size_t len = strlen(from);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, fids->table);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct p9_fid *fid = value;
        if (!fid->path || strncmp(fid->path, from, len) != 0 || (fid->path[len] != '\0' && fid->path[len] != '/'))
            continue;
        g_autofree char *path = g_strconcat(to, fid->path + len, NULL);
        if (p9_fids_set_path(fids, fid, path) != 0)
            drop_path(fids, fid);
    }
}

char *p9_path_join(const char *directory, const char *name)
{
    return *directory ? g_strconcat(directory, "/", name, NULL) : g_strdup(name);
}
