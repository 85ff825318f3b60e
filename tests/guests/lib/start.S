/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start-up of bare-metal guests (vmm/boot.h has the protocol): the PVH and the long-mode entry, application processors, interrupt
 * entries, and the way to CPL 3. Constants shared with C are in layout.h.
 */
#include "layout.h"

    .section .text.start, "ax"
    .code32
    .globl start32
start32:
    cld
    movl $(stacks + STACK_SIZE), %esp
    movl %ebx, %edi
    lgdt gdt_pointer
    call enter_long_mode
    ljmp $KERNEL_CS, $1f

/* Paging on, with the static tables. Clobbers EAX, ECX, EDX. */
enter_long_mode:
    movl $pml4, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
    movl %eax, %cr4
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl %cr0, %eax
    andl $~(CR0_EM | CR0_TS), %eax
    orl $(CR0_PG | CR0_MP | CR0_PE), %eax
    movl %eax, %cr0
    ret

    .code64
1:  call load_segments
    movl %edi, %edi
    xorl %esi, %esi
    jmp 2f

    .globl start64
start64:
    cld
    movl $(stacks + STACK_SIZE), %esp
    lgdt gdt_pointer
    movl $pml4, %eax
    movq %rax, %cr3
    movq %cr4, %rax
    orq $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %rax
    movq %rax, %cr4
    pushq $KERNEL_CS
    pushq $1f
    lretq
1:  call load_segments
    movl $1, %esi
2:  xorl %ebp, %ebp
    call guest_start            /* (info, long mode) */
3:  cli
    hlt
    jmp 3b

load_segments:
    movl $KERNEL_DS, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    ret

/*
 * Application processors start here, in real mode, at TRAMPOLINE; smp.c copies the code there. ap_stack holds the top of the stack for
 * the one that is being started.
 */
#define AT(label) (label - trampoline + TRAMPOLINE)
    .code16
    .globl trampoline, trampoline_end
trampoline:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl AT(trampoline_gdt_pointer)
    movl %cr0, %eax
    orl $CR0_PE, %eax
    movl %eax, %cr0
    ljmpl $TRAMPOLINE_CS32, $AT(1f)
    .code32
1:  movl $KERNEL_DS, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl ap_stack, %esp
    lgdt gdt_pointer
    movl $enter_long_mode, %eax
    call *%eax
    ljmp $KERNEL_CS, $ap_long_mode
    .balign 8
trampoline_gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
trampoline_gdt_pointer:
    .word 3 * 8 - 1
    .long AT(trampoline_gdt)
trampoline_end:

    .code64
ap_long_mode:
    call load_segments
    xorl %ebp, %ebp
    call smp_entry
1:  cli
    hlt
    jmp 1b

/*
 * Interrupts. Each vector's entry pushes an error code where the CPU does not, and its number. C code keeps the other registers, so that only
 * those that a call may change are saved: struct interrupt_frame in interrupt.h.
 */
    .balign 16
    .globl interrupt_entries
interrupt_entries:
    .set vector, 0
    .rept 256
    .balign 16
    .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21)
    .else
    pushq $0
    .endif
    pushq $vector
    jmp interrupt_common
    .set vector, vector + 1
    .endr

interrupt_common:
    pushq %r11
    pushq %r10
    pushq %r9
    pushq %r8
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    cld
    movq %rsp, %rdi
    call interrupt_dispatch
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    popq %r8
    popq %r9
    popq %r10
    popq %r11
    addq $16, %rsp
    iretq

/* void user_enter(void): returns to its caller at CPL 3, on the same stack, IOPL 3, interrupts on. */
    .globl user_enter
user_enter:
    popq %rcx
    movq %rsp, %rdx
    pushq $(USER_DS | 3)
    pushq %rdx
    pushq $(EFLAGS_IOPL3 | EFLAGS_IF | EFLAGS_FIXED)
    pushq $(USER_CS | 3)
    pushq %rcx
    iretq

    .data
    .balign 4096
    .globl pml4, pdpt
pml4:
    .quad pdpt + PTE_TABLE
    .fill 511, 8, 0
pdpt:
    .quad pd + PTE_TABLE, pd + 0x1000 + PTE_TABLE, pd + 0x2000 + PTE_TABLE, pd + 0x3000 + PTE_TABLE
    .fill 508, 8, 0
pd:
    .set index, 0
    .rept 2048
    .quad index * 0x200000 + PTE_PAGE
    .set index, index + 1
    .endr

    .balign 16
    .globl gdt
gdt:
    .quad 0
    .quad 0x00af9b000000ffff    /* KERNEL_CS */
    .quad 0x00cf93000000ffff    /* KERNEL_DS */
    .quad 0x00affb000000ffff    /* USER_CS */
    .quad 0x00cff3000000ffff    /* USER_DS */
    .quad 0
    .fill 2 * MAX_CPUS, 8, 0    /* a TSS for each CPU, from FIRST_TSS on */
gdt_pointer:
    .word FIRST_TSS + 16 * MAX_CPUS - 1
    .quad gdt
    .globl ap_stack
    .balign 8
ap_stack:
    .quad 0

    .bss
    .balign 4096
    .globl stacks
stacks:
    .skip STACK_SIZE * MAX_CPUS
    .section .note.GNU-stack, "", @progbits
