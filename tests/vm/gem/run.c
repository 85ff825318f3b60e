/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes of checks and workers, their reports through a pipe, time, random numbers. See run.h. */
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    DEFAULT_SECONDS = 60,
    DEATH_SECONDS = 10, /* for a killed process to leave the kernel */
    LINE_MAX_BYTES = 512,
};

/* Where this process reports to: one line for each thing it says, its kind in the first letter. -1: to standard error. */
static int report_fd = -1;
/* Is this a worker? It leaves what its check wants done at the end to the check. */
static bool is_worker;

static _Noreturn void leave(int status)
{
    if (is_worker)
        _exit(status);
    exit(status);
}

static void say(char kind, const char *format, va_list args)
{
    char line[LINE_MAX_BYTES];
    size_t used;
    int length;

    line[0] = kind;
    length = vsnprintf(line + 1, sizeof(line) - 2, format, args);
    used = 1 + (length < 0 ? 0 : (size_t)length < sizeof(line) - 2 ? (size_t)length : sizeof(line) - 3);
    for (size_t i = 1; i < used; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[used++] = '\n';
    /* One write() of less than PIPE_BUF, so lines of several workers do not mix. */
    if (write(report_fd < 0 ? STDERR_FILENO : report_fd, line, used) < 0)
        _exit(2);
}

void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say('F', format, args);
    va_end(args);
    leave(1);
}

void skip(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say('S', format, args);
    va_end(args);
    leave(0);
}

void note(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say('N', format, args);
    va_end(args);
}

void run_workers(unsigned count, const struct settings *settings, void (*work)(const struct settings *settings, unsigned index))
{
    pid_t pids[64];
    bool failed = false;

    if (count > sizeof(pids) / sizeof(pids[0]))
        fail("%u workers are too many", count);
    for (unsigned i = 0; i < count; i++) {
        pids[i] = fork();
        if (pids[i] < 0)
            fail("cannot start worker %u: %s", i, strerror(errno));
        if (pids[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            is_worker = true;
            work(settings, i);
            leave(0);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        int status;

        while (waitpid(pids[i], &status, 0) < 0)
            if (errno != EINTR)
                fail("cannot wait for worker %u: %s", i, strerror(errno));
        if (WIFSIGNALED(status))
            fail("worker %u died of signal %d (%s)", i, WTERMSIG(status), strsignal(WTERMSIG(status)));
        failed |= status != 0;
    }
    if (failed)
        leave(1);
}

/* What a check's process and its workers have said so far. */
struct told {
    char *message, *notes;
    size_t message_size, notes_size;
    bool failed, skipped;
    char line[LINE_MAX_BYTES];
    size_t used;
};

static void hear_line(struct told *told)
{
    told->line[told->used] = '\0';
    told->used = 0;
    switch (told->line[0]) {
    case 'F':
        if (!told->failed) /* the first reason is the one */
            snprintf(told->message, told->message_size, "%s", told->line + 1);
        told->failed = true;
        break;
    case 'S':
        if (!told->failed && !told->skipped)
            snprintf(told->message, told->message_size, "%s", told->line + 1);
        told->skipped = true;
        break;
    default: {
        size_t at = strlen(told->notes);

        snprintf(told->notes + at, told->notes_size - at, "%s\n", told->line + 1);
    }
    }
}

/* Reads until nobody can say anything more; false when the time is over before. */
static bool hear(struct told *told, int fd, double deadline)
{
    char chunk[LINE_MAX_BYTES];

    for (;;) {
        struct pollfd waiting = {fd, POLLIN, 0};
        double left = deadline - now_s();
        ssize_t got;

        if (left <= 0)
            return false;
        if (poll(&waiting, 1, (int)(left * 1000) + 1) < 0 && errno != EINTR)
            return false;
        if (!waiting.revents)
            continue;
        got = read(fd, chunk, sizeof(chunk));
        if (got <= 0)
            return got == 0;
        for (ssize_t i = 0; i < got; i++) {
            if (chunk[i] == '\n')
                hear_line(told);
            else if (told->used < sizeof(told->line) - 1)
                told->line[told->used++] = chunk[i];
        }
    }
}

static bool reap(pid_t pid, int *status)
{
    double deadline = now_s() + DEATH_SECONDS;

    while (waitpid(pid, status, WNOHANG) == 0) {
        if (now_s() > deadline)
            return false;
        sleep_ms(5);
    }
    return true;
}

enum verdict run_check(const struct check *check, const struct settings *settings, char *message, size_t message_size, char *notes,
                       size_t notes_size)
{
    struct told told = {.message = message, .notes = notes, .message_size = message_size, .notes_size = notes_size};
    unsigned seconds = check->seconds ? check->seconds : DEFAULT_SECONDS;
    int ends[2], status = 0;
    bool in_time, dead;
    pid_t pid;

    message[0] = notes[0] = '\0';
    fflush(NULL);
    if (pipe(ends) < 0 || (pid = fork()) < 0) {
        snprintf(message, message_size, "cannot start a process: %s", strerror(errno));
        return VERDICT_FAIL;
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0); /* so that its workers die with it */
        close(ends[0]);
        report_fd = ends[1];
        check->run(settings);
        leave(0);
    }
    setpgid(pid, pid);
    close(ends[1]);
    in_time = hear(&told, ends[0], now_s() + seconds);
    if (!in_time)
        kill(-pid, SIGKILL);
    dead = reap(pid, &status);
    close(ends[0]);
    if (in_time)
        kill(-pid, SIGKILL); /* workers that a failure left behind */
    if (told.failed)
        return VERDICT_FAIL;
    if (!in_time || !dead) {
        snprintf(message, message_size, "not done after %u seconds%s", seconds, dead ? "" : ", and the process cannot be killed");
        return VERDICT_FAIL;
    }
    if (WIFSIGNALED(status)) {
        snprintf(message, message_size, "died of signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
        return VERDICT_FAIL;
    }
    if (WEXITSTATUS(status) != 0) {
        snprintf(message, message_size, "left with status %d", WEXITSTATUS(status));
        return VERDICT_FAIL;
    }
    return told.skipped ? VERDICT_SKIP : VERDICT_PASS;
}

double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void sleep_ms(unsigned ms)
{
    struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* Steele, Lea and Flood's SplitMix64: a counter and a mix of its bits. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t rng_next(struct rng *rng)
{
    rng->state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(rng->state);
}

uint32_t rng_below(struct rng *rng, uint32_t below)
{
    return below ? (uint32_t)((rng_next(rng) >> 32) * below >> 32) : 0;
}

int32_t rng_between(struct rng *rng, int32_t first, int32_t last)
{
    return first + (int32_t)rng_below(rng, (uint32_t)(last - first) + 1);
}

uint32_t hash32(uint64_t seed, uint64_t a, uint64_t b)
{
    return (uint32_t)mix(mix(mix(seed + 1) + a) + b);
}
