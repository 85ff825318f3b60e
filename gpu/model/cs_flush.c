/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PIPE_CONTROL (render engine) and MI_FLUSH_DW (the others): flushes, which here have nothing to wait for, their post-sync
 * writes, TLB invalidation and notify interrupts.
 * Sources: PRM SKL vol. 2a "PIPE_CONTROL", "MI_FLUSH_DW"; Mesa's gen9.xml; Linux 6.1 gt/intel_gpu_commands.h, gt/gen8_engine_cs.c.
 */
#include "gpu/model/engine_internal.h"

/* PIPE_CONTROL, dword 1. */
enum {
    PC_NOTIFY = 1 << 8,
    PC_POST_SYNC_SHIFT = 14,
    PC_TLB_INVALIDATE = 1 << 18,
    PC_STORE_INDEX = 1 << 21,
    PC_LRI = 1 << 23,
    PC_GGTT = 1 << 24,
};
enum { POST_SYNC_NONE, POST_SYNC_IMMEDIATE, POST_SYNC_DEPTH_COUNT, POST_SYNC_TIMESTAMP };

/* MI_FLUSH_DW, dword 0. */
enum {
    FLUSH_NOTIFY = 1 << 8,
    FLUSH_POST_SYNC_SHIFT = 14,
    FLUSH_TLB_INVALIDATE = 1 << 18,
    FLUSH_STORE_INDEX = 1 << 21,
    FLUSH_GGTT = 1 << 2, /* dword 1 */
};

/*
 * Where a post-sync write goes. With "store data index" the address is an offset in the status page: the global one if the command
 * selects the GGTT, else the context's own. Without privilege neither is written.
 */
static enum cs_status post_sync(struct cs *cs, uint64_t address, bool ggtt, bool index, const void *data, size_t len)
{
    if (!cs->privileged && (ggtt || index))
        return CS_OK;
    if (index)
        return cs_store(cs, VM_GGTT, cs_status_page(cs, ggtt, address & 0xff8), data, len);
    return cs_store(cs, cs_vm(cs, ggtt), address & ~(uint64_t)(len - 1), data, len);
}

static void invalidate(struct cs *cs)
{
    engine_memory_invalidate(cs->memory);
    cs_refetch(cs);
}

enum cs_status cs_pipe_control(struct cs *cs)
{
    uint32_t flags = cs->dw[1];
    uint64_t address = cs_address(cs->dw[2] & ~3u, cs->dw[3]);
    uint64_t value = cs->dw[4] | (uint64_t)cs->dw[5] << 32;
    enum cs_status status = CS_OK;

    if (flags & PC_TLB_INVALIDATE)
        invalidate(cs);
    if (flags & PC_LRI) {
        uint32_t offset = cs->dw[2] & 0x7ffffc;
        if (cs_register_writable(cs, offset))
            cs_register_write(cs, offset, cs->dw[4]);
    } else {
        unsigned operation = flags >> PC_POST_SYNC_SHIFT & 3;
        if (operation == POST_SYNC_DEPTH_COUNT)
            value = model_reg(cs->model, R_PS_DEPTH_COUNT) | (uint64_t)model_reg(cs->model, R_PS_DEPTH_COUNT_UDW) << 32;
        else if (operation == POST_SYNC_TIMESTAMP)
            value = engine_timestamp();
        if (operation != POST_SYNC_NONE)
            status = post_sync(cs, address, flags & PC_GGTT, flags & PC_STORE_INDEX, &value, sizeof(value));
    }
    if (status == CS_OK && flags & PC_NOTIFY)
        cs_irq(cs, ENGINE_IRQ_PIPE_CONTROL);
    return status;
}

enum cs_status cs_flush_dw(struct cs *cs)
{
    uint32_t flags = cs->dw[0];
    uint64_t address = cs_address(cs->dw[1] & ~7u, cs->dw[2]), value = cs->dw[3];
    size_t len = cs->len == 5 ? 8 : 4; /* one immediate dword writes one dword */
    enum cs_status status = CS_OK;

    if (flags & FLUSH_TLB_INVALIDATE)
        invalidate(cs);
    switch (flags >> FLUSH_POST_SYNC_SHIFT & 3) {
    case POST_SYNC_IMMEDIATE:
        if (len == 8)
            value |= (uint64_t)cs->dw[4] << 32;
        break;
    case POST_SYNC_TIMESTAMP:
        value = engine_timestamp();
        len = 8;
        break;
    default:
        len = 0;
        break;
    }
    if (len)
        status = post_sync(cs, address, cs->dw[1] & FLUSH_GGTT, flags & FLUSH_STORE_INDEX, &value, len);
    if (status == CS_OK && flags & FLUSH_NOTIFY)
        cs_irq(cs, ENGINE_IRQ_PIPE_CONTROL);
    return status;
}
