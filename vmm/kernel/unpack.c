/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formats of compressed kernels, and the loop that all decoders share; see unpack.h. */
#include "vmm/kernel/unpack.h"

#include "vmm/error.h"
#include "vmm/kernel/unpack_internal.h"

#include <string.h>

enum { MAGIC_MAX = 6, FIRST_ROOM = 1 << 20 };

struct unpack_format {
    const char *name;
    uint8_t magic[MAGIC_MAX];
    unsigned magic_size;
    bool has_size;
    const struct unpack_stream *stream;
    enum unpack_status (*whole)(const uint8_t *data, size_t size, struct unpack_output *out);
    const char *unsupported; /* why, and what helps */
};

/*
 * gzip: RFC 1952, 2.3.1. xz: the .xz file format, 2.1.1.1. zstd: RFC 8878, 3.1.1. lz4: lz4_Frame_format.md, "Legacy frame" and "General structure".
 * lzma: lzma-file-format.txt, 1.1: properties 0x5d as everybody writes them, and a dictionary of a multiple of 64 KiB. bzip2 and lzo: what their programs write.
 */
static const struct unpack_format formats[] = {
    {"gzip", {0x1f, 0x8b}, 2, true, .stream = &unpack_gzip},
    {"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, false, .stream = &unpack_xz},
    {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, false, .stream = &unpack_zstd},
    {"lz4", {0x02, 0x21, 0x4c, 0x18}, 4, false, .whole = unpack_lz4},
    {"lzma", {0x5d, 0, 0}, 3, false, .stream = &unpack_lzma},
    {"bzip2", {'B', 'Z', 'h'}, 3, false, .stream = &unpack_bzip2},
    {"lzo", {0x89, 'L', 'Z', 'O'}, 4, false,
     .unsupported = "compressed with lzo, which is not supported (configure the kernel with CONFIG_KERNEL_ZSTD, or another but CONFIG_KERNEL_LZO)"},
    {"lz4 frame", {0x04, 0x22, 0x4d, 0x18}, 4, false,
     .unsupported = "compressed with lz4's newer frame format, which is not supported (kernels have the legacy one: lz4 -l)"},
};

const struct unpack_format *unpack_recognise(const uint8_t *data, size_t size)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(formats); i++)
        if (size >= formats[i].magic_size && memcmp(data, formats[i].magic, formats[i].magic_size) == 0)
            return &formats[i];
    return NULL;
}

const char *unpack_format_name(const struct unpack_format *format)
{
    return format->name;
}

bool unpack_format_supported(const struct unpack_format *format)
{
    return !format->unsupported;
}

bool unpack_format_has_size(const struct unpack_format *format)
{
    return format->has_size;
}

size_t unpack_room(struct unpack_output *out, size_t want, enum unpack_status *status)
{
    if (out->capacity - out->size < want && out->capacity < out->max) {
        size_t least = want < out->max - out->size ? out->size + want : out->max;
        size_t capacity = MAX(least, out->capacity < out->max / 2 ? out->capacity * 2 : out->max);
        uint8_t *data = g_try_realloc(out->data, capacity);
        if (!data) {
            *status = UNPACK_NO_MEMORY;
            return 0;
        }
        out->data = data;
        out->capacity = capacity;
    }
    if (out->capacity == out->size)
        *status = UNPACK_TOO_LARGE;
    return out->capacity - out->size;
}

static enum unpack_status run_stream(const struct unpack_stream *stream, const uint8_t *data, size_t size, struct unpack_output *out)
{
    enum unpack_status status = UNPACK_MORE;
    void *state = stream->create();

    if (!state)
        return UNPACK_NO_MEMORY;
    for (size_t used = 0; status == UNPACK_MORE;) {
        size_t in = size - used, now = unpack_room(out, 1, &status);
        if (now == 0)
            break;
        status = stream->step(state, data + used, &in, out->data + out->size, &now);
        used += in;
        out->size += now;
        if (status == UNPACK_MORE && in == 0 && now == 0)
            status = used == size ? UNPACK_TRUNCATED : UNPACK_CORRUPT;
    }
    stream->destroy(state);
    return status;
}

static char *describe(enum unpack_status status, const struct unpack_format *format, size_t limit)
{
    switch (status) {
    case UNPACK_TRUNCATED:
        return g_strdup_printf("its %s stream is truncated", format->name);
    case UNPACK_TOO_LARGE:
        return g_strdup_printf("its %s stream unpacks to more than the limit of %zu KiB", format->name, limit >> 10);
    case UNPACK_NO_MEMORY:
        return g_strdup_printf("no memory to unpack its %s stream", format->name);
    default:
        return g_strdup_printf("its %s stream is corrupt", format->name);
    }
}

uint8_t *unpack(const struct unpack_format *format, const char *name, const uint8_t *data, size_t size, size_t limit, size_t expected,
                size_t *out_size, GError **error)
{
    /* One byte beyond the limit tells a stream that ends there from one that goes on. */
    struct unpack_output out = {.max = limit + 1};
    enum unpack_status status = UNPACK_MORE;

    if (format->unsupported) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %s", name, format->unsupported);
        return NULL;
    }
    if (unpack_room(&out, expected && expected <= limit ? expected + 1 : FIRST_ROOM, &status) > 0)
        status = format->stream ? run_stream(format->stream, data, size, &out) : format->whole(data, size, &out);
    if (status == UNPACK_END && out.size > limit)
        status = UNPACK_TOO_LARGE;
    if (status != UNPACK_END) {
        g_autofree char *reason = describe(status, format, limit);
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %s", name, reason);
        g_free(out.data);
        return NULL;
    }
    *out_size = out.size;
    return out.data;
}
