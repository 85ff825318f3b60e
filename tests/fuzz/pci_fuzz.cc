// SPDX-License-Identifier: GPL-2.0-or-later
// Config space and BAR accesses of any size, as vCPUs and vfio-user clients make them: on a vGPU, on the model as a guest has it whole, and on virtio
// functions. What the functions do by DMA stays in the guest's memory.
//
// The input: which function, then accesses: what (bits 0-1: config read, config write, BAR read, BAR write; bits 2-3: the BAR; bit 4: a register from the table below, bit 5:
// many bytes), offset, value.
#include "fuzz.h"

#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"
#include "gpu/driver/driver.h"
#include "gpu/model/model.h"
#include "mmio/vgpu.h"
#include "scheduler/scheduler.h"
#include "vmm/virtio/console.h"
#include "vmm/virtio/input.h"
#include "vmm/virtio/pci.h"
#include "vmm/virtio/rng.h"

namespace {

using namespace fuzz;

enum { VGPU, MODEL, RNG, CONSOLE, TABLET, KINDS };
constexpr uint64_t BASE = 0x100000, BYTES = 1 << 20;

// Offsets where things happen; the rest of 16 MiB is mostly nothing.
const uint32_t places[] = {R_PVINFO_MAPPABLE_BASE, 0x2030, 0x2034, 0x2038, 0x203c, 0x2080, 0x2230, 0x2234, 0x2244, 0x2310, 0x2340, 0x2370, 0x22230, 0x22234, 0x12230, 0x1a230, 0x4260,
                           0x44200, 0x44300, 0x44404, 0x44470, 0x45010, 0x60000, 0x64010, 0x64110, 0x64114, 0x70180, 0x70188, 0x7019c, 0x70080, 0x7f000, 0x78030, 0x78800, 0x78820, 0x78838, 0x78844, 0x9430, 0x941c,
                           0xa188, 0x130044, 0x138124, 0x138128, 0xc5100, 0xc5104, 0xc510c, 0x100000, 0x800000, 0x800008, 0xfffff8, 0x0, 0x1fffff};

class World {
  public:
    Walled memory{3 * BYTES}; // the guest's is in the middle
    struct Host : pci_host {
    } host = {};
    driver *drv = nullptr;
    scheduler *sched = nullptr;
    vgpu *mediated = nullptr;
    pci_device *functions[KINDS] = {};

    World()
    {
        memory.poison();
        host.dma = dma_space_create("fuzz");
        dma_space_map(host.dma, BASE, BYTES, memory.host + BYTES, DMA_RW, nullptr);
        host.msi = [](pci_host *, uint64_t, uint32_t) {};
        host.intx = [](pci_host *, bool) {};
        host.decode_changed = [](pci_host *) {};
    }
    pci_device *function(unsigned kind)
    {
        virtio_pci_config config = {"fuzz", true, nullptr, nullptr};
        if (functions[kind])
            return functions[kind];
        if (kind == VGPU) {
            if (!drv) {
                model_config config = {};
                drv = driver_create(model_gpu(model_create(&config, nullptr)), nullptr, nullptr);
                scheduler_config scheduling = {"fair", 0, 30000000, nullptr};
                sched = scheduler_create(drv, &scheduling, nullptr);
            }
            vgpu_config virt = {};
            virt.id = 1;
            virt.name = "fuzz";
            virt.type = vgpu_type_find("i915-GVTg_V5_8");
            mediated = vgpu_create(sched, drv, &virt, nullptr);
            REQUIRE(mediated, "a vGPU");
            functions[kind] = vgpu_pci(mediated);
        } else if (kind == MODEL) {
            model_config config = {};
            functions[kind] = model_pci(model_create(&config, nullptr));
        } else if (kind == RNG) {
            functions[kind] = virtio_pci_create(&config, virtio_rng_create(), nullptr);
        } else if (kind == TABLET) {
            functions[kind] = virtio_pci_create(&config, virtio_input_create(VIRTIO_INPUT_TABLET), nullptr);
        } else {
            virtio_console_config console = {[](void *, const uint8_t *, size_t) {}, nullptr, nullptr};
            functions[kind] = virtio_pci_create(&config, virtio_console_create(&console), nullptr);
        }
        REQUIRE(functions[kind], "function %u", kind);
        functions[kind]->ops->attach(functions[kind], &host);
        return functions[kind];
    }
    // As new for the next input; a vGPU that has failed stays so.
    void reset(unsigned kind)
    {
        pci_device *dev = functions[kind];
        if (kind == VGPU && vgpu_failure(mediated)) {
            vgpu_destroy(mediated);
            functions[kind] = nullptr;
        } else {
            dev->ops->reset(dev);
        }
    }
    bool intact()
    {
        for (size_t at : {size_t{0}, size_t{2 * BYTES}})
            if (memory.words()[at / 4] != POISON || memcmp(memory.host + at, memory.host + at + 4, BYTES - 4) != 0)
                return false;
        return true;
    }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static World *world = new World;
    static uint8_t buffer[8192];
    Input in(data, size);
    unsigned kind = in.u8() % KINDS;
    pci_device *dev = world->function(kind);
    // Rings, contexts and page tables of a guest: dwords that the input gives, at every page's start.
    memset(world->memory.host + BYTES, 0, BYTES);
    Bytes content = in.bytes(in.u8());
    for (uint64_t at = 0; at < BYTES && !content.empty(); at += 4096)
        memcpy(world->memory.host + BYTES + at, content.data(), content.size());
    for (unsigned steps = 0; !in.empty() && steps < 300; steps++) {
        uint8_t what = in.u8();
        uint64_t offset = what & 16 ? places[in.u8() % std::size(places)] : in.number(3);
        size_t len = what & 32 ? 1 + in.u16() % sizeof(buffer) : size_t{1} << (what >> 6);
        if ((what & 3) < 2) {
            uint32_t value = in.u32();
            if (what & 1)
                pci_device_config_write(dev, offset % PCI_CONFIG_SIZE, &value, std::min<size_t>(len, 4));
            else
                pci_device_config_read(dev, offset % PCI_CONFIG_SIZE, &value, std::min<size_t>(len, 4));
            continue;
        }
        unsigned bar = what >> 2 & 3;
        bar = bar == 3 ? 4 : bar;
        uint64_t bytes = dev->config.bar[bar].size;
        if (bytes == 0)
            continue;
        offset %= bytes;
        len = std::min<uint64_t>(len, bytes - offset);
        if (what & 1) {
            uint64_t value = in.u64();
            for (size_t i = 0; i < len; i += 8)
                memcpy(buffer + i, &value, 8);
            dev->ops->bar_write(dev, bar, offset, buffer, len);
        } else {
            dev->ops->bar_read(dev, bar, offset, buffer, len);
        }
    }
    world->reset(kind);
    REQUIRE(world->intact(), "memory was written that is not the guest's");
    return 0;
}

Bytes fuzz::fuzz_seed(unsigned n)
{
    constexpr unsigned EACH = 4;
    if (n >= KINDS * EACH)
        return {};
    Output out;
    out.u8(n / EACH);
    auto config = [&](uint32_t offset, unsigned log2, uint32_t value) { out.u8(1 | log2 << 6).number(offset, 3).u32(value); };
    auto write = [&](unsigned bar, uint32_t offset, unsigned log2, uint64_t value) { out.u8(3 | bar << 2 | log2 << 6).number(offset, 3).u64(value); };
    auto read = [&](unsigned bar, uint32_t offset, unsigned log2) { out.u8(2 | bar << 2 | log2 << 6).number(offset, 3); };
    if (n % EACH == 0) { // sizes the BARs, then each place
        out.u8(0);
        for (unsigned bar = 0; bar < 6; bar++)
            config(0x10 + 4 * bar, 2, 0xffffffff);
        config(4, 1, 6);
        for (uint32_t place : places)
            read(0, place, 2);
    } else if (n / EACH < RNG) {
        // A page of the GTT, a status page, a context: its memory begins with what looks like a ring of no-operations.
        out.u8(8).u64(0x0500000000000000);
        config(4, 1, 6);
        for (unsigned i = 0; i < 16; i++)
            write(0, 0x800000 + 8 * i, 3, (BASE + 4096 * i) | 3);
        write(0, 0x2080, 2, 0x1000);
        write(0, 0xa188, 2, 0x00010001);
        if (n % EACH == 2)
            for (uint32_t dword : {0u, 0u, 7u, 0x2109u})
                write(0, 0x2230, 2, dword);
        if (n % EACH == 3) {
            write(0, 0x60000, 2, 0x04ff031f);
            write(0, 0x70008, 2, 0x80000000);
            write(0, 0x70180, 2, 0x84000000);
            write(0, 0x7019c, 2, 0);
            write(0, 0x941c, 2, 0xffff);
        }
    } else {
        out.u8(0);
        config(4, 1, 6);
        for (unsigned status : {1u, 3u, 11u})
            write(0, 0x14, 0, status);
        write(0, 0x8, 2, 1);
        write(0, 0xc, 2, 1);
        write(0, 0x16, 1, n % EACH - 1);
        write(0, 0x20, 3, BASE);
        write(0, 0x28, 3, BASE + 0x1000);
        write(0, 0x30, 3, BASE + 0x2000);
        write(0, 0x1c, 1, 1);
        write(0, 0x14, 0, 15);
        write(0, 0x3000, 1, 0);
        write(0, 0x4000, 2, 0xfee00000);
        read(0, 0x1000, 0);
    }
    return out.data;
}
