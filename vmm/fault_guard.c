/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SIGBUS on shared memory: a table of ranges that the handler looks through. Used by vfio_user/memory.c. */
#include "vmm/fault_guard.h"

#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

/* A slot is free when end is 0. end is written last and cleared first, so that the handler never sees half a range. */
struct guarded {
    uintptr_t start, end; /* atomics */
    size_t page_size;
    bool hit; /* atomic */
};

static struct guarded table[FAULT_GUARD_MAX];
static GMutex table_lock; /* of add and remove; the handler takes none */

static void on_bus_error(int signal, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;

    for (unsigned i = 0; i < FAULT_GUARD_MAX; i++) {
        uintptr_t end = __atomic_load_n(&table[i].end, __ATOMIC_ACQUIRE);
        if (at >= end || at < __atomic_load_n(&table[i].start, __ATOMIC_RELAXED))
            continue;
        uintptr_t page = at & ~(uintptr_t)(table[i].page_size - 1);
        /* mmap is a plain system call and safe here. */
        if (mmap((void *)page, table[i].page_size, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            break;
        __atomic_store_n(&table[i].hit, true, __ATOMIC_RELAXED);
        return;
    }
    /* Not ours: the access is repeated and does what it would have done without us. */
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(SIGBUS, &standard, NULL);
}

static void install(void)
{
    static gsize once;

    if (g_once_init_enter(&once)) {
        struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
        sigemptyset(&action.sa_mask);
        sigaction(SIGBUS, &action, NULL);
        g_once_init_leave(&once, 1);
    }
}

int fault_guard_add(void *start, size_t size, size_t page_size)
{
    int id = -1;

    install();
    g_mutex_lock(&table_lock);
    for (int i = 0; i < FAULT_GUARD_MAX && id < 0; i++) {
        if (__atomic_load_n(&table[i].end, __ATOMIC_RELAXED))
            continue;
        id = i;
        table[i].page_size = page_size;
        __atomic_store_n(&table[i].hit, false, __ATOMIC_RELAXED);
        __atomic_store_n(&table[i].start, (uintptr_t)start, __ATOMIC_RELAXED);
        __atomic_store_n(&table[i].end, (uintptr_t)start + size, __ATOMIC_RELEASE);
    }
    g_mutex_unlock(&table_lock);
    return id;
}

void fault_guard_remove(int id)
{
    g_mutex_lock(&table_lock);
    __atomic_store_n(&table[id].end, 0, __ATOMIC_RELEASE);
    g_mutex_unlock(&table_lock);
}

bool fault_guard_hit(int id)
{
    return __atomic_load_n(&table[id].hit, __ATOMIC_RELAXED);
}
