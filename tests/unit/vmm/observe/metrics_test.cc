// SPDX-License-Identifier: GPL-2.0-or-later
// The metrics' server, against clients that behave and clients that do not.
#include "vmm/observe/exposition.h"
#include "vmm/observe/observed_gpu.h"

#include "vmm/error.h"
#include "vmm/observe/metrics.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace {

class Metrics : public ObservedGpu {
  protected:
    struct metrics *server = nullptr;
    std::string path;

    void SetUp() override
    {
        ObservedGpu::SetUp();
        path = directory + "/m.sock";
        GError *error = nullptr;
        server = metrics_create(path.c_str(), &source, &error);
        ASSERT_NE(server, nullptr) << error->message;
    }
    void TearDown() override
    {
        metrics_destroy(server);
        EXPECT_NE(access(path.c_str(), F_OK), 0) << "the socket is left over";
        ObservedGpu::TearDown();
    }
    int connect_client()
    {
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        strcpy(address.sun_path, path.c_str());
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0) << strerror(errno);
        return fd;
    }
    // All that comes until the server closes, while the main loop runs; "..." at the end: it did not close in that time.
    static std::string read_all(int fd, double seconds = 3)
    {
        std::string text;
        gint64 end = g_get_monotonic_time() + static_cast<gint64>(seconds * 1e6);
        while (g_get_monotonic_time() < end) {
            char buffer[4096];
            g_main_context_iteration(nullptr, FALSE);
            ssize_t got = read(fd, buffer, sizeof(buffer));
            if (got > 0)
                text.append(buffer, static_cast<size_t>(got));
            else if (got == 0 || errno != EAGAIN)
                return text;
            else
                g_usleep(1000);
        }
        return text + "...";
    }
    std::string request(const std::string &text)
    {
        int fd = connect_client();
        EXPECT_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
        std::string reply = read_all(fd);
        close(fd);
        return reply;
    }
    static std::string status(const std::string &reply) { return reply.substr(0, reply.find("\r\n")); }
};

TEST_F(Metrics, GivesAllFigures)
{
    std::string reply = request("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n");
    EXPECT_EQ(status(reply), "HTTP/1.0 200 OK");
    size_t body = reply.find("\r\n\r\n");
    ASSERT_NE(body, std::string::npos);
    std::string head = reply.substr(0, body), text = reply.substr(body + 4);
    EXPECT_NE(head.find("Content-Type: text/plain; version=0.0.4"), std::string::npos) << head;
    EXPECT_NE(head.find("Content-Length: " + std::to_string(text.size())), std::string::npos) << head;
    exposition::Families families;
    ASSERT_NO_THROW(families = exposition::Parser().parse(text));
    EXPECT_DOUBLE_EQ((families["vmm_vgpu_weight"].samples[{{"vm", "alpha"}}]), 3);
    EXPECT_DOUBLE_EQ((families["vmm_scrapes_total"].samples[{}]), 1);
}

TEST_F(Metrics, TakesARequestInPieces)
{
    int fd = connect_client();
    for (const char *piece : {"GET /met", "rics HTTP/1.0", "\r\n", "\r\n"}) {
        ASSERT_EQ(send(fd, piece, strlen(piece), 0), static_cast<ssize_t>(strlen(piece)));
        for (int i = 0; i < 5; i++)
            g_main_context_iteration(nullptr, FALSE);
    }
    EXPECT_EQ(status(read_all(fd)), "HTTP/1.0 200 OK");
    close(fd);
}

TEST_F(Metrics, RefusesWhatItDoesNotKnow)
{
    EXPECT_EQ(status(request("GET / HTTP/1.0\r\n\r\n")), "HTTP/1.0 404 Not Found");
    EXPECT_EQ(status(request("POST /metrics HTTP/1.0\r\n\r\n")), "HTTP/1.0 405 Method Not Allowed");
    EXPECT_EQ(status(request("GET /metrics\r\n\r\n")), "HTTP/1.0 400 Bad Request");
    EXPECT_EQ(status(request("GET /metrics SPDY/9\r\n\r\n")), "HTTP/1.0 400 Bad Request");
    EXPECT_EQ(status(request("\n\n")), "HTTP/1.0 400 Bad Request");
    EXPECT_EQ(status(request(std::string("GET \0/metrics HTTP/1.0\r\n\r\n", 27))), "HTTP/1.0 400 Bad Request");
    EXPECT_EQ(source.scrapes, 0u);
    EXPECT_GE(source.scrapes_dropped, 5u);
    EXPECT_EQ(status(request("GET /metrics?x=1 HTTP/1.0\n\n")), "HTTP/1.0 200 OK");
}

TEST_F(Metrics, AHeadHasALimit)
{
    EXPECT_EQ(status(request("GET /metrics HTTP/1.0\r\nX: " + std::string(5000, 'x'))), "HTTP/1.0 431 Request Header Fields Too Large");
}

TEST_F(Metrics, ASilentClientIsDroppedAndOthersAreServedMeanwhile)
{
    int silent = connect_client();
    EXPECT_EQ(status(request("GET /metrics HTTP/1.0\r\n\r\n")), "HTTP/1.0 200 OK");
    EXPECT_EQ(read_all(silent, 8), "");
    EXPECT_EQ(source.scrapes_dropped, 1u);
    close(silent);
}

TEST_F(Metrics, OnlySoManyAtOnce)
{
    std::vector<int> clients;
    for (int i = 0; i < 20; i++) {
        clients.push_back(connect_client());
        for (int n = 0; n < 5; n++)
            g_main_context_iteration(nullptr, FALSE);
    }
    EXPECT_EQ(source.scrapes_dropped, 4u);
    EXPECT_EQ(read_all(clients.back()), "");
    for (int fd : clients)
        close(fd);
    for (int n = 0; n < 50; n++)
        g_main_context_iteration(nullptr, FALSE);
    EXPECT_EQ(status(request("GET /metrics HTTP/1.0\r\n\r\n")), "HTTP/1.0 200 OK");
}

TEST_F(Metrics, GoneClientsHarmNobody)
{
    for (int i = 0; i < 50; i++) {
        int fd = connect_client();
        if (i & 1)
            (void)!write(fd, "GET /metrics HTTP/1.0\r\n\r\n", 25);
        close(fd);
        g_main_context_iteration(nullptr, FALSE);
    }
    EXPECT_EQ(status(request("GET /metrics HTTP/1.0\r\n\r\n")), "HTTP/1.0 200 OK");
}

TEST_F(Metrics, AnAddressInUseIsNamed)
{
    g_autoptr(GError) error = nullptr;
    EXPECT_EQ(metrics_create(path.c_str(), &source, &error), nullptr);
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(error->code, VMM_ERROR_CONFIG);
    EXPECT_NE(strstr(error->message, "another server listens there"), nullptr) << error->message;
}

TEST_F(Metrics, APortOfThisHost)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    ASSERT_EQ(listen(fd, 1), 0);
    ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr *>(&address), &length), 0);
    std::string port = std::to_string(ntohs(address.sin_port));
    g_autoptr(GError) error = nullptr;
    EXPECT_EQ(metrics_create(port.c_str(), &source, &error), nullptr);
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(error->message, "port " + port + " is in use (try another)");
    EXPECT_EQ(error->code, VMM_ERROR_CONFIG);
    close(fd);
    struct metrics *second = metrics_create(("localhost:" + port).c_str(), &source, nullptr);
    ASSERT_NE(second, nullptr);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    ASSERT_EQ(write(fd, "GET /metrics HTTP/1.0\r\n\r\n", 25), 25);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    EXPECT_EQ(status(read_all(fd)), "HTTP/1.0 200 OK");
    close(fd);
    metrics_destroy(second);
}

} // namespace
