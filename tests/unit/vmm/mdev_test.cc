// SPDX-License-Identifier: GPL-2.0-or-later
// The tree of mediated devices as data, and their definitions in files.
#include "vmm/error.h"
#include "vmm/mdev/definitions.h"
#include "vmm/mdev/nodes.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace {

const char ONE[] = "5269fe7a-18d1-48ad-88e1-3fda4176f536", TWO[] = "a0ad5a5e-5e0f-4e5f-a4b4-5cd4f7a2a7a2";
const std::string PARENT = "devices/pci0000:00/0000:00:02.0";

class Tree : public ::testing::Test {
protected:
    void SetUp() override { mdev_state_init(&state); }
    void TearDown() override { mdev_state_clear(&state); }

    // Walks a path as the kernel does, component by component, following links; false when it leads nowhere.
    bool walk(const std::string &path, mdev_node *node, bool follow_last = true, int links = 0)
    {
        std::vector<mdev_node> stack = {mdev_top};
        std::vector<std::string> names;
        std::istringstream stream(path);
        for (std::string name; std::getline(stream, name, '/');)
            if (!name.empty())
                names.push_back(name);
        for (size_t i = 0; i < names.size(); i++) {
            if (names[i] == "..") {
                if (stack.size() > 1)
                    stack.pop_back();
                continue;
            }
            mdev_node child;
            if (!S_ISDIR(mdev_node_mode(stack.back())) || !mdev_node_child(&state, stack.back(), names[i].c_str(), &child))
                return false;
            if (S_ISLNK(mdev_node_mode(child)) && (follow_last || i + 1 < names.size())) {
                std::string rest = at(names, i) + text(child);
                for (size_t j = i + 1; j < names.size(); j++)
                    rest += "/" + names[j];
                return links < 8 && walk(rest, node, follow_last, links + 1);
            }
            stack.push_back(child);
        }
        *node = stack.back();
        return true;
    }
    static std::string at(const std::vector<std::string> &names, size_t count)
    {
        std::string path;
        for (size_t i = 0; i < count; i++)
            path += names[i] + "/";
        return path;
    }
    std::string text(mdev_node node)
    {
        char *text = mdev_node_text(&state, node);
        const std::string copy = text ? text : "(nothing)";
        g_free(text);
        return copy;
    }
    std::string read(const std::string &path)
    {
        mdev_node node;
        return walk(path, &node) ? text(node) : "(no such file)";
    }
    std::set<std::string> names(const std::string &path)
    {
        std::set<std::string> names;
        mdev_node node;
        EXPECT_TRUE(walk(path, &node)) << path;
        mdev_node_each_child(&state, node, [](void *opaque, const char *name, mdev_node) { static_cast<std::set<std::string> *>(opaque)->insert(name); }, &names);
        return names;
    }
    int written(const std::string &path, const std::string &text, mdev_request *request)
    {
        mdev_node node;
        return walk(path, &node) ? mdev_node_written(&state, node, text.data(), text.size(), request) : ENOENT;
    }

    mdev_state state;
};

TEST_F(Tree, TypesAreInTheKernelsShape)
{
    const std::string types = "class/mdev_bus/0000:00:02.0/mdev_supported_types";
    std::set<std::string> expected;
    for (const vgpu_type *type = vgpu_types; type->name; type++)
        expected.insert(type->name);
    EXPECT_EQ(names(types), expected);
    EXPECT_EQ(names(types + "/i915-GVTg_V5_4"), (std::set<std::string>{"name", "description", "device_api", "available_instances", "create", "devices"}));
    EXPECT_EQ(read(types + "/i915-GVTg_V5_4/description"), "low_gm_size: 128MB\nhigh_gm_size: 512MB\nfence: 4\nresolution: 1920x1200\nweight: 4\n");
    state.available[1] = 3;
    EXPECT_EQ(read(types + "/i915-GVTg_V5_4/available_instances"), "3\n");
    EXPECT_EQ(read(types + "/i915-GVTg_V5_8/available_instances"), "0\n");
    EXPECT_EQ(read(types + "/i915-GVTg_V5_4/nothing"), "(no such file)");
    EXPECT_EQ(read(types + "/i915-GVTg_V5_4/create"), "(nothing)");
}

TEST_F(Tree, DevicesAppearInAllPlacesAndGo)
{
    mdev_state_add(&state, ONE, &vgpu_types[1], "/run/one.sock");
    mdev_state_add(&state, TWO, &vgpu_types[0], "/run/two.sock");
    mdev_state_add(&state, ONE, &vgpu_types[2], "/run/other.sock"); // is there already
    mdev_node by_bus, by_parent, by_type, type, link;
    const std::string types = PARENT + "/mdev_supported_types/";
    ASSERT_TRUE(walk(std::string("bus/mdev/devices/") + ONE, &by_bus));
    ASSERT_TRUE(walk(PARENT + "/" + ONE, &by_parent));
    ASSERT_TRUE(walk(types + "i915-GVTg_V5_4/devices/" + ONE, &by_type));
    EXPECT_EQ(by_bus.number, by_parent.number);
    EXPECT_EQ(by_bus.number, by_type.number);
    ASSERT_TRUE(walk(std::string("bus/mdev/devices/") + ONE + "/mdev_type", &link));
    ASSERT_TRUE(walk(types + "i915-GVTg_V5_4", &type));
    EXPECT_EQ(link.number, type.number);
    EXPECT_EQ(read(PARENT + "/" + ONE + "/socket"), "/run/one.sock\n");
    EXPECT_EQ(names("bus/mdev/devices"), (std::set<std::string>{ONE, TWO}));
    EXPECT_EQ(names(types + "i915-GVTg_V5_8/devices"), (std::set<std::string>{TWO}));

    mdev_state_prune(&state, [](void *, const char *uuid) { return strcmp(uuid, TWO) == 0; }, nullptr);
    EXPECT_EQ(names("bus/mdev/devices"), (std::set<std::string>{TWO}));
    EXPECT_FALSE(mdev_node_exists(&state, by_bus));
    // The same UUID again is another device: who holds the old one does not get the new one.
    mdev_state_add(&state, ONE, &vgpu_types[1], "/run/one.sock");
    EXPECT_FALSE(mdev_node_exists(&state, by_bus));
    ASSERT_TRUE(walk(std::string("bus/mdev/devices/") + ONE, &by_parent));
    EXPECT_NE(by_bus.number, by_parent.number);
}

TEST_F(Tree, WritesAskForWhatTheyMean)
{
    const std::string create = PARENT + "/mdev_supported_types/i915-GVTg_V5_2/create";
    mdev_request request;
    mdev_state_add(&state, ONE, &vgpu_types[1], "/run/one.sock");
    EXPECT_EQ(written(create, std::string(TWO) + "\n", &request), 0);
    EXPECT_FALSE(request.remove);
    EXPECT_STREQ(request.uuid, TWO);
    EXPECT_EQ(request.type, &vgpu_types[2]);
    EXPECT_EQ(written(create, "A0AD5A5E-5E0F-4E5F-A4B4-5CD4F7A2A7A2", &request), 0);
    EXPECT_STREQ(request.uuid, TWO);
    EXPECT_EQ(written(PARENT + "/" + ONE + "/remove", "1\n", &request), 0);
    EXPECT_TRUE(request.remove);
    EXPECT_STREQ(request.uuid, ONE);

    for (const std::string &text : {std::string(), std::string("\n"), std::string("1"), std::string(TWO) + "0", std::string(TWO, 35), std::string(TWO) + " x",
                                    std::string(36, '-'), std::string(36, '\0'), std::string("a0ad5a5e-5e0f-4e5f-a4b4_5cd4f7a2a7a2"), std::string(4096, 'f')})
        EXPECT_EQ(written(create, text, &request), EINVAL) << text;
    for (const std::string text : {"", "0", "11", "one"})
        EXPECT_EQ(written(PARENT + "/" + ONE + "/remove", text, &request), EINVAL) << text;
    EXPECT_EQ(written(PARENT + "/" + ONE + "/socket", "1", &request), EACCES);
    mdev_node remove;
    ASSERT_TRUE(walk(PARENT + "/" + ONE + "/remove", &remove));
    mdev_state_prune(&state, [](void *, const char *) { return false; }, nullptr);
    EXPECT_EQ(mdev_node_written(&state, remove, "1", 1, &request), ENODEV);
}

// Every node that can be reached has a number of its own; numbers that cannot be reached lead nowhere.
TEST_F(Tree, NumbersAreUniqueAndForeignOnesAreNothing)
{
    struct Walk {
        mdev_state *state;
        std::map<uint64_t, std::string> seen;
        unsigned count;
    } all = {&state, {}, 0};
    mdev_state_add(&state, ONE, &vgpu_types[1], "/run/one.sock");
    mdev_state_add(&state, TWO, &vgpu_types[1], "/run/two.sock");
    struct Visit {
        static void each(void *opaque, const char *name, mdev_node node)
        {
            Walk *all = static_cast<Walk *>(opaque);
            ASSERT_LT(++all->count, 1000u);
            EXPECT_TRUE(mdev_node_exists(all->state, node));
            EXPECT_TRUE(all->seen.emplace(node.number, name).second) << name << " and " << all->seen[node.number];
            if (S_ISDIR(mdev_node_mode(node)))
                mdev_node_each_child(all->state, node, each, opaque);
        }
    };
    mdev_node_each_child(&state, mdev_top, Visit::each, &all);
    EXPECT_GT(all.count, 50u);
    mdev_request request;
    for (const uint64_t number : {UINT64_C(0), UINT64_C(200), UINT64_C(0xff01), UINT64_C(0x7fffffff0018), UINT64_MAX, UINT64_C(3) << 16 | 24}) {
        EXPECT_FALSE(mdev_node_exists(&state, mdev_node{number})) << number;
        (void)mdev_node_written(&state, mdev_node{number}, "1", 1, &request);
    }
}

class Definitions : public ::testing::Test {
protected:
    void SetUp() override
    {
        char name[] = "/tmp/mediant-mdev-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        root = name;
        char *path = mdev_definitions_folder(root.c_str());
        folder = path;
        g_free(path);
    }
    void TearDown() override { std::filesystem::remove_all(root); }
    void put(const std::string &name, const std::string &text)
    {
        std::filesystem::create_directories(folder);
        std::ofstream(folder + "/" + name) << text;
    }
    // "UUID TYPE auto|manual [attributes]" each.
    std::vector<std::string> load()
    {
        std::vector<std::string> lines;
        said.clear();
        GPtrArray *all = mdev_definitions_load(root.c_str(), [](void *opaque, const char *text) { static_cast<Definitions *>(opaque)->said += text; }, this);
        for (unsigned i = 0; i < all->len; i++) {
            const auto *d = static_cast<mdev_definition *>(g_ptr_array_index(all, i));
            lines.push_back(std::string(d->uuid) + " " + d->type + (d->automatic ? " auto" : " manual") + (d->has_attributes ? " attributes" : ""));
        }
        g_ptr_array_unref(all);
        return lines;
    }
    std::string root, folder, said;
};

TEST_F(Definitions, AreWrittenReadReplacedAndRemoved)
{
    GError *error = nullptr;
    EXPECT_TRUE(load().empty());
    EXPECT_TRUE(mdev_definition_write(root.c_str(), TWO, "i915-GVTg_V5_8", false, nullptr));
    EXPECT_TRUE(mdev_definition_write(root.c_str(), ONE, "i915-GVTg_V5_8", false, nullptr));
    EXPECT_TRUE(mdev_definition_write(root.c_str(), ONE, "i915-GVTg_V5_4", true, nullptr));
    EXPECT_EQ(load(), (std::vector<std::string>{std::string(ONE) + " i915-GVTg_V5_4 auto", std::string(TWO) + " i915-GVTg_V5_8 manual"}));
    EXPECT_TRUE(mdev_definition_remove(root.c_str(), ONE, nullptr));
    EXPECT_FALSE(mdev_definition_remove(root.c_str(), ONE, &error));
    EXPECT_EQ(error->code, VMM_ERROR_CONFIG);
    g_clear_error(&error);
    EXPECT_EQ(load().size(), 1u);
    EXPECT_TRUE(said.empty());
}

// What mdevctl 1.4 writes: `mdevctl define --auto`, then `mdevctl modify --addattr`.
TEST_F(Definitions, OfMdevctlAreRead)
{
    put(ONE, "{\n  \"attrs\": [],\n  \"mdev_type\": \"i915-GVTg_V5_4\",\n  \"start\": \"auto\"\n}");
    put(TWO, "{\n  \"attrs\": [\n    {\n      \"weight\": \"8\"\n    }\n  ],\n  \"mdev_type\": \"some-other_type\",\n  \"start\": \"manual\"\n}");
    EXPECT_EQ(load(), (std::vector<std::string>{std::string(ONE) + " i915-GVTg_V5_4 auto", std::string(TWO) + " some-other_type manual attributes"}));
}

TEST_F(Definitions, BadFilesArePassedOver)
{
    const std::vector<std::string> bad = {"", "nonsense", "[]", "{}", "1", "null", "{\"mdev_type\": 1, \"start\": \"auto\"}", "{\"mdev_type\": \"x\"}",
                                          "{\"mdev_type\": \"x\", \"start\": null}", "{\"mdev_type\": [\"x\"], \"start\": {}}", "{\"mdev_type\":", std::string(70000, ' ')};
    for (const std::string &text : bad) {
        put(ONE, text);
        EXPECT_TRUE(load().empty()) << text.substr(0, 40);
        EXPECT_NE(said.find(ONE), std::string::npos) << text.substr(0, 40);
    }
    put(ONE, "{\"mdev_type\": \"x\", \"start\": \"auto\", \"attrs\": 7}");
    EXPECT_EQ(load().size(), 1u);
    std::filesystem::remove(folder + "/" + ONE);
    std::filesystem::create_directories(folder + "/" + TWO); // a folder of that name
    put("README", "no UUID: said nothing of");
    EXPECT_TRUE(load().empty());
    EXPECT_EQ(said.find("README"), std::string::npos);
}

} // namespace
