#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vGPUs by UUID: the tree of vmm serve with [gpu] mdev, vmm mdev, and the mdevctl of Debian trixie on both. Usage: mdev.sh VMM GUEST-DIRECTORY; exit 77 skips
# where no file system can be mounted; without mdevctl (no archive, no cache) or KVM that part is left out with a line that says so.
set -u
vmm=$(readlink -f "$1") guests=$(readlink -f "$2")
here=$(dirname "$(readlink -f "$0")")
. "$here/../kvm.sh"
dir=$(mktemp -d)
server='' failures=0 passed=0
export XDG_RUNTIME_DIR=$dir/run
root=$dir/root
types=$root/sys/class/mdev_bus/0000:00:02.0/mdev_supported_types
devices=$root/sys/bus/mdev/devices
one=5269fe7a-18d1-48ad-88e1-3fda4176f536
two=a0ad5a5e-5e0f-4e5f-a4b4-5cd4f7a2a7a2

stop() { [ -z "$server" ] || { kill "-${1:-TERM}" "$server"; wait "$server" 2>/dev/null; server=''; }; }
trap 'stop; sleep 0.2; rm -rf "$dir"' EXIT
fail() { echo "FAIL: $*"; failures=$((failures + 1)); }
pass() { passed=$((passed + 1)); }
# is WHAT WANTED GOT
is() { if [ "$2" = "$3" ]; then pass; else fail "$1: \"$3\" instead of \"$2\""; fi; }
# expect CODE REGEX COMMAND...
expect() {
  local code=$1 regex=$2 output status
  shift 2
  output=$("$@" 2>&1 </dev/null)
  status=$?
  if [ "$status" -eq "$code" ] && grep -Eq -- "$regex" <<<"$output"; then pass; else fail "$* (exit code $status, expected $code and $regex): $output"; fi
}
available() { cat "$types/$1/available_instances"; }
# Waits, 30 s at most, until the command succeeds.
until_true() {
  local i
  for ((i = 0; i < 300; i++)); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
  return 1
}
start() {
  rm -f "$dir/out"
  "$vmm" serve "$dir/gpu.ini" >"$dir/out" 2>"$dir/err" &
  server=$!
  until_true grep -q '^mdev: ' "$dir/out" && return
  if grep -q 'no file system can be mounted' "$dir/err"; then cat "$dir/err"; echo "SKIP: no FUSE here: load the module fuse (modprobe fuse), see that /dev/fuse is there, and apt-get install fuse3"; exit 77; fi
  cat "$dir/err"
  fail "vmm serve does not start"
  exit 1
}

mkdir -p "$dir/run"
printf '[gpu]\naperture = 1G\nmdev = %s\n[vmm]\ncontrol = %s/control.sock\n' "$root" "$dir" >"$dir/gpu.ini"

# Before there is a server, and without one.
expect 2 'no vmm serve shows its vGPUs there' "$vmm" mdev types "$root"
expect 2 'no vmm serve shows its vGPUs there' "$vmm" mdev create "$root" i915-GVTg_V5_8
expect 2 '"i915" is no vGPU type' "$vmm" mdev create "$root" i915
expect 2 'unknown action "makes"' "$vmm" mdev makes "$root"
expect 2 'usage: vmm mdev remove ROOT UUID' "$vmm" mdev remove "$root"
expect 2 '"twelve" is no UUID' "$vmm" mdev remove "$root" twelve
expect 2 '\[gpu\] mdev: is for vmm serve' "$vmm" check -o gpu.mdev="$root" "$here/../../configs/demo.ini"

expect 0 "^mdev: vGPUs by UUID below $root$" "$vmm" check "$dir/gpu.ini"
expect 0 "\"mdev\": \"$root\"" "$vmm" check --json "$dir/gpu.ini"

mkdir -p "$root/sys/something"
expect 2 "$root/sys: is not empty" "$vmm" serve "$dir/gpu.ini"
rmdir "$root/sys/something"

start
# What there is, in a tree of the kernel's shape.
is "available_instances, all free" '1 2 5 7' "$(available i915-GVTg_V5_1) $(available i915-GVTg_V5_2) $(available i915-GVTg_V5_4) $(available i915-GVTg_V5_8)"
is "description" "$("$vmm" types | sed -n '/^i915-GVTg_V5_4$/,/^$/{//!p}')" "$(cat "$types/i915-GVTg_V5_4/description")"
is "device_api" vfio-user "$(cat "$types/i915-GVTg_V5_4/device_api")"
expect 0 '^i915-GVTg_V5_8: 7 available$' "$vmm" mdev types "$root"

# By hand, as into the kernel's files.
echo $one >"$types/i915-GVTg_V5_4/create" && pass || fail "create"
is "what is left" '1 2 4 5' "$(available i915-GVTg_V5_1) $(available i915-GVTg_V5_2) $(available i915-GVTg_V5_4) $(available i915-GVTg_V5_8)"
is "its type" i915-GVTg_V5_4 "$(basename "$(readlink -f "$devices/$one/mdev_type")")"
is "its parent" 0000:00:02.0 "$(basename "$(dirname "$(readlink -f "$devices/$one")")")"
is "devices of the type" $one "$(ls "$types/i915-GVTg_V5_4/devices")"
socket=$(cat "$devices/$one/socket")
[ -S "$socket" ] && pass || fail "no socket $socket"
expect 1 'File exists' bash -c 'echo $1 >$2' - $one "$types/i915-GVTg_V5_4/create"
expect 1 'Invalid argument' bash -c 'echo 12 >$1' - "$types/i915-GVTg_V5_4/create"
expect 1 'Invalid argument' bash -c 'echo 2 >$1' - "$devices/$one/remove"
expect 1 'Permission denied|Invalid argument|Read-only|Operation not permitted|Function not implemented' bash -c '{ : >$1/new; } 2>&1' - "$types"
expect 1 . rmdir "$types/i915-GVTg_V5_4"
expect 1 . chmod 777 "$devices/$one/socket"

# A guest of ours on it, and on one that is made while that guest runs.
if kvm_usable && [ -e "$guests/draw.elf" ]; then
  printf '[vm alpha]\nimage = %s/draw.elf\ngpu = vfio-user:%s\n' "$guests" "$socket" >"$dir/vm.ini"
  expect 0 'guest alpha: shut down' "$vmm" run -t 60 "$dir/vm.ini"
else
  echo "SKIP: no guest runs on a vGPU that was added: $kvm_missing"
fi

# Whoever is attached is told by a hang-up.
if command -v python3 >/dev/null; then
  python3 - "$socket" "$dir/attached" <<'EOF' &
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.settimeout(60)
client.connect(sys.argv[1])
open(sys.argv[2], "w").close()
sys.exit(client.recv(1) != b"")
EOF
  client=$!
  until_true test -e "$dir/attached"
  expect 0 '' "$vmm" mdev remove "$root" $one
  wait $client && pass || fail "the client saw no hang-up"
else
  expect 0 '' "$vmm" mdev remove "$root" $one
fi
[ ! -e "$socket" ] && pass || fail "the socket is still there"
[ ! -e "$devices/$one" ] && pass || fail "the device is still there"
is "all is free again" '1 2 5 7' "$(available i915-GVTg_V5_1) $(available i915-GVTg_V5_2) $(available i915-GVTg_V5_4) $(available i915-GVTg_V5_8)"
expect 2 "there is no $one" "$vmm" mdev remove "$root" $one

# As many as it says, and not one more; holes are used again.
for i in 1 2 3 4 5 6 7; do "$vmm" mdev create "$root" i915-GVTg_V5_8 >>"$dir/made" || fail "create number $i"; done
expect 2 'no i915-GVTg_V5_8 fits any more' "$vmm" mdev create "$root" i915-GVTg_V5_8
grep -q 'needs 384M of high graphics memory, [0-9A-Z]* are left' "$dir/err" && pass || fail "no reason: $(tail -n 1 "$dir/err")"
expect 1 'No space left on device' bash -c 'echo $1 >$2' - $one "$types/i915-GVTg_V5_8/create"
is "the list" 7 "$("$vmm" mdev list "$root" | grep -c 'i915-GVTg_V5_8 none /')"
sed -n '2p;4p;6p' "$dir/made" | while read -r uuid _; do "$vmm" mdev remove "$root" "$uuid"; done
is "after removing three that are apart" 3 "$(available i915-GVTg_V5_8)"
for i in 1 2 3; do "$vmm" mdev create "$root" i915-GVTg_V5_8 >>"$dir/made" || fail "create again"; done
is "full again" 0 "$(available i915-GVTg_V5_8)"
for i in $(seq 20); do
  "$vmm" mdev remove "$root" "$("$vmm" mdev list "$root" | head -n 1 | cut -d' ' -f1)" && "$vmm" mdev create "$root" i915-GVTg_V5_8 >/dev/null || fail "round $i"
done
is "after many rounds" 7 "$("$vmm" mdev list "$root" | grep -c none)"

# The control socket adds and removes the same vGPUs; those whose names are UUIDs are in the tree.
if command -v python3 >/dev/null; then
  qmp() { "${0%/*}/qmp.py" "$dir/control.sock" "$@"; } # COMMAND ARGUMENTS: prints the answer
  for uuid in $(ls "$devices"); do expect 0 '"return": [{][}]' qmp device_del "{\"name\": \"$uuid\"}"; done
  expect 0 "\"socket\": \"$XDG_RUNTIME_DIR/mediant/$two.sock\"" qmp device_add "{\"name\": \"$two\", \"type\": \"i915-GVTg_V5_4\", \"weight\": 7}"
  expect 0 "\"socket\": \"$XDG_RUNTIME_DIR/mediant/plain.sock\"" qmp device_add '{"name": "plain", "type": "i915-GVTg_V5_8", "monitor": "hdmi"}'
  expect 0 'there is a vGPU plain already' qmp device_add '{"name": "plain", "type": "i915-GVTg_V5_8"}'
  expect 0 'no longer fits' qmp device_add '{"name": "large", "type": "i915-GVTg_V5_1"}'
  expect 0 'is no type of vGPUs' qmp device_add '{"name": "other", "type": "none"}'
  expect 0 "letters, digits, '-' or '_'" qmp device_add '{"name": "../up", "type": "i915-GVTg_V5_8"}'
  expect 0 'monitor: dp or hdmi' qmp device_add '{"name": "other", "type": "i915-GVTg_V5_8", "monitor": "vga"}'
  is "the tree after device_add" "$two" "$(ls "$devices")"
  is "what is left" '4' "$(available i915-GVTg_V5_8)"
  expect 0 "^$two +waiting +i915-GVTg_V5_4 +7 " "$vmm" ps --control "$dir/control.sock"
  expect 0 '"return": [{][}]' qmp device_del "{\"name\": \"$two\"}"
  is "guests, one place of two being free" 1 "$("$vmm" ps --control "$dir/control.sock" | grep -c waiting)"
  expect 0 'DeviceNotFound' qmp device_del "{\"name\": \"$two\"}"
  expect 0 '"return": [{][}]' qmp device_del '{"name": "plain"}'
fi

# Killed: the tree is gone, and the next one starts; what is defined comes back.
expect 0 "^$one$" "$vmm" mdev define "$root" i915-GVTg_V5_4 $one --auto
expect 0 "^$two$" "$vmm" mdev define "$root" i915-GVTg_V5_4 $two
for uuid in $(ls "$devices"); do "$vmm" mdev remove "$root" "$uuid"; done
expect 0 "^$one " "$vmm" mdev create "$root" i915-GVTg_V5_4 $one # its socket is left over
stop KILL
rm -f "$dir/control.sock" # which a server that is killed leaves, and the next one wants removed by hand
until_true bash -c "! mountpoint -q $root/sys && stat $root/sys" && pass || fail "the tree outlives its server"
expect 0 "^$one i915-GVTg_V5_4 auto -$" "$vmm" mdev list "$root"
echo nonsense >"$root/etc/mdevctl.d/0000:00:02.0/11111111-2222-3333-4444-555555555555"
start
expect 0 "^$one i915-GVTg_V5_4 auto /.*$one.sock$" "$vmm" mdev list "$root"
expect 0 "^$two i915-GVTg_V5_4 manual -$" "$vmm" mdev list "$root"
expect 0 "\"uuid\": \"$two\", \"type\": \"i915-GVTg_V5_4\", \"defined\": \"manual\", \"socket\": null" "$vmm" mdev list "$root" --json
grep -q '11111111-2222-3333-4444-555555555555: no JSON object; it is passed over' "$dir/err" && pass || fail "nothing said of a file that is no definition"
expect 2 'another vmm serves it' "$vmm" serve "$dir/gpu.ini"
expect 0 '' "$vmm" mdev undefine "$root" $one
expect 2 "$one: No such file" "$vmm" mdev undefine "$root" $one
rm "$root/etc/mdevctl.d/0000:00:02.0/11111111-2222-3333-4444-555555555555"
expect 0 '' "$vmm" mdev remove "$root" $one

# mdevctl, the real one.
. "$here/linux/common.sh"
tool=$(component mdevctl)
export MDEVCTL_ENV_ROOT=$root
mdevctl=("$tool/usr/lib64/ld-linux-x86-64.so.2" --library-path "$tool/usr/lib/x86_64-linux-gnu" "$tool/usr/bin/mdevctl")
if ! "$here/linux/fetch.sh" mdevctl; then
  echo "SKIP: mdevctl is neither in the cache nor to be had from the Debian archive (tests/vm/linux/fetch.sh mdevctl says why): it is not tried"
else
  expect 0 "^mdevctl 1\.[3-9]" "${mdevctl[@]}" --version
  expect 0 'i915-GVTg_V5_4' "${mdevctl[@]}" types
  expect 0 'Available instances: 5' "${mdevctl[@]}" types
  expect 0 'Device API: vfio-user' "${mdevctl[@]}" types
  expect 0 'Description: low_gm_size: 128MB, high_gm_size: 512MB, fence: 4, resolution: 1920x1200, weight: 4' "${mdevctl[@]}" types
  expect 0 "^$two 0000:00:02.0 i915-GVTg_V5_4 manual" "${mdevctl[@]}" list --defined
  expect 0 '' "${mdevctl[@]}" start --uuid $two
  expect 0 "^$two 0000:00:02.0 i915-GVTg_V5_4 manual \(defined\)" "${mdevctl[@]}" list
  [ -S "$(cat "$devices/$two/socket")" ] && pass || fail "mdevctl start: no socket"
  expect 1 'already exists' "${mdevctl[@]}" start --uuid $two
  expect 0 '' "${mdevctl[@]}" define --auto --uuid $one --parent 0000:00:02.0 --type i915-GVTg_V5_8
  expect 0 "^$one i915-GVTg_V5_8 auto -$" "$vmm" mdev list "$root"
  expect 0 '' "${mdevctl[@]}" start --uuid $one
  expect 0 "^$one i915-GVTg_V5_8 auto /" "$vmm" mdev list "$root"
  expect 0 '' "${mdevctl[@]}" stop --uuid $one
  [ ! -e "$devices/$one" ] && pass || fail "mdevctl stop: the device is still there"
  # Of its own, without a definition, as long as one fits.
  expect 0 '^[0-9a-f-]{36}$' "${mdevctl[@]}" start --parent 0000:00:02.0 --type i915-GVTg_V5_2
  expect 1 'No available instances of i915-GVTg_V5_1' "${mdevctl[@]}" start --parent 0000:00:02.0 --type i915-GVTg_V5_1
  expect 0 '' "${mdevctl[@]}" modify --uuid $two --auto
  stop
  start
  expect 0 "^$one 0000:00:02.0 i915-GVTg_V5_8 auto \(defined\)" "${mdevctl[@]}" list
  expect 0 "^$two 0000:00:02.0 i915-GVTg_V5_4 auto \(defined\)" "${mdevctl[@]}" list
  expect 0 '' "${mdevctl[@]}" undefine --uuid $two
  expect 0 "^$two i915-GVTg_V5_4 none /" "$vmm" mdev list "$root"
fi

# An ordinary user mounts and unmounts by fusermount3, which is setuid; in a namespace where /dev/fuse is open to all, as udev makes it.
if [ "$(id -u)" -eq 0 ] && cp "$vmm" "$dir/vmm" && mkdir "$dir/user" && chmod 755 "$dir" && chown 65534 "$dir/user" &&
  printf '[gpu]\nmdev = %s\n' "$dir/user/root" >"$dir/user.ini" && mknod -m 666 "$dir/fuse" c 10 229; then
  for time in first second; do # the second finds nothing mounted
    unshare -m bash -c 'mount --bind "$1/fuse" /dev/fuse && cd "$1" && XDG_RUNTIME_DIR=$1/user setpriv --reuid 65534 --regid 65534 --clear-groups \
      ./vmm serve -t 0.5 user.ini' - "$dir" >"$dir/user.log" 2>&1
    status=$?
    is "exit code of an ordinary user's, the $time time ($(tail -n 1 "$dir/user.log"))" 124 $status
  done
else
  echo "SKIP: not root (run it as root): another user's mount is not tried"
fi

kill -TERM "$server"
wait "$server"
is "exit code" 0 $?
server=''
until_true bash -c "! mountpoint -q $root/sys && stat $root/sys" && pass || fail "the tree is still mounted"
is "sockets of its own that are left" 0 "$(ls "$XDG_RUNTIME_DIR/mediant" | grep -c "$one\|$two")"
echo "$passed passed, $failures failed"
[ $failures -eq 0 ]
