/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm top: rates of all guests of a VMM, on a terminal that is redrawn, as text that goes on, or as JSON. Numbers are made in control/top.c. */
#include "vmm/commands.h"
#include "vmm/control/client.h"
#include "vmm/control/top.h"
#include "vmm/error.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define SCREEN_BEGIN "\033[?1049h\033[?25l" /* the alternate screen, no cursor (xterm's control sequences) */
#define SCREEN_END "\033[?25h\033[?1049l"
#define SCREEN_HOME "\033[H"
#define LINE_REST "\033[K"
#define SCREEN_REST "\033[J"

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    ended = 1;
}

struct view {
    struct control_client *client;
    double interval_s;
    bool once, json, screen;
    bool keys;             /* standard input is a terminal that we have changed */
    struct termios before;
};

/* Signals end the loop, so that the terminal is given back as it was. */
static void begin(struct view *view)
{
    struct sigaction action = {.sa_handler = on_signal};
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

    for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++)
        sigaction(signals[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (!view->screen)
        return;
    if (tcgetattr(STDIN_FILENO, &view->before) == 0) {
        struct termios raw = view->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        view->keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    fputs(SCREEN_BEGIN, stdout);
}

static void end(const struct view *view)
{
    if (view->screen)
        fputs(SCREEN_END, stdout);
    fflush(stdout);
    if (view->keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &view->before);
}

/* False when somebody wants to leave. */
static bool wait(const struct view *view)
{
    const gint64 by = g_get_monotonic_time() + (gint64)(view->interval_s * G_USEC_PER_SEC);
    struct pollfd fd = {.fd = view->keys ? STDIN_FILENO : -1, .events = POLLIN};

    for (gint64 left; !ended && (left = by - g_get_monotonic_time()) > 0;) {
        char key;
        if (poll(&fd, 1, (int)(left / 1000 + 1)) > 0 && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
            return false;
    }
    return !ended;
}

static void draw(const struct view *view, const struct top *top)
{
    struct winsize size = {0};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row < 3)
        size = (struct winsize){.ws_row = 24, .ws_col = 80};
    g_autofree char *text = top_to_text(top, size.ws_col, size.ws_row - 2u);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    fputs(SCREEN_HOME, stdout);
    printf("vmm top: %.*s" LINE_REST "\n", size.ws_col - 9, control_client_path(view->client));
    for (char **line = lines; line[0] && line[1]; line++)
        printf("%s" LINE_REST "\n", *line);
    fputs(SCREEN_REST "q quits", stdout);
}

static void show(const struct view *view, const struct top *top)
{
    if (view->json) {
        g_autoptr(JsonNode) node = top_to_json(top);
        g_autofree char *text = json_to_string(node, view->once);
        puts(text);
    } else if (view->screen) {
        draw(view, top);
    } else {
        g_autofree char *text = top_to_text(top, 200, 0);
        fputs(text, stdout);
        if (!view->once)
            puts("");
    }
    fflush(stdout);
}

/* True when it ended as it should. */
static bool run(struct view *view, GError **error)
{
    g_autoptr(JsonNode) before = control_client_call(view->client, "query-stats", NULL, error);

    while (before && wait(view)) {
        g_autoptr(JsonNode) after = control_client_call(view->client, "query-stats", NULL, error);
        struct top *top = after ? top_create(before, after) : NULL;
        if (!top)
            break;
        show(view, top);
        top_free(top);
        if (view->once || ferror(stdout))
            return true;
        json_node_unref(before);
        before = g_steal_pointer(&after);
    }
    return ended || (error && !*error);
}

int cmd_top(int argc, char **argv)
{
    g_autofree char *path = NULL;
    gboolean once = FALSE, json = FALSE;
    double interval = 1;
    const GOptionEntry entries[] = {
        CONTROL_OPTION_ENTRY(&path),
        {"once", '1', 0, G_OPTION_ARG_NONE, &once, "Print once and end", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON: an object for each interval", NULL},
        {"interval", 'd', 0, G_OPTION_ARG_DOUBLE, &interval, "Time between two looks (1)", "SECONDS"},
        {0}};
    GError *error = NULL;
    int code;

    if (!command_parse(&argc, &argv, entries, 0, 0, &code))
        return code;
    if (!(interval >= 0.1 && interval <= 3600)) {
        fputs("vmm: top: --interval is not between 0.1 and 3600 seconds\n", stderr);
        return EXIT_USAGE;
    }
    g_autoptr(GPtrArray) clients = control_clients_open(path, &error);
    if (!clients)
        return command_fail(error);
    if (clients->len > 1) {
        fprintf(stderr, "vmm: top: several VMMs run: choose by --control, as %s (vmm ps lists them)\n", control_client_path(g_ptr_array_index(clients, 0)));
        return EXIT_USAGE;
    }
    struct view view = {.client = g_ptr_array_index(clients, 0), .interval_s = interval, .once = once, .json = json};
    view.screen = !once && !json && isatty(STDOUT_FILENO);
    begin(&view);
    bool ok = run(&view, &error);
    end(&view);
    if (error)
        return command_fail(error);
    return ok ? EXIT_OK : EXIT_VMM_FAILURE;
}
