/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The GPU self-test: every engine and command with the memory that it must leave. Each test runs in a fresh context and writes its results
 * into the arena, whose contents must be the same on a vGPU and on the whole device.
 */
#ifndef MEDIANT_GUEST_SELFTEST_H
#define MEDIANT_GUEST_SELFTEST_H

#include "gpu.h"
#include "guest.h"
#include "mi.h"
#include "regs.h"

enum {
    ARENA_BYTES = 8 << 20,
    TEST_SECONDS = 20,
    ON_RCS = 1 << ENGINE_RCS0,
    ON_BCS = 1 << ENGINE_BCS0,
    ON_VCS = 1 << ENGINE_VCS0,
    ON_VECS = 1 << ENGINE_VECS0,
    ON_ALL = ON_RCS | ON_BCS | ON_VCS | ON_VECS,
};

/* What a test gets: its engine, a context with an address space, a batch to fill, and a piece of the arena. */
struct test {
    struct gpu *gpu;
    unsigned engine;
    uint32_t base; /* of the engine's registers */
    struct ppgtt *vm;
    struct context ctx;
    struct batch batch;
    uint32_t *out;     /* 64 KiB of the arena, filled with 0xa5a5a5a5 */
    uint64_t out_va;   /* where the per-process GTT has it */
    uint32_t out_gma;  /* where the global GTT has it */
};
enum { OUT_BYTES = 65536, OUT_FILL = 0xa5a5a5a5 };

struct test_case {
    const char *name;
    unsigned engines;
    void (*run)(struct test *t);
};
extern const struct test_case mi_tests[], rcs_tests[], blt_tests[];

/* Ends the batch, runs it once from the ring and waits; reports and returns false when it does not end. */
bool test_run(struct test *t);
/* Runs what stands in the ring. */
bool test_run_ring(struct test *t);
/* Reports one result word. */
void expect_u32(struct test *t, unsigned dword, uint32_t expected, const char *what);
void expect_u64(struct test *t, unsigned dword, uint64_t expected, const char *what);
/* More arena for tests that need larger surfaces: bytes (a multiple of 64 KiB), mapped at *va. */
void *arena_alloc(struct test *t, size_t bytes, uint64_t *va);

/* Shorthands: append to the test's batch. */
void emit(struct test *t, uint32_t dword);
void emit_address(struct test *t, uint64_t address);
void emit_lri(struct test *t, uint32_t reg, uint32_t value);
void emit_srm(struct test *t, uint32_t reg, unsigned out_dword);

#endif
