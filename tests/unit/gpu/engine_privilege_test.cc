// SPDX-License-Identifier: GPL-2.0-or-later
// What a batch in the PPGTT must not be able to do, since all isolation rests on it; and that no content of a ring, a batch or a
// context image harms the process.
#include "engine_harness.h"

#include <algorithm>
#include <random>

using namespace harness;

namespace {

class EnginePrivilege : public testing::TestWithParam<unsigned> {
  protected:
    Machine m;
    unsigned engine = GetParam();
    Context c{m, engine, 1};
    uint64_t data = m.alloc(1), hidden = m.alloc(1);
    uint32_t secret = 0xbf000000; // a GGTT address that the PPGTT has not

    void SetUp() override
    {
        m.gpu->ops->pte_write(m.gpu, secret / 4096, (m.iova + hidden) | PTE_PRESENT | PTE_WRITE);
        // The same number in the PPGTT leads to another page, so that ignoring the GGTT bit shows as a write there.
        uint64_t pd = m.alloc(1), pt = m.alloc(1), shown_pte;
        shadow = m.alloc(1);
        auto entry = [&](uint64_t table, unsigned index, uint64_t to) {
            shown_pte = (m.iova + to) | PTE_PRESENT | PTE_WRITE;
            memcpy(m.memory + table + 8 * index, &shown_pte, 8);
        };
        uint64_t pdp;
        memcpy(&pdp, m.memory + m.pml4, 8);
        pdp = (pdp & PTE_ADDRESS) - m.iova;
        entry(pdp, secret >> 30, pd);
        entry(pd, secret >> 21 & 511, pt);
        entry(pt, secret >> 12 & 511, shadow);
    }
    uint64_t shadow = 0;
    uint32_t base() { return m.base(engine); }
};
INSTANTIATE_TEST_SUITE_P(All, EnginePrivilege, testing::Range(0u, static_cast<unsigned>(ENGINE_COUNT)),
                         [](const auto &info) { return std::string(gpu_engine_name(info.param)); });

TEST_P(EnginePrivilege, AUserBatchDoesNotReachTheGgtt)
{
    std::vector<Words> writes = {
        {MI_STORE_DATA_IMM | GGTT, secret, 0, 1},
        {MI_STORE_QWORD_IMM | GGTT, secret, 0, 1, 1},
        {MI_STORE_REGISTER_MEM | GGTT, base() + 0x600, secret, 0},
        {MI_COPY_MEM_MEM | 1 << 21, secret, 0, m.ppa(data), 0},
        {MI_ATOMIC | GGTT | 5 << 8 | 1, secret, 0},
    };
    if (engine == ENGINE_RCS0) {
        writes.push_back({PIPE_CONTROL, 1 << 14 | 1 << 20 | 1 << 24, secret, 0, 1, 1});
        writes.push_back({PIPE_CONTROL, 3 << 14 | 1 << 20 | 1 << 24, secret, 0, 0, 0});
        writes.push_back({0x28 << 23 | 2, secret | 1, 0, 1});
    } else {
        writes.push_back({MI_FLUSH_DW | 1 << 14, secret | 4, 0, 1});
        writes.push_back({MI_FLUSH_DW | 1 | 3 << 14, secret | 4, 0, 1, 1});
    }
    m.put(data, {1});
    c.run(lri(base() + 0x600, 1));
    for (const Words &words : writes) {
        store32(m.at(shadow), 0);
        c.run_batch(words, true);
        EXPECT_EQ(m.qword(hidden), 0u) << std::hex << words[0];
        EXPECT_EQ(m.qword(shadow), 0u) << std::hex << words[0] << " does not act on the context's own address space instead";
        c.run_batch(words, false);
        EXPECT_NE(m.word(hidden), 0u) << std::hex << words[0] << " from a privileged batch";
        m.put(hidden, {0, 0});
    }
    // Reads: from the GGTT they would see 0x55, from the PPGTT 0xaa.
    m.put(hidden, {0x55});
    m.put(shadow, {0xaa});
    c.run_batch(Words{MI_LOAD_REGISTER_MEM | GGTT, base() + 0x600, secret, 0} + srm(base() + 0x600, data) +
                    Words{MI_COPY_MEM_MEM | 1 << 22, m.ppa(data + 4), 0, secret, 0},
                true);
    EXPECT_EQ(m.word(data), 1u) << "the register keeps its value";
    EXPECT_EQ(m.word(data + 4), 0u);
}

TEST_P(EnginePrivilege, PrivilegedCommandsAreNoOperations)
{
    uint64_t pte = (m.iova + hidden) | PTE_PRESENT | PTE_WRITE;
    uint32_t before = m.word(m.status_page[engine] + 0x300);
    c.run_batch(Words{MI_STORE_DATA_INDEX, 0x300, 0x99} +
                    Words{MI_UPDATE_GTT, 0x90000000, static_cast<uint32_t>(pte), static_cast<uint32_t>(pte >> 32)} +
                    Words{MI_ARB_ON_OFF} + sdi(data, 1),
                true);
    EXPECT_EQ(m.word(data), 1u);
    EXPECT_EQ(m.word(m.status_page[engine] + 0x300), before);
    EXPECT_EQ(m.gpu->ops->pte_read(m.gpu, 0x90000), 0u);
}

TEST_P(EnginePrivilege, AUserBatchCannotTurnArbitrationOff)
{
    Context b(m, engine, 2);
    uint64_t batch = m.alloc(1);
    m.put(batch, Words{MI_ARB_ON_OFF} + sdi(data, 1) + semaphore(data + 4, 4, 1) + Words{MI_BATCH_BUFFER_END});
    c.emit(c.start(batch, true));
    c.submit();
    ASSERT_TRUE(wait_for([&] { return m.word(data) == 1; }));
    m.elsp(engine, b.desc());
    EXPECT_EQ(m.events(engine, 3),
              (Events{{CSB_IDLE_ACTIVE, 0}, {CSB_PREEMPTED, 1}, {CSB_ACTIVE_IDLE | CSB_CONTEXT_COMPLETE, 2}}));
}

TEST_P(EnginePrivilege, RegistersAreCheckedByTheWhitelist)
{
    uint32_t closed[] = {base() + 0x80, base() + 0x29c, base() + 0x4d0, base() + 0x230, base() + 0xa8, base() + 0x1c4, base() + 0x270};
    for (uint32_t offset : closed) {
        uint32_t before = gpu_read32(m.gpu, offset);
        m.put(data, {0x7ffff000, 0x1111});
        c.run_batch(lri(offset, 0x7ffff000) + Words{MI_LOAD_REGISTER_MEM, offset, m.ppa(data), 0} + lri(base() + 0x600, 0x7ffff000) +
                        Words{MI_LOAD_REGISTER_REG, base() + 0x600, offset} + srm(offset, data + 4),
                    true);
        EXPECT_EQ(gpu_read32(m.gpu, offset), before) << std::hex << offset;
        EXPECT_EQ(m.word(data + 4), 0x1111u) << "not readable either: " << std::hex << offset;
    }
    // Open to the driver, and to a user batch once it is in a slot.
    uint32_t offset = base() + 0x1d0;
    c.run_batch(lri(offset, 0x00ff0012), false);
    EXPECT_EQ(gpu_read32(m.gpu, offset), 0x12u);
    c.run_batch(lri(offset, 0x00ff0034), true);
    EXPECT_EQ(gpu_read32(m.gpu, offset), 0x12u);
    m.write(engine, 0x4d0 + 4 * 11, offset);
    c.run_batch(lri(offset, 0x00ff0034) + srm(offset, data), true);
    EXPECT_EQ(gpu_read32(m.gpu, offset), 0x34u);
    EXPECT_EQ(m.word(data), 0x34u);
    // General purpose registers are everybody's, those of another engine are not.
    uint32_t other = m.base((engine + 1) % ENGINE_COUNT) + 0x600;
    c.run_batch(lri(base() + 0x600, 5) + srm(base() + 0x600, data) + lri(other, 6), true);
    EXPECT_EQ(m.word(data), 5u);
    EXPECT_EQ(gpu_read32(m.gpu, other), 0u);
}

TEST_P(EnginePrivilege, ASecondLevelBatchInheritsAtMostItsParentsPrivilege)
{
    uint64_t user = m.alloc(1), system = m.alloc(1), called = m.alloc(1);
    Words write = {MI_STORE_DATA_IMM | GGTT, secret, 0, 1};
    m.put(called, write + sdi(data, 1) + Words{MI_BATCH_BUFFER_END});
    // A user batch that calls, or jumps to, an address in the GGTT: it is looked up in the PPGTT, and stays unprivileged.
    m.put(user, Words{MI_BATCH_BUFFER_START | BB_SECOND, m.ppa(called), 0, MI_BATCH_BUFFER_START, m.ppa(called), 0});
    c.run(c.start(user, true));
    EXPECT_EQ(m.word(hidden), 0u);
    EXPECT_EQ(m.word(data), 1u) << "it ran";
    // A privileged batch that calls a user batch: not privileged while in it, again when it returns.
    store32(m.at(data), 0);
    m.put(system, Words{MI_BATCH_BUFFER_START | BB_SECOND | BB_PPGTT, m.ppa(called), 0} + write + Words{MI_BATCH_BUFFER_END});
    store32(m.at(called) + 3, 2);
    c.run(c.start(system, false));
    EXPECT_EQ(m.word(data), 1u) << "it ran";
    EXPECT_EQ(m.word(hidden), 1u) << "the caller wrote, not the called batch";
}

TEST_P(EnginePrivilege, PreemptedUserBatchesStayUnprivileged)
{
    Context b(m, engine, 2);
    uint64_t batch = m.alloc(1);
    m.put(batch, sdi(data, 1) + semaphore(data + 4, 4, 1) + Words{MI_STORE_DATA_IMM | GGTT, secret, 0, 1} +
                     sdi(data, 2) + Words{MI_BATCH_BUFFER_END});
    c.emit(c.start(batch, true));
    c.submit();
    ASSERT_TRUE(wait_for([&] { return m.word(data) == 1; }));
    m.elsp(engine, b.desc());
    EXPECT_EQ(m.events(engine, 3).size(), 3u);
    store32(m.at(data + 4), 1);
    m.elsp(engine, c.desc());
    EXPECT_EQ(m.events(engine, 2).size(), 2u);
    EXPECT_EQ(m.word(hidden), 0u);
    EXPECT_EQ(m.word(data), 2u) << "it went on";
}

// Runs what is in the ring for at most a moment, then resets. The engine must be usable after it.
class EngineGarbage : public EnginePrivilege {
  protected:
    std::mt19937 random{engine + 1};
    void run_and_reset(Context &context)
    {
        context.submit();
        auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
        while (std::chrono::steady_clock::now() < end && !(m.read(engine, 0xb0) & 0x11) && !(m.read(engine, 0x9c) & 1 << 9))
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        auto t0 = std::chrono::steady_clock::now();
        m.reset(engine);
        EXPECT_LT(std::chrono::steady_clock::now() - t0, std::chrono::seconds(2)) << "resets do not wait for what runs";
    }
    void expect_usable()
    {
        Context fresh(m, engine, 99);
        fresh.run(sdi(data, 0x600d));
        EXPECT_EQ(m.word(data), 0x600du);
        m.next = fresh.image;
    }
    // Words that are often commands of the engine, with short lengths.
    uint32_t word()
    {
        switch (random() % 4) {
        case 0: {
            const cmd_desc &desc = cmd_descs[random() % CMD_COUNT];
            return desc.match | (random() & ~desc.mask & (random() % 2 ? 0xffffff07 : ~0u));
        }
        case 1:
            return random() % 2 ? m.ppa(data) : m.gma(data);
        case 2:
            return random() % 8;
        default:
            return random();
        }
    }
};
INSTANTIATE_TEST_SUITE_P(All, EngineGarbage, testing::Range(0u, static_cast<unsigned>(ENGINE_COUNT)),
                         [](const auto &info) { return std::string(gpu_engine_name(info.param)); });

TEST_P(EngineGarbage, RandomUserBatches)
{
    uint64_t batch = m.alloc(4);
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned i = 0; i < 4096; i++)
            store32(m.at(batch) + i, word());
        uint64_t mark = m.next;
        Context context(m, engine, 3);
        memset(m.at(context.image), 0, 4096);
        context.tail = 0;
        context.emit(context.start(batch, true));
        run_and_reset(context);
        m.next = mark;
        EXPECT_EQ(m.qword(hidden), 0u) << "round " << round;
        memset(m.memory + mark, 0, Context::RING + 4096 * CONTEXT_PAGES_RCS);
    }
    expect_usable();
}

TEST_P(EngineGarbage, RandomContextImages)
{
    for (unsigned round = 0; round < 40; round++) {
        uint64_t mark = m.next;
        Context context(m, engine, 3);
        for (unsigned i = 0; i < 40; i++)
            context.state(random() % 0x100, word());
        for (unsigned i = 0; i < 64; i++)
            context.emit({word()});
        run_and_reset(context);
        m.next = mark;
        memset(m.memory + mark, 0, Context::RING + 4096 * CONTEXT_PAGES_RCS);
    }
    // A privileged ring may have changed anything in the GPU: only that it lives is asked for.
    Machine other;
    EXPECT_NE(other.model, nullptr);
}

} // namespace
