/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot as JSON and as Prometheus' text, by the table of figures. See figures.h. */
#include "vmm/observe/figures.h"

#include <string.h>

static void build_figures(JsonBuilder *builder, const struct figures *figures, unsigned user, bool of_run)
{
    for (size_t i = 0; i < figure_count; i++) {
        const struct figure_desc *desc = &figure_descs[i];
        if ((desc->subject == FIGURE_RUN) != of_run)
            continue;
        const uint64_t *values = figure_values(desc, figures, user);
        json_builder_set_member_name(builder, desc->name);
        if (desc->dimension == FIGURE_PLAIN) {
            json_builder_add_int_value(builder, (gint64)*values);
            continue;
        }
        json_builder_begin_object(builder);
        for (unsigned n = 0; n < figure_length(desc->dimension); n++) {
            json_builder_set_member_name(builder, figure_index_name(desc->dimension, n));
            json_builder_add_int_value(builder, (gint64)values[n]);
        }
        json_builder_end_object(builder);
    }
}

static void build_text(JsonBuilder *builder, const char *name, const char *text)
{
    json_builder_set_member_name(builder, name);
    if (text)
        json_builder_add_string_value(builder, text);
    else
        json_builder_add_null_value(builder);
}

JsonNode *figures_to_json(const struct figures *figures)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    build_text(builder, "policy", figures->policy);
    build_figures(builder, figures, 0, true);
    json_builder_set_member_name(builder, "users");
    json_builder_begin_array(builder);
    for (unsigned i = 0; i < figures->count; i++) {
        const struct figures_user *user = &figures->users[i];
        json_builder_begin_object(builder);
        build_text(builder, "name", user->name);
        build_text(builder, "type", user->type);
        build_text(builder, "state", figures_state_names[user->state]);
        build_text(builder, "reason", user->reason);
        build_figures(builder, figures, i, false);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    return json_builder_get_root(builder);
}

/* Prometheus wants base units in names, and what only grows to end in _total. */
char *figure_metric_name(const struct figure_desc *desc)
{
    static const char *const subjects[] = {[FIGURE_RUN] = "", [FIGURE_VGPU] = "vgpu_", [FIGURE_VM] = "vm_"};
    size_t stem = strlen(desc->name) - (desc->unit == FIGURE_NS ? strlen("_ns") : 0);

    return g_strdup_printf("vmm_%s%.*s%s%s", subjects[desc->subject], (int)stem, desc->name, desc->unit == FIGURE_NS ? "_seconds" : "",
                           desc->counter ? "_total" : "");
}

/* A label's value: backslash, quote and newline are escaped. */
static void append_label(GString *text, char before, const char *name, const char *value)
{
    g_string_append_printf(text, "%c%s=\"", before, name);
    for (const char *c = value; *c; c++) {
        if (*c == '\\' || *c == '"')
            g_string_append_c(text, '\\');
        if (*c == '\n')
            g_string_append(text, "\\n");
        else
            g_string_append_c(text, *c);
    }
    g_string_append_c(text, '"');
}

static void append_value(GString *text, const struct figure_desc *desc, uint64_t value)
{
    if (desc->unit == FIGURE_NS)
        g_string_append_printf(text, " %" PRIu64 ".%09" PRIu64 "\n", value / 1000000000, value % 1000000000);
    else
        g_string_append_printf(text, " %" PRIu64 "\n", value);
}

static void append_samples(GString *text, const struct figure_desc *desc, const char *name, const struct figures *figures, unsigned user)
{
    const uint64_t *values = figure_values(desc, figures, user);
    const char *label = figure_label(desc->dimension);

    for (unsigned n = 0; n < figure_length(desc->dimension); n++) {
        g_string_append(text, name);
        if (desc->subject != FIGURE_RUN) {
            append_label(text, '{', "vm", figures->users[user].name);
            if (label)
                append_label(text, ',', label, figure_index_name(desc->dimension, n));
            g_string_append_c(text, '}');
        }
        append_value(text, desc, values[n]);
    }
}

/* A served vGPU has no VM here, and a VM need not have a vGPU: no numbers then, rather than zeros. */
static bool applies(const struct figure_desc *desc, const struct figures_user *user)
{
    return desc->subject == FIGURE_VM ? user->vcpus > 0 : strcmp(user->type, "none") != 0;
}

static void append_head(GString *text, const char *name, const char *help, bool counter)
{
    g_string_append_printf(text, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, counter ? "counter" : "gauge");
}

/* Words become labels of a metric whose value is 1. */
static void append_words(GString *text, const struct figures *figures)
{
    append_head(text, "vmm_info", "How this run shares the engines", false);
    g_string_append(text, "vmm_info");
    append_label(text, '{', "policy", figures->policy ? figures->policy : "");
    g_string_append(text, "} 1\n");
    append_head(text, "vmm_vgpu_info", "The type of each vGPU and its state", false);
    for (unsigned i = 0; i < figures->count; i++) {
        const struct figures_user *user = &figures->users[i];
        g_string_append(text, "vmm_vgpu_info");
        append_label(text, '{', "vm", user->name);
        append_label(text, ',', "type", user->type);
        append_label(text, ',', "state", figures_state_names[user->state]);
        g_string_append(text, "} 1\n");
    }
}

char *figures_to_metrics(const struct figures *figures)
{
    GString *text = g_string_new(NULL);

    append_words(text, figures);
    for (size_t i = 0; i < figure_count; i++) {
        const struct figure_desc *desc = &figure_descs[i];
        unsigned count = desc->subject == FIGURE_RUN ? 1 : figures->count;
        g_autofree char *name = figure_metric_name(desc);
        append_head(text, name, desc->help, desc->counter);
        for (unsigned user = 0; user < count; user++)
            if (desc->subject == FIGURE_RUN || applies(desc, &figures->users[user]))
                append_samples(text, desc, name, figures, user);
    }
    return g_string_free(text, FALSE);
}
