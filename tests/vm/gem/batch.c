/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batches: filling, submitting, waiting. See gem.h. */
#include "gem.h"
#include "mi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/sync_file.h>

struct batch *batch_create(struct gem *gem, const struct engine *engine, uint32_t context, unsigned dwords)
{
    struct batch *batch = calloc(1, sizeof(*batch));

    batch->gem = gem;
    batch->engine = engine;
    batch->selector = engine->selector;
    batch->context = context;
    batch->fence_in = batch->fence_out = -1;
    batch->bo = bo_create(gem, 4 * (uint64_t)dwords + 8); /* to end, and to end at eight bytes */
    batch_reset(batch);
    return batch;
}

void batch_destroy(struct batch *batch)
{
    if (!batch)
        return;
    bo_destroy(batch->bo);
    free(batch->objects);
    free(batch);
}

void batch_reset(struct batch *batch)
{
    batch->used = 0;
    batch->ended = false;
    batch->object_count = 0;
    batch_use(batch, batch->bo, false);
}

void batch_use(struct batch *batch, const struct bo *bo, bool write)
{
    struct drm_i915_gem_exec_object2 *object = NULL;

    for (unsigned i = 0; i < batch->object_count && !object; i++)
        if (batch->objects[i].handle == bo->handle)
            object = &batch->objects[i];
    if (!object) {
        if (batch->object_count == batch->object_room) {
            batch->object_room = batch->object_room ? 2 * batch->object_room : 16;
            batch->objects = realloc(batch->objects, batch->object_room * sizeof(*batch->objects));
        }
        object = &batch->objects[batch->object_count++];
        *object = (struct drm_i915_gem_exec_object2){.handle = bo->handle, .offset = bo->address};
        object->flags = EXEC_OBJECT_PINNED | EXEC_OBJECT_SUPPORTS_48B_ADDRESS;
    }
    if (write)
        object->flags |= EXEC_OBJECT_WRITE;
}

void emit(struct batch *batch, uint32_t dword)
{
    if (4 * (uint64_t)(batch->used + 1) > batch->bo->size)
        fail("gemcheck itself: a batch has room for %llu dwords only", (unsigned long long)batch->bo->size / 4);
    batch->bo->map[batch->used++] = dword;
}

void emit_address(struct batch *batch, const struct bo *bo, uint64_t offset, bool write)
{
    uint64_t address = canonical(bo->address + offset);

    batch_use(batch, bo, write);
    emit(batch, (uint32_t)address);
    emit(batch, (uint32_t)(address >> 32));
}

int batch_try(struct batch *batch)
{
    struct drm_i915_gem_execbuffer2 args = {0};
    int error;

    if (!batch->ended) {
        if (batch->used % 2 == 0)
            emit(batch, MI_NOOP); /* the length must be a multiple of eight bytes */
        emit(batch, MI_BATCH_BUFFER_END);
        batch->ended = true;
    }
    if (batch->async)
        for (unsigned i = 0; i < batch->object_count; i++)
            batch->objects[i].flags |= EXEC_OBJECT_ASYNC;
    args.buffers_ptr = (uintptr_t)batch->objects;
    args.buffer_count = batch->object_count;
    args.batch_len = batch->used * 4;
    args.flags = batch->selector | I915_EXEC_NO_RELOC | I915_EXEC_HANDLE_LUT | I915_EXEC_BATCH_FIRST | batch->flags;
    if (batch->flags & I915_EXEC_FENCE_ARRAY) {
        args.cliprects_ptr = (uintptr_t)batch->fences;
        args.num_cliprects = batch->fence_count;
    }
    if (batch->flags & I915_EXEC_USE_EXTENSIONS)
        args.cliprects_ptr = (uintptr_t)batch->extensions;
    if (batch->flags & I915_EXEC_FENCE_IN)
        args.rsvd2 = (uint32_t)batch->fence_in;
    i915_execbuffer2_set_context_id(args, batch->context);
    error = gem_ioctl(batch->gem, DRM_IOCTL_I915_GEM_EXECBUFFER2_WR, &args);
    if (!error && batch->flags & I915_EXEC_FENCE_OUT)
        batch->fence_out = (int)(args.rsvd2 >> 32);
    return error;
}

void batch_submit(struct batch *batch)
{
    int error = batch_try(batch);

    if (error)
        fail("the kernel refuses a batch for %s: %s", batch->engine->name, strerror(-error));
}

void batch_await(const struct batch *batch)
{
    if (!bo_idle(batch->bo, PATIENCE_S))
        fail("expected a batch on %s to end, it still runs after %d seconds", batch->engine->name, PATIENCE_S);
}

void batch_run(struct batch *batch)
{
    batch_submit(batch);
    batch_await(batch);
}

int sync_file_status(int fd)
{
    struct sync_file_info info = {0};

    if (ioctl(fd, SYNC_IOC_FILE_INFO, &info) < 0)
        fail("no information about a sync file: %s", strerror(errno));
    return info.status;
}
