/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm gpus: the Intel GPUs of the host, found through libpciaccess. */
#include "vmm/commands.h"
#include "vmm/error.h"

#include <pciaccess.h>

enum { VENDOR_INTEL = 0x8086, CLASS_DISPLAY = 0x030000, CLASS_MASK = 0xff0000 };

static void print_gpu(struct pci_device *dev, bool json, bool first)
{
    const char *name = pci_device_get_device_name(dev);
    g_autofree char *text = json_string(name ? name : "unknown");

    if (json)
        printf("%s{\"address\": \"%04x:%02x:%02x.%u\", \"vendor\": %u, \"device\": %u, \"name\": %s, \"usable\": false}",
               first ? "" : ",\n ", dev->domain, dev->bus, dev->dev, dev->func, dev->vendor_id, dev->device_id, text);
    else
        printf("%04x:%02x:%02x.%u  %04x:%04x  %s\n", dev->domain, dev->bus, dev->dev, dev->func, dev->vendor_id, dev->device_id,
               name ? name : "unknown");
}

int cmd_gpus(int argc, char **argv)
{
    static const struct pci_id_match match = {VENDOR_INTEL,  PCI_MATCH_ANY, PCI_MATCH_ANY, PCI_MATCH_ANY,
                                              CLASS_DISPLAY, CLASS_MASK,    0};
    gboolean json = FALSE;
    const GOptionEntry entries[] = {{"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL}, {0}};
    struct pci_device *dev;
    unsigned count = 0;
    int code;

    if (!command_parse(&argc, &argv, entries, 0, 0, &code))
        return code;
    if (json)
        fputs("[", stdout);
    /* A machine without a PCI bus has no GPU either. */
    if (pci_system_init() == 0) {
        struct pci_device_iterator *iterator = pci_id_match_iterator_create(&match);
        while (iterator && (dev = pci_device_next(iterator)))
            print_gpu(dev, json, count++ == 0);
        pci_iterator_destroy(iterator);
        pci_system_cleanup();
    }
    if (json) {
        fputs("]\n", stdout);
    } else {
        if (count == 0)
            puts("No Intel GPU on this host.");
        puts("Driving a host GPU needs the vfio backend, which this build does not have; backend = model needs no GPU.");
    }
    return EXIT_OK;
}
