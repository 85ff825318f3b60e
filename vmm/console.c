/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's input from standard input. Used by session.c. */
#include "vmm/console.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { RETRY_MS = 5 };

struct console {
    int fd;
    console_input input;
    void *opaque;
    guint watch, retry;
    uint8_t data[256]; /* read, but not taken by the guest yet */
    size_t count;
};

static gboolean on_readable(gint fd, GIOCondition condition, gpointer opaque);

/* The guest takes what it has room for; the rest waits, and nothing more is read meanwhile. */
static bool push(struct console *console)
{
    size_t taken = console->input(console->opaque, console->data, console->count);

    console->count -= taken;
    memmove(console->data, console->data + taken, console->count);
    return console->count == 0;
}

static gboolean on_retry(gpointer opaque)
{
    struct console *console = opaque;

    if (!push(console))
        return G_SOURCE_CONTINUE;
    console->retry = 0;
    console->watch = g_unix_fd_add(console->fd, G_IO_IN, on_readable, console);
    return G_SOURCE_REMOVE;
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer opaque)
{
    struct console *console = opaque;
    ssize_t got = read(fd, console->data, sizeof(console->data));

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return G_SOURCE_CONTINUE;
    if (got <= 0) {
        console->watch = 0; /* end of input: the guest runs on */
        return G_SOURCE_REMOVE;
    }
    console->count = (size_t)got;
    if (push(console))
        return G_SOURCE_CONTINUE;
    console->watch = 0;
    console->retry = g_timeout_add(RETRY_MS, on_retry, console);
    return G_SOURCE_REMOVE;
}

struct console *console_create(int fd, console_input input, void *opaque)
{
    struct console *console = g_new0(struct console, 1);

    console->fd = fd;
    console->input = input;
    console->opaque = opaque;
    console->watch = g_unix_fd_add(fd, G_IO_IN, on_readable, console);
    return console;
}

void console_destroy(struct console *console)
{
    if (!console)
        return;
    if (console->watch)
        g_source_remove(console->watch);
    if (console->retry)
        g_source_remove(console->retry);
    g_free(console);
}
