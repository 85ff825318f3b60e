// SPDX-License-Identifier: GPL-2.0-or-later
// Virtqueues of every kind of virtio device, in memory that the input fills: rings, descriptors, tables, requests. The device's work is done here, one
// step after the other as worker.c does it, so that an input always does the same.
//
// The input: which device, features and size of the queues, then steps (see step()).
#include "fuzz.h"

extern "C" {
#include "vmm/virtio/pci_internal.h"
}
#include "vmm/virtio/block.h"
#include "vmm/virtio/console.h"
#include "vmm/virtio/device.h"
#include "vmm/virtio/input.h"
#include "vmm/virtio/net.h"
#include "vmm/virtio/p9.h"
#include "vmm/virtio/rng.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace {

using namespace fuzz;

enum { BLOCK, BLOCK_READ_ONLY, RNG, CONSOLE, NET, P9, TABLET, KINDS };
constexpr uint64_t BASE = 0x100000, BYTES = 0x20000;    // of the guest, with what is not mapped at both sides
constexpr uint64_t CONSTANT = 0x200000, HIDDEN = 0x4000; // of the guest, only to read
constexpr uint64_t QUEUE_BYTES = 0x4000, TABLES = 0x10000; // queue n is at BASE + n * QUEUE_BYTES
constexpr unsigned MAX_CHAINS = 300;

class World {
  public:
    // Poison stands before and behind what is mapped, and in what is constant.
    Walled memory{HIDDEN + BYTES + HIDDEN}, constant{HIDDEN};
    uint8_t *ram = memory.host + HIDDEN;
    pci_host host = {};
    virtio_pci transport = {};
    virtio_device *dev = nullptr;
    int wire = -1; // the other end of the network
    unsigned left = MAX_CHAINS;
    static std::string folder;

    World(unsigned kind, uint8_t features)
    {
        static MemoryFile disk(std::string(64 << 10, 'd'));
        memory.poison();
        memset(ram, 0, BYTES);
        constant.poison();
        host.dma = dma_space_create("fuzz");
        dma_space_map(host.dma, BASE, BYTES, ram, DMA_RW, nullptr);
        dma_space_map(host.dma, CONSTANT, HIDDEN, constant.host, DMA_READ, nullptr);
        host.msi = [](pci_host *, uint64_t, uint32_t) {};
        host.intx = [](pci_host *, bool) {};
        host.decode_changed = [](pci_host *) {};
        GError *error = nullptr;
        if (kind == BLOCK || kind == BLOCK_READ_ONLY) {
            virtio_block_config config = {disk.path.c_str(), "serial", kind == BLOCK_READ_ONLY, false};
            dev = virtio_block_create(&config, &error);
        } else if (kind == RNG) {
            dev = virtio_rng_create();
        } else if (kind == CONSOLE) {
            virtio_console_config config = {[](void *, const uint8_t *, size_t) {}, nullptr, nullptr};
            dev = virtio_console_create(&config);
        } else if (kind == NET) {
            int pair[2];
            REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0, "socketpair");
            wire = pair[1];
            virtio_net_config config = {};
            config.backend = net_fd_create(pair[0]);
            dev = virtio_net_create(&config, &error);
        } else if (kind == TABLET) {
            dev = virtio_input_create(VIRTIO_INPUT_TABLET);
        } else {
            virtio_p9_config config = {folder.c_str(), "fuzz", true};
            dev = virtio_p9_create(&config, &error);
        }
        REQUIRE(dev, "%s", error ? error->message : "no device");
        transport.dev = dev;
        transport.wake_fd = -1;
        transport.status = STATUS_DRIVER_OK;
        transport.resets = 1;
        pci_config_set(&transport.pci.config, PCI_REG_COMMAND, 2, PCI_COMMAND_MASTER);
        transport.pci.host = &host;
        transport.pci.name = transport.name = const_cast<char *>("fuzz");
        dev->transport = &transport;
        for (unsigned i = 0; i < dev->queue_count; i++)
            start(i, features);
    }
    ~World()
    {
        for (unsigned i = 0; i < dev->queue_count; i++)
            virtio_queue_stop(&transport.queues[i]);
        dev->ops->destroy(dev);
        if (wire >= 0)
            close(wire);
        dma_space_unref(host.dma);
        g_mutex_clear(&transport.lock);
    }
    void start(unsigned queue, uint8_t features)
    {
        uint64_t at = BASE + queue * QUEUE_BYTES;
        virtio_queue_layout layout = {static_cast<uint16_t>(1u << (features & 7)), at, at + 0x1000, at + 0x2000, (features & 8) != 0, (features & 16) != 0};
        if (virtio_queue_start(&transport.queues[queue], host.dma, &layout))
            transport.live |= 1u << queue;
    }
    void serve(unsigned index)
    {
        virtio_queue *queue = &transport.queues[index];
        virtio_queue_suppress(queue);
        while (left > 0 && virtio_queue_pop(queue, &transport.chain)) {
            left--;
            REQUIRE(transport.chain.out_count + transport.chain.in_count <= VIRTIO_CHAIN_MAX, "%u", transport.chain.out_count);
            uint32_t written = dev->ops->request(dev, index, queue, &transport.chain);
            REQUIRE(written <= transport.chain.in_bytes, "%u written to %" PRIu64, written, transport.chain.in_bytes);
            virtio_queue_push(queue, &transport.chain, written);
            virtio_queue_should_interrupt(queue);
        }
        virtio_queue_unsuppress(queue);
    }
    void serve_all()
    {
        for (unsigned i = 0; i < dev->queue_count; i++)
            if (!(dev->input_queues & 1u << i))
                serve(i);
        GArray *fds = g_array_new(FALSE, TRUE, sizeof(pollfd));
        int timeout_ms = -1;
        if (dev->ops->prepare)
            dev->ops->prepare(dev, fds, &timeout_ms);
        if (fds->len)
            poll(reinterpret_cast<pollfd *>(fds->data), fds->len, 0);
        if (dev->ops->dispatch)
            dev->ops->dispatch(dev, reinterpret_cast<pollfd *>(fds->data), fds->len);
        g_array_unref(fds);
    }
    void poke(uint64_t offset, const void *data, size_t len)
    {
        if (offset < BYTES && len > 0)
            memcpy(ram + offset, data, std::min<size_t>(len, BYTES - offset));
    }
    void step(Input &in)
    {
        uint8_t what = in.u8();
        uint64_t queue = what >> 6;
        switch (what & 7) {
        case 0:
        case 1: { // a descriptor, in the queue's own table or an indirect one: number, address, length, flags, next
            uint64_t table = what & 1 ? TABLES + 0x100 * (what >> 3 & 7) : queue * QUEUE_BYTES;
            uint8_t index = in.u8();
            Output entry;
            entry.u64(BASE + in.u32()).u32(in.u32()).u16(in.u8()).u16(in.u8());
            poke(table + 16 * index, entry.data.data(), 16);
            break;
        }
        case 2: { // publishes a chain
            uint16_t idx, size = transport.queues[queue].layout.size, head = in.u8();
            memcpy(&idx, ram + queue * QUEUE_BYTES + 0x1002, 2);
            poke(queue * QUEUE_BYTES + 0x1004 + 2 * (size ? idx % size : 0), &head, 2);
            idx++;
            poke(queue * QUEUE_BYTES + 0x1002, &idx, 2);
            break;
        }
        case 3: { // any bytes anywhere
            uint32_t offset = in.u32() % BYTES;
            Bytes bytes = in.bytes(in.u8());
            poke(offset, bytes.data(), bytes.size());
            break;
        }
        case 4: { // input from outside
            Bytes bytes = in.bytes(in.u16());
            if (bytes.empty())
                break;
            if (!strcmp(dev->kind, "console"))
                virtio_console_input(dev, bytes.data(), bytes.size());
            else if (!strcmp(dev->kind, "tablet"))
                for (uint8_t byte : bytes) {
                    virtio_input_move(dev, byte * 128u, byte);
                    virtio_input_key(dev, 0x110 + byte % 4, byte & 4);
                    virtio_input_wheel(dev, byte & 8 ? 1 : 0, byte & 16 ? -1 : 0);
                }
            else if (wire >= 0 && send(wire, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                break;
            break;
        }
        case 5: // set up again
            if (queue < dev->queue_count) {
                virtio_queue_stop(&transport.queues[queue]);
                transport.live &= ~(1u << queue);
                start(static_cast<unsigned>(queue), in.u8());
            }
            break;
        default: serve_all(); break;
        }
    }
    bool intact()
    {
        const uint32_t *words = memory.words();
        for (size_t i = 0; i < HIDDEN / 4; i++)
            if (words[i] != POISON || words[(HIDDEN + BYTES) / 4 + i] != POISON)
                return false;
        return constant.poisoned();
    }
};

std::string make_folder()
{
    char path[] = "/tmp/fuzz-virtio-XXXXXX";
    REQUIRE(mkdtemp(path), "a folder");
    static std::string made = path; // static: removed at exit
    close(open((made + "/file").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    atexit([] {
        unlink((made + "/file").c_str());
        rmdir(made.c_str());
    });
    return made;
}
std::string World::folder = make_folder();

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input in(data, size);
    unsigned kind = in.u8() % KINDS;
    World world(kind, in.u8());
    while (!in.empty())
        world.step(in);
    world.serve_all();
    REQUIRE(world.intact(), "memory was written that the device must not write");
    return 0;
}

Bytes fuzz::fuzz_seed(unsigned n)
{
    if (n >= KINDS * 2)
        return {};
    unsigned kind = n / 2, indirect = n % 2, queue = kind == CONSOLE || kind == NET || kind == TABLET ? 1 : 0;
    Output out;
    out.u8(kind).u8(4 | (indirect ? 8 : 0) | (n % 3 ? 16 : 0));
    constexpr uint32_t REQUEST = 0x18000, ANSWER = 0x19000;
    Output request;
    switch (kind) {
    case BLOCK: request.u32(1).u32(0).u64(2).text(std::string(512, 'w')); break;
    case BLOCK_READ_ONLY: request.u32(0).u32(0).u64(3); break;
    case NET: request.raw(Bytes(12).data(), 12).text("\xff\xff\xff\xff\xff\xff sender \x08\x06 a frame"); break;
    case P9: request.u32(21).u8(100).u16(0xffff).u32(8192).u16(8).text("9P2000.L"); break;
    default: request.text("hello"); break;
    }
    for (size_t done = 0; done < request.data.size(); done += 255) {
        size_t part = std::min<size_t>(255, request.data.size() - done);
        out.u8(3).u32(static_cast<uint32_t>(REQUEST + done)).u8(part).raw(request.data.data() + done, part);
    }
    bool out_part = kind != RNG, in_part = kind != CONSOLE && kind != NET;
    auto descriptor = [&](unsigned table, unsigned index, uint32_t at, uint32_t len, unsigned flags, unsigned next) {
        out.u8(table | queue << 6).u8(index).u32(at).u32(len).u8(flags).u8(next);
    };
    unsigned used = 0;
    if (out_part)
        descriptor(indirect, used++, REQUEST, static_cast<uint32_t>(request.data.size()), in_part ? 1 : 0, 1);
    if (in_part)
        descriptor(indirect, used++, ANSWER, 1025, 2, 0);
    if (indirect)
        descriptor(0, 0, TABLES, 16 * used, 4, 0);
    out.u8(2 | queue << 6).u8(0).u8(6);
    if (queue == 1) { // a buffer for input, and input
        out.u8(0).u8(0).u32(ANSWER).u32(2000).u8(2).u8(0);
        out.u8(2).u8(0);
        out.u8(4).u16(14 + 20).text("\xff\xff\xff\xff\xff\xff sender \x08\x06 a frame for it!").u8(6);
    }
    out.u8(5 | queue << 6).u8(2).u8(6);
    return out.data;
}
