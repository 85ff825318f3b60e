/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree as a file system; see fuse.h. The operations answer from the state, but for writes, which the main loop carries out. */
#define FUSE_USE_VERSION 35
#include "vmm/mdev/fuse.h"

#include "vmm/error.h"
#include "vmm/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SYSFS_FILE_SIZE = 4096, /* what sysfs says of each file; readers read until the end */
    WRITE_MAX = 4096,
};

struct mdev_fuse {
    int (*run)(void *opaque, const struct mdev_request *request);
    void *opaque;
    struct fuse_session *session;
    GThread *thread;
    int stop;  /* eventfd */
    int alive; /* the end of a pipe that closes with us: start_undertaker() */

    GMutex lock; /* of all that follows */
    GCond done;
    struct mdev_state state;
    const struct mdev_request *request; /* waits for the main loop, or is being carried out */
    bool answered, closing;
    int answer;
};

static struct mdev_fuse *of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

static struct mdev_node node(fuse_ino_t ino)
{
    return (struct mdev_node){ino};
}

/* With the lock. Nothing is remembered by the kernel: what there is changes under it. */
static struct stat attributes(struct mdev_node node)
{
    mode_t mode = mdev_node_mode(node);

    return (struct stat){.st_ino = node.number,
                         .st_mode = mode,
                         .st_nlink = S_ISDIR(mode) ? 2 : 1,
                         .st_uid = geteuid(),
                         .st_gid = getegid(),
                         .st_size = S_ISREG(mode) ? SYSFS_FILE_SIZE : 0,
                         .st_blksize = SYSFS_FILE_SIZE};
}

static void do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct mdev_fuse *fuse = of(req);
    struct fuse_entry_param entry = {0};
    struct mdev_node child = {0};

    g_mutex_lock(&fuse->lock);
    bool found = mdev_node_exists(&fuse->state, node(parent)) && mdev_node_child(&fuse->state, node(parent), name, &child);
    if (found)
        entry = (struct fuse_entry_param){.ino = child.number, .attr = attributes(child)};
    g_mutex_unlock(&fuse->lock);
    if (found)
        fuse_reply_entry(req, &entry);
    else
        fuse_reply_err(req, ENOENT);
}

static bool exists(struct mdev_fuse *fuse, fuse_ino_t ino)
{
    g_mutex_lock(&fuse->lock);
    bool exists = mdev_node_exists(&fuse->state, node(ino));
    g_mutex_unlock(&fuse->lock);
    return exists;
}

static void do_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    const struct stat st = attributes(node(ino));

    if (exists(of(req), ino))
        fuse_reply_attr(req, &st, 0);
    else
        fuse_reply_err(req, ENOENT);
}

/* Programs that write a file cut it off first; there is nothing to cut. */
static void do_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *file)
{
    if (to_set & ~(FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW | FUSE_SET_ATTR_CTIME))
        fuse_reply_err(req, EPERM);
    else
        do_getattr(req, ino, file);
}

static void do_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    file->direct_io = 1; /* sizes are not true */
    if (exists(of(req), ino))
        fuse_reply_open(req, file);
    else
        fuse_reply_err(req, ENOENT);
}

static char *text_of(struct mdev_fuse *fuse, fuse_ino_t ino)
{
    g_mutex_lock(&fuse->lock);
    char *text = mdev_node_exists(&fuse->state, node(ino)) ? mdev_node_text(&fuse->state, node(ino)) : NULL;
    g_mutex_unlock(&fuse->lock);
    return text;
}

static void do_readlink(fuse_req_t req, fuse_ino_t ino)
{
    g_autofree char *text = text_of(of(req), ino);

    if (text)
        fuse_reply_readlink(req, text);
    else
        fuse_reply_err(req, ENOENT);
}

static void do_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
    g_autofree char *text = text_of(of(req), ino);
    size_t length = text ? strlen(text) : 0, start = MIN((size_t)MAX(offset, 0), length);

    if (text)
        fuse_reply_buf(req, text + start, MIN(size, length - start));
    else
        fuse_reply_err(req, ENODEV);
}

struct listing {
    fuse_req_t req;
    char *buffer;
    size_t size, used;
    off_t skip, position;
};

static void list(void *opaque, const char *name, struct mdev_node child)
{
    struct listing *listing = opaque;
    const struct stat st = {.st_ino = child.number, .st_mode = mdev_node_mode(child)};

    if (listing->position++ < listing->skip)
        return;
    size_t need = fuse_add_direntry(listing->req, listing->buffer + listing->used, listing->size - listing->used, name, &st, listing->position);
    if (need <= listing->size - listing->used)
        listing->used += need;
    else
        listing->size = listing->used; /* full: what follows comes with the next call */
}

static void do_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
    struct mdev_fuse *fuse = of(req);
    struct listing listing = {.req = req, .size = MIN(size, 65536), .skip = offset};

    listing.buffer = g_malloc(listing.size);
    g_mutex_lock(&fuse->lock);
    list(&listing, ".", node(ino));
    list(&listing, "..", node(ino));
    mdev_node_each_child(&fuse->state, node(ino), list, &listing);
    g_mutex_unlock(&fuse->lock);
    fuse_reply_buf(req, listing.buffer, listing.used);
    g_free(listing.buffer);
}

/* Main loop: carries out what the file system's thread waits for. */
static gboolean run_request(gpointer opaque)
{
    struct mdev_fuse *fuse = opaque;

    g_mutex_lock(&fuse->lock);
    const struct mdev_request *request = fuse->request;
    g_mutex_unlock(&fuse->lock);
    int answer = request ? fuse->run(fuse->opaque, request) : 0;
    g_mutex_lock(&fuse->lock);
    fuse->answer = answer;
    fuse->answered = true;
    g_cond_signal(&fuse->done);
    g_mutex_unlock(&fuse->lock);
    return G_SOURCE_REMOVE;
}

/* With the lock. */
static int wait_for_answer(struct mdev_fuse *fuse, const struct mdev_request *request)
{
    fuse->request = request;
    fuse->answered = false;
    g_idle_add_full(G_PRIORITY_DEFAULT, run_request, fuse, NULL);
    while (!fuse->answered && !fuse->closing)
        g_cond_wait(&fuse->done, &fuse->lock);
    fuse->request = NULL;
    return fuse->answered ? fuse->answer : ESHUTDOWN;
}

static void do_write(fuse_req_t req, fuse_ino_t ino, const char *text, size_t size, off_t offset, struct fuse_file_info *file)
{
    struct mdev_fuse *fuse = of(req);
    struct mdev_request request;

    if (size > WRITE_MAX) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    g_mutex_lock(&fuse->lock);
    int answer = mdev_node_exists(&fuse->state, node(ino)) ? mdev_node_written(&fuse->state, node(ino), text, size, &request) : ENODEV;
    if (!answer)
        answer = fuse->closing ? ESHUTDOWN : wait_for_answer(fuse, &request);
    g_mutex_unlock(&fuse->lock);
    if (answer)
        fuse_reply_err(req, answer);
    else
        fuse_reply_write(req, size);
}

static const struct fuse_lowlevel_ops operations = {
    .lookup = do_lookup,
    .getattr = do_getattr,
    .setattr = do_setattr,
    .readlink = do_readlink,
    .open = do_open,
    .read = do_read,
    .write = do_write,
    .readdir = do_readdir,
};

static void *serve(void *opaque)
{
    struct mdev_fuse *fuse = opaque;
    struct fuse_buf buffer = {0};
    struct pollfd fds[] = {{.fd = fuse->stop, .events = POLLIN}, {.fd = fuse_session_fd(fuse->session), .events = POLLIN}};

    sandbox_enter(&(struct sandbox_thread){.kind = SANDBOX_DEVICE});
    while (!fuse_session_exited(fuse->session)) {
        if (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno != EINTR)
            break;
        if (fds[0].revents)
            break;
        if (!fds[1].revents)
            continue;
        int got = fuse_session_receive_buf(fuse->session, &buffer);
        if (got == -EINTR || got == -EAGAIN)
            continue;
        if (got <= 0) /* unmounted */
            break;
        fuse_session_process_buf(fuse->session, &buffer);
    }
    free(buffer.mem);
    return NULL;
}

/* Waits for the end of the pipe, which comes with the end of our process, and unmounts. */
static void be_undertaker(int alive, const char *path)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char byte;

    setsid();
    signal(SIGTERM, SIG_IGN); /* a service manager sends it to all processes of a service, and we come last */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    while (read(alive, &byte, 1) < 0 && errno == EINTR)
        ;
    execlp("fusermount3", "fusermount3", "-u", "-q", "-z", path, NULL);
    _exit(1);
}

/*
 * A process beside ours unmounts, as a confined one may not, and a killed one cannot, do it. libfuse's own way, auto_unmount, does it for root only: its program looks
 * into the dead mount first, which is another user's (fusermount3 3.14). False without one.
 */
static bool start_undertaker(struct mdev_fuse *fuse, const char *path)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[1]);
        be_undertaker(fds[0], path);
    }
    close(fds[0]);
    fuse->alive = fds[1];
    return pid > 0;
}

static struct fuse_session *mount_at(const char *path, void *opaque)
{
    char *arguments[] = {"vmm", "-odefault_permissions,fsname=mediant,subtype=mdev", NULL};
    struct fuse_args args = FUSE_ARGS_INIT(2, arguments);
    struct fuse_session *session = fuse_session_new(&args, &operations, sizeof(operations), opaque);

    fuse_opt_free_args(&args);
    if (session && fuse_session_mount(session, path) != 0)
        g_clear_pointer(&session, fuse_session_destroy);
    return session;
}

struct mdev_fuse *mdev_fuse_mount(const char *path, GError **error)
{
    struct mdev_fuse *fuse = g_new0(struct mdev_fuse, 1);

    g_mutex_init(&fuse->lock);
    g_cond_init(&fuse->done);
    mdev_state_init(&fuse->state);
    fuse->alive = -1;
    fuse->stop = eventfd(0, EFD_CLOEXEC);
    fuse->session = fuse->stop >= 0 && start_undertaker(fuse, path) ? mount_at(path, fuse) : NULL;
    if (fuse->session)
        return fuse;
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: no file system can be mounted there (is fuse3 installed, and /dev/fuse open to this user?)", path);
    mdev_fuse_destroy(fuse);
    return NULL;
}

bool mdev_fuse_start(struct mdev_fuse *fuse, int (*run)(void *opaque, const struct mdev_request *request), void *opaque, GError **error)
{
    fuse->run = run;
    fuse->opaque = opaque;
    fuse->thread = g_thread_try_new("mdev", serve, fuse, error);
    return fuse->thread != NULL;
}

void mdev_fuse_destroy(struct mdev_fuse *fuse)
{
    const uint64_t one = 1;

    if (!fuse)
        return;
    g_mutex_lock(&fuse->lock);
    fuse->closing = true;
    g_cond_signal(&fuse->done);
    g_mutex_unlock(&fuse->lock);
    if (fuse->thread) {
        ssize_t ignored = write(fuse->stop, &one, sizeof(one));
        (void)ignored;
        g_thread_join(fuse->thread);
    }
    while (g_idle_remove_by_data(fuse))
        ;
    /* Not fuse_session_unmount(), which starts a program: closing the descriptor ends the connection, and the undertaker unmounts. */
    if (fuse->session)
        fuse_session_destroy(fuse->session);
    if (fuse->alive >= 0)
        close(fuse->alive);
    if (fuse->stop >= 0)
        close(fuse->stop);
    mdev_state_clear(&fuse->state);
    g_mutex_clear(&fuse->lock);
    g_cond_clear(&fuse->done);
    g_free(fuse);
}

void mdev_fuse_update(struct mdev_fuse *fuse, void (*change)(void *opaque, struct mdev_state *state), void *opaque)
{
    g_mutex_lock(&fuse->lock);
    change(opaque, &fuse->state);
    g_mutex_unlock(&fuse->lock);
}
