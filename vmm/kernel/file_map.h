/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole file as memory, read only: kernels and initrds, of which only the pages that are used get read. Used by image.c and boot.c.
 *
 * Another process may change the file while it is mapped. Whoever parses it copies what he checks; a file that shrinks reads as zeroes from then
 * on (fault_guard.h), and file_map_intact() says so.
 */
#ifndef MEDIANT_VMM_KERNEL_FILE_MAP_H
#define MEDIANT_VMM_KERNEL_FILE_MAP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct file_map {
    const uint8_t *data; /* NULL when closed */
    size_t size;         /* bytes of the file, not 0 */
    size_t mapped;       /* size, rounded up to pages */
    int guard;
};

/* Maps a regular file that is not empty. The error names it. */
bool file_map_open(struct file_map *map, const char *path, GError **error);
/* The same of one that is open already; fd stays the caller's, path is for errors. */
bool file_map_open_fd(struct file_map *map, int fd, const char *path, GError **error);
/* Opens one for that; -1 with an error. */
int file_map_open_path(const char *path, GError **error);
/* After the last use of the data: false when the file shrank meanwhile. */
bool file_map_intact(const struct file_map *map, const char *path, GError **error);
/* A zeroed or closed map is allowed. */
void file_map_close(struct file_map *map);

#ifdef __cplusplus
}
#endif
#endif
