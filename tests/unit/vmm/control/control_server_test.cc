// SPDX-License-Identifier: GPL-2.0-or-later
// The protocol of the control socket: negotiation, ids, errors, events, clients that do not behave.
#include "control_socket.h"
#include "vmm/control/server.h"
#include "vmm/error.h"

#include <memory>
#include <sys/stat.h>
#include <thread>
#include <vector>

namespace {

JsonNode *echo(void *opaque, JsonObject *arguments, GError **error)
{
    ++*static_cast<int *>(opaque);
    if (json_object_get_boolean_member_with_default(arguments, "fail", FALSE)) {
        g_set_error(error, CONTROL_ERROR, CONTROL_ERROR_DEVICE_NOT_FOUND, "as you like");
        return nullptr;
    }
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);
    json_node_set_object(node, arguments);
    return node;
}

JsonNode *large(void *, JsonObject *, GError **)
{
    std::string text(3 << 20, 'x');
    JsonNode *node = json_node_new(JSON_NODE_VALUE);
    json_node_set_string(node, text.c_str());
    return node;
}

const control_command test_commands[] = {
    {"echo",
     {{"text", CONTROL_STRING, false, 0, 0, ""}, {"number", CONTROL_NUMBER, true, -5, 5, ""}, {"fail", CONTROL_BOOL, true, 0, 0, ""}},
     "gives back",
     echo},
    {"large", {}, "gives much", large},
    {},
};

class ControlServer : public testing::Test {
protected:
    std::string path = "/tmp/control-test-" + std::to_string(getpid()) + ".sock";
    control_server *server = nullptr;
    int calls = 0;

    void SetUp() override
    {
        GError *error = nullptr;
        server = control_server_create(path.c_str(), &error);
        ASSERT_NE(server, nullptr) << error->message;
        control_server_add(server, test_commands, &calls);
    }
    void TearDown() override
    {
        control_server_destroy(server);
        EXPECT_NE(access(path.c_str(), F_OK), 0) << "the socket is removed";
    }
};

TEST_F(ControlServer, IsForItsOwnerOnly)
{
    struct stat st;
    ASSERT_EQ(stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600u);
    GError *error = nullptr;
    EXPECT_EQ(control_server_create(path.c_str(), &error), nullptr);
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(error->code, VMM_ERROR_CONFIG);
    EXPECT_TRUE(has(error->message, {"another server listens there"})) << error->message;
    g_error_free(error);
}

TEST_F(ControlServer, GreetsAndNegotiates)
{
    Connection client(path);
    std::string greeting = client.line();
    EXPECT_TRUE(g_regex_match_simple(R"(^\{"QMP":\{"version":\{"qemu":\{"major":\d+,"minor":\d+,"micro":\d+\},"package":"[^"]+"\},"capabilities":\[\]\}\}$)", greeting.c_str(), GRegexCompileFlags(0), GRegexMatchFlags(0)))
        << greeting;
    EXPECT_TRUE(has(client.ask("{\"execute\":\"query-version\"}"), {"\"class\":\"CommandNotFound\"", "qmp_capabilities has to come first"}));
    EXPECT_TRUE(has(client.ask("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}"), {"GenericError"}));
    EXPECT_EQ(client.ask("{\"execute\":\"qmp_capabilities\",\"arguments\":{}}"), "{\"return\":{}}");
    EXPECT_TRUE(has(client.ask("{\"execute\":\"qmp_capabilities\"}"), {"CommandNotFound", "already"}));
    EXPECT_TRUE(has(client.ask("{\"execute\":\"query-version\"}"), {"\"return\":{\"qemu\":{\"major\":"}));
    std::string commands = client.ask("{\"execute\":\"query-commands\"}");
    EXPECT_TRUE(has(commands, {"{\"name\":\"query-commands\"}", "{\"name\":\"qmp_capabilities\"}", "{\"name\":\"echo\"}"})) << commands;
}

TEST_F(ControlServer, GivesTheIdBackWhateverItIs)
{
    Connection client(path);
    client.begin();
    for (const char *id : {"1", "\"x\"", "null", "[1,{\"a\":2}]", "{\"b\":true}"}) {
        std::string member = std::string("\"id\":") + id;
        EXPECT_EQ(client.ask("{\"execute\":\"echo\",\"arguments\":{\"text\":\"t\"}," + member + "}"), "{\"return\":{\"text\":\"t\"}," + member + "}");
        EXPECT_TRUE(has(client.ask("{\"execute\":\"none\"," + member + "}"), {"CommandNotFound", member.c_str()}));
        EXPECT_TRUE(has(client.ask("{\"execut\":\"none\"," + member + "}"), {"GenericError", member.c_str()}));
    }
}

TEST_F(ControlServer, ChecksArgumentsBeforeTheCommandSeesThem)
{
    Connection client(path);
    client.begin();
    auto echo_with = [&](const char *arguments) { return client.ask(std::string("{\"execute\":\"echo\",\"arguments\":") + arguments + "}"); };
    EXPECT_EQ(echo_with("{\"text\":\"t\",\"number\":-5,\"fail\":false}"), "{\"return\":{\"text\":\"t\",\"number\":-5,\"fail\":false}}");
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(has(client.ask("{\"execute\":\"echo\"}"), {"GenericError", "argument text is missing"}));
    EXPECT_TRUE(has(echo_with("{}"), {"argument text is missing"}));
    EXPECT_TRUE(has(echo_with("{\"text\":1}"), {"argument text is not a string"}));
    EXPECT_TRUE(has(echo_with("{\"text\":null}"), {"argument text is not a string"}));
    EXPECT_TRUE(has(echo_with("{\"text\":[\"t\"]}"), {"argument text is not a string"}));
    EXPECT_TRUE(has(echo_with("{\"text\":\"t\",\"number\":\"1\"}"), {"argument number is not a whole number"}));
    EXPECT_TRUE(has(echo_with("{\"text\":\"t\",\"number\":1.5}"), {"argument number is not a whole number"}));
    EXPECT_TRUE(has(echo_with("{\"text\":\"t\",\"number\":6}"), {"argument number is not between -5 and 5"}));
    EXPECT_TRUE(has(echo_with("{\"text\":\"t\",\"number\":9223372036854775807}"), {"argument number is not between"}));
    EXPECT_TRUE(has(echo_with("{\"text\":\"t\",\"fail\":1}"), {"argument fail is not true or false"}));
    EXPECT_TRUE(has(echo_with("{\"text\":\"t\",\"more\":1}"), {"there is no argument more"}));
    EXPECT_TRUE(has(echo_with("[1]"), {"arguments is not an object"}));
    EXPECT_TRUE(has(client.ask("{\"execute\":1}"), {"lacks the member execute"}));
    EXPECT_TRUE(has(client.ask("{\"exec-oob\":\"echo\"}"), {"exec-oob"}));
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(has(echo_with("{\"text\":\"t\",\"fail\":true}"), {"\"class\":\"DeviceNotFound\",\"desc\":\"as you like\""}));
    EXPECT_EQ(calls, 2);
}

TEST_F(ControlServer, AnswersWhatIsWrongAndGoesOn)
{
    Connection client(path);
    client.begin();
    for (const char *bad : {"hello\n", "{\"execute\":\n", "[]\n", "{\"execute\" \"echo\"}\n", "\x80\n", "{\"execute\":\"echo\"\x01}\n"}) {
        std::string answer = client.ask(bad);
        EXPECT_TRUE(has(answer, {"\"error\":{\"class\":\"GenericError\",\"desc\":\""})) << bad << answer;
    }
    EXPECT_TRUE(has(client.ask(std::string(CONTROL_MESSAGE_MAX + 10, 'x') + "\n"), {"longer than 65536 bytes"}));
    EXPECT_TRUE(has(client.ask("{\"a\":" + std::string(5000, '[') + "\n"), {"brackets within each other"}));
    EXPECT_EQ(client.ask("{\"execute\":\"echo\",\"arguments\":{\"text\":\"\xc3\xa4\"}}"), "{\"return\":{\"text\":\"\xc3\xa4\"}}");
}

TEST_F(ControlServer, TakesMessagesInPiecesAndMoreThanOneAtOnce)
{
    Connection client(path);
    client.begin();
    for (char byte : std::string("{\"execute\":\"echo\",\"arguments\":{\"text\":\"slow\"}}")) {
        client.send(std::string(1, byte));
        Connection::turn();
    }
    EXPECT_EQ(client.line(), "{\"return\":{\"text\":\"slow\"}}");
    std::string many;
    for (int i = 0; i < 500; i++)
        many += "{\"execute\":\"echo\",\"arguments\":{\"text\":\"" + std::to_string(i) + "\"}}";
    client.send(many);
    for (int i = 0; i < 500; i++)
        ASSERT_EQ(client.line(), "{\"return\":{\"text\":\"" + std::to_string(i) + "\"}}");
}

TEST_F(ControlServer, SendsEventsOfAnyThreadToThoseThatNegotiated)
{
    Connection one(path), two(path), quiet(path);
    one.begin();
    two.begin();
    EXPECT_NE(quiet.line(), "");
    std::thread other([&] {
        JsonObject *data = json_object_new();
        json_object_set_string_member(data, "name", "alpha");
        control_server_event(server, "TOLD", data);
        control_server_event(server, "BARE", nullptr);
    });
    other.join();
    for (Connection *client : {&one, &two}) {
        std::string event = client->line();
        EXPECT_TRUE(g_regex_match_simple(R"(^\{"timestamp":\{"seconds":\d+,"microseconds":\d{1,6}\},"event":"TOLD","data":\{"name":"alpha"\}\}$)", event.c_str(), GRegexCompileFlags(0), GRegexMatchFlags(0))) << event;
        EXPECT_TRUE(has(client->line(), {"\"event\":\"BARE\"}"}));
    }
    EXPECT_TRUE(has(quiet.ask("{\"execute\":\"x\"}"), {"\"error\""})) << "no event before the negotiation";
    control_server_event(nullptr, "NOBODY", json_object_new()); // no socket: nothing happens
}

TEST_F(ControlServer, CountsEventsThatCameTooFast)
{
    Connection client(path);
    client.begin();
    for (int i = 0; i < CONTROL_EVENTS_MAX + 7; i++)
        control_server_event(server, "FLOOD", nullptr);
    for (int i = 0; i < CONTROL_EVENTS_MAX; i++)
        ASSERT_TRUE(has(client.line(), {"FLOOD"}));
    EXPECT_TRUE(has(client.line(), {"\"event\":\"EVENTS_LOST\",\"data\":{\"count\":7}"}));
}

TEST_F(ControlServer, DropsAClientThatDoesNotRead)
{
    Connection deaf(path), good(path);
    deaf.begin();
    good.begin();
    // More than the kernel's buffers and ours take; the other client gets all of it.
    JsonObject *data = json_object_new();
    json_object_set_string_member(data, "text", std::string(10000, 'x').c_str());
    for (int i = 0; i < 500; i++) {
        control_server_event(server, "FLOOD", json_object_ref(data));
        ASSERT_TRUE(has(good.line(), {"FLOOD"})) << i;
    }
    json_object_unref(data);
    EXPECT_TRUE(has(good.ask("{\"execute\":\"query-version\"}"), {"return"}));
    EXPECT_TRUE(deaf.is_over());
}

TEST_F(ControlServer, ALongAnswerIsNoReasonToDrop)
{
    Connection client(path);
    client.begin();
    for (int i = 0; i < 3; i++) {
        std::string answer = client.ask("{\"execute\":\"large\"}");
        EXPECT_EQ(answer.size(), (3u << 20) + strlen("{\"return\":\"\"}"));
    }
    // Two of them that are not read are one too many.
    client.send("{\"execute\":\"large\"}{\"execute\":\"large\"}{\"execute\":\"large\"}");
    Connection::turn();
    EXPECT_TRUE(client.is_over());
}

TEST_F(ControlServer, SurvivesClientsThatLeave)
{
    for (int i = 0; i < 200; i++) {
        Connection client(path);
        if (i % 3)
            client.send("{\"execute\":\"qmp_capabilities\"}{\"execute\":\"large\"}{\"execute\":");
        if (i % 2)
            Connection::turn();
        control_server_event(server, "X", nullptr);
    }
    Connection client(path);
    client.begin();
}

TEST_F(ControlServer, BoundsHowManyClientsThereAre)
{
    std::vector<std::unique_ptr<Connection>> clients;
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        clients.push_back(std::make_unique<Connection>(path));
        clients.back()->begin();
    }
    Connection more(path);
    EXPECT_TRUE(more.is_over());
    clients.pop_back();
    Connection::turn();
    Connection again(path);
    again.begin();
}

TEST_F(ControlServer, SendsLastEventsBeforeItGoes)
{
    Connection client(path);
    client.begin();
    control_server_event(server, "LAST", nullptr);
    control_server_destroy(server);
    server = nullptr;
    EXPECT_TRUE(has(client.line(), {"LAST"}));
    EXPECT_TRUE(client.is_over());
}

TEST(ControlSocket, TellsWhatIsInTheWay)
{
    std::string path = "/tmp/control-test-" + std::to_string(getpid()) + ".sock";
    GError *error = nullptr;
    auto fails_with = [&](const char *where, const char *words) {
        EXPECT_EQ(control_server_create(where, &error), nullptr);
        ASSERT_NE(error, nullptr);
        EXPECT_TRUE(has(error->message, {words})) << error->message;
        g_clear_error(&error);
    };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, path.c_str());
    ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    close(fd); // left over
    fails_with(path.c_str(), "is left over from a server that is gone (rm ");
    EXPECT_EQ(access(path.c_str(), F_OK), 0) << "what is not ours stays";
    unlink(path.c_str());
    fails_with("/nonexistent/x.sock", "No such file or directory");
    fails_with("", "the path is empty");
    fails_with(("/tmp/" + std::string(200, 'x')).c_str(), "try a shorter one");
}

} // namespace
