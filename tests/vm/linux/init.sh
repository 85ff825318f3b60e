#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's init, run by busybox: mounts, runs /job, reports its status on ttyS0 and the kernel's log on ttyS1, powers off.
# ttyS0 carries results only; the kernel's own console is ttyS1, and is silent (loglevel=1) unless the kernel crashes. A machine of ours has no ttyS1.
export PATH=/usr/bin:/bin HOME=/root TERM=linux
/usr/bin/busybox --install -s /usr/bin 2>/dev/null
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /tmp /run /root
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs tmpfs /run
mount -t debugfs debugfs /sys/kernel/debug
ln -sf /proc/self/fd /dev/fd
for root in /igt /mesa; do
  [ -d $root ] || continue
  for dir in proc sys dev tmp; do mount -o rbind /$dir $root/$dir; done
done
stty -F /dev/ttyS0 raw -echo
kernel_log=/dev/ttyS1
stty -F $kernel_log raw -echo 2>/dev/null || kernel_log=/dev/null
exec </dev/null >/dev/ttyS0 2>&1 3>&1 4>$kernel_log # opened once: to open a terminal that is just being closed fails

# The log as it comes, in case that the guest does not live to its end; qemu.sh makes it readable.
cat /dev/kmsg >&4 3>&- &
follower=$!

read -r up _ </proc/uptime
echo "BOOT $up"
if [ -f /job ]; then
  sh -c '. /guest.sh; . /job' 4>&-
  status=$?
  [ $status -ne 0 ] || [ ! -e /tmp/failed ] || status=1
else
  echo "no job"
  status=0
fi
echo "JOB $status"
kill $follower
{ echo; echo "=== dmesg ==="; dmesg; echo "=== end ==="; } >&4
sync
poweroff -f
