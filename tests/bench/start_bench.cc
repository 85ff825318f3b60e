// SPDX-License-Identifier: GPL-2.0-or-later
// How long `vmm run` takes from its start to the guest's first instruction, and how much memory it has beside the guest's RAM, with no GPU. The guest is an ELF
// image made here, which writes a byte to its serial port first of all; with and without the weight of a Linux kernel. Interleaved runs, medians.
//   bench_start VMM [ROUNDS]
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const std::string &what)
{
    perror(what.c_str());
    exit(1);
}

// outb('x', 0x3f8), then it spins.
constexpr uint8_t code[] = {0x66, 0xba, 0xf8, 0x03, 0xb0, 'x', 0xee, 0xf3, 0x90, 0xeb, 0xfc};
constexpr uint64_t ENTRY = 0x200000, PAYLOAD = 0x1000000;

void write_image(const std::string &path, size_t payload)
{
    Elf64_Ehdr header = {};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_entry = ENTRY;
    header.e_phoff = sizeof(header);
    header.e_ehsize = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    Elf64_Phdr segments[2] = {};
    segments[0] = {PT_LOAD, PF_R | PF_X, 4096, ENTRY, ENTRY, sizeof(code), sizeof(code), 4096};
    segments[1] = {PT_LOAD, PF_R, 8192, PAYLOAD, PAYLOAD, payload, payload, 4096};
    std::string bytes(reinterpret_cast<const char *>(&header), sizeof(header));
    bytes.append(reinterpret_cast<const char *>(segments), sizeof(segments));
    bytes.resize(4096);
    bytes.append(reinterpret_cast<const char *>(code), sizeof(code));
    bytes.resize(8192);
    for (size_t i = 0; i < payload; i++)
        bytes.push_back(char(i * 0x9e3779b1u >> 24 | 1));
    std::ofstream(path, std::ios::binary) << bytes;
}

struct Run {
    double ms;
    double memory_mib;
};

// The guest's RAM is a memfd; everything else that is resident counts, shared libraries in full.
double memory_beside_guest(pid_t pid)
{
    std::ifstream maps("/proc/" + std::to_string(pid) + "/smaps");
    std::string line;
    bool guest = false;
    double kib = 0;
    while (std::getline(maps, line)) {
        if (line.find('-') < line.find(' ') && line.find(':') > line.find(' '))
            guest = line.find("/memfd:") != std::string::npos;
        else if (!guest && line.rfind("Rss:", 0) == 0)
            kib += std::atof(line.c_str() + 4);
    }
    return kib / 1024;
}

Run run(const char *vmm, const std::string &config)
{
    int out[2];
    if (pipe2(out, O_CLOEXEC) < 0)
        die("pipe");
    const auto start = Clock::now();
    const pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
        execl(vmm, vmm, "run", config.c_str(), nullptr);
        _exit(127);
    }
    close(out[1]);
    char byte = 0;
    if (read(out[0], &byte, 1) != 1 || byte != 'x') {
        std::fprintf(stderr, "bench_start: %s run %s printed no x\n", vmm, config.c_str());
        exit(1);
    }
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    const double memory = memory_beside_guest(pid);
    kill(pid, SIGINT);
    waitpid(pid, nullptr, 0);
    close(out[0]);
    return {ms, memory};
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 2) {
        std::fprintf(stderr, "usage: bench_start VMM [ROUNDS]\n");
        return 2;
    }
    const int rounds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 11;
    char dir[] = "/tmp/mediant-start-XXXXXX";
    if (!mkdtemp(dir))
        die("mkdtemp");
    const size_t payloads[] = {1, size_t(40) << 20};
    std::string configs[2];
    for (int i = 0; i < 2; i++) {
        const std::string image = std::string(dir) + "/" + std::to_string(i) + ".elf";
        write_image(image, payloads[i]);
        configs[i] = std::string(dir) + "/" + std::to_string(i) + ".ini";
        std::ofstream(configs[i]) << "[vm start]\nimage = " << image << "\nmemory = 512M\n";
        run(argv[1], configs[i]); // warms the page cache
    }
    std::vector<double> ms[2], memory;
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < 2; i++) {
            const Run result = run(argv[1], configs[i]);
            ms[i].push_back(result.ms);
            if (i == 0)
                memory.push_back(result.memory_mib);
        }
    std::printf("{\"figure\": \"start_ms\", \"small_image\": %.1f, \"image_of_40_mib\": %.1f, \"guest_mib\": 512}\n", median(ms[0]), median(ms[1]));
    std::printf("{\"figure\": \"memory_without_gpu_mib\", \"value\": %.1f}\n", median(memory));
    for (int i = 0; i < 2; i++)
        for (const char *suffix : {".elf", ".ini"})
            unlink((std::string(dir) + "/" + std::to_string(i) + suffix).c_str());
    rmdir(dir);
    return 0;
}
