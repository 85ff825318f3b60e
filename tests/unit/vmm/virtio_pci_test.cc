// SPDX-License-Identifier: GPL-2.0-or-later
// The virtio PCI transport as a driver goes through it, and the devices behind it: disk, entropy, console, network, files.
#include "virtio_machine.h"
#include "vmm/error.h"
#include "vmm/virtio/block.h"
#include "vmm/virtio/console.h"
#include "vmm/virtio/net.h"
#include "vmm/virtio/p9.h"
#include "vmm/virtio/rng.h"

#include <atomic>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace virtio_test;

namespace {

constexpr uint64_t DATA = Ram::BASE + 0x200000;

TEST(VirtioPci, IdentityAndCapabilities)
{
    Machine m(virtio_rng_create());
    EXPECT_EQ(m.cfg(0, 4), 0x10441af4u);
    EXPECT_EQ(m.cfg(8, 1), 1u);
    EXPECT_GE(m.cfg(0x2e, 2), 0x40u);
    EXPECT_NE(m.isr, 0u);
    EXPECT_NE(m.notify, 0u);
    EXPECT_EQ(m.rd<uint16_t>(m.common + 18), 1);
    EXPECT_EQ(m.rd<uint16_t>(m.common + 24), 16);
    EXPECT_EQ(m.offered(), (UINT64_C(1) << 32) | (1u << 28) | (1u << 29));
    m.wr<uint32_t>(m.common, 2);
    EXPECT_EQ(m.rd<uint32_t>(m.common + 4), 0u);
    m.wr<uint16_t>(m.common + 22, 7);
    EXPECT_EQ(m.rd<uint16_t>(m.common + 24), 0) << "no such queue";
    EXPECT_EQ(m.rd<uint16_t>(m.common + 16), 0xffff);
    m.wr<uint16_t>(m.common + 16, 0);
    EXPECT_EQ(m.rd<uint16_t>(m.common + 16), 0xffff) << "no MSI-X: no vector";
    // The whole BAR as a client of a server may read and write it.
    std::vector<uint8_t> all(0x8000);
    m.pci->ops->bar_read(m.pci, 0, 0, all.data(), all.size());
    std::mt19937 random(3);
    for (auto &byte : all)
        byte = static_cast<uint8_t>(random());
    m.pci->ops->bar_write(m.pci, 0, 0, all.data(), all.size());
    for (unsigned i = 0; i < 2000; i++)
        m.pci->ops->bar_write(m.pci, 0, random() % 0x7ff0, all.data() + random() % 4096, 1 + random() % 8);
}

TEST(VirtioPci, NegotiationAndStatus)
{
    Machine m(virtio_rng_create());
    m.status(1);
    m.status(3);
    m.accept(1u << 28);
    m.status(11);
    EXPECT_EQ(m.status(), 3) << "a legacy driver";
    m.accept((UINT64_C(1) << 32) | 1);
    m.status(11);
    EXPECT_EQ(m.status(), 3) << "a feature that was not offered";
    m.status(7);
    EXPECT_EQ(m.status(), 3) << "no DRIVER_OK without features";
    m.accept(UINT64_C(1) << 32);
    m.status(11);
    EXPECT_EQ(m.status(), 11);
    m.accept(0);
    EXPECT_EQ(m.rd<uint32_t>(m.common + 12), 1u) << "settled";
    m.status(1);
    EXPECT_EQ(m.status(), 11) << "bits stay";
    m.status(0);
    EXPECT_EQ(m.status(), 0);
}

TEST(VirtioPci, QueueRegisters)
{
    Machine m(virtio_rng_create());
    m.begin();
    m.wr<uint16_t>(m.common + 22, 0);
    m.wr<uint16_t>(m.common + 24, 32);
    EXPECT_EQ(m.rd<uint16_t>(m.common + 24), 16) << "more than there is";
    Driver d = m.queue(0, 8);
    EXPECT_EQ(m.rd<uint16_t>(m.common + 28), 1);
    m.wr<uint32_t>(m.common + 32, 0);
    m.wr<uint16_t>(m.common + 28, 0);
    EXPECT_EQ(m.rd<uint32_t>(m.common + 32), static_cast<uint32_t>(d.desc));
    EXPECT_EQ(m.rd<uint16_t>(m.common + 28), 1) << "only a reset disables it";
    m.pci->ops->reset(m.pci);
    EXPECT_EQ(m.status(), 0);
    EXPECT_EQ(m.rd<uint16_t>(m.common + 28), 0);
    EXPECT_EQ(m.cfg(PCI_REG_COMMAND, 2), 0u);
}

TEST(VirtioPci, BadQueueNeedsAResetAndOnlyThat)
{
    Machine m(virtio_rng_create());
    for (unsigned i = 0; i < 30; i++) {
        m.begin();
        Driver d = m.queue(0, 8);
        m.status(15);
        d.publish(99);
        m.kick(0);
        ASSERT_TRUE(eventually([&] { return m.status() == (15 | 64); }));
        ASSERT_TRUE(eventually([&] { return m.level.load(); })) << "the driver is told";
        EXPECT_EQ(m.rd<uint8_t>(m.isr), 2);
        EXPECT_TRUE(eventually([&] { return !m.level; }));
    }
    ASSERT_TRUE(eventually([&] { return m.complained() >= 1; }));
    EXPECT_LE(m.complained(), 29u) << "a flood is cut off";
    m.mutex.lock();
    EXPECT_EQ(m.complaints[0], "test (virtio rng): needs a reset by its driver: queue 0: descriptor 99 of 8");
    m.mutex.unlock();
    m.begin();
    Driver d = m.queue(0, 8);
    m.status(15);
    EXPECT_EQ(m.run(d, 0, {{DATA, 64, true}}), 64u) << "after its reset it works again";
    // A queue that cannot be.
    m.begin();
    m.wr<uint16_t>(m.common + 22, 0);
    m.wr<uint32_t>(m.common + 32, 1);
    m.wr<uint16_t>(m.common + 28, 1);
    EXPECT_EQ(m.status() & 64, 64);
}

TEST(VirtioPci, NothingRunsBeforeDriverOkOrWithoutBusMastering)
{
    Machine m(virtio_rng_create());
    m.begin();
    Driver d = m.queue(0, 8);
    d.add({{DATA, 8, true}});
    m.kick(0);
    m.pci->ops->config_write(m.pci, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY);
    m.status(15);
    m.kick(0);
    uint32_t id, len;
    std::this_thread::sleep_for(std::chrono::milliseconds(20)); // a wrong device would be seen now and then, a right one never
    EXPECT_FALSE(d.take(&id, &len));
    m.pci->ops->config_write(m.pci, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    EXPECT_TRUE(eventually([&] { return d.take(&id, &len); }));
}

TEST(VirtioPci, InterruptByPinAndIsr)
{
    Machine m(virtio_rng_create());
    m.begin(~(UINT64_C(1) << 29));
    Driver d = m.queue(0, 8);
    m.status(15);
    m.run(d, 0, {{DATA, 8, true}});
    ASSERT_TRUE(eventually([&] { return m.level.load(); }));
    EXPECT_TRUE(m.cfg(PCI_REG_STATUS, 2) & PCI_STATUS_INTERRUPT);
    m.pci->ops->config_write(m.pci, PCI_REG_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
    EXPECT_TRUE(eventually([&] { return !m.level; }));
    m.pci->ops->config_write(m.pci, PCI_REG_COMMAND, 2, PCI_COMMAND_MASTER);
    EXPECT_TRUE(eventually([&] { return m.level.load(); }));
    EXPECT_EQ(m.rd<uint8_t>(m.isr), 1);
    EXPECT_EQ(m.rd<uint8_t>(m.isr), 0);
    EXPECT_TRUE(eventually([&] { return !m.level; }));
}

TEST(VirtioPci, InterruptByMsix)
{
    Machine m(virtio_rng_create(), true);
    unsigned cap = m.cfg(0x34, 1);
    while (cap && m.cfg(cap, 1) != 0x11)
        cap = m.cfg(cap + 1, 1);
    ASSERT_NE(cap, 0u);
    EXPECT_EQ(m.cfg(cap + 2, 2) & 0x7ff, 1u) << "two vectors";
    uint64_t table = m.cfg(cap + 4, 4) & ~7u, pba = m.cfg(cap + 8, 4) & ~7u;
    m.pci->ops->config_write(m.pci, cap + 2, 2, 0x8000);
    m.wr<uint64_t>(table + 16, 0xfee00000);
    m.wr<uint32_t>(table + 24, 0x4041);
    EXPECT_EQ(m.rd<uint32_t>(table + 28), 1u) << "masked at first";
    m.begin(~(UINT64_C(1) << 29));
    m.wr<uint16_t>(m.common + 22, 0);
    m.wr<uint16_t>(m.common + 26, 2);
    EXPECT_EQ(m.rd<uint16_t>(m.common + 26), 0xffff);
    m.wr<uint16_t>(m.common + 26, 1);
    EXPECT_EQ(m.rd<uint16_t>(m.common + 26), 1);
    Driver d = m.queue(0, 8);
    m.status(15);
    m.run(d, 0, {{DATA, 8, true}});
    EXPECT_TRUE(eventually([&] { return m.rd<uint64_t>(pba) == 2; })) << "pending";
    EXPECT_TRUE(m.messages.empty());
    m.wr<uint32_t>(table + 28, 0);
    auto sent = [&] {
        std::lock_guard guard(m.mutex);
        return m.messages.size();
    };
    EXPECT_TRUE(eventually([&] { return sent() == 1; }));
    EXPECT_EQ(m.rd<uint64_t>(pba), 0u);
    m.run(d, 0, {{DATA, 8, true}});
    EXPECT_TRUE(eventually([&] { return sent() == 2; }));
    m.mutex.lock();
    EXPECT_EQ(m.messages[1], (std::pair<uint64_t, uint32_t>{0xfee00000, 0x4041}));
    m.mutex.unlock();
    EXPECT_EQ(m.rises, 0u);
}

TEST(VirtioPci, RegistersThroughConfigSpace)
{
    Machine m(virtio_rng_create());
    unsigned cap = m.cfg(0x34, 1);
    while (cap && !(m.cfg(cap, 1) == 9 && m.cfg(cap + 3, 1) == 5))
        cap = m.cfg(cap + 1, 1);
    ASSERT_NE(cap, 0u);
    m.pci->ops->config_write(m.pci, cap + 8, 4, static_cast<uint32_t>(m.common + 20));
    m.pci->ops->config_write(m.pci, cap + 12, 4, 1);
    m.pci->ops->config_write(m.pci, cap + 16, 1, 3);
    EXPECT_EQ(m.status(), 3);
    EXPECT_EQ(m.cfg(cap + 16, 1), 3u);
    m.pci->ops->config_write(m.pci, cap + 8, 4, 0xfffffff0);
    EXPECT_EQ(m.cfg(cap + 16, 4), 0u);
    m.pci->ops->config_write(m.pci, cap + 16, 4, 3);
}

TEST(VirtioPci, DoorbellsStartTheQueues)
{
    Machine m(virtio_rng_create());
    m.begin();
    Driver d = m.queue(0, 8);
    m.status(15);
    d.add({{DATA, 8, true}});
    pci_shortcut bell = {};
    ASSERT_TRUE(m.pci->ops->shortcut(m.pci, 0, &bell));
    EXPECT_EQ(bell.bar, 0u);
    EXPECT_EQ(bell.offset, m.notify);
    EXPECT_EQ(eventfd_write(bell.fd, 1), 0);
    uint32_t id, len;
    EXPECT_TRUE(eventually([&] { return d.take(&id, &len); }));
    EXPECT_FALSE(m.pci->ops->shortcut(m.pci, 1, &bell)) << "one for each queue";
}

TEST(VirtioRng, GivesBytesUpToItsLimit)
{
    Machine m(virtio_rng_create());
    m.begin();
    Driver d = m.queue(0, 16);
    m.status(15);
    EXPECT_EQ(m.run(d, 0, {{DATA, 32, true}, {DATA + 100, 32, true}}), 64u);
    Bytes zero(32), first = m.ram.read(DATA, 32), second = m.ram.read(DATA + 100, 32);
    EXPECT_NE(first, zero);
    EXPECT_NE(second, first);
    EXPECT_EQ(m.run(d, 0, {{DATA, 65536, true}}), 4096u);
    EXPECT_EQ(m.run(d, 0, {{DATA, 16, false}}), 0u) << "no room is no error";
}

class VirtioBlock : public testing::Test {
  protected:
    static constexpr size_t BYTES = 1 << 20;
    std::string path = testing::TempDir() + "virtio-disk-XXXXXX";
    Bytes copy = Bytes(BYTES);
    std::mt19937 random{99};
    int fd;

    VirtioBlock()
    {
        fd = mkstemp(path.data());
        for (auto &byte : copy)
            byte = static_cast<uint8_t>(random());
        EXPECT_EQ(pwrite(fd, copy.data(), BYTES, 0), static_cast<ssize_t>(BYTES));
    }
    ~VirtioBlock() override
    {
        close(fd);
        unlink(path.c_str());
    }
    virtio_device *open(bool read_only = false, bool direct = false, GError **error = nullptr)
    {
        virtio_block_config c = {path.c_str(), "serial-0123456789-and-more", read_only, direct};
        return virtio_block_create(&c, error);
    }
    std::unique_ptr<Driver> driver;
    void start(Machine &m)
    {
        m.begin();
        driver = std::make_unique<Driver>(m.queue(0, 64));
        m.status(15);
    }
    // Header, data in pieces, status; returns the status.
    int request(Machine &m, uint32_t type, uint64_t sector, uint64_t data, uint32_t len, bool write)
    {
        uint64_t header = DATA - 4096, status = DATA - 2048;
        m.ram.set<uint32_t>(header, type);
        m.ram.set<uint64_t>(header + 8, sector);
        m.ram.set<uint8_t>(status, 0xee);
        std::vector<Piece> pieces = {{header, 7, false}, {header + 7, 9, false}};
        while (len > 0) {
            uint32_t now = std::min<uint32_t>(len, 1 + random() % 20000);
            if (pieces.size() > 24)
                now = len;
            pieces.push_back({data, now, write});
            data += now;
            len -= now;
        }
        pieces.push_back({status, 1, true});
        m.run(*driver, 0, pieces, random() % 2);
        return m.ram.get<uint8_t>(status);
    }
    Bytes file()
    {
        Bytes all(BYTES);
        EXPECT_EQ(pread(fd, all.data(), BYTES, 0), static_cast<ssize_t>(BYTES));
        return all;
    }
};

TEST_F(VirtioBlock, RandomRequestsMatchACopy)
{
    Machine m(open());
    start(m);
    EXPECT_EQ(m.rd<uint64_t>(m.config), BYTES / 512);
    EXPECT_EQ(m.rd<uint32_t>(m.config + 20), 512u);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t sector = random() % (BYTES / 512);
        uint32_t len = static_cast<uint32_t>(512 * (1 + random() % std::min<uint64_t>(BYTES / 512 - sector, 700)));
        if (random() % 2) {
            Bytes data(len);
            for (auto &byte : data)
                byte = static_cast<uint8_t>(random());
            m.ram.write(DATA, data);
            ASSERT_EQ(request(m, 1, sector, DATA, len, false), 0);
            std::copy(data.begin(), data.end(), copy.begin() + static_cast<long>(512 * sector));
        } else {
            ASSERT_EQ(request(m, 0, sector, DATA, len, true), 0);
            ASSERT_EQ(m.ram.read(DATA, len),
                      Bytes(copy.begin() + static_cast<long>(512 * sector), copy.begin() + static_cast<long>(512 * sector + len)));
        }
    }
    EXPECT_EQ(request(m, 4, 0, DATA, 0, false), 0);
    EXPECT_EQ(file(), copy);
}

TEST_F(VirtioBlock, SerialDiscardAndZeroes)
{
    Machine m(open());
    start(m);
    EXPECT_EQ(request(m, 8, 0, DATA, 20, true), 0);
    EXPECT_EQ(m.ram.read(DATA, 20),
              Bytes({'s', 'e', 'r', 'i', 'a', 'l', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-', 'a', 'n'}));
    auto range = [&](unsigned n, uint64_t sector, uint32_t count, uint32_t flags) {
        m.ram.set<uint64_t>(DATA + 16 * n, sector);
        m.ram.set<uint32_t>(DATA + 16 * n + 8, count);
        m.ram.set<uint32_t>(DATA + 16 * n + 12, flags);
    };
    range(0, 8, 16, 0);
    range(1, 100, 1, 1);
    EXPECT_EQ(request(m, 13, 0, DATA, 32, false), 0);
    std::fill_n(copy.begin() + 8 * 512, 16 * 512, 0);
    std::fill_n(copy.begin() + 100 * 512, 512, 0);
    EXPECT_EQ(file(), copy);
    range(0, 200, 8, 0);
    EXPECT_EQ(request(m, 11, 0, DATA, 16, false), 0);
    range(0, 200, 8, 1);
    EXPECT_EQ(request(m, 11, 0, DATA, 16, false), 2) << "discard has no flags";
    range(0, BYTES / 512 - 1, 2, 0);
    EXPECT_EQ(request(m, 13, 0, DATA, 16, false), 1);
    range(0, UINT64_MAX, 2, 0);
    EXPECT_EQ(request(m, 11, 0, DATA, 16, false), 1);
    range(0, 0, UINT32_MAX, 0);
    EXPECT_EQ(request(m, 13, 0, DATA, 16, false), 1);
    EXPECT_EQ(request(m, 11, 0, DATA, 17, false), 1);
    EXPECT_EQ(request(m, 11, 0, DATA, 16 * 17, false), 1) << "more ranges than there may be";
}

TEST_F(VirtioBlock, RequestErrorsAreThatRequests)
{
    Machine m(open());
    start(m);
    EXPECT_EQ(request(m, 0, BYTES / 512, DATA, 512, true), 1);
    EXPECT_EQ(request(m, 0, UINT64_MAX, DATA, 512, true), 1);
    EXPECT_EQ(request(m, 1, BYTES / 512 - 1, DATA, 1024, false), 1);
    EXPECT_EQ(request(m, 0, 0, DATA, 100, true), 1);
    EXPECT_EQ(request(m, 77, 0, DATA, 512, true), 2);
    ASSERT_EQ(ftruncate(fd, BYTES / 2), 0);
    m.ram.write(DATA, Bytes(4096, 0x55));
    EXPECT_EQ(request(m, 0, BYTES / 512 - 8, DATA, 4096, true), 1) << "the file has become shorter";
    EXPECT_EQ(m.ram.read(DATA, 4096), Bytes(4096)) << "nothing old is shown";
    EXPECT_EQ(request(m, 0, 0, DATA, 4096, true), 0);
    EXPECT_EQ(m.status(), 15);
    // Without room for a status, there is no way to answer.
    m.run(*driver, 0, {{DATA, 16, false}, {DATA, 512, true}});
    driver->add({{DATA, 16, false}});
    m.kick(0);
    EXPECT_TRUE(eventually([&] { return m.status() == (15 | 64); }));
}

TEST_F(VirtioBlock, ReadOnly)
{
    Machine m(open(true));
    EXPECT_TRUE(m.offered() & 1 << 5);
    start(m);
    EXPECT_EQ(request(m, 1, 0, DATA, 512, false), 1);
    EXPECT_EQ(request(m, 13, 0, DATA, 16, false), 1);
    EXPECT_EQ(request(m, 0, 0, DATA, 512, true), 0);
    EXPECT_EQ(file(), copy);
}

TEST_F(VirtioBlock, DevicesThatAreNoDisk)
{
    virtio_block_config c = {"/dev/full", nullptr, false, false};
    g_autoptr(GError) error = nullptr;
    EXPECT_EQ(virtio_block_create(&c, &error), nullptr);
    ASSERT_NE(error, nullptr);
    EXPECT_STREQ(error->message, "/dev/full: is neither a file nor a block device");
}

TEST_F(VirtioBlock, ImagesThatCannotBe)
{
    auto message = [&](bool read_only = false) {
        g_autoptr(GError) error = nullptr;
        virtio_device *dev = open(read_only, false, &error);
        if (dev)
            dev->ops->destroy(dev);
        return std::string(error ? error->message : "");
    };
    virtio_device *first = open(true);
    EXPECT_EQ(message(true), "");
    EXPECT_NE(message().find("another virtual machine uses it"), std::string::npos) << message();
    first->ops->destroy(first);
    EXPECT_EQ(message(), "");
    ASSERT_EQ(ftruncate(fd, 513), 0);
    EXPECT_NE(message().find("has 513 bytes, which is no number of 512-byte blocks (try truncate -s %512)"), std::string::npos)
        << message();
    ASSERT_EQ(ftruncate(fd, 0), 0);
    EXPECT_NE(message().find("has 0 bytes"), std::string::npos);
    path += "-absent";
    EXPECT_NE(message().find("No such file"), std::string::npos);
}

TEST(Virtio9p, RequestsAndReplies)
{
    std::string dir = testing::TempDir();
    virtio_p9_config c = {dir.c_str(), "files", true};
    Machine m(virtio_p9_create(&c, nullptr));
    EXPECT_EQ(m.cfg(2, 2), 0x1049u);
    EXPECT_TRUE(m.offered() & 1);
    EXPECT_EQ(m.rd<uint16_t>(m.config), 5);
    EXPECT_EQ(m.rd<uint8_t>(m.config + 2), 'f');
    EXPECT_EQ(m.rd<uint8_t>(m.config + 6), 's');
    m.begin();
    Driver d = m.queue(0, 64);
    m.status(15);
    // Tversion, in pieces, with room for more than the reply.
    Bytes version = {21, 0, 0, 0, 100, 0xff, 0xff, 0, 0x20, 0, 0, 8, 0, '9', 'P', '2', '0', '0', '0', '.', 'L'};
    m.ram.write(DATA, version);
    EXPECT_EQ(m.run(d, 0, {{DATA, 5, false}, {DATA + 5, 16, false}, {DATA + 0x1000, 9, true}, {DATA + 0x1009, 100, true}}), 21u);
    version[4] = 101;
    EXPECT_EQ(m.ram.read(DATA + 0x1000, 21), version);
    // More than a message may have: an error, as is all that has a header.
    m.ram.write(DATA, Bytes({0, 0, 4, 0, 118, 1, 0}));
    EXPECT_EQ(m.run(d, 0, {{DATA, 0x40000, false}, {DATA + 0x80000, 11, true}}), 11u);
    EXPECT_EQ(m.ram.read(DATA + 0x80000, 11), Bytes({11, 0, 0, 0, 7, 1, 0, 90, 0, 0, 0})) << "EMSGSIZE";
    EXPECT_EQ(m.status(), 15);
    // Where no error can be told.
    d.add({{DATA, 7, false}, {DATA + 0x1000, 10, true}});
    m.kick(0);
    EXPECT_TRUE(eventually([&] { return m.status() == (15 | 64); }));
}

struct ConsoleHost {
    std::mutex mutex;
    std::string out;
    static void output(void *p, const uint8_t *data, size_t len)
    {
        auto *self = static_cast<ConsoleHost *>(p);
        std::lock_guard guard(self->mutex);
        self->out.append(reinterpret_cast<const char *>(data), len);
    }
    std::string get()
    {
        std::lock_guard guard(mutex);
        return out;
    }
};

TEST(VirtioConsole, BothWays)
{
    ConsoleHost host;
    virtio_console_config c = {ConsoleHost::output, nullptr, &host};
    virtio_device *dev = virtio_console_create(&c);
    Machine m(dev);
    std::string text = "hello, guest";
    auto input = [&](const std::string &s) { return virtio_console_input(dev, reinterpret_cast<const uint8_t *>(s.data()), s.size()); };
    EXPECT_EQ(input(text), text.size()) << "before there is a driver, it waits";
    m.begin();
    Driver rx = m.queue(0, 8), tx = m.queue(1, 8);
    rx.add({{DATA, 5, true}});
    m.status(15);
    uint32_t id, len;
    ASSERT_TRUE(eventually([&] { return rx.take(&id, &len); }));
    EXPECT_EQ(len, 5u);
    EXPECT_EQ(m.ram.read(DATA, 5), Bytes(text.begin(), text.begin() + 5));
    rx.add({{DATA, 100, true}});
    m.kick(0);
    ASSERT_TRUE(eventually([&] { return rx.take(&id, &len); }));
    EXPECT_EQ(m.ram.read(DATA, len), Bytes(text.begin() + 5, text.end()));
    m.ram.write(DATA, Bytes({'o', 'u', 't'}));
    EXPECT_EQ(m.run(tx, 1, {{DATA, 1, false}, {DATA + 1, 2, false}}), 0u);
    EXPECT_EQ(host.get(), "out");
    EXPECT_EQ(input(std::string(10000, 'x')), 4096u) << "bounded";
}

Bytes frame(size_t len, uint8_t seed)
{
    Bytes bytes(len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = static_cast<uint8_t>(seed + i);
    return bytes;
}

TEST(VirtioNet, FramesOverASocket)
{
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
    virtio_net_config c = {{2, 0, 0, 0, 0, 7}, 0, net_fd_create(fds[0])};
    Machine m(virtio_net_create(&c, nullptr));
    EXPECT_EQ(m.rd<uint8_t>(m.config + 5), 7);
    EXPECT_EQ(m.rd<uint16_t>(m.config + 6), 1) << "the link is up";
    EXPECT_EQ(m.rd<uint16_t>(m.config + 10), 1500);
    m.begin();
    Driver rx = m.queue(0, 8), tx = m.queue(1, 8);
    m.status(15);
    Bytes out = frame(900, 1), got(2000);
    m.ram.write(DATA + 12, out);
    m.run(tx, 1, {{DATA, 12, false}, {DATA + 12, 900, false}});
    EXPECT_EQ(recv(fds[1], got.data(), got.size(), 0), 900);
    got.resize(900);
    EXPECT_EQ(got, out);
    m.run(tx, 1, {{DATA, 1600, false}}); // too long, and too short
    m.run(tx, 1, {{DATA, 20, false}});
    EXPECT_EQ(recv(fds[1], got.data(), got.size(), MSG_DONTWAIT), -1);
    // The other way: a frame that waits for a buffer, one that does not fit, one that does.
    Bytes in = frame(100, 9);
    ASSERT_EQ(send(fds[1], in.data(), in.size(), 0), 100);
    rx.add({{DATA, 12, true}, {DATA + 12, 1514, true}});
    m.kick(0);
    uint32_t id, len;
    ASSERT_TRUE(eventually([&] { return rx.take(&id, &len); }));
    EXPECT_EQ(len, 112u);
    EXPECT_EQ(m.ram.get<uint16_t>(DATA + 10), 1);
    EXPECT_EQ(m.ram.read(DATA + 12, 100), in);
    rx.add({{DATA, 50, true}});
    m.kick(0);
    ASSERT_EQ(send(fds[1], in.data(), in.size(), 0), 100);
    ASSERT_EQ(send(fds[1], in.data(), 30, 0), 30);
    ASSERT_TRUE(eventually([&] { return rx.take(&id, &len); }));
    EXPECT_EQ(len, 42u);
    close(fds[1]);
}

TEST(VirtioNet, UserNetworkAnswersArp)
{
    net_user_config u = {};
    net_backend *user = net_user_create(&u, nullptr);
    ASSERT_NE(user, nullptr);
    virtio_net_config c = {{2, 0, 0, 0, 0, 7}, 0, user};
    Machine m(virtio_net_create(&c, nullptr));
    m.begin();
    Driver rx = m.queue(0, 8), tx = m.queue(1, 8);
    rx.add({{DATA + 4096, 2000, true}});
    m.status(15);
    // Who has 10.0.2.2? RFC 826.
    Bytes arp = {255, 255, 255, 255, 255, 255, 2, 0,  0, 0, 0,  7, 8, 6, 0, 1, 8, 0,  6, 4, 0,
                 1,   2,   0,   0,   0,   0,   7, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2};
    m.ram.write(DATA + 12, arp);
    m.run(tx, 1, {{DATA, static_cast<uint32_t>(12 + arp.size()), false}});
    uint32_t id, len;
    ASSERT_TRUE(eventually([&] { return rx.take(&id, &len); }));
    Bytes answer = m.ram.read(DATA + 4096 + 12, 42);
    EXPECT_EQ(answer[21], 2) << "a reply";
    EXPECT_EQ(Bytes(answer.begin() + 28, answer.begin() + 32), Bytes({10, 0, 2, 2}));
    EXPECT_EQ(Bytes(answer.begin(), answer.begin() + 6), Bytes({2, 0, 0, 0, 0, 7}));
}

TEST(VirtioNet, BadConfigurations)
{
    g_autoptr(GError) mtu = nullptr, mac = nullptr, tap = nullptr;
    virtio_net_config c = {{2, 0, 0, 0, 0, 7}, 10, nullptr};
    EXPECT_EQ(virtio_net_create(&c, &mtu), nullptr);
    EXPECT_TRUE(g_error_matches(mtu, VMM_ERROR, VMM_ERROR_CONFIG));
    c = {{1, 0, 0, 0, 0, 7}, 0, nullptr};
    EXPECT_EQ(virtio_net_create(&c, &mac), nullptr);
    EXPECT_EQ(net_tap_create("a-name-that-is-too-long", &tap), nullptr);
}

} // namespace
