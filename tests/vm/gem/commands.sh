#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `vmm decode` says of gemcheck's commands: names, lengths, addresses and registers, line by line. Usage: commands.sh VMM GEMCHECK-COMMANDS
set -u
vmm=$1 commands=$2
status=0

# check ENGINE: standard input has what each line must begin with, behind its address.
check() {
  local engine=$1 number=0 line
  local -a expected found
  mapfile -t expected
  mapfile -t found < <("$commands" "$engine" | "$vmm" decode -x -e "$engine" -a 1000 /dev/stdin | cut -d' ' -f2-)
  for line in "${expected[@]}"; do
    case ${found[$number]-} in
      "$line"*) ;;
      *) echo "$engine, command $number: expected '$line', found '${found[$number]-nothing}'"; status=1 ;;
    esac
    number=$((number + 1))
  done
  [ "${#found[@]}" -eq "$number" ] || { echo "$engine: expected $number commands, found ${#found[@]}"; status=1; }
}

check rcs0 <<'END'
MI_STORE_DATA_IMM (4) ppgtt:0xfffffffe0010(w) = 0x11223344
MI_STORE_DATA_IMM (5) ppgtt:0xfffffffe0020(w) = 0x5566778899aabbcc
MI_LOAD_REGISTER_IMM (3) RING_GPR[rcs0][0]=0xdeadbeef
MI_STORE_REGISTER_MEM (4) RING_GPR[rcs0][0](r) ppgtt:0xfffffffe0030(w)
MI_COPY_MEM_MEM (5) ppgtt:0xfffffffe0040(w) ppgtt:0xfffffffe0050(r)
MI_ATOMIC (3) ppgtt:0xfffffffe0060(w) operation 0x05
MI_SEMAPHORE_WAIT (4) ppgtt:0xfffffffe0070(r) poll until *address >= 0x00000007
PIPE_CONTROL (6)
MI_ARB_CHECK (1)
MI_BATCH_BUFFER_START (3) ppgtt:0x108c(r)
MI_BATCH_BUFFER_END (1)
END

check bcs0 <<'END'
XY_SETUP_CLIP_BLT (3)
XY_COLOR_BLT (7) ppgtt:0x123456789000(w) 03f00400 00020001 000c001f
MI_FLUSH_DW (4)
MI_LOAD_REGISTER_IMM (3) BCS_SWCTRL=0x00030002
XY_COLOR_BLT (7) ppgtt:0xfffffffe0000(w) 03f00080 00020001 000c001f
MI_FLUSH_DW (4)
MI_LOAD_REGISTER_IMM (3) BCS_SWCTRL=0x00030000
XY_SRC_COPY_BLT (10) ppgtt:0xfffffffe0000(w) ppgtt:0x123456789000(r) 41cc0200 00020001 000c001f
MI_FLUSH_DW (4)
MI_LOAD_REGISTER_IMM (3) BCS_SWCTRL=0x00030001
XY_SRC_COPY_BLT (10) ppgtt:0x123456789000(w) ppgtt:0xfffffffe0000(r) 41cc0400 00020001 000c001f
MI_FLUSH_DW (4)
MI_LOAD_REGISTER_IMM (3) BCS_SWCTRL=0x00030000
XY_FAST_COPY_BLT (10) ppgtt:0xfffffffe0000(w) ppgtt:0x123456789000(r) 03000200 00020001 000c001f
XY_FAST_COPY_BLT (10) ppgtt:0x123456789000(w) ppgtt:0xfffffffe0000(r) 00000400 00020001 000c001f
MI_STORE_DATA_IMM (4) ppgtt:0xfffffffe0010(w) = 0x11223344
MI_STORE_DATA_IMM (5) ppgtt:0xfffffffe0020(w) = 0x5566778899aabbcc
MI_LOAD_REGISTER_IMM (3) RING_GPR[bcs0][0]=0xdeadbeef
MI_STORE_REGISTER_MEM (4) RING_GPR[bcs0][0](r) ppgtt:0xfffffffe0030(w)
MI_COPY_MEM_MEM (5) ppgtt:0xfffffffe0040(w) ppgtt:0xfffffffe0050(r)
MI_ATOMIC (3) ppgtt:0xfffffffe0060(w) operation 0x05
MI_SEMAPHORE_WAIT (4) ppgtt:0xfffffffe0070(r) poll until *address >= 0x00000007
MI_FLUSH_DW (4)
MI_ARB_CHECK (1)
MI_BATCH_BUFFER_START (3) ppgtt:0x11d8(r)
MI_BATCH_BUFFER_END (1)
END
exit $status
