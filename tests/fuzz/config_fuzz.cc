// SPDX-License-Identifier: GPL-2.0-or-later
// Configuration files: the input is one, up to a line "%%"; each line after that is an override as -o gives it.
#include "fuzz.h"

#include "vmm/config.h"
#include "vmm/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    std::string text(reinterpret_cast<const char *>(data), size);
    size_t cut = text.find("\n%%\n");
    std::vector<std::string> lines;
    for (size_t at = cut == std::string::npos ? text.size() : cut + 4; at < text.size();) {
        size_t end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    std::vector<const char *> overrides;
    for (const std::string &line : lines)
        overrides.push_back(line.c_str());
    overrides.push_back(nullptr);

    fuzz::MemoryFile file(text.substr(0, cut));
    GError *error = nullptr;
    config *config = config_load(file.path.c_str(), overrides.data(), &error);
    REQUIRE((config == nullptr) == (error != nullptr), "a result or an error");
    if (error)
        REQUIRE(!strchr(error->message, '\n'), "an error is one line: %s", error->message);
    if (config) {
        GArray *users = config_gpu_users(config);
        for (unsigned i = 0; i < users->len; i++)
            gpu_user_weight(&g_array_index(users, gpu_user, i));
        g_array_unref(users);
    }
    config_free(config);
    g_clear_error(&error);
    return 0;
}
