/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decodes one instruction with capstone and runs it. See cpu.h. */
#include "vmm/insn/cpu.h"
#include "vmm/insn/decoder.h"

enum exec insn_execute(struct insn_cpu *cpu, const uint8_t *bytes, size_t count)
{
    static enum exec (*const families[])(struct insn_cpu *, const cs_insn *) = {insn_system, insn_integer, insn_vector, insn_vector_logic};
    cs_mode mode = cpu_long_mode(cpu) ? CS_MODE_64 : cpu->sregs.cs.db ? CS_MODE_32 : CS_MODE_16;
    const struct decoder *capstone = decoder_get();
    enum exec exec = EXEC_UNSUPPORTED;
    csh handle;
    cs_insn *insn;

    if (!capstone || capstone->open(CS_ARCH_X86, mode, &handle) != CS_ERR_OK)
        return EXEC_UNSUPPORTED;
    capstone->option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    if (capstone->disasm(handle, bytes, count, cpu->regs.rip, 1, &insn) == 1) {
        for (unsigned i = 0; exec == EXEC_UNSUPPORTED && i < sizeof(families) / sizeof(families[0]); i++)
            exec = families[i](cpu, insn);
        if (exec == EXEC_DONE)
            cpu->regs.rip += insn->size;
        capstone->free(insn, 1);
    }
    capstone->close(&handle);
    return exec;
}
