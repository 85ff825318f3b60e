/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm.ini(5): the keys of a configuration file, the policies and the vGPU types. */
#include "vmm/manual/manual.h"

#include "vmm/manual/mdoc.h"
#include "vmm/options.h"
#include "vmm/units.h"

#include "mmio/vgpu.h"
#include "scheduler/policy.h"

static void print_key(FILE *file, const struct option *option)
{
    g_autofree char *values = option_values(option), *title = option_title(option);
    g_autofree char *fallback = !option->fallback   ? g_strdup("; required")
                                : *option->fallback ? g_strconcat("; default ", option->fallback, NULL)
                                                    : g_strdup("");
    g_autofree char *what = g_strdup_printf("Value: %s%s.", values, fallback);
    g_autofree char *help = g_strdup_printf("%c%s.", g_ascii_toupper(option->help[0]), option->help + 1);

    mdoc_item(file, "Cm", title);
    mdoc_text(file, what);
    mdoc_text(file, help);
}

static void print_group(FILE *file, unsigned group)
{
    fprintf(file, ".Ss Group [%s%s] of the file\n.Bl -tag -width indent\n", option_group_names[group], option_group_is_named(group) ? " NAME" : "");
    for (size_t i = 0; i < option_count; i++)
        if (options[i].group == group)
            print_key(file, &options[i]);
    fputs(".El\n", file);
}

static void print_types(FILE *file)
{
    for (const struct vgpu_type *type = vgpu_types; type->name; type++) {
        g_autofree char *low = format_size(type->low_gm), *high = format_size(type->high_gm);
        g_autofree char *text = g_strdup_printf("%s of low and %s of high graphics memory, %u fences, a monitor of %ux%u, weight %u.", low, high,
                                                type->fences, type->width, type->height, type->weight);
        mdoc_item(file, "Cm", type->name);
        mdoc_text(file, text);
    }
}

void manual_print_config(FILE *file)
{
    mdoc_begin(file, "vmm.ini", "5", "configuration of virtual machines that share one GPU");
    fputs(".Sh DESCRIPTION\nA configuration file of\n.Xr vmm 1\nis text in groups of keys, one\n.Ql key = value\non each line.\n", file);
    mdoc_text(file, "Lines that begin with # are comments. A group with NAME may be there several times, each time with another name. A file has groups of "
                    "virtual machines, for vmm run, or of served virtual GPUs, for vmm serve, not both. Sizes take K, M, G and T; durations ns, us, ms, s and "
                    "min. Relative paths begin at the folder of the file. An unknown group or key is an error.");
    fputs(".Sh GROUPS AND KEYS\n", file);
    for (unsigned group = 0; group < OPTION_GROUPS; group++)
        print_group(file, group);
    fputs(".Sh POLICIES\n.Bl -tag -width indent\n", file);
    for (const char *const *name = policy_names(); *name; name++) {
        g_autofree char *text = g_strdup_printf("%c%s.", g_ascii_toupper(policy_find(*name)->help[0]), policy_find(*name)->help + 1);
        mdoc_item(file, "Cm", *name);
        mdoc_text(file, text);
    }
    fputs(".El\n.Sh TYPES OF VIRTUAL GPUS\n.Bl -tag -width indent\n", file);
    print_types(file);
    fputs(".El\n.Sh EXAMPLES\nTwo served virtual GPUs; one has three times the time of the other when both\nwant it:\n.Bd -literal -offset indent\n"
          "[vgpu alpha]\ntype = i915\\-GVTg_V5_4\nweight = 6\n\n[vgpu beta]\ntype = i915\\-GVTg_V5_4\nweight = 2\n.Ed\n.Sh SEE ALSO\n.Xr vmm 1\n", file);
}
