// SPDX-License-Identifier: GPL-2.0-or-later
// The 9P server as a well-behaved client sees it, against what the host's own calls say of the same directory.
#include "p9_client.h"

#include <cerrno>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

using namespace p9_test;

namespace {

TEST_F(P9, VersionBeginsAnew)
{
    EXPECT_EQ(call(message(VERSION).u32(1 << 20).str("9P2000.L")), 0);
    EXPECT_EQ(last.get<uint32_t>(), uint32_t{MSIZE}) << "ours is the smaller";
    EXPECT_EQ(last.str(), "9P2000.L");
    EXPECT_EQ(clunk(ROOT), EBADF) << "fids are gone";
    EXPECT_EQ(call(message(VERSION).u32(8192).str("9P2000.L")), 0);
    EXPECT_EQ(last.get<uint32_t>(), 8192u);
    EXPECT_EQ(call(message(VERSION).u32(100).str("9P2000.L")), EINVAL);
    EXPECT_EQ(call(message(ATTACH).u32(ROOT).u32(~0u).str("").str("").u32(0)), EPROTO) << "no version";
    EXPECT_EQ(call(message(VERSION).u32(8192).str("9P2000.u")), 0);
    last.get<uint32_t>();
    EXPECT_EQ(last.str(), "unknown");
    EXPECT_EQ(walk(ROOT, 1, {}), EPROTO);
}

TEST_F(P9, Attach)
{
    EXPECT_EQ(call(message(AUTH).u32(5).str("me").str("").u32(0)), EOPNOTSUPP);
    EXPECT_EQ(call(message(ATTACH).u32(1).u32(5).str("me").str("").u32(0)), EINVAL);
    EXPECT_EQ(call(message(ATTACH).u32(1).u32(~0u).str("me").str("/etc").u32(0)), ENOENT);
    EXPECT_EQ(call(message(ATTACH).u32(ROOT).u32(~0u).str("me").str("").u32(0)), EBADF) << "the fid is taken";
    EXPECT_EQ(call(message(ATTACH).u32(1).u32(~0u).str("me").str("/").u32(0)), 0);
    struct stat st;
    ASSERT_EQ(stat(tree.c_str(), &st), 0);
    EXPECT_EQ(last.get<uint8_t>(), 0x80);
    last.get<uint32_t>();
    EXPECT_EQ(last.get<uint64_t>(), st.st_ino);
    EXPECT_EQ(call(message(FLUSH).u16(3)), 0);
}

TEST_F(P9, Walk)
{
    EXPECT_EQ(walk(ROOT, 1, {"dir", "inner"}), 0);
    ASSERT_EQ(walked(), 2u);
    EXPECT_EQ(last.get<uint8_t>(), 0x80);
    last.text(12);
    EXPECT_EQ(last.get<uint8_t>(), 0);
    EXPECT_EQ(walk(ROOT, 2, {"dir", "none", "x"}), 0);
    EXPECT_EQ(walked(), 1u);
    EXPECT_EQ(clunk(2), EBADF) << "no fid of a walk that did not arrive";
    EXPECT_EQ(walk(ROOT, 2, {"none"}), ENOENT);
    EXPECT_EQ(walk(ROOT, 2, {"hello", "x"}), 0);
    EXPECT_EQ(walked(), 1u);
    EXPECT_EQ(walk(1, 2, {"x"}), ENOTDIR);
    EXPECT_EQ(walk(1, 2, {}), 0);
    EXPECT_EQ(open(2, O_RDONLY), 0);
    EXPECT_EQ(read(2, 0, 100), 0);
    EXPECT_EQ(data(), "inner");
    EXPECT_EQ(walk(ROOT, 2, {}), EBADF) << "taken";
    EXPECT_EQ(walk(ROOT, ~0u, {}), EBADF);
    EXPECT_EQ(walk(9, 3, {}), EBADF);
    EXPECT_EQ(walk(ROOT, 3, {"dir"}), 0);
    EXPECT_EQ(walk(3, 3, {"sub"}), 0) << "in place";
    EXPECT_EQ(walk(3, 4, {"inner"}), ENOENT);
    EXPECT_EQ(walk(ROOT, 4, std::vector<std::string>(17, "dir")), EINVAL);
}

TEST_F(P9, OpenReadWrite)
{
    ASSERT_EQ(walk(ROOT, 1, {"hello"}), 0);
    EXPECT_EQ(read(1, 0, 10), EBADF) << "not opened";
    EXPECT_EQ(open(1, O_RDWR), 0);
    EXPECT_EQ(open(1, O_RDWR), EBADF) << "twice";
    EXPECT_EQ(read(1, 7, 1000), 0);
    EXPECT_EQ(data(), "guest");
    EXPECT_EQ(read(1, 100, 1000), 0);
    EXPECT_EQ(data(), "");
    EXPECT_EQ(read(1, UINT64_MAX, 1), EINVAL);
    EXPECT_EQ(write(1, 7, "world!"), 0);
    EXPECT_EQ(last.get<uint32_t>(), 6u);
    EXPECT_EQ(file(tree / "hello"), "hello, world!");
    EXPECT_EQ(write(1, UINT64_MAX - 2, "x"), EINVAL);
    EXPECT_EQ(call(message(FSYNC).u32(1).u32(1)), 0);
    EXPECT_EQ(call(message(FSYNC).u32(1)), 0);
    EXPECT_EQ(call(message(LOCK).u32(1).u8(1).u32(1).u64(0).u64(0).u32(42).str("guest")), 0);
    EXPECT_EQ(last.get<uint8_t>(), 0);
    EXPECT_EQ(call(message(GETLOCK).u32(1).u8(1).u64(3).u64(4).u32(42).str("guest")), 0);
    EXPECT_EQ(last.get<uint8_t>(), 2) << "unlocked";
    EXPECT_EQ(last.get<uint64_t>(), 3u);
    EXPECT_EQ(clunk(1), 0);
    ASSERT_EQ(walk(ROOT, 1, {"hello"}), 0);
    EXPECT_EQ(open(1, O_WRONLY | O_TRUNC), 0);
    EXPECT_EQ(file(tree / "hello"), "");
    EXPECT_EQ(read(1, 0, 1), EBADF);
    EXPECT_EQ(open(9, 0), EBADF);
    ASSERT_EQ(walk(ROOT, 2, {"dir"}), 0);
    EXPECT_EQ(open(2, O_RDWR), EISDIR);
    EXPECT_EQ(open(2, O_RDONLY), 0);
    EXPECT_EQ(read(2, 0, 1), EISDIR);
    ASSERT_EQ(walk(ROOT, 3, {"hello"}), 0);
    EXPECT_EQ(open(3, 0200000), ENOTDIR);
    EXPECT_EQ(open(3, 3), EINVAL);
}

TEST_F(P9, LargeReadsFillTheMessage)
{
    std::string big(300000, 'a');
    for (size_t i = 0; i < big.size(); i++)
        big[i] = static_cast<char>('a' + i * 7 % 26);
    write_file(tree / "big", big);
    ASSERT_EQ(walk(ROOT, 1, {"big"}), 0);
    ASSERT_EQ(open(1, O_RDONLY), 0);
    EXPECT_EQ(read(1, 0, ~0u), 0);
    std::string got = data();
    EXPECT_EQ(got.size(), size_t{MSIZE} - 11);
    EXPECT_EQ(got, big.substr(0, got.size()));
    room = 1000;
    EXPECT_EQ(read(1, 0, ~0u), 0);
    EXPECT_EQ(data(), big.substr(0, 989));
    room = 11;
    EXPECT_EQ(read(1, 0, 100), 0);
    EXPECT_EQ(data(), "");
}

TEST_F(P9, Create)
{
    umask(077);
    ASSERT_EQ(walk(ROOT, 1, {"dir"}), 0);
    EXPECT_EQ(create(1, "new", O_WRONLY, 04666), 0);
    EXPECT_EQ(write(1, 0, "made"), 0) << "the fid is the file now";
    struct stat st;
    ASSERT_EQ(stat((tree / "dir/new").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode, S_IFREG | 0666u) << "the guest's mode, without set-user-id";
    EXPECT_EQ(st.st_uid, geteuid());
    EXPECT_EQ(create(1, "x", O_RDWR), EBADF) << "opened";
    ASSERT_EQ(walk(ROOT, 2, {"dir"}), 0);
    EXPECT_EQ(create(2, "new", O_RDWR | O_EXCL), EEXIST);
    EXPECT_EQ(create(2, "sub", O_RDONLY), EISDIR);
    EXPECT_EQ(create(2, "new", O_RDWR), 0);
    EXPECT_EQ(read(2, 0, 10), 0);
    EXPECT_EQ(data(), "made");
    EXPECT_EQ(call(message(MKDIR).u32(ROOT).str("made").u32(02775).u32(0)), 0);
    ASSERT_EQ(stat((tree / "made").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode, S_IFDIR | 02775u);
    EXPECT_EQ(call(message(MKDIR).u32(ROOT).str("made").u32(0775).u32(0)), EEXIST);
    EXPECT_EQ(call(message(MKNOD).u32(ROOT).str("null").u32(S_IFCHR | 0666).u32(1).u32(3).u32(0)), EPERM);
    umask(022);
}

TEST_F(P9, GetattrIsStat)
{
    chmod((tree / "hello").c_str(), 0640);
    fs::create_symlink("hello", tree / "link");
    for (const char *name : {"hello", "dir", "link"}) {
        struct stat st;
        ASSERT_EQ(lstat((tree / name).c_str(), &st), 0);
        ASSERT_EQ(walk(ROOT, 1, {name}), 0);
        ASSERT_EQ(call(message(GETATTR).u32(1).u64(0x3fff)), 0);
        EXPECT_EQ(last.get<uint64_t>(), 0x7ffu);
        EXPECT_EQ(last.get<uint8_t>(), S_ISDIR(st.st_mode) ? 0x80 : S_ISLNK(st.st_mode) ? 2 : 0);
        last.get<uint32_t>();
        EXPECT_EQ(last.get<uint64_t>(), st.st_ino);
        EXPECT_EQ(last.get<uint32_t>(), st.st_mode);
        EXPECT_EQ(last.get<uint32_t>(), st.st_uid);
        EXPECT_EQ(last.get<uint32_t>(), st.st_gid);
        EXPECT_EQ(last.get<uint64_t>(), st.st_nlink);
        EXPECT_EQ(last.get<uint64_t>(), st.st_rdev);
        EXPECT_EQ(last.get<uint64_t>(), static_cast<uint64_t>(st.st_size));
        EXPECT_EQ(last.get<uint64_t>(), static_cast<uint64_t>(st.st_blksize));
        EXPECT_EQ(last.get<uint64_t>(), static_cast<uint64_t>(st.st_blocks));
        for (const timespec &t : {st.st_atim, st.st_mtim, st.st_ctim}) {
            EXPECT_EQ(last.get<uint64_t>(), static_cast<uint64_t>(t.tv_sec));
            EXPECT_EQ(last.get<uint64_t>(), static_cast<uint64_t>(t.tv_nsec));
        }
        EXPECT_EQ(last.bytes.size() - last.at, 32u);
        clunk(1);
    }
    struct statfs host;
    ASSERT_EQ(statfs(tree.c_str(), &host), 0);
    EXPECT_EQ(call(message(STATFS).u32(ROOT)), 0);
    EXPECT_EQ(last.get<uint32_t>(), static_cast<uint32_t>(host.f_type));
    EXPECT_EQ(last.get<uint32_t>(), static_cast<uint32_t>(host.f_bsize));
    EXPECT_EQ(last.get<uint64_t>(), host.f_blocks);
}

TEST_F(P9, Setattr)
{
    enum { MODE = 1, UID = 2, GID = 4, SIZE = 8, MTIME = 0x20, MTIME_SET = 0x100 };
    struct stat st;
    auto now = [&] { return stat((tree / "hello").c_str(), &st); };
    ASSERT_EQ(walk(ROOT, 1, {"hello"}), 0);
    EXPECT_EQ(setattr(1, MODE | SIZE, 06751, 0, 5), 0);
    ASSERT_EQ(now(), 0);
    EXPECT_EQ(st.st_mode & 07777, 0751u) << "no set-user-id";
    EXPECT_EQ(file(tree / "hello"), "hello");
    chmod((tree / "hello").c_str(), 04755);
    EXPECT_EQ(setattr(1, MODE, 04711), 0);
    now();
    EXPECT_EQ(st.st_mode & 07777, 04711u) << "what it had may stay";
    EXPECT_EQ(setattr(1, MTIME | MTIME_SET, 0, 0, 0, 1000000000, 5), 0);
    now();
    EXPECT_EQ(st.st_mtim.tv_sec, 1000000000);
    EXPECT_EQ(st.st_mtim.tv_nsec, 5);
    EXPECT_EQ(setattr(1, MTIME, 0), 0);
    now();
    EXPECT_NEAR(static_cast<double>(st.st_mtim.tv_sec), static_cast<double>(time(nullptr)), 10.0);
    EXPECT_EQ(setattr(1, MTIME | MTIME_SET, 0, 0, 0, 1, 1000000000), EINVAL);
    EXPECT_EQ(setattr(1, UID, 0, st.st_uid), 0) << "the same";
    EXPECT_EQ(setattr(1, UID, 0, st.st_uid + 1), EPERM) << "also for root";
    EXPECT_EQ(setattr(1, GID, 0, st.st_gid + 1), EPERM);
    EXPECT_EQ(setattr(1, SIZE, 0, 0, UINT64_MAX), EINVAL);
    ASSERT_EQ(walk(ROOT, 2, {"dir"}), 0);
    EXPECT_EQ(setattr(2, SIZE, 0, 0, 1), EISDIR);
    EXPECT_EQ(setattr(2, MODE, 06700), 0);
    ASSERT_EQ(stat((tree / "dir").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 02700u) << "of a directory it is about groups";
    EXPECT_EQ(open(1, O_RDWR), 0);
    fs::remove(tree / "hello");
    EXPECT_EQ(setattr(1, SIZE | MODE, 0600, 0, 2), 0) << "opened, without a name";
    EXPECT_EQ(read(1, 0, 10), 0);
    EXPECT_EQ(data(), "he");
}

TEST_F(P9, LinksAndRemoval)
{
    ASSERT_EQ(walk(ROOT, 1, {"hello"}), 0);
    ASSERT_EQ(walk(ROOT, 2, {"dir"}), 0);
    EXPECT_EQ(call(message(LINK).u32(2).u32(1).str("hard")), 0);
    EXPECT_TRUE(fs::equivalent(tree / "hello", tree / "dir/hard"));
    EXPECT_EQ(call(message(LINK).u32(2).u32(2).str("harder")), EPERM) << "a directory";
    EXPECT_EQ(call(message(SYMLINK).u32(2).str("soft").str("../hello").u32(0)), 0);
    EXPECT_EQ(last.get<uint8_t>(), 2);
    ASSERT_EQ(walk(2, 3, {"soft"}), 0);
    EXPECT_EQ(call(message(READLINK).u32(3)), 0);
    EXPECT_EQ(last.str(), "../hello");
    EXPECT_EQ(call(message(READLINK).u32(1)), EINVAL);
    EXPECT_EQ(call(message(LINK).u32(2).u32(3).str("soft2")), 0);
    EXPECT_TRUE(fs::is_symlink(tree / "dir/soft2"));
    EXPECT_EQ(call(message(UNLINKAT).u32(2).str("hard").u32(0)), 0);
    EXPECT_EQ(call(message(UNLINKAT).u32(2).str("hard").u32(0)), ENOENT);
    EXPECT_EQ(call(message(UNLINKAT).u32(2).str("sub").u32(0)), EISDIR);
    EXPECT_EQ(call(message(UNLINKAT).u32(2).str("sub").u32(1)), EINVAL);
    EXPECT_EQ(call(message(UNLINKAT).u32(2).str("sub").u32(0x200)), 0);
    EXPECT_EQ(call(message(REMOVE).u32(1)), 0);
    EXPECT_FALSE(fs::exists(tree / "hello"));
    EXPECT_EQ(clunk(1), EBADF);
    EXPECT_EQ(call(message(REMOVE).u32(2)), ENOTEMPTY);
    EXPECT_EQ(clunk(2), EBADF) << "gone all the same";
    EXPECT_EQ(call(message(REMOVE).u32(ROOT)), EBUSY);
    EXPECT_EQ(call(message(XATTRWALK).u32(3).u32(9).str("user.x")), EOPNOTSUPP);
    EXPECT_EQ(call(message(XATTRCREATE).u32(3).str("user.x").u64(3).u32(0)), EOPNOTSUPP);
}

TEST_F(P9, RenamesCarryTheFids)
{
    ASSERT_EQ(walk(ROOT, 1, {"dir", "inner"}), 0);
    ASSERT_EQ(walk(ROOT, 2, {"dir"}), 0);
    ASSERT_EQ(walk(ROOT, 3, {"hello"}), 0);
    write_file(tree / "dirty", "not below dir");
    ASSERT_EQ(walk(ROOT, 4, {"dirty"}), 0);
    EXPECT_EQ(call(message(RENAMEAT).u32(ROOT).str("dir").u32(ROOT).str("moved")), 0);
    EXPECT_EQ(file(tree / "moved/inner"), "inner");
    EXPECT_EQ(open(1, O_RDONLY), 0) << "below what was renamed";
    EXPECT_EQ(open(4, O_RDONLY), 0) << "only begins alike";
    EXPECT_EQ(call(message(RENAME).u32(3).u32(2).str("hi")), 0) << "into it, by its old fid";
    EXPECT_EQ(file(tree / "moved/hi"), "hello, guest");
    EXPECT_EQ(open(3, O_RDONLY), 0);
    EXPECT_EQ(read(3, 0, 5), 0);
    EXPECT_EQ(data(), "hello");
    EXPECT_EQ(call(message(RENAMEAT).u32(ROOT).str("moved").u32(2).str("self")), EINVAL);
    EXPECT_EQ(call(message(RENAME).u32(2).u32(ROOT).str("again")), 0);
    EXPECT_TRUE(fs::exists(tree / "again/hi"));
    EXPECT_EQ(call(message(RENAME).u32(ROOT).u32(2).str("top")), EBUSY);
}

// The client may have open what it removes or replaces; a fid that is a clone of an opened one is not opened itself.
TEST_F(P9, WhatIsRemovedIsStillMeant)
{
    auto size = [&](uint32_t fid) -> int64_t {
        int failed = call(message(GETATTR).u32(fid).u64(0x7ff));
        if (failed)
            return -failed;
        last.text(8 + 13 + 4 + 4 + 4 + 8 + 8);
        return static_cast<int64_t>(last.get<uint64_t>());
    };
    write_file(tree / "new", "new");
    ASSERT_EQ(walk(ROOT, 1, {"hello"}), 0);
    ASSERT_EQ(walk(ROOT, 2, {"new"}), 0);
    EXPECT_EQ(call(message(RENAMEAT).u32(ROOT).str("hello").u32(ROOT).str("hello")), 0) << "nothing happens";
    EXPECT_EQ(size(1), 12);
    EXPECT_EQ(call(message(RENAMEAT).u32(ROOT).str("new").u32(ROOT).str("hello")), 0);
    EXPECT_EQ(size(1), 12) << "the old one, not what has its name now";
    EXPECT_EQ(size(2), 3);
    EXPECT_EQ(open(1, O_RDWR), 0);
    EXPECT_EQ(read(1, 0, 5), 0);
    EXPECT_EQ(data(), "hello");
    EXPECT_EQ(call(message(UNLINKAT).u32(ROOT).str("hello").u32(0)), 0);
    EXPECT_EQ(size(2), 3);
    EXPECT_EQ(setattr(2, 8, 0, 0, 1), 0);
    EXPECT_EQ(size(2), 1);
    EXPECT_EQ(walk(2, 3, {}), ESTALE) << "there is no way to it";
    EXPECT_EQ(call(message(RENAME).u32(2).u32(ROOT).str("back")), ESTALE);
    EXPECT_EQ(call(message(LINK).u32(ROOT).u32(2).str("back")), ENOENT) << "the kernel's rule for files without a name";
    ASSERT_EQ(walk(ROOT, 4, {"dir", "sub"}), 0);
    EXPECT_EQ(call(message(UNLINKAT).u32(ROOT).str("sub").u32(0x200)), ENOENT);
    ASSERT_EQ(walk(ROOT, 5, {"dir"}), 0);
    EXPECT_EQ(call(message(UNLINKAT).u32(5).str("sub").u32(0x200)), 0);
    EXPECT_EQ(size(4), -ESTALE) << "a directory is not held";
}

TEST_F(P9, Readdir)
{
    std::map<std::string, uint64_t> expected = {{".", 0}, {"..", 0}};
    fs::create_directory(tree / "many");
    for (unsigned i = 0; i < 700; i++) {
        std::string name = "a file with a name of some length " + std::to_string(i);
        write_file(tree / "many" / name, "");
        struct stat st;
        stat((tree / "many" / name).c_str(), &st);
        expected[name] = st.st_ino;
    }
    ASSERT_EQ(walk(ROOT, 1, {"many"}), 0);
    EXPECT_EQ(readdir(1, 0, 1000), EBADF) << "not opened";
    ASSERT_EQ(open(1, O_RDONLY), 0);
    for (uint32_t count : {100u, 3000u, ~0u}) {
        std::map<std::string, uint64_t> found;
        uint64_t offset = 0;
        for (unsigned round = 0; round < 1000; round++) {
            ASSERT_EQ(readdir(1, offset, count), 0);
            EXPECT_LE(last.bytes.size(), count == ~0u ? size_t{MSIZE} : count + 11);
            auto some = entries();
            if (some.empty())
                break;
            for (auto &e : some) {
                EXPECT_TRUE(found.insert({e.name, e.name[0] == '.' ? 0 : e.inode}).second) << e.name;
                EXPECT_EQ(e.qid_type, e.name[0] == '.' ? 0x80 : 0);
            }
            offset = some.back().offset;
        }
        EXPECT_EQ(found, expected) << count;
    }
    EXPECT_EQ(readdir(1, 0, 20), EINVAL) << "no room for one";
    ASSERT_EQ(walk(ROOT, 2, {"hello"}), 0);
    ASSERT_EQ(open(2, O_RDONLY), 0);
    EXPECT_EQ(readdir(2, 0, 1000), ENOTDIR);
}

TEST_F(P9, ReadOnly)
{
    open_server(true);
    ASSERT_EQ(walk(ROOT, 1, {"hello"}), 0);
    ASSERT_EQ(walk(ROOT, 2, {"hello"}), 0);
    EXPECT_EQ(open(1, O_RDWR), EROFS);
    EXPECT_EQ(open(1, O_WRONLY), EROFS);
    EXPECT_EQ(open(1, O_RDONLY | O_TRUNC), EROFS);
    EXPECT_EQ(open(1, O_RDONLY), 0);
    EXPECT_EQ(read(1, 0, 5), 0);
    EXPECT_EQ(data(), "hello");
    EXPECT_EQ(write(1, 0, "x"), EROFS);
    EXPECT_EQ(create(ROOT, "new", O_RDONLY), EROFS);
    EXPECT_EQ(setattr(2, 1, 0600), EROFS);
    EXPECT_EQ(call(message(MKDIR).u32(ROOT).str("d").u32(0775).u32(0)), EROFS);
    EXPECT_EQ(call(message(SYMLINK).u32(ROOT).str("s").str("x").u32(0)), EROFS);
    EXPECT_EQ(call(message(LINK).u32(ROOT).u32(2).str("l")), EROFS);
    EXPECT_EQ(call(message(MKNOD).u32(ROOT).str("n").u32(0).u32(0).u32(0).u32(0)), EROFS);
    EXPECT_EQ(call(message(RENAME).u32(2).u32(ROOT).str("r")), EROFS);
    EXPECT_EQ(call(message(RENAMEAT).u32(ROOT).str("hello").u32(ROOT).str("r")), EROFS);
    EXPECT_EQ(call(message(UNLINKAT).u32(ROOT).str("hello").u32(0)), EROFS);
    EXPECT_EQ(call(message(REMOVE).u32(2)), EROFS);
    EXPECT_EQ(file(tree / "hello"), "hello, guest");
}

TEST_F(P9, WhatCannotBeShared)
{
    g_autoptr(GError) none = nullptr, regular = nullptr;
    EXPECT_EQ(p9_server_create((top / "none").c_str(), false, &none), nullptr);
    EXPECT_EQ(none->message, (top / "none").string() + ": No such file or directory");
    EXPECT_EQ(p9_server_create((top / "secret").c_str(), false, &regular), nullptr);
    EXPECT_EQ(regular->message, (top / "secret").string() + ": Not a directory (a share is a directory)");
}

} // namespace
