/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One vCPU: its thread and what it does at each exit from KVM. Used by machine.c. */
#include "vmm/error.h"
#include "vmm/insn.h"
#include "vmm/kvm.h"
#include "vmm/machine_internal.h"
#include "vmm/sandbox/sandbox.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Interrupts KVM_RUN; the handler does nothing, immediate_exit closes the race with entering KVM_RUN. */
static int kick_signal(void)
{
    return SIGRTMIN;
}

static void on_kick(int number)
{
}

bool vcpu_init(struct vcpu *vcpu, struct machine *machine, unsigned id, GError **error)
{
    struct kvm_mp_state mp_state;

    vcpu->machine = machine;
    vcpu->id = id;
    vcpu->run = MAP_FAILED;
    vcpu->fd = ioctl(machine->vm_fd, KVM_CREATE_VCPU, (unsigned long)id);
    if (vcpu->fd >= 0)
        vcpu->run = mmap(NULL, machine->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
    if (vcpu->run == MAP_FAILED) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s: KVM cannot create vCPU %u: %s", machine->name, id, g_strerror(errno));
        if (vcpu->fd >= 0)
            close(vcpu->fd);
        vcpu->run = NULL;
        return false;
    }
    /* Application processors wait for INIT and SIPI in the kernel, vCPU 0 runs. */
    mp_state.mp_state = id == 0 ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED;
    if (!kvm_set_cpuid(machine->cpuid, vcpu->fd, id, machine->vcpu_count, error) || !kvm_set_memory_types(vcpu->fd, error))
        return false;
    if (ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp_state) < 0) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s: KVM cannot set the state of vCPU %u: %s", machine->name, id,
                    g_strerror(errno));
        return false;
    }
    return true;
}

void vcpu_finish(struct vcpu *vcpu)
{
    if (!vcpu->run)
        return;
    munmap(vcpu->run, vcpu->machine->run_size);
    close(vcpu->fd);
    vcpu->run = NULL;
}

/* struct insn_env's callbacks. */
static bool env_memory_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct machine *machine = opaque;

    return dma_space_read(machine->memory->dma, gpa, buf, len);
}

static bool env_memory_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct machine *machine = opaque;

    return memory_ptr(machine->memory, gpa, len) && dma_space_write(machine->memory->dma, gpa, buf, len);
}

static void *env_memory_ptr(void *opaque, uint64_t gpa, size_t len)
{
    struct machine *machine = opaque;

    return memory_ptr(machine->memory, gpa, len);
}

static void env_mmio_read(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct machine *machine = opaque;

    address_map_read(machine->mmio, gpa, buf, len);
}

static void env_mmio_write(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct machine *machine = opaque;

    address_map_write(machine->mmio, gpa, buf, len);
}

static struct insn_env insn_env(struct vcpu *vcpu)
{
    return (struct insn_env){.vcpu_fd = vcpu->fd,
                             .run = vcpu->run,
                             .vcpu = vcpu->id,
                             .opaque = vcpu->machine,
                             .memory_read = env_memory_read,
                             .memory_write = env_memory_write,
                             .memory_ptr = env_memory_ptr,
                             .mmio_read = env_mmio_read,
                             .mmio_write = env_mmio_write};
}

static void port_exit(struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    uint8_t *data = (uint8_t *)run + run->io.data_offset;

    for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
        if (run->io.direction == KVM_EXIT_IO_OUT)
            address_map_write(vcpu->machine->pio, run->io.port, data, run->io.size);
        else
            address_map_read(vcpu->machine->pio, run->io.port, data, run->io.size);
    }
}

static void mmio_exit(struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    size_t len = MIN(run->mmio.len, sizeof(run->mmio.data));

    if (run->mmio.is_write)
        address_map_write(vcpu->machine->mmio, run->mmio.phys_addr, run->mmio.data, len);
    else
        address_map_read(vcpu->machine->mmio, run->mmio.phys_addr, run->mmio.data, len);
}

static void crash(struct vcpu *vcpu, const char *what)
{
    struct insn_env env = insn_env(vcpu);
    g_autofree char *where = insn_describe(&env);

    machine_finish(vcpu->machine, MACHINE_CRASHED, 0, g_strdup_printf("vCPU %u: %s at %s", vcpu->id, what, where));
}

static void internal_error(struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    struct insn_env env = insn_env(vcpu);
    char *message = NULL;

    if (run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION) {
        g_autofree char *what = g_strdup_printf("KVM internal error %u", run->internal.suberror);
        crash(vcpu, what);
    } else if (insn_complete(&env, &message) != INSN_DONE) {
        machine_finish(vcpu->machine, MACHINE_CRASHED, 0, message);
    }
}

/* Handles one exit. */
static void handle_exit(struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    struct insn_env env = insn_env(vcpu);

    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        port_exit(vcpu);
        return;
    case KVM_EXIT_MMIO:
        mmio_exit(vcpu);
        return;
    case KVM_EXIT_INTERNAL_ERROR:
        internal_error(vcpu);
        return;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        insn_syscall_msr(&vcpu->syscall, &env, run->exit_reason == KVM_EXIT_X86_WRMSR);
        return;
    case KVM_EXIT_DEBUG:
        if (!insn_syscall_debug(&vcpu->syscall, &env))
            crash(vcpu, "a system call cannot be finished");
        return;
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
        return;
    case KVM_EXIT_SHUTDOWN:
        crash(vcpu, "triple fault");
        return;
    case KVM_EXIT_SYSTEM_EVENT:
        if (run->system_event.type == KVM_SYSTEM_EVENT_CRASH)
            machine_finish(vcpu->machine, MACHINE_CRASHED, 0, g_strdup("the guest reported a crash to KVM"));
        else
            machine_finish(vcpu->machine, MACHINE_EXITED, 0, NULL);
        return;
    case KVM_EXIT_FAIL_ENTRY:
        machine_finish(vcpu->machine, MACHINE_FAILED, 0,
                       g_strdup_printf("vCPU %u: KVM cannot enter the guest (reason 0x%llx)", vcpu->id,
                                       (unsigned long long)run->fail_entry.hardware_entry_failure_reason));
        return;
    default:
        machine_finish(vcpu->machine, MACHINE_FAILED, 0,
                       g_strdup_printf("vCPU %u: KVM left the guest for reason %u, which the VMM does not handle", vcpu->id,
                                       run->exit_reason));
        return;
    }
}

const char *const machine_exit_names[MACHINE_EXITS] = {
    [MACHINE_EXIT_PORT] = "port",
    [MACHINE_EXIT_MMIO] = "mmio",
    [MACHINE_EXIT_MSR] = "msr",
    [MACHINE_EXIT_EMULATION] = "emulation",
    [MACHINE_EXIT_INTERRUPTED] = "interrupted",
    [MACHINE_EXIT_OTHER] = "other",
};

static enum machine_exit exit_class(uint32_t reason)
{
    switch (reason) {
    case KVM_EXIT_IO:
        return MACHINE_EXIT_PORT;
    case KVM_EXIT_MMIO:
        return MACHINE_EXIT_MMIO;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        return MACHINE_EXIT_MSR;
    case KVM_EXIT_INTERNAL_ERROR:
    case KVM_EXIT_DEBUG:
        return MACHINE_EXIT_EMULATION;
    default:
        return MACHINE_EXIT_OTHER;
    }
}

/* No other thread writes the counters, so that it need not be one operation. */
static void count_exit(struct vcpu *vcpu, enum machine_exit exit)
{
    __atomic_store_n(&vcpu->exits[exit], vcpu->exits[exit] + 1, __ATOMIC_RELAXED);
}

/* KVM_RUN; errno is its own. */
static int run_guest(struct vcpu *vcpu)
{
    int result = ioctl(vcpu->fd, KVM_RUN, 0), error = errno;

    coalesced_drain(vcpu->machine->coalesced, vcpu->run);
    errno = error;
    return result;
}

/* What KVM has left to do of the last exit, it does at the next entry, and would do it to registers that were set meanwhile (KVM API, 5, "immediate_exit"). */
static void settle(struct vcpu *vcpu)
{
    enum { TRIES = 16 }; /* an access can have several parts */

    for (unsigned i = 0; i < TRIES; i++) {
        __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
        if (run_guest(vcpu) != 0)
            break;
    }
    __atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST); /* the reasons for a kick are looked at next */
}

static void *vcpu_thread(void *opaque)
{
    struct vcpu *vcpu = opaque;
    struct machine *machine = vcpu->machine;
    char name[16]; /* the kernel's limit */

    g_snprintf(name, sizeof(name), "%.11s/%u", machine->name, vcpu->id % 1000);
    pthread_setname_np(pthread_self(), name);
    g_autoptr(GError) error = NULL;
    if (!cpu_group_enter(machine->cpu, vcpu->id, &error))
        machine_finish(machine, MACHINE_FAILED, 0, g_strdup(error->message));
    sandbox_enter(&(struct sandbox_thread){.kind = SANDBOX_VCPU});
    while (!__atomic_load_n(&machine->stop, __ATOMIC_SEQ_CST)) {
        if (pause_point(machine->pause, vcpu->fd))
            continue;
        if (restart_is_wanted(machine->restart)) {
            settle(vcpu);
            restart_point(machine->restart);
            continue;
        }
        if (run_guest(vcpu) == 0) {
            count_exit(vcpu, exit_class(vcpu->run->exit_reason));
            handle_exit(vcpu);
        } else if (errno == EFAULT) {
            crash(vcpu, "access to memory that KVM cannot reach");
        } else if (errno == EINTR) {
            __atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST); /* before the reasons for a kick are looked at */
            count_exit(vcpu, MACHINE_EXIT_INTERRUPTED);
        } else if (errno != EAGAIN) { /* EAGAIN: an application processor got its INIT */
            machine_finish(machine, MACHINE_FAILED, 0, g_strdup_printf("vCPU %u: KVM_RUN: %s", vcpu->id, g_strerror(errno)));
        } else {
            count_exit(vcpu, MACHINE_EXIT_INTERRUPTED);
        }
    }
    return NULL;
}

bool vcpu_start(struct vcpu *vcpu, GError **error)
{
    struct sigaction action = {.sa_handler = on_kick};

    sigemptyset(&action.sa_mask);
    sigaction(kick_signal(), &action, NULL);
    int failed = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
    if (failed) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "guest %s: no thread for vCPU %u: %s", vcpu->machine->name, vcpu->id,
                    g_strerror(failed));
        return false;
    }
    vcpu->started = true;
    return true;
}

void vcpu_kick(struct vcpu *vcpu)
{
    __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    if (vcpu->started && !pthread_equal(vcpu->thread, pthread_self()))
        pthread_kill(vcpu->thread, kick_signal());
}
