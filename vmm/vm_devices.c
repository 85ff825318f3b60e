/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes virtio functions of a VM's disk, share and net keys; see vm_devices.h. */
#include "vmm/vm_devices.h"

#include "vmm/error.h"
#include "vmm/sink.h"
#include "vmm/virtio/block.h"
#include "vmm/virtio/console.h"
#include "vmm/virtio/device.h"
#include "vmm/virtio/input.h"
#include "vmm/virtio/net.h"
#include "vmm/virtio/p9.h"
#include "vmm/virtio/pci.h"
#include "vmm/virtio/rng.h"

#include <string.h>

/* What is put together: where the next function goes, and what errors name. */
struct bench {
    struct machine *machine;
    const struct vm_settings *vm;
    const char *path;
    struct messages *messages;
    unsigned slot;
};

static void complain(void *opaque, const char *text)
{
    messages_add(opaque, "%s", text);
}

static bool fail(const struct bench *bench, const char *key, const char *name, GError *problem, GError **error)
{
    g_set_error(error, VMM_ERROR, problem->domain == VMM_ERROR ? problem->code : VMM_ERROR_FAILED, "%s: [vm %s] %s%s%s: %s", bench->path, bench->vm->name,
                key, name ? " " : "", name ? name : "", problem->message);
    g_error_free(problem);
    return false;
}

/* Takes the device over. */
static bool plug(struct bench *bench, const char *key, const char *name, struct virtio_device *device, GError **error)
{
    g_autofree char *title = g_strdup_printf("guest %s: %s %s", bench->vm->name, key, name);
    const struct virtio_pci_config config = {.name = title, .msix = true, .complain = complain, .opaque = bench->messages};
    GError *problem = NULL;
    struct pci_device *function = virtio_pci_create(&config, device, &problem);

    if (!function) {
        device->ops->destroy(device);
        return fail(bench, key, name, problem, error);
    }
    machine_attach(bench->machine, bench->slot++, function);
    return true;
}

static bool add_disk(struct bench *bench, const struct disk_settings *disk, GError **error)
{
    const struct virtio_block_config config = {
        .path = disk->path, .serial = disk->name, .read_only = disk->read_only, .direct = disk->direct};
    GError *problem = NULL;
    struct virtio_device *device = virtio_block_create(&config, &problem);

    return device ? plug(bench, "disk", disk->name, device, error) : fail(bench, "disk", disk->name, problem, error);
}

static bool add_share(struct bench *bench, const struct share_settings *share, GError **error)
{
    const struct virtio_p9_config config = {.path = share->path, .tag = share->name, .read_only = share->read_only};
    GError *problem = NULL;
    struct virtio_device *device = virtio_p9_create(&config, &problem);

    return device ? plug(bench, "share", share->name, device, error) : fail(bench, "share", share->name, problem, error);
}

static struct net_backend *create_backend(const struct bench *bench, const struct net_settings *net, GError **error)
{
    g_autofree struct net_user_forward *forwards = g_new0(struct net_user_forward, net->forwards->len + 1);

    if (net->tap)
        return net_tap_create(net->tap, error);
    for (unsigned i = 0; i < net->forwards->len; i++) {
        const struct net_forward_settings *f = &g_array_index(net->forwards, struct net_forward_settings, i);
        forwards[i] = (struct net_user_forward){.udp = f->udp, .host_port = f->host_port, .guest_port = f->guest_port};
    }
    const struct net_user_config config = {
        .hostname = bench->vm->name, .isolated = net->isolated, .forwards = forwards, .forward_count = net->forwards->len};
    return net_user_create(&config, error);
}

static bool add_net(struct bench *bench, const struct net_settings *net, GError **error)
{
    GError *problem = NULL;
    struct virtio_net_config config = {.backend = create_backend(bench, net, &problem)};

    if (!config.backend)
        return fail(bench, "net", net->name, problem, error);
    memcpy(config.mac, net->mac, sizeof(config.mac));
    struct virtio_device *device = virtio_net_create(&config, &problem);
    if (!device) {
        config.backend->ops->destroy(config.backend);
        return fail(bench, "net", net->name, problem, error);
    }
    return plug(bench, "net", net->name, device, error);
}

static void console_output(void *opaque, const uint8_t *data, size_t len)
{
    sink_write(opaque, data, len);
}

static void console_closed(void *opaque)
{
    sink_destroy(opaque);
}

static bool add_console(struct bench *bench, const char *prefix, struct virtio_device **console, GError **error)
{
    GError *problem = NULL;
    struct sink *sink = sink_create(bench->vm->console, prefix, &problem);

    if (!sink)
        return fail(bench, "console", NULL, problem, error);
    const struct virtio_console_config config = {.output = console_output, .closed = console_closed, .opaque = sink};
    struct virtio_device *device = virtio_console_create(&config);
    if (!plug(bench, "console", "hvc0", device, error))
        return false;
    *console = device;
    return true;
}

static bool add_input(struct bench *bench, struct input *input, GError **error)
{
    struct virtio_device *keyboard = virtio_input_create(VIRTIO_INPUT_KEYBOARD), *tablet = virtio_input_create(VIRTIO_INPUT_TABLET);
    unsigned next = bench->slot;

    bench->slot = VM_KEYBOARD_SLOT;
    if (!plug(bench, "input", "keyboard", keyboard, error)) {
        tablet->ops->destroy(tablet);
        return false;
    }
    bench->slot = VM_TABLET_SLOT;
    if (!plug(bench, "input", "tablet", tablet, error))
        return false;
    bench->slot = next;
    *input = (struct input){.keyboard = keyboard, .tablet = tablet};
    return true;
}

bool vm_devices_attach(struct machine *machine, const struct vm_settings *vm, const char *path, const char *prefix, struct messages *messages,
                       struct virtio_device **console, struct input *input, GError **error)
{
    struct bench bench = {.machine = machine, .vm = vm, .path = path, .messages = messages, .slot = VM_DEVICES_SLOT};

    *input = (struct input){0};
    if ((strcmp(vm->input, "yes") == 0 || (strcmp(vm->input, "auto") == 0 && vm->vnc)) && !add_input(&bench, input, error))
        return false;

    for (unsigned i = 0; vm->disks && i < vm->disks->len; i++)
        if (!add_disk(&bench, g_ptr_array_index(vm->disks, i), error))
            return false;
    for (unsigned i = 0; vm->shares && i < vm->shares->len; i++)
        if (!add_share(&bench, g_ptr_array_index(vm->shares, i), error))
            return false;
    for (unsigned i = 0; vm->nets && i < vm->nets->len; i++)
        if (!add_net(&bench, g_ptr_array_index(vm->nets, i), error))
            return false;
    *console = NULL;
    if (strcmp(vm->console, "none") != 0 && !add_console(&bench, prefix, console, error))
        return false;
    return !vm->kernel || plug(&bench, "random", "source", virtio_rng_create(), error);
}
