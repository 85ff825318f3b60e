/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A system call that a thread's list lacks: the kernel sends SIGSYS instead of doing it. The handler says which call and which thread, and ends the process, as a
 * process whose code has gone astray must not go on. Only calls that are safe in signal handlers, and in all lists. Installed by sandbox.c.
 */
#include "vmm/error.h"
#include "vmm/sandbox/parts.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { LINE_BYTES = 256 };

struct line {
    char text[LINE_BYTES];
    size_t len;
};

static void add(struct line *line, const char *text)
{
    while (*text && line->len < sizeof(line->text))
        line->text[line->len++] = *text++;
}

static void add_number(struct line *line, unsigned number)
{
    char digits[12];
    size_t at = sizeof(digits) - 1;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add(line, digits + at);
}

static void on_violation(int signal, siginfo_t *info, void *context)
{
    unsigned number = (unsigned)info->si_syscall;
    const char *name = number < syscall_name_count ? syscall_names[number] : NULL;
    char thread[17] = ""; /* the kernel's limit and a zero */
    struct line line = {.len = 0};

    prctl(PR_GET_NAME, thread, 0, 0, 0);
    add(&line, "vmm: sandbox: the thread \"");
    add(&line, thread);
    add(&line, "\" made the system call ");
    add(&line, name ? name : "number");
    add(&line, " (");
    add_number(&line, number);
    add(&line, "), which it may not: the process ends (if it should be allowed, report it; --no-sandbox does without)\n");
    ssize_t ignored = write(STDERR_FILENO, line.text, line.len);
    (void)ignored;
    _exit(EXIT_VMM_FAILURE);
}

void violation_install(void)
{
    struct sigaction action = {.sa_sigaction = on_violation, .sa_flags = SA_SIGINFO};
    sigset_t set;

    sigfillset(&action.sa_mask);
    sigaction(SIGSYS, &action, NULL);
    /* Whoever started us may have blocked it; the kernel would then kill without the message. */
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
