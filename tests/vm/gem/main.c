/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gemcheck: does the i915 driver of a stock Linux get from this GPU what it and its users ask for? Runs in a guest with a vGPU (or on any
 * Gen9 machine), compares memory with what the CPU computes, and prints one line for each check.
 */
#include "checks.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <xf86drm.h>

static const struct {
    const char *name;
    const struct check *checks;
} groups[] = {
    {"device", device_checks}, {"softpin", softpin_checks}, {"reloc", reloc_checks}, {"aperture", aperture_checks},
    {"fence", fence_checks}, {"context", context_checks}, {"priority", priority_checks}, {"blit", blit_checks},
    {"userptr", userptr_checks}, {"large", large_checks}, {"many", many_checks}, {"parallel", parallel_checks}, {"kms", kms_checks},
    {"hang", hang_checks}, /* last: it leaves the GPU shaken */
};
enum { GROUPS = sizeof(groups) / sizeof(groups[0]), PATTERNS_MAX = 64, NODES = 64 };

struct command_line {
    struct settings settings;
    const char *without[PATTERNS_MAX];
    unsigned without_count;
    const char *const *wanted; /* patterns; none: all */
    unsigned wanted_count;
    bool list, verbose;
};

static const char usage[] =
    "Usage: gemcheck [OPTION...] [NAME...]\n"
    "\n"
    "Checks what Linux's i915 driver gets from the GPU. NAME is a group (softpin), a check (softpin.addresses) or a pattern (*.refused);\n"
    "without any, all checks run.\n"
    "\n"
    "  -l, --list            list the checks\n"
    "  -q, --quick           smaller sizes, fewer rounds, no slow checks\n"
    "  -s, --seed=N          seed of what is random (1)\n"
    "  -x, --without=NAME    leave these out; may be given again\n"
    "  -d, --device=NODE     render node (the first of i915)\n"
    "  -c, --card=NODE       card node, for kms (that of the same device)\n"
    "  -v, --verbose         times and remarks\n"
    "  -h, --help            explain this command\n"
    "\n"
    "Exit code 0: no check failed; 1: one did; 2: the command line is wrong.\n";

static bool parse(int argc, char **argv, struct command_line *line)
{
    static const struct option options[] = {
        {"list", no_argument, NULL, 'l'},           {"quick", no_argument, NULL, 'q'},
        {"seed", required_argument, NULL, 's'},     {"without", required_argument, NULL, 'x'},
        {"device", required_argument, NULL, 'd'},   {"card", required_argument, NULL, 'c'},
        {"verbose", no_argument, NULL, 'v'},        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;
    char *end;

    while ((option = getopt_long(argc, argv, "lqs:x:d:c:vh", options, NULL)) >= 0) {
        switch (option) {
        case 'l':
            line->list = true;
            break;
        case 'q':
            line->settings.quick = true;
            break;
        case 's':
            errno = 0;
            line->settings.seed = strtoull(optarg, &end, 0);
            if (errno || end == optarg || *end) {
                fprintf(stderr, "gemcheck: --seed: \"%s\" is not a number\n", optarg);
                return false;
            }
            break;
        case 'x':
            if (line->without_count == PATTERNS_MAX) {
                fprintf(stderr, "gemcheck: more than %d times --without\n", PATTERNS_MAX);
                return false;
            }
            line->without[line->without_count++] = optarg;
            break;
        case 'd':
            line->settings.render = optarg;
            break;
        case 'c':
            line->settings.card = optarg;
            break;
        case 'v':
            line->verbose = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs("gemcheck: try --help\n", stderr);
            return false;
        }
    }
    line->wanted = (const char *const *)argv + optind;
    line->wanted_count = (unsigned)(argc - optind);
    return true;
}

static bool names(const char *pattern, const char *group, const char *name)
{
    return strcmp(pattern, group) == 0 || fnmatch(pattern, name, 0) == 0;
}

static void full_name(char *name, size_t size, unsigned group, const struct check *check)
{
    snprintf(name, size, "%s.%s", groups[group].name, check->name);
}

static bool selected(const struct command_line *line, const char *group, const char *name)
{
    bool wanted = line->wanted_count == 0;

    for (unsigned i = 0; i < line->wanted_count && !wanted; i++)
        wanted = names(line->wanted[i], group, name);
    for (unsigned i = 0; i < line->without_count && wanted; i++)
        wanted = !names(line->without[i], group, name);
    return wanted;
}

/* Complains about patterns that name no check. */
static bool patterns_known(const char *const *patterns, unsigned count)
{
    bool all = true;

    for (unsigned i = 0; i < count; i++) {
        bool known = false;

        for (unsigned group = 0; group < GROUPS; group++) {
            for (const struct check *check = groups[group].checks; check->name; check++) {
                char name[64];

                full_name(name, sizeof(name), group, check);
                known |= names(patterns[i], groups[group].name, name);
            }
        }
        if (!known)
            fprintf(stderr, "gemcheck: no check is named \"%s\" (try --list)\n", patterns[i]);
        all &= known;
    }
    return all;
}

static bool is_i915(const char *node)
{
    int fd = open(node, O_RDWR | O_CLOEXEC);
    drmVersion *version = fd >= 0 ? drmGetVersion(fd) : NULL;
    bool is = version && strcmp(version->name, "i915") == 0;

    drmFreeVersion(version);
    if (fd >= 0)
        close(fd);
    return is;
}

/* The device in sysfs that a node belongs to. */
static bool device_of(const char *node, char path[PATH_MAX])
{
    struct stat info;
    char link[64];

    if (stat(node, &info) < 0)
        return false;
    snprintf(link, sizeof(link), "/sys/dev/char/%u:%u/device", major(info.st_rdev), minor(info.st_rdev));
    return realpath(link, path) != NULL;
}

/* Fills in the nodes that the command line leaves open: the first render node of i915, and the card of the same device. */
static bool find_nodes(struct settings *settings)
{
    static char render[32], card[32];
    char device[PATH_MAX], other[PATH_MAX];

    for (unsigned i = 0; i < NODES && !settings->render; i++) {
        snprintf(render, sizeof(render), "/dev/dri/renderD%u", 128 + i);
        if (is_i915(render))
            settings->render = render;
    }
    if (!settings->render)
        return false;
    for (unsigned i = 0; i < NODES && !settings->card; i++) {
        snprintf(card, sizeof(card), "/dev/dri/card%u", i);
        if (device_of(settings->render, device) && device_of(card, other) && strcmp(device, other) == 0)
            settings->card = card;
    }
    return true;
}

static void list(const struct command_line *line)
{
    for (unsigned group = 0; group < GROUPS; group++) {
        for (const struct check *check = groups[group].checks; check->name; check++) {
            char name[64];

            full_name(name, sizeof(name), group, check);
            if (selected(line, groups[group].name, name))
                printf("%-28s %s\n", name, check->help);
        }
    }
}

static void indent(const char *notes)
{
    while (*notes) {
        size_t length = strcspn(notes, "\n");

        printf("    %.*s\n", (int)length, notes);
        notes += length + (notes[length] == '\n');
    }
}

int main(int argc, char **argv)
{
    static const char *const verdicts[] = {"PASS", "FAIL", "SKIP"};
    struct command_line line = {.settings = {.seed = 1}};
    unsigned counts[3] = {0};

    if (!parse(argc, argv, &line) || !patterns_known(line.wanted, line.wanted_count) || !patterns_known(line.without, line.without_count))
        return 2;
    if (line.list) {
        list(&line);
        return 0;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!find_nodes(&line.settings)) {
        printf("FAIL device: expected a render node of i915 in /dev/dri, found none\n0 passed, 1 failed, 0 skipped\n");
        return 1;
    }
    for (unsigned group = 0; group < GROUPS; group++) {
        for (const struct check *check = groups[group].checks; check->name; check++) {
            char name[64], message[1024], notes[4096];
            enum verdict verdict;
            double started = now_s();

            full_name(name, sizeof(name), group, check);
            if (!selected(&line, groups[group].name, name))
                continue;
            verdict = run_check(check, &line.settings, message, sizeof(message), notes, sizeof(notes));
            counts[verdict]++;
            printf(message[0] ? "%s %s: %s\n" : "%s %s\n", verdicts[verdict], name, message);
            if (line.verbose) {
                indent(notes);
                printf("    %.2f s\n", now_s() - started);
            }
        }
    }
    printf("%u passed, %u failed, %u skipped\n", counts[VERDICT_PASS], counts[VERDICT_FAIL], counts[VERDICT_SKIP]);
    return counts[VERDICT_FAIL] ? 1 : 0;
}
