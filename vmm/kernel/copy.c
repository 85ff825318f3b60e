/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies into fresh RAM; see copy.h. */
#include "vmm/kernel/copy.h"

#include "vmm/error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096 };

static bool all_zero(const uint8_t *data, uint64_t size)
{
    return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

/* From data + at on: the bytes that lie in one page of RAM (offset: of data in the memfd). */
static uint64_t piece(uint64_t offset, uint64_t at, uint64_t size)
{
    return MIN(size - at, PAGE - (offset + at) % PAGE);
}

static bool write_all(int fd, uint64_t offset, const uint8_t *data, uint64_t size)
{
    while (size > 0) {
        ssize_t now = pwrite(fd, data, size, (off_t)offset);
        if (now < 0 && errno == EINTR)
            continue;
        if (now <= 0)
            return false;
        offset += (uint64_t)now;
        data += now;
        size -= (uint64_t)now;
    }
    return true;
}

static const struct memory_region *region_of(const struct memory *memory, uint64_t gpa, uint64_t size)
{
    for (unsigned i = 0; i < memory->count; i++) {
        const struct memory_region *region = &memory->regions[i];
        if (gpa >= region->gpa && gpa - region->gpa <= region->size && size <= region->size - (gpa - region->gpa))
            return region;
    }
    return NULL;
}

bool copy_to_ram(const char *file, const struct memory *memory, uint64_t gpa, const uint8_t *data, uint64_t size, GError **error)
{
    const struct memory_region *region = region_of(memory, gpa, size);

    if (!region) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: 0x%" PRIx64 "..0x%" PRIx64 " is not in RAM", file, gpa, gpa + size);
        return false;
    }
    const uint64_t offset = gpa - region->gpa;
    for (uint64_t at = 0; at < size;) {
        uint64_t start, now;
        while (at < size && all_zero(data + at, now = piece(offset, at, size)))
            at += now;
        for (start = at; at < size && !all_zero(data + at, now = piece(offset, at, size)); at += now)
            ;
        if (!write_all(region->fd, offset + start, data + start, at - start)) {
            g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: cannot be copied to the guest's RAM: %s", file, g_strerror(errno));
            return false;
        }
    }
    return true;
}
