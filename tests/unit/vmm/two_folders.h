// SPDX-License-Identifier: GPL-2.0-or-later
// A new directory with `in`, which a test of the sandbox allows, and `out`, which it does not, a file in each. Used by the tests of the sandbox.
#ifndef MEDIANT_TESTS_TWO_FOLDERS_H
#define MEDIANT_TESTS_TWO_FOLDERS_H

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

// Its path; empty when it cannot be made. The caller removes it.
inline std::string make_two_folders()
{
    char name[] = "/tmp/mediant-sandbox-XXXXXX";
    if (!mkdtemp(name))
        return "";
    const std::string dir = name;
    std::filesystem::create_directories(dir + "/in/sub");
    std::filesystem::create_directories(dir + "/out");
    std::ofstream(dir + "/in/file") << "inside";
    std::ofstream(dir + "/out/file") << "outside";
    return dir;
}

#endif
