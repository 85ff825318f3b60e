// SPDX-License-Identifier: GPL-2.0-or-later
// The 9P server under a client that wants out, or sends what no client would: nothing beside the tree is read or changed.
#include "p9_client.h"
#include "vmm/p9/fids.h"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <random>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace p9_test;

namespace {

const std::vector<std::string> bad_names = {"", ".", "..", "/", "../secret", "dir/inner", "/etc/passwd", "dir/../../secret", std::string("a\0b", 3),
                                            std::string("\0", 1), "..\\..", std::string(256, 'x')};

TEST_F(P9, NamesThatAreNone)
{
    ASSERT_EQ(walk(ROOT, 1, {"hello"}), 0);
    for (const std::string &name : bad_names) {
        if (name == "..\\..")
            continue; // a name like any other, but for other systems
        int expected = name.size() > 255 ? ENAMETOOLONG : EINVAL;
        EXPECT_EQ(walk(ROOT, 9, {name}), expected) << name;
        EXPECT_EQ(create(ROOT, name, O_RDWR), expected) << name;
        EXPECT_EQ(call(message(MKDIR).u32(ROOT).str(name).u32(0777).u32(0)), expected) << name;
        EXPECT_EQ(call(message(SYMLINK).u32(ROOT).str(name).str("x").u32(0)), expected) << name;
        EXPECT_EQ(call(message(LINK).u32(ROOT).u32(1).str(name)), expected) << name;
        EXPECT_EQ(call(message(RENAME).u32(1).u32(ROOT).str(name)), expected) << name;
        EXPECT_EQ(call(message(RENAMEAT).u32(ROOT).str(name).u32(ROOT).str("x")), expected) << name;
        EXPECT_EQ(call(message(RENAMEAT).u32(ROOT).str("hello").u32(ROOT).str(name)), expected) << name;
        EXPECT_EQ(call(message(UNLINKAT).u32(ROOT).str(name).u32(0)), expected) << name;
    }
    EXPECT_EQ(walk(ROOT, 9, {"dir", "..", "..", "secret"}), 0);
    EXPECT_EQ(walked(), 1u);
    EXPECT_EQ(call(message(SYMLINK).u32(ROOT).str("s").str(std::string("a\0b", 3)).u32(0)), EINVAL);
    EXPECT_EQ(call(message(SYMLINK).u32(ROOT).str("s").str(std::string(5000, 'x')).u32(0)), ENAMETOOLONG);
    EXPECT_EQ(file(tree / "hello"), "hello, guest");
    EXPECT_EQ(fs::exists(tree / "x"), false);
}

TEST_F(P9, SymbolicLinksAreNotFollowed)
{
    ASSERT_EQ(call(message(SYMLINK).u32(ROOT).str("out").str(top.string()).u32(0)), 0);
    ASSERT_EQ(call(message(SYMLINK).u32(ROOT).str("file").str((top / "secret").string()).u32(0)), 0);
    ASSERT_EQ(call(message(SYMLINK).u32(ROOT).str("up").str("..").u32(0)), 0);
    ASSERT_EQ(call(message(SYMLINK).u32(ROOT).str("proc").str("/proc/self/root").u32(0)), 0);
    for (const char *name : {"out", "up", "proc"}) {
        EXPECT_EQ(walk(ROOT, 9, {name, "secret"}), 0);
        EXPECT_EQ(walked(), 1u) << name;
        ASSERT_EQ(walk(ROOT, 2, {name}), 0);
        EXPECT_EQ(walk(2, 9, {"secret"}), ENOTDIR) << name;
        EXPECT_EQ(open(2, O_RDONLY), ELOOP) << name;
        EXPECT_NE(create(2, "new", O_RDWR), 0) << name;
        EXPECT_NE(call(message(MKDIR).u32(2).str("new").u32(0777).u32(0)), 0) << name;
        EXPECT_NE(call(message(RENAMEAT).u32(ROOT).str("hello").u32(2).str("new")), 0) << name;
        EXPECT_NE(call(message(UNLINKAT).u32(2).str("secret").u32(0)), 0) << name;
        clunk(2);
    }
    ASSERT_EQ(walk(ROOT, 3, {"file"}), 0);
    EXPECT_EQ(open(3, O_RDWR), ELOOP);
    EXPECT_EQ(create(ROOT, "file", O_RDWR | O_TRUNC), ELOOP);
    EXPECT_EQ(setattr(3, 8, 0, 0, 0), ELOOP) << "its size";
    EXPECT_EQ(setattr(3, 1, 0777), EOPNOTSUPP) << "its mode";
    struct stat before, after;
    stat((top / "secret").c_str(), &before);
    EXPECT_EQ(setattr(3, 0x120, 0, 0, 0, 12345, 0), 0) << "the link's own time";
    stat((top / "secret").c_str(), &after);
    EXPECT_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
    EXPECT_EQ(call(message(LINK).u32(ROOT).u32(3).str("hard")), 0);
    EXPECT_TRUE(fs::is_symlink(tree / "hard")) << "a second name of the link, not of the file";
    EXPECT_EQ(file(top / "secret"), "secret");
    EXPECT_FALSE(fs::exists(top / "new"));
}

TEST_F(P9, DirectoriesThatBecomeLinksOrLeave)
{
    ASSERT_EQ(walk(ROOT, 1, {"dir"}), 0);
    ASSERT_EQ(walk(ROOT, 2, {"dir", "sub"}), 0);
    ASSERT_EQ(walk(ROOT, 3, {"dir"}), 0);
    ASSERT_EQ(open(3, O_RDONLY), 0);
    fs::rename(tree / "dir", top / "dir"); // the host moves it away
    fs::create_symlink(top, tree / "dir");  // and something puts a link in its place
    write_file(top / "sub", "");
    EXPECT_EQ(walk(1, 9, {"secret"}), ENOTDIR);
    EXPECT_EQ(walk(3, 9, {"inner"}), ENOTDIR) << "an opened one neither";
    EXPECT_EQ(open(2, O_RDONLY), ELOOP);
    EXPECT_EQ(create(1, "new", O_RDWR), ENOTDIR);
    EXPECT_EQ(call(message(MKDIR).u32(3).str("new").u32(0777).u32(0)), ENOTDIR);
    EXPECT_EQ(call(message(UNLINKAT).u32(1).str("secret").u32(0)), ENOTDIR);
    EXPECT_EQ(call(message(RENAMEAT).u32(1).str("secret").u32(ROOT).str("mine")), ENOTDIR);
    EXPECT_EQ(call(message(RENAMEAT).u32(ROOT).str("hello").u32(1).str("hello")), ENOTDIR);
    EXPECT_TRUE(fs::exists(tree / "hello"));
    EXPECT_TRUE(fs::exists(top / "secret"));
}

// A second process swaps a directory and a link as fast as it can, while the client asks for what would be behind the link.
TEST_F(P9, SwapsInTheMiddle)
{
    fs::create_directory(tree / "a");
    write_file(tree / "a" / "secret", "mine");
    fs::create_symlink(top, tree / "b");
    std::atomic<bool> stop{false};
    std::thread swapper([&] {
        while (!stop)
            renameat2(AT_FDCWD, (tree / "a").c_str(), AT_FDCWD, (tree / "b").c_str(), RENAME_EXCHANGE);
    });
    unsigned seen = 0;
    for (unsigned i = 0; i < 3000; i++) {
        if (walk(ROOT, 1, {"a", "secret"}) == 0 && walked() == 2) {
            if (open(1, O_RDWR) == 0) {
                EXPECT_EQ(read(1, 0, 100), 0);
                EXPECT_EQ(data(), "mine");
                seen++;
            }
            setattr(1, 1 | 8, 0600, 0, 4);
            clunk(1);
        }
    }
    stop = true;
    swapper.join();
    EXPECT_GT(seen, 0u);
    EXPECT_EQ(file(top / "secret"), "secret");
    struct stat st;
    stat((top / "secret").c_str(), &st);
    EXPECT_NE(st.st_mode & 0777, 0600u);
}

TEST_F(P9, SpecialFilesAreNotOpened)
{
    ASSERT_EQ(mkfifo((tree / "fifo").c_str(), 0666), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, (tree / "socket").c_str(), sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0);
    std::vector<const char *> names = {"fifo", "socket"};
    if (mknod((tree / "null").c_str(), S_IFCHR | 0666, 0x103) == 0) // only root may
        names.push_back("null");
    for (const char *name : names) {
        for (uint32_t flags : {O_RDONLY, O_WRONLY, O_RDWR}) {
            ASSERT_EQ(walk(ROOT, 1, {name}), 0);
            EXPECT_EQ(open(1, flags), EPERM) << name;
            EXPECT_EQ(setattr(1, 8, 0, 0, 0), EPERM) << name;
            clunk(1);
        }
        ASSERT_EQ(walk(ROOT, 1, {}), 0);
        EXPECT_EQ(create(1, name, O_RDWR), EPERM) << name;
        clunk(1);
    }
    close(fd);
}

TEST_F(P9, MessagesThatAreCutOrTooLong)
{
    std::vector<Message> all = {
        message(VERSION).u32(MSIZE).str("9P2000.L"),
        message(ATTACH).u32(5).u32(~0u).str("a").str("b").u32(0),
        message(WALK).u32(ROOT).u32(6).u16(2).str("dir").str("inner"),
        message(LOPEN).u32(ROOT).u32(0),
        message(LCREATE).u32(ROOT).str("made").u32(2).u32(0644).u32(0),
        message(SYMLINK).u32(ROOT).str("made").str("x").u32(0),
        message(RENAME).u32(ROOT).u32(ROOT).str("made"),
        message(READLINK).u32(ROOT),
        message(GETATTR).u32(ROOT).u64(0),
        message(SETATTR).u32(ROOT).u32(1).u32(0).u32(0).u32(0).u64(0).u64(0).u64(0).u64(0).u64(0),
        message(STATFS).u32(ROOT),
        message(READDIR).u32(ROOT).u64(0).u32(100),
        message(LOCK).u32(ROOT).u8(0).u32(0).u64(0).u64(0).u32(0).str("x"),
        message(GETLOCK).u32(ROOT).u8(0).u64(0).u64(0).u32(0).str("x"),
        message(LINK).u32(ROOT).u32(ROOT).str("made"),
        message(MKDIR).u32(ROOT).str("made").u32(0).u32(0),
        message(RENAMEAT).u32(ROOT).str("hello").u32(ROOT).str("made"),
        message(UNLINKAT).u32(ROOT).str("hello").u32(0),
        message(FLUSH).u16(1),
        message(READ).u32(ROOT).u64(0).u32(1),
        message(WRITE).u32(ROOT).u64(0).u32(3).raw("abc"),
        message(CLUNK).u32(ROOT),
        message(REMOVE).u32(ROOT),
    };
    for (auto &m : all) {
        for (size_t len = 7; len < m.bytes.size(); len++) {
            Message cut = m;
            cut.bytes.resize(len);
            EXPECT_EQ(call(cut), EBADMSG) << int{m.bytes[4]} << " cut to " << len;
        }
        Message more = m;
        EXPECT_EQ(call(more.u8(0)), EBADMSG) << int{m.bytes[4]} << " with a byte more";
        more = m;
        more.bytes[0] = 200; // a size that is not the message's
        EXPECT_EQ(send(more.bytes), EBADMSG);
        for (size_t len = 0; len < 7; len++)
            EXPECT_EQ(send(Bytes(m.bytes.begin(), m.bytes.begin() + static_cast<long>(len))), -1);
    }
    EXPECT_FALSE(fs::exists(fs::symlink_status(tree / "made")));
    EXPECT_EQ(file(tree / "hello"), "hello, guest");
    EXPECT_EQ(call(message(FSYNC).u32(ROOT).u16(0)), EBADMSG);
    EXPECT_EQ(call(message(WRITE).u32(ROOT).u64(0).u32(~0u).raw("abc")), EBADMSG) << "a count beyond the message";
    EXPECT_EQ(call(message(WALK).u32(ROOT).u32(6).u16(0xffff).str("dir")), EBADMSG);
    EXPECT_EQ(call(message(WRITE).u32(ROOT).u64(0).u32(MSIZE).raw(std::string(MSIZE, 'x'))), EMSGSIZE);
    for (unsigned type : {0, 6, 7, 9, 99, 101, 112, 124, 125, 200, 255})
        EXPECT_EQ(call(message(static_cast<uint8_t>(type)).u32(ROOT)), EOPNOTSUPP) << type;
    EXPECT_EQ(call(message(GETATTR).u32(ROOT).u64(0)), 0);
    room = 100;
    EXPECT_EQ(call(message(GETATTR).u32(ROOT).u64(0)), EMSGSIZE) << "the reply does not fit";
    room = 10;
    EXPECT_EQ(call(message(GETATTR).u32(ROOT).u64(0)), -1);
}

TEST_F(P9, FidsAndFilesAreBounded)
{
    for (unsigned i = 1; i < P9_FIDS_MAX; i++)
        ASSERT_EQ(walk(ROOT, i, {}), 0);
    EXPECT_EQ(walk(ROOT, P9_FIDS_MAX, {}), ENOMEM);
    EXPECT_EQ(begin(), 0);
    unsigned opened = 0;
    for (unsigned i = 1; i < 3000; i++) {
        ASSERT_EQ(walk(ROOT, i, {"hello"}), 0);
        int failed = open(i, O_RDONLY);
        if (failed) {
            EXPECT_EQ(failed, EMFILE);
            break;
        }
        opened++;
    }
    EXPECT_LE(opened, unsigned{P9_OPEN_MAX});
    EXPECT_EQ(begin(), 0) << "all closed";
    // Paths: a chain of long names, as long as one may be, and many fids of it.
    std::string name(250, 'n');
    unsigned depth = 0;
    ASSERT_EQ(walk(ROOT, 1, {}), 0);
    for (int failed = 0; !failed && depth < 100; depth++) {
        failed = call(message(MKDIR).u32(1).str(name).u32(0755).u32(0));
        if (!failed)
            failed = walk(1, 1, {name});
    }
    EXPECT_GE(depth, 15u);
    EXPECT_LT(depth, 20u);
    unsigned fids = 2;
    while (fids < 10000 && walk(1, fids, {}) == 0)
        fids++;
    EXPECT_LE(fids, unsigned{P9_PATHS_MAX_BYTES} / 3000);
    EXPECT_GE(fids, unsigned{P9_PATHS_MAX_BYTES} / 4095);
    // Renaming makes them all longer than they may be: they are stale, and nothing else happens.
    EXPECT_EQ(call(message(RENAMEAT).u32(ROOT).str(name).u32(ROOT).str(std::string(255, 'm'))), 0);
    unsigned stale = 0;
    for (unsigned i = 1; i < fids; i++)
        stale += call(message(GETATTR).u32(i).u64(0)) == ESTALE;
    EXPECT_GT(stale, 0u);
    EXPECT_EQ(begin(), 0);
}

// Well-formed requests with hostile fields, and bytes without any sense. Run under the sanitizers too.
TEST_F(P9, RandomRequests)
{
    std::mt19937 random(20261127);
    auto below = [&](unsigned n) { return static_cast<uint32_t>(random() % n); };
    auto pick = [&](const std::vector<std::string> &from) { return from[below(static_cast<unsigned>(from.size()))]; };
    std::vector<std::string> names = bad_names;
    for (unsigned i = 0; i < 3; i++)
        names.insert(names.end(), {"hello", "dir", "inner", "sub", "a", "b", "c", "link"});
    const std::vector<uint8_t> types = {STATFS, LOPEN,  LCREATE, SYMLINK, MKNOD,    RENAME,   READLINK, GETATTR, SETATTR, XATTRWALK, XATTRCREATE,
                                        READDIR, FSYNC, LOCK,    GETLOCK, LINK,     MKDIR,    RENAMEAT, UNLINKAT, ATTACH, FLUSH,     WALK,
                                        READ,    WRITE, CLUNK,   REMOVE,  WALK,     WALK,     WALK,     WALK,    LOPEN,   LOPEN,     LOPEN};
    std::map<int, unsigned> results;
    for (unsigned i = 0; i < 30000; i++) {
        Message m = message(types[below(static_cast<unsigned>(types.size()))], static_cast<uint16_t>(i));
        uint8_t type = m.bytes[4];
        if (type == FSYNC && i % 4)
            continue; // the disk is slow, and nothing is behind it
        if (i % 4 == 0) {
            for (unsigned n = below(60); n > 0; n--)
                m.u8(static_cast<uint8_t>(random()));
        } else {
            m.u32(type == CLUNK || type == REMOVE ? 1 + below(5) : below(2) * below(6));
            if (type == WALK) {
                unsigned count = below(5);
                m.u32(below(6)).u16(static_cast<uint16_t>(count));
                for (unsigned n = 0; n < count; n++)
                    m.str(pick(names));
            } else if (type == LOPEN) {
                m.u32(below(4) | (below(8) == 0 ? random() & 07777000 : 0));
            } else if (type == LCREATE) {
                m.str(pick(names)).u32(below(4)).u32(random()).u32(0);
            } else if (type == READ || type == READDIR) {
                m.u64(below(4) ? below(20) : random() * uint64_t{random()}).u32(below(3) ? below(4000) : random());
            } else if (type == WRITE) {
                m.u64(below(20)).u32(5).raw("bytes");
            } else if (type == GETATTR) {
                m.u64(0);
            } else if (type == SETATTR) {
                m.u32(random() & 0x1ff & ~6u).u32(0700 | random()).u32(0).u32(0).u64(below(100)).u64(random()).u64(random()).u64(1).u64(1);
            } else if (type == RENAME) {
                m.u32(below(6)).str(pick(names));
            } else if (type == RENAMEAT) {
                m.str(pick(names)).u32(below(6)).str(pick(names));
            } else if (type == SYMLINK) {
                m.str(pick(names)).str("../../secret").u32(0);
            } else if (type == MKDIR) {
                m.str(pick(names)).u32(0700).u32(0);
            } else if (type == LINK) {
                m.u32(below(6)).str(pick(names));
            } else if (type == UNLINKAT) {
                m.str(pick(names)).u32(below(2) * 0x200);
            }
        }
        room = below(10) ? size_t{MSIZE} : 11 + below(200);
        results[call(m)]++;
        if (i % 40 == 0) {
            room = MSIZE;
            ASSERT_EQ(begin(), 0);
            for (auto &entry : fs::directory_iterator(tree)) // all of it: what the client has made of a name may lead anywhere
                fs::remove_all(entry);
            fs::create_directories(tree / "dir" / "sub");
            write_file(tree / "hello", "hello, guest");
            write_file(tree / "dir" / "inner", "inner");
            walk(ROOT, 1, {"hello"});
            walk(ROOT, 2, {"dir"});
            walk(ROOT, 3, {"dir", "inner"});
        }
    }
    EXPECT_GT(results[0], 2500u);
    EXPECT_EQ(results[-1], 0u);
    EXPECT_EQ(file(top / "secret"), "secret");
    unsigned beside = 0;
    for (auto &entry : fs::directory_iterator(top))
        beside += entry.path().filename() != "secret" && entry.path().filename() != "tree";
    EXPECT_EQ(beside, 0u);
}

} // namespace
