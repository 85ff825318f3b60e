/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The served vGPUs and their servers; see served.h. */
#include "vmm/served.h"

#include "vmm/cpu_list.h"
#include "vmm/error.h"
#include "vmm/sandbox/maker.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/serve.h"
#include "vmm/vfio_user/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct served_vgpu {
    struct served *served;
    unsigned user;
    struct vgpu_settings settings; /* a copy */
    char *path;                    /* absolute */
    GArray *cpus;                  /* unsigned, of pin; NULL: anywhere */
    struct vfio_user_server *server;
    unsigned had;  /* atomic: clients that came */
    bool attached; /* atomic */
};

struct served {
    struct served_config config;
    struct sandbox_maker *maker; /* or NULL: the calling thread does what it would do */
    GMutex lock;                 /* of the list: changed on the main loop's thread only, which may read it without */
    GPtrArray *vgpus;            /* struct served_vgpu * */
};

char *served_folder(void)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");

    return g_build_filename(runtime && *runtime ? runtime : "/run", "mediant", NULL);
}

char *serve_socket_path(const struct vgpu_settings *vgpu)
{
    g_autofree char *name = g_strdup_printf("%s.sock", vgpu->name), *folder = served_folder();

    return vgpu->socket ? g_strdup(vgpu->socket) : g_build_filename(folder, name, NULL);
}

/* The thread of the client's session, which all that the client asks for is done on. */
static void connected(void *opaque)
{
    struct served_vgpu *vgpu = opaque;

    if (vgpu->cpus && !cpu_list_run_on(&g_array_index(vgpu->cpus, unsigned, 0), vgpu->cpus->len))
        messages_add(vgpu->served->config.messages, "vgpu %s: its thread cannot run on the CPUs of pin: %s", vgpu->settings.name, g_strerror(errno));
    __atomic_store_n(&vgpu->attached, true, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&vgpu->had, 1, __ATOMIC_SEQ_CST);
    messages_add(vgpu->served->config.messages, "vgpu %s: a client is attached", vgpu->settings.name);
    vgpu->served->config.changed(vgpu->served->config.opaque, vgpu->user, true);
}

static void leaving(void *opaque)
{
    struct served_vgpu *vgpu = opaque;
    const struct served_config *config = &vgpu->served->config;

    messages_add(config->messages, "vgpu %s: the client has left", vgpu->settings.name);
    config->leaving(config->opaque, vgpu->user);
    __atomic_store_n(&vgpu->attached, false, __ATOMIC_SEQ_CST);
    config->changed(config->opaque, vgpu->user, false);
}

static void complain(void *opaque, const char *text)
{
    struct served_vgpu *vgpu = opaque;

    messages_add(vgpu->served->config.messages, "vgpu %s: %s", vgpu->settings.name, text);
}

bool served_all_left(struct served *served)
{
    bool all = true;

    g_mutex_lock(&served->lock);
    for (unsigned i = 0; i < served->vgpus->len; i++) {
        struct served_vgpu *vgpu = g_ptr_array_index(served->vgpus, i);
        all = all && __atomic_load_n(&vgpu->had, __ATOMIC_SEQ_CST) && !__atomic_load_n(&vgpu->attached, __ATOMIC_SEQ_CST);
    }
    g_mutex_unlock(&served->lock);
    return all;
}

/* The folder of the default path is ours to make; another's is not. */
static bool make_folder(const char *folder, GError **error)
{
    if (g_mkdir_with_parents(folder, 0700) == 0)
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "the folder %s cannot be made: %s (try socket = PATH)", folder, g_strerror(errno));
    return false;
}

struct served *served_create(const struct served_config *config)
{
    struct served *served = g_new0(struct served, 1);

    served->config = *config;
    served->vgpus = g_ptr_array_new();
    g_mutex_init(&served->lock);
    return served;
}

static void free_vgpu(struct served_vgpu *vgpu)
{
    vfio_user_server_destroy(vgpu->server);
    option_clear_all(OPTION_VGPU, &vgpu->settings);
    g_clear_pointer(&vgpu->cpus, g_array_unref);
    g_free(vgpu->settings.name);
    g_free(vgpu->path);
    g_free(vgpu);
}

void served_destroy(struct served *served)
{
    if (!served)
        return;
    for (unsigned i = 0; i < served->vgpus->len; i++) {
        struct served_vgpu *vgpu = g_ptr_array_index(served->vgpus, i);
        g_clear_pointer(&vgpu->server, vfio_user_server_destroy); /* all, as their threads look at each */
    }
    for (unsigned i = 0; i < served->vgpus->len; i++)
        free_vgpu(g_ptr_array_index(served->vgpus, i));
    sandbox_maker_destroy(served->maker);
    g_ptr_array_unref(served->vgpus);
    g_mutex_clear(&served->lock);
    g_free(served);
}

bool served_prepare_to_grow(struct served *served, GError **error)
{
    g_autofree char *folder = served_folder();

    if (!make_folder(folder, error))
        return false;
    sandbox_allow(SANDBOX_LISTEN, folder);
    sandbox_allow(SANDBOX_SOCKET, folder);
    served->maker = sandbox_maker_create();
    return true;
}

static struct served_vgpu *find(const struct served *served, const char *name)
{
    for (unsigned i = 0; i < served->vgpus->len; i++) {
        struct served_vgpu *vgpu = g_ptr_array_index(served->vgpus, i);
        if (strcmp(vgpu->settings.name, name) == 0)
            return vgpu;
    }
    return NULL;
}

static struct served_vgpu *new_vgpu(struct served *served, unsigned user, const struct vgpu_settings *settings)
{
    struct served_vgpu *vgpu = g_new0(struct served_vgpu, 1);
    g_autofree char *path = serve_socket_path(settings);

    vgpu->served = served;
    vgpu->user = user;
    vgpu->settings = (struct vgpu_settings){.name = g_strdup(settings->name),
                                            .type = g_strdup(settings->type),
                                            .socket = g_strdup(settings->socket),
                                            .weight = settings->weight,
                                            .gpu_cap = settings->gpu_cap,
                                            .trap_limit = settings->trap_limit,
                                            .pin = g_strdup(settings->pin),
                                            .gpu_class = g_strdup(settings->gpu_class),
                                            .monitor = g_strdup(settings->monitor),
                                            .screenshot = g_strdup(settings->screenshot)};
    vgpu->path = g_canonicalize_filename(path, NULL);
    return vgpu;
}

static bool set_pin(struct served_vgpu *vgpu, GError **error)
{
    g_autofree char *reason = NULL;

    if (!vgpu->settings.pin)
        return true;
    vgpu->cpus = cpu_list_parse(vgpu->settings.pin, &reason);
    if (vgpu->cpus && cpu_list_check(vgpu->cpus, &reason))
        return true;
    g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "pin: %s", reason);
    return false;
}

/*
 * A socket in the default folder whose server is gone, as after a crash, is removed: names there are given by us, and a service that is started again would
 * otherwise wait for somebody with rm. Elsewhere it stays, and is an error.
 */
static void remove_left_over(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;

    if (strlen(path) >= sizeof(address.sun_path) || lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    strcpy(address.sun_path, path);
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe >= 0 && connect(probe, (const struct sockaddr *)&address, sizeof(address)) != 0 && errno == ECONNREFUSED)
        unlink(path);
    if (probe >= 0)
        close(probe);
}

/* On a thread that may listen. */
static bool start_server(struct served_vgpu *vgpu, GError **error)
{
    if (!set_pin(vgpu, error))
        return false;
    if (!vgpu->settings.socket)
        remove_left_over(vgpu->path);
    struct gpu_setup *gpu = vgpu->served->config.gpu;
    struct pci_device *dev = gpu_setup_take_device(gpu, vgpu->user);
    const struct vfio_user_server_config config = {.name = vgpu->settings.name,
                                                   .path = vgpu->path,
                                                   .dev = dev,
                                                   .connected = connected,
                                                   .leaving = leaving,
                                                   .complain = complain,
                                                   .opaque = vgpu};

    vgpu->server = vfio_user_server_create(&config, error);
    if (!vgpu->server)
        dev->ops->destroy(dev);
    return vgpu->server != NULL;
}

static void append(struct served *served, struct served_vgpu *vgpu)
{
    g_mutex_lock(&served->lock);
    g_ptr_array_add(served->vgpus, vgpu);
    g_mutex_unlock(&served->lock);
}

bool served_attach(struct served *served, unsigned user, const struct vgpu_settings *settings, GError **error)
{
    struct served_vgpu *vgpu = new_vgpu(served, user, settings);
    g_autofree char *folder = g_path_get_dirname(vgpu->path);
    g_autoptr(GError) problem = NULL;
    bool ok = settings->socket || make_folder(folder, &problem);

    if (ok)
        sandbox_allow(SANDBOX_SOCKET, folder);
    ok = ok && start_server(vgpu, &problem);
    if (ok) {
        append(served, vgpu);
        return true;
    }
    g_set_error(error, VMM_ERROR, problem->domain == VMM_ERROR ? problem->code : VMM_ERROR_FAILED, "%s: [vgpu %s] %s", served->config.config_path,
                settings->name, problem->message);
    free_vgpu(vgpu);
    return false;
}

struct making {
    struct served_vgpu *vgpu;
    struct gpu_user user;
    const struct vgpu_settings *settings;
    GError **error;
    bool ok;
};

/* On a thread that is confined as the scheduler's and the vGPUs' are. */
static void make_vgpu(void *opaque)
{
    struct making *making = opaque;

    making->ok = gpu_setup_add(making->vgpu->served->config.gpu, &making->user, &making->vgpu->user, making->error);
}

static void make(void *opaque)
{
    struct making *making = opaque;
    struct served_vgpu *vgpu = making->vgpu;
    const struct served_config *config = &vgpu->served->config;

    sandbox_call(SANDBOX_ENGINE, make_vgpu, making);
    if (making->ok && !start_server(vgpu, making->error)) {
        gpu_setup_remove(config->gpu, vgpu->user);
        making->ok = false;
    } else if (making->ok) {
        making->ok = config->added(config->opaque, vgpu->user, making->settings, making->error);
    }
}

/* One that is served. */
static void take_away(struct served_vgpu *vgpu)
{
    const struct served_config *config = &vgpu->served->config;
    unsigned user = vgpu->user;

    vfio_user_server_stop(vgpu->server);
    config->removing(config->opaque, user);
    gpu_setup_retire(config->gpu, user);
    free_vgpu(vgpu);
    gpu_setup_remove(config->gpu, user);
}

bool served_add(struct served *served, const struct vgpu_settings *settings, GError **error)
{
    struct making making = {.user = {.group = "vgpu",
                                     .key = "type",
                                     .name = settings->name,
                                     .type = settings->type,
                                     .monitor = settings->monitor ? settings->monitor : "dp",
                                     .screenshot = settings->screenshot,
                                     .weight = (unsigned)settings->weight,
                                     .cap = (unsigned)settings->gpu_cap,
                                     .trap_limit = settings->trap_limit,
                                     .latency = settings->gpu_class && strcmp(settings->gpu_class, "latency") == 0},
                            .settings = settings,
                            .error = error};

    if (find(served, settings->name)) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "there is a vGPU %s already", settings->name);
        return false;
    }
    making.vgpu = new_vgpu(served, 0, settings);
    if (served->maker)
        sandbox_maker_call(served->maker, make, &making);
    else
        make(&making);
    if (making.ok)
        append(served, making.vgpu);
    else if (making.vgpu->server)
        take_away(making.vgpu);
    else
        free_vgpu(making.vgpu);
    return making.ok;
}

bool served_remove(struct served *served, const char *name, GError **error)
{
    struct served_vgpu *vgpu = find(served, name);

    if (!vgpu) {
        g_set_error(error, VMM_ERROR, VMM_ERROR_CONFIG, "there is no vGPU %s", name);
        return false;
    }
    g_mutex_lock(&served->lock);
    g_ptr_array_remove(served->vgpus, vgpu);
    g_mutex_unlock(&served->lock);
    take_away(vgpu);
    return true;
}

unsigned served_count(const struct served *served)
{
    return served->vgpus->len;
}

const struct vgpu_settings *served_settings(const struct served *served, unsigned index, const char **path)
{
    const struct served_vgpu *vgpu = g_ptr_array_index(served->vgpus, index);

    *path = vgpu->path;
    return &vgpu->settings;
}

static const struct served_vgpu *of_user(const struct served *served, unsigned user)
{
    for (unsigned i = 0; i < served->vgpus->len; i++) {
        const struct served_vgpu *vgpu = g_ptr_array_index(served->vgpus, i);
        if (vgpu->user == user)
            return vgpu;
    }
    return NULL;
}

const char *served_socket_of(const struct served *served, unsigned user)
{
    const struct served_vgpu *vgpu = of_user(served, user);

    return vgpu ? vgpu->path : NULL;
}

bool served_is_attached(const struct served *served, unsigned user)
{
    const struct served_vgpu *vgpu = of_user(served, user);

    return vgpu && __atomic_load_n(&vgpu->attached, __ATOMIC_SEQ_CST);
}

/* For the shell: in single quotes, and for JSON within. */
void served_print_invitation(const struct served *served, unsigned index)
{
    const struct served_vgpu *vgpu = g_ptr_array_index(served->vgpus, index);

    printf("%s: %s\n"
           "  qemu-system-x86_64 -M q35,memory-backend=ram -object memory-backend-memfd,id=ram,size=2G,share=on -m 2G -vga none \\\n"
           "    -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"%s\"},\"addr\":\"02.0\",\"x-msg-timeout\":60000}' ...\n",
           vgpu->settings.name, vgpu->settings.type, vgpu->path);
}
