// SPDX-License-Identifier: GPL-2.0-or-later
// Shadow page tables: whatever the guest writes into its tables and whenever memory comes and goes, no shadow entry leads to anything but a shadow
// table, memory of the guest that is mapped (read only where that is), or the scratch page.
//
// The input: steps (see step()) of an operation and its operands.
#include "fuzz.h"

#include "mmio/ppgtt.h"

#include <map>

namespace {

using namespace fuzz;

constexpr uint64_t PAGE = 4096, SHADOW = 0x7000000000;

struct Region {
    uint64_t gpa, size, iova;
    bool writable, mapped;
};

class World {
  public:
    // Tables are in the first; the others are large for large pages and never touched, so they have no memory.
    std::vector<Region> regions = {{0, 16 * PAGE, 0x40000000, true, true},
                                   {0x1000000, 5 << 20, 0x80001000, true, true},
                                   {0x2000000, 4 << 20, 0xc0000000, false, true},
                                   {0x2400000, 9 * PAGE, 0xc8000000, true, true}};
    alignas(8) uint8_t tables_memory[16 * PAGE] = {};
    std::map<uint64_t, gpu_buffer> shadow;
    uint64_t next = SHADOW;
    bool ips = true;
    int entered = 0;
    ppgtt *tables;
    std::vector<ppgtt_root *> roots;
    std::vector<uint64_t> levels; // of the roots that are acquired, for the check

    World()
    {
        static const ppgtt_ops ops = {
            .page_enter = [](void *p, uint64_t gpa) -> const void * {
                World *w = static_cast<World *>(p);
                Region *r = w->find(gpa);
                REQUIRE(w->entered == 0, "sections must not nest");
                if (!r || r != &w->regions[0])
                    return nullptr;
                w->entered++;
                return w->tables_memory + gpa;
            },
            .page_leave = [](void *p) { static_cast<World *>(p)->entered--; },
            .translate = [](void *p, uint64_t gpa, uint64_t *iova, uint64_t *span, bool *writable) {
                Region *r = static_cast<World *>(p)->find(gpa);
                if (!r)
                    return false;
                *iova = r->iova + (gpa - r->gpa);
                *span = r->size - (gpa - r->gpa);
                *writable = r->writable;
                return true;
            },
            .ips_enabled = [](void *p) { return static_cast<World *>(p)->ips; },
            .memory_alloc = [](void *p, gpu_buffer *buffer, uint64_t size, GError **) {
                World *w = static_cast<World *>(p);
                *buffer = {static_cast<uint8_t *>(aligned_alloc(PAGE, size)), size, w->next, UINT64_MAX};
                memset(buffer->host, 0, size);
                w->shadow[w->next] = *buffer;
                w->next += size;
                return true;
            },
            .memory_free = [](void *p, gpu_buffer *buffer) {
                static_cast<World *>(p)->shadow.erase(buffer->iova);
                free(buffer->host);
            },
        };
        tables = ppgtt_create(&ops, this, 64, nullptr);
        REQUIRE(tables, "page tables");
    }
    ~World()
    {
        for (ppgtt_root *root : roots)
            ppgtt_release(tables, root);
        ppgtt_forget_all(tables);
        ppgtt_counts counts;
        ppgtt_count(tables, &counts);
        REQUIRE(counts.tables == 0, "%u tables are left behind", counts.tables);
        ppgtt_destroy(tables);
        REQUIRE(shadow.empty() && entered == 0, "memory is left behind");
    }
    Region *find(uint64_t gpa)
    {
        for (Region &r : regions)
            if (r.mapped && gpa >= r.gpa && gpa - r.gpa < r.size)
                return &r;
        return nullptr;
    }
    const uint64_t *shadow_table(uint64_t iova)
    {
        auto it = shadow.upper_bound(iova);
        if (it == shadow.begin() || iova - (--it)->first >= it->second.size)
            return nullptr;
        return reinterpret_cast<const uint64_t *>(it->second.host + (iova - it->first));
    }
    void check_range(uint64_t entry, uint64_t at, uint64_t len)
    {
        if (len == PAGE && at == ppgtt_scratch(tables))
            return;
        for (Region &r : regions)
            if (r.mapped && at >= r.iova && at - r.iova < r.size && len <= r.size - (at - r.iova)) {
                REQUIRE(r.writable || !(entry & PTE_WRITE), "0x%" PRIx64 " is read only", entry);
                return;
            }
        REQUIRE(false, "entry 0x%" PRIx64 " leads out of the guest", entry);
    }
    void check(uint64_t table, unsigned level, std::map<uint64_t, unsigned> &seen)
    {
        auto [it, fresh] = seen.insert({table, level});
        REQUIRE(it->second == level, "table 0x%" PRIx64 " has two levels", table);
        const uint64_t *entries = shadow_table(table);
        REQUIRE(entries, "0x%" PRIx64 " is no table of ours", table);
        if (!fresh || (level > 1 && table == ppgtt_scratch(tables)))
            return;
        for (unsigned i = 0; i < PPGTT_ENTRIES; i++) {
            uint64_t entry = entries[i];
            if (!(entry & PTE_PRESENT))
                continue;
            if (level == 1)
                check_range(entry, entry & 0x7ffffff000, PAGE);
            else if (level == 2 && entry & 0x80)
                check_range(entry, entry & 0x7fffe00000, 2 << 20);
            else
                check(entry & 0x7ffffff000, level - 1, seen);
        }
    }
    void step(Input &in)
    {
        uint8_t what = in.u8();
        bool four_level = !(what & 0x80);
        uint64_t pdp[4], shadow_pdp[4];
        switch (what & 7) {
        case 0: // entries: table, first, count, flags, where it leads (a page; of the other regions with the high bits)
        case 1:
        case 2: {
            uint64_t table = in.u8() % 16 * PAGE, first = in.u16(), count = what >> 3 & 15, flags = in.u16(), page = in.u16();
            const Region &region = regions[page >> 14];
            uint64_t entry = ((page & 0x3fff) * PAGE + region.gpa) | (flags & 0xfff) | (uint64_t{flags} >> 12) << 60;
            for (uint64_t i = 0; i <= count; i++, entry += flags & 0x80 ? 2 << 20 : PAGE)
                memcpy(tables_memory + table + (first + i) % 512 * 8, &entry, 8);
            break;
        }
        case 3: { // any entry
            uint64_t table = in.u8() % 16 * PAGE, index = in.u16() % 512, entry = in.u64();
            memcpy(tables_memory + table + index * 8, &entry, 8);
            break;
        }
        case 4: // acquire
            for (uint64_t &root : pdp)
                root = what & 0x40 ? in.u64() : in.u8() % 16 * PAGE;
            if (roots.size() < 8) {
                GError *error = nullptr;
                ppgtt_root *root = ppgtt_acquire(tables, four_level, pdp, shadow_pdp, &error);
                REQUIRE((root == nullptr) == (error != nullptr), "a root or an error");
                g_clear_error(&error);
                if (root) {
                    roots.push_back(root);
                    std::map<uint64_t, unsigned> seen;
                    for (unsigned i = 0; i < (four_level ? 1 : 4); i++)
                        check(shadow_pdp[i], four_level ? 4 : 2, seen);
                }
            }
            break;
        case 5: // release or refresh
            if (!roots.empty()) {
                size_t n = in.u8() % roots.size();
                if (what & 0x40) {
                    ppgtt_refresh(tables, roots[n], nullptr);
                } else {
                    ppgtt_release(tables, roots[n]);
                    roots.erase(roots.begin() + static_cast<long>(n));
                }
            }
            break;
        case 6: { // memory comes or goes
            Region &r = regions[what >> 3 & 3];
            r.mapped = !r.mapped;
            if (r.mapped)
                ppgtt_memory_mapped(tables);
            else
                ppgtt_memory_unmapping(tables, r.iova, r.size);
            break;
        }
        case 7:
            if (what & 0x40) {
                ips = !ips;
            } else {
                for (uint64_t &root : pdp)
                    root = in.u8() % 16 * PAGE;
                ppgtt_forget(tables, four_level, pdp);
            }
            break;
        }
    }
    // All of shadow memory, in use or not.
    void check_all()
    {
        for (const auto &[iova, buffer] : shadow)
            for (uint64_t at = 0; at < buffer.size; at += 8) {
                uint64_t entry;
                memcpy(&entry, buffer.host + at, 8);
                if ((entry & PTE_PRESENT) && !shadow_table(entry & 0x7ffffff000))
                    check_range(entry, entry & 0x7ffffff000, PAGE);
            }
    }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    World world;
    Input in(data, size);
    for (unsigned steps = 0; !in.empty() && steps < 500; steps++)
        world.step(in);
    world.check_all();
    return 0;
}

Bytes fuzz::fuzz_seed(unsigned n)
{
    if (n > 7)
        return {};
    Output out;
    auto entry = [&](unsigned table, unsigned first, unsigned count, unsigned flags, unsigned page) {
        out.u8((count - 1) << 3).u8(table).u16(first).u16(flags).u16(page);
    };
    auto acquire = [&](bool four_level, uint8_t a, uint8_t b, uint8_t c, uint8_t d) { out.u8(4 | (four_level ? 0 : 0x80)).u8(a).u8(b).u8(c).u8(d); };
    entry(1, 0, 1, 3, 2);
    entry(2, 0, 1, 3, 3);
    entry(3, 0, 1, n == 1 ? 0x803 : 3, 4);
    entry(4, 0, 16, 3, n == 2 ? 0x8000 : 0x4000); // one of them is read only
    if (n == 3)
        entry(3, 1, 2, 0x83, 0x4000); // large pages
    if (n == 4)
        entry(3, 1, 1, 3, 3); // itself
    acquire(n != 5, n == 5 ? 3 : 1, 3, 3, 3);
    if (n == 6)
        out.u8(6 | 1 << 3).u8(5 | 0x40).u8(0).u8(6 | 1 << 3).u8(5 | 0x40).u8(0);
    if (n == 7) {
        out.u8(7).u8(1).u8(3).u8(3).u8(3);
        acquire(true, 2, 0, 0, 0);
    }
    out.u8(5).u8(0);
    return out.data;
}
