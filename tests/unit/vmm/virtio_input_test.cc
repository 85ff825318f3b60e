// SPDX-License-Identifier: GPL-2.0-or-later
// Keyboard and tablet as a driver finds them, and what reaches it: events in order, nothing stuck, nothing of a time before it listened.
#include "virtio_machine.h"
#include "vmm/virtio/input.h"

#include <linux/input-event-codes.h>

#include <optional>
#include <random>
#include <set>

using namespace virtio_test;

namespace {

constexpr uint64_t EVENTS = Ram::BASE + 0x200000, STATUS = Ram::BASE + 0x300000;

struct Event {
    unsigned type, code;
    int value;
    bool operator==(const Event &) const = default;
};
std::ostream &operator<<(std::ostream &out, const Event &e) { return out << e.type << ":" << e.code << "=" << e.value; }

class Input {
  public:
    virtio_device *dev;
    Machine m;
    std::optional<Driver> events, status;
    unsigned slots = 0;

    explicit Input(virtio_input_kind kind) : dev(virtio_input_create(kind)), m(dev) {}
    void begin(unsigned buffers = 8)
    {
        m.begin(~(UINT64_C(1) << 29));
        events.emplace(m.queue(0, 8));
        status.emplace(m.queue(1, 8));
        m.status(15);
        slots = 0;
        give(buffers);
    }
    void give(unsigned buffers, uint32_t bytes = 8)
    {
        for (unsigned i = 0; i < buffers; i++)
            events->add({{EVENTS + 8 * (slots++ % 8), bytes, true}});
        m.kick(0);
    }
    // What arrives, with a buffer given back for each, until there was nothing for a while.
    std::vector<Event> take(size_t most = SIZE_MAX)
    {
        std::vector<Event> got;
        uint32_t id, len;
        while (got.size() < most && eventually_taken(&id, &len)) {
            EXPECT_EQ(len, 8u);
            uint64_t at = m.ram.get<uint64_t>(events->desc + 16 * id);
            got.push_back({m.ram.get<uint16_t>(at), m.ram.get<uint16_t>(at + 2), static_cast<int>(m.ram.get<uint32_t>(at + 4))});
            give(1);
        }
        return got;
    }
    bool eventually_taken(uint32_t *id, uint32_t *len)
    {
        for (unsigned i = 0; i < 150; i++) {
            if (events->take(id, len))
                return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return false;
    }
    Bytes select(uint8_t select, uint8_t sub)
    {
        m.wr<uint8_t>(m.config, select);
        m.wr<uint8_t>(m.config + 1, sub);
        Bytes data(m.rd<uint8_t>(m.config + 2));
        for (size_t i = 0; i < data.size(); i++)
            data[i] = m.rd<uint8_t>(m.config + 8 + i);
        return data;
    }
    std::set<unsigned> codes(uint8_t type)
    {
        std::set<unsigned> result;
        Bytes bits = select(0x11, type);
        for (unsigned i = 0; i < 8 * bits.size(); i++)
            if (bits[i / 8] >> i % 8 & 1)
                result.insert(i);
        if (!bits.empty()) {
            EXPECT_NE(bits.back(), 0) << "no longer than it must be";
        }
        return result;
    }
};

constexpr Event END = {EV_SYN, SYN_REPORT, 0};

TEST(VirtioInput, ConfigurationOfTheKeyboard)
{
    Input k(VIRTIO_INPUT_KEYBOARD);
    EXPECT_EQ(k.m.cfg(0, 4), 0x10521af4u);
    EXPECT_EQ(k.m.cfg(8, 4) >> 8, 0x090000u);
    Bytes name = k.select(1, 0);
    EXPECT_EQ(std::string(name.begin(), name.end()), "Mediant keyboard");
    EXPECT_EQ(k.select(3, 0), (Bytes{6, 0, 0xf4, 0x1a, 1, 0, 1, 0}));
    std::set<unsigned> keys = k.codes(EV_KEY);
    for (unsigned key : {KEY_ESC, KEY_A, KEY_ENTER, KEY_LEFTSHIFT, KEY_102ND, KEY_F12, KEY_RIGHTALT, KEY_DELETE, KEY_LEFTMETA, KEY_VOLUMEUP})
        EXPECT_TRUE(keys.count(key)) << key;
    EXPECT_FALSE(keys.count(0));
    EXPECT_FALSE(keys.count(BTN_LEFT)) << "it would be taken for a mouse";
    EXPECT_EQ(k.codes(EV_LED), (std::set<unsigned>{LED_NUML, LED_CAPSL, LED_SCROLLL}));
    EXPECT_FALSE(k.select(0x11, EV_REP).empty()) << "the guest repeats keys itself";
    EXPECT_TRUE(k.select(0x11, EV_ABS).empty());
    EXPECT_TRUE(k.select(0x12, ABS_X).empty());
    EXPECT_TRUE(k.select(0x10, 0).empty());
    EXPECT_TRUE(k.select(1, 1).empty());
    EXPECT_TRUE(k.select(0, 0).empty());
    EXPECT_TRUE(k.select(2, 0).empty()) << "no serial number";
}

TEST(VirtioInput, ConfigurationOfTheTablet)
{
    Input t(VIRTIO_INPUT_TABLET);
    Bytes name = t.select(1, 0);
    EXPECT_EQ(std::string(name.begin(), name.end()), "Mediant tablet");
    EXPECT_EQ(t.codes(EV_ABS), (std::set<unsigned>{ABS_X, ABS_Y}));
    EXPECT_EQ(t.codes(EV_REL), (std::set<unsigned>{REL_HWHEEL, REL_WHEEL}));
    EXPECT_EQ(t.codes(EV_KEY), (std::set<unsigned>{BTN_LEFT, BTN_RIGHT, BTN_MIDDLE, BTN_SIDE, BTN_EXTRA}));
    for (uint8_t axis : {ABS_X, ABS_Y})
        EXPECT_EQ(t.select(0x12, axis), (Bytes{0, 0, 0, 0, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_TRUE(t.select(0x12, 2).empty());
    EXPECT_TRUE(t.select(0x11, EV_REP).empty());
}

TEST(VirtioInput, AnyAccessToTheConfiguration)
{
    Input t(VIRTIO_INPUT_TABLET);
    std::mt19937 random(7);
    uint8_t bytes[256];
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t at = t.m.config + random() % 200;
        size_t len = 1 + random() % 8;
        for (auto &b : bytes)
            b = static_cast<uint8_t>(random());
        if (random() % 2)
            t.m.pci->ops->bar_write(t.m.pci, 0, at, bytes, len);
        else
            t.m.pci->ops->bar_read(t.m.pci, 0, at, bytes, len);
    }
    EXPECT_EQ(t.select(3, 0).size(), 8u);
    t.m.wr<uint32_t>(t.m.config, 0x00000001); // both at once, and what cannot be written
    EXPECT_EQ(t.m.rd<uint32_t>(t.m.config) & 0xffffff, 0x000e0001u);
    EXPECT_EQ(t.m.rd<uint32_t>(t.m.config + 136), 0u) << "behind its end";
}

TEST(VirtioInput, KeysInOrder)
{
    Input k(VIRTIO_INPUT_KEYBOARD);
    k.begin();
    virtio_input_key(k.dev, KEY_LEFTSHIFT, true);
    virtio_input_key(k.dev, KEY_A, true);
    virtio_input_key(k.dev, KEY_A, true);
    virtio_input_key(k.dev, KEY_A, false);
    virtio_input_key(k.dev, KEY_A, false);
    virtio_input_key(k.dev, KEY_LEFTSHIFT, false);
    virtio_input_key(k.dev, BTN_LEFT, true);
    virtio_input_key(k.dev, 100000, true);
    EXPECT_EQ(k.take(), (std::vector<Event>{{EV_KEY, KEY_LEFTSHIFT, 1}, END, {EV_KEY, KEY_A, 1}, END, {EV_KEY, KEY_A, 0}, END,
                                            {EV_KEY, KEY_LEFTSHIFT, 0}, END}));
}

TEST(VirtioInput, PointerMovesCoalesceAndButtonsDoNot)
{
    Input t(VIRTIO_INPUT_TABLET);
    t.begin(0);
    for (unsigned i = 0; i < 1000; i++)
        virtio_input_move(t.dev, i, 2 * i);
    virtio_input_key(t.dev, BTN_LEFT, true);
    virtio_input_move(t.dev, 70000, 5);
    virtio_input_wheel(t.dev, -1, 0);
    virtio_input_wheel(t.dev, 0, 1);
    t.give(8);
    EXPECT_EQ(t.take(), (std::vector<Event>{{EV_ABS, ABS_X, 999}, {EV_ABS, ABS_Y, 1998}, END, {EV_KEY, BTN_LEFT, 1}, END,
                                            {EV_ABS, ABS_X, 0x7fff}, {EV_ABS, ABS_Y, 5}, END, {EV_REL, REL_WHEEL, -1}, END,
                                            {EV_REL, REL_HWHEEL, 1}, END}));
}

// Half a position has gone when the next comes: the other half still does.
TEST(VirtioInput, APositionThatHasBegunIsFinished)
{
    Input t(VIRTIO_INPUT_TABLET);
    t.begin(1);
    virtio_input_move(t.dev, 1, 2);
    uint32_t id, len;
    ASSERT_TRUE(eventually([&] { return t.events->take(&id, &len); }));
    virtio_input_move(t.dev, 3, 4);
    t.give(8);
    std::vector<Event> rest = t.take();
    EXPECT_EQ(rest, (std::vector<Event>{{EV_ABS, ABS_Y, 2}, END, {EV_ABS, ABS_X, 3}, {EV_ABS, ABS_Y, 4}, END}));
}

TEST(VirtioInput, AGuestThatDoesNotTakeThemGetsEveryReleaseLater)
{
    Input k(VIRTIO_INPUT_KEYBOARD);
    k.begin(0);
    std::set<unsigned> down;
    std::mt19937 random(1);
    for (unsigned i = 0; i < 20000; i++) {
        unsigned code = KEY_ESC + random() % 100;
        bool press = random() % 2;
        virtio_input_key(k.dev, code, press);
        if (press)
            down.insert(code);
        else
            down.erase(code);
    }
    for (unsigned code : down)
        virtio_input_key(k.dev, code, false);
    k.give(8);
    std::set<unsigned> told;
    for (const Event &e : k.take()) {
        if (e.type != EV_KEY)
            continue;
        EXPECT_EQ(told.count(e.code), e.value ? 0u : 1u) << "a press of what is up, a release of what is down";
        if (e.value)
            told.insert(e.code);
        else
            told.erase(e.code);
    }
    EXPECT_TRUE(told.empty()) << told.size() << " keys hang";
}

TEST(VirtioInput, NothingIsKeptForADriverThatIsNotThere)
{
    Input k(VIRTIO_INPUT_KEYBOARD);
    virtio_input_key(k.dev, KEY_B, true);
    k.begin();
    EXPECT_TRUE(k.take().empty());
    virtio_input_key(k.dev, KEY_A, true);
    EXPECT_EQ(k.take().size(), 2u);
    k.m.status(0);
    ASSERT_TRUE(eventually([&] { return k.m.status() == 0; }));
    virtio_input_key(k.dev, KEY_C, true);
    k.begin();
    virtio_input_key(k.dev, KEY_A, false);
    EXPECT_TRUE(k.take().empty()) << "the new driver has not seen it go down";
    virtio_input_key(k.dev, KEY_A, true);
    EXPECT_EQ(k.take(), (std::vector<Event>{{EV_KEY, KEY_A, 1}, END}));
}

TEST(VirtioInput, Lamps)
{
    Input k(VIRTIO_INPUT_KEYBOARD);
    k.begin();
    auto tell = [&](unsigned type, unsigned code, unsigned value, uint32_t bytes = 8) {
        k.m.ram.set<uint16_t>(STATUS, static_cast<uint16_t>(type));
        k.m.ram.set<uint16_t>(STATUS + 2, static_cast<uint16_t>(code));
        k.m.ram.set<uint32_t>(STATUS + 4, value);
        EXPECT_EQ(k.m.run(*k.status, 1, {{STATUS, bytes, false}}), 0u);
    };
    EXPECT_FALSE(virtio_input_lamp(k.dev, LED_CAPSL));
    tell(EV_LED, LED_CAPSL, 1);
    EXPECT_TRUE(virtio_input_lamp(k.dev, LED_CAPSL));
    EXPECT_FALSE(virtio_input_lamp(k.dev, LED_NUML));
    tell(EV_LED, 60000, 1);
    tell(EV_SND, LED_CAPSL, 0);
    tell(EV_LED, LED_CAPSL, 0, 7);
    EXPECT_TRUE(virtio_input_lamp(k.dev, LED_CAPSL));
    tell(EV_LED, LED_CAPSL, 0);
    EXPECT_FALSE(virtio_input_lamp(k.dev, LED_CAPSL));
}

TEST(VirtioInput, MalformedQueues)
{
    Input k(VIRTIO_INPUT_KEYBOARD);
    k.begin(0);
    k.give(1, 7); // too small for an event: it stays, and so do the events
    virtio_input_key(k.dev, KEY_A, true);
    EXPECT_TRUE(k.take().empty());
    k.begin(0);
    k.events->add({{EVENTS, 8, false}}); // one that the device may only read
    k.m.kick(0);
    virtio_input_key(k.dev, KEY_A, true);
    EXPECT_TRUE(k.take().empty());
    k.begin(0);
    k.events->publish(99);
    k.m.kick(0);
    virtio_input_key(k.dev, KEY_A, true);
    EXPECT_TRUE(eventually([&] { return k.m.status() & 64; })) << "needs a reset";
    k.begin(0);
    k.events->add({{0x10, 8, true}}); // no memory there
    k.m.kick(0);
    virtio_input_key(k.dev, KEY_A, true);
    EXPECT_TRUE(eventually([&] { return k.m.status() & 64; }));
    k.begin();
    virtio_input_key(k.dev, KEY_B, true);
    EXPECT_EQ(k.take(), (std::vector<Event>{{EV_KEY, KEY_B, 1}, END})) << "after its reset it works again";
}

TEST(VirtioInput, ManySendersWhileTheDriverComesAndGoes)
{
    Input t(VIRTIO_INPUT_TABLET);
    std::atomic<bool> stop{false};
    std::vector<std::thread> senders;
    for (unsigned n = 0; n < 3; n++)
        senders.emplace_back([&, n] {
            for (unsigned i = 0; !stop; i++) {
                virtio_input_move(t.dev, i, n);
                virtio_input_key(t.dev, BTN_LEFT + n, i % 2);
                virtio_input_wheel(t.dev, 1, -1);
                t.m.rd<uint8_t>(t.m.config + 2);
            }
        });
    for (unsigned i = 0; i < 20; i++) {
        t.begin();
        EXPECT_GE(t.take(50).size(), 50u);
    }
    stop = true;
    for (auto &sender : senders)
        sender.join();
}

} // namespace
