/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory and string functions. The compiler calls some of them by itself. */
#include "guest.h"

void *memcpy(void *dst, const void *src, size_t len)
{
    void *result = dst;
    size_t words = len / 8, bytes = len % 8;

    __asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words)::"memory");
    __asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(bytes)::"memory");
    return result;
}

void *memset(void *dst, int byte, size_t len)
{
    void *result = dst;
    uint64_t pattern = 0x0101010101010101 * (uint64_t)(uint8_t)byte;
    size_t words = len / 8, bytes = len % 8;

    __asm__ volatile("rep stosq" : "+D"(dst), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(dst), "+c"(bytes) : "a"(pattern) : "memory");
    return result;
}

void *memmove(void *dst, const void *src, size_t len)
{
    char *to = dst;
    const char *from = src;

    if (to <= from || to >= from + len)
        return memcpy(dst, src, len);
    while (len-- > 0)
        ((volatile char *)to)[len] = from[len];
    return dst;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < len; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

size_t strlen(const char *text)
{
    size_t len = 0;

    while (((const volatile char *)text)[len])
        len++;
    return len;
}

int strncmp(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i])
            return (unsigned char)a[i] < (unsigned char)b[i] ? -1 : 1;
        if (!a[i])
            break;
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}
