/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capstone, loaded when the first instruction is decoded: its tables take 3 MiB of memory as soon as the library is there, and most VMs never need it.
 * Used by execute.c and insn_describe.c.
 */
#ifndef MEDIANT_VMM_INSN_DECODER_H
#define MEDIANT_VMM_INSN_DECODER_H

#include <capstone/capstone.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The functions of capstone's API that are used here. */
struct decoder {
    __typeof__(cs_open) *open;
    __typeof__(cs_option) *option;
    __typeof__(cs_disasm) *disasm;
    __typeof__(cs_free) *free;
    __typeof__(cs_close) *close;
};

/* NULL when the library is not there, which is said once. Any thread. */
const struct decoder *decoder_get(void);

#ifdef __cplusplus
}
#endif
#endif
