/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmm screenshot: what a guest's screen shows, by its control socket. The picture comes over the socket, as the VMM's sandbox opens few files. */
#include "vmm/commands.h"
#include "vmm/control/client.h"
#include "vmm/error.h"

static bool write_picture(JsonNode *result, const char *file, GError **error)
{
    const char *text = JSON_NODE_HOLDS_OBJECT(result) ? json_object_get_string_member_with_default(json_node_get_object(result), "png", NULL) : NULL;
    g_autoptr(GError) problem = NULL;
    gsize len = 0;
    g_autofree guchar *png = text ? g_base64_decode(text, &len) : NULL;

    if (!png || len == 0)
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "the VMM sent no picture");
    else if (!g_file_set_contents(file, (const char *)png, (gssize)len, &problem))
        g_set_error(error, VMM_ERROR, VMM_ERROR_FAILED, "%s: cannot be written: %s", file, problem->message);
    else
        return true;
    return false;
}

int cmd_screenshot(int argc, char **argv)
{
    g_autofree char *path = NULL;
    const GOptionEntry entries[] = {CONTROL_OPTION_ENTRY(&path), {0}};
    GError *error = NULL;
    int code;

    if (!command_parse(&argc, &argv, entries, 2, 2, &code))
        return code;
    struct control_client *client = control_client_find(path, argv[1], &error);
    g_autoptr(JsonNode) result = client ? control_client_call(client, "screenshot", control_guest_arguments(argv[1]), &error) : NULL;
    control_client_close(client);
    return result && write_picture(result, argv[2], &error) ? EXIT_OK : command_fail(error);
}
