/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vGPU: its resources, its place on a PCI bus, its lock. See vgpu.h; created by the machines' configuration. */
#include "gpu/blocks/pipe_crc.h"
#include "gpu/blocks/traps.h"
#include "mmio/vgpu_internal.h"

#include <gio/gio.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

void vgpu_lock(struct vgpu *vgpu)
{
    g_mutex_lock(&vgpu->lock);
}

void vgpu_unlock(struct vgpu *vgpu)
{
    bool message = irq_tree_take_message(&vgpu->irq), intx = interrupts_intx_wanted(vgpu), earlier = false;

    /* A register write may have made the display's next event come before what the thread waits for. */
    if (vgpu->display && !vgpu_has_failed(vgpu)) {
        uint64_t next_ns = display_next_event_ns(vgpu->display);
        earlier = next_ns < vgpu->deadline_ns;
        if (earlier)
            vgpu->deadline_ns = next_ns;
    }
    g_mutex_unlock(&vgpu->lock);
    if (earlier)
        vgpu_wake(vgpu);
    if (message)
        interrupts_send(vgpu);
    if (intx != __atomic_load_n(&vgpu->intx_level, __ATOMIC_RELAXED))
        interrupts_update_intx(vgpu);
}

static struct vgpu *of(struct pci_device *dev)
{
    return (struct vgpu *)dev;
}

static void attach(struct pci_device *dev, struct pci_host *host)
{
    dev->host = host;
    guest_memory_attach(of(dev), host->dma);
    aperture_direct_init(of(dev));
}

static uint32_t config_read(struct pci_device *dev, unsigned offset, unsigned size)
{
    return vgpu_config_read(of(dev), offset, size);
}

static void config_write(struct pci_device *dev, unsigned offset, unsigned size, uint32_t value)
{
    vgpu_config_write(of(dev), offset, size, value);
}

static uint64_t take_access(struct vgpu *vgpu)
{
    return vgpu->throttle.interval_ns ? throttle_take(&vgpu->throttle, trace_now_ns()) : 0;
}

static void sleep_ns(uint64_t ns)
{
    if (ns)
        g_usleep((gulong)((ns + 999) / 1000));
}

static void bar_read(struct pci_device *dev, unsigned bar, uint64_t offset, void *data, size_t len)
{
    struct vgpu *vgpu = of(dev);

    vgpu_lock(vgpu);
    uint64_t wait_ns = take_access(vgpu);
    if (bar == 0) {
        bar0_read(vgpu, offset, data, len);
    } else if (bar == 2) {
        trap_aperture(vgpu->trace, vgpu->id, TRAP_READ, offset, len);
        aperture_read(vgpu, offset, data, len);
        aperture_direct_trapped(vgpu, offset);
    } else {
        memset(data, 0xff, len);
    }
    vgpu_unlock(vgpu);
    sleep_ns(wait_ns);
}

static void bar_write(struct pci_device *dev, unsigned bar, uint64_t offset, const void *data, size_t len)
{
    struct vgpu *vgpu = of(dev);

    vgpu_lock(vgpu);
    uint64_t wait_ns = take_access(vgpu);
    if (bar == 0) {
        bar0_write(vgpu, offset, data, len);
    } else if (bar == 2) {
        trap_aperture(vgpu->trace, vgpu->id, TRAP_WRITE, offset, len);
        if (!vgpu_has_failed(vgpu))
            aperture_write(vgpu, offset, data, len);
        aperture_direct_trapped(vgpu, offset);
    }
    vgpu_unlock(vgpu);
    sleep_ns(wait_ns);
}

static void reset(struct pci_device *dev)
{
    reset_device(of(dev));
}

static void destroy(struct pci_device *dev)
{
    vgpu_destroy(of(dev));
}

/* A guest flushes what it has written by another register before anybody may rely on it, as hardware wants it (PRM vol. 2c, GFX_FLSH_CNTL). */
static bool shortcut(struct pci_device *dev, unsigned number, struct pci_shortcut *shortcut)
{
    *shortcut = (struct pci_shortcut){.kind = PCI_POSTED, .bar = 0, .offset = GTT_OFFSET, .size = GTT_BYTES, .fd = -1};
    return number == 0;
}

static const struct pci_device_ops pci_ops = {
    .attach = attach,
    .config_read = config_read,
    .config_write = config_write,
    .bar_read = bar_read,
    .bar_write = bar_write,
    .reset = reset,
    .destroy = destroy,
    .shortcut = shortcut,
};

static bool take_memory(struct vgpu *vgpu, enum ggtt_part part, uint64_t size, uint64_t *base, GError **error)
{
    uint64_t left = driver_ggtt_available(vgpu->driver, part);

    if (driver_ggtt_alloc(vgpu->driver, part, size, 4096, base, NULL))
        return true;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                "%s: type %s needs %" PRIu64 " MiB of %s graphics memory, %" PRIu64 " MiB are left", vgpu->name, vgpu->type->name,
                size / MIB, part == GGTT_LOW ? "low" : "high", left / MIB);
    return false;
}

static bool take_resources(struct vgpu *vgpu, GError **error)
{
    const struct vgpu_type *type = vgpu->type;

    if (!take_memory(vgpu, GGTT_LOW, type->low_gm, &vgpu->low_base, error))
        return false;
    vgpu->low_allocated = true;
    if (!take_memory(vgpu, GGTT_HIGH, type->high_gm, &vgpu->high_base, error))
        return false;
    vgpu->high_allocated = true;
    return true;
}

static bool start(struct vgpu *vgpu, const struct vgpu_config *config, struct scheduler *scheduler, GError **error)
{
    struct display_config display = {
        .regs = vgpu->regs,
        .irq = &vgpu->irq,
        .port = DISPLAY_PORT_D,
        .monitor = config->hdmi ? DISPLAY_MONITOR_HDMI : DISPLAY_MONITOR_DP,
        .mode = {.width = vgpu->type->width, .height = vgpu->type->height},
        .trace = vgpu->trace,
        .vgpu = vgpu->id,
    };
    const struct sched_client_config client = {
        .id = vgpu->id,
        .name = vgpu->name,
        .weight = config->weight ? config->weight : vgpu->type->weight,
        .cap = config->cap,
        .latency = config->latency,
        .ops = &guest_view_ops,
        .guest = vgpu,
    };

    if (config->monitor)
        display.mode = *config->monitor;
    vgpu->ppgtt = ppgtt_create(&guest_memory_ppgtt_ops, vgpu, 0, error);
    if (!vgpu->ppgtt)
        return false;
    registers_reset(vgpu); /* before the display: it works on the register file */
    vgpu->display = display_create(&display, error);
    if (!vgpu->display)
        return false;
    vgpu->client = sched_client_create(scheduler, &client, error);
    if (!vgpu->client)
        return false;
    registers_reset(vgpu); /* again: the display is there, and the client wants its per-vGPU registers */
    return vgpu_thread_start(vgpu, error);
}

struct vgpu *vgpu_create(struct scheduler *scheduler, struct driver *driver, const struct vgpu_config *config, GError **error)
{
    struct vgpu *vgpu = g_new0(struct vgpu, 1);

    vgpu->scheduler = scheduler;
    vgpu->driver = driver;
    vgpu->gpu = driver_gpu(driver);
    vgpu->type = config->type;
    throttle_init(&vgpu->throttle, config->trap_limit);
    vgpu->trace = config->trace;
    vgpu->id = config->id;
    vgpu->name = g_strdup(config->name);
    vgpu->failed = config->failed;
    vgpu->hung = config->hung;
    vgpu->records = config->records;
    vgpu->recorded = config->recorded;
    vgpu->opaque = config->opaque;
    vgpu->aperture_size = vgpu->gpu->info.aperture_size;
    vgpu->pci.ops = &pci_ops;
    vgpu->pci.name = vgpu->name;
    g_mutex_init(&vgpu->lock);
    g_mutex_init(&vgpu->wake_lock);
    g_cond_init(&vgpu->wake_cond);
    vgpu->deadline_ns = UINT64_MAX;
    vgpu->regions = g_array_new(FALSE, FALSE, sizeof(struct guest_region));
    vgpu->failures = g_ptr_array_new_with_free_func(g_free);
    vgpu->regs = g_malloc0(MMIO_SIZE);
    uncore_init(&vgpu->uncore, vgpu->regs);
    ggtt_init(vgpu);
    engines_init(vgpu);
    vgpu_config_init(vgpu);
    vgpu->crc = pipe_crc_worker_create(&vgpu_crc_ops, vgpu);
    if (!take_resources(vgpu, error) || !start(vgpu, config, scheduler, error)) {
        vgpu_destroy(vgpu);
        return NULL;
    }
    return vgpu;
}

void vgpu_destroy(struct vgpu *vgpu)
{
    if (!vgpu)
        return;
    vgpu_thread_stop(vgpu);
    pipe_crc_worker_destroy(vgpu->crc);
    guest_memory_ignore(vgpu);
    if (vgpu->client) {
        g_mutex_lock(&vgpu->lock);
        engines_cancel(vgpu, VGPU_ALL_ENGINES, true);
        g_mutex_unlock(&vgpu->lock);
        engines_finish(vgpu);
    }
    sched_client_destroy(vgpu->client);
    aperture_direct_finish(vgpu);
    ggtt_finish(vgpu); /* before guest memory goes: no entry may point to it */
    ppgtt_destroy(vgpu->ppgtt);
    guest_memory_detach(vgpu);
    if (vgpu->low_allocated)
        driver_ggtt_free(vgpu->driver, vgpu->low_base, vgpu->type->low_gm);
    if (vgpu->high_allocated)
        driver_ggtt_free(vgpu->driver, vgpu->high_base, vgpu->type->high_gm);
    display_destroy(vgpu->display);
    g_array_unref(vgpu->regions);
    g_ptr_array_unref(vgpu->failures);
    g_free(vgpu->regs);
    g_mutex_clear(&vgpu->lock);
    g_mutex_clear(&vgpu->wake_lock);
    g_cond_clear(&vgpu->wake_cond);
    g_free(vgpu->name);
    g_free(vgpu);
}

struct pci_device *vgpu_pci(struct vgpu *vgpu)
{
    return &vgpu->pci;
}

void vgpu_set_weight(struct vgpu *vgpu, unsigned weight)
{
    sched_client_set_weight(vgpu->client, weight);
}

void vgpu_set_limits(struct vgpu *vgpu, unsigned cap, bool latency)
{
    sched_client_set_limits(vgpu->client, cap, latency);
}

const char *vgpu_failure(struct vgpu *vgpu)
{
    return __atomic_load_n(&vgpu->failure, __ATOMIC_ACQUIRE);
}
