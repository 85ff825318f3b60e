/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes ACPI machine language: the objects of a DSDT, each by one call. What has contents is opened, filled and ended:
 *
 *     aml_open_device(aml, "COM1");
 *     aml_name(aml, "_UID");
 *     aml_integer(aml, 1);
 *     aml_end(aml);
 *
 * Names are segments of four characters ("_SB_"). Encoding: ACPI 6.4, chapter 20.2; resource descriptors: 6.4. Used by dsdt.c.
 */
#ifndef MEDIANT_VMM_FIRMWARE_AML_H
#define MEDIANT_VMM_FIRMWARE_AML_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { AML_DEPTH = 8 };

struct aml {
    GByteArray *bytes; /* the caller's; grows */
    unsigned depth;
    struct {
        guint start, length; /* where its contents begin; in a resource template also where the buffer's length goes, else 0 */
    } open[AML_DEPTH];
};

void aml_open_scope(struct aml *aml, const char *name); /* of the root */
void aml_open_device(struct aml *aml, const char *name);
void aml_open_package(struct aml *aml, uint8_t count); /* count values follow */
void aml_end(struct aml *aml);                         /* of the last one that is open */

void aml_name(struct aml *aml, const char *name); /* its value follows: an integer, a string, a package or resources */
void aml_integer(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text);
void aml_eisa_id(struct aml *aml, const char *id); /* "PNP0A03" */

/*
 * Code: what a method does. Statements and expressions are written in the order of their opcode and operands, as the encoding has them (aml_store() is followed by
 * what is stored and where); a name stands for a field's value, or calls a method.
 */
void aml_open_method(struct aml *aml, const char *name, unsigned arguments, bool serialized);
void aml_open_if(struct aml *aml); /* the condition follows, then what is done */
void aml_store(struct aml *aml);   /* source, target */
void aml_and(struct aml *aml);     /* two operands; then aml_nowhere() or a target */
void aml_nowhere(struct aml *aml);
void aml_notify(struct aml *aml, const char *name, uint8_t event); /* of a device in the scope */
void aml_use(struct aml *aml, const char *path); /* "NAME", or "\\AAAA.BBBB.NAME" of any length */
void aml_argument(struct aml *aml, unsigned number);
void aml_local(struct aml *aml, unsigned number);

/* Ports, and 32-bit fields of them from the first one on; the names end with NULL. */
void aml_port_fields(struct aml *aml, const char *region, uint16_t port, const char *const *names);

/* A resource template, which aml_end() ends, holds these only. */
void aml_open_resources(struct aml *aml);
void aml_io(struct aml *aml, uint16_t port, uint8_t ports);
void aml_irq(struct aml *aml, unsigned irq); /* of the ISA bus: edge triggered, active high */
void aml_memory(struct aml *aml, uint32_t start, uint32_t size);

/* What a bridge passes on: [start, end], both included, unmoved. */
enum aml_range { AML_RANGE_MEMORY = 0, AML_RANGE_IO = 1, AML_RANGE_BUS = 2 };
void aml_range16(struct aml *aml, enum aml_range kind, uint16_t start, uint16_t end);
void aml_range32(struct aml *aml, enum aml_range kind, uint32_t start, uint32_t end);
void aml_range64(struct aml *aml, enum aml_range kind, uint64_t start, uint64_t end);

#ifdef __cplusplus
}
#endif
#endif
