/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a configuration file by the option table. Used by the run and check commands; config_check.c checks what it means. */
#include "vmm/config.h"

#include "vmm/error.h"
#include "vmm/units.h"

#include <string.h>

#define FILE_SIZE_MAX (UINT64_C(1) << 20)
enum { NAME_MAX_BYTES = 32, GUESTS_MAX = 64 };

/* The groups without a name: where their settings are in struct config. */
static const struct {
    enum option_group group;
    size_t offset;
} plain_groups[] = {
    {OPTION_GPU, offsetof(struct config, gpu)},
    {OPTION_SCHEDULER, offsetof(struct config, scheduler)},
    {OPTION_OBSERVE, offsetof(struct config, observe)},
    {OPTION_VMM, offsetof(struct config, vmm)},
};

static void *plain_settings(struct config *config, size_t index)
{
    return (char *)config + plain_groups[index].offset;
}

static void vm_free(gpointer data)
{
    struct vm_settings *vm = data;

    option_clear_all(OPTION_VM, vm);
    g_free(vm->name);
    g_free(vm);
}

static void vgpu_free(gpointer data)
{
    struct vgpu_settings *vgpu = data;

    option_clear_all(OPTION_VGPU, vgpu);
    g_free(vgpu->name);
    g_free(vgpu);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(plain_groups); i++)
        option_clear_all(plain_groups[i].group, plain_settings(config, i));
    g_ptr_array_unref(config->vms);
    g_ptr_array_unref(config->vgpus);
    g_free(config->path);
    g_free(config);
}

void config_set_control(struct config *config, const char *value)
{
    g_free(config->vmm.control);
    config->vmm.control = g_strdup(value);
}

bool config_grows(const struct config *config)
{
    return config->gpu.mdev || (config->vmm.control && config->vms->len == 0);
}

static void set_defaults(enum option_group group, void *settings)
{
    for (size_t i = 0; i < option_count; i++) {
        g_autofree char *reason = NULL;
        if (options[i].group == group && options[i].fallback && !option_set(&options[i], settings, NULL, options[i].fallback, NULL, &reason))
            g_error("default of %s: %s", options[i].key, reason);
    }
}

/* The index of the one with that name in plain_groups; false when there is none. */
static bool find_plain(const char *name, size_t *index)
{
    for (*index = 0; *index < G_N_ELEMENTS(plain_groups); ++*index)
        if (strcmp(option_group_names[plain_groups[*index].group], name) == 0)
            return true;
    return false;
}

/* The groups that have names: where their settings are, how large these are, and what they are called. */
static const struct named_group {
    enum option_group group;
    size_t list; /* of the GPtrArray in struct config */
    size_t size;
    const char *what;
} named_groups[] = {
    {OPTION_VM, offsetof(struct config, vms), sizeof(struct vm_settings), "VM"},
    {OPTION_VGPU, offsetof(struct config, vgpus), sizeof(struct vgpu_settings), "vGPU"},
};
/* The name is the first member of either. */
G_STATIC_ASSERT(offsetof(struct vm_settings, name) == 0 && offsetof(struct vgpu_settings, name) == 0);

static GPtrArray *group_list(const struct config *config, const struct named_group *named)
{
    return *(GPtrArray *const *)(const void *)((const char *)config + named->list);
}

static const char *settings_name(const void *settings)
{
    return *(char *const *)settings;
}

static void *find_named(const struct config *config, const struct named_group *named, const char *name)
{
    GPtrArray *list = group_list(config, named);

    for (unsigned i = 0; i < list->len; i++)
        if (strcmp(settings_name(g_ptr_array_index(list, i)), name) == 0)
            return g_ptr_array_index(list, i);
    return NULL;
}

static bool valid_name(const char *name)
{
    if (!*name || strlen(name) > NAME_MAX_BYTES)
        return false;
    for (; *name; name++)
        if (!g_ascii_isalnum(*name) && !strchr("-_.", *name))
            return false;
    return true;
}

static bool set_key(enum option_group group, void *settings, const char *where, const char *section, const char *key,
                    const char *value, const char *base, GError **error)
{
    const char *name;
    const struct option *option = option_find(group, key, &name);
    g_autofree char *reason = NULL;

    if (!option) {
        const char *guess = option_suggest(group, key);
        return guess ? fail_config(error, where, "[%s] %s: unknown key (did you mean %s?)", section, key, guess)
                     : fail_config(error, where, "[%s] %s: unknown key (vmm help config lists the keys)", section, key);
    }
    if (!option_set(option, settings, name, value, base, &reason))
        return fail_config(error, where, "[%s] %s: %s", section, key, reason);
    return true;
}

static void *open_named_group(struct config *config, const struct named_group *named, const char *group, GError **error)
{
    const char *kind = option_group_names[named->group];
    g_autofree char *name = g_strstrip(g_strdup(group + strlen(kind) + 1));
    GPtrArray *list = group_list(config, named);

    if (!valid_name(name)) {
        fail_config(error, config->path, "[%s]: a %s's name is 1 to %d letters, digits, '-', '_' or '.' (try [%s alpha])", group, named->what,
             NAME_MAX_BYTES, kind);
        return NULL;
    }
    if (find_named(config, named, name)) {
        fail_config(error, config->path, "[%s %s]: two %ss have this name (try [%s %s2])", kind, name, named->what, kind, name);
        return NULL;
    }
    if (list->len >= GUESTS_MAX) {
        fail_config(error, config->path, "[%s %s]: more than %d %ss", kind, name, GUESTS_MAX, named->what);
        return NULL;
    }
    void *settings = g_malloc0(named->size);
    *(char **)settings = g_steal_pointer(&name);
    set_defaults(named->group, settings);
    g_ptr_array_add(list, settings);
    return settings;
}

/* The settings that a group of the file fills; creates those of a VM or vGPU. */
static void *open_group(struct config *config, const char *group, enum option_group *kind, GError **error)
{
    const char *known[OPTION_GROUPS + 1] = {0};
    char titles[OPTION_GROUPS][32];
    size_t plain;

    for (unsigned i = 0; i < OPTION_GROUPS; i++) {
        g_snprintf(titles[i], sizeof(titles[i]), "%s%s", option_group_names[i], option_group_is_named(i) ? " NAME" : "");
        known[i] = titles[i];
    }
    if (find_plain(group, &plain)) {
        *kind = plain_groups[plain].group;
        return plain_settings(config, plain);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(named_groups); i++) {
        const char *prefix = option_group_names[named_groups[i].group];
        if (g_str_has_prefix(group, prefix) && group[strlen(prefix)] == ' ') {
            *kind = named_groups[i].group;
            return open_named_group(config, &named_groups[i], group, error);
        }
    }
    const char *guess = strcmp(group, "vm") == 0 ? "vm NAME" : strcmp(group, "vgpu") == 0 ? "vgpu NAME" : suggest(group, known);
    g_autofree char *all = g_strjoinv("], [", (char **)known);
    if (guess)
        fail_config(error, config->path, "[%s]: unknown group (did you mean [%s]?)", group, guess);
    else
        fail_config(error, config->path, "[%s]: unknown group (groups are [%s])", group, all);
    return NULL;
}

/*
 * GKeyFile merges groups of one name and keeps the last of two equal keys; both are mistakes here, so the lines are looked at before it
 * does. Comments and blank lines are skipped as GKeyFile does.
 */
static bool check_duplicates(const struct config *config, const char *text, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GHashTable) groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *group = NULL;

    for (char **line = lines; *line; line++) {
        char *start = g_strstrip(*line);
        char *end = strrchr(start, ']'), *equals = strchr(start, '=');
        if (*start == '[' && end) {
            g_free(group);
            group = g_strndup(start + 1, (gsize)(end - start - 1));
            g_hash_table_remove_all(keys);
            if (g_hash_table_add(groups, g_strdup(group)))
                continue;
            for (size_t i = 0; i < G_N_ELEMENTS(named_groups); i++) {
                g_autofree char *prefix = g_strdup_printf("%s ", option_group_names[named_groups[i].group]);
                if (g_str_has_prefix(group, prefix))
                    return fail_config(error, config->path, "[%s]: two %ss have this name (try [%s2])", group, named_groups[i].what, group);
            }
            return fail_config(error, config->path, "[%s]: the group appears twice (merge them)", group);
        }
        if (*start != '#' && equals && group) {
            g_autofree char *key = g_strchomp(g_strndup(start, (gsize)(equals - start)));
            if (!g_hash_table_add(keys, g_strdup(key)))
                return fail_config(error, config->path, "[%s] %s: the key appears twice (remove one)", group, key);
        }
    }
    return true;
}

static bool read_groups(struct config *config, GKeyFile *file, const char *base, GError **error)
{
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);

    for (char **group = groups; *group; group++) {
        enum option_group kind;
        void *settings = open_group(config, *group, &kind, error);
        g_auto(GStrv) keys = g_key_file_get_keys(file, *group, NULL, NULL);
        if (!settings)
            return false;
        for (char **key = keys; key && *key; key++) {
            g_autoptr(GError) escape = NULL;
            g_autofree char *value = g_key_file_get_string(file, *group, *key, &escape);
            if (!value)
                return fail_config(error, config->path, "[%s] %s: %s", *group, *key, escape->message);
            if (!set_key(kind, settings, config->path, *group, *key, g_strchomp(value), base, error))
                return false;
        }
    }
    return true;
}

/* One -o section.key=value. */
static bool override(struct config *config, const char *text, GError **error)
{
    g_autofree char *where = g_strdup_printf("-o %s", text);
    const char *equals = strchr(text, '=');
    g_autofree char *left = equals ? g_strstrip(g_strndup(text, (gsize)(equals - text))) : g_strdup("");
    char *dot = strrchr(left, '.');

    if (!dot || dot == left || !dot[1])
        return fail_config(error, where, "not of the form section.key=value (try -o gpu.aperture=512M)");
    *dot = '\0';
    const char *section = left, *key = dot + 1, *value = equals + 1;
    size_t plain;
    if (find_plain(section, &plain))
        return set_key(plain_groups[plain].group, plain_settings(config, plain), where, section, key, value, NULL, error);

    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    bool found = false;
    for (size_t g = 0; g < G_N_ELEMENTS(named_groups); g++) {
        const struct named_group *named = &named_groups[g];
        const char *kind = option_group_names[named->group];
        GPtrArray *list = group_list(config, named);
        bool all = strcmp(section, kind) == 0, qualified = g_str_has_prefix(section, kind) && strchr(" .", section[strlen(kind)]);
        const char *wanted = qualified && !all ? section + strlen(kind) + 1 : section;
        for (unsigned i = 0; i < list->len; i++) {
            void *settings = g_ptr_array_index(list, i);
            const char *name = settings_name(settings);
            g_autofree char *group = g_strdup_printf("%s %s", kind, name);
            g_strv_builder_add(names, name);
            if (!all && strcmp(wanted, name) != 0)
                continue;
            found = true;
            if (!set_key(named->group, settings, where, group, key, value, NULL, error))
                return false;
        }
    }
    if (found)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(plain_groups); i++)
        g_strv_builder_add(names, option_group_names[plain_groups[i].group]);
    g_strv_builder_add(names, config->vgpus->len ? "vgpu" : "vm");
    g_auto(GStrv) known = g_strv_builder_end(names);
    const char *guess = suggest(section, (const char *const *)known);
    g_autofree char *list = g_strjoinv(", ", known);
    return guess ? fail_config(error, where, "no section %s (did you mean %s?)", section, guess)
                 : fail_config(error, where, "no section %s (sections are %s)", section, list);
}

/* Keys without a default must have been given, in the file or by -o. */
static bool check_required(const struct config *config, GError **error)
{
    for (size_t g = 0; g < G_N_ELEMENTS(named_groups); g++) {
        const struct named_group *named = &named_groups[g];
        GPtrArray *list = group_list(config, named);
        for (unsigned i = 0; i < list->len; i++) {
            const void *settings = g_ptr_array_index(list, i);
            for (size_t o = 0; o < option_count; o++)
                if (options[o].group == named->group && !options[o].fallback &&
                    !*(char *const *)(const void *)((const char *)settings + options[o].offset))
                    return fail_config(error, config->path, "[%s %s] %s: is missing (try %s = %s)", option_group_names[named->group],
                                settings_name(settings), options[o].key, options[o].key, options[o].example);
        }
    }
    for (unsigned i = 0; i < config->vms->len; i++) {
        const struct vm_settings *vm = g_ptr_array_index(config->vms, i);
        if (!vm->image && !vm->kernel)
            return fail_config(error, config->path, "[vm %s] image: is missing (try image = guest.elf, or kernel = vmlinuz for Linux)", vm->name);
        if (vm->image && vm->kernel)
            return fail_config(error, config->path, "[vm %s] kernel: there is an image already (remove one)", vm->name);
        if (vm->image && (vm->initrd || vm->cmdline))
            return fail_config(error, config->path, "[vm %s] %s: goes with kernel, not with image (try %s)", vm->name, vm->initrd ? "initrd" : "cmdline",
                        vm->initrd ? "kernel = ..." : "args = ...");
        if (vm->kernel && vm->args)
            return fail_config(error, config->path, "[vm %s] args: goes with image, not with kernel (try cmdline = ...)", vm->name);
    }
    return true;
}

/* What a file describes: machines that vmm run starts, or vGPUs that vmm serve offers. */
static bool check_contents(const struct config *config, GError **error)
{
    if (config->gpu.mdev && config->vms->len > 0)
        return fail_config(error, config->path, "[gpu] mdev: is for vmm serve, and [vm %s] is not (remove one)", settings_name(g_ptr_array_index(config->vms, 0)));
    if (config->vms->len == 0 && config->vgpus->len == 0 && !config->gpu.mdev)
        return fail_config(error, config->path, "no VM (add a group [vm NAME] with image = FILE, or [vgpu NAME] with type = TYPE to serve a vGPU)");
    if (config->vms->len > 0 && config->vgpus->len > 0)
        return fail_config(error, config->path,
                    "[vm %s] and [vgpu %s]: a file has VMs, for vmm run, or vGPUs, for vmm serve (split it; the VM attaches by gpu = " VFIO_USER_PREFIX
                    "SOCKET)",
                    settings_name(g_ptr_array_index(config->vms, 0)), settings_name(g_ptr_array_index(config->vgpus, 0)));
    return true;
}

struct config *config_load(const char *path, const char *const *overrides, GError **error)
{
    struct config *config = g_new0(struct config, 1);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) problem = NULL;
    g_autofree char *base = g_path_get_dirname(path), *text = NULL;
    gsize size;

    config->path = g_strdup(path);
    config->vms = g_ptr_array_new_with_free_func(vm_free);
    config->vgpus = g_ptr_array_new_with_free_func(vgpu_free);
    for (size_t i = 0; i < G_N_ELEMENTS(plain_groups); i++)
        set_defaults(plain_groups[i].group, plain_settings(config, i));

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        fail_config(error, path, "no such file");
        goto failed;
    }
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        fail_config(error, path, "not a regular file");
        goto failed;
    }
    if (!g_file_get_contents(path, &text, &size, &problem)) {
        fail_config(error, path, "%s", problem->message);
        goto failed;
    }
    if (size > FILE_SIZE_MAX || strlen(text) != size || !g_utf8_validate(text, (gssize)size, NULL)) {
        fail_config(error, path, "not a text file of at most 1 MiB");
        goto failed;
    }
    if (!check_duplicates(config, text, error))
        goto failed;
    if (size > 0 && !g_key_file_load_from_data(file, text, size, G_KEY_FILE_NONE, &problem)) {
        fail_config(error, path, "%s", problem->message);
        goto failed;
    }
    if (!read_groups(config, file, base, error))
        goto failed;
    for (; overrides && *overrides; overrides++)
        if (!override(config, *overrides, error))
            goto failed;
    if (check_contents(config, error) && check_required(config, error))
        return config;

failed:
    config_free(config);
    return NULL;
}
