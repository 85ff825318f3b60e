/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual execlists: from a guest's submission to workloads of the scheduler, and from their ends to the context status and interrupts
 * that the guest sees. The sequences of status entries are the block's (gpu/blocks/execlist.h); this file starts what the block wants
 * started and tells it how that ended. Called by the register dispatch and by the vGPU's thread, under the vGPU's lock.
 *
 * Both elements of a list are queued at once, so that the physical engine need not wait for this vGPU's thread between them. Results
 * come in order; each workload carries the number of its element, and an element has ended when its last workload has (a lite
 * restore adds a workload to the running element). When a list replaces one whose second element is queued, or whose context
 * differs, everything is taken back first and the block learns of the preemption when the last workload has come.
 *
 * Sources: PRM SKL vol. 3 (execlists); Linux 6.1 gvt/execlist.c, gt/intel_execlists_submission.c.
 */
#include "gpu/blocks/regfile.h"
#include "mmio/vgpu_internal.h"

#include <gio/gio.h>
#include <string.h>

enum { STATE_DWORDS = CTX_PDP0_LDW + 1 };

static void flight_free(struct vgpu *vgpu, struct flight *flight)
{
    workload_free(flight->workload);
    ppgtt_release(vgpu->ppgtt, flight->root);
    if (flight->flips)
        g_array_unref(flight->flips);
    g_free(flight);
}

static uint32_t engine_offset(const struct virtual_engine *engine, uint32_t ring_register)
{
    return engine_mmio_base(engine->index) + ring_register;
}

/* Checks the descriptor and reads the first dwords of the context's register state; fails the vGPU when either is impossible. */
static bool read_context(struct virtual_engine *engine, uint64_t desc, uint32_t state[STATE_DWORDS])
{
    struct vgpu *vgpu = engine->vgpu;
    const char *name = gpu_engine_name(engine->index);
    uint32_t addressing = desc & DESC_ADDRESSING_MASK, lrca = DESC_LRCA(desc);

    if (addressing != DESC_ADDRESSING_32 && addressing != DESC_ADDRESSING_64) {
        vgpu_fail(vgpu, "%s: context descriptor 0x%" PRIx64 " asks for an addressing mode that a vGPU does not have", name, desc);
        return false;
    }
    if (!(desc & DESC_PRIVILEGE)) {
        vgpu_fail(vgpu, "%s: context descriptor 0x%" PRIx64 " turns the per-process GTT off", name, desc);
        return false;
    }
    if (!ggtt_owned(vgpu, lrca, (uint64_t)context_pages(engine->index) * 4096)) {
        vgpu_fail(vgpu, "%s: context image at 0x%x is outside of the guest's graphics memory", name, lrca);
        return false;
    }
    if (!ggtt_read(vgpu, (uint64_t)lrca + CONTEXT_STATE_PAGE * 4096, state, STATE_DWORDS * 4)) {
        vgpu_fail(vgpu, "%s: context image at 0x%x is not mapped to guest memory", name, lrca);
        return false;
    }
    return true;
}

/* Makes a workload of the context and gives it to the scheduler, as part of the element with that number. */
static void queue(struct virtual_engine *engine, uint64_t desc, uint64_t element)
{
    struct vgpu *vgpu = engine->vgpu;
    bool four_level = (desc & DESC_ADDRESSING_MASK) == DESC_ADDRESSING_64;
    uint32_t state[STATE_DWORDS];
    uint64_t pdp[4], shadow[4];
    g_autoptr(GError) error = NULL;

    if (vgpu_has_failed(vgpu) || engine->hung || !read_context(engine, desc, state))
        return;
    uint64_t lap = trace_now_ns();
    for (unsigned i = 0; i < 4; i++)
        pdp[i] = (uint64_t)state[CTX_PDP0_UDW - 4 * i] << 32 | state[CTX_PDP0_LDW - 4 * i];

    struct ppgtt_root *root = ppgtt_acquire(vgpu->ppgtt, four_level, pdp, shadow, &error);
    if (!root) {
        vgpu_fail(vgpu, "%s: %s", gpu_engine_name(engine->index), error->message);
        return;
    }
    struct ppgtt_counts counts;
    ppgtt_count(vgpu->ppgtt, &counts);
    trace_emit(vgpu->trace, TRACE_SHADOW_SYNC, vgpu->id, engine->index, counts.last_compared, counts.last_changed);
    ggtt_flush(vgpu);
    sched_client_lap(vgpu->client, SCHED_COST_PAGE_TABLES, &lap);

    struct flight *flight = g_new0(struct flight, 1);
    flight->root = root;
    memcpy(flight->pdp, pdp, sizeof(flight->pdp));
    flight->four_level = four_level;
    flight->element = element;
    flight->ring_start = state[CTX_RING_START];
    flight->ring_tail = state[CTX_RING_TAIL];
    flight->ring_ctl = state[CTX_RING_CTL];
    vgpu->flips = g_array_new(FALSE, FALSE, sizeof(struct flip));
    record_begin(vgpu, engine->index, DESC_LRCA(desc));
    flight->workload = workload_create(vgpu->client, engine->index, desc, four_level, shadow, &error);
    record_end(vgpu, flight);
    flight->flips = g_steal_pointer(&vgpu->flips);
    if (!flight->workload) {
        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_BUSY))
            engine->hung = true; /* the scheduler knows, and we are about to hear of it */
        else
            vgpu_fail(vgpu, "%s", error->message); /* names the engine */
        flight_free(vgpu, flight);
        return;
    }
    if (element == engine->element)
        virtual_engine_show_ring(vgpu, flight);
    g_queue_push_tail(&engine->flights, flight);
    workload_submit(flight->workload);
}

static void on_start(void *opaque, uint64_t desc, bool lite)
{
    struct virtual_engine *engine = opaque;
    const struct execlist *list = &engine->list;

    if (!lite)
        engine->element++;
    if (!engine->ahead)
        queue(engine, desc, engine->element);
    else if (!g_queue_is_empty(&engine->flights))
        virtual_engine_show_ring(engine->vgpu, g_queue_peek_head(&engine->flights)); /* what was queued ahead has come to run */
    engine->ahead = false;
    if (list->element == 0 && (list->list[list->current][1] & DESC_VALID)) {
        engine->ahead = true;
        queue(engine, list->list[list->current][1], engine->element + 1);
    }
}

static void settle_preemption(struct virtual_engine *engine);
static const struct execlist_ops machine_ops;

static void on_preempt(void *opaque, bool lite)
{
    struct virtual_engine *engine = opaque;
    struct vgpu *vgpu = engine->vgpu;

    if (engine->hung || vgpu_has_failed(vgpu) || engine->preempting)
        return;
    /* The same context with a later tail, and nothing behind it: the scheduler adds the new segment to what runs. */
    if (lite && !engine->ahead && !g_queue_is_empty(&engine->flights)) {
        execlist_context_preempted(&engine->list, &machine_ops, engine);
        return;
    }
    engine->preempting = true;
    engine->taken_off = g_queue_is_empty(&engine->flights);
    sched_client_preempt(vgpu->client, engine->index);
    settle_preemption(engine);
}

static void on_csb_write(void *opaque, unsigned index, uint32_t status, uint32_t context_id)
{
    struct virtual_engine *engine = opaque;
    struct vgpu *vgpu = engine->vgpu;
    uint64_t hwsp = regfile_get(vgpu->regs, engine_offset(engine, RING_HWS_PGA)) & ~UINT32_C(0xfff);
    const uint32_t entry[2] = {status, context_id};

    /* A status page that leads nowhere is the guest's own loss; the registers have the entry too. */
    if (ggtt_write(vgpu, hwsp + (HWSP_CSB_DWORD + 2 * index) * 4, entry, sizeof(entry)))
        (void)ggtt_write(vgpu, hwsp + HWSP_CSB_WRITE_DWORD * 4, &index, 4);
    engine->context_switch = true;
}

static const struct execlist_ops machine_ops = {.start = on_start, .preempt = on_preempt, .csb_write = on_csb_write};

/* The interrupt of the entries that the last call of the machine wrote. */
static void raise_context_switch(struct virtual_engine *engine)
{
    if (!engine->context_switch)
        return;
    engine->context_switch = false;
    interrupts_engine(engine->vgpu, engine->index, ENGINE_IRQ_CONTEXT_SWITCH);
}

/* When everything has come back: the waiting list takes over. */
static void settle_preemption(struct virtual_engine *engine)
{
    if (!engine->preempting || !g_queue_is_empty(&engine->flights))
        return;
    bool taken_off = engine->taken_off;
    engine->preempting = engine->taken_off = false;
    if (!taken_off || engine->hung)
        return;
    engine->ahead = false;
    execlist_context_preempted(&engine->list, &machine_ops, engine);
}

void virtual_engine_elsp_write(struct vgpu *vgpu, unsigned index, uint32_t value)
{
    struct virtual_engine *engine = &vgpu->engines[index];

    execlist_elsp_write(&engine->list, value, &machine_ops, engine);
    raise_context_switch(engine);
}

static void apply_flips(struct vgpu *vgpu, const GArray *flips)
{
    /* MI_DISPLAY_FLIP, Gen9: PRM SKL vol. 2a; planes as in gt/intel_gpu_commands.h MI_DISPLAY_FLIP_SKL_PLANE_*. */
    for (unsigned i = 0; i < flips->len; i++) {
        const uint32_t *dwords = g_array_index(flips, struct flip, i).dwords;
        unsigned code = dwords[0] >> 8 & 0x1f, pipe, plane;
        if (code < 3) {
            pipe = code;
            plane = 0;
        } else if (code >= 4 && code < 10) {
            pipe = (code - 4) % 3;
            plane = 1 + (code - 4) / 3;
        } else {
            continue; /* no such plane */
        }
        display_flip(vgpu->display, pipe, plane, dwords[2] & ~UINT32_C(0xfff), dwords[1] >> 6 & 0x3ff, dwords[1] & 7,
                     (dwords[2] & 3) == 1, trace_now_ns());
    }
}

static bool element_in_flight(const struct virtual_engine *engine, uint64_t element)
{
    for (const GList *link = engine->flights.head; link; link = link->next)
        if (((const struct flight *)link->data)->element == element)
            return true;
    return false;
}

static struct flight *flight_take(struct virtual_engine *engine, const struct workload *workload)
{
    for (GList *link = engine->flights.head; link; link = link->next) {
        struct flight *flight = link->data;
        if (flight->workload != workload)
            continue;
        g_queue_delete_link(&engine->flights, link);
        return flight;
    }
    return NULL;
}

static void ended(struct vgpu *vgpu, struct workload *workload)
{
    struct virtual_engine *engine = &vgpu->engines[workload_engine(workload)];
    struct flight *flight = flight_take(engine, workload);
    enum workload_status status = workload_status(workload);
    uint64_t lap = trace_now_ns();

    g_assert(flight);
    uint64_t element = flight->element;
    switch (status) {
    case WORKLOAD_DONE:
    case WORKLOAD_PREEMPTED: {
        uint32_t head = workload_ring_head(workload);
        if (!workload_write_back(workload))
            vgpu_fail(vgpu, "%s: the guest took the context image at 0x%x away while the context ran",
                      gpu_engine_name(engine->index), DESC_LRCA(workload_desc(workload)));
        sched_client_lap(vgpu->client, SCHED_COST_WRITE_BACK, &lap);
        virtual_engine_show_end(vgpu, flight, head);
        if (status == WORKLOAD_DONE)
            apply_flips(vgpu, flight->flips);
        break;
    }
    case WORKLOAD_HUNG:
        error_report(vgpu, flight);
        if (workload_engine_view(workload))
            virtual_engine_show_hang(vgpu, engine->index, workload_engine_view(workload));
        engine->hung = true; /* as hardware: nothing more happens until somebody resets the engine */
        break;
    case WORKLOAD_CANCELLED:
        break;
    }
    flight_free(vgpu, flight);

    if (engine->hung || vgpu_has_failed(vgpu) || !engine->list.active)
        return;
    if (status == WORKLOAD_PREEMPTED) {
        engine->taken_off = true;
        engine->preempting = true;
        settle_preemption(engine);
    } else if (status == WORKLOAD_DONE && element == engine->element && !element_in_flight(engine, element)) {
        if (g_queue_is_empty(&engine->flights))
            engine->preempting = engine->taken_off = false; /* it ended by itself before it could be taken off */
        execlist_context_done(&engine->list, &machine_ops, engine);
    }
    raise_context_switch(engine);
    sched_client_lap(vgpu->client, SCHED_COST_STATUS, &lap);
}

static void take_interrupts(struct vgpu *vgpu, unsigned engine)
{
    uint32_t sources = sched_client_interrupts(vgpu->client, engine);

    if (sources)
        interrupts_engine(vgpu, engine, sources);
}

void engines_reap(struct vgpu *vgpu)
{
    struct workload *workload;

    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        take_interrupts(vgpu, i);
    while ((workload = sched_client_reap(vgpu->client)) != NULL) {
        take_interrupts(vgpu, workload_engine(workload)); /* before the end of the work that raised them, as on hardware */
        ended(vgpu, workload);
    }
}

void engines_invalidate_tlb(struct vgpu *vgpu, unsigned engine)
{
    g_autoptr(GError) error = NULL;
    bool any = false;

    for (GList *link = vgpu->engines[engine].flights.head; link; link = link->next) {
        struct flight *flight = link->data;
        any = true;
        if (!ppgtt_refresh(vgpu->ppgtt, flight->root, &error)) {
            vgpu_fail(vgpu, "%s: %s", gpu_engine_name(engine), error->message);
            return;
        }
    }
    if (any) /* without work, the next submission does both */
        driver_tlb_invalidate(vgpu->driver, engine);
}

void engines_cancel(struct vgpu *vgpu, unsigned engines, bool forget)
{
    sched_client_reset(vgpu->client, engines, forget);
    for (unsigned i = 0; i < ENGINE_COUNT; i++) {
        struct virtual_engine *engine = &vgpu->engines[i];
        if (!(engines >> i & 1))
            continue;
        execlist_reset(&engine->list);
        engine->ahead = engine->preempting = engine->taken_off = engine->hung = engine->context_switch = false;
        engine->element++;
    }
    engines_reap(vgpu);
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        if (engines >> i & 1)
            vgpu->engines[i].hung = false; /* a hang that was found just before the reset is over too */
}

void engines_init(struct vgpu *vgpu)
{
    for (unsigned i = 0; i < ENGINE_COUNT; i++) {
        vgpu->engines[i].vgpu = vgpu;
        vgpu->engines[i].index = i;
        g_queue_init(&vgpu->engines[i].flights);
        execlist_reset(&vgpu->engines[i].list);
    }
}

void engines_finish(struct vgpu *vgpu)
{
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        g_assert(g_queue_is_empty(&vgpu->engines[i].flights));
}
