// SPDX-License-Identifier: GPL-2.0-or-later
// Configuration files: what they mean, and every message that a bad one gets.
#include "config_fixture.h"

namespace {

TEST_F(Config, EveryKeyIsRead)
{
    write("test.ini", "# comment\n"
                      "[gpu]\nbackend = model\naperture = 512M\n"
                      "[scheduler]\npolicy = fair\nslice = 3ms\nhang = 2s\n"
                      "[vm alpha]\nimage = guest.elf\nmemory = 128M\nvcpus = 3\ngpu = i915-GVTg_V5_4\nweight = 7\nclass = latency\ngpu_cap = 40\nserial = out.txt\n"
                      "args = a=1 b=two\nscreenshot = shots/a.png\n"
                      "[vm beta]\nimage = /abs/olute.elf\n");
    GError *error = nullptr;
    config *c = config_load(path.c_str(), nullptr, &error);
    ASSERT_NE(c, nullptr) << error->message;
    EXPECT_STREQ(c->gpu.backend, "model");
    EXPECT_EQ(c->gpu.aperture, 512u << 20);
    EXPECT_STREQ(c->scheduler.policy, "fair");
    EXPECT_EQ(c->scheduler.slice_ns, 3000000u);
    EXPECT_EQ(c->scheduler.hang_ns, 2000000000u);
    ASSERT_EQ(c->vms->len, 2u);
    auto *a = static_cast<vm_settings *>(c->vms->pdata[0]);
    auto *b = static_cast<vm_settings *>(c->vms->pdata[1]);
    EXPECT_STREQ(a->name, "alpha");
    EXPECT_EQ(a->image, dir.string() + "/guest.elf");
    EXPECT_EQ(a->memory, 128u << 20);
    EXPECT_EQ(a->vcpus, 3u);
    EXPECT_STREQ(a->gpu, "i915-GVTg_V5_4");
    EXPECT_EQ(a->weight, 7u);
    EXPECT_STREQ(a->gpu_class, "latency");
    EXPECT_EQ(a->gpu_cap, 40u);
    EXPECT_EQ(a->serial, dir.string() + "/out.txt");
    EXPECT_STREQ(a->args, "a=1 b=two");
    EXPECT_EQ(a->screenshot, dir.string() + "/shots/a.png");
    EXPECT_STREQ(b->name, "beta");
    EXPECT_STREQ(b->image, "/abs/olute.elf");
    EXPECT_EQ(b->memory, 64u << 20) << "the default";
    EXPECT_EQ(b->vcpus, 1u);
    EXPECT_STREQ(b->gpu, "none");
    EXPECT_STREQ(b->serial, "stdio");
    EXPECT_EQ(b->args, nullptr);
    EXPECT_EQ(b->screenshot, nullptr);
    config_free(c);
}

TEST_F(Config, GoodFilesPass)
{
    EXPECT_EQ(message("[vm a]\nimage = guest.elf\n"), "");
    EXPECT_EQ(message("[vm a]\nimage = guest.elf\ngpu = passthrough\n[vm b]\nimage = guest.elf\n"), "");
    EXPECT_EQ(message("[gpu]\naperture = 512M\n[vm a]\nimage = guest.elf\ngpu = i915-GVTg_V5_4\n"
                      "[vm b]\nimage = guest.elf\ngpu = i915-GVTg_V5_2\n"), "");
}

TEST_F(Config, ValuesOfTheWrongKind)
{
    const std::string vm = "[vm alpha]\nimage = guest.elf\n";
    EXPECT_EQ(message(vm + "memory = 12X\n"), "test.ini: [vm alpha] memory: \"12X\" is not a size (try 512M)");
    EXPECT_EQ(message(vm + "memory = 1M\n"), "test.ini: [vm alpha] memory: \"1M\" is not between 2M and 256G (try 512M)");
    EXPECT_EQ(message(vm + "memory = 2097153\n"), "test.ini: [vm alpha] memory: \"2097153\" is not a multiple of 4K (try 512M)");
    EXPECT_EQ(message(vm + "memory =\n"), "test.ini: [vm alpha] memory: \"\" is not a size (try 512M)");
    EXPECT_EQ(message(vm + "vcpus = two\n"), "test.ini: [vm alpha] vcpus: \"two\" is not a number (try 2)");
    EXPECT_EQ(message(vm + "vcpus = 0\n"), "test.ini: [vm alpha] vcpus: \"0\" is not between 1 and 64 (try 2)");
    EXPECT_EQ(message(vm + "weight = 1000\n"), "test.ini: [vm alpha] weight: \"1000\" is not between 1 and 256 (try 4)");
    EXPECT_EQ(message(vm + "gpu_cap = 101\n"), "test.ini: [vm alpha] gpu_cap: \"101\" is not between 1 and 100 (try 50)");
    EXPECT_EQ(message(vm + "class = fast\n"), "test.ini: [vm alpha] class: \"fast\" is not one of normal, latency (try latency)");
    EXPECT_EQ(message(vm + "serial =\n"), "test.ini: [vm alpha] serial: is empty (try stdio)");
    EXPECT_EQ(message(vm + "gpu = i915-GVTg_V5_3\n"),
              "test.ini: [vm alpha] gpu: \"i915-GVTg_V5_3\" is not one of none, passthrough, i915-GVTg_V5_8, i915-GVTg_V5_4, "
              "i915-GVTg_V5_2, i915-GVTg_V5_1, i915-GVTg_V5_16, i915-GVTg_V5_32, i915-GVTg_V5_64, vfio-user:PATH (try i915-GVTg_V5_8)");
    EXPECT_EQ(message("[gpu]\naperture = 300M\n" + vm), "test.ini: [gpu] aperture: \"300M\" is not a power of two (try 256M)");
    EXPECT_EQ(message("[gpu]\nbackend = modell\n" + vm), "test.ini: [gpu] backend: \"modell\" is not one of model, vfio (try model)");
    EXPECT_EQ(message("[scheduler]\nslice = 5\n" + vm), "test.ini: [scheduler] slice: \"5\" is not a duration (try 2ms)");
    EXPECT_EQ(message("[scheduler]\nslice = 1min\n" + vm),
              "test.ini: [scheduler] slice: \"1min\" is not between 10us and 10s (try 2ms)");
    EXPECT_TRUE(message("[scheduler]\npolicy = unfair\n" + vm).find("[scheduler] policy: \"unfair\" is not one of ") !=
                std::string::npos);
}

TEST_F(Config, UnknownNames)
{
    EXPECT_EQ(message("[vm a]\nimage = guest.elf\nmemry = 64M\n"), "test.ini: [vm a] memry: unknown key (did you mean memory?)");
    EXPECT_EQ(message("[vm a]\nimage = guest.elf\nqqq = 1\n"), "test.ini: [vm a] qqq: unknown key (vmm help config lists the keys)");
    EXPECT_EQ(message("[gpu]\nmemory = 1\n"), "test.ini: [gpu] memory: unknown key (vmm help config lists the keys)");
    EXPECT_EQ(message("[sheduler]\n"), "test.ini: [sheduler]: unknown group (did you mean [scheduler]?)");
    EXPECT_EQ(message("[vm]\n"), "test.ini: [vm]: unknown group (did you mean [vm NAME]?)");
    EXPECT_EQ(message("[disk]\n"), "test.ini: [disk]: unknown group (groups are [gpu], [scheduler], [observe], [vmm], [vm NAME], [vgpu NAME])");
    EXPECT_EQ(message("[vm a/b]\n"),
              "test.ini: [vm a/b]: a VM's name is 1 to 32 letters, digits, '-', '_' or '.' (try [vm alpha])");
}

TEST_F(Config, ThingsThatAppearTwice)
{
    const std::string vm = "[vm alpha]\nimage = guest.elf\n";
    EXPECT_EQ(message(vm + vm), "test.ini: [vm alpha]: two VMs have this name (try [vm alpha2])");
    EXPECT_EQ(message(vm + "[vm  alpha]\nimage = guest.elf\n"), "test.ini: [vm alpha]: two VMs have this name (try [vm alpha2])");
    EXPECT_EQ(message("[gpu]\n" + vm + "[gpu]\n"), "test.ini: [gpu]: the group appears twice (merge them)");
    EXPECT_EQ(message(vm + "memory = 4M\nmemory = 8M\n"), "test.ini: [vm alpha] memory: the key appears twice (remove one)");
}

TEST_F(Config, FilesThatAreNone)
{
    GError *error = nullptr;
    EXPECT_EQ(config_load("/nonexistent/x.ini", nullptr, &error), nullptr);
    EXPECT_STREQ(error->message, "/nonexistent/x.ini: no such file");
    g_clear_error(&error);
    EXPECT_EQ(config_load("/tmp", nullptr, &error), nullptr);
    EXPECT_STREQ(error->message, "/tmp: not a regular file");
    g_clear_error(&error);
    EXPECT_EQ(message(""), "test.ini: no VM (add a group [vm NAME] with image = FILE, or [vgpu NAME] with type = TYPE to serve a vGPU)");
    EXPECT_EQ(message(std::string("[gpu]\n\0x", 8)), "test.ini: not a text file of at most 1 MiB");
    EXPECT_EQ(message("[gpu]\n\xff\xfe\n"), "test.ini: not a text file of at most 1 MiB");
    EXPECT_EQ(message(std::string((1 << 20) + 1, '#')), "test.ini: not a text file of at most 1 MiB");
    EXPECT_NE(message("hello\n").find("test.ini: "), std::string::npos);
}

TEST_F(Config, Images)
{
    EXPECT_EQ(message("[vm a]\nmemory = 64M\n"), "test.ini: [vm a] image: is missing (try image = guest.elf, or kernel = vmlinuz for Linux)");
    EXPECT_EQ(message("[vm a]\nimage = other.elf\n"),
              "test.ini: [vm a] image: other.elf: no such file (paths are relative to the configuration file)");
    write("text.elf", "#!/bin/sh\n");
    EXPECT_EQ(message("[vm a]\nimage = text.elf\n"), "test.ini: [vm a] image: text.elf: not an ELF file, not a Linux bzImage, and not compressed in a way that is known");
    EXPECT_EQ(message("[vm a]\nimage = .\n"), "test.ini: [vm a] image: .: not a regular file");
    write("big.elf", elf::Image().segment(0x100000, 16, 64 << 20).bytes());
    EXPECT_EQ(message("[vm a]\nimage = big.elf\nmemory = 32M\n"),
              "test.ini: [vm a] image: big.elf: a segment at 0x100000 of 65536 KiB does not fit in 32 MiB of RAM");
    EXPECT_EQ(message("[vm a]\nimage = guest.elf\nargs = " + std::string(5000, 'x') + "\n"),
              "test.ini: [vm a] image: guest.elf: the guest's command line has 5000 bytes, and this kernel takes 3999");
}

TEST_F(Config, GpusThatDoNotFit)
{
    auto vm = [](const char *name, const char *gpu) {
        return std::string("[vm ") + name + "]\nimage = guest.elf\ngpu = " + gpu + "\n";
    };
    EXPECT_EQ(message(vm("a", "i915-GVTg_V5_4") + vm("b", "i915-GVTg_V5_4")),
              "test.ini: [vm b] gpu: i915-GVTg_V5_4 no longer fits: it needs 128M of low graphics memory (aperture), 0 are left "
              "(try [gpu] aperture = 512M)");
    EXPECT_EQ(message(vm("a", "i915-GVTg_V5_2")),
              "test.ini: [vm a] gpu: i915-GVTg_V5_2 no longer fits: it needs 256M of low graphics memory (aperture), 128M are left "
              "(try i915-GVTg_V5_4)");
    EXPECT_EQ(message("[gpu]\naperture = 4G\n" + vm("a", "i915-GVTg_V5_8")),
              "test.ini: [vm a] gpu: i915-GVTg_V5_8 no longer fits: it needs 384M of high graphics memory, 0 are left "
              "(try fewer vGPUs)");
    std::string many = "[gpu]\naperture = 1G\n";
    for (char c = 'a'; c < 'a' + 7; c++)
        many += vm(std::string(1, c).c_str(), "i915-GVTg_V5_8");
    EXPECT_EQ(message(many), "") << "7 x 384 MiB";
    EXPECT_EQ(message(many + vm("h", "i915-GVTg_V5_8")),
              "test.ini: [vm h] gpu: i915-GVTg_V5_8 no longer fits: it needs 384M of high graphics memory, 0 are left "
              "(try fewer vGPUs)");
    EXPECT_EQ(message(vm("a", "passthrough") + vm("b", "i915-GVTg_V5_8")),
              "test.ini: [vm b] gpu: the GPU cannot be passed through to [vm a] and shared with [vm b] (try none)");
    EXPECT_EQ(message(vm("a", "i915-GVTg_V5_8") + vm("b", "passthrough")),
              "test.ini: [vm b] gpu: the GPU cannot be passed through to [vm b] and shared with [vm a] (try none)");
    EXPECT_EQ(message(vm("a", "passthrough") + vm("b", "passthrough")),
              "test.ini: [vm b] gpu: the GPU is passed through to [vm a] already (try none)");
    EXPECT_EQ(message("[gpu]\nbackend = vfio\n" + vm("a", "i915-GVTg_V5_8")),
              "test.ini: [gpu] backend: this build has no vfio backend (try model)");
    EXPECT_EQ(message("[gpu]\nbackend = vfio\n" + vm("a", "none")), "") << "nobody uses it";
}

TEST_F(Config, OverridesWin)
{
    const std::string two = "[vm alpha]\nimage = guest.elf\n[vm beta]\nimage = guest.elf\n";
    write("test.ini", two);
    GError *error = nullptr;
    config *c = config_load(path.c_str(),
                            pointers({"gpu.aperture=1G", "scheduler.slice=4ms", "vm.memory=32M", "alpha.vcpus=2",
                                      "vm beta.args=x=1 y=2", "vm.beta.serial=none"})
                                .data(),
                            &error);
    ASSERT_NE(c, nullptr) << error->message;
    auto *a = static_cast<vm_settings *>(c->vms->pdata[0]);
    auto *b = static_cast<vm_settings *>(c->vms->pdata[1]);
    EXPECT_EQ(c->gpu.aperture, 1u << 30);
    EXPECT_EQ(c->scheduler.slice_ns, 4000000u);
    EXPECT_EQ(a->memory, 32u << 20);
    EXPECT_EQ(b->memory, 32u << 20);
    EXPECT_EQ(a->vcpus, 2u);
    EXPECT_EQ(b->vcpus, 1u);
    EXPECT_STREQ(b->args, "x=1 y=2");
    EXPECT_STREQ(b->serial, "none");
    config_free(c);
    EXPECT_EQ(message("[vm a]\n", {"a.image=" + (dir / "guest.elf").string()}), "") << "a required key may come from here";
}

TEST_F(Config, BadOverrides)
{
    const std::string vm = "[vm alpha]\nimage = guest.elf\n";
    EXPECT_EQ(message(vm, {"nonsense"}), "-o nonsense: not of the form section.key=value (try -o gpu.aperture=512M)");
    EXPECT_EQ(message(vm, {"=1"}), "-o =1: not of the form section.key=value (try -o gpu.aperture=512M)");
    EXPECT_EQ(message(vm, {"gpu.=1"}), "-o gpu.=1: not of the form section.key=value (try -o gpu.aperture=512M)");
    EXPECT_EQ(message(vm, {"alpha.memory=12X"}), "-o alpha.memory=12X: [vm alpha] memory: \"12X\" is not a size (try 512M)");
    EXPECT_EQ(message(vm, {"alpa.memory=1G"}), "-o alpa.memory=1G: no section alpa (did you mean alpha?)");
    EXPECT_EQ(message(vm, {"zzz.memory=1G"}), "-o zzz.memory=1G: no section zzz (sections are alpha, gpu, scheduler, observe, vmm, vm)");
    EXPECT_EQ(message(vm, {"gpu.apertur=1G"}), "-o gpu.apertur=1G: [gpu] apertur: unknown key (did you mean aperture?)");
}

TEST_F(Config, KernelsAndImagesExcludeEachOther)
{
    const std::string vm = "[vm a]\n";
    EXPECT_EQ(message(vm + "image = a\nkernel = b\n"), "test.ini: [vm a] kernel: there is an image already (remove one)");
    EXPECT_EQ(message(vm + "image = a\ninitrd = b\n"), "test.ini: [vm a] initrd: goes with kernel, not with image (try kernel = ...)");
    EXPECT_EQ(message(vm + "image = a\ncmdline = b\n"), "test.ini: [vm a] cmdline: goes with kernel, not with image (try args = ...)");
    EXPECT_EQ(message(vm + "kernel = a\nargs = b\n"), "test.ini: [vm a] args: goes with image, not with kernel (try cmdline = ...)");
}

TEST_F(Config, SharesDisksAndNetworkCards)
{
    const std::string vm = "[vm a]\nimage = guest.elf\n", where = "test.ini: [vm a] ";
    for (const char *bad : {"disk = a.img", "disk a/b = a.img", "disk abcdefghijklmnopqrstu = a.img"})
        EXPECT_NE(message(vm + bad + "\n").find("lacks a name of 1 to 20"), std::string::npos) << bad;
    EXPECT_EQ(message(vm + "disk a = , readonly\n"), where + "disk a: lacks the path (try disk.img)");
    EXPECT_EQ(message(vm + "disk a = a.img, readonl\n"), where + "disk a: \"readonl\" is not an option (did you mean readonly?)");
    EXPECT_EQ(message(vm + "share a =\n"), where + "share a: lacks the path (try /home/me/project)");
    EXPECT_EQ(message(vm + "share a = b, ro\n"), where + "share a: \"ro\" is not an option (options are readonly; a path has no commas)");
    EXPECT_EQ(message(vm + "net a = usr\n"), where + "net a: \"usr\" is neither user nor tap:INTERFACE (try user)");
    EXPECT_EQ(message(vm + "net a = tap:\n"), where + "net a: \"tap:\" is neither user nor tap:INTERFACE (try user)");
    EXPECT_EQ(message(vm + "net a = tap:t0, isolated\n"), where + "net a: \"isolated\" is an option of user, not of tap");
    for (const char *bad : {"mac=", "mac=02:00:00:00:00", "mac=03:00:00:00:00:01", "mac=00:00:00:00:00:00", "mac=02:00:00:00:00:0g", "mac=2:0:0:0:0:1"})
        EXPECT_NE(message(vm + "net a = user, " + bad + "\n").find("is no address of one machine"), std::string::npos) << bad;
    for (const char *bad : {"forward=", "forward=tcp:1", "forward=tcp:0:22", "forward=tcp:22:65536", "forward=sctp:1:1", "forward=tcp:1:2:3"})
        EXPECT_NE(message(vm + "net a = user, " + bad + "\n").find("is no forward"), std::string::npos) << bad;
    std::string many = vm;
    for (unsigned i = 0; i < 9; i++)
        many += "disk d" + std::to_string(i) + " = a.img\n";
    EXPECT_EQ(message(many), where + "disk d8: more than 8 of them");
    EXPECT_EQ(message(vm + "disk a = 1.img\ndisk a = 2.img\n"), where + "disk a: the key appears twice (remove one)");

    g_autoptr(GError) error = nullptr;
    write("test.ini", vm + "disk root = a.img, readonly\ndisk data = /b.img,direct\nshare in = /srv, readonly\nshare out = out\nnet lan = user, forward=udp:53:5353, mac=02:00:00:00:00:fe\nnet x = tap:tap0\n");
    config *c = config_load(path.c_str(), pointers({"a.disk root=/other.img"}).data(), &error);
    ASSERT_NE(c, nullptr) << error->message;
    auto *v = static_cast<vm_settings *>(g_ptr_array_index(c->vms, 0));
    ASSERT_EQ(v->disks->len, 2u);
    auto *root = static_cast<disk_settings *>(g_ptr_array_index(v->disks, 0)), *data = static_cast<disk_settings *>(g_ptr_array_index(v->disks, 1));
    EXPECT_STREQ(root->name, "root");
    EXPECT_STREQ(root->path, "/other.img"); // the override has replaced it
    EXPECT_FALSE(root->read_only);
    EXPECT_TRUE(data->direct);
    ASSERT_EQ(v->shares->len, 2u);
    auto *in = static_cast<share_settings *>(g_ptr_array_index(v->shares, 0)), *out = static_cast<share_settings *>(g_ptr_array_index(v->shares, 1));
    EXPECT_STREQ(in->path, "/srv");
    EXPECT_TRUE(in->read_only);
    EXPECT_STREQ(out->name, "out");
    EXPECT_STREQ(out->path, (dir.string() + "/out").c_str());
    EXPECT_FALSE(out->read_only);
    ASSERT_EQ(v->nets->len, 2u);
    auto *lan = static_cast<net_settings *>(g_ptr_array_index(v->nets, 0));
    ASSERT_EQ(lan->forwards->len, 1u);
    auto forward = g_array_index(lan->forwards, net_forward_settings, 0);
    EXPECT_TRUE(forward.udp);
    EXPECT_EQ(forward.host_port, 53);
    EXPECT_EQ(forward.guest_port, 5353);
    EXPECT_EQ(lan->mac[5], 0xfe);
    EXPECT_EQ(lan->tap, nullptr);
    EXPECT_STREQ(static_cast<net_settings *>(g_ptr_array_index(v->nets, 1))->tap, "tap0");
    config_free(c);
}

TEST_F(Config, EveryDefaultAndExampleOfTheTableIsValid)
{
    for (size_t i = 0; i < option_count; i++) {
        union { gpu_settings g; scheduler_settings s; vm_settings v; } settings = {};
        char *reason = nullptr;
        EXPECT_TRUE(option_set(&options[i], &settings, "x", options[i].example, "/", &reason)) << options[i].key << ": " << reason;
        option_clear_all(options[i].group, &settings);
        if (options[i].fallback) {
            EXPECT_TRUE(option_set(&options[i], &settings, nullptr, options[i].fallback, "/", &reason)) << options[i].key << ": " << reason;
            option_clear_all(options[i].group, &settings);
        }
        EXPECT_NE(options[i].help, nullptr);
    }
}

TEST_F(Config, ServedVgpus)
{
    const std::string alpha = "[vgpu alpha]\ntype = i915-GVTg_V5_8\n";
    EXPECT_EQ(message(alpha + "socket = a.sock\nweight = 3\nmonitor = hdmi\nscreenshot = a.png\n[vgpu beta]\ntype = i915-GVTg_V5_8\n"), "");
    EXPECT_EQ(message("[vgpu whole]\ntype = passthrough\n"), "");
    EXPECT_EQ(message(alpha + "pin = 0,2-3\n"), "");
    EXPECT_EQ(message(alpha + "pin = 3-2\n"), "test.ini: [vgpu alpha] pin: \"3-2\" is not a list of CPUs (try 0-3,8)");
    EXPECT_EQ(message("[vgpu alpha]\nsocket = a.sock\n"), "test.ini: [vgpu alpha] type: is missing (try type = i915-GVTg_V5_4)");
    EXPECT_EQ(message("[vgpu alpha]\ntype = none\n"),
              "test.ini: [vgpu alpha] type: \"none\" is not one of passthrough, i915-GVTg_V5_8, i915-GVTg_V5_4, i915-GVTg_V5_2, "
              "i915-GVTg_V5_1, i915-GVTg_V5_16, i915-GVTg_V5_32, i915-GVTg_V5_64 (try i915-GVTg_V5_4)");
    EXPECT_EQ(message(alpha + "image = x\n"), "test.ini: [vgpu alpha] image: unknown key (vmm help config lists the keys)");
    EXPECT_EQ(message("[vgpu]\n"), "test.ini: [vgpu]: unknown group (did you mean [vgpu NAME]?)");
    EXPECT_EQ(message("[vgpu a/b]\n"),
              "test.ini: [vgpu a/b]: a vGPU's name is 1 to 32 letters, digits, '-', '_' or '.' (try [vgpu alpha])");
    EXPECT_EQ(message(alpha + alpha), "test.ini: [vgpu alpha]: two vGPUs have this name (try [vgpu alpha2])");
    EXPECT_EQ(message(alpha + "[vgpu b]\ntype = passthrough\n"),
              "test.ini: [vgpu b] type: the GPU cannot be passed through to [vgpu b] and shared with [vgpu alpha] (remove one)");
    EXPECT_EQ(message(alpha + "[vgpu b]\ntype = i915-GVTg_V5_4\n"),
              "test.ini: [vgpu b] type: i915-GVTg_V5_4 no longer fits: it needs 128M of low graphics memory (aperture), 64M are left (try i915-GVTg_V5_8)");
    EXPECT_EQ(message("[vm one]\nimage = guest.elf\n" + alpha),
              "test.ini: [vm one] and [vgpu alpha]: a file has VMs, for vmm run, or vGPUs, for vmm serve (split it; the VM attaches by gpu = "
              "vfio-user:SOCKET)");
    EXPECT_EQ(message(alpha, {"alpha.weight=300"}), "-o alpha.weight=300: [vgpu alpha] weight: \"300\" is not between 1 and 256 (try 4)");
    EXPECT_EQ(message(alpha, {"vgpu.weight=2", "vgpu.alpha.weight=3", "vgpu alpha.weight=4"}), "");
}

TEST_F(Config, VgpusOfOtherProcesses)
{
    const std::string vm = "[vm one]\nimage = guest.elf\n";
    EXPECT_EQ(message(vm + "gpu = vfio-user:"), "test.ini: [vm one] gpu: \"vfio-user:\" lacks the path (try vfio-user:/run/mediant/alpha.sock)");
    write("test.ini", vm + "gpu = vfio-user:sub/x.sock\n");
    config *c = config_load(path.c_str(), nullptr, nullptr);
    ASSERT_NE(c, nullptr);
    EXPECT_STREQ(static_cast<vm_settings *>(g_ptr_array_index(c->vms, 0))->gpu, ("vfio-user:" + (dir / "sub/x.sock").string()).c_str());
    GArray *users = config_gpu_users(c);
    EXPECT_STREQ(g_array_index(users, gpu_user, 0).type, "none"); // it takes nothing of this process's GPU
    g_array_unref(users);
    config_free(c);
}

} // namespace
