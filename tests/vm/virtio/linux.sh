#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A stock Debian guest under QEMU with our virtio block, net, console, entropy, 9P and input devices, served over vfio-user, and Debian's own drivers.
# Usage: linux.sh VIRTIO-SERVE VIRTIO-FILES. Exit 77 where the images cannot be had.
set -u
serve=$1 files=$2
. "$(dirname "$(readlink -f "$0")")/../linux/lib.sh"
need qemu kernel busybox
. "$linux/common.sh"
busybox=$(component busybox)/busybox

# 32 MiB of which the guest reads the first half and overwrites some of the second.
dd if=/dev/urandom of="$work/disk" bs=1M count=16 status=none
truncate -s 32M "$work/disk"
read_sum=$(head -c 16M "$work/disk" | sha256sum | cut -d' ' -f1)

# The directory that the guest mounts, and beside it what that must not reach. files_job changes a tree, in the guest and, as the reference, here.
mkdir -p "$work"/share/{many,out,calls} "$work/expected"
echo secret >"$work/secret"
head -c 3000000 /dev/urandom >"$work/share/big"
ln -s /job "$work/share/absolute"
ln -s ../secret "$work/share/up"
mkfifo "$work/share/fifo"
for i in $(seq 400); do echo "content of $i" >"$work/share/many/a file with number $i"; done
cat >"$work/files_job" <<'JOB'
# Called in the directory that is to be filled; $1 is the big file.
files_job() {
  cp "$1" copy && mkdir d d/e || return 1
  i=0; while [ $i -lt 300 ]; do echo "line $i" >"d/file $i" || return 1; i=$((i + 1)); done
  i=0; while [ $i -lt 300 ]; do mv "d/file $i" "d/e/renamed $i" || return 1; i=$((i + 3)); done
  i=1; while [ $i -lt 300 ]; do rm "d/file $i" || return 1; i=$((i + 3)); done
  mv d moved && echo more >>"moved/file 2" && ln copy hard && ln -s moved/e soft && echo by link >soft/new &&
    dd if="$1" of=middle bs=1000 count=50 2>/dev/null && dd if="$1" of=middle bs=1000 skip=100 seek=20 count=3 conv=notrunc 2>/dev/null &&
    chmod 751 middle && truncate -s 12345 copy && mkdir gone && rmdir gone && mkdir -m 2755 other && touch -d @1000000000 middle
}
JOB

"$serve" "$work" "$work/disk" 2>"$work/serve.err" &
server=$!
for _ in $(seq 100); do [ -S "$work/tablet.sock" ] && break; sleep 0.1; done
[ -S "$work/tablet.sock" ] || { fail "virtio_serve does not listen"; cat "$work/serve.err"; result; }

# The host's service that the guest reaches by its gateway's address.
head -c 300000 /dev/urandom >"$work/tcp"
port=$((20000 + $$ % 20000))
"$busybox" nc -l -p $port <"$work/tcp" >/dev/null 2>&1 &
children+=($!)

cat >"$work/job" <<JOB
step modules modprobe -a virtio_pci virtio_blk virtio_net virtio_console virtio_rng 9pnet_virtio 9p virtio_input evdev
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
# Type, code and value of some events of the input device of that name, as numbers; time stamps have 16 bytes.
events() {
  node=\$(grep -A 5 "Name=\"\$1\"" /proc/bus/input/devices | sed -n 's/.*Handlers=.*\(event[0-9]*\).*/\1/p')
  dd if=/dev/input/\$node bs=24 count=\$2 2>/dev/null | od -An -v -tu2 -w24 | awk '{ print \$9 ":" \$10 "=" \$11 }' | tr '\n' ' '
}
keyboard() { echo "\$(events 'Mediant keyboard' 8)" | tee /dev/stderr | grep -q '1:30=1 0:0=0 1:30=0 0:0=0'; }
step keyboard keyboard
tablet() { got=\$(events 'Mediant tablet' 20); echo "\$got"; echo "\$got" | grep -q '1:272=1 0:0=0 1:272=0 0:0=0 2:8=65535'; }
step tablet tablet
absolute() { grep -A 9 'Name="Mediant tablet"' /proc/bus/input/devices | grep -q 'ABS=3'; }
step tablet-is-absolute absolute
reload() { rmmod virtio_blk && modprobe virtio_blk && disk_read; }
step reset reload
. /files_job
mount_files() { mkdir -p /mnt && mount -t 9p -o trans=virtio,version=9p2000.L,\$1 files /mnt; }
step files-mount mount_files cache=none
files_read() {
  [ "\$(sha256sum </mnt/big | cut -d' ' -f1)" = $(sha256sum <"$work/share/big" | cut -d' ' -f1) ] &&
    [ "\$(cd /mnt/many && ls | LC_ALL=C sort | sha256sum)" = "$(cd "$work/share/many" && ls | LC_ALL=C sort | sha256sum)" ] &&
    [ "\$(cd /mnt/many && cat * | wc -c)" = $(cat "$work"/share/many/* | wc -c) ]
}
step files-read files_read
step files-change sh -c '. /files_job; mkdir /mnt/out/none && cd /mnt/out/none && files_job /mnt/big'
files_run() { cp /usr/bin/busybox /mnt/out/busybox && [ "\$(/mnt/out/busybox echo ran)" = ran ] && rm /mnt/out/busybox; }
step files-run files_run
step files-calls /virtio_files /mnt/calls
files_refused() {
  cmp /mnt/absolute /job || return 1 # a link is the guest's own to follow
  for it in 'cat /mnt/up' 'cat /mnt/../mnt/up' 'chown 12345 /mnt/big' 'mknod /mnt/null c 1 3' 'mkfifo /mnt/pipe'; do
    if \$it; then echo "done: \$it"; return 1; fi
  done
}
step files-refused files_refused
files_space() { df /mnt | grep -q '^files '; }
step files-space files_space
files_cached() {
  umount /mnt && mount_files cache=loose,msize=65536 && /virtio_files /mnt/calls && mkdir /mnt/out/loose && cd /mnt/out/loose && files_job /mnt/big && files_read &&
    [ \$(find /mnt | wc -l) -gt 800 ] && cd / && umount /mnt
}
step files-cached files_cached
step dmesg dmesg_clean
JOB
device() { printf '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"%s"},"addr":"%s","x-msg-timeout":60000}' "$work/$1.sock" "$2"; }
"$linux/qemu.sh" --job "$work/job" --file "$work/files_job" --file "$files" --log "$work/guest.log" --dmesg "$work/guest.dmesg" --timeout 200 -- \
  -device "$(device blk 03.0)" -device "$(device net 04.0)" -device "$(device console 05.0)" -device "$(device rng 06.0)" \
  -device "$(device p9 07.0)" -device "$(device keyboard 08.0)" -device "$(device tablet 09.0)" >"$work/guest.out" 2>&1
status=$?
cat "$work/guest.out"
check "the guest's job" [ $status -eq 0 ]
[ $status -eq 0 ] || grep -iE 'virtio|vda|eth0|hvc' "$work/guest.dmesg" | tail -n 30
check "what the guest wrote is in the image" cmp -n $((8 << 20)) -i 0:$((5000 * 4096)) "$work/disk" "$work/disk"
(. "$work/files_job"; umask 022; cd "$work/expected" && files_job "$work/share/big")
# Type, mode, links, size and name of all that is there; the guest has given no times but one.
listing() { (cd "$1" && find . -printf '%y %m %n %p %l ' \( -type f -printf '%s\n' -o -printf '\n' \) | LC_ALL=C sort); }
for tree in none loose; do
  check "the files that the guest made (cache=$tree)" diff -r "$work/expected" "$work/share/out/$tree"
  check "their modes, links and sizes (cache=$tree)" diff <(listing "$work/expected") <(listing "$work/share/out/$tree")
  check "the time that it gave (cache=$tree)" [ "$(stat -c %Y "$work/share/out/$tree/middle")" = 1000000000 ]
done
check "what is beside the directory is as it was" [ "$(cat "$work/secret")" = secret ]
check "the console's output came" grep -q 'hello from the guest' "$work/console.out"
kill -TERM "$server"; wait "$server"; status=$?; server=''
check "virtio_serve ends well" [ $status -eq 0 ]
check "no complaints" [ ! -s "$work/serve.err" ]
cat "$work/serve.err"
result
