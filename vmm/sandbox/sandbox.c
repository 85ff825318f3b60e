/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts the parts of the sandbox together; see sandbox.h. Called by cmd_run.c and cmd_serve.c, and by each thread of vmm/ when it begins. */
#include "vmm/error.h"
#include "vmm/sandbox/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    bool active;
    struct filters *filters;   /* or NULL */
    struct landlock *landlock; /* or NULL */
    GRWLock lock;              /* of landlock: written by sandbox_allow() */
} sandbox;

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
    if (SANDBOX_SANITIZER)
        return;
    violation_install();
    sandbox.filters = filters_create(&reason);
    if (!sandbox.filters)
        fprintf(stderr, "vmm: sandbox: no seccomp: %s; all system calls stay open\n", reason);
    sandbox.landlock = landlock_create(&reason);
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

void sandbox_allow(enum sandbox_use use, const char *path)
{
    if (!sandbox.landlock)
        return;
    g_rw_lock_writer_lock(&sandbox.lock);
    landlock_allow(sandbox.landlock, use, path);
    g_rw_lock_writer_unlock(&sandbox.lock);
}

static void give_up(const char *part)
{
    fprintf(stderr, "vmm: sandbox: a thread cannot be confined by %s: %s\n", part, g_strerror(errno));
    _exit(EXIT_VMM_FAILURE);
}

void sandbox_enter(const struct sandbox_thread *thread)
{
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
