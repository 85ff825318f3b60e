// SPDX-License-Identifier: GPL-2.0-or-later
// Screens that come and go while others are there, on a GPU with two vGPUs; and the library's screens that they are made of.
#include "vmm/display/screen.h"
#include "vmm/display/screens.h"
#include "vmm/observe/observed_gpu.h"

#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

#include "vmm/display/vnc_library.h" // last: it has macros of common names

namespace {

class Screens : public ObservedGpu {
  protected:
    struct messages *messages = nullptr;
    struct screens *screens = nullptr;

    void SetUp() override
    {
        ObservedGpu::SetUp();
        messages = messages_create();
        screens = screens_create(config, gpu, messages, nullptr);
        ASSERT_NE(screens, nullptr);
        screens_prepare_to_grow(screens);
        ASSERT_TRUE(screens_start(screens, nullptr));
    }
    void TearDown() override
    {
        screens_destroy(screens);
        messages_destroy(messages);
        ObservedGpu::TearDown();
    }
    std::string add(unsigned user, const std::string &vnc)
    {
        GError *error = nullptr;
        if (screens_add(screens, user, vnc.c_str(), directory.c_str(), &error))
            return "";
        std::string text = error->message;
        g_error_free(error);
        return text;
    }
    // A socket that is connected to what listens at the path, or -1.
    int connect_to(const std::string &name)
    {
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, (directory + "/" + name).c_str(), sizeof(address.sun_path) - 1);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)) == 0)
            return fd;
        close(fd);
        return -1;
    }
    static std::string greeting(int fd)
    {
        char text[12] = "";
        ssize_t n = recv(fd, text, sizeof(text), MSG_WAITALL);
        return std::string(text, n > 0 ? size_t(n) : 0);
    }
};

TEST_F(Screens, ComeAndGo)
{
    for (unsigned round = 0; round < 12; round++) { // more viewers than were reserved
        ASSERT_EQ(add(0, "unix:a.vnc"), "") << round;
        EXPECT_EQ(screens_where(screens, 0), "unix:" + directory + "/a.vnc");
        EXPECT_EQ(screens_where(screens, 1) != nullptr, round > 3);
        int fd = connect_to("a.vnc");
        ASSERT_GE(fd, 0);
        EXPECT_EQ(greeting(fd), "RFB 003.008\n");
        if (round == 3) {
            EXPECT_EQ(add(1, "unix:b.vnc"), "") << "while a viewer is there";
        }
        screens_remove(screens, 0);
        EXPECT_EQ(screens_where(screens, 0), nullptr);
        EXPECT_EQ(greeting(fd), "") << "hung up";
        close(fd);
        EXPECT_LT(connect_to("a.vnc"), 0);
    }
    int other = connect_to("b.vnc");
    EXPECT_EQ(greeting(other), "RFB 003.008\n");
    close(other);
    screens_remove(screens, 0);
}

TEST_F(Screens, AreLimited)
{
    for (unsigned i = 0; i < SCREENS_LATER; i++)
        ASSERT_EQ(add(0, "unix:" + std::to_string(i)), "");
    EXPECT_NE(add(0, "unix:more").find("8 screens that came later already"), std::string::npos);
    EXPECT_NE(access((directory + "/more").c_str(), F_OK), 0) << "it listens no more";
    screens_remove(screens, 0);
    EXPECT_EQ(add(0, "unix:more"), "");
}

TEST_F(Screens, SayWhatIsWrong)
{
    const struct {
        const char *vnc, *words;
    } wrong[] = {{"", "is neither a port"}, {"0.0.0.0:5999", "no password can be given here (try 5999 for this host only)"},
                 {"unix:/tmp/x.vnc", "/tmp/x.vnc is not in /tmp/observe-test-"}, {"unix:sub/x.vnc", "is not in"}, {"unix:../x.vnc", "is not in"}};
    for (const auto &one : wrong)
        EXPECT_NE(add(0, one.vnc).find(one.words), std::string::npos) << add(0, one.vnc);
    ASSERT_EQ(add(0, "unix:a.vnc"), "");
    EXPECT_NE(add(1, "unix:a.vnc").find("another server listens"), std::string::npos);
    EXPECT_EQ(screens_where(screens, 1), nullptr);
}

TEST(VncLibrary, GivesWhatWasReservedAndNoMore)
{
    ASSERT_NE(vnc_library_get(nullptr), nullptr);
    rfbScreenInfoPtr before = vnc_library_take();
    ASSERT_NE(before, nullptr);
    ASSERT_TRUE(vnc_library_reserve(2));
    rfbScreenInfoPtr a = vnc_library_take(), b = vnc_library_take();
    EXPECT_TRUE(a && b && a != b);
    EXPECT_EQ(vnc_library_take(), nullptr);
    vnc_library_give(before);
    EXPECT_EQ(vnc_library_take(), before) << "what was made earlier is reused, too";
    vnc_library_give(before);
    vnc_library_give(a);
    vnc_library_give(b);
    vnc_library_give(nullptr);
    vnc_library_release();
}

} // namespace
