// SPDX-License-Identifier: GPL-2.0-or-later
// The OpRegion as a driver reads it, by a parser of its own: it shares no structure with gpu/blocks/opregion.c and vbt.c, walks by the sizes that the tables
// name and knows child devices of several versions. Offsets from Linux 6.1 i915 intel_opregion.c, intel_vbt_defs.h, intel_bios.c.
#include "display_fixture.h"

#include "gpu/blocks/opregion.h"
#include "gpu/blocks/vbt.h"
#include "gpu/pci/dma.h"
#include "gpu/pci/pci_device.h"

#include <map>
#include <string>

namespace {

using Bytes = std::vector<uint8_t>;

uint32_t get(const Bytes &bytes, size_t offset, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= uint32_t(bytes.at(offset + i)) << 8 * i;
    return value;
}

std::string text(const Bytes &bytes, size_t offset, size_t size) { return std::string(bytes.begin() + offset, bytes.begin() + offset + size); }

struct Child {
    unsigned handle, type, port_number, ddc_pin, supports, aux, capabilities, level, rate;
    bool dp() const { return type & 1 << 2; }
    bool hdmi() const { return (type & 1 << 4) && !(type & 1 << 11); }
    // One socket for both, as i915 tells (intel_bios_encoder_supports_dp_dual_mode): HDMI behind an adapter then, and slow.
    bool dual_mode() const { return dp() && hdmi() && ((port_number >= 7 && port_number <= 11) || aux != 0); }
    bool internal() const { return type & 1 << 12; }
    // Of the two numbers that each port has.
    char port() const
    {
        static const std::map<unsigned, char> names = {{0, 'A'}, {1, 'B'}, {2, 'C'}, {3, 'D'}, {7, 'B'}, {8, 'C'}, {9, 'D'}, {10, 'A'}, {11, 'E'}, {12, 'E'}};
        auto it = names.find(port_number);
        return it == names.end() ? '?' : it->second;
    }
};

struct Vbt {
    unsigned size = 0, version = 0;
    std::map<unsigned, Bytes> blocks;
    std::vector<Child> children;
};

// The length of a child device by the version of the table.
unsigned child_size(unsigned version)
{
    return version < 195 ? 33 : version == 195 ? 37 : version <= 215 ? 38 : version <= 237 ? 39 : 0;
}

void parse(const Bytes &bytes, Vbt &vbt)
{
    ASSERT_EQ(text(bytes, 0, 4), "$VBT");
    for (size_t i = 4; i < 20; i++)
        EXPECT_TRUE(isprint(bytes[i])) << "byte " << i << " of the signature";
    EXPECT_EQ(get(bytes, 22, 2), 48u) << "the header's size";
    vbt.size = get(bytes, 24, 2);
    ASSERT_LE(vbt.size, bytes.size());
    unsigned sum = 0;
    for (size_t i = 0; i < vbt.size; i++)
        sum += bytes[i];
    EXPECT_EQ(sum & 0xff, 0u) << "the check sum";
    size_t bdb = get(bytes, 28, 4);
    ASSERT_LE(bdb + 22, vbt.size);
    for (size_t i = 0; i < 4; i++)
        EXPECT_EQ(get(bytes, 32 + 4 * i, 4), 0u) << "add-in module " << i;
    ASSERT_EQ(text(bytes, bdb, 16), "BIOS_DATA_BLOCK ");
    vbt.version = get(bytes, bdb + 16, 2);
    size_t at = bdb + get(bytes, bdb + 18, 2), end = bdb + get(bytes, bdb + 20, 2);
    ASSERT_EQ(end, vbt.size) << "the blocks fill the table";
    while (at < end) {
        ASSERT_LE(at + 3, end);
        unsigned id = bytes[at], size = get(bytes, at + 1, 2);
        at += 3;
        ASSERT_LE(at + size, end) << "block " << id;
        EXPECT_EQ(vbt.blocks.count(id), 0u) << "block " << id << " is there twice";
        vbt.blocks[id] = Bytes(bytes.begin() + at, bytes.begin() + at + size);
        at += size;
    }
    ASSERT_EQ(vbt.blocks.count(2), 1u);
    const Bytes &definitions = vbt.blocks[2];
    ASSERT_GE(definitions.size(), 5u);
    unsigned length = definitions[4];
    ASSERT_EQ(length, child_size(vbt.version)) << "for version " << vbt.version;
    ASSERT_EQ((definitions.size() - 5) % length, 0u);
    for (size_t child = 5; child < definitions.size(); child += length)
        vbt.children.push_back({.handle = get(definitions, child, 2),
                                .type = get(definitions, child + 2, 2),
                                .port_number = definitions[child + 16],
                                .ddc_pin = definitions[child + 19],
                                .supports = definitions[child + 24],
                                .aux = definitions[child + 25],
                                .capabilities = definitions[child + 27],
                                .level = definitions[child + 7] & 0x1fu,
                                .rate = definitions[child + 7] / 32u});
}

Vbt table(const display_wiring &wiring)
{
    Bytes bytes(VBT_MAX_SIZE, 0);
    Vbt vbt;
    EXPECT_LE(vbt_write(bytes.data(), &wiring), bytes.size());
    parse(bytes, vbt);
    return vbt;
}

Bytes region()
{
    Bytes bytes(OPREGION_SIZE, 0xa5);
    opregion_fill(bytes.data(), &display_board);
    return bytes;
}

TEST(Opregion, AnnouncesTheMailboxesThatItHas)
{
    Bytes bytes = region();

    EXPECT_EQ(text(bytes, 0, 16), "IntelGraphicsMem");
    EXPECT_EQ(get(bytes, 16, 4), 8u) << "KiB";
    EXPECT_EQ(bytes[23], 2u) << "major version";
    unsigned mailboxes = get(bytes, 88, 4);
    EXPECT_EQ(mailboxes, 0x9u) << "ACPI and VBT; no software SCI and no ASLE, which would need firmware that runs";
    EXPECT_EQ(get(bytes, 0x1ac, 4), 3u) << "the lid is open";
    for (size_t i = 0x200; i < 0x400; i++)
        ASSERT_EQ(bytes[i], 0u) << "mailbox 2 or 3, offset " << i;
    Vbt vbt;
    parse(Bytes(bytes.begin() + 0x400, bytes.begin() + 0x1c00), vbt);
    for (size_t i = 0x400 + vbt.size; i < OPREGION_SIZE; i++)
        ASSERT_EQ(bytes[i], 0u) << "offset " << i;
}

TEST(Opregion, FillsEveryByte)
{
    Bytes ones(OPREGION_SIZE, 0xff), zeros(OPREGION_SIZE, 0);
    opregion_fill(ones.data(), &display_board);
    opregion_fill(zeros.data(), &display_board);
    EXPECT_EQ(ones, zeros);
}

TEST(Vbt, HasNoAnalogOutputsAndNoPanel)
{
    Vbt vbt = table(display_board);
    ASSERT_EQ(vbt.blocks.count(1), 1u);
    ASSERT_EQ(vbt.blocks[1].size(), 5u) << "general features before version 242";
    EXPECT_EQ(vbt.blocks[1][4] & 3, 0u) << "neither CRT nor TV";
    EXPECT_EQ(vbt.blocks.size(), 2u);
    for (const Child &child : vbt.children)
        EXPECT_FALSE(child.internal());
}

// Child devices against what the display itself does: straps, AUX channels and GMBUS pins that answer.
class WiredPort : public DisplayFixture {
  protected:
    // Does an EDID's address answer at the pin?
    bool Answers(unsigned pin)
    {
        Write(R_PCH_GMBUS0, pin);
        Write(R_PCH_GMBUS1, 1u << 30 | 1 << 25 | 1 << 16 | 0x50 << 1 | 1); // software ready, one byte, wait, read
        return !(Read(R_PCH_GMBUS2) & 1 << 10);
    }
};

TEST_F(WiredPort, ChildDevicesAreThePortsOfTheStraps)
{
    Vbt vbt = table(display_board);
    uint32_t strap = Read(R_SFUSE_STRAP);
    std::map<char, unsigned> seen;

    for (const Child &child : vbt.children) {
        seen[child.port()]++;
        EXPECT_TRUE(child.capabilities & 1 << 5) << "the encoder is the GPU's own";
    }
    EXPECT_EQ(seen['A'], 0u);
    EXPECT_EQ(seen['B'], strap >> 2 & 1);
    EXPECT_EQ(seen['C'], strap >> 1 & 1);
    EXPECT_EQ(seen['D'], strap & 1);
    EXPECT_EQ(vbt.children.size(), 3u);
}

TEST_F(WiredPort, HdmiMonitorsAnswerAtTheDdcPin)
{
    for (const Child &child : table(display_board).children) {
        ASSERT_TRUE(child.hdmi());
        EXPECT_FALSE(child.dual_mode());
        EXPECT_EQ(child.supports & 5, 5u);
        EXPECT_EQ(child.rate, 0u) << "no limit but the platform's";
        Create(display_port(child.port() - 'A'), DISPLAY_MONITOR_HDMI, 1024, 768);
        EXPECT_TRUE(Answers(child.ddc_pin)) << child.port();
        Create(child.port() == 'B' ? DISPLAY_PORT_C : DISPLAY_PORT_B, DISPLAY_MONITOR_HDMI, 1024, 768);
        EXPECT_FALSE(Answers(child.ddc_pin)) << child.port();
    }
}

TEST_F(WiredPort, DisplayPortMonitorsAnswerAtTheAuxChannel)
{
    std::vector<Child> children = table(display_board).children;
    for (const Child &child : table({~0u, 0}).children) // the same without HDMI, which then names the channels
        children.push_back(child);
    ASSERT_EQ(children.size(), 7u);
    for (const Child &child : children) {
        // The VBT's number: register block. Without a number it is the port's own.
        const std::map<unsigned, unsigned> channels = {{0, child.port() - 'A'}, {0x40, 0}, {0x10, 1}, {0x20, 2}, {0x30, 3}};
        ASSERT_TRUE(child.dp());
        EXPECT_TRUE(child.supports & 2);
        EXPECT_EQ(child.aux == 0, child.hdmi());
        ASSERT_EQ(channels.count(child.aux), 1u) << child.aux;
        uint32_t control = R_DP_AUX_CH_CTL + channels.at(child.aux) * 0x100;
        for (bool here : {true, false}) {
            display_port port = display_port(child.port() - 'A');
            Create(here ? port : port == DISPLAY_PORT_B ? DISPLAY_PORT_C : DISPLAY_PORT_B, DISPLAY_MONITOR_DP, 1024, 768);
            Write(control + 4, 0x90000000);            // native read of the DPCD at 0
            Write(control, 1u << 31 | 1 << 30 | 4 << 20); // send 4 bytes; done is cleared
            EXPECT_EQ(!(Read(control) & 1 << 28), here) << "time-out at port " << child.port();
        }
    }
}

TEST(Vbt, FollowsTheWiring)
{
    display_wiring wiring = {.dp = 1 << DISPLAY_PORT_A | 1 << DISPLAY_PORT_C, .hdmi = 1 << DISPLAY_PORT_B};
    std::map<char, Child> by_port;

    Vbt vbt = table(wiring);
    for (const Child &child : vbt.children)
        by_port[child.port()] = child;
    ASSERT_EQ(vbt.children.size(), 3u);
    ASSERT_EQ(by_port.size(), 3u);
    EXPECT_TRUE(by_port['A'].dp() && !by_port['A'].hdmi());
    EXPECT_TRUE(by_port['C'].dp() && !by_port['C'].hdmi());
    EXPECT_TRUE(!by_port['B'].dp() && by_port['B'].hdmi());
    EXPECT_EQ(by_port['A'].aux, 0x40u);
    EXPECT_EQ(by_port['B'].port_number, 1u);
    EXPECT_EQ(by_port['B'].aux, 0u);
    EXPECT_EQ(by_port['C'].port_number, 8u);
    EXPECT_EQ(by_port['C'].ddc_pin, 0u);

    EXPECT_TRUE(table({0, 0}).children.empty());
    EXPECT_EQ(table({~0u, ~0u}).children.size(), 4u) << "port E has no AUX channel of its own";
    for (const Child &child : table({~0u, ~0u}).children)
        EXPECT_EQ(child.hdmi(), child.port() != 'A');
}

TEST(Vbt, HandlesDiffer)
{
    std::map<unsigned, unsigned> handles;
    for (const Child &child : table({~0u, ~0u}).children) {
        EXPECT_EQ(handles[child.handle]++, 0u);
        EXPECT_NE(child.handle, 0u);
    }
}

// What firmware does with it, at a GPU that is nothing but configuration space.
class OpregionInstall : public testing::Test {
  protected:
    static constexpr uint64_t kBase = 0xe0000, kSize = 0x4000;
    Bytes memory = Bytes(kSize, 0x5a);
    dma_space *dma = dma_space_create("guest");
    pci_device gpu = {};
    pci_device_ops ops = {};

    void SetUp() override
    {
        ASSERT_TRUE(dma_space_map(dma, kBase, kSize, memory.data(), DMA_RW, nullptr));
        pci_identity id = {};
        id.vendor = 0x8086;
        id.class_code = 0x030000;
        pci_config_init(&gpu.config, &id);
        pci_config_set_writable(&gpu.config, 0xfc, 4, 0xffffffff);
        ops.config_read = [](pci_device *dev, unsigned offset, unsigned size) { return pci_config_read(&dev->config, offset, size); };
        ops.config_write = [](pci_device *dev, unsigned offset, unsigned size, uint32_t value) { pci_config_write(&dev->config, offset, size, value); };
        gpu.ops = &ops;
    }
    ~OpregionInstall() override { dma_space_unref(dma); }
    uint32_t asls() { return pci_config_get(&gpu.config, 0xfc, 4); }
};

TEST_F(OpregionInstall, WritesTheBytesAndTheirAddress)
{
    ASSERT_TRUE(opregion_install(&gpu, dma, kBase + 0x1000));
    EXPECT_EQ(asls(), kBase + 0x1000);
    EXPECT_EQ(Bytes(memory.begin() + 0x1000, memory.begin() + 0x3000), region());
    EXPECT_EQ(Bytes(memory.begin(), memory.begin() + 0x1000), Bytes(0x1000, 0x5a));
    EXPECT_EQ(Bytes(memory.begin() + 0x3000, memory.end()), Bytes(0x1000, 0x5a));
}

TEST_F(OpregionInstall, RefusesAddressesThatTheRegisterOrTheMemoryCannotHave)
{
    for (uint64_t gpa : {uint64_t(0), kBase + 16, kBase + kSize, kBase + kSize - 4096, kBase - 4096, kBase + (uint64_t(1) << 32)}) {
        EXPECT_FALSE(opregion_install(&gpu, dma, gpa)) << std::hex << gpa;
        EXPECT_EQ(asls(), 0u);
    }
}

TEST_F(OpregionInstall, LeavesOtherFunctionsAlone)
{
    pci_config_set(&gpu.config, PCI_REG_CLASS, 2, 0x0200);
    pci_config_set(&gpu.config, PCI_REG_CLASS + 2, 1, 0x02); // a network card, at a vfio-user server perhaps
    EXPECT_FALSE(opregion_install(&gpu, dma, kBase));
    pci_config_set(&gpu.config, PCI_REG_CLASS + 2, 1, 0x03);
    pci_config_set(&gpu.config, PCI_REG_VENDOR, 2, 0x1af4);
    EXPECT_FALSE(opregion_install(&gpu, dma, kBase));
    EXPECT_EQ(asls(), 0u);
    EXPECT_EQ(memory, Bytes(kSize, 0x5a));
}

TEST_F(OpregionInstall, RefusesFunctionsWithoutTheRegister)
{
    memset(gpu.config.writable + 0xfc, 0, 4);
    EXPECT_FALSE(opregion_install(&gpu, dma, kBase));
}

} // namespace
