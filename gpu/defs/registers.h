/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register table of the device (Skylake GT2, 8086:1912): one row for each register in registers.def, from which come the
 * offsets (R_NAME, and RING_NAME relative to an engine's base), the names in traces and errors, reset values, and what the model, the mediator
 * and the audit do with an access.
 *
 * Sources of the rows: Intel PRM Skylake vol. 2c (registers), vol. 12 (display), vol. 13 (MMIO); Linux 6.1 i915 for offsets
 * that the PRM leaves out.
 */
#ifndef MEDIANT_GPU_DEFS_REGISTERS_H
#define MEDIANT_GPU_DEFS_REGISTERS_H

#include "gpu/gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MMIO_SIZE = 2 << 20,     /* registers: the first 2 MiB of BAR0 */
    GTT_OFFSET = 8 << 20,    /* global GTT entries: the last 8 MiB of BAR0 */
    GTT_BYTES = 8 << 20,
    BAR0_SIZE = 16 << 20,
    GGTT_ENTRIES = GTT_BYTES / 8,
    PVINFO_OFFSET = 0x78000, /* the page by which a vGPU speaks to its driver; Linux 6.1 i915_pvinfo.h VGT_PVINFO_PAGE */
    PVINFO_BYTES = 0x1000,
};

/* What software may do with a register. Dropped writes and zero reads are what hardware does; neither is an error. */
enum reg_access {
    REG_RW,
    REG_RO,
    REG_WO,
    REG_W1C, /* writing ones clears */
};

/* Which block gives the register its behaviour; PLAIN is memory. */
enum reg_class {
    REG_PLAIN,
    REG_ENGINE,  /* an engine's own: ring, execlists, reset, mode */
    REG_IRQ,     /* the interrupt tree */
    REG_UNCORE,  /* forcewake, fuses, pcode, power wells, clocks, GT reset */
    REG_GTT,     /* fences, TLB and GTT control, fault registers */
    REG_DISPLAY, /* pipes, planes, transcoders, ports */
    REG_GMBUS,
    REG_AUX,
    REG_PVINFO,  /* vGPU only: absent on the physical function */
    REG_CLASS_COUNT,
};
const char *reg_class_name(enum reg_class cls);

enum reg_flags {
    REG_MASKED = 1 << 0,   /* bits 31:16 of a write select which of bits 15:0 change */
    REG_NONPRIV = 1 << 1,  /* the command streamer lets a non-privileged batch write it */
    REG_NONPRIV_READ = 1 << 2, /* ... read it by MI_STORE_REGISTER_MEM or as the source of MI_LOAD_REGISTER_REG */
    REG_CMD = 1 << 3,      /* a guest's privileged command may write it: the audit allows, the switch restores */
    REG_CONTEXT = 1 << 4,  /* saved and restored with the logical context */
    REG_GMADR = 1 << 5,    /* holds a global graphics address: the audit checks its range */
    REG_NOT_GUEST = 1 << 6,/* the guest's value never reaches the physical register */
    REG_PER_VGPU = 1 << 7, /* not in the context image, but each vGPU has its own value: switched with the owner of the engine */
    /* What any batch may use and every context has for itself: statistics, general purpose registers, indirect draw parameters. */
    REG_USER = REG_NONPRIV | REG_NONPRIV_READ | REG_CMD | REG_CONTEXT,
};

struct reg_desc {
    const char *name;
    uint32_t offset; /* absolute; of the first of count */
    uint32_t stride; /* bytes between them */
    uint16_t count;
    uint8_t access; /* enum reg_access */
    uint8_t cls;    /* enum reg_class */
    uint16_t flags; /* enum reg_flags */
    uint8_t engine; /* enum gpu_engine for one of class REG_ENGINE, else 255 */
    uint32_t reset; /* value at power-on */
};

enum reg_offset {
#define R(NAME, offset, count, stride, access, cls, flags, reset) R_##NAME = (offset),
#define ER(NAME, offset, count, stride, access, flags, reset) RING_##NAME = (offset),
#include "gpu/defs/registers.def"
#undef R
#undef ER
};

/* MMIO base of an engine: 0x2000, 0x22000, 0x12000, 0x1a000. 0 for other values. */
uint32_t engine_mmio_base(unsigned engine);

/* The register by which software invalidates an engine's TLB: bit 0, which reads 0 when it is done (i915 gt/intel_tlb.c). 0 for other values. */
uint32_t engine_tlb_register(unsigned engine);

/* The row that an offset (multiple of 4) belongs to, with *index = which of count; NULL for an offset without a row. */
const struct reg_desc *reg_find(uint32_t offset, unsigned *index);

/* "RING_TAIL[bcs0]", "FENCE_REG[3]" or "0x012345" into buf; returns buf. */
const char *reg_name(uint32_t offset, char *buf, size_t len);

/* All rows with engine-relative ones expanded, sorted by offset. */
const struct reg_desc *reg_table(unsigned *rows);

#ifdef __cplusplus
}
#endif
#endif
