/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every host of PCI functions needs. Used by the KVM machine's bus and by the vfio-user server. */
#include "gpu/pci/pci_device.h"

static void config_access(struct pci_device *dev, unsigned offset, uint8_t *data, size_t len, bool write)
{
    while (len > 0) {
        unsigned size = len >= 4 && offset % 4 == 0 ? 4 : len >= 2 && offset % 2 == 0 ? 2 : 1;
        if (!dev || offset + size > PCI_CONFIG_SIZE) {
            if (!write)
                memset(data, 0xff, size);
        } else if (write) {
            uint32_t value = 0;
            memcpy(&value, data, size);
            dev->ops->config_write(dev, offset, size, value);
        } else {
            uint32_t value = dev->ops->config_read(dev, offset, size);
            memcpy(data, &value, size);
        }
        offset += size;
        data += size;
        len -= size;
    }
}

void pci_device_config_read(struct pci_device *dev, unsigned offset, void *data, size_t len)
{
    config_access(dev, offset, data, len, false);
}

void pci_device_config_write(struct pci_device *dev, unsigned offset, const void *data, size_t len)
{
    config_access(dev, offset, (uint8_t *)data, len, true);
}
