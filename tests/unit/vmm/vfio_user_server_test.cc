// SPDX-License-Identifier: GPL-2.0-or-later
// The vfio-user server as any client may meet it: every command with good, odd and hostile values, clients that come, die and come again, memory that
// is taken back, and random messages. The client here is not the product's.
#include "vfio_user_fakes.h"
#include "vmm/error.h"

#include <fcntl.h>
#include <random>

using namespace vfio_user_fakes;

namespace {

const std::string JSON = R"({"capabilities":{"max_msg_fds":8,"max_data_xfer_size":1048576,"write_multiple":true}})";

Body version(unsigned major, unsigned minor, const std::string &json) { return Body().u16(major).u16(minor).text(json).u8(0); }

class VfioUserServer : public Served {
  protected:
    VfioUserServer() { start(); }

    // A client that has agreed on the version. It waits until an earlier one is cleared away.
    Peer attach()
    {
        Peer client(path);
        EXPECT_EQ(client.result(VERSION, version(0, 0, JSON)), 0);
        return client;
    }
    // All that was sent before has been dealt with.
    static void settle(Peer &client) { EXPECT_EQ(client.result(GET_INFO, info()), 0); }
    static Body info(uint32_t argsz = 16) { return Body().u32(argsz).u32(0).u32(0).u32(0); }
    static Body region_info(uint32_t index, uint32_t argsz = 32) { return Body().u32(argsz).u32(0).u32(index).u32(0).u64(0).u64(0); }
    static Body irq_info(uint32_t index, uint32_t argsz = 16) { return Body().u32(argsz).u32(0).u32(index).u32(0); }
    static Body access(uint32_t region, uint64_t offset, uint32_t count) { return Body().u64(offset).u32(region).u32(count); }
    static Body dma_map(uint64_t addr, uint64_t size, uint64_t offset = 0, uint32_t flags = 3, uint32_t argsz = 32)
    {
        return Body().u32(argsz).u32(flags).u64(offset).u64(addr).u64(size);
    }
    static Body dma_unmap(uint64_t addr, uint64_t size, uint32_t flags = 0, uint32_t argsz = 24)
    {
        return Body().u32(argsz).u32(flags).u64(addr).u64(size);
    }
    enum { NONE = 1, BOOL = 2, EVENTFD = 4, MASK = 8, UNMASK = 16, TRIGGER = 32 };
    enum { INTX = 0, MSI = 1 };
    static Body set_irqs(uint32_t flags, uint32_t index, uint32_t start, uint32_t count) { return Body().u32(20).u32(flags).u32(index).u32(start).u32(count); }
    static Bytes read_region(Peer &client, uint32_t region, uint64_t offset, uint32_t count)
    {
        Message reply = client.ask(REGION_READ, access(region, offset, count));
        EXPECT_EQ(reply.flags & IS_ERROR, 0u);
        EXPECT_EQ(reply.body.size(), 16 + count);
        EXPECT_EQ(get(reply.body, 0, 8), offset);
        EXPECT_EQ(get(reply.body, 8, 4), region);
        EXPECT_EQ(get(reply.body, 12, 4), count);
        return Bytes(reply.body.begin() + std::min(reply.body.size(), size_t{16}), reply.body.end());
    }
    static int write_region(Peer &client, uint32_t region, uint64_t offset, const Bytes &data)
    {
        Message reply = client.ask(REGION_WRITE, access(region, offset, static_cast<uint32_t>(data.size())).raw(data));
        if (reply.flags & IS_ERROR)
            return static_cast<int>(reply.error);
        EXPECT_EQ(reply.body, access(region, offset, static_cast<uint32_t>(data.size())).bytes);
        return 0;
    }
    static Bytes pattern(size_t len)
    {
        Bytes data(len);
        for (size_t i = 0; i < len; i++)
            data[i] = static_cast<uint8_t>(i * 7 + i / 251);
        return data;
    }
};

/* Version */

TEST_F(VfioUserServer, AgreesOnTheVersion)
{
    Peer client(path);
    Message reply = client.ask(VERSION, version(0, 0, JSON));
    ASSERT_GT(reply.body.size(), 4u);
    EXPECT_EQ(get(reply.body, 0, 2), 0u);
    EXPECT_EQ(get(reply.body, 2, 2), 0u);
    EXPECT_EQ(reply.body.back(), 0) << "the JSON ends in NUL";
    std::string json(reply.body.begin() + 4, reply.body.end() - 1);
    for (const char *part : {"\"capabilities\"", "\"max_msg_fds\":16", "\"max_data_xfer_size\":1048576", "\"max_dma_maps\":256", "\"pgsizes\":4096",
                             "\"write_multiple\":true"})
        EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
    EXPECT_EQ(connected, 1u);
}

TEST_F(VfioUserServer, OffersNoCapabilityThatTheClientLacks)
{
    Peer client(path);
    Message reply = client.ask(VERSION, version(0, 0, R"({"capabilities":{"twin_socket":{"supported":true}}})"));
    std::string json(reply.body.begin() + 4, reply.body.end() - 1);
    EXPECT_EQ(json.find("write_multiple"), std::string::npos);
    EXPECT_EQ(json.find("twin_socket"), std::string::npos);
}

TEST_F(VfioUserServer, TakesVersionsThatItCanServe)
{
    for (const Body &body : {Body().u16(0).u16(0), Body().u16(0).u16(9), version(0, 3, "{}"), version(0, 0, R"({"capabilities":{}})"),
                             version(0, 0, R"({"capabilities":{"max_msg_fds":0,"max_data_xfer_size":99999999,"max_dma_maps":7,"pgsizes":2097152,"other":[1]}})")}) {
        Peer client(path);
        Message reply = client.ask(VERSION, body);
        EXPECT_EQ(reply.flags, uint32_t{IS_REPLY});
        ASSERT_GT(reply.body.size(), 4u);
        EXPECT_EQ(get(reply.body, 0, 4), 0u) << "0.0 is the highest that it has";
        settle(client);
    }
}

TEST_F(VfioUserServer, RefusesOtherVersionsAndCloses)
{
    std::string deep = R"({"capabilities":)" + std::string(4000, '[') + "}";
    std::string deep_objects;
    while (deep_objects.size() < 4000)
        deep_objects += R"({"a":)";
    struct {
        Body body;
        const char *complaint;
    } const cases[] = {
        {version(1, 0, JSON), "version 1.0"},
        {version(65535, 65535, ""), "version 65535.65535"},
        {version(0, 0, ""), "capabilities: not a JSON object"},
        {version(0, 0, "[]"), "not a JSON object"},
        {version(0, 0, "{"), "capabilities: "},
        {version(0, 0, "nonsense"), "capabilities: "},
        {version(0, 0, "{\"\xff\":1}"), "not UTF-8"},
        {version(0, 0, R"({"capabilities":7})"), "not a JSON object"},
        {version(0, 0, R"({"capabilities":{"max_msg_fds":-1}})"), "max_msg_fds"},
        {version(0, 0, R"({"capabilities":{"max_msg_fds":"1"}})"), "max_msg_fds"},
        {version(0, 0, R"({"capabilities":{"max_data_xfer_size":0}})"), "max_data_xfer_size"},
        {version(0, 0, R"({"capabilities":{"max_dma_maps":null}})"), "max_dma_maps"},
        {version(0, 0, R"({"capabilities":{"pgsizes":1.5}})"), "pgsizes"},
        {version(0, 0, R"({"capabilities":{"write_multiple":1}})"), "write_multiple"},
        {Body().u16(0).u16(0).text("{}"), "do not end in NUL"},
        {Body().u16(0).u16(0).text(std::string(5000, ' ') + "{}").u8(0), "more than 4096"},
        {version(0, 0, deep), "capabilities: "},
        {version(0, 0, deep_objects), "capabilities: "},
        {Body().u16(0), "2 bytes are too few"},
    };
    for (const auto &c : cases) {
        SCOPED_TRACE(c.complaint);
        Peer client(path);
        Message reply = client.ask(VERSION, c.body);
        EXPECT_EQ(reply.flags, unsigned{IS_REPLY | IS_ERROR});
        EXPECT_EQ(reply.error, unsigned{EINVAL});
        EXPECT_EQ(reply.size, 16u);
        EXPECT_TRUE(complained(c.complaint));
        if (c.body.bytes.size() >= 4) {
            EXPECT_TRUE(client.closed());
        }
    }
    EXPECT_EQ(connected, 0u) << "nobody was let in";
    attach();
}

TEST_F(VfioUserServer, TheVersionComesFirstAndOnce)
{
    for (unsigned command : {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 18, 77}) {
        Peer client(path);
        EXPECT_EQ(client.result(static_cast<uint16_t>(command), Body().zeroes(64)), EINVAL) << command;
        EXPECT_TRUE(client.closed()) << command;
    }
    EXPECT_EQ(device.take_accesses().size(), 0u);
    Peer client = attach();
    EXPECT_EQ(client.result(VERSION, version(0, 0, JSON)), EINVAL);
    settle(client);
}

/* What the device is */

TEST_F(VfioUserServer, DeviceInfo)
{
    Peer client = attach();
    Message reply = client.ask(GET_INFO, info());
    EXPECT_EQ(reply.body, Body().u32(16).u32(1 | 2).u32(9).u32(5).bytes) << "can be reset, PCI; VFIO's nine regions and five interrupts";
    EXPECT_EQ(client.ask(GET_INFO, info(4096)).body.size(), 16u);
    EXPECT_EQ(client.result(GET_INFO, info(15)), EINVAL);
    EXPECT_EQ(client.result(GET_INFO, Body().u32(16).u32(0)), EINVAL);
    EXPECT_EQ(client.result(GET_INFO, Body()), EINVAL);
}

TEST_F(VfioUserServer, RegionInfo)
{
    Peer client = attach();
    const uint64_t sizes[] = {FakeDevice::BAR0_BYTES, 0, FakeDevice::BAR2_BYTES, 0, FakeDevice::BAR4_BYTES, 0, 0, 256, 0};
    for (uint32_t i = 0; i < std::size(sizes); i++) {
        Message reply = client.ask(GET_REGION_INFO, region_info(i, i % 2 ? 32 : 1000));
        EXPECT_EQ(reply.body, Body().u32(32).u32(sizes[i] ? 3 : 0).u32(i).u32(0).u64(sizes[i]).u64(0).bytes) << i;
        EXPECT_TRUE(reply.fds.empty());
    }
    EXPECT_EQ(client.result(GET_REGION_INFO, region_info(9)), EINVAL);
    EXPECT_EQ(client.result(GET_REGION_INFO, region_info(UINT32_MAX)), EINVAL);
    EXPECT_EQ(client.result(GET_REGION_INFO, region_info(0, 31)), EINVAL);
    EXPECT_EQ(client.result(GET_REGION_INFO, Body().u32(32).u32(0).u32(0)), EINVAL);
}

TEST_F(VfioUserServer, ExpressFunctionsHaveMoreConfigurationSpace)
{
    pci_config_add_capability(&device.pci.config, 0x10, 0x70);
    Peer client = attach();
    EXPECT_EQ(get(client.ask(GET_REGION_INFO, region_info(7)).body, 16, 8), 4096u);
    EXPECT_EQ(read_region(client, 7, 0xffc, 4), Bytes(4));
}

TEST_F(VfioUserServer, IrqInfo)
{
    Peer client = attach();
    const struct {
        uint32_t flags, count;
    } irqs[] = {{1 | 2 | 4, 1}, {1 | 8, 1}, {0, 0}, {0, 0}, {0, 0}};
    for (uint32_t i : {0, 1, 2, 4})
        EXPECT_EQ(client.ask(GET_IRQ_INFO, irq_info(i)).body, Body().u32(16).u32(irqs[i].flags).u32(i).u32(irqs[i].count).bytes) << i;
    EXPECT_EQ(client.result(GET_IRQ_INFO, irq_info(3)), EINVAL) << "as the kernel answers for functions without PCI Express";
    EXPECT_EQ(client.result(GET_IRQ_INFO, irq_info(5)), EINVAL);
    EXPECT_EQ(client.result(GET_IRQ_INFO, irq_info(0, 8)), EINVAL);
    EXPECT_EQ(client.result(GET_IRQ_INFO, Body().u32(16)), EINVAL);
}

TEST_F(VfioUserServer, RegionIoFds)
{
    Peer client = attach();
    for (uint32_t i = 0; i < 9; i++)
        EXPECT_EQ(client.ask(GET_REGION_IO_FDS, Body().u32(400).u32(0).u32(i).u32(0)).body, Body().u32(16).u32(0).u32(i).u32(0).bytes);
    EXPECT_EQ(client.result(GET_REGION_IO_FDS, Body().u32(16).u32(0).u32(9).u32(0)), EINVAL);
    EXPECT_EQ(client.result(GET_REGION_IO_FDS, Body().u32(16).u32(1).u32(0).u32(0)), EINVAL);
    EXPECT_EQ(client.result(GET_REGION_IO_FDS, Body().u32(16).u32(0).u32(0).u32(1)), EINVAL);
    EXPECT_EQ(client.result(GET_REGION_IO_FDS, Body().u32(15).u32(0).u32(0).u32(0)), EINVAL);
    EXPECT_EQ(client.result(GET_REGION_IO_FDS, Body().u32(16).u32(0)), EINVAL);
}

/* Accesses */

TEST_F(VfioUserServer, ReadsAndWritesBars)
{
    Peer client = attach();
    for (uint32_t bar : {0u, 2u})
        for (uint32_t len : {1u, 2u, 4u, 8u, 3u, 5u, 7u, 13u, 4096u, 65537u, 1u << 20}) {
            Bytes data = pattern(len);
            for (uint64_t offset : {uint64_t{0}, uint64_t{3}, FakeDevice::BAR0_BYTES - len}) {
                if (offset + len > device.pci.config.bar[bar].size)
                    continue;
                SCOPED_TRACE(testing::Message() << len << " bytes at " << offset << " of BAR " << bar);
                EXPECT_EQ(write_region(client, bar, offset, data), 0);
                EXPECT_EQ(device.content(bar, offset, len), data);
                EXPECT_EQ(read_region(client, bar, offset, len), data);
                EXPECT_EQ(device.take_accesses(), (std::vector<Access>{{'w', bar, offset, len}, {'r', bar, offset, len}})) << "one access for each message";
            }
        }
    EXPECT_EQ(write_region(client, 4, 60, {1, 2, 3, 4}), 0);
    EXPECT_EQ(read_region(client, 4, 61, 3), (Bytes{2, 3, 4}));
}

TEST_F(VfioUserServer, ReadsAndWritesConfigurationSpace)
{
    Peer client = attach();
    Bytes all = read_region(client, 7, 0, 256);
    EXPECT_EQ(get(all, 0, 4), 0x19128086u);
    EXPECT_EQ(get(all, 0x50, 2), 0x1c0u);
    EXPECT_EQ(read_region(client, 7, 1, 4), (Bytes{0x80, 0x12, 0x19, 0x00}));
    EXPECT_EQ(read_region(client, 7, 0x10, 1), Bytes{0x04}) << "BAR type bits";
    EXPECT_EQ(read_region(client, 7, 0x40, 8), Bytes(8));
    device.take_accesses();
    EXPECT_EQ(write_region(client, 7, 0xfc, {0x78, 0x56, 0x34, 0x12}), 0);
    EXPECT_EQ(device.config(0xfc, 4), 0x12345678u);
    EXPECT_EQ(device.take_accesses(), (std::vector<Access>{{'W', 0, 0xfc, 4}}));
    EXPECT_EQ(write_region(client, 7, 0xfd, {0xaa, 0xbb, 0xcc}), 0);
    EXPECT_EQ(device.config(0xfc, 4), 0xccbbaa78u);
    EXPECT_EQ(write_region(client, 7, 0x10, {0, 0, 0, 0x80, 1, 0, 0, 0}), 0);
    EXPECT_EQ(write_region(client, 7, 4, {2, 0}), 0) << "the BAR moves, which is no business of the server's";
    EXPECT_EQ(read_region(client, 7, 0x10, 8), (Bytes{0x04, 0, 0, 0x80, 1, 0, 0, 0}));
}

TEST_F(VfioUserServer, AccessesOutOfRangeAreErrors)
{
    Peer client = attach();
    const struct {
        uint32_t region;
        uint64_t offset;
        uint32_t count;
    } cases[] = {
        {0, FakeDevice::BAR0_BYTES, 1},
        {0, FakeDevice::BAR0_BYTES - 3, 4},
        {0, UINT64_MAX, 1},
        {0, UINT64_MAX - 3, 4},
        {0, UINT64_MAX - 3, 8},
        {0, UINT64_C(1) << 63, 8},
        {1, 0, 4},
        {3, 0, 1},
        {4, 61, 4},
        {5, 0, 1},
        {6, 0, 4},
        {7, 256, 1},
        {7, 253, 4},
        {7, UINT64_C(1) << 32, 4},
        {8, 0, 4},
        {9, 0, 1},
        {UINT32_MAX, 0, 4},
        {0, 0, (1 << 20) + 1},
        {0, 0, UINT32_MAX},
        {0, UINT64_MAX, UINT32_MAX},
    };
    for (const auto &c : cases) {
        SCOPED_TRACE(testing::Message() << c.count << " bytes at " << c.offset << " of region " << c.region);
        EXPECT_EQ(client.result(REGION_READ, access(c.region, c.offset, c.count)), EINVAL);
        EXPECT_EQ(client.result(REGION_WRITE, access(c.region, c.offset, c.count).zeroes(std::min(c.count, 1u << 20))), EINVAL);
    }
    EXPECT_EQ(client.result(REGION_WRITE, access(0, 0, (1 << 20) + 1).zeroes((1 << 20) + 1)), EINVAL) << "more than was agreed on";
    EXPECT_EQ(client.result(REGION_WRITE, access(0, 0, 8).zeroes(7)), EINVAL) << "count larger than the body";
    EXPECT_EQ(client.result(REGION_WRITE, access(0, 0, UINT32_MAX)), EINVAL);
    EXPECT_EQ(client.result(REGION_WRITE, Body().u64(0).u32(0)), EINVAL);
    EXPECT_EQ(client.result(REGION_READ, Body().u64(0).u32(0)), EINVAL);
    EXPECT_EQ(device.take_accesses().size(), 0u);
    EXPECT_EQ(client.result(REGION_WRITE, access(0, 16, 2).raw({1, 2, 3, 4})), 0) << "bytes beyond count are ignored";
    EXPECT_EQ(device.content(0, 16, 4), (Bytes{1, 2, 0, 0}));
    EXPECT_EQ(read_region(client, 0, FakeDevice::BAR0_BYTES, 0), Bytes()) << "nothing, at the very end";
}

TEST_F(VfioUserServer, ReadsNoMoreThanTheClientCanTake)
{
    Peer client(path);
    ASSERT_EQ(client.result(VERSION, version(0, 0, R"({"capabilities":{"max_data_xfer_size":16}})")), 0);
    EXPECT_EQ(read_region(client, 0, 0, 16).size(), 16u);
    EXPECT_EQ(client.result(REGION_READ, access(0, 0, 17)), EINVAL);
}

TEST_F(VfioUserServer, PostedWritesHaveNoReply)
{
    Peer client = attach();
    for (unsigned i = 0; i < 1000; i++)
        client.send(REGION_WRITE, access(0, 4 * i, 4).u32(i), {}, NO_REPLY);
    client.send(REGION_WRITE, access(9, 0, 4).u32(0), {}, NO_REPLY); // an error, which nobody hears
    client.send(77, Body(), {}, NO_REPLY);
    client.send(RESET, Body(), {}, NO_REPLY);
    EXPECT_EQ(get(read_region(client, 0, 4 * 999, 4), 0, 4), 999u);
    EXPECT_EQ(device.resets, 1u);
}

TEST_F(VfioUserServer, WriteMulti)
{
    Peer client = attach();
    auto one = [](uint32_t region, uint64_t offset, uint32_t count, uint64_t data) { return Body().u64(offset).u32(region).u32(count).u64(data).bytes; };
    EXPECT_EQ(client.ask(WRITE_MULTI, Body().u64(3).raw(one(0, 0x10, 4, 0x11223344)).raw(one(7, 0xfc, 4, 0xdead)).raw(one(2, 7, 8, 0x8877665544332211))).body,
              Body().u64(3).bytes);
    EXPECT_EQ(device.content(0, 0x10, 5), (Bytes{0x44, 0x33, 0x22, 0x11, 0}));
    EXPECT_EQ(device.content(2, 7, 8), (Bytes{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}));
    EXPECT_EQ(device.take_accesses(), (std::vector<Access>{{'w', 0, 0x10, 4}, {'W', 0, 0xfc, 4}, {'w', 2, 7, 8}}));
    EXPECT_EQ(client.ask(WRITE_MULTI, Body().u64(0)).body, Body().u64(0).bytes);

    EXPECT_EQ(client.result(WRITE_MULTI, Body().u64(2).raw(one(0, 0, 4, 1))), EINVAL) << "count beyond the body";
    EXPECT_EQ(client.result(WRITE_MULTI, Body().u64(UINT64_MAX).raw(one(0, 0, 4, 1))), EINVAL);
    EXPECT_EQ(client.result(WRITE_MULTI, Body().u64(UINT64_C(0x0aaaaaaaaaaaaaab)).raw(one(0, 0, 4, 1))), EINVAL) << "wraps when multiplied by 24";
    EXPECT_EQ(client.result(WRITE_MULTI, Body().u32(1)), EINVAL);
    EXPECT_EQ(device.take_accesses().size(), 0u);
    EXPECT_EQ(client.result(WRITE_MULTI, Body().u64(3).raw(one(0, 0, 4, 1)).raw(one(0, 0, 9, 2)).raw(one(0, 8, 4, 3))), EINVAL) << "a bad one";
    EXPECT_EQ(device.take_accesses(), (std::vector<Access>{{'w', 0, 0, 4}})) << "those before it were done";
    EXPECT_EQ(client.result(WRITE_MULTI, Body().u64(1).raw(one(0, UINT64_MAX - 3, 8, 1))), EINVAL);
    EXPECT_EQ(client.result(WRITE_MULTI, Body().u64(1).raw(one(5, 0, 1, 1))), EINVAL);

    Body many;
    many.u64(200);
    for (unsigned i = 0; i < 200; i++)
        many.raw(one(0, 4 * i, 4, i));
    EXPECT_EQ(client.ask(WRITE_MULTI, many).body, Body().u64(200).bytes);
    client.send(WRITE_MULTI, many, {}, NO_REPLY);
    settle(client);
    EXPECT_EQ(device.take_accesses().size(), 400u);
}

/* Memory */

TEST_F(VfioUserServer, TheDeviceReachesSharedMemory)
{
    Peer client = attach();
    int fd = memory_file(0x8000);
    auto *mine = static_cast<uint8_t *>(mmap(nullptr, 0x8000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    ASSERT_EQ(client.result(DMA_MAP, dma_map(0x100000, 0x2000, 0x4000), {fd}), 0);
    ASSERT_EQ(client.result(DMA_MAP, dma_map(0xfffffffffffff000, 0x1000, 0), {fd}), 0) << "the last page that there is";
    close(fd);

    strcpy(reinterpret_cast<char *>(mine + 0x4ffc), "across pages");
    char text[16] = {};
    ASSERT_TRUE(device.dma_read(0x100ffc, text, 13));
    EXPECT_STREQ(text, "across pages");
    ASSERT_TRUE(device.dma_write(0x101ff8, "\1\2\3\4\5\6\7\10", 8));
    EXPECT_EQ(memcmp(mine + 0x5ff8, "\1\2\3\4\5\6\7\10", 8), 0);
    EXPECT_FALSE(device.dma_read(0x102000, text, 1));
    EXPECT_FALSE(device.dma_read(0xfffff, text, 1));
    ASSERT_TRUE(device.dma_write(0xfffffffffffffffc, "end", 4));
    EXPECT_STREQ(reinterpret_cast<char *>(mine + 0xffc), "end");

    EXPECT_EQ(client.ask(DMA_UNMAP, dma_unmap(0x100000, 0x2000)).body, dma_unmap(0x100000, 0x2000).bytes) << "the reply repeats the request";
    EXPECT_FALSE(device.dma_read(0x100000, text, 1));
    munmap(mine, 0x8000);
}

TEST_F(VfioUserServer, RightsOfMemory)
{
    Peer client = attach();
    int fd = memory_file(0x3000), read_only = open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC);
    uint32_t word = 7;
    ASSERT_GE(read_only, 0);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x10000, 0x1000, 0, 1), {read_only}), 0);
    EXPECT_TRUE(device.dma_read(0x10000, &word, 4));
    EXPECT_EQ(word, 0u);
    EXPECT_FALSE(device.dma_write(0x10000, &word, 4));
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x11000, 0x1000, 0, 3), {read_only}), EACCES);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x12000, 0x1000, 0, 2), {fd}), 0);
    EXPECT_TRUE(device.dma_write(0x12000, &word, 4));
    EXPECT_FALSE(device.dma_read(0x12000, &word, 4));
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x13000, 0x1000, 0, 0), {fd}), 0) << "no rights: known, and out of reach";
    EXPECT_FALSE(device.dma_read(0x13000, &word, 4));
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x14000, 0x1000, 0, 3)), 0) << "not shared";
    EXPECT_FALSE(device.dma_read(0x14000, &word, 4));
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x14000, 0x1000)), EEXIST) << "and yet there";
    EXPECT_FALSE(complained("without a file descriptor")) << "small pieces are firmware";
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x200000, 0x100000)), 0);
    EXPECT_TRUE(complained("without a file descriptor"));
    close(fd);
    close(read_only);
}

TEST_F(VfioUserServer, MappingsThatAreErrors)
{
    Peer client = attach();
    int fd = memory_file(0x10000), disk = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), zero = open("/dev/zero", O_RDWR | O_CLOEXEC), pipes[2];
    int directory = open("/", O_PATH | O_CLOEXEC), sealed = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
    ASSERT_EQ(ftruncate(sealed, 0x1000), 0);
    ASSERT_EQ(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE), 0);
    ASSERT_EQ(client.result(DMA_MAP, dma_map(0x10000, 0x4000), {fd}), 0);
    for (uint64_t addr : {0x10000, 0xf000, 0x13000, 0x11000})
        EXPECT_EQ(client.result(DMA_MAP, dma_map(addr, 0x2000), {fd}), EEXIST) << addr;
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0, UINT64_C(0xfffffffffffff000))), EEXIST);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0xe000, 0x2000), {fd}), 0) << "up to it";
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x14000, 0x1000), {fd}), 0) << "from its end on";

    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20000, 0x11000), {fd}), EINVAL) << "the file is too small";
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20000, 0x1000, 0x10000), {fd}), EINVAL);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20000, 0x1000, UINT64_C(0xfffffffffffff000)), {fd}), EINVAL);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20000, UINT64_C(0x8000000000000000)), {fd}), EINVAL);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20000, 0x1000, 0x800), {fd}), EINVAL) << "unaligned";
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20800, 0x1000), {fd}), EINVAL);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20000, 0x800), {fd}), EINVAL);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20000, 0), {fd}), EINVAL);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(UINT64_C(0xfffffffffffff000), 0x2000), {fd}), EINVAL) << "wraps";
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20000, 0x1000, 0, 4), {fd}), EINVAL) << "flags";
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20000, 0x1000, 0, 3, 31), {fd}), EINVAL) << "argsz";
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20000, 0x1000), {fd, fd}), EINVAL) << "two files";
    EXPECT_EQ(client.result(DMA_MAP, Body().u32(32).u32(3).u64(0).u64(0x20000), {fd}), EINVAL);
    for (int other : {pipes[0], pipes[1], disk, zero, directory, client.fd})
        EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20000, 0x1000, 0, 1), {other}), EINVAL) << "no memory";
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x20000, 0x1000), {sealed}), EPERM);
    EXPECT_TRUE(complained("is not memory"));
    uint8_t byte;
    EXPECT_FALSE(device.dma_read(0x20000, &byte, 1));
    for (int each : {fd, disk, zero, directory, sealed, pipes[0], pipes[1]})
        close(each);
}

TEST_F(VfioUserServer, MappingsHaveALimit)
{
    Peer client = attach();
    int fd = memory_file(0x1000);
    for (uint64_t i = 0; i < 256; i++)
        ASSERT_EQ(client.result(DMA_MAP, dma_map(0x2000 * (256 - i), 0x1000), {i % 2 ? std::vector<int>{fd} : std::vector<int>{}}), 0) << i;
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x1000000, 0x1000), {fd}), ENOSPC);
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x2000, 0x1000)), 0);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x1000000, 0x1000), {fd}), 0);
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0, 0, 2)), 0);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(0x2000, 0x1000), {fd}), 0);

    // 64 GiB in all, of a file without pages.
    int huge = memory_file(UINT64_C(1) << 40);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(UINT64_C(1) << 40, UINT64_C(64) << 30), {huge}), ENOSPC) << "a page more than the limit";
    EXPECT_EQ(client.result(DMA_MAP, dma_map(UINT64_C(1) << 40, UINT64_C(63) << 30), {huge}), 0);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(UINT64_C(2) << 40, UINT64_C(1) << 30), {huge}), ENOSPC);
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x2000, 0x1000)), 0);
    EXPECT_EQ(client.result(DMA_MAP, dma_map(UINT64_C(2) << 40, UINT64_C(1) << 30), {huge}), 0);
    uint64_t word = 1;
    EXPECT_TRUE(device.dma_read((UINT64_C(1) << 40) + (UINT64_C(62) << 30), &word, 8));
    EXPECT_EQ(word, 0u);
    close(fd);
    close(huge);
}

TEST_F(VfioUserServer, HugePagesAreMappedInSmallPieces)
{
    int fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB | 21u << 26);
    if (fd < 0 || ftruncate(fd, 4 << 20) != 0)
        GTEST_SKIP() << "this kernel has no memfd of 2 MiB pages (CONFIG_HUGETLBFS, and 2 MiB pages in /sys/kernel/mm/hugepages): mapping them is not tested";
    Peer client = attach();
    ASSERT_EQ(client.result(DMA_MAP, dma_map(0, 0xa0000, 0), {fd}), 0);
    ASSERT_EQ(client.result(DMA_MAP, dma_map(0x1ff000, 0x2000, 0x1ff000), {fd}), 0) << "over the border of two";
    device.when_written([&](unsigned, uint64_t) {
        uint32_t word = 1;
        EXPECT_TRUE(device.dma_read(0x9fffc, &word, 4)); // a page, or zeroes where the machine has none
        EXPECT_EQ(word, 0u);
        EXPECT_TRUE(device.dma_read(0x200000, &word, 4));
        EXPECT_EQ(word, 0u);
    });
    EXPECT_EQ(write_region(client, 0, 0, {1}), 0);
    close(fd);
}

TEST_F(VfioUserServer, Unmapping)
{
    Peer client = attach();
    int fd = memory_file(0x4000);
    auto map = [&](uint64_t addr, uint64_t size) { ASSERT_EQ(client.result(DMA_MAP, dma_map(addr, size), {fd}), 0); };
    auto reachable = [&](uint64_t addr) {
        uint8_t byte;
        return device.dma_read(addr, &byte, 1);
    };
    map(0x10000, 0x1000);
    map(0x12000, 0x4000);
    map(0x18000, 0x1000);
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x11000, 0x1000)), ENOENT) << "nothing there";
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0, 0x10000)), ENOENT);
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x19000, UINT64_C(0xfffffffffff00000))), ENOENT);
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x12000, 0x3000)), EINVAL) << "cuts one in two";
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x13000, 0x3000)), EINVAL);
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x10000, 0x3000)), EINVAL) << "one and a half";
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x10800, 0x100)), EINVAL);
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x10000, 0)), EINVAL);
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(UINT64_MAX, 2)), EINVAL) << "wraps";
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x10000, 0x1000, 1)), ENOTSUP) << "the dirty bitmap";
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x10000, 0x1000, 8)), ENOTSUP);
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x10000, 0x1000, 0, 23)), EINVAL);
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x10000, 0x1000, 2)), EINVAL) << "all, and an address";
    EXPECT_EQ(client.result(DMA_UNMAP, Body().u32(24).u32(0).u64(0x10000)), EINVAL);
    for (uint64_t addr : {0x10000, 0x12000, 0x15fff, 0x18fff})
        EXPECT_TRUE(reachable(addr)) << addr;

    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x12000, 0x4000)), 0) << "exactly";
    EXPECT_FALSE(reachable(0x12000));
    map(0x12000, 0x2000);
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0x8000, 0xc000)), 0) << "several, with holes, and less than all";
    EXPECT_FALSE(reachable(0x10000));
    EXPECT_FALSE(reachable(0x12000));
    EXPECT_TRUE(reachable(0x18000));
    EXPECT_EQ(client.ask(DMA_UNMAP, dma_unmap(0, 0, 2)).body, dma_unmap(0, 0, 2).bytes);
    EXPECT_FALSE(reachable(0x18000));
    EXPECT_EQ(client.result(DMA_UNMAP, dma_unmap(0, 0, 2)), 0) << "all of nothing";
    close(fd);
}

unsigned mappings()
{
    unsigned lines = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    for (int c = getc(maps); c != EOF; c = getc(maps))
        lines += c == '\n';
    fclose(maps);
    return lines;
}

TEST_F(VfioUserServer, MemoryThatIsTakenBackCostsItsOwnerOnly)
{
    constexpr uint64_t SIZE = 4 << 20;
    int fd = memory_file(SIZE), other = memory_file(0x1000);
    Peer client = attach();
    ASSERT_EQ(client.result(DMA_MAP, dma_map(0, SIZE), {fd}), 0);
    ASSERT_EQ(client.result(DMA_MAP, dma_map(SIZE, 0x1000), {other}), 0);
    uint64_t word = 0x1234;
    ASSERT_TRUE(device.dma_write(0x2000, &word, 8));
    ASSERT_TRUE(device.dma_write(SIZE, &word, 8));
    ASSERT_EQ(ftruncate(fd, 0), 0);

    device.when_written([&](unsigned, uint64_t) { // in the middle of a message: after it, this client is dropped
        unsigned before = mappings();
        for (uint64_t at = 0; at < SIZE; at += 0x2000) {
            word = 5;
            ASSERT_TRUE(device.dma_read(at, &word, 8));
            ASSERT_EQ(word, 0u) << at;
        }
        word = 0x5678;
        EXPECT_TRUE(device.dma_write(SIZE - 8, &word, 8));
        EXPECT_LT(mappings(), before + 20) << "a process may have 65530; the client must not use them up";
        EXPECT_TRUE(device.dma_read(SIZE, &word, 8));
        EXPECT_EQ(word, 0x1234u) << "memory that is still there";
    });
    EXPECT_EQ(write_region(client, 0, 0, {1}), 0);
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(complained("took back memory"));
    Peer next = attach();
    device.when_written(nullptr);
    EXPECT_FALSE(device.dma_read(0, &word, 8));
    ASSERT_EQ(next.result(DMA_MAP, dma_map(0, 0x1000), {other}), 0);
    EXPECT_TRUE(device.dma_read(0, &word, 8));
    EXPECT_EQ(word, 0x1234u);
    settle(next);
    close(fd);
    close(other);
}

/* Interrupts */

TEST_F(VfioUserServer, IntxIsALevelThatMasksItself)
{
    Peer client = attach();
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    device.intx(true);
    ASSERT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, INTX, 0, 1), {fd}), 0);
    EXPECT_EQ(events(fd), 1u) << "the line was up already";
    device.intx(true);
    EXPECT_EQ(events(fd), 0u) << "masked until the client has seen to it";
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | UNMASK, INTX, 0, 1)), 0);
    EXPECT_EQ(events(fd), 1u) << "still up";
    device.intx(false);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | UNMASK, INTX, 0, 1)), 0);
    EXPECT_EQ(events(fd), 0u) << "down";
    device.intx(true);
    EXPECT_EQ(events(fd), 1u);
    device.intx(false);
    device.intx(true);
    EXPECT_EQ(events(fd), 0u);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(BOOL | UNMASK, INTX, 0, 1).u8(0)), 0);
    EXPECT_EQ(events(fd), 0u) << "not this one";
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(BOOL | UNMASK, INTX, 0, 1).u8(1)), 0);
    EXPECT_EQ(events(fd), 1u);

    device.intx(false);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | UNMASK, INTX, 0, 1)), 0);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | MASK, INTX, 0, 1)), 0);
    device.intx(true);
    EXPECT_EQ(events(fd), 0u) << "masked by the client";
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | UNMASK, INTX, 0, 1)), 0);
    EXPECT_EQ(events(fd), 1u);

    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | TRIGGER, INTX, 0, 0)), 0) << "off";
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | UNMASK, INTX, 0, 1)), 0);
    EXPECT_EQ(events(fd), 0u);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, INTX, 0, 1), {fd}), 0);
    EXPECT_EQ(events(fd), 1u) << "on again, and the line is up";
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, INTX, 0, 1)), 0) << "without a descriptor: off";
    EXPECT_EQ(events(fd), 0u);
    close(fd);
}

TEST_F(VfioUserServer, MsiTellsTheEventfd)
{
    Peer client = attach();
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ASSERT_EQ(write_region(client, 7, 4, {6, 0}), 0) << "memory and bus master";
    device.msi();
    ASSERT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, MSI, 0, 1), {fd}), 0);
    EXPECT_EQ(device.config(FakeDevice::MSI + 2, 2) & 1, 1u) << "a client that tells by eventfd alone has switched MSI on";
    EXPECT_EQ(events(fd), 0u);
    device.msi();
    device.msi();
    EXPECT_EQ(events(fd), 2u);

    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | MASK, MSI, 0, 1)), 0);
    device.msi();
    device.msi();
    EXPECT_EQ(events(fd), 0u);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | UNMASK, MSI, 0, 1)), 0);
    EXPECT_EQ(events(fd), 1u) << "what came meanwhile, once";
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | UNMASK, MSI, 0, 1)), 0);
    EXPECT_EQ(events(fd), 0u);

    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | TRIGGER, MSI, 0, 1)), 0) << "the client tries its own path";
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(BOOL | TRIGGER, MSI, 0, 1).u8(1)), 0);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(BOOL | TRIGGER, MSI, 0, 1).u8(0)), 0);
    EXPECT_EQ(events(fd), 2u);

    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | TRIGGER, MSI, 0, 0)), 0);
    EXPECT_EQ(device.config(FakeDevice::MSI + 2, 2) & 1, 0u);
    device.msi();
    EXPECT_EQ(events(fd), 0u);

    // QEMU writes the enable bit first; the device may use it before the eventfd comes.
    ASSERT_EQ(write_region(client, 7, FakeDevice::MSI + 2, {0x81, 0}), 0);
    device.msi();
    ASSERT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, MSI, 0, 1), {fd}), 0);
    EXPECT_EQ(events(fd), 1u);
    close(fd);
}

TEST_F(VfioUserServer, IrqsThatAreErrors)
{
    Peer client = attach();
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), file = memory_file(0x1000), pipes[2];
    ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
    for (int other : {pipes[0], pipes[1], file, client.fd})
        EXPECT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, MSI, 0, 1), {other}), EINVAL);
    EXPECT_TRUE(complained("the file descriptor is no eventfd"));
    for (uint32_t flags : {0, 1, 32, 3 | 32, 7 | 32, 1 | 8 | 16, 1 | 8 | 32, 1 | 32 | 64, 8, 255})
        EXPECT_EQ(client.result(SET_IRQS, set_irqs(flags, MSI, 0, 1)), EINVAL) << flags;
    EXPECT_EQ(client.result(SET_IRQS, Body().u32(19).u32(NONE | TRIGGER).u32(MSI).u32(0).u32(1)), EINVAL) << "argsz";
    EXPECT_EQ(client.result(SET_IRQS, Body().u32(20).u32(NONE | TRIGGER).u32(MSI).u32(0)), EINVAL);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | TRIGGER, MSI, 1, 1)), EINVAL) << "vector 1";
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | TRIGGER, MSI, 0, 2)), EINVAL);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | TRIGGER, MSI, UINT32_MAX, 2)), EINVAL) << "wraps";
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | TRIGGER, MSI, 0, UINT32_MAX)), EINVAL);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | UNMASK, MSI, 0, 0)), EINVAL);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | TRIGGER, 2, 0, 1)), EINVAL) << "no MSI-X";
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | TRIGGER, 2, 0, 0)), 0) << "and what is not there can be switched off";
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | TRIGGER, 5, 0, 0)), EINVAL);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(NONE | TRIGGER, UINT32_MAX, 0, 1)), EINVAL);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(BOOL | TRIGGER, MSI, 0, 1)), EINVAL) << "no value";
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, MSI, 0, 1), {fd, fd}), EINVAL);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | MASK, INTX, 0, 1), {fd}), ENOTSUP);
    EXPECT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | UNMASK, INTX, 0, 1), {fd}), ENOTSUP);
    device.intx(true);
    EXPECT_EQ(events(fd), 0u);
    for (int each : {fd, file, pipes[0], pipes[1]})
        close(each);
}

TEST_F(VfioUserServer, AFullEventfdHoldsNobodyUp)
{
    Peer client = attach();
    int fd = eventfd(0, EFD_CLOEXEC); // as it comes: it would block
    ASSERT_EQ(write_region(client, 7, 4, {6, 0}), 0);
    ASSERT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, MSI, 0, 1), {fd}), 0);
    const uint64_t full = UINT64_MAX - 1;
    ASSERT_EQ(write(fd, &full, 8), 8);
    device.msi();
    device.msi();
    settle(client);
    EXPECT_EQ(events(fd), full);
    close(fd);
}

// The eventfd's flags are shared with the client, which may make it block after all. The thread that raises interrupts is then stuck for as long as that client
// wants it, but no longer.
TEST_F(VfioUserServer, AnEventfdThatBlocksDoesNotOutliveItsClient)
{
    const uint64_t full = UINT64_MAX - 1;
    for (bool destroy : {false, true}) {
        Peer client = attach();
        int fd = eventfd(0, EFD_CLOEXEC);
        ASSERT_EQ(write_region(client, 7, 4, {6, 0}), 0);
        ASSERT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, MSI, 0, 1), {fd}), 0);
        ASSERT_EQ(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), 0);
        ASSERT_EQ(write(fd, &full, 8), 8);
        client.send(SET_IRQS, set_irqs(NONE | TRIGGER, MSI, 0, 1)); // the session's thread
        std::thread raiser([&] { device.msi(); });                  // and the device's
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        if (destroy) {
            device.when_destroyed = [&] { raiser.join(); };
            stop();
        } else {
            client.disconnect();
            attach();
            raiser.join();
        }
        close(fd);
    }
}

/* Other commands */

TEST_F(VfioUserServer, Reset)
{
    Peer client = attach();
    ASSERT_EQ(write_region(client, 7, 4, {6, 0}), 0);
    EXPECT_EQ(client.ask(RESET, Body()).size, 16u);
    EXPECT_EQ(device.resets, 1u);
    EXPECT_EQ(device.config(4, 2), 0u);
    EXPECT_EQ(client.result(RESET, Body().zeroes(8)), 0);
}

TEST_F(VfioUserServer, WhatIsNotOffered)
{
    Peer client = attach();
    for (uint32_t flags : {1u | 1 << 16, 2u | 2 << 16, 6u | 4 << 16, 0xffffffffu})
        EXPECT_EQ(client.result(DEVICE_FEATURE, Body().u32(16).u32(flags).u64(0)), ENOTTY);
    EXPECT_EQ(client.result(DEVICE_FEATURE, Body().u32(16)), EINVAL);
    EXPECT_EQ(client.result(DIRTY_PAGES, Body().u32(8).u32(1)), ENOTSUP);
    EXPECT_EQ(client.result(MIG_DATA_READ, Body().u32(8).u32(100)), ENOTSUP);
    EXPECT_EQ(client.result(MIG_DATA_WRITE, Body().u32(8).u32(0)), ENOTSUP);
    EXPECT_EQ(client.result(READ_DMA, Body().u64(0).u64(4)), EINVAL);
    EXPECT_EQ(client.result(WRITE_DMA, Body().u64(0).u64(0)), EINVAL);
    for (unsigned command : {0u, 19u, 255u, 65535u})
        EXPECT_EQ(client.result(static_cast<uint16_t>(command), Body().zeroes(24)), ENOSYS) << command;
    settle(client);
}

TEST_F(VfioUserServer, ComplaintsOfOneClientAreCounted)
{
    Peer client = attach();
    for (unsigned i = 0; i < 200; i++)
        client.result(99, Body());
    EXPECT_EQ(complaint_count(), 21u) << "20, and that there are more";
}

TEST_F(VfioUserServer, ComplaintsOfManyClientsAreCounted)
{
    for (unsigned i = 0; i < 40; i++) {
        Peer client = attach();
        for (unsigned j = 0; j < 20; j++)
            client.result(99, Body());
    }
    EXPECT_LE(complaint_count(), 100u + 60) << "a hundred, and one each second";
}

/* Broken messages */

TEST_F(VfioUserServer, StreamsThatCannotBeFollowedAreClosed)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    const std::vector<int> many(17, fd), more(100, fd);
    const struct {
        Bytes bytes;
        std::vector<int> fds;
        const char *complaint;
    } cases[] = {
        {Peer::header(1, GET_INFO, 0, 0), {}, "size is below"},
        {Peer::header(1, GET_INFO, 15, 0), {}, "size is below"},
        {Peer::header(1, GET_INFO, 0xffffffff, 0), {}, "above what was agreed on"},
        {Peer::header(1, REGION_WRITE, 16 + (1 << 20) + 4097, 0), {}, "above what was agreed on"},
        {Peer::header(1, GET_INFO, 16, IS_REPLY), {}, "a reply to nothing"},
        {Peer::header(1, GET_INFO, 16, 2), {}, "a reply to nothing"},
        {Peer::header(1, 99, 16, 0xf), {}, "a reply to nothing"},
        {Peer::header(1, GET_INFO, 32, 0), many, "more file descriptors"},
        {Peer::header(1, GET_INFO, 32, 0), more, "more file descriptors"},
    };
    for (const auto &c : cases) {
        SCOPED_TRACE(c.complaint);
        Peer client = attach();
        EXPECT_TRUE(client.send_bytes(c.bytes, c.fds));
        EXPECT_TRUE(client.closed());
        EXPECT_TRUE(complained(c.complaint));
    }
    for (size_t cut : {1, 15, 16, 17, 31}) {
        Peer client = attach();
        Bytes message = Body().raw(Peer::header(1, GET_INFO, 32, 0)).raw(info().bytes).bytes;
        message.resize(cut);
        EXPECT_TRUE(client.send_bytes(message));
        shutdown(client.fd, SHUT_WR);
        EXPECT_TRUE(client.closed());
    }
    EXPECT_TRUE(complained("ended within a message"));
    settle(*std::make_unique<Peer>(attach()));
    close(fd);
}

TEST_F(VfioUserServer, MessagesMayComeInPieces)
{
    Peer client = attach();
    int fd = memory_file(0x1000);
    Bytes message = Body().raw(Peer::header(7, DMA_MAP, 48, 0)).raw(dma_map(0x1000, 0x1000).bytes).bytes;
    for (size_t i = 0; i < message.size(); i++) // the descriptor comes with the body
        ASSERT_TRUE(client.send_bytes({message[i]}, i == 20 ? std::vector<int>{fd} : std::vector<int>{}));
    std::optional<Message> reply = client.receive();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->id, 7u);
    EXPECT_EQ(reply->flags, uint32_t{IS_REPLY});
    uint8_t byte;
    EXPECT_TRUE(device.dma_read(0x1fff, &byte, 1));
    // And several in one piece.
    Bytes several;
    for (unsigned i = 0; i < 3; i++)
        several = Body().raw(several).raw(Peer::header(static_cast<uint16_t>(i), GET_INFO, 32, 0)).raw(info().bytes).bytes;
    ASSERT_TRUE(client.send_bytes(several));
    for (unsigned i = 0; i < 3; i++)
        EXPECT_EQ(client.receive()->id, i);
    close(fd);
}

TEST_F(VfioUserServer, NoDescriptorIsLeftOpen)
{
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), memory = memory_file(0x1000), pipes[2];
    ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
    unsigned before = open_descriptors();
    {
        Peer client(path);
        std::vector<int> sixteen(16, event);
        EXPECT_EQ(client.result(VERSION, version(0, 0, JSON), {event, memory}), 0);
        settle(client);
        unsigned connected_count = open_descriptors();
        for (unsigned round = 0; round < 3; round++) {
            EXPECT_EQ(client.result(GET_INFO, info(), sixteen), 0) << "a message that takes none";
            EXPECT_EQ(client.result(RESET, Body(), {memory}), 0);
            EXPECT_EQ(client.result(REGION_WRITE, access(0, 0, 4).u32(1), {event, pipes[0]}), 0);
            EXPECT_EQ(client.result(99, Body(), {event}), ENOSYS);
            EXPECT_EQ(client.result(DMA_MAP, dma_map(0, 0x1000), {memory}), round ? EEXIST : 0);
            EXPECT_EQ(client.result(DMA_MAP, dma_map(0x1000, 0x1000), {pipes[0]}), EINVAL);
            EXPECT_EQ(client.result(DMA_MAP, dma_map(0x1000, 0x1000), {memory, memory, memory}), EINVAL);
            EXPECT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, MSI, 0, 1), {pipes[0]}), EINVAL);
            EXPECT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, MSI, 0, 1), {event, event}), EINVAL);
            EXPECT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | MASK, INTX, 0, 1), {event}), ENOTSUP);
            EXPECT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, MSI, 0, 1), {event}), 0);
            EXPECT_EQ(client.result(SET_IRQS, set_irqs(EVENTFD | TRIGGER, INTX, 0, 1), {event}), 0);
        }
        settle(client);
        EXPECT_EQ(open_descriptors(), connected_count + 2) << "the two eventfds; a mapping needs none";
        client.send_bytes(Peer::header(1, GET_INFO, 32, 0), std::vector<int>(30, event));
        EXPECT_TRUE(client.closed());
    }
    EXPECT_TRUE(eventually([&] { return open_descriptors() == before; }));
    for (int each : {event, memory, pipes[0], pipes[1]})
        close(each);
}

/* Clients that come and go */

TEST_F(VfioUserServer, ClientsMayDieAtAnyMoment)
{
    int memory = memory_file(0x4000), event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct Step {
        uint16_t command;
        Body body;
        std::vector<int> fds;
    };
    const std::vector<Step> steps = {
        {VERSION, version(0, 0, JSON), {}},
        {DMA_MAP, dma_map(0, 0x4000), {memory}},
        {GET_INFO, info(), {}},
        {GET_REGION_INFO, region_info(0), {}},
        {REGION_READ, access(7, 0, 256), {}},
        {SET_IRQS, set_irqs(EVENTFD | TRIGGER, INTX, 0, 1), {event}},
        {REGION_WRITE, access(7, 4, 2).u16(6), {}},
        {SET_IRQS, set_irqs(EVENTFD | TRIGGER, MSI, 0, 1), {event}},
        {REGION_WRITE, access(0, 0x100, 4).u32(1), {}},
        {REGION_READ, access(0, 0, 1 << 20), {}},
        {DMA_UNMAP, dma_unmap(0, 0x4000), {}},
    };
    unsigned before = open_descriptors(), resets = 0;
    for (size_t last = 0; last <= steps.size(); last++)
        for (int how : {0, 1, 2}) { // cleanly between two messages; in the next header; in the next body
            Peer client(path);
            ASSERT_GE(client.fd, 0);
            for (size_t i = 0; i < last; i++)
                ASSERT_EQ(client.result(steps[i].command, steps[i].body, steps[i].fds), 0) << "a client that died left something behind: step " << i;
            if (last < steps.size() && how > 0) {
                Bytes part = Peer::header(1, steps[last].command, static_cast<uint32_t>(16 + steps[last].body.bytes.size()), 0);
                part.resize(how == 1 ? 9 : 16);
                if (how == 2)
                    part.push_back(steps[last].body.bytes[0]);
                client.send_bytes(part, steps[last].fds);
            }
            client.disconnect();
            resets++;
        }
    EXPECT_TRUE(eventually([&] { return device.resets == resets; })) << "each of them left a device that was reset";
    EXPECT_TRUE(eventually([&] { return open_descriptors() == before; }));
    EXPECT_EQ(connected, 3 * steps.size());
    EXPECT_TRUE(eventually([&] { return left == connected; }));
    Peer client = attach();
    uint8_t byte;
    EXPECT_FALSE(device.dma_read(0, &byte, 1));
    EXPECT_EQ(device.config(4, 2), 0u);
    device.intx(true);
    EXPECT_EQ(events(event), 0u) << "of a client that is gone";
    close(memory);
    close(event);
}

TEST_F(VfioUserServer, ASecondClientIsTurnedAway)
{
    Peer first = attach(), second(path);
    EXPECT_TRUE(second.closed());
    EXPECT_TRUE(complained("a second client was turned away"));
    settle(first);
    EXPECT_EQ(device.resets, 0u);
    EXPECT_EQ(connected, 1u);
}

TEST_F(VfioUserServer, TheNextClientMayComeAtOnce)
{
    for (unsigned i = 0; i < 100; i++) {
        Peer client = attach();
        ASSERT_EQ(client.result(REGION_WRITE, access(0, 0, 4).u32(i)), 0) << i;
        if (i % 2)
            client.send(REGION_READ, access(0, 0, 1 << 20)); // and does not wait for the answer
    }
    EXPECT_FALSE(complained("turned away"));
}

TEST_F(VfioUserServer, WhoOnlyLooksIsNoClient)
{
    for (unsigned i = 0; i < 10; i++)
        Peer probe(path);
    attach();
    EXPECT_TRUE(eventually([&] { return left == 1; }));
    EXPECT_EQ(connected, 1u);
    EXPECT_EQ(complaint_count(), 0u);
}

/* The server's end */

TEST_F(VfioUserServer, MayEndWhileAClientIsThere)
{
    Peer client = attach();
    int fd = memory_file(0x1000);
    ASSERT_EQ(client.result(DMA_MAP, dma_map(0, 0x1000), {fd}), 0);
    close(fd);
    stop();
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(device.destroyed);
    EXPECT_EQ(left, 1u);
    EXPECT_NE(::access(path.c_str(), F_OK), 0) << "the socket is gone";
    Peer late(path);
    EXPECT_LT(late.fd, 0);
}

TEST_F(VfioUserServer, MayEndWhileAClientDoesNotReadItsReplies)
{
    for (bool half_closed : {false, true}) {
        Peer client = attach();
        device.take_accesses();
        for (unsigned i = 0; i < 100; i++)
            client.send(REGION_READ, access(0, 0, 1 << 20));
        EXPECT_TRUE(eventually([&] { return !device.take_accesses().empty(); }));
        if (half_closed)
            shutdown(client.fd, SHUT_WR);
        std::this_thread::sleep_for(std::chrono::milliseconds(20)); // the server is in the middle of an answer
        stop();
        EXPECT_TRUE(device.destroyed);
        if (!half_closed)
            start();
    }
}

/* The socket */

class VfioUserSocket : public Served {
  protected:
    // The error of a server that must not start.
    std::string failure(const std::string &where, int code = VMM_ERROR_CONFIG)
    {
        GError *error = nullptr;
        vfio_user_server_config c = config();
        c.path = where.c_str();
        server = vfio_user_server_create(&c, &error);
        EXPECT_EQ(server, nullptr);
        if (server)
            return "";
        EXPECT_FALSE(device.destroyed) << "it stays the caller's";
        EXPECT_EQ(error->domain, VMM_ERROR);
        EXPECT_EQ(error->code, code);
        std::string message = error->message;
        g_error_free(error);
        EXPECT_EQ(message.rfind("socket " + where + ": ", 0), 0u) << message;
        return message;
    }
};

TEST_F(VfioUserSocket, IsForItsOwnerOnly)
{
    mode_t before = umask(0);
    start();
    umask(before);
    struct stat st;
    ASSERT_EQ(lstat(path.c_str(), &st), 0);
    EXPECT_TRUE(S_ISSOCK(st.st_mode));
    EXPECT_EQ(st.st_mode & 07777, 0600u);
}

TEST_F(VfioUserSocket, TakesNobodysPlace)
{
    close(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    EXPECT_NE(failure(path).find("a file is there already"), std::string::npos);
    struct stat st;
    EXPECT_EQ(lstat(path.c_str(), &st), 0) << "it is left alone";
    unlink(path.c_str());
    ASSERT_EQ(symlink("/nowhere/at/all", path.c_str()), 0);
    EXPECT_NE(failure(path).find("a file is there already"), std::string::npos);
    unlink(path.c_str());
    EXPECT_NE(failure(folder).find("a file is there already"), std::string::npos) << "a folder";

    int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = address_of(path);
    ASSERT_EQ(bind(stale, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    ASSERT_EQ(listen(stale, 0), 0);
    Peer in_the_queue(path);
    EXPECT_NE(failure(path).find("another server listens there"), std::string::npos) << "it is only too busy";
    in_the_queue.disconnect();
    close(stale);
    EXPECT_NE(failure(path).find("left over from a server that is gone (rm " + path + ")"), std::string::npos);
    unlink(path.c_str());

    start();
    vfio_user_server *first = server;
    EXPECT_NE(failure(path).find("another server listens there"), std::string::npos);
    server = first;
    Peer client(path);
    EXPECT_EQ(client.result(VERSION, version(0, 0, JSON)), 0) << "the first one still serves";
}

TEST_F(VfioUserSocket, PathsThatCannotBe)
{
    EXPECT_NE(failure(folder + "/none/socket").find("No such file or directory"), std::string::npos);
    EXPECT_NE(failure(folder + "/" + std::string(108 - folder.size() - 1, 'x')).find("more than 107 bytes"), std::string::npos);
    EXPECT_NE(failure("").find("empty"), std::string::npos);
    path = folder + "/" + std::string(107 - folder.size() - 1, 'x');
    start();
    Peer client(path);
    EXPECT_EQ(client.result(VERSION, version(0, 0, JSON)), 0);
}

TEST_F(VfioUserSocket, OnlyItsOwnIsRemoved)
{
    start();
    unlink(path.c_str());
    close(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    stop();
    EXPECT_EQ(access(path.c_str(), F_OK), 0);
}

/* Random messages: nothing that a client says may crash or stop the server. */

class RandomClient {
  public:
    RandomClient(unsigned seed, Peer &peer) : random(seed), peer(peer)
    {
        files = {memory_file(0x10000), eventfd(0, EFD_CLOEXEC), open("/dev/null", O_RDWR | O_CLOEXEC), memory_file(UINT64_C(1) << 32)};
    }
    ~RandomClient()
    {
        for (int fd : files)
            close(fd);
    }
    void run(unsigned messages)
    {
        for (unsigned i = 0; i < messages && send_one(); i++)
            drain();
        if (below(2)) {
            EXPECT_EQ(ftruncate(files[0], static_cast<off_t>(below(17) << 12)), 0);
        }
        for (unsigned i = 0; i < 5 && send_one(); i++)
            drain();
    }

  private:
    std::mt19937_64 random;
    Peer &peer;
    std::vector<int> files;

    uint64_t below(uint64_t n) { return random() % n; }
    uint64_t number()
    {
        switch (below(8)) {
        case 0: return random();
        case 1: return UINT64_MAX - below(64);
        case 2: return below(16) << 12;
        case 3: return UINT64_C(1) << below(64);
        case 4: return (UINT64_C(1) << below(64)) - 1;
        default: return below(40);
        }
    }
    Body body(unsigned command)
    {
        Body b;
        switch (below(4) ? command : 0) { // mostly nearly right
        case DMA_MAP: return b.u32(32).u32(below(4)).u64(below(20) << 12).u64(below(64) << 12).u64(below(20) << 12);
        case DMA_UNMAP: return b.u32(24).u32(below(8) ? 0 : 2).u64(below(64) << 12).u64(below(20) << 12);
        case SET_IRQS: return b.u32(20).u32(number()).u32(below(6)).u32(below(3)).u32(below(3)).zeroes(below(3));
        case REGION_READ: return b.u64(number()).u32(below(10)).u32(below(16) ? below(300) : 1 << 20);
        case REGION_WRITE: {
            uint64_t count = below(300);
            return b.u64(number()).u32(below(10)).u32(count).zeroes(count);
        }
        case WRITE_MULTI: {
            uint64_t count = below(6);
            b.u64(below(8) ? count : number());
            for (uint64_t i = 0; i < count; i++)
                b.u64(number()).u32(below(10)).u32(below(10)).u64(random());
            return b;
        }
        default:
            for (uint64_t count = below(10); count > 0; count--)
                b.u32(number());
            return b.zeroes(below(4));
        }
    }
    bool send_one()
    {
        auto command = static_cast<uint16_t>(below(12) ? below(20) : random());
        Body b = body(command);
        auto size = static_cast<uint32_t>(16 + b.bytes.size());
        if (below(40) == 0)
            size = static_cast<uint32_t>(number()); // the stream is out of step from here on
        uint32_t flags = below(20) ? (below(4) ? 0 : unsigned{NO_REPLY}) : static_cast<uint32_t>(random());
        std::vector<int> fds;
        if (below(3) == 0)
            for (uint64_t count = below(12) ? 1 : below(40); count > 0; count--)
                fds.push_back(files[below(files.size())]);
        Bytes bytes = Peer::header(static_cast<uint16_t>(random()), command, size, flags);
        bytes.insert(bytes.end(), b.bytes.begin(), b.bytes.end());
        if (below(60) == 0)
            bytes.resize(below(bytes.size()));
        pollfd ready = {peer.fd, POLLOUT, 0};
        for (unsigned i = 0; i < 1000 && poll(&ready, 1, 10) == 0; i++)
            drain();
        return bytes.empty() || peer.send_bytes(bytes, fds);
    }
    void drain()
    {
        char rest[65536];
        while (recv(peer.fd, rest, sizeof(rest), MSG_DONTWAIT) > 0)
            ;
    }
};

TEST_F(VfioUserServer, RandomMessagesHurtNobody)
{
    device.when_read([&] { // a device that uses what it was given
        uint64_t word = 1;
        device.dma_read(word << 13, &word, 8);
        device.dma_write(word << 14, &word, 8);
        device.msi();
    });
    unsigned before = open_descriptors();
    for (unsigned seed = 0; seed < 300; seed++) {
        SCOPED_TRACE(seed);
        Peer client = attach();
        RandomClient(seed, client).run(60);
        client.disconnect();
        if (seed % 50 == 0) {
            Peer good = attach();
            int fd = memory_file(0x1000);
            EXPECT_EQ(good.result(DMA_MAP, dma_map(0x1000, 0x1000), {fd}), 0);
            close(fd);
            EXPECT_EQ(write_region(good, 0, 0x40, {1, 2, 3, 4}), 0);
            EXPECT_EQ(read_region(good, 0, 0x40, 4), (Bytes{1, 2, 3, 4}));
        }
    }
    settle(*std::make_unique<Peer>(attach()));
    EXPECT_TRUE(eventually([&] { return open_descriptors() == before; }));
}

} // namespace
