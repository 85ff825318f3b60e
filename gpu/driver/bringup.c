/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bring-up of the physical GPU: what firmware leaves undone and what a reset undoes. Called by the VMM at start.
 * Values: Linux 6.1 gt/intel_workarounds.c (gen9 and skl lists), gt/intel_gtt.c (page attributes), gt/intel_mocs.c (Skylake's table),
 * gt/intel_execlists_submission.c (enable_execlists), intel_uncore.c (forcewake), gt/intel_gt_clock_utils.c (time stamps).
 */
#include "gpu/driver/driver_internal.h"

#include <gio/gio.h>
#include <string.h>

enum {
    FORCEWAKE_KERNEL = 1 << 0,
    FORCEWAKE_TIMEOUT_US = 50000,
    MODE_RUN_LIST_ENABLE = 1 << 15,
    MI_MODE_STOP_RING = 1 << 8,
    EMR_ERRORS = 1 << 0 | 1 << 4, /* instruction error, page table error */
    MASTER_IRQ_ENABLE = 1u << 31,
    CTC_SHIFT_SHIFT = 1, /* CTC_MODE 2:1 */
    CTC_SHIFT_MASK = 3,
    CRYSTAL_HZ = 24000000,
};

/* Page attributes by index: what the entries of the GTTs may select. */
enum {
    PPAT_UC = 0,
    PPAT_WC = 1,
    PPAT_WB = 3,
    PPAT_ELLC_OVERRIDE = 0 << 2,
    PPAT_LLC = 1 << 2,
    PPAT_LLC_ELLC = 2 << 2,
    PPAT_AGE_SHIFT = 4,
};
static const uint8_t page_attributes[8] = {
    PPAT_WB | PPAT_LLC,
    PPAT_WC | PPAT_LLC_ELLC,
    PPAT_WB | PPAT_ELLC_OVERRIDE,
    PPAT_UC,
    PPAT_WB | PPAT_LLC_ELLC | 0 << PPAT_AGE_SHIFT,
    PPAT_WB | PPAT_LLC_ELLC | 1 << PPAT_AGE_SHIFT,
    PPAT_WB | PPAT_LLC_ELLC | 2 << PPAT_AGE_SHIFT,
    PPAT_WB | PPAT_LLC_ELLC | 3 << PPAT_AGE_SHIFT,
};

/* MOCS: index 0 uncached, 1 as the page tables say, 2 and later cached, 63 for the L3's own evictions. */
enum {
    MOCS_PTE = 0,
    MOCS_UC = 1,
    MOCS_WB = 3,
    MOCS_TARGET_LLC = 1 << 2,
    MOCS_TARGET_LLC_ELLC = 2 << 2,
    MOCS_AGE_3 = 3 << 4,
    L3_UC = 1 << 4,
    L3_WB = 3 << 4,
    MOCS_ENTRIES = 64,
};
static const struct {
    uint32_t control;
    uint16_t l3;
} mocs_uncached = {MOCS_UC | MOCS_TARGET_LLC_ELLC, L3_UC}, mocs_pte = {MOCS_PTE | MOCS_TARGET_LLC_ELLC | MOCS_AGE_3, L3_WB},
  mocs_cached = {MOCS_WB | MOCS_TARGET_LLC_ELLC | MOCS_AGE_3, L3_WB}, mocs_eviction = {MOCS_WB | MOCS_TARGET_LLC | MOCS_AGE_3, L3_UC};

static uint32_t mocs_control(unsigned index)
{
    return index == 0 ? mocs_uncached.control
         : index == 1 ? mocs_pte.control
         : index == MOCS_ENTRIES - 1 ? mocs_eviction.control : mocs_cached.control;
}

static uint16_t mocs_l3(unsigned index)
{
    return index == 0 ? mocs_uncached.l3 : index == 1 ? mocs_pte.l3 : index == MOCS_ENTRIES - 1 ? mocs_eviction.l3 : mocs_cached.l3;
}

/*
 * Registers that a guest's non-privileged batches may write beside those that silicon opens: the ones of i915's Skylake list
 * (gt/intel_workarounds.c, skl_whitelist_build) that the logical context saves, so that no guest sees another's value.
 */
static const uint32_t nonprivileged[] = {R_GEN8_CS_CHICKEN1, R_GEN8_HDC_CHICKEN1, R_GEN7_COMMON_SLICE_CHICKEN2};

static const struct {
    uint32_t offset, set;
} workarounds[] = {
    {R_GEN7_UCGCTL4, 1 << 14},        /* WaDisableGafsUnitClkGating */
    {R_GEN9_GAMT_ECO_REG_RW_IA, 1 << 18}, /* WaInPlaceDecompressionHang */
};

static bool forcewake_hold(struct driver *driver, GError **error)
{
    static const struct {
        uint32_t request, ack;
        const char *name;
    } domains[] = {
        {R_FORCEWAKE_RENDER_GEN9, R_FORCEWAKE_ACK_RENDER_GEN9, "render"},
        {R_FORCEWAKE_MT, R_FORCEWAKE_ACK_HSW, "blitter"},
        {R_FORCEWAKE_MEDIA_GEN9, R_FORCEWAKE_ACK_MEDIA_GEN9, "media"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(domains); i++) {
        gpu_write32(driver->gpu, domains[i].request, masked_set(FORCEWAKE_KERNEL));
        if (!driver_poll(driver, domains[i].ack, FORCEWAKE_KERNEL, FORCEWAKE_KERNEL, FORCEWAKE_TIMEOUT_US)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "the GPU does not wake: no forcewake acknowledge from its %s domain",
                        domains[i].name);
            return false;
        }
    }
    return true;
}

static void set_caching(struct driver *driver)
{
    uint64_t attributes = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(page_attributes); i++)
        attributes |= (uint64_t)page_attributes[i] << 8 * i;
    gpu_write32(driver->gpu, R_GEN8_PRIVATE_PAT_LO, (uint32_t)attributes);
    gpu_write32(driver->gpu, R_GEN8_PRIVATE_PAT_HI, (uint32_t)(attributes >> 32));
    /* Two L3 entries in each register. */
    for (unsigned i = 0; i < MOCS_ENTRIES / 2; i++)
        gpu_write32(driver->gpu, R_GEN9_LNCFCMOCS + 4 * i, mocs_l3(2 * i) | (uint32_t)mocs_l3(2 * i + 1) << 16);
}

static void enable_interrupts(struct driver *driver)
{
    uint32_t sources[4] = {0};

    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        unsigned shift, bank = driver_interrupt_bank(engine, &shift);
        sources[bank] |= (uint32_t)ENGINE_INTERRUPTS << shift;
    }
    gpu_write32(driver->gpu, R_GEN8_MASTER_IRQ, 0);
    for (unsigned bank = 0; bank < G_N_ELEMENTS(sources); bank++) {
        gpu_write32(driver->gpu, R_GEN8_GT_IMR + 16 * bank, ~sources[bank]);
        /* Twice: a second event may wait behind the first. */
        gpu_write32(driver->gpu, R_GEN8_GT_IIR + 16 * bank, 0xffffffff);
        gpu_write32(driver->gpu, R_GEN8_GT_IIR + 16 * bank, 0xffffffff);
        gpu_write32(driver->gpu, R_GEN8_GT_IER + 16 * bank, sources[bank]);
    }
    gpu_write32(driver->gpu, R_GEN8_MASTER_IRQ, MASTER_IRQ_ENABLE);
}

void driver_engine_init(struct driver *driver, unsigned engine)
{
    static const uint32_t mocs[ENGINE_COUNT] = {
        [ENGINE_RCS0] = R_GEN9_GFX_MOCS, [ENGINE_BCS0] = R_GEN9_BLT_MOCS, [ENGINE_VCS0] = R_GEN9_MFX0_MOCS, [ENGINE_VECS0] = R_GEN9_VEBOX_MOCS};
    struct driver_engine *state = &driver->engines[engine];
    uint32_t *page = (uint32_t *)(void *)state->status_page.host;
    uint32_t base = engine_mmio_base(engine);
    unsigned interrupt_shift;

    driver_interrupt_bank(engine, &interrupt_shift); /* RING_IMR has its layout */
    for (unsigned i = 0; i < MOCS_ENTRIES; i++)
        gpu_write32(driver->gpu, mocs[engine] + 4 * i, mocs_control(i));
    for (unsigned i = 0; i < 12; i++)
        engine_write(driver, engine, RING_FORCE_TO_NONPRIV + 4 * i,
                     engine == ENGINE_RCS0 && i < G_N_ELEMENTS(nonprivileged) ? nonprivileged[i] : base + RING_NOPID);
    engine_write(driver, engine, RING_HWSTAM, 0xffffffff);
    engine_write(driver, engine, RING_MODE, masked_set(MODE_RUN_LIST_ENABLE));
    engine_write(driver, engine, RING_MI_MODE, masked_clear(MI_MODE_STOP_RING));
    engine_write(driver, engine, RING_HWS_PGA, (uint32_t)state->status_page.gma);
    engine_write(driver, engine, RING_EMR, 0xffffffff);
    engine_write(driver, engine, RING_EIR, 0xffffffff);
    engine_write(driver, engine, RING_EMR, ~(uint32_t)EMR_ERRORS);
    engine_write(driver, engine, RING_IMR, ~((uint32_t)ENGINE_INTERRUPTS << interrupt_shift));
    /* The status buffer begins anew; the index in memory is the driver's to reset. */
    engine_write(driver, engine, RING_CONTEXT_STATUS_PTR, 0xffffu << 16 | DRIVER_CSB_RESET << 8 | DRIVER_CSB_RESET);
    __atomic_store_n(&page[HWSP_CSB_WRITE_DWORD], (uint32_t)DRIVER_CSB_RESET, __ATOMIC_RELEASE);
    state->csb_head = DRIVER_CSB_RESET;
    state->interrupts &= ENGINE_INTERRUPT_USER | ENGINE_INTERRUPT_NOTIFY;
}

struct driver *driver_create(struct gpu *gpu, struct trace *trace, GError **error)
{
    struct driver *driver = g_new0(struct driver, 1);

    driver->gpu = gpu;
    driver->trace = trace;
    driver->context_ids = g_hash_table_new(g_direct_hash, g_direct_equal);
    g_mutex_init(&driver->lock);
    g_mutex_init(&driver->wait_lock);
    g_cond_init(&driver->wait_cond);

    if (!gpu->ops->reset(gpu, error) || !forcewake_hold(driver, error) || !ggtt_space_init(driver, error))
        goto fail;
    if (!driver_reset_engines(driver, (1 << ENGINE_COUNT) - 1, error))
        goto fail;
    driver->ticks_per_second =
        CRYSTAL_HZ >> (3 - (gpu_read32(gpu, R_CTC_MODE) >> CTC_SHIFT_SHIFT & CTC_SHIFT_MASK));
    for (size_t i = 0; i < G_N_ELEMENTS(workarounds); i++)
        gpu_write32(gpu, workarounds[i].offset, gpu_read32(gpu, workarounds[i].offset) | workarounds[i].set);
    gpu_write32(gpu, R_GEN6_RC_CONTROL, 0); /* render standby stays off: a shared GPU is to answer at once */
    gpu_write32(gpu, R_GEN6_RC_STATE, 0);
    set_caching(driver);
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        if (!driver_buffer_init(driver, &driver->engines[engine].status_page, DRIVER_PAGE, true, error))
            goto fail;
        driver_engine_init(driver, engine);
    }
    gpu->ops->set_irq(gpu, driver_interrupt, driver);
    enable_interrupts(driver);
    return driver;
fail:
    driver_destroy(driver);
    return NULL;
}

void driver_destroy(struct driver *driver)
{
    if (!driver)
        return;
    gpu_write32(driver->gpu, R_GEN8_MASTER_IRQ, 0);
    driver->gpu->ops->set_irq(driver->gpu, NULL, NULL);
    if (driver->engines[0].status_page.host)
        driver_reset_engines(driver, (1 << ENGINE_COUNT) - 1, NULL);
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++)
        driver_buffer_finish(driver, &driver->engines[engine].status_page);
    ggtt_space_finish(driver);
    g_hash_table_unref(driver->context_ids);
    g_mutex_clear(&driver->lock);
    g_mutex_clear(&driver->wait_lock);
    g_cond_clear(&driver->wait_cond);
    gpu_destroy(driver->gpu);
    g_free(driver);
}

struct gpu *driver_gpu(struct driver *driver)
{
    return driver->gpu;
}

uint32_t driver_read32(struct driver *driver, uint32_t offset)
{
    return gpu_read32(driver->gpu, offset);
}

void driver_write32(struct driver *driver, uint32_t offset, uint32_t value)
{
    gpu_write32(driver->gpu, offset, value);
}

uint64_t driver_ticks_to_ns(const struct driver *driver, uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * 1000000000u / driver->ticks_per_second);
}

void driver_engine_progress(struct driver *driver, unsigned engine, struct driver_progress *progress)
{
    progress->active_head = (uint64_t)engine_read(driver, engine, RING_ACTHD_UDW) << 32 | engine_read(driver, engine, RING_ACTHD);
    progress->ring_head = engine_read(driver, engine, RING_HEAD);
    progress->error = engine_read(driver, engine, RING_EIR);
}
