/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A viewer and its thread. See viewer.h. */
#include "vmm/display/viewer.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Last: they have macros of common names. */
#include "vmm/display/greeting.h"
#include "vmm/display/vnc_library.h"
#define sraRgnEmpty(region) (viewer->vnc->region_empty(region)) /* for FB_UPDATE_PENDING(), too */

struct viewer {
    const struct vnc_library *vnc;
    struct viewer_config config;
    char *passwords[2]; /* as rfbCheckPasswordByList() takes them */
    rfbScreenInfoPtr rfb;
    int wake;           /* eventfd */
    GThread *thread;
    int hang_up;        /* the socket once more, to be shut down by others; -1 */
    bool running, stopping, wants; /* atomics */

    struct damage pending; /* under the picture's lock */

    /* The thread's. */
    int fd;
    rfbClientPtr client; /* NULL when it has gone */
    struct greeting greeting;
    uint32_t *pixels;    /* what it was told, and will be */
    unsigned width, height;
    struct typist typist;
};

static void on_pointer(int buttons, int x, int y, rfbClientPtr client)
{
    struct viewer *viewer = client->screen->screenData;

    typist_pointer(&viewer->typist, (unsigned)MAX(x, 0), (unsigned)MAX(y, 0), viewer->width, viewer->height, (unsigned)buttons);
    viewer->config.stirred(viewer->config.opaque);
}

static void on_key(rfbBool down, rfbKeySym keysym, rfbClientPtr client)
{
    struct viewer *viewer = client->screen->screenData;

    typist_key(&viewer->typist, keysym, down);
    viewer->config.stirred(viewer->config.opaque);
}

static void on_gone(rfbClientPtr client)
{
    struct viewer *viewer = client->screen->screenData;

    viewer->client = NULL;
}

/* As struct image has them: 0xffRRGGBB in native order. */
static void set_format(rfbScreenInfoPtr rfb)
{
    rfb->serverFormat.depth = 24;
    rfb->serverFormat.redShift = 16;
    rfb->serverFormat.greenShift = 8;
    rfb->serverFormat.blueShift = 0;
}

struct viewer *viewer_create(const struct viewer_config *config)
{
    struct viewer *viewer = g_new0(struct viewer, 1);

    viewer->config = *config;
    viewer->vnc = vnc_library_get(NULL);
    viewer->hang_up = viewer->fd = -1;
    viewer->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!viewer->vnc) {
        viewer_destroy(viewer);
        return NULL;
    }
    viewer->rfb = vnc_library_take();
    if (viewer->wake < 0 || !viewer->rfb) {
        viewer_destroy(viewer);
        return NULL;
    }
    rfbScreenInfoPtr rfb = viewer->rfb;
    set_format(rfb);
    rfb->screenData = viewer;
    rfb->desktopName = config->title;
    rfb->port = rfb->ipv6port = 0; /* it listens nowhere: screen.c does */
    rfb->autoPort = FALSE;
    rfb->cursor = NULL;            /* the guest's own is in the picture */
    rfb->alwaysShared = TRUE;
    rfb->deferUpdateTime = 0;
    rfb->maxClientWait = VIEWER_PATIENCE_MS;
    rfb->permitFileTransfer = FALSE;
    rfb->ptrAddEvent = on_pointer;
    rfb->kbdAddEvent = on_key;
    viewer->passwords[0] = g_strdup(config->password);
    rfb->authPasswdData = config->password ? viewer->passwords : NULL;
    rfb->passwordCheck = viewer->vnc->CheckPasswordByList;
    viewer->vnc->InitServer(rfb);
    return viewer;
}

void viewer_destroy(struct viewer *viewer)
{
    if (!viewer)
        return;
    viewer_stop(viewer);
    vnc_library_give(viewer->rfb);
    if (viewer->wake >= 0)
        close(viewer->wake);
    g_free(viewer->passwords[0]);
    g_free(viewer);
}

/* With the picture's lock: another size, or all that changed. Marks it for the viewer. */
static void copy_changes(struct viewer *viewer, const struct image *image)
{
    struct damage_rect rect;

    while (damage_take(&viewer->pending, image, &rect)) {
        for (unsigned y = rect.y; y < rect.y + rect.height; y++) {
            size_t at = (size_t)y * image->width + rect.x;
            memcpy(viewer->pixels + at, image->pixels + at, rect.width * sizeof(*viewer->pixels));
        }
        viewer->vnc->MarkRectAsModified(viewer->rfb, (int)rect.x, (int)rect.y, (int)(rect.x + rect.width), (int)(rect.y + rect.height));
    }
}

static void resize(struct viewer *viewer, const struct image *image)
{
    size_t bytes = (size_t)image->width * image->height * sizeof(*viewer->pixels);
    uint32_t *before = viewer->pixels, *pixels = g_try_malloc(bytes);

    /* A viewer that has let libvncserver scale for it would keep a picture that is scaled for the old size. */
    if (!pixels || (viewer->client && viewer->client->scaledScreen != viewer->rfb)) {
        g_free(pixels);
        if (viewer->client)
            viewer->vnc->CloseClient(viewer->client);
        return;
    }
    memcpy(pixels, image->pixels, bytes);
    memset(&viewer->pending, 0, sizeof(viewer->pending));
    viewer->pixels = pixels;
    viewer->width = image->width;
    viewer->height = image->height;
    viewer->vnc->NewFramebuffer(viewer->rfb, (char *)pixels, (int)image->width, (int)image->height, 8, 3, 4);
    set_format(viewer->rfb); /* the call before has put another there */
    if (viewer->client)
        viewer->rfb->setTranslateFunction(viewer->client);
    g_free(before);
}

static void take_picture(struct viewer *viewer)
{
    struct picture *picture = viewer->config.picture;

    g_mutex_lock(&picture->lock);
    if (picture->image && (picture->image->width != viewer->width || picture->image->height != viewer->height || !viewer->pixels))
        resize(viewer, picture->image);
    else if (picture->image)
        copy_changes(viewer, picture->image);
    g_mutex_unlock(&picture->lock);
}

/* Whether it has asked for an update and there is none to send. */
static void tell_wish(struct viewer *viewer)
{
    rfbClientPtr client = viewer->client;
    bool wants = client->state == RFB_NORMAL && !sraRgnEmpty(client->requestedRegion) && !FB_UPDATE_PENDING(client);

    if (__atomic_exchange_n(&viewer->wants, wants, __ATOMIC_SEQ_CST) != wants && wants)
        viewer->config.wants(viewer->config.opaque);
}

/* Waits for the viewer or a change; false when the viewer takes too long to say who it is. */
static bool sleep_until_needed(struct viewer *viewer, int64_t greeted_by_us)
{
    struct pollfd fds[] = {{.fd = viewer->fd, .events = POLLIN}, {.fd = viewer->wake, .events = POLLIN}};
    int64_t left_ms = (greeted_by_us - g_get_monotonic_time()) / 1000;
    bool greeting = viewer->client->state != RFB_NORMAL;
    uint64_t count;

    if (greeting && left_ms <= 0)
        return false;
    poll(fds, G_N_ELEMENTS(fds), greeting ? (int)left_ms : -1);
    ssize_t ignored = read(viewer->wake, &count, sizeof(count));
    (void)ignored;
    return true;
}

static bool stopping(const struct viewer *viewer)
{
    return __atomic_load_n(&viewer->stopping, __ATOMIC_ACQUIRE);
}

/*
 * Makes the viewer known to the library. That would first look for web sockets and TLS in what the viewer sends, and turns in a circle for ever if that are one to
 * three bytes. So it gets to see a socket of our own, in which a viewer's first word waits, and says its greeting there; then the viewer's takes that one's place.
 */
static bool introduce(struct viewer *viewer)
{
    static const char word[] = "RFB ";
    int pair[2], one = 1;
    char greeting[64];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return false;
    /* libvncserver waits by select(), for which larger numbers are beyond its memory. */
    bool ok = pair[0] < FD_SETSIZE && send(pair[1], word, strlen(word), MSG_NOSIGNAL) == (ssize_t)strlen(word);
    viewer->client = ok ? viewer->vnc->NewClient(viewer->rfb, pair[0]) : NULL; /* which closes it when it fails */
    ssize_t got = viewer->client ? recv(pair[1], greeting, sizeof(greeting), 0) : -1;
    close(pair[1]);
    if (!ok)
        close(pair[0]);
    if (!viewer->client)
        return false;
    viewer->client->clientGoneHook = on_gone;
    setsockopt(viewer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* of no concern to a local socket */
    fcntl(viewer->fd, F_SETFL, O_NONBLOCK);
    if (got > 0 && send(viewer->fd, greeting, (size_t)got, MSG_NOSIGNAL) == got && dup3(viewer->fd, pair[0], O_CLOEXEC) >= 0)
        close(viewer->fd);
    else { /* it has gone already; the library finds its own end closed */
        shutdown(pair[0], SHUT_RDWR);
        close(viewer->fd);
    }
    viewer->fd = pair[0];
    return true;
}

/* What the viewer has said, and what there is to say. */
static void process(struct viewer *viewer)
{
    bool stays = greeting_hear(&viewer->greeting, viewer->vnc, viewer->client);

    if (!stays)
        viewer->vnc->CloseClient(viewer->client);
    if (!stays || greeting_is_over(viewer->client))
        viewer->vnc->ProcessEvents(viewer->rfb, 0); /* which also lets go of closed ones */
}

static const char *serve(struct viewer *viewer)
{
    int64_t greeted_by_us = g_get_monotonic_time() + VIEWER_GREETING_MS * INT64_C(1000);

    viewer->greeting = (struct greeting){0};
    take_picture(viewer);
    if (!viewer->pixels || !introduce(viewer)) {
        close(viewer->fd);
        return "there are no memory or descriptors for it";
    }
    while (!stopping(viewer)) {
        int64_t before_us = g_get_monotonic_time();
        take_picture(viewer);
        process(viewer);
        if (!viewer->client)
            return g_get_monotonic_time() - before_us >= VIEWER_PATIENCE_MS * INT64_C(1000) && !stopping(viewer) ? "it did not read" : NULL;
        tell_wish(viewer);
        if (!sleep_until_needed(viewer, greeted_by_us))
            return "it did not finish the handshake";
    }
    return NULL;
}

static void *run(void *opaque)
{
    struct viewer *viewer = opaque;

    viewer->typist = (struct typist){.input = viewer->config.input, .keymap = viewer->config.keymap};
    const char *why = serve(viewer);
    if (viewer->client) {
        viewer->vnc->CloseClient(viewer->client);
        viewer->vnc->ClientConnectionGone(viewer->client);
    }
    viewer->fd = -1; /* the library has closed it */
    /* What one that does not read has not read is not kept for it. */
    if (why)
        setsockopt(viewer->hang_up, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    for (rfbScreenInfoPtr scaled; (scaled = viewer->rfb->scaledScreenNext);) {
        viewer->rfb->scaledScreenNext = scaled->scaledScreenNext;
        free(scaled->frameBuffer);
        free(scaled);
    }
    typist_leave(&viewer->typist);
    g_clear_pointer(&viewer->pixels, g_free);
    viewer->width = viewer->height = 0;
    __atomic_store_n(&viewer->wants, false, __ATOMIC_SEQ_CST);
    __atomic_store_n(&viewer->running, false, __ATOMIC_SEQ_CST);
    viewer->config.left(viewer->config.opaque, why);
    return NULL;
}

bool viewer_start(struct viewer *viewer, int fd, GError **error)
{
    viewer_stop(viewer); /* what is left of the one before */
    viewer->fd = fd;
    viewer->hang_up = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    memset(&viewer->pending, 0, sizeof(viewer->pending));
    __atomic_store_n(&viewer->stopping, false, __ATOMIC_SEQ_CST);
    __atomic_store_n(&viewer->running, true, __ATOMIC_SEQ_CST);
    viewer->thread = viewer->hang_up >= 0 ? g_thread_try_new("vnc-viewer", run, viewer, error) : NULL;
    if (viewer->thread)
        return true;
    if (viewer->hang_up < 0)
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_MFILE, "too many files are open");
    __atomic_store_n(&viewer->running, false, __ATOMIC_SEQ_CST);
    close(fd);
    viewer_stop(viewer);
    return false;
}

bool viewer_is_free(struct viewer *viewer)
{
    return !__atomic_load_n(&viewer->running, __ATOMIC_SEQ_CST);
}

bool viewer_wants(const struct viewer *viewer)
{
    return __atomic_load_n(&viewer->wants, __ATOMIC_SEQ_CST);
}

static void wake(struct viewer *viewer)
{
    uint64_t one = 1;
    ssize_t ignored = write(viewer->wake, &one, sizeof(one));

    (void)ignored;
}

void viewer_tell(struct viewer *viewer, const struct damage *damage)
{
    if (viewer_is_free(viewer))
        return;
    g_mutex_lock(&viewer->config.picture->lock);
    damage_add(&viewer->pending, damage);
    g_mutex_unlock(&viewer->config.picture->lock);
    /* It has something to send now; whether it wants more it says when that is done. */
    __atomic_store_n(&viewer->wants, false, __ATOMIC_SEQ_CST);
    wake(viewer);
}

void viewer_hang_up(struct viewer *viewer)
{
    if (!viewer->thread)
        return;
    __atomic_store_n(&viewer->stopping, true, __ATOMIC_RELEASE);
    shutdown(viewer->hang_up, SHUT_RDWR);
    wake(viewer);
}

void viewer_stop(struct viewer *viewer)
{
    viewer_hang_up(viewer);
    if (viewer->thread)
        g_thread_join(g_steal_pointer(&viewer->thread));
    if (viewer->hang_up >= 0)
        close(viewer->hang_up);
    viewer->hang_up = -1;
}
