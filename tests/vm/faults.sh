#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What fails around the VMM: outputs that cannot be written, readers that go away, too few descriptors, a KVM that is none, VMs and clients that are killed at any
# moment. Never a crash; a message that names it; other guests go on. Usage: faults.sh VMM GUEST-DIRECTORY; exit 77 skips without KVM.
set -u
vmm=$1 guests=$(readlink -f "$2")
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$dir"' EXIT
failures=0
fail() { echo "FAIL: $*"; failures=$((failures + 1)); }
pass() { echo "PASS: $*"; }

. "$(dirname "$(readlink -f "$0")")/../kvm.sh"
need_kvm

cat >"$dir/hello.ini" <<INI
[vm alpha]
image = $guests/hello.elf
args = who=world
memory = 32M
INI
cat >"$dir/draw.ini" <<INI
[gpu]
aperture = 256M
[vm alpha]
image = $guests/draw.elf
memory = 32M
gpu = i915-GVTg_V5_8
args = name=A seconds=1
[vm beta]
image = $guests/draw.elf
memory = 32M
gpu = i915-GVTg_V5_8
args = name=B seconds=1
INI

# ends CODES REGEX NAME COMMAND...: the command ends with one of the codes (never by a signal) and says something like that.
ends() {
  local codes=$1 regex=$2 name=$3 output status
  shift 3
  output=$(timeout 60 "$@" 2>&1 </dev/null)
  status=$?
  if ! grep -qw -- "$status" <<<"$codes"; then
    fail "$name: exit code $status, not one of $codes: $output"
  elif ! grep -Eq -- "$regex" <<<"$output"; then
    fail "$name: nothing like \"$regex\" in: $output"
  else
    pass "$name (exit code $status)"
  fi
}

# Outputs that cannot be written: the guests run to their end, the message names the file.
ends 0 'guest alpha: shut down' "a serial port's file that is full" "$vmm" run -o alpha.serial=/dev/full "$dir/hello.ini"
ends 1 '/dev/full' "a trace that is full" "$vmm" run --trace=/dev/full "$dir/draw.ini"
ends 1 '/nonexistent/t.svg' "a timeline without a place" "$vmm" run --timeline=/nonexistent/t.svg "$dir/draw.ini"
ends 1 '/nonexistent/a.png' "a screenshot without a place" "$vmm" run -o alpha.screenshot=/nonexistent/a.png "$dir/draw.ini"
ends 1 'No space left on device|File too large' "a screenshot on a disk that is full" bash -c "ulimit -f 8; '$vmm' run -o alpha.screenshot='$dir/a.png' '$dir/draw.ini'"
if [ -e "$dir/a.png" ]; then fail "half a picture was left behind"; else pass "no half picture"; fi

# Readers that go away take nobody with them: the other guest of the same VMM goes on to its end.
"$vmm" run "$dir/draw.ini" 2>"$dir/err" </dev/null | head -c 1 >/dev/null
status=${PIPESTATUS[0]}
if [ "$status" -eq 0 ] && [ "$(grep -c 'shut down' "$dir/err")" -eq 2 ]; then pass "standard output that is closed"; else fail "standard output that is closed: exit code $status: $(cat "$dir/err")"; fi
"$vmm" run "$dir/draw.ini" >/dev/null 2> >(head -c 1 >/dev/null) </dev/null
status=$?
if [ "$status" -eq 0 ]; then pass "standard error that is closed"; else fail "standard error that is closed: exit code $status"; fi

# Descriptors: from too few to start to enough.
worst=
for count in 3 8 20 63 64; do
  output=$(timeout 60 bash -c "ulimit -n $count; exec '$vmm' run '$dir/draw.ini'" 2>&1 </dev/null)
  status=$?
  case $status in
    0) ;;
    1) grep -Eqi 'too many open files|descriptors are allowed' <<<"$output" || worst+=" $count: $output" ;;
    127) ;; # the loader has none for the libraries
    *) worst+=" $count: exit code $status: $output" ;;
  esac
done
if [ -z "$worst" ]; then pass "too few descriptors"; else fail "too few descriptors:$worst"; fi

# KVM devices that are none.
ends 1 '/dev/null' "KVM that is another device" "$vmm" run --kvm=/dev/null "$dir/hello.ini"
ends 1 '/nonexistent' "KVM that is not there" "$vmm" run --kvm=/nonexistent "$dir/hello.ini"

# Clients of a server that are killed at any moment: their vGPU can be had again, the neighbour sees nothing.
cat >"$dir/serve.ini" <<INI
[gpu]
aperture = 256M
[vgpu alpha]
type = i915-GVTg_V5_8
socket = $dir/alpha.sock
[vgpu beta]
type = i915-GVTg_V5_8
socket = $dir/beta.sock
INI
"$vmm" serve "$dir/serve.ini" >"$dir/serve.log" 2>&1 </dev/null &
server=$!
for _ in $(seq 100); do [ -S "$dir/beta.sock" ] && break; sleep 0.1; done
cat >"$dir/beta.ini" <<INI
[vm beta]
image = $guests/neighbour.elf
memory = 32M
gpu = vfio-user:$dir/beta.sock
args = seconds=4 gap=3000
INI
sed "s/^\[vm beta\]/[vm alpha]/; s/beta.sock/alpha.sock/; s/neighbour.elf/draw.elf/; s/^args.*/args = name=A seconds=20/" "$dir/beta.ini" >"$dir/alpha.ini"
"$vmm" run "$dir/beta.ini" >"$dir/beta.log" 2>&1 </dev/null &
neighbour=$!
killed=0
RANDOM=7
while kill -0 "$neighbour" 2>/dev/null && [ "$killed" -lt 30 ]; do
  "$vmm" run "$dir/alpha.ini" >"$dir/alpha.log" 2>&1 </dev/null &
  client=$!
  sleep "0.$(printf %03d $((RANDOM % 400)))"
  kill -KILL "$client" 2>/dev/null
  wait "$client" 2>/dev/null
  killed=$((killed + 1))
done
wait "$neighbour"
status=$?
if [ "$status" -eq 0 ] && [ "$killed" -ge 3 ]; then pass "$killed clients killed beside a neighbour"; else fail "$killed clients killed: the neighbour's exit code is $status: $(cat "$dir/beta.log")"; fi
sed -i 's/seconds=20/seconds=1/' "$dir/alpha.ini"
ends 0 'guest alpha: shut down' "the vGPU of killed clients works" "$vmm" run "$dir/alpha.ini"
kill -TERM "$server"
wait "$server"
status=$?
if [ "$status" -eq 0 ]; then pass "the server ends well"; else fail "the server's exit code is $status: $(cat "$dir/serve.log")"; fi

echo "$failures failures"
[ "$failures" -eq 0 ]
