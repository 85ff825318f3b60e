#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/vm/gem's program in two stock Debian guests at once, whose vGPUs share one GPU: does memory hold what it should? Usage: gemcheck.sh VMM GEMCHECK [OPTION...];
# the options are gemcheck's, --quick and no hangs but one if there are none. Exit 77 where the images or the program cannot be had.
set -u
vmm=$1 gemcheck=$2
shift 2
. "$(dirname "$(readlink -f "$0")")/lib.sh"
[ "$gemcheck" != none ] || { echo "SKIP: gemcheck was not built: install libdrm-dev"; exit 77; }
need qemu kernel busybox

hang=hang.loop
if [ $# -eq 0 ]; then set -- --quick --without=hang; else hang=''; fi
cat >"$work/job" <<JOB
step i915 load_i915
gemcheck $* >&3 2>&1 || : >/tmp/failed
step dmesg dmesg_clean
[ -z "$hang" ] || gemcheck --quick $hang >&3 2>&1 || : >/tmp/failed
step dmesg-hang dmesg_clean 'GPU HANG|[Rr]esetting|context reset'
JOB
# Some checks write through the aperture and look into memory at once. One guest has two vCPUs.
APERTURE=256M serve alpha=i915-GVTg_V5_8 beta=i915-GVTg_V5_8
for name in alpha beta; do
  [ $name = alpha ] && smp=1 || smp=2
  guest $name --job "$work/job" --file "$gemcheck:/usr/bin/gemcheck" --no-posted-writes --append fbcon=map:1 --memory 1G --smp $smp --timeout 900 ${GUEST_OPTIONS:-}
done
for name in alpha beta; do guest_result $name; done
stop_server
result
