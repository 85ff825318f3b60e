/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files of the kernel: sysfs and debugfs. Used by large.c and hang.c; files.c. */
#ifndef GEMCHECK_FILES_H
#define GEMCHECK_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* False when it cannot be written. */
bool file_write(const char *path, const char *text);
/* The beginning of a file as a string, without a newline at its end. False, and an empty string, when it cannot be read. */
bool file_read(const char *path, char *text, size_t size);

#endif
