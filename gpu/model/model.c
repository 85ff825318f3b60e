/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model's life: creation, resets, destruction. Called by machines, tests and the driver's users through model.h. */
#include "gpu/model/model.h"

#include <gio/gio.h>
#include <sys/mman.h>

#include "gpu/blocks/display.h"
#include "gpu/blocks/irq_tree.h"
#include "gpu/blocks/scanout.h"
#include "gpu/blocks/uncore.h"
#include "gpu/model/model_internal.h"

enum {
    APERTURE_DEFAULT = 256 << 20,
    APERTURE_MIN = 256 << 20,
    MONITOR_WIDTH = 1920,
    MONITOR_HEIGHT = 1200,
    GT_REGISTERS_END = 0x40000, /* the display's begin here */
};

/* Zero pages that cost nothing until they are written. */
static void *zero_pages(size_t size)
{
    void *ptr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (ptr == MAP_FAILED)
        g_error("model: no memory for %zu bytes of registers", size); /* as g_malloc() does */
    return ptr;
}

/* Puts rows of the register table to their reset values. */
static void reset_rows(struct model *model, bool (*want)(const struct reg_desc *row))
{
    unsigned rows;
    const struct reg_desc *table = reg_table(&rows);

    for (unsigned i = 0; i < rows; i++)
        if (!want || want(&table[i]))
            for (unsigned n = 0; n < table[i].count; n++)
                model_reg_set(model, table[i].offset + n * table[i].stride, table[i].reset);
}

static void reset_registers(struct model *model)
{
    for (uint32_t offset = 0; offset < MMIO_SIZE; offset += 4)
        if (model_reg(model, offset))
            model_reg_set(model, offset, 0);
    reset_rows(model, NULL);
}

/* The caller has stopped the engines. */
static void reset_blocks(struct model *model)
{
    model_lock(model);
    reset_registers(model);
    irq_tree_reset(model->irq);
    uncore_reset(model->uncore);
    if (model->display)
        display_reset(model->display, trace_now_ns());
    g_mutex_unlock(&model->lock);
}

static void reset_engines(struct model *model, unsigned engines)
{
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        if (engines & 1u << i)
            engine_reset(model->engines[i]);
}

void model_reset(struct model *model)
{
    g_mutex_lock(&model->reset_lock);
    reset_engines(model, (1 << ENGINE_COUNT) - 1);
    reset_blocks(model);
    for (unsigned i = 0; i < GGTT_ENTRIES; i++)
        if (__atomic_load_n(&model->ggtt[i], __ATOMIC_RELAXED))
            __atomic_store_n(&model->ggtt[i], 0, __ATOMIC_RELAXED);
    __atomic_add_fetch(&model->ggtt_flushes, 1, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        engine_invalidate_tlb(model->engines[i]);
    __atomic_store_n(&model->mmio_index, 0, __ATOMIC_RELAXED);
    g_mutex_unlock(&model->reset_lock);
    model_update_intx(model);
}

/* What a full graphics reset clears beside the engines' own: the render pipeline's and the memory interface's registers. Fences, power
 * management and the interrupt tree keep their state. */
static bool lost_in_full_reset(const struct reg_desc *row)
{
    return row->offset < GT_REGISTERS_END && (row->cls == REG_PLAIN || row->cls == REG_GTT);
}

void model_graphics_reset(struct model *model, uint32_t gdrst)
{
    g_mutex_lock(&model->reset_lock);
    reset_engines(model, uncore_reset_engines(gdrst));
    if (gdrst & GDRST_FULL)
        reset_rows(model, lost_in_full_reset);
    g_mutex_lock(&model->lock);
    uncore_reset_done(model->uncore, gdrst);
    g_mutex_unlock(&model->lock);
    g_mutex_unlock(&model->reset_lock);
}

struct model *model_create(const struct model_config *config, GError **error)
{
    uint64_t aperture = config->aperture_size ? config->aperture_size : APERTURE_DEFAULT;
    struct model *model;

    if (aperture < APERTURE_MIN || aperture > UINT64_C(1) << 32 || (aperture & (aperture - 1))) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "model: an aperture of 0x%" PRIx64 " bytes is not a power of two from 256 MiB to 4 GiB", aperture);
        return NULL;
    }
    model = g_new0(struct model, 1);
    model->trace = config->trace;
    model->vgpu = config->vgpu;
    model->aperture_size = aperture;
    model->regs = zero_pages(MMIO_SIZE);
    model->ggtt = zero_pages(GTT_BYTES);
    model->irq = g_new0(struct irq_tree, 1);
    model->uncore = g_new0(struct uncore, 1);
    g_mutex_init(&model->lock);
    g_mutex_init(&model->reset_lock);
    g_mutex_init(&model->config_lock);
    g_mutex_init(&model->fault_lock);
    g_cond_init(&model->display_wake);
    model_pci_init(model);
    model_gpu_face_init(model);
    uncore_init(model->uncore, model->regs);
    reset_rows(model, NULL);
    irq_tree_reset(model->irq);
    uncore_reset(model->uncore);

    struct display_config display = {
        .regs = model->regs,
        .irq = model->irq,
        .port = DISPLAY_PORT_B,
        .monitor = config->hdmi ? DISPLAY_MONITOR_HDMI : DISPLAY_MONITOR_DP,
        .mode = {.width = MONITOR_WIDTH, .height = MONITOR_HEIGHT},
        .trace = model->trace,
        .vgpu = model->vgpu,
    };
    if (config->monitor)
        display.mode = *config->monitor;
    model->display = display_create(&display, error);
    if (!model->display) {
        model_destroy(model);
        return NULL;
    }
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        model->engines[i] = engine_create(model, i);
    model_display_thread_start(model);
    return model;
}

void model_destroy(struct model *model)
{
    if (!model)
        return;
    /* Commands of one engine can name the registers of another: all stand still, and none can start another, before one goes. */
    __atomic_store_n(&model->stopping, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        if (model->engines[i])
            engine_reset(model->engines[i]);
    for (unsigned i = 0; i < ENGINE_COUNT; i++)
        engine_destroy(model->engines[i]);
    model_display_thread_stop(model);
    display_destroy(model->display);
    model_gpu_face_finish(model);
    g_cond_clear(&model->display_wake);
    g_mutex_clear(&model->fault_lock);
    g_mutex_clear(&model->config_lock);
    g_mutex_clear(&model->reset_lock);
    g_mutex_clear(&model->lock);
    g_free(model->uncore);
    g_free(model->irq);
    munmap(model->ggtt, GTT_BYTES);
    munmap(model->regs, MMIO_SIZE);
    g_free(model);
}

struct gpu *model_gpu(struct model *model)
{
    return &model->gpu;
}

struct pci_device *model_pci(struct model *model)
{
    return &model->pci;
}

bool model_read_surface(void *opaque, uint64_t gma, void *buf, size_t len)
{
    return model_ggtt_read(opaque, gma, buf, len);
}

void model_scanout(struct model *model, struct scanout *scanout, uint64_t *vblank_ns)
{
    uint64_t now_ns = trace_now_ns();

    model_lock(model);
    display_scanout(model->display, now_ns, scanout);
    *vblank_ns = display_next_vblank_ns(model->display, scanout->pipe, now_ns);
    model_unlock(model);
}

struct scanout_reader *model_reader(struct model *model, const struct scanout *scanout, GError **error)
{
    return scanout_reader_create(scanout, model_read_surface, model, error);
}

struct image *model_screenshot(struct model *model, GError **error)
{
    struct scanout scanout;
    uint64_t vblank_ns;

    model_scanout(model, &scanout, &vblank_ns);
    return scanout_render(&scanout, model_read_surface, model, error);
}
