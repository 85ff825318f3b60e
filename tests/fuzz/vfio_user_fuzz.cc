// SPDX-License-Identifier: GPL-2.0-or-later
// A vfio-user client's messages, to a session of the server. The function behind it has a BAR of memory; a write to its first dwords makes it read and
// write what the client has shared, or interrupt.
//
// An input is a list of messages: command, flags (bits 0-1: descriptors, 2: the length in the header is as given, 3: no reply wanted, 4: a broken header, 5: the
// descriptors are eventfds), a 16-bit length, the body. A session begins with VERSION unless the first command is 0.
#include "fuzz.h"

#include "gpu/pci/pci_device.h"
#include "vmm/vfio_user/session.h"

#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>

namespace {

using namespace fuzz;

constexpr size_t BAR = 8192;

struct Function {
    pci_device pci = {}; // first
    pci_host host = {};
    client_interrupts interrupts = {};
    uint8_t *memory = new uint8_t[BAR]();
    static const pci_device_ops ops;

    Function()
    {
        pci_identity id = {};
        id.vendor = 0x8086;
        id.device = 0x1912;
        id.interrupt_pin = 1;
        pci.ops = &ops;
        pci.name = "fuzz";
        pci_config_init(&pci.config, &id);
        pci_config_add_bar(&pci.config, 0, PCI_BAR_MEM64, BAR);
        pci_config_add_msi(&pci.config, 0xac);
        pci.host = &host;
        host.dma = dma_space_create("fuzz");
        host.msi = [](pci_host *h, uint64_t, uint32_t) { client_interrupts_msi(&of(h).interrupts); };
        host.intx = [](pci_host *h, bool level) { client_interrupts_intx(&of(h).interrupts, level); };
        host.decode_changed = [](pci_host *) {};
        client_interrupts_init(&interrupts);
    }
    ~Function()
    {
        client_interrupts_drop(&interrupts);
        client_interrupts_finish(&interrupts);
        dma_space_unref(host.dma);
        delete[] memory;
    }
    static Function &of(pci_host *h) { return *reinterpret_cast<Function *>(reinterpret_cast<char *>(h) - offsetof(Function, host)); }
    static Function &of(pci_device *d) { return *reinterpret_cast<Function *>(d); }
    void act()
    {
        uint64_t addr;
        uint32_t what, len;
        memcpy(&addr, memory, 8);
        memcpy(&len, memory + 8, 4);
        memcpy(&what, memory + 12, 4);
        len %= BAR / 2;
        if (what & 1)
            dma_space_read(host.dma, addr, memory + BAR / 2, len);
        if (what & 2)
            dma_space_write(host.dma, addr, memory + BAR / 2, len);
        if (what & 4)
            host.msi(&host, 0, 0);
        if (what & 8)
            host.intx(&host, what & 16);
    }
};

const pci_device_ops Function::ops = {
    [](pci_device *, pci_host *) {},
    [](pci_device *d, unsigned offset, unsigned size) {
        REQUIRE((size == 1 || size == 2 || size == 4) && offset % size == 0 && offset + size <= PCI_CONFIG_SIZE, "%u+%u", offset, size);
        return pci_config_read(&d->config, offset, size);
    },
    [](pci_device *d, unsigned offset, unsigned size, uint32_t value) {
        REQUIRE((size == 1 || size == 2 || size == 4) && offset % size == 0 && offset + size <= PCI_CONFIG_SIZE, "%u+%u", offset, size);
        pci_config_write(&d->config, offset, size, value);
    },
    [](pci_device *d, unsigned bar, uint64_t offset, void *data, size_t len) {
        REQUIRE(bar == 0 && offset <= BAR && len <= BAR - offset, "BAR %u", bar);
        memcpy(data, Function::of(d).memory + offset, len);
    },
    [](pci_device *d, unsigned bar, uint64_t offset, const void *data, size_t len) {
        REQUIRE(bar == 0 && offset <= BAR && len <= BAR - offset, "BAR %u", bar);
        memcpy(Function::of(d).memory + offset, data, len);
        if (offset < 16)
            Function::of(d).act();
    },
    [](pci_device *d) { pci_config_reset(&d->config); },
    [](pci_device *) {},
    nullptr,
};

void send(int socket, const Bytes &bytes, const int *fds, unsigned count)
{
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 4)] = {};
    iovec part = {const_cast<uint8_t *>(bytes.data()), bytes.size()};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
    }
    if (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
        return; // the server has hung up
}

Output message(unsigned command, unsigned size, uint32_t flags)
{
    return Output().u16(1).u16(command).u32(16 + size).u32(flags).u32(0);
}

void play(int socket, Input in)
{
    bool first = true;
    while (!in.empty()) {
        uint8_t command = in.u8(), flags = in.u8();
        uint16_t size = in.u16();
        Bytes body = in.bytes(size);
        if (first && command != 0)
            send(socket, message(VFIO_USER_VERSION, 4, 0).u16(0).u16(0).data, nullptr, 0);
        first = false;
        int fds[3];
        unsigned count = flags & 3;
        for (unsigned i = 0; i < count; i++) {
            fds[i] = flags & 32 ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : memfd_create("fuzz", MFD_CLOEXEC);
            if (!(flags & 32) && ftruncate(fds[i], 1 << 20) != 0)
                abort();
        }
        Output out = flags & 16 ? Output() : message(command, flags & 4 ? size : static_cast<unsigned>(body.size()), flags & 8 ? VFIO_USER_FLAG_NO_REPLY : 0);
        out.raw(body.data(), body.size());
        send(socket, out.data, fds, count);
        for (unsigned i = 0; i < count; i++)
            close(fds[i]);
    }
    shutdown(socket, SHUT_WR);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
    std::thread reader([&] {
        char sink[65536];
        while (read(pair[1], sink, sizeof(sink)) > 0)
            ;
    });
    std::thread writer(play, pair[1], Input(data, size));
    {
        Function function;
        client_memory memory;
        client_memory_init(&memory, function.host.dma);
        session_context context = {};
        context.socket = pair[0];
        context.dev = &function.pci;
        context.memory = &memory;
        context.interrupts = &function.interrupts;
        context.complain = [](void *, const char *) {};
        context.greeted = [](void *) {};
        vfio_user_session_run(&context);
        client_memory_finish(&memory);
    }
    shutdown(pair[0], SHUT_RDWR);
    writer.join();
    reader.join();
    close(pair[0]);
    close(pair[1]);
    return 0;
}

Bytes fuzz::fuzz_seed(unsigned n)
{
    Output out;
    auto add = [&](unsigned command, unsigned flags, const Output &body) {
        out.u8(command).u8(flags).u16(body.data.size()).raw(body.data.data(), body.data.size());
    };
    auto map = [&] { add(VFIO_USER_DMA_MAP, 1, Output().u32(32).u32(3).u64(0).u64(0x100000).u64(0x100000)); };
    auto write = [&](uint64_t addr, uint32_t len, uint32_t what) {
        add(VFIO_USER_REGION_WRITE, 0, Output().u64(0).u32(0).u32(16).u64(addr).u32(len).u32(what));
    };
    auto irq = [&](uint32_t index, uint32_t flags, unsigned fds) {
        add(VFIO_USER_DEVICE_SET_IRQS, fds ? 32 | fds : 0, Output().u32(20).u32(flags).u32(index).u32(0).u32(1).u8(1));
    };
    switch (n) {
    case 0: out.u8(0).u8(4).u16(0); add(VFIO_USER_VERSION, 0, Output().u16(0).u16(0).text("{\"capabilities\":{\"max_msg_fds\":8}}").u8(0)); break;
    case 1: map(); write(0x100000, 64, 3); write(0x1fffc0, 4096, 3); add(VFIO_USER_DMA_UNMAP, 0, Output().u32(24).u32(0).u64(0x100000).u64(0x100000)); break;
    case 2: map(); map(); add(VFIO_USER_DMA_MAP, 0, Output().u32(32).u32(3).u64(0).u64(0x400000).u64(0x1000)); write(0x400000, 8, 3); break;
    case 3: add(VFIO_USER_DEVICE_GET_INFO, 0, Output().u32(16).u32(0).u32(0).u32(0)); add(VFIO_USER_DEVICE_RESET, 0, Output()); break;
    case 4:
        for (unsigned i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
            add(VFIO_USER_DEVICE_GET_REGION_INFO, 0, Output().u32(32).u32(0).u32(i).u32(0).u64(0).u64(0));
            add(VFIO_USER_DEVICE_GET_REGION_IO_FDS, 0, Output().u32(16).u32(0).u32(i).u32(0));
        }
        break;
    case 5: for (unsigned i = 0; i < VFIO_PCI_NUM_IRQS; i++) add(VFIO_USER_DEVICE_GET_IRQ_INFO, 0, Output().u32(16).u32(0).u32(i).u32(0)); break;
    case 6:
        irq(VFIO_PCI_MSI_IRQ_INDEX, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 1);
        irq(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 1);
        write(0, 0, 4 | 8 | 16);
        irq(VFIO_PCI_MSI_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK, 0);
        irq(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_UNMASK, 0);
        break;
    case 7: add(VFIO_USER_REGION_READ, 0, Output().u64(0).u32(0).u32(BAR)); add(VFIO_USER_REGION_READ, 0, Output().u64(3).u32(7).u32(64)); break;
    case 8: add(VFIO_USER_REGION_WRITE, 8, Output().u64(4).u32(7).u32(4).u32(6)); break;
    case 9: add(VFIO_USER_REGION_WRITE_MULTI, 0, Output().u64(2).u64(0).u32(0).u32(8).u64(1).u64(0x10).u32(7).u32(4).u64(0)); break;
    case 10: add(VFIO_USER_DIRTY_PAGES, 0, Output().u32(16).u32(0)); add(VFIO_USER_DEVICE_FEATURE, 0, Output().u32(16).u32(1 << 16 | 1).u64(0)); break;
    case 11: add(VFIO_USER_MIG_DATA_READ, 0, Output().u32(16).u32(64)); add(VFIO_USER_DMA_READ, 0, Output().u64(0).u64(8)); break;
    }
    return out.data;
}
