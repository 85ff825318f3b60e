// SPDX-License-Identifier: GPL-2.0-or-later
// The vfio-user client as a PCI function: against our server with a device that records, and against servers that lie, are silent or go away.
#include "vfio_user_fakes.h"
#include "vmm/error.h"
#include "vmm/vfio_user/client.h"

#include <fcntl.h>
#include <map>
#include <sys/uio.h>

using namespace vfio_user_fakes;

namespace {

// What the function is plugged into, with 1 MiB of memory at 0 that can be shared.
struct FakeHost : pci_host {
    static constexpr uint64_t MEMORY = 1 << 20;

    std::mutex mutex;
    std::vector<std::pair<uint64_t, uint32_t>> messages;
    std::atomic<bool> level{false};
    std::atomic<unsigned> levels{0}, moved{0};
    int fd = memory_file(MEMORY);
    uint8_t *memory;

    FakeHost() : pci_host{}
    {
        memory = static_cast<uint8_t *>(mmap(nullptr, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
        dma = dma_space_create("machine");
        EXPECT_TRUE(dma_space_map_file(dma, 0, MEMORY, memory, DMA_RW, fd, 0, nullptr));
        msi = [](pci_host *h, uint64_t addr, uint32_t data) {
            std::lock_guard guard(of(h)->mutex);
            of(h)->messages.push_back({addr, data});
        };
        intx = [](pci_host *h, bool level) {
            of(h)->level = level;
            of(h)->levels++;
        };
        decode_changed = [](pci_host *h) { of(h)->moved++; };
    }
    ~FakeHost()
    {
        dma_space_unref(dma);
        munmap(memory, MEMORY);
        close(fd);
    }
    size_t message_count()
    {
        std::lock_guard guard(mutex);
        return messages.size();
    }
    static FakeHost *of(pci_host *host) { return static_cast<FakeHost *>(host); }
};

// A client and what it tells.
struct Attached {
    FakeHost host;
    pci_device *dev = nullptr;
    std::mutex mutex;
    std::vector<std::string> failures;

    ~Attached() { detach(); }
    void detach()
    {
        if (dev)
            dev->ops->destroy(dev);
        dev = nullptr;
    }
    // NULL with the error's text.
    bool connect(const std::string &path, std::string *message = nullptr, int *code = nullptr, unsigned timeout_ms = 0)
    {
        GError *error = nullptr;
        vfio_user_client_config config = {};
        config.path = path.c_str();
        config.timeout_ms = timeout_ms;
        config.failed = [](void *p, const char *reason) {
            auto *self = static_cast<Attached *>(p);
            std::lock_guard guard(self->mutex);
            self->failures.push_back(reason);
        };
        config.opaque = this;
        dev = vfio_user_client_create(&config, &error);
        if (dev)
            return true;
        EXPECT_EQ(error->domain, VMM_ERROR);
        EXPECT_EQ(std::string(error->message).rfind(path + ": ", 0), 0u) << error->message;
        if (message)
            *message = error->message;
        else
            ADD_FAILURE() << error->message;
        if (code)
            *code = error->code;
        g_error_free(error);
        return false;
    }
    void attach() { dev->ops->attach(dev, &host); }
    uint32_t config(unsigned offset, unsigned size = 4) { return dev->ops->config_read(dev, offset, size); }
    void set_config(unsigned offset, uint32_t value, unsigned size = 4) { dev->ops->config_write(dev, offset, size, value); }
    template <typename T = uint32_t> T read(unsigned bar, uint64_t offset)
    {
        T value = 0;
        dev->ops->bar_read(dev, bar, offset, &value, sizeof(value));
        return value;
    }
    template <typename T = uint32_t> void write(unsigned bar, uint64_t offset, T value) { dev->ops->bar_write(dev, bar, offset, &value, sizeof(value)); }
    size_t failure_count()
    {
        std::lock_guard guard(mutex);
        return failures.size();
    }
    std::string failure()
    {
        EXPECT_TRUE(eventually([&] { return failure_count() > 0; }));
        std::lock_guard guard(mutex);
        return failures.empty() ? "" : failures[0];
    }
};

constexpr unsigned MSI_CAP = FakeDevice::MSI;

class VfioUserClient : public Served {
  protected:
    Attached client;

    ~VfioUserClient() override { client.detach(); }
    void plug_in()
    {
        start();
        ASSERT_TRUE(client.connect(path));
        client.attach();
    }
    void enable_msi()
    {
        client.set_config(PCI_REG_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
        client.set_config(MSI_CAP + 4, 0xfee01004);
        client.set_config(MSI_CAP + 8, 0x12);
        client.set_config(MSI_CAP + 12, 0x4321, 2);
        client.set_config(MSI_CAP + 2, 1, 2);
    }
    void settle() { client.read(0, 0); }
};

TEST_F(VfioUserClient, IsTheServersFunction)
{
    plug_in();
    const pci_config &config = client.dev->config;
    EXPECT_EQ(config.bar[0].kind, PCI_BAR_MEM64);
    EXPECT_EQ(config.bar[0].size, FakeDevice::BAR0_BYTES);
    EXPECT_EQ(config.bar[1].kind, PCI_BAR_NONE);
    EXPECT_EQ(config.bar[2].kind, PCI_BAR_MEM64_PREF);
    EXPECT_EQ(config.bar[2].size, FakeDevice::BAR2_BYTES);
    EXPECT_EQ(config.bar[4].kind, PCI_BAR_IO);
    EXPECT_EQ(config.bar[4].size, FakeDevice::BAR4_BYTES);
    EXPECT_EQ(client.dev->name, path);
    EXPECT_EQ(client.config(0), 0x19128086u);
    EXPECT_EQ(client.config(8) >> 8, 0x030000u);
    EXPECT_EQ(client.config(PCI_REG_INTERRUPT_PIN, 1), 1u);
    EXPECT_EQ(client.config(PCI_REG_HEADER_TYPE, 1), 0u);
    EXPECT_EQ(client.config(PCI_REG_STATUS, 2), unsigned{PCI_STATUS_CAPABILITIES});
    EXPECT_EQ(client.config(PCI_REG_CAPABILITIES, 1), MSI_CAP);
    EXPECT_EQ(client.config(MSI_CAP), 0x00800005u);
    EXPECT_EQ(client.config(0x50, 2), 0x1c0u);
    EXPECT_EQ(client.config(0xffc), 0u);
    EXPECT_EQ(connected, 1u);
    EXPECT_EQ(complaint_count(), 0u);
}

TEST_F(VfioUserClient, AccessesOfAllSizes)
{
    plug_in();
    device.take_accesses();
    for (unsigned bar : {0u, 2u, 4u})
        for (size_t len : {1, 2, 4, 8, 3, 7, 24, 4096, 65536, 65537, 1 << 20})
            for (uint64_t offset : {0, 1, 5}) {
                if (offset + len > client.dev->config.bar[bar].size)
                    continue;
                Bytes data(len), back(len);
                for (size_t i = 0; i < len; i++)
                    data[i] = static_cast<uint8_t>(i * 13 + len + offset + i / 253);
                client.dev->ops->bar_write(client.dev, bar, offset, data.data(), len);
                client.dev->ops->bar_read(client.dev, bar, offset, back.data(), len);
                ASSERT_EQ(back, data) << len << " bytes at " << offset << " of BAR " << bar;
                ASSERT_EQ(device.content(bar, offset, len), data);
                std::vector<Access> accesses = device.take_accesses();
                if (len <= 65536) {
                    EXPECT_EQ(accesses, (std::vector<Access>{{'w', bar, offset, len}, {'r', bar, offset, len}})) << "as the guest made it";
                }
            }
    for (uint32_t i = 0; i < 1000; i++)
        client.write(0, 4 * (i % 16), i);
    EXPECT_EQ(client.read(0, 4 * (999 % 16)), 999u) << "posted writes come before a read";
    EXPECT_EQ(device.take_accesses().size(), 1001u);
    EXPECT_EQ(client.failure_count(), 0u);
}

TEST_F(VfioUserClient, BarsAreOurs)
{
    plug_in();
    client.set_config(PCI_REG_BAR0, 0xffffffff);
    client.set_config(PCI_REG_BAR0 + 4, 0xffffffff);
    EXPECT_EQ(client.config(PCI_REG_BAR0), 0xffc00004u);
    EXPECT_EQ(client.config(PCI_REG_BAR0 + 4), 0xffffffffu);
    EXPECT_EQ(client.config(PCI_REG_BAR0 + 8) & 0xf, 0xcu);
    client.set_config(PCI_REG_BAR0 + 16, 0xffffffff);
    EXPECT_EQ(client.config(PCI_REG_BAR0 + 16), 0xffffffc1u);
    client.set_config(PCI_REG_ROM, 0xffffffff);
    EXPECT_EQ(client.config(PCI_REG_ROM), 0u) << "no ROM";
    EXPECT_EQ(client.host.moved, 0u) << "decoding is off";
    client.set_config(PCI_REG_BAR0, 0x40000000);
    client.set_config(PCI_REG_BAR0 + 4, 1);
    client.set_config(PCI_REG_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 2);
    EXPECT_GE(client.host.moved, 1u);
    EXPECT_EQ(pci_config_bar_address(&client.dev->config, 0), 0x140000000u);
    EXPECT_EQ(client.config(PCI_REG_COMMAND, 2), unsigned{PCI_COMMAND_MEMORY | PCI_COMMAND_IO});
    EXPECT_EQ(device.config(PCI_REG_COMMAND, 2), unsigned{PCI_COMMAND_MEMORY | PCI_COMMAND_IO}) << "the server is told";
    EXPECT_EQ(device.config(PCI_REG_BAR0, 4), 0x40000004u);
    unsigned moved = client.host.moved;
    client.set_config(PCI_REG_BAR0 + 3, 0x50, 1);
    EXPECT_EQ(pci_config_bar_address(&client.dev->config, 0), 0x150000000u);
    EXPECT_GT(client.host.moved, moved);
}

TEST_F(VfioUserClient, TheRestIsTheServers)
{
    plug_in();
    device.take_accesses();
    client.set_config(0xfc, 0x89abcdef);
    EXPECT_EQ(device.config(0xfc, 4), 0x89abcdefu);
    EXPECT_EQ(client.config(0xfc), 0x89abcdefu);
    client.set_config(0xfd, 0x77, 1);
    EXPECT_EQ(client.config(0xfe, 2), 0x89abu);
    EXPECT_EQ(client.config(0xfc), 0x89ab77efu);
    EXPECT_FALSE(device.take_accesses().empty());
    client.config(0);
    client.config(PCI_REG_COMMAND, 2);
    client.config(MSI_CAP, 4);
    client.config(0x800);
    client.set_config(0x800, 1);
    EXPECT_TRUE(device.take_accesses().empty()) << "what is ours needs no message";
    client.set_config(PCI_REG_INTERRUPT_LINE, 11, 1);
    EXPECT_EQ(client.config(PCI_REG_INTERRUPT_LINE), 0x10bu);
    EXPECT_EQ(device.config(PCI_REG_INTERRUPT_LINE, 1), 11u);
}

TEST_F(VfioUserClient, CapabilitiesThatAreNotOfferedAreTakenOut)
{
    pci_config_add_capability(&device.pci.config, 0x11, 0x60); // MSI-X
    pci_config_add_capability(&device.pci.config, 0x10, 0x70); // PCI Express
    pci_config_add_capability(&device.pci.config, 0x11, 0xe0);
    plug_in();
    EXPECT_EQ(client.config(PCI_REG_CAPABILITIES, 1), MSI_CAP);
    EXPECT_EQ(client.config(MSI_CAP, 2), 0x7005u);
    EXPECT_EQ(client.config(0x70, 2), 0x0010u) << "the last";
    device.take_accesses();
    client.config(0xffc);
    EXPECT_FALSE(device.take_accesses().empty()) << "4 KiB, with PCI Express";
}

TEST_F(VfioUserClient, Msi)
{
    plug_in();
    device.msi();
    enable_msi();
    EXPECT_EQ(client.config(MSI_CAP), 0x00810005u);
    EXPECT_EQ(client.config(MSI_CAP + 4), 0xfee01004u);
    device.msi();
    ASSERT_TRUE(eventually([&] { return client.host.message_count() == 1; }));
    EXPECT_EQ(client.host.messages[0], std::make_pair(uint64_t{0x12fee01004}, uint32_t{0x4321}));
    client.set_config(MSI_CAP + 12, 0x55, 2);
    client.set_config(MSI_CAP + 8, 0);
    device.when_written([&](unsigned, uint64_t) { device.msi(); });
    client.write(0, 0, 1);
    ASSERT_TRUE(eventually([&] { return client.host.message_count() == 2; }));
    EXPECT_EQ(client.host.messages[1], std::make_pair(uint64_t{0xfee01004}, uint32_t{0x55})) << "where the guest wants it now";

    client.set_config(PCI_REG_COMMAND, PCI_COMMAND_MEMORY, 2);
    client.write(0, 0, 1);
    settle();
    client.set_config(PCI_REG_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
    client.set_config(MSI_CAP + 2, 0, 2);
    client.write(0, 0, 1);
    settle();
    EXPECT_EQ(client.host.message_count(), 2u);
    client.set_config(MSI_CAP + 2, 1, 2);
    client.write(0, 0, 1);
    EXPECT_TRUE(eventually([&] { return client.host.message_count() == 3; })) << "on again";
    EXPECT_EQ(client.host.levels, 0u);
    EXPECT_EQ(client.failure_count(), 0u);
}

TEST_F(VfioUserClient, IntxIsALevel)
{
    plug_in();
    device.when_written([&](unsigned bar, uint64_t offset) { // a register that acknowledges, and one that does not
        if (bar == 0 && offset == 0x44)
            device.intx(false);
    });
    for (unsigned round = 0; round < 5; round++) {
        device.intx(true);
        ASSERT_TRUE(eventually([&] { return client.host.level.load(); })) << round;
        unsigned before = client.host.levels;
        client.write(0, 0x40, 1);
        ASSERT_TRUE(eventually([&] { return client.host.levels >= before + 2 && client.host.level; })) << "it comes again, as the line is still up";
        client.write(0, 0x44, 1);
        settle();
        EXPECT_TRUE(eventually([&] { return !client.host.level; }));
        settle();
        EXPECT_FALSE(client.host.level);
    }
    // The guest's own mask.
    device.intx(true);
    ASSERT_TRUE(eventually([&] { return client.host.level.load(); }));
    client.set_config(PCI_REG_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
    EXPECT_FALSE(client.host.level);
    client.set_config(PCI_REG_COMMAND, 0, 2);
    EXPECT_TRUE(client.host.level);
    // MSI takes its place.
    enable_msi();
    EXPECT_FALSE(client.host.level);
    client.write(0, 0x40, 1);
    settle();
    EXPECT_FALSE(client.host.level);
    client.set_config(MSI_CAP + 2, 0, 2);
    EXPECT_TRUE(eventually([&] { return client.host.level.load(); })) << "and gives it back";
    EXPECT_EQ(client.failure_count(), 0u);
}

TEST_F(VfioUserClient, MemoryIsShared)
{
    plug_in();
    strcpy(reinterpret_cast<char *>(client.host.memory + 0x1000), "from the guest");
    char text[16] = {};
    EXPECT_TRUE(device.dma_read(0x1000, text, 15));
    EXPECT_STREQ(text, "from the guest");
    EXPECT_TRUE(device.dma_write(0xfffff, "!", 1));
    EXPECT_EQ(client.host.memory[0xfffff], '!');
    EXPECT_FALSE(device.dma_read(0x100000, text, 1));

    // What comes and goes later; another part of the file, read-only; memory without a file.
    ASSERT_TRUE(dma_space_map_file(client.host.dma, 0x200000, 0x2000, client.host.memory + 0x8000, DMA_READ, client.host.fd, 0x8000, nullptr));
    client.host.memory[0x9000] = 42;
    EXPECT_TRUE(device.dma_read(0x201000, text, 1));
    EXPECT_EQ(text[0], 42);
    EXPECT_FALSE(device.dma_write(0x201000, text, 1));
    ASSERT_TRUE(dma_space_map(client.host.dma, 0x300000, 0x1000, client.host.memory, DMA_RW, nullptr));
    EXPECT_FALSE(device.dma_read(0x300000, text, 1));
    ASSERT_TRUE(dma_space_unmap(client.host.dma, 0x200000, 0x2000, nullptr));
    EXPECT_FALSE(device.dma_read(0x201000, text, 1));
    ASSERT_TRUE(dma_space_unmap(client.host.dma, 0x300000, 0x1000, nullptr));
    EXPECT_EQ(client.failure_count(), 0u);
}

TEST_F(VfioUserClient, MemoryThatTheServerDoesNotTake)
{
    plug_in();
    int pipes[2];
    ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
    ASSERT_TRUE(dma_space_map_file(client.host.dma, 0x200000, 0x1000, client.host.memory, DMA_RW, pipes[0], 0, nullptr));
    EXPECT_NE(client.failure().find("the server does not take guest memory at 0x200000: Invalid argument"), std::string::npos) << client.failure();
    EXPECT_EQ(client.read(0, 0), 0xffffffffu);
    close(pipes[0]);
    close(pipes[1]);
}

TEST_F(VfioUserClient, Reset)
{
    plug_in();
    enable_msi();
    client.set_config(PCI_REG_BAR0, 0x40000000);
    client.dev->ops->reset(client.dev);
    EXPECT_EQ(device.resets, 1u);
    EXPECT_EQ(client.config(PCI_REG_COMMAND, 2), 0u);
    EXPECT_EQ(client.config(PCI_REG_BAR0), 4u);
    EXPECT_EQ(client.config(MSI_CAP), 0x00800005u);
    char byte;
    EXPECT_TRUE(device.dma_read(0, &byte, 1)) << "memory stays";
    device.intx(true);
    EXPECT_TRUE(eventually([&] { return client.host.level.load(); })) << "INTx works again";
    enable_msi();
    device.msi();
    EXPECT_TRUE(eventually([&] { return client.host.message_count() == 1; }));
    EXPECT_EQ(client.failure_count(), 0u);
}

TEST_F(VfioUserClient, AServerThatDiesLeavesADeadFunction)
{
    plug_in();
    enable_msi();
    client.set_config(MSI_CAP + 2, 0, 2);
    device.intx(true);
    ASSERT_TRUE(eventually([&] { return client.host.level.load(); }));
    stop();
    EXPECT_NE(client.failure().find("the server has closed the connection"), std::string::npos);
    EXPECT_FALSE(client.host.level);
    EXPECT_EQ(client.read(0, 0x10), 0xffffffffu);
    EXPECT_EQ(client.read<uint64_t>(2, 0x10), UINT64_MAX);
    EXPECT_EQ(client.read<uint8_t>(4, 0), 0xff);
    EXPECT_EQ(client.config(0), 0xffffffffu);
    EXPECT_EQ(client.config(0x50, 2), 0xffffu);
    client.write(0, 0, 1);
    client.write<uint8_t>(4, 0, 1);
    client.set_config(PCI_REG_COMMAND, 7, 2);
    client.dev->ops->reset(client.dev);
    EXPECT_TRUE(dma_space_unmap(client.host.dma, 0, FakeHost::MEMORY, nullptr));
    EXPECT_TRUE(dma_space_map_file(client.host.dma, 0, FakeHost::MEMORY, client.host.memory, DMA_RW, client.host.fd, 0, nullptr));
    EXPECT_EQ(client.failure_count(), 1u) << "told once";
}

TEST_F(VfioUserClient, AServerMayDieInTheMiddleOfEverything)
{
    for (unsigned round = 0; round < 10; round++) {
        device.destroyed = false;
        plug_in();
        enable_msi();
        std::atomic<bool> over{false};
        std::vector<std::thread> vcpus;
        for (unsigned i = 0; i < 3; i++)
            vcpus.emplace_back([&, i] {
                while (!over) {
                    client.read(0, 8 * i);
                    client.write(0, 8 * i, i);
                    client.config(0x50, 2);
                }
            });
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        stop();
        EXPECT_NE(client.failure(), "");
        over = true;
        for (std::thread &vcpu : vcpus)
            vcpu.join();
        client.detach();
        EXPECT_EQ(client.failure_count(), 1u);
        client.failures.clear();
    }
}

TEST_F(VfioUserClient, SeveralProcessorsAtOnce)
{
    plug_in();
    enable_msi();
    device.when_written([&](unsigned, uint64_t offset) {
        if (offset % 64 == 0)
            device.msi();
    });
    std::vector<std::thread> vcpus;
    for (unsigned i = 0; i < 4; i++)
        vcpus.emplace_back([&, i] {
            for (uint32_t n = 0; n < 300; n++) {
                client.write(0, 0x1000 * i + 4 * (n % 256), n);
                ASSERT_EQ(client.read(0, 0x1000 * i + 4 * (n % 256)), n);
                if (n % 16 == 0)
                    client.set_config(PCI_REG_BAR0, 0x40000000 + 0x1000000 * i);
                ASSERT_EQ(client.config(0x50, 2), 0x1c0u);
            }
        });
    for (std::thread &vcpu : vcpus)
        vcpu.join();
    EXPECT_TRUE(eventually([&] { return client.host.message_count() > 0; }));
    EXPECT_EQ(client.failure_count(), 0u);
}

TEST_F(VfioUserClient, OneAfterTheOther)
{
    start();
    unsigned before = open_descriptors();
    for (unsigned i = 0; i < 20; i++) {
        Attached one;
        before += i == 0 ? open_descriptors() - before : 0; // its host's memory
        ASSERT_TRUE(one.connect(path));
        one.attach();
        one.write(0, 0, i);
        EXPECT_EQ(one.read(0, 0), i);
        one.detach();
        EXPECT_EQ(one.failure_count(), 0u) << "an end by our own will is no failure";
        EXPECT_TRUE(eventually([&] { return open_descriptors() == before; }));
    }
}

TEST_F(VfioUserClient, WhereNoServerIs)
{
    std::string message;
    int code = 0;
    EXPECT_FALSE(client.connect(path, &message, &code));
    EXPECT_EQ(message, path + ": no vfio-user server listens there (is vmm serve running?)");
    EXPECT_EQ(code, VMM_ERROR_CONFIG);
    EXPECT_FALSE(client.connect("", &message, &code));
    EXPECT_EQ(code, VMM_ERROR_CONFIG);
    EXPECT_FALSE(client.connect(std::string(108, 'x'), &message, &code));
    EXPECT_EQ(code, VMM_ERROR_CONFIG);
    EXPECT_FALSE(client.connect("/dev/null", &message, &code));
    EXPECT_EQ(code, VMM_ERROR_CONFIG);

    int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = address_of(path);
    ASSERT_EQ(bind(stale, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    EXPECT_FALSE(client.connect(path, &message, &code));
    EXPECT_NE(message.find("no vfio-user server listens there"), std::string::npos);
    ASSERT_EQ(listen(stale, 0), 0);
    Peer in_the_queue(path);
    EXPECT_FALSE(client.connect(path, &message, &code, 50)) << "nobody accepts";
    EXPECT_NE(message.find("is busy"), std::string::npos) << message;
    in_the_queue.disconnect();
    close(stale);
    unlink(path.c_str());

    start();
    Attached first;
    ASSERT_TRUE(first.connect(path));
    EXPECT_FALSE(client.connect(path, &message, &code));
    EXPECT_NE(message.find("has it another client?"), std::string::npos) << message;
    EXPECT_EQ(code, VMM_ERROR_CONFIG);
}

/* Servers that lie */

// A vfio-user server put together by hand: a function with one 64-bit BAR of 64 KiB, INTx and MSI, of which a test changes what it likes.
class LyingServer {
  public:
    Bytes config = Bytes(256);
    uint64_t sizes[9] = {0x10000, 0, 0, 0, 0, 0, 0, 256, 0};
    uint32_t irqs[5] = {1, 1, 0, 0, 0};
    Body version = Body().u16(0).u16(0).text(R"({"capabilities":{"max_msg_fds":1}})").u8(0);
    Body info = Body().u32(16).u32(3).u32(9).u32(5);
    // Instead of the honest answer to a request. False: the connection ends.
    std::function<bool(Peer &peer, const Message &request, Bytes reply)> answer = [](Peer &peer, const Message &, Bytes reply) { return peer.send_bytes(reply); };
    std::vector<Message> commands; // after the end

    explicit LyingServer(const std::string &path) : path(path)
    {
        for (auto [offset, value] : std::map<unsigned, uint8_t>{{0, 0x86}, {1, 0x80}, {2, 0x12}, {3, 0x19}, {6, 0x10}, {0xb, 3}, {0x10, 4}, {0x34, 0x90},
                                                                {0x3d, 1}, {0x90, 5}, {0x92, 0x80}})
            config[offset] = value;
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address = address_of(path);
        EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
        EXPECT_EQ(listen(listener, 1), 0);
    }
    ~LyingServer()
    {
        stop();
        close(listener);
        unlink(path.c_str());
        for (int fd : fds)
            close(fd);
    }
    void start() { thread = std::thread([this] { run(); }); }
    // When the client is gone.
    void stop()
    {
        shutdown(listener, SHUT_RDWR);
        if (thread.joinable())
            thread.join();
    }
    // The last that the client passed, which stays the server's; -1: none.
    int last_fd()
    {
        std::lock_guard guard(mutex);
        return fds.empty() ? -1 : fds.back();
    }

  private:
    std::mutex mutex;
    std::vector<int> fds;
    std::string path;
    int listener;
    std::thread thread;

    Bytes honest(const Message &request)
    {
        Body body;
        switch (request.command) {
        case VERSION: body = version; break;
        case GET_INFO: body = info; break;
        case GET_REGION_INFO: {
            auto index = get(request.body, 8, 4);
            body.u32(32).u32(3).u32(index).u32(0).u64(index < 9 ? sizes[index] : 0).u64(0);
            break;
        }
        case GET_IRQ_INFO: {
            auto index = get(request.body, 8, 4);
            body.u32(16).u32(7).u32(index).u32(index < 5 ? irqs[index] : 0);
            break;
        }
        case REGION_READ: {
            auto offset = get(request.body, 0, 8), region = get(request.body, 8, 4), count = get(request.body, 12, 4);
            Bytes data(count, 0x5a);
            for (size_t i = 0; region == 7 && i < count && offset + i < config.size(); i++)
                data[i] = config[offset + i];
            body.u64(offset).u32(region).u32(count).raw(data);
            break;
        }
        case REGION_WRITE: body.raw(Bytes(request.body.begin(), request.body.begin() + 16)); break;
        case DMA_UNMAP: body.raw(request.body); break;
        default: break;
        }
        Bytes reply = Peer::header(request.id, request.command, static_cast<uint32_t>(16 + body.bytes.size()), IS_REPLY);
        reply.insert(reply.end(), body.bytes.begin(), body.bytes.end());
        return reply;
    }
    void run()
    {
        int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0)
            return;
        Peer peer(fd);
        while (std::optional<Message> request = peer.receive()) {
            mutex.lock();
            fds.insert(fds.end(), request->fds.begin(), request->fds.end());
            mutex.unlock();
            commands.push_back(*request);
            if ((request->flags & 0xf) == IS_REPLY || (request->flags & NO_REPLY))
                continue;
            if (!answer(peer, *request, honest(*request)))
                return;
        }
    }
};

class VfioUserLies : public testing::Test {
  protected:
    std::string folder, path;

    VfioUserLies()
    {
        char *made = g_dir_make_tmp("vfio-user-XXXXXX", nullptr);
        folder = made;
        g_free(made);
        path = folder + "/socket";
    }
    ~VfioUserLies() override { EXPECT_EQ(rmdir(folder.c_str()), 0); }
    // The error of a client that must not come to be.
    std::string refusal(const std::function<void(LyingServer &)> &lie, unsigned timeout_ms = 0)
    {
        unsigned before = open_descriptors();
        std::string message;
        {
            LyingServer server(path);
            lie(server);
            server.start();
            Attached client;
            EXPECT_FALSE(client.connect(path, &message, nullptr, timeout_ms));
            EXPECT_EQ(client.failure_count(), 0u) << "what is an error is no failure too";
        }
        EXPECT_EQ(open_descriptors(), before);
        return message;
    }
    using Edit = std::function<void(Bytes &reply)>;
    // A lie in the answer to one command: the nth of its kind.
    static std::function<void(LyingServer &)> in(uint16_t command, const Edit &edit, unsigned nth = 0)
    {
        return [=](LyingServer &server) {
            auto seen = std::make_shared<unsigned>(0);
            server.answer = [=](Peer &peer, const Message &request, Bytes reply) {
                if (request.command == command && (*seen)++ == nth)
                    edit(reply);
                return reply.empty() ? false : peer.send_bytes(reply);
            };
        };
    }
    static void put(Bytes &reply, size_t offset, uint64_t value, unsigned size)
    {
        for (unsigned i = 0; i < size; i++)
            reply[offset + i] = static_cast<uint8_t>(value >> 8 * i);
    }
    static void cut(Bytes &reply, size_t size)
    {
        reply.resize(size);
        put(reply, 4, size, 4);
    }
    static void error(Bytes &reply, unsigned code)
    {
        cut(reply, 16);
        put(reply, 8, IS_REPLY | IS_ERROR, 4);
        put(reply, 12, code, 4);
    }
};

TEST_F(VfioUserLies, AnHonestOneIsTaken)
{
    LyingServer server(path);
    server.start();
    Attached client;
    ASSERT_TRUE(client.connect(path));
    client.attach();
    EXPECT_EQ(client.dev->config.bar[0].size, 0x10000u);
    EXPECT_EQ(client.config(0), 0x19128086u);
    EXPECT_EQ(client.read(0, 0), 0x5a5a5a5au);
    EXPECT_EQ(client.failure_count(), 0u);
}

TEST_F(VfioUserLies, AboutTheVersion)
{
    auto with = [](const Body &version) { return [=](LyingServer &server) { server.version = version; }; };
    auto capabilities = [&](const std::string &text) { return with(Body().u16(0).u16(0).text("{\"capabilities\":{" + text + "}}").u8(0)); };
    auto expect = [&](const std::function<void(LyingServer &)> &lie, const char *part) {
        std::string message = refusal(lie);
        EXPECT_NE(message.find(part), std::string::npos) << message << " has no " << part;
    };
    expect(with(Body().u16(1).u16(0)), "version 1.0");
    expect(with(Body().u16(0).u16(1)), "version 0.1");
    expect(with(Body().u16(0)), "too few");
    expect(with(Body()), "too few");
    expect(with(Body().u16(0).u16(0).text("{}")), "do not end in NUL");
    expect(with(Body().u16(0).u16(0).text(std::string(100000, '[')).u8(0)), "more than 4096");
    expect(with(Body().u16(0).u16(0).text(std::string(4000, '[')).u8(0)), "capabilities");
    expect(capabilities("\"max_data_xfer_size\":8"), "too little");
    expect(capabilities("\"max_msg_fds\":0"), "too little");
    expect(capabilities("\"max_msg_fds\":[]"), "max_msg_fds");
    expect(in(VERSION, [](Bytes &reply) { error(reply, EINVAL); }), "does not speak version 0.0");
    expect(in(VERSION, [](Bytes &reply) { reply.clear(); }), "has it another client?");
}

TEST_F(VfioUserLies, AboutTheFunction)
{
    auto expect = [&](const std::function<void(LyingServer &)> &lie, const char *part) {
        std::string message = refusal(lie);
        EXPECT_NE(message.find(part), std::string::npos) << message << " has no " << part;
    };
    auto info = [](const Body &body) { return [=](LyingServer &server) { server.info = body; }; };
    auto size = [](unsigned region, uint64_t bytes) { return [=](LyingServer &server) { server.sizes[region] = bytes; }; };
    auto config = [](unsigned offset, uint8_t value) { return [=](LyingServer &server) { server.config[offset] = value; }; };
    expect(info(Body().u32(16).u32(1).u32(9).u32(5)), "no PCI function");
    expect(info(Body().u32(16).u32(3).u32(7).u32(5)), "no PCI function");
    expect(info(Body().u32(16).u32(3).u32(UINT32_MAX).u32(5)), "no PCI function");
    expect(info(Body().u32(16).u32(3).u32(9).u32(UINT32_MAX)), "no PCI function");
    expect(info(Body().u32(16).u32(3).u32(9)), "too few");
    expect(in(GET_INFO, [](Bytes &reply) { error(reply, EIO); }), "refuses DEVICE_GET_INFO: Input/output error");
    expect(size(7, 0), "configuration space cannot have");
    expect(size(7, 64), "configuration space cannot have");
    expect(size(7, 258), "configuration space cannot have");
    expect(size(7, 8192), "configuration space cannot have");
    expect(size(7, UINT64_MAX), "configuration space cannot have");
    expect(size(0, 0x10001), "BAR 0 cannot be");
    expect(size(0, 8), "BAR 0 cannot be");
    expect(size(0, UINT64_C(1) << 41), "BAR 0 cannot be");
    expect(size(0, UINT64_MAX), "BAR 0 cannot be");
    expect(size(1, 0x1000), "BAR 0 cannot be"); // the upper half of its address
    expect(size(2, UINT64_C(1) << 32), "BAR 2 cannot be");
    expect(config(0x10, 2), "BAR 0 cannot be"); // below 1 MiB
    expect(config(0x10, 6), "BAR 0 cannot be"); // reserved
    expect(
        [](LyingServer &server) {
            server.sizes[5] = 0x1000;
            server.config[0x24] = 4;
        },
        "BAR 5 cannot be"); // no room for the upper half
    expect(
        [](LyingServer &server) {
            server.sizes[4] = 1 << 16;
            server.config[0x20] = 1;
        },
        "BAR 4 cannot be"); // more ports than there are
    expect(config(0x0e, 1), "is a bridge");
    expect(in(GET_REGION_INFO, [](Bytes &reply) { cut(reply, 47); }, 2), "too few");
    expect(in(GET_REGION_INFO, [](Bytes &reply) { put(reply, 24, 3, 4); }, 2), "answers for region 3 instead of 1");
    expect(in(GET_REGION_INFO, [](Bytes &reply) { error(reply, EINVAL); }, 2), "refuses DEVICE_GET_REGION_INFO");
    expect(in(REGION_READ, [](Bytes &reply) { error(reply, EPERM); }), "cannot be read: Operation not permitted");
    expect(in(REGION_READ, [](Bytes &reply) { cut(reply, 40); }), "cannot be read");
    expect(in(REGION_READ, [](Bytes &reply) { put(reply, 28, 255, 4); }), "255 at 0x0 of region 7 came");
    expect(in(GET_IRQ_INFO, [](Bytes &reply) { cut(reply, 20); }), "too few");
}

TEST_F(VfioUserLies, InTheStream)
{
    auto expect = [&](const Edit &edit, const char *part, unsigned timeout_ms = 0) {
        for (uint16_t command : {uint16_t{GET_INFO}, uint16_t{GET_REGION_INFO}, uint16_t{REGION_READ}}) {
            std::string message = refusal(in(command, edit), timeout_ms);
            EXPECT_NE(message.find(part), std::string::npos) << message << " has no " << part;
        }
    };
    expect([](Bytes &reply) { put(reply, 0, 0x9999, 2); }, "answers what was not asked");
    expect([](Bytes &reply) { put(reply, 2, RESET, 2); }, "answers what was not asked");
    expect([](Bytes &reply) { put(reply, 4, 15, 4); }, "size is below");
    expect([](Bytes &reply) { put(reply, 4, UINT32_MAX, 4); }, "above what was agreed on");
    expect([](Bytes &reply) { reply.clear(); }, "has closed the connection");
    expect([](Bytes &reply) { put(reply, 4, reply.size() + 8, 4); }, "no answer came in time", 100);
    expect([](Bytes &reply) { reply.resize(7); }, "no answer came in time", 100);
    expect([](Bytes &reply) { put(reply, 8, 0, 4); }, "no answer came in time", 100); // a command, as it says
}

TEST_F(VfioUserLies, SilenceAndSlowness)
{
    auto silent = [](LyingServer &server) { server.answer = [](Peer &, const Message &, Bytes) { return true; }; };
    EXPECT_NE(refusal(silent, 100).find("no answer came in time"), std::string::npos);

    auto start = std::chrono::steady_clock::now();
    auto drops = [](LyingServer &server) {
        server.answer = [](Peer &peer, const Message &, const Bytes &reply) {
            for (uint8_t byte : reply) {
                if (!peer.send_bytes({byte}))
                    return false;
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
            }
            return true;
        };
    };
    EXPECT_NE(refusal(drops, 100).find("no answer came in time"), std::string::npos) << "byte by byte";
    auto chatter = [](LyingServer &server) {
        server.answer = [](Peer &peer, const Message &, const Bytes &) {
            for (unsigned i = 0; i < 1000; i++) {
                if (!peer.send(READ_DMA, Body().u64(0).u64(4)))
                    return false;
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
            }
            return true;
        };
    };
    EXPECT_NE(refusal(chatter, 100).find("in time"), std::string::npos) << "other messages instead";
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST_F(VfioUserLies, DescriptorsInAnswersAreClosed)
{
    int fd = memory_file(0x1000);
    unsigned before = open_descriptors();
    {
        LyingServer server(path);
        server.answer = [&](Peer &peer, const Message &, const Bytes &reply) { return peer.send_bytes(reply, {fd, fd, fd}); };
        server.start();
        Attached client;
        ASSERT_TRUE(client.connect(path));
        client.attach();
        for (unsigned i = 0; i < 100; i++)
            client.read(0, 0);
        EXPECT_LT(open_descriptors(), before + 40);
    }
    EXPECT_EQ(open_descriptors(), before);
    auto too_many = [&](LyingServer &server) {
        server.answer = [&](Peer &peer, const Message &, const Bytes &reply) { return peer.send_bytes(reply, std::vector<int>(30, fd)); };
    };
    EXPECT_NE(refusal(too_many).find("more file descriptors"), std::string::npos);
    close(fd);
}

TEST_F(VfioUserLies, CommandsInBetweenAreRefused)
{
    LyingServer server(path);
    server.answer = [](Peer &peer, const Message &, const Bytes &reply) {
        peer.send(READ_DMA, Body().u64(0).u64(16));
        peer.send(99, Body(), {}, NO_REPLY);
        return peer.send_bytes(reply);
    };
    server.start();
    Attached client;
    ASSERT_TRUE(client.connect(path));
    client.attach();
    EXPECT_EQ(client.read(0, 0), 0x5a5a5a5au);
    EXPECT_EQ(client.failure_count(), 0u);
    client.detach();
    server.stop();
    unsigned replies = 0;
    for (const Message &m : server.commands)
        if (m.flags & IS_REPLY) {
            EXPECT_EQ(m.command, READ_DMA);
            EXPECT_EQ(m.error, unsigned{ENOTSUP});
            EXPECT_EQ(m.size, 16u);
            replies++;
        }
    EXPECT_GT(replies, 5u);
}

TEST_F(VfioUserLies, CapabilityListsWithoutEnd)
{
    for (auto [offset, value] : std::vector<std::pair<unsigned, uint8_t>>{{0x91, 0x90}, {0x34, 0xff}, {0x34, 0x10}, {0x34, 0xfc}, {0x91, 0xf8}, {0x90, 0x11}}) {
        LyingServer server(path);
        server.config[offset] = value;
        server.config[0xfc] = 5; // MSI, where it does not fit
        server.config[0xfd] = 0x90;
        server.config[0xf8] = 5;
        server.start();
        Attached client;
        ASSERT_TRUE(client.connect(path));
        client.attach();
        unsigned at = client.config(PCI_REG_CAPABILITIES, 1), steps = 0;
        for (; at && steps < 100; steps++, at = client.config(at + 1, 1)) {
            EXPECT_GE(at, 0x40u);
            EXPECT_NE(client.config(at, 1), 0x11u);
        }
        EXPECT_LT(steps, 100u) << "the guest must not run in circles";
        EXPECT_EQ(client.failure_count(), 0u);
    }
}

TEST_F(VfioUserLies, WithoutInterrupts)
{
    for (bool unknown : {false, true}) {
        LyingServer server(path);
        server.irqs[0] = server.irqs[1] = 0;
        if (unknown)
            server.answer = [](Peer &peer, const Message &request, Bytes reply) {
                if (request.command == GET_IRQ_INFO)
                    error(reply, EINVAL);
                return peer.send_bytes(reply);
            };
        server.start();
        Attached client;
        ASSERT_TRUE(client.connect(path));
        client.attach();
        EXPECT_EQ(client.config(PCI_REG_INTERRUPT_PIN, 1), 0u);
        EXPECT_EQ(client.config(PCI_REG_CAPABILITIES, 1), 0u) << "no MSI either";
        EXPECT_EQ(client.failure_count(), 0u);
    }
}

TEST_F(VfioUserLies, A32BitMsiIsUsedAsItIs)
{
    LyingServer server(path);
    server.config[0x92] = 0x0e; // seven address bits of vectors, 32-bit
    server.config[0x93] = 0x01; // maskable
    server.start();
    Attached client;
    ASSERT_TRUE(client.connect(path));
    client.attach();
    EXPECT_EQ(client.config(0x92, 2), 0u) << "one vector, unmaskable";
    client.set_config(0x94, 0xfee00000);
    client.set_config(0x98, 0x31, 2);
    client.set_config(PCI_REG_COMMAND, PCI_COMMAND_MASTER, 2);
    client.set_config(0x92, 1, 2);
    const uint64_t one = 1;
    ASSERT_EQ(client.failure_count(), 0u);
    client.read(0, 0);
    ASSERT_EQ(write(server.last_fd(), &one, 8), 8) << "MSI's";
    ASSERT_TRUE(eventually([&] { return client.host.message_count() == 1; }));
    EXPECT_EQ(client.host.messages[0], std::make_pair(uint64_t{0xfee00000}, uint32_t{0x31}));
}

TEST_F(VfioUserLies, EventfdsThatTheServerMakesBlock)
{
    LyingServer server(path);
    server.start();
    Attached client;
    ASSERT_TRUE(client.connect(path));
    client.attach();
    client.read(0, 0);
    int fd = server.last_fd(); // INTx's
    ASSERT_GE(fd, 0);
    ASSERT_EQ(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), 0);
    const uint64_t most = UINT64_MAX - 1;
    for (unsigned i = 0; i < 100; i++) { // and takes the events away again
        ASSERT_EQ(write(fd, &most, 8), 8);
        uint64_t count;
        iovec iov = {&count, sizeof(count)};
        preadv2(fd, &iov, 1, -1, RWF_NOWAIT);
    }
    client.read(0, 0);
    client.detach(); // its thread can be joined
}

TEST_F(VfioUserLies, LaterOn)
{
    struct {
        uint16_t command;
        Edit edit;
        const char *reason;
    } const cases[] = {
        {REGION_READ, [](Bytes &reply) { reply.clear(); }, "has closed the connection"},
        {REGION_READ, [](Bytes &reply) { reply.resize(20); }, "no answer came in time"},
        {REGION_READ, [](Bytes &reply) { cut(reply, 32); }, "at 0x20 of region 0 came"},
        {REGION_READ, [](Bytes &reply) { put(reply, 28, 0xffffffff, 4); }, "4294967295 at 0x20"},
        {REGION_READ, [](Bytes &reply) { put(reply, 16, 0x24, 8); }, "4 at 0x24"},
        {REGION_READ, [](Bytes &reply) { put(reply, 24, 2, 4); }, "of region 2 came"},
        {REGION_READ,
         [](Bytes &reply) {
             reply.resize(100000);
             put(reply, 4, 100000, 4);
         },
         "came"},
        {REGION_READ, [](Bytes &reply) { put(reply, 2, REGION_WRITE, 2); }, "answers what was not asked"},
    };
    for (const auto &c : cases) {
        SCOPED_TRACE(c.reason);
        LyingServer server(path);
        in(c.command, c.edit, 1)(server); // after the one for the configuration space
        server.start();
        Attached client;
        ASSERT_TRUE(client.connect(path, nullptr, nullptr, 1000));
        client.attach();
        EXPECT_EQ(client.read(0, 0x20), 0xffffffffu);
        EXPECT_NE(client.failure().find(c.reason), std::string::npos) << client.failure();
        EXPECT_EQ(client.read(0, 0x20), 0xffffffffu);
        client.write(0, 0x20, 1);
        EXPECT_EQ(client.config(0), 0xffffffffu);
    }
}

TEST_F(VfioUserLies, RefusedAccessesAreNoFailure)
{
    LyingServer server(path);
    server.answer = [n = 0](Peer &peer, const Message &request, Bytes reply) mutable {
        if ((request.command == REGION_READ && n++ > 0) || request.command == REGION_WRITE)
            error(reply, EINVAL);
        return peer.send_bytes(reply);
    };
    server.start();
    Attached client;
    ASSERT_TRUE(client.connect(path));
    client.attach();
    EXPECT_EQ(client.read(0, 0), 0xffffffffu);
    EXPECT_EQ(client.config(0x50), 0xffffffffu);
    EXPECT_EQ(client.config(0), 0x19128086u) << "ours";
    client.set_config(0x50, 1);
    client.write(0, 0, 1);
    EXPECT_EQ(client.failure_count(), 0u);
}

TEST_F(VfioUserLies, RefusedInterruptsAndResetsAreFailures)
{
    for (uint16_t command : {uint16_t{SET_IRQS}, uint16_t{RESET}}) {
        LyingServer server(path);
        in(command, [](Bytes &reply) { error(reply, EBUSY); })(server);
        server.start();
        Attached client;
        ASSERT_TRUE(client.connect(path));
        client.attach();
        client.dev->ops->reset(client.dev);
        EXPECT_NE(client.failure().find("Device or resource busy"), std::string::npos) << client.failure();
    }
}

// A server that does not read any more: posted writes fill the socket.
TEST_F(VfioUserLies, WritesThatNobodyTakes)
{
    std::atomic<bool> over{false};
    LyingServer server(path);
    server.answer = [&](Peer &peer, const Message &request, const Bytes &reply) {
        bool sent = peer.send_bytes(reply);
        while (request.command == SET_IRQS && !over)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return sent;
    };
    server.start();
    Attached client;
    ASSERT_TRUE(client.connect(path, nullptr, nullptr, 1000));
    client.attach();
    for (unsigned i = 0; i < 100000 && client.failure_count() == 0; i++)
        client.write(0, 0, i);
    EXPECT_NE(client.failure().find("does not take messages any more"), std::string::npos) << client.failure();
    over = true;
}

} // namespace
