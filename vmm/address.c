/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses to listen at. See address.h. */
#include "vmm/address.h"

#include <string.h>

/* Where the port begins in "PORT" and "HOST:PORT", or NULL. */
static const char *port_of(const char *text)
{
    const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;

    return !strchr(text, '/') && *port && strspn(port, "0123456789") == strlen(port) ? port : NULL;
}

bool address_is_path(const char *text)
{
    return !port_of(text);
}

GSocketAddress *address_parse_port(const char *text)
{
    const char *port = port_of(text);
    guint64 number;

    if (!port || !g_ascii_string_to_unsigned(port, 10, 1, G_MAXUINT16, &number, NULL))
        return NULL;
    g_autofree char *host = port == text ? g_strdup("127.0.0.1") : g_strndup(text, (gsize)(port - 1 - text));
    size_t length = strlen(host);
    if (strcmp(host, "localhost") == 0)
        strcpy(host, "127.0.0.1"); /* both have nine letters */
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') { /* IPv6, as in URLs */
        host[length - 1] = '\0';
        memmove(host, host + 1, length - 1);
    }
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(host);
    if (!address || !g_inet_address_get_is_loopback(address))
        return NULL;
    return g_inet_socket_address_new(address, (guint16)number);
}

bool address_check(const char *text, const char *example, char **reason)
{
    if (address_is_path(text))
        return true;
    g_autoptr(GSocketAddress) address = address_parse_port(text);
    if (!address)
        *reason = g_strdup_printf("\"%s\" is not a port from 1 to 65535 of a loopback address (try %s)", text, example);
    return address != NULL;
}
