// SPDX-License-Identifier: GPL-2.0-or-later
// Users of the GPU that come and go while others stay: numbers, names, what is left for each type.
#include "gpu/trace.h"
#include "mmio/vgpu.h"
#include "vmm/error.h"
extern "C" {
#include "vmm/gpu_setup.h"
}

#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace {

class GpuSetup : public ::testing::Test {
protected:
    void start(const std::string &groups, const std::string &aperture = "1G")
    {
        const std::string path = "/tmp/mediant-gpu-setup-" + std::to_string(getpid()) + ".ini";
        std::ofstream(path) << "[gpu]\naperture = " << aperture << "\nmdev = /nonexistent\n" << groups;
        GError *error = nullptr;
        config = config_load(path.c_str(), nullptr, &error);
        unlink(path.c_str());
        ASSERT_NE(config, nullptr) << error->message;
        gpu_setup_config setup_config = {};
        setup_config.config = config;
        setup_config.failed = [](void *, unsigned, const char *) {};
        setup = gpu_setup_create(&setup_config, &error);
        ASSERT_NE(setup, nullptr) << error->message;
    }
    void TearDown() override
    {
        gpu_setup_destroy(setup);
        config_free(config);
    }
    // The user's number, or -1 with the message in `said`.
    int add(const std::string &name, const std::string &type)
    {
        gpu_user user = {};
        user.group = "vgpu";
        user.key = "type";
        user.name = name.c_str();
        user.type = type.c_str();
        user.monitor = "dp";
        unsigned number = 0;
        GError *error = nullptr;
        const bool ok = gpu_setup_add(setup, &user, &number, &error);
        said = error ? error->message : "";
        g_clear_error(&error);
        return ok ? int(number) : -1;
    }
    unsigned available(const char *type) { return gpu_setup_available(setup, vgpu_type_find(type)); }

    struct config *config = nullptr;
    struct gpu_setup *setup = nullptr;
    std::string said;
};

TEST_F(GpuSetup, UsersComeAndGo)
{
    start("[vgpu alpha]\ntype = i915-GVTg_V5_8\n");
    EXPECT_EQ(gpu_setup_count(setup), 1u);
    EXPECT_EQ(add("one", "i915-GVTg_V5_8"), 1);
    EXPECT_EQ(add("two", "i915-GVTg_V5_8"), 2);
    EXPECT_EQ(gpu_setup_count(setup), 3u);
    EXPECT_STREQ(gpu_setup_user(setup, 1)->name, "one");
    EXPECT_STREQ(gpu_setup_trace_name(setup, 2), "one");
    EXPECT_EQ(gpu_setup_trace_name(setup, 4), nullptr);
    const char *name = gpu_setup_user(setup, 1)->name;

    gpu_setup_remove(setup, 1);
    EXPECT_EQ(gpu_setup_count(setup), 3u) << "the place stays, as another is behind it";
    EXPECT_FALSE(gpu_user_has_vgpu(gpu_setup_user(setup, 1)));
    EXPECT_EQ(gpu_setup_trace_id(setup, 1), 0u);
    struct vgpu_stats stats;
    EXPECT_FALSE(gpu_setup_stats(setup, 1, &stats));
    EXPECT_EQ(gpu_setup_take_device(setup, 1), nullptr);
    EXPECT_STREQ(name, "one") << "what was read of it stays valid";
    EXPECT_EQ(add("three", "i915-GVTg_V5_4"), 1) << "the free place comes first";
    EXPECT_TRUE(gpu_setup_stats(setup, 1, &stats));
    gpu_setup_remove(setup, 2);
    EXPECT_EQ(gpu_setup_count(setup), 2u);
    // A device that was taken is destroyed by whoever took it.
    pci_device *device = gpu_setup_take_device(setup, 1);
    ASSERT_NE(device, nullptr);
    device->ops->destroy(device);
    gpu_setup_remove(setup, 1);
    EXPECT_EQ(gpu_setup_count(setup), 1u);
}

TEST_F(GpuSetup, AvailableIsWhatCanBeAdded)
{
    start("");
    for (const vgpu_type *type = vgpu_types; type->name; type++) {
        const unsigned promised = available(type->name);
        std::vector<int> numbers;
        for (int number; (number = add(std::string("v") + std::to_string(numbers.size()), type->name)) >= 0;)
            numbers.push_back(number);
        EXPECT_EQ(numbers.size(), promised) << type->name;
        EXPECT_EQ(available(type->name), 0u);
        EXPECT_NE(said.find("no longer fits"), std::string::npos) << said;
        for (const int number : numbers)
            gpu_setup_remove(setup, unsigned(number));
        EXPECT_EQ(available(type->name), promised) << "all of it comes back";
    }
}

// Random comings and goings: whatever the holes are, the promise is kept, for each type.
TEST_F(GpuSetup, AvailableIsHonestAmongHoles)
{
    start("", "512M");
    GRand *random = g_rand_new_with_seed(7);
    std::vector<int> numbers;
    for (int round = 0; round < 60; round++) {
        const vgpu_type *type = &vgpu_types[g_rand_int_range(random, 0, 3)];
        if (!numbers.empty() && g_rand_int_range(random, 0, 2)) {
            const size_t which = size_t(g_rand_int_range(random, 0, int(numbers.size())));
            gpu_setup_remove(setup, unsigned(numbers[which]));
            numbers.erase(numbers.begin() + long(which));
            continue;
        }
        const unsigned promised = available(type->name);
        const int number = add("v" + std::to_string(round), type->name);
        EXPECT_EQ(number >= 0, promised > 0) << type->name << ": " << said;
        if (number < 0)
            continue;
        numbers.push_back(number);
        EXPECT_EQ(available(type->name), promised - 1);
    }
    g_rand_free(random);
}

TEST_F(GpuSetup, TheWholeGpuIsNotShared)
{
    start("[vgpu alpha]\ntype = passthrough\n");
    EXPECT_EQ(available("i915-GVTg_V5_8"), 0u);
    EXPECT_EQ(add("one", "i915-GVTg_V5_8"), -1);
    EXPECT_NE(said.find("passed through"), std::string::npos);
    EXPECT_EQ(add("one", "i915"), -1);
    EXPECT_NE(said.find("vmm types"), std::string::npos);
}

// A VM's GPU: it goes, another comes; what the VM was configured with stays.
TEST_F(GpuSetup, AUserStaysWhenItsGpuGoes)
{
    start("[vgpu alpha]\ntype = i915-GVTg_V5_8\nweight = 7\nmonitor = hdmi\n[vgpu beta]\ntype = i915-GVTg_V5_8\n");
    auto plug = [&](unsigned number, const char *type, const char *monitor, unsigned weight) {
        gpu_user user = {};
        user.group = user.key = user.name = "?";
        user.type = type;
        user.monitor = monitor;
        user.weight = weight;
        GError *error = nullptr;
        const bool ok = gpu_setup_plug(setup, number, &user, &error);
        said = error ? error->message : "";
        g_clear_error(&error);
        return ok;
    };
    const unsigned before = available("i915-GVTg_V5_8");
    EXPECT_FALSE(plug(0, "i915-GVTg_V5_8", nullptr, 0));
    EXPECT_NE(said.find("there is a GPU already"), std::string::npos) << said;
    EXPECT_NE(said.find("alpha"), std::string::npos) << said;
    gpu_setup_unplug(setup, 0);
    EXPECT_EQ(gpu_setup_count(setup), 2u);
    EXPECT_STREQ(gpu_setup_user(setup, 0)->name, "alpha");
    EXPECT_STREQ(gpu_setup_user(setup, 0)->type, "none");
    EXPECT_EQ(gpu_setup_trace_id(setup, 0), 0u);
    EXPECT_EQ(gpu_setup_take_device(setup, 0), nullptr);
    EXPECT_EQ(gpu_setup_failure(setup, 0), nullptr);
    EXPECT_EQ(available("i915-GVTg_V5_8"), before + 1);
    EXPECT_FALSE(plug(0, "none", nullptr, 0));
    EXPECT_NE(said.find("is no type of vGPUs"), std::string::npos) << said;
    EXPECT_STREQ(gpu_setup_user(setup, 0)->type, "none");
    ASSERT_TRUE(plug(0, "i915-GVTg_V5_4", nullptr, 0)) << said;
    EXPECT_STREQ(gpu_setup_user(setup, 0)->type, "i915-GVTg_V5_4");
    EXPECT_STREQ(gpu_setup_user(setup, 0)->monitor, "hdmi");
    EXPECT_EQ(gpu_user_weight(gpu_setup_user(setup, 0)), 7u);
    EXPECT_EQ(gpu_setup_trace_id(setup, 0), 1u);
    struct vgpu_stats stats;
    EXPECT_TRUE(gpu_setup_stats(setup, 0, &stats));
    gpu_setup_unplug(setup, 0);
    ASSERT_TRUE(plug(0, "i915-GVTg_V5_8", "dp", 3)) << said;
    EXPECT_STREQ(gpu_setup_user(setup, 0)->monitor, "dp");
    EXPECT_EQ(gpu_user_weight(gpu_setup_user(setup, 0)), 3u);
}

} // namespace
