/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 16550A serial port. Created by machine.c. */
#include "vmm/serial.h"

#include <glib.h>

/* Registers and bits: PC16550D datasheet, table II. */
enum {
    REG_DATA = 0, /* RBR, THR; divisor low when DLAB */
    REG_IER = 1,  /* divisor high when DLAB */
    REG_IIR = 2,  /* read; FCR when written */
    REG_LCR = 3,
    REG_MCR = 4,
    REG_LSR = 5,
    REG_MSR = 6,
    REG_SCR = 7,

    IER_RECEIVED = 1 << 0,
    IER_EMPTY = 1 << 1,
    IER_LINE = 1 << 2,
    IER_MODEM = 1 << 3,

    IIR_NONE = 0x01,
    IIR_MODEM = 0x00,
    IIR_EMPTY = 0x02,
    IIR_RECEIVED = 0x04,
    IIR_LINE = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFOS = 0xc0,

    FCR_ENABLE = 1 << 0,
    FCR_CLEAR_RX = 1 << 1,

    LCR_DLAB = 1 << 7,

    MCR_DTR = 1 << 0,
    MCR_RTS = 1 << 1,
    MCR_OUT1 = 1 << 2,
    MCR_OUT2 = 1 << 3, /* on a PC: lets the interrupt through */
    MCR_LOOP = 1 << 4,

    LSR_READY = 1 << 0,
    LSR_OVERRUN = 1 << 1,
    LSR_ERRORS = 0x1e,
    LSR_THR_EMPTY = 1 << 5,
    LSR_EMPTY = 1 << 6,

    MSR_DELTAS = 0x0f,
    MSR_CTS = 1 << 4,
    MSR_DSR = 1 << 5,
    MSR_RI = 1 << 6,
    MSR_DCD = 1 << 7,

    FIFO_SIZE = 16,
};

struct serial {
    struct serial_config config;
    GMutex lock;
    uint8_t ier, fcr, lcr, mcr, lsr_errors, msr, scratch;
    uint16_t divisor;
    uint8_t fifo[FIFO_SIZE];
    unsigned fifo_start, fifo_count;
    bool empty_pending; /* the "transmitter empty" interrupt waits for IIR or THR */
    bool level;
};

static unsigned fifo_capacity(const struct serial *serial)
{
    return serial->fcr & FCR_ENABLE ? FIFO_SIZE : 1;
}

static unsigned fifo_trigger(const struct serial *serial)
{
    static const unsigned char triggers[] = {1, 4, 8, 14};

    return serial->fcr & FCR_ENABLE ? triggers[serial->fcr >> 6] : 1;
}

/* The interrupt with the highest priority (datasheet, table IV), without the FIFO bits. */
static uint8_t interrupt_id(const struct serial *serial)
{
    if ((serial->ier & IER_LINE) && serial->lsr_errors)
        return IIR_LINE;
    if ((serial->ier & IER_RECEIVED) && serial->fifo_count >= fifo_trigger(serial))
        return IIR_RECEIVED;
    if ((serial->ier & IER_RECEIVED) && serial->fifo_count > 0)
        return IIR_TIMEOUT; /* below the trigger level; four character times pass at once */
    if ((serial->ier & IER_EMPTY) && serial->empty_pending)
        return IIR_EMPTY;
    if ((serial->ier & IER_MODEM) && (serial->msr & MSR_DELTAS))
        return IIR_MODEM;
    return IIR_NONE;
}

static void update_irq(struct serial *serial)
{
    bool level = interrupt_id(serial) != IIR_NONE && (serial->mcr & MCR_OUT2) && !(serial->mcr & MCR_LOOP);

    if (level != serial->level) {
        serial->level = level;
        serial->config.irq(serial->config.opaque, level);
    }
}

/* False, with an overrun error, when the FIFO is full. */
static bool receive_byte(struct serial *serial, uint8_t byte)
{
    if (serial->fifo_count >= fifo_capacity(serial)) {
        serial->lsr_errors |= LSR_OVERRUN;
        return false;
    }
    serial->fifo[(serial->fifo_start + serial->fifo_count++) % FIFO_SIZE] = byte;
    return true;
}

/* Modem inputs: a connected line, or in loop mode the outputs (DTR to DSR, RTS to CTS, OUT1 to RI, OUT2 to DCD). */
static void update_modem(struct serial *serial)
{
    uint8_t inputs = MSR_CTS | MSR_DSR | MSR_DCD;

    if (serial->mcr & MCR_LOOP)
        inputs = (serial->mcr & MCR_DTR ? MSR_DSR : 0) | (serial->mcr & MCR_RTS ? MSR_CTS : 0) |
                 (serial->mcr & MCR_OUT1 ? MSR_RI : 0) | (serial->mcr & MCR_OUT2 ? MSR_DCD : 0);
    uint8_t changed = (serial->msr ^ inputs) >> 4;
    if (inputs & MSR_RI)
        changed &= ~(MSR_RI >> 4); /* RI counts at its trailing edge only */
    serial->msr = inputs | (serial->msr & MSR_DELTAS) | changed;
}

static uint8_t read_register(struct serial *serial, unsigned reg)
{
    uint8_t value = 0;

    switch (reg) {
    case REG_DATA:
        if (serial->lcr & LCR_DLAB)
            return serial->divisor & 0xff;
        value = serial->fifo[serial->fifo_start];
        if (serial->fifo_count > 0) {
            serial->fifo_start = (serial->fifo_start + 1) % FIFO_SIZE;
            serial->fifo_count--;
        }
        return value;
    case REG_IER:
        return serial->lcr & LCR_DLAB ? serial->divisor >> 8 : serial->ier;
    case REG_IIR:
        value = interrupt_id(serial);
        if (value == IIR_EMPTY)
            serial->empty_pending = false;
        return value | (serial->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
    case REG_LCR:
        return serial->lcr;
    case REG_MCR:
        return serial->mcr;
    case REG_LSR:
        value = LSR_THR_EMPTY | LSR_EMPTY | serial->lsr_errors | (serial->fifo_count ? LSR_READY : 0);
        serial->lsr_errors = 0;
        return value;
    case REG_MSR:
        value = serial->msr;
        serial->msr &= ~MSR_DELTAS;
        return value;
    default:
        return serial->scratch;
    }
}

static void write_register(struct serial *serial, unsigned reg, uint8_t value)
{
    switch (reg) {
    case REG_DATA:
        if (serial->lcr & LCR_DLAB)
            serial->divisor = (serial->divisor & 0xff00) | value;
        else if (serial->mcr & MCR_LOOP)
            receive_byte(serial, value);
        else
            serial->config.output(serial->config.opaque, value);
        if (!(serial->lcr & LCR_DLAB))
            serial->empty_pending = true;
        break;
    case REG_IER:
        if (serial->lcr & LCR_DLAB) {
            serial->divisor = (serial->divisor & 0xff) | value << 8;
            break;
        }
        if ((value & IER_EMPTY) && !(serial->ier & IER_EMPTY))
            serial->empty_pending = true; /* enabling it with an empty transmitter interrupts at once */
        serial->ier = value & 0x0f;
        break;
    case REG_IIR:
        if (((value ^ serial->fcr) & FCR_ENABLE) || ((value & FCR_ENABLE) && (value & FCR_CLEAR_RX)))
            serial->fifo_start = serial->fifo_count = 0;
        serial->fcr = value & FCR_ENABLE ? value & 0xc9 : 0;
        break;
    case REG_LCR:
        serial->lcr = value;
        break;
    case REG_MCR:
        serial->mcr = value & 0x1f;
        update_modem(serial);
        break;
    case REG_SCR:
        serial->scratch = value;
        break;
    default: /* LSR and MSR are read-only */
        break;
    }
}

static void ops_read(void *opaque, uint64_t offset, void *data, size_t len)
{
    struct serial *serial = opaque;
    uint8_t *bytes = data;

    g_mutex_lock(&serial->lock);
    for (size_t i = 0; i < len; i++)
        bytes[i] = read_register(serial, (offset + i) % SERIAL_PORTS);
    update_irq(serial);
    g_mutex_unlock(&serial->lock);
}

static void ops_write(void *opaque, uint64_t offset, const void *data, size_t len)
{
    struct serial *serial = opaque;
    const uint8_t *bytes = data;

    g_mutex_lock(&serial->lock);
    for (size_t i = 0; i < len; i++)
        write_register(serial, (offset + i) % SERIAL_PORTS, bytes[i]);
    update_irq(serial);
    g_mutex_unlock(&serial->lock);
}

const struct address_ops serial_ops = {ops_read, ops_write};

static void set_initial(struct serial *serial)
{
    serial->ier = serial->fcr = serial->lcr = serial->mcr = serial->lsr_errors = serial->scratch = 0;
    serial->divisor = 12; /* 9600 baud, as firmware leaves it */
    serial->msr = MSR_CTS | MSR_DSR | MSR_DCD;
    serial->fifo_start = serial->fifo_count = 0;
    serial->empty_pending = false;
}

void serial_reset(struct serial *serial)
{
    g_mutex_lock(&serial->lock);
    set_initial(serial);
    update_irq(serial);
    g_mutex_unlock(&serial->lock);
}

struct serial *serial_create(const struct serial_config *config)
{
    struct serial *serial = g_new0(struct serial, 1);

    serial->config = *config;
    set_initial(serial);
    g_mutex_init(&serial->lock);
    return serial;
}

void serial_destroy(struct serial *serial)
{
    if (!serial)
        return;
    g_mutex_clear(&serial->lock);
    g_free(serial);
}

size_t serial_receive(struct serial *serial, const uint8_t *data, size_t len)
{
    size_t done = 0;

    g_mutex_lock(&serial->lock);
    while (!(serial->mcr & MCR_LOOP) && done < len && serial->fifo_count < fifo_capacity(serial))
        receive_byte(serial, data[done++]);
    update_irq(serial);
    g_mutex_unlock(&serial->lock);
    return done;
}
