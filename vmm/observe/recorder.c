/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the newest events and writes them at the end. See recorder.h. */
#include "vmm/observe/recorder.h"

#include "vmm/error.h"
#include "vmm/observe/chrome_trace.h"

#include <errno.h>
#include <string.h>

struct recorder {
    const char *(*name_of)(void *opaque, unsigned vgpu);
    void *opaque;
    char *path; /* NULL: there is no recording */
    FILE *file;
    struct trace_record *kept; /* a ring; grows up to RECORDER_KEEPS */
    size_t room, count, next;
    uint64_t cursor, start_ns, lost, forgotten;
};

struct recorder *recorder_create(const char *(*name_of)(void *opaque, unsigned vgpu), void *opaque)
{
    struct recorder *recorder = g_new0(struct recorder, 1);

    recorder->name_of = name_of;
    recorder->opaque = opaque;
    return recorder;
}

static void end(struct recorder *recorder)
{
    if (recorder->file)
        fclose(recorder->file);
    recorder->file = NULL;
    g_clear_pointer(&recorder->path, g_free);
    g_clear_pointer(&recorder->kept, g_free);
    recorder->room = recorder->count = recorder->next = 0;
}

void recorder_destroy(struct recorder *recorder)
{
    if (!recorder)
        return;
    end(recorder);
    g_free(recorder);
}

bool recorder_start(struct recorder *recorder, const char *path, struct trace *trace, GError **error)
{
    if (recorder->path) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "trace %s: events are being recorded to %s (stop that first)", path, recorder->path);
        return false;
    }
    recorder->file = fopen(path, "we");
    if (!recorder->file) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "trace %s: %s", path, g_strerror(errno));
        return false;
    }
    recorder->path = g_strdup(path);
    recorder->start_ns = trace_now_ns();
    recorder->lost = recorder->forgotten = 0;
    recorder->cursor = trace_recorded(trace); /* what was recorded for others before is not ours */
    return true;
}

const char *recorder_path(const struct recorder *recorder)
{
    return recorder->path;
}

static void keep(struct recorder *recorder, const struct trace_record *record)
{
    enum { FIRST_ROOM = 4096 };

    if (!(chrome_trace_events >> record->event & 1))
        return;
    if (recorder->count == recorder->room && recorder->room < RECORDER_KEEPS) {
        /* It has not gone round as long as it grows. */
        recorder->room = recorder->room ? MIN(recorder->room * 2, (size_t)RECORDER_KEEPS) : FIRST_ROOM;
        recorder->kept = g_renew(struct trace_record, recorder->kept, recorder->room);
        recorder->next = recorder->count;
    }
    recorder->forgotten += recorder->count == recorder->room;
    recorder->kept[recorder->next] = *record;
    recorder->next = (recorder->next + 1) % recorder->room;
    recorder->count = MIN(recorder->count + 1, recorder->room);
}

void recorder_poll(struct recorder *recorder, struct trace *trace)
{
    struct trace_record records[256];
    size_t count;

    if (!recorder->path)
        return;
    do {
        count = trace_read(trace, &recorder->cursor, records, G_N_ELEMENTS(records), &recorder->lost);
        for (size_t i = 0; i < count; i++)
            keep(recorder, &records[i]);
    } while (count == G_N_ELEMENTS(records));
}

bool recorder_stop(struct recorder *recorder, struct trace *trace, GError **error)
{
    if (!recorder->path) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "no events are being recorded (start a trace first)");
        return false;
    }
    recorder_poll(recorder, trace);
    struct chrome_trace out = {.records = recorder->kept,
                               .count = recorder->count,
                               .start_ns = recorder->start_ns,
                               .end_ns = trace_now_ns(),
                               .lost = recorder->lost,
                               .forgotten = recorder->forgotten,
                               .name_of = recorder->name_of,
                               .opaque = recorder->opaque};
    errno = 0;
    bool ok = chrome_trace_write(recorder->file, &out);
    int reason = errno ? errno : EIO;
    if (fclose(recorder->file) != 0 && ok) {
        ok = false;
        reason = errno;
    }
    recorder->file = NULL;
    if (!ok)
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "trace %s: %s; it is not complete, and recording has ended", recorder->path, g_strerror(reason));
    end(recorder);
    return ok;
}
