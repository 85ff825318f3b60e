/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a check is and how it ends. Each check runs in a process of its own, so that one which waits for ever is killed when its time is
 * over, and so that a check may simply leave where it finds something wrong. Used by every file here; run.c.
 */
#ifndef GEMCHECK_RUN_H
#define GEMCHECK_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings {
    const char *render; /* the render node */
    const char *card;   /* the node that can set modes; NULL: there is none */
    uint64_t seed;      /* of everything random */
    bool quick;         /* smaller sizes and fewer rounds; checks that are slow by nature skip */
};

struct check {
    const char *name;
    void (*run)(const struct settings *settings);
    const char *help;
    unsigned seconds; /* until it is killed; 0: 60 */
};

/*
 * The end of a check, said once; none returns. fail() says what was expected and what was found, skip() why it cannot be asked here. A check
 * whose function returns has passed. In a worker (below) fail() ends the check as a whole, when the others have ended.
 */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Something worth knowing beside the verdict: printed with --verbose. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs count copies of work as processes, at the same time, index 0 to count - 1; fails when one of them does. */
void run_workers(unsigned count, const struct settings *settings, void (*work)(const struct settings *settings, unsigned index));

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_SKIP };

/* Runs one check to its end. message gets why it failed or skipped, notes its notes, one a line; both are cut to fit. (main.c only) */
enum verdict run_check(const struct check *check, const struct settings *settings, char *message, size_t message_size, char *notes,
                       size_t notes_size);

/* Seconds since some moment, for durations. */
double now_s(void);
void sleep_ms(unsigned ms);

/* Random numbers, the same for the same seed on every machine. */
struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *rng);
/* 0 to below - 1. */
uint32_t rng_below(struct rng *rng, uint32_t below);
/* first to last, both included. */
int32_t rng_between(struct rng *rng, int32_t first, int32_t last);
/* A value that depends on all of its arguments and looks random: what a place in memory should hold. */
uint32_t hash32(uint64_t seed, uint64_t a, uint64_t b);

#endif
