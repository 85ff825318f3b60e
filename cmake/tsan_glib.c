/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GLib's locks as ThreadSanitizer must see them: GMutex and friends are futexes inside of a library that is not instrumented, so that
 * every access under one would look like a race. Compiled into every program of the tsan preset, in place of GLib's functions.
 */
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

#undef g_once_init_leave

/* The library's own function of that name. Several threads may look it up at once; all find the same. */
#define REAL(name)                                                                   \
    static __typeof__(&name) real;                                                   \
    if (!__atomic_load_n(&real, __ATOMIC_RELAXED))                                   \
        __atomic_store_n(&real, (__typeof__(&name))dlsym(RTLD_NEXT, #name), __ATOMIC_RELAXED)

static void before_lock(void *lock, unsigned flags)
{
    __tsan_mutex_pre_lock(lock, flags);
}

static void after_lock(void *lock, unsigned flags)
{
    __tsan_mutex_post_lock(lock, flags, 1);
}

void g_mutex_lock(GMutex *mutex)
{
    REAL(g_mutex_lock);
    before_lock(mutex, 0);
    real(mutex);
    after_lock(mutex, 0);
}

gboolean g_mutex_trylock(GMutex *mutex)
{
    REAL(g_mutex_trylock);
    before_lock(mutex, __tsan_mutex_try_lock);
    gboolean locked = real(mutex);
    after_lock(mutex, __tsan_mutex_try_lock | (locked ? 0 : __tsan_mutex_try_lock_failed));
    return locked;
}

void g_mutex_unlock(GMutex *mutex)
{
    REAL(g_mutex_unlock);
    __tsan_mutex_pre_unlock(mutex, 0);
    real(mutex);
    __tsan_mutex_post_unlock(mutex, 0);
}

void g_mutex_clear(GMutex *mutex)
{
    REAL(g_mutex_clear);
    real(mutex);
    __tsan_mutex_destroy(mutex, 0);
}

void g_cond_wait(GCond *cond, GMutex *mutex)
{
    REAL(g_cond_wait);
    __tsan_mutex_pre_unlock(mutex, 0);
    __tsan_mutex_post_unlock(mutex, 0);
    real(cond, mutex);
    before_lock(mutex, 0);
    after_lock(mutex, 0);
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    REAL(g_cond_wait_until);
    __tsan_mutex_pre_unlock(mutex, 0);
    __tsan_mutex_post_unlock(mutex, 0);
    gboolean signalled = real(cond, mutex, end_time);
    before_lock(mutex, 0);
    after_lock(mutex, 0);
    return signalled;
}

void g_rw_lock_reader_lock(GRWLock *lock)
{
    REAL(g_rw_lock_reader_lock);
    before_lock(lock, __tsan_mutex_read_lock);
    real(lock);
    after_lock(lock, __tsan_mutex_read_lock);
}

void g_rw_lock_reader_unlock(GRWLock *lock)
{
    REAL(g_rw_lock_reader_unlock);
    __tsan_mutex_pre_unlock(lock, __tsan_mutex_read_lock);
    real(lock);
    __tsan_mutex_post_unlock(lock, __tsan_mutex_read_lock);
}

void g_rw_lock_writer_lock(GRWLock *lock)
{
    REAL(g_rw_lock_writer_lock);
    before_lock(lock, 0);
    real(lock);
    after_lock(lock, 0);
}

void g_rw_lock_writer_unlock(GRWLock *lock)
{
    REAL(g_rw_lock_writer_unlock);
    __tsan_mutex_pre_unlock(lock, 0);
    real(lock);
    __tsan_mutex_post_unlock(lock, 0);
}

void g_rw_lock_clear(GRWLock *lock)
{
    REAL(g_rw_lock_clear);
    real(lock);
    __tsan_mutex_destroy(lock, 0);
}

/* g_once_init_enter() reads the location in the caller's own, instrumented code. */
void g_once_init_leave(volatile void *location, gsize result)
{
    static void (*real)(volatile void *location, gsize result);

    if (!__atomic_load_n(&real, __ATOMIC_RELAXED))
        __atomic_store_n(&real, (__typeof__(real))dlsym(RTLD_NEXT, "g_once_init_leave"), __ATOMIC_RELAXED);
    __tsan_release((void *)location);
    real(location, result);
}

/* What one thread queues and another takes: GAsyncQueue locks with GLib's internal functions. */
void g_async_queue_push(GAsyncQueue *queue, gpointer data)
{
    REAL(g_async_queue_push);
    __tsan_release(queue);
    real(queue, data);
}

gpointer g_async_queue_pop(GAsyncQueue *queue)
{
    REAL(g_async_queue_pop);
    gpointer data = real(queue);
    __tsan_acquire(queue);
    return data;
}

gpointer g_async_queue_try_pop(GAsyncQueue *queue)
{
    REAL(g_async_queue_try_pop);
    gpointer data = real(queue);
    __tsan_acquire(queue);
    return data;
}
