// SPDX-License-Identifier: GPL-2.0-or-later
// The firmware tables as an operating system finds them: by searching and following pointers. What the DSDT says is judged by ACPICA's own tools
// here too; the tables here are read by offsets of the specifications.
#include "vmm/firmware/aml.h"
#include "vmm/firmware/firmware.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

class Firmware : public testing::Test {
protected:
    std::vector<uint8_t> area = std::vector<uint8_t>(FIRMWARE_END - FIRMWARE_START);
    uint64_t rsdp = 0;

    void fill(unsigned vcpus, uint64_t low = 0x80000000, uint64_t high = 0x40000000)
    {
        std::fill(area.begin(), area.end(), 0);
        const firmware_config config = {"web", vcpus, low, high, 0x140000000, 0x1000000000};
        rsdp = firmware_fill(&config, area.data());
    }
    template <typename T> T at(uint64_t address) const
    {
        T value = 0;
        if (address >= FIRMWARE_START && address + sizeof(T) <= FIRMWARE_END)
            std::memcpy(&value, &area[address - FIRMWARE_START], sizeof(T));
        else
            ADD_FAILURE() << std::hex << address << " is outside";
        return value;
    }
    std::string text(uint64_t address, size_t length) const { return std::string(reinterpret_cast<const char *>(&area[address - FIRMWARE_START]), length); }
    uint8_t sum(uint64_t address, size_t length) const
    {
        uint8_t total = 0;
        for (size_t i = 0; i < length; i++)
            total += at<uint8_t>(address + i);
        return total;
    }
    uint64_t find(const char *signature) const
    {
        for (uint64_t address = FIRMWARE_START; address < FIRMWARE_END; address += 16)
            if (text(address, std::strlen(signature)) == signature)
                return address;
        return 0;
    }
    std::map<std::string, uint64_t> tables() const
    {
        std::map<std::string, uint64_t> found;
        const uint64_t xsdt = at<uint64_t>(rsdp + 24);
        for (uint64_t entry = xsdt + 36; entry < xsdt + at<uint32_t>(xsdt + 4); entry += 8)
            found[text(at<uint64_t>(entry), 4)] = at<uint64_t>(entry);
        found["XSDT"] = xsdt;
        found["DSDT"] = at<uint64_t>(found["FACP"] + 140);
        return found;
    }
};

TEST_F(Firmware, TablesAreFoundAndAddUp)
{
    for (unsigned vcpus : {1u, 2u, 64u, 254u}) {
        fill(vcpus);
        ASSERT_NE(rsdp, 0u) << vcpus;
        EXPECT_EQ(find("RSD PTR "), rsdp);
        EXPECT_EQ(sum(rsdp, 20), 0);
        EXPECT_EQ(sum(rsdp, 36), 0);
        const auto found = tables();
        EXPECT_EQ(found.size(), 5u);
        for (const auto &[name, address] : found) {
            EXPECT_EQ(text(address, 4), name);
            EXPECT_EQ(sum(address, at<uint32_t>(address + 4)), 0) << name;
        }
    }
    fill(255);
    EXPECT_EQ(rsdp, 0u);
}

TEST_F(Firmware, FadtDescribesThePowerBlock)
{
    fill(1);
    const uint64_t fadt = tables()["FACP"];
    EXPECT_EQ(at<uint32_t>(fadt + 4), 276u);
    EXPECT_EQ(at<uint16_t>(fadt + 46), 9) << "SCI";
    EXPECT_EQ(at<uint32_t>(fadt + 48), 0u) << "no SMI command: always in ACPI mode";
    EXPECT_EQ(at<uint32_t>(fadt + 56), 0x600u);
    EXPECT_EQ(at<uint32_t>(fadt + 64), 0x604u);
    EXPECT_EQ(at<uint32_t>(fadt + 76), 0x608u);
    EXPECT_EQ(at<uint8_t>(fadt + 88), 4);
    EXPECT_EQ(at<uint8_t>(fadt + 89), 2);
    EXPECT_EQ(at<uint8_t>(fadt + 91), 4);
    EXPECT_EQ(at<uint32_t>(fadt + 80), 0x60cu) << "general-purpose events";
    EXPECT_EQ(at<uint8_t>(fadt + 92), 4);
    EXPECT_EQ(at<uint64_t>(fadt + 224), 0x60cu);
    EXPECT_EQ(at<uint8_t>(fadt + 108), 0x32) << "century";
    EXPECT_EQ(at<uint16_t>(fadt + 109) & 2, 0) << "no 8042";
    EXPECT_EQ(at<uint32_t>(fadt + 112) & 0x30, 0x20u) << "a power button, no sleep button";
    EXPECT_EQ(at<uint8_t>(fadt + 116), 1) << "the reset register is I/O";
    EXPECT_EQ(at<uint64_t>(fadt + 120), 0xcf9u);
    EXPECT_EQ(at<uint8_t>(fadt + 128), 6);
    EXPECT_EQ(at<uint64_t>(fadt + 152), 0x600u);
    EXPECT_EQ(at<uint64_t>(fadt + 176), 0x604u);
    const uint64_t facs = at<uint32_t>(fadt + 36);
    EXPECT_EQ(text(facs, 4), "FACS");
    EXPECT_EQ(facs % 64, 0u);
    EXPECT_EQ(at<uint32_t>(facs + 4), 64u);
}

TEST_F(Firmware, MadtListsProcessorsAndOverrides)
{
    fill(3);
    const uint64_t madt = tables()["APIC"], end = madt + at<uint32_t>(madt + 4);
    EXPECT_EQ(at<uint32_t>(madt + 36), 0xfee00000u);
    std::vector<unsigned> apics;
    std::map<unsigned, unsigned> overrides;
    unsigned io_apics = 0;
    for (uint64_t entry = madt + 44; entry < end; entry += at<uint8_t>(entry + 1)) {
        ASSERT_GE(at<uint8_t>(entry + 1), 6);
        switch (at<uint8_t>(entry)) {
        case 0:
            EXPECT_EQ(at<uint32_t>(entry + 4), 1u);
            apics.push_back(at<uint8_t>(entry + 3));
            break;
        case 1:
            EXPECT_EQ(at<uint32_t>(entry + 4), 0xfec00000u);
            io_apics++;
            break;
        case 2:
            EXPECT_EQ(at<uint32_t>(entry + 4), at<uint8_t>(entry + 3));
            overrides[at<uint8_t>(entry + 3)] = at<uint16_t>(entry + 8);
            break;
        }
    }
    EXPECT_EQ(apics, (std::vector<unsigned>{0, 1, 2}));
    EXPECT_EQ(io_apics, 1u);
    EXPECT_EQ(overrides, (std::map<unsigned, unsigned>{{9, 0xd}, {11, 0xf}}));
    const uint64_t mcfg = tables()["MCFG"];
    EXPECT_EQ(at<uint64_t>(mcfg + 44), 0xb0000000u);
    EXPECT_EQ(at<uint8_t>(mcfg + 55), 255);
}

/* ACPICA is what Linux has in it. It runs the tables, prints what the objects mean, and compiles again what its disassembler made of them. */
TEST_F(Firmware, AcpicaUnderstandsTheTables)
{
    fill(2);
    char dir[] = "/tmp/mediant-acpi-XXXXXX";
    ASSERT_TRUE(mkdtemp(dir));
    for (const auto &[name, address] : tables())
        if (name != "XSDT")
            g_file_set_contents((std::string(dir) + "/" + name + ".dat").c_str(), text(address, at<uint32_t>(address + 4)).data(),
                                at<uint32_t>(address + 4), nullptr);
    auto run = [&](const std::string &command) {
        g_autofree char *out = nullptr;
        g_autofree char *err = nullptr;
        const std::string line = "cd " + std::string(dir) + " && " + command;
        const char *argv[] = {"/bin/sh", "-c", line.c_str(), nullptr};
        g_spawn_sync(nullptr, const_cast<char **>(argv), nullptr, G_SPAWN_DEFAULT, nullptr, nullptr, &out, &err, nullptr, nullptr);
        return std::string(out ? out : "") + (err ? err : "");
    };
    const std::string compiled = run("iasl -d DSDT.dat && iasl DSDT.dsl");
    EXPECT_NE(compiled.find("Compilation successful. 0 Errors, 0 Warnings"), std::string::npos) << compiled;
    const std::string executed = run("acpiexec -b 'evaluate \\_S5; resources \\_SB.PCI0; resources \\_SB.PCI0.ISA.COM1; resources \\_SB.MBRD; "
                                     "evaluate \\_SB.CP01._UID; evaluate \\_SB.PCI0._PRT' DSDT.dat FACP.dat APIC.dat MCFG.dat");
    for (const char *part : {"Evaluation of \\_S5 returned object", "[Package] Contains 4 Elements", "Bus Number Range", "Address Maximum : 0CF7",
                             "Address Minimum : C0000000", "Address Maximum : FEBFFFFF", "Address Maximum : 0000000FFFFFFFFF",
                             "Address Length : 0000000EC0000000", "Device: \\_SB.PCI0.ISA.COM1", "Address Minimum : 03F8", "32-Bit Fixed Memory Range Resource",
                             "Address : B0000000", "Address : FED10000", "Address : 00000000001FFFFF", "Source Index : 0000000B"})
        EXPECT_NE(executed.find(part), std::string::npos) << part << " in " << executed;
    const std::string slot = run("acpiexec -b 'evaluate \\_SB.PCI0.GFX0._ADR; evaluate \\_SB.PCI0.GFX0._SUN; evaluate \\_SB.PCI0.GFX0._EJ0 1; "
                                 "evaluate \\_SB.PCI0.GFX0._OST 3 0x82 0; evaluate \\_SB.PCI0.HPSL; evaluate \\_SB.PCI0.HPRE; evaluate \\_SB.PCI0.HPRS; "
                                 "evaluate \\_SB.PCI0.HPEJ; namespace' DSDT.dat FACP.dat APIC.dat MCFG.dat");
    for (const char *part : {"0000000000020000", "No object was returned from evaluation of \\_SB.PCI0.GFX0._EJ0",
                             "[Integer] = 0000000000000082", "HPOS Method", "_E01 Method", "HPEV Method"})
        EXPECT_NE(slot.find(part), std::string::npos) << part << " in " << slot;
    run("rm -r " + std::string(dir));
}

TEST_F(Firmware, SmbiosNamesTheMachine)
{
    fill(3);
    const uint64_t entry = find("_SM3_");
    ASSERT_GE(entry, 0xf0000u) << "Linux searches from there";
    EXPECT_EQ(sum(entry, 24), 0);
    const uint64_t start = at<uint64_t>(entry + 16), end = start + at<uint32_t>(entry + 12);
    std::map<unsigned, std::vector<std::string>> strings;
    std::map<unsigned, uint64_t> where;
    unsigned last = 0;
    for (uint64_t s = start; s < end;) {
        last = at<uint8_t>(s);
        where[last] = s;
        s += at<uint8_t>(s + 1);
        if (at<uint16_t>(s) == 0) {
            s += 2;
            continue;
        }
        while (at<uint8_t>(s)) {
            strings[last].push_back(reinterpret_cast<const char *>(&area[s - FIRMWARE_START]));
            s += strings[last].back().size() + 1;
        }
        s++;
    }
    EXPECT_EQ(last, 127u);
    ASSERT_EQ(strings[1].size(), 5u);
    EXPECT_EQ(strings[1][0], "Mediant");
    EXPECT_EQ(strings[1][3], "web");
    EXPECT_EQ(at<uint8_t>(where[0] + 19) & 16, 16) << "says that it is a virtual machine";
    EXPECT_EQ(at<uint8_t>(where[1] + 8 + 7) >> 4, 5) << "version of the UUID, which is stored with its first fields swapped";
    EXPECT_EQ(at<uint16_t>(where[17] + 12), 3072) << "MiB";
    EXPECT_EQ(at<uint32_t>(where[19] + 4), 0x100000000u >> 10) << "the second range";
    EXPECT_EQ(at<uint8_t>(where[4] + 35), 3);

    const auto uuid = text(where[1] + 8, 16);
    fill(1, 0x80000000, uint64_t(6) << 40);
    EXPECT_EQ(text(where[1] + 8, 16), uuid) << "made from the name";
    EXPECT_EQ(at<uint16_t>(where[17] + 12), 0x7fff) << "the size is in the wide field";
}

/* Lengths on both sides of each step of the encoding, decoded here by the rule of ACPI 6.4, 20.2.4. */
TEST(Aml, PackageLengthsDecode)
{
    for (size_t contents : {0, 1, 56, 57, 58, 59, 60, 61, 4080, 4087, 4088, 4089, 4090, 70000, 1048560, 1048570}) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        aml a = {};
        a.bytes = bytes;
        aml_open_scope(&a, "_SB_");
        const std::vector<uint8_t> filler(contents, 0xa3);
        g_byte_array_append(bytes, filler.data(), filler.size());
        aml_end(&a);
        const unsigned more = bytes->data[1] >> 6;
        size_t length = bytes->data[1] & (more ? 15 : 63);
        for (unsigned i = 0; i < more; i++)
            length |= size_t(bytes->data[2 + i]) << (4 + 8 * i);
        EXPECT_EQ(length, bytes->len - 1) << contents;
        EXPECT_EQ(bytes->data[2 + more], '\\') << contents;
    }
}

} // namespace
