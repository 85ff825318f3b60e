/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit of privileged commands: each class of command, and each way in which GVT-g's own audit can be passed. */
#include "fake_guest.h"

#include "gpu/defs/registers.h"
#include "scheduler/audit.h"
#include "scheduler/commands.h"

#include <gtest/gtest.h>

namespace {

constexpr uint64_t OWN = 0x10004000;     // inside the guest's partition
constexpr uint64_t FOREIGN = 0x20000000; // another guest's
constexpr uint64_t CONTEXT = 0x10010000; // the guest's context image
constexpr uint64_t PLACE = 0xf0000000;   // where copies of batches go
constexpr uint32_t NOOP = 0;

uint32_t low(uint64_t v) { return static_cast<uint32_t>(v); }
uint32_t high(uint64_t v) { return static_cast<uint32_t>(v >> 32); }
uint32_t op(cmd_id id, unsigned length, uint32_t bits = 0) { return command_header(id, length, bits); }

class Audit : public testing::Test {
protected:
    FakeGuest guest;
    struct audit audit;
    std::string reason;
    std::vector<uint8_t> placed;

    void SetUp() override { begin(ENGINE_RCS0); }
    void TearDown() override { audit_finish(&audit); }

    void begin(unsigned engine)
    {
        audit_init(&audit);
        audit.engine = engine;
        audit.ops = FakeGuest::ops();
        audit.guest = &guest;
        audit.context_gma = CONTEXT;
        for (unsigned i = 0; i < 4; i++)
            audit.pdp[i] = 0x1000000ull * (i + 1) + 0x500000000ull * i;
    }

    bool run(std::vector<uint32_t> &dwords, audit_level level = AUDIT_RING, int engine = -1)
    {
        if (engine >= 0) {
            audit_finish(&audit);
            begin(static_cast<unsigned>(engine));
        }
        GError *error = nullptr;
        bool good = audit_buffer(&audit, level, dwords.data(), dwords.size(), &error);
        reason = error ? error->message : "";
        EXPECT_EQ(good, error == nullptr);
        g_clear_error(&error);
        if (good) {
            placed.assign(audit_size(&audit), 0xff);
            audit_place(&audit, placed.data(), PLACE, dwords.data());
        }
        return good;
    }
    const uint32_t *at(uint64_t gma) const { return reinterpret_cast<const uint32_t *>(placed.data() + (gma - PLACE)); }
};

TEST_F(Audit, LeavesWhatI915PutsInARing)
{
    std::vector<uint32_t> dwords = {
        op(CMD_MI_ARB_ON_OFF, 1, ARB_ENABLE),
        op(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT), low(OWN), 0, 7,
        op(CMD_PIPE_CONTROL, 6), PIPE_CONTROL_CS_STALL | PIPE_CONTROL_GLOBAL_GTT | 1 << PIPE_CONTROL_POST_SYNC_SHIFT, low(OWN), 0, 1, 0,
        op(CMD_MI_BATCH_BUFFER_START, 3, BATCH_START_PPGTT), 0x1000, 0x10,
        op(CMD_MI_USER_INTERRUPT, 1), op(CMD_MI_ARB_CHECK, 1), NOOP};
    std::vector<uint32_t> before = dwords;
    EXPECT_TRUE(run(dwords)) << reason;
    EXPECT_EQ(dwords, before);
    EXPECT_TRUE(audit.unscanned);
    EXPECT_EQ(audit.interrupts, uint32_t(WORKLOAD_IRQ_USER));
    EXPECT_EQ(audit_size(&audit), 0u);
}

struct Case {
    const char *name;
    unsigned engine;
    std::vector<uint32_t> dwords;
    const char *reason; // part of the message; nullptr: allowed
};

// Commands that reach global graphics memory: to the guest's own they pass, to another's they do not.
TEST_F(Audit, ChecksEveryGlobalAddress)
{
    const uint32_t qw = 1u << PIPE_CONTROL_POST_SYNC_SHIFT, depth = 2u << PIPE_CONTROL_POST_SYNC_SHIFT, stamp = 3u << PIPE_CONTROL_POST_SYNC_SHIFT;
    const uint32_t flush = 1u << FLUSH_DW_POST_SYNC_SHIFT, flush_stamp = 3u << FLUSH_DW_POST_SYNC_SHIFT;
    auto cases = [&](uint64_t a, const char *why) {
        uint32_t l = low(a), h = high(a), own = low(OWN);
        return std::vector<Case>{
            {"SDI dword", 0, {op(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT), l, h, 1}, why},
            {"SDI qword", 1, {op(CMD_MI_STORE_DATA_IMM, 5, MI_GLOBAL_GTT | STORE_DATA_QWORD), l, h, 1, 2}, why},
            {"PIPE_CONTROL immediate", 0, {op(CMD_PIPE_CONTROL, 6), PIPE_CONTROL_GLOBAL_GTT | qw, l, h, 1, 2}, why},
            {"PIPE_CONTROL depth count", 0, {op(CMD_PIPE_CONTROL, 6), PIPE_CONTROL_GLOBAL_GTT | depth, l, h, 1, 2}, why},
            {"PIPE_CONTROL time stamp", 0, {op(CMD_PIPE_CONTROL, 6), PIPE_CONTROL_GLOBAL_GTT | stamp, l, h, 1, 2}, why},
            {"FLUSH_DW 4 dwords", 1, {op(CMD_MI_FLUSH_DW, 4, flush), l | FLUSH_DW_GLOBAL_GTT, h, 1}, why},
            {"FLUSH_DW 5 dwords", 1, {op(CMD_MI_FLUSH_DW, 5, flush), l | FLUSH_DW_GLOBAL_GTT, h, 1, 2}, why},
            {"FLUSH_DW time stamp", 2, {op(CMD_MI_FLUSH_DW, 5, flush_stamp), l | FLUSH_DW_GLOBAL_GTT, h, 1, 2}, why},
            {"ATOMIC", 0, {op(CMD_MI_ATOMIC, 3, MI_GLOBAL_GTT), l, h}, why},
            {"ATOMIC inline", 3, {op(CMD_MI_ATOMIC, 11, MI_GLOBAL_GTT | ATOMIC_INLINE), l, h, 0, 0, 0, 0, 0, 0, 0, 0}, why},
            {"SEMAPHORE_WAIT", 0, {op(CMD_MI_SEMAPHORE_WAIT, 4, MI_GLOBAL_GTT | SEMAPHORE_POLL), 0, l, h}, why},
            {"COPY_MEM_MEM destination", 0, {op(CMD_MI_COPY_MEM_MEM, 5, 1 << 21 | 1 << 22), l, h, own, 0}, why},
            {"COPY_MEM_MEM source", 0, {op(CMD_MI_COPY_MEM_MEM, 5, 1 << 21 | 1 << 22), own, 0, l, h}, why},
            {"CONDITIONAL_BB_END", 0, {op(CMD_MI_CONDITIONAL_BATCH_BUFFER_END, 4, MI_GLOBAL_GTT), 0, l, h}, why},
            {"SRM", 0, {op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), 0x2350, l, h}, why},
            {"LRM", 0, {op(CMD_MI_LOAD_REGISTER_MEM, 4, MI_GLOBAL_GTT), 0x2350, l, h}, why},
            {"LOAD_URB_MEM", 0, {op(CMD_MI_LOAD_URB_MEM, 4, MI_GLOBAL_GTT), 0, l, h}, why},
            {"STORE_URB_MEM", 0, {op(CMD_MI_STORE_URB_MEM, 4, MI_GLOBAL_GTT), 0, l, h}, why},
        };
    };
    auto check = [&](uint64_t address, const char *why) {
        for (Case &c : cases(address, why)) {
            bool good = run(c.dwords, AUDIT_RING, static_cast<int>(c.engine));
            EXPECT_EQ(good, why == nullptr) << c.name << ": " << reason;
            if (why) {
                EXPECT_NE(reason.find(why), std::string::npos) << c.name << ": " << reason;
            }
        }
    };
    check(OWN, nullptr);
    check(FOREIGN, "not the guest's own");
    check(0, "not the guest's own");
    check(OWN | 1ull << 32, "not the guest's own"); // an address above 4 GiB is not its low half
    check(guest.base + guest.size, "not the guest's own");
}

TEST_F(Audit, ChecksAllBytesThatAreReached)
{
    uint64_t last = guest.base + guest.size - 4;
    std::vector<uint32_t> dword = {op(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT), low(last), 0, 1};
    EXPECT_TRUE(run(dword)) << reason;
    std::vector<uint32_t> qword = {op(CMD_MI_STORE_DATA_IMM, 5, MI_GLOBAL_GTT | STORE_DATA_QWORD), low(last), 0, 1, 2};
    EXPECT_FALSE(run(qword));
    // Lists: all of it has to be the guest's, beyond a page's end too.
    auto list = [&](uint64_t gma, unsigned data, uint32_t flags) {
        std::vector<uint32_t> dwords = {op(CMD_MI_STORE_DATA_IMM, 3 + data, MI_GLOBAL_GTT | flags), low(gma), 0};
        dwords.resize(3 + data, 7);
        return dwords;
    };
    for (const unsigned data : {2u, 4u, 510u, 1022u}) {
        std::vector<uint32_t> fits = list(guest.base + guest.size - 4 * data, data, STORE_DATA_QWORD), beyond = list(guest.base + guest.size - 4 * data + 8, data, STORE_DATA_QWORD);
        EXPECT_TRUE(run(fits)) << data << reason;
        EXPECT_FALSE(run(beyond)) << data;
    }
    std::vector<uint32_t> dwords = list(guest.base + guest.size - 12, 3, 0), too_many = list(guest.base + guest.size - 8, 3, 0);
    EXPECT_TRUE(run(dwords)) << reason;
    EXPECT_FALSE(run(too_many));
    std::vector<uint32_t> octword = {op(CMD_MI_ATOMIC, 3, MI_GLOBAL_GTT | 2 << ATOMIC_SIZE_SHIFT), low(last) - 4, 0};
    EXPECT_FALSE(run(octword));
}

TEST_F(Audit, LetsPpgttAddressesPass)
{
    std::vector<uint32_t> dwords = {op(CMD_MI_STORE_DATA_IMM, 4), low(FOREIGN), 0xffff, 1, op(CMD_PIPE_CONTROL, 6),
                                    1u << PIPE_CONTROL_POST_SYNC_SHIFT, low(FOREIGN), 1, 0, 0};
    std::vector<uint32_t> before = dwords;
    EXPECT_TRUE(run(dwords)) << reason;
    EXPECT_EQ(dwords, before);
}

// Length checks: a command may not reach past the end of what was copied (and read or patch there).
TEST_F(Audit, RejectsCommandsThatReachBeyondTheBuffer)
{
    const std::vector<std::vector<uint32_t>> streams = {
        {op(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT), low(OWN), 0},
        {op(CMD_MI_LOAD_REGISTER_IMM, 1 + 2 * 126)},
        {NOOP, op(CMD_PIPE_CONTROL, 6)},
        {op(CMD_MI_MATH, 200), 0, 0},
        {op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN)},
    };
    for (std::vector<uint32_t> stream : streams) {
        EXPECT_FALSE(run(stream));
        EXPECT_NE(reason.find("beyond the end"), std::string::npos) << reason;
    }
}

TEST_F(Audit, RejectsWrongLengthsAndUnknownCommands)
{
    const std::vector<std::vector<uint32_t>> streams = {
        {op(CMD_MI_STORE_DATA_IMM, 3, MI_GLOBAL_GTT), low(OWN), 0},                     // no data
        {op(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT | STORE_DATA_QWORD), low(OWN), 0, 0},       // half a quadword
        {op(CMD_MI_STORE_DATA_IMM, 6, MI_GLOBAL_GTT | STORE_DATA_QWORD), low(OWN), 0, 0, 0, 0}, // one and a half
        {op(CMD_PIPE_CONTROL, 5), 1u << PIPE_CONTROL_POST_SYNC_SHIFT, 0, 0, 0},
        {op(CMD_MI_LOAD_REGISTER_IMM, 2), 0x2600},
        {op(CMD_MI_STORE_REGISTER_MEM, 3, MI_GLOBAL_GTT), 0x2600, low(OWN)},
        {op(CMD_MI_SEMAPHORE_WAIT, 3, MI_GLOBAL_GTT | SEMAPHORE_POLL), 0, low(OWN)},
        {op(CMD_MI_COPY_MEM_MEM, 2), 0},
        {0x1f800000},                                                                   // no such MI command
        {0x20000000},                                                                   // no such command type
    };
    for (std::vector<uint32_t> stream : streams)
        EXPECT_FALSE(run(stream)) << std::hex << stream[0];
    std::vector<uint32_t> flush = {op(CMD_MI_FLUSH_DW, 3, 1u << FLUSH_DW_POST_SYNC_SHIFT), low(OWN) | FLUSH_DW_GLOBAL_GTT, 0};
    EXPECT_FALSE(run(flush, AUDIT_RING, ENGINE_BCS0));
}

TEST_F(Audit, RejectsWhatNoGuestMayUse)
{
    std::vector<uint32_t> update = {op(CMD_MI_UPDATE_GTT, 4), low(OWN), 0, 0};
    EXPECT_FALSE(run(update));
    EXPECT_NE(reason.find("MI_UPDATE_GTT"), std::string::npos) << reason;
    EXPECT_NE(reason.find("may not use it"), std::string::npos) << reason;
    std::vector<uint32_t> poll = {NOOP, op(CMD_MI_SEMAPHORE_WAIT, 4, SEMAPHORE_POLL | SEMAPHORE_REGISTER_POLL), 0, 0x2358, 0};
    EXPECT_FALSE(run(poll));
    EXPECT_NE(reason.find("byte 0x4 of the ring segment"), std::string::npos) << reason;
}

TEST_F(Audit, ReplacesWhatHasNoMeaningForAGuestByNoop)
{
    std::vector<uint32_t> dwords = {op(CMD_MI_WAIT_FOR_EVENT, 1, 1 << 2), op(CMD_MI_SEMAPHORE_SIGNAL, 2), 5, op(CMD_MI_BATCH_BUFFER_END, 1),
                                    op(CMD_MI_ARB_CHECK, 1)};
    EXPECT_TRUE(run(dwords)) << reason;
    EXPECT_EQ(dwords, (std::vector<uint32_t>{NOOP, NOOP, NOOP, NOOP, op(CMD_MI_ARB_CHECK, 1)}));
}

TEST_F(Audit, KeepsADisplayFlipForTheVirtualDisplay)
{
    std::vector<uint32_t> dwords = {op(CMD_MI_DISPLAY_FLIP, 3, 1 << 8), 0x1400, low(OWN), op(CMD_MI_ARB_CHECK, 1)}, before = dwords;
    EXPECT_TRUE(run(dwords)) << reason;
    EXPECT_EQ(dwords, (std::vector<uint32_t>{NOOP, NOOP, NOOP, op(CMD_MI_ARB_CHECK, 1)}));
    ASSERT_EQ(audit.flip_count, 1u);
    EXPECT_EQ(std::vector<uint32_t>(audit.flips[0].dwords, audit.flips[0].dwords + audit.flips[0].count),
              std::vector<uint32_t>(before.begin(), before.begin() + 3));
    std::vector<uint32_t> many;
    for (int i = 0; i < AUDIT_MAX_FLIPS; i++)
        many.insert(many.end(), before.begin(), before.begin() + 3);
    EXPECT_FALSE(run(many)); // one is there already
}

// Store Data Index: hardware would write to the status page of the host's context.
TEST_F(Audit, SendsPostSyncIndexWritesToTheGuestsOwnStatusPage)
{
    std::vector<uint32_t> pipe = {op(CMD_PIPE_CONTROL, 6), PIPE_CONTROL_STORE_INDEX | 1u << PIPE_CONTROL_POST_SYNC_SHIFT, 0xd0, 0, 9, 0};
    EXPECT_TRUE(run(pipe)) << reason;
    EXPECT_EQ(pipe[1], PIPE_CONTROL_GLOBAL_GTT | 1u << PIPE_CONTROL_POST_SYNC_SHIFT);
    EXPECT_EQ(pipe[2], low(CONTEXT + 0xd0));
    EXPECT_EQ(pipe[3], 0u);
    std::vector<uint32_t> global = {op(CMD_PIPE_CONTROL, 6), PIPE_CONTROL_STORE_INDEX | PIPE_CONTROL_GLOBAL_GTT | 1u << PIPE_CONTROL_POST_SYNC_SHIFT, 0xd0, 0, 9, 0};
    EXPECT_TRUE(run(global)) << reason;
    EXPECT_EQ(global[2], low(guest.hws + 0xd0)); // the engine's page, when it selects the global GTT
    for (unsigned length = 4; length <= 5; length++) {
        std::vector<uint32_t> flush(length);
        flush[0] = op(CMD_MI_FLUSH_DW, length, FLUSH_DW_STORE_INDEX | 1u << FLUSH_DW_POST_SYNC_SHIFT);
        flush[1] = 0xffffffd0; // only the page's offset counts
        flush[2] = 0xffff;
        EXPECT_TRUE(run(flush, AUDIT_RING, ENGINE_BCS0)) << reason;
        EXPECT_EQ(flush[0], op(CMD_MI_FLUSH_DW, length, 1u << FLUSH_DW_POST_SYNC_SHIFT));
        EXPECT_EQ(flush[1], low(CONTEXT + 0xfd0) | FLUSH_DW_GLOBAL_GTT);
        EXPECT_EQ(flush[2], 0u);
    }
}

TEST_F(Audit, StoresByIndexThroughCodeOfItsOwn)
{
    std::vector<uint32_t> dwords = {op(CMD_MI_STORE_DATA_INDEX, 3), 0x40, 77, op(CMD_MI_STORE_DATA_INDEX, 4, STORE_INDEX_PER_PROCESS), 0x48, 1, 2};
    EXPECT_TRUE(run(dwords)) << reason;
    EXPECT_EQ(dwords[0], op(CMD_MI_BATCH_BUFFER_START, 3));
    const uint32_t *global = at(dwords[1]);
    EXPECT_EQ(std::vector<uint32_t>(global, global + 5),
              (std::vector<uint32_t>{op(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT), low(guest.hws + 0x40), 0, 77, op(CMD_MI_BATCH_BUFFER_END, 1)}));
    EXPECT_EQ(dwords[6], NOOP);
    const uint32_t *own = at(dwords[4]);
    EXPECT_EQ(std::vector<uint32_t>(own, own + 6),
              (std::vector<uint32_t>{op(CMD_MI_STORE_DATA_IMM, 5, MI_GLOBAL_GTT | STORE_DATA_QWORD), low(CONTEXT + 0x48), 0, 1, 2,
                                     op(CMD_MI_BATCH_BUFFER_END, 1)}));
    guest.hws = FOREIGN;
    std::vector<uint32_t> foreign = {op(CMD_MI_STORE_DATA_INDEX, 3), 0x40, 77};
    EXPECT_FALSE(run(foreign));
}

// Registers.
TEST_F(Audit, LoadsOnlyRegistersThatAreTheGuests)
{
    std::vector<uint32_t> dwords = {op(CMD_MI_LOAD_REGISTER_IMM, 9), R_CACHE_MODE_1, 0x10001, R_FORCEWAKE_MT, 0x10001, 0x2000 + RING_START, low(OWN),
                                    R_GEN7_COMMON_SLICE_CHICKEN2, 0x20002};
    EXPECT_TRUE(run(dwords)) << reason;
    EXPECT_EQ(dwords, (std::vector<uint32_t>{op(CMD_MI_LOAD_REGISTER_IMM, 5), R_CACHE_MODE_1, 0x10001, R_GEN7_COMMON_SLICE_CHICKEN2, 0x20002, NOOP,
                                             NOOP, NOOP, NOOP}));
    EXPECT_EQ(guest.register_writes.size(), 4u); // the vGPU sees them all
    EXPECT_EQ(guest.register_writes[1], std::make_pair(uint32_t(R_FORCEWAKE_MT), 0x10001u));
}

TEST_F(Audit, LoadsNothingThatControlsTheEngine)
{
    const uint32_t rcs = 0x2000, bcs = 0x22000;
    const uint32_t offsets[] = {rcs + RING_MODE, rcs + RING_FORCE_TO_NONPRIV, rcs + RING_FORCE_TO_NONPRIV + 44, rcs + RING_HWS_PGA, rcs + RING_ELSP,
                                rcs + RING_TAIL, rcs + RING_HEAD, rcs + RING_CTL, rcs + RING_RESET_CTL, rcs + RING_CONTEXT_CONTROL,
                                rcs + RING_IMR, bcs + RING_TAIL, R_GEN6_GDRST, R_GEN8_MASTER_IRQ, R_FENCE_REG, R_GFX_FLSH_CNTL, R_GEN8_PRIVATE_PAT_LO,
                                0x123450, 0x7ffffc, 0xffffffff};
    for (uint32_t offset : offsets) {
        std::vector<uint32_t> lri = {op(CMD_MI_LOAD_REGISTER_IMM, 3), offset, 0xffff0001};
        EXPECT_TRUE(run(lri)) << reason;
        EXPECT_EQ(lri, (std::vector<uint32_t>{NOOP, NOOP, NOOP})) << std::hex << offset;
        std::vector<uint32_t> lrm = {op(CMD_MI_LOAD_REGISTER_MEM, 4, MI_GLOBAL_GTT), offset, low(OWN), 0};
        EXPECT_TRUE(run(lrm)) << reason;
        EXPECT_EQ(lrm, (std::vector<uint32_t>{NOOP, NOOP, NOOP, NOOP})) << std::hex << offset;
        std::vector<uint32_t> lrr = {op(CMD_MI_LOAD_REGISTER_REG, 3), 0x2350, offset};
        EXPECT_TRUE(run(lrr)) << reason;
        EXPECT_EQ(lrr, (std::vector<uint32_t>{NOOP, NOOP, NOOP})) << std::hex << offset;
        // Hole: a PIPE_CONTROL loads a register as its post-sync operation.
        std::vector<uint32_t> pipe = {op(CMD_PIPE_CONTROL, 6), PIPE_CONTROL_CS_STALL | PIPE_CONTROL_LRI, offset, 0, 0xffff0001, 0};
        EXPECT_TRUE(run(pipe)) << reason;
        EXPECT_EQ(pipe[1], uint32_t(PIPE_CONTROL_CS_STALL)) << std::hex << offset;
    }
}

TEST_F(Audit, NeverStopsTheRing)
{
    std::vector<uint32_t> lri = {op(CMD_MI_LOAD_REGISTER_IMM, 3), 0x2000 + RING_MI_MODE, 0xffffffff};
    EXPECT_TRUE(run(lri)) << reason;
    EXPECT_EQ(lri[2], 0xfefffeffu);
    std::vector<uint32_t> pipe = {op(CMD_PIPE_CONTROL, 6), PIPE_CONTROL_LRI, 0x2000 + RING_MI_MODE, 0, 0x01000100, 0};
    EXPECT_TRUE(run(pipe)) << reason;
    EXPECT_EQ(pipe[4], 0u);
    std::vector<uint32_t> lrm = {op(CMD_MI_LOAD_REGISTER_MEM, 4, MI_GLOBAL_GTT), 0x2000 + RING_MI_MODE, low(OWN), 0};
    EXPECT_TRUE(run(lrm)) << reason;
    EXPECT_EQ(lrm, (std::vector<uint32_t>{NOOP, NOOP, NOOP, NOOP}));
}

TEST_F(Audit, NotesLoadsOfUnknownValues)
{
    std::vector<uint32_t> lrm = {op(CMD_MI_LOAD_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN8_L3SQCREG4, low(OWN), 0,
                                 op(CMD_MI_LOAD_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN8_L3SQCREG4, low(OWN), 0,
                                 op(CMD_MI_LOAD_REGISTER_MEM, 4, MI_GLOBAL_GTT), 0x2350, low(OWN), 0}, before = lrm;
    EXPECT_TRUE(run(lrm)) << reason;
    EXPECT_EQ(lrm, before);
    ASSERT_EQ(audit.loads.count, 1u);
    EXPECT_EQ(audit.loads.offset[0], uint32_t(R_GEN8_L3SQCREG4));
}

TEST_F(Audit, LoadsTheShadowRootsForPageTableRoots)
{
    std::vector<uint32_t> dwords = {op(CMD_MI_LOAD_REGISTER_IMM, 5), 0x2000 + RING_PDP_UDW + 8, 0x55, 0x2000 + RING_PDP_LDW + 8, 0x66000};
    EXPECT_TRUE(run(dwords)) << reason;
    EXPECT_EQ(dwords[2], high(audit.pdp[1]));
    EXPECT_EQ(dwords[4], low(audit.pdp[1]));
}

TEST_F(Audit, LoadsTheValueThatTheVgpuPutsInPlace)
{
    guest.load_instead = 0xabcd;
    std::vector<uint32_t> lri = {op(CMD_MI_LOAD_REGISTER_IMM, 3), R_GEN8_L3SQCREG4, 1};
    EXPECT_TRUE(run(lri)) << reason;
    EXPECT_EQ(lri[2], 0xabcdu);
    std::vector<uint32_t> pipe = {op(CMD_PIPE_CONTROL, 6), PIPE_CONTROL_LRI, R_GEN8_L3SQCREG4, 0, 1, 0};
    EXPECT_TRUE(run(pipe)) << reason;
    EXPECT_EQ(pipe[1], uint32_t(PIPE_CONTROL_LRI));
    EXPECT_EQ(pipe[4], 0xabcdu);
    guest.allow_writes = false;
    std::vector<uint32_t> refused = {op(CMD_MI_LOAD_REGISTER_IMM, 3), R_GEN8_L3SQCREG4, 1};
    EXPECT_TRUE(run(refused)) << reason;
    EXPECT_EQ(refused, (std::vector<uint32_t>{NOOP, NOOP, NOOP}));
}

TEST_F(Audit, StoresTheVirtualValueOfARegisterThatIsNotTheGuests)
{
    std::vector<uint32_t> srm = {op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), 0x2000 + RING_HWS_PGA, low(OWN), 0};
    std::vector<uint32_t> again = srm, lrr = {op(CMD_MI_LOAD_REGISTER_REG, 3), 0x2000 + RING_HWS_PGA, 0x2350};
    EXPECT_FALSE(run(srm));
    EXPECT_NE(reason.find("0x2080"), std::string::npos) << reason;
    guest.virtual_registers[0x2000 + RING_HWS_PGA] = 0x1234;
    EXPECT_TRUE(run(again)) << reason;
    EXPECT_EQ(again, (std::vector<uint32_t>{op(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT), low(OWN), 0, 0x1234}));
    EXPECT_TRUE(run(lrr)) << reason;
    EXPECT_EQ(lrr, (std::vector<uint32_t>{op(CMD_MI_LOAD_REGISTER_IMM, 3), 0x2350, 0x1234}));
}

// Batches.
TEST_F(Audit, CopiesAPrivilegedBatchOnceAndRunsTheCopy)
{
    guest.put(OWN, {op(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT), low(OWN + 0x800), 0, 5, op(CMD_MI_BATCH_BUFFER_END, 1), 0xdeadbeef});
    std::vector<uint32_t> dwords = {op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN), 0, op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN), 0};
    EXPECT_TRUE(run(dwords)) << reason;
    ASSERT_EQ(audit.batches->len, 1u);
    EXPECT_EQ(guest.reads[OWN], 1u);
    EXPECT_EQ(dwords[1], low(PLACE));
    EXPECT_EQ(dwords[4], low(PLACE));
    EXPECT_EQ(memcmp(placed.data(), guest.dwords(OWN), 5 * 4), 0);
    EXPECT_EQ(at(PLACE)[5], NOOP); // what stands behind its end is not copied
    EXPECT_FALSE(audit.unscanned);
    EXPECT_EQ(audit_guest_address(&audit, 16), OWN + 16);
}

TEST_F(Audit, RejectsAPrivilegedBatchWithAForeignAddress)
{
    guest.put(OWN, {NOOP, op(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT), low(FOREIGN), 0, 5, op(CMD_MI_BATCH_BUFFER_END, 1)});
    std::vector<uint32_t> dwords = {op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN), 0};
    EXPECT_FALSE(run(dwords));
    EXPECT_NE(reason.find("byte 0x4 of the batch"), std::string::npos) << reason;
    std::vector<uint32_t> elsewhere = {op(CMD_MI_BATCH_BUFFER_START, 3), low(FOREIGN), 0};
    EXPECT_FALSE(run(elsewhere));
}

TEST_F(Audit, FollowsACommandAcrossAPage)
{
    uint64_t start = OWN + 4096 - 8; // two dwords of the store before the page's end, two behind
    guest.put(start, {op(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT), low(OWN), 0, 5, op(CMD_MI_BATCH_BUFFER_END, 1)});
    std::vector<uint32_t> dwords = {op(CMD_MI_BATCH_BUFFER_START, 3), low(start), 0};
    EXPECT_TRUE(run(dwords)) << reason;
    EXPECT_EQ(memcmp(placed.data(), guest.dwords(start), 5 * 4), 0);
}

TEST_F(Audit, JumpsInsideTheCopyWhenABatchLoops)
{
    guest.put(OWN, {NOOP, NOOP, op(CMD_MI_ARB_CHECK, 1), op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN + 8), 0});
    std::vector<uint32_t> dwords = {op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN), 0};
    EXPECT_TRUE(run(dwords)) << reason;
    EXPECT_EQ(audit.batches->len, 1u);
    EXPECT_EQ(at(PLACE)[4], low(PLACE + 8));
}

TEST_F(Audit, BoundsAChainOfBatches)
{
    // Each batch chains to the next 8 bytes on, between the commands of the last: never the same copy twice.
    for (unsigned i = 0; i < 4096; i += 4)
        guest.put(OWN + 4 * i, {NOOP, op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN + 4 * i + 16), 0});
    std::vector<uint32_t> dwords = {op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN), 0};
    EXPECT_FALSE(run(dwords));
    EXPECT_LE(audit.batches->len, unsigned(AUDIT_MAX_BATCHES));
    EXPECT_LE(audit.copied, size_t(AUDIT_MAX_BYTES));
    // One endless batch: nothing but MI_NOOP to the end of the partition.
    memset(guest.memory, 0, guest.size);
    std::vector<uint32_t> endless = {op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN), 0};
    audit_finish(&audit);
    begin(ENGINE_RCS0);
    audit.max_bytes = 65536;
    EXPECT_FALSE(run(endless));
    EXPECT_NE(reason.find("exceed 65536 bytes"), std::string::npos) << reason;
}

TEST_F(Audit, FollowsSecondLevelBatchesBack)
{
    guest.put(OWN, {op(CMD_MI_BATCH_BUFFER_START, 3, BATCH_START_SECOND_LEVEL), low(OWN + 0x1000), 0, op(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT), low(OWN),
                    0, 1, op(CMD_MI_BATCH_BUFFER_END, 1)});
    guest.put(OWN + 0x1000, {op(CMD_MI_ARB_CHECK, 1), op(CMD_MI_BATCH_BUFFER_END, 1)});
    std::vector<uint32_t> dwords = {op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN), 0};
    EXPECT_TRUE(run(dwords)) << reason;
    ASSERT_EQ(audit.batches->len, 2u);
    EXPECT_EQ(*at(at(PLACE)[1]), op(CMD_MI_ARB_CHECK, 1));
    // What follows the return is audited too.
    guest.dwords(OWN)[4] = low(FOREIGN);
    std::vector<uint32_t> foreign = {op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN), 0};
    EXPECT_FALSE(run(foreign, AUDIT_RING, ENGINE_RCS0));
    std::vector<uint32_t> from_ring = {op(CMD_MI_BATCH_BUFFER_START, 3, BATCH_START_SECOND_LEVEL), low(OWN), 0};
    EXPECT_FALSE(run(from_ring));
    std::vector<uint32_t> offset = {op(CMD_MI_BATCH_BUFFER_START, 3, BATCH_START_ADD_OFFSET), low(OWN), 0};
    EXPECT_FALSE(run(offset));
}

TEST_F(Audit, AuditsBehindAPredicatedChain)
{
    guest.put(OWN, {op(CMD_MI_BATCH_BUFFER_START, 3, BATCH_START_PREDICATE), low(OWN + 0x1000), 0, op(CMD_MI_STORE_DATA_IMM, 4, MI_GLOBAL_GTT),
                    low(FOREIGN), 0, 1, op(CMD_MI_BATCH_BUFFER_END, 1)});
    guest.put(OWN + 0x1000, {op(CMD_MI_BATCH_BUFFER_END, 1)});
    std::vector<uint32_t> dwords = {op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN), 0};
    EXPECT_FALSE(run(dwords));
}

TEST_F(Audit, ReturnsFromADetourIntoTheBatch)
{
    guest.put(OWN, {op(CMD_MI_STORE_DATA_INDEX, 3), 0x80, 3, op(CMD_MI_ARB_CHECK, 1), op(CMD_MI_BATCH_BUFFER_END, 1)});
    std::vector<uint32_t> dwords = {op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN), 0};
    EXPECT_TRUE(run(dwords)) << reason;
    const uint32_t *batch = at(dwords[1]);
    EXPECT_EQ(batch[0], op(CMD_MI_BATCH_BUFFER_START, 3));
    const uint32_t *code = at(batch[1]);
    EXPECT_EQ(code[4], op(CMD_MI_BATCH_BUFFER_START, 3));
    EXPECT_EQ(at(code[5]), batch + 3);
}

TEST_F(Audit, AuditsWorkaroundBatches)
{
    // i915's: save, change and restore 0xb118, clear SLM, load registers.
    std::vector<uint32_t> indirect = {op(CMD_MI_ARB_ON_OFF, 1),
                                      op(CMD_MI_STORE_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN8_L3SQCREG4, low(OWN), 0,
                                      op(CMD_MI_LOAD_REGISTER_IMM, 3), R_GEN8_L3SQCREG4, 0x40400000,
                                      op(CMD_MI_LOAD_REGISTER_MEM, 4, MI_GLOBAL_GTT), R_GEN8_L3SQCREG4, low(OWN), 0, NOOP, NOOP, NOOP, NOOP};
    std::vector<uint32_t> before = indirect;
    EXPECT_TRUE(run(indirect, AUDIT_INDIRECT)) << reason;
    EXPECT_EQ(indirect, before);
    std::vector<uint32_t> starts = {op(CMD_MI_BATCH_BUFFER_START, 3), low(OWN), 0, NOOP};
    EXPECT_FALSE(run(starts, AUDIT_INDIRECT));

    guest.put(OWN, {op(CMD_MI_LOAD_REGISTER_IMM, 3), R_FORCEWAKE_MT, 1, op(CMD_MI_BATCH_BUFFER_END, 1)});
    GError *error = nullptr;
    audit_finish(&audit);
    begin(ENGINE_RCS0);
    ASSERT_TRUE(audit_batch_at(&audit, OWN, &error));
    placed.assign(audit_size(&audit), 0xff);
    audit_place(&audit, placed.data(), PLACE, nullptr);
    EXPECT_EQ(*at(PLACE), NOOP);
    EXPECT_EQ(at(PLACE)[3], op(CMD_MI_BATCH_BUFFER_END, 1));
    EXPECT_FALSE(audit_batch_at(&audit, FOREIGN, &error));
    ASSERT_NE(error, nullptr);
    g_clear_error(&error);
}

} // namespace
