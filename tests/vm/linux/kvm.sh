#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vmm run where KVM has hardware virtualization (on_kvm() of lib.sh): two stock Debian guests of it on one GPU, each from its bzImage to its init, where i915 binds to the vGPU and memory holds what
# the GPU wrote; the GPU of one is unplugged then, and another plugged in. It takes two to four minutes. Usage: kvm.sh VMM GEMCHECK. Exit 77 where the images or gemcheck cannot be had.
set -u
vmm=$1 gemcheck=$2
. "$(dirname "$(readlink -f "$0")")/lib.sh"
[ "$gemcheck" != none ] || { echo "SKIP: gemcheck was not built: install libdrm-dev"; exit 77; }
need qemu kernel busybox
. "$linux/common.sh"

# What the guests do.
cat >"$work/guest.job" <<'JOB'
STEP_TIMEOUT=300
step i915 load_i915
step nodes test -c /dev/dri/card0 -a -c /dev/dri/renderD128
gemcheck --quick --verbose device softpin reloc fence context >&3 2>&1 || : >/tmp/failed
step dmesg dmesg_clean
grep -q plug=yes /proc/cmdline || exit 0
# Its GPU goes, and comes back.
appears() { for _ in $(seq 200); do [ ! -c /dev/dri/renderD128 ] || return 0; sleep 1; done; return 1; }
vanishes() { for _ in $(seq 200); do [ -e /sys/bus/pci/devices/0000:00:02.0 ] || return 0; sleep 1; done; ls /dev/dri; return 1; }
report UNPLUG
step vanishes vanishes
step nodes-gone test ! -e /dev/dri/card0
report PLUG
step appears appears
gemcheck --quick device softpin >&3 2>&1 || : >/tmp/failed
step dmesg-plug dmesg_clean
JOB
base=$("$linux/image.sh" base) && "$linux/image.sh" job "$work/guest.cpio" "$work/guest.job" "$gemcheck:/usr/bin/gemcheck" || { fail "no image for the guests"; result; }
cat "$base" "$work/guest.cpio" >"$work/initrd"

# What their host does. Many instructions of a nested guest are slow, so that a lockup is no news.
{
  printf '[gpu]\nbackend = model\naperture = 256M\n'
  for name in alpha beta; do
    printf '[vm %s]\nkernel = /guest/vmlinuz\ninitrd = /guest/initrd\nmemory = 512M\nvcpus = 1\ngpu = i915-GVTg_V5_8\n' $name
    [ $name = alpha ] && plug=yes || plug=no
    printf 'cmdline = console=ttyS0 quiet loglevel=1 nowatchdog rdinit=/init plug=%s\n' $plug
  done
} >"$work/vmm.ini"
cat >"$work/job" <<'JOB'
dmesg | grep -E 'kvm|SVM'
/vmm check /vmm.ini || exit
/vmm run /vmm.ini --stats --control /tmp/vmm.sock >/tmp/vmm.out 2>&1 &
vmm=$!
wait_for() { until grep -q "^\[alpha\] $1" /tmp/vmm.out; do kill -0 $vmm 2>/dev/null || return; sleep 1; done; }
wait_for UNPLUG
/vmm unplug alpha --control /tmp/vmm.sock --timeout 200 && echo "UNPLUGGED"
wait_for PLUG
/vmm plug alpha i915-GVTg_V5_8 --control /tmp/vmm.sock && echo "PLUGGED"
wait $vmm
status=$?
cat /tmp/vmm.out
exit $status
JOB
on_kvm "$work/job" --file "$work/vmm.ini:/vmm.ini" --file "$work/initrd:/guest/initrd" --memory 3G --timeout 600 --log "$work/log" --dmesg "$work/dmesg" >/dev/null 2>"$work/err"
check "vmm run ended well" [ $? -eq 0 ]
tr -d '\r' <"$work/log"
check "alpha's vGPU was unplugged" grep -q '^UNPLUGGED' "$work/log"
check "and another plugged in" grep -q '^PLUGGED' "$work/log"
for name in alpha beta; do
  check "guest $name's job" grep -q "^\[$name\] JOB 0" "$work/log"
  check "i915 in guest $name" grep -q "^\[$name\] PASS i915" "$work/log"
done
[ $failures -eq 0 ] || { cat "$work/err"; tail -n 30 "$work/dmesg"; }
result
