/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chrome's trace format. See chrome_trace.h; called by recorder.c. */
#include "vmm/observe/chrome_trace.h"

#include "gpu/gpu.h"
#include "vmm/commands.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#define BIT(event) (UINT64_C(1) << TRACE_##event)

const uint64_t chrome_trace_events = BIT(SUBMIT) | BIT(DISPATCH) | BIT(COMPLETE) | BIT(PREEMPT) | BIT(HANG) | BIT(ENGINE_RESET) |
                                     BIT(AUDIT_REJECT) | BIT(VGPU_RESET) | BIT(VGPU_FAILED) | BIT(FLIP);

/* Tracks of a guest: its engines, then the rest. Track 0 would be taken for the process's main thread. */
enum { TRACK_ENGINE = 1, TRACK_DISPLAY = TRACK_ENGINE + ENGINE_COUNT };

struct span {
    uint64_t workload;
    uint8_t vgpu, engine;
    bool open;
};

struct writer {
    FILE *file;
    const struct chrome_trace *trace;
    bool comma;
    struct span running[ENGINE_COUNT]; /* whose slice is open on the engine, if one is */
    GHashTable *open;                  /* workload's id -> struct span: submitted and not over */
    unsigned queued[TRACE_MAX_VGPUS][ENGINE_COUNT];
    bool seen[TRACE_MAX_VGPUS];
};

static void begin(struct writer *writer)
{
    fputs(writer->comma ? ",\n" : "\n", writer->file);
    writer->comma = true;
}

/* Microseconds with three digits behind the point. */
static void print_time(struct writer *writer, uint64_t time_ns)
{
    uint64_t ns = time_ns > writer->trace->start_ns ? time_ns - writer->trace->start_ns : 0;

    fprintf(writer->file, "\"ts\":%" PRIu64 ".%03" PRIu64, ns / 1000, ns % 1000);
}

static void print_metadata(struct writer *writer, const char *what, unsigned pid, unsigned tid, const char *name)
{
    g_autofree char *quoted = json_string(name);

    begin(writer);
    fprintf(writer->file, "{\"ph\":\"M\",\"name\":\"%s\",\"pid\":%u,\"tid\":%u,\"args\":{\"name\":%s}}", what, pid, tid, quoted);
}

static void name_tracks(struct writer *writer, unsigned vgpu)
{
    const char *name = writer->trace->name_of(writer->trace->opaque, vgpu);
    g_autofree char *number = g_strdup_printf("vGPU %u", vgpu);

    print_metadata(writer, "process_name", vgpu, 0, name ? name : vgpu == TRACE_HOST ? "host" : number);
    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        print_metadata(writer, "thread_name", vgpu, TRACK_ENGINE + e, gpu_engine_name(e));
    print_metadata(writer, "thread_name", vgpu, TRACK_DISPLAY, "display");
}

/* The fields that all events on a track have. */
static void print_event(struct writer *writer, const char *phase, uint64_t time_ns, unsigned pid, unsigned tid)
{
    begin(writer);
    fprintf(writer->file, "{\"ph\":\"%s\",\"pid\":%u,\"tid\":%u,", phase, pid, tid);
    print_time(writer, time_ns);
}

static void end_slice(struct writer *writer, unsigned engine, uint64_t time_ns, const char *how)
{
    struct span *span = &writer->running[engine];

    if (!span->open)
        return;
    print_event(writer, "E", time_ns, span->vgpu, TRACK_ENGINE + engine);
    fprintf(writer->file, ",\"args\":{\"end\":\"%s\"}}", how);
    span->open = false;
}

/* An engine runs one workload at a time: who comes ends what was there. */
static void begin_slice(struct writer *writer, const struct trace_record *record)
{
    end_slice(writer, record->engine, record->time_ns, "next");
    print_event(writer, "B", record->time_ns, record->vgpu, TRACK_ENGINE + record->engine);
    fprintf(writer->file, ",\"name\":\"%" PRIu64 "\",\"args\":{\"workload\":%" PRIu64 ",\"context\":\"0x%" PRIx64 "\"}}", record->a, record->a, record->b);
    writer->running[record->engine] = (struct span){record->a, record->vgpu, record->engine, true};
}

static void print_instant(struct writer *writer, const struct trace_record *record, const char *arguments)
{
    unsigned track = record->engine < ENGINE_COUNT ? TRACK_ENGINE + record->engine : TRACK_DISPLAY;

    print_event(writer, "i", record->time_ns, record->vgpu, track);
    fprintf(writer->file, ",\"s\":\"t\",\"name\":\"%s\",\"args\":{%s}}", trace_event_descs[record->event].name, arguments);
}

static void print_async(struct writer *writer, const char *phase, uint64_t time_ns, const struct span *span, const char *arguments)
{
    print_event(writer, phase, time_ns, span->vgpu, TRACK_ENGINE + span->engine);
    fprintf(writer->file, ",\"cat\":\"%s\",\"id\":\"0x%" PRIx64 "\",\"name\":\"submitted\",\"args\":{%s}}", gpu_engine_name(span->engine), span->workload,
            arguments);
}

static void print_queued(struct writer *writer, uint64_t time_ns, unsigned vgpu, unsigned engine)
{
    print_event(writer, "C", time_ns, vgpu, TRACK_ENGINE + engine);
    fprintf(writer->file, ",\"name\":\"queued %s\",\"args\":{\"workloads\":%u}}", gpu_engine_name(engine), writer->queued[vgpu][engine]);
}

static void submitted(struct writer *writer, const struct trace_record *record)
{
    if (g_hash_table_contains(writer->open, &record->a))
        return;
    struct span *span = g_new(struct span, 1);
    *span = (struct span){record->a, record->vgpu, record->engine, true};
    g_hash_table_insert(writer->open, &span->workload, span);
    print_async(writer, "b", record->time_ns, span, "");
    writer->queued[record->vgpu][record->engine]++;
    print_queued(writer, record->time_ns, record->vgpu, record->engine);
}

static void over(struct writer *writer, const struct trace_record *record)
{
    bool hung = record->event == TRACE_HANG;
    const struct span *running = &writer->running[record->engine], *span = g_hash_table_lookup(writer->open, &record->a);
    char arguments[64] = "\"end\":\"hang\"";

    if (!hung)
        g_snprintf(arguments, sizeof(arguments), "\"end\":\"complete\",\"busy_us\":%.3f", (double)record->b / 1e3);
    if (running->open && running->workload == record->a)
        end_slice(writer, record->engine, record->time_ns, hung ? "hang" : "complete");
    if (hung)
        print_instant(writer, record, "");
    if (!span)
        return; /* its begin is not there */
    print_async(writer, "e", record->time_ns, span, arguments);
    writer->queued[span->vgpu][span->engine]--;
    print_queued(writer, record->time_ns, span->vgpu, span->engine);
    g_hash_table_remove(writer->open, &record->a);
}

static void preempted(struct writer *writer, const struct trace_record *record)
{
    char arguments[48];

    if (writer->running[record->engine].open && writer->running[record->engine].workload == record->a)
        end_slice(writer, record->engine, record->time_ns, "preempted");
    g_snprintf(arguments, sizeof(arguments), "\"workload\":%" PRIu64, record->a);
    print_instant(writer, record, arguments);
}

static void write_record(struct writer *writer, const struct trace_record *record)
{
    bool engine = record->engine < ENGINE_COUNT;
    char arguments[64] = "";

    if (record->vgpu >= TRACE_MAX_VGPUS || record->event >= TRACE_EVENT_COUNT)
        return;
    if (!writer->seen[record->vgpu]) {
        writer->seen[record->vgpu] = true;
        name_tracks(writer, record->vgpu);
    }
    switch ((enum trace_event)record->event) {
    case TRACE_SUBMIT:
        if (engine)
            submitted(writer, record);
        break;
    case TRACE_DISPATCH:
        if (engine)
            begin_slice(writer, record);
        break;
    case TRACE_COMPLETE:
    case TRACE_HANG:
        if (engine)
            over(writer, record);
        break;
    case TRACE_PREEMPT:
        if (engine)
            preempted(writer, record);
        break;
    case TRACE_ENGINE_RESET:
        if (engine)
            end_slice(writer, record->engine, record->time_ns, "reset");
        print_instant(writer, record, record->a ? "\"cause\":\"hang\"" : "\"cause\":\"guest\"");
        break;
    case TRACE_FLIP:
        g_snprintf(arguments, sizeof(arguments), "\"surface\":\"0x%" PRIx64 "\",\"plane\":%" PRIu64, record->a, record->b);
        print_instant(writer, record, arguments);
        break;
    default:
        print_instant(writer, record, "");
        break;
    }
}

/* What has not ended when the recording does. */
static void close_open(struct writer *writer)
{
    GHashTableIter iter;
    gpointer value;

    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        end_slice(writer, e, writer->trace->end_ns, "trace");
    g_hash_table_iter_init(&iter, writer->open);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        print_async(writer, "e", writer->trace->end_ns, value, "\"end\":\"trace\"");
}

/* Threads take the time and their place in the ring one after the other: neighbours may be the wrong way round. */
static gint by_time(gconstpointer a, gconstpointer b, gpointer unused)
{
    const struct trace_record *first = a, *second = b;

    return first->time_ns < second->time_ns ? -1 : first->time_ns > second->time_ns;
}

bool chrome_trace_write(FILE *file, struct chrome_trace *trace)
{
    struct writer *writer = g_new0(struct writer, 1);

    *writer = (struct writer){.file = file, .trace = trace, .open = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free)};
    g_qsort_with_data(trace->records, (gint)trace->count, sizeof(trace->records[0]), by_time, NULL); /* is stable */
    for (size_t i = 0; i < trace->count; i++)
        trace->end_ns = MAX(trace->end_ns, trace->records[i].time_ns);
    fprintf(file, "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"lost_records\":\"%" PRIu64 "\",\"forgotten_records\":\"%" PRIu64 "\"},\"traceEvents\":[",
            trace->lost, trace->forgotten);
    for (size_t i = 0; i < trace->count && !ferror(file); i++)
        write_record(writer, &trace->records[i]);
    close_open(writer);
    fputs("\n]}\n", file);
    g_hash_table_destroy(writer->open);
    g_free(writer);
    return fflush(file) == 0 && !ferror(file);
}
