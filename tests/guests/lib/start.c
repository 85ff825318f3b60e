/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the entry points to guest_main(): reads what the VMM told, sets up the first CPU. */
#include "guest.h"
#include "interrupt.h"

#include <stdarg.h>

/* The guest's copy of vmm/boot.h and of Xen's public/arch-x86/hvm/start_info.h. */
#define BOOT_INFO_MAGIC 0x746e6469u
#define HVM_START_MAGIC 0x336ec578u
enum { EXIT_PORT = 0xf4, MEMMAP_RAM = 1, CMOS_PORT = 0x70, CMOS_RESETS = 0x60, RESET_PORT = 0xcf9, RESET_CPU = 0x06 };

struct boot_info {
    uint32_t magic, version;
    uint64_t memory_size, memory_low, ecam_base, args;
    uint32_t vcpus, tsc_khz;
};
struct hvm_start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist, cmdline, rsdp, memmap;
    uint32_t memmap_entries, reserved;
};
struct hvm_modlist_entry {
    uint64_t paddr, size, cmdline, reserved;
};
struct hvm_memmap_entry {
    uint64_t addr, size;
    uint32_t type, reserved;
};

void guest_start(uint64_t info, bool long_mode);

struct boot boot = {.args = "", .vcpus = 1};

static void read_boot_info(const struct boot_info *info)
{
    if (info->magic != BOOT_INFO_MAGIC)
        return;
    boot.memory_size = info->memory_size;
    boot.memory_low = info->memory_low;
    boot.ecam_base = info->ecam_base;
    boot.vcpus = info->vcpus;
    boot.tsc_khz = info->tsc_khz;
    if (info->args)
        boot.args = (const char *)(uintptr_t)info->args;
}

static void read_start_info(const struct hvm_start_info *info)
{
    if (info->magic != HVM_START_MAGIC)
        return;
    if (info->cmdline)
        boot.args = (const char *)(uintptr_t)info->cmdline;
    const struct hvm_memmap_entry *map = (const void *)(uintptr_t)info->memmap;
    for (uint32_t i = 0; info->version >= 1 && i < info->memmap_entries; i++) {
        if (map[i].type != MEMMAP_RAM)
            continue;
        boot.memory_size += map[i].size;
        if (map[i].addr + map[i].size <= UINT32_MAX && map[i].addr + map[i].size > boot.memory_low)
            boot.memory_low = map[i].addr + map[i].size;
    }
    const struct hvm_modlist_entry *module = (const void *)(uintptr_t)info->modlist;
    for (uint32_t i = 0; i < info->nr_modules; i++)
        if (module[i].cmdline && strcmp((const char *)(uintptr_t)module[i].cmdline, "mediant-boot-info") == 0)
            read_boot_info((const void *)(uintptr_t)module[i].paddr);
}

void guest_start(uint64_t info, bool long_mode)
{
    boot.pvh = !long_mode;
    if (long_mode)
        read_boot_info((const void *)(uintptr_t)info);
    else
        read_start_info((const void *)(uintptr_t)info);
    interrupt_init_cpu(0);
    __asm__ volatile("sti");
    guest_exit((unsigned)guest_main());
}

/* With the argument resets=N, a guest without failures resets its PC N times before it leaves: the count is in memory that a battery keeps. */
static void reset_if_wanted(void)
{
    outb(CMOS_PORT, CMOS_RESETS);
    unsigned done = inb(CMOS_PORT + 1);
    if (done >= boot_arg_number("resets", 0))
        return;
    printf("reset %u\n", done + 1);
    outb(CMOS_PORT, CMOS_RESETS);
    outb(CMOS_PORT + 1, (uint8_t)(done + 1));
    outb(RESET_PORT, RESET_CPU);
    for (;;)
        __asm__ volatile("pause");
}

void guest_exit(unsigned status)
{
    if (status == 0)
        reset_if_wanted();
    for (;;)
        outb(EXIT_PORT, (uint8_t)status);
}

void guest_panic(const char *format, ...)
{
    char buf[512];
    va_list args;

    va_start(args, format);
    vsnprintf(buf, sizeof(buf), format, args);
    va_end(args);
    printf("PANIC: %s\n", buf);
    guest_exit(255);
}

bool boot_arg(const char *name, char *buf, size_t size)
{
    size_t len = strlen(name);

    for (const char *p = boot.args; *p;) {
        while (*p == ' ')
            p++;
        const char *end = p;
        while (*end && *end != ' ')
            end++;
        if ((size_t)(end - p) >= len && strncmp(p, name, len) == 0 && (p + len == end || p[len] == '=')) {
            const char *value = p + len == end ? end : p + len + 1;
            size_t n = (size_t)(end - value) < size ? (size_t)(end - value) : size - 1;
            memcpy(buf, value, n);
            buf[n] = '\0';
            return true;
        }
        p = end;
    }
    return false;
}

uint64_t boot_arg_number(const char *name, uint64_t fallback)
{
    char buf[32];
    uint64_t value = 0;
    unsigned base = 10;
    const char *p = buf;

    if (!boot_arg(name, buf, sizeof(buf)) || !buf[0])
        return fallback;
    if (p[0] == '0' && p[1] == 'x') {
        base = 16;
        p += 2;
    }
    for (; *p; p++) {
        unsigned digit = *p >= '0' && *p <= '9' ? *p - '0' : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10 : 99;
        if (digit >= base)
            guest_panic("argument %s=%s is not a number", name, buf);
        value = value * base + digit;
    }
    return value;
}
