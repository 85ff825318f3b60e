// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes.h"

#include <gio/gio.h>

#include <algorithm>

namespace {

World *world;

driver *of(gpu *device)
{
    return reinterpret_cast<driver *>(device);
}

const gpu_ops device_ops = {
    .read32 = [](gpu *, uint32_t) -> uint32_t { return 0; },
    .write32 = [](gpu *, uint32_t, uint32_t) {},
    .pte_read = [](gpu *, uint32_t) -> uint64_t { return 0; },
    .pte_write = [](gpu *, uint32_t, uint64_t) {},
    .dma_map =
        [](gpu *device, void *host, uint64_t size, unsigned prot, uint64_t *iova, GError **) {
    std::lock_guard lock(world->mutex);
    *iova = of(device)->next_iova;
    of(device)->next_iova += (size + (4 << 20) - 1) & ~uint64_t((2 << 20) - 1);
    of(device)->mappings[*iova] = {static_cast<uint8_t *>(host), size, prot};
    return true;
},
    .dma_unmap =
        [](gpu *device, uint64_t iova, uint64_t size) {
    std::lock_guard lock(world->mutex);
    for (auto &[gma, entry] : of(device)->entries)
        if (entry - iova < size)
            g_error("entry 0x%lx still points to memory that goes away", static_cast<unsigned long>(gma));
    of(device)->mappings.erase(iova);
},
    .set_irq = nullptr,
    .reset = nullptr,
    .destroy = nullptr,
};

} // namespace

driver::driver()
{
    device.ops = &device_ops;
    device.info = {0x8086, 0x1912, 6, "fake", 256 << 20, uint64_t(4) << 30, 32};
}

World::World()
{
    world = this;
}

World::~World()
{
    world = nullptr;
}

workload *World::queued(unsigned engine, size_t n)
{
    std::lock_guard lock(mutex);
    return client && client->queued[engine].size() > n ? client->queued[engine][n] : nullptr;
}

size_t World::count(unsigned engine)
{
    std::lock_guard lock(mutex);
    return client ? client->queued[engine].size() : 0;
}

unsigned World::preempts(unsigned engine)
{
    std::lock_guard lock(mutex);
    return client->preempts[engine];
}

void World::end(unsigned engine, enum workload_status status, uint32_t head)
{
    std::unique_lock lock(mutex);
    auto &queue = client->queued[engine];
    g_assert(!queue.empty());
    workload *w = queue.front();
    queue.erase(queue.begin());
    w->status = status;
    w->head = head;
    unsigned before = freed;
    client->ended.push_back(w);
    auto notify = client->config.ops->notify;
    void *guest = client->config.guest;
    lock.unlock();
    notify(guest);
    lock.lock();
    changed.wait(lock, [&] { return freed > before; });
}

void World::interrupt(unsigned engine, uint32_t bits)
{
    std::unique_lock lock(mutex);
    client->interrupts[engine] |= bits;
    auto notify = client->config.ops->notify;
    void *guest = client->config.guest;
    lock.unlock();
    notify(guest);
    lock.lock();
    changed.wait(lock, [&] { return client->interrupts[engine] == 0; });
}

extern "C" {

gpu *driver_gpu(driver *d)
{
    return &d->device;
}

bool driver_ggtt_alloc(driver *d, ggtt_part part, uint64_t size, uint64_t, uint64_t *gma, GError **error)
{
    uint64_t &next = part == GGTT_LOW ? d->next_low : d->next_high;
    if (size > (part == GGTT_LOW ? d->low_end : d->high_end) - next) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "full");
        return false;
    }
    *gma = next;
    next += size;
    return true;
}

void driver_ggtt_free(driver *d, uint64_t gma, uint64_t size)
{
    uint64_t &next = gma < d->low_end ? d->next_low : d->next_high;
    if (gma + size == next)
        next = gma;
}

uint64_t driver_ggtt_available(driver *d, ggtt_part part)
{
    return part == GGTT_LOW ? d->low_end - d->next_low : d->high_end - d->next_high;
}

void driver_ggtt_set(driver *d, uint64_t gma, uint64_t pte)
{
    std::lock_guard lock(world->mutex);
    if (pte)
        d->entries[gma] = pte;
    else
        d->entries.erase(gma);
}

void driver_ggtt_flush(driver *d)
{
    std::lock_guard lock(world->mutex);
    d->flushes++;
}

bool driver_buffer_init(driver *d, gpu_buffer *buffer, uint64_t size, bool, GError **error)
{
    *buffer = {static_cast<uint8_t *>(aligned_alloc(4096, size)), size, 0, UINT64_MAX};
    std::fill_n(buffer->host, size, 0);
    return d->device.ops->dma_map(&d->device, buffer->host, size, DMA_RW, &buffer->iova, error);
}

void driver_buffer_finish(driver *d, gpu_buffer *buffer)
{
    if (!buffer->host)
        return;
    d->device.ops->dma_unmap(&d->device, buffer->iova, buffer->size);
    free(buffer->host);
    *buffer = {};
}

void driver_tlb_invalidate(driver *, unsigned) {}

uint32_t driver_read32(driver *, uint32_t)
{
    return world->timestamp;
}

void sched_client_lap(sched_client *, sched_cost, uint64_t *) {}
sched_client *sched_client_create(scheduler *, const sched_client_config *config, GError **)
{
    std::lock_guard lock(world->mutex);
    auto *client = new sched_client{};
    client->config = *config;
    world->client = client;
    return client;
}

void sched_client_destroy(sched_client *client)
{
    std::lock_guard lock(world->mutex);
    if (world->client == client)
        world->client = nullptr;
    delete client;
}

void sched_client_set_register(sched_client *client, uint32_t offset, uint32_t value)
{
    client->registers[offset] = value;
}

workload *workload_create(sched_client *client, unsigned engine, uint64_t desc, bool four_level, const uint64_t pdp[4], GError **error)
{
    if (!world->fail_next_workload.empty()) {
        bool busy = world->fail_next_workload == "busy";
        g_set_error_literal(error, G_IO_ERROR, busy ? G_IO_ERROR_BUSY : G_IO_ERROR_INVALID_DATA, world->fail_next_workload.c_str());
        world->fail_next_workload.clear();
        return nullptr;
    }
    auto *w = new workload{client, engine, desc, four_level, {pdp[0], pdp[1], pdp[2], pdp[3]}, WORKLOAD_DONE, 0, false};
    if (world->on_create)
        world->on_create(w);
    std::lock_guard lock(world->mutex);
    world->created++;
    return w;
}

void workload_submit(workload *w)
{
    std::lock_guard lock(world->mutex);
    w->client->queued[w->engine].push_back(w);
    world->changed.notify_all();
}

void workload_free(workload *w)
{
    if (!w)
        return;
    std::lock_guard lock(world->mutex);
    delete w;
    world->freed++;
    world->changed.notify_all();
}

enum workload_status workload_status(const workload *w)
{
    return w->status;
}

unsigned workload_engine(const workload *w)
{
    return w->engine;
}

uint64_t workload_desc(const workload *w)
{
    return w->desc;
}

uint32_t workload_ring_head(const workload *w)
{
    return w->head;
}

const engine_view *workload_engine_view(const workload *)
{
    return nullptr;
}

bool sched_client_engine_view(sched_client *, unsigned, engine_view *)
{
    return false;
}

struct error_state *workload_error_state(workload *)
{
    return nullptr;
}

bool workload_write_back(workload *w)
{
    // The head is the only thing that these tests look at in the image.
    uint64_t at = DESC_LRCA(w->desc) + 4096 + CTX_RING_HEAD * 4;
    w->written_back = true;
    return w->client->config.ops->ggtt_write(w->client->config.guest, at, &w->head, 4);
}

workload *sched_client_reap(sched_client *client)
{
    std::lock_guard lock(world->mutex);
    if (client->ended.empty())
        return nullptr;
    workload *w = client->ended.front();
    client->ended.pop_front();
    return w;
}

uint32_t sched_client_interrupts(sched_client *client, unsigned engine)
{
    std::lock_guard lock(world->mutex);
    uint32_t bits = client->interrupts[engine];
    client->interrupts[engine] = 0;
    if (bits)
        world->changed.notify_all();
    return bits;
}

void sched_client_preempt(sched_client *client, unsigned engine)
{
    std::lock_guard lock(world->mutex);
    client->preempts[engine]++;
    world->changed.notify_all();
}

void sched_client_reset(sched_client *client, uint32_t mask, bool)
{
    std::lock_guard lock(world->mutex);
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        if (!(mask >> engine & 1))
            continue;
        for (workload *w : client->queued[engine]) {
            w->status = world->reset_status;
            client->ended.push_back(w);
        }
        client->queued[engine].clear();
    }
}

void sched_client_set_weight(sched_client *, unsigned) {}

void sched_client_set_limits(sched_client *, unsigned, bool) {}

void sched_client_usage(sched_client *, struct sched_usage *usage)
{
    *usage = {};
}

} // extern "C"
