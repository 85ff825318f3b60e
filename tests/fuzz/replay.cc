// SPDX-License-Identifier: GPL-2.0-or-later
// Drives a fuzz target without libFuzzer, in every build: runs the files and folders that it is given and the target's seeds, then mutations of them,
// always the same ones. Prints how many; when the target crashes or hangs, writes the input to a file, and ends with 1.
// Usage: fuzz_NAME [--seconds=N] [--crash=FILE] FILE-OR-FOLDER...
#include "fuzz.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using fuzz::Bytes;

constexpr unsigned HANG_SECONDS = 60; // sanitizers and a busy machine are slow
constexpr size_t MAX_BYTES = 4096;

std::string crash_file = "fuzz-crash";
const uint8_t *current;
size_t current_size;

// What a signal handler may do.
void keep_input()
{
    int fd = open(crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool kept = fd >= 0 && write(fd, current, current_size) == static_cast<ssize_t>(current_size);
    for (const char *text : {kept ? "fuzz: the input is in " : "fuzz: the input could not be written to ", crash_file.c_str(), "\n"})
        if (write(STDERR_FILENO, text, strlen(text)) < 0)
            return;
}

void died(int number)
{
    const char *text = number == SIGALRM ? "fuzz: hangs\n" : "fuzz: crashed\n";
    if (write(STDERR_FILENO, text, strlen(text)) > 0)
        keep_input();
    _exit(1);
}

void run(const Bytes &input)
{
    // A copy with nothing behind it that sanitizers do not know of.
    std::vector<uint8_t> exact(input);
    exact.shrink_to_fit();
    current = exact.data();
    current_size = exact.size();
    alarm(HANG_SECONDS);
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
    alarm(0);
}

Bytes load(const std::filesystem::path &path)
{
    std::ifstream in(path, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(in), {});
}

class Mutator {
  public:
    explicit Mutator(const std::vector<Bytes> &inputs) : corpus(inputs) {}
    Bytes next()
    {
        Bytes data = corpus[pick(corpus.size())];
        for (unsigned count = 1u << pick(4); count > 0; count--)
            mutate(data);
        data.resize(std::min(data.size(), MAX_BYTES));
        return data;
    }

  private:
    const std::vector<Bytes> &corpus;
    std::mt19937 random{20260101};

    size_t pick(size_t n) { return n ? random() % n : 0; }
    void mutate(Bytes &data)
    {
        static const uint64_t numbers[] = {0, 1, 2, 4, 0x7f, 0x80, 0xff, 0x100, 0xfff, 0x1000, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
                                           0x100000000, 0x7fffffffffffffff, 0xffffffffffffffff};
        size_t at = pick(data.size()), length = 1 + pick(std::min<size_t>(64, data.size() - at));
        auto place = data.begin() + static_cast<long>(at);
        switch (data.empty() ? 3 : pick(7)) {
        case 0: *place ^= static_cast<uint8_t>(1u << pick(8)); break;
        case 1: *place = static_cast<uint8_t>(random()); break;
        case 2: data.erase(place, place + static_cast<long>(std::min(length, data.size() - at))); break;
        case 3: { // a part of another one
            const Bytes &other = corpus[pick(corpus.size())];
            size_t from = pick(other.size()), count = std::min(1 + pick(64), other.size() - from);
            data.insert(place, other.begin() + static_cast<long>(from), other.begin() + static_cast<long>(from + count));
            break;
        }
        case 4: { // once more
            Bytes part(place, place + static_cast<long>(std::min(length, data.size() - at)));
            data.insert(place, part.begin(), part.end());
            break;
        }
        case 5: { // a number at the edge of something
            uint64_t number = numbers[pick(std::size(numbers))] + pick(3) - 1;
            memcpy(&*place, &number, std::min<size_t>(size_t{1} << pick(4), data.size() - at));
            break;
        }
        case 6: // a small step
            *place = static_cast<uint8_t>(*place + pick(9) - 4);
            break;
        }
    }
};

} // namespace

int main(int argc, char **argv)
{
    double seconds = 0;
    std::vector<Bytes> corpus;
    for (int i = 1; i < argc; i++) {
        std::string argument = argv[i];
        if (argument.rfind("--seconds=", 0) == 0) {
            seconds = atof(argv[i] + 10);
        } else if (argument.rfind("--crash=", 0) == 0) {
            crash_file = argument.substr(8);
        } else if (std::filesystem::is_directory(argument)) {
            std::vector<std::filesystem::path> files; // in an order that is the same everywhere
            for (const auto &entry : std::filesystem::directory_iterator(argument))
                files.push_back(entry.path());
            std::sort(files.begin(), files.end());
            for (const auto &file : files)
                corpus.push_back(load(file));
        } else if (std::filesystem::exists(argument)) {
            corpus.push_back(load(argument));
        } else {
            fprintf(stderr, "%s: %s: is not there. Usage: [--seconds=N] [--crash=FILE] FILE-OR-FOLDER...\n", argv[0], argv[i]);
            return 2;
        }
    }
    for (unsigned n = 0; fuzz::fuzz_seed; n++) {
        Bytes seed = fuzz::fuzz_seed(n);
        if (seed.empty())
            break;
        corpus.push_back(seed);
    }
    if (corpus.empty()) {
        fprintf(stderr, "%s: there is nothing to run\n", argv[0]);
        return 2;
    }
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(keep_input);
    signal(SIGALRM, died);
    signal(SIGABRT, died);
    if (!__sanitizer_set_death_callback)
        for (int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE})
            signal(number, died);

    for (const Bytes &input : corpus)
        run(input);
    unsigned long executions = corpus.size();
    Mutator mutator(corpus);
    for (auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds); std::chrono::steady_clock::now() < end; executions++)
        run(mutator.next());
    printf("%zu inputs, %lu executions\n", corpus.size(), executions);
    return 0;
}
