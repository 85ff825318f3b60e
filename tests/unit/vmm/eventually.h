// SPDX-License-Identifier: GPL-2.0-or-later
// For tests of what happens on another thread: waiting for it.
#ifndef MEDIANT_TESTS_EVENTUALLY_H
#define MEDIANT_TESTS_EVENTUALLY_H

#include <chrono>
#include <functional>
#include <thread>

// True as soon as the condition is; false after ten seconds.
inline bool eventually(const std::function<bool()> &condition)
{
    for (unsigned i = 0; i < 10000; i++) {
        if (condition())
            return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

#endif
