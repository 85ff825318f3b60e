// SPDX-License-Identifier: GPL-2.0-or-later
// Pipe gamma and colour space conversion, against formulas in floating point.
#include <array>
#include <cmath>
#include <functional>

#include "display_fixture.h"

namespace {

constexpr uint32_t kEnable = 1u << 31, kXrgb = 4u << 24, kGamma = 1u << 30, kCsc = 1u << 23;
constexpr uint32_t k8Bit = 0, k10Bit = 1, kSplit = 3, kCscFirst = 2, kOne = 0x7800;
constexpr unsigned kWidth = 256, kHeight = 16;

using Color = std::array<double, 3>; // 0 .. 1
using Step = std::function<Color(Color)>;

class DisplayColor : public DisplayFixture {
protected:
    void SetUp() override
    {
        DisplayFixture::SetUp();
        SetSize(kWidth, kHeight);
        EnablePipe();
        for (unsigned y = 0; y < kHeight; y++) {
            for (unsigned x = 0; x < kWidth; x++)
                Poke<uint32_t>(0x10000 + (y * kWidth + x) * 4, Pixel(x, y));
        }
    }
    static uint32_t Pixel(unsigned x, unsigned y) { return x << 16 | (x * 7 + y * 16) % 256 << 8 | (255 - x); }
    void Show(uint32_t flags)
    {
        Write(R_PLANE_STRIDE_1, kWidth * 4 / 64);
        Write(R_PLANE_SIZE_1, (kHeight - 1) << 16 | (kWidth - 1));
        Write(R_PLANE_CTL_1, kEnable | kXrgb | flags);
        Write(R_PLANE_SURF_1, 0x10000);
        Advance(kSecond / 20);
    }
    void Precise(unsigned from, unsigned count, const std::function<double(unsigned, double)> &curve)
    {
        Write(R_PREC_PAL_INDEX, from | 1 << 15);
        for (unsigned i = 0; i < count; i++) {
            uint32_t value = 0;
            for (unsigned channel = 0; channel < 3; channel++)
                value |= uint32_t(std::lround(curve(channel, i / double(count - 1)) * 1023)) << (20 - channel * 10);
            Write(R_PREC_PAL_DATA, value);
        }
        Write(R_PREC_PAL_INDEX, 0);
    }
    void Legacy(const std::function<double(unsigned, double)> &curve)
    {
        for (unsigned i = 0; i < 256; i++) {
            uint32_t value = 0;
            for (unsigned channel = 0; channel < 3; channel++)
                value |= uint32_t(std::lround(curve(channel, i / 255.0) * 255)) << (16 - channel * 8);
            Write(R_LGC_PALETTE + i * 4, value);
        }
    }
    // Nine bits of mantissa below an exponent, as the smallest that holds the value.
    static uint32_t Coefficient(double value)
    {
        static const struct {
            double below;
            unsigned exponent, fraction;
        } ranges[] = {{0.125, 3, 12}, {0.25, 2, 11}, {0.5, 1, 10}, {1, 0, 9}, {2, 7, 8}, {4, 6, 7}};
        double size = std::fabs(value);
        for (const auto &range : ranges) {
            if (size < range.below)
                return (value < 0 ? 0x8000 : 0) | range.exponent << 12 | uint32_t(std::lround(size * (1 << range.fraction))) << 3;
        }
        return 0;
    }
    void Matrix(const double (&m)[3][3], double before = 0, double behind = 0)
    {
        static const uint32_t rows[] = {R_PIPE_CSC_COEFF_RY_GY, R_PIPE_CSC_COEFF_RU_GU, R_PIPE_CSC_COEFF_RV_GV};
        for (unsigned i = 0; i < 3; i++) {
            Write(rows[i], Coefficient(m[i][0]) << 16 | Coefficient(m[i][1]));
            Write(rows[i] + 4, Coefficient(m[i][2]) << 16);
            Write(R_PIPE_CSC_PREOFF_HI + i * 4, uint32_t(std::lround(before * 4096)) & 0x1fff);
            Write(R_PIPE_CSC_POSTOFF_HI + i * 4, uint32_t(std::lround(behind * 4096)) & 0x1fff);
        }
    }
    static Step Multiply(const double (&m)[3][3], double before = 0, double behind = 0)
    {
        std::array<std::array<double, 3>, 3> k;
        for (unsigned i = 0; i < 9; i++)
            k[i / 3][i % 3] = m[i / 3][i % 3];
        return [=](Color in) {
            Color out;
            for (unsigned i = 0; i < 3; i++) {
                out[i] = behind;
                for (unsigned j = 0; j < 3; j++)
                    out[i] += k[i][j] * (in[j] + before);
                out[i] = std::min(1.0, std::max(0.0, out[i]));
            }
            return out;
        };
    }
    static Step Curve(const std::function<double(unsigned, double)> &curve)
    {
        return [=](Color in) {
            return Color{curve(0, in[0]), curve(1, in[1]), curve(2, in[2])};
        };
    }
    void Expect(const std::vector<Step> &steps, double tolerance, bool wire = false, unsigned from = 0, unsigned to = kWidth)
    {
        scanout snapshot;
        display_scanout(display_, now_, &snapshot);
        snapshot.wire = wire;
        Image image(scanout_render(&snapshot, ReadGgtt, this, nullptr));
        ASSERT_TRUE(image);
        unsigned wrong = 0;
        for (unsigned y = 0; y < kHeight; y++) {
            for (unsigned x = from; x < to; x++) {
                uint32_t in = Pixel(x, y), out = image->pixels[y * kWidth + x];
                Color color = {(in >> 16) / 255.0, (in >> 8 & 0xff) / 255.0, (in & 0xff) / 255.0};
                for (const auto &step : steps)
                    color = step(color);
                for (unsigned channel = 0; channel < 3; channel++) {
                    double is = out >> (16 - channel * 8) & 0xff, should = color[channel] * 255;
                    if (std::fabs(is - should) > tolerance && wrong++ < 3)
                        ADD_FAILURE() << "pixel " << x << "," << y << " channel " << channel << " is " << is << ", not " << should;
                }
                if (out >> 24 != 0xff && wrong++ < 3)
                    ADD_FAILURE() << "alpha of " << x << "," << y;
            }
        }
        EXPECT_EQ(wrong, 0u);
    }

    static double Bent(unsigned channel, double v) { return std::pow(v, 1.0 + 0.5 * channel); }
    static double Brighter(unsigned, double v) { return std::pow(v, 0.7); }
};

constexpr double kMixed[3][3] = {{0.5, 0.25, 0.2}, {-0.3, 1.2, 0.1}, {0.05, -0.1, 0.9}};
constexpr double kTelevision[3][3] = {{219 / 255.0, 0, 0}, {0, 219 / 255.0, 0}, {0, 0, 219 / 255.0}};

} // namespace

TEST_F(DisplayColor, OnlyForPlanesThatAskForIt)
{
    Legacy([](unsigned, double v) { return 1 - v; });
    Matrix(kMixed);
    Show(0);
    Expect({}, 0);
    EXPECT_EQ(Describe().find("gamma"), std::string::npos);
    Show(kGamma);
    Expect({[](Color c) { return Color{1 - c[0], 1 - c[1], 1 - c[2]}; }}, 0.01);
    EXPECT_NE(Describe().find("gamma: 8 bit table"), std::string::npos) << Describe();
    Show(kCsc);
    Expect({Multiply(kMixed)}, 1.5);
    EXPECT_NE(Describe().find("matrix"), std::string::npos) << Describe();
}

TEST_F(DisplayColor, GammaTables)
{
    Show(kGamma);
    Legacy(Bent);
    Expect({Curve(Bent)}, 0.51);
    Write(R_GAMMA_MODE, k10Bit);
    Precise(0, 1024, Brighter);
    Expect({Curve(Brighter)}, 1.0);
    Write(R_GAMMA_MODE, kSplit);
    Precise(0, 512, Bent);
    Precise(512, 512, Brighter);
    // Tables of 512 entries: steep where the curve is.
    Expect({Curve(Bent), Curve(Brighter)}, 6.0);
}

TEST_F(DisplayColor, TheTableIsBeforeOrBehindTheMatrix)
{
    Show(kGamma | kCsc);
    Write(R_GAMMA_MODE, k10Bit);
    Precise(0, 1024, Bent);
    Matrix(kMixed);
    Write(R_PIPE_CSC_MODE, 0);
    Expect({Curve(Bent), Multiply(kMixed)}, 2.0);
    Write(R_PIPE_CSC_MODE, kCscFirst);
    Expect({Multiply(kMixed), Curve(Bent)}, 2.0);
    Write(R_GAMMA_MODE, kSplit);
    Precise(0, 512, [](unsigned, double v) { return v * v; });
    Precise(512, 512, [](unsigned, double v) { return v / 2; });
    for (uint32_t mode : {0u, kCscFirst}) {
        Write(R_PIPE_CSC_MODE, mode);
        Expect({Curve([](unsigned, double v) { return v * v; }), Multiply(kMixed), Curve([](unsigned, double v) { return v / 2; })}, 2.0);
    }
}

TEST_F(DisplayColor, EveryExponentAndSign)
{
    Show(kCsc);
    for (double size : {0.06, 0.12, 0.2, 0.4, 0.9, 1.5, 3.0}) {
        for (double sign : {1.0, -1.0}) {
            SCOPED_TRACE(size * sign);
            const double m[3][3] = {{size * sign, 0, 0}, {0, 0.01, size * sign}, {size, 0, sign * size}};
            Matrix(m, 0, sign < 0 ? 0.75 : 0);
            Expect({Multiply(m, 0, sign < 0 ? 0.75 : 0)}, 2.0);
        }
    }
    const double identity[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    EXPECT_EQ(Coefficient(1.0), kOne);
    Matrix(identity);
    Expect({}, 0);
    Matrix(identity, -0.25, 0.125);
    Expect({Multiply(identity, -0.25, 0.125)}, 1.0);
}

// Levels for television: sent so, and shown as they were drawn, to the bit.
TEST_F(DisplayColor, LimitedRangeIsStretchedByTheMonitor)
{
    Show(kCsc);
    Matrix(kTelevision, 0, 257 / 4096.0);
    for (uint32_t at : {R_PIPE_CSC_COEFF_RY_GY, R_PIPE_CSC_COEFF_BV}) // as i915 writes them, 0xdc0
        EXPECT_EQ(Read(at) >> 16 & 0x7ff8, 0xdc0u);
    Expect({Multiply(kTelevision, 0, 16 / 255.0)}, 1.0, true);
    Expect({}, 0);
    // With a table in front of it.
    Show(kCsc | kGamma);
    Legacy(Bent);
    Expect({Curve(Bent)}, 1.0);
}

TEST_F(DisplayColor, YCbCrIsRgbAgainOnTheMonitor)
{
    Show(kCsc);
    Matrix(kMixed);
    Write(R_PIPEMISC, 1 << 11);
    Expect({}, 0);
    Expect({Multiply(kMixed)}, 1.5, true);
}

TEST_F(DisplayColor, TheBackgroundHasItsOwnFlags)
{
    Legacy([](unsigned, double v) { return 1 - v; });
    Show(kGamma);
    Write(R_PLANE_SIZE_1, (kHeight - 1) << 16 | (kWidth / 2 - 1));
    Write(R_PLANE_SURF_1, 0x10000);
    Advance(kSecond / 20);
    for (bool on : {false, true}) {
        Write(R_PIPE_BOTTOM_COLOR, on ? 1u << 31 : 0);
        Expect({[](Color c) { return Color{1 - c[0], 1 - c[1], 1 - c[2]}; }}, 0.01, false, 0, kWidth / 2);
        Image image = Render();
        EXPECT_EQ(image->pixels[kWidth - 1], on ? 0xffffffffu : 0xff000000u);
    }
}

// Any registers: a picture, and nothing read or written beyond the tables (the sanitizers look).
TEST_F(DisplayColor, NonsenseIsShown)
{
    uint32_t seed = 1;
    auto random = [&] { return seed = seed * 1664525 + 1013904223; };
    for (unsigned i = 0; i < 200; i++) {
        Show((random() >> 8 & kGamma) | (random() >> 8 & kCsc));
        for (uint32_t at = R_PIPE_CSC_COEFF_RY_GY; at <= R_PIPE_CSC_POSTOFF_LO; at += 4)
            Write(at, random());
        Write(R_GAMMA_MODE, random());
        Write(R_PREC_PAL_INDEX, random());
        Write(R_PREC_PAL_DATA, random());
        ASSERT_TRUE(Render());
    }
}
