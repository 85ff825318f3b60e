/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that are plugged into a machine, and unplugged, while it runs. See machine.h. */
#include "vmm/machine.h"

#include "gpu/blocks/opregion.h"
#include "vmm/error.h"
#include "vmm/firmware/firmware.h"
#include "vmm/machine_internal.h"

static void tell(void *opaque)
{
    struct machine *machine = opaque;

    power_raise(machine->power, POWER_GPE_PLUG);
}

/* A vCPU thread. */
static void ejected(void *opaque, unsigned slot)
{
    struct machine *machine = opaque;

    pci_bus_hide(machine->pci, slot);
    machine->ejected(machine->opaque, slot);
}

static void refused(void *opaque, unsigned slot, uint32_t status)
{
    struct machine *machine = opaque;

    machine->refused(machine->opaque, slot, status);
}

struct pci_plug *machine_create_plug(struct machine *machine)
{
    return pci_plug_create(&(struct pci_plug_config){.event = tell, .ejected = ejected, .refused = refused, .opaque = machine});
}

/* What a GPU that was there at the beginning has from the firmware. */
static void plug_gpu(struct machine *machine, struct pci_device *dev)
{
    machine->gpu = dev;
    opregion_install(dev, machine->memory->dma, FIRMWARE_OPREGION);
}

bool machine_plug(struct machine *machine, unsigned slot, struct pci_device *dev, GError **error)
{
    const bool paused = machine_is_paused(machine);

    if (pci_bus_device(machine->pci, slot)) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s: there is something in PCI slot %u already", machine->name, slot);
        return false;
    }
    if (!machine_pause(machine, error))
        return false;
    pci_bus_attach(machine->pci, slot, dev);
    if (slot == MACHINE_GPU_SLOT)
        plug_gpu(machine, dev);
    if (!paused)
        machine_resume(machine);
    pci_plug_set(machine->plug, slot, true, true);
    return true;
}

bool machine_ask_to_unplug(struct machine *machine, unsigned slot)
{
    return pci_plug_ask(machine->plug, slot);
}

bool machine_is_asked_to_unplug(struct machine *machine, unsigned slot)
{
    return pci_plug_is_asked(machine->plug, slot);
}

bool machine_unplug(struct machine *machine, unsigned slot, GError **error)
{
    const bool paused = machine_is_paused(machine);

    if (!pci_bus_device(machine->pci, slot))
        return true;
    if (!machine_pause(machine, error))
        return false;
    pci_bus_detach(machine->pci, slot);
    pci_plug_set(machine->plug, slot, false, false);
    if (slot == MACHINE_GPU_SLOT)
        machine->gpu = NULL;
    if (!paused)
        machine_resume(machine);
    pci_bus_finish_detach(machine->pci, slot);
    return true;
}
