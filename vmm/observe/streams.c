/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of recorded submissions. See streams.h. */
#include "vmm/observe/streams.h"

#include "vmm/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct streams {
    char *path;
    FILE *file; /* NULL once it is complete; the main loop's */
    uint64_t written, max_bytes;
    bool wanted; /* atomic */
    GMutex lock; /* guards all below */
    GQueue waiting;
    unsigned dwords; /* in waiting */
    uint64_t missing;
    guint idle;
};

struct streams *streams_create(const char *path, uint64_t max_bytes, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (!file) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %s", path, g_strerror(errno));
        return NULL;
    }
    struct streams *streams = g_new0(struct streams, 1);
    *streams = (struct streams){.path = g_strdup(path), .file = file, .max_bytes = max_bytes, .wanted = true};
    g_mutex_init(&streams->lock);
    g_queue_init(&streams->waiting);
    fputs(STREAM_FIRST_LINE, file);
    streams->written = strlen(STREAM_FIRST_LINE);
    return streams;
}

bool streams_wanted(struct streams *streams)
{
    return streams && __atomic_load_n(&streams->wanted, __ATOMIC_RELAXED);
}

/* The recording ends here; guests go on. */
static void stop(struct streams *streams, const char *reason)
{
    __atomic_store_n(&streams->wanted, false, __ATOMIC_RELAXED);
    if (streams->file)
        (void)fclose(streams->file);
    streams->file = NULL;
    if (reason)
        fprintf(stderr, "vmm: %s: %s: no more commands are recorded\n", streams->path, reason);
}

static void write_stream(struct streams *streams, const struct stream *stream)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!streams->file)
        return;
    stream_format(stream, text);
    if (text->len > streams->max_bytes - MIN(streams->written, streams->max_bytes)) {
        stop(streams, "has reached [observe] streams_max");
        return;
    }
    if (fwrite(text->str, 1, text->len, streams->file) != text->len)
        stop(streams, g_strerror(errno));
    streams->written += text->len;
}

static gboolean write_waiting(gpointer opaque)
{
    struct streams *streams = opaque;
    struct stream *stream;

    for (;;) {
        g_mutex_lock(&streams->lock);
        stream = g_queue_pop_head(&streams->waiting);
        if (stream)
            streams->dwords -= stream->dwords;
        else
            streams->idle = 0;
        g_mutex_unlock(&streams->lock);
        if (!stream)
            break;
        write_stream(streams, stream);
        stream_free(stream);
    }
    if (streams->file && fflush(streams->file) != 0)
        stop(streams, g_strerror(errno));
    return G_SOURCE_REMOVE;
}

void streams_add(struct streams *streams, struct stream *stream)
{
    if (!streams_wanted(streams)) {
        stream_free(stream);
        return;
    }
    g_mutex_lock(&streams->lock);
    bool room = stream->dwords <= STREAMS_WAITING_MAX - streams->dwords;
    if (room) {
        streams->dwords += stream->dwords;
        g_queue_push_tail(&streams->waiting, stream);
        if (!streams->idle)
            streams->idle = g_idle_add_full(G_PRIORITY_DEFAULT, write_waiting, streams, NULL);
    } else {
        streams->missing++;
    }
    g_mutex_unlock(&streams->lock);
    if (!room)
        stream_free(stream);
}

void streams_destroy(struct streams *streams)
{
    if (!streams)
        return;
    if (streams->idle)
        g_source_remove(streams->idle);
    write_waiting(streams);
    if (streams->missing)
        fprintf(stderr, "vmm: %s lacks %" PRIu64 " submissions that came too fast\n", streams->path, streams->missing);
    stop(streams, NULL);
    g_mutex_clear(&streams->lock);
    g_free(streams->path);
    g_free(streams);
}
