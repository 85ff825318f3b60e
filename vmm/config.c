/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a configuration file by the option table. Used by the run and check commands; config_check.c checks what it means. */
#include "vmm/config.h"

#include "vmm/error.h"
#include "vmm/units.h"

#include <string.h>

#define FILE_SIZE_MAX (UINT64_C(1) << 20)
enum { VM_NAME_MAX = 32, VMS_MAX = 64 };

static bool fail(GError **error, const char *where, const char *format, ...) G_GNUC_PRINTF(3, 4);

static bool fail(GError **error, const char *where, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    g_strdelimit(reason, "\n\r", ' '); /* one line, whatever the file holds */
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %s", where, reason);
    return false;
}

static void vm_free(gpointer data)
{
    struct vm_settings *vm = data;

    option_clear_all(OPTION_VM, vm);
    g_free(vm->name);
    g_free(vm);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    option_clear_all(OPTION_GPU, &config->gpu);
    option_clear_all(OPTION_SCHEDULER, &config->scheduler);
    g_ptr_array_unref(config->vms);
    g_free(config->path);
    g_free(config);
}

bool config_vm_has_vgpu(const struct vm_settings *vm)
{
    return strcmp(vm->gpu, "none") != 0 && strcmp(vm->gpu, "passthrough") != 0;
}

static void set_defaults(enum option_group group, void *settings)
{
    for (size_t i = 0; i < option_count; i++) {
        g_autofree char *reason = NULL;
        if (options[i].group == group && options[i].fallback && !option_set(&options[i], settings, options[i].fallback, NULL, &reason))
            g_error("default of %s: %s", options[i].key, reason);
    }
}

static struct vm_settings *find_vm(const struct config *config, const char *name)
{
    for (unsigned i = 0; i < config->vms->len; i++) {
        struct vm_settings *vm = g_ptr_array_index(config->vms, i);
        if (strcmp(vm->name, name) == 0)
            return vm;
    }
    return NULL;
}

static bool valid_name(const char *name)
{
    if (!*name || strlen(name) > VM_NAME_MAX)
        return false;
    for (; *name; name++)
        if (!g_ascii_isalnum(*name) && !strchr("-_.", *name))
            return false;
    return true;
}

static bool set_key(enum option_group group, void *settings, const char *where, const char *section, const char *key,
                    const char *value, const char *base, GError **error)
{
    const struct option *option = option_find(group, key);
    g_autofree char *reason = NULL;

    if (!option) {
        const char *guess = option_suggest(group, key);
        return guess ? fail(error, where, "[%s] %s: unknown key (did you mean %s?)", section, key, guess)
                     : fail(error, where, "[%s] %s: unknown key (vmm help config lists the keys)", section, key);
    }
    if (!option_set(option, settings, value, base, &reason))
        return fail(error, where, "[%s] %s: %s", section, key, reason);
    return true;
}

/* The settings that a group of the file fills; creates those of a VM. */
static void *open_group(struct config *config, const char *group, enum option_group *kind, GError **error)
{
    static const char *const known[] = {"gpu", "scheduler", "vm NAME", NULL};

    if (strcmp(group, "gpu") == 0) {
        *kind = OPTION_GPU;
        return &config->gpu;
    }
    if (strcmp(group, "scheduler") == 0) {
        *kind = OPTION_SCHEDULER;
        return &config->scheduler;
    }
    if (g_str_has_prefix(group, "vm ")) {
        g_autofree char *name = g_strstrip(g_strdup(group + 3));
        if (!valid_name(name)) {
            fail(error, config->path, "[%s]: a VM's name is 1 to %d letters, digits, '-', '_' or '.' (try [vm alpha])", group, VM_NAME_MAX);
            return NULL;
        }
        if (find_vm(config, name)) {
            fail(error, config->path, "[vm %s]: two VMs have this name (try [vm %s2])", name, name);
            return NULL;
        }
        if (config->vms->len >= VMS_MAX) {
            fail(error, config->path, "[vm %s]: more than %d VMs", name, VMS_MAX);
            return NULL;
        }
        struct vm_settings *vm = g_new0(struct vm_settings, 1);
        vm->name = g_steal_pointer(&name);
        set_defaults(OPTION_VM, vm);
        g_ptr_array_add(config->vms, vm);
        *kind = OPTION_VM;
        return vm;
    }
    const char *guess = suggest(group, known);
    if (strcmp(group, "vm") == 0)
        guess = "vm NAME";
    fail(error, config->path, "[%s]: unknown group (%s%s%s)", group, guess ? "did you mean [" : "groups are [gpu], [scheduler], [vm NAME",
         guess ? guess : "", guess ? "]?" : "]");
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
            if (g_str_has_prefix(group, "vm "))
                return fail(error, config->path, "[%s]: two VMs have this name (try [%s2])", group, group);
            return fail(error, config->path, "[%s]: the group appears twice (merge them)", group);
        }
        if (*start != '#' && equals && group) {
            g_autofree char *key = g_strchomp(g_strndup(start, (gsize)(equals - start)));
            if (!g_hash_table_add(keys, g_strdup(key)))
                return fail(error, config->path, "[%s] %s: the key appears twice (remove one)", group, key);
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
                return fail(error, config->path, "[%s] %s: %s", *group, *key, escape->message);
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
        return fail(error, where, "not of the form section.key=value (try -o gpu.aperture=512M)");
    *dot = '\0';
    const char *section = left, *key = dot + 1, *value = equals + 1;
    if (strcmp(section, "gpu") == 0)
        return set_key(OPTION_GPU, &config->gpu, where, section, key, value, NULL, error);
    if (strcmp(section, "scheduler") == 0)
        return set_key(OPTION_SCHEDULER, &config->scheduler, where, section, key, value, NULL, error);

    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    bool all = strcmp(section, "vm") == 0, found = false;
    if (g_str_has_prefix(section, "vm ") || g_str_has_prefix(section, "vm."))
        section += 3;
    for (unsigned i = 0; i < config->vms->len; i++) {
        struct vm_settings *vm = g_ptr_array_index(config->vms, i);
        g_autofree char *group = g_strdup_printf("vm %s", vm->name);
        g_strv_builder_add(names, vm->name);
        if (!all && strcmp(section, vm->name) != 0)
            continue;
        found = true;
        if (!set_key(OPTION_VM, vm, where, group, key, value, NULL, error))
            return false;
    }
    if (found)
        return true;
    g_strv_builder_add_many(names, "gpu", "scheduler", "vm", NULL);
    g_auto(GStrv) known = g_strv_builder_end(names);
    const char *guess = suggest(section, (const char *const *)known);
    g_autofree char *list = g_strjoinv(", ", known);
    return guess ? fail(error, where, "no section %s (did you mean %s?)", section, guess)
                 : fail(error, where, "no section %s (sections are %s)", section, list);
}

/* Keys without a default must have been given, in the file or by -o. */
static bool check_required(const struct config *config, GError **error)
{
    for (unsigned i = 0; i < config->vms->len; i++) {
        const struct vm_settings *vm = g_ptr_array_index(config->vms, i);
        if (!vm->image)
            return fail(error, config->path, "[vm %s] image: is missing (try image = %s)", vm->name,
                        option_find(OPTION_VM, "image")->example);
    }
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
    set_defaults(OPTION_GPU, &config->gpu);
    set_defaults(OPTION_SCHEDULER, &config->scheduler);

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        fail(error, path, "no such file");
        goto failed;
    }
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        fail(error, path, "not a regular file");
        goto failed;
    }
    if (!g_file_get_contents(path, &text, &size, &problem)) {
        fail(error, path, "%s", problem->message);
        goto failed;
    }
    if (size > FILE_SIZE_MAX || strlen(text) != size || !g_utf8_validate(text, (gssize)size, NULL)) {
        fail(error, path, "not a text file of at most 1 MiB");
        goto failed;
    }
    if (!check_duplicates(config, text, error))
        goto failed;
    if (size > 0 && !g_key_file_load_from_data(file, text, size, G_KEY_FILE_NONE, &problem)) {
        fail(error, path, "%s", problem->message);
        goto failed;
    }
    if (!read_groups(config, file, base, error))
        goto failed;
    for (; overrides && *overrides; overrides++)
        if (!override(config, *overrides, error))
            goto failed;
    if (config->vms->len == 0) {
        fail(error, path, "no VM (add a group [vm NAME] with image = FILE)");
        goto failed;
    }
    if (check_required(config, error))
        return config;

failed:
    config_free(config);
    return NULL;
}
