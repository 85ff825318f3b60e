/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit of commands that load and store registers. The register table says which a guest's privileged commands may reach on
 * hardware; the vGPU sees every write and emulates what does not get there.
 */
#include "scheduler/audit_internal.h"

#include <string.h>

enum { MI_MODE_STOP_RING = 1 << 8 }; /* PRM SKL vol. 2c, "MI_MODE" */

/* The row, when the register is this engine's own or nobody's in particular. */
static const struct reg_desc *find_own(const struct audit *audit, uint32_t offset, unsigned *index)
{
    const struct reg_desc *row = offset < MMIO_SIZE ? reg_find(offset, index) : NULL;

    return row && (row->engine == 255 || row->engine == audit->engine) ? row : NULL;
}

static bool writable(const struct reg_desc *row)
{
    return row->flags & (REG_CMD | REG_NONPRIV | REG_CONTEXT) && !(row->flags & REG_NOT_GUEST) && row->access != REG_RO;
}

/* MI_MODE has the bit that stops the ring: it is loaded with known values only. */
static bool is_mi_mode(const struct audit *audit, uint32_t offset)
{
    return offset == engine_mmio_base(audit->engine) + RING_MI_MODE;
}

/* Page table roots in a command stand for what the guest's tables are shadowed by (i915 loads them so for 32-bit PPGTTs). */
static bool page_root(const struct audit *audit, uint32_t offset, uint32_t *value)
{
    uint32_t base = engine_mmio_base(audit->engine);

    if (offset < base + RING_PDP_LDW || offset >= base + RING_PDP_LDW + 4 * 8)
        return false;
    unsigned index = (offset - base - RING_PDP_LDW) / 8;
    *value = (uint32_t)(audit->pdp[index] >> ((offset & 4) ? 32 : 0));
    return true;
}

/* Registers of the vGPU that are loaded are noted; false for one that goes with the owner of another engine. */
static bool note_load(struct audit *audit, const struct reg_desc *row, uint32_t offset)
{
    if (!(row->flags & REG_PER_VGPU))
        return true;
    if (switched_registers_engine(row, offset) != audit->engine)
        return false;
    register_loads_add(&audit->loads, offset);
    return true;
}

bool audit_register_write(struct audit *audit, uint32_t offset, uint32_t *value)
{
    unsigned index;

    if (page_root(audit, offset, value))
        return true;
    bool load = audit->ops->register_write(audit->guest, audit->engine, offset, value);
    const struct reg_desc *row = find_own(audit, offset, &index);
    if (!load || !row || !writable(row) || !note_load(audit, row, offset))
        return false;
    if (is_mi_mode(audit, offset))
        *value &= ~(uint32_t)(MI_MODE_STOP_RING << 16 | MI_MODE_STOP_RING);
    if (row->flags & REG_GMADR && !audit->ops->ggtt_owned(audit->guest, *value & ~UINT32_C(4095), 4096))
        return false;
    return true;
}

bool audit_register_readable(const struct audit *audit, uint32_t offset)
{
    unsigned index;
    const struct reg_desc *row = find_own(audit, offset, &index);

    return row && row->flags & (REG_NONPRIV | REG_NONPRIV_READ | REG_CONTEXT | REG_CMD) && !(row->flags & (REG_NOT_GUEST | REG_GMADR));
}

/* A destination whose value is known only when the command runs. */
static bool loadable(struct audit *audit, uint32_t offset)
{
    unsigned index;
    const struct reg_desc *row = find_own(audit, offset, &index);

    return row && writable(row) && !(row->flags & REG_GMADR) && !is_mi_mode(audit, offset) && note_load(audit, row, offset);
}

bool audit_load_register_imm(struct audit *audit, struct audit_command *command)
{
    uint32_t *dwords = command->dwords;
    unsigned kept = 1;

    if (command->length < 3 || command->length % 2 == 0)
        return audit_reject(audit, command, "%u dwords are no list of registers and values", command->length);
    for (unsigned i = 1; i < command->length; i += 2) {
        uint32_t offset = dwords[i] & REGISTER_MASK, value = dwords[i + 1];
        if (!audit_register_write(audit, offset, &value)) {
            trace_emit(audit->trace, TRACE_AUDIT_NOOP, audit->vgpu, audit->engine, dwords[0], (command->offset + i) * 4);
            continue;
        }
        dwords[kept++] = offset;
        dwords[kept++] = value;
    }
    if (kept == command->length)
        return true;
    /* What was left out becomes MI_NOOP behind a shorter command. */
    memset(dwords + kept, 0, (command->length - kept) * sizeof(uint32_t));
    dwords[0] = kept == 1 ? 0 : (dwords[0] & ~UINT32_C(0xff)) | (kept - 2);
    return true;
}

bool audit_store_register_mem(struct audit *audit, struct audit_command *command)
{
    uint32_t *dwords = command->dwords, value = 0;

    if (command->length != 4)
        return audit_reject(audit, command, "%u dwords, it has 4", command->length);
    if (!audit_check_addresses(audit, command, 4))
        return false;
    dwords[1] &= REGISTER_MASK;
    if (audit_register_readable(audit, dwords[1]))
        return true;
    if (!audit->ops->register_read(audit->guest, audit->engine, dwords[1], &value))
        return audit_reject(audit, command, "register 0x%x is not the guest's to read", dwords[1]);
    if (dwords[0] & REGISTER_MEM_PREDICATE)
        return audit_reject(audit, command, "a predicated store of register 0x%x, which is virtual", dwords[1]);
    /* The guest's value instead of the physical one: the same length as an immediate store. */
    dwords[0] = command_header(CMD_MI_STORE_DATA_IMM, 4, dwords[0] & MI_GLOBAL_GTT);
    dwords[1] = dwords[2];
    dwords[2] = dwords[3];
    dwords[3] = value;
    return true;
}

bool audit_load_register_mem(struct audit *audit, struct audit_command *command)
{
    if (command->length != 4)
        return audit_reject(audit, command, "%u dwords, it has 4", command->length);
    if (!audit_check_addresses(audit, command, 4))
        return false;
    command->dwords[1] &= REGISTER_MASK;
    return loadable(audit, command->dwords[1]) || audit_noop(audit, command);
}

bool audit_load_register_reg(struct audit *audit, struct audit_command *command)
{
    uint32_t *dwords = command->dwords, value = 0;

    if (command->length != 3)
        return audit_reject(audit, command, "%u dwords, it has 3", command->length);
    dwords[1] &= REGISTER_MASK;
    dwords[2] &= REGISTER_MASK;
    if (audit_register_readable(audit, dwords[1]))
        return loadable(audit, dwords[2]) || audit_noop(audit, command);
    if (!audit->ops->register_read(audit->guest, audit->engine, dwords[1], &value))
        return audit_reject(audit, command, "register 0x%x is not the guest's to read", dwords[1]);
    if (!audit_register_write(audit, dwords[2], &value))
        return audit_noop(audit, command);
    dwords[0] = command_header(CMD_MI_LOAD_REGISTER_IMM, 3, 0);
    dwords[1] = dwords[2];
    dwords[2] = value;
    return true;
}
