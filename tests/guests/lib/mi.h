/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command encodings as a driver writes them, by hand from the PRM (SKL vol. 2a) and not from the product's command table: a
 * second opinion on what the dwords mean. Used by every GPU guest.
 */
#ifndef MEDIANT_GUEST_MI_H
#define MEDIANT_GUEST_MI_H

#include <stdint.h>

#define MI(op, flags, dwords) ((uint32_t)(op) << 23 | (uint32_t)(flags) | ((dwords) - 2))
#define MI_SINGLE(op, flags) ((uint32_t)(op) << 23 | (uint32_t)(flags))

enum {
    MI_NOOP = 0,
    MI_NOOP_WRITE_ID = 1 << 22,
};
#define MI_USER_INTERRUPT MI_SINGLE(0x02, 0)
#define MI_WAIT_FOR_EVENT MI_SINGLE(0x03, 0)
#define MI_ARB_CHECK MI_SINGLE(0x05, 0)
#define MI_REPORT_HEAD MI_SINGLE(0x07, 0)
#define MI_ARB_ON_OFF(on) MI_SINGLE(0x08, on)
#define MI_BATCH_BUFFER_END MI_SINGLE(0x0a, 0)
#define MI_PREDICATE(flags) MI_SINGLE(0x0c, flags)
#define MI_MATH(alu_dwords) MI(0x1a, 0, (alu_dwords) + 1)
#define MI_SEMAPHORE_SIGNAL(flags) MI(0x1b, flags, 2)
#define MI_SEMAPHORE_WAIT(flags) MI(0x1c, flags, 4)
#define MI_STORE_DWORD_IMM(flags) MI(0x20, flags, 4)
#define MI_STORE_QWORD_IMM(flags) MI(0x20, (flags) | 1 << 21, 5)
#define MI_STORE_DATA_INDEX(flags) MI(0x21, flags, 3)
#define MI_LOAD_REGISTER_IMM(registers) MI(0x22, 0, 2 * (registers) + 1)
#define MI_STORE_REGISTER_MEM(flags) MI(0x24, flags, 4)
#define MI_FLUSH_DW(flags, dwords) MI(0x26, flags, dwords)
#define MI_REPORT_PERF_COUNT MI(0x28, 0, 4)
#define MI_LOAD_REGISTER_MEM(flags) MI(0x29, flags, 4)
#define MI_LOAD_REGISTER_REG MI(0x2a, 0, 3)
#define MI_COPY_MEM_MEM(flags) MI(0x2e, flags, 5)
#define MI_ATOMIC(flags, dwords) MI(0x2f, flags, dwords)
#define MI_BATCH_BUFFER_START(flags) MI(0x31, flags, 3)
#define MI_CONDITIONAL_BATCH_BUFFER_END(flags) MI(0x36, flags, 4)
enum {
    MI_USE_GGTT = 1 << 22, /* SDI, SRM, LRM, ATOMIC, SEMAPHORE */
    MI_BB_PPGTT = 1 << 8,
    MI_BB_SECOND_LEVEL = 1 << 22,
    MI_BB_PREDICATE = 1 << 15,
    MI_SEMAPHORE_POLL = 1 << 15,
    MI_SEMAPHORE_GT = 0 << 12, /* memory > data */
    MI_SEMAPHORE_GE = 1 << 12,
    MI_SEMAPHORE_LT = 2 << 12,
    MI_SEMAPHORE_LE = 3 << 12,
    MI_SEMAPHORE_EQ = 4 << 12,
    MI_SEMAPHORE_NE = 5 << 12,
    MI_FLUSH_DW_QW_WRITE = 1 << 14,
    MI_FLUSH_DW_TIMESTAMP = 3 << 14,
    MI_FLUSH_DW_INDEX = 1 << 21,
    MI_FLUSH_DW_TLB = 1 << 18,
    MI_FLUSH_DW_NOTIFY = 1 << 8,
    MI_FLUSH_DW_GGTT = 1 << 2, /* in the address */
};

#define PIPE_CONTROL 0x7a000004u /* six dwords */
enum {
    PC_CS_STALL = 1 << 20,
    PC_TLB_INVALIDATE = 1 << 18,
    PC_QW_WRITE = 1 << 14,
    PC_DEPTH_COUNT = 2 << 14,
    PC_TIMESTAMP = 3 << 14,
    PC_GGTT = 1 << 24,
    PC_STORE_INDEX = 1 << 21,
    PC_NOTIFY = 1 << 8,
    PC_FLUSH = 1 << 7,
    PC_LRI = 1 << 23,
};

/* MI_MATH: opcode, operand 1, operand 2. */
#define ALU(op, a, b) ((uint32_t)(op) << 20 | (uint32_t)(a) << 10 | (uint32_t)(b))
enum {
    ALU_NOOP = 0x000, ALU_LOAD = 0x080, ALU_LOADINV = 0x480, ALU_LOAD0 = 0x081, ALU_LOAD1 = 0x481,
    ALU_ADD = 0x100, ALU_SUB = 0x101, ALU_AND = 0x102, ALU_OR = 0x103, ALU_XOR = 0x104,
    ALU_STORE = 0x180, ALU_STOREINV = 0x580,
    ALU_SRCA = 0x20, ALU_SRCB = 0x21, ALU_ACCU = 0x31, ALU_ZF = 0x32, ALU_CF = 0x33,
};

/* The blitter: client 2. */
#define BLT(op, flags, dwords) (2u << 29 | (uint32_t)(op) << 22 | (uint32_t)(flags) | ((dwords) - 2))
enum {
    BLT_WRITE_RGBA = 3 << 20,
    BLT_SRC_TILED = 1 << 15,
    BLT_DST_TILED = 1 << 11,
    BLT_CHROMA_SOURCE = 1 << 17, /* source pixels in the key range are not written */
    BLT_BPP_8 = 0 << 24, /* in BR13 */
    BLT_BPP_16 = 1 << 24,
    BLT_BPP_32 = 3 << 24,
    BLT_ROP_SRCCOPY = 0xcc << 16,
    BLT_ROP_PATCOPY = 0xf0 << 16,
};
#define XY_COLOR_BLT(flags) BLT(0x50, flags, 7)
#define XY_SRC_COPY_BLT(flags) BLT(0x53, flags, 10)
#define XY_SRC_COPY_CHROMA_BLT(flags) BLT(0x73, flags, 12)
#define XY_FAST_COPY_BLT(flags) BLT(0x42, flags, 10)
enum {
    FAST_COPY_SRC_LINEAR = 0 << 20, FAST_COPY_SRC_X = 1 << 20, FAST_COPY_SRC_Y = 2 << 20,
    FAST_COPY_DST_LINEAR = 0 << 13, FAST_COPY_DST_X = 1 << 13, FAST_COPY_DST_Y = 2 << 13,
    FAST_COPY_8 = 0 << 24, FAST_COPY_16 = 1 << 24, FAST_COPY_32 = 3 << 24, FAST_COPY_64 = 4 << 24, FAST_COPY_128 = 5 << 24,
};

#endif
