/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Serves virtio devices to QEMU, over our vfio-user server: virtio_serve FOLDER IMAGE makes blk.sock, net.sock, rng.sock, console.sock, p9.sock, keyboard.sock
 * and tablet.sock in FOLDER, shares its folder "share" with the mount tag "files", writes what the guest's console says to console.out there,
 * echoes each line to the guest, types and points ten times a second, and ends with SIGTERM. Run by linux.sh.
 */
#include "vmm/sandbox/sandbox.h"
#include "vmm/vfio_user/server.h"
#include "vmm/virtio/block.h"
#include "vmm/virtio/console.h"
#include "vmm/virtio/input.h"
#include "vmm/virtio/net.h"
#include "vmm/virtio/p9.h"
#include "vmm/virtio/pci.h"
#include "vmm/virtio/rng.h"

#include <glib-unix.h>
#include <linux/input-event-codes.h>
#include <stdio.h>

static struct virtio_device *console, *keyboard, *tablet;

static void complain(void *opaque, const char *text)
{
    fprintf(stderr, "%s: %s\n", (const char *)opaque, text);
}

static void console_output(void *opaque, const uint8_t *data, size_t len)
{
    FILE *file = opaque;

    fwrite(data, 1, len, file);
    fflush(file);
    virtio_console_input(console, data, len);
}

static struct vfio_user_server *serve(const char *folder, const char *name, struct virtio_device *dev)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *file = g_strdup_printf("%s.sock", name);
    g_autofree char *path = g_build_filename(folder, file, NULL);
    struct virtio_pci_config config = {.name = name, .complain = complain, .opaque = (void *)name};
    struct pci_device *pci = virtio_pci_create(&config, dev, &error);
    struct vfio_user_server_config server = {.name = name, .path = path, .dev = pci, .complain = complain, .opaque = (void *)name};
    struct vfio_user_server *result = pci ? vfio_user_server_create(&server, &error) : NULL;

    if (!result)
        g_error("%s: %s", name, error->message);
    return result;
}

/* A, the button and a wheel, at a fifth of the width and two fifths of the height. */
static gboolean use_hands(gpointer opaque)
{
    virtio_input_key(keyboard, KEY_A, true);
    virtio_input_key(keyboard, KEY_A, false);
    virtio_input_move(tablet, 1000, 2000);
    virtio_input_move(tablet, VIRTIO_INPUT_AXIS_MAX / 5, VIRTIO_INPUT_AXIS_MAX * 2 / 5);
    virtio_input_key(tablet, BTN_LEFT, true);
    virtio_input_key(tablet, BTN_LEFT, false);
    virtio_input_wheel(tablet, -1, 0);
    return G_SOURCE_CONTINUE;
}

static gboolean quit(gpointer opaque)
{
    g_main_loop_quit(opaque);
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    struct vfio_user_server *servers[7];

    if (argc != 3) {
        fprintf(stderr, "usage: virtio_serve FOLDER IMAGE\n");
        return 2;
    }
    sandbox_isolate(true);
    sandbox_begin(); /* the workers are as confined as in vmm run */
    g_autofree char *out = g_build_filename(argv[1], "console.out", NULL);
    g_autofree char *share = g_build_filename(argv[1], "share", NULL);
    FILE *file = fopen(out, "w");
    struct virtio_device *disk = virtio_block_create(&(struct virtio_block_config){.path = argv[2], .serial = "mediant-disk"}, &error);
    struct net_backend *user = disk ? net_user_create(&(struct net_user_config){.hostname = "guest"}, &error) : NULL;
    struct virtio_device *net =
        user ? virtio_net_create(&(struct virtio_net_config){.mac = {0x52, 0x54, 0, 1, 2, 3}, .backend = user}, &error) : NULL;
    struct virtio_device *p9 = net ? virtio_p9_create(&(struct virtio_p9_config){.path = share, .tag = "files"}, &error) : NULL;
    if (!p9 || !file) {
        fprintf(stderr, "virtio_serve: %s\n", error ? error->message : out);
        return 1;
    }
    console = virtio_console_create(&(struct virtio_console_config){.output = console_output, .opaque = file});
    g_unix_signal_add(SIGTERM, quit, loop);
    servers[0] = serve(argv[1], "blk", disk);
    servers[1] = serve(argv[1], "net", net);
    servers[2] = serve(argv[1], "console", console);
    servers[3] = serve(argv[1], "rng", virtio_rng_create());
    servers[4] = serve(argv[1], "p9", p9);
    keyboard = virtio_input_create(VIRTIO_INPUT_KEYBOARD);
    tablet = virtio_input_create(VIRTIO_INPUT_TABLET);
    servers[5] = serve(argv[1], "keyboard", keyboard);
    servers[6] = serve(argv[1], "tablet", tablet);
    guint timer = g_timeout_add(100, use_hands, NULL);
    sandbox_allow(SANDBOX_SOCKET, argv[1]);
    sandbox_enter(&(struct sandbox_thread){.kind = SANDBOX_MAIN}); /* and all see the share and the folder, and no other files */
    g_main_loop_run(loop);
    g_source_remove(timer);
    for (unsigned i = 0; i < G_N_ELEMENTS(servers); i++)
        vfio_user_server_destroy(servers[i]);
    fclose(file);
    return 0;
}
