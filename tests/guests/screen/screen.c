/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A screen that stands still, with a hardware cursor that follows the tablet, and a keyboard: prints what is typed. Keys do things: m sets another mode, w writes
 * a box into the memory that is shown (which the display is not told of), f flips to another picture, x is a command that no vGPU survives, q leaves.
 * Args: seconds=N, after which it leaves; dark=N seconds before the screen is switched on; width=N height=N instead of the monitor's best mode.
 */
#include "display.h"
#include "guest.h"
#include "input.h"
#include "interrupt.h"
#include "mi.h"
#include "regs.h"

enum {
    KEYBOARD_SLOT = 1, /* vmm/vm_devices.h */
    TABLET_SLOT = 3,
    EV_KEY = 1,
    EV_REL = 2,
    EV_ABS = 3,
    KEY_Q = 16,
    KEY_W = 17,
    KEY_F = 33,
    KEY_X = 45,
    KEY_M = 50,
    AXIS_MAX = 0x7fff,

    CURSOR_SIDE = 64,
    CURSOR_64_ARGB = 0x27,
    OTHER_WIDTH = 640,
    OTHER_HEIGHT = 480,
};

static struct {
    struct gpu gpu;
    unsigned width, height, pitch; /* of the surfaces, and of the best mode */
    bool other_mode;
    uint32_t *pixels[2];
    uint32_t gma[2], cursor_gma;
    unsigned shown, boxes, x, y;
    struct input_device keyboard, tablet;
} screen;

static void paint(uint32_t *pixels, unsigned picture)
{
    for (unsigned y = 0; y < screen.height; y++)
        for (unsigned x = 0; x < screen.width; x++) {
            uint32_t red = x * 255 / screen.width, green = y * 255 / screen.height, blue = ((x / 32 ^ y / 32) & 1) * 96 + picture * 128;
            bool frame = x < 4 || y < 4 || x >= screen.width - 4 || y >= screen.height - 4;
            pixels[y * (screen.pitch / 4) + x] = frame ? 0xffffff : red << 16 | green << 8 | (blue & 0xff);
        }
}

/* Premultiplied: an opaque triangle with a half transparent shadow. */
static void paint_cursor(uint32_t *pixels)
{
    for (unsigned y = 0; y < CURSOR_SIDE; y++)
        for (unsigned x = 0; x < CURSOR_SIDE; x++)
            pixels[y * CURSOR_SIDE + x] = x <= y && y < 40 ? 0xffffff00 : x <= y && y < 48 ? 0x80000040 : 0;
}

static unsigned mode_width(void)
{
    return screen.other_mode ? OTHER_WIDTH : screen.width;
}

static unsigned mode_height(void)
{
    return screen.other_mode ? OTHER_HEIGHT : screen.height;
}

static void move_cursor(void)
{
    gpu_write(&screen.gpu, R_CURPOS, screen.y << 16 | screen.x);
    gpu_write(&screen.gpu, R_CURBASE, screen.cursor_gma);
}

/* Says so once it is true: a plane is latched at the next vblank, and until then there is nothing but black. */
static void set_mode(void)
{
    gpu_write(&screen.gpu, R_CURCNTR, 0);
    display_set_mode(&screen.gpu, mode_width(), mode_height(), screen.gma[screen.shown], screen.pitch, false);
    gpu_write(&screen.gpu, R_CURCNTR, CURSOR_64_ARGB);
    move_cursor();
    for (unsigned frame = display_frame(&screen.gpu), tries = 0; display_frame(&screen.gpu) == frame && tries < 1000; tries++)
        delay_us(1000);
    printf("screen: shows %ux%u\n", mode_width(), mode_height());
}

static void write_box(void)
{
    unsigned left = 100 + 150 * (screen.boxes % 3), top = 100;

    for (unsigned y = top; y < top + 50; y++)
        for (unsigned x = left; x < left + 100; x++)
            screen.pixels[screen.shown][y * (screen.pitch / 4) + x] = 0x20c020 + 0x40 * screen.boxes;
    screen.boxes++;
    printf("screen: box %u\n", screen.boxes);
}

/* A command with a global address that is another's. */
static void break_vgpu(void)
{
    static struct ppgtt vm;
    static struct context ctx;

    ppgtt_init(&vm);
    context_init(&ctx, &screen.gpu, ENGINE_BCS0, &vm, 16384);
    ring_emit(&ctx, 0x1u << 29 | 0x7fu << 22); /* no command */
    context_run(&ctx, 1);
}

static void on_key(unsigned code)
{
    switch (code) {
    case KEY_Q:
        printf("screen: leaves\n");
        guest_exit(0);
    case KEY_W:
        write_box();
        break;
    case KEY_F:
        screen.shown ^= 1;
        display_flip(&screen.gpu, screen.gma[screen.shown]);
        printf("screen: picture %u\n", screen.shown);
        break;
    case KEY_M:
        screen.other_mode = !screen.other_mode;
        set_mode();
        break;
    case KEY_X:
        break_vgpu();
        break;
    default:
        break;
    }
}

static void take_input(void)
{
    struct input_event event;
    bool moved = false;

    while (input_next(&screen.keyboard, &event)) {
        if (event.type != EV_KEY)
            continue;
        printf("screen: key %u %u\n", event.code, event.value);
        if (event.value == 1)
            on_key(event.code);
    }
    while (input_next(&screen.tablet, &event)) {
        if (event.type == EV_KEY)
            printf("screen: button %x %u\n", event.code, event.value);
        else if (event.type == EV_REL)
            printf("screen: wheel %u %d\n", event.code, (int)event.value);
        else if (event.type == EV_ABS && event.code == 0)
            screen.x = (event.value * (mode_width() - 1) + AXIS_MAX / 2) / AXIS_MAX;
        else if (event.type == EV_ABS)
            screen.y = (event.value * (mode_height() - 1) + AXIS_MAX / 2) / AXIS_MAX;
        moved |= event.type == EV_ABS;
    }
    if (moved) {
        move_cursor();
        printf("screen: at %u,%u\n", screen.x, screen.y);
    }
}

int guest_main(void)
{
    unsigned seconds = boot_arg_number("seconds", 10), dark = boot_arg_number("dark", 0);

    if (!gpu_open(&screen.gpu) || !display_preferred_mode(&screen.gpu, &screen.width, &screen.height))
        return 1;
    user_enter();
    screen.width = boot_arg_number("width", screen.width);
    screen.height = boot_arg_number("height", screen.height);
    screen.pitch = (screen.width * 4 + 63) & ~63u;
    screen.x = screen.y = 200;
    for (unsigned i = 0; i < 2; i++) {
        size_t bytes = ((size_t)screen.pitch * screen.height + 4095) & ~4095ul;
        screen.pixels[i] = page_alloc(bytes);
        paint(screen.pixels[i], i);
        screen.gma[i] = gpu_bind_low(&screen.gpu, screen.pixels[i], bytes);
    }
    uint32_t *cursor = page_alloc(CURSOR_SIDE * CURSOR_SIDE * 4);
    paint_cursor(cursor);
    screen.cursor_gma = gpu_bind_low(&screen.gpu, cursor, CURSOR_SIDE * CURSOR_SIDE * 4);
    gpu_flush_ggtt(&screen.gpu);
    if (input_start(&screen.keyboard, KEYBOARD_SLOT << 3) && input_start(&screen.tablet, TABLET_SLOT << 3))
        printf("screen: %s, %s\n", screen.keyboard.name, screen.tablet.name);
    uint64_t start = time_us(), end = start + seconds * 1000000ull, on = start + dark * 1000000ull;
    for (bool lit = false; time_us() < end;) {
        if (!lit && time_us() >= on) {
            lit = true;
            set_mode();
        }
        take_input();
        delay_us(1000);
    }
    return 0;
}
