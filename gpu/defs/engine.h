/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engines of a Gen9 GT2 part. Freestanding: test guests include it too. */
#ifndef MEDIANT_GPU_DEFS_ENGINE_H
#define MEDIANT_GPU_DEFS_ENGINE_H

/* In the order used by every table (GT2 has one VCS). */
enum gpu_engine {
    ENGINE_RCS0,
    ENGINE_BCS0,
    ENGINE_VCS0,
    ENGINE_VECS0,
    ENGINE_COUNT,
};

#endif
