/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The setup header of a bzImage; see bzimage.h. */
#include "vmm/kernel/bzimage.h"

#include "vmm/error.h"

#include <inttypes.h>
#include <string.h>

enum {
    HEADER_AT = 0x1f1,
    SIGNATURE_AT = 0x202,  /* "HdrS"; the byte before it says how far the header goes on behind it */
    PAYLOAD_VERSION = 0x208, /* payload_offset, payload_length; Linux 2.6.26 */
    XLOADFLAGS_VERSION = 0x20c,
    SECTOR = 512,
    DEFAULT_SETUP_SECTORS = 4, /* for setup_sects 0 */
};
G_STATIC_ASSERT(offsetof(struct boot_params, hdr) == HEADER_AT);
G_STATIC_ASSERT(HEADER_AT + offsetof(struct setup_header, header) == SIGNATURE_AT);

bool bzimage_recognise(const uint8_t *data, size_t size)
{
    return size >= SIGNATURE_AT + 4 && memcmp(data + SIGNATURE_AT, "HdrS", 4) == 0;
}

/* The header as far as the file says that it goes. */
static bool copy_header(const char *name, const uint8_t *data, size_t size, struct setup_header *header, GError **error)
{
    const size_t needed = HEADER_AT + offsetof(struct setup_header, setup_data); /* up to payload_length */
    const size_t end = SIGNATURE_AT + (size_t)data[SIGNATURE_AT - 1];

    *header = (struct setup_header){0};
    if (end > size)
        return fail_config(error, name, "the setup header ends at 0x%zx, beyond the end of the file (truncated?)", end);
    memcpy(header, data + HEADER_AT, MIN(end - HEADER_AT, sizeof(*header)));
    if (header->boot_flag != BZIMAGE_BOOT_FLAG)
        return fail_config(error, name, "the boot flag is 0x%04x instead of 0x%04x", header->boot_flag, BZIMAGE_BOOT_FLAG);
    if (header->version < PAYLOAD_VERSION)
        return fail_config(error, name, "boot protocol %u.%02u does not say where the kernel's payload is (2.08, of Linux 2.6.26, is needed)",
                    header->version >> 8, header->version & 0xff);
    if (end < needed)
        return fail_config(error, name, "the setup header ends at 0x%zx, before payload_length at 0x%zx", end, needed - 4);
    return true;
}

bool bzimage_parse(const char *name, const uint8_t *data, size_t size, struct bzimage *image, GError **error)
{
    struct setup_header *header = &image->header;

    if (!copy_header(name, data, size, header, error))
        return false;
    if (!(header->loadflags & LOADED_HIGH))
        return fail_config(error, name, "a zImage (loadflags without LOADED_HIGH), not a bzImage");
    if (header->version >= XLOADFLAGS_VERSION && !(header->xloadflags & XLF_KERNEL_64))
        return fail_config(error, name, "a 32-bit kernel (xloadflags without XLF_KERNEL_64); a 64-bit one is needed");
    if (header->cmdline_size == 0)
        return fail_config(error, name, "the setup header allows no command line (cmdline_size is 0)");
    const uint64_t code = ((header->setup_sects ? header->setup_sects : DEFAULT_SETUP_SECTORS) + 1) * SECTOR;
    image->payload = code + header->payload_offset;
    image->payload_size = header->payload_length;
    if (image->payload_size == 0)
        return fail_config(error, name, "the setup header names no payload (payload_length is 0)");
    if (image->payload > size || image->payload_size > size - image->payload)
        return fail_config(error, name, "the payload at 0x%" PRIx64 " with %" PRIu64 " bytes lies beyond the end of the file at 0x%zx (truncated?)",
                    image->payload, image->payload_size, size);
    return true;
}
