/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linux' zero page; see boot_params.h. */
#include "vmm/kernel/boot_params.h"

#include "vmm/kernel/bzimage.h"

enum {
    LOADER_UNKNOWN = 0xff,   /* type_of_loader without an assigned number */
    VIDEO_NORMAL = 0xffff,   /* vid_mode */
    PLAIN_VERSION = 0x20f,   /* of a header that is made here */
};
G_STATIC_ASSERT(sizeof(struct boot_params) == 4096);
G_STATIC_ASSERT(MEMMAP_MAX <= E820_MAX_ENTRIES_ZEROPAGE);

void boot_params_fill(struct boot_params *params, const struct boot_params_request *request)
{
    if (request->header)
        params->hdr = *request->header;
    else
        params->hdr = (struct setup_header){
            .boot_flag = BZIMAGE_BOOT_FLAG, .header = BZIMAGE_HEADER_MAGIC, .version = PLAIN_VERSION, .loadflags = LOADED_HIGH};
    params->hdr.vid_mode = VIDEO_NORMAL;
    params->hdr.type_of_loader = LOADER_UNKNOWN;
    params->hdr.cmd_line_ptr = (uint32_t)request->args;
    params->hdr.ramdisk_image = (uint32_t)request->initrd;
    params->hdr.ramdisk_size = (uint32_t)request->initrd_size;
    params->hdr.setup_data = 0;
    params->acpi_rsdp_addr = request->rsdp;
    for (unsigned i = 0; i < request->map->count; i++) {
        const struct memmap_entry *entry = &request->map->entries[i];
        params->e820_table[i] = (struct boot_e820_entry){.addr = entry->start, .size = entry->size, .type = entry->type};
    }
    params->e820_entries = (uint8_t)request->map->count;
}
