// SPDX-License-Identifier: GPL-2.0-or-later
// The file of recorded submissions: complete after the end, never larger than it may be, and a disk that is full ends the recording and nothing else.
#include "vmm/error.h"
#include "vmm/observe/streams.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

class Streams : public testing::Test {
  protected:
    std::string path = "/tmp/streams-test-" + std::to_string(getpid());
    struct streams *streams = nullptr;

    ~Streams() override { unlink(path.c_str()); }
    void start(const char *file, uint64_t max = 1 << 20)
    {
        g_autoptr(GError) error = nullptr;
        streams = streams_create(file, max, &error);
        ASSERT_NE(streams, nullptr) << error->message;
    }
    void start() { start(path.c_str()); }
    static struct stream *stream(unsigned engine, size_t count = 4)
    {
        struct stream *made = stream_create(engine, 0x1000, "alpha");
        std::vector<uint32_t> dwords(count, 0x05000000);
        stream_add(made, STREAM_RING, 0x2000, dwords.data(), dwords.size());
        return made;
    }
    static void main_loop()
    {
        while (g_main_context_iteration(nullptr, FALSE))
            ;
    }
    std::string end()
    {
        testing::internal::CaptureStderr();
        streams_destroy(streams);
        return testing::internal::GetCapturedStderr();
    }
    std::string contents()
    {
        std::ifstream file(path);
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }
    size_t submissions()
    {
        std::string text = contents();
        EXPECT_EQ(text.rfind(STREAM_FIRST_LINE, 0), 0u);
        const char *at = text.c_str() + strlen(STREAM_FIRST_LINE);
        unsigned line = 2;
        size_t count = 0;
        g_autoptr(GError) error = nullptr;
        while (struct stream *next = stream_parse(&at, &line, &error)) {
            stream_free(next);
            count++;
        }
        EXPECT_EQ(error, nullptr) << error->message;
        return count;
    }
};

TEST_F(Streams, AllThreadsSubmissionsAreInTheFile)
{
    start();
    EXPECT_TRUE(streams_wanted(streams));
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        threads.emplace_back([this, i] {
            for (unsigned n = 0; n < 50; n++)
                streams_add(streams, stream(i));
        });
    main_loop();
    for (auto &thread : threads)
        thread.join();
    EXPECT_EQ(end(), "");
    EXPECT_EQ(submissions(), 50u * ENGINE_COUNT);
    struct stat status;
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << "a guest's commands are its owner's business";
}

TEST_F(Streams, TheFileKeepsItsSize)
{
    start(path.c_str(), 4096);
    testing::internal::CaptureStderr();
    for (unsigned i = 0; i < 100 && streams_wanted(streams); i++) {
        streams_add(streams, stream(ENGINE_RCS0, 64));
        main_loop();
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "vmm: " + path + ": has reached [observe] streams_max: no more commands are recorded\n");
    EXPECT_FALSE(streams_wanted(streams));
    streams_add(streams, stream(ENGINE_RCS0)); // one that was under way
    EXPECT_EQ(end(), "");
    EXPECT_LE(contents().size(), 4096u);
    EXPECT_GT(submissions(), 3u);
}

TEST_F(Streams, AFullDiskEndsTheRecording)
{
    start("/dev/full");
    streams_add(streams, stream(ENGINE_RCS0));
    testing::internal::CaptureStderr();
    main_loop();
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "vmm: /dev/full: No space left on device: no more commands are recorded\n");
    EXPECT_FALSE(streams_wanted(streams));
    EXPECT_EQ(end(), "");
}

TEST_F(Streams, WhatComesFasterThanTheDiskIsCounted)
{
    start();
    for (unsigned i = 0; i < unsigned(STREAMS_WAITING_MAX) / unsigned(STREAM_DWORDS_MAX) + 3; i++)
        streams_add(streams, stream(ENGINE_RCS0, STREAM_DWORDS_MAX));
    EXPECT_NE(end().find("lacks 3 submissions"), std::string::npos);
}

TEST_F(Streams, NobodyWantsThemWithoutAFile)
{
    g_autoptr(GError) error = nullptr;
    EXPECT_FALSE(streams_wanted(nullptr));
    EXPECT_EQ(streams_create("/nonexistent/streams", 1 << 20, &error), nullptr);
    ASSERT_NE(error, nullptr);
    EXPECT_STREQ(error->message, "/nonexistent/streams: No such file or directory");
    streams_destroy(nullptr);
}

} // namespace
