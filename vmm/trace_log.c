/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace as text. See trace_log.h. */
#include "vmm/trace_log.h"

#include "gpu/defs/registers.h"
#include "vmm/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct trace_log {
    FILE *file;
    char *path;
    const char *(*name_of)(void *opaque, unsigned id);
    void *opaque;
    uint64_t cursor, lost, told_lost, start_ns;
    int failed; /* errno of the first write that failed, or 0 */
};

struct trace_log *trace_log_create(const char *path, const char *(*name_of)(void *opaque, unsigned id), void *opaque, GError **error)
{
    FILE *file = fopen(path, "we");

    if (!file) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "trace %s: %s", path, g_strerror(errno));
        return NULL;
    }
    struct trace_log *log = g_new0(struct trace_log, 1);
    *log = (struct trace_log){.file = file, .path = g_strdup(path), .name_of = name_of, .opaque = opaque, .start_ns = trace_now_ns()};
    return log;
}

static bool has_register(unsigned event)
{
    switch ((enum trace_event)event) {
    case TRACE_TRAP_READ:
    case TRACE_TRAP_WRITE:
    case TRACE_TRAP_ELSP:
    case TRACE_TRAP_INTERRUPT:
    case TRACE_TRAP_DISPLAY:
    case TRACE_TRAP_PVINFO:
    case TRACE_UNKNOWN_REGISTER:
        return true;
    default:
        return false;
    }
}

static void print(struct trace_log *log, const struct trace_record *record)
{
    const struct trace_event_desc *desc = &trace_event_descs[record->event];
    const char *guest = log->name_of(log->opaque, record->vgpu);
    int64_t ns = (int64_t)(record->time_ns - log->start_ns);
    bool trap = record->event <= TRACE_TRAP_APERTURE;
    char name[64];

    fprintf(log->file, "%12.6f %-10s %-5s %-18s", (double)ns / 1e9, guest ? guest : record->vgpu == TRACE_HOST ? "host" : "?",
            record->engine < ENGINE_COUNT ? gpu_engine_name(record->engine) : "-", desc->name);
    if (trap)
        fputs(record->a & TRACE_TRAP_IS_WRITE ? " W" : " R", log->file);
    if (desc->a)
        fprintf(log->file, " %s=0x%" PRIx64, desc->a, trap ? record->a & ~TRACE_TRAP_IS_WRITE : record->a);
    if (desc->b)
        fprintf(log->file, " %s=0x%" PRIx64, desc->b, record->b);
    if (has_register(record->event))
        fprintf(log->file, " %s", reg_name((uint32_t)record->a & ~3u, name, sizeof(name)));
    fputc('\n', log->file);
}

bool trace_log_poll(struct trace_log *log, struct trace *trace)
{
    struct trace_record records[256];
    size_t count;

    while (!log->failed && (count = trace_read(trace, &log->cursor, records, G_N_ELEMENTS(records), &log->lost)) > 0) {
        if (log->lost != log->told_lost)
            fprintf(log->file, "# %" PRIu64 " events came too fast and are missing here\n", log->lost - log->told_lost);
        log->told_lost = log->lost;
        for (size_t i = 0; i < count; i++)
            print(log, &records[i]);
        if (ferror(log->file))
            log->failed = errno ? errno : EIO;
    }
    return !log->failed;
}

bool trace_log_finish(struct trace_log *log, struct trace *trace, GError **error)
{
    if (!log)
        return true;
    trace_log_poll(log, trace);
    if (fclose(log->file) != 0 && !log->failed)
        log->failed = errno;
    bool ok = !log->failed;
    if (!ok)
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "trace %s: %s; it is not complete, and recording has ended", log->path, g_strerror(log->failed));
    g_free(log->path);
    g_free(log);
    return ok;
}
