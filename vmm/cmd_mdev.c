/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmm mdev: vGPUs that come and go by UUID, as a client of the tree that a running vmm serve shows (mdev/nodes.h), and of the definitions beside it. It does what
 * mdevctl does with the same folder.
 */
#include "vmm/commands.h"
#include "vmm/error.h"
#include "vmm/mdev/definitions.h"
#include "vmm/mdev/nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct arguments {
    const char *root;
    const char *word; /* a type, or a UUID, as the action wants; or NULL */
    const char *uuid; /* after a type; or NULL */
    bool json, automatic;
};

static int complain(const char *format, ...) G_GNUC_PRINTF(1, 2);

static int complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "vmm: mdev: %s\n", text);
    return EXIT_USAGE;
}

static char *types_path(const char *root)
{
    return g_build_filename(root, "sys", "class", "mdev_bus", MDEV_PARENT, "mdev_supported_types", NULL);
}

static char *device_path(const char *root, const char *uuid, const char *file)
{
    return g_build_filename(root, "sys", "bus", "mdev", "devices", uuid, file, NULL);
}

/* A file of the tree without the newline; NULL when there is none. */
static char *read_text(const char *path)
{
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? g_strchomp(text) : NULL;
}

static bool is_served(const char *root)
{
    g_autofree char *types = types_path(root);

    return g_file_test(types, G_FILE_TEST_IS_DIR);
}

static int not_served(const char *root)
{
    return complain("%s: no vmm serve shows its vGPUs there (set [gpu] mdev = %s in its configuration)", root, root);
}

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a folder, sorted. */
static GPtrArray *names_in(const char *path)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, by_name);
    return names;
}

static int print_types(const struct arguments *arguments)
{
    g_autofree char *types = types_path(arguments->root);

    if (!is_served(arguments->root))
        return not_served(arguments->root);
    g_autoptr(GPtrArray) names = names_in(types);
    for (unsigned i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *path = g_build_filename(types, name, "available_instances", NULL), *available = read_text(path);
        if (arguments->json)
            printf("%s{\"name\": \"%s\", \"available_instances\": %s}%s\n", i ? " " : "[", name, available, i + 1 < names->len ? "," : "]");
        else
            printf("%s: %s available\n", name, available);
    }
    return EXIT_OK;
}

/* One line of the list. definition: or NULL; type and socket of one that runs: or NULL. */
static void print_device(const struct arguments *arguments, bool first, const char *uuid, const struct mdev_definition *definition, const char *type,
                         const char *socket)
{
    const char *start = !definition ? "none" : definition->automatic ? "auto" : "manual";

    if (!arguments->json) {
        printf("%s %s %s %s\n", uuid, type ? type : definition->type, start, socket ? socket : "-");
        return;
    }
    g_autofree char *type_json = json_string(type ? type : definition->type), *socket_json = socket ? json_string(socket) : g_strdup("null");
    printf("%s{\"uuid\": \"%s\", \"type\": %s, \"defined\": \"%s\", \"socket\": %s}", first ? "[" : ",\n ", uuid, type_json, start, socket_json);
}

static void say(void *opaque, const char *text)
{
    complain("%s", text);
}

static const struct mdev_definition *definition_of(GPtrArray *definitions, const char *uuid)
{
    for (unsigned i = 0; i < definitions->len; i++) {
        const struct mdev_definition *definition = g_ptr_array_index(definitions, i);
        if (strcmp(definition->uuid, uuid) == 0)
            return definition;
    }
    return NULL;
}

/* What runs first, then what is only defined. */
static int print_list(const struct arguments *arguments)
{
    g_autoptr(GPtrArray) definitions = mdev_definitions_load(arguments->root, say, NULL);
    g_autofree char *folder = device_path(arguments->root, "", NULL);
    g_autoptr(GPtrArray) devices = names_in(folder);
    bool first = true;

    for (unsigned i = 0; i < devices->len; i++) {
        const char *uuid = g_ptr_array_index(devices, i);
        g_autofree char *socket_path = device_path(arguments->root, uuid, "socket"), *socket = read_text(socket_path);
        g_autofree char *link_path = device_path(arguments->root, uuid, "mdev_type"), *link = g_file_read_link(link_path, NULL);
        if (!socket || !link)
            continue; /* removed meanwhile */
        g_autofree char *type = g_path_get_basename(link);
        print_device(arguments, first, uuid, definition_of(definitions, uuid), type, socket);
        first = false;
    }
    for (unsigned i = 0; i < definitions->len; i++) {
        const struct mdev_definition *definition = g_ptr_array_index(definitions, i);
        if (g_ptr_array_find_with_equal_func(devices, definition->uuid, g_str_equal, NULL))
            continue;
        print_device(arguments, first, definition->uuid, definition, NULL, NULL);
        first = false;
    }
    if (arguments->json)
        puts(first ? "[]" : "]");
    return EXIT_OK;
}

/* 0 or the error number; the file is not made. */
static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    int error = write(fd, text, strlen(text)) < 0 ? errno : 0;
    close(fd);
    return error;
}

static bool check_type(const char *name, int *code)
{
    if (vgpu_type_find(name))
        return true;
    *code = complain("\"%s\" is no vGPU type (vmm types lists them)", name);
    return false;
}

/* The UUID that was given or, without one, a new one. */
static bool take_uuid(const char *text, char uuid[MDEV_UUID_LENGTH + 1], int *code)
{
    g_autofree char *made = text ? NULL : g_uuid_string_random();

    if (mdev_uuid_parse(text ? text : made, strlen(text ? text : made), uuid))
        return true;
    *code = complain("\"%s\" is no UUID (try one as uuidgen prints it)", text);
    return false;
}

static int create(const struct arguments *arguments)
{
    char uuid[MDEV_UUID_LENGTH + 1];
    int code;

    if (!check_type(arguments->word, &code) || !take_uuid(arguments->uuid, uuid, &code))
        return code;
    if (!is_served(arguments->root))
        return not_served(arguments->root);
    g_autofree char *types = types_path(arguments->root), *path = g_build_filename(types, arguments->word, "create", NULL);
    int error = write_text(path, uuid);
    if (error == ENOSPC)
        return complain("no %s fits any more (vmm mdev types %s says what does)", arguments->word, arguments->root);
    if (error == EEXIST)
        return complain("%s is there already (vmm mdev list %s)", uuid, arguments->root);
    if (error) {
        complain("%s: %s (its vmm serve has said why)", path, g_strerror(error));
        return EXIT_VMM_FAILURE;
    }
    g_autofree char *socket_path = device_path(arguments->root, uuid, "socket"), *socket = read_text(socket_path);
    printf("%s %s\n", uuid, socket ? socket : "-");
    return EXIT_OK;
}

static int remove_device(const struct arguments *arguments)
{
    char uuid[MDEV_UUID_LENGTH + 1];
    int code;

    if (!take_uuid(arguments->word, uuid, &code))
        return code;
    if (!is_served(arguments->root))
        return not_served(arguments->root);
    g_autofree char *path = device_path(arguments->root, uuid, "remove");
    int error = write_text(path, "1");
    if (error == ENOENT || error == ENODEV)
        return complain("there is no %s (vmm mdev list %s)", uuid, arguments->root);
    if (!error)
        return EXIT_OK;
    complain("%s: %s", path, g_strerror(error));
    return EXIT_VMM_FAILURE;
}

static int define(const struct arguments *arguments)
{
    char uuid[MDEV_UUID_LENGTH + 1];
    GError *error = NULL;
    int code;

    if (!check_type(arguments->word, &code) || !take_uuid(arguments->uuid, uuid, &code))
        return code;
    if (!mdev_definition_write(arguments->root, uuid, arguments->word, arguments->automatic, &error))
        return command_fail(error);
    printf("%s\n", uuid);
    return EXIT_OK;
}

static int undefine(const struct arguments *arguments)
{
    char uuid[MDEV_UUID_LENGTH + 1];
    GError *error = NULL;
    int code;

    if (!take_uuid(arguments->word, uuid, &code))
        return code;
    return mdev_definition_remove(arguments->root, uuid, &error) ? EXIT_OK : command_fail(error);
}

/* How many words follow the folder. */
static const struct action {
    const char *name;
    int (*run)(const struct arguments *arguments);
    int min, max;
    const char *usage;
} actions[] = {
    {"types", print_types, 0, 0, "types ROOT"},
    {"list", print_list, 0, 0, "list ROOT"},
    {"create", create, 1, 2, "create ROOT TYPE [UUID]"},
    {"remove", remove_device, 1, 1, "remove ROOT UUID"},
    {"define", define, 1, 2, "define ROOT TYPE [UUID]"},
    {"undefine", undefine, 1, 1, "undefine ROOT UUID"},
};

int cmd_mdev(int argc, char **argv)
{
    struct arguments arguments = {0};
    gboolean json = FALSE, automatic = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "With types and list: print JSON", NULL},
        {"auto", 0, 0, G_OPTION_ARG_NONE, &automatic, "With define: create it whenever vmm serve starts", NULL},
        {0},
    };
    int code;

    if (!command_parse(&argc, &argv, entries, 2, 4, &code))
        return code;
    for (unsigned i = 0; i < G_N_ELEMENTS(actions); i++) {
        const struct action *action = &actions[i];
        if (strcmp(action->name, argv[1]) != 0)
            continue;
        if (argc - 3 < action->min || argc - 3 > action->max)
            return complain("usage: vmm mdev %s", action->usage);
        arguments = (struct arguments){argv[2], argc > 3 ? argv[3] : NULL, argc > 4 ? argv[4] : NULL, json, automatic};
        return action->run(&arguments);
    }
    return complain("unknown action \"%s\" (types, list, create, remove, define, undefine)", argv[1]);
}
