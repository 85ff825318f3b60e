/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest guest: says hello, from either entry, at either privilege level. */
#include "guest.h"
#include "interrupt.h"

int guest_main(void)
{
    char who[32] = "nobody";

    boot_arg("who", who, sizeof(who));
    printf("hello from a %s guest to %s: %u MiB, %u CPU%s, CPL %u\n", boot.pvh ? "PVH" : "long-mode", who,
           (unsigned)(boot.memory_size >> 20), boot.vcpus, boot.vcpus == 1 ? "" : "s", cpu_cpl());
    user_enter();
    report(cpu_cpl() == 3, "CPL 3 entered");
    printf("and from CPL %u\n", cpu_cpl());
    user_leave();
    report(cpu_cpl() == 0, "CPL 0 again");
    report(strcmp(who, "world") == 0, "command line read");
    return report_summary();
}
