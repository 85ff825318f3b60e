// SPDX-License-Identifier: GPL-2.0-or-later
// In the build with libFuzzer: writes a target's seeds to the folder MEDIANT_FUZZ_SEEDS before libFuzzer looks at its corpus. tests/fuzz/run sets it.
#include "fuzz.h"

#include <fstream>

extern "C" int LLVMFuzzerInitialize(int *, char ***)
{
    const char *folder = getenv("MEDIANT_FUZZ_SEEDS");
    if (!folder || !fuzz::fuzz_seed)
        return 0;
    for (unsigned n = 0;; n++) {
        fuzz::Bytes seed = fuzz::fuzz_seed(n);
        if (seed.empty())
            return 0;
        std::ofstream(std::string(folder) + "/seed-" + std::to_string(n), std::ios::binary)
            .write(reinterpret_cast<const char *>(seed.data()), static_cast<std::streamsize>(seed.size()));
    }
}
