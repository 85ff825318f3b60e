/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Talks to a control socket. See client.h. */
#include "vmm/control/client.h"

#include "vmm/control/control.h"
#include "vmm/control/input.h"
#include "vmm/error.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 << 20, ANSWER_S = 10, EVENTS_KEPT = 256 };

struct control_client {
    char *path;
    int fd;
    struct control_input input;
    char bytes[4096];
    size_t begin, end;  /* of what is in bytes */
    GQueue events;      /* JsonObject, the last EVENTS_KEPT that came while answers were waited for */
};

/* Takes the problem's place when it is not set. */
static void fail(const struct control_client *client, GError **error, const char *what)
{
    if (error && !*error)
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: %s", client->path, what);
}

static bool wait_readable(const struct control_client *client, gint64 by)
{
    struct pollfd fd = {.fd = client->fd, .events = POLLIN};

    /* A signal, as of vmm top's end, does not take the answer away. */
    for (gint64 left; (left = by - g_get_monotonic_time()) > 0;)
        if (poll(&fd, 1, (int)(left / 1000 + 1)) > 0)
            return true;
    return false;
}

/* The next message; NULL with an error when none comes until then, or the server is gone. */
static JsonObject *receive(struct control_client *client, gint64 by, GError **error)
{
    for (;;) {
        JsonObject *message = NULL;
        g_autoptr(GError) problem = NULL;
        while (client->begin < client->end && !message && !problem)
            client->begin += control_input_take(&client->input, client->bytes + client->begin, client->end - client->begin, &message, &problem);
        if (problem)
            fail(client, error, problem->message);
        if (message || problem)
            return message;
        if (!wait_readable(client, by)) {
            fail(client, error, "no answer");
            return NULL;
        }
        ssize_t len = read(client->fd, client->bytes, sizeof(client->bytes));
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0) {
            fail(client, error, len == 0 ? "the VMM has closed the connection" : g_strerror(errno));
            return NULL;
        }
        client->begin = 0;
        client->end = (size_t)len;
    }
}

static bool send_text(struct control_client *client, const char *text, GError **error)
{
    for (size_t sent = 0, len = strlen(text); sent < len;) {
        ssize_t n = send(client->fd, text + sent, len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            fail(client, error, g_strerror(errno));
            return false;
        }
        sent += (size_t)n;
    }
    return true;
}

static void keep_event(struct control_client *client, JsonObject *event)
{
    g_queue_push_tail(&client->events, event);
    if (client->events.length > EVENTS_KEPT)
        json_object_unref(g_queue_pop_head(&client->events));
}

/* The server's "error" as ours; what it does not find was asked for wrongly. */
static void take_error(const struct control_client *client, JsonObject *answer, GError **error)
{
    JsonNode *node = json_object_get_member(answer, "error");
    JsonObject *body = node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    const char *class = body ? json_object_get_string_member_with_default(body, "class", "") : "";
    const char *text = body ? json_object_get_string_member_with_default(body, "desc", NULL) : NULL;

    g_set_error(error, VMM_ERROR, strcmp(class, "DeviceNotFound") == 0 ? VMM_ERROR_CONFIG : VMM_ERROR_FAILED, "%s: %s", client->path,
                text ? text : "an answer without a result");
}

JsonNode *control_client_call(struct control_client *client, const char *command, JsonObject *arguments, GError **error)
{
    const gint64 by = g_get_monotonic_time() + ANSWER_S * G_USEC_PER_SEC;
    g_autoptr(JsonObject) message = json_object_new();
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);

    json_object_set_string_member(message, "execute", command);
    if (arguments)
        json_object_set_object_member(message, "arguments", arguments);
    json_node_set_object(node, message);
    g_autofree char *text = json_to_string(node, FALSE), *line = g_strconcat(text, "\n", NULL);
    if (!send_text(client, line, error))
        return NULL;
    for (JsonObject *answer; (answer = receive(client, by, error)) != NULL;) {
        if (json_object_has_member(answer, "event")) {
            keep_event(client, answer);
            continue;
        }
        JsonNode *result = json_object_has_member(answer, "return") ? json_object_dup_member(answer, "return") : NULL;
        if (!result)
            take_error(client, answer, error);
        json_object_unref(answer);
        return result;
    }
    return NULL;
}

static bool is_about(JsonObject *message, const char *event, const char *guest)
{
    JsonNode *data = json_object_get_member(message, "data");

    return strcmp(json_object_get_string_member_with_default(message, "event", ""), event) == 0 && data && JSON_NODE_HOLDS_OBJECT(data) &&
           strcmp(json_object_get_string_member_with_default(json_node_get_object(data), "name", ""), guest) == 0;
}

const char *control_client_wait(struct control_client *client, const char *const *events, const char *guest, gint64 timeout_us)
{
    const gint64 by = g_get_monotonic_time() + timeout_us;

    for (;;) {
        g_autoptr(JsonObject) message = g_queue_pop_head(&client->events);
        if (!message)
            message = receive(client, by, NULL);
        if (!message)
            return g_get_monotonic_time() < by ? "" : NULL; /* the connection has ended, before the time */
        for (const char *const *event = events; *event; event++)
            if (is_about(message, *event, guest))
                return *event;
    }
}

struct control_client *control_client_open(const char *path, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct control_client *client = g_new0(struct control_client, 1);
    g_autoptr(JsonObject) greeting = NULL;
    g_autoptr(JsonNode) ready = NULL;

    client->path = g_strdup(path);
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_queue_init(&client->events);
    control_input_init(&client->input, ANSWER_MAX);
    if (strlen(path) >= sizeof(address.sun_path)) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: the path is too long for a socket", path);
        goto failed;
    }
    strcpy(address.sun_path, path);
    if (client->fd < 0 || connect(client->fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        const char *hint = errno == ECONNREFUSED ? ": nobody listens there any more" : errno == ENOENT ? ": is vmm run or serve running, with --control?" : "";
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %s%s", path, g_strerror(errno), hint);
        goto failed;
    }
    greeting = receive(client, g_get_monotonic_time() + ANSWER_S * G_USEC_PER_SEC, error);
    if (greeting && !json_object_has_member(greeting, "QMP"))
        fail(client, error, "is not a control socket");
    else if (greeting)
        ready = control_client_call(client, "qmp_capabilities", NULL, error);
    if (ready)
        return client;

failed:
    control_client_close(client);
    return NULL;
}

void control_client_close(struct control_client *client)
{
    if (!client)
        return;
    if (client->fd >= 0)
        close(client->fd);
    control_input_finish(&client->input);
    g_queue_clear_full(&client->events, (GDestroyNotify)json_object_unref);
    g_free(client->path);
    g_free(client);
}

const char *control_client_path(const struct control_client *client)
{
    return client->path;
}

static void close_client(gpointer client)
{
    control_client_close(client);
}

GPtrArray *control_clients_open(const char *path, GError **error)
{
    g_autoptr(GPtrArray) clients = g_ptr_array_new_with_free_func(close_client);
    g_autofree char *folder = control_folder();
    g_autoptr(GDir) dir = path ? NULL : g_dir_open(folder, 0, NULL);

    if (path) {
        struct control_client *client = control_client_open(path, error);
        if (!client)
            return NULL;
        g_ptr_array_add(clients, client);
    }
    for (const char *name; dir && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        struct control_client *client = g_str_has_suffix(name, ".sock") ? control_client_open(file, NULL) : NULL;
        if (client)
            g_ptr_array_add(clients, client);
    }
    if (clients->len > 0)
        return g_steal_pointer(&clients);
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "no VMM answers in %s (start one with --control auto, or name its socket by --control PATH)", folder);
    return NULL;
}

static bool has_guest(struct control_client *client, const char *guest)
{
    static const char *const queries[] = {"query-vms", "query-vgpus"};

    for (unsigned q = 0; q < G_N_ELEMENTS(queries); q++) {
        g_autoptr(JsonNode) list = control_client_call(client, queries[q], NULL, NULL);
        JsonArray *array = list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;
        for (guint i = 0; array && i < json_array_get_length(array); i++)
            if (strcmp(json_object_get_string_member_with_default(json_array_get_object_element(array, i), "name", ""), guest) == 0)
                return true;
    }
    return false;
}

struct control_client *control_client_find(const char *path, const char *guest, GError **error)
{
    g_autoptr(GPtrArray) clients = control_clients_open(path, error);
    int found = -1;

    for (guint i = 0; clients && i < clients->len; i++) {
        if (!has_guest(g_ptr_array_index(clients, i), guest))
            continue;
        if (found >= 0) {
            g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s is a guest at %s and at %s (choose by --control PATH)", guest,
                        control_client_path(g_ptr_array_index(clients, (guint)found)), control_client_path(g_ptr_array_index(clients, i)));
            return NULL;
        }
        found = (int)i;
    }
    if (found >= 0)
        return g_ptr_array_steal_index(clients, (guint)found);
    if (clients)
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "there is no guest %s (vmm ps lists them)", guest);
    return NULL;
}

JsonObject *control_guest_arguments(const char *guest)
{
    JsonObject *arguments = json_object_new();

    json_object_set_string_member(arguments, "name", guest);
    return arguments;
}
