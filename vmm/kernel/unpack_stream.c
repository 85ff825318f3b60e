/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decoders of zlib, libbz2, liblzma and libzstd behind one interface. Used by unpack.c. */
#include "vmm/kernel/unpack_internal.h"

#include <bzlib.h>
#include <limits.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

/* Dictionaries of kernels are up to 128 MiB: `zstd --ultra -22`, and xz with the options of Linux' scripts/xz_wrap.sh. */
enum { WINDOW_LOG_MAX = 27 };
#define LZMA_MEMORY_MAX (UINT64_C(160) << 20)

static void *gzip_create(void)
{
    z_stream *z = g_new0(z_stream, 1);

    if (inflateInit2(z, 16 + MAX_WBITS) == Z_OK) /* 16: a gzip header, and its checksum is compared */
        return z;
    g_free(z);
    return NULL;
}

static enum unpack_status gzip_step(void *state, const uint8_t *in, size_t *in_size, uint8_t *out, size_t *out_size)
{
    z_stream *z = state;
    uInt give = (uInt)MIN(*in_size, UINT_MAX), take = (uInt)MIN(*out_size, UINT_MAX);

    z->next_in = (Bytef *)in;
    z->avail_in = give;
    z->next_out = out;
    z->avail_out = take;
    int result = inflate(z, Z_NO_FLUSH);
    *in_size = give - z->avail_in;
    *out_size = take - z->avail_out;
    return result == Z_STREAM_END                         ? UNPACK_END
           : result == Z_OK || result == Z_BUF_ERROR ? UNPACK_MORE
           : result == Z_MEM_ERROR                        ? UNPACK_NO_MEMORY
                                                          : UNPACK_CORRUPT;
}

static void gzip_destroy(void *state)
{
    inflateEnd(state);
    g_free(state);
}

static void *bzip2_create(void)
{
    bz_stream *bz = g_new0(bz_stream, 1);

    if (BZ2_bzDecompressInit(bz, 0, 0) == BZ_OK)
        return bz;
    g_free(bz);
    return NULL;
}

static enum unpack_status bzip2_step(void *state, const uint8_t *in, size_t *in_size, uint8_t *out, size_t *out_size)
{
    bz_stream *bz = state;
    unsigned give = (unsigned)MIN(*in_size, UINT_MAX), take = (unsigned)MIN(*out_size, UINT_MAX);

    bz->next_in = (char *)(uintptr_t)in;
    bz->avail_in = give;
    bz->next_out = (char *)out;
    bz->avail_out = take;
    int result = BZ2_bzDecompress(bz);
    *in_size = give - bz->avail_in;
    *out_size = take - bz->avail_out;
    return result == BZ_STREAM_END  ? UNPACK_END
           : result == BZ_OK        ? UNPACK_MORE
           : result == BZ_MEM_ERROR ? UNPACK_NO_MEMORY
                                    : UNPACK_CORRUPT;
}

static void bzip2_destroy(void *state)
{
    BZ2_bzDecompressEnd(state);
    g_free(state);
}

static void *lzma_create(lzma_ret (*init)(lzma_stream *lzma))
{
    lzma_stream *lzma = g_new(lzma_stream, 1);

    *lzma = (lzma_stream)LZMA_STREAM_INIT;
    if (init(lzma) == LZMA_OK)
        return lzma;
    g_free(lzma);
    return NULL;
}

static lzma_ret init_xz(lzma_stream *lzma)
{
    return lzma_stream_decoder(lzma, LZMA_MEMORY_MAX, 0);
}

static lzma_ret init_lzma(lzma_stream *lzma)
{
    return lzma_alone_decoder(lzma, LZMA_MEMORY_MAX);
}

static void *xz_create(void)
{
    return lzma_create(init_xz);
}

static void *lzma_alone_create(void)
{
    return lzma_create(init_lzma);
}

static enum unpack_status lzma_step(void *state, const uint8_t *in, size_t *in_size, uint8_t *out, size_t *out_size)
{
    lzma_stream *lzma = state;

    lzma->next_in = in;
    lzma->avail_in = *in_size;
    lzma->next_out = out;
    lzma->avail_out = *out_size;
    lzma_ret result = lzma_code(lzma, LZMA_RUN);
    *in_size -= lzma->avail_in;
    *out_size -= lzma->avail_out;
    return result == LZMA_STREAM_END                                  ? UNPACK_END
           : result == LZMA_OK || result == LZMA_BUF_ERROR            ? UNPACK_MORE
           : result == LZMA_MEM_ERROR || result == LZMA_MEMLIMIT_ERROR ? UNPACK_NO_MEMORY
                                                                      : UNPACK_CORRUPT;
}

static void lzma_destroy(void *state)
{
    lzma_end(state);
    g_free(state);
}

static void *zstd_create(void)
{
    ZSTD_DCtx *zstd = ZSTD_createDCtx();

    if (zstd && ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
        ZSTD_freeDCtx(zstd);
        zstd = NULL;
    }
    return zstd;
}

static enum unpack_status zstd_step(void *state, const uint8_t *in, size_t *in_size, uint8_t *out, size_t *out_size)
{
    ZSTD_inBuffer from = {.src = in, .size = *in_size};
    ZSTD_outBuffer to = {.dst = out, .size = *out_size};
    size_t result = ZSTD_decompressStream(state, &to, &from);

    *in_size = from.pos;
    *out_size = to.pos;
    return ZSTD_isError(result) ? UNPACK_CORRUPT : result == 0 ? UNPACK_END : UNPACK_MORE;
}

static void zstd_destroy(void *state)
{
    ZSTD_freeDCtx(state);
}

const struct unpack_stream unpack_gzip = {gzip_create, gzip_step, gzip_destroy};
const struct unpack_stream unpack_bzip2 = {bzip2_create, bzip2_step, bzip2_destroy};
const struct unpack_stream unpack_xz = {xz_create, lzma_step, lzma_destroy};
const struct unpack_stream unpack_lzma = {lzma_alone_create, lzma_step, lzma_destroy};
const struct unpack_stream unpack_zstd = {zstd_create, zstd_step, zstd_destroy};
