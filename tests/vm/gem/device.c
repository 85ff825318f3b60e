/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of the device, and that its engines are there and keep the time. */
#include "checks.h"
#include "mi.h"

static void parameters(const struct settings *settings)
{
    static const struct {
        const char *name;
        int param;
    } asked[] = {
        {"device id", I915_PARAM_CHIPSET_ID},
        {"revision", I915_PARAM_REVISION},
        {"subslices", I915_PARAM_SUBSLICE_TOTAL},
        {"execution units", I915_PARAM_EU_TOTAL},
        {"fences", I915_PARAM_NUM_FENCES_AVAIL},
        {"scheduler capabilities", I915_PARAM_HAS_SCHEDULER},
        {"resets", I915_PARAM_HAS_GPU_RESET},
        {"parser version", I915_PARAM_CMD_PARSER_VERSION},
        {"time stamp frequency", I915_PARAM_CS_TIMESTAMP_FREQUENCY},
    };
    struct gem *gem = gem_open(settings);
    uint64_t space;

    for (unsigned i = 0; i < ARRAY_SIZE(asked); i++) {
        int value = gem_param(gem, asked[i].param);

        note("%s: %#x", asked[i].name, value);
    }
    if (!gem_param(gem, I915_PARAM_HAS_EXEC_SOFTPIN) || !gem_param(gem, I915_PARAM_HAS_EXEC_FENCE))
        fail("expected softpinned buffers and fences, the kernel has none");
    if (context_get(gem, 0, I915_CONTEXT_PARAM_GTT_SIZE, &space) || space != UINT64_C(1) << 48)
        fail("expected address spaces of 48 bits, found %#llx bytes", (unsigned long long)space);
    gem_close(gem);
}

static void engines(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);

    if (gem->engine_count != 4)
        fail("expected render, copy, video and video enhancement engine, found %u engines", gem->engine_count);
    for (unsigned i = 0; i < gem->engine_count; i++) {
        struct bo *bo = bo_create(gem, PAGE);
        struct batch *batch = batch_create(gem, gem->engines[i], 0, 16);

        mi_store_dword(batch, bo, 0, i + 1);
        batch_run(batch);
        bo_expect(bo, 0, i + 1, gem->engines[i]->name);
        batch_destroy(batch);
        bo_destroy(bo);
    }
    gem_close(gem);
}

/* The time stamp of an engine, and when it was read: after began, before the return. */
static uint32_t read_timestamp(struct gem *gem, const struct engine *engine, struct bo *bo, double *began)
{
    struct batch *batch = batch_create(gem, engine, 0, 16);

    mi_store_register(batch, engine->base + REG_TIMESTAMP, bo, 0);
    *began = now_s();
    batch_run(batch);
    bo_await(bo);
    batch_destroy(batch);
    return bo->map[0];
}

/* Engines' time stamps against this machine's clock, at the frequency that the kernel has read from the device. */
static void timestamps(const struct settings *settings)
{
    struct gem *gem = gem_open(settings);
    double frequency = gem_param(gem, I915_PARAM_CS_TIMESTAMP_FREQUENCY);
    struct bo *bo = bo_create(gem, PAGE);

    if (frequency <= 0)
        skip("the kernel does not tell the frequency of time stamps");
    for (unsigned i = 0; i < gem->engine_count; i++) {
        double begin_first, begin_second, end_first, end_second, most, least, found;
        uint32_t first = read_timestamp(gem, gem->engines[i], bo, &begin_first), second;

        end_first = now_s();
        sleep_ms(settings->quick ? 300 : 1000);
        second = read_timestamp(gem, gem->engines[i], bo, &begin_second);
        end_second = now_s();
        found = (uint32_t)(second - first) / frequency;
        most = end_second - begin_first;
        least = begin_second - end_first;
        note("%s: %.3f s of time stamps in %.3f to %.3f s", gem->engines[i]->name, found, least, most);
        if (found < least * 0.95 || found > most * 1.05)
            fail("%s: expected time stamps to count %.3f to %.3f s at %.0f Hz, found %.3f s", gem->engines[i]->name, least, most, frequency,
                 found);
    }
    gem_close(gem);
}

const struct check device_checks[] = {
    {"parameters", parameters, "what the kernel says of the device (--verbose shows it)", 0},
    {"engines", engines, "four engines, each stores once", 0},
    {"timestamps", timestamps, "engines' time stamps against the clock", 0},
    {0},
};
