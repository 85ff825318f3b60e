/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Submission and completion: the execlist submit port, the interrupt callback, and the events that the scheduler's thread waits for
 * (interrupt sources of each engine, then the context status buffer from the status page).
 */
#include "gpu/driver/driver_internal.h"

enum { MASTER_IRQ_ENABLE = 1u << 31, GT_BANKS = 4 };

uint32_t driver_interrupt_bank(unsigned engine, unsigned *shift)
{
    /* PRM vol. 2c, "GT Interrupt 0..3 Definition": RCS and BCS share bank 0, VCS0 has the low half of 1, VECS that of 3. */
    static const struct {
        uint8_t bank, shift;
    } where[ENGINE_COUNT] = {[ENGINE_RCS0] = {0, 0}, [ENGINE_BCS0] = {0, 16}, [ENGINE_VCS0] = {1, 0}, [ENGINE_VECS0] = {3, 0}};

    *shift = where[engine].shift;
    return where[engine].bank;
}

static uint64_t descriptor(const struct hw_context *context, uint32_t flags)
{
    if (!context)
        return 0;
    return (uint64_t)context->id << 32 | DESC_LRCA(context->image.gma) | flags | DESC_PRIVILEGE | DESC_VALID;
}

void driver_submit(struct driver *driver, unsigned engine, const struct hw_context *first, uint32_t first_flags,
                   const struct hw_context *second, uint32_t second_flags)
{
    uint64_t element0 = descriptor(first, first_flags), element1 = descriptor(second, second_flags);

    /* Images and rings are written before the port is; the last dword starts the list (PRM vol. 2c, "EXECLIST_SUBMITPORT"). */
    __builtin_ia32_sfence(); /* buffers may be mapped write-combining on hardware */
    engine_write(driver, engine, RING_ELSP, (uint32_t)(element1 >> 32));
    engine_write(driver, engine, RING_ELSP, (uint32_t)element1);
    engine_write(driver, engine, RING_ELSP, (uint32_t)(element0 >> 32));
    engine_write(driver, engine, RING_ELSP, (uint32_t)element0);
}

static void set_and_signal(struct driver *driver, bool *flag)
{
    g_mutex_lock(&driver->wait_lock);
    *flag = true;
    bool asleep = driver->asleep;
    driver->asleep = false;
    g_mutex_unlock(&driver->wait_lock);
    if (asleep)
        g_cond_signal(&driver->wait_cond);
}

void driver_interrupt(void *opaque)
{
    struct driver *driver = opaque;

    set_and_signal(driver, &driver->interrupted);
}

void driver_wake(struct driver *driver)
{
    set_and_signal(driver, &driver->woken);
}

/*
 * Acknowledges the banks that have something. With the master off while it is done, what comes later raises the line anew (i915_irq.c,
 * gen8_irq_handler).
 */
static void collect_interrupts(struct driver *driver)
{
    /* PRM vol. 2c, "Master Interrupt Control": render and blitter, both VCS, power, VECS. */
    static const uint32_t master_bits[GT_BANKS] = {3 << 0, 3 << 2, 1 << 4, 1 << 6};
    uint32_t iir[GT_BANKS] = {0};

    gpu_write32(driver->gpu, R_GEN8_MASTER_IRQ, 0);
    uint32_t master = gpu_read32(driver->gpu, R_GEN8_MASTER_IRQ);
    for (unsigned bank = 0; bank < GT_BANKS; bank++) {
        if (!(master & master_bits[bank]))
            continue;
        iir[bank] = gpu_read32(driver->gpu, R_GEN8_GT_IIR + 16 * bank);
        if (iir[bank])
            gpu_write32(driver->gpu, R_GEN8_GT_IIR + 16 * bank, iir[bank]);
    }
    gpu_write32(driver->gpu, R_GEN8_MASTER_IRQ, MASTER_IRQ_ENABLE);
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        unsigned shift, bank = driver_interrupt_bank(engine, &shift);
        driver->engines[engine].interrupts |= iir[bank] >> shift & ENGINE_INTERRUPTS;
    }
}

uint32_t driver_pending_interrupts(struct driver *driver, unsigned engine)
{
    unsigned shift, bank = driver_interrupt_bank(engine, &shift);
    uint32_t iir = gpu_read32(driver->gpu, R_GEN8_GT_IIR + 16 * bank) >> shift;

    return (driver->engines[engine].interrupts | iir) & (ENGINE_INTERRUPT_USER | ENGINE_INTERRUPT_NOTIFY);
}

static void report_interrupt(struct driver *driver, unsigned engine, uint32_t bit, enum driver_event_kind kind,
                             struct driver_event *events, unsigned max, unsigned *count)
{
    struct driver_engine *state = &driver->engines[engine];

    if (!(state->interrupts & bit) || *count >= max)
        return;
    state->interrupts &= ~bit;
    events[(*count)++] = (struct driver_event){
        .kind = kind, .engine = engine, .status = kind == DRIVER_ENGINE_ERROR ? engine_read(driver, engine, RING_EIR) : 0};
}

static void report_status(struct driver *driver, unsigned engine, struct driver_event *events, unsigned max, unsigned *count)
{
    struct driver_engine *state = &driver->engines[engine];
    const uint32_t *page = (const uint32_t *)(const void *)state->status_page.host;
    /* The write index is stored after the entries that it covers. */
    unsigned tail = __atomic_load_n(&page[HWSP_CSB_WRITE_DWORD], __ATOMIC_ACQUIRE) & 7;

    if (tail >= CSB_ENTRIES)
        return; /* nothing was written since a reset */
    while (state->csb_head != tail && *count < max) {
        state->csb_head = (state->csb_head + 1) % CSB_ENTRIES;
        const uint32_t *entry = &page[HWSP_CSB_DWORD + 2 * state->csb_head];
        events[(*count)++] = (struct driver_event){
            .kind = DRIVER_CONTEXT_STATUS,
            .engine = engine,
            .status = __atomic_load_n(&entry[0], __ATOMIC_RELAXED),
            .context_id = __atomic_load_n(&entry[1], __ATOMIC_RELAXED),
        };
    }
}

static unsigned collect(struct driver *driver, struct driver_event *events, unsigned max)
{
    unsigned count = 0;

    collect_interrupts(driver);
    for (unsigned engine = 0; engine < ENGINE_COUNT; engine++) {
        report_interrupt(driver, engine, ENGINE_INTERRUPT_USER, DRIVER_USER_INTERRUPT, events, max, &count);
        report_interrupt(driver, engine, ENGINE_INTERRUPT_NOTIFY, DRIVER_NOTIFY, events, max, &count);
        driver->engines[engine].interrupts &= ~(uint32_t)ENGINE_INTERRUPT_CONTEXT_SWITCH;
        report_status(driver, engine, events, max, &count);
        report_interrupt(driver, engine, ENGINE_INTERRUPT_ERROR, DRIVER_ENGINE_ERROR, events, max, &count);
    }
    return count;
}

unsigned driver_wait_events(struct driver *driver, struct driver_event *events, unsigned max, uint64_t deadline_ns)
{
    for (;;) {
        g_mutex_lock(&driver->wait_lock);
        bool late = false;
        while (!driver->interrupted && !driver->woken && !late) {
            driver->asleep = true;
            if (deadline_ns)
                late = !g_cond_wait_until(&driver->wait_cond, &driver->wait_lock, (gint64)(deadline_ns / 1000));
            else
                g_cond_wait(&driver->wait_cond, &driver->wait_lock);
        }
        bool woken = driver->woken, interrupted = driver->interrupted;
        driver->interrupted = driver->woken = driver->asleep = false;
        g_mutex_unlock(&driver->wait_lock);

        /* Without an interrupt there is nothing to collect: each status entry raises one after it was written. */
        unsigned count = interrupted || late ? collect(driver, events, max) : 0;
        if (count == max) { /* there may be more: do not sleep on the next call */
            g_mutex_lock(&driver->wait_lock);
            driver->interrupted = true;
            g_mutex_unlock(&driver->wait_lock);
        }
        if (count || woken || late)
            return count;
    }
}
