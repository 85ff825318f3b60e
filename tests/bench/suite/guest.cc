// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest.h"

#include "gpu/blocks/irq_tree.h"
#include "gpu/defs/formats.h"
#include "gpu/defs/registers.h"
#include "gpu/trace.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace bench {

const char *const access_names[ACCESSES] = {"elsp", "interrupt", "gtt", "other"};

namespace {

// Guest memory.
constexpr uint64_t HWSP = 0x10000, IMAGE = 0x20000, RING = 0x40000, RING_SIZE = 0x8000, TABLES = 0x50000, BATCHES = 0x60000, DATA = 0x100000,
                   MORE_TABLES = 0x200000, MEMORY = 0x400000;
// Its PPGTT: data at 0, batches at BATCH_VA, the stress tables from MORE_VA on.
constexpr uint64_t BATCH_VA = 0x100000, MORE_VA = 0x40000000;
constexpr unsigned SEQNO_DWORD = 0x80, MAX_TABLES = 448;
constexpr unsigned ENGINE = ENGINE_BCS0;

// PRM SKL vol. 2a.
constexpr uint32_t NOOP = 0, USER_INTERRUPT = 0x02 << 23, ARB_CHECK = 0x05 << 23, BATCH_END = 0x0a << 23, BATCH_START = 0x31 << 23 | 1 << 8 | 1;
constexpr uint32_t FLUSH_DW_WRITE = 0x26 << 23 | 1 << 14 | 2, FLUSH_DW_GGTT = 1 << 2;
constexpr uint32_t COLOR_BLT = 0x54300005, COLOR_BLT_32BPP_COPY = 3u << 24 | 0xf0u << 16;
constexpr uint32_t ENTRY = 3;

constexpr uint32_t BANK = 0x44300; // GT interrupts of render and blitter: ISR, IMR, IIR, IER. PRM SKL vol. 2c "GT Interrupt 0"

uint32_t acquire(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }

} // namespace

void Guest::fail(const char *what)
{
    fprintf(stderr, "bench_suite: %s\n", what);
    exit(1);
}

uint32_t Guest::read32(access kind, uint32_t offset)
{
    uint32_t value = 0;
    uint64_t start = timed ? trace_now_ns() : 0;
    dev->ops->bar_read(dev, 0, offset, &value, 4);
    access_count[kind]++;
    if (timed)
        access_ns[kind] += trace_now_ns() - start;
    return value;
}

void Guest::write32(access kind, uint32_t offset, uint32_t value)
{
    uint64_t start = timed ? trace_now_ns() : 0;
    dev->ops->bar_write(dev, 0, offset, &value, 4);
    access_count[kind]++;
    if (timed)
        access_ns[kind] += trace_now_ns() - start;
}

void Guest::bind(uint64_t gma, uint64_t gpa, uint64_t len)
{
    for (uint64_t at = 0; at < len; at += PAGE) {
        uint64_t entry = (gpa + at) | PTE_PRESENT;
        dev->ops->bar_write(dev, 0, GTT_OFFSET + (gma + at) / PAGE * 8, &entry, 8);
    }
}

Guest::Guest(pci_device *function, bool vgpu) : dev(function), memory_size(MEMORY)
{
    void *mapped = mmap(nullptr, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); // shared: not in RssAnon
    if (mapped == MAP_FAILED)
        fail("no memory for a guest");
    memory = static_cast<uint8_t *>(mapped);
    dma = dma_space_create("guest");
    msi = [](pci_host *h, uint64_t, uint32_t) {
        Guest *self = static_cast<Guest *>(h);
        std::lock_guard lock(self->mutex);
        self->messages++;
        self->changed.notify_one();
    };
    intx = [](pci_host *, bool) {};
    decode_changed = [](pci_host *) {};
    if (!dma_space_map(dma, 0, MEMORY, memory, DMA_RW, nullptr))
        fail("guest memory cannot be mapped");
    dev->ops->attach(dev, this);
    dev->ops->config_write(dev, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    dev->ops->config_write(dev, 0xac + 4, 4, 0xfee00000);
    dev->ops->config_write(dev, 0xac + 2, 2, 1);
    for (uint32_t request : {R_FORCEWAKE_RENDER_GEN9, R_FORCEWAKE_MT, R_FORCEWAKE_MEDIA_GEN9})
        write32(ACCESS_OTHER, request, 0x00010001);

    low = vgpu ? read32(ACCESS_OTHER, R_PVINFO_MAPPABLE_BASE) : 1 << 20;
    gma_hwsp = uint32_t(low);
    bind(low, HWSP, PAGE);
    uint64_t gma_image = low + 0x10000;
    bind(gma_image, IMAGE, context_pages(ENGINE) * PAGE);
    gma_ring = uint32_t(low + 0x40000);
    bind(gma_ring, RING, RING_SIZE);
    write32(ACCESS_OTHER, R_GFX_FLSH_CNTL, 1);

    uint32_t base = engine_mmio_base(ENGINE);
    csb_seen = CSB_ENTRIES - 1;
    at(HWSP)[HWSP_CSB_WRITE_DWORD] = CSB_ENTRIES - 1;
    write32(ACCESS_OTHER, base + RING_HWS_PGA, gma_hwsp);
    write32(ACCESS_OTHER, base + RING_IMR, ~uint32_t((ENGINE_IRQ_USER | ENGINE_IRQ_CONTEXT_SWITCH) << 16));
    write32(ACCESS_OTHER, base + RING_MODE, 0x80008000);
    write32(ACCESS_OTHER, BANK + 4, ~uint32_t((ENGINE_IRQ_USER | ENGINE_IRQ_CONTEXT_SWITCH) << 16));
    write32(ACCESS_OTHER, BANK + 12, 0xffffffff);
    write32(ACCESS_INTERRUPT, R_GEN8_MASTER_IRQ, 1u << 31);

    uint64_t pml4 = TABLES, pdp = pml4 + PAGE, pd = pdp + PAGE, pt = pd + PAGE;
    *at64(pml4) = pdp | ENTRY;
    *at64(pdp) = pd | ENTRY;
    *at64(pd) = pt | ENTRY;
    for (unsigned i = 0; i < 256; i++)
        at64(pt)[i] = (DATA + i * PAGE) | ENTRY;
    for (unsigned i = 0; i < 16; i++)
        at64(pt)[256 + i] = (BATCHES + i * PAGE) | ENTRY;

    uint32_t *state = at(IMAGE + CONTEXT_STATE_PAGE * PAGE);
    unsigned count;
    const context_dword *rows = context_layout(ENGINE, &count);
    for (unsigned i = 0; i < count; i++)
        state[rows[i].index] = rows[i].header ? 0x11000000u | (rows[i].posted ? 1u << 12 : 0) | (2u * rows[i].header - 1) : rows[i].offset;
    state[CTX_CONTEXT_CONTROL] = 0x00090009; // nothing to restore the first time
    state[CTX_RING_START] = gma_ring;
    state[CTX_RING_CTL] = uint32_t(RING_SIZE - PAGE) | 1;
    state[CTX_BB_STATE] = 1 << 5;
    state[CTX_PDP0_UDW] = 0;
    state[CTX_PDP0_LDW] = uint32_t(pml4);
    desc = UINT64_C(7) << 32 | gma_image | DESC_PRIVILEGE | DESC_ADDRESSING_64 | DESC_VALID;
    set_batch(0, 0);
}

void Guest::release()
{
    dma_space_unref(dma);
    munmap(memory, memory_size);
    memory = nullptr;
}

Guest::~Guest()
{
    if (memory)
        release();
}

void Guest::set_batch(unsigned count, uint64_t bytes)
{
    uint32_t *p = at(BATCHES);
    for (unsigned i = 0; i < count; i++) {
        const uint32_t fill[] = {COLOR_BLT, COLOR_BLT_32BPP_COPY | uint32_t(PAGE), 0, uint32_t(bytes / PAGE) << 16 | uint32_t(PAGE / 4), 0, 0, i * 0x01010101u,
                                 ARB_CHECK};
        memcpy(p, fill, sizeof(fill));
        p += sizeof(fill) / 4;
    }
    *p = BATCH_END;
}

void Guest::make_tables(unsigned number)
{
    if (number > MAX_TABLES)
        fail("too many page tables");
    uint64_t pdp = TABLES + PAGE, pd = MORE_TABLES;
    at64(pdp)[MORE_VA >> 30] = pd | ENTRY;
    for (unsigned i = 0; i < number; i++) {
        uint64_t pt = MORE_TABLES + (1 + i) * PAGE;
        at64(pd)[i] = pt | ENTRY;
        for (unsigned j = 0; j < 512; j++)
            at64(pt)[j] = (DATA + (i + j) % 256 * PAGE) | ENTRY;
    }
    tables = number;
}

void Guest::change_entries(unsigned count)
{
    // Runs of 64 entries at places that move on, as buffers are unbound and bound.
    for (unsigned done = 0; done < count && tables; done++) {
        if (done % 64 == 0)
            table_seed = table_seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t table = (table_seed >> 33) % tables, entry = ((table_seed >> 20) % 8 * 64 + done % 64) % 512;
        __atomic_store_n(&at64(MORE_TABLES + (1 + table) * PAGE)[entry], (DATA + (table_seed + done) % 256 * PAGE) | ENTRY, __ATOMIC_RELAXED);
    }
}

void Guest::display_on()
{
    // 640x480 at about 60 Hz on port D by DisplayPort.
    static const uint32_t writes[][2] = {{R_TRANS_HTOTAL, 639 | 799 << 16}, {R_TRANS_VTOTAL, 479 | 524 << 16}, {R_PIPESRC, 639 << 16 | 479},
                                         {R_PIPE_LINK_M1, 25175}, {R_PIPE_LINK_N1, 270000}, {R_DPLL_CTRL1, 1 << 6 | 1 << 7},
                                         {R_DPLL_CTRL2, 1 << 9 | 1 << 10}, {R_TRANS_DDI_FUNC_CTL, 0x80000000 | 3 << 28 | 2 << 24},
                                         {R_PIPECONF, 0x80000000}};
    for (auto &write : writes)
        write32(ACCESS_OTHER, write[0], write[1]);
    write32(ACCESS_OTHER, R_GEN8_DE_PIPE_IMR, ~1u);
    write32(ACCESS_OTHER, R_GEN8_DE_PIPE_IER, 1);
}

void Guest::display_off()
{
    write32(ACCESS_OTHER, R_GEN8_DE_PIPE_IER, 0);
    write32(ACCESS_OTHER, R_PIPECONF, 0);
}

// One request into the ring: the batch, a breadcrumb, a user interrupt.
void Guest::emit()
{
    if (prepare)
        prepare();
    const uint32_t request[] = {BATCH_START, uint32_t(BATCH_VA), 0, FLUSH_DW_WRITE, (gma_hwsp + SEQNO_DWORD * 4) | FLUSH_DW_GGTT, 0, ++seqno, NOOP, USER_INTERRUPT,
                                ARB_CHECK};
    for (uint32_t dword : request) {
        at(RING)[ring_tail / 4] = dword;
        ring_tail = (ring_tail + 4) % RING_SIZE;
    }
}

void Guest::submit()
{
    uint32_t port = engine_mmio_base(ENGINE) + RING_ELSP;
    __atomic_store_n(&at(IMAGE + CONTEXT_STATE_PAGE * PAGE)[CTX_RING_TAIL], ring_tail, __ATOMIC_RELEASE);
    submitted_tail = ring_tail;
    awaiting_ack = true;
    write32(ACCESS_ELSP, port, 0);
    write32(ACCESS_ELSP, port, 0);
    write32(ACCESS_ELSP, port, uint32_t(desc >> 32));
    write32(ACCESS_ELSP, port, uint32_t(desc));
}

void Guest::interrupts()
{
    uint32_t master = read32(ACCESS_INTERRUPT, R_GEN8_MASTER_IRQ);
    write32(ACCESS_INTERRUPT, R_GEN8_MASTER_IRQ, 0);
    if (master & 3) { // render or blitter
        uint32_t iir = read32(ACCESS_INTERRUPT, BANK + 8);
        write32(ACCESS_INTERRUPT, BANK + 8, iir);
    }
    if (master & 1 << 16) // pipe A
        write32(ACCESS_INTERRUPT, R_GEN8_DE_PIPE_IIR, read32(ACCESS_INTERRUPT, R_GEN8_DE_PIPE_IIR));
    write32(ACCESS_INTERRUPT, R_GEN8_MASTER_IRQ, 1u << 31);
}

void Guest::status()
{
    while (acquire(&at(HWSP)[HWSP_CSB_WRITE_DWORD]) != csb_seen) {
        csb_seen = (csb_seen + 1) % CSB_ENTRIES;
        if (acquire(&at(HWSP)[HWSP_CSB_DWORD + 2 * csb_seen]) & (CSB_IDLE_ACTIVE | CSB_PREEMPTED))
            awaiting_ack = false;
    }
}

uint32_t Guest::completed()
{
    return acquire(&at(HWSP)[SEQNO_DWORD]);
}

void Guest::wait()
{
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, std::chrono::seconds(20), [&] { return messages != handled; }))
        fail("a guest waited for an interrupt for 20 seconds");
}

uint64_t Guest::run(uint64_t until_ns, uint64_t count, unsigned depth)
{
    uint32_t first = seqno;
    for (;;) {
        unsigned seen;
        {
            std::lock_guard lock(mutex);
            seen = messages;
        }
        if (seen != handled) {
            handled = seen;
            interrupts();
        }
        status();
        uint32_t done = completed();
        bool more = (!count || seqno - first < count) && (!until_ns || trace_now_ns() < until_ns);
        while (more && seqno - done < depth) {
            emit();
            more = !count || seqno - first < count;
        }
        if (ring_tail != submitted_tail && !awaiting_ack) {
            submit();
            continue;
        }
        if (!more && done == seqno && !awaiting_ack)
            return seqno - first;
        wait();
    }
}

uint64_t Guest::one()
{
    uint64_t start = trace_now_ns();
    run(0, 1, 1);
    return trace_now_ns() - start;
}

} // namespace bench
