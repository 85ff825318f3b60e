/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command table, and the constant arrays through which a first dword finds its row. See commands.h. */
#include "gpu/defs/commands.h"

const struct cmd_desc cmd_descs[CMD_COUNT] = {
#define C(NAME, match, mask, length, engines, privilege, audit, ...) \
    [CMD_##NAME] = { #NAME, (match), (mask), (length), (engines), (privilege), (audit), { __VA_ARGS__ } },
#include "gpu/defs/commands.def"
#undef C
};

/*
 * Slot of a row in the array of one engine: rows of other engines all go to the unused last slot, which is written many times (and
 * cleared below); the unit test checks that no other slot is.
 */
#define SLOT_FOR(engine, engines, match) (((engines) >> (engine)) & 1 ? CMD_SLOT(match) : CMD_SLOT_NONE)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
const uint16_t cmd_slots[ENGINE_COUNT][CMD_SLOT_NONE + 1] = {
#define C(NAME, match, mask, length, engines, privilege, audit, ...) \
    [ENGINE_RCS0][SLOT_FOR(ENGINE_RCS0, engines, match)] = CMD_##NAME + 1, \
    [ENGINE_BCS0][SLOT_FOR(ENGINE_BCS0, engines, match)] = CMD_##NAME + 1, \
    [ENGINE_VCS0][SLOT_FOR(ENGINE_VCS0, engines, match)] = CMD_##NAME + 1, \
    [ENGINE_VECS0][SLOT_FOR(ENGINE_VECS0, engines, match)] = CMD_##NAME + 1,
#include "gpu/defs/commands.def"
#undef C
    [ENGINE_RCS0][CMD_SLOT_NONE] = 0,
    [ENGINE_BCS0][CMD_SLOT_NONE] = 0,
    [ENGINE_VCS0][CMD_SLOT_NONE] = 0,
    [ENGINE_VECS0][CMD_SLOT_NONE] = 0,
};
#pragma GCC diagnostic pop
