/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strokes of keys by a clock. See strokes.h. */
#include "vmm/control/strokes.h"

#include <glib.h>

struct keyboard {
    const struct input *input;
    GQueue waiting; /* the first one is held */
    guint timer;    /* of its end; 0 when none is held */
};

struct strokes {
    GPtrArray *keyboards;
};

static void free_keyboard(gpointer opaque)
{
    struct keyboard *keyboard = opaque;

    if (keyboard->timer)
        g_source_remove(keyboard->timer);
    g_queue_clear_full(&keyboard->waiting, g_free);
    g_free(keyboard);
}

struct strokes *strokes_create(void)
{
    struct strokes *strokes = g_new0(struct strokes, 1);

    strokes->keyboards = g_ptr_array_new_with_free_func(free_keyboard);
    return strokes;
}

void strokes_destroy(struct strokes *strokes)
{
    if (!strokes)
        return;
    g_ptr_array_unref(strokes->keyboards);
    g_free(strokes);
}

static gboolean on_held(gpointer opaque);

static void press_first(struct keyboard *keyboard)
{
    const struct stroke *stroke = g_queue_peek_head(&keyboard->waiting);

    for (unsigned i = 0; i < stroke->count; i++)
        input_send_key(keyboard->input, stroke->codes[i], true);
    keyboard->timer = g_timeout_add(stroke->hold_ms, on_held, keyboard);
}

static gboolean on_held(gpointer opaque)
{
    struct keyboard *keyboard = opaque;
    g_autofree struct stroke *stroke = g_queue_pop_head(&keyboard->waiting);

    for (unsigned i = stroke->count; i-- > 0;)
        input_send_key(keyboard->input, stroke->codes[i], false);
    keyboard->timer = 0;
    if (!g_queue_is_empty(&keyboard->waiting))
        press_first(keyboard);
    return G_SOURCE_REMOVE;
}

static struct keyboard *keyboard_of(struct strokes *strokes, const struct input *input)
{
    for (guint i = 0; i < strokes->keyboards->len; i++) {
        struct keyboard *keyboard = g_ptr_array_index(strokes->keyboards, i);
        if (keyboard->input == input)
            return keyboard;
    }
    struct keyboard *keyboard = g_new0(struct keyboard, 1);
    keyboard->input = input;
    g_queue_init(&keyboard->waiting);
    g_ptr_array_add(strokes->keyboards, keyboard);
    return keyboard;
}

bool strokes_add(struct strokes *strokes, const struct input *input, const struct stroke *stroke)
{
    struct keyboard *keyboard = keyboard_of(strokes, input);

    if (g_queue_get_length(&keyboard->waiting) >= STROKES_WAITING)
        return false;
    g_queue_push_tail(&keyboard->waiting, g_memdup2(stroke, sizeof(*stroke)));
    if (!keyboard->timer)
        press_first(keyboard);
    return true;
}
