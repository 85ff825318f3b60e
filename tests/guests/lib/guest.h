/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The little library of bare-metal guests. A guest is one C file with guest_main(); it runs at CPL 0 in long mode with the first 4 GiB
 * mapped to themselves, interrupts on. What it returns is the status of the VM (0 for success).
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "cpu.h"

int guest_main(void);

/* string.c */
void *memcpy(void *dst, const void *src, size_t len);
void *memset(void *dst, int byte, size_t len);
void *memmove(void *dst, const void *src, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t len);

/* print.c: serial output. Formats: %d %i %u %x %X %p %s %c %%, with l, ll, z, width, 0, - and precision for %s. */
void print(const char *text);
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int snprintf(char *buf, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *buf, size_t size, const char *format, __builtin_va_list args) __attribute__((format(printf, 3, 0)));

/*
 * report.c: one line for each result, with the prefixes that are in force: "PASS: smp: counter: 4 CPUs". The names are unique in a
 * guest, so that a line can be found by grep.
 */
void report_prefix_push(const char *prefix);
void report_prefix_pop(void);
/* Returns pass. */
bool report(bool pass, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An expected failure: XFAIL when it fails, XPASS (which counts as a failure) when not. */
void report_xfail(bool pass, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints "SUMMARY: n tests, n failures, n skipped"; returns 0 or 1 for guest_main(). No test at all is a failure. */
int report_summary(void);

/* start.c: what the VMM told. */
struct boot {
    uint64_t memory_size, memory_low; /* bytes of RAM in all, and from 0 */
    uint64_t ecam_base;               /* 0 when not told */
    const char *args;                 /* command line, "" when none */
    unsigned vcpus;
    uint32_t tsc_khz; /* 0 when not told */
    bool pvh; /* by which entry */
};
extern struct boot boot;
/* The value of name=value in the command line, copied to buf; false when absent. A bare "name" gives "". */
bool boot_arg(const char *name, char *buf, size_t size);
uint64_t boot_arg_number(const char *name, uint64_t fallback); /* decimal or 0x */
/* Ends the VM with the status. */
void guest_exit(unsigned status) __attribute__((noreturn));
/* Prints and exits with status 255. */
void guest_panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* memory.c: physical memory above the image, never freed. */
void *page_alloc(size_t bytes); /* zeroed, 4 KiB aligned; panics when none is left */
void *page_alloc_aligned(size_t bytes, size_t align);
/* Maps device memory (user-accessible) above 4 GiB to itself; below it is mapped already. */
void map_device(uint64_t addr, uint64_t size);

/* time.c */
uint64_t tsc_hz(void);  /* as the VMM told, or measured once against the PIT */
uint64_t time_us(void); /* since the first call of either */
void delay_us(uint64_t us);

#endif
