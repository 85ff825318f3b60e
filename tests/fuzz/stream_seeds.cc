// SPDX-License-Identifier: GPL-2.0-or-later
// Makes inputs of commands_fuzz.cc from recordings of guests ([observe] streams; tests/vm/linux/record.sh makes some): the ring, the batch in the global GTT and
// the batches of the guest's address space of a submission, with addresses as that target has them. Of all submissions those are taken, largest gain first, that
// have a command in a form (engine, place, length, register or post-sync operation) that no other one has yet. Shaders, surfaces and what else lies in buffers is not in a recording.
// Usage: stream_seeds [--most=N] FOLDER RECORDING...: writes FOLDER/recorded-*
#include "commands_input.h"
#include "fuzz.h"

#include "gpu/defs/commands.h"
#include "gpu/defs/stream.h"
#include "scheduler/commands.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

namespace {

using namespace fuzz;
using Dwords = std::vector<uint32_t>;
using Forms = std::set<std::tuple<unsigned, unsigned, unsigned, unsigned, uint32_t>>; // engine, kind of part, command, length, detail

constexpr unsigned BLIT_LINES = 8; // of each blit
constexpr unsigned CHUNK = 700; // dwords of a batch in one input, so that it has less than 4 KiB

struct Part {
    stream_part_kind kind;
    uint64_t gma;
    Dwords dwords;
    uint64_t place = 0; // offset in the guest's memory of the input
};
struct Candidate {
    unsigned engine;
    uint8_t flags = 0;
    std::vector<Part> parts;
    Forms forms = {};
    Bytes input = {};
};

// f(command, its dwords, how many of them are there) for each command of a part.
template <typename F> void each_command(unsigned engine, Dwords &dwords, F f)
{
    for (size_t at = 0; at < dwords.size();) {
        cmd_id id = cmd_find(engine, dwords[at]);
        unsigned length = id == CMD_COUNT ? 1 : cmd_length(id, dwords[at]);
        if (id != CMD_COUNT)
            f(id, &dwords[at], static_cast<unsigned>(std::min<size_t>(length, dwords.size() - at)), at);
        at += length;
    }
}

// A part without what IGT fills its pages with: of a run of MI_NOOP, two stay.
Dwords without_noops(unsigned engine, const uint32_t *dwords, unsigned count)
{
    Dwords kept, all(dwords, dwords + count);
    unsigned run = 0;
    each_command(engine, all, [&](cmd_id id, uint32_t *at, unsigned length, size_t) {
        run = id == CMD_MI_NOOP ? run + 1 : 0;
        if (run <= 2)
            kept.insert(kept.end(), at, at + length);
    });
    return kept;
}

// What the input has instead of an address: the same page of the same part, or one of the pages for data.
class Places {
  public:
    explicit Places(const std::vector<Part> &parts) : parts(parts) {}
    uint32_t of(uint64_t address, bool global)
    {
        for (const Part &part : parts)
            if ((part.kind != STREAM_USER_BATCH) == global && address >= part.gma && address < part.gma + 4 * part.dwords.size())
                return (global ? GUEST_GLOBAL : GUEST_PPGTT) + static_cast<uint32_t>(part.place + (address - part.gma));
        auto [found, added] = pages.emplace(std::pair(global, address >> 12), pages.size());
        uint64_t page = found->second % ((GUEST - DATA) >> 12);
        return (global ? GUEST_GLOBAL : GUEST_PPGTT) + static_cast<uint32_t>(DATA + (page << 12) + (address & 0xfff));
    }

  private:
    const std::vector<Part> &parts;
    std::map<std::pair<bool, uint64_t>, size_t> pages;
};

void replace_addresses(Candidate &candidate, Part &part, Places &places)
{
    each_command(candidate.engine, part.dwords, [&](cmd_id id, uint32_t *dwords, unsigned count, size_t) {
        unsigned cursor = 0;
        cmd_reach reach;
        std::map<unsigned, uint32_t> changes; // what the command reaches depends on its dwords: they change at the end
        while (cmd_reach_next(id, dwords, count, &cursor, &reach)) {
            bool state = dwords[0] >> 29 == 3 && id != CMD_PIPE_CONTROL; // where 0 says that there is nothing
            if ((reach.kind != FIELD_ADDRESS && reach.kind != FIELD_ADDRESS32) || (state && reach.address == 0))
                continue;
            uint32_t low = dwords[reach.dword];
            changes[reach.dword] = places.of(reach.address & ~UINT64_C(0xfff), reach.ggtt && part.kind != STREAM_USER_BATCH) | (low & 0xfff);
            if (id == CMD_MI_BATCH_BUFFER_START)
                changes[reach.dword] = places.of(reach.address, reach.ggtt && part.kind != STREAM_USER_BATCH);
            if (reach.kind == FIELD_ADDRESS)
                changes[reach.dword + 1u] = 0;
        }
        if (dwords[0] >> 29 == 2 && count > 3) // a blit: lines that do not go over all memory of the input, and the batch with it
            changes[3] = (dwords[3] & 0xffff) | std::min(dwords[3] >> 16, (dwords[2] >> 16) + BLIT_LINES) << 16;
        for (auto [dword, value] : changes)
            dwords[dword] = value;
    });
}

// Puts parts where inputs have them, one behind the other; those for which there is no room go.
void place_parts(Candidate &candidate)
{
    std::map<unsigned, uint64_t> used;
    for (Part &part : candidate.parts) {
        uint64_t base = part.kind == STREAM_RING ? RING : part.kind == STREAM_BATCH ? BATCH : USER_BATCH, most = part.kind == STREAM_RING ? MAX_RING : MAX_BATCH;
        if (used[part.kind] + part.dwords.size() > most)
            part.dwords.clear();
        part.place = base + 4 * used[part.kind];
        used[part.kind] += part.dwords.size();
    }
}

// A register, or the bits of PIPE_CONTROL that say what is written where.
uint32_t detail(cmd_id id, const uint32_t *dwords, unsigned count)
{
    constexpr uint32_t POST_SYNC = PIPE_CONTROL_POST_SYNC_MASK << PIPE_CONTROL_POST_SYNC_SHIFT | PIPE_CONTROL_STORE_INDEX | PIPE_CONTROL_LRI | PIPE_CONTROL_GLOBAL_GTT;

    if (count < 2)
        return 0;
    return id == CMD_PIPE_CONTROL ? dwords[1] & POST_SYNC : cmd_descs[id].fields[0].kind == FIELD_REGISTER ? dwords[1] : 0;
}

void finish(Candidate &candidate)
{
    place_parts(candidate);
    Places places(candidate.parts);
    for (Part &part : candidate.parts) {
        each_command(candidate.engine, part.dwords, [&](cmd_id id, uint32_t *dwords, unsigned count, size_t) {
            candidate.forms.emplace(candidate.engine, part.kind, id, cmd_length(id, dwords[0]), detail(id, dwords, count));
        });
        replace_addresses(candidate, part, places);
    }
    Output out;
    out.u8(candidate.engine).u8(candidate.flags);
    for (stream_part_kind kind : {STREAM_RING, STREAM_BATCH, STREAM_USER_BATCH}) {
        Output words;
        for (const Part &part : candidate.parts)
            for (uint32_t dword : part.dwords)
                if (part.kind == kind)
                    words.u32(dword);
        out.u16(words.data.size() / 4).raw(words.data.data(), words.data.size());
    }
    candidate.input = out.data;
}

// Where a part that is too long for one input is cut: at commands, begin and end included.
std::vector<size_t> cuts_of(unsigned engine, Part &part)
{
    std::vector<size_t> cuts{0};
    each_command(engine, part.dwords, [&](cmd_id, uint32_t *, unsigned count, size_t at) {
        if (at + count - cuts.back() > CHUNK && at > cuts.back())
            cuts.push_back(at);
    });
    cuts.push_back(part.dwords.size());
    return cuts;
}

// The begin of all parts is an input, and what follows in a batch is a submission of its own.
void split(Candidate whole, std::vector<Candidate> &candidates)
{
    for (Part &part : whole.parts) {
        std::vector<size_t> cuts = cuts_of(whole.engine, part);
        auto from = part.dwords.begin();
        for (size_t i = 1; i + 1 < cuts.size() && part.kind != STREAM_RING; i++) {
            uint64_t gma = part.gma + 4 * cuts[i];
            uint32_t start = command_header(CMD_MI_BATCH_BUFFER_START, 3, part.kind == STREAM_USER_BATCH ? uint32_t(BATCH_START_PPGTT) : 0);
            candidates.push_back({.engine = whole.engine,
                                  .parts = {{STREAM_RING, 0, {start, static_cast<uint32_t>(gma), static_cast<uint32_t>(gma >> 32)}},
                                            {part.kind, gma, Dwords(from + static_cast<long>(cuts[i]), from + static_cast<long>(cuts[i + 1]))}}});
        }
        part.dwords.resize(cuts[1]);
    }
    candidates.push_back(std::move(whole));
}

void load(const std::string &text, const char *path, std::vector<Candidate> &candidates)
{
    const char *at = text.c_str() + strlen(STREAM_FIRST_LINE);
    GError *error = nullptr;
    unsigned line = 2;

    REQUIRE(text.rfind(STREAM_FIRST_LINE, 0) == 0, "%s is no recording", path);
    while (struct stream *stream = stream_parse(&at, &line, &error)) {
        Candidate whole{.engine = stream->engine, .parts = {}};
        for (unsigned i = 0; i < stream->part_count; i++) {
            const stream_part &part = stream->parts[i];
            // Before the ring: a workaround batch, of whole lines or up to its end. It is the first in the global GTT.
            bool indirect = part.kind == STREAM_BATCH && i == 0 && part.count % 16 == 0;
            if (indirect)
                whole.flags = static_cast<uint8_t>(INPUT_INDIRECT_BATCH | std::min<unsigned>(part.count / 16 - 1, INPUT_LINES_MASK) << INPUT_LINES_SHIFT);
            else if (part.kind == STREAM_BATCH && i == 0)
                whole.flags = INPUT_PER_CONTEXT_BATCH;
            whole.parts.push_back({part.kind, part.gma,
                                   indirect ? Dwords(part.dwords, part.dwords + part.count) : without_noops(stream->engine, part.dwords, part.count)});
        }
        split(std::move(whole), candidates);
        stream_free(stream);
    }
    REQUIRE(!error, "%s: %s", path, error->message);
}

} // namespace

int main(int argc, char **argv)
{
    size_t most = 40;
    int first = 1;
    if (argc > 1 && strncmp(argv[1], "--most=", 7) == 0)
        most = strtoul(argv[first++] + 7, nullptr, 10);
    if (argc < first + 2) {
        fprintf(stderr, "Usage: stream_seeds [--most=N] FOLDER RECORDING...\n");
        return 2;
    }
    std::vector<Candidate> candidates;
    for (int i = first + 1; i < argc; i++) {
        std::ifstream file(argv[i], std::ios::binary);
        REQUIRE(file, "%s cannot be read", argv[i]);
        load(std::string(std::istreambuf_iterator<char>(file), {}), argv[i], candidates);
    }
    for (Candidate &candidate : candidates)
        finish(candidate);
    Forms seen;
    size_t taken = 0;
    for (; taken < most; taken++) {
        auto gain = [&](const Candidate &candidate) {
            return std::count_if(candidate.forms.begin(), candidate.forms.end(), [&](const auto &form) { return !seen.contains(form); });
        };
        auto best = std::max_element(candidates.begin(), candidates.end(), [&](const Candidate &a, const Candidate &b) { return gain(a) < gain(b); });
        if (best == candidates.end() || gain(*best) == 0)
            break;
        seen.insert(best->forms.begin(), best->forms.end());
        g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA1, best->input.data(), best->input.size());
        std::string path = std::string(argv[first]) + "/recorded-" + gpu_engine_name(best->engine) + "-" + std::string(sum, 12);
        std::ofstream file(path, std::ios::binary);
        file.write(reinterpret_cast<const char *>(best->input.data()), static_cast<std::streamsize>(best->input.size()));
        REQUIRE(file.flush(), "%s cannot be written", path.c_str());
    }
    printf("%zu inputs of %zu submissions and pieces, with %zu forms of commands\n", taken, candidates.size(), seen.size());
    return 0;
}
