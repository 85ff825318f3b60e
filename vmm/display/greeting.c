/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Versions and security types. See greeting.h. */
#include "vmm/display/greeting.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

enum {
    VERSION_WITH_LIST = 7,    /* 3.7: the viewer chooses from a list; before, it is told */
    VERSION_WITH_RESULT = 8,  /* 3.8: a result follows in any case, with a reason for a refusal */
    VERSION_OF_APPLE = 889,   /* macOS' own: without a password, its next words come without a result, and its ClientInit never */
};

bool greeting_is_over(const rfbClientRec *client)
{
    return client->state != RFB_PROTOCOL_VERSION && client->state != RFB_SECURITY_TYPE;
}

static bool say(const struct vnc_library *vnc, rfbClientPtr client, const void *bytes, size_t size)
{
    return vnc->WriteExact(client, bytes, (int)size) > 0;
}

static uint8_t type_of(rfbClientPtr client)
{
    return client->screen->authPasswdData ? rfbSecTypeVncAuth : rfbSecTypeNone;
}

/* The viewer is to show who it is by its screen's type, which it knows. */
static bool begin(const struct vnc_library *vnc, rfbClientPtr client)
{
    const uint32_t fine = htonl(rfbVncAuthOK);

    if (type_of(client) == rfbSecTypeVncAuth) {
        client->state = RFB_AUTHENTICATION;
        return getrandom(client->authChallenge, CHALLENGESIZE, 0) == CHALLENGESIZE && say(vnc, client, client->authChallenge, CHALLENGESIZE);
    }
    if (client->protocolMinorVersion == VERSION_OF_APPLE) {
        client->state = RFB_INITIALISATION_SHARED;
        vnc->ProcessClientMessage(client);
        return true;
    }
    client->state = RFB_INITIALISATION;
    return client->protocolMinorVersion < VERSION_WITH_RESULT || say(vnc, client, &fine, sizeof(fine));
}

static bool hear_version(const uint8_t *said, const struct vnc_library *vnc, rfbClientPtr client)
{
    char text[13] = {0}, again[13];
    unsigned major = 0, minor = 0;

    memcpy(text, said, 12);
    if (sscanf(text, "RFB %3u.%3u", &major, &minor) != 2 || major > 999 || minor > 999)
        return false;
    snprintf(again, sizeof(again), "RFB %03u.%03u\n", major, minor);
    if (strcmp(text, again) != 0 || major != rfbProtocolMajorVersion)
        return false;
    client->protocolMajorVersion = (int)major;
    client->protocolMinorVersion = (int)minor;
    if (minor >= VERSION_WITH_LIST) {
        client->state = RFB_SECURITY_TYPE;
        return say(vnc, client, (const uint8_t[]){1, type_of(client)}, 2);
    }
    const uint32_t type = htonl(type_of(client));
    return say(vnc, client, &type, sizeof(type)) && begin(vnc, client);
}

static bool hear_type(uint8_t type, const struct vnc_library *vnc, rfbClientPtr client)
{
    static const char reason[] = "this security type was not offered";

    if (type == type_of(client))
        return begin(vnc, client);
    if (client->protocolMinorVersion >= VERSION_WITH_RESULT) {
        const uint32_t words[] = {htonl(rfbVncAuthFailed), htonl(strlen(reason))};
        if (say(vnc, client, words, sizeof(words)))
            say(vnc, client, reason, strlen(reason));
    }
    return false;
}

bool greeting_hear(struct greeting *greeting, const struct vnc_library *vnc, rfbClientPtr client)
{
    while (!greeting_is_over(client)) {
        bool version = client->state == RFB_PROTOCOL_VERSION;
        unsigned whole = version ? sizeof(greeting->said) : 1;
        ssize_t got = recv(client->sock, greeting->said + greeting->bytes, whole - greeting->bytes, 0);
        if (got <= 0)
            return got < 0 && (errno == EAGAIN || errno == EINTR);
        greeting->bytes += (unsigned)got;
        if (greeting->bytes < whole)
            continue;
        greeting->bytes = 0;
        if (!(version ? hear_version(greeting->said, vnc, client) : hear_type(greeting->said[0], vnc, client)))
            return false;
    }
    return true;
}
