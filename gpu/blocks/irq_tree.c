/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Gen8/9 interrupt tree. Used by the model and by each vGPU, under their locks. */
#include "gpu/blocks/irq_tree.h"

#include <glib.h>
#include <string.h>

#include "gpu/gpu.h"

/* PRM SKL vol. 2c; i915_reg.h GEN8_MASTER_IRQ and GEN8_*_IRQ. */
enum {
    MASTER_OFFSET = 0x44200,
    MASTER_ENABLE = 1u << 31,
    BANK_BYTES = 0x10,
};
enum bank_register { BANK_ISR, BANK_IMR, BANK_IIR, BANK_IER };

/* Where a bank's four registers lie, and which of its bits show as which bit of the master. */
static const struct {
    uint32_t offset;
    uint32_t low_master;  /* master bits for bank bits 15:0 */
    uint32_t high_master; /* ... 31:16 */
} banks[IRQ_BANK_COUNT] = {
    [IRQ_GT0] = {0x44300, 1u << 0, 1u << 1},
    [IRQ_GT1] = {0x44310, 1u << 2, 1u << 3},
    [IRQ_GT2] = {0x44320, 1u << 4, 1u << 5},
    [IRQ_GT3] = {0x44330, 1u << 6, 1u << 6},
    [IRQ_PIPE_A] = {0x44400, 1u << 16, 1u << 16},
    [IRQ_PIPE_B] = {0x44410, 1u << 17, 1u << 17},
    [IRQ_PIPE_C] = {0x44420, 1u << 18, 1u << 18},
    [IRQ_PORT] = {0x44440, 1u << 20, 1u << 20},
    [IRQ_MISC] = {0x44460, 1u << 22, 1u << 22},
    [IRQ_PCU] = {0x444e0, 1u << 30, 1u << 30},
    [IRQ_SDE] = {0xc4000, 1u << 23, 1u << 23},
};

static uint32_t pending(const struct irq_tree *tree)
{
    uint32_t master = 0;

    for (unsigned i = 0; i < IRQ_BANK_COUNT; i++) {
        uint32_t bits = tree->bank[i].iir & tree->bank[i].ier;
        if (bits & 0x0000ffff)
            master |= banks[i].low_master;
        if (bits & 0xffff0000)
            master |= banks[i].high_master;
    }
    return master;
}

static void update(struct irq_tree *tree)
{
    bool line = tree->enable && pending(tree);

    if (line && !tree->line)
        tree->message = true;
    tree->line = line;
}

void irq_tree_reset(struct irq_tree *tree)
{
    memset(tree, 0, sizeof(*tree));
    for (unsigned i = 0; i < IRQ_BANK_COUNT; i++)
        tree->bank[i].imr = 0xffffffff;
}

static void latch(struct irq_bank_state *bank, uint32_t edges)
{
    edges &= ~bank->imr;
    bank->again |= edges & bank->iir;
    bank->iir |= edges;
}

void irq_tree_set(struct irq_tree *tree, enum irq_bank bank, uint32_t bits)
{
    latch(&tree->bank[bank], bits);
    update(tree);
}

void irq_tree_level(struct irq_tree *tree, enum irq_bank bank, uint32_t bits, bool on)
{
    struct irq_bank_state *b = &tree->bank[bank];

    if (on) {
        latch(b, bits & ~b->isr);
        b->isr |= bits;
        update(tree);
    } else {
        b->isr &= ~bits;
    }
}

enum irq_bank irq_tree_engine_bank(unsigned engine, unsigned *shift)
{
    static const struct {
        uint8_t bank, shift;
    } where[ENGINE_COUNT] = {
        [ENGINE_RCS0] = {IRQ_GT0, 0},
        [ENGINE_BCS0] = {IRQ_GT0, 16},
        [ENGINE_VCS0] = {IRQ_GT1, 0},
        [ENGINE_VECS0] = {IRQ_GT3, 0},
    };

    g_assert(engine < ENGINE_COUNT);
    *shift = where[engine].shift;
    return where[engine].bank;
}

bool irq_tree_engine_open(unsigned engine, uint32_t sources, uint32_t imr)
{
    unsigned shift;

    irq_tree_engine_bank(engine, &shift);
    return (sources & 0xffff) << shift & ~imr;
}

bool irq_tree_engine_set(struct irq_tree *tree, unsigned engine, uint32_t sources, uint32_t imr)
{
    unsigned shift;
    enum irq_bank bank = irq_tree_engine_bank(engine, &shift);
    uint32_t bits = (sources & 0xffff) << shift & ~imr;

    if (bits)
        irq_tree_set(tree, bank, bits);
    return bits;
}

static bool find(uint32_t offset, unsigned *bank, enum bank_register *reg)
{
    for (unsigned i = 0; i < IRQ_BANK_COUNT; i++) {
        if (offset - banks[i].offset < BANK_BYTES) {
            *bank = i;
            *reg = (offset - banks[i].offset) / 4;
            return true;
        }
    }
    return false;
}

bool irq_tree_read(const struct irq_tree *tree, uint32_t offset, uint32_t *value)
{
    enum bank_register reg;
    unsigned i;

    if (offset == MASTER_OFFSET) {
        *value = tree->enable | pending(tree);
        return true;
    }
    if (!find(offset, &i, &reg))
        return false;
    switch (reg) {
    case BANK_ISR:
        *value = tree->bank[i].isr;
        break;
    case BANK_IMR:
        *value = tree->bank[i].imr;
        break;
    case BANK_IIR:
        *value = tree->bank[i].iir;
        break;
    case BANK_IER:
        *value = tree->bank[i].ier;
        break;
    }
    return true;
}

bool irq_tree_write(struct irq_tree *tree, uint32_t offset, uint32_t value)
{
    struct irq_bank_state *bank;
    enum bank_register reg;
    unsigned i;

    if (offset == MASTER_OFFSET) {
        tree->enable = value & MASTER_ENABLE;
        update(tree);
        return true;
    }
    if (!find(offset, &i, &reg))
        return false;
    bank = &tree->bank[i];
    switch (reg) {
    case BANK_ISR: /* read-only */
        break;
    case BANK_IMR:
        bank->imr = value;
        break;
    case BANK_IIR: {
        /* A cleared bit goes low, and the line with it, before a second event that waited raises both again. */
        uint32_t again = bank->again & value;
        bank->iir &= ~value;
        bank->again &= ~value;
        update(tree);
        bank->iir |= again;
        break;
    }
    case BANK_IER:
        bank->ier = value;
        break;
    }
    update(tree);
    return true;
}

uint32_t irq_tree_iir(enum irq_bank bank)
{
    return banks[bank].offset + BANK_IIR * 4;
}

bool irq_tree_take_message(struct irq_tree *tree)
{
    bool message = tree->message;

    tree->message = false;
    return message;
}
