/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connecting to a vfio-user server, and asking what function it has. Used by client.c. */
#include "vmm/vfio_user/client_internal.h"

#include "vmm/vfio_user/capabilities.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    CONFIG_BYTES = 256,         /* what a function without PCI Express has */
    CAPABILITIES_START = 0x40,
    CAPABILITIES_MAX = 48,      /* more do not fit */
    PCI_CAP_ID_MSIX = 0x11,
    PCI_CACHE_LINE = 0x0c,
    MSI_BYTES = 14,             /* the longest that is adopted */
    HEADER_TYPE_MASK = 0x7f,    /* bit 7: several functions */
    TRANSFER_MIN = CONFIG_BYTES, /* a server that takes less is not worth the messages */
    TRANSFER_MAX = 1 << 16,
    REGIONS_MIN = VFIO_PCI_CONFIG_REGION_INDEX + 1,
    REGIONS_MAX = 100, /* QEMU's limits */
    IRQS_MAX = 50,
};
#define BAR_SIZE_MAX (UINT64_C(1) << 40)

bool G_GNUC_PRINTF(4, 5) vfio_client_fail(const struct vfio_user_client *client, GError **error, enum vmm_error code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, VMM_ERROR, code, "%s: %s", client->path, text);
    return false;
}

bool vfio_client_connect(struct vfio_user_client *client, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval timeout = {.tv_sec = client->timeout_ms / 1000, .tv_usec = client->timeout_ms % 1000 * 1000};

    if (*client->path == '\0' || strlen(client->path) >= sizeof(address.sun_path))
        return vfio_client_fail(client, error, VMM_ERROR_CONFIG, "is not the path of a socket: it has none, or more than %zu bytes", sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, client->path);
    client->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->socket < 0 || setsockopt(client->socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
        setsockopt(client->socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0)
        return vfio_client_fail(client, error, VMM_ERROR_FAILED, "%s", g_strerror(errno));
    if (connect(client->socket, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return true;
    switch (errno) {
    case ENOENT:
    case ECONNREFUSED:
        return vfio_client_fail(client, error, VMM_ERROR_CONFIG, "no vfio-user server listens there (is vmm serve running?)");
    case EAGAIN:
        return vfio_client_fail(client, error, VMM_ERROR_CONFIG, "the vfio-user server there is busy");
    default:
        return vfio_client_fail(client, error, VMM_ERROR_CONFIG, "%s", g_strerror(errno));
    }
}

/* One question of the beginning, for a reply of at least len bytes in *data. */
static bool question(struct vfio_user_client *client, uint16_t command, const char *name, const void *request, size_t request_len, void *data, size_t len,
                     GError **error)
{
    g_mutex_lock(&client->wire);
    enum answer answer = vfio_client_ask(client, &(struct request){.command = command, .data = request, .len = request_len, .fd = -1});
    if (answer == ANSWERED && !vfio_client_take_reply(client, data, len))
        answer = NOTHING;
    g_mutex_unlock(&client->wire);
    if (answer == REFUSED)
        return vfio_client_fail(client, error, VMM_ERROR_FAILED, "the server refuses %s: %s", name, g_strerror((int)client->reply.header.error));
    return answer == ANSWERED || vfio_client_fail(client, error, VMM_ERROR_FAILED, "%s: %s", name, client->reason);
}

bool vfio_client_agree_on_version(struct vfio_user_client *client, GError **error)
{
    const struct vfio_user_capabilities wanted = {.write_multiple = false};
    g_autofree char *ours = vfio_user_capabilities_format(&wanted), *reason = NULL;
    struct vfio_user_version version = {VFIO_USER_MAJOR, VFIO_USER_MINOR};
    struct vfio_user_capabilities theirs;

    g_mutex_lock(&client->wire);
    enum answer answer = vfio_client_ask(client, &(struct request){.command = VFIO_USER_VERSION,
                                                       .data = &version,
                                                       .len = sizeof(version),
                                                       .more = ours,
                                                       .more_len = strlen(ours) + 1,
                                                       .fd = -1});
    if (answer == ANSWERED && !vfio_client_take_reply(client, &version, sizeof(version)))
        answer = NOTHING;
    g_mutex_unlock(&client->wire);
    if (answer == NOTHING) /* the usual reason for a server that lets one in and says nothing */
        return vfio_client_fail(client, error, VMM_ERROR_CONFIG, "%s before it agreed on a version (has it another client?)", client->reason);
    if (answer == REFUSED)
        return vfio_client_fail(client, error, VMM_ERROR_FAILED, "the server does not speak version %u.%u of vfio-user", VFIO_USER_MAJOR, VFIO_USER_MINOR);
    if (version.major != VFIO_USER_MAJOR || version.minor > VFIO_USER_MINOR)
        return vfio_client_fail(client, error, VMM_ERROR_FAILED, "the server speaks version %u.%u of vfio-user, not %u.%u", version.major, version.minor,
                    VFIO_USER_MAJOR, VFIO_USER_MINOR);
    const char *json = (const char *)client->reply.body + sizeof(version);
    size_t json_len = client->reply.size - sizeof(version);
    if (json_len > VFIO_USER_JSON_MAX || (json_len > 0 && json[json_len - 1] != '\0'))
        return vfio_client_fail(client, error, VMM_ERROR_FAILED, "the server's capabilities do not end in NUL, or have more than %d bytes", VFIO_USER_JSON_MAX);
    if (!vfio_user_capabilities_parse(json_len > 0 ? json : NULL, &theirs, &reason))
        return vfio_client_fail(client, error, VMM_ERROR_FAILED, "the server's capabilities: %s", reason);
    if (theirs.max_msg_fds < 1 || theirs.max_data_xfer_size < TRANSFER_MIN)
        return vfio_client_fail(client, error, VMM_ERROR_FAILED, "the server takes messages of %u bytes and %u file descriptors: too little", theirs.max_data_xfer_size,
                    theirs.max_msg_fds);
    client->max_transfer = MIN(theirs.max_data_xfer_size, (uint32_t)TRANSFER_MAX);
    return true;
}

static bool read_device_info(struct vfio_user_client *client, GError **error)
{
    struct vfio_user_device_info info = {.argsz = sizeof(info)};

    if (!question(client, VFIO_USER_DEVICE_GET_INFO, "DEVICE_GET_INFO", &info, sizeof(info), &info, sizeof(info), error))
        return false;
    if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) || info.num_regions < REGIONS_MIN || info.num_regions > REGIONS_MAX || info.num_irqs > IRQS_MAX)
        return vfio_client_fail(client, error, VMM_ERROR_FAILED, "what the server has is no PCI function: flags 0x%x, %u regions, %u interrupts", info.flags, info.num_regions,
                    info.num_irqs);
    client->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
    return true;
}

static bool read_region_size(struct vfio_user_client *client, uint32_t index, uint64_t *size, GError **error)
{
    struct vfio_user_region_info info = {.argsz = sizeof(info), .index = index};

    if (!question(client, VFIO_USER_DEVICE_GET_REGION_INFO, "DEVICE_GET_REGION_INFO", &info, sizeof(info), &info, sizeof(info), error))
        return false;
    if (info.index != index)
        return vfio_client_fail(client, error, VMM_ERROR_FAILED, "the server answers for region %u instead of %u", info.index, index);
    *size = info.size;
    return true;
}

/* A kind of interrupt that the server does not know is one that the function does not have. */
static bool has_irq(struct vfio_user_client *client, uint32_t index)
{
    struct vfio_user_irq_info info = {.argsz = sizeof(info), .index = index};
    g_autoptr(GError) error = NULL;

    return question(client, VFIO_USER_DEVICE_GET_IRQ_INFO, "DEVICE_GET_IRQ_INFO", &info, sizeof(info), &info, sizeof(info), &error) &&
           info.index == index && info.count > 0 && (info.flags & VFIO_IRQ_INFO_EVENTFD);
}

/* data has PCI_CONFIG_SIZE bytes; what the function does not have is left alone. */
static bool read_config_space(struct vfio_user_client *client, uint8_t *data, GError **error)
{
    uint64_t size;

    if (!read_region_size(client, VFIO_PCI_CONFIG_REGION_INDEX, &size, error))
        return false;
    if (size < CONFIG_BYTES || size > PCI_CONFIG_SIZE || size % 4)
        return vfio_client_fail(client, error, VMM_ERROR_FAILED, "a configuration space cannot have 0x%" PRIx64 " bytes", size);
    client->config_size = (unsigned)size;
    for (unsigned at = 0; at < client->config_size; at += CONFIG_BYTES) {
        uint32_t count = MIN(CONFIG_BYTES, client->config_size - at);
        switch (vfio_client_read_region(client, VFIO_PCI_CONFIG_REGION_INDEX, at, data + at, count)) {
        case ANSWERED:
            break;
        case REFUSED:
            return vfio_client_fail(client, error, VMM_ERROR_FAILED, "the configuration space cannot be read: %s", g_strerror((int)client->reply.header.error));
        case NOTHING:
            return vfio_client_fail(client, error, VMM_ERROR_FAILED, "the configuration space cannot be read: %s", client->reason);
        }
    }
    if ((data[PCI_REG_HEADER_TYPE] & HEADER_TYPE_MASK) != 0)
        return vfio_client_fail(client, error, VMM_ERROR_FAILED, "the server's function is a bridge");
    return true;
}

/* Its kind is what the low bits of the register say: PCI Local Bus Specification 3.0, 6.2.5.1. */
static enum pci_bar_kind bar_kind(uint32_t reg)
{
    if (reg & 1)
        return PCI_BAR_IO;
    switch (reg >> 1 & 3) {
    case 0:
        return PCI_BAR_MEM32;
    case 2:
        return reg & 8 ? PCI_BAR_MEM64_PREF : PCI_BAR_MEM64;
    default:
        return PCI_BAR_NONE;
    }
}

static bool add_bars(struct vfio_user_client *client, const uint8_t *data, GError **error)
{
    uint64_t sizes[PCI_BARS];

    for (unsigned i = 0; i < PCI_BARS; i++)
        if (!read_region_size(client, i, &sizes[i], error))
            return false;
    for (unsigned i = 0; i < PCI_BARS; i++) {
        uint32_t reg;
        memcpy(&reg, data + PCI_REG_BAR0 + 4 * i, sizeof(reg));
        enum pci_bar_kind kind = bar_kind(reg);
        bool wide = kind == PCI_BAR_MEM64 || kind == PCI_BAR_MEM64_PREF;
        uint64_t min = kind == PCI_BAR_IO ? 4 : 16;
        uint64_t max = kind == PCI_BAR_IO ? 1 << 15 : kind == PCI_BAR_MEM32 ? UINT64_C(1) << 31 : BAR_SIZE_MAX;
        if (sizes[i] == 0)
            continue;
        if (kind == PCI_BAR_NONE || (sizes[i] & (sizes[i] - 1)) || sizes[i] < min || sizes[i] > max ||
            (wide && (i + 1 == PCI_BARS || sizes[i + 1] != 0)))
            return vfio_client_fail(client, error, VMM_ERROR_FAILED, "BAR %u cannot be of kind 0x%x and 0x%" PRIx64 " bytes", i, reg & 0xf, sizes[i]);
        pci_config_add_bar(&client->pci.config, i, kind, sizes[i]);
        if (wide)
            i++;
    }
    return true;
}

static void set_own(struct vfio_user_client *client, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        client->own[i] = true;
}

/* The list of capabilities is frozen; MSI is ours, and those that are not offered are taken out. */
static void add_capabilities(struct vfio_user_client *client, bool msi)
{
    struct pci_config *config = &client->pci.config;
    unsigned link = PCI_REG_CAPABILITIES, at = config->data[link] & ~3u;

    for (unsigned i = 0; i < CAPABILITIES_MAX && at >= CAPABILITIES_START; i++, at = config->data[at + 1] & ~3u) {
        uint8_t id = config->data[at];
        bool is_msi = id == PCI_CAP_ID_MSI && !config->msi && at + MSI_BYTES <= CONFIG_BYTES;
        if (id == PCI_CAP_ID_MSIX || (id == PCI_CAP_ID_MSI && !(is_msi && msi)))
            continue;
        config->data[link] = (uint8_t)at;
        link = at + 1;
        set_own(client, at, at + 2);
        if (is_msi)
            set_own(client, at, at + pci_config_adopt_msi(config, (uint8_t)at));
    }
    config->data[link] = 0;
}

bool vfio_client_read_function(struct vfio_user_client *client, GError **error)
{
    g_autofree uint8_t *data = g_malloc0(PCI_CONFIG_SIZE);
    struct pci_config *config = &client->pci.config;

    if (!read_device_info(client, error) || !read_config_space(client, data, error))
        return false;
    client->has_intx = data[PCI_REG_INTERRUPT_PIN] >= 1 && data[PCI_REG_INTERRUPT_PIN] <= 4 && has_irq(client, VFIO_PCI_INTX_IRQ_INDEX);
    bool msi = has_irq(client, VFIO_PCI_MSI_IRQ_INDEX);
    const struct pci_identity identity = {
        .vendor = (uint16_t)(data[PCI_REG_VENDOR] | data[PCI_REG_VENDOR + 1] << 8),
        .device = (uint16_t)(data[PCI_REG_DEVICE] | data[PCI_REG_DEVICE + 1] << 8),
        .subsystem_vendor = (uint16_t)(data[PCI_REG_SUBSYSTEM_VENDOR] | data[PCI_REG_SUBSYSTEM_VENDOR + 1] << 8),
        .subsystem = (uint16_t)(data[PCI_REG_SUBSYSTEM] | data[PCI_REG_SUBSYSTEM + 1] << 8),
        .revision = data[PCI_REG_REVISION],
        .class_code = data[PCI_REG_CLASS] | (uint32_t)data[PCI_REG_CLASS + 1] << 8 | (uint32_t)data[PCI_REG_CLASS + 2] << 16,
        .interrupt_pin = client->has_intx ? data[PCI_REG_INTERRUPT_PIN] : 0,
    };
    pci_config_init(config, &identity);
    /* The header is ours but for status, cache line and latency; from the first capability on it is the server's. */
    set_own(client, 0, PCI_REG_STATUS);
    set_own(client, PCI_REG_REVISION, PCI_CACHE_LINE);
    set_own(client, PCI_REG_HEADER_TYPE, CAPABILITIES_START);
    set_own(client, client->config_size, PCI_CONFIG_SIZE);
    memcpy(config->data + CAPABILITIES_START, data + CAPABILITIES_START, PCI_CONFIG_SIZE - CAPABILITIES_START);
    if (data[PCI_REG_STATUS] & PCI_STATUS_CAPABILITIES)
        config->data[PCI_REG_CAPABILITIES] = data[PCI_REG_CAPABILITIES];
    add_capabilities(client, msi);
    return add_bars(client, data, error) && (!client->gone || vfio_client_fail(client, error, VMM_ERROR_FAILED, "%s", client->reason));
}
