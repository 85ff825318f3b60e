/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI configuration space of a vGPU: a Skylake GT2 as GVT-g shows it (Linux 6.1 gvt/cfg_space.c): registers and aperture of the
 * physical part, no stolen memory, no expansion ROM. Called by vgpu.c.
 */
#include "gpu/blocks/opregion.h"
#include "gpu/blocks/traps.h"
#include "mmio/vgpu_internal.h"

/* Offsets and values as on 8086:1912; PRM SKL vol. 4 "Configuration Registers", intel_pci_config.h, include/drm/i915_drm.h. */
enum {
    CAP_MSI = 0xac,
    CAP_PM = 0xd0,
    PM_CAPABILITIES = CAP_PM + 2,
    PM_CONTROL = CAP_PM + 4,
    PM_VERSION_3_DSI = 0x0023,   /* device-specific initialization, version 3; no PME */
    PM_NO_SOFT_RESET = 1 << 3,   /* D3hot to D0 keeps the state */
    PM_STATE_MASK = 3,
    CAP_ID_PM = 0x01,

    GMCH_CONTROL = 0x50,         /* GGC */
    GMCH_GGMS_8MIB = 3 << 6,     /* global GTT of 8 MiB: 4 GiB of addresses */
    BDSM = 0x5c,                 /* base of stolen memory; firmware writes it */
};

void vgpu_config_init(struct vgpu *vgpu)
{
    struct pci_config *config = &vgpu->pci.config;
    const struct gpu_info *info = &vgpu->gpu->info;
    const struct pci_identity identity = {
        .vendor = info->vendor,
        .device = info->device,
        .subsystem_vendor = info->vendor,
        .subsystem = info->device,
        .revision = info->revision,
        .class_code = 0x030000, /* VGA-compatible display controller */
        .interrupt_pin = 1,
    };

    pci_config_init(config, &identity);
    pci_config_add_bar(config, 0, PCI_BAR_MEM64, BAR0_SIZE);
    pci_config_add_bar(config, 2, PCI_BAR_MEM64_PREF, vgpu->aperture_size);
    pci_config_add_msi(config, CAP_MSI);
    pci_config_add_capability(config, CAP_ID_PM, CAP_PM);
    pci_config_set(config, PM_CAPABILITIES, 2, PM_VERSION_3_DSI);
    pci_config_set(config, PM_CONTROL, 2, PM_NO_SOFT_RESET);
    pci_config_set_writable(config, PM_CONTROL, 2, PM_STATE_MASK);
    pci_config_set(config, GMCH_CONTROL, 2, GMCH_GGMS_8MIB);
    pci_config_set_writable(config, BDSM, 4, 0xfff00000);
    pci_config_set_writable(config, OPREGION_ASLS, 4, 0xffffffff);
}

void vgpu_config_reset(struct vgpu *vgpu)
{
    struct pci_config *config = &vgpu->pci.config;

    pci_config_reset(config);
    pci_config_set(config, PM_CONTROL, 2, PM_NO_SOFT_RESET);
    pci_config_set(config, BDSM, 4, 0);
    pci_config_set(config, OPREGION_ASLS, 4, 0);
}

uint32_t vgpu_config_read(struct vgpu *vgpu, unsigned offset, unsigned size)
{
    vgpu_lock(vgpu);
    uint32_t value = pci_config_read(&vgpu->pci.config, offset, size);
    vgpu_unlock(vgpu);
    trap_config(vgpu->trace, vgpu->id, TRAP_READ, offset, value);
    return value;
}

void vgpu_config_write(struct vgpu *vgpu, unsigned offset, unsigned size, uint32_t value)
{
    trap_config(vgpu->trace, vgpu->id, TRAP_WRITE, offset, value);
    vgpu_lock(vgpu);
    bool moved = pci_config_write(&vgpu->pci.config, offset, size, value);
    vgpu_unlock(vgpu);
    if (moved && vgpu->pci.host && vgpu->pci.host->decode_changed)
        vgpu->pci.host->decode_changed(vgpu->pci.host);
    interrupts_update_intx(vgpu);
}
