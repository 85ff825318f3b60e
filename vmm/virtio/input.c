/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keyboard and tablet of the guest. See input.h; sections are those of VIRTIO 1.2. */
#include "vmm/virtio/input.h"

#include <linux/input-event-codes.h>

enum {
    ID_INPUT = 18,
    CLASS_KEYBOARD = 0x090000, /* PCI: input device controller */
    CLASS_TABLET = 0x098000,   /* other */
    QUEUE_EVENTS = 0,
    QUEUE_SIZE = 64,

    /* The configuration (5.8.4): what the driver selects, how many bytes there are, the bytes. */
    CONFIG_SELECT = 0,
    CONFIG_SUBSELECT = 1,
    CONFIG_SIZE = 2,
    CONFIG_DATA = 8,
    CONFIG_DATA_BYTES = 128,
    CONFIG_BYTES = CONFIG_DATA + CONFIG_DATA_BYTES,

    SELECT_NAME = 0x01,
    SELECT_IDS = 0x03,
    SELECT_PROPERTIES = 0x10,
    SELECT_EVENT_CODES = 0x11,
    SELECT_AXIS = 0x12,

    BUS_IS_VIRTUAL = 0x06, /* BUS_VIRTUAL of linux/input.h */
    VENDOR_RED_HAT = 0x1af4, /* of virtio's devices */
    EVENT_BYTES = 8,
    MOVE_EVENTS = 3, /* of a position: two axes and the end mark */
};

/* As it goes to the guest (5.8.6), little-endian. */
struct event {
    uint16_t type, code;
    uint32_t value;
};
G_STATIC_ASSERT(sizeof(struct event) == EVENT_BYTES);

struct virtio_input {
    struct virtio_device dev; /* first */
    enum virtio_input_kind kind;
    GMutex lock; /* of what follows */
    uint8_t select, subselect;
    unsigned lamps; /* a bit for each that is on */
    uint8_t wanted[VIRTIO_INPUT_CODES / 8]; /* what is held down, */
    uint8_t told[VIRTIO_INPUT_CODES / 8];   /* and what the guest has been told, or will be by what waits */
    struct event pending[VIRTIO_INPUT_PENDING];
    unsigned first, count;
    unsigned epoch;  /* how often they were forgotten */
    unsigned session; /* of the driver that they are for */
    unsigned x, y;   /* of the last move */
    bool moved_last; /* what waits ends with a position, which a newer one may replace */
};

/* Ranges of codes that a device has, of each type of event. */
static const struct capability {
    enum virtio_input_kind kind;
    uint8_t type;
    uint16_t from, to;
} capabilities[] = {
    {VIRTIO_INPUT_KEYBOARD, EV_KEY, KEY_ESC, KEY_MICMUTE}, /* all that is no button */
    {VIRTIO_INPUT_KEYBOARD, EV_LED, LED_NUML, LED_SCROLLL},
    {VIRTIO_INPUT_KEYBOARD, EV_REP, REP_DELAY, REP_PERIOD},
    {VIRTIO_INPUT_TABLET, EV_KEY, BTN_LEFT, BTN_EXTRA},
    {VIRTIO_INPUT_TABLET, EV_REL, REL_HWHEEL, REL_HWHEEL},
    {VIRTIO_INPUT_TABLET, EV_REL, REL_WHEEL, REL_WHEEL},
    {VIRTIO_INPUT_TABLET, EV_ABS, ABS_X, ABS_Y},
};

static bool has_code(const struct virtio_input *input, unsigned type, unsigned code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(capabilities); i++)
        if (capabilities[i].kind == input->kind && capabilities[i].type == type && code >= capabilities[i].from && code <= capabilities[i].to)
            return true;
    return false;
}

static bool get_bit(const uint8_t *bits, unsigned bit)
{
    return bits[bit / 8] >> bit % 8 & 1;
}

static void set_bit(uint8_t *bits, unsigned bit, bool value)
{
    bits[bit / 8] = (uint8_t)((bits[bit / 8] & ~(1u << bit % 8)) | (unsigned)value << bit % 8);
}

static void put(uint8_t *data, size_t at, size_t bytes, uint32_t value)
{
    for (size_t i = 0; i < bytes; i++)
        data[at + i] = (uint8_t)(value >> 8 * i);
}

/* The bytes of what is selected; returns how many. Nothing for what is not there (5.8.5.2). */
static size_t selected(const struct virtio_input *input, uint8_t data[CONFIG_DATA_BYTES])
{
    static const char *const names[] = {[VIRTIO_INPUT_KEYBOARD] = "Mediant keyboard", [VIRTIO_INPUT_TABLET] = "Mediant tablet"};
    size_t bytes = 0;

    memset(data, 0, CONFIG_DATA_BYTES);
    switch (input->select) {
    case SELECT_NAME:
        if (input->subselect == 0)
            bytes = (size_t)g_snprintf((char *)data, CONFIG_DATA_BYTES, "%s", names[input->kind]); /* the device's length leaves out the end */
        return bytes;
    case SELECT_IDS:
        if (input->subselect != 0)
            return 0;
        put(data, 0, 2, BUS_IS_VIRTUAL);
        put(data, 2, 2, VENDOR_RED_HAT);
        put(data, 4, 2, 1 + input->kind); /* product */
        put(data, 6, 2, 1);               /* version */
        return 8;
    case SELECT_EVENT_CODES:
        for (unsigned code = 0; code < 8 * CONFIG_DATA_BYTES; code++) {
            if (has_code(input, input->subselect, code)) {
                set_bit(data, code, true);
                bytes = code / 8 + 1;
            }
        }
        return bytes;
    case SELECT_AXIS:
        if (!has_code(input, EV_ABS, input->subselect))
            return 0;
        put(data, 4, 4, VIRTIO_INPUT_AXIS_MAX); /* min, max, fuzz, flat, resolution */
        return 20;
    case SELECT_PROPERTIES: /* a tablet without a picture of its own has none */
    default:
        return 0;
    }
}

static void config_access(struct virtio_device *dev, size_t offset, uint8_t *data, size_t len, bool write)
{
    struct virtio_input *input = (struct virtio_input *)dev;
    uint8_t config[CONFIG_BYTES] = {0};

    g_mutex_lock(&input->lock);
    for (size_t i = 0; i < len && write; i++) {
        if (offset + i == CONFIG_SELECT)
            input->select = data[i];
        else if (offset + i == CONFIG_SUBSELECT)
            input->subselect = data[i];
    }
    if (!write) {
        config[CONFIG_SELECT] = input->select;
        config[CONFIG_SUBSELECT] = input->subselect;
        config[CONFIG_SIZE] = (uint8_t)selected(input, config + CONFIG_DATA);
        memcpy(data, config + offset, len);
    }
    g_mutex_unlock(&input->lock);
}

/* A report: events that belong together, and the end mark. All or none. With the lock held. */
static bool queue(struct virtio_input *input, const struct event *events, unsigned count)
{
    const struct event end = {.type = EV_SYN, .code = SYN_REPORT};

    if (input->count + count + 1 > VIRTIO_INPUT_PENDING)
        return false;
    for (unsigned i = 0; i <= count; i++)
        input->pending[(input->first + input->count++) % VIRTIO_INPUT_PENDING] = i < count ? events[i] : end;
    input->moved_last = false;
    return true;
}

static struct event make(unsigned type, unsigned code, uint32_t value)
{
    return (struct event){.type = GUINT16_TO_LE((uint16_t)type), .code = GUINT16_TO_LE((uint16_t)code), .value = GUINT32_TO_LE(value)};
}

static bool queue_key(struct virtio_input *input, unsigned code, bool down)
{
    const struct event event = make(EV_KEY, code, down);

    if (!queue(input, &event, 1))
        return false;
    set_bit(input->told, code, down);
    return true;
}

/* With the lock held: what is held down beyond what the guest was told is forgotten, what is not held any more is released. */
static void release_late(struct virtio_input *input)
{
    for (unsigned code = 0; code < VIRTIO_INPUT_CODES; code++)
        if (get_bit(input->told, code) && !get_bit(input->wanted, code) && !queue_key(input, code, false))
            return;
}

static void forget(struct virtio_input *input)
{
    input->count = 0;
    input->epoch++;
    input->moved_last = false;
    memset(input->wanted, 0, sizeof(input->wanted));
    memset(input->told, 0, sizeof(input->told));
}

/* Takes the lock; what was for another driver is forgotten. False, without the lock, when none listens. */
static bool begin(struct virtio_input *input)
{
    unsigned session = virtio_pci_session(input->dev.transport);

    g_mutex_lock(&input->lock);
    if (input->session != session)
        forget(input);
    input->session = session;
    if (!session)
        g_mutex_unlock(&input->lock);
    return session != 0;
}

static void end(struct virtio_input *input)
{
    g_mutex_unlock(&input->lock);
    virtio_pci_wake(input->dev.transport);
}

void virtio_input_key(struct virtio_device *dev, unsigned code, bool down)
{
    struct virtio_input *input = (struct virtio_input *)dev;

    if (code >= VIRTIO_INPUT_CODES || !has_code(input, EV_KEY, code) || !begin(input))
        return;
    if (get_bit(input->wanted, code) != down) {
        set_bit(input->wanted, code, down);
        if (get_bit(input->told, code) != down)
            queue_key(input, code, down);
    }
    end(input);
}

void virtio_input_move(struct virtio_device *dev, unsigned x, unsigned y)
{
    struct virtio_input *input = (struct virtio_input *)dev;
    const struct event events[] = {make(EV_ABS, ABS_X, MIN(x, VIRTIO_INPUT_AXIS_MAX)), make(EV_ABS, ABS_Y, MIN(y, VIRTIO_INPUT_AXIS_MAX))};

    if (input->kind != VIRTIO_INPUT_TABLET || !begin(input))
        return;
    input->x = MIN(x, VIRTIO_INPUT_AXIS_MAX);
    input->y = MIN(y, VIRTIO_INPUT_AXIS_MAX);
    if (input->moved_last)
        input->count -= MOVE_EVENTS;
    input->moved_last = queue(input, events, G_N_ELEMENTS(events));
    end(input);
}

void virtio_input_position(struct virtio_device *dev, unsigned *x, unsigned *y)
{
    struct virtio_input *input = (struct virtio_input *)dev;

    g_mutex_lock(&input->lock);
    *x = input->x;
    *y = input->y;
    g_mutex_unlock(&input->lock);
}

void virtio_input_wheel(struct virtio_device *dev, int vertical, int horizontal)
{
    struct virtio_input *input = (struct virtio_input *)dev;
    const struct event events[] = {make(EV_REL, REL_WHEEL, (uint32_t)vertical), make(EV_REL, REL_HWHEEL, (uint32_t)horizontal)};

    if (input->kind != VIRTIO_INPUT_TABLET || !begin(input))
        return;
    if (vertical)
        queue(input, &events[0], 1);
    if (horizontal)
        queue(input, &events[1], 1);
    end(input);
}

/* The status queue: lamps are remembered. */
static uint32_t request(struct virtio_device *dev, unsigned index, struct virtio_queue *status, struct virtio_chain *chain)
{
    struct virtio_input *input = (struct virtio_input *)dev;
    struct event event;

    if (chain->out_bytes < sizeof(event) || !virtio_chain_read(status, chain, 0, &event, sizeof(event)))
        return 0;
    unsigned code = GUINT16_FROM_LE(event.code);
    if (GUINT16_FROM_LE(event.type) == EV_LED && code <= LED_SCROLLL) {
        g_mutex_lock(&input->lock);
        input->lamps = (input->lamps & ~(1u << code)) | (event.value ? 1u << code : 0);
        g_mutex_unlock(&input->lock);
    }
    return 0;
}

bool virtio_input_lamp(struct virtio_device *dev, unsigned code)
{
    struct virtio_input *input = (struct virtio_input *)dev;

    g_mutex_lock(&input->lock);
    bool on = code < 32 && (input->lamps & 1u << code);
    g_mutex_unlock(&input->lock);
    return on;
}

/* The event that goes next; false when there is none. */
static bool next(struct virtio_input *input, struct event *event, unsigned *epoch)
{
    if (!begin(input))
        return false;
    if (input->count == 0)
        release_late(input);
    bool some = input->count > 0;
    *event = input->pending[input->first];
    *epoch = input->epoch;
    if (input->count <= MOVE_EVENTS) /* a position that has begun to go cannot be replaced */
        input->moved_last = false;
    g_mutex_unlock(&input->lock);
    return some;
}

static void gone(struct virtio_input *input, unsigned epoch)
{
    g_mutex_lock(&input->lock);
    if (input->epoch == epoch) {
        input->first = (input->first + 1) % VIRTIO_INPUT_PENDING;
        input->count--;
    }
    g_mutex_unlock(&input->lock);
}

/* Each event goes into a buffer of its own (5.8.6.1). The lock is not held in calls to the transport: meanwhile, more can come, or all be forgotten. */
static void dispatch(struct virtio_device *dev, const struct pollfd *fds, unsigned count)
{
    struct virtio_input *input = (struct virtio_input *)dev;
    struct event event;
    unsigned epoch;
    bool fits;

    /* First the room: while the guest takes nothing, a position can be replaced. */
    for (unsigned sent = 0; virtio_pci_input_room(dev->transport, QUEUE_EVENTS) > 0 && next(input, &event, &epoch); sent++) {
        if (sent == VIRTIO_INPUT_PENDING) { /* a reset must not wait for a guest that takes them as fast as they come */
            virtio_pci_wake(dev->transport);
            return;
        }
        if (!virtio_pci_input(dev->transport, QUEUE_EVENTS, &event, sizeof(event), NULL, 0, &fits))
            return;
        gone(input, epoch);
    }
}

static void destroy(struct virtio_device *dev)
{
    struct virtio_input *input = (struct virtio_input *)dev;

    g_mutex_clear(&input->lock);
    g_free(input);
}

struct virtio_device *virtio_input_create(enum virtio_input_kind kind)
{
    static const struct virtio_device_ops ops = {.request = request, .dispatch = dispatch, .config_access = config_access, .destroy = destroy};
    struct virtio_input *input = g_new0(struct virtio_input, 1);

    input->kind = kind;
    g_mutex_init(&input->lock);
    input->dev = (struct virtio_device){.ops = &ops,
                                        .kind = kind == VIRTIO_INPUT_KEYBOARD ? "keyboard" : "tablet",
                                        .id = ID_INPUT,
                                        .class_code = kind == VIRTIO_INPUT_KEYBOARD ? CLASS_KEYBOARD : CLASS_TABLET,
                                        .queue_count = 2,
                                        .queue_size = QUEUE_SIZE,
                                        .input_queues = 1u << QUEUE_EVENTS,
                                        .config_bytes = CONFIG_BYTES};
    return &input->dev;
}
