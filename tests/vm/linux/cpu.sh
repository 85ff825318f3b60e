#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cpu_cap and cpu_share seen to limit: on a stock Debian kernel with cgroup v2 and KVM (on_kvm() of lib.sh), where the groups can be had whatever this
# machine's are. Guests of one vCPU spin; what their threads get of the one CPU in five seconds is measured. Usage: cpu.sh VMM GUEST-DIRECTORY. Exit 77 where the images cannot be had.
set -u
vmm=$1 guests=$2
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need qemu kernel busybox
. "$linux/common.sh"
vm() { printf '[vm %s]\nimage = /end.elf\nmemory = 16M\nargs = how=spin\nserial = none\n%s\n' "$1" "$2"; }
vm a 'cpu_cap = 30' >"$work/cap.ini"
{ vm a 'cpu_share = 75' && vm b 'cpu_share = 25'; } >"$work/share.ini"
cat >"$work/job" <<'JOB'
mkdir -p /sys/fs/cgroup && mount -t cgroup2 cgroup /sys/fs/cgroup || exit 1
echo +cpu >/sys/fs/cgroup/cgroup.subtree_control && mkdir /sys/fs/cgroup/vm && echo $$ >/sys/fs/cgroup/vm/cgroup.procs || exit 1
# NAME MILLISECONDS-OF-UPTIME TICKS-OF-CPU of each vCPU; a tick is 10 ms.
sample() {
  for task in /proc/$(pidof vmm)/task/*; do
    case $(cat $task/comm) in */0) echo "$1 $(cut -d/ -f1 $task/comm) $(awk '{ print int($1 * 1000) }' /proc/uptime) $(sed 's/.*) //' $task/stat | awk '{ print $12 + $13 }')" ;; esac
  done
}
for name in cap share; do
  /vmm run /$name.ini >/tmp/log 2>&1 &
  sleep 6
  sample $name
  sleep 5
  sample $name
  kill $(pidof vmm)
  wait
  cat /tmp/log
done
JOB
on_kvm "$work/job" --file "$guests/end.elf:/end.elf" --file "$work/cap.ini:/cap.ini" --file "$work/share.ini:/share.ini" --memory 1G --timeout 200 --log "$work/log" >/dev/null 2>"$work/err"
check "the host's job" [ $? -eq 0 ]
# NAME VM PERCENT-OF-THE-CPU
tr -d '\r' <"$work/log" | awk '($1 == "cap" || $1 == "share") && NF == 4 { k = $1 " " $2; if (k in t) print k, 10 * 100 * ($4 - c[k]) / ($3 - t[k]); t[k] = $3; c[k] = $4 }' | tee "$work/shares"
between() { awk -v name="$1 $2" -v low="$3" -v high="$4" '$1 " " $2 == name { found = $3 >= low && $3 <= high } END { exit !found }' "$work/shares"; }
check "a cap of 30 % is kept, and used" between cap a 24 33
check "a share of 75 beside 25" between share a 65 85
check "a share of 25 beside 75" between share b 15 35
[ $failures -eq 0 ] || { cat "$work/err"; tr -d '\r' <"$work/log"; }
result
