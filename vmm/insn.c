/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instruction completion: which instructions the VMM finishes for KVM. Called by vcpu.c. */
#include "vmm/insn.h"

#include <glib.h>

enum insn_verdict insn_complete(const struct insn_env *env, char **message)
{
    g_autofree char *what = insn_describe(env);

    *message = g_strdup_printf("vCPU %u: KVM cannot emulate the instruction at %s, and the VMM does not complete it", env->vcpu, what);
    return INSN_FAILED;
}
