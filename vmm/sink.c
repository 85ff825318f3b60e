/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's output to a file or to standard output. Of its serial port (machine.c) and its console (vm_devices.c). */
#include "vmm/sink.h"

#include "vmm/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096 };

struct sink {
    int fd;       /* -1 for none */
    bool opened;  /* the fd is ours to close */
    char *prefix; /* or NULL */
    GString *line;
};

struct sink *sink_create(const char *target, const char *prefix, GError **error)
{
    struct sink *sink = g_new0(struct sink, 1);

    if (strcmp(target, "none") == 0) {
        sink->fd = -1;
    } else if (strcmp(target, "stdio") == 0) {
        sink->fd = STDOUT_FILENO;
    } else {
        sink->fd = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        sink->opened = true;
        if (sink->fd < 0) {
            g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "cannot write %s: %s", target, g_strerror(errno));
            g_free(sink);
            return NULL;
        }
    }
    sink->prefix = g_strdup(prefix);
    sink->line = g_string_new(prefix);
    return sink;
}

/* A reader that went away must not end the VMM: what cannot be written is dropped. */
static void flush(struct sink *sink)
{
    const char *data = sink->line->str;
    size_t left = sink->line->len;

    while (sink->fd >= 0 && left > 0) {
        ssize_t done = write(sink->fd, data, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            break;
        data += done;
        left -= (size_t)done;
    }
    g_string_assign(sink->line, sink->prefix ? sink->prefix : "");
}

void sink_write(struct sink *sink, const uint8_t *data, size_t len)
{
    if (sink->fd < 0)
        return;
    for (size_t i = 0; i < len; i++) {
        g_string_append_c(sink->line, (char)data[i]);
        if ((sink->prefix && data[i] == '\n') || sink->line->len >= LINE_MAX_BYTES)
            flush(sink);
    }
    if (!sink->prefix && sink->line->len > 0)
        flush(sink);
}

void sink_put(struct sink *sink, uint8_t byte)
{
    sink_write(sink, &byte, 1);
}

void sink_destroy(struct sink *sink)
{
    if (!sink)
        return;
    if (sink->line->len > (sink->prefix ? strlen(sink->prefix) : 0)) {
        g_string_append_c(sink->line, '\n');
        flush(sink);
    }
    if (sink->opened)
        close(sink->fd);
    g_string_free(sink->line, TRUE);
    g_free(sink->prefix);
    g_free(sink);
}
