/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the sandbox, for sandbox.c: one file for each. */
#ifndef MEDIANT_VMM_SANDBOX_PARTS_H
#define MEDIANT_VMM_SANDBOX_PARTS_H

#include "vmm/sandbox/sandbox.h"

#include <glib.h>

/*
 * The sanitizers' run-time libraries read /proc, start programs that look up names of functions, and trace the process when it ends; a filter would hide what
 * they have found. So builds with one have neither Landlock nor namespaces, but the limits; and only one with GCC's ThreadSanitizer, which looks up names by
 * itself, has seccomp, with a list that lets all threads read files (seccomp.c).
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZER 1
#else
#define SANDBOX_SANITIZER 0
#endif
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define SANDBOX_THREAD_SANITIZER 1
#else
#define SANDBOX_THREAD_SANITIZER 0
#endif

/* limits.c: no new privileges, no core files, no tracing by others. False with errno when the kernel refuses no_new_privs, without which the rest cannot be. */
bool limits_apply(void);

/* seccomp.c. NULL with *reason (static) when the kernel has no filters. */
struct filters;
struct filters *filters_create(const char **reason);
/* Gives the calling thread the list of its kind; false with errno. Threads: any. */
bool filters_enter(struct filters *filters, enum sandbox_kind kind);

/* violation.c: what happens when a thread makes a call that its list lacks. */
void violation_install(void);

/* syscall_names.c, which the build makes: NULL for numbers without a name. */
extern const char *const syscall_names[];
extern const unsigned syscall_name_count;

/* landlock.c. NULL with *reason (static) when the kernel cannot do what is needed. */
struct landlock;
struct paths;
struct landlock *landlock_create(const struct paths *paths, const char **reason);
/* Confines the calling thread; false with errno. Threads: any, but not with paths_allow(). */
bool landlock_enter(struct landlock *landlock, const struct sandbox_thread *thread);

/*
 * namespaces.c. What refused, and why: "mount a file system: Permission denied".
 *
 * namespaces_create(): from the process's only thread. The process gets namespaces of its own, in which it sees the host's files as before; nothing is changed
 * when a part is refused (NULL). shares: files may be of other users.
 */
struct namespaces;
struct refusal {
    const char *step; /* static */
    int error;
};
struct namespaces *namespaces_create(bool shares, struct refusal *refusal);
/* One for users is among them. */
bool namespaces_have_user(const struct namespaces *namespaces);
/* Takes the calling thread into the network namespace, if its kind opens no network sockets. False with errno. Threads: any. */
bool namespaces_enter(struct namespaces *namespaces, enum sandbox_kind kind);
/*
 * Before the calling thread, the main loop's, is confined: the file tree of all threads becomes one of the paths and nothing else. When a part is refused, the
 * tree is the host's as before, and false.
 */
bool namespaces_close(struct namespaces *namespaces, struct paths *paths, struct refusal *refusal);

/* capabilities.c: the calling thread keeps what its kind needs to reach files as root, or nothing. False with errno. */
bool capabilities_have(unsigned capability);
bool capabilities_have_any(void);
bool capabilities_enter(enum sandbox_kind kind, bool own_user_namespace);

#endif
