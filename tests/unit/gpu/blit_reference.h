// SPDX-License-Identifier: GPL-2.0-or-later
// The blitter a second time, naive on purpose: reads the command's dwords by index, works on one pixel and one bit at a time,
// and addresses tiled memory by patterns of address bits. For the property tests to compare with.
#ifndef MEDIANT_TESTS_UNIT_GPU_BLIT_REFERENCE_H
#define MEDIANT_TESTS_UNIT_GPU_BLIT_REFERENCE_H

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace blit_reference {

// Sparse memory of scattered 4 KiB pages. Bytes outside of every page must not be touched.
struct Memory {
    std::map<uint64_t, std::vector<uint8_t>> pages;
    void add(uint64_t addr, unsigned count)
    {
        for (unsigned i = 0; i < count; i++)
            pages[(addr >> 12) + i].resize(4096);
    }
    uint8_t &byte(uint64_t addr) { return pages.at(addr >> 12)[addr & 0xfff]; }
};

// Address bits of a tile from the highest one down, and the bits of the address that X takes, by kind and bytes of a pixel.
inline std::string bits(char kind, unsigned cpp)
{
    if (kind == 'X')
        return "YYYXXXXXXXXX";
    if (kind == 'Y')
        return "XXXYYYYYXXXX";
    std::string low = cpp == 1 ? "XYXYYYYYXXXX" : cpp <= 4 ? "XYXYXYYYXXXX" : "XYXYXXYYXXXX";
    return kind == 'S' ? "XYXY" + low : low;
}

struct Tile {
    std::vector<int> x_bits, y_bits; // address bit numbers, lowest first
    int64_t width = 1, height = 1;
    Tile(char kind, unsigned cpp)
    {
        std::string s = bits(kind, cpp);
        for (size_t i = 0; i < s.size(); i++) {
            bool x = s[s.size() - 1 - i] == 'X';
            (x ? x_bits : y_bits).push_back(int(i));
            (x ? width : height) *= 2;
        }
    }
};

struct Surface {
    uint64_t addr = 0;
    int64_t pitch = 0;
    char kind = 'L';
    unsigned cpp = 1;

    uint64_t at(int64_t x, int64_t y, unsigned byte) const
    {
        int64_t xb = x * cpp + byte;
        if (kind == 'L')
            return addr + uint64_t(y * pitch + xb);
        static std::map<std::pair<char, unsigned>, Tile> tiles;
        const Tile &tile = tiles.try_emplace({kind, cpp}, kind, cpp).first->second;
        auto floor_div = [](int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); };
        int64_t column = floor_div(xb, tile.width), row = floor_div(y, tile.height);
        int64_t xs = xb - column * tile.width, ys = y - row * tile.height, inside = 0;
        for (size_t i = 0; i < tile.x_bits.size(); i++)
            inside |= (xs >> i & 1) << tile.x_bits[i];
        for (size_t i = 0; i < tile.y_bits.size(); i++)
            inside |= (ys >> i & 1) << tile.y_bits[i];
        int64_t number = row * (pitch / tile.width) + column;
        return (addr & ~UINT64_C(0xfff)) + uint64_t(number * tile.width * tile.height + inside);
    }
};

struct Setup {
    std::vector<uint32_t> dwords; // of the last XY_SETUP_BLT or XY_SETUP_MONO_PATTERN_SL_BLT
    uint32_t clip_first = 0, clip_last = 0;
};

class Blitter {
  public:
    Setup setup;
    uint32_t swctrl = 0;

    // Draws into after what the command makes of before.
    void run(Memory &before, Memory &after, const std::vector<uint32_t> &d)
    {
        unsigned op = field(d[0], 28, 22);
        if (op == 0x01 || op == 0x11) {
            setup.dwords = d;
            setup.clip_first = d[2];
            setup.clip_last = d[3];
            return;
        }
        if (op == 0x03) {
            setup.clip_first = d[1];
            setup.clip_last = d[2];
            return;
        }
        bool with_setup = op >= 0x24 && op <= 0x31;
        bool fast = op == 0x42, plain = op == 0x40 || op == 0x43;
        uint32_t br00 = with_setup ? setup.dwords[0] : d[0], br13 = with_setup ? setup.dwords[1] : d[1];
        unsigned depth = fast ? field(br13, 26, 24) : field(br13, 25, 24);
        const unsigned fast_cpp[] = {1, 2, 0, 4, 8, 16}, cpps[] = {1, 2, 2, 4};
        unsigned cpp = fast ? fast_cpp[depth] : cpps[depth];
        unsigned rop = fast ? 0xcc : field(br13, 23, 16);
        bool whole = fast || cpp != 4;
        bool rgb = whole || field(br00, 20, 20), alpha = whole || field(br00, 21, 21);

        int x1, y1, x2, y2;
        if (plain) {
            x1 = y1 = 0;
            x2 = int(field(d[2], 15, 0) / cpp);
            y2 = int(field(d[2], 31, 16));
        } else {
            const uint32_t first = d[with_setup ? 1 : 2];
            x1 = int16_t(first);
            y1 = int16_t(first >> 16);
            if (op == 0x24) {
                x2 = x1 + 1;
                y2 = y1 + 1;
            } else {
                const uint32_t last = d[with_setup ? 2 : 3];
                x2 = int16_t(last);
                y2 = int16_t(last >> 16);
            }
        }
        bool clipped = !fast && !plain && field(br13, 30, 30);

        Surface dst, src;
        dst.cpp = src.cpp = cpp;
        dst.pitch = int16_t(br13);
        unsigned addr_at = plain ? 3 : 4;
        dst.addr = with_setup ? address(setup.dwords, 4) : address(d, addr_at);
        if (fast)
            dst.kind = fast_kind(field(d[0], 14, 13), field(d[1], 30, 30));
        else if (!plain && field(d[0], 11, 11))
            dst.kind = swctrl & 2 ? 'Y' : 'X';
        if (dst.kind != 'L')
            dst.pitch *= 4;

        std::function<uint32_t(int, int, bool &)> source = [](int, int, bool &) { return 0u; }, pattern = source;
        std::function<uint64_t(int, int, unsigned)> wide; // address of a source byte, for copies of any depth
        auto pixel = [&](const std::function<uint64_t(unsigned)> &at) {
            uint32_t value = 0;
            for (unsigned b = 0; b < cpp && b < 4; b++)
                value |= uint32_t(before.byte(at(b))) << 8 * b;
            return value;
        };
        auto color_source = [&](unsigned corner, unsigned pitch, unsigned addr) {
            int sx = plain ? 0 : int16_t(d[corner]), sy = plain ? 0 : int16_t(d[corner] >> 16);
            src.pitch = int16_t(d[pitch]);
            src.addr = address(d, addr);
            if (fast)
                src.kind = fast_kind(field(d[0], 21, 20), field(d[1], 31, 31));
            else if (!plain && field(d[0], 15, 15))
                src.kind = swctrl & 1 ? 'Y' : 'X';
            if (src.kind != 'L')
                src.pitch *= 4;
            wide = [=](int x, int y, unsigned b) { return src.at(sx + x - x1, sy + y - y1, b); };
            source = [&](int x, int y, bool &) { return pixel([&](unsigned b) { return wide(x, y, b); }); };
        };
        auto mono_bit = [&](const std::function<uint8_t(uint64_t)> &byte, uint64_t bit) {
            return byte(bit / 8) >> (7 - bit % 8) & 1;
        };
        auto mono_source = [&](std::function<uint8_t(uint64_t)> byte, uint32_t bg, uint32_t fg, bool text) {
            uint64_t start = text ? 0 : field(d[0], 19, 17), width = uint64_t(x2 - x1), stride;
            if (text)
                stride = field(d[0], 16, 16) ? (width + 7) / 8 * 8 : width;
            else
                stride = (start + width + 15) / 16 * 16;
            bool see_through = field(br13, 29, 29);
            source = [=](int x, int y, bool &write) {
                int set = mono_bit(byte, uint64_t(y - y1) * stride + start + uint64_t(x - x1));
                if (!set && see_through)
                    write = false;
                return set ? fg : bg;
            };
        };
        auto in_memory = [&](uint64_t addr) { return [&before, addr](uint64_t i) { return before.byte(addr + i); }; };
        auto in_command = [&](unsigned dword) { return [&d, dword](uint64_t i) { return uint8_t(d[dword + i / 4] >> 8 * (i % 4)); }; };
        auto solid = [&](uint32_t color) { pattern = [=](int, int, bool &) { return color; }; };
        auto color_pattern = [&](std::function<uint8_t(uint64_t)> byte) {
            unsigned px = field(d[0], 14, 12), py = field(d[0], 10, 8);
            pattern = [=](int x, int y, bool &) {
                unsigned column = (px + unsigned(x - x1)) % 8, row = (py + unsigned(y - y1)) % 8;
                uint32_t value = 0;
                for (unsigned b = 0; b < cpp; b++)
                    value |= uint32_t(byte((row * 8 + column) * cpp + b)) << 8 * b;
                return value;
            };
        };
        auto mono_pattern = [&](uint32_t bg, uint32_t fg, std::vector<uint8_t> rows) {
            if (field(br13, 31, 31))
                return solid(bg);
            unsigned px = field(d[0], 14, 12), py = field(d[0], 10, 8);
            bool see_through = field(br13, 28, 28);
            pattern = [=](int x, int y, bool &write) {
                unsigned column = unsigned(x + 32768 + int(px)) % 8, row = unsigned(y + 32768 + int(py)) % 8;
                bool set = rows[row] >> (7 - column) & 1;
                if (!set && see_through)
                    write = false;
                return set ? fg : bg;
            };
        };
        auto rows_of = [](uint32_t a, uint32_t b) {
            std::vector<uint8_t> rows;
            for (int i = 0; i < 8; i++)
                rows.push_back(uint8_t((i < 4 ? a : b) >> 8 * (i % 4)));
            return rows;
        };
        unsigned chroma = 0;
        uint32_t low = 0, high = 0;
        auto key = [&](unsigned at) {
            chroma = field(d[0], 19, 17);
            low = d[at];
            high = d[at + 1];
        };

        switch (op) {
        case 0x24: solid(setup.dwords[7]); break;
        case 0x25:
            if (field(setup.dwords[0], 28, 22) == 0x11)
                mono_pattern(setup.dwords[6], setup.dwords[7], rows_of(setup.dwords[8], setup.dwords[9]));
            else
                color_pattern(in_memory(address(setup.dwords, 8)));
            break;
        case 0x26: mono_source(in_memory(address(d, 3)), setup.dwords[6], setup.dwords[7], true); break;
        case 0x31: mono_source(in_command(3), setup.dwords[6], setup.dwords[7], true); break;
        case 0x40: solid(d[5]); break;
        case 0x42: color_source(6, 7, 8); break;
        case 0x43: color_source(0, 5, 6); break;
        case 0x50: solid(d[6]); break;
        case 0x51: color_pattern(in_memory(address(d, 6))); break;
        case 0x52: mono_pattern(d[6], d[7], rows_of(d[8], d[9])); break;
        case 0x53: color_source(6, 7, 8); break;
        case 0x54: mono_source(in_memory(address(d, 6)), d[8], d[9], false); break;
        case 0x55: color_source(6, 7, 8); color_pattern(in_memory(address(d, 10))); break;
        case 0x56: mono_source(in_memory(address(d, 6)), d[8], d[9], false); color_pattern(in_memory(address(d, 10))); break;
        case 0x57: color_source(6, 7, 8); mono_pattern(d[10], d[11], rows_of(d[12], d[13])); break;
        case 0x58:
            mono_source(in_memory(address(d, 6)), d[8], d[9], false);
            mono_pattern(d[10], d[11], rows_of(d[12], d[13]));
            break;
        case 0x71: mono_source(in_command(8), d[6], d[7], false); break;
        case 0x72: color_pattern(in_command(6)); break;
        case 0x73: color_source(6, 7, 8); key(10); break;
        case 0x74: color_source(6, 7, 8); color_pattern(in_command(10)); break;
        case 0x75: mono_source(in_memory(address(d, 6)), d[8], d[9], false); color_pattern(in_command(10)); break;
        case 0x76: color_pattern(in_memory(address(d, 6))); key(8); break;
        case 0x77: color_pattern(in_command(8)); key(6); break;
        default: throw std::string("the reference does not know this opcode");
        }

        for (int y = y1; y < y2; y++) {
            for (int x = x1; x < x2; x++) {
                if (clipped && (x < int(field(setup.clip_first, 14, 0)) || y < int(field(setup.clip_first, 30, 16)) ||
                                x >= int(field(setup.clip_last, 14, 0)) || y >= int(field(setup.clip_last, 30, 16))))
                    continue;
                if (fast) {
                    for (unsigned b = 0; b < cpp; b++)
                        after.byte(dst.at(x, y, b)) = before.byte(wide(x, y, b));
                    continue;
                }
                bool write = true;
                uint32_t s = source(x, y, write), p = pattern(x, y, write);
                uint32_t old = pixel([&](unsigned b) { return dst.at(x, y, b); }), result = 0;
                for (unsigned bit = 0; bit < 8 * cpp; bit++) {
                    unsigned index = (p >> bit & 1) * 4 + (s >> bit & 1) * 2 + (old >> bit & 1);
                    result |= uint32_t(rop >> index & 1) << bit;
                }
                if (chroma & 1 && (chroma & 4 || wide)) {
                    bool inside = within(chroma & 4 ? old : s, low, high, depth, chroma & 2);
                    if (inside != !!(chroma & 4))
                        write = false;
                }
                for (unsigned b = 0; b < cpp && write; b++) {
                    if (b == 3 ? alpha : rgb)
                        after.byte(dst.at(x, y, b)) = uint8_t(result >> 8 * b);
                }
            }
        }
    }

  private:
    static uint32_t field(uint32_t value, unsigned high, unsigned low)
    {
        return uint32_t(uint64_t(value) >> low & ((UINT64_C(1) << (high - low + 1)) - 1));
    }
    static uint64_t address(const std::vector<uint32_t> &d, unsigned at)
    {
        return d[at] | uint64_t(d[at + 1] & 0xffff) << 32;
    }
    static char fast_kind(unsigned mode, bool f) { return mode == 2 && f ? 'F' : "LXYS"[mode]; }
    static bool within(uint32_t value, uint32_t low, uint32_t high, unsigned depth, bool with_alpha)
    {
        const char *layouts[] = {"rrrrrrrr", "rrrrrggggggbbbbb", "arrrrrgggggbbbbb", "aaaaaaaarrrrrrrrggggggggbbbbbbbb"};
        std::string layout = layouts[depth];
        for (char c : std::string(with_alpha ? "argb" : "rgb")) {
            uint32_t v = 0, l = 0, h = 0;
            for (size_t i = 0; i < layout.size(); i++) {
                unsigned bit = unsigned(layout.size() - 1 - i);
                if (layout[i] != c)
                    continue;
                v = v << 1 | (value >> bit & 1);
                l = l << 1 | (low >> bit & 1);
                h = h << 1 | (high >> bit & 1);
            }
            if (v < l || v > h)
                return false;
        }
        return true;
    }
};

} // namespace blit_reference

#endif
