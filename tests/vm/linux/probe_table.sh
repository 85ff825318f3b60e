#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What stock i915 touches while it probes, on a vGPU and on the whole device: a table in Markdown from the trace, for docs/qemu.md. Usage: probe_table.sh VMM
set -u
vmm=$1
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need qemu kernel busybox >&2

# Without a console on the framebuffer, and without the shutdown of the driver.
printf 'step i915 load_i915\necho JOB 0 >&3\nsleep 1\necho b >/proc/sysrq-trigger\nsleep 9\n' >"$work/job"
for type in i915-GVTg_V5_8 passthrough; do
  serve guest=$type --  --trace "$work/$type.trace" >&2
  guest guest --job "$work/job" --append fbcon=map:1 --timeout 120
  wait "$guest_guest"
  children=()
  stop_server >&2
done
awk '
  # Config accesses of QEMU and the firmware are not i915s: what counts begins with its first register.
  $4 == "trap_mmio_read" || $4 == "trap_pvinfo" || $4 == "trap_display" { on[FILENAME] = 1 }
  /trap_/ && on[FILENAME] {
    class = $4; sub("trap_", "", class); sub("mmio_.*", "mmio", class)
    n[FILENAME, class, $5]++
    reg = FILENAME SUBSEP class SUBSEP $6
    if (!(reg in seen)) { seen[reg] = 1; distinct[FILENAME, class]++ }
  }
  END {
    split("mmio elsp interrupt display pvinfo gtt aperture config", classes)
    text["mmio"] = "GT, engines, power, clocks, fences"; text["elsp"] = "execlist submission ports"; text["interrupt"] = "interrupt tree"
    text["display"] = "display, GMBUS, AUX"; text["pvinfo"] = "PVINFO"; text["gtt"] = "global GTT entries"; text["aperture"] = "aperture"
    text["config"] = "PCI configuration"
    print "| class | vGPU: reads | writes | places | whole device: reads | writes | places |"
    print "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for (i = 1; i in classes; i++) {
      c = classes[i]
      printf "| %s |", text[c]
      for (f = 1; f < ARGC; f++) printf " %d | %d | %d |", n[ARGV[f], c, "R"], n[ARGV[f], c, "W"], distinct[ARGV[f], c]
      print ""
    }
  }' "$work/i915-GVTg_V5_8.trace" "$work/passthrough.trace"
