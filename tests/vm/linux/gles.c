/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Draws with OpenGL ES on the GPU without a screen, one thing at a time, and says what came of it: gles clear, triangle and so on (things[] below). Runs in a guest with
 * Mesa (record.sh). It finds EGL and GLES by name when it runs, so that neither headers nor libraries of them are needed to build it; the few values are
 * those of Khronos' registries (egl.xml, gl.xml). Exit: 0 the result is right, 3 there is none (the GPU's model does not draw), 1 GL failed.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIZE = 64, PIXELS = SIZE * SIZE };
enum {
    EGL_PLATFORM_SURFACELESS = 0x31dd, EGL_NONE = 0x3038, EGL_RENDERABLE_TYPE = 0x3040, EGL_SURFACE_TYPE = 0x3033, EGL_PBUFFER_BIT = 1, EGL_ES3_BIT = 0x40,
    EGL_ES_API = 0x30a0, EGL_MAJOR = 0x3098, EGL_MINOR = 0x30fb,
};
enum {
    GL_VENDOR = 0x1f00, GL_RENDERER = 0x1f01, GL_VERSION = 0x1f02,
    GL_FRAMEBUFFER = 0x8d40, GL_RENDERBUFFER = 0x8d41, GL_COLOR_ATTACHMENT0 = 0x8ce0, GL_DEPTH_ATTACHMENT = 0x8d00, GL_RGBA8 = 0x8058, GL_DEPTH24 = 0x81a6,
    GL_FRAMEBUFFER_COMPLETE = 0x8cd5, GL_COLOR_BIT = 0x4000, GL_DEPTH_BIT = 0x100, GL_DEPTH_TEST = 0x0b71, GL_RGBA = 0x1908, GL_UNSIGNED_BYTE = 0x1401, GL_FLOAT = 0x1406,
    GL_VERTEX_SHADER = 0x8b31, GL_FRAGMENT_SHADER = 0x8b30, GL_COMPUTE_SHADER = 0x91b9, GL_COMPILE_STATUS = 0x8b81, GL_LINK_STATUS = 0x8b82,
    GL_ARRAY_BUFFER = 0x8892, GL_SHADER_STORAGE_BUFFER = 0x90d2, GL_STATIC_DRAW = 0x88e4, GL_TRIANGLES = 4, GL_TRIANGLE_STRIP = 5, GL_MAP_READ = 1,
    GL_TEXTURE_2D = 0x0de1, GL_TEXTURE_MIN_FILTER = 0x2801, GL_NEAREST = 0x2600, GL_BUFFER_UPDATE_BARRIER = 0x200,
    GL_QUERY_RESULT = 0x8866, GL_ANY_SAMPLES = 0x8c2f, GL_TIME_ELAPSED = 0x88bf, GL_DRAW_INDIRECT_BUFFER = 0x8f3f, GL_DISPATCH_INDIRECT_BUFFER = 0x90ee,
    GL_FEEDBACK_BUFFER = 0x8c8e, GL_FEEDBACK_WRITTEN = 0x8c88, GL_INTERLEAVED = 0x8c8c,
};

static void *egl, *gl;

static void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    exit(1);
}

static void *find(void *library, const char *name)
{
    void *function = dlsym(library, name);

    if (!function)
        fail("no function %s", name);
    return function;
}

/* Calls a function of EGL or GL by its name and type. */
#define EGL(type, name, ...) (((type)find(egl, "egl" #name))(__VA_ARGS__))
#define GL(type, name, ...) (((type)find(gl, "gl" #name))(__VA_ARGS__))

typedef void (*fn_v)(void);
typedef void (*fn_u)(unsigned);
typedef void (*fn_uu)(unsigned, unsigned);
typedef void (*fn_uuu)(unsigned, unsigned, unsigned);
typedef unsigned (*fn_r)(void);
typedef unsigned (*fn_ru)(unsigned);
typedef void (*fn_gen)(int, unsigned *);
typedef void (*fn_ffff)(float, float, float, float);
typedef void (*fn_get)(unsigned, unsigned, int *);
typedef void (*fn_log)(unsigned, int, int *, char *);
typedef const char *(*fn_string)(unsigned);

static void check(const char *what)
{
    unsigned error = GL(fn_r, GetError);

    if (error)
        fail("%s: GL error 0x%x", what, error);
}

static void open_context(void)
{
    const int wanted[] = {EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE, EGL_ES3_BIT, EGL_NONE}, version[] = {EGL_MAJOR, 3, EGL_MINOR, 1, EGL_NONE};
    int major, minor, count = 0;
    void *config, *display, *context;

    egl = dlopen("libEGL.so.1", RTLD_NOW | RTLD_GLOBAL);
    gl = dlopen("libGLESv2.so.2", RTLD_NOW | RTLD_GLOBAL);
    if (!egl || !gl)
        fail("%s", dlerror());
    display = EGL(void *(*)(unsigned, void *, const intptr_t *), GetPlatformDisplay, EGL_PLATFORM_SURFACELESS, NULL, NULL);
    if (!display || !EGL(int (*)(void *, int *, int *), Initialize, display, &major, &minor))
        fail("no display: EGL error 0x%x", EGL(fn_r, GetError));
    EGL(int (*)(unsigned), BindAPI, EGL_ES_API);
    if (!EGL(int (*)(void *, const int *, void **, int, int *), ChooseConfig, display, wanted, &config, 1, &count) || count < 1)
        fail("no configuration: EGL error 0x%x", EGL(fn_r, GetError));
    context = EGL(void *(*)(void *, void *, void *, const int *), CreateContext, display, config, NULL, version);
    if (!context || !EGL(int (*)(void *, void *, void *, void *), MakeCurrent, display, NULL, NULL, context))
        fail("no context: EGL error 0x%x", EGL(fn_r, GetError));
    printf("EGL %d.%d, %s, %s, %s\n", major, minor, GL(fn_string, GetString, GL_VENDOR), GL(fn_string, GetString, GL_RENDERER), GL(fn_string, GetString, GL_VERSION));
}

static unsigned compile(unsigned kind, const char *text)
{
    unsigned shader = GL(fn_ru, CreateShader, kind);
    char log[512] = "";
    int good;

    GL(void (*)(unsigned, int, const char *const *, const int *), ShaderSource, shader, 1, &text, NULL);
    GL(fn_u, CompileShader, shader);
    GL(fn_get, GetShaderiv, shader, GL_COMPILE_STATUS, &good);
    GL(fn_log, GetShaderInfoLog, shader, sizeof(log), NULL, log);
    if (!good)
        fail("shader: %s", log);
    return shader;
}

/* b: 0 for a compute shader; varying: what goes to a buffer of transform feedback, or NULL. */
static void use_program(unsigned a, unsigned b, const char *varying)
{
    unsigned program = GL(fn_r, CreateProgram);
    char log[512] = "";
    int good;

    GL(fn_uu, AttachShader, program, a);
    if (b)
        GL(fn_uu, AttachShader, program, b);
    if (varying)
        GL(void (*)(unsigned, int, const char *const *, unsigned), TransformFeedbackVaryings, program, 1, &varying, GL_INTERLEAVED);
    GL(fn_u, LinkProgram, program);
    GL(fn_get, GetProgramiv, program, GL_LINK_STATUS, &good);
    GL(fn_log, GetProgramInfoLog, program, sizeof(log), NULL, log);
    if (!good)
        fail("program: %s", log);
    GL(fn_u, UseProgram, program);
}

static void attach(unsigned format, unsigned where)
{
    unsigned buffer;

    GL(fn_gen, GenRenderbuffers, 1, &buffer);
    GL(fn_uu, BindRenderbuffer, GL_RENDERBUFFER, buffer);
    GL(void (*)(unsigned, unsigned, int, int), RenderbufferStorage, GL_RENDERBUFFER, format, SIZE, SIZE);
    GL(void (*)(unsigned, unsigned, unsigned, unsigned), FramebufferRenderbuffer, GL_FRAMEBUFFER, where, GL_RENDERBUFFER, buffer);
}

static void make_target(int depth)
{
    unsigned framebuffer;

    GL(fn_gen, GenFramebuffers, 1, &framebuffer);
    GL(fn_uu, BindFramebuffer, GL_FRAMEBUFFER, framebuffer);
    attach(GL_RGBA8, GL_COLOR_ATTACHMENT0);
    if (depth)
        attach(GL_DEPTH24, GL_DEPTH_ATTACHMENT);
    if (GL(fn_ru, CheckFramebufferStatus, GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
        fail("the framebuffer is not complete");
    GL(void (*)(int, int, int, int), Viewport, 0, 0, SIZE, SIZE);
    GL(fn_ffff, ClearColor, 1, 0, 0, 1);
    GL(fn_u, Clear, GL_COLOR_BIT | (depth ? GL_DEPTH_BIT : 0));
    check("clear");
}

/* The middle of the picture, as 0xaabbggrr. */
static uint32_t read_middle(void)
{
    static uint32_t pixels[PIXELS];

    memset(pixels, 0x5a, sizeof(pixels));
    GL(void (*)(int, int, int, int, unsigned, unsigned, void *), ReadPixels, 0, 0, SIZE, SIZE, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
    check("read");
    return pixels[PIXELS / 2 + SIZE / 2];
}

static const char *const vertex_shader = "#version 310 es\n"
                                         "layout(location = 0) in vec4 place;\n"
                                         "out vec2 uv;\n"
                                         "void main() { gl_Position = place; uv = place.xy * 0.5 + 0.5; }\n";

static unsigned make_buffer(unsigned kind, size_t size, const void *data)
{
    unsigned buffer;

    GL(fn_gen, GenBuffers, 1, &buffer);
    GL(fn_uu, BindBuffer, kind, buffer);
    GL(void (*)(unsigned, intptr_t, const void *, unsigned), BufferData, kind, (intptr_t)size, data, GL_STATIC_DRAW);
    return buffer;
}

/* All that a draw needs of count places, three numbers each. */
static void prepare(const char *fragment_shader, const char *varying, int count, const float *places)
{
    unsigned array;

    use_program(compile(GL_VERTEX_SHADER, vertex_shader), compile(GL_FRAGMENT_SHADER, fragment_shader), varying);
    GL(fn_gen, GenVertexArrays, 1, &array);
    GL(fn_u, BindVertexArray, array);
    make_buffer(GL_ARRAY_BUFFER, 12 * (size_t)count, places);
    GL(void (*)(unsigned, int, unsigned, unsigned char, int, const void *), VertexAttribPointer, 0, 3, GL_FLOAT, 0, 0, NULL);
    GL(fn_u, EnableVertexAttribArray, 0);
}

static void draw(unsigned kind, int count)
{
    GL(void (*)(unsigned, int, int), DrawArrays, kind, 0, count);
    check("draw");
}

static unsigned begin_query(unsigned kind)
{
    unsigned query;

    GL(fn_gen, GenQueries, 1, &query);
    GL(fn_uu, BeginQuery, kind, query);
    return query;
}

static unsigned end_query(unsigned kind, unsigned query)
{
    unsigned result = 0;

    GL(fn_u, EndQuery, kind);
    GL(void (*)(unsigned, unsigned, unsigned *), GetQueryObjectuiv, query, GL_QUERY_RESULT, &result);
    check("query");
    return result;
}

static const char *const green = "#version 310 es\nprecision mediump float;\nout vec4 color;\nvoid main() { color = vec4(0.0, 1.0, 0.0, 1.0); }\n";
static const float square[] = {-1, -1, 0, 1, -1, 0, -1, 1, 0, 1, 1, 0};

static uint32_t run_clear(void)
{
    make_target(0);
    return read_middle();
}

static const float triangle[] = {-1, -1, 0, 1, -1, 0, 0, 1, 0};

static uint32_t run_triangle(void)
{
    make_target(0);
    prepare(green, NULL, 3, triangle);
    draw(GL_TRIANGLES, 3);
    return read_middle();
}

static uint32_t run_depth(void)
{
    make_target(1);
    GL(fn_u, Enable, GL_DEPTH_TEST);
    prepare(green, NULL, 4, square);
    draw(GL_TRIANGLE_STRIP, 4);
    return read_middle();
}

static uint32_t run_query(void)
{
    make_target(0);
    prepare(green, NULL, 3, triangle);
    unsigned time = begin_query(GL_TIME_ELAPSED), samples = begin_query(GL_ANY_SAMPLES);
    draw(GL_TRIANGLES, 3);
    uint32_t any = end_query(GL_ANY_SAMPLES, samples);
    printf("query: %u ns\n", end_query(GL_TIME_ELAPSED, time));
    return any;
}

static uint32_t run_feedback(void)
{
    make_target(0);
    prepare(green, "uv", 3, triangle);
    GL(fn_uuu, BindBufferBase, GL_FEEDBACK_BUFFER, 0, make_buffer(GL_FEEDBACK_BUFFER, 4096, NULL));
    unsigned written = begin_query(GL_FEEDBACK_WRITTEN);
    GL(fn_u, BeginTransformFeedback, GL_TRIANGLES);
    draw(GL_TRIANGLES, 3);
    GL(fn_v, EndTransformFeedback);
    return end_query(GL_FEEDBACK_WRITTEN, written);
}

static uint32_t run_texture(void)
{
    static uint32_t image[PIXELS];
    unsigned texture;

    for (unsigned i = 0; i < PIXELS; i++)
        image[i] = 0xff00ff00;
    make_target(0);
    GL(fn_gen, GenTextures, 1, &texture);
    GL(fn_uu, BindTexture, GL_TEXTURE_2D, texture);
    GL(fn_uuu, TexParameteri, GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
    GL(void (*)(unsigned, int, int, int, int, int, unsigned, unsigned, const void *), TexImage2D, GL_TEXTURE_2D, 0, GL_RGBA, SIZE, SIZE, 0, GL_RGBA, GL_UNSIGNED_BYTE, image);
    prepare("#version 310 es\nprecision mediump float;\nin vec2 uv;\nuniform sampler2D image;\nout vec4 color;\nvoid main() { color = texture(image, uv); }\n", NULL, 4, square);
    draw(GL_TRIANGLE_STRIP, 4);
    return read_middle();
}

static void prepare_compute(void)
{
    static uint32_t zeroes[PIXELS];

    GL(fn_uuu, BindBufferBase, GL_SHADER_STORAGE_BUFFER, 0, make_buffer(GL_SHADER_STORAGE_BUFFER, sizeof(zeroes), zeroes));
    use_program(compile(GL_COMPUTE_SHADER, "#version 310 es\nlayout(local_size_x = 64) in;\nlayout(std430, binding = 0) buffer Out { uint value[]; };\n"
                                           "void main() { value[gl_GlobalInvocationID.x] = 0xff00ff00u; }\n"), 0, NULL);
}

static uint32_t read_buffer(void)
{
    GL(fn_u, MemoryBarrier, GL_BUFFER_UPDATE_BARRIER);
    check("dispatch");
    const uint32_t *result = GL(void *(*)(unsigned, intptr_t, intptr_t, unsigned), MapBufferRange, GL_SHADER_STORAGE_BUFFER, 0, 4 * PIXELS, GL_MAP_READ);
    if (!result)
        fail("the buffer cannot be mapped");
    return result[PIXELS / 2];
}

static uint32_t run_compute(void)
{
    prepare_compute();
    GL(fn_uuu, DispatchCompute, SIZE, 1, 1);
    return read_buffer();
}

/* What the GPU takes the sizes of work from, of a draw and of a dispatch. */
static uint32_t run_indirect(void)
{
    static const uint32_t groups[] = {SIZE, 1, 1}, vertices[] = {4, 1, 0, 0};

    make_target(0);
    prepare(green, NULL, 4, square);
    make_buffer(GL_DRAW_INDIRECT_BUFFER, sizeof(vertices), vertices);
    GL(void (*)(unsigned, const void *), DrawArraysIndirect, GL_TRIANGLE_STRIP, NULL);
    check("draw");
    uint32_t drawn = read_middle();
    prepare_compute();
    make_buffer(GL_DISPATCH_INDIRECT_BUFFER, sizeof(groups), groups);
    GL(void (*)(intptr_t), DispatchComputeIndirect, 0);
    return drawn & read_buffer();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        uint32_t (*run)(void);
        uint32_t expected;
    } things[] = {{"clear", run_clear, 0xff0000ff}, {"triangle", run_triangle, 0xff00ff00}, {"depth", run_depth, 0xff00ff00}, {"texture", run_texture, 0xff00ff00},
                  {"compute", run_compute, 0xff00ff00}, {"query", run_query, 1}, {"feedback", run_feedback, 1}, {"indirect", run_indirect, 0xff00ff00}};
    struct timespec start, end;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; argc == 2 && i < sizeof(things) / sizeof(things[0]); i++) {
        if (strcmp(argv[1], things[i].name) != 0)
            continue;
        open_context();
        clock_gettime(CLOCK_MONOTONIC, &start);
        uint32_t found = things[i].run();
        GL(fn_v, Finish);
        check("finish");
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%s: 0x%08x, %s, %.1f s\n", things[i].name, found, found == things[i].expected ? "right" : "not drawn",
               (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec));
        return found == things[i].expected ? 0 : 3;
    }
    fprintf(stderr, "usage: gles clear|triangle|depth|texture|compute|query|feedback|indirect\n");
    return 2;
}
