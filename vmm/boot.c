/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads a guest and lays out what its entry point finds; see boot.h for the protocol. Called by machine.c and `vmm check`. */
#include "vmm/boot.h"

#include "vmm/error.h"
#include "vmm/kernel/boot_params.h"
#include "vmm/kernel/copy.h"
#include "vmm/kernel/entry.h"
#include "vmm/kernel/image.h"
#include "vmm/kernel/layout.h"
#include "vmm/kernel/start_info.h"

#include <string.h>
#include <unistd.h>

/* The boot area. */
enum {
    AREA_INFO = 0x0000, /* struct start_page or struct boot_params */
    AREA_ARGS = 0x1000,
    AREA_GDT = 0x1fc0,
    AREA_TABLES = 0x2000,
    AREA_SIZE = AREA_TABLES + ENTRY_TABLES_SIZE,
    PAGE = 0x1000,
    LINUX_ARGS_MAX = 2047, /* Linux' COMMAND_LINE_SIZE on x86, less the NUL */
};
G_STATIC_ASSERT(AREA_ARGS + BOOT_ARGS_MAX <= AREA_GDT && AREA_GDT + ENTRY_GDT_SIZE <= AREA_TABLES);
G_STATIC_ASSERT(BOOT_AREA + AREA_SIZE == BOOT_AREA_END);

#define HOLE UINT64_C(0xa0000) /* video memory and ROMs on a PC, though it is RAM here */
#define HOLE_END UINT64_C(0x100000)
#define ECAM_SIZE UINT64_C(0x10000000)

/* What is loaded where. */
struct plan {
    struct kernel_image image;
    struct file_map initrd;
    uint64_t initrd_start;
    enum boot_protocol protocol;
    uint64_t low, high; /* bytes of RAM from 0 and from MEMORY_HIGH_BASE */
};

struct boot_loading {
    struct plan plan;
};

static void plan_clear(struct plan *plan)
{
    kernel_image_close(&plan->image);
    file_map_close(&plan->initrd);
}

static enum boot_protocol protocol_of(const struct kernel_image *image)
{
    return image->elf.has_pvh                                  ? BOOT_PVH
           : image->has_header || image->elf.physical_entry ? BOOT_LINUX64
                                                               : BOOT_LONG_MODE;
}

static bool check_args(const struct boot_request *request, const struct kernel_image *image, GError **error)
{
    size_t length = request->args ? strlen(request->args) : 0, max = BOOT_ARGS_MAX - 1;

    if (image->has_header)
        max = MIN(max, image->header.cmdline_size);
    else if (image->elf.physical_entry)
        max = LINUX_ARGS_MAX;
    if (length <= max)
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: the guest's command line has %zu bytes, and this kernel takes %zu", request->image, length,
                max);
    return false;
}

/* The caller's ranges: RAM must be some. */
static bool add_ranges(const struct boot_request *request, const struct plan *plan, struct layout *layout, GError **error)
{
    for (unsigned i = 0; i < request->range_count; i++) {
        const struct boot_range *range = &request->ranges[i];
        if (!layout_add(layout, request->image, range->name, range->start, range->size, error))
            return false;
        const uint64_t end = range->start + range->size;
        bool in_ram = end <= plan->low || (range->start >= MEMORY_HIGH_BASE && end - MEMORY_HIGH_BASE <= plan->high);
        if (i >= BOOT_RANGES_MAX || range->type < MEMMAP_RAM || range->type > MEMMAP_NVS || (range->type == MEMMAP_RAM && !in_ram)) {
            g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %s at 0x%" PRIx64 "..0x%" PRIx64 " cannot be memory of type %d", request->image,
                        range->name, range->start, end, range->type);
            return false;
        }
    }
    return true;
}

static bool add_segments(const struct boot_request *request, const struct plan *plan, struct layout *layout, GError **error)
{
    for (unsigned i = 0; i < plan->image.elf.count; i++) {
        const struct elf_segment *s = &plan->image.elf.segments[i];
        if (s->memory_size > plan->low || s->paddr > plan->low - s->memory_size) {
            g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG,
                        "%s: a segment at 0x%" PRIx64 " of %" PRIu64 " KiB does not fit in %" PRIu64 " MiB of RAM", request->image,
                        s->paddr, s->memory_size >> 10, plan->low >> 20);
            return false;
        }
        if (!layout_add(layout, request->image, "a segment", s->paddr, s->memory_size, error))
            return false;
    }
    return true;
}

/* The highest place that the kernel allows. */
static bool place_initrd(const struct boot_request *request, struct plan *plan, const struct layout *layout, GError **error)
{
    const uint64_t limit = plan->image.has_header ? MIN(plan->low, (uint64_t)plan->image.header.initrd_addr_max + 1) : plan->low;

    if (request->files ? !file_map_open_fd(&plan->initrd, request->files->initrd, request->initrd, error)
                       : !file_map_open(&plan->initrd, request->initrd, error))
        return false;
    if (plan->protocol == BOOT_LONG_MODE && !plan->image.packed) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %s cannot be given an initrd: it is not Linux and has no PVH note", request->initrd,
                    request->image);
        return false;
    }
    if (layout_place(layout, plan->initrd.size, PAGE, limit, &plan->initrd_start))
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG,
                "%s: the initrd of %zu KiB does not fit: beside the kernel, the largest free range below 0x%" PRIx64 " has %" PRIu64
                " KiB (RAM: %" PRIu64 " MiB; give the guest more)",
                request->initrd, (plan->initrd.size + 1023) >> 10, limit, layout_largest(layout, limit) >> 10, (plan->low + plan->high) >> 20);
    return false;
}

static bool plan_files(const struct boot_request *request, bool leave_packed, struct plan *plan, GError **error)
{
    struct layout layout = {.count = 0};
    const char *file = request->image;

    if (plan->low < HOLE_END) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %" PRIu64 " KiB of RAM are too few to start a guest", file, plan->low >> 10);
        return false;
    }
    if (request->files ? !kernel_image_open_fd(file, request->files->image, plan->low, leave_packed, &plan->image, error)
                       : !kernel_image_open(file, plan->low, leave_packed, &plan->image, error))
        return false;
    if (!check_args(request, &plan->image, error))
        return false;
    plan->protocol = protocol_of(&plan->image);
    return layout_add(&layout, file, "the boot area", BOOT_AREA, AREA_SIZE, error) &&
           layout_add(&layout, file, "PCI configuration space", request->ecam_base, ECAM_SIZE, error) &&
           add_ranges(request, plan, &layout, error) && add_segments(request, plan, &layout, error) &&
           /* Images may have segments there, and ranges are made for it; an initrd has better places. */
           layout_block(&layout, file, "the hole below 1 MiB", HOLE, HOLE_END - HOLE, error) &&
           (!request->initrd || place_initrd(request, plan, &layout, error));
}

static bool plan_make(const struct boot_request *request, bool leave_packed, uint64_t low, uint64_t high, struct plan *plan, GError **error)
{
    *plan = (struct plan){.low = low, .high = high};
    if (plan_files(request, leave_packed, plan, error))
        return true;
    plan_clear(plan);
    return false;
}

bool boot_check(const struct boot_request *request, uint64_t memory_size, GError **error)
{
    const uint64_t low = MIN(memory_size, MEMORY_LOW_MAX);
    struct plan plan;

    if (!plan_make(request, request->packed, low, memory_size - low, &plan, error))
        return false;
    plan_clear(&plan);
    return true;
}

bool boot_files_open(struct boot_files *files, const struct boot_request *request, GError **error)
{
    *files = (struct boot_files){.image = file_map_open_path(request->image, error), .initrd = -1};
    if (files->image >= 0 && (!request->initrd || (files->initrd = file_map_open_path(request->initrd, error)) >= 0))
        return true;
    boot_files_close(files);
    return false;
}

void boot_files_close(struct boot_files *files)
{
    if (files->image >= 0)
        close(files->image);
    if (files->initrd >= 0)
        close(files->initrd);
    *files = (struct boot_files){.image = -1, .initrd = -1};
}

static void make_memmap(const struct boot_request *request, const struct plan *plan, struct memmap *map)
{
    struct memmap_entry layers[MEMMAP_LAYERS_MAX] = {{0, plan->low, MEMMAP_RAM},
                                                     {MEMORY_HIGH_BASE, plan->high, MEMMAP_RAM},
                                                     {HOLE, HOLE_END - HOLE, MEMMAP_RESERVED},
                                                     {request->ecam_base, ECAM_SIZE, MEMMAP_RESERVED}};
    G_STATIC_ASSERT(4 + BOOT_RANGES_MAX <= MEMMAP_LAYERS_MAX);

    for (unsigned i = 0; i < request->range_count; i++)
        layers[4 + i] = (struct memmap_entry){request->ranges[i].start, request->ranges[i].size, request->ranges[i].type};
    memmap_build(layers, 4 + request->range_count, map);
}

static void fill_area(const struct boot_request *request, const struct plan *plan, uint8_t *area, struct boot_state *state)
{
    const uint64_t info = BOOT_AREA + AREA_INFO, args = BOOT_AREA + AREA_ARGS;
    struct memmap map;

    make_memmap(request, plan, &map);
    if (request->args)
        memcpy(area + AREA_ARGS, request->args, strlen(request->args) + 1);
    entry_fill_gdt(plan->protocol, (uint64_t *)(void *)(area + AREA_GDT));
    if (plan->protocol != BOOT_PVH)
        entry_fill_tables(area + AREA_TABLES, state->page_tables);
    state->info = info;
    if (plan->protocol == BOOT_LINUX64) {
        const struct boot_params_request params = {.header = plan->image.has_header ? &plan->image.header : NULL,
                                                   .map = &map,
                                                   .args = args,
                                                   .initrd = plan->initrd_start,
                                                   .initrd_size = plan->initrd.size,
                                                   .rsdp = request->rsdp};
        boot_params_fill((struct boot_params *)(void *)(area + AREA_INFO), &params);
        return;
    }
    const struct boot_info boot_info = {.magic = BOOT_INFO_MAGIC,
                                        .version = 1,
                                        .memory_size = plan->low + plan->high,
                                        .memory_low = plan->low,
                                        .ecam_base = request->ecam_base,
                                        .args = args,
                                        .vcpus = request->vcpus,
                                        .tsc_khz = request->tsc_khz};
    start_page_fill((struct start_page *)(void *)(area + AREA_INFO), info, &boot_info, &map, request->rsdp, plan->initrd_start, plan->initrd.size);
    if (plan->protocol == BOOT_LONG_MODE)
        state->info += offsetof(struct start_page, info);
}

static bool copy_files(const struct boot_request *request, const struct plan *plan, struct memory *memory, GError **error)
{
    const struct kernel_image *image = &plan->image;

    if (!elf_copy(request->image, image->data, &image->elf, memory, error) || !file_map_intact(&image->file, request->image, error))
        return false;
    return !request->initrd || (copy_to_ram(request->initrd, memory, plan->initrd_start, plan->initrd.data, plan->initrd.size, error) &&
                                file_map_intact(&plan->initrd, request->initrd, error));
}

struct boot_loading *boot_load_files(const struct boot_request *request, struct memory *memory, GError **error)
{
    struct boot_loading *loading = g_new0(struct boot_loading, 1);

    if (!plan_make(request, false, memory->regions[0].size, memory->count > 1 ? memory->regions[1].size : 0, &loading->plan, error)) {
        g_free(loading);
        return NULL;
    }
    if (copy_files(request, &loading->plan, memory, error))
        return loading;
    boot_loading_free(loading);
    return NULL;
}

void boot_loading_free(struct boot_loading *loading)
{
    if (!loading)
        return;
    plan_clear(&loading->plan);
    g_free(loading);
}

void boot_load_area(struct boot_loading *loading, const struct boot_request *request, struct memory *memory, struct boot_state *state)
{
    const struct plan *plan = &loading->plan;
    uint8_t *area = memory_ptr(memory, BOOT_AREA, AREA_SIZE);

    memset(area, 0, AREA_SIZE); /* plan_files() has seen that RAM reaches beyond it */
    *state = (struct boot_state){.protocol = plan->protocol,
                                 .entry = plan->protocol == BOOT_PVH ? plan->image.elf.pvh_entry : plan->image.elf.entry,
                                 .gdt = BOOT_AREA + AREA_GDT,
                                 .page_tables = plan->protocol == BOOT_PVH ? 0 : BOOT_AREA + AREA_TABLES,
                                 .initrd = plan->initrd_start,
                                 .initrd_size = plan->initrd.size};
    fill_area(request, plan, area, state);
    boot_loading_free(loading);
}

bool boot_load(const struct boot_request *request, struct memory *memory, struct boot_state *state, GError **error)
{
    struct boot_loading *loading = boot_load_files(request, memory, error);

    if (loading)
        boot_load_area(loading, request, memory, state);
    return loading != NULL;
}
