/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Gen8/9 interrupt tree: banks of ISR, IMR, IIR and IER below one master register. Embedded in the model and in each vGPU.
 *
 * An event, or the rising edge of a level, sets the IIR bit unless IMR masks it. A second event while the bit is set is remembered,
 * and sets the bit again when software clears it (IIR is two deep; i915's reset clears it twice for that reason). IIR & IER of a
 * bank shows in the master register; while any bank shows and the master enable bit is set, the interrupt line is up. A message is
 * due each time the line rises, so also when software, done with a handler, enables the master again and something is left.
 * Sources: PRM SKL vol. 12 (interrupts), vol. 2c; Linux 6.1 i915_irq.c (gen8_irq_handler, gen3_irq_reset), i915_reg.h.
 *
 * Plain data, so that it can be saved as it is. No locking: the owner's lock guards it. Nothing is sent from here: after each
 * change the owner asks irq_tree_take_message() under its lock and sends the message when it has dropped it.
 */
#ifndef MEDIANT_GPU_BLOCKS_IRQ_TREE_H
#define MEDIANT_GPU_BLOCKS_IRQ_TREE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum irq_bank {
    IRQ_GT0, /* RCS bits 15:0, BCS bits 31:16 */
    IRQ_GT1, /* VCS0, VCS1 */
    IRQ_GT2, /* power management (RPS) bits 15:0, GuC bits 31:16 */
    IRQ_GT3, /* VECS bits 15:0 */
    IRQ_PIPE_A,
    IRQ_PIPE_B,
    IRQ_PIPE_C,
    IRQ_PORT,
    IRQ_MISC,
    IRQ_PCU,
    IRQ_SDE, /* the PCH: hotplug, GMBUS */
    IRQ_BANK_COUNT,
};

/* Bits of the banks that the blocks raise (i915_reg.h: GEN8_PIPE_*, GEN9_PIPE_*, GEN8_AUX_*, SDE_*). Engine bits: enum engine_irq. */
enum irq_bit {
    IRQ_PIPE_VBLANK = 1 << 0,
    IRQ_PIPE_VSYNC = 1 << 1,
    IRQ_PIPE_SCAN_LINE = 1 << 2,
    IRQ_PIPE_PLANE1_FLIP = 1 << 3, /* plane n: << (n - 1), planes 1 to 4 */
    IRQ_PIPE_CRC_DONE = 1 << 28,
    IRQ_PORT_AUX_A = 1 << 0,
    IRQ_PORT_DP_A_HOTPLUG = 1 << 3,
    IRQ_PORT_AUX_B = 1 << 25, /* C 26, D 27 */
    IRQ_SDE_GMBUS = 1 << 17,
    IRQ_SDE_PORT_B_HOTPLUG = 1 << 21, /* C 22, D 23 */
    IRQ_SDE_PORT_A_HOTPLUG = 1 << 24,
};

/* Interrupt sources that an engine can raise; the bit positions are those of the GT interrupt registers. */
enum engine_irq {
    ENGINE_IRQ_USER = 1 << 0,        /* MI_USER_INTERRUPT */
    ENGINE_IRQ_ERROR = 1 << 3,       /* command streamer error */
    ENGINE_IRQ_PIPE_CONTROL = 1 << 4,/* PIPE_CONTROL or MI_FLUSH_DW notify */
    ENGINE_IRQ_CONTEXT_SWITCH = 1 << 8,
    ENGINE_IRQ_WAIT_SEMAPHORE = 1 << 11,
};

/* What EIR has to gain, with ENGINE_IRQ_ERROR, when ESR or EMR has changed: errors that are there and not masked. PRM SKL vol. 2c. */
static inline uint32_t engine_new_errors(uint32_t esr, uint32_t emr, uint32_t eir)
{
    return esr & ~emr & 0xffff & ~eir;
}

struct irq_tree {
    uint32_t enable; /* bit 31 of the master register */
    bool line;       /* enabled and something pending */
    bool message;    /* the line rose since the last irq_tree_take_message() */
    struct irq_bank_state {
        uint32_t isr, imr, iir, ier;
        uint32_t again; /* second events waiting behind iir */
    } bank[IRQ_BANK_COUNT];
};

/* State at power-on: all masked, nothing enabled. */
void irq_tree_reset(struct irq_tree *tree);

/* Events: each bit is an edge of its own. */
void irq_tree_set(struct irq_tree *tree, enum irq_bank bank, uint32_t bits);
/* Levels: sets or clears bits of ISR; rising ones are events. */
void irq_tree_level(struct irq_tree *tree, enum irq_bank bank, uint32_t bits, bool on);

/*
 * Bank and shift of an engine's 16 bits (enum engine_irq) in the GT banks. An engine's RING_IMR has the layout of its bank, so the blitter's bits are
 * the upper half of its own (i915 gen8_logical_ring_enable_irq). engine is an enum gpu_engine below ENGINE_COUNT.
 */
enum irq_bank irq_tree_engine_bank(unsigned engine, unsigned *shift);
/* Events of an engine: those of enum engine_irq that its RING_IMR lets through. False when none is left. */
bool irq_tree_engine_set(struct irq_tree *tree, unsigned engine, uint32_t sources, uint32_t imr);
/* The same question without the events. */
bool irq_tree_engine_open(unsigned engine, uint32_t sources, uint32_t imr);

/*
 * Software's accesses. offset is a multiple of 4. False when it is no register of the tree; then nothing changed.
 * Master (0x44200), banks of 16 bytes from 0x44300, 0x44400, 0x44440, 0x44460, 0x444e0 and 0xc4000.
 */
bool irq_tree_read(const struct irq_tree *tree, uint32_t offset, uint32_t *value);
bool irq_tree_write(struct irq_tree *tree, uint32_t offset, uint32_t value);
/* The offset of a bank's IIR: where software sees what happened, and clears it. */
uint32_t irq_tree_iir(enum irq_bank bank);

/* True once after each rise of the line: the caller sends its MSI when it holds no lock. */
bool irq_tree_take_message(struct irq_tree *tree);
/* The level of the line, for INTx. */
static inline bool irq_tree_line(const struct irq_tree *tree)
{
    return tree->line;
}

#ifdef __cplusplus
}
#endif
#endif
