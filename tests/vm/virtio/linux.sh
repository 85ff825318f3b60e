#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A stock Debian guest under QEMU with our virtio block, net, console and entropy devices, served over vfio-user, and Debian's own drivers.
# Usage: linux.sh VIRTIO-SERVE. Exit 77 where the images cannot be had.
set -u
serve=$1
. "$(dirname "$(readlink -f "$0")")/../linux/lib.sh"
need qemu kernel busybox
. "$linux/common.sh"
busybox=$(component busybox)/busybox

# 32 MiB of which the guest reads the first half and overwrites some of the second.
dd if=/dev/urandom of="$work/disk" bs=1M count=16 status=none
truncate -s 32M "$work/disk"
read_sum=$(head -c 16M "$work/disk" | sha256sum | cut -d' ' -f1)

"$serve" "$work" "$work/disk" 2>"$work/serve.err" &
server=$!
for _ in $(seq 100); do [ -S "$work/rng.sock" ] && break; sleep 0.1; done
[ -S "$work/rng.sock" ] || { fail "virtio_serve does not listen"; cat "$work/serve.err"; result; }

# The host's service that the guest reaches by its gateway's address.
head -c 300000 /dev/urandom >"$work/tcp"
port=$((20000 + $$ % 20000))
"$busybox" nc -l -p $port <"$work/tcp" >/dev/null 2>&1 &
children+=($!)

cat >"$work/job" <<JOB
step modules modprobe -a virtio_pci virtio_blk virtio_net virtio_console virtio_rng
for i in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/vda ] && break; sleep 0.2; done
disk_read() { [ "\$(dd if=/dev/vda bs=1M count=16 2>/dev/null | sha256sum | cut -d' ' -f1)" = $read_sum ]; }
step disk-read disk_read
disk_direct() { [ "\$(dd if=/dev/vda bs=64k count=256 iflag=direct 2>/dev/null | sha256sum | cut -d' ' -f1)" = $read_sum ]; }
step disk-read-direct disk_direct
disk_write() { dd if=/dev/vda of=/tmp/data bs=1M count=8 2>/dev/null && dd if=/tmp/data of=/dev/vda bs=4k seek=5000 conv=fsync 2>/dev/null; }
step disk-write disk_write
step disk-size [ "\$(cat /sys/block/vda/size)" = 65536 ]
step disk-serial [ "\$(cat /sys/block/vda/serial)" = mediant-disk ]
entropy() { grep -q virtio_rng /sys/class/misc/hw_random/rng_available && [ \$(dd if=/dev/hwrng bs=64 count=16 2>/dev/null | od -An -v -tx1 | tr -d ' \n' | wc -c) -ge 1024 ]; }
step entropy entropy
console() {
  exec 7<>/dev/hvc0 # before stty: the last close resets the mode
  stty -F /dev/hvc0 raw -echo
  echo "hello from the guest" >&7
  read -r -t 10 line <&7
  exec 7>&-
  [ "\$line" = "hello from the guest" ]
}
step console console
cat >/tmp/dhcp <<'SCRIPT'
#!/bin/sh
[ "\$1" = bound ] && ip addr add \$ip/\${mask:-24} dev \$interface && ip route add default via \$router
exit 0
SCRIPT
chmod +x /tmp/dhcp
net() {
  ip link set eth0 up && cat /sys/class/net/eth0/address | grep -x 52:54:00:01:02:03 && udhcpc -i eth0 -n -q -t 5 -T 2 -s /tmp/dhcp && ip addr show eth0 | grep 10.0.2.15
}
step dhcp net
step ping ping -c 3 -W 5 10.0.2.2
tcp() { nc 10.0.2.2 $port </dev/null >/tmp/tcp; [ "\$(sha256sum </tmp/tcp | cut -d' ' -f1)" = $(sha256sum <"$work/tcp" | cut -d' ' -f1) ]; }
STEP_TIMEOUT=20
step tcp tcp
reload() { rmmod virtio_blk && modprobe virtio_blk && disk_read; }
step reset reload
step dmesg dmesg_clean
JOB
device() { printf '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"%s"},"addr":"%s","x-msg-timeout":60000}' "$work/$1.sock" "$2"; }
"$linux/qemu.sh" --job "$work/job" --log "$work/guest.log" --dmesg "$work/guest.dmesg" --timeout 200 -- \
  -device "$(device blk 03.0)" -device "$(device net 04.0)" -device "$(device console 05.0)" -device "$(device rng 06.0)" >"$work/guest.out" 2>&1
status=$?
cat "$work/guest.out"
check "the guest's job" [ $status -eq 0 ]
[ $status -eq 0 ] || grep -iE 'virtio|vda|eth0|hvc' "$work/guest.dmesg" | tail -n 30
check "what the guest wrote is in the image" cmp -n $((8 << 20)) -i 0:$((5000 * 4096)) "$work/disk" "$work/disk"
check "the console's output came" grep -q 'hello from the guest' "$work/console.out"
kill -TERM "$server"; wait "$server"; status=$?; server=''
check "virtio_serve ends well" [ $status -eq 0 ]
check "no complaints" [ ! -s "$work/serve.err" ]
cat "$work/serve.err"
result
