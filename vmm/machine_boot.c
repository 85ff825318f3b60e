/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a machine begins, and begins again after a reset. Called by machine.c. */
#include "gpu/blocks/opregion.h"
#include "vmm/error.h"
#include "vmm/firmware/firmware.h"
#include "vmm/kvm.h"
#include "vmm/kvm_state.h"
#include "vmm/machine_internal.h"

#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

/* What firmware would have done: addresses for PCI, triggers of interrupts, tables. Returns where ACPI's root pointer is; 0 with an error. */
static uint64_t set_up_board(struct machine *machine, GError **error)
{
    const struct memory *memory = machine->memory;
    uint8_t *area = memory_ptr(memory, FIRMWARE_START, FIRMWARE_END - FIRMWARE_START); /* RAM has at least 2 MiB */
    const struct firmware_config firmware = {.name = machine->name,
                                             .vcpus = machine->vcpu_count,
                                             .memory_low = memory->regions[0].size,
                                             .memory_high = memory->count > 1 ? memory->regions[1].size : 0,
                                             .pci_high = MAX(memory_end(memory), MEMORY_HIGH_BASE),
                                             .pci_high_end = UINT64_C(1) << kvm_address_bits(machine->cpuid)};

    kvm_set_level_irqs(machine->vm_fd, 1 << PCI_IRQ | 1 << POWER_IRQ);
    if (!pci_bus_assign(machine->pci, firmware.pci_high, firmware.pci_high_end, error))
        return 0;
    /* A GPU of a vfio-user server that has no ASLS goes without; so does a VM without a GPU. */
    if (machine->gpu)
        opregion_install(machine->gpu, memory->dma, FIRMWARE_OPREGION);
    const uint64_t rsdp = area ? firmware_fill(&firmware, area) : 0;
    if (!rsdp)
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s: no place for ACPI tables of %u vCPUs", machine->name, machine->vcpu_count);
    return rsdp;
}

/* All but what the machine has to be complete for. */
static struct boot_request make_request(const struct machine *machine)
{
    static const struct boot_range firmware = {FIRMWARE_START, FIRMWARE_END - FIRMWARE_START, MEMMAP_RESERVED, "the firmware tables"};

    return (struct boot_request){.image = machine->image,
                                 .args = machine->args,
                                 .initrd = machine->initrd,
                                 .ecam_base = PCI_ECAM_BASE,
                                 .ranges = &firmware,
                                 .range_count = 1,
                                 .files = &machine->files};
}

/* The first time: while KVM makes the virtual machine, which takes some milliseconds, in which it mostly waits. */
struct first_load {
    struct machine *machine;
    GThread *thread;
    struct boot_loading *loading;
    GError *error;
};

static void *load_first(void *opaque)
{
    struct first_load *first = opaque;
    const struct boot_request request = make_request(first->machine);

    if (boot_files_open(&first->machine->files, &request, &first->error))
        first->loading = boot_load_files(&request, first->machine->memory, &first->error);
    return NULL;
}

void machine_begin_loading(struct machine *machine)
{
    machine->first = g_new0(struct first_load, 1);
    machine->first->machine = machine;
    machine->first->thread = g_thread_new("loader", load_first, machine->first);
}

/* What has been loaded, NULL with an error. */
static struct boot_loading *end_first(struct machine *machine, GError **error)
{
    struct first_load *first = g_steal_pointer(&machine->first);

    g_thread_join(first->thread);
    struct boot_loading *loading = first->loading;
    if (first->error)
        g_propagate_error(error, first->error);
    g_free(first);
    return loading;
}

/* Into RAM that is empty, but for what is loaded the first time. */
static bool load(struct machine *machine, GError **error)
{
    int tsc_khz = ioctl(machine->vcpus[0].fd, KVM_GET_TSC_KHZ, 0);
    struct boot_request request = make_request(machine);
    struct boot_state state;

    request.vcpus = machine->vcpu_count;
    request.tsc_khz = tsc_khz > 0 ? (uint32_t)tsc_khz : 0;
    request.rsdp = set_up_board(machine, error);
    if (!request.rsdp)
        return false;
    struct boot_loading *loading = machine->first ? end_first(machine, error) : boot_load_files(&request, machine->memory, error);
    if (!loading)
        return false;
    boot_load_area(loading, &request, machine->memory, &state);
    return boot_set_registers(machine->vcpus[0].fd, &state, error);
}

bool machine_boot(struct machine *machine, GError **error)
{
    g_autofree int *fds = g_new(int, machine->vcpu_count);

    for (unsigned i = 0; i < machine->vcpu_count; i++)
        fds[i] = machine->vcpus[i].fd;
    machine->power_on = kvm_state_take(machine->kvm_fd, machine->vm_fd, fds, machine->vcpu_count, error);
    return machine->power_on && load(machine, error);
}

void machine_begin_again(void *opaque, bool by_guest)
{
    struct machine *machine = opaque;
    g_autoptr(GError) error = NULL;

    pci_plug_reset(machine->plug); /* what is to go is not found again */
    /* Devices first: they use RAM, and their interrupts go through the chips. */
    pci_bus_reset(machine->pci);
    serial_reset(machine->serial);
    power_reset(machine->power);
    rtc_reset(machine->rtc);
    for (unsigned i = 0; i < machine->vcpu_count; i++)
        machine->vcpus[i].syscall = (struct insn_syscall){0};
    bool ok = kvm_state_put_back(machine->power_on, &error); /* before RAM is cleared: KVM's clock and the like write to it no more */
    memory_clear(machine->memory);
    if (ok && load(machine, &error))
        machine->restarted(machine->opaque, by_guest);
    else
        machine_finish(machine, MACHINE_FAILED, 0, g_strdup_printf("it cannot be reset: %s", error->message));
}

void machine_boot_finish(struct machine *machine)
{
    if (machine->first)
        boot_loading_free(end_first(machine, NULL));
    boot_files_close(&machine->files);
    kvm_state_free(machine->power_on);
}
