// SPDX-License-Identifier: GPL-2.0-or-later
// Snapshots: what is counted where, and that JSON and metrics say the same.
#include "vmm/observe/observed_gpu.h"
#include "vmm/observe/exposition.h"

namespace {

using Figures = ObservedGpu;

TEST_F(Figures, NamesTypesAndStates)
{
    auto f = take();
    ASSERT_EQ(f->count, 2u);
    EXPECT_STREQ(f->users[0].name, "alpha");
    EXPECT_STREQ(f->users[1].type, "i915-GVTg_V5_8");
    EXPECT_EQ(f->users[0].weight, 3u);
    EXPECT_EQ(f->users[0].state, FIGURES_RUNNING);
    EXPECT_EQ(f->users[0].reason, nullptr);
    EXPECT_GT(f->users[0].shadow_tables_limit, 0u);
    EXPECT_GT(f->users[0].quota_limit[SCHED_QUOTA_QUEUED], 0u);
}

TEST_F(Figures, CountsTrapsOfTheOneWhoTraps)
{
    auto before = take();
    for (int i = 0; i < 5; i++)
        read_register(1, 0x2030);
    devices[1]->ops->config_read(devices[1], 0, 4);
    auto after = take();
    EXPECT_EQ(after->users[1].traps[TRACE_TRAP_READ], before->users[1].traps[TRACE_TRAP_READ] + 5);
    EXPECT_EQ(after->users[1].traps[TRACE_TRAP_CONFIG], before->users[1].traps[TRACE_TRAP_CONFIG] + 1);
    EXPECT_EQ(after->users[0].traps[TRACE_TRAP_READ], before->users[0].traps[TRACE_TRAP_READ]);
    EXPECT_GT(after->trace_records, before->trace_records);
}

TEST_F(Figures, WorkloadsAreCountedByEngine)
{
    trace_emit(trace, TRACE_SUBMIT, 1, ENGINE_BCS0, 1, 0);
    trace_emit(trace, TRACE_SUBMIT, 1, ENGINE_BCS0, 2, 0);
    trace_emit(trace, TRACE_SUBMIT, 1, ENGINE_RCS0, 3, 0);
    trace_emit(trace, TRACE_COMPLETE, 1, ENGINE_BCS0, 1, 0);
    trace_emit(trace, TRACE_HANG, 1, ENGINE_RCS0, 3, 0);
    trace_emit(trace, TRACE_ENGINE_RESET, 1, ENGINE_RCS0, 1, 0);
    auto f = take();
    const figures_user &alpha = f->users[0];
    EXPECT_EQ(alpha.submitted[ENGINE_BCS0], 2u);
    EXPECT_EQ(alpha.queued[ENGINE_BCS0], 1u);
    EXPECT_EQ(alpha.queued[ENGINE_RCS0], 0u);
    EXPECT_EQ(alpha.hung[ENGINE_RCS0], 1u);
    EXPECT_EQ(alpha.resets[ENGINE_RCS0], 1u);
    EXPECT_EQ(alpha.hung[ENGINE_BCS0], 0u);
    EXPECT_EQ(f->users[1].submitted[ENGINE_BCS0], 0u);
    EXPECT_EQ(trace_count(trace, 1, TRACE_SUBMIT), 3u);
}

TEST_F(Figures, RecordsThatAReaderMissesAreCounted)
{
    for (unsigned i = 0; i < 5000; i++)
        trace_emit(trace, TRACE_VBLANK, 1, TRACE_NO_ENGINE, i, 0);
    uint64_t cursor = 0, lost = 0;
    trace_record record;
    ASSERT_EQ(trace_read(trace, &cursor, &record, 1, &lost), 1u);
    auto f = take();
    EXPECT_GT(lost, 0u);
    EXPECT_EQ(f->trace_lost, lost);
}

// The owner of the users knows more.
TEST_F(Figures, TheOwnerAddsToThem)
{
    source.add = [](void *, unsigned user, figures_user *figures) {
        if (user == 1) {
            figures->state = FIGURES_WAITING;
            figures->memory = 42;
        }
    };
    auto f = take();
    EXPECT_EQ(f->users[0].state, FIGURES_RUNNING);
    EXPECT_EQ(f->users[1].state, FIGURES_WAITING);
    EXPECT_EQ(f->users[1].memory, 42u);
}

TEST_F(Figures, EachIsDescribed)
{
    std::set<std::string> names, metrics;
    for (size_t i = 0; i < figure_count; i++) {
        const figure_desc &desc = figure_descs[i];
        g_autofree char *metric = figure_metric_name(&desc);
        EXPECT_TRUE(names.insert(desc.name).second) << desc.name;
        EXPECT_TRUE(metrics.insert(metric).second) << metric;
        EXPECT_TRUE(g_regex_match_simple("^vmm_[a-z_]+$", metric, GRegexCompileFlags(0), GRegexMatchFlags(0))) << metric;
        EXPECT_EQ(desc.unit == FIGURE_NS, g_str_has_suffix(desc.name, "_ns")) << desc.name;
        EXPECT_EQ(desc.unit == FIGURE_BYTES, g_str_has_suffix(desc.name, "_bytes")) << desc.name;
        EXPECT_FALSE(g_str_has_suffix(desc.help, ".")) << desc.name;
        EXPECT_LE(desc.offset + sizeof(uint64_t) * figure_length(desc.dimension),
                  desc.subject == FIGURE_RUN ? sizeof(figures) : sizeof(figures_user));
        EXPECT_EQ(figure_find(desc.name), &desc);
        for (unsigned n = 0; desc.dimension != FIGURE_PLAIN && n < figure_length(desc.dimension); n++)
            EXPECT_NE(figure_index_name(desc.dimension, n), nullptr) << desc.name << " " << n;
    }
    EXPECT_EQ(figure_find("nonsense"), nullptr);
}

TEST_F(Figures, MetricsAreWellFormedAndSayWhatJsonSays)
{
    read_register(0, 0x2030);
    trace_emit(trace, TRACE_SUBMIT, 2, ENGINE_VCS0, 1, 0);
    auto f = take();
    f->users[0].busy_ns[ENGINE_VECS0] = 1234567890123;
    f->users[0].vcpus = f->users[1].vcpus = 2;
    g_autofree char *text = figures_to_metrics(f.get());
    exposition::Families families;
    ASSERT_NO_THROW(families = exposition::Parser().parse(text)) << text;
    JsonNode *json = figures_to_json(f.get());
    JsonObject *run = json_node_get_object(json);
    JsonArray *users = json_object_get_array_member(run, "users");
    ASSERT_EQ(json_array_get_length(users), 2u);
    EXPECT_STREQ(json_object_get_string_member(json_array_get_object_element(users, 0), "state"), "running");
    EXPECT_TRUE(json_object_get_null_member(json_array_get_object_element(users, 0), "reason"));
    for (size_t i = 0; i < figure_count; i++) {
        const figure_desc &desc = figure_descs[i];
        g_autofree char *name = figure_metric_name(&desc);
        ASSERT_EQ(families.count(name), 1u) << name;
        const exposition::Family &family = families[name];
        EXPECT_EQ(family.type, desc.counter ? "counter" : "gauge") << name;
        EXPECT_EQ(g_str_has_suffix(name, "_total"), desc.counter) << name;
        EXPECT_FALSE(family.help.empty()) << name;
        EXPECT_EQ(family.samples.size(), desc.subject == FIGURE_RUN ? 1u : 2u * figure_length(desc.dimension)) << name;
        for (const auto &[labels, value] : family.samples) {
            JsonObject *object = run;
            if (desc.subject != FIGURE_RUN)
                object = json_array_get_object_element(users, labels.at("vm") == "beta");
            const char *member = desc.name;
            if (desc.dimension != FIGURE_PLAIN) {
                object = json_object_get_object_member(object, desc.name);
                member = labels.at(figure_label(desc.dimension)).c_str();
            }
            ASSERT_TRUE(json_object_has_member(object, member)) << name;
            double expected = static_cast<double>(json_object_get_int_member(object, member));
            EXPECT_DOUBLE_EQ(value, desc.unit == FIGURE_NS ? expected / 1e9 : expected) << name;
        }
    }
    EXPECT_DOUBLE_EQ((families["vmm_vgpu_busy_seconds_total"].samples[{{"vm", "alpha"}, {"engine", "vecs0"}}]), 1234.567890123);
    json_node_unref(json);
}

// What a user does not have is left out, and is not 0.
TEST_F(Figures, MetricsOfWhatIsThere)
{
    auto f = take();
    g_free(f->users[0].type);
    f->users[0].type = g_strdup("none");
    f->users[0].vcpus = 2;
    g_autofree char *text = figures_to_metrics(f.get());
    exposition::Families families;
    ASSERT_NO_THROW(families = exposition::Parser().parse(text)) << text;
    EXPECT_EQ((families["vmm_vm_vcpus"].samples), (std::map<std::map<std::string, std::string>, double>{{{{"vm", "alpha"}}, 2}}));
    EXPECT_EQ((families["vmm_vgpu_weight"].samples), (std::map<std::map<std::string, std::string>, double>{{{{"vm", "beta"}}, 1}}));
}

TEST_F(Figures, LabelsAreEscaped)
{
    auto f = take();
    g_free(f->users[0].name);
    f->users[0].name = g_strdup("a\"b\\c\nd");
    g_autofree char *text = figures_to_metrics(f.get());
    exposition::Families families;
    ASSERT_NO_THROW(families = exposition::Parser().parse(text)) << text;
    EXPECT_EQ((families["vmm_vgpu_weight"].samples.count({{"vm", "a\"b\\c\nd"}})), 1u);
}

} // namespace
