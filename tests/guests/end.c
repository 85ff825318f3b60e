/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways in which a guest ends, by the argument how=status|triple|reset|power|hang|spin. */
#include "guest.h"
#include "interrupt.h"

int guest_main(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) no_idt = {0, 0};
    char how[16] = "";

    boot_arg("how", how, sizeof(how));
    if (strcmp(how, "status") == 0)
        return 7;
    if (strcmp(how, "triple") == 0)
        __asm__ volatile("lidt %0; ud2" ::"m"(no_idt));
    if (strcmp(how, "reset") == 0)
        outb(0xcf9, 0x06);
    if (strcmp(how, "power") == 0)
        outw(0x604, 1 << 13);
    if (strcmp(how, "hang") == 0)
        for (;;)
            __asm__ volatile("cli; hlt");
    if (strcmp(how, "spin") == 0) {
        printf("spinning\n");
        user_enter();
        for (;;)
            __asm__ volatile("");
    }
    guest_panic("still here after how=%s", how);
}
