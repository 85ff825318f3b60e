/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of KVM as a whole. */
#include "vmm/kvm.h"

#include "vmm/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct {
    int capability;
    const char *name;
} needed[] = {
    {KVM_CAP_IRQCHIP, "in-kernel interrupt controllers"},
    {KVM_CAP_USER_MEMORY, "user memory"},
    {KVM_CAP_SIGNAL_MSI, "MSI"},
    {KVM_CAP_IMMEDIATE_EXIT, "immediate exit"},
    {KVM_CAP_EXT_CPUID, "CPUID"},
};

int kvm_open(const char *device, GError **error)
{
    int fd = open(device, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        const char *advice = errno == ENOENT || errno == ENODEV || errno == ENXIO ? "load the kvm_intel or kvm_amd module (is virtualization enabled in the firmware?)"
                             : errno == EACCES || errno == EPERM ? "add yourself to the kvm group (sudo usermod -aG kvm $USER) and log in again"
                                                                 : "is it a KVM device?";
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: %s: %s", device, g_strerror(errno), advice);
        return -1;
    }
    int version = ioctl(fd, KVM_GET_API_VERSION, 0);
    if (version != KVM_API_VERSION) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: not a KVM device of API version %d", device, KVM_API_VERSION);
        close(fd);
        return -1;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++) {
        if (ioctl(fd, KVM_CHECK_EXTENSION, needed[i].capability) <= 0) {
            g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: this kernel's KVM lacks %s", device, needed[i].name);
            close(fd);
            return -1;
        }
    }
    return fd;
}

int kvm_create_vm(int kvm_fd, GError **error)
{
    /* Three pages for KVM's own use below the firmware's place, above everything that the machine has (KVM API, 4.35 and 4.76). */
    const unsigned long tss_address = 0xfffbd000;
    uint64_t identity_map = 0xfffbc000;
    struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
    int fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);

    if (fd < 0) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "KVM cannot create a VM: %s", g_strerror(errno));
        return -1;
    }
    if (ioctl(fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0 || ioctl(fd, KVM_SET_TSS_ADDR, tss_address) < 0 ||
        ioctl(fd, KVM_CREATE_IRQCHIP, 0) < 0 || ioctl(fd, KVM_CREATE_PIT2, &pit) < 0) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "KVM cannot create the interrupt controllers: %s", g_strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

size_t kvm_run_size(int kvm_fd)
{
    int size = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

    return size > 0 ? (size_t)size : 0;
}

struct kvm_cpuid2 *kvm_supported_cpuid(int kvm_fd, GError **error)
{
    enum { ENTRIES = 256 };
    g_autofree struct kvm_cpuid2 *cpuid = g_malloc0(sizeof(*cpuid) + ENTRIES * sizeof(struct kvm_cpuid_entry2));

    cpuid->nent = ENTRIES;
    if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "KVM does not tell its CPUID leaves: %s", g_strerror(errno));
        return NULL;
    }
    /* The list leaves out what needs the in-kernel local APIC, which every VM here has (KVM API, 4.46). */
    if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
        for (unsigned i = 0; i < cpuid->nent; i++)
            if (cpuid->entries[i].function == 1)
                cpuid->entries[i].ecx |= 1u << 24; /* TSC deadline (Intel SDM volume 2, CPUID leaf 1) */
    return g_steal_pointer(&cpuid);
}

unsigned kvm_address_bits(const struct kvm_cpuid2 *cpuid)
{
    for (unsigned i = 0; i < cpuid->nent; i++)
        if (cpuid->entries[i].function == 0x80000008)
            return CLAMP(cpuid->entries[i].eax & 0xff, 36, 52);
    return 36; /* what every CPU of 64 bits has */
}

void kvm_set_level_irqs(int vm_fd, uint16_t irqs)
{
    struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_MASTER};

    for (unsigned i = 0; i < 2; i++, chip.chip_id = KVM_IRQCHIP_PIC_SLAVE)
        if (ioctl(vm_fd, KVM_GET_IRQCHIP, &chip) == 0) {
            chip.chip.pic.elcr = irqs >> 8 * i & chip.chip.pic.elcr_mask;
            ioctl(vm_fd, KVM_SET_IRQCHIP, &chip);
        }
}

bool kvm_set_cpuid(const struct kvm_cpuid2 *supported, int vcpu_fd, unsigned apic_id, unsigned vcpus, GError **error)
{
    g_autofree struct kvm_cpuid2 *cpuid = g_memdup2(supported, sizeof(*supported) + supported->nent * sizeof(struct kvm_cpuid_entry2));

    for (unsigned i = 0; i < cpuid->nent; i++) {
        struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];
        if (entry->function == 1) { /* EBX: APIC id, logical processors */
            entry->ebx = (entry->ebx & 0xffff) | apic_id << 24 | vcpus << 16;
            entry->ecx |= 1u << 31; /* under a hypervisor */
        } else if (entry->function == 0xb || entry->function == 0x1f) {
            entry->edx = apic_id;
        }
    }
    if (ioctl(vcpu_fd, KVM_SET_CPUID2, cpuid) < 0) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "KVM rejects the CPUID leaves: %s", g_strerror(errno));
        return false;
    }
    return true;
}

bool kvm_set_memory_types(int vcpu_fd, GError **error)
{
    /* Intel SDM volume 3, 11.11.2.1: IA32_MTRR_DEF_TYPE, enabled, write-back. */
    struct {
        struct kvm_msrs header;
        struct kvm_msr_entry entry;
    } msr = {.header.nmsrs = 1, .entry = {.index = 0x2ff, .data = 1 << 11 | 6}};

    if (ioctl(vcpu_fd, KVM_SET_MSRS, &msr) == 1)
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "KVM does not take the default memory type: %s", g_strerror(errno));
    return false;
}
