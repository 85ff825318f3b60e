/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engine reset: stop the ring, ask the engine to be ready, reset its domain by GDRST, set it up again. Called by the scheduler for a
 * hung engine, and by bring-up. Sequence and bits: Linux 6.1 gt/intel_reset.c (gen8_reset_engines), gt/intel_engine_cs.c (intel_engine_stop_cs).
 */
#include "gpu/blocks/uncore.h"
#include "gpu/driver/driver_internal.h"

#include <gio/gio.h>
#include <time.h>

enum {
    MI_MODE_STOP_RING = 1 << 8,
    MI_MODE_IDLE = 1 << 9,
    RESET_CTL_REQUEST = 1 << 0,
    RESET_CTL_READY = 1 << 1,
    STOP_TIMEOUT_US = 1000,
    READY_TIMEOUT_US = 700,
    TLB_TIMEOUT_US = 4000, /* i915 TLB_INVAL_TIMEOUT_US is 100, with 4 ms to make sure */
    GDRST_TIMEOUT_US = 500000, /* a software engine has to come to the end of what it is doing */
};

bool driver_poll(struct driver *driver, uint32_t offset, uint32_t mask, uint32_t want, unsigned timeout_us)
{
    gint64 end = g_get_monotonic_time() + timeout_us;

    for (unsigned spin = 0;; spin++) {
        bool late = g_get_monotonic_time() > end;
        if ((gpu_read32(driver->gpu, offset) & mask) == want)
            return true;
        if (late)
            return false;
        if (spin > 16)
            g_usleep(20);
    }
}

static uint32_t reset_domain(unsigned engine)
{
    static const uint32_t domains[ENGINE_COUNT] = {
        [ENGINE_RCS0] = GDRST_RENDER, [ENGINE_BCS0] = GDRST_BLITTER, [ENGINE_VCS0] = GDRST_MEDIA, [ENGINE_VECS0] = GDRST_VECS};

    return domains[engine];
}

bool driver_reset_engines(struct driver *driver, unsigned engine_mask, GError **error)
{
    uint32_t domains = 0;

    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        if (!(engine_mask >> engine & 1))
            continue;
        uint32_t base = engine_mmio_base(engine);
        engine_write(driver, engine, RING_MI_MODE, masked_set(MI_MODE_STOP_RING));
        /* An engine that does not stop is reset all the same: that is what the reset is for. */
        driver_poll(driver, base + RING_MI_MODE, MI_MODE_IDLE, MI_MODE_IDLE, STOP_TIMEOUT_US);
        engine_write(driver, engine, RING_RESET_CTL, masked_set(RESET_CTL_REQUEST));
        driver_poll(driver, base + RING_RESET_CTL, RESET_CTL_READY, RESET_CTL_READY, READY_TIMEOUT_US);
        domains |= reset_domain(engine);
    }
    gpu_write32(driver->gpu, R_GEN6_GDRST, domains);
    bool done = driver_poll(driver, R_GEN6_GDRST, domains, 0, GDRST_TIMEOUT_US);
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++)
        if (engine_mask >> engine & 1)
            engine_write(driver, engine, RING_RESET_CTL, masked_clear(RESET_CTL_REQUEST));
    if (!done)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "engine reset: GDRST 0x%x is still busy", domains);
    return done;
}

void driver_tlb_invalidate(struct driver *driver, unsigned engine)
{
    uint32_t offset = engine_tlb_register(engine);

    gpu_write32(driver->gpu, offset, 1);
    driver_poll(driver, offset, 1, 0, TLB_TIMEOUT_US);
}

bool driver_engine_reset(struct driver *driver, unsigned engine, GError **error)
{
    if (!driver_reset_engines(driver, 1u << engine, error))
        return false;
    driver_engine_init(driver, engine);
    return true;
}
