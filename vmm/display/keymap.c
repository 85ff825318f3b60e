/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts, turned around. See keymap.h. */
#include "vmm/display/keymap.h"

#include <glib.h>
#include <string.h>
#include <xkbcommon/xkbcommon.h>

enum {
    XKB_OFFSET = 8,    /* XKB's key codes are Linux's and this, by X11's rules for evdev */
    LEVELS_MAX = 4,    /* without and with Shift, without and with AltGr */
    MODIFIERS_MAX = 16,
};

struct keymap {
    GHashTable *strokes; /* of keysyms: bits as pack() has them */
};

enum {
    PACK_SHIFT = 1 << 16,
    PACK_LEVEL3 = 1 << 17,
};

struct layout {
    struct xkb_keymap *xkb;
    xkb_mod_mask_t shift, level3, num_lock;
    GHashTable *strokes;
};

static xkb_mod_mask_t modifier(struct xkb_keymap *xkb, const char *name)
{
    xkb_mod_index_t index = xkb_keymap_mod_get_index(xkb, name);

    return index < 32 ? 1u << index : 0;
}

/* What one key makes on one level, if that can be had with Shift and AltGr alone; the first key that makes a symbol is the one to press. */
static void add(struct layout *layout, xkb_keycode_t key, xkb_level_index_t level)
{
    xkb_mod_mask_t masks[MODIFIERS_MAX];
    const xkb_keysym_t *symbols;
    int count = xkb_keymap_key_get_syms_by_level(layout->xkb, key, 0, level, &symbols);
    size_t mask_count = xkb_keymap_key_get_mods_for_level(layout->xkb, key, 0, level, masks, G_N_ELEMENTS(masks));

    if (count != 1 || g_hash_table_contains(layout->strokes, GUINT_TO_POINTER(symbols[0])))
        return;
    for (size_t i = 0; i < mask_count; i++) {
        if (masks[i] & ~(layout->shift | layout->level3 | layout->num_lock))
            continue;
        unsigned bits = key - XKB_OFFSET;
        bits |= masks[i] & layout->shift ? PACK_SHIFT : 0;
        bits |= masks[i] & layout->level3 ? PACK_LEVEL3 : 0;
        g_hash_table_insert(layout->strokes, GUINT_TO_POINTER(symbols[0]), GUINT_TO_POINTER(bits));
        return;
    }
}

/* XKB has keys of its own making for modifiers that keyboards lack: <LVL3>, and <MDSW> to <HYPR> (xkeyboard-config, keycodes/evdev). */
static bool is_real(unsigned code)
{
    return code != 84 && !(code >= 195 && code <= 199);
}

static void add_all(struct layout *layout)
{
    xkb_keycode_t first = MAX(xkb_keymap_min_keycode(layout->xkb), XKB_OFFSET + 1), last = MIN(xkb_keymap_max_keycode(layout->xkb), UINT8_MAX);

    for (xkb_level_index_t level = 0; level < LEVELS_MAX; level++)
        for (xkb_keycode_t key = first; key <= last; key++)
            if (is_real(key - XKB_OFFSET) && level < xkb_keymap_num_levels_for_key(layout->xkb, key, 0))
                add(layout, key, level);
}

/* libxkbcommon writes to standard error what it thinks of a name; our own message says it. */
G_GNUC_PRINTF(3, 0) static void silence(struct xkb_context *context, enum xkb_log_level level, const char *format, va_list args)
{
}

struct keymap *keymap_create(const char *name)
{
    struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
    g_autofree char *base = g_strdup(name), *variant = NULL;
    char *open = strchr(base, '('), *close = strchr(base, ')');
    struct keymap *keymap = NULL;

    if (!context)
        return NULL;
    xkb_context_set_log_fn(context, silence);
    if (open && close && close > open && close[1] == '\0') {
        *open = *close = '\0';
        variant = g_strdup(open + 1);
    }
    const struct xkb_rule_names names = {.rules = "evdev", .model = "pc105", .layout = base, .variant = variant};
    /* A list of layouts is not one, and an empty name would be a default. */
    struct layout layout = {
        .xkb = *base && !strchr(base, ',') ? xkb_keymap_new_from_names(context, &names, XKB_KEYMAP_COMPILE_NO_FLAGS) : NULL};
    if (layout.xkb) {
        keymap = g_new0(struct keymap, 1);
        keymap->strokes = layout.strokes = g_hash_table_new(NULL, NULL);
        layout.shift = modifier(layout.xkb, XKB_MOD_NAME_SHIFT);
        layout.level3 = modifier(layout.xkb, "Mod5");
        layout.num_lock = modifier(layout.xkb, XKB_MOD_NAME_NUM);
        add_all(&layout);
        xkb_keymap_unref(layout.xkb);
    }
    xkb_context_unref(context);
    return keymap;
}

void keymap_destroy(struct keymap *keymap)
{
    if (!keymap)
        return;
    g_hash_table_unref(keymap->strokes);
    g_free(keymap);
}

static unsigned look_up(const struct keymap *keymap, xkb_keysym_t keysym)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(keymap->strokes, GUINT_TO_POINTER(keysym)));
}

/* Upper and lower case of one key. */
static bool is_letter(const struct keymap *keymap, xkb_keysym_t keysym)
{
    xkb_keysym_t upper = xkb_keysym_to_upper(keysym), lower = xkb_keysym_to_lower(keysym);
    unsigned a = look_up(keymap, upper), b = look_up(keymap, lower);

    return upper != lower && a && b && ((a ^ b) & ~(unsigned)PACK_SHIFT) == 0;
}

uint32_t keymap_symbol(uint32_t character)
{
    return character == '\n' ? XKB_KEY_Return : xkb_utf32_to_keysym(character);
}

bool keymap_find(const struct keymap *keymap, uint32_t keysym, struct keystroke *stroke)
{
    /* Keys of the keypad have characters too, but make them by NumLock. */
    bool keypad = keysym >= 0xff80 && keysym <= 0xffbd;
    unsigned bits = look_up(keymap, keysym);

    *stroke = (struct keystroke){.code = (uint16_t)bits,
                                 .text = !keypad && xkb_keysym_to_utf32(keysym) > ' ' && xkb_keysym_to_utf32(keysym) != 0x7f,
                                 .letter = bits && is_letter(keymap, keysym),
                                 .shift = bits & PACK_SHIFT,
                                 .level3 = bits & PACK_LEVEL3};
    return bits != 0;
}
