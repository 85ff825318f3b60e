// SPDX-License-Identifier: GPL-2.0-or-later
// The commands and events of a run, on a GPU with two vGPUs and no machines; and our own client against them.
#include "control_socket.h"
#include "vmm/control/client.h"
#include "vmm/control/control.h"
#include "vmm/error.h"
#include "vmm/observe/observed_gpu.h"

#include <atomic>
#include <thread>

namespace {

class ControlRun : public ObservedGpu {
protected:
    std::string path;
    struct control *control = nullptr;
    int quits = 0;

    void SetUp() override
    {
        ObservedGpu::SetUp();
        path = directory + "/control.sock";
        control_config config = {};
        config.path = path.c_str();
        config.figures = &source;
        config.socket = [](void *, unsigned user) -> const char * { return user ? "/run/beta.sock" : "/run/alpha.sock"; };
        config.quit = [](void *opaque) { static_cast<ControlRun *>(opaque)->quits++; };
        config.opaque = this;
        GError *error = nullptr;
        control = control_start(&config, &error);
        ASSERT_NE(control, nullptr) << error->message;
    }
    void TearDown() override
    {
        control_stop(control);
        ObservedGpu::TearDown();
    }
    // What a client does on a thread of its own, while the main loop turns here.
    template <typename Function> void meanwhile(Function function)
    {
        std::atomic<bool> done{false};
        std::thread thread([&] {
            function();
            done = true;
        });
        while (!done) {
            Connection::turn();
            g_usleep(500);
        }
        thread.join();
    }
};

TEST_F(ControlRun, ListsVgpus)
{
    Connection client(path);
    client.begin();
    EXPECT_EQ(client.ask("{\"execute\":\"query-vgpus\"}"),
              "{\"return\":[{\"name\":\"alpha\",\"type\":\"i915-GVTg_V5_8\",\"state\":\"running\",\"weight\":3,\"gpu_cap\":0,\"class\":\"normal\",\"socket\":\"/run/alpha.sock\"},"
              "{\"name\":\"beta\",\"type\":\"i915-GVTg_V5_8\",\"state\":\"running\",\"weight\":1,\"gpu_cap\":0,\"class\":\"normal\",\"socket\":\"/run/beta.sock\"}]}");
    EXPECT_EQ(client.ask("{\"execute\":\"query-vms\"}"), "{\"return\":[]}");
    EXPECT_EQ(client.ask("{\"execute\":\"query-status\"}"), "{\"return\":{\"running\":true,\"status\":\"running\",\"policy\":\"fair\"}}");
    EXPECT_TRUE(has(client.ask("{\"execute\":\"stop\"}"), {"GenericError", "served"}));
    EXPECT_TRUE(has(client.ask("{\"execute\":\"system_reset\",\"arguments\":{\"name\":\"alpha\"}}"), {"GenericError", "served"}));
    EXPECT_TRUE(has(client.ask("{\"execute\":\"query-stats\"}"), {"\"policy\":\"fair\"", "\"users\":[{\"name\":\"alpha\"", "\"busy_ns\":{\"rcs0\":0"}));
}

TEST_F(ControlRun, ChangesWeightsAndThePolicy)
{
    Connection client(path);
    client.begin();
    EXPECT_EQ(client.ask("{\"execute\":\"set-vgpu\",\"arguments\":{\"name\":\"beta\",\"weight\":256}}"), "{\"return\":{}}");
    EXPECT_TRUE(has(client.ask("{\"execute\":\"query-vgpus\"}"), {"\"weight\":3", "\"weight\":256"}));
    EXPECT_EQ(client.ask("{\"execute\":\"set-vgpu\",\"arguments\":{\"name\":\"beta\",\"gpu_cap\":40,\"class\":\"latency\"}}"), "{\"return\":{}}");
    EXPECT_TRUE(has(client.ask("{\"execute\":\"query-vgpus\"}"), {"\"weight\":3,\"gpu_cap\":0,\"class\":\"normal\"", "\"weight\":256,\"gpu_cap\":40,\"class\":\"latency\""}));
    EXPECT_TRUE(has(client.ask("{\"execute\":\"set-vgpu\",\"arguments\":{\"name\":\"beta\",\"gpu_cap\":101}}"), {"not between 0 and 100"}));
    EXPECT_TRUE(has(client.ask("{\"execute\":\"set-vgpu\",\"arguments\":{\"name\":\"beta\",\"class\":\"first\"}}"), {"neither normal nor latency"}));
    EXPECT_TRUE(has(client.ask("{\"execute\":\"set-vgpu\",\"arguments\":{\"name\":\"beta\",\"weight\":0}}"), {"not between 1 and 256"}));
    EXPECT_TRUE(has(client.ask("{\"execute\":\"set-vgpu\",\"arguments\":{\"name\":\"gamma\",\"weight\":1}}"), {"DeviceNotFound", "gamma"}));
    EXPECT_EQ(client.ask("{\"execute\":\"set-policy\",\"arguments\":{\"policy\":\"fixed\"}}"), "{\"return\":{}}");
    EXPECT_TRUE(has(client.ask("{\"execute\":\"query-status\"}"), {"\"policy\":\"fixed\""}));
    EXPECT_TRUE(has(client.ask("{\"execute\":\"query-stats\"}"), {"\"policy\":\"fixed\""}));
    EXPECT_TRUE(has(client.ask("{\"execute\":\"set-policy\",\"arguments\":{\"policy\":\"nice\"}}"), {"GenericError", "none of fair"}));
}

TEST_F(ControlRun, QuitsAndSaysWhyThereIsNoPicture)
{
    Connection client(path);
    client.begin();
    EXPECT_TRUE(has(client.ask("{\"execute\":\"screenshot\",\"arguments\":{\"name\":\"alpha\"}}"), {"\"error\""}));
    EXPECT_TRUE(has(client.ask("{\"execute\":\"screenshot\",\"arguments\":{\"name\":\"alpha\",\"filename\":\"x.png\"}}"), {"not an absolute path"}));
    EXPECT_EQ(client.ask("{\"execute\":\"quit\"}"), "{\"return\":{}}");
    EXPECT_EQ(quits, 1);
}

TEST_F(ControlRun, TellsWhatHappens)
{
    Connection client(path);
    client.begin();
    unsigned beta = gpu_setup_trace_id(gpu, 1);
    control_vgpu_failed(control, 0, "it was naughty");
    EXPECT_TRUE(has(client.line(), {"\"event\":\"VGPU_FAILED\"", "{\"name\":\"alpha\",\"reason\":\"it was naughty\"}"}));
    control_client_changed(control, 1, true);
    EXPECT_TRUE(has(client.line(), {"\"event\":\"CLIENT_ATTACHED\"", "beta"}));
    control_client_changed(control, 1, false);
    EXPECT_TRUE(has(client.line(), {"\"event\":\"CLIENT_LEFT\"", "beta"}));
    trace_emit(trace, TRACE_HANG, beta, ENGINE_BCS0, 0, 0);
    trace_emit(trace, TRACE_HANG, beta, ENGINE_BCS0, 0, 0);
    trace_emit(trace, TRACE_ENGINE_RESET, beta, ENGINE_BCS0, 0, 0);
    EXPECT_TRUE(has(client.line(), {"\"event\":\"HANG\"", "{\"name\":\"beta\",\"engine\":\"bcs0\",\"count\":2}"}));
    EXPECT_TRUE(has(client.line(), {"\"event\":\"ENGINE_RESET\"", "{\"name\":\"beta\",\"engine\":\"bcs0\",\"count\":1}"}));
    trace_emit(trace, TRACE_FLIP, beta, TRACE_NO_ENGINE, 0, 0);
    EXPECT_TRUE(has(client.line(), {"\"event\":\"DISPLAY_READY\",\"data\":{\"name\":\"beta\"}"}));
    trace_emit(trace, TRACE_FLIP, beta, TRACE_NO_ENGINE, 0, 0);
    trace_emit(trace, TRACE_HANG, beta, ENGINE_RCS0, 0, 0);
    EXPECT_TRUE(has(client.line(), {"\"event\":\"HANG\"", "rcs0"})) << "the display is ready once";
    // Without a socket the same calls do nothing.
    control_vgpu_failed(nullptr, 0, "");
    control_client_changed(nullptr, 0, true);
    control_vm_ended(nullptr, 0);
}

TEST_F(ControlRun, OurClientSpeaksIt)
{
    meanwhile([&] {
        GError *error = nullptr;
        control_client *client = control_client_find(path.c_str(), "beta", &error);
        ASSERT_NE(client, nullptr) << error->message;
        EXPECT_STREQ(control_client_path(client), path.c_str());
        JsonNode *stats = control_client_call(client, "query-stats", nullptr, &error);
        ASSERT_NE(stats, nullptr) << error->message;
        json_node_unref(stats);
        EXPECT_EQ(control_client_call(client, "screenshot", control_guest_arguments("beta"), &error), nullptr);
        EXPECT_EQ(error->code, VMM_ERROR_FAILED);
        g_clear_error(&error);
        EXPECT_EQ(control_client_call(client, "screenshot", control_guest_arguments("gamma"), &error), nullptr);
        EXPECT_EQ(error->code, VMM_ERROR_CONFIG) << error->message;
        g_clear_error(&error);
        control_client_changed(control, 0, true);
        control_client_changed(control, 1, true);
        const char *const events[] = {"CLIENT_LEFT", "CLIENT_ATTACHED", nullptr};
        EXPECT_STREQ(control_client_wait(client, events, "beta", 5 * G_USEC_PER_SEC), "CLIENT_ATTACHED");
        EXPECT_EQ(control_client_wait(client, events, "beta", 20000), nullptr) << "not a second time";
        control_client_close(client);
        EXPECT_EQ(control_client_find(path.c_str(), "gamma", &error), nullptr);
        EXPECT_TRUE(has(error->message, {"no guest gamma"})) << error->message;
        g_clear_error(&error);
        EXPECT_EQ(control_client_open("/nonexistent/x", &error), nullptr);
        EXPECT_EQ(error->code, VMM_ERROR_CONFIG);
        g_clear_error(&error);
    });
}

TEST(ControlPath, FollowsTheConfigurationsName)
{
    char *path = control_path(nullptr, "/x/two.ini");
    EXPECT_EQ(path, nullptr);
    path = control_path("/y/z.sock", "/x/two.ini");
    EXPECT_STREQ(path, "/y/z.sock");
    g_free(path);
    path = control_path("auto", "/x/two.more.ini");
    EXPECT_TRUE(g_str_has_suffix(path, "/mediant/control/two.more.sock")) << path;
    g_free(path);
    path = control_path("auto", ".ini");
    EXPECT_TRUE(g_str_has_suffix(path, "/mediant/control/.ini.sock")) << path;
    g_free(path);
}

} // namespace
