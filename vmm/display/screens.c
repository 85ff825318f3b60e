/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screens that a configuration asks for. See screens.h. */
#include "vmm/display/screens.h"

#include "vmm/canvas.h"
#include "vmm/display/mode.h"
#include "vmm/display/screen.h"
#include "vmm/display/vnc_library.h"
#include "vmm/error.h"
#include "vmm/sandbox/sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { PASSWORD_FILE_MAX = 4096 };

struct user_screen {
    struct screens *screens;
    unsigned user;
    const char *guest;
    char *where;
    struct keymap *keymap;     /* or NULL */
    const struct input *input; /* or NULL */
    struct screen *screen;
};

struct screens {
    const struct config *config;
    struct gpu_setup *gpu;
    struct messages *messages;
    GPtrArray *list; /* struct user_screen * */
};

/* The first line of the file. NULL with an error. */
static char *read_password(const struct config *config, const struct gpu_user *user, GError **error)
{
    const char *path = user->vnc_password;
    g_autofree char *text = NULL;
    g_autoptr(GError) problem = NULL;
    struct stat st;
    gsize size;

    if (stat(path, &st) != 0)
        fail_user(config, user, "vnc_password", error, "%s: %s", path, g_strerror(errno));
    else if (!S_ISREG(st.st_mode) || st.st_size > PASSWORD_FILE_MAX)
        fail_user(config, user, "vnc_password", error, "%s is not a small file (its first line is the password)", path);
    else if (st.st_mode & (S_IROTH | S_IWOTH))
        fail_user(config, user, "vnc_password", error, "%s: every user of this host can read or write it (chmod o-rw %s)", path, path);
    else if (!g_file_get_contents(path, &text, &size, &problem))
        fail_user(config, user, "vnc_password", error, "%s", problem->message);
    else {
        char *line = g_strndup(text, strcspn(text, "\r\n"));
        if (*line && strlen(line) <= VIEWER_PASSWORD_MAX)
            return line;
        fail_user(config, user, "vnc_password", error, "the first line of %s has %zu bytes (VNC's passwords have 1 to %d)", path, strlen(line),
             VIEWER_PASSWORD_MAX);
        g_free(line);
    }
    return NULL;
}

/* All that can be said of a user's `vnc` without taking the port; folder is what a path is relative to, NULL: the configuration's. */
static bool load_address(const struct config *config, const struct gpu_user *user, const char *folder, struct vnc_address *address, GError **error)
{
    g_autofree char *base = folder ? g_strdup(folder) : g_path_get_dirname(config->path), *reason = NULL;

    if (strcmp(user->type, "none") == 0)
        return fail_user(config, user, "vnc", error, "there is no GPU of this process to show (try gpu = i915-GVTg_V5_4; a served vGPU has vnc where it is served)");
    if (!vnc_address_parse(user->vnc, base, address, &reason))
        return fail_user(config, user, "vnc", error, "%s", reason);
    if (vnc_address_is_local(address) || user->vnc_password)
        return true;
    fail_user(config, user, "vnc", error, folder ? "%s lets in whoever reaches it, and no password can be given here (try %u for this host only)"
                                                 : "%s lets in whoever reaches it (try vnc_password = FILE, or vnc = %u for this host only)",
              user->vnc, address->port);
    vnc_address_clear(address);
    return false;
}

static bool check_user(const struct config *config, const struct gpu_user *user, GHashTable *places, GError **error)
{
    struct monitor_settings settings = {0};
    struct vnc_address address;
    struct keymap *keymap;

    bool none = strcmp(user->type, "none") == 0;
    if (none && (user->mode || user->edid))
        return fail_user(config, user, user->mode ? "mode" : "edid", error, "there is no monitor of this process (a served vGPU has it where it is served)");
    if (!none && !mode_load(config, user, &settings, error))
        return false;
    if (user->vnc_password && !user->vnc)
        return fail_user(config, user, "vnc_password", error, "there is no vnc that it is for (try vnc = 5900)");
    if (user->vnc && !load_address(config, user, NULL, &address, error))
        return false;
    if (user->vnc) {
        char *where = vnc_address_text(&address);
        vnc_address_clear(&address);
        const char *other = g_hash_table_lookup(places, where);
        if (other) {
            fail_user(config, user, "vnc", error, "%s is [%s %s]'s already (try another port)", where, user->group, other);
            g_free(where);
            return false;
        }
        g_hash_table_insert(places, where, (gpointer)user->name);
    }
    if (user->vnc_password) {
        g_autofree char *password = read_password(config, user, error);
        if (!password)
            return false;
    }
    if (user->vnc && user->keymap) {
        keymap = keymap_create(user->keymap);
        if (!keymap)
            return fail_user(config, user, "keymap", error, "\"%s\" is no keyboard layout that XKB knows (try us; localectl list-x11-keymap-layouts lists them)",
                        user->keymap);
        keymap_destroy(keymap);
    }
    return true;
}

bool screens_check(const struct config *config, GError **error)
{
    g_autoptr(GArray) users = config_gpu_users(config);
    g_autoptr(GHashTable) places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (unsigned i = 0; i < users->len; i++)
        if (!check_user(config, &g_array_index(users, struct gpu_user, i), places, error))
            return false;
    return true;
}

static bool look(void *opaque, struct scanout *scanout, uint64_t *vblank_ns, GError **error)
{
    const struct user_screen *user = opaque;

    return gpu_setup_scanout(user->screens->gpu, user->user, scanout, vblank_ns, error);
}

static struct scanout_reader *reader(void *opaque, const struct scanout *scanout, GError **error)
{
    const struct user_screen *user = opaque;

    return gpu_setup_reader(user->screens->gpu, user->user, scanout, error);
}

static void reader_done(void *opaque, struct scanout_reader *reader)
{
    const struct user_screen *user = opaque;

    gpu_setup_reader_done(user->screens->gpu, user->user, reader);
}

static void say(void *opaque, const char *text)
{
    const struct user_screen *user = opaque;

    messages_add(user->screens->messages, "guest %s: vnc: %s", user->guest, text);
}

static void free_screen(gpointer opaque)
{
    struct user_screen *screen = opaque;

    screen_destroy(screen->screen);
    keymap_destroy(screen->keymap);
    g_free(screen->where);
    g_free(screen);
}

/* What the sandbox would refuse with less words, and what a configuration that is without it should not depend on. */
static bool is_in_folder(const struct vnc_address *address, const char *folder)
{
    g_autofree char *place = address->path ? g_path_get_dirname(address->path) : NULL;

    return !place || strcmp(place, folder) == 0;
}

/* Adds it to the list. */
static bool create_screen(struct screens *screens, unsigned number, const struct gpu_user *user, const char *folder, GError **error)
{
    const struct config *config = screens->config;
    g_autofree char *password = user->vnc_password ? read_password(config, user, error) : NULL, *reason = NULL;
    struct vnc_listener listener;
    struct vnc_address address = {0};
    const char *problem;

    if ((user->vnc_password && !password) || !load_address(config, user, folder, &address, error))
        return false;
    bool elsewhere = folder && !is_in_folder(&address, folder);
    if (elsewhere || !vnc_library_get(&problem) || !canvas_load_pixels(&problem)) {
        if (elsewhere)
            fail_user(config, user, "vnc", error, "%s is not in %s, where sockets can be made while guests run (try unix:%s.vnc)", address.path, folder, user->name);
        else
            fail_user(config, user, "vnc", error, "%s", problem);
        vnc_address_clear(&address);
        return false;
    }
    struct user_screen *screen = g_new0(struct user_screen, 1);
    *screen = (struct user_screen){.screens = screens, .user = number, .guest = user->name, .where = vnc_address_text(&address)};
    screen->keymap = user->keymap ? keymap_create(user->keymap) : NULL;
    bool ok = vnc_listen(&address, &listener, &reason);
    if (!ok)
        fail_user(config, user, "vnc", error, "%s", reason);
    if (!folder)
        sandbox_allow(SANDBOX_FONTS, NULL);
    if (ok && address.path && !folder) {
        g_autofree char *place = g_path_get_dirname(address.path);
        sandbox_allow(SANDBOX_SOCKET, place);
    }
    vnc_address_clear(&address);
    const struct screen_config settings = {.guest = user->name,
                                           .password = password,
                                           .keymap = screen->keymap,
                                           .source = {.look = look, .reader = reader, .done = reader_done, .opaque = screen},
                                           .say = say,
                                           .opaque = screen};
    if (ok && !(screen->screen = screen_create(&settings, &listener)))
        ok = fail_user(config, user, "vnc", error, folder ? "there are %d screens that came later already, or no file descriptors or memory are left"
                                                          : "no file descriptors or memory are left", SCREENS_LATER);
    if (ok)
        g_ptr_array_add(screens->list, screen);
    else
        free_screen(screen);
    return ok;
}

struct screens *screens_create(const struct config *config, struct gpu_setup *gpu, struct messages *messages, GError **error)
{
    struct screens *screens = g_new0(struct screens, 1);

    *screens = (struct screens){.config = config, .gpu = gpu, .messages = messages, .list = g_ptr_array_new_with_free_func(free_screen)};
    for (unsigned i = 0; i < gpu_setup_count(gpu); i++) {
        const struct gpu_user *user = gpu_setup_user(gpu, i);
        if (user->vnc && !create_screen(screens, i, user, NULL, error)) {
            screens_destroy(screens);
            return NULL;
        }
    }
    return screens;
}

static struct user_screen *find(const struct screens *screens, unsigned user)
{
    for (guint i = 0; i < screens->list->len; i++) {
        struct user_screen *screen = g_ptr_array_index(screens->list, i);
        if (screen->user == user)
            return screen;
    }
    return NULL;
}

void screens_set_input(struct screens *screens, unsigned user, const struct input *input)
{
    struct user_screen *screen = find(screens, user);

    if (screen)
        screen->input = input;
}

static bool start(struct user_screen *screen, GError **error)
{
    if (!screen_start(screen->screen, screen->input, error))
        return false;
    messages_add(screen->screens->messages, "guest %s: screen at %s (VNC)", screen->guest, screen->where);
    return true;
}

bool screens_start(struct screens *screens, GError **error)
{
    for (guint i = 0; i < screens->list->len; i++)
        if (!start(g_ptr_array_index(screens->list, i), error))
            return false;
    return true;
}

void screens_prepare_to_grow(struct screens *screens)
{
    /* What the sandbox will not let the first screen load. If that fails, screens_add() says it. */
    vnc_library_reserve(SCREENS_LATER * SCREEN_VIEWERS);
    canvas_load_pixels(NULL);
    sandbox_allow(SANDBOX_FONTS, NULL);
}

bool screens_add(struct screens *screens, unsigned user, const char *vnc, const char *folder, GError **error)
{
    struct gpu_user settings = *gpu_setup_user(screens->gpu, user);

    settings.vnc = vnc;
    settings.vnc_password = settings.keymap = NULL;
    if (!create_screen(screens, user, &settings, folder, error))
        return false;
    if (start(g_ptr_array_index(screens->list, screens->list->len - 1), error))
        return true;
    g_ptr_array_remove_index(screens->list, screens->list->len - 1);
    return false;
}

const char *screens_where(const struct screens *screens, unsigned user)
{
    const struct user_screen *screen = find(screens, user);

    return screen ? screen->where : NULL;
}

void screens_remove(struct screens *screens, unsigned user)
{
    struct user_screen *screen = find(screens, user);

    if (screen)
        g_ptr_array_remove(screens->list, screen);
}

void screens_destroy(struct screens *screens)
{
    if (!screens)
        return;
    g_ptr_array_unref(screens->list);
    vnc_library_release();
    g_free(screens);
}
