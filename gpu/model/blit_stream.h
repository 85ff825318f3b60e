/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies and fills that bypass the cache, for blits larger than it. A store that fills whole lines without reading them first saves
 * a third of the memory traffic, which is what memcpy() does by itself only when it sees the whole size. Used by blit_run.c.
 */
#ifndef MEDIANT_GPU_MODEL_BLIT_STREAM_H
#define MEDIANT_GPU_MODEL_BLIT_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * Copies. A guest may give both sides the same memory: then what comes out is not defined, but nothing else happens. Ordered
 * before later stores only by stream_fence().
 */
static inline void stream_copy(uint8_t *to, const uint8_t *from, size_t bytes)
{
#ifdef __SSE2__
    size_t head = -(uintptr_t)to & 15;

    if (bytes >= 256) {
        memmove(to, from, head);
        to += head;
        from += head;
        bytes -= head;
        for (; bytes >= 64; bytes -= 64, to += 64, from += 64) {
            __m128i a = _mm_loadu_si128((const __m128i *)(from));
            __m128i b = _mm_loadu_si128((const __m128i *)(from + 16));
            __m128i c = _mm_loadu_si128((const __m128i *)(from + 32));
            __m128i d = _mm_loadu_si128((const __m128i *)(from + 48));

            _mm_prefetch((const char *)from + 512, _MM_HINT_NTA);
            _mm_stream_si128((__m128i *)(to), a);
            _mm_stream_si128((__m128i *)(to + 16), b);
            _mm_stream_si128((__m128i *)(to + 32), c);
            _mm_stream_si128((__m128i *)(to + 48), d);
        }
    }
#endif
    memmove(to, from, bytes);
}

/* Makes streamed stores visible before anything that is stored later. */
static inline void stream_fence(void)
{
#ifdef __SSE2__
    _mm_sfence();
#endif
}

#endif
