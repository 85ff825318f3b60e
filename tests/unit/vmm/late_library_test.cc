// SPDX-License-Identifier: GPL-2.0-or-later
// Libraries that are loaded when they are needed: what is there works, and what is not is an error that names the file, the function and the package.
#include "vmm/late_library.h"

#include <gtest/gtest.h>

namespace {

struct Functions {
    double (*cos)(double);
    void (*other)();
};

const late_symbol known[] = {{"cos", offsetof(Functions, cos)}};
const late_symbol unknown[] = {{"cos", offsetof(Functions, cos)}, {"mediant_is_not_there", offsetof(Functions, other)}};

TEST(LateLibrary, FillsTheStructOnce)
{
    Functions functions = {};
    late_library library = {"libm.so.6", "libc6", known, 1, &functions, 0, nullptr};
    const char *reason = "untouched";
    ASSERT_TRUE(late_library_load(&library, &reason));
    EXPECT_EQ(reason, nullptr);
    ASSERT_NE(functions.cos, nullptr);
    EXPECT_EQ(functions.cos(0), 1);
    functions.cos = nullptr;
    EXPECT_TRUE(late_library_load(&library, nullptr));
    EXPECT_EQ(functions.cos, nullptr) << "it was loaded already";
}

TEST(LateLibrary, ALibraryThatIsNotThereNamesItsPackage)
{
    Functions functions = {};
    late_library library = {"libmediant-nowhere.so.7", "libmediant7", known, 1, &functions, 0, nullptr};
    const char *reason = nullptr;
    EXPECT_FALSE(late_library_load(&library, &reason));
    ASSERT_NE(reason, nullptr);
    EXPECT_NE(std::string(reason).find("libmediant-nowhere.so.7"), std::string::npos) << reason;
    EXPECT_NE(std::string(reason).find("install libmediant7"), std::string::npos) << reason;
    EXPECT_FALSE(late_library_load(&library, nullptr)) << "it does not come later";
    g_free(library.problem);
}

TEST(LateLibrary, AnotherVersionNamesTheFunctionThatItLacks)
{
    Functions functions = {};
    late_library library = {"libm.so.6", "libc6", unknown, 2, &functions, 0, nullptr};
    const char *reason = nullptr;
    EXPECT_FALSE(late_library_load(&library, &reason));
    ASSERT_NE(reason, nullptr);
    EXPECT_NE(std::string(reason).find("mediant_is_not_there"), std::string::npos) << reason;
    g_free(library.problem);
}

} // namespace
