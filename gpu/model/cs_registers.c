/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that load and store registers, and the check of what a non-privileged batch may touch: registers that the table marks, of
 * the batch's own engine, and those that software put into the engine's FORCE_TO_NONPRIV slots. A write to another register is
 * dropped; a store of one that must not be read writes nothing.
 *
 * Sources: PRM SKL vol. 2a (MI_LOAD_REGISTER_*, MI_STORE_REGISTER_MEM), vol. 6 "User mode privileged commands"; Linux 6.1
 * gt/intel_workarounds.c (whitelist slots; their read, write and range bits are Coffee Lake's and later).
 */
#include "gpu/model/engine_internal.h"

enum {
    NONPRIV_SLOTS = 12,
    NONPRIV_ADDRESS = 0x03fffffc,
    REGISTER_MASK = 0x7ffffc, /* bits of a command that name a register */
    LRI_BYTE_DISABLE_SHIFT = 8,
    SRM_PREDICATED = 1 << 21,
    USE_GGTT = 1 << 22,
};

/* Is the offset one of the engine's registers that are memory and nothing else: predicate sources and the general purpose registers? */
static inline bool is_local(const struct cs *cs, uint32_t offset)
{
    uint32_t at = offset - cs->base;

    return (at >= RING_GPR && at < RING_GPR + 16 * 8) || (at >= RING_PREDICATE_SRC0 && at <= RING_PREDICATE_RESULT_1);
}

static bool listed(const struct cs *cs, uint32_t offset, uint32_t flags)
{
    unsigned index;
    const struct reg_desc *row = reg_find(offset, &index);

    if (row && row->flags & flags && engine_of_offset(offset) == cs->id)
        return true;
    for (unsigned i = 0; i < NONPRIV_SLOTS && offset != 0; i++)
        if ((cs_reg(cs, RING_FORCE_TO_NONPRIV + 4 * i) & NONPRIV_ADDRESS) == offset)
            return true;
    return false;
}

bool cs_register_readable(const struct cs *cs, uint32_t offset)
{
    return offset < MMIO_SIZE && (cs->privileged || listed(cs, offset, REG_NONPRIV | REG_NONPRIV_READ));
}

bool cs_register_writable(const struct cs *cs, uint32_t offset)
{
    return offset < MMIO_SIZE && (cs->privileged || listed(cs, offset, REG_NONPRIV));
}

uint32_t cs_register_read(struct cs *cs, uint32_t offset)
{
    if (is_local(cs, offset))
        return model_reg(cs->model, offset);
    cs_leave(cs);
    return model_mmio_read(cs->model, offset);
}

void cs_register_write(struct cs *cs, uint32_t offset, uint32_t value)
{
    if (is_local(cs, offset)) {
        model_reg_set(cs->model, offset, value);
        return;
    }
    cs_leave(cs);
    model_mmio_command_write(cs->model, offset, value);
}

/* Byte disables of MI_LOAD_REGISTER_IMM: the bytes keep what they have; in a masked register, where half of them are the mask, they are 0. */
static uint32_t merge_bytes(struct cs *cs, uint32_t offset, uint32_t value, unsigned disabled)
{
    unsigned index;
    const struct reg_desc *row = reg_find(offset, &index);
    uint32_t bytes = 0;

    for (unsigned i = 0; i < 4; i++)
        if (disabled >> i & 1)
            bytes |= UINT32_C(0xff) << 8 * i;
    if (row && row->flags & REG_MASKED)
        return value & ~bytes;
    return (value & ~bytes) | (cs_register_read(cs, offset) & bytes);
}

enum cs_status cs_load_register_imm(struct cs *cs)
{
    unsigned disabled = cs->dw[0] >> LRI_BYTE_DISABLE_SHIFT & 0xf;

    for (unsigned i = 1; i + 1 < cs->len; i += 2) {
        uint32_t offset = cs->dw[i] & REGISTER_MASK, value = cs->dw[i + 1];
        if (!cs_register_writable(cs, offset))
            continue;
        if (disabled)
            value = merge_bytes(cs, offset, value, disabled);
        cs_register_write(cs, offset, value);
    }
    return CS_OK;
}

enum cs_status cs_load_register_mem(struct cs *cs)
{
    uint32_t offset = cs->dw[1] & REGISTER_MASK, value;
    enum cs_status status =
        cs_load(cs, cs_vm(cs, cs->dw[0] & USE_GGTT), cs_address(cs->dw[2] & ~3u, cs->dw[3]), &value, sizeof(value));

    if (status == CS_OK && cs_register_writable(cs, offset))
        cs_register_write(cs, offset, value);
    return status;
}

enum cs_status cs_store_register_mem(struct cs *cs)
{
    uint32_t offset = cs->dw[1] & REGISTER_MASK, value;

    if (!cs_register_readable(cs, offset))
        return CS_OK;
    if (cs->dw[0] & SRM_PREDICATED && cs->id == ENGINE_RCS0 && !(cs_reg(cs, RING_PREDICATE_RESULT) & 1))
        return CS_OK;
    value = cs_register_read(cs, offset);
    return cs_store(cs, cs_vm(cs, cs->dw[0] & USE_GGTT), cs_address(cs->dw[2] & ~3u, cs->dw[3]), &value, sizeof(value));
}

enum cs_status cs_load_register_reg(struct cs *cs)
{
    uint32_t from = cs->dw[1] & REGISTER_MASK, to = cs->dw[2] & REGISTER_MASK;

    if (cs_register_readable(cs, from) && cs_register_writable(cs, to))
        cs_register_write(cs, to, cs_register_read(cs, from));
    return CS_OK;
}
