// SPDX-License-Identifier: GPL-2.0-or-later
// Shadow page tables against an independent walker: whatever a guest's tables hold, each address reaches through the shadow what it
// reaches through the guest's own tables, and no shadow entry, in use or not, points outside of the guest's memory.
#include "mmio/ppgtt.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

namespace {

constexpr uint64_t kPage = 4096, k2M = 2 << 20;
constexpr uint64_t kShadowBase = 0x7000000000; // where the fake GPU sees shadow tables

struct Region {
    uint64_t gpa, size, iova;
    bool writable, mapped = true;
    std::vector<uint64_t> memory;
};

struct Target {
    uint64_t address;
    bool writable;
    unsigned cache; // PAT index
    bool operator==(const Target &) const = default;
};

class World {
  public:
    std::vector<Region> regions;
    std::map<uint64_t, gpu_buffer> shadow; // by iova
    uint64_t next_shadow = kShadowBase;
    bool ips = true;
    bool in_section = false;
    unsigned allocations_left = 1000000;
    ppgtt *tables = nullptr;

    explicit World(unsigned quota = 0)
    {
        add(0, 6 << 20, 0x40000000, true);           // kept whole by the GPU
        add(0x1000000, 5 << 20, 0x80001000, true);   // not aligned to 2 MiB
        add(0x2000000, 4 << 20, 0xc0000000, false);  // the device may only read
        add(0x2400000, 0x9000, 0xc8000000, true);    // smaller than a 64 KiB page
        static const ppgtt_ops ops = {
            .page_enter =
                [](void *p, uint64_t gpa) -> const void * {
                World *w = static_cast<World *>(p);
                EXPECT_FALSE(w->in_section) << "sections must not nest";
                Region *r = w->find(gpa);
                w->in_section = r != nullptr;
                return r ? &r->memory[(gpa - r->gpa) / 8] : nullptr;
            },
            .page_leave = [](void *p) { static_cast<World *>(p)->in_section = false; },
            .translate =
                [](void *p, uint64_t gpa, uint64_t *iova, uint64_t *span, bool *writable) {
                World *w = static_cast<World *>(p);
                EXPECT_FALSE(w->in_section);
                Region *r = w->find(gpa);
                if (!r)
                    return false;
                *iova = r->iova + (gpa - r->gpa);
                *span = r->size - (gpa - r->gpa);
                *writable = r->writable;
                return true;
            },
            .ips_enabled = [](void *p) { return static_cast<World *>(p)->ips; },
            .memory_alloc =
                [](void *p, gpu_buffer *buffer, uint64_t size, GError **error) {
                World *w = static_cast<World *>(p);
                if (w->allocations_left-- == 0) {
                    w->allocations_left = 0;
                    g_set_error_literal(error, g_quark_from_static_string("test"), 1, "no memory");
                    return false;
                }
                *buffer = {static_cast<uint8_t *>(aligned_alloc(kPage, size)), size, w->next_shadow, UINT64_MAX};
                memset(buffer->host, 0, size);
                w->shadow[buffer->iova] = *buffer;
                w->next_shadow += size;
                return true;
            },
            .memory_free =
                [](void *p, gpu_buffer *buffer) {
                static_cast<World *>(p)->shadow.erase(buffer->iova);
                free(buffer->host);
            },
        };
        tables = ppgtt_create(&ops, this, quota, nullptr);
    }
    ~World()
    {
        ppgtt_destroy(tables);
        EXPECT_TRUE(shadow.empty());
    }

    void add(uint64_t gpa, uint64_t size, uint64_t iova, bool writable)
    {
        regions.push_back({gpa, size, iova, writable, true, std::vector<uint64_t>(size / 8)});
    }
    Region *find(uint64_t gpa)
    {
        for (Region &r : regions)
            if (r.mapped && gpa >= r.gpa && gpa - r.gpa < r.size)
                return &r;
        return nullptr;
    }
    uint64_t *guest(uint64_t gpa)
    {
        Region *r = find(gpa);
        return r ? &r->memory[(gpa - r->gpa) / 8] : nullptr;
    }
    const uint64_t *shadow_page(uint64_t iova) const
    {
        auto it = shadow.upper_bound(iova);
        if (it == shadow.begin())
            return nullptr;
        --it;
        if (iova - it->first >= it->second.size)
            return nullptr;
        return reinterpret_cast<const uint64_t *>(it->second.host + (iova - it->first));
    }

    // The guest's own translation by its own tables, then to where the GPU finds that memory. Nothing: the scratch page.
    std::optional<Target> guest_walk(bool four_level, const uint64_t pdp[4], uint64_t va)
    {
        unsigned level = four_level ? 4 : 2;
        uint64_t table = four_level ? pdp[0] : pdp[va >> 30 & 3];
        bool writable = true, small64 = false;
        for (;; level--) {
            const uint64_t *entries = guest(table & 0x7ffffff000);
            if (!entries)
                return {};
            unsigned index = va >> (12 + 9 * (level - 1)) & 511;
            if (level == 1 && small64)
                index &= ~15u;
            uint64_t e = entries[index];
            if (!(e & 1) || (level == 3 && (e & 0x80)))
                return {};
            writable &= e >> 1 & 1;
            if (level == 1) {
                uint64_t gpa = small64 ? (e & 0x7fffff0000) + (va & 0xf000) : e & 0x7ffffff000;
                return reach(gpa, writable, (e >> 3 & 3) | (e >> 7 & 1) << 2);
            }
            if (level == 2 && (e & 0x80))
                return reach((e & 0x7fffe00000) + (va & 0x1ff000), writable, (e >> 3 & 3) | (e >> 12 & 1) << 2);
            small64 = level == 2 && ips && (e & 0x800);
            table = e & 0x7ffffff000;
        }
    }
    std::optional<Target> reach(uint64_t gpa, bool writable, unsigned cache)
    {
        Region *r = find(gpa);
        if (!r)
            return {};
        return Target{r->iova + (gpa - r->gpa), writable && r->writable, cache};
    }

    // What the GPU would do with the shadow tables.
    std::optional<Target> shadow_walk(bool four_level, const uint64_t pdp[4], uint64_t va) const
    {
        unsigned level = four_level ? 4 : 2;
        uint64_t table = four_level ? pdp[0] : pdp[va >> 30 & 3];
        bool writable = true;
        for (;; level--) {
            const uint64_t *entries = shadow_page(table);
            EXPECT_NE(entries, nullptr) << std::hex << table << " is not a shadow table";
            if (!entries)
                return Target{0, false, 99};
            uint64_t e = entries[va >> (12 + 9 * (level - 1)) & 511];
            EXPECT_TRUE(e & 1) << "a shadow entry always leads somewhere";
            writable &= e >> 1 & 1;
            uint64_t address = e & 0x7ffffff000;
            if (level == 1 && address == ppgtt_scratch(tables))
                return {};
            if (level == 1)
                return Target{address, writable, unsigned((e >> 3 & 3) | (e >> 7 & 1) << 2)};
            if (level == 2 && (e & 0x80))
                return Target{(e & 0x7fffe00000) + (va & 0x1ff000), writable, unsigned((e >> 3 & 3) | (e >> 12 & 1) << 2)};
            EXPECT_FALSE(level == 2 && (e & 0x800)) << "the shadow has no 64 KiB tables";
            table = address;
        }
    }

    // Every word of shadow memory, free or in use: shadow memory or mapped guest memory, nothing else.
    void check_all_entries() const
    {
        for (const auto &[iova, buffer] : shadow) {
            const uint64_t *words = reinterpret_cast<const uint64_t *>(buffer.host);
            for (size_t i = 0; i < buffer.size / 8; i++) {
                if (!(words[i] & 1))
                    continue;
                uint64_t at = words[i] & 0x7ffffff000;
                if (shadow_page(at))
                    continue;
                bool inside = false;
                for (const Region &r : regions)
                    inside |= r.mapped && at >= r.iova && at - r.iova < r.size;
                ASSERT_TRUE(inside) << std::hex << "shadow entry " << words[i] << " at " << iova + i * 8;
            }
        }
    }

    // Level at which each shadow table is reached from the roots; a page has one level only.
    void levels(uint64_t table, unsigned level, std::map<uint64_t, unsigned> &seen) const
    {
        auto [it, fresh] = seen.insert({table, level});
        ASSERT_EQ(it->second, level) << std::hex << "shadow table " << table << " is used at two levels";
        if (!fresh || level == 1)
            return;
        const uint64_t *entries = shadow_page(table);
        ASSERT_NE(entries, nullptr);
        for (unsigned i = 0; i < 512; i++) {
            if (level == 2 && (entries[i] & 0x80)) {
                uint64_t at = entries[i] & 0x7fffe00000;
                bool inside = false;
                for (const Region &r : regions)
                    inside |= r.mapped && at >= r.iova && at + k2M <= r.iova + r.size;
                ASSERT_TRUE(inside) << std::hex << "2 MiB entry " << entries[i];
                continue;
            }
            levels(entries[i] & 0x7ffffff000, level - 1, seen);
        }
    }
};

TEST(Ppgtt, MapsWhatTheGuestMaps)
{
    World w;
    uint64_t pml4 = 0x1000, pdp = 0x2000, pd = 0x3000, pt = 0x4000, roots[4] = {pml4}, shadow[4];
    w.guest(pml4)[0] = pdp | 3;
    w.guest(pdp)[0] = pd | 3;
    w.guest(pd)[0] = pt | 3;
    w.guest(pt)[5] = 0x1003000 | 3;
    w.guest(pd)[1] = 0x200000 | 0x83;
    ppgtt_root *root = ppgtt_acquire(w.tables, true, roots, shadow, nullptr);
    ASSERT_NE(root, nullptr);
    EXPECT_EQ(w.shadow_walk(true, shadow, 0x5000), (Target{0x80004000, true, 0}));
    EXPECT_EQ(w.shadow_walk(true, shadow, 0x234000), (Target{0x40234000, true, 0}));
    EXPECT_EQ(w.shadow_walk(true, shadow, 0x6000), std::nullopt);
    EXPECT_EQ(w.shadow_walk(true, shadow, 0x800000000000), std::nullopt);
    ppgtt_counts counts;
    ppgtt_count(w.tables, &counts);
    EXPECT_EQ(counts.tables, 4u) << "a contiguous 2 MiB page needs no table";
    EXPECT_EQ(counts.last_compared, 4u);

    // Nothing changed: everything is compared, nothing written. Then one entry.
    ppgtt_root *again = ppgtt_acquire(w.tables, true, roots, shadow, nullptr);
    EXPECT_EQ(again, root);
    ppgtt_count(w.tables, &counts);
    EXPECT_EQ(counts.last_compared, 4u);
    EXPECT_EQ(counts.last_changed, 0u);
    ppgtt_release(w.tables, again);
    w.guest(pt)[5] = 0x1004000 | 3;
    again = ppgtt_acquire(w.tables, true, roots, shadow, nullptr);
    ppgtt_count(w.tables, &counts);
    EXPECT_EQ(counts.last_changed, 1u);
    EXPECT_EQ(w.shadow_walk(true, shadow, 0x5000), (Target{0x80005000, true, 0}));
    ppgtt_release(w.tables, again);
    ppgtt_release(w.tables, root);
}

TEST(Ppgtt, LeafTableReusedAsDirectoryCannotBeWalkedAsGuestMemory)
{
    // Hole 8 of GVT-g: the same guest page is a page table and, in another place, a page directory.
    World w;
    uint64_t pml4 = 0x1000, pdp = 0x2000, pd = 0x3000, pt = 0x4000, roots[4] = {pml4}, shadow[4];
    w.guest(pml4)[0] = pdp | 3;
    w.guest(pdp)[0] = pd | 3;
    w.guest(pd)[0] = pt | 3;
    w.guest(pt)[0] = 0x5000 | 3; // as a page: data at 0x5000; as a directory: a page table at 0x5000
    w.guest(pdp)[1] = pt | 3;
    w.guest(0x5000)[0] = 0xdeadbeef000 | 3;
    ppgtt_root *root = ppgtt_acquire(w.tables, true, roots, shadow, nullptr);
    ASSERT_NE(root, nullptr);
    EXPECT_EQ(w.shadow_walk(true, shadow, 0), (Target{0x40005000, true, 0}));
    EXPECT_EQ(w.shadow_walk(true, shadow, 1 << 30), std::nullopt);
    std::map<uint64_t, unsigned> seen;
    w.levels(shadow[0], 4, seen);
    w.check_all_entries();
    ppgtt_release(w.tables, root);
}

TEST(Ppgtt, SmallPagesOf64KFollowTheEnableRegister)
{
    World w;
    uint64_t roots[4] = {0x1000, 0x1000, 0x1000, 0x1000}, shadow[4];
    w.guest(0x1000)[0] = 0x2000 | 0x800 | 3;
    w.guest(0x2000)[0] = 0x1010000 | 3;
    w.guest(0x2000)[1] = 0x1055000 | 3;
    ppgtt_root *root = ppgtt_acquire(w.tables, false, roots, shadow, nullptr);
    EXPECT_EQ(w.shadow_walk(false, shadow, 0x1000), (Target{0x80012000, true, 0}));
    w.ips = false;
    ppgtt_release(w.tables, root);
    root = ppgtt_acquire(w.tables, false, roots, shadow, nullptr);
    EXPECT_EQ(w.shadow_walk(false, shadow, 0x1000), (Target{0x80056000, true, 0}));
    EXPECT_EQ(w.shadow_walk(false, shadow, 0xc0001000), (Target{0x80056000, true, 0}));
    ppgtt_release(w.tables, root);
}

TEST(Ppgtt, ForgetIsTolerantAndNeverFreesWhatIsInUse)
{
    World w;
    uint64_t roots[4] = {0x1000}, shadow[4], other[4] = {0x2000};
    w.guest(0x1000)[0] = 0x2000 | 3;
    ppgtt_forget(w.tables, true, roots);
    ppgtt_root *root = ppgtt_acquire(w.tables, true, roots, shadow, nullptr);
    ppgtt_forget(w.tables, true, roots);
    ppgtt_forget(w.tables, true, roots);
    ppgtt_forget(w.tables, true, other);
    EXPECT_NE(w.shadow_page(shadow[0]), nullptr);
    uint64_t first = shadow[0];
    ppgtt_root *next = ppgtt_acquire(w.tables, true, roots, shadow, nullptr);
    EXPECT_NE(next, root) << "the forgotten root is not found again";
    EXPECT_EQ(shadow[0], first) << "both still stand for the same guest page";
    ppgtt_release(w.tables, root);
    ppgtt_counts counts;
    ppgtt_count(w.tables, &counts);
    EXPECT_EQ(counts.tables, 2u);
    ppgtt_release(w.tables, next);
    ppgtt_forget_all(w.tables);
    ppgtt_count(w.tables, &counts);
    EXPECT_EQ(counts.tables, 0u);
}

TEST(Ppgtt, QuotaEvictsIdleAddressSpacesAndThenFails)
{
    World w(8);
    uint64_t shadow[4];
    // Address spaces of 4 tables each: only two fit.
    for (unsigned n = 0; n < 6; n++) {
        uint64_t base = 0x10000 + n * 0x4000, roots[4] = {base};
        w.guest(base)[0] = (base + 0x1000) | 3;
        w.guest(base + 0x1000)[0] = (base + 0x2000) | 3;
        w.guest(base + 0x2000)[0] = (base + 0x3000) | 3;
        w.guest(base + 0x3000)[0] = 0x5000 | 3;
        ppgtt_root *root = ppgtt_acquire(w.tables, true, roots, shadow, nullptr);
        ASSERT_NE(root, nullptr);
        EXPECT_EQ(w.shadow_walk(true, shadow, 0), (Target{0x40005000, true, 0}));
        ppgtt_release(w.tables, root);
        ppgtt_counts counts;
        ppgtt_count(w.tables, &counts);
        EXPECT_LE(counts.tables, 8u);
    }
    uint64_t roots[4] = {0x10000};
    for (unsigned i = 0; i < 16; i++)
        w.guest(0x12000)[i] = (0x100000 + i * 0x1000) | 3;
    GError *error = nullptr;
    EXPECT_EQ(ppgtt_acquire(w.tables, true, roots, shadow, &error), nullptr);
    ASSERT_NE(error, nullptr);
    EXPECT_NE(strstr(error->message, "shadow tables"), nullptr) << error->message;
    g_clear_error(&error);
    w.check_all_entries();
    // The same address space works again when it asks for less.
    memset(w.guest(0x12000), 0, 4096);
    ppgtt_root *root = ppgtt_acquire(w.tables, true, roots, shadow, nullptr);
    ASSERT_NE(root, nullptr);
    EXPECT_EQ(w.shadow_walk(true, shadow, 0), std::nullopt);
    ppgtt_release(w.tables, root);
}

TEST(Ppgtt, FailedAllocationIsAnError)
{
    World w;
    uint64_t roots[4] = {0x1000}, shadow[4];
    w.guest(0x1000)[0] = 0x1000 | 3; // itself at every level
    for (unsigned i = 1; i < 512; i++)
        w.guest(0x1000)[i] = (0x2000 + i * 0x1000) | 3;
    w.allocations_left = 1;
    GError *error = nullptr;
    EXPECT_EQ(ppgtt_acquire(w.tables, true, roots, shadow, &error), nullptr);
    ASSERT_NE(error, nullptr);
    EXPECT_STREQ(error->message, "no memory");
    g_clear_error(&error);
    w.check_all_entries();
}

// Random tables in a few pages, so that pages are used at several levels and in loops, changed between syncs.
TEST(Ppgtt, RandomTablesTranslateAsTheGuestsOwn)
{
    static const unsigned indices[] = {0, 1, 2, 15, 16, 17, 100, 255, 256, 510, 511};
    unsigned checked = 0, hits = 0, huge_hits = 0;

    for (unsigned seed = 1; seed <= 12; seed++) {
        std::mt19937_64 rng(seed);
        auto pick = [&](uint64_t n) { return rng() % n; };
        World w(seed % 3 ? 0 : 600);
        std::vector<uint64_t> tables;
        for (unsigned i = 0; i < 14; i++)
            tables.push_back(i < 11 ? 0x10000 + i * kPage : i < 13 ? 0x1000000 + i * kPage : 0x2400000);
        std::vector<ppgtt_root *> held;

        for (unsigned round = 0; round < 120; round++) {
            for (unsigned n = pick(30); n > 0; n--) {
                uint64_t *entries = w.guest(tables[pick(tables.size())]);
                if (!entries)
                    continue;
                uint64_t e = 0;
                switch (pick(8)) {
                case 0:
                    break;
                case 1:
                    e = rng(); // anything at all
                    break;
                case 2:
                case 3: { // a page of the guest, maybe huge
                    Region &r = w.regions[pick(w.regions.size())];
                    e = (r.gpa + pick(r.size / kPage) * kPage) | 1 | (rng() & 0x9a);
                    break;
                }
                case 4: // near the end of a region
                    e = (w.regions[pick(w.regions.size())].gpa + k2M * pick(4)) | 0x83;
                    break;
                default:
                    e = tables[pick(tables.size())] | 3 | (pick(3) == 0 ? 0x800 : 0);
                    break;
                }
                entries[indices[pick(std::size(indices))]] = e;
            }
            if (pick(10) == 0) {
                Region &r = w.regions[pick(w.regions.size())];
                r.mapped = !r.mapped;
                if (r.mapped)
                    ppgtt_memory_mapped(w.tables);
                else
                    ppgtt_memory_unmapping(w.tables, r.iova, r.size);
                w.check_all_entries();
            }
            if (pick(12) == 0)
                w.ips = !w.ips;
            bool four_level = pick(3) != 0;
            uint64_t roots[4], shadow[4];
            for (uint64_t &root : roots)
                root = pick(20) ? tables[pick(4)] : rng();
            if (pick(15) == 0)
                ppgtt_forget(w.tables, four_level, roots);
            GError *error = nullptr;
            ppgtt_root *root = ppgtt_acquire(w.tables, four_level, roots, shadow, &error);
            if (!root) {
                ASSERT_NE(error, nullptr);
                ASSERT_EQ(seed % 3, 0u) << "only the small quota may be used up: " << error->message;
                g_clear_error(&error);
                for (ppgtt_root *r : held)
                    ppgtt_release(w.tables, r);
                held.clear();
                continue;
            }
            held.push_back(root);
            for (unsigned n = 0; n < 400; n++) {
                uint64_t va = 0;
                for (unsigned level = 0; level < 4; level++)
                    va |= uint64_t((indices[pick(std::size(indices))] + (level == 0 ? pick(3) : 0)) & 511) << (12 + 9 * level);
                if (!four_level)
                    va &= 0xffffffff;
                auto expected = w.guest_walk(four_level, roots, va);
                ASSERT_EQ(w.shadow_walk(four_level, shadow, va), expected)
                    << "seed " << seed << " round " << round << std::hex << " va 0x" << va;
                checked++;
                hits += expected.has_value();
            }
            std::map<uint64_t, unsigned> seen;
            for (unsigned i = 0; i < (four_level ? 1 : 4); i++)
                w.levels(shadow[i], four_level ? 4 : 2, seen);
            for (auto &[table, level] : seen)
                for (unsigned i = 0; level == 2 && i < 512; i++)
                    huge_hits += w.shadow_page(table)[i] >> 7 & 1;
            w.check_all_entries();
            if (testing::Test::HasFatalFailure())
                return;
            while (held.size() > pick(4)) {
                ppgtt_release(w.tables, held.front());
                held.erase(held.begin());
            }
        }
        for (ppgtt_root *r : held)
            ppgtt_release(w.tables, r);
    }
    EXPECT_GT(hits, checked / 50) << "the test must reach pages often enough to mean something";
    EXPECT_GT(huge_hits, 0u);
}

// Not a timed test: it prints what an unchanged address space of 1 GiB costs.
TEST(Ppgtt, UnchangedTablesCostLittle)
{
    World w;
    w.add(0x10000000, 4 << 20, 0x100000000, true);
    uint64_t roots[4] = {0x10000000}, shadow[4];
    w.guest(0x10000000)[0] = 0x10001003;
    w.guest(0x10001000)[0] = 0x10002003;
    for (unsigned i = 0; i < 512; i++) {
        uint64_t pt = 0x10010000 + i * kPage;
        w.guest(0x10002000)[i] = pt | 3;
        for (unsigned j = 0; j < 512; j++)
            w.guest(pt)[j] = (j % 256) * kPage | 3;
    }
    ppgtt_release(w.tables, ppgtt_acquire(w.tables, true, roots, shadow, nullptr));
    auto start = std::chrono::steady_clock::now();
    for (unsigned i = 0; i < 100; i++)
        ppgtt_release(w.tables, ppgtt_acquire(w.tables, true, roots, shadow, nullptr));
    auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count() / 100;
    ppgtt_counts counts;
    ppgtt_count(w.tables, &counts);
    EXPECT_EQ(counts.last_compared, 515u);
    EXPECT_EQ(counts.last_changed, 0u);
    RecordProperty("ns_for_515_tables", static_cast<int>(ns));
    printf("515 unchanged tables: %ld ns\n", static_cast<long>(ns));
}

} // namespace
