// SPDX-License-Identifier: GPL-2.0-or-later
// The keys of monitors, screens and keyboards: what is taken, and every message that a bad one gets.
#include "config_fixture.h"
#include "gpu/blocks/edid.h"

namespace {

class DisplayConfig : public Config {};

TEST_F(DisplayConfig, MonitorsAndTheirModes)
{
    const std::string vm = "[vm a]\nimage = guest.elf\ngpu = i915-GVTg_V5_8\n", prefix = "test.ini: [vm a] ";
    EXPECT_EQ(message(vm + "mode = 1024x768\n"), "");
    EXPECT_EQ(message(vm + "mode = 800x600@75\n"), "");
    EXPECT_EQ(message("[vm a]\nimage = guest.elf\ngpu = passthrough\nmode = 3840x2160\n"), "");
    for (const char *bad : {"1024", "x", "1024x", "x768", "1024x768@", "1024x768@60Hz", "1024x768x3", "-1x5", "99999999999999999999x1"})
        EXPECT_EQ(message(vm + "mode = " + bad + "\n"), prefix + "mode: \"" + bad + "\" is not a mode (try 1920x1080 or 1920x1080@60)");
    EXPECT_EQ(message(vm + "mode = 1280x1024\n"),
              prefix + "mode: 1280x1024 is more than the 1024x768 of i915-GVTg_V5_8 (try mode = 1024x768, or another type)");
    EXPECT_EQ(message(vm + "mode = 320x200\n"),
              prefix + "mode: no monitor can have it: 640x480 to 4095x4095, 24 to 240 Hz, 655 MHz (try 1920x1080@60)");
    EXPECT_EQ(message(vm + "mode = 1024x768@23\n"),
              prefix + "mode: no monitor can have it: 640x480 to 4095x4095, 24 to 240 Hz, 655 MHz (try 1920x1080@60)");
    EXPECT_EQ(message("[vm a]\nimage = guest.elf\ngpu = passthrough\nmode = 3840x2160\nmonitor = hdmi\n"),
              prefix + "mode: its pixel clock, 533 MHz, is more than the 300 MHz of this GPU's HDMI (try monitor = dp)");
    EXPECT_EQ(message("[vm a]\nimage = guest.elf\nmode = 1024x768\n"),
              prefix + "mode: there is no monitor of this process (a served vGPU has it where it is served)");
    EXPECT_EQ(message("[vgpu a]\ntype = i915-GVTg_V5_8\nmode = 1x1\n").substr(0, 24), "test.ini: [vgpu a] mode:");
}

TEST_F(DisplayConfig, EdidsOfFiles)
{
    const std::string vm = "[vm a]\nimage = guest.elf\ngpu = i915-GVTg_V5_8\nedid = monitor.edid\n", prefix = "test.ini: [vm a] edid: ";
    uint8_t edid[EDID_SIZE];
    auto put = [&](size_t bytes) { write("monitor.edid", std::string(reinterpret_cast<char *>(edid), bytes)); };
    EXPECT_EQ(message(vm), prefix + "monitor.edid: No such file or directory");
    ASSERT_TRUE(edid_build(edid, 800, 600, 75, EDID_INTERFACE_DP));
    put(128);
    EXPECT_EQ(message(vm), "");
    EXPECT_EQ(message(vm + "mode = 800x600\n"), prefix + "there is a mode already (remove one)");
    put(100);
    EXPECT_EQ(message(vm), prefix + "monitor.edid: it has neither 128 nor 256 bytes (one block, or one and an extension)");
    write("monitor.edid", std::string(100000, 'x'));
    EXPECT_EQ(message(vm), prefix + "monitor.edid: it has neither 128 nor 256 bytes (one block, or one and an extension)");
    edid[60] ^= 1;
    put(128);
    EXPECT_EQ(message(vm), prefix + "monitor.edid: its checksum is wrong");
    ASSERT_TRUE(edid_build(edid, 1920, 1080, 60, EDID_INTERFACE_DP));
    put(128);
    EXPECT_EQ(message(vm), prefix + "1920x1080 is more than the 1024x768 of i915-GVTg_V5_8 (try mode = 1024x768, or another type)");
    std::filesystem::remove(dir / "monitor.edid");
    std::filesystem::create_directory(dir / "monitor.edid");
    EXPECT_EQ(message(vm), prefix + "monitor.edid: Is a directory");
}

TEST_F(DisplayConfig, ScreensByVnc)
{
    const std::string head = "[vm a]\nimage = guest.elf\n", vm = head + "gpu = i915-GVTg_V5_8\n", prefix = "test.ini: [vm a] ";
    for (const char *good : {"5900", ":0", ":59635", "127.0.0.1:5900", "127.1.2.3:1", "[::1]:65535", "unix:a.sock", "unix:/run/a.sock"})
        EXPECT_EQ(message(vm + "vnc = " + good + "\n"), "") << good;
    for (const char *bad : {"0", "65536", ":59636", ":", "localhost:5900", "::1:5900", "[::1]", "[::1]:0", "127.0.0.1", "127.0.0.1:", "[127.0.0.1]:5", "5900x", "-1"})
        EXPECT_EQ(message(vm + "vnc = " + bad + "\n"),
                  prefix + "vnc: \"" + bad + "\" is neither a port, nor a numeric address and a port, nor unix: and a path (try 5900)");
    EXPECT_EQ(message(vm + "vnc = unix:\n"), prefix + "vnc: \"unix:\" lacks the path (try unix:/run/mediant/alpha.vnc)");
    EXPECT_NE(message(vm + "vnc = unix:" + std::string(200, 'x') + "\n").find("more bytes than a socket's path can have"), std::string::npos);
    EXPECT_EQ(message(vm + "vnc = 0.0.0.0:5900\n"),
              prefix + "vnc: 0.0.0.0:5900 lets in whoever reaches it (try vnc_password = FILE, or vnc = 5900 for this host only)");
    EXPECT_NE(message(head + "vnc = 5900\n").find("vnc: there is no GPU of this process to show"), std::string::npos);
    EXPECT_NE(message(head + "gpu = vfio-user:a.sock\nvnc = 5900\n").find("vnc: there is no GPU of this process to show"), std::string::npos);
    EXPECT_EQ(message(vm + "vnc = :1\n[vm b]\nimage = guest.elf\ngpu = i915-GVTg_V5_8\nvnc = 127.0.0.1:5901\n"),
              "test.ini: [vm b] vnc: 127.0.0.1:5901 is [vm a]'s already (try another port)");
    EXPECT_EQ(message(vm + "vnc = 5900\nkeymap = nowhere\n"),
              prefix + "keymap: \"nowhere\" is no keyboard layout that XKB knows (try us; localectl list-x11-keymap-layouts lists them)");
    EXPECT_EQ(message(vm + "vnc = 5900\nkeymap = de(nodeadkeys)\n"), "");
    EXPECT_EQ(message(vm + "input = maybe\n"), prefix + "input: \"maybe\" is not one of auto, yes, no (try yes)");
}

TEST_F(DisplayConfig, PasswordsOfScreens)
{
    const std::string vm = "[vm a]\nimage = guest.elf\ngpu = i915-GVTg_V5_8\nvnc_password = pw\n", with = vm + "vnc = 0.0.0.0:5900\n",
                      prefix = "test.ini: [vm a] vnc_password: ";
    EXPECT_EQ(message(vm), prefix + "there is no vnc that it is for (try vnc = 5900)");
    EXPECT_EQ(message(with), prefix + "pw: No such file or directory");
    write("pw", "secret\nand more\n");
    std::filesystem::permissions(dir / "pw", std::filesystem::perms(0644));
    EXPECT_EQ(message(with), prefix + "pw: every user of this host can read or write it (chmod o-rw pw)");
    std::filesystem::permissions(dir / "pw", std::filesystem::perms(0640));
    EXPECT_EQ(message(with), "");
    write("pw", "\n");
    EXPECT_EQ(message(with), prefix + "the first line of pw has 0 bytes (VNC's passwords have 1 to 8)");
    write("pw", "ninechars");
    EXPECT_EQ(message(with), prefix + "the first line of pw has 9 bytes (VNC's passwords have 1 to 8)");
    std::filesystem::remove(dir / "pw");
    std::filesystem::create_directory(dir / "pw");
    EXPECT_EQ(message(with), prefix + "pw is not a small file (its first line is the password)");
}

} // namespace
