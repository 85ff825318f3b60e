/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's image as a file: a bzImage, an ELF executable, or an ELF executable compressed as a whole. Whatever it is (its content says, not its
 * name), an ELF image comes out. Used by boot.c.
 */
#ifndef MEDIANT_VMM_KERNEL_IMAGE_H
#define MEDIANT_VMM_KERNEL_IMAGE_H

#include "vmm/kernel/bzimage.h"
#include "vmm/kernel/elf.h"
#include "vmm/kernel/file_map.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMAGE_UNPACKED_MAX (UINT64_C(512) << 20)

struct kernel_image {
    struct file_map file;
    bool packed;         /* it is compressed and was left so: data, size and elf are not set */
    uint8_t *unpacked;   /* NULL when the file has it as it is */
    const uint8_t *data; /* the ELF image, in one of both */
    size_t size;
    struct elf_image elf;
    bool has_header; /* a bzImage */
    struct setup_header header;
};

/*
 * Opens, unpacks (to at most IMAGE_UNPACKED_MAX and ram_low bytes) and parses; leave_packed: what is compressed is recognised only. Errors name
 * the file.
 */
bool kernel_image_open(const char *path, uint64_t ram_low, bool leave_packed, struct kernel_image *image, GError **error);
/* The same of a file that is open already; fd stays the caller's. */
bool kernel_image_open_fd(const char *path, int fd, uint64_t ram_low, bool leave_packed, struct kernel_image *image, GError **error);
/* A zeroed or closed image is allowed. */
void kernel_image_close(struct kernel_image *image);

#ifdef __cplusplus
}
#endif
#endif
