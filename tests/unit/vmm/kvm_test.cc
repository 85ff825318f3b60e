// SPDX-License-Identifier: GPL-2.0-or-later
// What KVM is asked for a VM, against what KVM itself says.
#include "vmm/kvm.h"

#include <gtest/gtest.h>

#include <linux/kvm.h>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

TEST(Kvm, TellsGuestsOfTheDeadlineTimerWhereThereIsOne)
{
    GError *error = nullptr;
    int kvm = kvm_open("/dev/kvm", &error);
    if (kvm < 0) {
        const std::string reason = error->message; // says what to do
        g_clear_error(&error);
        GTEST_SKIP() << reason;
    }
    struct kvm_cpuid2 *cpuid = kvm_supported_cpuid(kvm, &error);
    ASSERT_NE(cpuid, nullptr);
    // Not by cpuid->entries: for C++ the macro that declares it in Linux 6.1's headers puts four bytes before it.
    const auto *entries = reinterpret_cast<const kvm_cpuid_entry2 *>(reinterpret_cast<const char *>(cpuid) + 2 * sizeof(uint32_t));
    unsigned leaves = 0;
    for (unsigned i = 0; i < cpuid->nent; i++)
        if (entries[i].function == 1) {
            leaves++;
            EXPECT_EQ(entries[i].ecx >> 24 & 1, ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0 ? 1u : 0u);
        }
    EXPECT_EQ(leaves, 1u);
    g_free(cpuid);
    close(kvm);
}

} // namespace
