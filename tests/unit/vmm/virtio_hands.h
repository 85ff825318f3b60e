// SPDX-License-Identifier: GPL-2.0-or-later
// For tests of what types and points: a keyboard and a tablet whose drivers take everything, and tell it as text.
#pragma once

#include "virtio_machine.h"
#include "vmm/display/input.h"
#include "vmm/virtio/input.h"

#include <linux/input-event-codes.h>

#include <optional>

namespace virtio_test {

class Hands {
  public:
    virtio_device *keyboard = virtio_input_create(VIRTIO_INPUT_KEYBOARD), *tablet = virtio_input_create(VIRTIO_INPUT_TABLET);
    Machine k{keyboard}, t{tablet};
    std::optional<Driver> keys, lamps, moves;
    input in = {keyboard, tablet};

    // The drivers begin, or begin again.
    void listen()
    {
        keys.emplace(start(k));
        lamps.emplace(k.queue(1, 8));
        k.status(15);
        moves.emplace(start(t));
        t.status(15);
    }
    // "30+ 30- ": the keys' events so far.
    std::string typed() { return took(k, *keys); }
    // "3:0=5 272+ ": positions and wheels by type and code, and buttons.
    std::string pointed() { return took(t, *moves); }
    void caps(bool on)
    {
        uint64_t at = Ram::BASE + 0x300000;
        k.ram.set<uint16_t>(at, EV_LED);
        k.ram.set<uint16_t>(at + 2, LED_CAPSL);
        k.ram.set<uint32_t>(at + 4, on);
        k.run(*lamps, 1, {{at, 8, false}});
    }

  private:
    static Driver start(Machine &m)
    {
        m.begin(~(UINT64_C(1) << 29));
        Driver d = m.queue(0, 64);
        for (unsigned i = 0; i < 64; i++)
            d.add({{Ram::BASE + 0x200000 + 8 * i, 8, true}});
        return d;
    }
    static std::string took(Machine &m, Driver &d)
    {
        std::string text;
        uint32_t id, len;
        for (unsigned quiet = 0; quiet < 150;) {
            if (!d.take(&id, &len)) {
                quiet++;
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
                continue;
            }
            uint64_t at = Ram::BASE + 0x200000 + 8 * id;
            unsigned type = m.ram.get<uint16_t>(at), code = m.ram.get<uint16_t>(at + 2);
            int value = static_cast<int>(m.ram.get<uint32_t>(at + 4));
            if (type == EV_KEY)
                text += std::to_string(code) + (value ? "+ " : "- ");
            else if (type != EV_SYN)
                text += std::to_string(type) + ":" + std::to_string(code) + "=" + std::to_string(value) + " ";
            d.publish(static_cast<uint16_t>(id));
            m.kick(0);
        }
        return text;
    }
};

} // namespace virtio_test
