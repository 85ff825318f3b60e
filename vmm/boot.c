/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads a guest and lays out what its entry point finds; see boot.h for the protocol. Called by machine.c and `vmm check`. */
#include "vmm/boot.h"

#include "vmm/error.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

/* The boot area, page by page. */
enum {
    AREA_INFO = 0x0000, /* start info, module, memory map, boot info, GDT */
    AREA_ARGS = 0x1000,
    AREA_PML4 = 0x2000,
    AREA_PDPT = 0x3000,
    AREA_PD = 0x4000, /* four pages: 4 GiB */
    AREA_SIZE = 0x8000,
    IDENTITY_GIB = 4,
};

/* Xen public/arch-x86/hvm/start_info.h */
#define HVM_START_MAGIC 0x336ec578u
struct hvm_start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
    uint32_t memmap_entries, reserved;
};
struct hvm_modlist_entry {
    uint64_t paddr, size, cmdline_paddr, reserved;
};
struct hvm_memmap_entry {
    uint64_t addr, size;
    uint32_t type, reserved;
};
enum { MEMMAP_RAM = 1, MEMMAP_RESERVED = 2, MEMMAP_ENTRIES = 5 };

/* Page AREA_INFO. */
struct boot_page {
    struct hvm_start_info start;
    struct hvm_modlist_entry module;
    struct hvm_memmap_entry memmap[MEMMAP_ENTRIES];
    struct boot_info info;
    char module_name[sizeof(BOOT_MODULE_NAME)];
    _Alignas(16) uint64_t gdt[5];
};
_Static_assert(sizeof(struct boot_page) <= 0x1000, "the boot page is one page");

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

static uint8_t *load_image(const struct boot_request *request, uint64_t ram_low, size_t *size, struct elf_image *image,
                           GError **error)
{
    g_autofree uint8_t *data = elf_read_file(request->image, size, error);

    if (!data || !elf_parse(request->image, data, *size, image, error) ||
        !elf_fits(request->image, image, ram_low, BOOT_AREA, BOOT_AREA_END, error))
        return NULL;
    if (request->args && strlen(request->args) >= BOOT_ARGS_MAX) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "the guest's command line is longer than %d bytes", BOOT_ARGS_MAX - 1);
        return NULL;
    }
    return g_steal_pointer(&data);
}

bool boot_check(const struct boot_request *request, uint64_t memory_size, GError **error)
{
    struct elf_image image;
    size_t size;
    g_autofree uint8_t *data = load_image(request, MIN(memory_size, MEMORY_LOW_MAX), &size, &image, error);

    return data != NULL;
}

static void fill_page_tables(uint8_t *area)
{
    uint64_t *pml4 = (uint64_t *)(void *)(area + AREA_PML4), *pdpt = (uint64_t *)(void *)(area + AREA_PDPT);
    uint64_t *pd = (uint64_t *)(void *)(area + AREA_PD);

    pml4[0] = (BOOT_AREA + AREA_PDPT) | PTE_FLAGS;
    for (uint64_t i = 0; i < IDENTITY_GIB; i++)
        pdpt[i] = (BOOT_AREA + AREA_PD + i * 0x1000) | PTE_FLAGS;
    for (uint64_t i = 0; i < IDENTITY_GIB * 512; i++)
        pd[i] = i << 21 | PDE_FLAGS_2M;
}

static void fill_boot_page(const struct boot_request *request, const struct memory *memory, bool long_mode, struct boot_page *page)
{
    const uint64_t base = BOOT_AREA + AREA_INFO;
    const uint64_t low = memory->regions[0].size;
    unsigned n = 0;

    page->memmap[n++] = (struct hvm_memmap_entry){0, 0xa0000, MEMMAP_RAM, 0};
    page->memmap[n++] = (struct hvm_memmap_entry){0xa0000, 0x60000, MEMMAP_RESERVED, 0}; /* as on a PC, though it is RAM here */
    page->memmap[n++] = (struct hvm_memmap_entry){0x100000, low - 0x100000, MEMMAP_RAM, 0};
    page->memmap[n++] = (struct hvm_memmap_entry){request->ecam_base, 0x10000000, MEMMAP_RESERVED, 0};
    if (memory->count > 1)
        page->memmap[n++] = (struct hvm_memmap_entry){memory->regions[1].gpa, memory->regions[1].size, MEMMAP_RAM, 0};
    page->info = (struct boot_info){.magic = BOOT_INFO_MAGIC,
                                    .version = 1,
                                    .memory_size = low + (memory->count > 1 ? memory->regions[1].size : 0),
                                    .memory_low = low,
                                    .ecam_base = request->ecam_base,
                                    .args = BOOT_AREA + AREA_ARGS,
                                    .vcpus = request->vcpus,
                                    .tsc_khz = request->tsc_khz};
    memcpy(page->module_name, BOOT_MODULE_NAME, sizeof(BOOT_MODULE_NAME));
    page->module = (struct hvm_modlist_entry){.paddr = base + offsetof(struct boot_page, info),
                                              .size = sizeof(struct boot_info),
                                              .cmdline_paddr = base + offsetof(struct boot_page, module_name)};
    page->start = (struct hvm_start_info){.magic = HVM_START_MAGIC,
                                          .version = 1,
                                          .nr_modules = 1,
                                          .modlist_paddr = base + offsetof(struct boot_page, module),
                                          .cmdline_paddr = BOOT_AREA + AREA_ARGS,
                                          .memmap_paddr = base + offsetof(struct boot_page, memmap),
                                          .memmap_entries = n};
    page->gdt[1] = long_mode ? GDT_CODE64 : GDT_CODE32;
    page->gdt[2] = GDT_DATA;
    page->gdt[3] = GDT_TSS;
}

bool boot_load(const struct boot_request *request, struct memory *memory, struct boot_state *state, GError **error)
{
    struct elf_image image;
    size_t size;
    g_autofree uint8_t *data = load_image(request, memory->regions[0].size, &size, &image, error);

    if (!data || !elf_copy(request->image, data, &image, memory, error))
        return false;
    uint8_t *area = memory_ptr(memory, BOOT_AREA, AREA_SIZE);
    if (!area) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: no RAM for the boot area", request->image);
        return false;
    }
    memset(area, 0, AREA_SIZE);
    *state = (struct boot_state){.long_mode = !image.has_pvh, .gdt = BOOT_AREA + AREA_INFO + offsetof(struct boot_page, gdt)};
    fill_boot_page(request, memory, state->long_mode, (struct boot_page *)(void *)(area + AREA_INFO));
    if (request->args)
        memcpy(area + AREA_ARGS, request->args, strlen(request->args) + 1);
    if (state->long_mode) {
        fill_page_tables(area);
        state->page_tables = BOOT_AREA + AREA_PML4;
        state->entry = image.entry;
        state->info = BOOT_AREA + AREA_INFO + offsetof(struct boot_page, info);
    } else {
        state->entry = image.pvh_entry;
        state->info = BOOT_AREA + AREA_INFO + offsetof(struct boot_page, start);
    }
    return true;
}

bool boot_set_registers(int vcpu_fd, const struct boot_state *state, GError **error)
{
    struct kvm_regs regs = {.rip = state->entry, .rflags = 2};
    struct kvm_segment data = {.limit = 0xffffffff, .selector = 0x10, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1};
    struct kvm_sregs sregs;

    if (ioctl(vcpu_fd, KVM_GET_SREGS, &sregs) == 0) {
        sregs.cs = (struct kvm_segment){.limit = 0xffffffff, .selector = 0x08, .type = 11, .present = 1, .s = 1, .g = 1,
                                        .db = !state->long_mode, .l = state->long_mode};
        sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
        sregs.tr = (struct kvm_segment){.limit = 0x67, .selector = 0x18, .type = 11, .present = 1};
        sregs.gdt.base = state->gdt;
        sregs.gdt.limit = 5 * 8 - 1;
        sregs.idt.base = 0;
        sregs.idt.limit = 0;
        if (state->long_mode) {
            sregs.cr0 = CR0_FLAGS;
            sregs.cr3 = state->page_tables;
            sregs.cr4 = CR4_PAE;
            sregs.efer = EFER_LME_LMA;
            regs.rdi = state->info;
        } else {
            sregs.cr0 = 0x11; /* PE, ET */
            sregs.cr4 = 0;
            regs.rbx = state->info;
        }
        if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) == 0 && ioctl(vcpu_fd, KVM_SET_REGS, &regs) == 0)
            return true;
    }
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "cannot set the registers of vCPU 0: %s", g_strerror(errno));
    return false;
}
