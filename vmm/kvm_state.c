/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine's state in KVM, taken and put back. See kvm_state.h. */
#include "vmm/kvm_state.h"

#include "vmm/error.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    MSRS_MAX = 1024,
    CHIPS = 3,
    MSR_TSC = 0x10,
};

/* IA32_MTRR_PHYSBASE0 to IA32_MTRR_PHYSMASK7, IA32_MTRR_FIX*, IA32_MTRR_DEF_TYPE (Intel SDM volume 4, table 2-2): not every KVM has them in its list. */
static const uint32_t mtrrs[] = {0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207, 0x208, 0x209, 0x20a, 0x20b, 0x20c, 0x20d,
                                 0x20e, 0x20f, 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x2ff};

struct vcpu_state {
    int fd;
    struct kvm_sregs sregs;
    struct kvm_xcrs xcrs;
    struct kvm_xsave xsave;
    struct kvm_debugregs debug;
    struct kvm_lapic_state lapic;
    struct kvm_regs regs;
    struct kvm_mp_state mp;
    struct kvm_vcpu_events events;
};

struct kvm_state {
    int vm_fd;
    struct kvm_irqchip chips[CHIPS];
    struct kvm_pit_state2 pit;
    struct kvm_msrs *msrs; /* of all vCPUs alike */
    unsigned vcpus;
    struct vcpu_state vcpu[];
};

/* In the order in which they are put back: the local APIC's mode is in sregs, what is pending comes last. */
#define PART(what, member, optional) {KVM_GET_##what, KVM_SET_##what, #what, offsetof(struct vcpu_state, member), optional}
static const struct part {
    unsigned long get, set;
    const char *name;
    size_t offset;
    bool optional; /* a KVM without it has nothing of the kind */
} parts[] = {
    PART(SREGS, sregs, false),
    PART(XCRS, xcrs, true),
    PART(XSAVE, xsave, true),
    PART(DEBUGREGS, debug, true),
    PART(LAPIC, lapic, false),
    PART(REGS, regs, false),
    PART(MP_STATE, mp, false),
    PART(VCPU_EVENTS, events, true),
};

static bool fail(GError **error, const char *verb, const char *what)
{
    g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "KVM does not %s the machine's state (%s): %s", verb, what, g_strerror(errno));
    return false;
}

static struct kvm_msrs *new_msrs(unsigned count)
{
    return g_malloc0(sizeof(struct kvm_msrs) + count * sizeof(struct kvm_msr_entry));
}

/* Those of the list that can be read; KVM stops at one that cannot. */
static void read_msrs(int vcpu_fd, struct kvm_msrs *msrs)
{
    g_autofree struct kvm_msrs *some = new_msrs(msrs->nmsrs);
    unsigned kept = 0;

    for (unsigned at = 0; at < msrs->nmsrs;) {
        some->nmsrs = msrs->nmsrs - at;
        memcpy(some->entries, &msrs->entries[at], some->nmsrs * sizeof(*some->entries));
        int read = ioctl(vcpu_fd, KVM_GET_MSRS, some);
        for (int i = 0; i < read; i++)
            msrs->entries[kept++] = some->entries[i];
        at += (unsigned)MAX(read, 0) + 1;
    }
    msrs->nmsrs = kept;
}

static struct kvm_msrs *take_msrs(int kvm_fd, int vcpu_fd)
{
    g_autofree struct kvm_msr_list *list = g_malloc0(sizeof(*list) + MSRS_MAX * sizeof(*list->indices));

    list->nmsrs = MSRS_MAX;
    if (ioctl(kvm_fd, KVM_GET_MSR_INDEX_LIST, list) < 0)
        return NULL;
    struct kvm_msrs *msrs = new_msrs(list->nmsrs + G_N_ELEMENTS(mtrrs));
    for (unsigned i = 0; i < list->nmsrs; i++)
        if (list->indices[i] != MSR_TSC)
            msrs->entries[msrs->nmsrs++].index = list->indices[i];
    for (unsigned i = 0; i < G_N_ELEMENTS(mtrrs); i++)
        msrs->entries[msrs->nmsrs++].index = mtrrs[i];
    read_msrs(vcpu_fd, msrs);
    return msrs;
}

/* What differs is written. One that KVM does not take stays: those are the ones that it makes up itself. */
static void put_msrs(const struct kvm_msrs *wanted, int vcpu_fd)
{
    const size_t bytes = sizeof(*wanted) + wanted->nmsrs * sizeof(struct kvm_msr_entry);
    g_autofree struct kvm_msrs *now = g_memdup2(wanted, bytes), *one = new_msrs(1);

    read_msrs(vcpu_fd, now);
    one->nmsrs = 1;
    for (unsigned i = 0, w = 0; i < now->nmsrs; i++) {
        while (w < wanted->nmsrs && wanted->entries[w].index != now->entries[i].index)
            w++;
        if (w == wanted->nmsrs)
            return;
        one->entries[0] = wanted->entries[w];
        if (now->entries[i].data != wanted->entries[w].data)
            ioctl(vcpu_fd, KVM_SET_MSRS, one);
    }
}

struct kvm_state *kvm_state_take(int kvm_fd, int vm_fd, const int *vcpu_fds, unsigned vcpus, GError **error)
{
    struct kvm_state *state = g_malloc0(sizeof(*state) + vcpus * sizeof(struct vcpu_state));
    bool ok = true;

    state->vm_fd = vm_fd;
    state->vcpus = vcpus;
    for (unsigned i = 0; i < CHIPS && ok; i++) {
        state->chips[i].chip_id = i; /* the two 8259, then the I/O APIC */
        ok = ioctl(vm_fd, KVM_GET_IRQCHIP, &state->chips[i]) == 0 || fail(error, "tell", "IRQCHIP");
    }
    ok = ok && (ioctl(vm_fd, KVM_GET_PIT2, &state->pit) == 0 || fail(error, "tell", "PIT2"));
    ok = ok && ((state->msrs = take_msrs(kvm_fd, vcpu_fds[0])) || fail(error, "tell", "MSR_INDEX_LIST"));
    for (unsigned v = 0; v < vcpus && ok; v++) {
        state->vcpu[v].fd = vcpu_fds[v];
        for (unsigned i = 0; i < G_N_ELEMENTS(parts) && ok; i++)
            ok = ioctl(vcpu_fds[v], parts[i].get, (uint8_t *)&state->vcpu[v] + parts[i].offset) == 0 || parts[i].optional ||
                 fail(error, "tell", parts[i].name);
    }
    if (!ok)
        g_clear_pointer(&state, kvm_state_free);
    return state;
}

static bool put_vcpu(const struct kvm_state *state, const struct vcpu_state *vcpu, GError **error)
{
    const struct kvm_guest_debug no_debug = {0};

    ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &no_debug);
    for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (ioctl(vcpu->fd, parts[i].set, (const uint8_t *)vcpu + parts[i].offset) != 0 && !parts[i].optional)
            return fail(error, "take", parts[i].name);
        if (parts[i].set == KVM_SET_SREGS)
            put_msrs(state->msrs, vcpu->fd);
    }
    return true;
}

bool kvm_state_put_back(const struct kvm_state *state, GError **error)
{
    for (unsigned i = 0; i < CHIPS; i++)
        if (ioctl(state->vm_fd, KVM_SET_IRQCHIP, &state->chips[i]) != 0)
            return fail(error, "take", "IRQCHIP");
    if (ioctl(state->vm_fd, KVM_SET_PIT2, &state->pit) != 0)
        return fail(error, "take", "PIT2");
    for (unsigned v = 0; v < state->vcpus; v++)
        if (!put_vcpu(state, &state->vcpu[v], error))
            return false;
    return true;
}

void kvm_state_free(struct kvm_state *state)
{
    if (!state)
        return;
    g_free(state->msrs);
    g_free(state);
}
