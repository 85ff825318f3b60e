// SPDX-License-Identifier: GPL-2.0-or-later
// What changed on a screen: tiles and rectangles against a comparison pixel by pixel, and when the watch looks, at what cost, with a clock of our own.
#include "vmm/display/watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

struct Picture {
    image *i;
    Picture(unsigned width, unsigned height) : i(image_create(width, height)) {}
    ~Picture() { image_free(i); }
    uint32_t &at(unsigned x, unsigned y) { return i->pixels[static_cast<size_t>(y) * i->width + x]; }
};

TEST(Damage, RectanglesAreTheTilesThatDiffer)
{
    std::mt19937 random(5);
    for (unsigned round = 0; round < 60; round++) {
        Picture a(1 + random() % 700, 1 + random() % 500), b(a.i->width, a.i->height);
        std::map<std::pair<unsigned, unsigned>, int> wanted; // tile: seen
        for (unsigned n = random() % 40; n-- > 0;) {
            unsigned x = random() % a.i->width, y = random() % a.i->height;
            b.at(x, y) ^= 1u << random() % 24;
        }
        damage found = {}, more = {}, d = {};
        bool any = false;
        for (unsigned y = 0; y < a.i->height; y++) {
            bool differs = damage_compare_line(y % 2 ? &found : &more, &a.at(0, y), &b.at(0, y), a.i->width, y), really = false;
            for (unsigned x = 0; x < a.i->width; x++)
                if (a.at(x, y) != b.at(x, y)) {
                    really = true;
                    wanted[{x / 64, y / 64}] = 0;
                }
            EXPECT_EQ(differs, really);
            any |= really;
        }
        damage_add(&d, &found);
        damage_add(&d, &more);
        EXPECT_EQ(d.any, any);
        damage_rect r;
        while (damage_take(&d, a.i, &r)) {
            EXPECT_LE(r.x + r.width, a.i->width);
            EXPECT_LE(r.y + r.height, a.i->height);
            EXPECT_TRUE(r.width > 0 && r.height > 0 && r.x % 64 == 0 && r.y % 64 == 0);
            for (unsigned y = r.y; y < r.y + r.height; y += 64)
                for (unsigned x = r.x; x < r.x + r.width; x += 64) {
                    EXPECT_EQ(wanted.count({x / 64, y / 64}), 1u) << "more than differs";
                    EXPECT_EQ((wanted[{x / 64, y / 64}])++, 0) << "twice";
                }
        }
        for (const auto &[tile, seen] : wanted)
            EXPECT_EQ(seen, 1) << tile.first << "," << tile.second;
        EXPECT_FALSE(d.any);
    }
}

TEST(Damage, AllOfThePictureIsOneRectangle)
{
    for (auto [width, height] : {std::pair{1u, 1u}, {64u, 64u}, {65u, 129u}, {1920u, 1080u}, {8192u, 4096u}}) {
        Picture p(width, height);
        damage d = {};
        damage_rect r;
        damage_all(&d, p.i);
        ASSERT_TRUE(damage_take(&d, p.i, &r));
        EXPECT_EQ((std::vector<unsigned>{r.x, r.y, r.width, r.height}), (std::vector<unsigned>{0, 0, width, height}));
        EXPECT_FALSE(damage_take(&d, p.i, &r));
    }
}

// A pipe with one plane, linear, over memory that the test writes.
class Watch : public ::testing::Test {
  public:
    static constexpr unsigned WIDTH = 512, HEIGHT = 320;
    static constexpr uint64_t MS = 1000000;
    scanout pipe = {};
    std::vector<uint32_t> memory = std::vector<uint32_t>(2 * WIDTH * HEIGHT);
    std::string failure;
    picture shown = {};
    watch w;
    uint64_t now = 1000 * MS;
    unsigned looks = 0;
    std::vector<unsigned> taken; // while the screen was read: how wide was the picture that a viewer could take

    void SetUp() override
    {
        g_mutex_init(&shown.lock);
        set_mode(WIDTH, HEIGHT);
        const watch_source source = {look, reader, [](void *, scanout_reader *used) { scanout_reader_destroy(used); }, this};
        watch_init(&w, "alpha", &source, &shown);
    }
    void TearDown() override { watch_rest(&w); }
    void set_mode(unsigned width, unsigned height)
    {
        pipe = {};
        pipe.on = true;
        pipe.frame_ns = 16666667;
        pipe.source = (width - 1) << 16 | (height - 1);
        pipe.planes[0].ctl = 1u << 31 | 4u << 24;
        pipe.planes[0].stride = WIDTH * 4 / 64;
        pipe.planes[0].size = (height - 1) << 16 | (width - 1);
    }
    static bool look(void *opaque, scanout *out, uint64_t *vblank_ns, GError **error)
    {
        auto *self = static_cast<Watch *>(opaque);
        self->looks++;
        *out = self->pipe;
        *vblank_ns = self->pipe.on ? (self->now / self->pipe.frame_ns + 1) * self->pipe.frame_ns : UINT64_MAX;
        if (self->failure.empty())
            return true;
        g_set_error(error, g_quark_from_static_string("test"), 1, "%s", self->failure.c_str());
        return false;
    }
    static bool read(void *opaque, uint64_t gma, void *buf, size_t len)
    {
        auto *self = static_cast<Watch *>(opaque);
        self->taken.push_back(self->shown.image ? self->shown.image->width : 0);
        if (gma + len > self->memory.size() * 4)
            return false;
        memcpy(buf, reinterpret_cast<const char *>(self->memory.data()) + gma, len);
        return true;
    }
    static scanout_reader *reader(void *opaque, const scanout *s, GError **error) { return scanout_reader_create(s, read, opaque, error); }
    // One look; the tiles that differ as "x,y ".
    std::string step()
    {
        damage d = {};
        bool changed = watch_look(&w, now, &d);
        EXPECT_EQ(changed, d.any);
        EXPECT_GT(w.look_ns, now);
        std::string text;
        for (unsigned row = 0; row < DAMAGE_ROWS; row++)
            for (unsigned column = 0; column < DAMAGE_COLUMNS; column++)
                if (d.rows[row][column / 8] >> column % 8 & 1)
                    text += std::to_string(column) + "," + std::to_string(row) + " ";
        now = w.look_ns;
        return text;
    }
    // Looks for so long; all that was found, and when the first was, in ms.
    std::string run(uint64_t ms, uint64_t *first_ms = nullptr)
    {
        std::string all;
        uint64_t start = now, end = now + ms * MS;
        while (now < end) {
            uint64_t at = now;
            std::string found = step();
            if (!found.empty() && all.empty() && first_ms)
                *first_ms = (at - start) / MS;
            all += found;
        }
        return all;
    }
    bool matches()
    {
        image *wanted = scanout_render(&pipe, read, this, nullptr);
        bool same = shown.image && wanted->width == shown.image->width && wanted->height == shown.image->height &&
                    memcmp(wanted->pixels, shown.image->pixels, wanted->width * wanted->height * 4) == 0;
        image_free(wanted);
        return same;
    }
};

TEST_F(Watch, AFlipIsSeenAtTheNextLook)
{
    memory[WIDTH * HEIGHT + 70 * WIDTH + 200] = 0xff; // in the second buffer: tile 3,1
    step();
    EXPECT_TRUE(matches());
    EXPECT_EQ(run(100), "");
    pipe.planes[0].surf = WIDTH * HEIGHT * 4;
    EXPECT_EQ(step(), "3,1 ");
    EXPECT_TRUE(matches());
    pipe.planes[0].surf = 0;
    EXPECT_EQ(step(), "3,1 ");
    EXPECT_TRUE(matches());
}

TEST_F(Watch, LooksAtMostSixtyTimesASecond)
{
    run(1000);
    EXPECT_LE(looks, 62u);
    EXPECT_GE(looks, 50u);
    looks = 0;
    pipe.frame_ns = 1000000000 / 240;
    run(1000);
    EXPECT_LE(looks, 66u) << "a faster monitor";
    looks = 0;
    pipe.frame_ns = 1000000000 / 30;
    run(1000);
    EXPECT_LE(looks, 31u) << "a slower one";
}

TEST_F(Watch, AStillScreenCostsLittleAndIsStillWatched)
{
    step();
    run(3000);
    uint64_t lines = w.lines;
    run(10000);
    EXPECT_LE((w.lines - lines) / 10, HEIGHT * 4 / WATCH_PROBES + HEIGHT / WATCH_PROBES) << "lines a second";
    for (auto [x, y] : {std::pair{0u, 0u}, {511u, 319u}, {100u, 63u}, {300u, 200u}}) { // one pixel
        memory[y * WIDTH + x] ^= 0xffff;
        run(2300);
        EXPECT_TRUE(matches()) << x << "," << y;
    }
    for (unsigned y = 64; y < 80; y++) // what is as high as a line of text
        memory[y * WIDTH + 5] ^= 0xffff;
    uint64_t first;
    run(1000, &first);
    EXPECT_LE(first, 260u);
    EXPECT_TRUE(matches());
}

TEST_F(Watch, MemoryThatKeepsChangingIsFollowed)
{
    step();
    run(3000);
    unsigned found = 0;
    for (unsigned i = 0; i < 600; i++) { // ten seconds of something that moves
        for (unsigned y = 0; y < HEIGHT; y++)
            memory[y * WIDTH + i % WIDTH] ^= 0xff00;
        found += !step().empty();
    }
    EXPECT_GE(found, 550u);
    run(3000);
    EXPECT_TRUE(matches());
}

TEST_F(Watch, InputMakesItLookAtOnce)
{
    step();
    run(3000);
    watch_stir(&w, now);
    for (unsigned y = 100; y < 108; y++)
        memory[y * WIDTH + 5] ^= 0xffff;
    uint64_t first;
    run(200, &first);
    EXPECT_LE(first, 17u);
}

TEST_F(Watch, TheCursorAndThePaletteCountToo)
{
    step();
    run(100);
    pipe.cursor.ctl = 0x27;
    pipe.cursor.base = WIDTH * HEIGHT * 4;
    std::fill(memory.begin() + WIDTH * HEIGHT, memory.end(), 0xffff0000);
    pipe.cursor.pos = 64 << 16 | 128;
    EXPECT_EQ(step(), "2,1 ");
    pipe.cursor.pos = 64 << 16 | 192;
    EXPECT_EQ(step(), "2,1 3,1 ");
    EXPECT_TRUE(matches());
}

TEST_F(Watch, ANewSizeIsAllNew)
{
    step();
    set_mode(128, 65);
    EXPECT_EQ(step(), "0,0 1,0 0,1 1,1 ");
    EXPECT_EQ(shown.image->width, 128u);
    EXPECT_TRUE(matches());
}

TEST_F(Watch, ANewPictureIsShownWhenItIsWhole)
{
    step();
    EXPECT_EQ(std::count(taken.begin(), taken.end(), 0u), static_cast<long>(taken.size())) << "the first";
    taken.clear();
    set_mode(128, 65);
    step();
    EXPECT_GE(taken.size(), 65u);
    EXPECT_EQ(std::count(taken.begin(), taken.end(), WIDTH), static_cast<long>(taken.size())) << "one of another size";
    EXPECT_TRUE(matches());
}

TEST_F(Watch, WordsWhereThereIsNoPicture)
{
    pipe.on = false;
    EXPECT_NE(step(), "");
    EXPECT_EQ(shown.image->width, 1024u);
    EXPECT_NE(std::string(w.card).find("i915"), std::string::npos);
    EXPECT_EQ(run(1000), "") << "drawn once";
    EXPECT_LE(looks, 12u);
    std::vector<uint32_t> before(shown.image->pixels, shown.image->pixels + 1024 * 768);
    failure = "alpha: the vGPU is disabled: a command that is none";
    EXPECT_NE(step(), "");
    EXPECT_NE(memcmp(before.data(), shown.image->pixels, before.size() * 4), 0);
    failure = std::string(5000, 'x') + "\xff\xfe not text";
    EXPECT_NE(step(), "");
    failure.clear();
    pipe.on = true;
    EXPECT_NE(step(), "");
    EXPECT_TRUE(matches());
}

TEST_F(Watch, RestGivesThePictureBack)
{
    step();
    watch_rest(&w);
    EXPECT_EQ(shown.image, nullptr);
    EXPECT_NE(step(), "");
    EXPECT_TRUE(matches());
}

} // namespace
