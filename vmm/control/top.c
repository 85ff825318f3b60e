/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates of two snapshots, and how they look. See top.h. */
#include "vmm/control/top.h"

#include <math.h>
#include <string.h>

static JsonObject *object_of(JsonNode *node)
{
    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static JsonArray *users_of(JsonObject *stats)
{
    JsonNode *node = stats ? json_object_get_member(stats, "users") : NULL;

    return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static const char *text_of(JsonObject *object, const char *member)
{
    JsonNode *node = json_object_get_member(object, member);

    return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : "";
}

/* A number of the answer; index is its name where there are several. 0 when it is not there. */
static uint64_t number_of(JsonObject *object, const char *member, const char *index)
{
    JsonNode *node = object ? json_object_get_member(object, member) : NULL;
    JsonObject *inner = index ? object_of(node) : NULL;

    if (index)
        node = inner ? json_object_get_member(inner, index) : NULL;
    return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_INT64 ? (uint64_t)json_node_get_int(node) : 0;
}

static double growth(JsonObject *before, JsonObject *after, const char *member, const char *index)
{
    uint64_t from = number_of(before, member, index), to = number_of(after, member, index);

    return (double)(to >= from ? to - from : to);
}

static JsonObject *find_user(JsonArray *users, const char *name)
{
    for (guint i = 0; users && i < json_array_get_length(users); i++) {
        JsonObject *user = object_of(json_array_get_element(users, i));
        if (user && strcmp(text_of(user, "name"), name) == 0)
            return user;
    }
    return NULL;
}

static void fill_row(struct top_row *row, JsonObject *before, JsonObject *after, double seconds)
{
    row->name = g_strdup(text_of(after, "name"));
    row->state = g_strdup(text_of(after, "state"));
    row->weight = (unsigned)number_of(after, "weight", NULL);
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        const char *engine = figure_index_name(FIGURE_ENGINE, e);
        row->busy[e] = growth(before, after, "busy_ns", engine) / 1e9 / seconds;
        row->submissions += growth(before, after, "submitted", engine) / seconds;
        row->queued += number_of(after, "queued", engine);
        row->resets += number_of(after, "resets", engine);
    }
    for (unsigned t = 0; t < FIGURES_TRAPS; t++)
        row->traps[t] = growth(before, after, "traps", figure_index_name(FIGURE_TRAP, t)) / seconds;
    row->frames = growth(before, after, "frames", NULL) / seconds;
}

struct top *top_create(JsonNode *before_node, JsonNode *after_node)
{
    JsonObject *before = object_of(before_node), *after = object_of(after_node);
    JsonArray *users = users_of(after);
    unsigned weights = 0;

    if (!before || !users)
        return NULL;
    struct top *top = g_new0(struct top, 1);
    top->policy = g_strdup(text_of(after, "policy"));
    top->uptime_s = (double)number_of(after, "uptime_ns", NULL) / 1e9;
    top->interval_s = MAX(growth(before, after, "uptime_ns", NULL) / 1e9, 1e-3);
    top->rows = g_new0(struct top_row, MAX(json_array_get_length(users), 1u));
    for (guint i = 0; i < json_array_get_length(users); i++) {
        JsonObject *user = object_of(json_array_get_element(users, i));
        if (user)
            fill_row(&top->rows[top->count++], find_user(users_of(before), text_of(user, "name")), user, top->interval_s);
    }
    for (unsigned i = 0; i < top->count; i++)
        weights += top->rows[i].weight;
    for (unsigned i = 0; weights && i < top->count; i++)
        top->rows[i].due = (double)top->rows[i].weight / weights;
    return top;
}

void top_free(struct top *top)
{
    if (!top)
        return;
    for (unsigned i = 0; i < top->count; i++) {
        g_free(top->rows[i].name);
        g_free(top->rows[i].state);
    }
    g_free(top->rows);
    g_free(top->policy);
    g_free(top);
}

/* In width columns: "12", "1234", "12k", "3.4M". */
static void add_count(GString *text, int width, double value)
{
    static const char units[] = " kMGT";
    const double most = pow(10, width);
    unsigned unit = 0;

    if (value < most - 0.5) {
        g_string_append_printf(text, " %*.0f", width, value);
        return;
    }
    for (; value >= most / 10 - 0.5 && unit < 4; unit++)
        value /= 1000;
    value = MIN(value, most / 10 - 1);
    g_string_append_printf(text, " %*.*f%c", width - 1, value < 10 && width > 3 ? 1 : 0, value, units[unit]);
}

static void add_percent(GString *text, int width, double part)
{
    g_string_append_printf(text, " %*.*f%%", width - 1, part < 0.0995 && part > 0 ? 1 : 0, 100 * MIN(part, 9.99));
}

/* Names and states are the guest's owner's, and may be longer than their column. */
static void add_name(GString *text, int width, const char *name)
{
    g_string_append_printf(text, "%-*.*s", width, width, name);
}

static void add_engines_row(GString *text, const struct top_row *row)
{
    add_name(text, 12, row->name);
    g_string_append_c(text, ' ');
    add_name(text, 9, row->state);
    if (row->weight) {
        g_string_append_printf(text, " %6u", row->weight);
        add_percent(text, 4, row->due);
    } else {
        g_string_append_printf(text, " %6s %4s", "-", "-");
    }
    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        add_percent(text, 5, row->busy[e]);
    add_count(text, 6, row->submissions);
    add_count(text, 5, row->frames);
    add_count(text, 4, (double)row->queued);
    add_count(text, 3, (double)row->resets);
    g_string_append_c(text, '\n');
}

static void add_sum_row(GString *text, const struct top *top)
{
    double busy[ENGINE_COUNT] = {0};

    for (unsigned i = 0; i < top->count; i++)
        for (unsigned e = 0; e < ENGINE_COUNT; e++)
            busy[e] += top->rows[i].busy[e];
    g_string_append_printf(text, "%-34s", "all");
    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        add_percent(text, 5, busy[e]);
    g_string_append_c(text, '\n');
}

static int trap_width(unsigned trap)
{
    return (int)MAX(strlen(figure_index_name(FIGURE_TRAP, trap)), 6u);
}

static void add_traps_row(GString *text, const struct top_row *row)
{
    add_name(text, 12, row->name);
    for (unsigned t = 0; t < FIGURES_TRAPS; t++)
        add_count(text, trap_width(t), row->traps[t]);
    g_string_append_c(text, '\n');
}

/* Cuts to the terminal's size, line by line. */
static char *fit(const GString *text, unsigned width, unsigned height)
{
    g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
    GString *out = g_string_new(NULL);
    unsigned count = g_strv_length(lines) - 1; /* behind the last line's end is none */

    for (unsigned i = 0; i < count; i++) {
        if (height && count > height && i + 1 == height) {
            g_string_append_printf(out, "%.*s\n", (int)width, "... more guests than lines");
            break;
        }
        g_string_append_printf(out, "%.*s\n", (int)width, lines[i]);
    }
    return g_string_free(out, FALSE);
}

char *top_to_text(const struct top *top, unsigned width, unsigned height)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const unsigned up = (unsigned)CLAMP(top->uptime_s, 0, G_MAXINT32);

    g_string_append_printf(text, "up %u:%02u:%02u  policy %s  guests %u  over %.1f s\n\n", up / 3600, up / 60 % 60, up % 60, top->policy, top->count,
                           top->interval_s);
    g_string_append_printf(text, "%-12s %-9s %6s %4s", "GUEST", "STATE", "WEIGHT", "DUE");
    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        g_string_append_printf(text, " %5s", figure_index_name(FIGURE_ENGINE, e));
    g_string_append_printf(text, " %6s %5s %4s %3s\n", "SUBM/S", "FRM/S", "QUEU", "RST");
    for (unsigned i = 0; i < top->count; i++)
        add_engines_row(text, &top->rows[i]);
    if (top->count > 1)
        add_sum_row(text, top);
    g_string_append_printf(text, "\n%-12s", "TRAPS/S");
    for (unsigned t = 0; t < FIGURES_TRAPS; t++)
        g_string_append_printf(text, " %*s", trap_width(t), figure_index_name(FIGURE_TRAP, t));
    g_string_append_c(text, '\n');
    for (unsigned i = 0; i < top->count; i++)
        add_traps_row(text, &top->rows[i]);
    return fit(text, width, height);
}

static void set_list(JsonObject *object, const char *name, enum figure_dimension dimension, const double *values)
{
    JsonObject *list = json_object_new();

    for (unsigned i = 0; i < figure_length(dimension); i++)
        json_object_set_double_member(list, figure_index_name(dimension, i), values[i]);
    json_object_set_object_member(object, name, list);
}

JsonNode *top_to_json(const struct top *top)
{
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);
    JsonObject *object = json_object_new();
    JsonArray *guests = json_array_new();

    json_object_set_string_member(object, "policy", top->policy);
    json_object_set_double_member(object, "uptime_s", top->uptime_s);
    json_object_set_double_member(object, "interval_s", top->interval_s);
    for (unsigned i = 0; i < top->count; i++) {
        const struct top_row *row = &top->rows[i];
        JsonObject *guest = json_object_new();
        json_object_set_string_member(guest, "name", row->name);
        json_object_set_string_member(guest, "state", row->state);
        json_object_set_int_member(guest, "weight", row->weight);
        json_object_set_double_member(guest, "due", row->due);
        set_list(guest, "busy", FIGURE_ENGINE, row->busy);
        json_object_set_double_member(guest, "submissions_per_s", row->submissions);
        json_object_set_double_member(guest, "frames_per_s", row->frames);
        set_list(guest, "traps_per_s", FIGURE_TRAP, row->traps);
        json_object_set_int_member(guest, "queued", (gint64)row->queued);
        json_object_set_int_member(guest, "resets", (gint64)row->resets);
        json_array_add_object_element(guests, guest);
    }
    json_object_set_array_member(object, "guests", guests);
    json_node_take_object(node, object);
    return node;
}
