/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts the parts of the sandbox together; see sandbox.h. Called by cmd_run.c and cmd_serve.c, and by each thread of vmm/ when it begins. */
#include "vmm/error.h"
#include "vmm/sandbox/parts.h"
#include "vmm/sandbox/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    bool active;
    struct filters *filters;       /* or NULL */
    struct landlock *landlock;     /* or NULL */
    struct namespaces *namespaces; /* or NULL */
    struct paths *paths;
    GRWLock lock; /* of paths: written by sandbox_allow() */
} sandbox;

static void tell_refusal(const struct refusal *refusal)
{
    fprintf(stderr, "vmm: sandbox: no namespaces: %s%s%s; the host's file tree and networks stay in sight\n", refusal->step, refusal->error ? ": " : "",
            refusal->error ? g_strerror(refusal->error) : "");
}

void sandbox_isolate(bool shares)
{
    struct refusal refusal = {0};

    if (SANDBOX_SANITIZER)
        return;
    sandbox.namespaces = namespaces_create(shares, &refusal);
    if (!sandbox.namespaces)
        tell_refusal(&refusal);
}

void sandbox_begin(void)
{
    const char *reason = NULL;

    /* Whatever is loaded at first use from files is loaded now: the character set of messages. */
    (void)g_strerror(EPERM);
    if (!limits_apply()) {
        fprintf(stderr, "vmm: sandbox: none: no_new_privs: %s\n", g_strerror(errno));
        return;
    }
    sandbox.active = true;
    sandbox.paths = paths_create();
    if (SANDBOX_SANITIZER && !SANDBOX_THREAD_SANITIZER)
        return;
    violation_install();
    sandbox.filters = filters_create(&reason);
    if (!sandbox.filters)
        fprintf(stderr, "vmm: sandbox: no seccomp: %s; all system calls stay open\n", reason);
    if (SANDBOX_SANITIZER)
        return;
    sandbox.landlock = landlock_create(sandbox.paths, &reason);
    if (!sandbox.landlock)
        fprintf(stderr, "vmm: sandbox: no Landlock: %s; threads that open files may open any that this user may\n", reason);
}

void sandbox_renounce(void)
{
    fputs("vmm: WARNING: --no-sandbox: a guest that breaks into this process can do whatever this user can: read and write all files, start programs,\n"
          "vmm: WARNING: use the network. Core files, if the system writes them, hold the guests' memory.\n",
          stderr);
}

bool sandbox_has_seccomp(void)
{
    return sandbox.filters != NULL;
}

bool sandbox_has_landlock(void)
{
    return sandbox.landlock != NULL;
}

bool sandbox_has_namespaces(void)
{
    return sandbox.namespaces != NULL;
}

void sandbox_allow_open(enum sandbox_use use, const char *path, int fd)
{
    if (!sandbox.paths)
        return;
    g_rw_lock_writer_lock(&sandbox.lock);
    paths_allow(sandbox.paths, use, path, fd);
    g_rw_lock_writer_unlock(&sandbox.lock);
}

void sandbox_allow(enum sandbox_use use, const char *path)
{
    sandbox_allow_open(use, path, -1);
}

static void give_up(const char *part)
{
    fprintf(stderr, "vmm: sandbox: a thread cannot be confined by %s: %s\n", part, g_strerror(errno));
    _exit(EXIT_VMM_FAILURE);
}

/* All threads have one view of files, so that the main loop's, which is the last, changes it for all. */
static void close_namespaces(void)
{
    struct refusal refusal = {0};

    g_rw_lock_writer_lock(&sandbox.lock);
    if (!namespaces_close(sandbox.namespaces, sandbox.paths, &refusal))
        tell_refusal(&refusal);
    g_rw_lock_writer_unlock(&sandbox.lock);
}

/* As without this part; a container's filter does it. */
static void tell_capabilities(void)
{
    static int told;

    if (!g_atomic_int_exchange(&told, 1))
        fprintf(stderr, "vmm: sandbox: capabilities stay: %s\n", g_strerror(errno));
}

void sandbox_enter(const struct sandbox_thread *thread)
{
    /* The first threads of all have neither sockets nor files in their list, and do not wait for what the rest gets. */
    bool waits = thread->kind != SANDBOX_ENGINE || !sandbox.filters;

    if (sandbox.namespaces && waits && !namespaces_enter(sandbox.namespaces, thread->kind))
        give_up("a network namespace");
    if (sandbox.namespaces && thread->kind == SANDBOX_MAIN)
        close_namespaces();
    if (sandbox.active && !SANDBOX_SANITIZER && !capabilities_enter(thread->kind, sandbox.namespaces && namespaces_have_user(sandbox.namespaces)))
        tell_capabilities();
    if (sandbox.landlock) {
        g_rw_lock_reader_lock(&sandbox.lock);
        if (!landlock_enter(sandbox.landlock, thread))
            give_up("Landlock");
        g_rw_lock_reader_unlock(&sandbox.lock);
    }
    /* Last: the lists lack what Landlock needs. */
    if (sandbox.filters && !filters_enter(sandbox.filters, thread->kind))
        give_up("seccomp");
}

struct call {
    enum sandbox_kind kind;
    void (*function)(void *opaque);
    void *opaque;
};

static void *run_call(void *opaque)
{
    const struct call *call = opaque;

    sandbox_enter(&(struct sandbox_thread){.kind = call->kind});
    call->function(call->opaque);
    return NULL;
}

void sandbox_call(enum sandbox_kind kind, void (*function)(void *opaque), void *opaque)
{
    struct call call = {kind, function, opaque};

    if (sandbox.filters || sandbox.landlock)
        g_thread_join(g_thread_new("set-up", run_call, &call));
    else
        function(opaque);
}
