/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of the control socket. See server.h; what messages mean is in dispatch.c. */
#include "vmm/control/server.h"

#include "vmm/control/dispatch.h"
#include "vmm/control/input.h"
#include "vmm/unix_listener.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    struct control_server *server;
    int fd;
    guint reading, writing; /* sources; 0 for none */
    struct control_input input;
    GString *output;        /* that the socket did not take yet */
    bool negotiated, gone;
};

struct control_server {
    struct unix_listener listener;
    guint accepting;
    GArray *tables;     /* struct control_table */
    GPtrArray *clients; /* struct client */

    GMutex lock; /* guards the rest */
    GQueue events; /* JsonObject */
    guint64 lost;
    guint due;          /* source; 0 for none */
};

static void client_free(gpointer data)
{
    struct client *client = data;

    if (client->reading)
        g_source_remove(client->reading);
    if (client->writing)
        g_source_remove(client->writing);
    close(client->fd);
    control_input_finish(&client->input);
    g_string_free(client->output, TRUE);
    g_free(client);
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Sends as much as the socket takes. */
static void flush(struct client *client)
{
    while (!client->gone && client->output->len > 0) {
        struct iovec part = {client->output->str, client->output->len};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        ssize_t sent = sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            g_string_erase(client->output, 0, sent);
        else if (would_block())
            return;
        else
            client->gone = true;
    }
}

static gboolean on_writable(gint fd, GIOCondition condition, gpointer opaque);

/* A line for the client. Too much that waits already makes it go. */
static void add_line(struct client *client, JsonObject *object)
{
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);

    if (client->gone)
        return;
    if (client->output->len > CONTROL_OUTPUT_MAX) {
        client->gone = true;
        return;
    }
    json_node_set_object(node, object);
    g_autofree char *text = json_to_string(node, FALSE);
    g_string_append(client->output, text);
    g_string_append(client->output, "\r\n");
    flush(client);
    if (client->output->len > 0 && !client->writing)
        client->writing = g_unix_fd_add(client->fd, G_IO_OUT, on_writable, client);
}

/* Not in the midst of a client's own callbacks, but by those, last. */
static gboolean keep_or_drop(struct client *client)
{
    if (!client->gone)
        return G_SOURCE_CONTINUE;
    g_ptr_array_remove(client->server->clients, client);
    return G_SOURCE_REMOVE;
}

static gboolean on_writable(gint fd, GIOCondition condition, gpointer opaque)
{
    struct client *client = opaque;

    flush(client);
    if (client->gone) {
        client->writing = 0; /* the source goes by what is returned */
        return keep_or_drop(client);
    }
    if (client->output->len > 0)
        return G_SOURCE_CONTINUE;
    client->writing = 0;
    return G_SOURCE_REMOVE;
}

static void take_bytes(struct client *client, const char *bytes, size_t len)
{
    while (len > 0 && !client->gone) {
        g_autoptr(JsonObject) message = NULL;
        g_autoptr(GError) problem = NULL;
        size_t taken = control_input_take(&client->input, bytes, len, &message, &problem);
        if (message || problem) {
            g_autoptr(JsonObject) answer = control_answer(client->server->tables, &client->negotiated, message, problem);
            add_line(client, answer);
        }
        bytes += taken;
        len -= taken;
    }
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer opaque)
{
    struct client *client = opaque;
    char bytes[4096];
    ssize_t len = read(fd, bytes, sizeof(bytes)); /* one piece, so that no client keeps the loop for itself */

    if (len > 0)
        take_bytes(client, bytes, (size_t)len);
    else if (len == 0 || !would_block())
        client->gone = true;
    if (client->gone)
        client->reading = 0;
    return keep_or_drop(client);
}

static gboolean on_connection(gint fd, GIOCondition condition, gpointer opaque)
{
    struct control_server *server = opaque;
    int socket = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (socket < 0) {
        if (errno == EMFILE || errno == ENFILE)
            g_usleep(10000); /* it stays in the queue, and the loop would come back at once */
        return G_SOURCE_CONTINUE;
    }
    if (server->clients->len >= CONTROL_CLIENTS_MAX) {
        close(socket);
        return G_SOURCE_CONTINUE;
    }
    struct client *client = g_new0(struct client, 1);
    *client = (struct client){.server = server, .fd = socket, .output = g_string_new(NULL)};
    control_input_init(&client->input, CONTROL_MESSAGE_MAX);
    client->reading = g_unix_fd_add(socket, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, client);
    g_ptr_array_add(server->clients, client);
    g_autoptr(JsonObject) greeting = control_greeting();
    add_line(client, greeting);
    return G_SOURCE_CONTINUE;
}

static JsonObject *make_event(const char *name, JsonObject *data)
{
    JsonObject *event = json_object_new();

    control_add_timestamp(event);
    json_object_set_string_member(event, "event", name);
    if (data)
        json_object_set_object_member(event, "data", data);
    return event;
}

/* The main loop: events to all that listen. */
static gboolean on_events(gpointer opaque)
{
    struct control_server *server = opaque;

    g_mutex_lock(&server->lock);
    GQueue events = server->events;
    guint64 lost = server->lost;
    g_queue_init(&server->events);
    server->lost = 0;
    server->due = 0;
    g_mutex_unlock(&server->lock);
    if (lost) {
        JsonObject *data = json_object_new();
        json_object_set_int_member(data, "count", (gint64)lost);
        g_queue_push_tail(&events, make_event("EVENTS_LOST", data));
    }
    for (JsonObject *event; (event = g_queue_pop_head(&events)); json_object_unref(event))
        for (guint i = 0; i < server->clients->len; i++) {
            struct client *client = g_ptr_array_index(server->clients, i);
            if (client->negotiated)
                add_line(client, event);
        }
    for (guint i = server->clients->len; i-- > 0;)
        if (((struct client *)g_ptr_array_index(server->clients, i))->gone)
            g_ptr_array_remove_index(server->clients, i);
    return G_SOURCE_REMOVE;
}

void control_server_event(struct control_server *server, const char *name, JsonObject *data)
{
    if (!server) {
        if (data)
            json_object_unref(data);
        return;
    }
    JsonObject *event = make_event(name, data);
    g_mutex_lock(&server->lock);
    if (server->events.length < CONTROL_EVENTS_MAX) {
        g_queue_push_tail(&server->events, event);
    } else {
        json_object_unref(event);
        server->lost++;
    }
    if (!server->due)
        server->due = g_idle_add_full(G_PRIORITY_DEFAULT, on_events, server, NULL);
    g_mutex_unlock(&server->lock);
}

struct control_server *control_server_create(const char *path, GError **error)
{
    struct control_server *server = g_new0(struct control_server, 1);

    g_mutex_init(&server->lock);
    g_queue_init(&server->events);
    server->tables = g_array_new(FALSE, FALSE, sizeof(struct control_table));
    server->clients = g_ptr_array_new_with_free_func(client_free);
    if (!unix_listener_open(&server->listener, path, error)) {
        control_server_destroy(server);
        return NULL;
    }
    server->accepting = g_unix_fd_add(server->listener.fd, G_IO_IN, on_connection, server);
    control_server_add(server, control_protocol_commands, NULL); /* they work on the tables themselves */
    return server;
}

void control_server_destroy(struct control_server *server)
{
    if (!server)
        return;
    if (server->accepting)
        g_source_remove(server->accepting);
    if (server->due) {
        g_source_remove(server->due);
        on_events(server);
    }
    g_ptr_array_unref(server->clients);
    g_array_unref(server->tables);
    unix_listener_close(&server->listener);
    g_mutex_clear(&server->lock);
    g_free(server);
}

void control_server_add(struct control_server *server, const struct control_command *commands, void *opaque)
{
    const struct control_table table = {commands, opaque};

    g_array_append_val(server->tables, table);
}
