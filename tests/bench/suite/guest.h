// SPDX-License-Identifier: GPL-2.0-or-later
// A guest of the benchmark suite, without a virtual machine: a small driver on a GPU function (a vGPU, or the passed-through model), which writes the
// registers that an i915 would write, by calls where a VM would trap. One context on the blitter, batches in its PPGTT, breadcrumbs with a user
// interrupt, context status from memory, interrupts acknowledged as i915 does. Used by one thread at a time; interrupts come from others.
#ifndef MEDIANT_TESTS_BENCH_SUITE_GUEST_H
#define MEDIANT_TESTS_BENCH_SUITE_GUEST_H

#include "gpu/pci/pci_device.h"

#include <array>
#include <condition_variable>
#include <functional>
#include <cstdint>
#include <mutex>
#include <vector>

namespace bench {

constexpr uint64_t US = 1000, MS = 1000000;
constexpr uint64_t PAGE = 4096;

// What the guest's accesses are for: the classes of the trap census, as the guest sees them.
enum access { ACCESS_ELSP, ACCESS_INTERRUPT, ACCESS_GTT, ACCESS_OTHER, ACCESSES };
extern const char *const access_names[ACCESSES];

class Guest : public pci_host {
  public:
    // The function is attached and set up; it stays the caller's. vgpu: it has a partition of the global GTT.
    Guest(pci_device *dev, bool vgpu);
    ~Guest();
    // To be called when the function is gone.
    void release();

    // A batch of count fills of bytes each (a multiple of 4 KiB, up to 1 MiB), with an arbitration point behind each; 0 fills: nothing but the end.
    void set_batch(unsigned count, uint64_t bytes);
    static constexpr uint64_t FILL = 1 << 20;

    // Submits requests until until_ns or count (0: no limit), at most depth of them unfinished, and waits for all. Returns how many there were.
    uint64_t run(uint64_t until_ns, uint64_t count, unsigned depth);
    // One request, from the write of the ring to the moment at which the guest knows that it is complete; ns.
    uint64_t one();
    // Before each request: for page-table stress.
    std::function<void()> prepare;

    // Page tables of the context: makes tables page tables (each 512 entries, 2 MiB) beside those of batches and data, and rewrites count entries
    // spread over them.
    void make_tables(unsigned tables);
    void change_entries(unsigned count);
    void display_on();
    void display_off();

    std::array<uint64_t, ACCESSES> access_count{}, access_ns{};
    bool timed = false; // fill access_ns; the clock's own time is in it

    static void fail(const char *what);

  private:
    uint8_t *memory = nullptr;
    pci_device *dev;
    uint64_t low = 0, memory_size, next_gma = 0;
    uint32_t ring_tail = 0, submitted_tail = 0, seqno = 0, gma_hwsp = 0, gma_ring = 0;
    uint64_t desc = 0;
    unsigned csb_seen = 0, tables = 0;
    uint64_t table_seed = 1;
    bool awaiting_ack = false;
    std::mutex mutex;
    std::condition_variable changed;
    unsigned messages = 0, handled = 0;

    uint32_t read32(access kind, uint32_t offset);
    void write32(access kind, uint32_t offset, uint32_t value);
    void bind(uint64_t gma, uint64_t gpa, uint64_t len);
    uint32_t *at(uint64_t gpa) { return reinterpret_cast<uint32_t *>(memory + gpa); }
    uint64_t *at64(uint64_t gpa) { return reinterpret_cast<uint64_t *>(memory + gpa); }
    void emit();
    void submit();
    void interrupts();
    void status();
    void wait();
    uint32_t completed();
};

} // namespace bench

#endif
