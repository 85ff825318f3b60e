/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of the aperture that the guest reaches without a trap (struct pci_host, direct_open()): where it traps a lot, all pages are its own memory, and no fence tiles.
 * GVT-g maps the physical aperture for the same reason: a text console is drawn through it, dword by dword. Called by vgpu.c, ggtt.c, registers.c and failure.c,
 * under the vGPU's lock.
 *
 * A window closes when one of its pages is no memory any more, when a fence comes over it, or when its entries change so often that telling the host costs more than
 * traps. It opens again after twice as many traps as before, so that a guest that plays with this gets slower and nobody else does.
 */
#include "mmio/vgpu_internal.h"

enum {
    PAGE = 4096,
    WINDOW = PCI_DIRECT_PAGES * PAGE,
    TRAPS_FIRST = 256,          /* some 256 KiB of console; what opening costs is about as many traps */
    TRAPS_MOST = 1 << 24,
    CHANGES_MOST = 16 * PCI_DIRECT_PAGES, /* of pages, while it is open */
};

static struct aperture_window *window_at(struct vgpu *vgpu, uint64_t offset)
{
    const uint64_t first = vgpu->low_base / WINDOW, number = offset / WINDOW;

    return vgpu->windows && number >= first && number - first < vgpu->type->low_gm / WINDOW ? &vgpu->windows[number - first] : NULL;
}

static uint64_t start_of(const struct vgpu *vgpu, const struct aperture_window *window)
{
    return vgpu->low_base + (uint64_t)(window - vgpu->windows) * WINDOW;
}

void aperture_direct_init(struct vgpu *vgpu)
{
    const struct pci_host *host = vgpu->pci.host;

    if (!host->direct_open || vgpu->low_base % WINDOW)
        return;
    vgpu->windows = g_new0(struct aperture_window, vgpu->type->low_gm / WINDOW);
    for (uint64_t i = 0; i < vgpu->type->low_gm / WINDOW; i++)
        vgpu->windows[i].wanted = TRAPS_FIRST;
}

void aperture_direct_finish(struct vgpu *vgpu)
{
    aperture_direct_close(vgpu);
    g_clear_pointer(&vgpu->windows, g_free);
}

static void close_window(struct vgpu *vgpu, struct aperture_window *window)
{
    if (!window->open)
        return;
    window->open = false;
    window->traps = 0;
    window->wanted = MIN(2 * window->wanted, (uint32_t)TRAPS_MOST);
    vgpu->pci.host->direct_close(vgpu->pci.host, 2, start_of(vgpu, window));
}

void aperture_direct_close(struct vgpu *vgpu)
{
    for (uint64_t i = 0; vgpu->windows && i < vgpu->type->low_gm / WINDOW; i++)
        close_window(vgpu, &vgpu->windows[i]);
}

static bool tiled(const struct vgpu *vgpu, uint64_t start)
{
    struct fence list[APERTURE_FENCES];
    unsigned count = aperture_fences(vgpu, list);

    for (unsigned i = 0; i < count; i++)
        if (list[i].start < start + WINDOW && start < list[i].end)
            return true;
    return false;
}

/* The guest's page behind an entry; false when there is no memory that it may write. */
static bool page_of(struct vgpu *vgpu, uint64_t index, uint64_t *gpa)
{
    const uint64_t entry = vgpu->ggtt[index];
    struct guest_region region;

    *gpa = entry & PTE_ADDRESS;
    return (entry & PTE_PRESENT) && guest_memory_find(vgpu, *gpa, &region) && region.writable;
}

static bool open_window(struct vgpu *vgpu, uint64_t start)
{
    uint64_t pages[PCI_DIRECT_PAGES];

    if (vgpu_has_failed(vgpu) || tiled(vgpu, start))
        return false;
    for (unsigned i = 0; i < PCI_DIRECT_PAGES; i++)
        if (!page_of(vgpu, start / PAGE + i, &pages[i]))
            return false;
    return vgpu->pci.host->direct_open(vgpu->pci.host, 2, start, pages);
}

void aperture_direct_trapped(struct vgpu *vgpu, uint64_t offset)
{
    struct aperture_window *window = window_at(vgpu, offset);

    if (!window || window->open || ++window->traps < window->wanted)
        return;
    window->traps = 0;
    window->changes = 0;
    window->open = open_window(vgpu, start_of(vgpu, window));
    if (!window->open)
        window->wanted = MIN(2 * window->wanted, (uint32_t)TRAPS_MOST);
}

void aperture_direct_entry(struct vgpu *vgpu, uint64_t index)
{
    struct aperture_window *window = window_at(vgpu, index * PAGE);
    uint64_t gpa;

    if (!window || !window->open)
        return;
    if (++window->changes > CHANGES_MOST || !page_of(vgpu, index, &gpa) || !vgpu->pci.host->direct_page(vgpu->pci.host, 2, index * PAGE, gpa))
        close_window(vgpu, window);
}

void aperture_direct_fences(struct vgpu *vgpu)
{
    for (uint64_t i = 0; vgpu->windows && i < vgpu->type->low_gm / WINDOW; i++)
        if (vgpu->windows[i].open && tiled(vgpu, start_of(vgpu, &vgpu->windows[i])))
            close_window(vgpu, &vgpu->windows[i]);
}
