// SPDX-License-Identifier: GPL-2.0-or-later
// 9P messages, to a server of a small tree. Beside the tree lies a file that must neither be read nor change.
//
// The input: whether it is read-only, then messages: type, a 16-bit length, the body; the size in the header is right unless the type is 0 (then the body is all).
// The session has begun, with the tree as fid 0.
#include "fuzz.h"

#include "vmm/p9/server.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>

namespace {

using namespace fuzz;
namespace fs = std::filesystem;

constexpr uint32_t MSIZE = 16384;
const std::string SECRET = "f3b9 is beside the tree 71c4";

// In a file system of memory, and with an end to each file.
class Tree {
  public:
    fs::path top, tree;
    Tree()
    {
        char path[] = "/dev/shm/fuzz-p9-XXXXXX";
        REQUIRE(mkdtemp(path), "a folder");
        top = path;
        tree = top / "tree";
        write(top / "secret", SECRET);
        rlimit files = {1 << 20, 1 << 20};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &files);
    }
    ~Tree() { fs::remove_all(top); }
    void fill()
    {
        std::error_code ignored;
        fs::permissions(tree, fs::perms::owner_all, ignored);
        fs::remove_all(tree);
        fs::create_directories(tree / "dir" / "sub");
        write(tree / "hello", "hello, guest");
        write(tree / "dir" / "inner", "inner");
        fs::create_symlink("../secret", tree / "link");
        fs::create_symlink("/etc", tree / "dir" / "etc");
    }
    bool intact()
    {
        std::ifstream in(top / "secret");
        return std::string(std::istreambuf_iterator<char>(in), {}) == SECRET;
    }

  private:
    static void write(const fs::path &path, const std::string &text) { std::ofstream(path) << text; }
};

Output request(unsigned type, const Bytes &body)
{
    return Output().u32(static_cast<uint32_t>(7 + body.size())).u8(type).u16(1).raw(body.data(), body.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Tree tree;
    static Bytes reply(MSIZE);
    Input in(data, size);
    bool read_only = in.u8() & 1;
    tree.fill();
    p9_server *server = p9_server_create(tree.tree.c_str(), read_only, nullptr);
    REQUIRE(server, "a server");
    auto handle = [&](const Bytes &message) {
        size_t len = p9_server_handle(server, message.data(), message.size(), reply.data(), MSIZE);
        REQUIRE(len <= MSIZE && (len == 0 || len >= 7), "%zu bytes", len);
        REQUIRE(!memmem(reply.data(), len, SECRET.data(), SECRET.size()), "it read what is beside the tree");
    };
    handle(request(100, Output().u32(MSIZE).u16(8).text("9P2000.L").data).data);
    handle(request(104, Output().u32(0).u32(~0u).u16(0).u16(0).u32(0).data).data);
    while (!in.empty()) {
        uint8_t type = in.u8();
        Bytes body = in.bytes(in.u16());
        handle(type ? request(type, body).data : body);
    }
    p9_server_destroy(server);
    REQUIRE(tree.intact(), "it changed what is beside the tree");
    return 0;
}

// Each seed gets as far as a message type can: what it works on is walked to, and opened, before.
Bytes fuzz::fuzz_seed(unsigned n)
{
    Output out;
    out.u8(n == 1);
    auto add = [&](unsigned type, const Output &body) { out.u8(type).u16(body.data.size()).raw(body.data.data(), body.data.size()); };
    auto str = [](const std::string &s) { return Output().u16(s.size()).text(s); };
    auto with = [](Output a, const Output &b) { return a.raw(b.data.data(), b.data.size()); };
    auto walk = [&](uint32_t fid, const std::vector<std::string> &names) {
        Output body = Output().u32(0).u32(fid).u16(names.size());
        for (const std::string &name : names)
            body = with(body, str(name));
        add(110, body);
    };
    auto open = [&](uint32_t fid, uint32_t flags) { add(12, Output().u32(fid).u32(flags)); };
    switch (n) {
    case 0: case 1: walk(1, {"hello"}); open(1, 2); add(116, Output().u32(1).u64(0).u32(100)); add(118, Output().u32(1).u64(3).u32(4).text("data")); add(50, Output().u32(1).u32(0)); add(120, Output().u32(1)); break;
    case 2: walk(1, {}); open(1, 0); add(40, Output().u32(1).u64(0).u32(4000)); add(40, Output().u32(1).u64(2).u32(100)); break;
    case 3: walk(1, {}); add(14, with(with(Output().u32(1), str("new")), Output().u32(0x42).u32(0644).u32(0))); add(118, Output().u32(1).u64(0).u32(3).text("abc")); break;
    case 4: add(72, with(with(Output().u32(0), str("made")), Output().u32(0755).u32(0))); add(76, with(with(Output().u32(0), str("made")), Output().u32(0x200))); break;
    case 5: add(16, with(with(with(Output().u32(0), str("s")), str("../secret")), Output().u32(0))); walk(1, {"s"}); add(22, Output().u32(1)); break;
    case 6: walk(1, {"link"}); add(22, Output().u32(1)); open(1, 0); walk(2, {"dir", "etc", "passwd"}); walk(3, {"dir", "..", "..", "secret"}); open(3, 0); add(116, Output().u32(3).u64(0).u32(100)); break;
    case 7: walk(1, {"hello"}); add(24, Output().u32(1).u64(0x7ff)); add(26, Output().u32(1).u32(0x1ff).u32(0600).u32(0).u32(0).u64(100).u64(1).u64(2).u64(3).u64(4)); break;
    case 8: add(74, with(with(Output().u32(0), str("hello")), with(Output().u32(0), str("other")))); walk(1, {"dir", "inner"}); add(20, with(Output().u32(1).u32(0), str("moved"))); add(122, Output().u32(1)); break;
    case 9: walk(1, {"hello"}); add(70, with(Output().u32(0).u32(1), str("hard"))); add(8, Output().u32(1)); add(108, Output().u16(1)); break;
    case 10: walk(1, {"hello"}); open(1, 2); add(52, with(Output().u32(1).u8(1).u32(0).u64(0).u64(0).u32(9), str("me"))); add(54, with(Output().u32(1).u8(1).u64(0).u64(0).u32(9), str("me"))); break;
    case 11: walk(1, {"hello"}); add(30, with(Output().u32(1).u32(2), str("user.x"))); add(32, with(with(Output().u32(1), str("user.x")), Output().u64(3).u32(0))); add(18, with(with(Output().u32(0), str("dev")), Output().u32(020600).u32(1).u32(3).u32(0))); break;
    case 12: add(102, with(with(Output().u32(5), str("root")), with(str(""), Output().u32(0)))); add(0, Output().u32(7).u8(120).u16(1)); break;
    case 13: add(100, with(Output().u32(4096), str("9P2000.L"))); add(104, with(with(Output().u32(0).u32(~0u), str("u")), with(str(""), Output().u32(0)))); break;
    default: return {};
    }
    return out.data;
}
