// SPDX-License-Identifier: GPL-2.0-or-later
// A client of the control socket that shares no code with ours, for tests: text in, lines out. The server's main loop turns while it waits.
#pragma once

#include <gtest/gtest.h>

#include <glib.h>
#include <cerrno>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

class Connection {
public:
    explicit Connection(const std::string &path)
    {
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connected = connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)) == 0;
    }
    ~Connection() { close(fd); }
    Connection(const Connection &) = delete;

    bool send(const std::string &text)
    {
        size_t sent = 0;
        for (int i = 0; i < 10000 && sent < text.size(); i++) {
            ssize_t n = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
            if (n > 0)
                sent += size_t(n);
            else if (errno != EAGAIN)
                return false;
            else
                turn();
        }
        return sent == text.size();
    }
    // The next line without its end; "" when none comes within some seconds, or the connection is over.
    std::string line()
    {
        for (int i = 0; i < 5000; i++) {
            size_t end = buffer.find("\r\n");
            if (end != std::string::npos) {
                std::string first = buffer.substr(0, end);
                buffer.erase(0, end + 2);
                return first;
            }
            turn();
            char bytes[65536];
            ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
            if (n > 0)
                buffer.append(bytes, size_t(n));
            else if (n == 0 || errno != EAGAIN)
                return "";
            else
                g_usleep(1000);
        }
        return "";
    }
    std::string ask(const std::string &text)
    {
        send(text);
        return line();
    }
    // Greeting and negotiation.
    void begin()
    {
        ASSERT_TRUE(connected);
        ASSERT_EQ(line().rfind("{\"QMP\":", 0), 0u);
        ASSERT_EQ(ask("{\"execute\":\"qmp_capabilities\"}"), "{\"return\":{}}");
    }
    // The server has closed it, and all that it sent was read.
    bool is_over()
    {
        for (int i = 0; i < 5000; i++) {
            turn();
            char bytes[65536];
            ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
            if (n == 0 || (n < 0 && errno != EAGAIN))
                return true;
            if (n < 0)
                g_usleep(1000);
        }
        return false;
    }
    static void turn()
    {
        for (int i = 0; i < 100 && g_main_context_iteration(nullptr, FALSE); i++)
            ;
    }

    int fd;
    bool connected;

private:
    std::string buffer;
};

// True when text has all the parts.
inline bool has(const std::string &text, std::initializer_list<const char *> parts)
{
    for (const char *part : parts)
        if (text.find(part) == std::string::npos)
            return false;
    return true;
}
