// SPDX-License-Identifier: GPL-2.0-or-later
// Runs a function in a process of its own: what it does to the process ends with that. Used by the tests of the sandbox.
#ifndef MEDIANT_TESTS_IN_CHILD_H
#define MEDIANT_TESTS_IN_CHILD_H

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

struct Outcome {
    int status;        // of the function, or how the process ended
    std::string words; // on standard error
};

// The result is the exit code; 1000 and a signal's number when one ended it.
inline Outcome in_child(const std::function<int()> &function)
{
    int fds[2];
    EXPECT_EQ(pipe(fds), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        _exit(function());
    }
    close(fds[1]);
    Outcome outcome;
    char buffer[512];
    for (ssize_t got; (got = read(fds[0], buffer, sizeof(buffer))) > 0;)
        outcome.words.append(buffer, size_t(got));
    close(fds[0]);
    waitpid(pid, &outcome.status, 0);
    outcome.status = WIFEXITED(outcome.status) ? WEXITSTATUS(outcome.status) : 1000 + WTERMSIG(outcome.status);
    return outcome;
}

#endif
