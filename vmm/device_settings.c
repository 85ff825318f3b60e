/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the values of `disk NAME`, `share NAME` and `net NAME`; see device_settings.h. */
#include "vmm/device_settings.h"

#include "vmm/units.h"

#include <string.h>

void disk_settings_free(struct disk_settings *disk)
{
    if (!disk)
        return;
    g_free(disk->name);
    g_free(disk->path);
    g_free(disk);
}

void share_settings_free(struct share_settings *share)
{
    if (!share)
        return;
    g_free(share->name);
    g_free(share->path);
    g_free(share);
}

void net_settings_free(struct net_settings *net)
{
    if (!net)
        return;
    g_array_unref(net->forwards);
    g_free(net->name);
    g_free(net->tap);
    g_free(net);
}

/* The words between the commas, without the blanks around them. */
static char **split(const char *text)
{
    char **words = g_strsplit(text, ",", -1);

    for (char **word = words; *word; word++)
        g_strstrip(*word);
    return words;
}

static char *unknown(const char *word, const char *const known[], const char *all)
{
    const char *guess = suggest(word, known);

    return guess ? g_strdup_printf("\"%s\" is not an option (did you mean %s?)", word, guess)
                 : g_strdup_printf("\"%s\" is not an option (options are %s)", word, all);
}

static char *parse_path(const char *text, const char *base)
{
    return g_path_is_absolute(text) || !base ? g_strdup(text) : g_build_filename(base, text, NULL);
}

struct disk_settings *disk_settings_parse(const char *name, const char *text, const char *base, char **reason)
{
    static const char *const known[] = {"readonly", "direct", NULL};
    g_auto(GStrv) words = split(text);

    if (!words[0] || !*words[0]) {
        *reason = g_strdup("lacks the path (try disk.img)");
        return NULL;
    }
    struct disk_settings *disk = g_new0(struct disk_settings, 1);
    disk->name = g_strdup(name);
    disk->path = parse_path(words[0], base);
    for (char **word = words + 1; *word && !*reason; word++) {
        if (strcmp(*word, "readonly") == 0)
            disk->read_only = true;
        else if (strcmp(*word, "direct") == 0)
            disk->direct = true;
        else
            *reason = unknown(*word, known, "readonly and direct; a path has no commas");
    }
    if (!*reason)
        return disk;
    disk_settings_free(disk);
    return NULL;
}

struct share_settings *share_settings_parse(const char *name, const char *text, const char *base, char **reason)
{
    static const char *const known[] = {"readonly", NULL};
    g_auto(GStrv) words = split(text);

    if (!words[0] || !*words[0]) {
        *reason = g_strdup("lacks the path (try /home/me/project)");
        return NULL;
    }
    struct share_settings *share = g_new0(struct share_settings, 1);
    share->name = g_strdup(name);
    share->path = parse_path(words[0], base);
    for (char **word = words + 1; *word && !*reason; word++) {
        if (strcmp(*word, "readonly") == 0)
            share->read_only = true;
        else
            *reason = unknown(*word, known, "readonly; a path has no commas");
    }
    if (!*reason)
        return share;
    share_settings_free(share);
    return NULL;
}

/* "02:00:00:00:00:01", of a single machine and not all zeroes. */
static bool parse_mac(const char *text, uint8_t mac[6])
{
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);
    bool any = false;

    if (g_strv_length(parts) != 6)
        return false;
    for (unsigned i = 0; i < 6; i++) {
        if (strlen(parts[i]) != 2 || !g_ascii_isxdigit(parts[i][0]) || !g_ascii_isxdigit(parts[i][1]))
            return false;
        mac[i] = (uint8_t)(g_ascii_xdigit_value(parts[i][0]) << 4 | g_ascii_xdigit_value(parts[i][1]));
        any |= mac[i] != 0;
    }
    return any && !(mac[0] & 1);
}

/* "tcp:2222:22": the host's port and the guest's. */
static bool parse_forward(const char *text, struct net_forward_settings *forward)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);
    uint64_t host, guest;

    if (g_strv_length(parts) != 3 || (strcmp(parts[0], "tcp") != 0 && strcmp(parts[0], "udp") != 0) || !parse_number(parts[1], &host) ||
        !parse_number(parts[2], &guest) || host < 1 || host > UINT16_MAX || guest < 1 || guest > UINT16_MAX)
        return false;
    *forward = (struct net_forward_settings){.udp = parts[0][0] == 'u', .host_port = (uint16_t)host, .guest_port = (uint16_t)guest};
    return true;
}

static char *net_option(struct net_settings *net, const char *word)
{
    static const char *const known[] = {"mac=", "forward=", "isolated", NULL};

    if (g_str_has_prefix(word, "mac="))
        return parse_mac(word + 4, net->mac) ? NULL : g_strdup_printf("\"%s\" is no address of one machine (try mac=02:00:00:00:00:01)", word);
    if (net->tap && (g_str_has_prefix(word, "forward=") || strcmp(word, "isolated") == 0))
        return g_strdup_printf("\"%s\" is an option of user, not of tap", word);
    if (strcmp(word, "isolated") == 0) {
        net->isolated = true;
        return NULL;
    }
    if (g_str_has_prefix(word, "forward=")) {
        struct net_forward_settings forward;
        if (!parse_forward(word + 8, &forward))
            return g_strdup_printf("\"%s\" is no forward (try forward=tcp:2222:22: port of the host, port of the guest)", word);
        if (net->forwards->len >= FORWARDS_MAX)
            return g_strdup_printf("more than %d forwards", FORWARDS_MAX);
        g_array_append_val(net->forwards, forward);
        return NULL;
    }
    return unknown(word, known, "mac=ADDRESS, forward=tcp:HOST:GUEST and isolated");
}

struct net_settings *net_settings_parse(const char *name, const char *text, char **reason)
{
    g_auto(GStrv) words = split(text);
    const char *kind = words[0] ? words[0] : "";
    bool tap = g_str_has_prefix(kind, "tap:") && kind[4];

    if (!tap && strcmp(kind, "user") != 0) {
        *reason = g_strdup_printf("\"%s\" is neither user nor tap:INTERFACE (try user)", kind);
        return NULL;
    }
    struct net_settings *net = g_new0(struct net_settings, 1);
    net->name = g_strdup(name);
    net->tap = tap ? g_strdup(kind + 4) : NULL;
    net->forwards = g_array_new(FALSE, FALSE, sizeof(struct net_forward_settings));
    for (char **word = words + 1; *word && !*reason; word++)
        *reason = net_option(net, *word);
    if (!*reason)
        return net;
    net_settings_free(net);
    return NULL;
}
