/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A buffer between threads and standard error. See messages.h. */
#include "vmm/messages.h"

#include <stdbool.h>
#include <stdio.h>

enum { WAITING_MAX = 64 << 10 };

struct messages {
    GMutex lock;
    GString *waiting;
    unsigned dropped;
    guint source; /* 0: none is due */
};

struct messages *messages_create(void)
{
    struct messages *messages = g_new0(struct messages, 1);

    g_mutex_init(&messages->lock);
    messages->waiting = g_string_new(NULL);
    return messages;
}

static void print(struct messages *messages)
{
    g_mutex_lock(&messages->lock);
    g_autofree char *text = g_strdup(messages->waiting->str);
    unsigned dropped = messages->dropped;
    g_string_truncate(messages->waiting, 0);
    messages->dropped = 0;
    messages->source = 0;
    g_mutex_unlock(&messages->lock);
    fputs(text, stderr);
    if (dropped)
        fprintf(stderr, "vmm: %u more messages came too fast to be printed\n", dropped);
}

static gboolean on_due(gpointer opaque)
{
    print(opaque);
    return G_SOURCE_REMOVE;
}

void messages_destroy(struct messages *messages)
{
    if (!messages)
        return;
    if (messages->source)
        g_source_remove(messages->source);
    print(messages);
    g_string_free(messages->waiting, TRUE);
    g_mutex_clear(&messages->lock);
    g_free(messages);
}

void messages_add(struct messages *messages, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_mutex_lock(&messages->lock);
    if (messages->waiting->len < WAITING_MAX)
        g_string_append_printf(messages->waiting, "vmm: %s\n", text);
    else
        messages->dropped++;
    /* Under the lock, which the callback takes: so ThreadSanitizer sees that this thread is done with the source before it is freed. */
    if (!messages->source)
        messages->source = g_idle_add_full(G_PRIORITY_DEFAULT, on_due, messages, NULL);
    g_mutex_unlock(&messages->lock);
}
