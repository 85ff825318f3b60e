/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways in which a guest ends, by the argument how=status|triple|reset|power|button|hang|spin. */
#include "guest.h"
#include "interrupt.h"

enum { PM1_STATUS = 0x600, PM1_ENABLE = 0x602, PM1_CONTROL = 0x604, POWER_BUTTON = 1 << 8, SLEEP_ENABLE = 1 << 13, SCI = 9 }; /* ACPI 6.4, 4.8.3 */

static volatile bool pressed;

static void on_sci(struct interrupt_frame *frame, void *arg)
{
    if (!(inw(PM1_STATUS) & POWER_BUTTON))
        return;
    outw(PM1_STATUS, POWER_BUTTON);
    pressed = true;
}

/* As an operating system: waits for the button, then switches off. Tells how much time it saw pass. */
static void wait_for_button(void)
{
    uint64_t begin = time_us();

    interrupt_set(IRQ_FIRST, on_sci, NULL);
    ioapic_route(SCI, IRQ_FIRST, apic_id());
    outw(PM1_ENABLE, POWER_BUTTON);
    printf("waiting for the power button\n");
    while (!pressed)
        __asm__ volatile("cli; cmpb $0, %0; jne 1f; sti; hlt; 1: sti" ::"m"(pressed) : "memory");
    printf("pressed after %u ms\n", (unsigned)((time_us() - begin) / 1000));
    outw(PM1_CONTROL, SLEEP_ENABLE);
}

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
        outw(PM1_CONTROL, SLEEP_ENABLE);
    if (strcmp(how, "button") == 0)
        wait_for_button();
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
