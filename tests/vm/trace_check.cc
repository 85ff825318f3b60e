// SPDX-License-Identifier: GPL-2.0-or-later
// trace_check FILE: says what is wrong with a trace, or how much is in it as "slices=N spans=N preempt=N hang=N flip=N lost=N forgotten=N guests=NAME,NAME".
#include "vmm/observe/trace_checker.h"

#include <cstdio>

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    trace_checker::Checked trace(argv[1]);
    for (size_t i = 0; i < trace.problems.size() && i < 10; i++)
        fprintf(stderr, "%s: %s\n", argv[1], trace.problems[i].c_str());
    std::string guests;
    for (const auto &[pid, name] : trace.processes)
        guests += (guests.empty() ? "" : ",") + name;
    if (trace.problems.empty())
        printf("slices=%u spans=%u preempt=%u hang=%u flip=%u lost=%s forgotten=%s guests=%s\n", trace.slices, trace.spans, trace.count("i", "preempt"),
               trace.count("i", "hang"), trace.count("i", "flip"), trace.other["lost_records"].c_str(), trace.other["forgotten_records"].c_str(),
               guests.c_str());
    return !trace.problems.empty();
}
