/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A viewer for tests, by libvncclient, that does what its arguments say; and a comparison of pictures. Exit 1 with a line on standard error when something is not
 * as wanted within a minute.
 *
 *   client WHERE ACTION...  size WIDTHxHEIGHT   waits for a screen of that size
 *                           pixel X,Y=RRGGBB    waits for a pixel of that colour
 *                           other X,Y=RRGGBB    waits for a pixel of another colour
 *                           shot FILE.png       writes the picture
 *                           type KEYSYM         presses and releases a key (number or one character); down and up: only that
 *                           move X,Y,BUTTONS    the pointer
 *                           sleep MS            reads meanwhile
 *                           updates             prints how many updates came so far
 *                           stall MS            asks for the whole screen again and again and reads nothing; then expects to be hung up on
 *   client compare A.png B.png                  the same size, and every pixel the same
 *
 * WHERE is a port of 127.0.0.1 or the path of a socket. VNC_PASSWORD is the password; VNC_ENCODINGS what to ask for (hextile).
 */
#include <cairo.h>
#include <errno.h>
#include <poll.h>
#include <rfb/rfbclient.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 }; /* a machine may be busy; what is slow shows in benchmarks */

static unsigned updates;

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("client: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void no_log(const char *format, ...)
{
}

static char *give_password(rfbClient *client)
{
    const char *password = getenv("VNC_PASSWORD");

    return strdup(password ? password : "");
}

static void count_update(rfbClient *client)
{
    updates++;
}

static rfbClient *open_client(const char *port)
{
    rfbClient *client = rfbGetClient(8, 3, 4);
    int argc = 1;
    char *argv[] = {"client", NULL};

    rfbClientLog = rfbClientErr = no_log;
    client->GetPassword = give_password;
    client->FinishedFrameBufferUpdate = count_update;
    client->canHandleNewFBSize = TRUE;
    client->format.redShift = 16;
    client->format.greenShift = 8;
    client->format.blueShift = 0;
    client->appData.encodingsString = getenv("VNC_ENCODINGS") ? getenv("VNC_ENCODINGS") : "hextile";
    client->appData.useRemoteCursor = TRUE;
    client->appData.enableJPEG = FALSE; /* every pixel counts */
    client->serverHost = strdup(port[0] == '/' ? port : "127.0.0.1");
    client->serverPort = port[0] == '/' ? 0 : atoi(port);
    if (!rfbInitClient(client, &argc, argv))
        fail("no connection to %s, or no welcome", port);
    return client;
}

static void serve(rfbClient *client, int64_t until_ms)
{
    int64_t left = until_ms - now_ms();
    int got = WaitForMessage(client, left > 0 ? (unsigned)left * 1000 : 0);

    if (got < 0 || (got > 0 && !HandleRFBServerMessage(client)))
        fail("the server hung up");
}

static uint32_t pixel_at(const rfbClient *client, int x, int y)
{
    uint32_t pixel;

    memcpy(&pixel, client->frameBuffer + ((size_t)y * (size_t)client->width + (size_t)x) * 4, sizeof(pixel));
    return pixel & 0xffffff;
}

static void wait_for_size(rfbClient *client, int width, int height)
{
    int64_t end = now_ms() + PATIENCE_MS;

    while (client->width != width || client->height != height) {
        if (now_ms() >= end)
            fail("the screen is %dx%d, not %dx%d", client->width, client->height, width, height);
        serve(client, end);
    }
}

static void wait_for_pixel(rfbClient *client, int x, int y, uint32_t colour, bool wanted)
{
    int64_t end = now_ms() + PATIENCE_MS;

    while (x >= client->width || y >= client->height || (pixel_at(client, x, y) == colour) != wanted) {
        if (now_ms() >= end)
            fail("pixel %d,%d should%s be %06x and is %06x", x, y, wanted ? "" : " not", colour, x < client->width && y < client->height ? pixel_at(client, x, y) : 0);
        serve(client, end);
    }
}

static void write_picture(const rfbClient *client, const char *path)
{
    cairo_surface_t *surface = cairo_image_surface_create_for_data(client->frameBuffer, CAIRO_FORMAT_RGB24, client->width, client->height, client->width * 4);

    if (cairo_surface_write_to_png(surface, path) != CAIRO_STATUS_SUCCESS)
        fail("%s cannot be written", path);
    cairo_surface_destroy(surface);
}

static uint32_t keysym(const char *text)
{
    return strlen(text) == 1 ? (uint32_t)(unsigned char)text[0] : (uint32_t)strtoul(text, NULL, 0);
}

static void stall(rfbClient *client, int64_t ms)
{
    int64_t end = now_ms() + ms;
    struct pollfd fd = {.fd = client->sock, .events = POLLRDHUP};

    while (now_ms() < end) {
        if (poll(&fd, 1, 20) > 0 && (fd.revents & (POLLHUP | POLLERR | POLLRDHUP))) {
            puts("hung up");
            exit(0);
        }
        /* The first of each pair is answered by libvncserver with the size only. */
        SendFramebufferUpdateRequest(client, 0, 0, client->width, client->height, FALSE);
        SendFramebufferUpdateRequest(client, 0, 0, client->width, client->height, TRUE);
    }
    fail("it was not hung up on");
}

static cairo_surface_t *load(const char *path)
{
    cairo_surface_t *surface = cairo_image_surface_create_from_png(path);

    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS)
        fail("%s: %s", path, cairo_status_to_string(cairo_surface_status(surface)));
    return surface;
}

static void compare(const char *a_path, const char *b_path)
{
    cairo_surface_t *a = load(a_path), *b = load(b_path);
    int width = cairo_image_surface_get_width(a), height = cairo_image_surface_get_height(a);
    unsigned long differ = 0;

    if (width != cairo_image_surface_get_width(b) || height != cairo_image_surface_get_height(b))
        fail("%s is %dx%d, %s is %dx%d", a_path, width, height, b_path, cairo_image_surface_get_width(b), cairo_image_surface_get_height(b));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint32_t p, q;
            memcpy(&p, cairo_image_surface_get_data(a) + (size_t)y * (size_t)cairo_image_surface_get_stride(a) + (size_t)x * 4, 4);
            memcpy(&q, cairo_image_surface_get_data(b) + (size_t)y * (size_t)cairo_image_surface_get_stride(b) + (size_t)x * 4, 4);
            if ((p ^ q) & 0xffffff && differ++ == 0)
                fprintf(stderr, "client: first at %d,%d: %06x and %06x\n", x, y, p & 0xffffff, q & 0xffffff);
        }
    if (differ)
        fail("%lu of %d pixels differ", differ, width * height);
    printf("%dx%d: the same\n", width, height);
    cairo_surface_destroy(a);
    cairo_surface_destroy(b);
}

static void act(rfbClient *client, const char *action, const char *value)
{
    unsigned x, y, z;

    if (strcmp(action, "size") == 0 && sscanf(value, "%ux%u", &x, &y) == 2)
        wait_for_size(client, (int)x, (int)y);
    else if (strcmp(action, "pixel") == 0 && sscanf(value, "%u,%u=%x", &x, &y, &z) == 3)
        wait_for_pixel(client, (int)x, (int)y, z, true);
    else if (strcmp(action, "other") == 0 && sscanf(value, "%u,%u=%x", &x, &y, &z) == 3)
        wait_for_pixel(client, (int)x, (int)y, z, false);
    else if (strcmp(action, "shot") == 0)
        write_picture(client, value);
    else if (strcmp(action, "down") == 0 || strcmp(action, "up") == 0)
        SendKeyEvent(client, keysym(value), action[0] == 'd');
    else if (strcmp(action, "type") == 0) {
        SendKeyEvent(client, keysym(value), TRUE);
        SendKeyEvent(client, keysym(value), FALSE);
    } else if (strcmp(action, "move") == 0 && sscanf(value, "%u,%u,%x", &x, &y, &z) == 3)
        SendPointerEvent(client, (int)x, (int)y, (int)z);
    else if (strcmp(action, "sleep") == 0)
        for (int64_t end = now_ms() + atoi(value); now_ms() < end;)
            serve(client, end);
    else if (strcmp(action, "stall") == 0)
        stall(client, atoi(value));
    else
        fail("what is %s %s?", action, value);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc == 4 && strcmp(argv[1], "compare") == 0) {
        compare(argv[2], argv[3]);
        return 0;
    }
    if (argc < 2)
        fail("usage: client WHERE ACTION... | client compare A.png B.png");
    rfbClient *client = open_client(argv[1]);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "updates") == 0)
            printf("%u updates\n", updates);
        else if (i + 1 < argc) {
            act(client, argv[i], argv[i + 1]);
            i++;
        } else
            fail("%s lacks a value", argv[i]);
    }
    rfbClientCleanup(client);
    return 0;
}
