/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KVM's ring of kept writes; see coalesced.h. */
#include "vmm/coalesced.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct coalesced {
    int vm_fd;
    size_t ring_offset; /* from struct kvm_run; 0: KVM has none */
    unsigned entries;
    struct address_map *mmio;
    GMutex lock; /* held while writes are handed over, so that who finds the ring empty knows them done */
};

struct coalesced *coalesced_create(int vm_fd, struct address_map *mmio)
{
    struct coalesced *coalesced = g_new0(struct coalesced, 1);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int pages = ioctl(vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);

    coalesced->vm_fd = vm_fd;
    coalesced->ring_offset = pages > 0 ? (size_t)pages * page : 0;
    coalesced->entries = (page - sizeof(struct kvm_coalesced_mmio_ring)) / sizeof(struct kvm_coalesced_mmio);
    coalesced->mmio = mmio;
    g_mutex_init(&coalesced->lock);
    return coalesced;
}

void coalesced_destroy(struct coalesced *coalesced)
{
    if (!coalesced)
        return;
    g_mutex_clear(&coalesced->lock);
    g_free(coalesced);
}

bool coalesced_range(struct coalesced *coalesced, uint64_t addr, uint64_t size, bool on)
{
    struct kvm_coalesced_mmio_zone zone = {.addr = addr, .size = (uint32_t)size};

    return coalesced->ring_offset && size <= UINT32_MAX &&
           ioctl(coalesced->vm_fd, on ? KVM_REGISTER_COALESCED_MMIO : KVM_UNREGISTER_COALESCED_MMIO, &zone) == 0;
}

void coalesced_drain(struct coalesced *coalesced, struct kvm_run *run)
{
    struct kvm_coalesced_mmio_ring *ring = (void *)((uint8_t *)run + coalesced->ring_offset);

    if (!coalesced->ring_offset || __atomic_load_n(&ring->first, __ATOMIC_ACQUIRE) == __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE))
        return;
    g_mutex_lock(&coalesced->lock);
    /* Not what comes meanwhile: other vCPUs could add to it for ever. */
    const uint32_t last = __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE) % coalesced->entries;
    for (uint32_t first = ring->first % coalesced->entries; first != last;) {
        const struct kvm_coalesced_mmio write = ring->coalesced_mmio[first];
        address_map_write(coalesced->mmio, write.phys_addr, write.data, MIN(write.len, sizeof(write.data)));
        first = (first + 1) % coalesced->entries;
        __atomic_store_n(&ring->first, first, __ATOMIC_RELEASE); /* KVM may use its place again, and others need not wait for it */
    }
    g_mutex_unlock(&coalesced->lock);
}
