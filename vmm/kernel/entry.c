/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processor's state at a guest's entry: page tables, GDT, registers; boot.h has the protocols. Used by boot.c and machine.c. */
#include "vmm/kernel/entry.h"

#include "vmm/error.h"

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

enum { IDENTITY_GIB = ENTRY_TABLES_SIZE / 0x1000 - 2 };

/* Intel SDM volume 3, 3.4.5 and 4.5. */
#define GDT_CODE32 UINT64_C(0x00cf9b000000ffff)
#define GDT_CODE64 UINT64_C(0x00af9b000000ffff)
#define GDT_DATA UINT64_C(0x00cf93000000ffff)
#define GDT_TSS UINT64_C(0x00008b0000000067)
#define PTE_FLAGS UINT64_C(0x07)       /* present, write, user */
#define PDE_FLAGS_2M UINT64_C(0xe7)    /* and accessed, dirty, large */
#define CR0_FLAGS UINT64_C(0x80000031) /* PG, NE, ET, PE */
#define CR4_PAE UINT64_C(0x20)
#define EFER_LME_LMA UINT64_C(0x500)

/* Linux: __BOOT_CS and __BOOT_DS of boot.rst, "64-bit Boot Protocol". */
static const struct {
    bool long_mode;
    uint16_t code, data, tss; /* selectors */
} protocols[] = {
    [BOOT_PVH] = {false, 0x08, 0x10, 0x18},
    [BOOT_LONG_MODE] = {true, 0x08, 0x10, 0x18},
    [BOOT_LINUX64] = {true, 0x10, 0x18, 0x20},
};

void entry_fill_gdt(enum boot_protocol protocol, uint64_t gdt[ENTRY_GDT_SIZE / 8])
{
    gdt[protocols[protocol].code / 8] = protocols[protocol].long_mode ? GDT_CODE64 : GDT_CODE32;
    gdt[protocols[protocol].data / 8] = GDT_DATA;
    gdt[protocols[protocol].tss / 8] = GDT_TSS;
}

void entry_fill_tables(uint8_t *tables, uint64_t address)
{
    uint64_t *pml4 = (uint64_t *)(void *)tables, *pdpt = pml4 + 512, *pd = pdpt + 512;

    pml4[0] = (address + 0x1000) | PTE_FLAGS;
    for (uint64_t i = 0; i < IDENTITY_GIB; i++)
        pdpt[i] = (address + 0x2000 + i * 0x1000) | PTE_FLAGS;
    for (uint64_t i = 0; i < IDENTITY_GIB * 512; i++)
        pd[i] = i << 21 | PDE_FLAGS_2M;
}

static void set_info(struct kvm_regs *regs, const struct boot_state *state)
{
    if (state->protocol == BOOT_PVH)
        regs->rbx = state->info;
    else if (state->protocol == BOOT_LONG_MODE)
        regs->rdi = state->info;
    else
        regs->rsi = state->info;
}

bool boot_set_registers(int vcpu_fd, const struct boot_state *state, GError **error)
{
    const uint16_t code = protocols[state->protocol].code, tss = protocols[state->protocol].tss;
    const bool long_mode = protocols[state->protocol].long_mode;
    struct kvm_regs regs = {.rip = state->entry, .rflags = 2};
    struct kvm_segment data = {
        .limit = 0xffffffff, .selector = protocols[state->protocol].data, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1};
    struct kvm_sregs sregs;

    if (ioctl(vcpu_fd, KVM_GET_SREGS, &sregs) == 0) {
        sregs.cs = (struct kvm_segment){
            .limit = 0xffffffff, .selector = code, .type = 11, .present = 1, .s = 1, .g = 1, .db = !long_mode, .l = long_mode};
        sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
        sregs.tr = (struct kvm_segment){.limit = 0x67, .selector = tss, .type = 11, .present = 1};
        sregs.gdt.base = state->gdt;
        sregs.gdt.limit = ENTRY_GDT_SIZE - 1;
        sregs.idt.base = 0;
        sregs.idt.limit = 0;
        sregs.cr0 = long_mode ? CR0_FLAGS : 0x11; /* PE, ET */
        sregs.cr4 = long_mode ? CR4_PAE : 0;
        if (long_mode) {
            sregs.cr3 = state->page_tables;
            sregs.efer = EFER_LME_LMA;
        }
        set_info(&regs, state);
        if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) == 0 && ioctl(vcpu_fd, KVM_SET_REGS, &regs) == 0)
            return true;
    }
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "cannot set the registers of vCPU 0: %s", g_strerror(errno));
    return false;
}
