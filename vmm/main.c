/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

int main(void)
{
    fputs("vmm: no subcommand is built yet\n", stderr);
    return 2;
}
