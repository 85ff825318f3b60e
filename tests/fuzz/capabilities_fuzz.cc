// SPDX-License-Identifier: GPL-2.0-or-later
// The JSON that a vfio-user peer sends with its version. What is accepted can be written and read again.
#include "fuzz.h"

#include "vmm/vfio_user/capabilities.h"
#include "vmm/vfio_user/protocol.h"

#include <glib.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    std::string json(reinterpret_cast<const char *>(data), size);
    vfio_user_capabilities theirs = {}, again = {};
    char *reason = nullptr;
    if (!vfio_user_capabilities_parse(json.c_str(), &theirs, &reason)) {
        REQUIRE(reason, "a refusal says why");
        g_free(reason);
        return 0;
    }
    REQUIRE(!reason && theirs.max_data_xfer_size <= VFIO_USER_DEFAULT_TRANSFER, "%u bytes", theirs.max_data_xfer_size);
    char *ours = vfio_user_capabilities_format(&theirs);
    REQUIRE(vfio_user_capabilities_parse(ours, &again, &reason), "%s: %s", ours, reason);
    REQUIRE(!again.write_multiple || theirs.write_multiple, "more than both have");
    g_free(ours);
    return 0;
}

namespace fuzz {
Bytes fuzz_seed(unsigned n)
{
    static const char *const texts[] = {
        R"({"capabilities":{"max_msg_fds":8,"max_data_xfer_size":1048576,"max_dma_maps":65535,"pgsizes":4096,"write_multiple":true}})",
        R"({"capabilities":{"migration":{"pgsize":4096},"twin_socket":{"supported":false}}})",
        R"({"capabilities":{"max_msg_fds":1e9,"pgsizes":-1}})",
        R"({"capabilities":null})", "[[[[[[[[{}]]]]]]]]", "{}"};
    return n < std::size(texts) ? Output().text(texts[n]).data : Bytes();
}
} // namespace fuzz
