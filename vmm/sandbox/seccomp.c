/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls that each kind of thread may make, as one table, and how it becomes a filter of the kernel's. Called by sandbox.c.
 *
 * libseccomp makes the filter's program; it is loaded with our own system call, so that one program, made when the first thread of its kind begins, serves all of
 * them.
 */
#include "vmm/sandbox/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEVICE (1u << SANDBOX_DEVICE)
#define MAKER (1u << SANDBOX_MAKER)
#define ENGINE (1u << SANDBOX_ENGINE | MAKER) /* the maker starts threads of three kinds, which are confined by its list and by theirs */
#define VCPU (1u << SANDBOX_VCPU)
#define FILES (1u << SANDBOX_FILES)
#define NETWORK (1u << SANDBOX_NETWORK)
#define SERVER (1u << SANDBOX_VFIO_SERVER | MAKER)
#define DISPLAY (1u << SANDBOX_DISPLAY | MAKER)
#define MAIN (1u << SANDBOX_MAIN)
#define ALL ((1u << SANDBOX_KINDS) - 1)

#define THREADS (ENGINE | VCPU | SERVER | DISPLAY) /* start other threads */
#define OUTPUTS (MAIN | SERVER)          /* write files that did not exist at the start */
#define FONTS (MAIN | DISPLAY)           /* draw text: fonts are read, and their caches cannot be written */
#define LIBRARIES (VCPU | NETWORK | DISPLAY) /* open files to read; Landlock says which */
#define OPENS (OUTPUTS | LIBRARIES | FILES)
/* Talk with a vfio-user process: as server, or as client of a served GPU, whose registers are accessed by vCPUs and, at the end, by the main loop. */
#define MESSAGES (SERVER | VCPU | MAIN | DEVICE)

/* What an argument must be: argument & mask == value; mask 0 for any. */
struct condition {
    unsigned argument;
    uint64_t mask, value;
};

#define MASKED(argument, mask, value) (struct condition){argument, mask, value}
#define IS(argument, value) MASKED(argument, UINT32_MAX, value)
#define HAS(argument, bits) MASKED(argument, bits, bits)
#define LACKS(argument, bits) MASKED(argument, bits, 0)
#define OWN_PROCESS MASKED(0, UINT32_MAX, PROCESS_ID)
#define PROCESS_ID UINT64_MAX /* stands for our own */

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define THREAD_FLAGS (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND)

struct rule {
    int number;
    unsigned kinds;
    struct condition condition;
    int error; /* 0: allowed. Else: fails with this, without a word; for what libraries try and do without */
};

#define ALLOW_IF(call, kinds, condition) {SCMP_SYS(call), kinds, condition, 0}
#define ALLOW(call, kinds) ALLOW_IF(call, kinds, ((struct condition){0, 0, 0}))
#define REFUSE(call, kinds, error) {SCMP_SYS(call), kinds, {0, 0, 0}, error}
#define REFUSE_IF(call, kinds, condition, error) {SCMP_SYS(call), kinds, condition, error}

static const struct rule rules[] = {
    /* The C library's and GLib's: memory, locks, time, signals, threads' ends. */
    ALLOW(brk, ALL),
    ALLOW_IF(mmap, ALL & ~VCPU, LACKS(2, PROT_EXEC)),
    ALLOW_IF(mprotect, ALL & ~VCPU, LACKS(2, PROT_EXEC)),
    ALLOW(mmap, VCPU), /* which loads the instruction decoder, a library */
    ALLOW(mprotect, VCPU),
    ALLOW(munmap, ALL),
    ALLOW(mremap, ALL),
    ALLOW(madvise, ALL),
    ALLOW(futex, ALL),
    ALLOW(clock_gettime, ALL),
    ALLOW(clock_getres, ALL),
    ALLOW(gettimeofday, ALL),
    ALLOW(time, ALL),
    ALLOW(nanosleep, ALL),
    ALLOW(clock_nanosleep, ALL),
    ALLOW(rt_sigaction, ALL),
    ALLOW(rt_sigprocmask, ALL),
    ALLOW(rt_sigreturn, ALL),
    ALLOW(sigaltstack, ALL),
    ALLOW(restart_syscall, ALL),
    ALLOW_IF(tgkill, ALL, OWN_PROCESS), /* abort(), and kicks of vCPUs */
    ALLOW(getpid, ALL),
    ALLOW(gettid, ALL),
    ALLOW(getuid, ALL),
    ALLOW(geteuid, ALL),
    ALLOW(getgid, ALL),
    ALLOW(getegid, ALL),
    ALLOW(getcpu, ALL),
    ALLOW(sched_yield, ALL),
    ALLOW(sched_getaffinity, ALL),
    ALLOW_IF(sched_setaffinity, SERVER, IS(0, 0)), /* its own: pin of a vGPU */
    ALLOW(getrandom, ALL),
    ALLOW_IF(prlimit64, ALL, MASKED(2, UINT64_MAX, 0)), /* what the limits are */
    ALLOW(membarrier, ALL),
    ALLOW_IF(prctl, ALL, IS(0, PR_SET_NAME)),
    ALLOW_IF(prctl, ALL, IS(0, PR_GET_NAME)),
    ALLOW(set_robust_list, ALL),
    ALLOW(rseq, ALL),
    ALLOW(exit, ALL),
    ALLOW(exit_group, ALL),
    /* Its arguments are in memory, where no filter sees them. The C library then uses clone, whose flags can be looked at. */
    REFUSE(clone3, ALL, ENOSYS),
    ALLOW_IF(clone, THREADS, MASKED(0, THREAD_FLAGS | NAMESPACES, THREAD_FLAGS)),

    /* What is open. */
    ALLOW(read, ALL),
    ALLOW(readv, ALL),
    ALLOW(write, ALL),
    ALLOW(writev, ALL),
    ALLOW(pread64, ALL),
    ALLOW(preadv, ALL),
    ALLOW(preadv2, ALL), /* empties eventfds without waiting */
    ALLOW(close, ALL),
    ALLOW(lseek, ALL),
    ALLOW(fcntl, ALL),
    ALLOW(fstat, ALL),
    ALLOW_IF(newfstatat, ALL & ~OPENS, HAS(3, 0x1000)), /* AT_EMPTY_PATH: fstat() */
    ALLOW(poll, ALL),
    ALLOW(ppoll, ALL),
    ALLOW(eventfd2, ENGINE | SERVER | MAIN),
    ALLOW(pwrite64, DEVICE | FILES | OUTPUTS | VCPU), /* VCPU: a kernel into RAM, when the guest is reset; write() it may anyhow */
    ALLOW(pwritev, DEVICE | FILES),
    ALLOW(fdatasync, DEVICE | FILES),
    ALLOW(fallocate, DEVICE | OUTPUTS),
    ALLOW_IF(ioctl, DEVICE, IS(1, BLKDISCARD)),
    ALLOW_IF(ioctl, DEVICE, IS(1, BLKZEROOUT)),
    ALLOW_IF(ioctl, ALL, IS(1, TCGETS)), /* stdio asks whether it writes to a terminal */

    /* KVM: a vCPU runs, all may interrupt it; shortcuts of devices move with their BARs and go with the devices. */
    ALLOW_IF(ioctl, VCPU, MASKED(1, 0xff00, KVMIO << 8)),
    ALLOW_IF(ioctl, (ALL & ~(VCPU | SERVER)) | MAKER, IS(1, KVM_SIGNAL_MSI)), /* the maker: engines that it starts */
    ALLOW_IF(ioctl, (ALL & ~(VCPU | SERVER)) | MAKER, IS(1, KVM_IRQ_LINE)),
    ALLOW_IF(ioctl, MAIN, IS(1, KVM_IOEVENTFD)),
    ALLOW_IF(ioctl, MAIN, IS(1, KVM_UNREGISTER_COALESCED_MMIO)),
    ALLOW_IF(ioctl, ENGINE | MAIN, IS(1, KVM_SET_USER_MEMORY_REGION)), /* windows of BARs close when a vGPU fails, is reset or goes (pci_direct.c) */

    /* vfio-user: messages with file descriptors, and the memory that these are of. */
    ALLOW(sendmsg, MESSAGES),
    ALLOW(recvmsg, MESSAGES),
    ALLOW(shutdown, MESSAGES | DISPLAY),
    ALLOW(accept4, SERVER | MAIN), /* MAIN: of the control socket and the metrics */
    ALLOW_IF(accept4, DISPLAY, IS(3, SOCK_CLOEXEC)),
    ALLOW(sendto, MAIN | DISPLAY),
    ALLOW(fstatfs, SERVER),

    /* Sockets and confined threads that come later. */
    ALLOW_IF(socket, MAKER, IS(0, AF_UNIX)),
    ALLOW_IF(socket, MAKER, IS(0, AF_INET)), /* VNC by a port */
    ALLOW_IF(socket, MAKER, IS(0, AF_INET6)),
    REFUSE_IF(socket, MAKER, IS(0, AF_NETLINK), EACCES), /* as for the threads of VNC that it starts, which the rule below does not reach */
    ALLOW_IF(setpriority, MAKER, IS(0, PRIO_PROCESS)),
    ALLOW(bind, MAKER),
    ALLOW(listen, MAKER),
    ALLOW(connect, MAKER), /* does a server answer at the path? */
    ALLOW(landlock_create_ruleset, MAKER),
    ALLOW(landlock_add_rule, MAKER),
    ALLOW(landlock_restrict_self, MAKER),
    ALLOW(seccomp, MAKER),
    ALLOW(capget, MAKER),
    ALLOW(capset, MAKER), /* gives up only */
    ALLOW(memfd_create, MAKER), /* libseccomp's program on its way */

    /* VNC: what listens is there already; a pair of sockets for each viewer (viewer.c). libvncserver asks who is there, and by what name; that it does not find out. */
    ALLOW_IF(socketpair, DISPLAY, IS(0, AF_UNIX)),
    ALLOW(dup3, DISPLAY),
    ALLOW(recvfrom, DISPLAY),
    ALLOW(select, DISPLAY),
    ALLOW(pselect6, DISPLAY),
    ALLOW(getpeername, DISPLAY),
    ALLOW(setsockopt, DISPLAY),
    REFUSE(socket, DISPLAY & ~MAKER, EACCES),

    /* User-mode networking: IPv4, as nothing else is configured. */
    ALLOW_IF(socket, NETWORK, IS(0, AF_INET)),
    ALLOW(bind, NETWORK),
    ALLOW(connect, NETWORK),
    ALLOW(listen, NETWORK),
    ALLOW(accept, NETWORK),
    ALLOW(accept4, NETWORK),
    ALLOW(sendto, NETWORK),
    ALLOW(recvfrom, NETWORK),
    ALLOW(sendmsg, NETWORK),
    ALLOW(recvmsg, NETWORK),
    ALLOW(shutdown, NETWORK),
    ALLOW(getsockname, NETWORK),
    ALLOW(getpeername, NETWORK),
    ALLOW(getsockopt, NETWORK),
    ALLOW(setsockopt, NETWORK),
    ALLOW_IF(ioctl, NETWORK, IS(1, FIONREAD)),
    ALLOW_IF(ioctl, NETWORK, IS(1, FIONBIO)),

    /* Files by name: below a share, of outputs, of libraries. Landlock says where. */
    ALLOW(openat, OUTPUTS | FILES),
    ALLOW_IF(openat, LIBRARIES, LACKS(2, O_ACCMODE | O_CREAT | O_TRUNC)),
    ALLOW(newfstatat, OPENS),
    ALLOW(openat2, FILES),
    ALLOW(readlinkat, FILES),
    ALLOW(getdents64, FILES | FONTS),
    ALLOW(mkdirat, FILES),
    ALLOW(unlinkat, FILES),
    ALLOW(renameat, FILES),
    ALLOW(renameat2, FILES),
    ALLOW(linkat, FILES),
    ALLOW(symlinkat, FILES),
    ALLOW(fchmodat, FILES),
    ALLOW(fchownat, FILES),
    ALLOW(utimensat, FILES),
    ALLOW(ftruncate, FILES | OUTPUTS),
    ALLOW(fstatfs, FILES | FONTS),
    ALLOW(fsync, FILES | OUTPUTS | DEVICE),
    ALLOW(fchmod, OUTPUTS),
    ALLOW(rename, OUTPUTS),
    ALLOW(unlink, OUTPUTS),
    ALLOW(lstat, OUTPUTS),
    ALLOW(stat, OPENS),
    ALLOW(access, OPENS),
    ALLOW(readlink, OPENS),
    ALLOW(rmdir, MAIN), /* of control groups */
    ALLOW(getcwd, FONTS),
    ALLOW(statfs, FONTS),
    ALLOW(uname, FONTS),
    ALLOW(fadvise64, FONTS),
    ALLOW(sysinfo, ALL), /* qsort() */

#if SANDBOX_THREAD_SANITIZER
    /* When it reports: where functions are and what they are called. Memory of its own comes by mmap. */
    ALLOW_IF(openat, ALL & ~(OUTPUTS | FILES), LACKS(2, O_ACCMODE | O_CREAT | O_TRUNC)),
    ALLOW_IF(open, ALL, LACKS(1, O_ACCMODE | O_CREAT | O_TRUNC)),
    ALLOW(readlink, ALL),
    ALLOW(access, ALL),
    ALLOW(stat, ALL),
    ALLOW(newfstatat, ALL),
    ALLOW(mmap, ALL),
#else
    /* What libraries try at times, and do without: other files, caches. */
    REFUSE(open, ALL, EACCES),
    REFUSE(openat, ALL & ~OPENS, EACCES),
    REFUSE(access, ALL & ~OPENS, EACCES),
    REFUSE(stat, ALL & ~OPENS, EACCES),
    REFUSE(readlink, ALL & ~OPENS, EACCES),
#endif
    /* A cache of fonts that is out of date: it would be written anew. */
    REFUSE_IF(openat, DISPLAY & ~MAKER, HAS(2, O_CREAT), EACCES),
    REFUSE_IF(openat, DISPLAY & ~MAKER, HAS(2, O_TRUNC), EACCES),
    REFUSE_IF(openat, DISPLAY & ~MAKER, MASKED(2, O_ACCMODE, O_WRONLY), EACCES),
    REFUSE_IF(openat, DISPLAY & ~MAKER, MASKED(2, O_ACCMODE, O_RDWR), EACCES),
    REFUSE(mkdir, FONTS, EACCES),
    REFUSE(link, FONTS, EACCES),
    REFUSE(symlink, FONTS, EACCES),
    REFUSE(utimensat, FONTS, EACCES),
    REFUSE(utimes, FONTS, EACCES),
    REFUSE(chmod, FONTS, EACCES),
    REFUSE(statx, ALL, ENOSYS),
};

struct filters {
    struct {
        GMutex lock; /* of making it: a vCPU that begins does not wait for the main loop's */
        struct sock_fprog program;
    } kinds[SANDBOX_KINDS];
};

static int add_rule(scmp_filter_ctx context, const struct rule *rule)
{
    const struct condition *condition = &rule->condition;
    uint32_t action = rule->error ? SCMP_ACT_ERRNO((uint32_t)rule->error) : SCMP_ACT_ALLOW;
    uint64_t value = condition->value == PROCESS_ID ? (uint64_t)getpid() : condition->value;

    if (!condition->mask)
        return seccomp_rule_add_array(context, action, rule->number, 0, NULL);
    const struct scmp_arg_cmp compare = {condition->argument, SCMP_CMP_MASKED_EQ, condition->mask, value};
    return seccomp_rule_add_array(context, action, rule->number, 1, &compare);
}

/* The program's instructions, by way of a file in memory. */
static bool export(scmp_filter_ctx context, struct sock_fprog *program)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    bool ok = fd >= 0 && seccomp_export_bpf(context, fd) == 0;
    off_t size = ok ? lseek(fd, 0, SEEK_END) : 0;

    if (size > 0) {
        struct sock_filter *filter = g_malloc((size_t)size);
        ok = pread(fd, filter, (size_t)size, 0) == size;
        *program = (struct sock_fprog){.len = (unsigned short)((size_t)size / sizeof(*filter)), .filter = filter};
    }
    if (fd >= 0)
        close(fd);
    return ok && size > 0;
}

static bool make(enum sandbox_kind kind, struct sock_fprog *program)
{
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_TRAP);
    int failed = !context;

    if (!failed)
        failed = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS); /* 32-bit calls have other numbers */
    if (!failed)
        failed = seccomp_syscall_priority(context, SCMP_SYS(ioctl), UINT8_MAX); /* each entry to a guest; calls without conditions the kernel caches */
    for (unsigned i = 0; i < G_N_ELEMENTS(rules) && !failed; i++)
        if (rules[i].kinds & 1u << kind)
            failed = add_rule(context, &rules[i]);
    bool ok = !failed && export(context, program);
    if (!ok)
        errno = failed ? -failed : errno;
    if (context)
        seccomp_release(context);
    return ok;
}

struct filters *filters_create(const char **reason)
{
    uint32_t action = SECCOMP_RET_TRAP;

    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) {
        *reason = "this kernel has no filters (CONFIG_SECCOMP_FILTER), or a container forbids them";
        return NULL;
    }
    return g_new0(struct filters, 1);
}

bool filters_enter(struct filters *filters, enum sandbox_kind kind)
{
    struct sock_fprog *program = &filters->kinds[kind].program;

    g_mutex_lock(&filters->kinds[kind].lock);
    bool ok = program->len || make(kind, program);
    g_mutex_unlock(&filters->kinds[kind].lock);
    return ok && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program) == 0;
}
