/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the dwords of every command that gemcheck uses, in hexadecimal, without a device: commands.sh has them decoded by `vmm decode`, so
 * that two independent ideas of each encoding meet. Usage: gemcheck-commands rcs0|bcs0
 */
#include "blt.h"
#include "mi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bo *fake_bo(struct gem *gem, uint32_t handle, uint64_t address)
{
    struct bo *bo = calloc(1, sizeof(*bo));

    bo->gem = gem;
    bo->handle = handle;
    bo->size = PAGE;
    bo->address = canonical(address);
    bo->map = calloc(1, PAGE);
    return bo;
}

static void engine_commands(struct batch *batch, const struct bo *bo)
{
    mi_store_dword(batch, bo, 0x10, 0x11223344);
    mi_store_qword(batch, bo, 0x20, 0x5566778899aabbcc);
    mi_load_register(batch, batch->engine->base + REG_GPR, 0xdeadbeef);
    mi_store_register(batch, batch->engine->base + REG_GPR, bo, 0x30);
    mi_copy_dword(batch, bo, 0x40, bo, 0x50);
    mi_increment(batch, bo, 0x60);
    mi_wait_at_least(batch, bo, 0x70, 7);
    mi_flush(batch);
    emit(batch, MI_ARB_CHECK);
    mi_jump(batch, batch->bo, 4 * (uint64_t)batch->used);
}

static void blitter_commands(struct batch *batch, struct bo *first, struct bo *second)
{
    struct surface linear = {.bo = first, .tiling = TILING_LINEAR, .pitch = 1024, .rows = 16};
    struct surface x = {.bo = second, .tiling = TILING_X, .pitch = 2048, .rows = 16};
    struct surface y = {.bo = second, .tiling = TILING_Y, .pitch = 512, .rows = 32};
    struct blt fill = {.bytes = 4, .rop = ROP_FILL}, copy = {.bytes = 2, .rop = ROP_COPY, .clip = true};
    struct rect to = {1, 2, 31, 12};

    blt_set_clip(batch, (struct rect){3, 4, 29, 10});
    blt_fill(batch, &linear, &fill, to, 0x00c0ffee);
    blt_fill(batch, &y, &fill, to, 0x00c0ffee);
    blt_copy(batch, &x, &linear, &copy, to, 5, 3);
    blt_copy(batch, &linear, &y, &copy, to, 5, 3);
    blt_fast_copy(batch, &x, &linear, 4, to, 5, 3);
    blt_fast_copy(batch, &linear, &y, 1, to, 5, 3);
}

int main(int argc, char **argv)
{
    static const struct engine engines[] = {
        {"rcs0", I915_ENGINE_CLASS_RENDER, I915_EXEC_RENDER, 0x02000},
        {"bcs0", I915_ENGINE_CLASS_COPY, I915_EXEC_BLT, 0x22000},
    };
    struct gem gem = {.fd = -1};
    struct batch batch = {.gem = &gem};
    struct bo *first = fake_bo(&gem, 2, 0x123456789000), *second = fake_bo(&gem, 3, 0xfffffffe0000);

    for (unsigned i = 0; argc == 2 && i < ARRAY_SIZE(engines); i++)
        if (strcmp(argv[1], engines[i].name) == 0)
            batch.engine = &engines[i];
    if (!batch.engine) {
        fputs("Usage: gemcheck-commands rcs0|bcs0\n", stderr);
        return 2;
    }
    batch.bo = fake_bo(&gem, 1, 0x1000);
    batch_reset(&batch);
    if (batch.engine->class == I915_ENGINE_CLASS_COPY)
        blitter_commands(&batch, first, second);
    engine_commands(&batch, second);
    emit(&batch, MI_BATCH_BUFFER_END);
    for (unsigned i = 0; i < batch.used; i++)
        printf("%08x\n", batch.bo->map[i]);
    return 0;
}
