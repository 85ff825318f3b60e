/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Encodes ACPI machine language. */
#include "vmm/firmware/aml.h"

#include <string.h>

/* ACPI 6.4, 20.3: opcodes */
enum {
    OP_ZERO = 0x00,
    OP_ONE = 0x01,
    OP_NAME = 0x08,
    OP_BYTE = 0x0a,
    OP_WORD = 0x0b,
    OP_DWORD = 0x0c,
    OP_STRING = 0x0d,
    OP_QWORD = 0x0e,
    OP_SCOPE = 0x10,
    OP_BUFFER = 0x11,
    OP_PACKAGE = 0x12,
    OP_METHOD = 0x14,
    OP_DUAL_NAME = 0x2e,
    OP_MULTI_NAME = 0x2f,
    OP_EXTENDED = 0x5b,
    OP_LOCAL0 = 0x60,
    OP_ARGUMENT0 = 0x68,
    OP_STORE = 0x70,
    OP_AND = 0x7b,
    OP_NOTIFY = 0x86,
    OP_IF = 0xa0,
    OP_EXTENDED_REGION = 0x80,
    OP_EXTENDED_FIELD = 0x81,
    OP_EXTENDED_DEVICE = 0x82,
};

enum {
    METHOD_SERIALIZED = 1 << 3, /* behind the number of arguments */
    REGION_SYSTEM_IO = 1,
    FIELD_DWORD_ACCESS = 3, /* no lock, other bits keep their values */
};

/* ACPI 6.4, 6.4.2 and 6.4.3: resource descriptors. Of the small ones, bits 2:0 are the length. */
enum {
    RES_IRQ = 0x22,
    RES_IO = 0x47,
    RES_END = 0x79,
    RES_MEMORY32_FIXED = 0x86,
    RES_RANGE32 = 0x87,
    RES_RANGE16 = 0x88,
    RES_RANGE64 = 0x8a,
    IO_DECODES_16_BITS = 1,
    MEMORY_WRITABLE = 1,
    RANGE_FIXED = 0x0c,   /* minimum and maximum are what it is */
    RANGE_IO_ENTIRE = 3,  /* ISA and other addresses */
    RANGE_MEMORY_RW = 1,  /* not cacheable */
};

static void put(struct aml *aml, uint64_t value, unsigned bytes)
{
    const guint64 little = GUINT64_TO_LE(value);

    g_byte_array_append(aml->bytes, (const guint8 *)&little, bytes);
}

static void put_segment(struct aml *aml, const char *name)
{
    g_byte_array_append(aml->bytes, (const guint8 *)name, 4);
}

static void open_block(struct aml *aml)
{
    g_assert(aml->depth < AML_DEPTH);
    aml->open[aml->depth].start = aml->bytes->len;
    aml->open[aml->depth].length = 0;
    aml->depth++;
}

static void insert(struct aml *aml, guint at, const uint8_t *bytes, guint count)
{
    const guint tail = aml->bytes->len - at;

    g_byte_array_set_size(aml->bytes, aml->bytes->len + count);
    memmove(aml->bytes->data + at + count, aml->bytes->data + at, tail);
    memcpy(aml->bytes->data + at, bytes, count);
}

/* PkgLength, which counts itself too: 6 bits in one byte, or 4 bits and one to three bytes more, whose number is in bits 7:6. */
static void insert_length(struct aml *aml, guint start)
{
    const guint contents = aml->bytes->len - start;
    unsigned count = 1;

    while (contents + count >= (count == 1 ? 1u << 6 : 1u << (4 + 8 * (count - 1))))
        count++;
    const guint length = contents + count;
    const uint8_t first = count == 1 ? length : (count - 1) << 6 | (length & 15);
    insert(aml, start, (const uint8_t[4]){first, length >> 4 & 0xff, length >> 12 & 0xff, length >> 20 & 0xff}, count);
}

static guint integer_bytes(uint64_t value)
{
    return value <= UINT8_MAX ? 1 : value <= UINT16_MAX ? 2 : value <= UINT32_MAX ? 4 : 8;
}

void aml_end(struct aml *aml)
{
    g_assert(aml->depth > 0);
    const guint start = aml->open[aml->depth - 1].start, resources = aml->open[aml->depth - 1].length;

    if (resources) {
        put(aml, RES_END, 1);
        put(aml, 0, 1); /* no checksum */
        const guint size = aml->bytes->len - resources;
        insert(aml, resources, (const uint8_t[3]){OP_WORD, size & 0xff, size >> 8 & 0xff}, 3);
    }
    insert_length(aml, start);
    aml->depth--;
}

void aml_open_scope(struct aml *aml, const char *name)
{
    put(aml, OP_SCOPE, 1);
    open_block(aml);
    put(aml, '\\', 1);
    put_segment(aml, name);
}

void aml_open_device(struct aml *aml, const char *name)
{
    put(aml, OP_EXTENDED, 1);
    put(aml, OP_EXTENDED_DEVICE, 1);
    open_block(aml);
    put_segment(aml, name);
}

void aml_open_package(struct aml *aml, uint8_t count)
{
    put(aml, OP_PACKAGE, 1);
    open_block(aml);
    put(aml, count, 1);
}

void aml_open_method(struct aml *aml, const char *name, unsigned arguments, bool serialized)
{
    put(aml, OP_METHOD, 1);
    open_block(aml);
    put_segment(aml, name);
    put(aml, arguments | (serialized ? METHOD_SERIALIZED : 0), 1);
}

void aml_open_if(struct aml *aml)
{
    put(aml, OP_IF, 1);
    open_block(aml);
}

void aml_store(struct aml *aml)
{
    put(aml, OP_STORE, 1);
}

void aml_and(struct aml *aml)
{
    put(aml, OP_AND, 1);
}

void aml_nowhere(struct aml *aml)
{
    put(aml, OP_ZERO, 1);
}

/* ACPI 6.4, 20.2.2: one segment as it is, two behind a prefix, more behind one and their number. */
void aml_use(struct aml *aml, const char *path)
{
    const bool root = *path == '\\';
    const size_t segments = (strlen(path + root) + 1) / 5;

    if (root)
        put(aml, '\\', 1);
    if (segments == 2)
        put(aml, OP_DUAL_NAME, 1);
    else if (segments > 2)
        put(aml, OP_MULTI_NAME | segments << 8, 2);
    for (size_t i = 0; i < segments; i++)
        put_segment(aml, path + root + 5 * i);
}

void aml_notify(struct aml *aml, const char *name, uint8_t event)
{
    put(aml, OP_NOTIFY, 1);
    aml_use(aml, name);
    aml_integer(aml, event);
}

void aml_argument(struct aml *aml, unsigned number)
{
    put(aml, OP_ARGUMENT0 + number, 1);
}

void aml_local(struct aml *aml, unsigned number)
{
    put(aml, OP_LOCAL0 + number, 1);
}

void aml_port_fields(struct aml *aml, const char *region, uint16_t port, const char *const *names)
{
    put(aml, OP_EXTENDED | OP_EXTENDED_REGION << 8, 2);
    put_segment(aml, region);
    put(aml, REGION_SYSTEM_IO, 1);
    aml_integer(aml, port);
    aml_integer(aml, 4 * g_strv_length((char **)names));
    put(aml, OP_EXTENDED | OP_EXTENDED_FIELD << 8, 2);
    open_block(aml);
    put_segment(aml, region);
    put(aml, FIELD_DWORD_ACCESS, 1);
    for (; *names; names++) {
        put_segment(aml, *names);
        put(aml, 32, 1); /* bits, as a length of one byte */
    }
    aml_end(aml);
}

void aml_name(struct aml *aml, const char *name)
{
    put(aml, OP_NAME, 1);
    put_segment(aml, name);
}

void aml_integer(struct aml *aml, uint64_t value)
{
    const guint bytes = integer_bytes(value);

    if (value <= 1) {
        put(aml, value ? OP_ONE : OP_ZERO, 1);
        return;
    }
    put(aml, bytes == 1 ? OP_BYTE : bytes == 2 ? OP_WORD : bytes == 4 ? OP_DWORD : OP_QWORD, 1);
    put(aml, value, bytes);
}

void aml_string(struct aml *aml, const char *text)
{
    put(aml, OP_STRING, 1);
    g_byte_array_append(aml->bytes, (const guint8 *)text, (guint)strlen(text) + 1);
}

/* Three letters of five bits and four hexadecimal digits, the highest byte first (ACPI 6.4, 19.3.4: EISAID). */
void aml_eisa_id(struct aml *aml, const char *id)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < 3; i++)
        value = value << 5 | (id[i] - '@');
    for (unsigned i = 3; i < 7; i++)
        value = value << 4 | (uint32_t)g_ascii_xdigit_value(id[i]);
    put(aml, OP_DWORD, 1);
    put(aml, GUINT32_SWAP_LE_BE(value), 4);
}

void aml_open_resources(struct aml *aml)
{
    put(aml, OP_BUFFER, 1);
    open_block(aml);
    aml->open[aml->depth - 1].length = aml->bytes->len;
}

void aml_io(struct aml *aml, uint16_t port, uint8_t ports)
{
    put(aml, RES_IO, 1);
    put(aml, IO_DECODES_16_BITS, 1);
    put(aml, port, 2);
    put(aml, port, 2);
    put(aml, 1, 1); /* alignment */
    put(aml, ports, 1);
}

void aml_irq(struct aml *aml, unsigned irq)
{
    put(aml, RES_IRQ, 1);
    put(aml, UINT64_C(1) << irq, 2);
}

void aml_memory(struct aml *aml, uint32_t start, uint32_t size)
{
    put(aml, RES_MEMORY32_FIXED, 1);
    put(aml, 9, 2);
    put(aml, MEMORY_WRITABLE, 1);
    put(aml, start, 4);
    put(aml, size, 4);
}

/* The three address space descriptors differ in the size of their five numbers: granularity, minimum, maximum, offset, length. */
static void put_range(struct aml *aml, uint8_t tag, enum aml_range kind, uint64_t start, uint64_t end, unsigned bytes)
{
    put(aml, tag, 1);
    put(aml, 3 + 5 * bytes, 2);
    put(aml, kind, 1);
    put(aml, RANGE_FIXED, 1);
    put(aml, kind == AML_RANGE_IO ? RANGE_IO_ENTIRE : kind == AML_RANGE_MEMORY ? RANGE_MEMORY_RW : 0, 1);
    put(aml, 0, bytes);
    put(aml, start, bytes);
    put(aml, end, bytes);
    put(aml, 0, bytes);
    put(aml, end - start + 1, bytes);
}

void aml_range16(struct aml *aml, enum aml_range kind, uint16_t start, uint16_t end)
{
    put_range(aml, RES_RANGE16, kind, start, end, 2);
}

void aml_range32(struct aml *aml, enum aml_range kind, uint32_t start, uint32_t end)
{
    put_range(aml, RES_RANGE32, kind, start, end, 4);
}

void aml_range64(struct aml *aml, enum aml_range kind, uint64_t start, uint64_t end)
{
    put_range(aml, RES_RANGE64, kind, start, end, 8);
}
