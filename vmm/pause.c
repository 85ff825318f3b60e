/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPUs that wait, and what becomes of their clocks. See pause.h. */
#include "vmm/pause.h"

#include <linux/kvm.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <x86intrin.h>

struct pause {
    struct pause_config config;
    GMutex lock;
    GCond changed;
    bool wanted, ended; /* atomics, written under the lock */
    unsigned standing;
    bool frozen;        /* what follows is of the moment when the last vCPU came to stand, and not yet given back */
    bool has_clock, has_pit;
    struct kvm_clock_data clock;
    struct kvm_pit_state2 pit;
    uint64_t tsc;
    uint64_t missed;    /* ticks of the host's TSC that the guest is not to see */
};

struct pause *pause_create(const struct pause_config *config)
{
    struct pause *pause = g_new0(struct pause, 1);

    pause->config = *config;
    g_mutex_init(&pause->lock);
    g_cond_init(&pause->changed);
    return pause;
}

void pause_destroy(struct pause *pause)
{
    if (!pause)
        return;
    g_mutex_clear(&pause->lock);
    g_cond_clear(&pause->changed);
    g_free(pause);
}

/* The last vCPU has come: nobody reads a clock from here on. */
static void freeze(struct pause *pause)
{
    pause->has_clock = ioctl(pause->config.vm_fd, KVM_GET_CLOCK, &pause->clock) == 0;
    pause->has_pit = ioctl(pause->config.vm_fd, KVM_GET_PIT2, &pause->pit) == 0;
    pause->tsc = __rdtsc();
    pause->config.clocks(pause->config.opaque, true);
    pause->frozen = true;
}

/* Before the first goes on. Setting the 8254 also forgets the ticks that it counted meanwhile. */
static void thaw(struct pause *pause)
{
    struct kvm_clock_data clock = {.clock = pause->clock.clock};

    pause->config.clocks(pause->config.opaque, false);
    if (pause->has_pit)
        ioctl(pause->config.vm_fd, KVM_SET_PIT2, &pause->pit);
    if (pause->has_clock)
        ioctl(pause->config.vm_fd, KVM_SET_CLOCK, &clock);
    pause->missed = __rdtsc() - pause->tsc;
    pause->frozen = false;
}

/* The same for each vCPU, so that their TSCs stay alike. Guests that use KVM's clock are told, so that their watchdogs do not bark. */
static void shift_tsc(const struct pause *pause, int vcpu_fd)
{
    uint64_t offset = 0;
    struct kvm_device_attr attribute = {.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t)&offset};

    if (ioctl(vcpu_fd, KVM_GET_DEVICE_ATTR, &attribute) == 0) {
        offset -= pause->missed;
        ioctl(vcpu_fd, KVM_SET_DEVICE_ATTR, &attribute);
    }
    ioctl(vcpu_fd, KVM_KVMCLOCK_CTRL, 0);
}

bool pause_point(struct pause *pause, int vcpu_fd)
{
    if (!__atomic_load_n(&pause->wanted, __ATOMIC_SEQ_CST))
        return false;
    g_mutex_lock(&pause->lock);
    if (!pause->wanted || pause->ended) { /* withdrawn meanwhile */
        g_mutex_unlock(&pause->lock);
        return true;
    }
    if (++pause->standing == pause->config.vcpus)
        freeze(pause);
    g_cond_broadcast(&pause->changed);
    while (pause->wanted && !pause->ended)
        g_cond_wait(&pause->changed, &pause->lock);
    if (pause->frozen)
        thaw(pause);
    if (pause->missed)
        shift_tsc(pause, vcpu_fd);
    if (--pause->standing == 0)
        pause->missed = 0;
    g_cond_broadcast(&pause->changed);
    g_mutex_unlock(&pause->lock);
    return true;
}

/* With the lock held. Waits until all have gone, which takes no longer than their waking up: who came for the next pause would miss this one's end. */
static void release(struct pause *pause)
{
    __atomic_store_n(&pause->wanted, false, __ATOMIC_SEQ_CST);
    g_cond_broadcast(&pause->changed);
    while (pause->standing > 0)
        g_cond_wait(&pause->changed, &pause->lock);
}

bool pause_begin(struct pause *pause, gint64 timeout_us)
{
    const gint64 by = g_get_monotonic_time() + timeout_us;

    g_mutex_lock(&pause->lock);
    __atomic_store_n(&pause->wanted, !pause->ended, __ATOMIC_SEQ_CST);
    g_mutex_unlock(&pause->lock);
    pause->config.kick(pause->config.opaque);
    g_mutex_lock(&pause->lock);
    while (pause->wanted && !pause->ended && pause->standing < pause->config.vcpus)
        if (!g_cond_wait_until(&pause->changed, &pause->lock, by))
            break;
    bool all = pause->wanted && !pause->ended && pause->standing == pause->config.vcpus;
    if (!all)
        release(pause);
    g_mutex_unlock(&pause->lock);
    return all;
}

void pause_end(struct pause *pause)
{
    g_mutex_lock(&pause->lock);
    release(pause);
    g_mutex_unlock(&pause->lock);
}

bool pause_is_on(struct pause *pause)
{
    g_mutex_lock(&pause->lock);
    bool on = pause->wanted && !pause->ended;
    g_mutex_unlock(&pause->lock);
    return on;
}

void pause_finish(struct pause *pause)
{
    g_mutex_lock(&pause->lock);
    pause->ended = true;
    __atomic_store_n(&pause->wanted, false, __ATOMIC_SEQ_CST);
    g_cond_broadcast(&pause->changed);
    g_mutex_unlock(&pause->lock);
}
