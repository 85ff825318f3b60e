/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IDT, TSS, local and I/O APIC, and the calls from CPL 3 to CPL 0 (an undefined instruction with a request in RAX). */
#include "interrupt.h"

#include "guest.h"

/* Intel SDM volume 3, chapter 10 (local APIC); 82093AA datasheet (I/O APIC). */
#define APIC_BASE 0xfee00000ul
#define IOAPIC_BASE 0xfec00000ul
enum {
    APIC_ID = 0x20,
    APIC_EOI = 0xb0,
    APIC_SPURIOUS = 0xf0,
    APIC_ICR_LOW = 0x300,
    APIC_ICR_HIGH = 0x310,
    APIC_ENABLE = 1 << 8,
    ICR_ASSERT = 1 << 14,
    ICR_OTHERS = 3 << 18,
    IOAPIC_SELECT = 0,
    IOAPIC_WINDOW = 0x10,
    IOAPIC_REDIRECTION = 0x10,

    VECTOR_UNDEFINED = 6,
    EXCEPTIONS = 32,
    GATE_INTERRUPT = 0x8e,
};

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_mid;
    uint32_t offset_high, reserved;
};

struct tss {
    uint32_t reserved;
    uint64_t rsp[3];
    uint64_t ist[8];
    uint64_t reserved2;
    uint16_t reserved3, io_map;
    /*
     * All ports are open to CPL 3 by the permission bitmap as well as by IOPL 3: KVM without hardware virtualization (kvm_pvm) loses sight of
     * IOPL once the guest runs natively. For the same reason cli and sti fault at CPL 3 there.
     */
    uint8_t io_bitmap[65536 / 8];
    uint8_t io_bitmap_end; /* must be all ones */
} __attribute__((packed));

/* What user_leave() and cpu_wait_while() ask for. */
enum request { REQUEST_LEAVE = 0x6c656176, REQUEST_WAIT = 0x77616974 };

extern char interrupt_entries[]; /* 16 bytes each */
extern uint64_t gdt[];
void interrupt_dispatch(struct interrupt_frame *frame);

static struct gate idt[256] __attribute__((aligned(16)));
static struct tss tss[MAX_CPUS];
static char interrupt_stacks[MAX_CPUS][0x2000] __attribute__((aligned(16)));
static struct {
    interrupt_handler fn;
    void *arg;
} handlers[256];

void interrupt_set(unsigned vector, interrupt_handler handler, void *arg)
{
    handlers[vector].arg = arg;
    __atomic_store_n(&handlers[vector].fn, handler, __ATOMIC_RELEASE);
}

static void fill_idt(void)
{
    for (unsigned i = 0; i < 256; i++) {
        uintptr_t entry = (uintptr_t)interrupt_entries + 16 * i;
        idt[i] = (struct gate){.offset_low = (uint16_t)entry,
                               .selector = KERNEL_CS,
                               .type = GATE_INTERRUPT,
                               .offset_mid = (uint16_t)(entry >> 16),
                               .offset_high = (uint32_t)(entry >> 32)};
    }
}

void interrupt_init_cpu(unsigned cpu)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof(idt) - 1, (uintptr_t)idt};
    uintptr_t base = (uintptr_t)&tss[cpu];
    uint64_t *descriptor = &gdt[(FIRST_TSS + 16 * cpu) / 8];

    if (cpu == 0)
        fill_idt();
    tss[cpu].rsp[0] = (uintptr_t)&interrupt_stacks[cpu + 1];
    tss[cpu].io_map = offsetof(struct tss, io_bitmap);
    tss[cpu].io_bitmap_end = 0xff;
    descriptor[0] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    descriptor[1] = base >> 32;
    __asm__ volatile("lidt %0; ltr %w1" ::"m"(pointer), "r"(FIRST_TSS + 16 * cpu) : "memory");
    mmio_write32(APIC_BASE + APIC_SPURIOUS, APIC_ENABLE | SPURIOUS_VECTOR);
    if (cpu == 0) { /* the two PICs are masked; lines come through the I/O APIC */
        outb(0x21, 0xff);
        outb(0xa1, 0xff);
    }
}

/* Interrupts are off here, so that nothing can come between the look and the halt; sti takes effect after the instruction that follows it. */
static void wait_while(const volatile uint32_t *word, uint32_t old)
{
    while (*word == old)
        __asm__ volatile("sti; hlt; cli" ::: "memory");
}

/* An undefined instruction that is ours. */
static bool user_request(struct interrupt_frame *frame)
{
    if (!(frame->cs & 3) || memcmp((const void *)frame->rip, "\x0f\x0b", 2) != 0)
        return false;
    if (frame->rax == REQUEST_LEAVE) {
        frame->cs = KERNEL_CS;
        frame->ss = KERNEL_DS;
    } else if (frame->rax == REQUEST_WAIT) {
        wait_while((const volatile uint32_t *)frame->rdi, (uint32_t)frame->rsi);
    } else {
        return false;
    }
    frame->rip += 2;
    return true;
}

void interrupt_dispatch(struct interrupt_frame *frame)
{
    interrupt_handler fn = __atomic_load_n(&handlers[frame->vector].fn, __ATOMIC_ACQUIRE);
    uint64_t cr2;

    if (frame->vector == VECTOR_UNDEFINED && user_request(frame))
        return;
    if (frame->vector >= EXCEPTIONS && frame->vector != SPURIOUS_VECTOR)
        mmio_write32(APIC_BASE + APIC_EOI, 0);
    if (fn) {
        fn(frame, handlers[frame->vector].arg);
    } else if (frame->vector < EXCEPTIONS) {
        __asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
        guest_panic("exception %lu, error 0x%lx, at 0x%lx, CPL %lu, rsp 0x%lx, cr2 0x%lx", frame->vector, frame->error, frame->rip,
                    frame->cs & 3, frame->rsp, cr2);
    } else if (frame->vector != SPURIOUS_VECTOR) {
        guest_panic("interrupt on vector 0x%lx, which has no handler", frame->vector);
    }
}

void user_leave(void)
{
    __asm__ volatile("ud2" ::"a"((uint64_t)REQUEST_LEAVE) : "memory");
}

void cpu_wait_while(const volatile uint32_t *word, uint32_t old)
{
    if (cpu_cpl() == 3) {
        __asm__ volatile("ud2" ::"a"((uint64_t)REQUEST_WAIT), "D"(word), "S"((uint64_t)old) : "memory");
        return;
    }
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
    wait_while(word, old);
    if (flags & EFLAGS_IF)
        __asm__ volatile("sti" ::: "memory");
}

unsigned apic_id(void)
{
    return mmio_read32(APIC_BASE + APIC_ID) >> 24;
}

/* The two halves of the command must not be torn apart by a handler that sends an IPI itself. */
static void send(uint32_t high, uint32_t low)
{
    bool user = cpu_cpl() == 3;
    uint64_t flags = 0;

    if (!user)
        __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
    mmio_write32(APIC_BASE + APIC_ICR_HIGH, high);
    mmio_write32(APIC_BASE + APIC_ICR_LOW, low);
    if (flags & EFLAGS_IF)
        __asm__ volatile("sti" ::: "memory");
}

void apic_send_ipi(unsigned apic, unsigned vector)
{
    send(apic << 24, ICR_ASSERT | vector);
}

void apic_send_ipi_others(unsigned vector)
{
    send(0, ICR_OTHERS | ICR_ASSERT | vector);
}

void ioapic_route(unsigned line, unsigned vector, unsigned apic)
{
    mmio_write32(IOAPIC_BASE + IOAPIC_SELECT, IOAPIC_REDIRECTION + 2 * line + 1);
    mmio_write32(IOAPIC_BASE + IOAPIC_WINDOW, apic << 24);
    mmio_write32(IOAPIC_BASE + IOAPIC_SELECT, IOAPIC_REDIRECTION + 2 * line);
    mmio_write32(IOAPIC_BASE + IOAPIC_WINDOW, vector);
}
