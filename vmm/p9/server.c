/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes requests apart and calls their operations; see server.h. */
#include "vmm/p9/operations.h"
#include "vmm/p9/protocol.h"

#include <errno.h>

static int refuse(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    return EPERM;
}

static int unsupported(struct p9_server *server, struct p9_reader *in, struct p9_writer *out)
{
    return EOPNOTSUPP;
}

static const struct {
    p9_operation *run;
    bool changes; /* EROFS where the share is read-only. What opens files judges by its flags. */
} operations[P9_TYPES] = {
    [P9_TSTATFS] = {p9_statfs, false},
    [P9_TLOPEN] = {p9_lopen, false},
    [P9_TLCREATE] = {p9_lcreate, true},
    [P9_TSYMLINK] = {p9_symlink, true},
    [P9_TMKNOD] = {refuse, true},
    [P9_TRENAME] = {p9_rename, true},
    [P9_TREADLINK] = {p9_readlink, false},
    [P9_TGETATTR] = {p9_getattr, false},
    [P9_TSETATTR] = {p9_setattr, true},
    [P9_TXATTRWALK] = {unsupported, false},
    [P9_TXATTRCREATE] = {unsupported, false},
    [P9_TREADDIR] = {p9_readdir, false},
    [P9_TFSYNC] = {p9_fsync, false},
    [P9_TLOCK] = {p9_lock, false},
    [P9_TGETLOCK] = {p9_getlock, false},
    [P9_TLINK] = {p9_link, true},
    [P9_TMKDIR] = {p9_mkdir, true},
    [P9_TRENAMEAT] = {p9_renameat, true},
    [P9_TUNLINKAT] = {p9_unlinkat, true},
    [P9_TVERSION] = {p9_version, false},
    [P9_TAUTH] = {unsupported, false}, /* nobody has to */
    [P9_TATTACH] = {p9_attach, false},
    [P9_TFLUSH] = {p9_flush, false},
    [P9_TWALK] = {p9_walk, false},
    [P9_TREAD] = {p9_read, false},
    [P9_TWRITE] = {p9_write, true},
    [P9_TCLUNK] = {p9_clunk, false},
    [P9_TREMOVE] = {p9_remove, false}, /* it ends the fid whatever comes of it, and judges by itself */
};

static int run(struct p9_server *server, uint8_t type, struct p9_reader *in, struct p9_writer *out)
{
    if (type >= P9_TYPES || !operations[type].run)
        return EOPNOTSUPP;
    if (server->message_max == 0 && type != P9_TVERSION)
        return EPROTO;
    if (operations[type].changes && server->tree.read_only)
        return EROFS;
    int failed = operations[type].run(server, in, out);
    return failed ? failed : out->full ? EMSGSIZE : 0;
}

static void put_header(uint8_t *reply, size_t len, uint8_t type, uint16_t tag)
{
    struct p9_writer header = {.data = reply, .size = P9_HEADER_BYTES};

    p9_put_u32(&header, (uint32_t)len);
    p9_put_u8(&header, type);
    p9_put_u16(&header, tag);
}

int p9_server_directory(const struct p9_server *server)
{
    return server->tree.root;
}

size_t p9_server_handle(struct p9_server *server, const uint8_t *request, size_t len, uint8_t *reply, size_t room)
{
    struct p9_reader in = {.data = request, .left = len};
    uint32_t max = server->message_max ? server->message_max : P9_MESSAGE_MAX;
    uint32_t size = p9_get_u32(&in);
    uint8_t type = p9_get_u8(&in);
    uint16_t tag = p9_get_u16(&in);
    struct p9_writer out = {.data = reply, .size = MIN(room, max), .at = P9_HEADER_BYTES};

    if (in.bad || room < P9_ERROR_BYTES)
        return 0;
    int failed = len > max ? EMSGSIZE : size != len ? EBADMSG : run(server, type, &in, &out);
    if (failed) {
        out = (struct p9_writer){.data = reply, .size = P9_ERROR_BYTES, .at = P9_HEADER_BYTES};
        p9_put_u32(&out, (uint32_t)failed);
    }
    put_header(reply, out.at, failed ? P9_RLERROR : type + 1, tag);
    return out.at;
}

struct p9_server *p9_server_create(const char *path, bool read_only, GError **error)
{
    struct p9_tree tree;

    if (!p9_tree_open(&tree, path, read_only, error))
        return NULL;
    struct p9_server *server = g_new0(struct p9_server, 1);
    server->tree = tree;
    server->fids = p9_fids_create();
    return server;
}

void p9_server_destroy(struct p9_server *server)
{
    if (!server)
        return;
    p9_fids_destroy(server->fids);
    p9_tree_close(&server->tree);
    g_free(server);
}
