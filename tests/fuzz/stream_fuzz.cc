// SPDX-License-Identifier: GPL-2.0-or-later
// Recorded command streams as `vmm decode` reads them: whatever the text is, it is refused with a line or taken; what is taken keeps its bounds, gives the same when
// it is written and read again, and is printed.
#include "fuzz.h"

#include "gpu/defs/stream.h"

#include <gio/gio.h>

namespace {

using namespace fuzz;

// All submissions of a text, written again.
bool read_all(const std::string &text, std::string *again, size_t *lines)
{
    const char *at = text.c_str(), *before = at;
    unsigned line = 2, last = 0;
    GError *error = nullptr;
    g_autoptr(GString) out = g_string_new(nullptr);

    while (struct stream *stream = stream_parse(&at, &line, &error)) {
        REQUIRE(at > before && line > last, "a submission of no line");
        before = at;
        last = line;
        REQUIRE(stream->engine < ENGINE_COUNT && stream->part_count <= STREAM_PARTS_MAX && stream->dwords <= STREAM_DWORDS_MAX, "bounds");
        unsigned dwords = 0;
        for (unsigned i = 0; i < stream->part_count; i++)
            dwords += stream->parts[i].count;
        REQUIRE(dwords == stream->dwords, "%u dwords are said to be %u", dwords, stream->dwords);
        stream_decode(stream, [](void *opaque, const char *) { ++*static_cast<size_t *>(opaque); }, lines);
        stream_format(stream, out);
        stream_free(stream);
    }
    bool good = !error;
    REQUIRE(good || g_error_matches(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA), "%s", error->message);
    g_clear_error(&error);
    *again = out->str;
    return good;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    std::string text(reinterpret_cast<const char *>(data), size), again, third;
    size_t lines = 0;

    (void)read_all(text, &again, &lines);
    REQUIRE(read_all(again, &third, &lines), "its own text is refused: %s", again.c_str());
    REQUIRE(again == third, "%s is not %s", third.c_str(), again.c_str());
    return 0;
}

Bytes fuzz::fuzz_seed(unsigned n)
{
    static const char *const seeds[] = {
        "submission rcs0 0x3ffe6000 alpha\nring 0x3fffc000\n18800101 00100000 00000000 01000000\nuser-batch 0x100000\n10000002 00000040 00000000 00000007\n05000000\n",
        "submission bcs0 0x0 \nbatch 0x10\n50800008 33000800 00000000 00080200 00100000 00000000 00000000 00000800\n00000000 00000000 05000000\n\nsubmission vcs0 0x1 b c\n",
    };
    return n < G_N_ELEMENTS(seeds) ? Bytes(seeds[n], seeds[n] + strlen(seeds[n])) : Bytes();
}
