/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's side of the vfio-user protocol: one row and one function for each command. Used by server.c. */
#include "vmm/vfio_user/session.h"

#include "vmm/vfio_user/capabilities.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

enum {
    PCI_CAP_ID_EXPRESS = 0x10,
    CONFIG_BYTES = 256,
    COMPLAINTS_MAX = 20, /* of one client; a hostile one could fill a disk */
};

struct session {
    const struct session_context *context;
    struct wire_message message;
    struct vfio_user_capabilities agreed; /* what the client can take */
    bool greeted;                         /* VERSION has been exchanged */
    bool broken;                          /* the connection ends after this message */
    bool told_unshared;
    unsigned complaints;
    uint8_t *data; /* VFIO_USER_DEFAULT_TRANSFER bytes, for reads; NULL until the first */
};

static void G_GNUC_PRINTF(2, 3) complain(struct session *session, const char *format, ...)
{
    va_list args;

    if (session->complaints++ >= COMPLAINTS_MAX)
        return;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    session->context->complain(session->context->opaque, text);
    if (session->complaints == COMPLAINTS_MAX)
        session->context->complain(session->context->opaque, "further complaints about this client are left out");
}

static void reply_with(struct session *session, uint32_t flags, uint32_t error, const struct iovec *parts, unsigned count, const int *fds, unsigned fd_count)
{
    const struct vfio_user_header *command = &session->message.header;
    struct vfio_user_header header = {.id = command->id, .command = command->command, .flags = VFIO_USER_FLAG_REPLY | flags, .error = error};

    if (command->flags & VFIO_USER_FLAG_NO_REPLY)
        return;
    if (!wire_send(session->context->socket, &header, parts, count, fds, fd_count))
        session->broken = true;
}

static void reply(struct session *session, const void *data, size_t len, const void *more, size_t more_len)
{
    const struct iovec parts[] = {{.iov_base = (void *)data, .iov_len = len}, {.iov_base = (void *)more, .iov_len = more_len}};

    reply_with(session, 0, 0, parts, more_len ? 2 : len ? 1 : 0, NULL, 0);
}

static const char *command_name(uint16_t command);

static void G_GNUC_PRINTF(3, 4) refuse(struct session *session, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    complain(session, "%s: %s", command_name(session->message.header.command), text);
    reply_with(session, VFIO_USER_FLAG_ERROR, (uint32_t)error, NULL, 0, NULL, 0);
}

/* Command bodies are copied out: the buffer's alignment is right, but a body may be larger or come from a union of versions. */
#define BODY(session, type) (*(const type *)(const void *)(session)->message.body)

static void version(struct session *session)
{
    struct vfio_user_version proposed = BODY(session, struct vfio_user_version);
    struct vfio_user_version ours = {VFIO_USER_MAJOR, VFIO_USER_MINOR};
    size_t json_len = session->message.size - sizeof(proposed);
    const char *json = (const char *)session->message.body + sizeof(proposed);
    g_autofree char *reason = NULL;

    if (session->greeted) {
        refuse(session, EINVAL, "the version was agreed on already");
        return;
    }
    session->broken = true; /* unless all is well */
    if (proposed.major != ours.major) {
        refuse(session, EINVAL, "the client speaks version %u.%u, this server %u.%u", proposed.major, proposed.minor, ours.major, ours.minor);
        return;
    }
    if (json_len > VFIO_USER_JSON_MAX || (json_len > 0 && json[json_len - 1] != '\0')) {
        refuse(session, EINVAL, "the capabilities do not end in NUL, or have more than %d bytes", VFIO_USER_JSON_MAX);
        return;
    }
    if (!vfio_user_capabilities_parse(json_len > 0 ? json : NULL, &session->agreed, &reason)) {
        refuse(session, EINVAL, "capabilities: %s", reason);
        return;
    }
    g_autofree char *answer = vfio_user_capabilities_format(&session->agreed);
    session->broken = false;
    session->greeted = true;
    session->context->greeted(session->context->opaque);
    reply(session, &ours, sizeof(ours), answer, strlen(answer) + 1);
}

static void dma_map(struct session *session)
{
    struct vfio_user_dma_map map = BODY(session, struct vfio_user_dma_map);
    int fd = wire_message_take_fd(&session->message, 0);
    unsigned prot = (map.flags & VFIO_USER_DMA_MAP_READ ? DMA_READ : 0) | (map.flags & VFIO_USER_DMA_MAP_WRITE ? DMA_WRITE : 0);
    g_autofree char *reason = NULL;
    int code;

    if (map.argsz < sizeof(map) || (map.flags & ~(uint32_t)(VFIO_USER_DMA_MAP_READ | VFIO_USER_DMA_MAP_WRITE))) {
        code = EINVAL;
        reason = g_strdup_printf("argsz %u or flags 0x%x are not of this version", map.argsz, map.flags);
    } else if (session->message.fd_count > 1) {
        code = EINVAL;
        reason = g_strdup_printf("%u file descriptors for one region", session->message.fd_count);
    } else {
        code = client_memory_map(session->context->memory, map.addr, map.size, fd, map.offset, prot, &reason);
    }
    if (code == 0 && fd < 0 && prot == DMA_RW && map.size >= (1 << 20) && !session->told_unshared) {
        session->told_unshared = true;
        complain(session, "memory at 0x%" PRIx64 " comes without a file descriptor: the device cannot reach it (for QEMU: -object memory-backend-memfd,share=on)",
                 map.addr);
    }
    if (fd >= 0)
        close(fd);
    if (code)
        refuse(session, code, "%s", reason);
    else
        reply(session, NULL, 0, NULL, 0);
}

static void dma_unmap(struct session *session)
{
    struct vfio_user_dma_unmap unmap = BODY(session, struct vfio_user_dma_unmap);
    g_autofree char *reason = NULL;
    int code = 0;

    if (unmap.argsz < sizeof(unmap)) {
        refuse(session, EINVAL, "argsz %u is below %zu", unmap.argsz, sizeof(unmap));
        return;
    }
    if (unmap.flags & ~(uint32_t)VFIO_DMA_UNMAP_FLAG_ALL) {
        refuse(session, ENOTSUP, "flags 0x%x are not offered: pages that the device wrote are not recorded", unmap.flags);
        return;
    }
    if (unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL) {
        if (unmap.addr || unmap.size) {
            refuse(session, EINVAL, "all regions, and an address");
            return;
        }
        struct dma_space *dma = session->context->memory->dma;
        client_memory_finish(session->context->memory);
        client_memory_init(session->context->memory, dma);
    } else {
        code = client_memory_unmap(session->context->memory, unmap.addr, unmap.size, &reason);
    }
    if (code)
        refuse(session, code, "%s", reason);
    else
        reply(session, &unmap, sizeof(unmap), NULL, 0);
}

static void device_get_info(struct session *session)
{
    struct vfio_user_device_info info = BODY(session, struct vfio_user_device_info);

    if (info.argsz < sizeof(info)) {
        refuse(session, EINVAL, "argsz %u is below %zu", info.argsz, sizeof(info));
        return;
    }
    info = (struct vfio_user_device_info){.argsz = sizeof(info),
                                          .flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET,
                                          .num_regions = VFIO_PCI_NUM_REGIONS,
                                          .num_irqs = VFIO_PCI_NUM_IRQS};
    reply(session, &info, sizeof(info), NULL, 0);
}

static bool has_capability(const struct pci_config *config, uint8_t id)
{
    unsigned at = config->data[PCI_REG_CAPABILITIES];

    for (unsigned i = 0; at >= 0x40 && i < 48; i++, at = config->data[at + 1])
        if (config->data[at] == id)
            return true;
    return false;
}

uint64_t vfio_user_region_size(const struct pci_device *dev, uint32_t region)
{
    if (region < PCI_BARS)
        return dev->config.bar[region].kind == PCI_BAR_NONE ? 0 : dev->config.bar[region].size;
    /* Only PCI Express functions have more than 256 bytes. */
    if (region == VFIO_PCI_CONFIG_REGION_INDEX)
        return has_capability(&dev->config, PCI_CAP_ID_EXPRESS) ? PCI_CONFIG_SIZE : CONFIG_BYTES;
    return 0;
}

/* No region can be mapped by the client: each access has effects, and one mappable region would end QEMU's posted writes for the whole device. */
static void device_get_region_info(struct session *session)
{
    struct vfio_user_region_info info = BODY(session, struct vfio_user_region_info);

    if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_REGIONS) {
        refuse(session, EINVAL, "argsz %u, region %u", info.argsz, info.index);
        return;
    }
    info = (struct vfio_user_region_info){.argsz = sizeof(info), .index = info.index, .size = vfio_user_region_size(session->context->dev, info.index)};
    if (info.size)
        info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
    reply(session, &info, sizeof(info), NULL, 0);
}

/* None: a write to a register says what, which an ioeventfd does not carry. */
static void device_get_region_io_fds(struct session *session)
{
    struct vfio_user_region_io_fds info = BODY(session, struct vfio_user_region_io_fds);

    if (info.argsz < sizeof(info) || info.flags || info.count || info.index >= VFIO_PCI_NUM_REGIONS) {
        refuse(session, EINVAL, "argsz %u, flags 0x%x, region %u", info.argsz, info.flags, info.index);
        return;
    }
    info.argsz = sizeof(info);
    reply(session, &info, sizeof(info), NULL, 0);
}

static unsigned vectors(const struct pci_device *dev, uint32_t index)
{
    switch (index) {
    case VFIO_PCI_INTX_IRQ_INDEX:
        return dev->config.data[PCI_REG_INTERRUPT_PIN] != 0;
    case VFIO_PCI_MSI_IRQ_INDEX:
        return dev->config.msi != 0;
    default:
        return 0;
    }
}

static void device_get_irq_info(struct session *session)
{
    struct vfio_user_irq_info info = BODY(session, struct vfio_user_irq_info);

    if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_IRQS) {
        refuse(session, EINVAL, "argsz %u, interrupt %u", info.argsz, info.index);
        return;
    }
    if (info.index == VFIO_PCI_ERR_IRQ_INDEX) {
        /* As the kernel answers for a function without PCI Express: QEMU takes a count of 0 for a reason to warn. */
        reply_with(session, VFIO_USER_FLAG_ERROR, EINVAL, NULL, 0, NULL, 0);
        return;
    }
    info = (struct vfio_user_irq_info){.argsz = sizeof(info), .index = info.index, .count = vectors(session->context->dev, info.index)};
    if (info.count)
        info.flags = VFIO_IRQ_INFO_EVENTFD | (info.index == VFIO_PCI_INTX_IRQ_INDEX ? VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED
                                                                                    : VFIO_IRQ_INFO_NORESIZE);
    reply(session, &info, sizeof(info), NULL, 0);
}

/*
 * A client may keep the MSI capability to itself and tell by eventfds alone that MSI is on, as VFIO in the kernel has it; the device looks at its
 * capability.
 */
static void set_msi_enable(struct pci_device *dev, bool on)
{
    unsigned control = dev->config.msi + 2u;
    uint32_t value = dev->ops->config_read(dev, control, 2);

    if ((value & 1) != on)
        dev->ops->config_write(dev, control, 2, (value & ~1u) | on);
}

static void device_set_irqs(struct session *session)
{
    const struct session_context *context = session->context;
    struct vfio_user_irq_set set = BODY(session, struct vfio_user_irq_set);
    uint32_t type = set.flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
    unsigned count = set.index < VFIO_PCI_NUM_IRQS ? vectors(context->dev, set.index) : 0;
    enum client_irq irq = set.index == VFIO_PCI_MSI_IRQ_INDEX ? CLIENT_IRQ_MSI : CLIENT_IRQ_INTX;
    const char *reason = NULL;
    bool value = true;
    int code = 0, fd = -1;

    if (set.argsz < sizeof(set) || (type != VFIO_IRQ_SET_DATA_NONE && type != VFIO_IRQ_SET_DATA_BOOL && type != VFIO_IRQ_SET_DATA_EVENTFD) ||
        (set.flags & ~(uint32_t)(VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK))) {
        refuse(session, EINVAL, "argsz %u, flags 0x%x", set.argsz, set.flags);
        return;
    }
    if (set.count == 0 && set.start == 0 && set.flags == (VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER) && set.index < VFIO_PCI_NUM_IRQS) {
        if (count > 0) {
            client_interrupts_disable(context->interrupts, irq);
            if (irq == CLIENT_IRQ_MSI)
                set_msi_enable(context->dev, false);
        }
        reply(session, NULL, 0, NULL, 0);
        return;
    }
    if (set.start >= count || set.count == 0 || set.count > count - set.start) {
        refuse(session, EINVAL, "vectors %u+%u of interrupt %u, which has %u", set.start, set.count, set.index, count);
        return;
    }
    if (type == VFIO_IRQ_SET_DATA_BOOL) {
        if (session->message.size < sizeof(set) + set.count) {
            refuse(session, EINVAL, "%u values are too few for %u vectors", (unsigned)(session->message.size - sizeof(set)), set.count);
            return;
        }
        value = session->message.body[sizeof(set)] != 0;
    }
    if (type == VFIO_IRQ_SET_DATA_EVENTFD) {
        /* No descriptor: the one that was there goes. */
        if (session->message.fd_count > set.count) {
            refuse(session, EINVAL, "%u file descriptors for %u vectors", session->message.fd_count, set.count);
            return;
        }
        fd = wire_message_take_fd(&session->message, 0);
    }
    bool shared = fd >= 0;
    code = client_interrupts_set(context->interrupts, irq, set.flags, fd, value, &reason);
    if (code) {
        refuse(session, code, "%s", reason);
        return;
    }
    if (irq == CLIENT_IRQ_MSI && type == VFIO_IRQ_SET_DATA_EVENTFD && (set.flags & VFIO_IRQ_SET_ACTION_TRIGGER))
        set_msi_enable(context->dev, shared);
    reply(session, NULL, 0, NULL, 0);
}

static bool in_region(const struct session *session, uint32_t region, uint64_t offset, uint64_t count)
{
    uint64_t size = vfio_user_region_size(session->context->dev, region);

    return count <= size && offset <= size - count;
}

static void region_read(struct session *session)
{
    struct vfio_user_region_access access = BODY(session, struct vfio_user_region_access);
    struct pci_device *dev = session->context->dev;

    if (access.count > session->agreed.max_data_xfer_size || !in_region(session, access.region, access.offset, access.count)) {
        refuse(session, EINVAL, "%u bytes at 0x%" PRIx64 " of region %u, which has 0x%" PRIx64, access.count, access.offset, access.region,
               vfio_user_region_size(dev, access.region));
        return;
    }
    if (!session->data)
        session->data = g_malloc(VFIO_USER_DEFAULT_TRANSFER);
    if (access.region == VFIO_PCI_CONFIG_REGION_INDEX)
        pci_device_config_read(dev, (unsigned)access.offset, session->data, access.count);
    else if (access.count > 0)
        dev->ops->bar_read(dev, access.region, access.offset, session->data, access.count);
    reply(session, &access, sizeof(access), session->data, access.count);
}

/* The range is in the region. */
static void write_region(struct session *session, uint32_t region, uint64_t offset, const void *data, size_t count)
{
    struct pci_device *dev = session->context->dev;

    if (region == VFIO_PCI_CONFIG_REGION_INDEX)
        pci_device_config_write(dev, (unsigned)offset, data, count);
    else if (count > 0)
        dev->ops->bar_write(dev, region, offset, data, count);
}

static void region_write(struct session *session)
{
    struct vfio_user_region_access access = BODY(session, struct vfio_user_region_access);
    size_t given = session->message.size - sizeof(access);

    if (access.count > given || access.count > VFIO_USER_DEFAULT_TRANSFER || !in_region(session, access.region, access.offset, access.count)) {
        refuse(session, EINVAL, "%u bytes (%zu given) at 0x%" PRIx64 " of region %u, which has 0x%" PRIx64, access.count, given, access.offset,
               access.region, vfio_user_region_size(session->context->dev, access.region));
        return;
    }
    write_region(session, access.region, access.offset, session->message.body + sizeof(access), access.count);
    reply(session, &access, sizeof(access), NULL, 0);
}

static void region_write_multi(struct session *session)
{
    uint64_t count = BODY(session, uint64_t), done = 0;
    const struct vfio_user_write_one *writes = (const void *)(session->message.body + sizeof(count));

    if (count > (session->message.size - sizeof(count)) / sizeof(*writes)) {
        refuse(session, EINVAL, "%" PRIu64 " writes in %zu bytes", count, session->message.size);
        return;
    }
    for (; done < count; done++) {
        const struct vfio_user_write_one *one = &writes[done];
        if (one->count > sizeof(one->data) || !in_region(session, one->region, one->offset, one->count)) {
            refuse(session, EINVAL, "write %" PRIu64 ": %u bytes at 0x%" PRIx64 " of region %u", done, one->count, one->offset, one->region);
            return;
        }
        write_region(session, one->region, one->offset, one->data, one->count);
    }
    reply(session, &count, sizeof(count), NULL, 0);
}

static void device_reset(struct session *session)
{
    session->context->dev->ops->reset(session->context->dev);
    reply(session, NULL, 0, NULL, 0);
}

/* Migration and the recording of written pages come with devices that can be saved. */
static void device_feature(struct session *session)
{
    struct vfio_user_device_feature feature = BODY(session, struct vfio_user_device_feature);

    refuse(session, ENOTTY, "feature %u is not offered", feature.flags & VFIO_DEVICE_FEATURE_MASK);
}

static void not_offered(struct session *session)
{
    refuse(session, ENOTSUP, "the device cannot be saved or migrated");
}

static void not_ours(struct session *session)
{
    refuse(session, EINVAL, "a command of the server's");
}

/* A row for each command: the least that its body has, and what answers it. */
static const struct {
    const char *name;
    size_t body;
    void (*run)(struct session *session);
} commands[VFIO_USER_COMMANDS] = {
    [VFIO_USER_VERSION] = {"VERSION", sizeof(struct vfio_user_version), version},
    [VFIO_USER_DMA_MAP] = {"DMA_MAP", sizeof(struct vfio_user_dma_map), dma_map},
    [VFIO_USER_DMA_UNMAP] = {"DMA_UNMAP", sizeof(struct vfio_user_dma_unmap), dma_unmap},
    [VFIO_USER_DEVICE_GET_INFO] = {"DEVICE_GET_INFO", sizeof(struct vfio_user_device_info), device_get_info},
    [VFIO_USER_DEVICE_GET_REGION_INFO] = {"DEVICE_GET_REGION_INFO", sizeof(struct vfio_user_region_info), device_get_region_info},
    [VFIO_USER_DEVICE_GET_REGION_IO_FDS] = {"DEVICE_GET_REGION_IO_FDS", sizeof(struct vfio_user_region_io_fds), device_get_region_io_fds},
    [VFIO_USER_DEVICE_GET_IRQ_INFO] = {"DEVICE_GET_IRQ_INFO", sizeof(struct vfio_user_irq_info), device_get_irq_info},
    [VFIO_USER_DEVICE_SET_IRQS] = {"DEVICE_SET_IRQS", sizeof(struct vfio_user_irq_set), device_set_irqs},
    [VFIO_USER_REGION_READ] = {"REGION_READ", sizeof(struct vfio_user_region_access), region_read},
    [VFIO_USER_REGION_WRITE] = {"REGION_WRITE", sizeof(struct vfio_user_region_access), region_write},
    [VFIO_USER_DMA_READ] = {"DMA_READ", 0, not_ours},
    [VFIO_USER_DMA_WRITE] = {"DMA_WRITE", 0, not_ours},
    [VFIO_USER_DEVICE_RESET] = {"DEVICE_RESET", 0, device_reset},
    [VFIO_USER_DIRTY_PAGES] = {"DIRTY_PAGES", 0, not_offered},
    [VFIO_USER_REGION_WRITE_MULTI] = {"REGION_WRITE_MULTI", sizeof(uint64_t), region_write_multi},
    [VFIO_USER_DEVICE_FEATURE] = {"DEVICE_FEATURE", sizeof(struct vfio_user_device_feature), device_feature},
    [VFIO_USER_MIG_DATA_READ] = {"MIG_DATA_READ", 0, not_offered},
    [VFIO_USER_MIG_DATA_WRITE] = {"MIG_DATA_WRITE", 0, not_offered},
};

static const char *command_name(uint16_t command)
{
    return command < VFIO_USER_COMMANDS && commands[command].name ? commands[command].name : "unknown command";
}

static void handle(struct session *session)
{
    const struct vfio_user_header *header = &session->message.header;

    if (header->flags & VFIO_USER_FLAG_TYPE) {
        complain(session, "a reply to nothing (%s)", command_name(header->command));
        session->broken = true;
    } else if (!session->greeted && header->command != VFIO_USER_VERSION) {
        refuse(session, EINVAL, "before the version was agreed on");
        session->broken = true;
    } else if (header->command >= VFIO_USER_COMMANDS || !commands[header->command].run) {
        refuse(session, ENOSYS, "%u", header->command);
    } else if (session->message.size < commands[header->command].body) {
        refuse(session, EINVAL, "%zu bytes are too few (%zu)", session->message.size, commands[header->command].body);
    } else {
        commands[header->command].run(session);
    }
}

void vfio_user_session_run(const struct session_context *context)
{
    struct session session = {.context = context};
    const char *reason = NULL;
    enum wire_result result = WIRE_OK;

    wire_message_init(&session.message);
    while (!session.broken && (result = wire_receive(context->socket, &session.message, 0, &reason)) == WIRE_OK) {
        handle(&session);
        if (client_memory_lost(context->memory)) {
            complain(&session, "the client took back memory that it had shared: its file was truncated");
            break;
        }
    }
    if (result == WIRE_BROKEN)
        complain(&session, "%s", reason);
    wire_message_clear(&session.message);
    g_free(session.data);
}
