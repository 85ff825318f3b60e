/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option table and how its types are parsed. Used by config.c. */
#include "vmm/options.h"

#include "mmio/vgpu.h"
#include "scheduler/scheduler.h"
#include "vmm/address.h"
#include "vmm/machine.h"
#include "vmm/units.h"

#include <string.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define US UINT64_C(1000)
#define SECOND UINT64_C(1000000000)

const char *const option_group_names[OPTION_GROUPS + 1] = {
    [OPTION_GPU] = "gpu", [OPTION_SCHEDULER] = "scheduler", [OPTION_OBSERVE] = "observe", [OPTION_VMM] = "vmm", [OPTION_VM] = "vm", [OPTION_VGPU] = "vgpu"};

bool option_group_is_named(enum option_group group)
{
    return group == OPTION_VM || group == OPTION_VGPU;
}

static char **backend_choices(void)
{
    static const char *const names[] = {"model", "vfio", NULL};

    return g_strdupv((char **)names);
}

static char **policy_choices(void)
{
    return g_strdupv((char **)policy_names());
}

static char **type_names(const char *first, const char *second)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    g_strv_builder_add(names, first);
    if (second)
        g_strv_builder_add(names, second);
    for (const struct vgpu_type *type = vgpu_types; type->name; type++)
        g_strv_builder_add(names, type->name);
    return g_strv_builder_end(names);
}

static char **gpu_choices(void)
{
    return type_names("none", "passthrough");
}

static char **served_type_choices(void)
{
    return type_names("passthrough", NULL);
}

static char **class_choices(void)
{
    static const char *const names[] = {"normal", "latency", NULL};

    return g_strdupv((char **)names);
}

static char **monitor_choices(void)
{
    static const char *const names[] = {"dp", "hdmi", NULL};

    return g_strdupv((char **)names);
}

static char **input_choices(void)
{
    static const char *const names[] = {"auto", "yes", "no", NULL};

    return g_strdupv((char **)names);
}

static char **namespaces_choices(void)
{
    static const char *const names[] = {"auto", "off", NULL};

    return g_strdupv((char **)names);
}

static char **on_reset_choices(void)
{
    static const char *const names[] = {"end", "restart", NULL};

    return g_strdupv((char **)names);
}

#define WEIGHT_HELP "share of the engines' time against the other vGPUs; the type's weight if not given"
#define CLASS_HELP "latency: goes before vGPUs of the class normal as long as it uses no more than its weight's part of an engine; its share stays the same"
#define CAP_HELP "what it gets at most of each engine's time, in percent, also when nobody else wants it; with every policy"
#define TRAP_LIMIT_HELP "how many accesses to its registers, page table and aperture a guest may make in a second, on the average; a quicker one waits for each"
#define MONITOR_HELP "how its monitor is connected: DisplayPort (EDID by AUX) or HDMI (EDID by GMBUS)"

#define MODE_HELP "best mode of its monitor, WIDTHxHEIGHT or WIDTHxHEIGHT@HZ; the largest of the type at 60 Hz if not given"
#define EDID_HELP "file with the EDID of its monitor, 128 or 256 bytes, instead of one that is made of mode"
#define VNC_HELP "where its screen is shown by VNC: a port of 127.0.0.1, ADDRESS:PORT, or unix: and a path; an address that others reach needs vnc_password"
#define VNC_PASSWORD_HELP "file whose first line viewers must know: 1 to 8 characters; not readable for others"

const struct option options[] = {
    {OPTION_GPU, "backend", OPTION_CHOICE, offsetof(struct gpu_settings, backend), "model", .choices = backend_choices,
     .example = "model", .help = "the physical GPU: the software model, or a host's Intel GPU through vfio"},
    {OPTION_GPU, "aperture", OPTION_SIZE, offsetof(struct gpu_settings, aperture), "256M", .min = 256 * MIB, .max = 4 * GIB,
     .power_of_two = true, .example = "256M", .help = "size of the model's aperture (BAR2): low graphics memory, shared by all vGPUs"},
    {OPTION_GPU, "mdev", OPTION_PATH, offsetof(struct gpu_settings, mdev), "", .example = "/var/lib/mediant/mdev",
     .help = "with `vmm serve`: folder for vGPUs that come and go by UUID, in the shape that mdevctl knows"},

    {OPTION_SCHEDULER, "policy", OPTION_CHOICE, offsetof(struct scheduler_settings, policy), "fair", .choices = policy_choices,
     .example = "fair", .help = "how the engines' time is shared"},
    {OPTION_SCHEDULER, "slice", OPTION_DURATION, offsetof(struct scheduler_settings, slice_ns), "4ms", .min = 10 * US,
     .max = 10 * SECOND, .example = "2ms", .help = "time slice, before another vGPU gets the engine"},
    {OPTION_SCHEDULER, "hang", OPTION_DURATION, offsetof(struct scheduler_settings, hang_ns), "2s", .min = 1000 * US,
     .max = 3600 * SECOND, .example = "2s", .help = "how long an engine that another vGPU waits for may take to let go of a workload before it is reset"},

    {OPTION_OBSERVE, "metrics", OPTION_LISTEN, offsetof(struct observe_settings, metrics), "", .example = "127.0.0.1:9110",
     .help = "where Prometheus gets figures of all guests by HTTP: a UNIX socket, or a port of this host that others cannot reach"},
    {OPTION_OBSERVE, "trace", OPTION_PATH, offsetof(struct observe_settings, trace), "", .example = "trace.json",
     .help = "at the end, write the newest events of the engines as Chrome's trace, for ui.perfetto.dev"},
    {OPTION_OBSERVE, "directory", OPTION_PATH, offsetof(struct observe_settings, directory), "", .example = "observed",
     .help = "existing directory for what is written while guests run: error states of hangs, and traces that are asked for"},
    {OPTION_OBSERVE, "streams", OPTION_PATH, offsetof(struct observe_settings, streams), "", .example = "streams.txt",
     .help = "write the commands of each submission of a guest, for vmm decode; slows guests that submit often"},
    {OPTION_OBSERVE, "streams_max", OPTION_SIZE, offsetof(struct observe_settings, streams_max), "16M", .min = 64 * KIB, .max = 64 * MIB,
     .example = "16M", .help = "how large that file may become; then guests go on and the recording ends"},

    {OPTION_VMM, "control", OPTION_SOCKET, offsetof(struct vmm_settings, control), "", .example = "auto",
     .help = "control socket (control.md); auto: this file's name with .sock in $XDG_RUNTIME_DIR/mediant/control (/run/mediant/control without that variable)"},
    {OPTION_VMM, "namespaces", OPTION_CHOICE, offsetof(struct vmm_settings, namespaces), "auto", .choices = namespaces_choices, .example = "off",
     .help = "auto: the sandbox leaves no files in sight but those that are needed, and no networks, where the system allows it (security.md)"},

    {OPTION_VM, "image", OPTION_PATH, offsetof(struct vm_settings, image), "", .example = "guest.elf",
     .help = "ELF executable of a bare-metal guest, relative to this file (or kernel)"},
    {OPTION_VM, "kernel", OPTION_PATH, offsetof(struct vm_settings, kernel), "", .example = "vmlinuz",
     .help = "Linux kernel: a bzImage or an ELF vmlinux, relative to this file (or image)"},
    {OPTION_VM, "initrd", OPTION_PATH, offsetof(struct vm_settings, initrd), "", .example = "initrd.img",
     .help = "initial RAM disk of the kernel"},
    {OPTION_VM, "cmdline", OPTION_STRING, offsetof(struct vm_settings, cmdline), "", .example = "console=ttyS0 root=/dev/vda1",
     .help = "the kernel's command line"},
    {OPTION_VM, "disk", OPTION_DISK, offsetof(struct vm_settings, disks), "", .example = "debian.img, readonly",
     .help = "virtio disk of a raw image or block device; NAME is its serial. Options: `readonly`; `direct`, past the host's page cache"},
    {OPTION_VM, "share", OPTION_SHARE, offsetof(struct vm_settings, shares), "", .example = "/home/me/project, readonly",
     .help = "directory of the host, by 9P: `mount -t 9p -o trans=virtio,version=9p2000.L NAME /mnt`. The guest does there what the user that runs vmm may. "
             "Option: `readonly`"},
    {OPTION_VM, "net", OPTION_NET, offsetof(struct vm_settings, nets), "", .example = "user, forward=tcp:2222:22",
     .help = "virtio network card. `user` needs no rights: 10.0.2.0/24 with DHCP, options `forward=tcp:HOST:GUEST` (or udp) and `isolated`; `tap:` takes "
             "an interface of the host. Either: `mac=ADDRESS`"},
    {OPTION_VM, "memory", OPTION_SIZE, offsetof(struct vm_settings, memory), "64M", .min = 2 * MIB, .max = 256 * GIB,
     .multiple = 4 * KIB, .example = "512M", .help = "RAM"},
    {OPTION_VM, "vcpus", OPTION_NUMBER, offsetof(struct vm_settings, vcpus), "1", .min = 1, .max = MACHINE_MAX_VCPUS,
     .example = "2", .help = "virtual CPUs, one thread each"},
    {OPTION_VM, "cpu_share", OPTION_NUMBER, offsetof(struct vm_settings, cpu_share), "", .min = 1, .max = 100, .example = "50",
     .help = "weight of each vCPU against others where a host CPU is wanted by several, in percent of one (needs a delegated cgroup v2)"},
    {OPTION_VM, "cpu_cap", OPTION_NUMBER, offsetof(struct vm_settings, cpu_cap), "", .min = 1, .max = 100, .example = "50",
     .help = "what each vCPU uses at most, in percent of a host CPU (needs a delegated cgroup v2)"},
    {OPTION_VM, "pin", OPTION_STRING, offsetof(struct vm_settings, pin), "", .example = "0-3,8",
     .help = "host CPUs: vCPU N runs on the Nth of the list alone, beginning again at its end"},
    {OPTION_VM, "gpu", OPTION_CHOICE, offsetof(struct vm_settings, gpu), "none", .choices = gpu_choices,
     .prefix = VFIO_USER_PREFIX, .example = "i915-GVTg_V5_4",
     .help = "type of its vGPU, passthrough for the whole GPU, or the socket of a vGPU that vmm serve or another vfio-user server offers"},
    {OPTION_VM, "weight", OPTION_NUMBER, offsetof(struct vm_settings, weight), "", .min = 1, .max = 256, .example = "4",
     .help = WEIGHT_HELP},
    {OPTION_VM, "class", OPTION_CHOICE, offsetof(struct vm_settings, gpu_class), "normal", .choices = class_choices, .example = "latency",
     .help = CLASS_HELP},
    {OPTION_VM, "gpu_cap", OPTION_NUMBER, offsetof(struct vm_settings, gpu_cap), "", .min = 1, .max = 100, .example = "50", .help = CAP_HELP},
    {OPTION_VM, "trap_limit", OPTION_NUMBER, offsetof(struct vm_settings, trap_limit), "", .min = 1000, .max = 1000000000, .example = "200000",
     .help = TRAP_LIMIT_HELP},
    {OPTION_VM, "monitor", OPTION_CHOICE, offsetof(struct vm_settings, monitor), "dp", .choices = monitor_choices, .example = "dp",
     .help = MONITOR_HELP},
    {OPTION_VM, "mode", OPTION_STRING, offsetof(struct vm_settings, mode), "", .example = "1920x1080@60", .help = MODE_HELP},
    {OPTION_VM, "edid", OPTION_PATH, offsetof(struct vm_settings, edid), "", .example = "monitor.edid", .help = EDID_HELP},
    {OPTION_VM, "vnc", OPTION_STRING, offsetof(struct vm_settings, vnc), "", .example = "5900", .help = VNC_HELP},
    {OPTION_VM, "vnc_password", OPTION_PATH, offsetof(struct vm_settings, vnc_password), "", .example = "alpha.password", .help = VNC_PASSWORD_HELP},
    {OPTION_VM, "keymap", OPTION_STRING, offsetof(struct vm_settings, keymap), "us", .example = "us",
     .help = "keyboard layout that the guest has set, as X and Linux call it (us, de, fr(bepo)): what a viewer types is turned into keys of it"},
    {OPTION_VM, "input", OPTION_CHOICE, offsetof(struct vm_settings, input), "auto", .choices = input_choices, .example = "yes",
     .help = "virtio keyboard and tablet; auto: if it has vnc"},
    {OPTION_VM, "on_reset", OPTION_CHOICE, offsetof(struct vm_settings, on_reset), "end", .choices = on_reset_choices, .example = "restart",
     .help = "when the guest resets its PC: the VM ends, or begins again"},
    {OPTION_VM, "serial", OPTION_SERIAL, offsetof(struct vm_settings, serial), "stdio", .example = "stdio",
     .help = "where its serial port goes"},
    {OPTION_VM, "console", OPTION_SERIAL, offsetof(struct vm_settings, console), "none", .example = "stdio",
     .help = "where its virtio console (hvc0 in Linux) goes"},
    {OPTION_VM, "args", OPTION_STRING, offsetof(struct vm_settings, args), "", .example = "frames=60",
     .help = "the command line of image"},
    {OPTION_VM, "screenshot", OPTION_PATH, offsetof(struct vm_settings, screenshot), "", .example = "screen.png",
     .help = "PNG file for what the guest's screen shows at the end and at SIGUSR1"},

    {OPTION_VGPU, "type", OPTION_CHOICE, offsetof(struct vgpu_settings, type), NULL, .choices = served_type_choices,
     .example = "i915-GVTg_V5_4", .help = "type of the vGPU, or passthrough for the whole GPU"},
    {OPTION_VGPU, "socket", OPTION_PATH, offsetof(struct vgpu_settings, socket), "", .example = "/run/mediant/alpha.sock",
     .help = "socket that the VMM attaches to; NAME.sock in $XDG_RUNTIME_DIR/mediant (/run/mediant without that variable) if not given"},
    {OPTION_VGPU, "weight", OPTION_NUMBER, offsetof(struct vgpu_settings, weight), "", .min = 1, .max = 256, .example = "4",
     .help = WEIGHT_HELP},
    {OPTION_VGPU, "class", OPTION_CHOICE, offsetof(struct vgpu_settings, gpu_class), "normal", .choices = class_choices, .example = "latency",
     .help = CLASS_HELP},
    {OPTION_VGPU, "gpu_cap", OPTION_NUMBER, offsetof(struct vgpu_settings, gpu_cap), "", .min = 1, .max = 100, .example = "50", .help = CAP_HELP},
    {OPTION_VGPU, "trap_limit", OPTION_NUMBER, offsetof(struct vgpu_settings, trap_limit), "", .min = 1000, .max = 1000000000, .example = "200000",
     .help = TRAP_LIMIT_HELP},
    {OPTION_VGPU, "pin", OPTION_STRING, offsetof(struct vgpu_settings, pin), "", .example = "2,3",
     .help = "host CPUs for the thread that answers its VMM: the one where the vCPU that uses the GPU most is pinned, or a neighbour"},
    {OPTION_VGPU, "monitor", OPTION_CHOICE, offsetof(struct vgpu_settings, monitor), "dp", .choices = monitor_choices, .example = "dp",
     .help = MONITOR_HELP},
    {OPTION_VGPU, "mode", OPTION_STRING, offsetof(struct vgpu_settings, mode), "", .example = "1920x1080@60", .help = MODE_HELP},
    {OPTION_VGPU, "edid", OPTION_PATH, offsetof(struct vgpu_settings, edid), "", .example = "monitor.edid", .help = EDID_HELP},
    {OPTION_VGPU, "vnc", OPTION_STRING, offsetof(struct vgpu_settings, vnc), "", .example = "5900",
     .help = VNC_HELP ". For looking only: keyboard and pointer are those of the other VMM"},
    {OPTION_VGPU, "vnc_password", OPTION_PATH, offsetof(struct vgpu_settings, vnc_password), "", .example = "alpha.password",
     .help = VNC_PASSWORD_HELP},
    {OPTION_VGPU, "screenshot", OPTION_PATH, offsetof(struct vgpu_settings, screenshot), "", .example = "screen.png",
     .help = "PNG file for what the guest's screen shows when its VMM leaves, at the end, and at SIGUSR1"},
};
const size_t option_count = G_N_ELEMENTS(options);

static bool has_name(enum option_type type)
{
    return type == OPTION_DISK || type == OPTION_SHARE || type == OPTION_NET;
}

const struct option *option_find(enum option_group group, const char *key, const char **name)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &options[i];
        size_t len = strlen(option->key);
        if (option->group != group || strncmp(option->key, key, len) != 0)
            continue;
        if (key[len] == '\0' || (has_name(option->type) && key[len] == ' ')) {
            *name = has_name(option->type) ? key + len + (key[len] != '\0') : NULL;
            return option;
        }
    }
    return NULL;
}

char *option_title(const struct option *option)
{
    return g_strconcat(option->key, has_name(option->type) ? " NAME" : "", NULL);
}

const char *option_suggest(enum option_group group, const char *key)
{
    const char *keys[G_N_ELEMENTS(options) + 1];
    size_t count = 0;

    for (size_t i = 0; i < option_count; i++)
        if (options[i].group == group)
            keys[count++] = options[i].key;
    keys[count] = NULL;
    return suggest(key, keys);
}

static bool is_text(enum option_type type)
{
    return type == OPTION_STRING || type == OPTION_CHOICE || type == OPTION_PATH || type == OPTION_SERIAL || type == OPTION_LISTEN ||
           type == OPTION_SOCKET;
}

static char *format_value(const struct option *option, uint64_t value)
{
    if (option->type == OPTION_SIZE)
        return format_size(value);
    if (option->type != OPTION_DURATION)
        return g_strdup_printf("%" G_GUINT64_FORMAT, value);
    if (value % SECOND == 0)
        return g_strdup_printf("%" G_GUINT64_FORMAT "s", value / SECOND);
    if (value % (1000 * US) == 0)
        return g_strdup_printf("%" G_GUINT64_FORMAT "ms", value / (1000 * US));
    return g_strdup_printf("%" G_GUINT64_FORMAT "us", value / US);
}

static bool parse_value(const struct option *option, const char *text, uint64_t *value, char **reason)
{
    const char *what = option->type == OPTION_SIZE ? "a size" : option->type == OPTION_DURATION ? "a duration" : "a number";
    bool ok = option->type == OPTION_SIZE       ? parse_size(text, value)
              : option->type == OPTION_DURATION ? parse_duration(text, value)
                                                : parse_number(text, value);

    if (!ok) {
        *reason = g_strdup_printf("\"%s\" is not %s (try %s)", text, what, option->example);
    } else if ((option->min || option->max) && (*value < option->min || *value > option->max)) {
        g_autofree char *min = format_value(option, option->min), *max = format_value(option, option->max);
        *reason = g_strdup_printf("\"%s\" is not between %s and %s (try %s)", text, min, max, option->example);
        ok = false;
    } else if (option->multiple && *value % option->multiple) {
        g_autofree char *multiple = format_size(option->multiple);
        *reason = g_strdup_printf("\"%s\" is not a multiple of %s (try %s)", text, multiple, option->example);
        ok = false;
    } else if (option->power_of_two && (*value & (*value - 1))) {
        *reason = g_strdup_printf("\"%s\" is not a power of two (try %s)", text, option->example);
        ok = false;
    }
    return ok;
}

static bool check_choice(const struct option *option, const char *text, char **reason)
{
    g_auto(GStrv) choices = option->choices();

    if (g_strv_contains((const char *const *)choices, text))
        return true;
    if (option->prefix && g_str_has_prefix(text, option->prefix)) {
        if (text[strlen(option->prefix)])
            return true;
        *reason = g_strdup_printf("\"%s\" lacks the path (try %s/run/mediant/alpha.sock)", text, option->prefix);
        return false;
    }
    const char *guess = suggest(text, (const char *const *)choices);
    g_autofree char *names = g_strjoinv(", ", choices);
    g_autofree char *all = option->prefix ? g_strdup_printf("%s, %sPATH", names, option->prefix) : g_steal_pointer(&names);
    *reason = guess ? g_strdup_printf("\"%s\" is not one of %s (try %s)", text, all, guess)
                    : g_strdup_printf("\"%s\" is not one of %s (try %s)", text, all, option->example);
    return false;
}

static const char *device_name(enum option_type type, const void *device)
{
    return type == OPTION_DISK    ? ((const struct disk_settings *)device)->name
           : type == OPTION_SHARE ? ((const struct share_settings *)device)->name
                                  : ((const struct net_settings *)device)->name;
}

static void *parse_device(enum option_type type, const char *name, const char *text, const char *base, char **reason)
{
    return type == OPTION_DISK    ? (void *)disk_settings_parse(name, text, base, reason)
           : type == OPTION_SHARE ? (void *)share_settings_parse(name, text, base, reason)
                                  : (void *)net_settings_parse(name, text, reason);
}

static GDestroyNotify device_free(enum option_type type)
{
    return type == OPTION_DISK    ? (GDestroyNotify)disk_settings_free
           : type == OPTION_SHARE ? (GDestroyNotify)share_settings_free
                                  : (GDestroyNotify)net_settings_free;
}

static bool valid_device_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("-_.", *c))
            return false;
    return *name && strlen(name) <= DEVICE_NAME_MAX;
}

/* Puts a device into its list, in the place of one of the same name if there is one. */
static bool set_device(const struct option *option, GPtrArray **list, const char *name, const char *text, const char *base, char **reason)
{
    if (!name || !valid_device_name(name)) {
        *reason = g_strdup_printf("lacks a name of 1 to %d letters, digits, '-', '_' or '.' (try %s first = %s)", DEVICE_NAME_MAX, option->key, option->example);
        return false;
    }
    void *device = parse_device(option->type, name, text, base, reason);
    if (!device)
        return false;
    if (!*list)
        *list = g_ptr_array_new_with_free_func(device_free(option->type));
    for (unsigned i = 0; i < (*list)->len; i++) {
        if (strcmp(device_name(option->type, g_ptr_array_index(*list, i)), name) == 0) {
            g_ptr_array_remove_index(*list, i);
            g_ptr_array_insert(*list, (int)i, device);
            return true;
        }
    }
    g_ptr_array_add(*list, device);
    if ((*list)->len <= DEVICES_MAX)
        return true;
    *reason = g_strdup_printf("more than %d of them", DEVICES_MAX);
    return false;
}

bool option_set(const struct option *option, void *settings, const char *name, const char *text, const char *base, char **reason)
{
    void *field = (char *)settings + option->offset;
    bool unset = option->fallback && *option->fallback == '\0' && *text == '\0';

    if (has_name(option->type) && unset && !name)
        return true; /* the default: none */
    if (has_name(option->type))
        return set_device(option, field, name, text, base, reason);
    if (!is_text(option->type)) {
        uint64_t value = 0;
        if (!unset && !parse_value(option, text, &value, reason))
            return false;
        memcpy(field, &value, sizeof(value));
        return true;
    }
    if (*text == '\0' && !unset) {
        *reason = g_strdup_printf("is empty (try %s)", option->example);
        return false;
    }
    if (option->type == OPTION_CHOICE && !check_choice(option, text, reason))
        return false;
    if (option->type == OPTION_LISTEN && !unset && !address_check(text, option->example, reason))
        return false;
    char *value = NULL;
    size_t prefix = option->prefix && g_str_has_prefix(text, option->prefix) ? strlen(option->prefix) : 0;
    bool file = option->type == OPTION_PATH || prefix > 0 || (option->type == OPTION_LISTEN && address_is_path(text)) ||
                (option->type == OPTION_SOCKET && strcmp(text, "auto") != 0) ||
                (option->type == OPTION_SERIAL && strcmp(text, "stdio") != 0 && strcmp(text, "none") != 0);
    if (file && !unset && !g_path_is_absolute(text + prefix) && base) {
        g_autofree char *path = g_build_filename(base, text + prefix, NULL);
        value = g_strdup_printf("%.*s%s", (int)prefix, text, path);
    } else if (!unset) {
        value = g_strdup(text);
    }
    g_free(*(char **)field);
    *(char **)field = value;
    return true;
}

static char *range_text(const struct option *option, const char *what)
{
    g_autofree char *min = format_value(option, option->min), *max = format_value(option, option->max);
    g_autofree char *multiple = option->multiple ? format_size(option->multiple) : NULL;

    if (option->min == 0 && option->max == 0)
        return g_strdup(what);
    return g_strdup_printf("%s, %s to %s%s%s%s", what, min, max, option->power_of_two ? ", a power of two" : "",
                           multiple ? ", a multiple of " : "", multiple ? multiple : "");
}

char *option_values(const struct option *option)
{
    switch (option->type) {
    case OPTION_CHOICE: {
        g_auto(GStrv) names = option->choices();
        g_autofree char *list = g_strjoinv(", ", names);
        return option->prefix ? g_strdup_printf("%s, %sPATH", list, option->prefix) : g_steal_pointer(&list);
    }
    case OPTION_PATH:
        return g_strdup("a path");
    case OPTION_SERIAL:
        return g_strdup("stdio, none or a path");
    case OPTION_LISTEN:
        return g_strdup("a path, HOST:PORT or PORT");
    case OPTION_SOCKET:
        return g_strdup("auto or a path");
    case OPTION_SIZE:
        return range_text(option, "a size");
    case OPTION_DURATION:
        return range_text(option, "a duration");
    case OPTION_NUMBER:
        return range_text(option, "a number");
    case OPTION_DISK:
    case OPTION_SHARE:
        return g_strdup("a path, and options behind commas");
    case OPTION_NET:
        return g_strdup("user or tap:INTERFACE, and options behind commas");
    case OPTION_STRING:
        break;
    }
    return g_strdup("text");
}

void option_clear_all(enum option_group group, void *settings)
{
    for (size_t i = 0; i < option_count; i++) {
        void *field = (char *)settings + options[i].offset;
        if (options[i].group == group && is_text(options[i].type))
            g_clear_pointer((char **)field, g_free);
        else if (options[i].group == group && has_name(options[i].type))
            g_clear_pointer((GPtrArray **)field, g_ptr_array_unref);
    }
}
