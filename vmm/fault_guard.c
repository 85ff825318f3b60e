/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SIGBUS on shared memory: a table of ranges that the handler looks through. Used by vfio_user/memory.c. */
#include "vmm/fault_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

/*
 * version is odd while a slot changes. The range that a faulting access is in does not change meanwhile, so the handler passes over a slot that does.
 * All are atomics; a slot is free when end is 0.
 */
struct guarded {
    unsigned version;
    uintptr_t start, end;
    size_t page_size;
    bool hit;
};

static struct guarded table[FAULT_GUARD_MAX];
static GMutex table_lock; /* of add and remove; the handler takes none */
static struct sigaction previous;

static void change(struct guarded *slot, uintptr_t start, uintptr_t end, size_t page_size)
{
    unsigned version = __atomic_load_n(&slot->version, __ATOMIC_RELAXED);

    __atomic_store_n(&slot->version, version + 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&slot->start, start, __ATOMIC_SEQ_CST);
    __atomic_store_n(&slot->end, end, __ATOMIC_SEQ_CST);
    __atomic_store_n(&slot->page_size, page_size, __ATOMIC_SEQ_CST);
    __atomic_store_n(&slot->hit, false, __ATOMIC_SEQ_CST);
    __atomic_store_n(&slot->version, version + 2, __ATOMIC_SEQ_CST);
}

/* mmap is a plain system call and safe in a signal handler. */
static bool put_zeroes(uintptr_t start, size_t size)
{
    return mmap((void *)start, size, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

static bool replace(struct guarded *slot, uintptr_t at)
{
    unsigned version = __atomic_load_n(&slot->version, __ATOMIC_SEQ_CST);
    uintptr_t start = __atomic_load_n(&slot->start, __ATOMIC_SEQ_CST);
    uintptr_t end = __atomic_load_n(&slot->end, __ATOMIC_SEQ_CST);
    size_t page_size = __atomic_load_n(&slot->page_size, __ATOMIC_SEQ_CST);

    if (at < start || at >= end || (version & 1) || version != __atomic_load_n(&slot->version, __ATOMIC_SEQ_CST))
        return false;
    /* Where memory may not be overcommitted there may be none for the whole range, but for the page. */
    if (!put_zeroes(start, end - start) && !put_zeroes(at & ~(uintptr_t)(page_size - 1), page_size))
        return false;
    __atomic_store_n(&slot->hit, true, __ATOMIC_SEQ_CST);
    return true;
}

static void on_bus_error(int signal, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    bool sent = info->si_code <= 0; /* by a process: then si_addr means nothing */

    for (unsigned i = 0; i < FAULT_GUARD_MAX && !sent; i++)
        if (replace(&table[i], (uintptr_t)info->si_addr)) {
            errno = saved_errno;
            return;
        }
    /* Not ours: it comes again, and does what it would have done without us. */
    sigaction(SIGBUS, &previous, NULL);
    if (sent)
        raise(SIGBUS);
    errno = saved_errno;
}

static void install(void)
{
    static gsize once;

    if (g_once_init_enter(&once)) {
        struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
        sigemptyset(&action.sa_mask);
        sigaction(SIGBUS, NULL, &previous);
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
        change(&table[i], (uintptr_t)start, (uintptr_t)start + size, page_size);
    }
    g_mutex_unlock(&table_lock);
    return id;
}

void fault_guard_remove(int id)
{
    g_mutex_lock(&table_lock);
    change(&table[id], 0, 0, 0);
    g_mutex_unlock(&table_lock);
}

bool fault_guard_hit(int id)
{
    return __atomic_load_n(&table[id].hit, __ATOMIC_RELAXED);
}
