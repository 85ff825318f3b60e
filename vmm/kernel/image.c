/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a file to an ELF image; see image.h. */
#include "vmm/kernel/image.h"

#include "vmm/error.h"
#include "vmm/kernel/unpack.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static bool is_elf(const uint8_t *data, size_t size)
{
    return size >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0;
}

/* Sets the image's data, or its packed flag when it has to be unpacked and may not be. */
static bool unpack_to(const char *path, const struct unpack_format *format, const uint8_t *data, size_t size, size_t limit, size_t expected,
                      struct kernel_image *image, GError **error)
{
    if (image->packed && unpack_format_supported(format))
        return true;
    image->packed = false;
    image->unpacked = unpack(format, path, data, size, limit, expected, &image->size, error);
    image->data = image->unpacked;
    return image->unpacked != NULL;
}

/* The last four bytes of a payload: how many bytes come out, modulo 4 GiB (boot.rst, payload_length). */
static uint32_t size_at_end(const uint8_t *payload, uint64_t size)
{
    uint32_t value;

    memcpy(&value, payload + size - sizeof(value), sizeof(value));
    return GUINT32_FROM_LE(value);
}

static bool unpack_payload(const char *path, const struct bzimage *bzimage, size_t limit, struct kernel_image *image, GError **error)
{
    const uint8_t *payload = image->file.data + bzimage->payload;
    const struct unpack_format *format = unpack_recognise(payload, bzimage->payload_size);

    if (is_elf(payload, bzimage->payload_size)) { /* CONFIG_KERNEL_UNCOMPRESSED */
        image->data = payload;
        image->size = bzimage->payload_size;
        image->packed = false;
        return true;
    }
    if (!format || bzimage->payload_size < 8)
        return fail_config(error, path, "the payload is compressed in a way that is not known (gzip, xz, zstd, lz4, lzma and bzip2 are)");
    const uint32_t expected = size_at_end(payload, bzimage->payload_size);
    const size_t stream = bzimage->payload_size - (unpack_format_has_size(format) ? 0 : sizeof(expected));
    if (!unpack_to(path, format, payload, stream, limit, expected, image, error))
        return false;
    if (!image->packed && (uint32_t)image->size != expected) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: its %s stream unpacks to %zu bytes where the payload says %u (corrupt?)", path,
                    unpack_format_name(format), image->size, expected);
        return false;
    }
    return true;
}

static bool unpack_file(const char *path, const struct unpack_format *format, size_t limit, struct kernel_image *image, GError **error)
{
    if (!unpack_to(path, format, image->file.data, image->file.size, limit, 0, image, error))
        return false;
    if (!image->packed && !is_elf(image->data, image->size)) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: what its %s stream holds is not an ELF file", path, unpack_format_name(format));
        return false;
    }
    return true;
}

static bool find_elf(const char *path, size_t limit, struct kernel_image *image, GError **error)
{
    const uint8_t *data = image->file.data;
    const size_t size = image->file.size;
    const struct unpack_format *format = unpack_recognise(data, size);
    struct bzimage bzimage;

    if (is_elf(data, size)) {
        image->data = data;
        image->size = size;
        image->packed = false;
        return true;
    }
    if (bzimage_recognise(data, size)) {
        if (!bzimage_parse(path, data, size, &bzimage, error))
            return false;
        image->has_header = true;
        image->header = bzimage.header;
        return unpack_payload(path, &bzimage, limit, image, error);
    }
    if (format)
        return unpack_file(path, format, limit, image, error);
    return fail_config(error, path, "not an ELF file, not a Linux bzImage, and not compressed in a way that is known");
}

bool kernel_image_open(const char *path, uint64_t ram_low, bool leave_packed, struct kernel_image *image, GError **error)
{
    int fd = file_map_open_path(path, error);

    *image = (struct kernel_image){0};
    if (fd < 0)
        return false;
    bool ok = kernel_image_open_fd(path, fd, ram_low, leave_packed, image, error);
    close(fd);
    return ok;
}

bool kernel_image_open_fd(const char *path, int fd, uint64_t ram_low, bool leave_packed, struct kernel_image *image, GError **error)
{
    g_autoptr(GError) problem = NULL;

    *image = (struct kernel_image){.packed = leave_packed}; /* until it turns out that it is not */
    if (!file_map_open_fd(&image->file, fd, path, error))
        return false;
    if (find_elf(path, MIN(ram_low, IMAGE_UNPACKED_MAX), image, &problem) &&
        (image->packed || elf_parse(path, image->data, image->size, &image->elf, &problem)) && file_map_intact(&image->file, path, error))
        return true;
    /* That the file changed explains every other error. */
    if (problem && file_map_intact(&image->file, path, error))
        g_propagate_error(error, g_steal_pointer(&problem));
    kernel_image_close(image);
    return false;
}

void kernel_image_close(struct kernel_image *image)
{
    file_map_close(&image->file);
    g_free(image->unpacked);
    *image = (struct kernel_image){0};
}
