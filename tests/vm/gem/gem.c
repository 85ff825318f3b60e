/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device, buffer objects, contexts. See gem.h. */
#include "gem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/* Register bases: PRM SKL vol. 2c. */
static const struct engine all_engines[] = {
    {"rcs0", I915_ENGINE_CLASS_RENDER, I915_EXEC_RENDER, 0x02000},
    {"bcs0", I915_ENGINE_CLASS_COPY, I915_EXEC_BLT, 0x22000},
    {"vcs0", I915_ENGINE_CLASS_VIDEO, I915_EXEC_BSD, 0x12000},
    {"vecs0", I915_ENGINE_CLASS_VIDEO_ENHANCE, I915_EXEC_VEBOX, 0x1a000},
};

int gem_ioctl(const struct gem *gem, unsigned long request, void *argument)
{
    return drmIoctl(gem->fd, request, argument) == 0 ? 0 : -errno;
}

int gem_param(const struct gem *gem, int param)
{
    int value = 0;
    struct drm_i915_getparam args = {.param = param, .value = &value};

    return gem_ioctl(gem, DRM_IOCTL_I915_GETPARAM, &args) == 0 ? value : 0;
}

/* Which of all_engines the device has, by DRM_I915_QUERY_ENGINE_INFO: asked once for the length, once for the data. */
static void find_engines(struct gem *gem)
{
    struct drm_i915_query_item item = {.query_id = DRM_I915_QUERY_ENGINE_INFO};
    struct drm_i915_query query = {.num_items = 1, .items_ptr = (uintptr_t)&item};
    struct drm_i915_query_engine_info *info;

    if (gem_ioctl(gem, DRM_IOCTL_I915_QUERY, &query) || item.length <= 0)
        fail("the kernel does not list the engines: %d", item.length);
    info = calloc(1, (size_t)item.length);
    item.data_ptr = (uintptr_t)info;
    if (gem_ioctl(gem, DRM_IOCTL_I915_QUERY, &query) || item.length <= 0)
        fail("the kernel does not list the engines: %d", item.length);
    for (unsigned known = 0; known < ARRAY_SIZE(all_engines); known++)
        for (unsigned i = 0; i < info->num_engines; i++)
            if (info->engines[i].engine.engine_class == all_engines[known].class && info->engines[i].engine.engine_instance == 0)
                gem->engines[gem->engine_count++] = &all_engines[known];
    free(info);
    if (!gem->engine_count)
        fail("the device has no engines");
}

struct gem *gem_open(const struct settings *settings)
{
    struct gem *gem = calloc(1, sizeof(*gem));
    int error;

    gem->next_address = GIB(8);
    gem->fd = open(settings->render, O_RDWR | O_CLOEXEC);
    if (gem->fd < 0)
        fail("cannot open %s: %s", settings->render, strerror(errno));
    error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_THROTTLE, NULL);
    if (error)
        fail("the driver has given the GPU up: %s", strerror(-error));
    gem->llc = gem_param(gem, I915_PARAM_HAS_LLC);
    find_engines(gem);
    return gem;
}

void gem_close(struct gem *gem)
{
    if (!gem)
        return;
    close(gem->fd);
    free(gem);
}

const struct engine *gem_engine(const struct gem *gem, uint16_t class)
{
    for (unsigned i = 0; i < gem->engine_count; i++)
        if (gem->engines[i]->class == class)
            return gem->engines[i];
    return NULL;
}

const struct engine *gem_need_engine(const struct gem *gem, uint16_t class)
{
    const struct engine *engine = gem_engine(gem, class);

    if (!engine)
        skip("the device has no engine of class %u", class);
    return engine;
}

void need_memory(uint64_t bytes)
{
    struct sysinfo info;
    uint64_t unused;

    sysinfo(&info);
    unused = ((uint64_t)info.freeram + info.bufferram) * info.mem_unit;
    if (unused < bytes + bytes / 4 + MIB(32))
        skip("needs %llu MiB of memory, %llu MiB are free", (unsigned long long)(bytes >> 20), (unsigned long long)(unused >> 20));
}

uint32_t context_create(const struct gem *gem)
{
    struct drm_i915_gem_context_create args = {0};
    int error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_CONTEXT_CREATE, &args);

    if (error)
        fail("cannot create a context: %s", strerror(-error));
    return args.ctx_id;
}

void context_destroy(const struct gem *gem, uint32_t context)
{
    struct drm_i915_gem_context_destroy args = {.ctx_id = context};
    int error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_CONTEXT_DESTROY, &args);

    if (error)
        fail("cannot destroy context %u: %s", context, strerror(-error));
}

int context_set(const struct gem *gem, uint32_t context, uint64_t param, uint64_t value)
{
    struct drm_i915_gem_context_param args = {.ctx_id = context, .param = param, .value = value};

    return gem_ioctl(gem, DRM_IOCTL_I915_GEM_CONTEXT_SETPARAM, &args);
}

int context_get(const struct gem *gem, uint32_t context, uint64_t param, uint64_t *value)
{
    struct drm_i915_gem_context_param args = {.ctx_id = context, .param = param};
    int error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_CONTEXT_GETPARAM, &args);

    *value = args.value;
    return error;
}

uint64_t canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16);
}

static struct bo *bo_new(struct gem *gem, uint64_t size, uint64_t address)
{
    struct bo *bo = calloc(1, sizeof(*bo));

    bo->gem = gem;
    bo->size = size;
    bo->address = canonical(address);
    return bo;
}

static uint64_t take_address(struct gem *gem, uint64_t size)
{
    uint64_t alignment = size >= MIB(2) ? MIB(2) : KIB(64);
    uint64_t address = (gem->next_address + alignment - 1) & ~(alignment - 1);

    gem->next_address = address + size;
    return address;
}

struct bo *bo_create_at(struct gem *gem, uint64_t size, uint64_t address)
{
    struct bo *bo = bo_new(gem, (size + PAGE - 1) & ~(uint64_t)(PAGE - 1), address);
    struct drm_i915_gem_create create = {.size = bo->size};
    struct drm_i915_gem_mmap_offset offset = {.flags = I915_MMAP_OFFSET_WB};
    int error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_CREATE, &create);

    if (error)
        fail("cannot create a buffer of %llu bytes: %s", (unsigned long long)bo->size, strerror(-error));
    bo->handle = offset.handle = create.handle;
    if (!gem->llc) {
        struct drm_i915_gem_caching caching = {.handle = bo->handle, .caching = I915_CACHING_CACHED};

        gem_ioctl(gem, DRM_IOCTL_I915_GEM_SET_CACHING, &caching);
    }
    error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_MMAP_OFFSET, &offset);
    if (error)
        fail("no CPU map of a buffer: %s", strerror(-error));
    bo->map = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED, gem->fd, (off_t)offset.offset);
    if (bo->map == MAP_FAILED)
        fail("cannot map a buffer of %llu bytes: %s", (unsigned long long)bo->size, strerror(errno));
    return bo;
}

struct bo *bo_create(struct gem *gem, uint64_t size)
{
    return bo_create_at(gem, size, take_address(gem, size));
}

struct bo *bo_adopt(struct gem *gem, uint32_t handle, uint64_t size, void *map)
{
    struct bo *bo = bo_new(gem, size, take_address(gem, size));

    bo->handle = handle;
    bo->map = map;
    bo->foreign = true;
    return bo;
}

int bo_create_userptr(struct gem *gem, void *memory, uint64_t size, uint32_t flags, struct bo **bo)
{
    struct drm_i915_gem_userptr args = {.user_ptr = (uintptr_t)memory, .user_size = size, .flags = flags};
    int error = gem_ioctl(gem, DRM_IOCTL_I915_GEM_USERPTR, &args);

    if (error)
        return error;
    *bo = bo_adopt(gem, args.handle, size, memory);
    return 0;
}

void bo_destroy(struct bo *bo)
{
    struct drm_gem_close args = {0};

    if (!bo)
        return;
    args.handle = bo->handle;
    if (!bo->foreign)
        munmap(bo->map, bo->size);
    gem_ioctl(bo->gem, DRM_IOCTL_GEM_CLOSE, &args);
    free(bo);
}

void bo_fill(struct bo *bo, uint32_t value)
{
    for (uint64_t i = 0; i < bo->size / 4; i++)
        bo->map[i] = value;
}

bool bo_idle(const struct bo *bo, double seconds)
{
    struct drm_i915_gem_wait args = {.bo_handle = bo->handle, .timeout_ns = (int64_t)(seconds * 1e9)};
    int error = gem_ioctl(bo->gem, DRM_IOCTL_I915_GEM_WAIT, &args);

    if (error && error != -ETIME)
        fail("waiting for a buffer: %s", strerror(-error));
    return error == 0;
}

void bo_await(const struct bo *bo)
{
    struct drm_i915_gem_set_domain args = {.handle = bo->handle, .read_domains = I915_GEM_DOMAIN_CPU};
    int error;

    if (!bo_idle(bo, PATIENCE_S))
        fail("expected the GPU to be done with a buffer, still busy after %d seconds", PATIENCE_S);
    if (bo->foreign)
        return;
    error = gem_ioctl(bo->gem, DRM_IOCTL_I915_GEM_SET_DOMAIN, &args);
    if (error)
        fail("handing a buffer to the CPU: %s", strerror(-error));
}

void bo_expect(const struct bo *bo, unsigned dword, uint32_t expected, const char *what)
{
    uint32_t found;

    bo_await(bo);
    found = *(volatile uint32_t *)&bo->map[dword];
    if (found != expected)
        fail("%s: expected %#x, found %#x", what, expected, found);
}

void bo_expect_all(const struct bo *bo, const uint32_t *expected, const char *what)
{
    uint64_t wrong = 0, first = 0;

    if (memcmp(bo->map, expected, bo->size) == 0)
        return;
    for (uint64_t i = bo->size / 4; i-- > 0;) {
        if (bo->map[i] != expected[i]) {
            wrong++;
            first = i;
        }
    }
    fail("%s: %llu dwords are wrong, the first at offset %#llx: expected %#x, found %#x", what, (unsigned long long)wrong,
         (unsigned long long)first * 4, expected[first], bo->map[first]);
}
