/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The i915 driver as the checks see it: device, buffer objects with an address of their own, contexts, batches. Everything that must work
 * for a check to make sense fails the check by itself when it does not, and every wait ends. Used by all checks; gem.c, batch.c.
 *
 * Source: the uAPI, <drm/i915_drm.h> and its comments. Addresses are softpinned: this program, not the kernel, says where a buffer lies,
 * except where reloc.c checks relocations.
 */
#ifndef GEMCHECK_GEM_H
#define GEMCHECK_GEM_H

#include "run.h"

#include <i915_drm.h>
#include <xf86drm.h>

enum {
    PAGE = 4096,
    PATIENCE_S = 20, /* for work that takes no time when everything is right */
};

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct engine {
    const char *name;  /* as in sysfs */
    uint16_t class;    /* I915_ENGINE_CLASS_* */
    uint32_t selector; /* I915_EXEC_RENDER ... of contexts without an engine map */
    uint32_t base;     /* of its registers */
};

struct gem {
    int fd;
    const struct engine *engines[4]; /* those that the device has */
    unsigned engine_count;
    bool llc;              /* CPU caches are coherent with the GPU */
    uint64_t next_address; /* for bo_create() */
};

/* Opens the render node; fails when it is not there or when the driver has given the GPU up. */
struct gem *gem_open(const struct settings *settings);
void gem_close(struct gem *gem);
/* NULL when the device has none of this class. */
const struct engine *gem_engine(const struct gem *gem, uint16_t class);
/* The same, but skips the check. */
const struct engine *gem_need_engine(const struct gem *gem, uint16_t class);
/* I915_PARAM_*; 0 when the kernel does not know it. */
int gem_param(const struct gem *gem, int param);
/* An ioctl: 0 or -errno. Begins anew when a signal interrupts it, as drmIoctl() does. */
int gem_ioctl(const struct gem *gem, unsigned long request, void *argument);
/* Skips the check when this machine has less free memory than bytes and some to spare. */
void need_memory(uint64_t bytes);

/* Contexts: each has an address space of its own. */
uint32_t context_create(const struct gem *gem);
void context_destroy(const struct gem *gem, uint32_t context);
/* I915_CONTEXT_PARAM_*: 0 or -errno. */
int context_set(const struct gem *gem, uint32_t context, uint64_t param, uint64_t value);
int context_get(const struct gem *gem, uint32_t context, uint64_t param, uint64_t *value);

struct bo {
    struct gem *gem;
    uint32_t handle;
    uint64_t size, address; /* address canonical: bits 63 to 48 as bit 47 */
    uint32_t *map;          /* cached CPU map of all of it */
    bool foreign;           /* map belongs to somebody else */
};

/* Size is rounded up to pages. The address is one that no other buffer of this gem has, aligned to 64 KiB at least, to 2 MiB from 2 MiB on. */
struct bo *bo_create(struct gem *gem, uint64_t size);
/* At a chosen address. */
struct bo *bo_create_at(struct gem *gem, uint64_t size, uint64_t address);
/* Around a buffer that the caller has created and mapped. bo_destroy() closes the handle and leaves the map. */
struct bo *bo_adopt(struct gem *gem, uint32_t handle, uint64_t size, void *map);
/* Around memory of this process (DRM_IOCTL_I915_GEM_USERPTR): *bo or -errno. */
int bo_create_userptr(struct gem *gem, void *memory, uint64_t size, uint32_t flags, struct bo **bo);
void bo_destroy(struct bo *bo);
void bo_fill(struct bo *bo, uint32_t value);
/* Waits; false when the GPU still uses it. Zero seconds only asks. */
bool bo_idle(const struct bo *bo, double seconds);
/* Waits, fails when the time is over, and hands the contents to the CPU. */
void bo_await(const struct bo *bo);
/* Waits as well, then fails unless the dword is this one; what says in words whose it is. */
void bo_expect(const struct bo *bo, unsigned dword, uint32_t expected, const char *what);
/* Fails unless the dwords are these, with the first that is not, and how many are not. bo is idle. */
void bo_expect_all(const struct bo *bo, const uint32_t *expected, const char *what);

/* Bits 63 to 48 as bit 47, as the uAPI wants addresses. */
uint64_t canonical(uint64_t address);

/*
 * One batch: commands, and the buffers that they need. Commands of the engines are in mi.h and blt.h; they use emit() and emit_address(),
 * which notes the buffer that an address lies in.
 */
struct batch {
    struct gem *gem;
    const struct engine *engine;
    uint32_t context;
    struct bo *bo; /* where the commands are */
    unsigned used; /* dwords */
    bool ended;    /* MI_BATCH_BUFFER_END is there */
    struct drm_i915_gem_exec_object2 *objects; /* [0] is the batch itself */
    unsigned object_count, object_room;
    bool async;         /* no implicit order with other users of these buffers */
    uint32_t selector;  /* the engine's, or an index into the context's engine map */
    uint64_t flags;     /* I915_EXEC_* beside those that are always there */
    int fence_in;       /* with I915_EXEC_FENCE_IN: a sync_file */
    int fence_out;      /* with I915_EXEC_FENCE_OUT: set by a submission */
    const struct drm_i915_gem_exec_fence *fences; /* with I915_EXEC_FENCE_ARRAY */
    unsigned fence_count;
    void *extensions;   /* with I915_EXEC_USE_EXTENSIONS */
};

/* Room for so many dwords, end included. */
struct batch *batch_create(struct gem *gem, const struct engine *engine, uint32_t context, unsigned dwords);
void batch_destroy(struct batch *batch);
/* Empties it; it must be idle. */
void batch_reset(struct batch *batch);
void batch_use(struct batch *batch, const struct bo *bo, bool write);
void emit(struct batch *batch, uint32_t dword);
void emit_address(struct batch *batch, const struct bo *bo, uint64_t offset, bool write);
/* Ends it, unless it is ended, and submits it: 0 or -errno. */
int batch_try(struct batch *batch);
/* The same, but fails. */
void batch_submit(struct batch *batch);
/* Waits until it has run; fails when the time is over. */
void batch_await(const struct batch *batch);
/* Submits and waits. */
void batch_run(struct batch *batch);

/* Of a sync file, such as fence_out: 0 before it is signalled, then 1, or the negative errno of what went wrong. */
int sync_file_status(int fd);

#endif
