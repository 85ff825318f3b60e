// SPDX-License-Identifier: GPL-2.0-or-later
// Command streams: what the audit accepts runs on the model, and must not reach memory that is not the guest's. The guest has a part of the global
// GTT and page tables like any other; around its part lies that of a neighbour, full of poison, which must neither change nor turn up in the guest's
// memory. The page tables of the guest are its neighbour's here: their shadow is no memory of a guest either.
// The form of an input is in commands_input.h; real ones come from recordings of guests (stream_seeds.cc).
#include "commands_input.h"
#include "fuzz.h"

#include "gpu/defs/commands.h"
#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"
#include "gpu/model/model.h"
#include "scheduler/commands.h"
#include "scheduler/scheduler.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace {

using namespace fuzz;

constexpr uint64_t NEIGHBOUR = 64 << 10, PPA = 0x40000000;
constexpr uint32_t RING_BYTES = 16384;

// A piece of host memory that the GPU reaches, by the bus and by the global GTT.
struct Part {
    Walled memory;
    uint64_t iova = 0, gma = 0;
    Part(driver *drv, uint64_t size, bool bound, ggtt_part where) : memory(size)
    {
        gpu *gpu = driver_gpu(drv);
        REQUIRE(gpu->ops->dma_map(gpu, memory.host, size, DMA_RW, &iova, nullptr), "dma_map");
        if (!bound)
            return;
        REQUIRE(driver_ggtt_alloc(drv, where, size, 4096, &gma, nullptr), "global GTT");
        for (uint64_t at = 0; at < size; at += 4096)
            driver_ggtt_set(drv, gma + at, (iova + at) | PTE_PRESENT | PTE_WRITE);
    }
};

class World {
  public:
    driver *drv;
    scheduler *sched;
    Part *before, *guest, *behind, *low, *tables;
    std::vector<uint64_t> expected_tables;
    std::mutex mutex;
    std::condition_variable changed;

    World()
    {
        model_config config = {};
        drv = driver_create(model_gpu(model_create(&config, nullptr)), nullptr, nullptr);
        scheduler_config scheduling = {"fifo", 0, 30000000, nullptr};
        sched = scheduler_create(drv, &scheduling, nullptr);
        REQUIRE(sched, "the scheduler");
        before = new Part(drv, NEIGHBOUR, true, GGTT_HIGH);
        guest = new Part(drv, GUEST, true, GGTT_HIGH);
        behind = new Part(drv, NEIGHBOUR, true, GGTT_HIGH);
        low = new Part(drv, NEIGHBOUR, true, GGTT_LOW);
        tables = new Part(drv, 16 << 10, false, GGTT_HIGH);
        driver_ggtt_flush(drv);
        for (Part *part : {before, behind, low})
            part->memory.poison();
        auto *entries = reinterpret_cast<uint64_t *>(tables->memory.host);
        for (unsigned level = 0; level < 3; level++) // page 0 is the PML4, page 3 the page table
            entries[512 * level + (level == 1 ? PPA >> 30 : 0)] = (tables->iova + 4096 * (level + 1)) | PTE_PRESENT | PTE_WRITE;
        for (unsigned i = 0; i < 512; i++)
            entries[512 * 3 + i] = (guest->iova + i * 4096 % GUEST) | PTE_PRESENT | PTE_WRITE;
        expected_tables.assign(entries, entries + 2048);
    }
    bool owned(uint64_t gma, uint64_t len) const { return gma >= guest->gma && len <= GUEST && gma - guest->gma <= GUEST - len; }
    uint32_t word(Input &in) const
    {
        uint32_t raw = in.u32(), offset = raw & 0xffffff;
        switch (raw & 0xff000000) {
        case GUEST_GLOBAL: return static_cast<uint32_t>(guest->gma + offset);
        case GUEST_PPGTT: return static_cast<uint32_t>(PPA + offset);
        case NEIGHBOUR_GLOBAL: return static_cast<uint32_t>(behind->gma + offset);
        case NEIGHBOUR_BUS: return static_cast<uint32_t>(behind->iova + offset);
        default: return raw == POISON ? 0 : raw;
        }
    }
    static const guest_ops ops;
};

World &of(void *opaque) { return *static_cast<World *>(opaque); }

const guest_ops World::ops = {
    .ggtt_read = [](void *w, uint64_t gma, void *buf, size_t len) {
        if (!of(w).owned(gma, len))
            return false;
        memcpy(buf, of(w).guest->memory.host + (gma - of(w).guest->gma), len);
        return true;
    },
    .ggtt_write = [](void *w, uint64_t gma, const void *buf, size_t len) {
        if (!of(w).owned(gma, len))
            return false;
        memcpy(of(w).guest->memory.host + (gma - of(w).guest->gma), buf, len);
        return true;
    },
    .ggtt_owned = [](void *w, uint64_t gma, uint64_t len) { return of(w).owned(gma, len); },
    .register_write = [](void *, unsigned, uint32_t, uint32_t *) { return true; }, // what stops a write is the audit alone
    .register_read = [](void *, unsigned, uint32_t, uint32_t *value) {
        *value = 0;
        return true;
    },
    .display_flip = [](void *, const uint32_t *, unsigned) {},
    .status_page = [](void *w, unsigned) { return of(w).guest->gma + STATUS; },
    .submits = nullptr,
    .notify = [](void *w) {
        std::lock_guard lock(of(w).mutex);
        of(w).changed.notify_all();
    },
};

void build_image(World &w, unsigned engine, uint32_t tail, uint8_t flags)
{
    auto *state = reinterpret_cast<uint32_t *>(w.guest->memory.host + IMAGE + 4096);
    unsigned count;
    const context_dword *rows = context_layout(engine, &count);
    for (unsigned i = 0; i < count; i++)
        if (!rows[i].header)
            state[rows[i].index] = rows[i].offset;
    state[CTX_CONTEXT_CONTROL] = 0x00090008;
    state[CTX_RING_START] = static_cast<uint32_t>(flags & INPUT_RING_OF_NEIGHBOUR ? w.behind->gma : w.guest->gma + RING);
    state[CTX_RING_CTL] = (RING_BYTES - 4096) | 1;
    state[CTX_RING_TAIL] = tail;
    if (flags & INPUT_PER_CONTEXT_BATCH)
        state[CTX_BB_PER_CTX_PTR] = static_cast<uint32_t>(w.guest->gma + BATCH) | 1;
    if (flags & INPUT_INDIRECT_BATCH) {
        state[CTX_INDIRECT_CTX] = static_cast<uint32_t>(w.guest->gma + BATCH) | (1 + (flags >> INPUT_LINES_SHIFT & INPUT_LINES_MASK));
        state[CTX_INDIRECT_CTX_OFFSET] = 0xd << 6;
    }
}

void run(World &w, unsigned engine)
{
    sched_client_config config = {.id = 1, .name = "fuzz", .weight = 1, .cap = 0, .latency = false, .ops = &World::ops, .guest = &w};
    sched_client *client = sched_client_create(w.sched, &config, nullptr);
    REQUIRE(client, "a client");
    const uint64_t pdp[4] = {w.tables->iova};
    uint64_t desc = (w.guest->gma + IMAGE) | DESC_VALID | DESC_PRIVILEGE | DESC_ADDRESSING_64 | 7ull << 32;
    GError *error = nullptr;
    workload *work = workload_create(client, engine, desc, true, pdp, &error);
    REQUIRE((work == nullptr) == (error != nullptr), "a workload or an error");
    g_clear_error(&error);
    if (work) {
        workload_submit(work);
        workload *done = nullptr;
        auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(30);
        while (!(done = sched_client_reap(client))) {
            if (std::chrono::steady_clock::now() > end) // a loop that moves is no hang
                sched_client_reset(client, 1u << engine, true);
            std::unique_lock lock(w.mutex); // it may have come just before
            w.changed.wait_for(lock, std::chrono::microseconds(500));
        }
        workload_write_back(done);
        workload_free(done);
    }
    sched_client_destroy(client);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static World *world = new World;
    World &w = *world;
    Input in(data, size);
    uint8_t *memory = w.guest->memory.host;
    memset(memory, 0, GUEST);

    unsigned engine = in.u8() % ENGINE_COUNT;
    uint8_t flags = in.u8();
    auto put = [&](uint64_t at, uint32_t most) {
        uint32_t count = in.u16() % (most + 1), used = 0;
        for (; used < count && !in.empty(); used++) {
            uint32_t word = w.word(in);
            memcpy(memory + at + 4 * used, &word, 4);
        }
        return used;
    };
    uint32_t tail = 4 * ((put(RING, MAX_RING) + 1) & ~1u);
    for (uint64_t at : {BATCH, USER_BATCH}) {
        uint32_t end = command_header(CMD_MI_BATCH_BUFFER_END, 1, 0);
        memcpy(memory + at + 4 * put(at, MAX_BATCH), &end, 4);
    }
    build_image(w, engine, tail, flags);
    run(w, engine);

    for (Part *part : {w.before, w.behind, w.low})
        REQUIRE(part->memory.poisoned(), "memory of a neighbour changed");
    REQUIRE(!w.guest->memory.tainted(), "memory of a neighbour was read");
    REQUIRE(memcmp(w.expected_tables.data(), w.tables->memory.host, w.tables->memory.size) == 0, "page tables changed");
    return 0;
}

// Every command: in the ring on the guest's memory, in a batch in the PPGTT, in the ring on the neighbour's memory (which the audit must not accept).
Bytes fuzz::fuzz_seed(unsigned n)
{
    unsigned id = n / 3, place = n % 3;
    if (id >= CMD_COUNT)
        return {};
    const cmd_desc &desc = cmd_descs[id];
    unsigned engine = static_cast<unsigned>(__builtin_ctz(desc.engines ? desc.engines : 1)) % ENGINE_COUNT;
    uint32_t header = desc.match, base = place == 0 ? GUEST_GLOBAL : place == 1 ? GUEST_PPGTT : NEIGHBOUR_GLOBAL;
    uint64_t at = place == 2 ? 0 : DATA;
    if (desc.length & CMD_LENGTH_FIELD)
        header |= place == 1 ? 4 : 3;
    unsigned length = cmd_length(static_cast<cmd_id>(id), header);
    if (length > 64)
        return Output().u8(0).u8(0).data;
    Output words;
    words.u32(header);
    for (unsigned i = 1; i < length; i++) {
        uint32_t value = i & 1 ? base + static_cast<uint32_t>(at) + 64 * i : 0;
        for (const cmd_field &field : desc.fields) {
            if (field.kind == FIELD_REGISTER && field.dword == i)
                value = 0x2600; // a general purpose register
            else if (field.kind && field.dword == i)
                value = base + static_cast<uint32_t>(at) + 64 * i;
            else if (field.kind == FIELD_ADDRESS && field.dword + 1u == i)
                value = 0;
        }
        words.u32(value);
    }
    Output out;
    out.u8(engine).u8(0);
    auto start = [&](uint64_t address, bool ppgtt) {
        out.u16(3).u32(command_header(CMD_MI_BATCH_BUFFER_START, 3, ppgtt ? uint32_t(BATCH_START_PPGTT) : 0));
        out.u32(static_cast<uint32_t>(address)).u32(0);
    };
    for (const cmd_field &field : desc.fields) // in the ring: by the global GTT
        if (place != 1 && field.kind == FIELD_ADDRESS && field.ggtt_bit < 32)
            words.data[4 * field.ggtt_dword + field.ggtt_bit / 8] |= static_cast<uint8_t>(1u << field.ggtt_bit % 8);
    if (place == 1) {
        start(GUEST_PPGTT + USER_BATCH, true);
        out.u16(0).u16(length).raw(words.data.data(), words.data.size());
    } else {
        out.u16(length).raw(words.data.data(), words.data.size()).u16(0).u16(0);
    }
    return out.data;
}
