/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm opregion: the OpRegion (gpu/blocks/opregion.h) as a file, for machines whose firmware takes one: QEMU's SeaBIOS does (docs/qemu.md). */
#include "vmm/commands.h"
#include "vmm/error.h"

#include "gpu/blocks/display.h"
#include "gpu/blocks/opregion.h"

int cmd_opregion(int argc, char **argv)
{
    uint8_t region[OPREGION_SIZE];
    GError *error = NULL;
    int code;

    if (!command_parse(&argc, &argv, NULL, 1, 1, &code))
        return code;
    opregion_fill(region, &display_board);
    if (!g_file_set_contents(argv[1], (const char *)region, sizeof(region), &error))
        return command_fail(error);
    return EXIT_OK;
}
