/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to a disk image. See block.h; numbers and layouts: VIRTIO 1.2, 5.2.3 to 5.2.6. */
#include "vmm/virtio/block.h"

#include "vmm/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ID_BLOCK = 2,
    CLASS_STORAGE_OTHER = 0x018000,
    QUEUE_SIZE = 256,
    SEGMENTS = 126, /* of data in one request */
    DIRECT_ALIGN = 4096,

    FEATURE_SEG_MAX = 1 << 2,
    FEATURE_READ_ONLY = 1 << 5,
    FEATURE_BLOCK_SIZE = 1 << 6,
    FEATURE_FLUSH = 1 << 9,
    FEATURE_DISCARD = 1 << 13,
    FEATURE_WRITE_ZEROES = 1 << 14,

    TYPE_IN = 0,
    TYPE_OUT = 1,
    TYPE_FLUSH = 4,
    TYPE_GET_ID = 8,
    TYPE_DISCARD = 11,
    TYPE_WRITE_ZEROES = 13,

    STATUS_OK = 0,
    STATUS_IOERR = 1,
    STATUS_UNSUPP = 2,

    RANGE_UNMAP = 1 << 0,
};

#define PIECE ((size_t)256 << 10) /* bytes of one system call */

struct request_header {
    uint32_t type, reserved;
    uint64_t sector;
};

struct range {
    uint64_t sector;
    uint32_t sectors, flags;
};

struct virtio_block {
    struct virtio_device dev; /* first */
    int fd;
    bool read_only;
    uint64_t sectors;
    unsigned align; /* of offsets and lengths in the file */
    char serial[VIRTIO_BLOCK_SERIAL_BYTES];
    uint8_t *piece; /* PIECE bytes, for O_DIRECT at a page's start */
};

static bool in_disk(const struct virtio_block *block, uint64_t sector, uint64_t sectors)
{
    return sectors <= block->sectors && sector <= block->sectors - sectors;
}

/* All of it, or false: the file's end where none should be is an error as well. */
static bool transfer(struct virtio_block *block, uint64_t offset, size_t len, bool write)
{
    for (size_t done = 0; done < len;) {
        ssize_t now = write ? pwrite(block->fd, block->piece + done, len - done, (off_t)(offset + done))
                            : pread(block->fd, block->piece + done, len - done, (off_t)(offset + done));
        if (now < 0 && errno == EINTR)
            continue;
        if (now <= 0)
            return false;
        done += (size_t)now;
    }
    return true;
}

static uint8_t copy_data(struct virtio_block *block, struct virtio_queue *queue, const struct virtio_chain *chain, uint64_t sector,
                         bool write)
{
    uint64_t bytes = write ? chain->out_bytes - sizeof(struct request_header) : chain->in_bytes - 1;
    uint64_t offset = sector * VIRTIO_BLOCK_SECTOR;

    if (bytes % block->align || !in_disk(block, sector, bytes / VIRTIO_BLOCK_SECTOR) || offset % block->align ||
        (write && block->read_only))
        return STATUS_IOERR;
    for (uint64_t done = 0; done < bytes;) {
        size_t now = (size_t)MIN(bytes - done, PIECE);
        if (virtio_pci_stopping(block->dev.transport))
            return STATUS_IOERR;
        if (write && !virtio_chain_read(queue, chain, sizeof(struct request_header) + done, block->piece, now))
            return STATUS_IOERR;
        if (!transfer(block, offset + done, now, write))
            return STATUS_IOERR;
        if (!write && !virtio_chain_write(queue, chain, done, block->piece, now))
            return STATUS_IOERR;
        done += now;
    }
    return STATUS_OK;
}

static bool write_zeroes(struct virtio_block *block, const struct range *range)
{
    uint64_t offset = range->sector * VIRTIO_BLOCK_SECTOR, bytes = (uint64_t)range->sectors * VIRTIO_BLOCK_SECTOR;
    int mode = (range->flags & RANGE_UNMAP ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE) | FALLOC_FL_KEEP_SIZE;

    if (fallocate(block->fd, mode, (off_t)offset, (off_t)bytes) == 0)
        return true;
    if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
        return false;
    memset(block->piece, 0, PIECE);
    for (uint64_t done = 0; done < bytes; done += MIN(bytes - done, PIECE))
        if (virtio_pci_stopping(block->dev.transport) || !transfer(block, offset + done, (size_t)MIN(bytes - done, PIECE), true))
            return false;
    return true;
}

/* A hint: where the file system has no holes, nothing is lost. */
static bool discard(struct virtio_block *block, const struct range *range)
{
    return fallocate(block->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(range->sector * VIRTIO_BLOCK_SECTOR),
                     (off_t)range->sectors * VIRTIO_BLOCK_SECTOR) == 0 ||
           errno == EOPNOTSUPP || errno == ENOSYS;
}

static uint8_t change_ranges(struct virtio_block *block, struct virtio_queue *queue, const struct virtio_chain *chain, bool zeroes)
{
    uint64_t bytes = chain->out_bytes - sizeof(struct request_header);
    struct range ranges[VIRTIO_BLOCK_MAX_RANGES];

    if (block->read_only || bytes == 0 || bytes % sizeof(ranges[0]) || bytes > sizeof(ranges))
        return STATUS_IOERR;
    if (!virtio_chain_read(queue, chain, sizeof(struct request_header), ranges, (size_t)bytes))
        return STATUS_IOERR;
    size_t count = bytes / sizeof(ranges[0]);
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].flags & ~(zeroes ? (uint32_t)RANGE_UNMAP : 0))
            return STATUS_UNSUPP;
        if (ranges[i].sectors > (zeroes ? VIRTIO_BLOCK_MAX_ZEROES : VIRTIO_BLOCK_MAX_DISCARD) ||
            !in_disk(block, ranges[i].sector, ranges[i].sectors) || ranges[i].sectors * (uint64_t)VIRTIO_BLOCK_SECTOR % block->align ||
            ranges[i].sector % (block->align / VIRTIO_BLOCK_SECTOR))
            return STATUS_IOERR;
    }
    for (size_t i = 0; i < count; i++)
        if (ranges[i].sectors > 0 && !(zeroes ? write_zeroes(block, &ranges[i]) : discard(block, &ranges[i])))
            return STATUS_IOERR;
    return STATUS_OK;
}

static uint8_t get_id(struct virtio_block *block, struct virtio_queue *queue, const struct virtio_chain *chain)
{
    if (chain->in_bytes != 1 + sizeof(block->serial))
        return STATUS_IOERR;
    return virtio_chain_write(queue, chain, 0, block->serial, sizeof(block->serial)) ? STATUS_OK : STATUS_IOERR;
}

/* The bytes that count as written come before the status: after an error they are zeroes, not what was there. */
static void blank(struct virtio_block *block, struct virtio_queue *queue, const struct virtio_chain *chain)
{
    memset(block->piece, 0, PIECE);
    for (uint64_t done = 0; done < chain->in_bytes - 1 && !virtio_pci_stopping(block->dev.transport); done += PIECE)
        if (!virtio_chain_write(queue, chain, done, block->piece, (size_t)MIN(chain->in_bytes - 1 - done, PIECE)))
            return;
}

static uint32_t request(struct virtio_device *dev, unsigned index, struct virtio_queue *queue, struct virtio_chain *chain)
{
    struct virtio_block *block = (struct virtio_block *)dev;
    struct request_header header;
    uint8_t status;

    if (chain->in_bytes == 0 || chain->in_bytes > UINT32_MAX || chain->out_bytes < sizeof(header)) {
        virtio_queue_break(queue, "a request of %" PRIu64 " bytes has no header, or %" PRIu64 " bytes no room for its status",
                           chain->out_bytes, chain->in_bytes);
        return 0;
    }
    if (!virtio_chain_read(queue, chain, 0, &header, sizeof(header)))
        return 0;
    switch (header.type) {
    case TYPE_IN:
    case TYPE_OUT:
        status = copy_data(block, queue, chain, header.sector, header.type == TYPE_OUT);
        break;
    case TYPE_FLUSH:
        status = fdatasync(block->fd) == 0 ? STATUS_OK : STATUS_IOERR;
        break;
    case TYPE_GET_ID:
        status = get_id(block, queue, chain);
        break;
    case TYPE_DISCARD:
    case TYPE_WRITE_ZEROES:
        status = change_ranges(block, queue, chain, header.type == TYPE_WRITE_ZEROES);
        break;
    default:
        status = STATUS_UNSUPP;
        break;
    }
    if (status != STATUS_OK)
        blank(block, queue, chain);
    virtio_chain_write(queue, chain, chain->in_bytes - 1, &status, 1);
    return (uint32_t)chain->in_bytes;
}

static void destroy(struct virtio_device *dev)
{
    struct virtio_block *block = (struct virtio_block *)dev;

    if (block->fd >= 0)
        close(block->fd);
    free(block->piece);
    g_free(block);
}

static bool measure(struct virtio_block *block, const char *path, GError **error)
{
    struct stat st;
    uint64_t bytes;

    if (fstat(block->fd, &st) != 0)
        return fail_config(error, path, "%s", g_strerror(errno));
    if (S_ISREG(st.st_mode))
        bytes = (uint64_t)st.st_size;
    else if (!S_ISBLK(st.st_mode))
        return fail_config(error, path, "is neither a file nor a block device");
    else if (ioctl(block->fd, BLKGETSIZE64, &bytes) != 0)
        return fail_config(error, path, "%s", g_strerror(errno));
    if (bytes == 0 || bytes % block->align)
        return fail_config(error, path, "has %" PRIu64 " bytes, which is no number of %u-byte blocks (try truncate -s %%%u)", bytes, block->align,
                    block->align);
    block->sectors = bytes / VIRTIO_BLOCK_SECTOR;
    return true;
}

static bool open_image(struct virtio_block *block, const struct virtio_block_config *config, GError **error)
{
    struct flock lock = {.l_type = config->read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};

    block->fd =
        open(config->path, (config->read_only ? O_RDONLY : O_RDWR) | (config->direct ? O_DIRECT : 0) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (block->fd < 0)
        return fail_config(error, config->path, "%s%s", g_strerror(errno), errno == EROFS || errno == EACCES ? " (try a read-only disk)" : "");
    if (!measure(block, config->path, error))
        return false;
    if (fcntl(block->fd, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES))
        return fail_config(error, config->path, "another virtual machine uses it (try a copy, or read-only in all)");
    return true;
}

static void put(struct virtio_device *dev, size_t offset, size_t size, uint64_t value)
{
    memcpy(dev->config + offset, &value, size);
}

/* struct virtio_blk_config: 5.2.4. */
static void describe(struct virtio_block *block)
{
    struct virtio_device *dev = &block->dev;

    put(dev, 0, 8, block->sectors);
    put(dev, 12, 4, SEGMENTS);
    put(dev, 20, 4, block->align);
    put(dev, 36, 4, VIRTIO_BLOCK_MAX_DISCARD);
    put(dev, 40, 4, VIRTIO_BLOCK_MAX_RANGES);
    put(dev, 44, 4, block->align / VIRTIO_BLOCK_SECTOR);
    put(dev, 48, 4, VIRTIO_BLOCK_MAX_ZEROES);
    put(dev, 52, 4, VIRTIO_BLOCK_MAX_RANGES);
    put(dev, 56, 1, 1); /* zeroes may give the space back */
    dev->config_bytes = 60;
}

struct virtio_device *virtio_block_create(const struct virtio_block_config *config, GError **error)
{
    static const struct virtio_device_ops ops = {.request = request, .destroy = destroy};
    struct virtio_block *block = g_new0(struct virtio_block, 1);

    block->read_only = config->read_only;
    block->align = config->direct ? DIRECT_ALIGN : VIRTIO_BLOCK_SECTOR;
    if (config->serial)
        memcpy(block->serial, config->serial, MIN(strlen(config->serial), sizeof(block->serial)));
    block->dev = (struct virtio_device){.ops = &ops,
                                        .kind = "block",
                                        .id = ID_BLOCK,
                                        .class_code = CLASS_STORAGE_OTHER,
                                        .features = FEATURE_SEG_MAX | FEATURE_BLOCK_SIZE | FEATURE_FLUSH |
                                                    (config->read_only ? FEATURE_READ_ONLY : FEATURE_DISCARD | FEATURE_WRITE_ZEROES),
                                        .queue_count = 1,
                                        .queue_size = QUEUE_SIZE};
    if (!open_image(block, config, error) || !(block->piece = aligned_alloc(DIRECT_ALIGN, PIECE))) {
        if (block->fd >= 0 && error && !*error)
            fail_config(error, config->path, "no memory for a buffer");
        destroy(&block->dev);
        return NULL;
    }
    describe(block);
    return &block->dev;
}
