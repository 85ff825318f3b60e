/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formatted output to the serial port. */
#include "guest.h"

#include <stdarg.h>

enum { SERIAL_PORT = 0x3f8 };

/* One string instruction is one exit of the VM for the whole text; the transmitter of a virtual port is always ready. */
void print(const char *text)
{
    size_t len = strlen(text);

    __asm__ volatile("rep outsb" : "+S"(text), "+c"(len) : "d"((uint16_t)SERIAL_PORT) : "memory");
}

struct out {
    char *buf;
    size_t size, used;
};

static void put(struct out *out, char c)
{
    if (out->used + 1 < out->size)
        out->buf[out->used] = c;
    out->used++;
}

struct spec {
    bool left, zero;
    int width, precision;
};

static void put_text(struct out *out, const char *text, size_t len, const struct spec *spec, char pad)
{
    int fill = spec->width - (int)len;

    while (!spec->left && fill-- > 0)
        put(out, pad);
    for (size_t i = 0; i < len; i++)
        put(out, text[i]);
    while (spec->left && fill-- > 0)
        put(out, ' ');
}

static void put_number(struct out *out, uint64_t value, bool negative, unsigned base, bool upper, const struct spec *spec)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char buf[24];
    int at = sizeof(buf);
    struct spec rest = *spec;

    do {
        buf[--at] = digits[value % base];
        value /= base;
    } while (value);
    if (negative && spec->zero && !spec->left) {
        put(out, '-');
        rest.width--;
    } else if (negative) {
        buf[--at] = '-';
    }
    put_text(out, buf + at, sizeof(buf) - at, &rest, spec->zero && !spec->left ? '0' : ' ');
}

static const char *parse_spec(const char *p, struct spec *spec, va_list *args)
{
    *spec = (struct spec){.precision = -1};
    for (;; p++) {
        if (*p == '-')
            spec->left = true;
        else if (*p == '0')
            spec->zero = true;
        else
            break;
    }
    if (*p == '*') {
        spec->width = va_arg(*args, int);
        p++;
    }
    while (*p >= '0' && *p <= '9')
        spec->width = spec->width * 10 + (*p++ - '0');
    if (*p == '.') {
        spec->precision = 0;
        for (p++; *p >= '0' && *p <= '9'; p++)
            spec->precision = spec->precision * 10 + (*p - '0');
    }
    return p;
}

int vsnprintf(char *buf, size_t size, const char *format, va_list list)
{
    struct out out = {buf, size, 0};
    va_list args;

    va_copy(args, list);
    for (const char *p = format; *p; p++) {
        struct spec spec;
        unsigned longs = 0;
        if (*p != '%') {
            put(&out, *p);
            continue;
        }
        p = parse_spec(p + 1, &spec, &args);
        for (; *p == 'l' || *p == 'z'; p++)
            longs++;
        switch (*p) {
        case 'd':
        case 'i': {
            int64_t value = longs ? va_arg(args, int64_t) : va_arg(args, int);
            put_number(&out, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, 10, false, &spec);
            break;
        }
        case 'u':
        case 'x':
        case 'X': {
            uint64_t value = longs ? va_arg(args, uint64_t) : va_arg(args, unsigned);
            put_number(&out, value, false, *p == 'u' ? 10 : 16, *p == 'X', &spec);
            break;
        }
        case 'p':
            put(&out, '0');
            put(&out, 'x');
            put_number(&out, (uintptr_t)va_arg(args, void *), false, 16, false, &spec);
            break;
        case 's': {
            const char *text = va_arg(args, const char *);
            size_t len = 0;
            text = text ? text : "(null)";
            while ((spec.precision < 0 || len < (size_t)spec.precision) && text[len])
                len++;
            put_text(&out, text, len, &spec, ' ');
            break;
        }
        case 'c':
            put(&out, (char)va_arg(args, int));
            break;
        case '%':
            put(&out, '%');
            break;
        default: /* unknown: shown as it is */
            put(&out, '%');
            if (!*p)
                p--;
            else
                put(&out, *p);
            break;
        }
    }
    va_end(args);
    if (size)
        buf[out.used < size ? out.used : size - 1] = '\0';
    return (int)out.used;
}

int snprintf(char *buf, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = vsnprintf(buf, size, format, args);
    va_end(args);
    return len;
}

int printf(const char *format, ...)
{
    char buf[512];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(buf, sizeof(buf), format, args);
    va_end(args);
    print(buf);
    return len;
}
