/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of 9P2000.L. Sources: diod's protocol.md (messages and their fields), the Plan 9 manual, section 5 (the messages that it took
 * over), Linux' Documentation/filesystems/9p.rst (what its client does). A reply's type is the request's plus 1.
 */
#ifndef MEDIANT_VMM_P9_PROTOCOL_H
#define MEDIANT_VMM_P9_PROTOCOL_H

#include <stdint.h>

enum p9_type {
    P9_RLERROR = 7,
    P9_TSTATFS = 8,
    P9_TLOPEN = 12,
    P9_TLCREATE = 14,
    P9_TSYMLINK = 16,
    P9_TMKNOD = 18,
    P9_TRENAME = 20,
    P9_TREADLINK = 22,
    P9_TGETATTR = 24,
    P9_TSETATTR = 26,
    P9_TXATTRWALK = 30,
    P9_TXATTRCREATE = 32,
    P9_TREADDIR = 40,
    P9_TFSYNC = 50,
    P9_TLOCK = 52,
    P9_TGETLOCK = 54,
    P9_TLINK = 70,
    P9_TMKDIR = 72,
    P9_TRENAMEAT = 74,
    P9_TUNLINKAT = 76,
    P9_TVERSION = 100,
    P9_TAUTH = 102,
    P9_TATTACH = 104,
    P9_TFLUSH = 108,
    P9_TWALK = 110,
    P9_TREAD = 116,
    P9_TWRITE = 118,
    P9_TCLUNK = 120,
    P9_TREMOVE = 122,
    P9_TYPES = 124,
};

enum {
    P9_HEADER_BYTES = 7, /* size, type, tag */
    P9_ERROR_BYTES = 11, /* an Rlerror */
    P9_QID_BYTES = 13,
    P9_WALK_MAX = 16, /* names of one Twalk */

    P9_QID_DIRECTORY = 0x80,
    P9_QID_SYMLINK = 0x02,

    /* Flags of Tlopen and Tlcreate: Linux' generic values, which are not those of every host. */
    P9_OPEN_ACCESS = 3, /* read, write, both */
    P9_OPEN_EXCL = 0200,
    P9_OPEN_TRUNC = 01000,
    P9_OPEN_DSYNC = 010000,
    P9_OPEN_DIRECTORY = 0200000,
    P9_OPEN_SYNC = 04000000,

    P9_GETATTR_BASIC = 0x7ff, /* all of struct stat */

    P9_SETATTR_MODE = 1 << 0,
    P9_SETATTR_UID = 1 << 1,
    P9_SETATTR_GID = 1 << 2,
    P9_SETATTR_SIZE = 1 << 3,
    P9_SETATTR_ATIME = 1 << 4,
    P9_SETATTR_MTIME = 1 << 5,
    P9_SETATTR_ATIME_SET = 1 << 7,
    P9_SETATTR_MTIME_SET = 1 << 8,

    P9_UNLINK_DIRECTORY = 0x200,

    P9_LOCK_UNLOCKED = 2, /* types */
    P9_LOCK_SUCCESS = 0,  /* status */
};

#define P9_NO_FID UINT32_MAX

#endif
