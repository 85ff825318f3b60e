// SPDX-License-Identifier: GPL-2.0-or-later
// Error states from files: the text is parsed or refused with its line; what was parsed is printed with one mark at most for each piece of memory, and its own text
// gives the same again.
#include "fuzz.h"

#include "gpu/defs/error_state.h"

#include <glib.h>

namespace {

struct Lines {
    unsigned count = 0, marked = 0;
};

void take(void *opaque, const char *line)
{
    Lines *lines = static_cast<Lines *>(opaque);
    lines->count++;
    lines->marked += g_str_has_prefix(line, "--> ");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    std::string text(reinterpret_cast<const char *>(data), size);
    if (text.size() < 31 || text.compare(0, 31, "Mediant error state, version 1\n") != 0)
        text = "Mediant error state, version 1\n" + text; // nothing else gets past the first line
    GError *error = nullptr;
    error_state *state = error_state_parse(text.c_str(), &error);
    REQUIRE((state == nullptr) == (error != nullptr), "neither a state nor an error, or both");
    if (!state) {
        REQUIRE(g_str_has_prefix(error->message, "line "), "%s", error->message);
        g_error_free(error);
        return 0;
    }
    REQUIRE(state->engine < ENGINE_COUNT && state->register_count <= ERROR_REGISTERS_MAX && state->ring.count <= ERROR_DWORDS_MAX &&
                state->batch.count <= ERROR_DWORDS_MAX,
            "out of bounds");
    Lines lines;
    error_state_decode(state, take, &lines);
    REQUIRE(lines.marked <= 2, "%u marks", lines.marked);
    uint64_t gma;
    unsigned count;
    bool ppgtt;
    if (error_state_wants_batch(state, &gma, &count, &ppgtt))
        REQUIRE(count >= 1 && count <= ERROR_DWORDS_MAX, "%u dwords", count);
    char *once = error_state_format(state);
    error_state_free(state);
    state = error_state_parse(once, nullptr);
    REQUIRE(state != nullptr, "its own text is refused: %s", once);
    char *twice = error_state_format(state);
    REQUIRE(strcmp(once, twice) == 0, "%s\nis not\n%s", twice, once);
    g_free(once);
    g_free(twice);
    error_state_free(state);
    return 0;
}
