/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The metrics' server. See metrics.h. */
#include "vmm/observe/metrics.h"

#include "vmm/address.h"
#include "vmm/error.h"
#include "vmm/unix_listener.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MAX = 16, HEAD_MAX = 4096, PATIENCE_S = 5, BACKLOG = 16 };

struct client {
    struct metrics *metrics;
    int fd;
    char head[HEAD_MAX + 1];
    size_t length; /* of head */
    char *reply;   /* NULL until the request is there */
    size_t size, sent;
    guint io, deadline;
};

struct metrics {
    struct figures_source *source;
    struct unix_listener listener; /* with a port: the descriptor only */
    guint accepting, pause; /* one of them */
    GPtrArray *clients; /* struct client */
};

static void client_free(gpointer data)
{
    struct client *client = data;

    if (client->io)
        g_source_remove(client->io);
    if (client->deadline)
        g_source_remove(client->deadline);
    close(client->fd);
    g_free(client->reply);
    g_free(client);
}

/* The connection is over; it is not to be touched any more. */
static void leave(struct client *client, bool dropped)
{
    struct metrics *metrics = client->metrics;

    metrics->source->scrapes_dropped += dropped;
    g_ptr_array_remove_fast(metrics->clients, client);
}

static gboolean on_deadline(gpointer opaque)
{
    struct client *client = opaque;

    client->deadline = 0;
    leave(client, true);
    return G_SOURCE_REMOVE;
}

static gboolean on_writable(gint fd, GIOCondition condition, gpointer opaque)
{
    struct client *client = opaque;
    ssize_t sent = send(fd, client->reply + client->sent, client->size - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return G_SOURCE_CONTINUE;
    client->sent += sent > 0 ? (size_t)sent : 0;
    if (sent > 0 && client->sent < client->size)
        return G_SOURCE_CONTINUE;
    client->io = 0;
    leave(client, sent <= 0);
    return G_SOURCE_REMOVE;
}

static void answer(struct client *client, const char *status, const char *type, const char *body)
{
    client->reply = g_strdup_printf("HTTP/1.0 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status, type, strlen(body), body);
    client->size = strlen(client->reply);
    client->io = g_unix_fd_add(client->fd, G_IO_OUT, on_writable, client);
}

static void refuse(struct client *client, const char *status)
{
    g_autofree char *body = g_strdup_printf("%s (try GET /metrics)\n", status);

    client->metrics->source->scrapes_dropped++;
    answer(client, status, "text/plain; charset=utf-8", body);
}

static void answer_figures(struct client *client)
{
    struct figures_source *source = client->metrics->source;

    source->scrapes++;
    struct figures *figures = figures_take(source);
    g_autofree char *text = figures_to_metrics(figures);
    figures_free(figures);
    answer(client, "200 OK", "text/plain; version=0.0.4; charset=utf-8", text);
}

/* The head is complete: METHOD PATH VERSION, and lines that do not matter. */
static void handle(struct client *client)
{
    client->head[strcspn(client->head, "\r\n")] = '\0';
    g_auto(GStrv) words = g_strsplit(client->head, " ", 4);
    if (g_strv_length(words) != 3 || !g_str_has_prefix(words[2], "HTTP/1."))
        return refuse(client, "400 Bad Request");
    if (strcmp(words[0], "GET") != 0)
        return refuse(client, "405 Method Not Allowed");
    words[1][strcspn(words[1], "?")] = '\0';
    if (strcmp(words[1], "/metrics") != 0)
        return refuse(client, "404 Not Found");
    answer_figures(client);
}

static bool head_complete(const struct client *client)
{
    return strstr(client->head, "\r\n\r\n") || strstr(client->head, "\n\n");
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer opaque)
{
    struct client *client = opaque;
    ssize_t got = read(fd, client->head + client->length, HEAD_MAX - client->length);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return G_SOURCE_CONTINUE;
    client->length += got > 0 ? (size_t)got : 0;
    bool text = strlen(client->head) == client->length, complete = head_complete(client); /* there are no zero bytes in a request */
    if (got > 0 && text && !complete && client->length < HEAD_MAX)
        return G_SOURCE_CONTINUE;
    client->io = 0;
    if (got <= 0)
        leave(client, true);
    else if (!text || !complete)
        refuse(client, text ? "431 Request Header Fields Too Large" : "400 Bad Request");
    else
        handle(client);
    return G_SOURCE_REMOVE;
}

static gboolean on_client(gint fd, GIOCondition condition, gpointer opaque);

static gboolean on_pause_over(gpointer opaque)
{
    struct metrics *metrics = opaque;

    metrics->pause = 0;
    metrics->accepting = g_unix_fd_add(metrics->listener.fd, G_IO_IN, on_client, metrics);
    return G_SOURCE_REMOVE;
}

static gboolean on_client(gint fd, GIOCondition condition, gpointer opaque)
{
    struct metrics *metrics = opaque;
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (accepted < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
        /* The client stays in the queue, and would wake us again at once. */
        metrics->accepting = 0;
        metrics->pause = g_timeout_add_seconds(1, on_pause_over, metrics);
        return G_SOURCE_REMOVE;
    }
    if (accepted < 0)
        return G_SOURCE_CONTINUE;
    if (metrics->clients->len >= CLIENTS_MAX) {
        metrics->source->scrapes_dropped++;
        close(accepted);
        return G_SOURCE_CONTINUE;
    }
    struct client *client = g_new0(struct client, 1);
    client->metrics = metrics;
    client->fd = accepted;
    client->io = g_unix_fd_add(accepted, G_IO_IN, on_readable, client);
    client->deadline = g_timeout_add_seconds(PATIENCE_S, on_deadline, client);
    g_ptr_array_add(metrics->clients, client);
    return G_SOURCE_CONTINUE;
}

static bool listen_at_port(struct unix_listener *listener, const char *text, GError **error)
{
    g_autoptr(GSocketAddress) address = address_parse_port(text);
    struct sockaddr_storage native;
    int on = 1;

    if (!address || !g_socket_address_to_native(address, &native, sizeof(native), error)) {
        if (error && !*error)
            g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s is not a port of a loopback address (try 127.0.0.1:9110)", text);
        return false;
    }
    listener->fd = socket(native.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd >= 0 && setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(listener->fd, (const struct sockaddr *)&native, (socklen_t)g_socket_address_get_native_size(address)) == 0 && listen(listener->fd, BACKLOG) == 0)
        return true;
    int reason = errno;
    guint16 port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address));
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "port %u %s", port, reason == EADDRINUSE ? "is in use (try another)" : g_strerror(reason));
    return false;
}

struct metrics *metrics_create(const char *address, struct figures_source *source, GError **error)
{
    struct metrics *metrics = g_new0(struct metrics, 1);

    metrics->source = source;
    metrics->listener.fd = -1;
    metrics->clients = g_ptr_array_new_with_free_func(client_free);
    if (!(address_is_path(address) ? unix_listener_open(&metrics->listener, address, error) : listen_at_port(&metrics->listener, address, error))) {
        metrics_destroy(metrics);
        return NULL;
    }
    metrics->accepting = g_unix_fd_add(metrics->listener.fd, G_IO_IN, on_client, metrics);
    return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
    if (!metrics)
        return;
    if (metrics->accepting)
        g_source_remove(metrics->accepting);
    if (metrics->pause)
        g_source_remove(metrics->pause);
    g_ptr_array_unref(metrics->clients);
    unix_listener_close(&metrics->listener);
    g_free(metrics);
}
