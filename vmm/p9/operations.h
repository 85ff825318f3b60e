/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the server's operations share. Each takes the fields of its request from in and adds those of its reply to out; it returns 0 or an
 * errno, after which the reply is that error. One that finds its request malformed does nothing and returns EBADMSG.
 */
#ifndef MEDIANT_VMM_P9_OPERATIONS_H
#define MEDIANT_VMM_P9_OPERATIONS_H

#include "vmm/p9/fids.h"
#include "vmm/p9/server.h"
#include "vmm/p9/tree.h"
#include "vmm/p9/wire.h"

struct p9_server {
    struct p9_tree tree;
    struct p9_fids *fids;
    uint32_t message_max; /* 0: no version is agreed on */
};

typedef int p9_operation(struct p9_server *server, struct p9_reader *in, struct p9_writer *out);

/* session.c */
p9_operation p9_version, p9_attach, p9_flush, p9_walk, p9_clunk;
/* open_files.c */
p9_operation p9_lopen, p9_lcreate, p9_read, p9_write, p9_readdir, p9_fsync, p9_lock, p9_getlock;
/* attributes.c */
p9_operation p9_statfs, p9_getattr, p9_setattr, p9_readlink;
/* names.c */
p9_operation p9_mkdir, p9_symlink, p9_link, p9_rename, p9_renameat, p9_unlinkat, p9_remove;

/* A hold of what a fid means: of the opened file, else of what is at its path. EBADF when there is no such fid. */
int p9_hold(struct p9_server *server, const struct p9_fid *fid, int *hold);
/* The qid of a thing: its type, a number that changes with its content, and one that is its own. */
void p9_put_qid(struct p9_writer *out, const struct p9_tree *tree, const struct stat *st);
int p9_put_qid_of(struct p9_writer *out, const struct p9_tree *tree, int hold);

#endif
