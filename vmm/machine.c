/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One virtual machine, put together. Used by session.c. */
#include "vmm/machine.h"

#include "vmm/bridges.h"
#include "vmm/error.h"
#include "vmm/kvm.h"
#include "vmm/machine_internal.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void machine_finish(struct machine *machine, enum machine_end end, unsigned status, char *message)
{
    g_mutex_lock(&machine->lock);
    bool first = machine->result.end == MACHINE_RUNNING;
    if (first) {
        machine->message = g_steal_pointer(&message);
        machine->result = (struct machine_result){.end = end, .status = status, .message = machine->message};
    }
    g_mutex_unlock(&machine->lock);
    g_free(message);
    if (!first)
        return;
    __atomic_store_n(&machine->stop, true, __ATOMIC_SEQ_CST);
    pause_finish(machine->pause);
    g_mutex_lock(&machine->threads_lock);
    for (unsigned i = 0; i < machine->vcpu_count; i++)
        vcpu_kick(&machine->vcpus[i]);
    machine->kicked = true;
    g_cond_signal(&machine->kicked_cond);
    g_mutex_unlock(&machine->threads_lock);
    machine->ended(machine->opaque);
}

static void kick_all(void *opaque)
{
    struct machine *machine = opaque;

    g_mutex_lock(&machine->threads_lock);
    for (unsigned i = 0; i < machine->vcpu_count; i++)
        vcpu_kick(&machine->vcpus[i]);
    g_mutex_unlock(&machine->threads_lock);
}

static void stop_clocks(void *opaque, bool stand)
{
    struct machine *machine = opaque;

    power_stop_timer(machine->power, stand);
}

bool machine_pause(struct machine *machine, GError **error)
{
    enum { PATIENCE_US = 2 * G_USEC_PER_SEC };

    if (pause_begin(machine->pause, PATIENCE_US))
        return true;
    if (__atomic_load_n(&machine->stop, __ATOMIC_SEQ_CST))
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s has ended", machine->name);
    else
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s: a vCPU did not stop within %d s, as it waits for a device (try again)", machine->name,
                    PATIENCE_US / (int)G_USEC_PER_SEC);
    return false;
}

void machine_resume(struct machine *machine)
{
    pause_end(machine->pause);
}

bool machine_is_paused(struct machine *machine)
{
    return pause_is_on(machine->pause);
}

void machine_power_button(struct machine *machine)
{
    power_press_button(machine->power);
}

void machine_reset(struct machine *machine)
{
    restart_request(machine->restart, false);
}

struct machine_result machine_result(struct machine *machine)
{
    g_mutex_lock(&machine->lock);
    struct machine_result result = machine->result;
    g_mutex_unlock(&machine->lock);
    return result;
}

const char *machine_name(const struct machine *machine)
{
    return machine->name;
}

static void all_ones(void *opaque, uint64_t offset, void *data, size_t len)
{
    memset(data, 0xff, len);
}

static void exit_write(void *opaque, uint64_t offset, const void *data, size_t len)
{
    machine_finish(opaque, MACHINE_EXITED, *(const uint8_t *)data, NULL);
}

/* A guest that switches its PC off has left. */
static void guest_left(void *opaque)
{
    machine_finish(opaque, MACHINE_EXITED, 0, NULL);
}

static void guest_resets(void *opaque)
{
    struct machine *machine = opaque;

    if (machine->restarts)
        restart_request(machine->restart, true);
    else
        guest_left(machine);
}

static const struct address_ops exit_ops = {all_ones, exit_write};

static void send_msi(void *opaque, uint64_t addr, uint32_t data)
{
    struct machine *machine = opaque;
    struct kvm_msi msi = {.address_lo = (uint32_t)addr, .address_hi = addr >> 32, .data = data};

    /* A message to an address or APIC that does not exist is lost, as on a PC. */
    ioctl(machine->vm_fd, KVM_SIGNAL_MSI, &msi);
}

static void set_irq(void *opaque, unsigned irq, bool level)
{
    struct machine *machine = opaque;
    struct kvm_irq_level request = {.irq = irq, .level = level};

    ioctl(machine->vm_fd, KVM_IRQ_LINE, &request);
}

/* Length 0 is any length, which KVM answers fastest (KVM API, 4.59); a KVM without it refuses. */
static bool set_shortcut(void *opaque, const struct pci_shortcut *shortcut, bool port, uint64_t addr, bool on)
{
    struct machine *machine = opaque;

    if (shortcut->kind == PCI_POSTED)
        return !port && coalesced_range(machine->coalesced, addr, shortcut->size, on);
    struct kvm_ioeventfd request = {
        .addr = addr, .fd = shortcut->fd, .flags = (port ? KVM_IOEVENTFD_FLAG_PIO : 0) | (on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN)};

    return ioctl(machine->vm_fd, KVM_IOEVENTFD, &request) == 0;
}

static bool set_memory_slot(void *opaque, uint32_t number, uint64_t gpa, uint64_t size, void *host)
{
    struct machine *machine = opaque;
    struct kvm_userspace_memory_region slot = {.slot = number, .guest_phys_addr = gpa, .memory_size = size, .userspace_addr = (uintptr_t)host};

    return ioctl(machine->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) == 0;
}

static void serial_output(void *opaque, uint8_t byte)
{
    struct machine *machine = opaque;

    sink_put(machine->sink, byte);
}

static void serial_irq(void *opaque, bool level)
{
    set_irq(opaque, SERIAL_IRQ, level);
}

static void rtc_irq(void *opaque, bool level)
{
    set_irq(opaque, RTC_IRQ, level);
}

static void power_irq(void *opaque, bool level)
{
    set_irq(opaque, POWER_IRQ, level);
}

static bool add_memory_slots(struct machine *machine, GError **error)
{
    for (unsigned i = 0; i < machine->memory->count; i++) {
        const struct memory_region *region = &machine->memory->regions[i];
        if (!set_memory_slot(machine, i, region->gpa, region->size, region->host)) {
            g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s: KVM does not take %" PRIu64 " MiB of RAM: %s", machine->name,
                        region->size >> 20, g_strerror(errno));
            return false;
        }
    }
    return true;
}

static void add_devices(struct machine *machine)
{
    const uint64_t low = machine->memory->regions[0].size, high = machine->memory->count > 1 ? machine->memory->regions[1].size : 0;

    machine->mmio = address_map_create();
    machine->coalesced = coalesced_create(machine->vm_fd, machine->mmio);
    machine->pio = address_map_create();
    machine->pci = pci_bus_create(&(struct pci_bus_config){.mmio = machine->mmio,
                                                           .pio = machine->pio,
                                                           .dma = machine->memory->dma,
                                                           .msi = send_msi,
                                                           .irq = set_irq,
                                                           .reset = guest_resets,
                                                           .shortcut = set_shortcut,
                                                           .memory = machine->memory,
                                                           .memory_slot = set_memory_slot,
                                                           .first_memory_slot = machine->memory->count,
                                                           .opaque = machine});
    machine->serial =
        serial_create(&(struct serial_config){.output = serial_output, .irq = serial_irq, .opaque = machine});
    address_map_add(machine->pio, SERIAL_PORT, SERIAL_PORTS, &serial_ops, machine->serial);
    address_map_add(machine->pio, BOOT_EXIT_PORT, 1, &exit_ops, machine);
    machine->power = power_create(&(struct power_config){.irq = power_irq, .shut_down = guest_left, .opaque = machine});
    address_map_add(machine->pio, POWER_PORT, POWER_PORTS, &power_ops, machine->power);
    machine->plug = machine_create_plug(machine);
    address_map_add(machine->pio, PCI_PLUG_PORT, PCI_PLUG_PORTS, &pci_plug_ops, machine->plug);
    machine->rtc = rtc_create(&(struct rtc_config){.irq = rtc_irq, .opaque = machine, .memory_low = low, .memory_high = high});
    address_map_add(machine->pio, RTC_PORT, RTC_PORTS, &rtc_ops, machine->rtc);
    pci_bus_attach(machine->pci, HOST_BRIDGE_SLOT, host_bridge_create(&(struct host_bridge_config){PCI_ECAM_BASE, low, high}));
    pci_bus_attach(machine->pci, ISA_BRIDGE_SLOT, isa_bridge_create());
}

struct machine *machine_create(const struct machine_config *config, GError **error)
{
    struct machine *machine = g_new0(struct machine, 1);
    struct kvm_enable_cap exit_on_failure = {.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE, .args = {1}};

    machine->name = g_strdup(config->name);
    machine->image = g_strdup(config->image);
    machine->args = g_strdup(config->args);
    machine->initrd = g_strdup(config->initrd);
    machine->ended = config->ended;
    machine->restarted = config->restarted;
    machine->ejected = config->ejected;
    machine->refused = config->refused;
    machine->restarts = config->restarts;
    machine->files = (struct boot_files){.image = -1, .initrd = -1};
    machine->opaque = config->opaque;
    g_mutex_init(&machine->lock);
    g_mutex_init(&machine->threads_lock);
    g_cond_init(&machine->kicked_cond);
    machine->vm_fd = -1;
    machine->kvm_fd = kvm_open(config->device, error);
    if (machine->kvm_fd < 0 || !(machine->memory = memory_create(config->name, config->memory, error)))
        goto failed;
    machine_begin_loading(machine);
    machine->vm_fd = kvm_create_vm(machine->kvm_fd, error);
    if (machine->vm_fd < 0 || !(machine->cpuid = kvm_supported_cpuid(machine->kvm_fd, error)) ||
        !(machine->cpu = cpu_group_create(config->name, config->vcpus, &config->cpu, error)) ||
        !add_memory_slots(machine, error) || !(machine->sink = sink_create(config->serial, config->serial_prefix, error)))
        goto failed;
    machine->run_size = kvm_run_size(machine->kvm_fd);
    /* Emulation failures in user mode come to us too; a KVM without this injects #UD there. */
    ioctl(machine->vm_fd, KVM_ENABLE_CAP, &exit_on_failure);
    if (!insn_syscall_works(machine->kvm_fd))
        insn_syscall_watch(machine->vm_fd); /* without it only kernel code runs */
    add_devices(machine);
    machine->pause = pause_create(
        &(struct pause_config){.vm_fd = machine->vm_fd, .vcpus = config->vcpus, .kick = kick_all, .clocks = stop_clocks, .opaque = machine});
    machine->restart =
        restart_create(&(struct restart_config){.vcpus = config->vcpus, .kick = kick_all, .begin_again = machine_begin_again, .opaque = machine});
    machine->vcpus = g_new0(struct vcpu, config->vcpus);
    machine->vcpu_count = config->vcpus;
    for (unsigned i = 0; i < config->vcpus; i++)
        if (!vcpu_init(&machine->vcpus[i], machine, i, error))
            goto failed;
    return machine;

failed:
    machine_destroy(machine);
    return NULL;
}

void machine_attach(struct machine *machine, unsigned slot, struct pci_device *dev)
{
    if (slot == MACHINE_GPU_SLOT) {
        machine->gpu = dev;
        pci_plug_set(machine->plug, slot, true, false);
    }
    pci_bus_attach(machine->pci, slot, dev);
}

bool machine_start(struct machine *machine, GError **error)
{
    if (!machine_boot(machine, error))
        return false;
    /* A guest that ends at once waits with its kicks until all threads are there to be kicked. */
    bool ok = true;
    g_mutex_lock(&machine->threads_lock);
    for (unsigned i = 0; ok && i < machine->vcpu_count; i++)
        ok = vcpu_start(&machine->vcpus[i], error);
    g_mutex_unlock(&machine->threads_lock);
    return ok;
}

void machine_stop(struct machine *machine)
{
    machine_finish(machine, MACHINE_STOPPED, 0, NULL);
}

void machine_join(struct machine *machine)
{
    /* The thread that ends the VM still kicks the others: no thread id may go before it is done. */
    g_mutex_lock(&machine->threads_lock);
    while (!machine->kicked)
        g_cond_wait(&machine->kicked_cond, &machine->threads_lock);
    g_mutex_unlock(&machine->threads_lock);
    for (unsigned i = 0; i < machine->vcpu_count; i++) {
        struct vcpu *vcpu = &machine->vcpus[i];
        if (vcpu->started)
            pthread_join(vcpu->thread, NULL);
        vcpu->started = false;
    }
}

size_t machine_input(struct machine *machine, const uint8_t *data, size_t len)
{
    return serial_receive(machine->serial, data, len);
}

void machine_usage(const struct machine *machine, struct machine_usage *usage)
{
    *usage = (struct machine_usage){.vcpus = machine->vcpu_count, .resident = memory_resident(machine->memory)};
    for (unsigned i = 0; i < machine->memory->count; i++)
        usage->memory += machine->memory->regions[i].size;
    for (unsigned i = 0; i < machine->vcpu_count; i++)
        for (unsigned e = 0; e < MACHINE_EXITS; e++)
            usage->exits[e] += __atomic_load_n(&machine->vcpus[i].exits[e], __ATOMIC_RELAXED);
}

void machine_destroy(struct machine *machine)
{
    if (!machine)
        return;
    if (machine->vcpu_count > 0 && machine->vcpus[0].started) {
        machine_stop(machine);
        machine_join(machine);
    }
    pci_bus_destroy(machine->pci);
    for (unsigned i = 0; i < machine->vcpu_count; i++)
        vcpu_finish(&machine->vcpus[i]);
    g_free(machine->vcpus);
    cpu_group_destroy(machine->cpu);
    serial_destroy(machine->serial);
    pause_destroy(machine->pause);
    restart_destroy(machine->restart);
    machine_boot_finish(machine);
    power_destroy(machine->power);
    pci_plug_destroy(machine->plug);
    rtc_destroy(machine->rtc);
    sink_destroy(machine->sink);
    coalesced_destroy(machine->coalesced);
    address_map_destroy(machine->mmio);
    address_map_destroy(machine->pio);
    if (machine->vm_fd >= 0)
        close(machine->vm_fd);
    if (machine->kvm_fd >= 0)
        close(machine->kvm_fd);
    memory_destroy(machine->memory);
    g_mutex_clear(&machine->lock);
    g_mutex_clear(&machine->threads_lock);
    g_cond_clear(&machine->kicked_cond);
    g_free(machine->message);
    g_free(machine->name);
    g_free(machine->image);
    g_free(machine->args);
    g_free(machine->initrd);
    g_free(machine->cpuid);
    g_free(machine);
}
