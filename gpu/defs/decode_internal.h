/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the decoder. */
#ifndef MEDIANT_GPU_DEFS_DECODE_INTERNAL_H
#define MEDIANT_GPU_DEFS_DECODE_INTERNAL_H

#include "gpu/defs/commands.h"

enum { REG_NAME_MAX = 64 };

/* Appends the operands of one command to its line; count dwords of it are there, at least 1. (decode_operands.c) */
void decode_operands(GString *line, enum cmd_id id, const uint32_t *dwords, unsigned count);

#endif
