// SPDX-License-Identifier: GPL-2.0-or-later
// Split virtqueues against a driver that shares no code with them: random chains, wraps, notifications, and every way to break a ring.
#include "virtio_driver.h"
#include "vmm/virtio/queue.h"

#include <memory>
#include <random>
#include <string>

using namespace virtio_test;

namespace {

constexpr uint64_t RINGS = Ram::BASE, DATA = Ram::BASE + 0x100000;

class VirtioQueue : public testing::Test {
  protected:
    Ram ram;
    virtio_queue queue = {};
    std::unique_ptr<virtio_chain> chain = std::make_unique<virtio_chain>();

    ~VirtioQueue() override { virtio_queue_stop(&queue); }
    bool start(const Driver &driver, bool indirect = true, bool event_idx = false)
    {
        virtio_queue_stop(&queue);
        virtio_queue_layout layout = {driver.size, driver.desc, driver.avail, driver.used, indirect, event_idx};
        return virtio_queue_start(&queue, ram.dma, &layout);
    }
    bool pop() { return virtio_queue_pop(&queue, chain.get()); }
    std::string broken() { return queue.broken ? queue.broken : ""; }
    void expect_broken(const char *text)
    {
        EXPECT_FALSE(pop());
        EXPECT_NE(broken().find(text), std::string::npos) << broken();
        EXPECT_FALSE(pop()) << "nothing comes out of it any more";
        chain->head = 0;
        uint16_t idx = ram.get<uint16_t>(RINGS + 0x3002);
        virtio_queue_push(&queue, chain.get(), 1);
        EXPECT_EQ(ram.get<uint16_t>(RINGS + 0x3002), idx);
    }
};

TEST_F(VirtioQueue, RandomChainsArriveAndReturn)
{
    std::mt19937 random(4711);
    for (uint16_t size : {1, 2, 8, 256}) {
        for (bool event_idx : {false, true}) {
            memset(ram.host, 0, Ram::SIZE);
            Driver driver(ram, size, RINGS);
            ASSERT_TRUE(start(driver, true, event_idx));
            // Close to the end of the 16 bits, for the indices to wrap.
            uint16_t begin = 65500;
            driver.avail_idx = driver.used_idx = queue.next_avail = queue.next_used = queue.signalled = begin;
            ram.set<uint16_t>(driver.avail + 2, begin);
            ram.set<uint16_t>(driver.used + 2, begin);
            for (unsigned round = 0; round < 300; round++) {
                unsigned free = size;
                std::vector<std::pair<uint16_t, std::vector<Piece>>> sent;
                while (free > 0 && sent.size() < 6) {
                    bool indirect = random() % 2;
                    unsigned count = 1 + random() % (indirect ? 16 : std::min(free, 5u));
                    unsigned first_write = random() % (count + 1);
                    std::vector<Piece> pieces;
                    for (unsigned i = 0; i < count; i++)
                        pieces.push_back({DATA + 64 * (random() % 1000), static_cast<uint32_t>(1 + random() % 64), i >= first_write});
                    free -= indirect ? 1 : count;
                    uint16_t head = driver.add(pieces, indirect);
                    sent.push_back({head, pieces});
                }
                for (auto &[head, pieces] : sent) {
                    ASSERT_TRUE(pop()) << broken();
                    ASSERT_EQ(chain->head, head);
                    ASSERT_EQ(chain->out_count + chain->in_count, pieces.size());
                    Bytes expected;
                    uint64_t in = 0;
                    for (size_t i = 0; i < pieces.size(); i++) {
                        EXPECT_EQ(chain->buffers[i].addr, pieces[i].addr);
                        EXPECT_EQ(chain->buffers[i].len, pieces[i].len);
                        EXPECT_EQ(i >= chain->out_count, pieces[i].write);
                        Bytes part = ram.read(pieces[i].addr, pieces[i].len);
                        if (pieces[i].write)
                            in += pieces[i].len;
                        else
                            expected.insert(expected.end(), part.begin(), part.end());
                    }
                    ASSERT_EQ(chain->out_bytes, expected.size());
                    ASSERT_EQ(chain->in_bytes, in);
                    Bytes got(expected.size());
                    EXPECT_TRUE(virtio_chain_read(&queue, chain.get(), 0, got.data(), got.size()));
                    EXPECT_EQ(got, expected);
                    if (got.size() > 1) {
                        size_t from = random() % got.size();
                        Bytes tail(got.size() - from);
                        EXPECT_TRUE(virtio_chain_read(&queue, chain.get(), from, tail.data(), tail.size()));
                        EXPECT_EQ(tail, Bytes(expected.begin() + static_cast<long>(from), expected.end()));
                    }
                    EXPECT_FALSE(virtio_chain_read(&queue, chain.get(), 1, got.data(), got.size() ? got.size() : 1)) << "beyond its end";
                    Bytes data(in);
                    for (auto &byte : data)
                        byte = static_cast<uint8_t>(random());
                    EXPECT_TRUE(virtio_chain_write(&queue, chain.get(), 0, data.data(), data.size()));
                    if (in > 0) { // pieces may overlap each other: the last one is whole
                        const Piece &last = pieces.back();
                        EXPECT_EQ(ram.read(last.addr, last.len), Bytes(data.end() - last.len, data.end()));
                    }
                    virtio_queue_push(&queue, chain.get(), static_cast<uint32_t>(in));
                    uint32_t id, len;
                    ASSERT_TRUE(driver.take(&id, &len));
                    EXPECT_EQ(id, head);
                    EXPECT_EQ(len, in);
                }
                ASSERT_FALSE(pop());
                ASSERT_EQ(broken(), "");
            }
        }
    }
}

TEST_F(VirtioQueue, EventIndexSaysWhenToInterrupt)
{
    std::mt19937 random(1);
    Driver driver(ram, 64, RINGS);
    ASSERT_TRUE(start(driver, false, true));
    for (unsigned round = 0; round < 20000; round++) {
        uint16_t before = driver.used_idx;
        uint16_t event = static_cast<uint16_t>(before + random() % 8 - 2);
        driver.used_event(event);
        unsigned count = 1 + random() % 5;
        bool expected = false;
        for (unsigned i = 0; i < count; i++) {
            driver.add({{DATA, 4, true}});
            ASSERT_TRUE(pop());
            virtio_queue_push(&queue, chain.get(), 0);
            // The driver's rule in words: an interrupt when the entry with that index has been used.
            expected |= static_cast<uint16_t>(before + i) == event;
            uint32_t id, len;
            ASSERT_TRUE(driver.take(&id, &len));
        }
        ASSERT_EQ(virtio_queue_should_interrupt(&queue), expected) << round;
        ASSERT_FALSE(virtio_queue_should_interrupt(&queue)) << "nothing new";
    }
}

TEST_F(VirtioQueue, FlagsSuppressWithoutEventIndex)
{
    Driver driver(ram, 8, RINGS);
    ASSERT_TRUE(start(driver));
    for (bool off : {true, false}) {
        driver.no_interrupt(off);
        driver.add({{DATA, 4, true}});
        ASSERT_TRUE(pop());
        virtio_queue_push(&queue, chain.get(), 0);
        EXPECT_EQ(virtio_queue_should_interrupt(&queue), !off);
    }
    virtio_queue_suppress(&queue);
    EXPECT_TRUE(driver.no_notify());
    driver.add({{DATA, 4, true}});
    EXPECT_TRUE(virtio_queue_unsuppress(&queue)) << "it came while nobody would have told";
    EXPECT_FALSE(driver.no_notify());
    ASSERT_TRUE(pop());
    EXPECT_FALSE(virtio_queue_unsuppress(&queue));
}

TEST_F(VirtioQueue, AvailEventAsksForTheNextOne)
{
    Driver driver(ram, 8, RINGS);
    ASSERT_TRUE(start(driver, true, true));
    driver.add({{DATA, 4, true}});
    ASSERT_TRUE(pop());
    EXPECT_FALSE(virtio_queue_unsuppress(&queue));
    EXPECT_EQ(driver.avail_event(), 1);
}

TEST_F(VirtioQueue, UnpopGivesTheSameChainAgain)
{
    Driver driver(ram, 8, RINGS);
    ASSERT_TRUE(start(driver));
    driver.add({{DATA, 4, true}});
    uint16_t head = driver.add({{DATA, 5, true}});
    ASSERT_TRUE(pop());
    ASSERT_TRUE(pop());
    virtio_queue_unpop(&queue);
    ASSERT_TRUE(pop());
    EXPECT_EQ(chain->head, head);
    EXPECT_EQ(chain->in_bytes, 5u);
}

TEST_F(VirtioQueue, LayoutIsChecked)
{
    for (uint16_t size : {0, 3, 257, 512})
        EXPECT_FALSE(start(Driver(ram, size, RINGS))) << size;
    for (unsigned part = 0; part < 3; part++) {
        Driver driver(ram, 8, RINGS);
        uint64_t *addr = part == 0 ? &driver.desc : part == 1 ? &driver.avail : &driver.used;
        *addr += 1;
        EXPECT_FALSE(start(driver));
        *addr = part == 0 ? UINT64_MAX - 127 : part == 1 ? UINT64_MAX - 1 : UINT64_MAX - 3;
        EXPECT_EQ(start(driver), part == 0) << part;
        *addr = ~UINT64_C(15);
        EXPECT_FALSE(start(driver)) << part;
    }
}

TEST_F(VirtioQueue, BreaksByItsIndex)
{
    Driver driver(ram, 8, RINGS);
    ASSERT_TRUE(start(driver));
    ram.set<uint16_t>(driver.avail + 2, 9);
    expect_broken("available index went from 0 to 9");
}

TEST_F(VirtioQueue, BreaksByItsHead)
{
    Driver driver(ram, 8, RINGS);
    ASSERT_TRUE(start(driver));
    driver.publish(8);
    expect_broken("descriptor 8 of 8");
}

TEST_F(VirtioQueue, BreaksByDescriptors)
{
    struct Case {
        const char *text;
        std::function<void(Driver &)> make;
    };
    const Case cases[] = {
        {"a chain loops", [](Driver &d) { d.put_desc(d.desc, 0, DATA, 4, 1, 1), d.put_desc(d.desc, 1, DATA, 4, 1, 0); }},
        {"descriptor 9 of 8", [](Driver &d) { d.put_desc(d.desc, 0, DATA, 4, 1, 9); }},
        {"follows one to write", [](Driver &d) { d.put_desc(d.desc, 0, DATA, 4, 3, 1), d.put_desc(d.desc, 1, DATA, 4, 0, 0); }},
        {"ends beyond 2^64", [](Driver &d) { d.put_desc(d.desc, 0, UINT64_MAX, 2, 0, 0); }},
        {"more than 4 GiB", [](Driver &d) { d.put_desc(d.desc, 0, 0, UINT32_MAX, 1, 1), d.put_desc(d.desc, 1, 0, UINT32_MAX, 0, 0); }},
        {"is none", [](Driver &d) { d.put_desc(d.desc, 0, DATA, 0, 4, 0); }},
        {"is none", [](Driver &d) { d.put_desc(d.desc, 0, DATA, 17, 4, 0); }},
        {"is none", [](Driver &d) { d.put_desc(d.desc, 0, UINT64_MAX - 8, 16, 4, 0); }},
        {"that goes on", [](Driver &d) { d.put_desc(d.desc, 0, DATA, 16, 5, 1); }},
        {"not in memory", [](Driver &d) { d.put_desc(d.desc, 0, 0x1000, 16, 4, 0); }},
        {"not in memory", [](Driver &d) { d.put_desc(d.desc, 0, Ram::BASE + Ram::SIZE - 8, 16, 4, 0); }},
        {"in an indirect table", [](Driver &d) { d.put_desc(d.desc, 0, DATA, 32, 4, 0), d.put_desc(DATA, 0, DATA, 16, 4, 0); }},
        {"indirect chain loops", [](Driver &d) { d.put_desc(d.desc, 0, DATA, 32, 4, 0), d.put_desc(DATA, 0, DATA, 16, 1, 0); }},
        {"leaves its table of 2", [](Driver &d) { d.put_desc(d.desc, 0, DATA, 32, 4, 0), d.put_desc(DATA, 0, DATA, 16, 1, 2); }},
        {"loops, is too long", [](Driver &d) {
             d.put_desc(d.desc, 0, DATA, 16 * 2000, 4, 0);
             for (unsigned i = 0; i < 2000; i++)
                 d.put_desc(DATA, i, DATA, 1, i < 1999, static_cast<uint16_t>(i + 1));
         }},
    };
    for (const Case &one : cases) {
        SCOPED_TRACE(one.text);
        memset(ram.host, 0, Ram::SIZE);
        Driver driver(ram, 8, RINGS);
        ASSERT_TRUE(start(driver));
        one.make(driver);
        driver.publish(0);
        expect_broken(one.text);
    }
}

TEST_F(VirtioQueue, IndirectNeedsItsFeature)
{
    Driver driver(ram, 8, RINGS);
    ASSERT_TRUE(start(driver, false));
    driver.add({{DATA, 4, true}}, true);
    expect_broken("without the feature");
}

TEST_F(VirtioQueue, RingsWithoutMemoryBreakIt)
{
    Driver driver(ram, 8, RINGS);
    driver.avail = 0x1000;
    ASSERT_TRUE(start(driver));
    EXPECT_FALSE(pop());
    EXPECT_NE(broken().find("0x1002 in the available ring"), std::string::npos) << broken();

    Driver second(ram, 8, RINGS);
    second.used = 0x1000;
    ASSERT_TRUE(start(second));
    second.add({{DATA, 4, true}});
    ASSERT_TRUE(pop());
    virtio_queue_push(&queue, chain.get(), 0);
    EXPECT_NE(broken().find("0x1004 in the used ring"), std::string::npos) << broken();
}

TEST_F(VirtioQueue, BuffersWithoutMemoryBreakIt)
{
    Driver driver(ram, 8, RINGS);
    ASSERT_TRUE(start(driver));
    driver.add({{0x1000, 4, false}});
    ASSERT_TRUE(pop());
    uint32_t value;
    EXPECT_FALSE(virtio_chain_read(&queue, chain.get(), 0, &value, 4));
    EXPECT_NE(broken().find("0x1000 is no memory that can be read"), std::string::npos) << broken();
}

} // namespace
