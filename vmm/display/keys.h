/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and numbers of keys, for who sends them by hand or by a program: those of the QEMU Machine Protocol, so that what is written for QEMU works here.
 * Used by control/typing.c and cmd_key.c. Sources: QEMU's qapi/ui.json, QKeyCode; the numbers are a PC keyboard's scan codes of set 1, with bit 7 for those
 * behind 0xe0, as the keycodemap project that QEMU and libvirt share lists them ("qnum").
 *
 * Threads: constant.
 */
#ifndef MEDIANT_VMM_DISPLAY_KEYS_H
#define MEDIANT_VMM_DISPLAY_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* *code is Linux's (linux/input-event-codes.h). False when there is none of that name or number. */
bool key_by_name(const char *name, unsigned *code);
bool key_by_number(int64_t number, unsigned *code);
/* NULL for keys that have none. */
const char *key_name(unsigned code);
/* The name most like this one; NULL if none is. */
const char *key_suggest(const char *name);

#ifdef __cplusplus
}
#endif
#endif
