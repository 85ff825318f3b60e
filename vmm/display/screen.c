/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A screen and its viewers. See screen.h. */
#include "vmm/display/screen.h"

#include "gpu/trace.h"
#include "vmm/sandbox/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SAY_BURST = 20, /* lines, and one more each second: viewers that come again and again could fill a disk */
    NICE = 5,
    FULL_MS = 100,  /* to wait when no descriptor is left for a viewer that knocks */
};

struct screen {
    struct screen_config config;
    char *guest, *title, *password;
    struct vnc_listener listener;
    int wake; /* eventfd */
    GThread *thread;
    struct input input; /* a copy, so that viewers have one in any case */
    struct picture picture;
    struct viewer *viewers[SCREEN_VIEWERS];
    bool stopping, stirred; /* atomics */

    GMutex say_lock; /* of what follows */
    int64_t say_second;
    unsigned say_left;

    struct watch watch; /* the thread's */
};

static void G_GNUC_PRINTF(2, 3) say(struct screen *screen, const char *format, ...)
{
    int64_t now = g_get_monotonic_time() / G_USEC_PER_SEC;
    va_list args;

    if (!screen->config.say)
        return;
    g_mutex_lock(&screen->say_lock);
    screen->say_left = (unsigned)MIN(screen->say_left + (now - screen->say_second), SAY_BURST);
    screen->say_second = now;
    bool may = screen->say_left > 0;
    screen->say_left -= may;
    g_mutex_unlock(&screen->say_lock);
    if (!may)
        return;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    screen->config.say(screen->config.opaque, text);
}

static void wake(void *opaque)
{
    struct screen *screen = opaque;
    uint64_t one = 1;
    ssize_t ignored = write(screen->wake, &one, sizeof(one));

    (void)ignored;
}

/* Viewers' threads. */
static void stirred(void *opaque)
{
    struct screen *screen = opaque;

    if (!__atomic_exchange_n(&screen->stirred, true, __ATOMIC_SEQ_CST))
        wake(screen);
}

static void left(void *opaque, const char *why)
{
    struct screen *screen = opaque;

    if (why)
        say(screen, "a viewer was dropped: %s", why);
    wake(screen);
}

struct screen *screen_create(const struct screen_config *config, struct vnc_listener *listener)
{
    struct screen *screen = g_new0(struct screen, 1);

    screen->config = *config;
    screen->guest = g_strdup(config->guest);
    screen->title = g_strdup_printf("guest %s", config->guest);
    screen->password = g_strdup(config->password);
    screen->listener = *listener;
    *listener = (struct vnc_listener){.fd = -1};
    screen->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    screen->say_left = SAY_BURST;
    g_mutex_init(&screen->say_lock);
    g_mutex_init(&screen->picture.lock);
    watch_init(&screen->watch, screen->guest, &config->source, &screen->picture);
    const struct viewer_config viewer = {.title = screen->title,
                                         .password = screen->password,
                                         .picture = &screen->picture,
                                         .input = &screen->input,
                                         .keymap = config->keymap,
                                         .stirred = stirred,
                                         .wants = wake,
                                         .left = left,
                                         .opaque = screen};
    bool ok = screen->wake >= 0;
    for (unsigned i = 0; i < SCREEN_VIEWERS && ok; i++)
        ok = (screen->viewers[i] = viewer_create(&viewer)) != NULL;
    if (!ok)
        g_clear_pointer(&screen, screen_destroy);
    return screen;
}

static unsigned count_viewers(struct screen *screen, bool waiting)
{
    unsigned count = 0;

    for (unsigned i = 0; i < SCREEN_VIEWERS; i++)
        count += !viewer_is_free(screen->viewers[i]) && (!waiting || viewer_wants(screen->viewers[i]));
    return count;
}

static void reap(struct screen *screen)
{
    for (unsigned i = 0; i < SCREEN_VIEWERS; i++)
        if (viewer_is_free(screen->viewers[i]))
            viewer_stop(screen->viewers[i]);
}

static void look(struct screen *screen, uint64_t now_ns)
{
    struct damage damage = {0};

    if (!watch_look(&screen->watch, now_ns, &damage))
        return;
    for (unsigned i = 0; i < SCREEN_VIEWERS; i++)
        viewer_tell(screen->viewers[i], &damage);
}

static void let_in(struct screen *screen, uint64_t now_ns)
{
    g_autoptr(GError) error = NULL;
    struct viewer *place = NULL;
    int fd = accept4(screen->listener.fd, NULL, NULL, SOCK_CLOEXEC), one = 1;

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            say(screen, "a viewer cannot be let in: no file descriptors or memory are left");
            g_usleep(FULL_MS * 1000); /* it stays in the queue, and poll() would return at once */
        }
        return;
    }
    for (unsigned i = 0; i < SCREEN_VIEWERS && !place; i++)
        place = viewer_is_free(screen->viewers[i]) ? screen->viewers[i] : NULL;
    if (!place) {
        say(screen, "a viewer was turned away: %d are there", SCREEN_VIEWERS);
        close(fd);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    /* It is to see the screen as it is now. */
    watch_stir(&screen->watch, now_ns);
    look(screen, now_ns);
    if (!screen->picture.image)
        close(fd);
    else if (!viewer_start(place, fd, &error))
        say(screen, "a viewer cannot be let in: %s", error->message);
}

static void *run(void *opaque)
{
    struct screen *screen = opaque;

    setpriority(PRIO_PROCESS, 0, NICE); /* of this thread and those that it starts: where the CPUs are all busy, guests go first */
    sandbox_enter(&(struct sandbox_thread){.kind = SANDBOX_DISPLAY}); /* and so the viewers that it starts */
    while (!__atomic_load_n(&screen->stopping, __ATOMIC_ACQUIRE)) {
        struct pollfd fds[] = {{.fd = screen->listener.fd, .events = POLLIN}, {.fd = screen->wake, .events = POLLIN}};
        bool watched = count_viewers(screen, true) > 0;
        uint64_t now_ns = trace_now_ns(), count;
        uint64_t left_ns = screen->watch.look_ns > now_ns ? screen->watch.look_ns - now_ns : 0;
        const struct timespec timeout = {.tv_sec = (time_t)(left_ns / 1000000000), .tv_nsec = (long)(left_ns % 1000000000)};
        ppoll(fds, G_N_ELEMENTS(fds), watched ? &timeout : NULL, NULL);
        ssize_t ignored = read(screen->wake, &count, sizeof(count));
        (void)ignored;
        reap(screen);
        now_ns = trace_now_ns();
        if (__atomic_exchange_n(&screen->stirred, false, __ATOMIC_SEQ_CST))
            watch_stir(&screen->watch, now_ns);
        if (fds[0].revents)
            let_in(screen, now_ns);
        if (watched && now_ns >= screen->watch.look_ns)
            look(screen, now_ns);
        if (screen->picture.image && count_viewers(screen, false) == 0)
            watch_rest(&screen->watch);
    }
    return NULL;
}

bool screen_start(struct screen *screen, const struct input *input, GError **error)
{
    if (input)
        screen->input = *input;
    screen->thread = g_thread_try_new("vnc", run, screen, error);
    return screen->thread != NULL;
}

void screen_destroy(struct screen *screen)
{
    if (!screen)
        return;
    if (screen->thread) {
        __atomic_store_n(&screen->stopping, true, __ATOMIC_RELEASE);
        wake(screen);
        g_thread_join(screen->thread);
    }
    for (unsigned i = 0; i < SCREEN_VIEWERS; i++) /* all before one is waited for */
        if (screen->viewers[i])
            viewer_hang_up(screen->viewers[i]);
    for (unsigned i = 0; i < SCREEN_VIEWERS; i++)
        viewer_destroy(screen->viewers[i]);
    watch_rest(&screen->watch);
    vnc_listener_close(&screen->listener);
    if (screen->wake >= 0)
        close(screen->wake);
    g_mutex_clear(&screen->picture.lock);
    g_mutex_clear(&screen->say_lock);
    g_free(screen->guest);
    g_free(screen->title);
    g_free(screen->password);
    g_free(screen);
}
