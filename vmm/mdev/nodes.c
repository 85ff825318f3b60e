/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of mediated devices as one table; see nodes.h. */
#include "vmm/mdev/nodes.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>

#define PCI_BUS "pci0000:00"

enum kind {
    TOP = 1,
    CLASS, MDEV_BUS, PARENT_LINK,
    BUS, BUS_MDEV, BUS_DEVICES, BUS_DEVICE_LINK,
    DEVICES, PCI, PARENT, VENDOR, DEVICE_ID, CLASS_CODE,
    TYPES, TYPE, NAME, DESCRIPTION, DEVICE_API, AVAILABLE, CREATE, TYPE_DEVICES, TYPE_DEVICE_LINK,
    DEVICE, REMOVE, DEVICE_TYPE_LINK, SOCKET,
};

enum names { FIXED, EACH_TYPE, EACH_DEVICE, EACH_DEVICE_OF_TYPE };

/* Every entry once: in which directory, under which name or for each of what, what it is. */
static const struct entry {
    enum kind dir, kind;
    enum names names;
    const char *name;
    mode_t mode;
} entries[] = {
    {TOP, CLASS, FIXED, "class", S_IFDIR | 0755},
    {CLASS, MDEV_BUS, FIXED, "mdev_bus", S_IFDIR | 0755},
    {MDEV_BUS, PARENT_LINK, FIXED, MDEV_PARENT, S_IFLNK | 0777},
    {TOP, BUS, FIXED, "bus", S_IFDIR | 0755},
    {BUS, BUS_MDEV, FIXED, "mdev", S_IFDIR | 0755},
    {BUS_MDEV, BUS_DEVICES, FIXED, "devices", S_IFDIR | 0755},
    {BUS_DEVICES, BUS_DEVICE_LINK, EACH_DEVICE, NULL, S_IFLNK | 0777},
    {TOP, DEVICES, FIXED, "devices", S_IFDIR | 0755},
    {DEVICES, PCI, FIXED, PCI_BUS, S_IFDIR | 0755},
    {PCI, PARENT, FIXED, MDEV_PARENT, S_IFDIR | 0755},
    {PARENT, VENDOR, FIXED, "vendor", S_IFREG | 0444},
    {PARENT, DEVICE_ID, FIXED, "device", S_IFREG | 0444},
    {PARENT, CLASS_CODE, FIXED, "class", S_IFREG | 0444},
    {PARENT, TYPES, FIXED, "mdev_supported_types", S_IFDIR | 0755},
    {TYPES, TYPE, EACH_TYPE, NULL, S_IFDIR | 0755},
    {TYPE, NAME, FIXED, "name", S_IFREG | 0444},
    {TYPE, DESCRIPTION, FIXED, "description", S_IFREG | 0444},
    {TYPE, DEVICE_API, FIXED, "device_api", S_IFREG | 0444},
    {TYPE, AVAILABLE, FIXED, "available_instances", S_IFREG | 0444},
    {TYPE, CREATE, FIXED, "create", S_IFREG | 0200},
    {TYPE, TYPE_DEVICES, FIXED, "devices", S_IFDIR | 0755},
    {TYPE_DEVICES, TYPE_DEVICE_LINK, EACH_DEVICE_OF_TYPE, NULL, S_IFLNK | 0777},
    {PARENT, DEVICE, EACH_DEVICE, NULL, S_IFDIR | 0755},
    {DEVICE, REMOVE, FIXED, "remove", S_IFREG | 0200},
    {DEVICE, DEVICE_TYPE_LINK, FIXED, "mdev_type", S_IFLNK | 0777},
    {DEVICE, SOCKET, FIXED, "socket", S_IFREG | 0444},
};

const struct mdev_node mdev_top = {TOP};

/* A number is the kind, and the type or the device that the place is of: bits 0..7, 8..15, 16..47. */
static struct mdev_node node_of(enum kind kind, unsigned type, uint32_t serial)
{
    return (struct mdev_node){(uint64_t)kind | (uint64_t)type << 8 | (uint64_t)serial << 16};
}

static enum kind kind_of(struct mdev_node node)
{
    return (enum kind)(node.number & 0xff);
}

static unsigned type_index(struct mdev_node node)
{
    return node.number >> 8 & 0xff;
}

static uint32_t serial_of(struct mdev_node node)
{
    return (uint32_t)(node.number >> 16);
}

static unsigned types_count(void)
{
    unsigned count = 0;

    while (count < MDEV_TYPES_MAX && vgpu_types[count].name)
        count++;
    return count;
}

static const struct mdev_device *device_of(const struct mdev_state *state, uint32_t serial)
{
    for (unsigned i = 0; i < state->devices->len; i++)
        if (g_array_index(state->devices, struct mdev_device, i).serial == serial)
            return &g_array_index(state->devices, struct mdev_device, i);
    return NULL;
}

static void clear_device(void *device)
{
    g_free(((struct mdev_device *)device)->socket);
}

void mdev_state_init(struct mdev_state *state)
{
    *state = (struct mdev_state){.devices = g_array_new(FALSE, FALSE, sizeof(struct mdev_device))};
    g_array_set_clear_func(state->devices, clear_device);
}

void mdev_state_clear(struct mdev_state *state)
{
    g_clear_pointer(&state->devices, g_array_unref);
}

const struct mdev_device *mdev_state_find(const struct mdev_state *state, const char *uuid)
{
    for (unsigned i = 0; i < state->devices->len; i++)
        if (strcmp(g_array_index(state->devices, struct mdev_device, i).uuid, uuid) == 0)
            return &g_array_index(state->devices, struct mdev_device, i);
    return NULL;
}

void mdev_state_add(struct mdev_state *state, const char *uuid, const struct vgpu_type *type, const char *socket)
{
    struct mdev_device device = {.serial = state->last_serial + 1, .type = type};

    if (mdev_state_find(state, uuid) || !mdev_uuid_parse(uuid, strlen(uuid), device.uuid))
        return;
    state->last_serial++;
    device.socket = g_strdup(socket);
    g_array_append_val(state->devices, device);
}

void mdev_state_prune(struct mdev_state *state, bool (*keep)(void *opaque, const char *uuid), void *opaque)
{
    for (unsigned i = state->devices->len; i-- > 0;)
        if (!keep(opaque, g_array_index(state->devices, struct mdev_device, i).uuid))
            g_array_remove_index(state->devices, i);
}

static const struct entry *entry_of(enum kind kind)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(entries); i++)
        if (entries[i].kind == kind)
            return &entries[i];
    return NULL;
}

bool mdev_node_exists(const struct mdev_state *state, struct mdev_node node)
{
    return (kind_of(node) == TOP || entry_of(kind_of(node))) && type_index(node) < types_count() &&
           (!serial_of(node) || device_of(state, serial_of(node)));
}

mode_t mdev_node_mode(struct mdev_node node)
{
    const struct entry *entry = entry_of(kind_of(node));

    return entry ? entry->mode : S_IFDIR | 0755;
}

static void each_of_entry(const struct mdev_state *state, const struct entry *entry, struct mdev_node dir,
                          void (*each)(void *opaque, const char *name, struct mdev_node child), void *opaque)
{
    unsigned types = entry->names == EACH_TYPE ? types_count() : 0;
    unsigned devices = entry->names == EACH_DEVICE || entry->names == EACH_DEVICE_OF_TYPE ? state->devices->len : 0;

    if (entry->names == FIXED)
        each(opaque, entry->name, node_of(entry->kind, type_index(dir), serial_of(dir)));
    for (unsigned type = 0; type < types; type++)
        each(opaque, vgpu_types[type].name, node_of(entry->kind, type, 0));
    for (unsigned i = 0; i < devices; i++) {
        const struct mdev_device *device = &g_array_index(state->devices, struct mdev_device, i);
        if (entry->names == EACH_DEVICE || device->type == &vgpu_types[type_index(dir)])
            each(opaque, device->uuid, node_of(entry->kind, 0, device->serial));
    }
}

void mdev_node_each_child(const struct mdev_state *state, struct mdev_node dir, void (*each)(void *opaque, const char *name, struct mdev_node child), void *opaque)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(entries); i++)
        if (entries[i].dir == kind_of(dir))
            each_of_entry(state, &entries[i], dir, each, opaque);
}

struct search {
    const char *name;
    struct mdev_node *child;
    bool found;
};

static void compare(void *opaque, const char *name, struct mdev_node child)
{
    struct search *search = opaque;

    if (strcmp(search->name, name) == 0) {
        *search->child = child;
        search->found = true;
    }
}

bool mdev_node_child(const struct mdev_state *state, struct mdev_node dir, const char *name, struct mdev_node *child)
{
    struct search search = {name, child, false};

    mdev_node_each_child(state, dir, compare, &search);
    return search.found;
}

char *mdev_node_text(const struct mdev_state *state, struct mdev_node node)
{
    const struct vgpu_type *type = &vgpu_types[type_index(node)];
    const struct mdev_device *device = device_of(state, serial_of(node));

    switch (kind_of(node)) {
    case PARENT_LINK:
        return g_strdup("../../devices/" PCI_BUS "/" MDEV_PARENT);
    case BUS_DEVICE_LINK:
        return device ? g_strdup_printf("../../../devices/" PCI_BUS "/" MDEV_PARENT "/%s", device->uuid) : NULL;
    case TYPE_DEVICE_LINK:
        return device ? g_strdup_printf("../../../%s", device->uuid) : NULL;
    case DEVICE_TYPE_LINK:
        return device ? g_strdup_printf("../mdev_supported_types/%s", device->type->name) : NULL;
    case VENDOR:
        return g_strdup("0x8086\n");
    case DEVICE_ID:
        return g_strdup("0x1912\n"); /* the model's: a Skylake GT2 */
    case CLASS_CODE:
        return g_strdup("0x030000\n");
    case NAME:
        return g_strdup_printf("%s\n", type->name);
    case DESCRIPTION:
        return vgpu_type_description(type);
    case DEVICE_API:
        return g_strdup("vfio-user\n"); /* the kernel's devices say vfio-pci, and are in /dev/vfio; ours are not */
    case AVAILABLE:
        return g_strdup_printf("%u\n", state->available[type_index(node)]);
    case SOCKET:
        return device ? g_strdup_printf("%s\n", device->socket) : NULL;
    default:
        return NULL;
    }
}

bool mdev_uuid_parse(const char *text, size_t length, char uuid[MDEV_UUID_LENGTH + 1])
{
    if (length != MDEV_UUID_LENGTH)
        return false;
    for (unsigned i = 0; i < MDEV_UUID_LENGTH; i++)
        uuid[i] = g_ascii_tolower(text[i]);
    uuid[MDEV_UUID_LENGTH] = '\0';
    return g_uuid_string_is_valid(uuid);
}

int mdev_node_written(const struct mdev_state *state, struct mdev_node node, const char *text, size_t length, struct mdev_request *request)
{
    const struct mdev_device *device = device_of(state, serial_of(node));

    while (length && g_ascii_isspace(text[length - 1])) /* as echo writes it */
        length--;
    *request = (struct mdev_request){.remove = kind_of(node) == REMOVE};
    switch (kind_of(node)) {
    case CREATE:
        request->type = &vgpu_types[type_index(node)];
        return mdev_uuid_parse(text, length, request->uuid) ? 0 : EINVAL;
    case REMOVE:
        if (!device)
            return ENODEV;
        memcpy(request->uuid, device->uuid, sizeof(request->uuid));
        return length == 1 && *text == '1' ? 0 : EINVAL;
    default:
        return EACCES;
    }
}
