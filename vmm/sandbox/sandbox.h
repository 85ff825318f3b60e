/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this process gives up before guests run: a list of system calls for each kind of thread (seccomp), files that nobody has to open any more (Landlock),
 * new privileges, core files. docs/security.md tells it to users; `--no-sandbox` leaves it out.
 *
 * Each thread confines itself when it begins, as its kind needs: Landlock has no way to confine another thread, and lists are shorter when each kind has its
 * own. A thread that is started by a confined one is confined like that one. The layers below vmm/ know nothing of this: their threads are started from
 * sandbox_call().
 *
 * Like signal handlers, this is state of the process and not of an object. Before sandbox_begin(), as in unit tests, all calls here do nothing.
 *
 * Threads: sandbox_begin() from the first thread, before there is another; the rest from any.
 */
#ifndef MEDIANT_VMM_SANDBOX_H
#define MEDIANT_VMM_SANDBOX_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum sandbox_kind {
    SANDBOX_DEVICE,      /* a virtio worker, with the files that it has open; the thread of a vfio-user client */
    SANDBOX_ENGINE,      /* engines, display, scheduler, vGPUs; GLib's thread for signals */
    SANDBOX_VCPU,        /* a vCPU, and the alarms that vCPUs start */
    SANDBOX_FILES,       /* the virtio worker of a shared directory */
    SANDBOX_NETWORK,     /* the virtio worker of user-mode networking */
    SANDBOX_VFIO_SERVER, /* the threads of a vfio-user server */
    SANDBOX_DISPLAY,     /* a VNC server and its viewers */
    SANDBOX_MAIN,        /* the main loop's */
    SANDBOX_MAKER,       /* starts engines, vfio-user servers and VNC servers while others run (maker.h): what these may, and to listen */
    SANDBOX_KINDS,
};

/* What a path is for. Each is a directory but for SANDBOX_FONTS, which needs no path. */
enum sandbox_use {
    SANDBOX_OUTPUT, /* files are created there and put in place of others: for MAIN, VFIO_SERVER and MAKER, which starts the latter */
    SANDBOX_SOCKET, /* a socket is removed from there: MAIN */
    SANDBOX_LISTEN, /* sockets are made and removed there while others run: MAKER */
    SANDBOX_GROUP,  /* control groups are removed from there: MAIN */
    SANDBOX_FONTS,  /* the system's fonts are read: MAIN, DISPLAY, and MAKER, which starts the latter */
    SANDBOX_SHARE,  /* a guest's shared directory, of FILES: stays in sight (sandbox_allow_open()) */
    SANDBOX_SHARE_READ_ONLY,
};

/* How a thread is to be confined; {0} is a virtio worker without needs. */
struct sandbox_thread {
    enum sandbox_kind kind;
    const char *directory; /* of FILES: all below it may be used; NULL for none */
    bool read_only;        /* only read */
};

/*
 * Before sandbox_begin(), and before there is a second thread: namespaces of its own for users (where that gives the rights to the others), mounts, networks,
 * IPC and host names. Set-up goes on as without, as the host's files stay in sight until the main loop's thread enters, and networks for each thread until it
 * enters, or always if its kind needs them. What is refused here is said on standard error, and is no error. shares: guests have shared directories.
 */
void sandbox_isolate(bool shares);

/*
 * Takes from the process what no thread needs, and makes sandbox_enter() work. What this kernel cannot do is said on standard error, a line for each, and
 * is no error.
 */
void sandbox_begin(void);
/* Instead of it: says loudly on standard error what is given up. */
void sandbox_renounce(void);
/* Which parts are in force. */
bool sandbox_has_seccomp(void);
bool sandbox_has_landlock(void);
bool sandbox_has_namespaces(void);

/* Before the threads that it is for enter. A path that does not exist allows nothing. */
void sandbox_allow(enum sandbox_use use, const char *path);
/* Likewise of a directory that the caller has open for good, by O_PATH: the descriptor will lead to it in the file tree that is left, not in the host's. */
void sandbox_allow_open(enum sandbox_use use, const char *path, int fd);

/*
 * Confines the calling thread, for good. If the kernel fails that, which it does not but for lack of memory, the process ends with EXIT_VMM_FAILURE: a thread
 * runs as confined as it should be or not at all.
 *
 * A system call that is not in the thread's list ends the process likewise, with a line that names it and the thread.
 */
void sandbox_enter(const struct sandbox_thread *thread);

/* Calls function(opaque) on a thread of that kind and waits for it: threads that it starts are of the kind too. On the calling one without a sandbox. */
void sandbox_call(enum sandbox_kind kind, void (*function)(void *opaque), void *opaque);

#ifdef __cplusplus
}
#endif
#endif
