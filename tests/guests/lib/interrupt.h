/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts, the local APIC, and the way between CPL 0 and CPL 3. KVM without hardware virtualization runs CPL 3 natively and emulates
 * CPL 0 one instruction at a time, so guests that compute call user_enter() first; ports and devices stay reachable.
 */
#ifndef GUEST_INTERRUPT_H
#define GUEST_INTERRUPT_H

#include "cpu.h"
#include "layout.h"

/* On the stack of a handler; the registers are those that C code may change. */
struct interrupt_frame {
    uint64_t rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Vectors from IRQ_FIRST on are free for guests; SPURIOUS_VECTOR is the APIC's own. */
enum { IRQ_FIRST = 0x30, IRQ_LAST = 0xef, SPURIOUS_VECTOR = 0xff };

/*
 * Runs at CPL 0 with interrupts off on the CPU that got the vector; the library has sent the end of interrupt. Exceptions (vectors below
 * 32) may have handlers too, which may change frame->rip to go on elsewhere; without one they end the guest with a message.
 */
typedef void (*interrupt_handler)(struct interrupt_frame *frame, void *arg);
void interrupt_set(unsigned vector, interrupt_handler handler, void *arg);

/* Sets up this CPU: TSS, IDT, local APIC. Called by the start code. */
void interrupt_init_cpu(unsigned cpu);

/* The local APIC. */
unsigned apic_id(void);
void apic_send_ipi(unsigned apic, unsigned vector);
void apic_send_ipi_others(unsigned vector);
/* The message of an MSI for a CPU: write these to the device's capability. */
static inline uint32_t msi_address(unsigned apic) { return 0xfee00000 | apic << 12; }
/* A legacy interrupt line (0..15) through the I/O APIC to this vector of a CPU, edge triggered. */
void ioapic_route(unsigned line, unsigned vector, unsigned apic);

/* start.S: goes to CPL 3 and back. Interrupts are on afterwards. */
void user_enter(void);
void user_leave(void);

/*
 * Sleeps until *word differs from old; an interrupt handler or another CPU's IPI must wake it. At CPL 3 it costs two privilege
 * changes; spin instead when the wait is short.
 */
void cpu_wait_while(const volatile uint32_t *word, uint32_t old);

/* smp.c: starts CPU number cpu (an APIC id from 1 on), which calls fn(arg) at CPL 0 and halts when it returns. False when it does not come up. */
bool smp_start(unsigned cpu, void (*fn)(void *arg), void *arg);

#endif
