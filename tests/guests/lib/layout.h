/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that start.S and the C files of the guest library share. */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

#define MAX_CPUS 16
#define STACK_SIZE 0x8000
#define TRAMPOLINE 0x9000 /* a page below 1 MiB, just above the VMM's boot area */

/* Selectors; FIRST_TSS + 16 * cpu is each CPU's TSS. */
#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS 0x18
#define USER_DS 0x20
#define FIRST_TSS 0x30
#define TRAMPOLINE_CS32 0x08

/* Intel SDM volume 3: 2.5 (control registers), 4.5 (paging), 3.4.3 of volume 1 (EFLAGS). */
#define CR0_PE 0x1
#define CR0_MP 0x2
#define CR0_EM 0x4
#define CR0_TS 0x8
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define CR4_OSFXSR 0x200
#define CR4_OSXMMEXCPT 0x400
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define PTE_TABLE 0x07 /* present, write, user */
#define PTE_PAGE 0xe7  /* and accessed, dirty, 2 MiB */
#define EFLAGS_FIXED 0x002
#define EFLAGS_IF 0x200
#define EFLAGS_IOPL3 0x3000

#endif
