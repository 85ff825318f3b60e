// SPDX-License-Identifier: GPL-2.0-or-later
// The form of commands_fuzz.cc's inputs, for it and for what makes inputs (stream_seeds.cc).
//
// An input: engine, INPUT_*, then dwords: the ring's (a count of 16 bits comes first), those of a batch in the global GTT, those of a batch in the PPGTT.
// A dword a5xxxxxx is the guest's global address plus xxxxxx, a6: its PPGTT address, a7: the neighbour's global address, a8: the bus address of the
// neighbour's memory; so inputs do not depend on where things are.
#ifndef MEDIANT_TESTS_FUZZ_COMMANDS_INPUT_H
#define MEDIANT_TESTS_FUZZ_COMMANDS_INPUT_H

#include <cstdint>

namespace fuzz {

enum : uint8_t {
    INPUT_RING_OF_NEIGHBOUR = 1, // where the context says that its ring starts
    INPUT_PER_CONTEXT_BATCH = 2, // the batch in the global GTT is a workaround batch
    INPUT_INDIRECT_BATCH = 4,    // its first lines are
    INPUT_LINES_SHIFT = 3,       // how many lines of 64 bytes less one, 0 to 7
    INPUT_LINES_MASK = 7,
};
constexpr uint32_t GUEST_GLOBAL = 0xa5000000, GUEST_PPGTT = 0xa6000000, NEIGHBOUR_GLOBAL = 0xa7000000, NEIGHBOUR_BUS = 0xa8000000;

// Offsets in the guest's memory, at both of its addresses.
constexpr uint64_t STATUS = 0, IMAGE = 0x10000, RING = 0x40000, BATCH = 0x50000, USER_BATCH = 0x60000, DATA = 0x70000;
constexpr uint64_t GUEST = 512 << 10;
constexpr uint32_t MAX_RING = 1024, MAX_BATCH = 2048; // dwords

} // namespace fuzz

#endif
