/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps kernels and initrds; see file_map.h. */
#include "vmm/kernel/file_map.h"

#include "vmm/error.h"
#include "vmm/fault_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* What is wrong, or NULL; sets the mapping. */
static const char *map_file(struct file_map *map, int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return g_strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "not a regular file";
    if (status.st_size == 0)
        return "the file is empty";
    map->size = (size_t)status.st_size;
    map->mapped = (map->size + PAGE - 1) & ~(size_t)(PAGE - 1);
    void *data = mmap(NULL, map->mapped, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return g_strerror(errno);
    map->guard = fault_guard_add(data, map->mapped, PAGE);
    if (map->guard < 0) {
        munmap(data, map->mapped);
        return "too many files and regions are mapped at once";
    }
    map->data = data;
    return NULL;
}

int file_map_open_path(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO would wait for its writer */

    if (fd < 0)
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %s", path, g_strerror(errno));
    return fd;
}

bool file_map_open_fd(struct file_map *map, int fd, const char *path, GError **error)
{
    *map = (struct file_map){.guard = -1};
    const char *problem = map_file(map, fd);
    if (problem)
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: %s", path, problem);
    return !problem;
}

bool file_map_open(struct file_map *map, const char *path, GError **error)
{
    int fd = file_map_open_path(path, error);

    *map = (struct file_map){.guard = -1};
    if (fd < 0)
        return false;
    bool ok = file_map_open_fd(map, fd, path, error);
    close(fd);
    return ok;
}

bool file_map_intact(const struct file_map *map, const char *path, GError **error)
{
    if (!fault_guard_hit(map->guard))
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "%s: the file became shorter while it was read", path);
    return false;
}

void file_map_close(struct file_map *map)
{
    if (!map->data)
        return;
    fault_guard_remove(map->guard);
    munmap((void *)map->data, map->mapped);
    *map = (struct file_map){.guard = -1};
}
