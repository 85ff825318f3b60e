/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ties the tree, the definitions and the served vGPUs together; see mdev.h. */
#include "vmm/mdev/mdev.h"

#include "vmm/error.h"
#include "vmm/mdev/definitions.h"
#include "vmm/mdev/fuse.h"
#include "vmm/messages.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

struct mdev {
    struct mdev_config config;
    char *root;
    struct mdev_fuse *fuse;
};

struct refresh {
    struct mdev *mdev;
    struct mdev_state *state;
    GHashTable *names; /* of what is served, as a set */
};

static void show(void *opaque, const char *name, const struct vgpu_type *type, const char *socket)
{
    struct refresh *refresh = opaque;
    char uuid[MDEV_UUID_LENGTH + 1];

    if (!type || !mdev_uuid_parse(name, strlen(name), uuid) || strcmp(uuid, name) != 0)
        return;
    g_hash_table_add(refresh->names, g_strdup(name));
    mdev_state_add(refresh->state, name, type, socket);
}

static bool is_served(void *opaque, const char *uuid)
{
    const struct refresh *refresh = opaque;

    return g_hash_table_contains(refresh->names, uuid);
}

/* With the file system's lock, which no callback here takes. */
static void change(void *opaque, struct mdev_state *state)
{
    struct mdev *mdev = opaque;
    struct refresh refresh = {mdev, state, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};

    mdev->config.each(mdev->config.opaque, show, &refresh);
    mdev_state_prune(state, is_served, &refresh);
    for (unsigned i = 0; i < MDEV_TYPES_MAX && vgpu_types[i].name; i++)
        state->available[i] = mdev->config.available(mdev->config.opaque, &vgpu_types[i]);
    g_hash_table_unref(refresh.names);
}

void mdev_refresh(struct mdev *mdev)
{
    if (mdev)
        mdev_fuse_update(mdev->fuse, change, mdev);
}

struct lookup {
    const char *name;
    bool found;
};

static void look(void *opaque, const char *name, const struct vgpu_type *type, const char *socket)
{
    struct lookup *lookup = opaque;

    lookup->found |= strcmp(lookup->name, name) == 0;
}

static bool is_there(struct mdev *mdev, const char *uuid)
{
    struct lookup lookup = {uuid, false};

    mdev->config.each(mdev->config.opaque, look, &lookup);
    return lookup.found;
}

/* The kernel's error numbers; the reason in words is only ours to say. */
static int run(void *opaque, const struct mdev_request *request)
{
    struct mdev *mdev = opaque;
    g_autoptr(GError) error = NULL;

    if (request->remove && !is_there(mdev, request->uuid))
        return ENODEV;
    if (!request->remove && is_there(mdev, request->uuid))
        return EEXIST;
    bool full = !request->remove && mdev->config.available(mdev->config.opaque, request->type) == 0;
    bool ok = request->remove ? mdev->config.remove(mdev->config.opaque, request->uuid, &error)
                              : mdev->config.create(mdev->config.opaque, request->uuid, request->type, &error);
    if (ok)
        return 0;
    messages_add(mdev->config.messages, "mdev: %s %s: %s", request->remove ? "remove" : "create", request->uuid, error->message);
    return full ? ENOSPC : EIO;
}

static void complain(void *opaque, const char *text)
{
    struct mdev *mdev = opaque;

    messages_add(mdev->config.messages, "mdev: %s", text);
}

static bool start(struct mdev *mdev, const struct mdev_definition *definition, GError **error)
{
    const struct vgpu_type *type = vgpu_type_find(definition->type);

    if (!type)
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "its type %s is not known (vmm types lists them)", definition->type);
    else if (is_there(mdev, definition->uuid))
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "the configuration has a vGPU of that name already");
    else
        return mdev->config.create(mdev->config.opaque, definition->uuid, type, error);
    return false;
}

void mdev_start_defined(struct mdev *mdev)
{
    g_autoptr(GPtrArray) definitions = mdev_definitions_load(mdev->root, complain, mdev);

    for (unsigned i = 0; i < definitions->len; i++) {
        const struct mdev_definition *definition = g_ptr_array_index(definitions, i);
        g_autoptr(GError) error = NULL;
        if (!definition->automatic)
            continue;
        if (!start(mdev, definition, &error))
            messages_add(mdev->config.messages, "mdev: %s, which is defined, is left out: %s", definition->uuid, error->message);
        else if (definition->has_attributes)
            messages_add(mdev->config.messages, "mdev: %s: its attributes are left out: vGPUs have none that can be set", definition->uuid);
    }
}

/* Where the tree is mounted, the definitions, and what mdevctl insists on finding below its root: folders for scripts, which stay empty. */
static bool make_folders(const char *root, GError **error)
{
    static const char *const folders[] = {"sys", ("etc/mdevctl.d/" MDEV_PARENT), "usr/lib/mdevctl/scripts.d/callouts", "usr/lib/mdevctl/scripts.d/notifiers"};

    for (unsigned i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(root, folders[i], NULL);
        if (g_mkdir_with_parents(path, 0700) == 0)
            continue;
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: %s", path, g_strerror(errno));
        return false;
    }
    return true;
}

/* The program that unmounts for a process that is gone may not be done yet. False: nobody does. */
static bool wait_for_predecessor(const char *sys)
{
    enum { STEP_US = 20000, STEPS = 150 };
    GStatBuf st;

    for (unsigned i = 0; i < STEPS; i++) {
        if (g_stat(sys, &st) == 0 || errno != ENOTCONN)
            return true;
        g_usleep(STEP_US);
    }
    return false;
}

static bool is_empty(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);

    return dir && !g_dir_read_name(dir);
}

struct mdev *mdev_mount(const char *root, GError **error)
{
    g_autofree char *absolute = g_canonicalize_filename(root, NULL); /* who unmounts has another working directory */
    g_autofree char *sys = g_build_filename(absolute, "sys", NULL), *bus = g_build_filename(sys, "class", "mdev_bus", NULL);

    if (!wait_for_predecessor(sys)) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: a process that is gone has left its mount there (fusermount3 -u %s)", sys, sys);
        return NULL;
    }
    if (g_file_test(bus, G_FILE_TEST_EXISTS)) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s is there already: another vmm serves it, or it is the system's (try another path)", bus);
        return NULL;
    }
    if (!make_folders(absolute, error))
        return NULL;
    if (!is_empty(sys)) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: is not empty: a mount would hide what is there (try another path for [gpu] mdev)", sys);
        return NULL;
    }
    struct mdev *mdev = g_new0(struct mdev, 1);
    mdev->root = g_steal_pointer(&absolute);
    mdev->fuse = mdev_fuse_mount(sys, error);
    if (!mdev->fuse)
        g_clear_pointer(&mdev, mdev_destroy);
    return mdev;
}

bool mdev_start(struct mdev *mdev, const struct mdev_config *config, GError **error)
{
    mdev->config = *config;
    mdev_refresh(mdev);
    return mdev_fuse_start(mdev->fuse, run, mdev, error);
}

const char *mdev_root(const struct mdev *mdev)
{
    return mdev->root;
}

void mdev_destroy(struct mdev *mdev)
{
    if (!mdev)
        return;
    mdev_fuse_destroy(mdev->fuse);
    g_free(mdev->root);
    g_free(mdev);
}
