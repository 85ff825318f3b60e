/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities, of each thread: for root, and for who has some in a user namespace of its own. Called by sandbox.c and namespaces.c. */
#include "vmm/sandbox/parts.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) (UINT64_C(1) << (capability))

/* Root's way to files of other users: outputs may lie in a directory of one. */
#define OUTPUTS (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER))
/* What a guest's root does with files of a share: their owners, modes, times. */
#define SHARE (OUTPUTS | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_CHOWN) | BIT(CAP_FSETID))

static const uint64_t kept[SANDBOX_KINDS] = {
    [SANDBOX_FILES] = SHARE,
    [SANDBOX_VFIO_SERVER] = OUTPUTS,
    [SANDBOX_MAIN] = OUTPUTS,
    [SANDBOX_MAKER] = OUTPUTS,
};

struct sets {
    uint64_t effective, permitted;
};

static bool get(struct sets *sets)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, data) != 0)
        return false;
    *sets = (struct sets){(uint64_t)data[1].effective << 32 | data[0].effective, (uint64_t)data[1].permitted << 32 | data[0].permitted};
    return true;
}

bool capabilities_have(unsigned capability)
{
    struct sets sets;

    return get(&sets) && sets.effective & BIT(capability);
}

bool capabilities_have_any(void)
{
    struct sets sets;

    return !get(&sets) || sets.permitted;
}

bool capabilities_enter(enum sandbox_kind kind, bool own_user_namespace)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct sets sets;

    if (!get(&sets))
        return false;
    /* A thread that the maker started has nothing to give up but what the maker has kept, and its list lacks prctl. */
    if (sets.effective & BIT(CAP_SETPCAP))
        for (unsigned capability = 0; capability < 64 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++)
            ;
    if (!sets.permitted)
        return true;
    uint64_t rest = own_user_namespace ? 0 : kept[kind] & sets.permitted;
    uint32_t low = (uint32_t)rest, high = (uint32_t)(rest >> 32);
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{.effective = low, .permitted = low}, {.effective = high, .permitted = high}};
    return syscall(SYS_capset, &header, data) == 0;
}
