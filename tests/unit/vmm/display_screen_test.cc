// SPDX-License-Identifier: GPL-2.0-or-later
// A VNC server over a screen of our own, and viewers that speak the protocol by hand (RFC 6143): pictures, changes, sizes, and those that misbehave.
#include "eventually.h"
#include "vmm/display/screen.h"
#include "vmm/display/vnc_library.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using Bytes = std::vector<uint8_t>;

// One linear plane over memory.
class Source {
  public:
    static constexpr unsigned PITCH = 512;
    std::mutex mutex;
    std::vector<uint32_t> memory = std::vector<uint32_t>(PITCH * 512, 0x102030);
    unsigned width = 200, height = 100;
    bool on = true;
    std::vector<std::string> said;
    std::atomic<unsigned> looks{0};

    static bool look(void *opaque, scanout *s, uint64_t *vblank_ns, GError **)
    {
        auto *self = static_cast<Source *>(opaque);
        std::lock_guard guard(self->mutex);
        self->looks++;
        *s = {};
        s->on = self->on;
        s->frame_ns = 16666667;
        s->source = (self->width - 1) << 16 | (self->height - 1);
        s->planes[0].ctl = 1u << 31 | 4u << 24;
        s->planes[0].stride = PITCH * 4 / 64;
        s->planes[0].size = (self->height - 1) << 16 | (self->width - 1);
        *vblank_ns = UINT64_MAX;
        return true;
    }
    static bool read(void *opaque, uint64_t gma, void *buf, size_t len)
    {
        auto *self = static_cast<Source *>(opaque);
        std::lock_guard guard(self->mutex);
        if (gma + len > self->memory.size() * 4)
            return false;
        memcpy(buf, reinterpret_cast<const char *>(self->memory.data()) + gma, len);
        return true;
    }
    static scanout_reader *reader(void *opaque, const scanout *s, GError **error) { return scanout_reader_create(s, read, opaque, error); }
    static void say(void *opaque, const char *text)
    {
        auto *self = static_cast<Source *>(opaque);
        std::lock_guard guard(self->mutex);
        self->said.push_back(text);
    }
    void set(unsigned x, unsigned y, uint32_t pixel)
    {
        std::lock_guard guard(mutex);
        memory[y * PITCH + x] = pixel;
    }
    bool has_said(const std::string &text)
    {
        std::lock_guard guard(mutex);
        for (const auto &line : said)
            if (line.find(text) != std::string::npos)
                return true;
        return false;
    }
};

class Viewer {
  public:
    int fd;
    unsigned width = 0, height = 0;
    std::vector<uint32_t> pixels;
    bool open = true;

    explicit Viewer(const std::string &path) : fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        strcpy(address.sun_path, path.c_str());
        EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    }
    ~Viewer() { close(fd); }
    void put(const Bytes &bytes) { open &= send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()); }
    Bytes get(size_t bytes)
    {
        Bytes data(bytes);
        for (size_t done = 0; done < bytes && open;) {
            pollfd p = {fd, POLLIN, 0};
            ssize_t got = poll(&p, 1, 10000) > 0 ? recv(fd, data.data() + done, bytes - done, 0) : -1;
            open = got > 0;
            done += open ? static_cast<size_t>(got) : 0;
        }
        return data;
    }
    void say(const std::string &text) { put(Bytes(text.begin(), text.end())); }
    // Whether nothing more comes.
    bool closed()
    {
        get(1);
        return !open;
    }
    unsigned u16() { Bytes b = get(2); return b[0] << 8 | b[1]; }
    uint32_t u32() { Bytes b = get(4); return static_cast<uint32_t>(b[0]) << 24 | b[1] << 16 | b[2] << 8 | b[3]; }
    // To the server's first words about the screen. Encodings: raw, and DesktopSize.
    bool greet()
    {
        Bytes version = get(12);
        if (!open)
            return false;
        EXPECT_EQ(std::string(version.begin(), version.begin() + 4), "RFB ");
        put({'R', 'F', 'B', ' ', '0', '0', '3', '.', '0', '0', '8', '\n'});
        get(get(1)[0]);
        put({1});
        u32();
        put({1});
        width = u16();
        height = u16();
        Bytes format = get(16);
        EXPECT_EQ(format[0], 32);
        EXPECT_EQ(format[1], 24);
        EXPECT_EQ(Bytes(format.begin() + 4, format.begin() + 13), (Bytes{0, 255, 0, 255, 0, 255, 16, 8, 0}));
        get(u32());
        put({2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x21});
        pixels.assign(width * height, 0);
        return open;
    }
    void ask(bool incremental)
    {
        put({3, incremental, 0, 0, 0, 0, static_cast<uint8_t>(width >> 8), static_cast<uint8_t>(width), static_cast<uint8_t>(height >> 8),
             static_cast<uint8_t>(height)});
    }
    // One update; how many pixels it had.
    size_t take()
    {
        size_t count = 0;
        if (get(1)[0] != 0 || !open)
            return 0;
        get(1);
        for (unsigned n = u16(); n-- > 0 && open;) {
            unsigned x = u16(), y = u16(), w = u16(), h = u16();
            int32_t encoding = static_cast<int32_t>(u32());
            if (encoding == -223) {
                width = w, height = h;
                pixels.assign(width * height, 0);
            } else if (encoding == 0) {
                for (unsigned row = y; row < y + h && open; row++) {
                    Bytes line = get(w * 4);
                    if (x + w <= width && row < height)
                        memcpy(&pixels[row * width + x], line.data(), line.size());
                }
                count += w * h;
            } else {
                ADD_FAILURE() << "encoding " << encoding;
                open = false;
            }
        }
        return count;
    }
    uint32_t at(unsigned x, unsigned y) { return pixels[y * width + x] & 0xffffff; }
    bool hung_up()
    {
        char byte;
        pollfd p = {fd, POLLIN, 0};
        return poll(&p, 1, 0) > 0 && recv(fd, &byte, 1, MSG_PEEK) <= 0;
    }
};

class Screen : public ::testing::Test {
  public:
    Source source;
    std::string dir, path;
    screen *s = nullptr;

    void SetUp() override
    {
        char name[] = "/tmp/screen-test-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        dir = name;
        path = dir + "/vnc";
        start(nullptr);
    }
    void start(const char *password) { ASSERT_NO_FATAL_FAILURE(make(path, password, &s)); }
    void make(const std::string &where, const char *password, screen **made)
    {
        vnc_address address = {};
        vnc_listener listener;
        char *reason = nullptr;
        ASSERT_TRUE(vnc_address_parse(("unix:" + where).c_str(), nullptr, &address, &reason)) << reason;
        ASSERT_TRUE(vnc_listen(&address, &listener, &reason)) << reason;
        vnc_address_clear(&address);
        screen_config config = {};
        config.guest = "alpha";
        config.password = password;
        config.source = {Source::look, Source::reader, [](void *, scanout_reader *reader) { scanout_reader_destroy(reader); }, &source};
        config.say = Source::say;
        config.opaque = &source;
        *made = screen_create(&config, &listener);
        ASSERT_NE(*made, nullptr);
        ASSERT_TRUE(screen_start(*made, nullptr, nullptr));
    }
    void TearDown() override
    {
        screen_destroy(s);
        EXPECT_NE(access(path.c_str(), F_OK), 0) << "the socket is gone";
        rmdir(dir.c_str());
    }
};

TEST_F(Screen, ThePictureAndWhatChanges)
{
    source.set(199, 99, 0xabcdef);
    Viewer v(path);
    ASSERT_TRUE(v.greet());
    EXPECT_EQ(v.width, 200u);
    EXPECT_EQ(v.height, 100u);
    v.ask(false);
    EXPECT_EQ(v.take(), 200u * 100);
    EXPECT_EQ(v.at(0, 0), 0x102030u);
    EXPECT_EQ(v.at(199, 99), 0xabcdefu);
    v.ask(true);
    source.set(70, 70, 0xff0000);
    EXPECT_EQ(v.take(), 64u * 36) << "its tile alone";
    EXPECT_EQ(v.at(70, 70), 0xff0000u);
    // Typing and clicking go nowhere, and do no harm.
    v.put({4, 1, 0, 0, 0, 0, 0, 'a', 5, 1, 0, 1, 0, 1, 4, 0, 0, 0, 0, 0, 0, 'a'});
    v.ask(true);
    source.set(0, 0, 0xff00);
    EXPECT_GT(v.take(), 0u);
    EXPECT_EQ(v.at(0, 0), 0xff00u);
}

TEST_F(Screen, NothingIsDoneForNobody)
{
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_EQ(source.looks, 0u);
    {
        Viewer v(path);
        ASSERT_TRUE(v.greet());
        unsigned before = source.looks;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        EXPECT_LE(source.looks - before, 1u) << "it has not asked";
        v.ask(false);
        v.take();
        v.ask(true);
        EXPECT_TRUE(eventually([&] { return source.looks > before + 2; }));
    }
    unsigned last = 0;
    EXPECT_TRUE(eventually([&] {
        unsigned now = source.looks, was = last;
        last = now;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return now == was;
    })) << "it has gone";
}

TEST_F(Screen, AnotherSizeForAll)
{
    Viewer a(path), b(path);
    for (Viewer *v : {&a, &b}) {
        ASSERT_TRUE(v->greet());
        v->ask(false);
        v->take();
        v->ask(true);
    }
    for (unsigned round = 0; round < 6; round++) {
        {
            std::lock_guard guard(source.mutex);
            source.width = 100 + 50 * (round % 3);
            source.height = 64 + 100 * (round % 2);
        }
        for (Viewer *v : {&a, &b}) {
            for (unsigned i = 0; i < 4 && (v->width != source.width || v->at(source.width - 1, source.height - 1) != 0x102030); i++) {
                v->take();
                v->ask(true);
            }
            EXPECT_EQ(v->width, source.width);
            EXPECT_EQ(v->height, source.height);
            EXPECT_EQ(v->at(source.width - 1, source.height - 1), 0x102030u);
        }
    }
}

TEST_F(Screen, WordsBeforeThePicture)
{
    source.on = false;
    Viewer v(path);
    ASSERT_TRUE(v.greet());
    EXPECT_EQ(v.width, 1024u);
    v.ask(false);
    EXPECT_EQ(v.take(), 1024u * 768);
}

TEST_F(Screen, EightViewersAndNoMore)
{
    std::vector<std::unique_ptr<Viewer>> viewers;
    for (unsigned i = 0; i < SCREEN_VIEWERS; i++) {
        viewers.push_back(std::make_unique<Viewer>(path));
        ASSERT_TRUE(viewers.back()->greet()) << i;
        viewers.back()->ask(false);
        viewers.back()->take();
        viewers.back()->ask(true);
    }
    Viewer more(path);
    EXPECT_FALSE(more.greet());
    EXPECT_TRUE(eventually([&] { return source.has_said("turned away"); }));
    source.set(5, 5, 0x123456);
    for (auto &v : viewers) {
        v->take();
        EXPECT_EQ(v->at(5, 5), 0x123456u);
    }
    viewers.clear();
    EXPECT_TRUE(eventually([&] { return Viewer(path).greet(); })) << "there is room again";
}

TEST_F(Screen, OneThatDoesNotReadIsDropped)
{
    {
        std::lock_guard guard(source.mutex);
        source.width = source.height = 512;
    }
    Viewer lazy(path), other(path);
    ASSERT_TRUE(lazy.greet());
    for (unsigned i = 0; i < 200; i++)
        lazy.ask(false);
    ASSERT_TRUE(other.greet());
    for (unsigned i = 0; i < 10; i++) {
        source.set(i, i, 0xff);
        other.ask(i > 0);
        EXPECT_GT(other.take(), 0u) << "others go on";
    }
    EXPECT_TRUE(eventually([&] { return source.has_said("did not read"); }));
}

TEST_F(Screen, WhatIsNotAViewer)
{
    const Bytes words[] = {{0x16, 3, 1, 2, 0}, {'G', 'E', 'T', ' ', '/', '\r', '\n', '\r', '\n'}, Bytes(1000, 0xff), {}, Bytes(20, 0), {'R'}, {'R', 'F', 'B'}};
    for (const Bytes &bytes : words) {
        Viewer v(path);
        v.put(bytes);
        shutdown(v.fd, SHUT_WR);
        EXPECT_TRUE(eventually([&] {
            char drop[4096];
            return recv(v.fd, drop, sizeof(drop), MSG_DONTWAIT) == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
        }));
    }
    Viewer v(path);
    EXPECT_TRUE(v.greet());
}

static double thread_seconds()
{
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

TEST_F(Screen, WhoSaysHalfAWordCostsNothing)
{
    Viewer half(path);
    half.put({'R'});
    half.get(12);
    double before = thread_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    EXPECT_LE(thread_seconds() - before, 0.2);
    Viewer v(path);
    EXPECT_TRUE(v.greet());
}

TEST_F(Screen, APasswordIsAskedFor)
{
    screen_destroy(s);
    start("secret");
    Viewer v(path);
    v.get(12);
    v.put({'R', 'F', 'B', ' ', '0', '0', '3', '.', '0', '0', '8', '\n'});
    EXPECT_EQ(v.get(2), (Bytes{1, 2})) << "VNC authentication and nothing else";
    v.put({2});
    EXPECT_NE(v.get(16), Bytes(16)) << "a challenge";
    v.put(Bytes(16, 7));
    EXPECT_EQ(v.u32(), 1u) << "refused";
}

// The library has one list of security types for the process: what a viewer of one screen may choose must not depend on who looks at another.
TEST_F(Screen, AnotherScreenIsNoWayIn)
{
    screen *locked = nullptr;
    const std::string where = dir + "/locked";
    ASSERT_NO_FATAL_FAILURE(make(where, "secret", &locked));
    {
        Viewer thief(where), owner(where);
        for (Viewer *v : {&thief, &owner}) {
            v->get(12);
            v->say("RFB 003.008\n");
            EXPECT_EQ(v->get(2), (Bytes{1, 2}));
        }
        Viewer neighbour(path);
        EXPECT_TRUE(neighbour.greet());
        thief.put({1});
        EXPECT_EQ(thief.u32(), 1u) << "refused";
        EXPECT_GT(thief.get(thief.u32()).size(), 0u) << "and why";
        EXPECT_TRUE(thief.closed());
        owner.put({2});
        Bytes challenge = owner.get(16);
        vnc_library_get(nullptr)->EncryptBytes(challenge.data(), const_cast<char *>("secret"));
        owner.put(challenge);
        EXPECT_EQ(owner.u32(), 0u) << "let in";
        owner.put({1});
        EXPECT_EQ(owner.u16(), 200u);
        neighbour.ask(false);
        EXPECT_EQ(neighbour.take(), 200u * 100);
    }
    screen_destroy(locked);
}

TEST_F(Screen, SpeaksAllVersions)
{
    struct {
        const char *version;
        Bytes offer, choice, result, init;
    } viewers[] = {
        {"RFB 003.003\n", {0, 0, 0, 1}, {}, {}, {1}},
        {"RFB 003.006\n", {0, 0, 0, 1}, {}, {}, {1}},
        {"RFB 003.007\n", {1, 1}, {1}, {}, {1}},
        {"RFB 003.008\n", {1, 1}, {1}, {0, 0, 0, 0}, {1}},
        {"RFB 003.016\n", {1, 1}, {1}, {0, 0, 0, 0}, {1}},
        {"RFB 003.889\n", {1, 1}, {1}, {}, {}}, // macOS: no result, and no ClientInit
    };
    for (const auto &one : viewers) {
        Viewer v(path);
        EXPECT_EQ(v.get(12), (Bytes{'R', 'F', 'B', ' ', '0', '0', '3', '.', '0', '0', '8', '\n'}));
        for (const char *at = one.version; *at; at++) { // byte by byte, as it may come
            v.say(std::string(1, *at));
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        EXPECT_EQ(v.get(one.offer.size()), one.offer) << one.version;
        v.put(one.choice);
        EXPECT_EQ(v.get(one.result.size()), one.result) << one.version;
        v.put(one.init);
        EXPECT_EQ(v.u16(), 200u) << one.version;
        EXPECT_EQ(v.u16(), 100u) << one.version;
    }
    // All at once, as well.
    Viewer v(path);
    v.get(12);
    v.say("RFB 003.008\n\1\1");
    EXPECT_EQ(v.get(2 + 4), (Bytes{1, 1, 0, 0, 0, 0}));
    EXPECT_EQ(v.u16(), 200u);
}

TEST_F(Screen, OldVersionsAreAskedForThePasswordToo)
{
    screen_destroy(s);
    start("secret");
    Viewer v(path);
    v.get(12);
    v.say("RFB 003.003\n");
    EXPECT_EQ(v.u32(), 2u);
    Bytes challenge = v.get(16);
    vnc_library_get(nullptr)->EncryptBytes(challenge.data(), const_cast<char *>("secret"));
    v.put(challenge);
    EXPECT_EQ(v.u32(), 0u);
    v.put({1});
    EXPECT_EQ(v.u16(), 200u);
    Viewer apple(path);
    apple.get(12);
    apple.say("RFB 003.889\n");
    EXPECT_EQ(apple.get(2), (Bytes{1, 2}));
    apple.put({1});
    EXPECT_EQ(apple.u32(), 1u);
}

TEST_F(Screen, WhatIsNoVersionIsHungUpOn)
{
    for (const char *version : {"RFB 004.000\n", "RFB 003.-08\n", "RFB 003. 08\n", "RFB 003.008 ", "GET / HTTP/1", "\n\n\n\n\n\n\n\n\n\n\n\n"}) {
        Viewer v(path);
        v.get(12);
        v.say(version);
        EXPECT_TRUE(v.closed()) << version;
    }
    for (uint8_t type : {0, 2, 16, 255}) {
        Viewer v(path);
        v.get(12);
        v.say("RFB 003.007\n");
        v.get(2);
        v.put({type});
        EXPECT_TRUE(v.closed()) << +type;
    }
}

TEST_F(Screen, EndsWithViewersInAnyState)
{
    std::vector<std::unique_ptr<Viewer>> viewers;
    for (unsigned i = 0; i < 6; i++)
        viewers.push_back(std::make_unique<Viewer>(path));
    viewers[0]->greet();
    viewers[1]->greet();
    viewers[1]->ask(false);
    viewers[2]->get(3);
    viewers[3]->put({'R'});
    for (unsigned i = 0; i < 20; i++)
        viewers[1]->ask(false);
    screen_destroy(s);
    s = nullptr;
    Bytes rest(1 << 16);
    for (auto &v : viewers)
        while (recv(v->fd, rest.data(), rest.size(), 0) > 0)
            ;
    start(nullptr);
}

TEST(VncListen, SaysWhoIsThere)
{
    char dir[] = "/tmp/listen-test-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    std::string path = std::string(dir) + "/a";
    vnc_address address = {};
    vnc_listener first, second;
    char *reason = nullptr;
    ASSERT_FALSE(vnc_address_parse("a", dir, &address, &reason));
    g_clear_pointer(&reason, g_free);
    ASSERT_TRUE(vnc_address_parse("unix:a", dir, &address, &reason));
    EXPECT_EQ(path, address.path);
    ASSERT_TRUE(vnc_listen(&address, &first, &reason));
    struct stat st;
    ASSERT_EQ(stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600u);
    EXPECT_FALSE(vnc_listen(&address, &second, &reason));
    EXPECT_NE(std::string(reason).find("another server listens"), std::string::npos);
    g_clear_pointer(&reason, g_free);
    close(first.fd); // it dies
    EXPECT_FALSE(vnc_listen(&address, &second, &reason));
    EXPECT_NE(std::string(reason).find("left over from a server that is gone (rm "), std::string::npos);
    g_clear_pointer(&reason, g_free);
    first.fd = -1;
    vnc_listener_close(&first);
    EXPECT_NE(access(path.c_str(), F_OK), 0);
    vnc_address_clear(&address);
    int taken = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in any = {};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof(any);
    ASSERT_EQ(bind(taken, reinterpret_cast<sockaddr *>(&any), len), 0);
    ASSERT_EQ(listen(taken, 1), 0);
    ASSERT_EQ(getsockname(taken, reinterpret_cast<sockaddr *>(&any), &len), 0);
    ASSERT_TRUE(vnc_address_parse(std::to_string(ntohs(any.sin_port)).c_str(), nullptr, &address, &reason));
    EXPECT_FALSE(vnc_listen(&address, &second, &reason));
    EXPECT_NE(std::string(reason).find("is in use by another program"), std::string::npos) << reason;
    g_clear_pointer(&reason, g_free);
    vnc_address_clear(&address);
    close(taken);
    rmdir(dir);
}

} // namespace
