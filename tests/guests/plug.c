/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest whose GPU comes and goes: lets go of it when it is asked to, by ACPI's ports, and uses the one that is plugged in then, at other addresses. It plays
 * the part of ACPI code and its driver. Arguments: rounds=N (2): how often a GPU is there; refuse: says no to the first request.
 * Ports: vmm/power.h (general-purpose events), vmm/pci_plug.h.
 */
#include "display.h"
#include "gpu.h"
#include "guest.h"
#include "mi.h"
#include "pci.h"
#include "regs.h"

enum {
    GPE_STATUS = 0x60c,
    GPE_PLUG = 1 << 1,
    INSERTED = 0xae00,
    WANTED = 0xae04,
    EJECT = 0xae08,
    REPORT_SLOT = 0xae0c,
    REPORT_EVENT = 0xae10,
    REPORT_STATUS = 0xae14,
    EJECT_REQUEST = 3, /* ACPI's notification */
    DEVICE_BUSY = 0x82,

    GPU_SLOT = 2,
    GPU_BIT = 1 << GPU_SLOT,
    GPU = GPU_SLOT << 3,
    COMMAND = 4,
    BAR0 = 0x10,
    PATIENCE_S = 60,
};

static struct gpu gpu;

/* Black, but a picture that a viewer may be reading when its GPU goes. */
static bool show(void)
{
    enum { WIDTH = 1024, HEIGHT = 768, PITCH = 4 * WIDTH };
    static void *picture;
    unsigned width, height;

    if (!picture)
        picture = page_alloc(PITCH * HEIGHT);
    if (!display_preferred_mode(&gpu, &width, &height))
        return false;
    const uint32_t gma = gpu_bind_low(&gpu, picture, PITCH * HEIGHT);
    gpu_flush_ggtt(&gpu);
    display_set_mode(&gpu, WIDTH, HEIGHT, gma, PITCH, false);
    return true;
}

static void use(unsigned round)
{
    static const char *const kinds[] = {"the whole GPU", "a vGPU"};

    if (!report(gpu_open(&gpu), "round %u: there is a GPU", round))
        return;
    printf("round %u: %s at 0x%lx\n", round, kinds[gpu.is_virtual], (unsigned long)(uintptr_t)gpu.mmio);
    gpu_enable_interrupts(&gpu);
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        struct ppgtt vm;
        struct context ctx;
        ppgtt_init(&vm);
        context_init(&ctx, &gpu, engine, &vm, 4096);
        report(context_run(&ctx, 10), "round %u: %s works", round, gpu_engine_label(engine));
    }
    report(show(), "round %u: a monitor answers", round);
    for (unsigned i = 0; i < 1000 && !gpu.interrupts; i++)
        delay_us(1000);
    report(gpu.interrupts > 0, "round %u: interrupts come", round);
}

static bool wait_for_event(void)
{
    const uint64_t end = time_us() + PATIENCE_S * 1000000ull;

    while (!(inw(GPE_STATUS) & GPE_PLUG) && time_us() < end)
        delay_us(1000);
    const bool came = inw(GPE_STATUS) & GPE_PLUG;
    outw(GPE_STATUS, GPE_PLUG);
    return came && !(inw(GPE_STATUS) & GPE_PLUG);
}

static bool is_asked(void)
{
    if (!report(wait_for_event(), "an event comes, and can be cleared") || !report(inl(WANTED) == GPU_BIT, "it is asked to let go of the GPU"))
        return false;
    outl(WANTED, GPU_BIT);
    return report(inl(WANTED) == 0, "which is cleared");
}

static void refuse(void)
{
    printf("refuses\n");
    outl(REPORT_SLOT, GPU_SLOT);
    outl(REPORT_EVENT, EJECT_REQUEST);
    outl(REPORT_STATUS, DEVICE_BUSY);
    report(pci_read(GPU, 0, 4) == 0x19128086, "the GPU is there still");
}

/* Its registers must not be reached any more, but its memory windows were the guest's own all the time. */
static void let_go(void)
{
    const uintptr_t mmio = (uintptr_t)gpu.mmio;

    outl(EJECT, 1u << 5); /* nothing is there */
    report(pci_read(GPU, 0, 4) == 0x19128086, "other slots are others");
    outl(EJECT, GPU_BIT);
    /* From here on the next one may be there already: it decodes nothing, but is on the bus. */
    for (unsigned i = 0; i < 5000 && mmio_read32(mmio + 0x2358) != ~0u; i++) /* RING_TIMESTAMP of the render engine: not all ones for long */
        delay_us(1000);
    report(mmio_read32(mmio + 0x2358) == ~0u && mmio_read32(mmio + 0x78000) == ~0u, "its registers do not answer");
    report(inl(EJECT) == 0, "it is out");
    printf("has let go\n");
}

/* Each BAR at a new place, as an operating system would. */
static void place_bars(unsigned round)
{
    uint64_t next = 0xd0000000 + (round & 1) * 0x10000000ull;

    for (unsigned bar = 0; bar < 6; bar++) {
        const unsigned reg = BAR0 + 4 * bar;
        const bool io = pci_read(GPU, reg, 4) & 1, wide = !io && (pci_read(GPU, reg, 4) & 4);
        const uint64_t size = pci_bar_size(GPU, bar);
        if (size && io)
            pci_write(GPU, reg, 4, 0xd000);
        if (size && !io) {
            next = (next + size - 1) & ~(size - 1);
            pci_write(GPU, reg, 4, (uint32_t)next);
            if (wide)
                pci_write(GPU, reg + 4, 4, (uint32_t)(next >> 32));
            next += size;
        }
        bar += wide;
    }
}

/* Who was asked twice to let go has had both questions answered by the first answer, and one event more. */
static bool comes_back(unsigned round)
{
    const uint64_t end = time_us() + PATIENCE_S * 1000000ull;
    bool came = wait_for_event();

    while (came && !inl(INSERTED) && time_us() < end)
        came = wait_for_event();
    if (!report(came, "an event comes for the next one") || !report(inl(INSERTED) == GPU_BIT, "something was plugged in"))
        return false;
    outl(INSERTED, GPU_BIT);
    report(inl(INSERTED) == 0 && inl(WANTED) == 0, "which is cleared");
    report((pci_read(GPU, COMMAND, 2) & 7) == 0, "it decodes nothing");
    place_bars(round);
    return true;
}

int guest_main(void)
{
    const unsigned rounds = (unsigned)boot_arg_number("rounds", 2);
    char value[2];
    bool refuses = boot_arg("refuse", value, sizeof(value));

    for (unsigned round = 0; round < rounds; round++) {
        if (pci_read(GPU, 0, 4) != ~0u)
            use(round);
        else
            printf("round %u: no GPU\n", round);
        if (round + 1 == rounds)
            break;
        if (gpu.mmio) {
            if (!is_asked())
                break;
            if (refuses) {
                refuse();
                if (!is_asked())
                    break;
            }
            refuses = false;
            let_go();
        }
        if (!comes_back(round))
            break;
    }
    return report_summary();
}
