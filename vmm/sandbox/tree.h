/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file tree of a process that may see a few paths only. Used by namespaces.c. */
#ifndef MEDIANT_VMM_SANDBOX_TREE_H
#define MEDIANT_VMM_SANDBOX_TREE_H

#include "vmm/sandbox/parts.h"

/*
 * In a mount namespace of our own, with CAP_SYS_ADMIN in it: the root of all threads that share this one's becomes an empty file system with the paths in it,
 * where they were; the working directory is there too. Descriptors in `paths` lead into the new tree then. False with *refusal when a part is
 * refused, and then all is as it was.
 */
bool tree_close(struct paths *paths, struct refusal *refusal);
/* What of it may be refused, in a process that does nothing else and ends. */
bool tree_try(struct refusal *refusal);

#endif
