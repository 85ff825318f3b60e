/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bit layouts that hardware, driver, mediator and test guests (freestanding) share: page table entries, context descriptors, context status, the register state
 * of a context image. Sources: PRM Skylake vol. 5 (memory views: page tables), vol. 3 (execlists: context descriptor, context
 * status, logical ring context format); Linux 6.1 gt/intel_lrc.c (gen9 register state offsets), gt/intel_gtt.h.
 */
#ifndef MEDIANT_GPU_DEFS_FORMATS_H
#define MEDIANT_GPU_DEFS_FORMATS_H

#include "gpu/defs/engine.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Page table entries: the global GTT and all levels of a per-process GTT. 64 bits, addresses of 39 bits. */
#define PTE_PRESENT (UINT64_C(1) << 0)
#define PTE_WRITE (UINT64_C(1) << 1)
#define PTE_ADDRESS UINT64_C(0x0000007ffffff000) /* bits 38:12 */
#define PDE_PAGE_2M (UINT64_C(1) << 7)           /* page directory entry maps 2 MiB itself; in a PDPE: 1 GiB */
#define PDE_IPS_64K (UINT64_C(1) << 11)          /* the page table below holds 64 KiB pages, one entry in 16 */
#define PTE_2M_ADDRESS UINT64_C(0x0000007fffe00000)
#define PTE_64K_ADDRESS UINT64_C(0x0000007fffff0000)

/* Context descriptor, as written to the ELSP: two dwords for each element. */
enum {
    DESC_VALID = 1 << 0,
    DESC_FORCE_PD_RESTORE = 1 << 1,
    DESC_FORCE_RESTORE = 1 << 2,
    DESC_ADDRESSING_SHIFT = 3, /* 1: legacy 32-bit PPGTT (four page directories), 3: legacy 64-bit PPGTT (one PML4) */
    DESC_ADDRESSING_MASK = 3 << 3,
    DESC_ADDRESSING_32 = 1 << 3,
    DESC_ADDRESSING_64 = 3 << 3,
    DESC_L3LLC_COHERENT = 1 << 5,
    DESC_FAULT_SHIFT = 6, /* 0: fault and hang */
    DESC_PRIVILEGE = 1 << 8, /* "privilege access": PPGTT enable */
};
#define DESC_LRCA(desc) ((uint32_t)(desc) & 0xfffff000u) /* global graphics address of the image */
#define DESC_CONTEXT_ID(desc) ((uint32_t)((uint64_t)(desc) >> 32)) /* what the status reports */

/* Context status buffer: 6 entries of {events, context id}. */
enum {
    CSB_ENTRIES = 6,
    CSB_IDLE_ACTIVE = 1 << 0,
    CSB_PREEMPTED = 1 << 1,
    CSB_ELEMENT_SWITCH = 1 << 2,
    CSB_ACTIVE_IDLE = 1 << 3,
    CSB_CONTEXT_COMPLETE = 1 << 4,
    CSB_LITE_RESTORE = 1 << 15,
    HWSP_CSB_DWORD = 0x10,         /* first entry's dword in the hardware status page */
    HWSP_CSB_WRITE_DWORD = 0x1f,   /* last written index, 0..5 */
};

/* Context image: page 0 is the per-process status page, page 1 the register state, the rest the engine's own. */
enum {
    CONTEXT_PAGES_RCS = 22,
    CONTEXT_PAGES_XCS = 2,
    CONTEXT_STATE_PAGE = 1,
    /* Register state: value dwords (each follows its register's offset). */
    CTX_CONTEXT_CONTROL = 0x03,
    CTX_RING_HEAD = 0x05,
    CTX_RING_TAIL = 0x07,
    CTX_RING_START = 0x09,
    CTX_RING_CTL = 0x0b,
    CTX_BB_ADDR_UDW = 0x0d,
    CTX_BB_ADDR = 0x0f,
    CTX_BB_STATE = 0x11,
    CTX_SBB_ADDR_UDW = 0x13,
    CTX_SBB_ADDR = 0x15,
    CTX_SBB_STATE = 0x17,
    CTX_BB_PER_CTX_PTR = 0x19,
    CTX_INDIRECT_CTX = 0x1b,
    CTX_INDIRECT_CTX_OFFSET = 0x1d,
    CTX_TIMESTAMP = 0x23,
    CTX_PDP3_UDW = 0x25, /* then PDP3_LDW 0x27, PDP2 .. PDP0_LDW 0x33 */
    CTX_PDP0_UDW = 0x31,
    CTX_PDP0_LDW = 0x33,
    CTX_R_PWR_CLK_STATE = 0x43,
    /* CONTEXT_CONTROL bits, masked writes. */
    CTX_CTRL_RESTORE_INHIBIT = 1 << 0,
    CTX_CTRL_RS_ENABLE = 1 << 1,
    CTX_CTRL_INHIBIT_SYN_SWITCH = 1 << 3,
};
/* Pages of a context image of this engine. */
static inline unsigned context_pages(unsigned engine)
{
    return engine == ENGINE_RCS0 ? CONTEXT_PAGES_RCS : CONTEXT_PAGES_XCS;
}

/*
 * The register state page as the hardware writes it: load-register commands with their offsets. One row for each dword of the
 * layout; context_layout() gives them in order.
 */
struct context_dword {
    uint16_t index;    /* dword in the register state page */
    uint16_t header;   /* for an MI_LOAD_REGISTER_IMM header: how many registers; else 0 */
    uint32_t offset;   /* of the register (absolute) whose value stands at index + 1; 0 for a header */
    bool posted;       /* header: force posted */
};
/* Rows for an engine; *count is how many. The array lives as long as the program. */
const struct context_dword *context_layout(unsigned engine, unsigned *count);

#ifdef __cplusplus
}
#endif
#endif
