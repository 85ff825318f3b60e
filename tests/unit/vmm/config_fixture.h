// SPDX-License-Identifier: GPL-2.0-or-later
// For tests of configurations: files in a folder, and the message that one gets.
#ifndef MEDIANT_TESTS_CONFIG_FIXTURE_H
#define MEDIANT_TESTS_CONFIG_FIXTURE_H

#include "vmm/config.h"
#include "vmm/error.h"

#include "elf_image.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

class Config : public testing::Test {
  protected:
    std::filesystem::path dir;
    std::string path;

    void SetUp() override
    {
        char name[] = "/tmp/config-test-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        dir = name;
        path = dir / "test.ini";
        write("guest.elf", elf::Image().bytes());
    }
    void TearDown() override { std::filesystem::remove_all(dir); }

    void write(const std::string &name, const std::string &text) { std::ofstream(dir / name, std::ios::binary) << text; }

    static std::vector<const char *> pointers(const std::vector<std::string> &overrides)
    {
        std::vector<const char *> list;
        for (const auto &o : overrides)
            list.push_back(o.c_str());
        list.push_back(nullptr);
        return list;
    }

    // The message of load and check without the file's directory; "" when all is well.
    std::string message(const std::string &text, const std::vector<std::string> &overrides = {})
    {
        write("test.ini", text);
        GError *error = nullptr;
        config *c = config_load(path.c_str(), pointers(overrides).data(), &error);
        if (c && config_check(c, CONFIG_CHECK_ALL, &error)) {
            config_free(c);
            return "";
        }
        config_free(c);
        EXPECT_EQ(error->domain, VMM_ERROR);
        EXPECT_EQ(error->code, VMM_ERROR_CONFIG);
        std::string result = error->message;
        g_error_free(error);
        EXPECT_EQ(result.find('\n'), std::string::npos) << "one line";
        for (size_t at; (at = result.find(dir.string() + "/")) != std::string::npos;)
            result.erase(at, dir.string().size() + 1);
        return result;
    }
};

} // namespace

#endif
