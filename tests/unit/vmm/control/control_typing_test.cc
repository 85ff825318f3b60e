// SPDX-License-Identifier: GPL-2.0-or-later
// send-key and input-send-event: what reaches a keyboard's and a tablet's driver, what is refused, and that the connection stays.
#include "control_socket.h"
#include "vmm/control/control.h"
#include "vmm/control/strokes.h"
#include "vmm/observe/observed_gpu.h"
#include "vmm/virtio_hands.h"

namespace {

class ControlTyping : public ObservedGpu {
  protected:
    virtio_test::Hands hands;
    struct input nothing = {};
    struct control *control = nullptr;
    std::optional<Connection> client;

    void SetUp() override
    {
        ObservedGpu::SetUp();
        hands.listen();
        std::string path = directory + "/control.sock";
        control_config config = {};
        config.path = path.c_str();
        config.figures = &source;
        config.input = [](void *opaque, unsigned user) -> const struct input * {
            auto *self = static_cast<ControlTyping *>(opaque);
            return user ? &self->nothing : &self->hands.in;
        };
        config.opaque = this;
        GError *error = nullptr;
        control = control_start(&config, &error);
        ASSERT_NE(control, nullptr) << error->message;
        client.emplace(path);
        client->begin();
    }
    void TearDown() override
    {
        client.reset();
        control_stop(control);
        ObservedGpu::TearDown();
    }
    std::string ask(const std::string &command, const std::string &arguments)
    {
        return client->ask("{\"execute\":\"" + command + "\",\"arguments\":{\"name\":\"alpha\"," + arguments + "}}");
    }
    std::string keys(const std::string &list, int hold = 1)
    {
        return ask("send-key", "\"keys\":[" + list + "],\"hold-time\":" + std::to_string(hold));
    }
    std::string events(const std::string &list) { return ask("input-send-event", "\"events\":[" + list + "]"); }
    static std::string q(const std::string &name) { return "{\"type\":\"qcode\",\"data\":\"" + name + "\"}"; }
    static std::string key(const std::string &name, bool down)
    {
        return "{\"type\":\"key\",\"data\":{\"down\":" + std::string(down ? "true" : "false") + ",\"key\":" + q(name) + "}}";
    }
    static std::string button(const std::string &name, bool down)
    {
        return "{\"type\":\"btn\",\"data\":{\"down\":" + std::string(down ? "true" : "false") + ",\"button\":\"" + name + "\"}}";
    }
    static std::string at(const char *axis, int value)
    {
        return "{\"type\":\"abs\",\"data\":{\"axis\":\"" + std::string(axis) + "\",\"value\":" + std::to_string(value) + "}}";
    }
    // Turns the main loop for so long.
    static void pass(int milliseconds)
    {
        for (gint64 end = g_get_monotonic_time() + milliseconds * 1000; g_get_monotonic_time() < end; g_usleep(500))
            Connection::turn();
    }
};

const std::string OK = "{\"return\":{}}";

TEST_F(ControlTyping, KeysGoDownInOrderAndUpInTheOther)
{
    EXPECT_EQ(keys(q("ctrl") + "," + q("alt") + ",{\"type\":\"number\",\"data\":211}"), OK);
    pass(50);
    EXPECT_EQ(hands.typed(), "29+ 56+ 111+ 111- 56- 29- ");
}

TEST_F(ControlTyping, TheyAreHeldWhileOthersAreAnswered)
{
    EXPECT_EQ(keys(q("a"), 300), OK);
    EXPECT_EQ(keys(q("a"), 1), OK) << "is typed when the first one is up";
    EXPECT_TRUE(has(client->ask("{\"execute\":\"query-status\"}"), {"running"}));
    EXPECT_EQ(hands.typed(), "30+ ");
    pass(400);
    EXPECT_EQ(hands.typed(), "30- 30+ 30- ");
}

TEST_F(ControlTyping, ManyStrokesWaitAndTooManyAreRefused)
{
    for (int i = 0; i < STROKES_WAITING; i++)
        ASSERT_EQ(keys(q("b"), 60000), OK) << i;
    EXPECT_TRUE(has(keys(q("b")), {"GenericError", "256 strokes of keys wait"}));
    EXPECT_EQ(hands.typed(), "48+ ") << "and the end of the run does not wait for them";
}

TEST_F(ControlTyping, EventsInTheirOrder)
{
    EXPECT_EQ(events(key("shift", true) + "," + key("x", true) + "," + key("x", false)), OK);
    EXPECT_EQ(hands.typed(), "42+ 45+ 45- ") << "what is down stays down";
    EXPECT_EQ(events(key("shift", false)), OK);
    EXPECT_EQ(events(""), OK) << "as QEMU";
    EXPECT_EQ(hands.typed(), "42- ");
    EXPECT_EQ(events(at("x", 20000) + "," + at("y", 400) + "," + button("left", true) + "," + button("left", false)), OK);
    EXPECT_EQ(hands.pointed(), "3:0=20000 3:1=400 272+ 272- ");
    EXPECT_EQ(events(at("y", 32767)), OK);
    EXPECT_EQ(hands.pointed(), "3:0=20000 3:1=32767 ") << "the other axis stays";
    EXPECT_EQ(events(button("wheel-up", true) + "," + button("wheel-up", false) + "," + button("wheel-left", true)), OK);
    EXPECT_EQ(hands.pointed(), "2:8=1 2:6=-1 ");
    EXPECT_EQ(events(button("side", true) + "," + button("side", false) + "," + button("extra", true) + "," + button("extra", false)), OK);
    EXPECT_EQ(hands.pointed(), "275+ 275- 276+ 276- ");
}

TEST_F(ControlTyping, PositionsThatAClickIsBetweenAreAllTold)
{
    EXPECT_EQ(events(at("x", 1) + "," + at("y", 2) + "," + button("left", true) + "," + at("x", 3) + "," + button("left", false)), OK);
    EXPECT_EQ(hands.pointed(), "3:0=1 3:1=2 272+ 3:0=3 3:1=2 272- ");
}

TEST_F(ControlTyping, WhatIsWrongAnywhereDoesNothing)
{
    const struct {
        std::string list;
        const char *words;
    } wrong[] = {{key("a", true) + "," + key("nosuch", true), "there is no key nosuch"},
                 {key("ctr", true), "did you mean ctrl?"},
                 {"{\"type\":\"key\",\"data\":{\"down\":1,\"key\":" + q("a") + "}}", "down is neither"},
                 {"{\"type\":\"key\",\"data\":{\"down\":true}}", "not an object of key and down"},
                 {"{\"type\":\"key\",\"data\":{\"down\":true,\"key\":7}}", "not an object of type and data"},
                 {"{\"type\":\"key\",\"data\":{\"down\":true,\"key\":{\"type\":\"number\",\"data\":\"30\"}}}", "neither"},
                 {"{\"type\":\"key\",\"data\":{\"down\":true,\"key\":{\"type\":\"number\",\"data\":99999999999}}}", "no key of the number 99999999999"},
                 {"{\"type\":\"key\",\"data\":{\"down\":true,\"key\":{\"type\":\"keysym\",\"data\":30}}}", "neither"},
                 {"{\"type\":\"rel\",\"data\":{\"axis\":\"x\",\"value\":5}}", "positions only"},
                 {"{\"type\":\"mtt\",\"data\":{}}", "none of key, btn and abs"},
                 {"{\"type\":\"btn\",\"data\":{\"down\":true,\"button\":\"touch\"}}", "is none of left"},
                 {"{\"type\":\"btn\",\"data\":[]}", "data of btn is not an object"},
                 {at("z", 5), "neither x nor y"},
                 {at("x", 32768), "not between 0"},
                 {at("x", -1), "not between 0"},
                 {"{\"type\":\"abs\",\"data\":{\"axis\":\"x\",\"value\":1.5}}", "not between 0"},
                 {"{\"type\":\"key\",\"data\":{},\"more\":1}", "an event is not an object"},
                 {"null", "an event is not an object"},
                 {"[[]]", "an event is not an object"}};
    for (const auto &one : wrong) {
        std::string answer = events(one.list);
        EXPECT_TRUE(has(answer, {"GenericError", one.words})) << one.list << "\n" << answer;
    }
    std::string many = q("a"), lots = key("a", true);
    for (int i = 0; i < 16; i++)
        many += "," + q("a");
    for (int i = 0; i < 128; i++)
        lots += "," + key("a", true);
    EXPECT_TRUE(has(keys(many), {"argument keys has not 1 to 16 elements"}));
    EXPECT_TRUE(has(events(lots), {"argument events has not 0 to 128 elements"}));
    EXPECT_TRUE(has(keys(q("a") + ",3"), {"a key is not an object"}));
    EXPECT_TRUE(has(keys(q("a"), 60001), {"hold-time is not between 0 and 60000"}));
    EXPECT_TRUE(has(ask("send-key", "\"keys\":\"a\""), {"argument keys is not an array"}));
    EXPECT_TRUE(has(ask("send-key", "\"hold-time\":1"), {"argument keys is missing"}));
    EXPECT_TRUE(has(ask("input-send-event", "\"events\":[" + key("a", true) + "],\"device\":\"video0\""), {"there is no argument device"}));
    EXPECT_EQ(hands.typed(), "");
    EXPECT_EQ(hands.pointed(), "");
    EXPECT_EQ(keys(q("a")), OK) << "the connection is there still";
    pass(20);
    EXPECT_EQ(hands.typed(), "30+ 30- ");
}

TEST_F(ControlTyping, WhoseKeyboardItIs)
{
    const std::string list = "\"keys\":[" + q("a") + "]}}";
    EXPECT_TRUE(has(client->ask("{\"execute\":\"send-key\",\"arguments\":{\"name\":\"beta\"," + list), {"beta has neither keyboard nor tablet"}));
    EXPECT_TRUE(has(client->ask("{\"execute\":\"send-key\",\"arguments\":{\"name\":\"gamma\"," + list), {"DeviceNotFound"}));
    EXPECT_TRUE(has(client->ask("{\"execute\":\"send-key\",\"arguments\":{" + list), {"argument name is missing: there are 2 VMs"}));
}

TEST_F(ControlTyping, AGuestThatDoesNotListenHearsNothing)
{
    hands.k.status(0);
    EXPECT_EQ(keys(q("a"), 50), OK);
    hands.listen();
    pass(100);
    EXPECT_EQ(hands.typed(), "");
}

} // namespace
