// SPDX-License-Identifier: GPL-2.0-or-later
// Scan-out against pictures computed here, by formulas of their own: formats, tilings, rotation, blending, keys, scalers, cursor, and
// registers that a hostile guest wrote.
#include <cmath>
#include <functional>
#include <random>

#include "display_fixture.h"

namespace {

constexpr uint32_t kEnable = 1u << 31;
constexpr uint32_t kC8 = 12u << 24, k565 = 14u << 24, kXrgb = 4u << 24, k2101010 = 2u << 24, k16f = 6u << 24, kXyuv = 8u << 24, kYuv422 = 0;
constexpr uint32_t kRgbx = 1 << 20, kBt709 = 1 << 18, kFullRange = 1 << 28;
enum Tile { kLinear = 0, kX = 1, kY = 4, kYf = 5 };
constexpr uint64_t kBase = 0x100000;

// Where byte x of line y lies. Stride in tiles (or bytes when linear).
uint64_t Place(Tile tile, unsigned bytes_per_pixel, unsigned stride, unsigned x, unsigned y)
{
    switch (tile) {
    case kX:
        return (uint64_t(y / 8) * stride + x / 512) * 4096 + y % 8 * 512 + x % 512;
    case kY:
        return (uint64_t(y / 32) * stride + x / 128) * 4096 + x % 128 / 16 * 512 + y % 32 * 16 + x % 16;
    case kYf: {
        // The bits of the address, lowest first: which coordinate each is from (Mesa isl, gmmlib). 8: 64x64, 16/32: 128x32, 64: 256x16.
        const char *bits = bytes_per_pixel == 1 ? "xxxxyyyyyxyx" : bytes_per_pixel <= 4 ? "xxxxyyyxyxyx" : "xxxxyyxxyxyx";
        unsigned width = bytes_per_pixel == 1 ? 64 : bytes_per_pixel <= 4 ? 128 : 256, height = 4096 / width;
        unsigned xi = x % width, yi = y % height, in = 0;
        for (unsigned i = 0; i < 12; i++) {
            unsigned &from = bits[i] == 'x' ? xi : yi;
            in |= (from & 1) << i;
            from >>= 1;
        }
        return (uint64_t(y / height) * stride + x / width) * 4096 + in;
    }
    default:
        return uint64_t(y) * stride + x;
    }
}

uint32_t Argb(unsigned a, unsigned r, unsigned g, unsigned b) { return a << 24 | r << 16 | g << 8 | b; }

int Channel(uint32_t p, int shift) { return p >> shift & 0xff; }

class DisplayScanout : public DisplayFixture {
protected:
    static constexpr unsigned kWidth = 200, kHeight = 100;

    void SetUp() override
    {
        DisplayFixture::SetUp();
        SetSize(kWidth, kHeight);
        EnablePipe();
    }

    struct PlaneSetup {
        uint32_t ctl = kXrgb;
        unsigned stride = 0; // register
        unsigned x = 0, y = 0, width = kWidth, height = kHeight, offset_x = 0, offset_y = 0;
        uint64_t surface = kBase;
        uint32_t keyval = 0, keymsk = 0, keymax = 0;
    };
    void Plane(unsigned plane, const PlaneSetup &p, unsigned pipe = 0)
    {
        uint32_t at = plane * 0x100 + pipe * 0x1000;
        Write(R_PLANE_STRIDE_1 + at, p.stride);
        Write(R_PLANE_POS_1 + at, p.y << 16 | p.x);
        Write(R_PLANE_SIZE_1 + at, (p.height - 1) << 16 | (p.width - 1));
        Write(R_PLANE_OFFSET_1 + at, p.offset_y << 16 | p.offset_x);
        Write(R_PLANE_KEYVAL_1 + at, p.keyval);
        Write(R_PLANE_KEYMSK_1 + at, p.keymsk);
        Write(R_PLANE_KEYMAX_1 + at, p.keymax);
        Write(R_PLANE_CTL_1 + at, kEnable | p.ctl);
        Write(R_PLANE_SURF_1 + at, uint32_t(p.surface));
        Advance(kSecond / 20);
    }
    void PlaneOff(unsigned plane)
    {
        Write(R_PLANE_CTL_1 + plane * 0x100, 0);
        Write(R_PLANE_SURF_1 + plane * 0x100, 0);
        Advance(kSecond / 20);
    }
    // Stores pixel values (low bytes first) at their places.
    template <typename T>
    void Fill(Tile tile, unsigned stride, unsigned width, unsigned height, const std::function<T(unsigned, unsigned)> &value, uint64_t base = kBase)
    {
        for (unsigned y = 0; y < height; y++) {
            for (unsigned x = 0; x < width; x++) {
                T v = value(x, y);
                uint8_t bytes[sizeof(T)];
                memcpy(bytes, &v, sizeof(T));
                for (unsigned i = 0; i < sizeof(T); i++)
                    Memory()[base + Place(tile, sizeof(T), stride, x * sizeof(T) + i, y)] = bytes[i];
            }
        }
    }
    static uint32_t Pattern(unsigned x, unsigned y) { return (x * 2654435761u ^ y * 40503u * 65537u) ^ (x * y); }

    void Expect(const std::function<uint32_t(unsigned, unsigned)> &expected, int tolerance = 0)
    {
        Image image = Render();
        ASSERT_TRUE(image) << last_error_;
        unsigned wrong = 0;
        for (unsigned y = 0; y < image->height; y++) {
            for (unsigned x = 0; x < image->width; x++) {
                uint32_t is = image->pixels[y * image->width + x], should = expected(x, y);
                bool good = is >> 24 == 0xff;
                for (int shift = 0; shift < 24; shift += 8)
                    good &= std::abs(Channel(is, shift) - Channel(should, shift)) <= tolerance;
                if (!good && wrong++ < 3)
                    ADD_FAILURE() << "pixel " << x << "," << y << " is " << std::hex << is << ", not " << should;
            }
        }
        EXPECT_EQ(0u, wrong);
    }
    static unsigned TileStride(Tile tile, unsigned bytes_per_pixel, unsigned width)
    {
        unsigned tile_width = tile == kX ? 512 : tile == kY ? 128 : bytes_per_pixel == 1 ? 64 : bytes_per_pixel <= 4 ? 128 : 256;
        return (width * bytes_per_pixel + tile_width - 1) / tile_width + 1;
    }
};

TEST_F(DisplayScanout, PipeOffIsAnError)
{
    Write(R_PIPECONF, 0);
    EXPECT_FALSE(Render());
    EXPECT_NE(std::string::npos, last_error_.find("no pipe is on"));
    EXPECT_NE(std::string::npos, Describe().find("nothing is shown"));
}

TEST_F(DisplayScanout, BackgroundWithoutPlanes)
{
    Write(R_PIPE_BOTTOM_COLOR, 0x3ff << 20 | 0x200 << 10 | 0x004);
    Expect([](unsigned, unsigned) { return 0xffff8001; });
    EXPECT_NE(std::string::npos, Describe().find("no plane is on"));
}

TEST_F(DisplayScanout, EveryTiling)
{
    for (Tile tile : {kLinear, kX, kY, kYf}) {
        unsigned stride = tile == kLinear ? 1024 : TileStride(tile, 4, kWidth);
        Fill<uint32_t>(tile, stride, kWidth, kHeight, Pattern);
        PlaneSetup p;
        p.ctl = kXrgb | tile << 10;
        p.stride = tile == kLinear ? 1024 / 64 : stride;
        Plane(0, p);
        SCOPED_TRACE(Describe());
        Expect([](unsigned x, unsigned y) { return Pattern(x, y); });
    }
}

TEST_F(DisplayScanout, OffsetsIntoEveryTilingAndSize)
{
    // The source rectangle begins inside of a tile, in both directions; one, two, four and eight bytes a pixel.
    for (Tile tile : {kLinear, kX, kY, kYf}) {
        PlaneSetup p;
        p.offset_x = 37, p.offset_y = 41;
        unsigned stride = tile == kLinear ? 2048 : TileStride(tile, 8, kWidth + 64);
        p.stride = tile == kLinear ? 2048 / 64 : stride;
        auto value = [](unsigned x, unsigned y) { return Pattern(x, y); };

        Fill<uint32_t>(tile, stride, kWidth + 37, kHeight + 41, value);
        p.ctl = kXrgb | tile << 10;
        Plane(0, p);
        Expect([&](unsigned x, unsigned y) { return value(x + 37, y + 41); });

        for (unsigned i = 0; i < 256; i++)
            Write(R_LGC_PALETTE + 4 * i, Pattern(i, 7) & 0xffffff);
        Fill<uint8_t>(tile, stride, kWidth + 37, kHeight + 41, [&](unsigned x, unsigned y) { return uint8_t(value(x, y)); });
        p.ctl = kC8 | tile << 10;
        Plane(0, p);
        Expect([&](unsigned x, unsigned y) { return Pattern(value(x + 37, y + 41) & 0xff, 7); });

        Fill<uint16_t>(tile, stride, kWidth + 37, kHeight + 41, [&](unsigned x, unsigned y) { return uint16_t(value(x, y)); });
        p.ctl = k565 | tile << 10;
        Plane(0, p);
        Expect([&](unsigned x, unsigned y) {
            unsigned v = value(x + 37, y + 41) & 0xffff;
            return Argb(255, unsigned(std::lround((v >> 11) * 255 / 31.0)), unsigned(std::lround((v >> 5 & 63) * 255 / 63.0)),
                        unsigned(std::lround((v & 31) * 255 / 31.0)));
        }, 1);

        if (tile == kX)
            continue; // 200 pixels of eight bytes
        Fill<uint64_t>(tile, stride, kWidth + 37, kHeight + 41, [&](unsigned x, unsigned y) { return uint64_t(0x3c00) << (x + y) % 3 * 16; });
        p.ctl = k16f | tile << 10;
        Plane(0, p);
        Expect([&](unsigned x, unsigned y) { return Argb(255, 0, 0, 0) | 0xffu << (x + 37 + y + 41) % 3 * 8; });
    }
}

TEST_F(DisplayScanout, ThirtyTwoBitFormats)
{
    PlaneSetup p;
    p.stride = 1024 / 64;
    Fill<uint32_t>(kLinear, 1024, kWidth, kHeight, Pattern);
    p.ctl = kXrgb | kRgbx;
    Plane(0, p);
    Expect([](unsigned x, unsigned y) {
        uint32_t v = Pattern(x, y);
        return Argb(255, v & 255, v >> 8 & 255, v >> 16 & 255);
    });
    p.ctl = k2101010;
    Plane(0, p);
    Expect([](unsigned x, unsigned y) {
        uint32_t v = Pattern(x, y);
        return Argb(255, (v >> 20 & 1023) / 4, (v >> 10 & 1023) / 4, (v & 1023) / 4);
    });
    p.ctl = k2101010 | kRgbx;
    Plane(0, p);
    Expect([](unsigned x, unsigned y) {
        uint32_t v = Pattern(x, y);
        return Argb(255, (v & 1023) / 4, (v >> 10 & 1023) / 4, (v >> 20 & 1023) / 4);
    });
}

TEST_F(DisplayScanout, HalfFloats)
{
    // Value of a half float by the definition.
    auto half = [](uint16_t h) {
        int exponent = h >> 10 & 31;
        double m = (h & 1023) / 1024.0, v = exponent ? std::ldexp(1 + m, exponent - 15) : std::ldexp(m, -14);
        if (exponent == 31)
            return m != 0 ? 0.0 : (h >> 15 ? 0.0 : 1.0);
        return std::clamp(h >> 15 ? -v : v, 0.0, 1.0);
    };
    auto value = [](unsigned x, unsigned y) { return uint16_t((y * kWidth + x) * 5); };
    Fill<uint64_t>(kLinear, 2048, kWidth, kHeight, [&](unsigned x, unsigned y) {
        uint16_t v = value(x, y);
        return uint64_t(0x3c00) << 48 | uint64_t(v) << 32 | uint64_t(uint16_t(v ^ 0x8000)) << 16 | uint16_t(v + 0x1111);
    });
    auto expected = [&](bool bgr) {
        return [&, bgr](unsigned x, unsigned y) {
            uint16_t v = value(x, y);
            unsigned high = unsigned(std::lround(half(v) * 255)), mid = unsigned(std::lround(half(v ^ 0x8000) * 255)),
                     low = unsigned(std::lround(half(uint16_t(v + 0x1111)) * 255));
            return bgr ? Argb(255, low, mid, high) : Argb(255, high, mid, low);
        };
    };
    PlaneSetup p;
    p.stride = 2048 / 64;
    p.ctl = k16f;
    Plane(0, p);
    Expect(expected(false));
    p.ctl = k16f | kRgbx;
    Plane(0, p);
    Expect(expected(true));
}

TEST_F(DisplayScanout, PackedYuv)
{
    auto y_of = [](unsigned x, unsigned y) { return uint8_t(Pattern(x, y)); };
    auto u_of = [](unsigned x, unsigned y) { return uint8_t(Pattern(x / 2, y + 500)); };
    auto v_of = [](unsigned x, unsigned y) { return uint8_t(Pattern(x / 2, y + 900)); };
    static const char *const orders[4] = {"YUYV", "UYVY", "YVYU", "VYUY"};
    auto rgb = [](double y, double u, double v, bool bt709, bool full) {
        double kr = bt709 ? 0.2126 : 0.299, kb = bt709 ? 0.0722 : 0.114, kg = 1 - kr - kb;
        y = full ? y / 255 : (y - 16) / 219;
        u = (u - 128) / (full ? 255 : 224);
        v = (v - 128) / (full ? 255 : 224);
        auto to8 = [](double c) { return unsigned(std::lround(std::clamp(c, 0.0, 1.0) * 255)); };
        return Argb(255, to8(y + 2 * (1 - kr) * v), to8(y - 2 * (1 - kb) * kb / kg * u - 2 * (1 - kr) * kr / kg * v), to8(y + 2 * (1 - kb) * u));
    };

    for (uint32_t order = 0; order < 4; order++) {
        for (unsigned offset : {0u, 3u}) {
            bool bt709 = order & 1, full = order & 2;
            const char *const name = orders[order];
            Fill<uint16_t>(kLinear, 1024, kWidth + 8, kHeight, [&](unsigned x, unsigned y) {
                unsigned value = 0;
                for (unsigned i = 0; i < 2; i++) {
                    char c = name[x % 2 * 2 + i];
                    value |= unsigned(c == 'Y' ? y_of(x, y) : c == 'U' ? u_of(x, y) : v_of(x, y)) << 8 * i;
                }
                return uint16_t(value);
            });
            PlaneSetup p;
            p.stride = 1024 / 64;
            p.ctl = kYuv422 | order << 16 | (bt709 ? kBt709 : 0) | (full ? kFullRange : 0);
            p.offset_x = offset;
            Plane(0, p);
            SCOPED_TRACE(Describe());
            Expect([&](unsigned x, unsigned y) { return rgb(y_of(x + offset, y), u_of(x + offset, y), v_of(x + offset, y), bt709, full); }, 1);
            EXPECT_NE(std::string::npos, Describe().find(name));
        }
    }
    // 4:4:4: Cr, Cb, Y from the lowest byte on.
    Fill<uint32_t>(kLinear, 1024, kWidth, kHeight, Pattern);
    PlaneSetup p;
    p.stride = 1024 / 64;
    p.ctl = kXyuv;
    Plane(0, p);
    Expect([&](unsigned x, unsigned y) {
        uint32_t v = Pattern(x, y);
        return rgb(v >> 16 & 255, v >> 8 & 255, v & 255, false, false);
    }, 1);
}

TEST_F(DisplayScanout, PositionsAndZOrder)
{
    Fill<uint32_t>(kLinear, 1024, 64, 64, [](unsigned, unsigned) { return 0x00110000; });
    Fill<uint32_t>(kLinear, 1024, 64, 64, [](unsigned, unsigned) { return 0x00002200; }, kBase + 0x100000);
    Write(R_PIPE_BOTTOM_COLOR, 0x0c);
    PlaneSetup p;
    p.stride = 16, p.width = p.height = 50;
    p.x = 30, p.y = 20;
    Plane(0, p);
    p.surface = kBase + 0x100000;
    p.x = 60, p.y = 50;
    Plane(2, p);
    p.surface = kBase;
    p.x = 180, p.y = 90; // beyond both edges
    Plane(3, p);
    Expect([](unsigned x, unsigned y) {
        if (x >= 180 && y >= 90)
            return 0xff110000;
        if (x >= 60 && x < 110 && y >= 50)
            return 0xff002200;
        if (x >= 30 && x < 80 && y >= 20 && y < 70)
            return 0xff110000;
        return 0xff000003;
    });
    PlaneOff(2);
    EXPECT_EQ(std::string::npos, Describe().find("plane 3:"));
    EXPECT_NE(std::string::npos, Describe().find("plane 4: 50x50 XRGB8888, linear, stride 1024 bytes, surface 0x00100000, at 180,90"));
}

TEST_F(DisplayScanout, Rotation)
{
    Fill<uint32_t>(kLinear, 1024, kWidth, kHeight, Pattern);
    PlaneSetup p;
    p.stride = 16;
    p.width = 60, p.height = 40, p.offset_x = 10, p.offset_y = 5;
    p.ctl = kXrgb | 2;
    Plane(0, p);
    Expect([](unsigned x, unsigned y) { return x < 60 && y < 40 ? Pattern(10 + 59 - x, 5 + 39 - y) : 0u; });

    // A surface of 128x64 pixels (4x2 blocks of 32x32) that the driver maps turned: view blocks go down the columns, from the bottom.
    constexpr unsigned kW = 128, kH = 64;
    auto &memory = Memory();
    for (Tile tile : {kY, kYf}) {
        for (unsigned y = 0; y < kH; y++) {
            for (unsigned x = 0; x < kW; x++) {
                uint32_t v = Pattern(x, y);
                unsigned view_row = x / 32, view_column = (kH / 32 - 1) - y / 32, in = 0;
                for (unsigned i = 0; i < 4; i++) {
                    in = unsigned(Place(tile, 4, 1, x % 32 * 4 + i, y % 32));
                    memory[kBase + (view_row * (kH / 32) + view_column) * 4096 + in] = uint8_t(v >> 8 * i);
                }
            }
        }
        p.stride = kH / 32;
        p.offset_x = 7, p.offset_y = 9;
        p.width = 50, p.height = 90; // of the turned picture, which is 64x128
        p.ctl = kXrgb | tile << 10 | 1;
        Plane(0, p);
        SCOPED_TRACE(Describe());
        // Clockwise: (x, y) of the result comes from (y, height - 1 - x).
        Expect([](unsigned x, unsigned y) { return x < 50 && y < 90 ? Pattern(y + 9, kH - 1 - (x + 7)) : 0u; });
        p.ctl = kXrgb | tile << 10 | 3;
        Plane(0, p);
        Expect([](unsigned x, unsigned y) { return x < 50 && y < 90 ? Pattern(89 - y + 9, kH - 1 - (49 - x + 7)) : 0u; });
    }
    p.ctl = kXrgb | 1 << 10 | 1;
    Plane(0, p);
    EXPECT_NE(std::string::npos, Describe().find("NOT SHOWN")) << "X tiles do not turn";
    Expect([](unsigned, unsigned) { return 0u; });
}

TEST_F(DisplayScanout, AlphaBlending)
{
    auto below = [](unsigned x, unsigned y) { return 0xff000000 | Pattern(x, y); };
    auto above = [](unsigned x, unsigned y) {
        unsigned a = (x * 3) & 255; // premultiplied: no colour exceeds its alpha
        return Argb(a, a * (y & 255) / 255, a * (x & 255) / 255, a / 2);
    };
    Fill<uint32_t>(kLinear, 1024, kWidth, kHeight, below);
    Fill<uint32_t>(kLinear, 1024, kWidth, kHeight, above, kBase + 0x100000);
    PlaneSetup p;
    p.stride = 16;
    Plane(0, p);
    p.surface = kBase + 0x100000;
    auto mix = [](uint32_t s, uint32_t d, bool straight, double constant) {
        uint32_t out = 0xff000000;
        double a = (s >> 24) / 255.0;
        for (int shift = 0; shift < 24; shift += 8) {
            double c = Channel(s, shift) * (straight ? a : 1.0) * constant + Channel(d, shift) * (1 - a * constant);
            out |= uint32_t(std::lround(std::min(c, 255.0))) << shift;
        }
        return out;
    };
    for (bool straight : {false, true}) {
        for (unsigned constant : {255u, 128u, 0u}) {
            p.ctl = kXrgb | (straight ? 3 : 2) << 4;
            p.keymsk = constant < 255 ? 1u << 31 : 0;
            p.keymax = constant << 24;
            Plane(1, p);
            SCOPED_TRACE(Describe());
            Expect([&](unsigned x, unsigned y) { return mix(above(x, y), below(x, y), straight, constant / 255.0); }, 2);
        }
    }
    p.ctl = kXrgb;
    p.keymsk = 0;
    Plane(1, p);
    Expect(above);
}

TEST_F(DisplayScanout, ColourKeys)
{
    auto below = [](unsigned x, unsigned) { return x % 2 ? 0x00ff00ffu : 0x00203040u; };
    auto above = [](unsigned, unsigned y) { return y % 3 ? 0x00a0b0c0u : 0x00101112u; };
    Fill<uint32_t>(kLinear, 1024, kWidth, kHeight, below);
    Fill<uint32_t>(kLinear, 1024, kWidth, kHeight, above, kBase + 0x100000);
    PlaneSetup p, q;
    p.stride = q.stride = 16;
    q.surface = kBase + 0x100000;
    // Source key: the upper plane's pixels in the range vanish; only red counts, or all.
    Plane(0, p);
    q.ctl = kXrgb | 1 << 21;
    q.keyval = 0x080000, q.keymax = 0x180000, q.keymsk = 4 << 24;
    Plane(1, q);
    Expect([&](unsigned x, unsigned y) { return y % 3 ? above(x, y) : below(x, y); });
    q.keymsk = 7 << 24;
    Plane(1, q);
    Expect(above);
    // Destination key: the upper plane shows only where the lower one has the key.
    q.ctl = kXrgb, q.keymsk = 0;
    Plane(1, q);
    p.ctl = kXrgb | 2 << 21;
    p.keyval = 0xff00ff, p.keymsk = 0xffffff;
    Plane(0, p);
    Expect([&](unsigned x, unsigned y) { return x % 2 ? above(x, y) : below(x, y); });
}

TEST_F(DisplayScanout, PlaneScaler)
{
    // A ramp stays a ramp; nearest or linear filters agree within a step.
    Fill<uint32_t>(kLinear, 1024, 100, 50, [](unsigned x, unsigned y) { return Argb(0, x * 2, y * 4, 77); });
    PlaneSetup p;
    p.stride = 16, p.width = 100, p.height = 50;
    Write(R_PS_CTRL_1, kEnable | 1 << 25);
    Write(R_PS_WIN_POS_1, 0);
    Write(R_PS_WIN_SZ_1, kWidth << 16 | kHeight);
    Plane(0, p);
    Expect([](unsigned x, unsigned y) { return Argb(255, x / 2 * 2, y / 2 * 4, 77); }, 4);
    EXPECT_NE(std::string::npos, Describe().find("scaled to 200x100"));
    // Down, at a place.
    Write(R_PS_WIN_POS_1, 20 << 16 | 10);
    Write(R_PS_WIN_SZ_1, 50 << 16 | 25);
    Advance(kSecond / 20);
    Expect([](unsigned x, unsigned y) {
        bool in = x >= 20 && x < 70 && y >= 10 && y < 35;
        return in ? Argb(255, (x - 20) * 4 + 1, (y - 10) * 8 + 2, 77) : 0u;
    }, 3);
    // The same size: exact.
    Write(R_PS_WIN_POS_1, 5 << 16 | 6);
    Write(R_PS_WIN_SZ_1, 100 << 16 | 50);
    Advance(kSecond / 20);
    Expect([](unsigned x, unsigned y) { return x >= 5 && x < 105 && y >= 6 && y < 56 ? Argb(255, (x - 5) * 2, (y - 6) * 4, 77) : 0u; });
}

TEST_F(DisplayScanout, PipeScaler)
{
    Write(R_TRANS_HTOTAL, 399 | 499 << 16);
    Write(R_TRANS_VTOTAL, 299 | 349 << 16);
    Fill<uint32_t>(kLinear, 1024, kWidth, kHeight, [](unsigned x, unsigned y) { return Argb(0, x, y * 2, 9); });
    PlaneSetup p;
    p.stride = 16;
    Plane(0, p);
    Write(R_PS_CTRL_1, kEnable);
    Write(R_PS_WIN_POS_1, 0 << 16 | 50);
    Write(R_PS_WIN_SZ_1, 400 << 16 | 200);
    Advance(kSecond / 20);
    Image image = Render();
    ASSERT_TRUE(image);
    EXPECT_EQ(400u, image->width);
    EXPECT_EQ(300u, image->height);
    image.reset();
    Expect([](unsigned x, unsigned y) { return y >= 50 && y < 250 ? Argb(255, x / 2, (y - 50) / 2 * 2, 9) : 0u; }, 2);
}

TEST_F(DisplayScanout, CursorBlendsAndClips)
{
    auto below = [](unsigned x, unsigned y) { return 0xff000000 | Pattern(x, y); };
    Fill<uint32_t>(kLinear, 1024, kWidth, kHeight, below);
    PlaneSetup p;
    p.stride = 16;
    Plane(0, p);
    static const struct {
        uint32_t mode;
        int side;
    } modes[] = {{0x27, 64}, {0x22, 128}, {0x23, 256}};
    for (const auto &m : modes) {
        auto shape = [&](int x, int y) {
            unsigned a = unsigned(x * 255 / (m.side - 1));
            return Argb(a, a, a * unsigned(y) / unsigned(m.side), 0);
        };
        Fill<uint32_t>(kLinear, unsigned(m.side) * 4, unsigned(m.side), unsigned(m.side),
                       [&](unsigned x, unsigned y) { return shape(int(x), int(y)); }, kBase + 0x100000);
        for (auto [cx, cy] : {std::pair(30, 20), std::pair(-10, -15), std::pair(190, 90), std::pair(-1000, 5)}) {
            Write(R_CURCNTR, m.mode);
            Write(R_CURPOS, (cy < 0 ? 1u << 31 : 0) | uint32_t(std::abs(cy)) << 16 | (cx < 0 ? 1u << 15 : 0) | uint32_t(std::abs(cx)));
            Write(R_CURBASE, kBase + 0x100000);
            Advance(kSecond / 20);
            SCOPED_TRACE(Describe());
            Expect([&, cx = cx, cy = cy](unsigned x, unsigned y) {
                int sx = int(x) - cx, sy = int(y) - cy;
                uint32_t d = below(x, y), out = 0;
                if (sx < 0 || sy < 0 || sx >= m.side || sy >= m.side)
                    return d;
                uint32_t s = shape(sx, sy);
                for (int shift = 0; shift < 24; shift += 8)
                    out |= uint32_t(std::lround(std::min(255.0, Channel(s, shift) + Channel(d, shift) * (255 - (s >> 24)) / 255.0))) << shift;
                return out;
            }, 1);
        }
    }
}

TEST_F(DisplayScanout, CursorHeightRotationAndOldFormat)
{
    auto shape = [](unsigned x, unsigned y) { return Argb(255, x * 3, y * 3, 1); };
    Fill<uint32_t>(kLinear, 256, 64, 64, shape, kBase + 0x100000);
    Write(R_CURCNTR, 0x27);
    Write(R_CUR_FBC_CTL, kEnable | 19);
    Write(R_CURBASE, kBase + 0x100000);
    Advance(kSecond / 20);
    Expect([&](unsigned x, unsigned y) { return x < 64 && y < 20 ? shape(x, y) : 0u; });
    Write(R_CURCNTR, 0x27 | 1 << 15);
    Write(R_CUR_FBC_CTL, 0);
    Write(R_CURBASE, kBase + 0x100000);
    Advance(kSecond / 20);
    Expect([&](unsigned x, unsigned y) { return x < 64 && y < 64 ? shape(63 - x, 63 - y) : 0u; });
    // AND/INVERT: opaque, see-through, inverted.
    Write(R_PIPE_BOTTOM_COLOR, 0x30f << 20 | 0x0f0 << 10);
    uint32_t background = Argb(255, 0x30f / 4, 0x0f0 / 4, 0);
    Fill<uint32_t>(kLinear, 256, 64, 64, [](unsigned x, unsigned) { return x < 20 ? 0xff123456 : x < 40 ? 0u : 0x00ffffffu; }, kBase + 0x100000);
    Write(R_CURCNTR, 0x07);
    Write(R_CURBASE, kBase + 0x100000);
    Advance(kSecond / 20);
    Expect([&](unsigned x, unsigned y) {
        if (x >= 64 || y >= 64 || (x >= 20 && x < 40))
            return background;
        return x < 20 ? 0xff123456 : background ^ 0xffffff;
    });
    Write(R_CURCNTR, 0x04);
    Write(R_CURBASE, kBase + 0x100000);
    Advance(kSecond / 20);
    EXPECT_NE(std::string::npos, Describe().find("cursor: NOT SHOWN"));
}

TEST_F(DisplayScanout, ShowsThePipeOfTheMonitor)
{
    EXPECT_NE(std::string::npos, Describe().find("pipe A: 200x100 at 60.00 Hz, to no port"));
    Write(R_PIPESRC + 0x1000, 99 << 16 | 49);
    EnablePipe(1);
    Write(R_TRANS_DDI_FUNC_CTL + 0x1000, kEnable | 3 << 28 | 2 << 24);
    EXPECT_NE(std::string::npos, Describe().find("pipe B: 100x50 at 60.00 Hz on port D\n")) << Describe();
    Write(R_TRANS_DDI_FUNC_CTL + 0x1000, kEnable | 1 << 28 | 2 << 24);
    Write(R_PIPECONF, 0);
    EXPECT_NE(std::string::npos, Describe().find("on port B, where no monitor is"));
    Image image = Render();
    ASSERT_TRUE(image);
    EXPECT_EQ(100u, image->width);
    EXPECT_EQ(50u, image->height);
}

TEST_F(DisplayScanout, MissingMemoryIsBlack)
{
    // The last mapped page, and nothing behind it.
    PlaneSetup p;
    p.stride = 16;
    p.surface = kMemory - 4096;
    for (unsigned i = 0; i < 1024; i++)
        Poke<uint32_t>(kMemory - 4096 + 4 * i, 0x00ffffff);
    Plane(0, p);
    Expect([](unsigned, unsigned y) { return y < 4 ? 0x00ffffffu : 0u; });
    p.surface = 0xfffff000; // the top of the address space does not wrap
    Poke<uint32_t>(0, 0x00ffffff);
    Plane(0, p);
    Expect([](unsigned, unsigned) { return 0u; });
}

TEST_F(DisplayScanout, ReadsEveryPageOnce)
{
    PlaneSetup p;
    p.ctl = kXrgb | kX << 10;
    p.stride = 4;
    Plane(0, p);
    reads_ = 0;
    Expect([](unsigned, unsigned) { return 0u; });
    EXPECT_EQ(2u * 13u, reads_) << "200 pixels are two tiles, 100 lines are 13 rows of tiles";
}

// Registers of any value, small pictures: nothing crashes, the picture has the size that was asked for.
TEST_F(DisplayScanout, HostileRegisters)
{
    std::mt19937 random(20261122);
    for (unsigned i = 0; i < 300; i++) {
        for (uint32_t plane = 0; plane < 4; plane++) {
            for (uint32_t reg = 0x80; reg < 0xd0; reg += 4)
                Write(0x70100 + plane * 0x100 + reg, uint32_t(random()));
            if (i % 2) // sizes that could be
                Write(R_PLANE_SIZE_1 + plane * 0x100, uint32_t(random()) & 0x00ff00ff);
            Write(R_PLANE_CTL_1 + plane * 0x100, uint32_t(random()) | kEnable);
            Write(R_PLANE_SURF_1 + plane * 0x100, uint32_t(random()) & 0x03ffffff);
        }
        for (uint32_t reg = 0x70080; reg < 0x700b0; reg += 4)
            Write(reg, uint32_t(random()));
        Write(R_CURBASE, uint32_t(random()) & 0x03ffffff);
        for (uint32_t reg = 0x68160; reg < 0x68200; reg += 4) {
            Write(reg, uint32_t(random()));
            Write(reg + 0x100, uint32_t(random()));
        }
        // Mostly no pipe scaler: its picture is as large as the active area.
        Write(R_PS_CTRL_1, kEnable | (1 + uint32_t(random()) % 4) << 25);
        Write(R_PS_WIN_SZ_1, uint32_t(random()));
        Write(R_TRANS_HTOTAL, uint32_t(random()) & 0xffff00ff);
        Write(R_TRANS_VTOTAL, uint32_t(random()) & 0xffff007f);
        Write(R_PS_CTRL_2, i % 4 ? 0 : kEnable);
        Write(R_PS_WIN_SZ_2, uint32_t(random()));
        unsigned width = 1 + uint32_t(random()) % 150, height = 1 + uint32_t(random()) % 60;
        SetSize(width, height);
        Advance(kSecond);
        Image image = Render();
        ASSERT_TRUE(image);
        if (i % 4) {
            EXPECT_EQ(width, image->width);
            EXPECT_EQ(height, image->height);
        }
        EXPECT_EQ(0xffu, image->pixels[0] >> 24);
        EXPECT_FALSE(Describe().empty());
    }
}

TEST_F(DisplayScanout, TheLargestPicture)
{
    Write(R_PIPESRC, 0xffffffff);
    PlaneSetup p;
    p.stride = 1023, p.width = 8192, p.height = 4096, p.offset_x = 8191, p.offset_y = 8191;
    p.surface = 0xfffff000;
    p.ctl = k16f | kY << 10;
    Plane(0, p);
    Image image = Render();
    ASSERT_TRUE(image);
    EXPECT_EQ(unsigned(SCANOUT_MAX_WIDTH), image->width);
    EXPECT_EQ(unsigned(SCANOUT_MAX_HEIGHT), image->height);
}

// Every register of the display gets any value; time goes on.
TEST_F(DisplayScanout, HostileWritesEverywhere)
{
    std::mt19937 random(7);
    unsigned rows;
    const reg_desc *table = reg_table(&rows);
    std::vector<uint32_t> offsets;
    for (unsigned i = 0; i < rows; i++) {
        if (table[i].cls == REG_DISPLAY || table[i].cls == REG_GMBUS || table[i].cls == REG_AUX) {
            for (unsigned j = 0; j < table[i].count; j++)
                offsets.push_back(table[i].offset + j * table[i].stride);
        }
    }
    ASSERT_GT(offsets.size(), 1000u);
    Unmask(IRQ_PIPE_A, 0xffffffff);
    for (unsigned i = 0; i < 200000; i++) {
        uint32_t offset = offsets[random() % offsets.size()];
        if (random() % 4)
            Write(offset, uint32_t(random()));
        else
            Read(offset);
        now_ += random() % 1000000;
        if (i % 64 == 0) {
            uint64_t next = display_next_event_ns(display_);
            EXPECT_TRUE(next == UINT64_MAX || next > 0);
            display_tick(display_, now_);
        }
    }
    for (uint32_t offset = 0; offset < MMIO_SIZE; offset += 4) {
        Write(offset, 0xffffffff);
        Read(offset);
    }
    SetSize(8, 8);
    for (uint32_t scaler : {R_PS_CTRL_1, R_PS_CTRL_2}) {
        for (uint32_t pipe = 0; pipe < 3; pipe++) {
            Write(scaler + pipe * 0x800, 0);
            Write(scaler + pipe * 0x800 - 0xc, 0);
        }
    }
    Advance(2 * kSecond);
    Render();
    Describe();
}

}  // namespace
