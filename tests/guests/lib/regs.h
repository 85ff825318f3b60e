/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Register offsets for guests, from the product's own table. */
#ifndef MEDIANT_GUEST_REGS_H
#define MEDIANT_GUEST_REGS_H

enum guest_registers {
#define R(NAME, offset, count, stride, access, cls, flags, reset) R_##NAME = (offset),
#define ER(NAME, offset, count, stride, access, flags, reset) RING_##NAME = (offset),
#include "gpu/defs/registers.def"
#undef R
#undef ER
};

#endif
