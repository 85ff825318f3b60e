/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands that the command streamer executes itself: their table, and those that are a few lines each.
 * Sources: PRM SKL vol. 2a; Mesa's gen9.xml for fields; what a status page holds: Linux 6.1 gt/intel_engine.h.
 */
#include "gpu/model/engine_internal.h"

enum {
    USE_GGTT = 1 << 22,
    HWSP_RING_HEAD_DWORD = 4,
    OA_REPORT_DWORDS = 64,
};

/* MI_NOOP with identification; without it the streamer does not come here. */
static enum cs_status noop(struct cs *cs)
{
    cs_reg_set(cs, RING_NOPID, cs->dw[0] & 0x3fffff);
    return CS_OK;
}

/* Commands about units or caches that have no state of their own here. */
static enum cs_status nothing(struct cs *cs)
{
    return CS_OK;
}

static enum cs_status user_interrupt(struct cs *cs)
{
    cs_irq(cs, ENGINE_IRQ_USER);
    return CS_OK;
}

static enum cs_status arb_on_off(struct cs *cs)
{
    cs->arbitration = cs->dw[0] & 1;
    return CS_OK;
}

static enum cs_status report_head(struct cs *cs)
{
    uint32_t head = cs->wraps << HEAD_WRAP_SHIFT | (uint32_t)cs->at[CS_RING].ip;

    return cs_store(cs, VM_GGTT, cs_status_page(cs, false, 4 * HWSP_RING_HEAD_DWORD), &head, sizeof(head));
}

/*
 * Its data may be a list, which is stored one behind the other: i915 writes page tables so, 511 quadwords by one command (Linux 6.1 gt/intel_migrate.c,
 * emit_pte()). Half a quadword at the end is left out.
 */
static enum cs_status store_data_imm(struct cs *cs)
{
    enum { STORE_QWORD = 1 << 21, DATA = 3 };
    uint64_t address = cs_address(cs->dw[1] & ~3u, cs->dw[2]), value;
    unsigned count = cs->len - DATA;

    if (cs->dw[0] & STORE_QWORD && count > 1)
        count &= ~1u;
    if (count > 2)
        return cs_store(cs, cs_vm(cs, cs->dw[0] & USE_GGTT), address, &cs->dw[DATA], count * (size_t)4);
    memcpy(&value, &cs->dw[DATA], count * (size_t)4);
    return cs_store(cs, cs_vm(cs, cs->dw[0] & USE_GGTT), address, &value, count * (size_t)4);
}

static enum cs_status store_data_index(struct cs *cs)
{
    enum { PER_PROCESS = 1 << 21 };
    uint64_t page = cs_status_page(cs, !(cs->dw[0] & PER_PROCESS), cs->dw[1] & 0xffc);
    uint64_t value = cs->dw[2];

    if (cs->len > 3)
        value |= (uint64_t)cs->dw[3] << 32;
    return cs_store(cs, VM_GGTT, page, &value, cs->len > 3 ? 8 : 4);
}

static enum cs_status update_gtt(struct cs *cs)
{
    struct gpu *gpu = &cs->model->gpu;
    uint32_t index = cs->dw[1] >> 12;

    cs_leave(cs);
    for (unsigned i = 2; i + 1 < cs->len; i += 2, index++)
        if (index < GGTT_ENTRIES)
            gpu->ops->pte_write(gpu, index, cs->dw[i] | (uint64_t)cs->dw[i + 1] << 32);
    return CS_OK;
}

/* The report's header; the counters behind it count nothing, as nothing that they count exists. */
static enum cs_status report_perf_count(struct cs *cs)
{
    enum { REPORT_GGTT = 1 << 0 };
    uint32_t report[OA_REPORT_DWORDS] = {cs->dw[3], (uint32_t)engine_timestamp(), DESC_CONTEXT_ID(cs->desc)};

    return cs_store(cs, cs_vm(cs, cs->dw[1] & REPORT_GGTT), cs_address(cs->dw[1] & ~0x3fu, cs->dw[2]), report, sizeof(report));
}

static enum cs_status rs_store_data_imm(struct cs *cs)
{
    return cs_store(cs, cs->ppgtt_vm, cs_address(cs->dw[1] & ~3u, cs->dw[2]), &cs->dw[3], 4);
}

/* One cache line between memory and the URB. */
enum { URB_LINE = 64 };

static enum cs_status load_urb_mem(struct cs *cs)
{
    uint32_t at = cs->dw[1] & (URB_BYTES - 1) & ~3u;
    uint8_t line[URB_LINE];
    enum cs_status status = cs_load(cs, cs_vm(cs, cs->dw[0] & USE_GGTT), cs_address(cs->dw[2] & ~63u, cs->dw[3]), line, sizeof(line));

    for (unsigned i = 0; status == CS_OK && i < URB_LINE; i++)
        cs->urb[(at + i) & (URB_BYTES - 1)] = line[i];
    return status;
}

static enum cs_status store_urb_mem(struct cs *cs)
{
    uint32_t at = cs->dw[1] & (URB_BYTES - 1) & ~3u;
    uint8_t line[URB_LINE];

    for (unsigned i = 0; i < URB_LINE; i++)
        line[i] = cs->urb[(at + i) & (URB_BYTES - 1)];
    return cs_store(cs, cs_vm(cs, cs->dw[0] & USE_GGTT), cs_address(cs->dw[2] & ~63u, cs->dw[3]), line, sizeof(line));
}

static enum cs_status copy_mem_mem(struct cs *cs)
{
    enum { GGTT_DESTINATION = 1 << 21, GGTT_SOURCE = 1 << 22 };
    uint32_t value;
    enum cs_status status =
        cs_load(cs, cs_vm(cs, cs->dw[0] & GGTT_SOURCE), cs_address(cs->dw[3] & ~3u, cs->dw[4]), &value, sizeof(value));

    if (status != CS_OK)
        return status;
    return cs_store(cs, cs_vm(cs, cs->dw[0] & GGTT_DESTINATION), cs_address(cs->dw[1] & ~3u, cs->dw[2]), &value, sizeof(value));
}

/* Goes on while the value in memory (under the mask behind it, if there is one) is greater than that in the command. */
static enum cs_status conditional_batch_end(struct cs *cs)
{
    enum { COMPARE_MASK = 1 << 19, COMPARE_SEMAPHORE = 1 << 21 };
    uint32_t memory[2] = {0, UINT32_MAX};
    bool masked = cs->dw[0] & COMPARE_MASK;

    if (!(cs->dw[0] & COMPARE_SEMAPHORE))
        return CS_OK;
    enum cs_status status = cs_load(cs, cs_vm(cs, cs->dw[0] & USE_GGTT), cs_address(cs->dw[2] & ~7u, cs->dw[3]), memory, masked ? 8 : 4);
    if (status != CS_OK)
        return status;
    return (memory[0] & memory[1]) > cs->dw[1] ? CS_OK : cs_batch_end(cs);
}

const struct cs_handler cs_handlers[CMD_COUNT] = {
    [CMD_MI_NOOP] = {noop, 1, 1},
    [CMD_MI_SET_PREDICATE] = {cs_set_predicate, 1, 1},
    [CMD_MI_USER_INTERRUPT] = {user_interrupt, 1, 1},
    [CMD_MI_WAIT_FOR_EVENT] = {cs_wait_for_event, 1, 1},
    [CMD_MI_FLUSH] = {nothing, 1, 1},
    [CMD_MI_ARB_CHECK] = {cs_arbitrate, 1, 1},
    [CMD_MI_RS_CONTROL] = {nothing, 1, 1},
    [CMD_MI_REPORT_HEAD] = {report_head, 1, 1},
    [CMD_MI_ARB_ON_OFF] = {arb_on_off, 1, 1},
    [CMD_MI_URB_ATOMIC_ALLOC] = {nothing, 1, 1},
    [CMD_MI_BATCH_BUFFER_END] = {cs_batch_end, 1, 1},
    [CMD_MI_SUSPEND_FLUSH] = {nothing, 1, 1},
    [CMD_MI_PREDICATE] = {cs_predicate, 1, 1},
    [CMD_MI_TOPOLOGY_FILTER] = {nothing, 1, 1},
    [CMD_MI_RS_CONTEXT] = {nothing, 1, 1},
    [CMD_MI_LOAD_SCAN_LINES_INCL] = {cs_load_scan_lines_incl, 2, 2},
    [CMD_MI_LOAD_SCAN_LINES_EXCL] = {cs_load_scan_lines_excl, 2, 2},
    [CMD_MI_DISPLAY_FLIP] = {cs_display_flip, 3, 4},
    [CMD_MI_SET_CONTEXT] = {nothing, 2, 2}, /* of the legacy ring mode; execlists switch contexts themselves */
    [CMD_MI_URB_CLEAR] = {nothing, 2, 2},
    [CMD_MI_MATH] = {cs_math, 2, 257},
    [CMD_MI_SEMAPHORE_SIGNAL] = {cs_semaphore_signal, 2, 2},
    [CMD_MI_SEMAPHORE_WAIT] = {cs_semaphore_wait, 4, 4},
    [CMD_MI_FORCE_WAKEUP] = {nothing, 2, 2},
    [CMD_MI_STORE_DATA_IMM] = {store_data_imm, 4, CS_COMMAND_DWORDS},
    [CMD_MI_STORE_DATA_INDEX] = {store_data_index, 3, 4},
    [CMD_MI_LOAD_REGISTER_IMM] = {cs_load_register_imm, 3, 257},
    [CMD_MI_UPDATE_GTT] = {update_gtt, 4, 257},
    [CMD_MI_STORE_REGISTER_MEM] = {cs_store_register_mem, 4, 4},
    [CMD_MI_FLUSH_DW] = {cs_flush_dw, 4, 5},
    [CMD_MI_CLFLUSH] = {nothing, 3, 1025},
    [CMD_MI_REPORT_PERF_COUNT] = {report_perf_count, 4, 4},
    [CMD_MI_LOAD_REGISTER_MEM] = {cs_load_register_mem, 4, 4},
    [CMD_MI_LOAD_REGISTER_REG] = {cs_load_register_reg, 3, 3},
    [CMD_MI_RS_STORE_DATA_IMM] = {rs_store_data_imm, 4, 4},
    [CMD_MI_LOAD_URB_MEM] = {load_urb_mem, 4, 4},
    [CMD_MI_STORE_URB_MEM] = {store_urb_mem, 4, 4},
    [CMD_MI_COPY_MEM_MEM] = {copy_mem_mem, 5, 5},
    [CMD_MI_ATOMIC] = {cs_atomic, 3, 11},
    [CMD_MI_BATCH_BUFFER_START] = {cs_batch_start, 3, 3},
    [CMD_MI_CONDITIONAL_BATCH_BUFFER_END] = {conditional_batch_end, 4, 4},
    [CMD_PIPE_CONTROL] = {cs_pipe_control, 6, 6},
};
