/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says which instruction a vCPU stands at. Used by instruction completion and by the messages of crashed guests. */
#include "vmm/insn.h"

#include "vmm/insn/decoder.h"

#include <glib.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

enum { INSN_MAX = 15 };

/* Copies up to 15 bytes at the linear address, through the vCPU's own page tables; returns how many could be read. */
static size_t fetch(const struct insn_env *env, uint64_t linear, uint8_t bytes[INSN_MAX])
{
    size_t count = 0;

    while (count < INSN_MAX) {
        struct kvm_translation translation = {.linear_address = linear + count};
        size_t now = MIN((size_t)(INSN_MAX - count), (size_t)(0x1000 - ((linear + count) & 0xfff)));
        if (ioctl(env->vcpu_fd, KVM_TRANSLATE, &translation) < 0 || !translation.valid ||
            !env->memory_read(env->opaque, translation.physical_address, bytes + count, now))
            break;
        count += now;
    }
    return count;
}

char *insn_describe(const struct insn_env *env)
{
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    uint8_t bytes[INSN_MAX];
    csh handle;
    cs_insn *insn = NULL;
    const struct decoder *capstone = decoder_get();

    if (ioctl(env->vcpu_fd, KVM_GET_REGS, &regs) < 0 || ioctl(env->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
        return g_strdup("unknown instruction (the registers cannot be read)");

    bool long_mode = sregs.cs.l;
    size_t count = fetch(env, (long_mode ? 0 : sregs.cs.base) + regs.rip, bytes);
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "0x%llx:", (unsigned long long)regs.rip);
    if (count == 0)
        g_string_append(text, " (no memory there)");
    else if (capstone && capstone->open(CS_ARCH_X86, long_mode ? CS_MODE_64 : sregs.cs.db ? CS_MODE_32 : CS_MODE_16, &handle) == CS_ERR_OK) {
        size_t found = capstone->disasm(handle, bytes, count, regs.rip, 1, &insn);
        for (size_t i = 0; i < (found ? insn->size : count); i++)
            g_string_append_printf(text, " %02x", bytes[i]);
        if (found)
            g_string_append_printf(text, " (%s%s%s)", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
        else
            g_string_append(text, " (not an instruction)");
        capstone->free(insn, found);
        capstone->close(&handle);
    }
    g_string_append_printf(text, ", CPL %d", sregs.ss.dpl);
    return g_string_free(text, FALSE);
}
