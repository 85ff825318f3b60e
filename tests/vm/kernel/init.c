/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first program of the tests' kernel: says that user space runs, and ends the VM by a reset. Freestanding; made by selftest.sh.
 * Numbers: asm/unistd_64.h (write 1, sync 162, reboot 169), linux/reboot.h.
 */

static long call(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "memory", "rcx", "r11");
    return result;
}

void _start(void)
{
    static const char hello[] = "init: user space runs\n";

    call(1, 1, (long)hello, sizeof(hello) - 1);
    call(162, 0, 0, 0);
    call(169, (int)0xfee1dead, 0x28121969, 0x01234567); /* restart */
    for (;;)
        ;
}
