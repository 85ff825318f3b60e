/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds the SMBIOS structures. Called by firmware.c. */
#include "vmm/firmware/smbios.h"

#include "vmm/memory.h"

#include <string.h>

/* Numbers of chapter 6.2 and 7. A byte that is a string is the string's number in its structure, 0 for none. */
enum {
    TYPE_FIRMWARE = 0,
    TYPE_SYSTEM = 1,
    TYPE_CHASSIS = 3,
    TYPE_PROCESSOR = 4,
    TYPE_MEMORY_ARRAY = 16,
    TYPE_MEMORY_DEVICE = 17,
    TYPE_MEMORY_RANGE = 19,
    TYPE_BOOT = 32,
    TYPE_END = 127,

    UNKNOWN = 2, /* in most enumerations; 1 is "other" */
    OTHER = 1,
    NO_HANDLE = 0xfffe,
};

struct header {
    uint8_t type, length;
    uint16_t handle; /* here: type << 8 | number */
} __attribute__((packed));

struct entry_point {
    char anchor[5];
    uint8_t checksum, length, major, minor, revision, entry_revision, reserved;
    uint32_t size;
    uint64_t address;
} __attribute__((packed));
G_STATIC_ASSERT(sizeof(struct entry_point) == 24);

struct firmware_info {
    struct header h;
    uint8_t vendor, version;
    uint16_t segment;
    uint8_t date, rom_size;
    uint64_t characteristics;
    uint8_t extension[2], major, minor, ec_major, ec_minor;
} __attribute__((packed));
#define CHARACTERISTICS_UNKNOWN (UINT64_C(1) << 3)
enum { EXTENSION_VIRTUAL_MACHINE = 1 << 4, EC_NONE = 0xff };

struct system_info {
    struct header h;
    uint8_t manufacturer, product, version, serial, uuid[16], wake_up, sku, family;
} __attribute__((packed));
enum { WAKE_UP_POWER_SWITCH = 6 };

struct chassis {
    struct header h;
    uint8_t manufacturer, type, version, serial, asset, boot_state, power_state, thermal_state, security;
    uint32_t oem;
    uint8_t height, cords, elements, element_length;
} __attribute__((packed));
enum { STATE_SAFE = 3 };

struct processor {
    struct header h;
    uint8_t socket, type, family, manufacturer;
    uint64_t id;
    uint8_t version, voltage;
    uint16_t clock, max_speed, current_speed;
    uint8_t status, upgrade;
    uint16_t l1, l2, l3;
    uint8_t serial, asset, part, cores, enabled, threads;
    uint16_t characteristics, family2, cores2, enabled2, threads2;
} __attribute__((packed));
enum { PROCESSOR_CENTRAL = 3, PROCESSOR_POPULATED_ENABLED = 0x41, NO_CACHE = 0xffff };

struct memory_array {
    struct header h;
    uint8_t location, use, correction;
    uint32_t capacity;
    uint16_t error, devices;
    uint64_t extended_capacity;
} __attribute__((packed));
enum { LOCATION_OTHER = 1, USE_SYSTEM = 3, CORRECTION_NONE = 3 };
#define CAPACITY_EXTENDED UINT32_C(0x80000000)

struct memory_device {
    struct header h;
    uint16_t array, error, total_width, data_width, size;
    uint8_t form_factor, set, locator, bank, type;
    uint16_t type_detail, speed;
    uint8_t manufacturer, serial, asset, part, attributes;
    uint32_t extended_size;
    uint16_t configured_speed;
} __attribute__((packed));
enum { FORM_DIMM = 9, MEMORY_RAM = 7, WIDTH_UNKNOWN = 0xffff, SIZE_EXTENDED = 0x7fff, DETAIL_OTHER = 1 << 1 };

struct memory_range {
    struct header h;
    uint32_t start_kib, end_kib;
    uint16_t array;
    uint8_t width;
    uint64_t start, end; /* bytes, when start_kib is 0xffffffff */
} __attribute__((packed));

struct boot_info_area {
    struct header h;
    uint8_t reserved[6], status;
} __attribute__((packed));

static struct header head(unsigned type, unsigned number, size_t size)
{
    return (struct header){type, size, type << 8 | number};
}
#define HEAD(type, number, object) head(type, number, sizeof(object))

/* A structure and its strings, a NULL after the last; a structure without any ends with two NULs as well. */
static void add(GByteArray *out, const void *structure, size_t size, const char *const *strings)
{
    g_byte_array_append(out, structure, (guint)size);
    for (unsigned i = 0; strings && strings[i]; i++)
        g_byte_array_append(out, (const guint8 *)strings[i], (guint)strlen(strings[i]) + 1);
    g_byte_array_append(out, (const guint8[2]){0, 0}, strings && strings[0] ? 1 : 2);
}

/* An UUID of version 5 (RFC 9562, 5.5): the same VM has the same one each time. SMBIOS swaps the bytes of its first three fields. */
static void make_uuid(const char *name, uint8_t uuid[16])
{
    static const uint8_t mediant[16] = {0xd3, 0x0c, 0x5a, 0x1e, 0x7b, 0x42, 0x4c, 0x8f, 0x9a, 0x66, 0x2e, 0x71, 0x90, 0x0b, 0x5d, 0xe4}; /* a random one */
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
    guint8 digest[20];
    gsize size = sizeof(digest);

    g_checksum_update(sum, mediant, sizeof(mediant));
    g_checksum_update(sum, (const guchar *)name, (gssize)strlen(name));
    g_checksum_get_digest(sum, digest, &size);
    digest[6] = (digest[6] & 0x0f) | 0x50;
    digest[8] = (digest[8] & 0x3f) | 0x80;
    for (unsigned i = 0; i < 16; i++)
        uuid[i] = digest[order[i]];
}

static void add_identity(const struct firmware_config *config, GByteArray *out)
{
    const struct firmware_info firmware = {.h = HEAD(TYPE_FIRMWARE, 0, firmware),
                                           .vendor = 1,
                                           .version = 2,
                                           .date = 3,
                                           .characteristics = CHARACTERISTICS_UNKNOWN,
                                           .extension = {0, EXTENSION_VIRTUAL_MACHINE},
                                           .ec_major = EC_NONE,
                                           .ec_minor = EC_NONE};
    struct system_info system = {
        .h = HEAD(TYPE_SYSTEM, 0, system), .manufacturer = 1, .product = 2, .version = 3, .serial = 4, .wake_up = WAKE_UP_POWER_SWITCH, .family = 5};
    const struct chassis chassis = {.h = HEAD(TYPE_CHASSIS, 0, chassis),
                                    .manufacturer = 1,
                                    .type = OTHER,
                                    .boot_state = STATE_SAFE,
                                    .power_state = STATE_SAFE,
                                    .thermal_state = STATE_SAFE,
                                    .security = UNKNOWN};

    make_uuid(config->name, system.uuid);
    add(out, &firmware, sizeof(firmware), (const char *const[]){"Mediant", MEDIANT_VERSION, "01/01/2026", NULL});
    add(out, &system, sizeof(system), (const char *const[]){"Mediant", "Mediant VM", MEDIANT_VERSION, config->name, "Virtual Machine", NULL});
    add(out, &chassis, sizeof(chassis), (const char *const[]){"Mediant", NULL});
}

static void add_processor(const struct firmware_config *config, GByteArray *out)
{
    const uint8_t count = MIN(config->vcpus, 0xffu);
    const struct processor processor = {.h = HEAD(TYPE_PROCESSOR, 0, processor),
                                        .socket = 1,
                                        .type = PROCESSOR_CENTRAL,
                                        .family = UNKNOWN,
                                        .manufacturer = 2,
                                        .status = PROCESSOR_POPULATED_ENABLED,
                                        .upgrade = UNKNOWN,
                                        .l1 = NO_CACHE,
                                        .l2 = NO_CACHE,
                                        .l3 = NO_CACHE,
                                        .cores = count,
                                        .enabled = count,
                                        .threads = count,
                                        .family2 = UNKNOWN,
                                        .cores2 = config->vcpus,
                                        .enabled2 = config->vcpus,
                                        .threads2 = config->vcpus};

    add(out, &processor, sizeof(processor), (const char *const[]){"CPU 0", "Mediant", NULL});
}

static void add_range(GByteArray *out, unsigned number, uint64_t start, uint64_t size)
{
    const uint64_t last = start + size - 1;
    const bool wide = last >> 10 >= UINT32_MAX;
    const struct memory_range range = {.h = HEAD(TYPE_MEMORY_RANGE, number, range),
                                       .start_kib = wide ? UINT32_MAX : (uint32_t)(start >> 10),
                                       .end_kib = wide ? UINT32_MAX : (uint32_t)(last >> 10),
                                       .array = TYPE_MEMORY_ARRAY << 8,
                                       .width = 1,
                                       .start = wide ? start : 0,
                                       .end = wide ? last : 0};

    if (size > 0)
        add(out, &range, sizeof(range), NULL);
}

static void add_memory(const struct firmware_config *config, GByteArray *out)
{
    const uint64_t size = config->memory_low + config->memory_high, mib = size >> 20;
    const bool wide_array = size >> 10 >= CAPACITY_EXTENDED, wide = mib >= SIZE_EXTENDED;
    const struct memory_array array = {.h = HEAD(TYPE_MEMORY_ARRAY, 0, array),
                                       .location = LOCATION_OTHER,
                                       .use = USE_SYSTEM,
                                       .correction = CORRECTION_NONE,
                                       .capacity = wide_array ? CAPACITY_EXTENDED : (uint32_t)(size >> 10),
                                       .error = NO_HANDLE,
                                       .devices = 1,
                                       .extended_capacity = wide_array ? size : 0};
    const struct memory_device device = {.h = HEAD(TYPE_MEMORY_DEVICE, 0, device),
                                         .array = array.h.handle,
                                         .error = NO_HANDLE,
                                         .total_width = WIDTH_UNKNOWN,
                                         .data_width = WIDTH_UNKNOWN,
                                         .size = wide ? SIZE_EXTENDED : mib,
                                         .form_factor = FORM_DIMM,
                                         .locator = 1,
                                         .type = MEMORY_RAM,
                                         .type_detail = DETAIL_OTHER,
                                         .manufacturer = 2,
                                         .extended_size = wide ? (uint32_t)mib : 0};

    add(out, &array, sizeof(array), NULL);
    add(out, &device, sizeof(device), (const char *const[]){"DIMM 0", "Mediant", NULL});
    add_range(out, 0, 0, config->memory_low);
    add_range(out, 1, MEMORY_HIGH_BASE, config->memory_high);
}

void smbios_build(const struct firmware_config *config, uint64_t base, GByteArray *out)
{
    const struct boot_info_area boot = {.h = HEAD(TYPE_BOOT, 0, boot)};
    const struct header end = HEAD(TYPE_END, 0, end);
    struct entry_point entry = {.anchor = {'_', 'S', 'M', '3', '_'}, .length = sizeof(entry), .major = 3, .minor = 4, .entry_revision = 1};
    const guint start = (sizeof(entry) + 15) & ~15u;

    g_byte_array_set_size(out, start);
    memset(out->data, 0, start);
    add_identity(config, out);
    add_processor(config, out);
    add_memory(config, out);
    add(out, &boot, sizeof(boot), NULL);
    add(out, &end, sizeof(end), NULL);
    entry.address = base + start;
    entry.size = out->len - start;
    for (unsigned i = 0; i < sizeof(entry); i++)
        entry.checksum -= ((const uint8_t *)&entry)[i] * (i != offsetof(struct entry_point, checksum));
    memcpy(out->data, &entry, sizeof(entry));
}
