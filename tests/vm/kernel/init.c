/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first program of the tests' kernel: says that user space runs, and ends the VM by a reset. Freestanding; made by selftest.sh.
 *
 * System calls enter by gate 0x80, with the 32-bit table's numbers and addresses below 4 GiB: on a KVM that emulates kernel code
 * (kvm_pvm) the instruction "syscall" stays at privilege level 3, an interrupt gate does not.
 * Numbers: linux/unistd.h for i386 (write 4, sync 36, reboot 88), linux/reboot.h.
 */

static long call(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    return result;
}

void _start(void)
{
    static const char hello[] = "init: user space runs\n"; /* not on the stack, which is above 4 GiB */

    call(4, 1, (long)hello, sizeof(hello) - 1);
    call(36, 0, 0, 0);
    call(88, (int)0xfee1dead, 0x28121969, 0x01234567); /* restart */
    for (;;)
        ;
}
