// SPDX-License-Identifier: GPL-2.0-or-later
// For the 9P tests: a folder that is shared, and a client that packs its bytes itself, from diod's protocol.md.
#ifndef MEDIANT_TESTS_P9_CLIENT_H
#define MEDIANT_TESTS_P9_CLIENT_H

#include "vmm/p9/server.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace p9_test {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

// A request that is put together, or a reply that is taken apart.
struct Message {
    Bytes bytes;
    size_t at = 0;

    template <typename T> Message &num(T value)
    {
        for (size_t i = 0; i < sizeof(T); i++)
            bytes.push_back(static_cast<uint8_t>(static_cast<uint64_t>(value) >> (8 * i)));
        return *this;
    }
    Message &u8(uint8_t v) { return num(v); }
    Message &u16(uint16_t v) { return num(v); }
    Message &u32(uint32_t v) { return num(v); }
    Message &u64(uint64_t v) { return num(v); }
    Message &str(const std::string &s)
    {
        u16(static_cast<uint16_t>(s.size()));
        bytes.insert(bytes.end(), s.begin(), s.end());
        return *this;
    }
    Message &raw(const std::string &s)
    {
        bytes.insert(bytes.end(), s.begin(), s.end());
        return *this;
    }
    template <typename T> T get()
    {
        T value = 0;
        EXPECT_LE(at + sizeof(T), bytes.size());
        for (size_t i = 0; i < sizeof(T) && at < bytes.size(); i++)
            value = static_cast<T>(value | static_cast<T>(static_cast<T>(bytes[at++]) << (8 * i)));
        return value;
    }
    std::string text(size_t len)
    {
        EXPECT_LE(at + len, bytes.size());
        len = std::min(len, bytes.size() - at);
        std::string s(bytes.begin() + static_cast<long>(at), bytes.begin() + static_cast<long>(at + len));
        at += len;
        return s;
    }
    std::string str() { return text(get<uint16_t>()); }
};

inline Message message(uint8_t type, uint16_t tag = 7)
{
    return Message().u32(0).u8(type).u16(tag);
}

struct Entry {
    uint8_t qid_type, type;
    uint64_t inode, offset;
    std::string name;
};

class P9 : public testing::Test {
  protected:
    enum { STATFS = 8, LOPEN = 12, LCREATE = 14, SYMLINK = 16, MKNOD = 18, RENAME = 20, READLINK = 22, GETATTR = 24, SETATTR = 26 };
    enum { XATTRWALK = 30, XATTRCREATE = 32, READDIR = 40, FSYNC = 50, LOCK = 52, GETLOCK = 54, LINK = 70, MKDIR = 72, RENAMEAT = 74 };
    enum { UNLINKAT = 76, VERSION = 100, AUTH = 102, ATTACH = 104, FLUSH = 108, WALK = 110, READ = 116, WRITE = 118, CLUNK = 120 };
    enum { REMOVE = 122, ROOT = 0, MSIZE = 128 << 10 };

    fs::path top, tree; // the tree is what is shared; beside it lies what must not be reached
    p9_server *server = nullptr;
    Bytes reply = Bytes(MSIZE);
    size_t room = MSIZE;
    Message last;

    P9()
    {
        std::string name = testing::TempDir() + "p9-XXXXXX";
        top = mkdtemp(name.data());
        tree = top / "tree";
        fs::create_directories(tree / "dir" / "sub");
        write_file(top / "secret", "secret");
        write_file(tree / "hello", "hello, guest");
        write_file(tree / "dir" / "inner", "inner");
        open_server(false);
    }
    ~P9() override
    {
        p9_server_destroy(server);
        fs::remove_all(top);
    }
    static void write_file(const fs::path &path, const std::string &text) { std::ofstream(path, std::ios::binary) << text; }
    static std::string file(const fs::path &path)
    {
        std::stringstream text;
        text << std::ifstream(path, std::ios::binary).rdbuf();
        return text.str();
    }
    void open_server(bool read_only)
    {
        p9_server_destroy(server);
        server = p9_server_create(tree.c_str(), read_only, nullptr);
        ASSERT_NE(server, nullptr);
        EXPECT_EQ(begin(), 0);
    }
    int begin()
    {
        int failed = call(message(VERSION, 0xffff).u32(MSIZE).str("9P2000.L"));
        return failed ? failed : call(message(ATTACH).u32(ROOT).u32(~0u).str("root").str("").u32(0));
    }
    // Sends a message as it is; the reply's fields are in last. Returns 0, an errno, or -1 when there was no reply.
    int send(const Bytes &request)
    {
        size_t len = p9_server_handle(server, request.data(), request.size(), reply.data(), room);
        last = {Bytes(reply.begin(), reply.begin() + static_cast<long>(len)), 0};
        if (len == 0)
            return -1;
        EXPECT_LE(len, room);
        EXPECT_EQ(last.get<uint32_t>(), len);
        unsigned type = last.get<uint8_t>();
        EXPECT_EQ(last.get<uint16_t>(), request[5] | request[6] << 8);
        if (type != 7) {
            EXPECT_EQ(type, request[4] + 1u);
            return 0;
        }
        EXPECT_EQ(len, 11u);
        int code = static_cast<int>(last.get<uint32_t>());
        EXPECT_NE(code, 0);
        return code;
    }
    int call(Message request)
    {
        for (unsigned i = 0; i < 4; i++)
            request.bytes[i] = static_cast<uint8_t>(request.bytes.size() >> (8 * i));
        return send(request.bytes);
    }
    int walk(uint32_t fid, uint32_t to, const std::vector<std::string> &names)
    {
        Message m = message(WALK).u32(fid).u32(to).u16(static_cast<uint16_t>(names.size()));
        for (auto &name : names)
            m.str(name);
        return call(m);
    }
    // How far a walk came.
    unsigned walked() { return last.get<uint16_t>(); }
    int open(uint32_t fid, uint32_t flags) { return call(message(LOPEN).u32(fid).u32(flags)); }
    int create(uint32_t fid, const std::string &name, uint32_t flags, uint32_t mode = 0644)
    {
        return call(message(LCREATE).u32(fid).str(name).u32(flags).u32(mode).u32(0));
    }
    int read(uint32_t fid, uint64_t offset, uint32_t count) { return call(message(READ).u32(fid).u64(offset).u32(count)); }
    std::string data() { return last.text(last.get<uint32_t>()); }
    int write(uint32_t fid, uint64_t offset, const std::string &text)
    {
        return call(message(WRITE).u32(fid).u64(offset).u32(static_cast<uint32_t>(text.size())).raw(text));
    }
    int clunk(uint32_t fid) { return call(message(CLUNK).u32(fid)); }
    int setattr(uint32_t fid, uint32_t valid, uint32_t mode, uint32_t uid = 0, uint64_t size = 0, uint64_t mtime = 0, uint64_t mtime_ns = 0)
    {
        return call(message(SETATTR).u32(fid).u32(valid).u32(mode).u32(uid).u32(uid).u64(size).u64(0).u64(0).u64(mtime).u64(mtime_ns));
    }
    int readdir(uint32_t fid, uint64_t offset, uint32_t count) { return call(message(READDIR).u32(fid).u64(offset).u32(count)); }
    std::vector<Entry> entries()
    {
        std::vector<Entry> all;
        uint32_t len = last.get<uint32_t>();
        EXPECT_EQ(last.at + len, last.bytes.size());
        while (last.at < last.bytes.size()) {
            Entry e;
            e.qid_type = last.get<uint8_t>();
            last.get<uint32_t>();
            e.inode = last.get<uint64_t>();
            e.offset = last.get<uint64_t>();
            e.type = last.get<uint8_t>();
            e.name = last.str();
            all.push_back(e);
        }
        return all;
    }
};

} // namespace p9_test

#endif
