// SPDX-License-Identifier: GPL-2.0-or-later
// A GPU with two vGPUs, without machines: what the tests of this folder look at.
#pragma once

#include "vmm/observe/figures.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

class ObservedGpu : public testing::Test {
  protected:
    std::string directory = "/tmp/observe-test-" + std::to_string(getpid());
    struct config *config = nullptr;
    struct trace *trace = trace_create(1024);
    struct gpu_setup *gpu = nullptr;
    struct figures_source source = {};
    std::vector<pci_device *> devices;
    std::vector<std::string> failures;

    static void failed(void *opaque, unsigned, const char *reason) { static_cast<ObservedGpu *>(opaque)->failures.emplace_back(reason); }

    void SetUp() override
    {
        GError *error = nullptr;
        mkdir(directory.c_str(), 0700);
        std::string path = directory + "/two.ini";
        std::ofstream(path) << "[vgpu alpha]\ntype = i915-GVTg_V5_8\nweight = 3\n[vgpu beta]\ntype = i915-GVTg_V5_8\nweight = 1\n";
        config = config_load(path.c_str(), nullptr, &error);
        ASSERT_NE(config, nullptr) << error->message;
        gpu_setup_config setup = {};
        setup.config = config;
        setup.trace = trace;
        setup.failed = failed;
        setup.opaque = this;
        gpu = gpu_setup_create(&setup, &error);
        ASSERT_NE(gpu, nullptr) << error->message;
        for (unsigned i = 0; i < 2; i++)
            devices.push_back(gpu_setup_take_device(gpu, i));
        source.gpu = gpu;
        source.trace = trace;
        source.policy = "fair";
        source.start_ns = trace_now_ns();
    }

    void TearDown() override
    {
        for (pci_device *dev : devices)
            dev->ops->destroy(dev);
        gpu_setup_destroy(gpu);
        trace_destroy(trace);
        config_free(config);
        unlink((directory + "/two.ini").c_str());
        rmdir(directory.c_str());
    }

    struct Free {
        void operator()(struct figures *figures) const { figures_free(figures); }
    };
    std::unique_ptr<struct figures, Free> take() { return std::unique_ptr<struct figures, Free>(figures_take(&source)); }

    uint32_t read_register(unsigned user, uint32_t offset)
    {
        uint32_t value = 0;
        devices[user]->ops->bar_read(devices[user], 0, offset, &value, sizeof(value));
        return value;
    }
};
