#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is seen of guests while they run: metrics, traces, error states of hangs, with two guests that draw, one that attacks, and the sandbox on.
# Usage: observe.sh VMM GUEST-DIRECTORY TRACE_CHECK; exit 77 skips without KVM. promtool is asked too where it is, or can be had from the Debian archive.
set -u
vmm=$1 guests=$(readlink -f "$2") trace_check=$3
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$dir"' EXIT
failures=0
fail() { echo "FAIL: $*"; failures=$((failures + 1)); }
pass() { echo "PASS: $*"; }
check() { if [ "$1" -eq 0 ]; then pass "${*:2}"; else fail "${*:2}"; fi; }

. "$(dirname "$(readlink -f "$0")")/../kvm.sh"
need_kvm

# Debian's promtool: the program alone, as its package would start a server.
find_promtool() {
  local cache=${MEDIANT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mediant} found
  found=$(type -P promtool) && { echo "$found"; return; }
  if [ ! -x "$cache/promtool" ]; then
    mkdir -p "$cache" "$dir/deb" && cd "$dir/deb" && apt-get -q=2 download prometheus >/dev/null 2>&1 || return 1
    dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/promtool >"$cache/promtool.$$" && chmod +x "$cache/promtool.$$" &&
      mv "$cache/promtool.$$" "$cache/promtool" || return 1
  fi
  echo "$cache/promtool"
}

# A free port: bash cannot tell, so some are tried.
port=
for candidate in $(seq 19110 19160); do
  if ! (: <>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null; then port=$candidate; break; fi
done

# scrape FILE: the metrics' text; returns false when there is no answer.
scrape() {
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
  timeout 10 cat <&3 >"$1.http"
  exec 3>&-
  head -n 1 "$1.http" | grep -q '^HTTP/1.0 200 ' && sed '1,/^\r$/d' "$1.http" >"$1"
}
# value FILE METRIC GUEST: the sum over the metric's samples of the guest.
value() { awk -v name="$2{vm=\"$3\"" 'index($1, name) == 1 { sum += $NF } END { printf "%.6f\n", sum }' "$1"; }
# above A B: whether A > B.
above() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }'; }

mkdir "$dir/out"
cat >"$dir/two.ini" <<INI
[observe]
metrics = $port
trace = out/trace.json
streams = out/streams.txt
directory = out
[vm alpha]
image = $guests/draw.elf
memory = 32M
gpu = i915-GVTg_V5_8
weight = 3
args = name=A seconds=50
[vm beta]
image = $guests/draw.elf
memory = 32M
gpu = i915-GVTg_V5_8
weight = 1
args = name=B seconds=50
INI
"$vmm" run --timeout 60 "$dir/two.ini" >"$dir/log" 2>&1 </dev/null &
run=$!
for _ in $(seq 100); do
  scrape "$dir/first" 2>/dev/null && above "$(value "$dir/first" vmm_vgpu_frames_total alpha)" 0 && above "$(value "$dir/first" vmm_vgpu_frames_total beta)" 0 && break
  sleep 0.1
done
"$vmm" run "$dir/two.ini" >"$dir/log2" 2>&1 </dev/null
[ $? -eq 2 ] && grep -q "two.ini: \[observe\] metrics: port $port is in use (try another)" "$dir/log2"
check $? "a port in use is an error at the start: $(cat "$dir/log2")"
sleep 1
exec 4<>"/dev/tcp/127.0.0.1/$port" # a client that says nothing
for _ in $(seq 50); do # a slow machine or sanitizer takes its time for a frame
  scrape "$dir/second"
  scraped=$?
  above "$(value "$dir/second" vmm_vgpu_frames_total beta)" "$(value "$dir/first" vmm_vgpu_frames_total beta)" &&
    above "$(value "$dir/second" vmm_vgpu_frames_total alpha)" "$(value "$dir/first" vmm_vgpu_frames_total alpha)" && break
  sleep 0.2
done
check $scraped "metrics while guests run, beside a silent client"
for guest in alpha beta; do
  for metric in vmm_vgpu_frames_total vmm_vgpu_busy_seconds_total vmm_vgpu_submitted_total vmm_vgpu_traps_total vmm_vm_exits_total; do
    before=$(value "$dir/first" $metric $guest) after=$(value "$dir/second" $metric $guest)
    above "$after" "$before"
    check $? "$metric of $guest grows ($before, $after)"
  done
  above "$(value "$dir/second" vmm_vm_resident_bytes $guest)" 1000000
  check $? "vmm_vm_resident_bytes of $guest"
done
grep -q '^vmm_vgpu_info{vm="alpha",type="i915-GVTg_V5_8",state="running"} 1$' "$dir/second"
check $? "the type and state of alpha"
kill -INT $run
wait $run
code=$?
exec 4>&-
[ $code -eq 0 ] && [ "$(grep -c ': stopped$' "$dir/log")" -eq 2 ]
check $? "both guests end well (exit code $code)"
if tool=$(find_promtool); then
  output=$("$tool" check metrics <"$dir/second" 2>&1) && [ -z "$output" ]
  check $? "promtool check metrics $output"
else
  echo "SKIP: promtool is not installed (apt-get install prometheus), nor to be had from the Debian archive"
fi

output=$("$trace_check" "$dir/out/trace.json" 2>&1)
check $? "the trace keeps the format's rules: $output"
# Two guests that share an engine are taken off it again and again, if only the host gives both a share.
[[ $output =~ slices=([0-9]+)\ spans=([0-9]+)\ preempt=([0-9]+)\ hang=0\ flip=([0-9]+)\ lost=0\ forgotten=0\ guests=alpha,beta ]] &&
  [ "${BASH_REMATCH[2]}" -gt 3 ] && [ "${BASH_REMATCH[4]}" -gt 1 ]
check $? "the trace has both guests' work"

"$vmm" decode "$dir/out/streams.txt" >"$dir/decoded" && grep -q '^bcs0 of alpha, context' "$dir/decoded" && grep -q '^bcs0 of beta, context' "$dir/decoded" &&
  grep -q 'XY_[A-Z_]* ([0-9]*)' "$dir/decoded" && ! grep -q 'lacks' "$dir/log"
check $? "both guests' commands are recorded: $(grep -c '^ring' "$dir/decoded") submissions"

# A trace while guests run, by the control socket.
"$vmm" run --timeout 60 --control "$dir/control.sock" -o observe.metrics= -o observe.trace= "$dir/two.ini" >"$dir/log" 2>&1 </dev/null &
run=$!
for _ in $(seq 200); do [ "$(grep -c 'layers$' "$dir/log")" -eq 2 ] && break; sleep 0.1; done # both have begun to draw
says() { # WHAT CODE REGEX COMMAND...
  local what=$1 code=$2 regex=$3 output status
  shift 3
  output=$("$@" 2>&1)
  status=$?
  [ $status -eq "$code" ] && grep -Eq -- "$regex" <<<"$output"
  check $? "$what: $output"
}
says "no trace is stopped" 1 'no events are being recorded \(start a trace first\)' "$vmm" trace --control "$dir/control.sock" stop
says "a trace is started" 0 'out/live.json$' "$vmm" trace --control "$dir/control.sock" start live.json
says "one at a time" 1 'events are being recorded to .*/out/live.json \(stop that first\)' "$vmm" trace --control "$dir/control.sock" start other.json
sleep 2.5
says "it is stopped" 0 'out/live.json$' "$vmm" trace --control "$dir/control.sock" stop
says "a trace elsewhere" 1 'none/live.json: No such file' "$vmm" trace --control "$dir/control.sock" start "$dir/none/live.json"
says "another is started" 0 'last.json' "$vmm" trace --control "$dir/control.sock" start last.json
says "nothing to do" 2 'what to do is missing' "$vmm" trace --control "$dir/control.sock" pause
kill -INT $run
wait $run
code=$?
[ $code -eq 0 ] && [ "$(grep -c ': stopped$' "$dir/log")" -eq 2 ]
check $? "the guests went on meanwhile (exit code $code)"
output=$("$trace_check" "$dir/out/live.json" 2>&1) && [[ $output =~ guests=alpha,beta ]]
check $? "what was recorded in between keeps the rules: $output"
"$trace_check" "$dir/out/last.json" >/dev/null 2>&1
check $? "a trace that is under way at the end is written"

# A full disk ends a trace, not the guests.
ln -s /dev/full "$dir/full.json"
"$vmm" run --timeout 60 --trace "$dir/full.json" -o vm.args='name=C seconds=1' -o observe.metrics= "$dir/two.ini" >"$dir/log" 2>&1 </dev/null
code=$?
[ $code -eq 1 ] && [ "$(grep -c ': shut down$' "$dir/log")" -eq 2 ] && grep -q 'full.json: No space left on device; it is not complete, and recording has ended' "$dir/log"
check $? "a trace on a full disk"

# A hang leaves its error state, and decode prints it.
cat >"$dir/hang.ini" <<INI
[scheduler]
hang = 100ms
[observe]
directory = out
[vm bad]
image = $guests/hostile.elf
memory = 64M
vcpus = 2
gpu = i915-GVTg_V5_8
args = case=loop_again,loop_again,loop_again,loop_again ms=500
[vm good]
image = $guests/neighbour.elf
memory = 32M
gpu = i915-GVTg_V5_8
args = seconds=10 gap=5000
INI
"$vmm" run --timeout 60 "$dir/hang.ini" >"$dir/log" 2>&1 </dev/null
code=$?
[ $code -eq 0 ] || cat "$dir/log"
check $code "a guest that hangs beside one that works (exit code $code)"
state=$dir/out/bad-hang-1.txt
grep -q "vmm: guest bad: [a-z0-9]* hung: .* (vmm decode .*/bad-hang-1.txt)" "$dir/log" && [ -s "$state" ]
check $? "the hang is told of: $(grep hung "$dir/log" | head -n 1)"
"$vmm" decode "$state" >"$dir/decoded"
check $? "its error state is decoded"
grep -Eq '^[a-z0-9]+ of bad: no arbitration point' "$dir/decoded" && grep -q '^RING_ACTHD\[' "$dir/decoded" && grep -q '^ring, ' "$dir/decoded" &&
  [ "$(grep -c '^--> 0x' "$dir/decoded")" -eq 1 ]
check $? "registers, ring, and a mark at the active head"
head -c 300 "$state" >"$dir/cut" && printf 'register nonsense\n' >>"$dir/cut"
"$vmm" decode "$dir/cut" >/dev/null 2>"$dir/log"
[ $? -eq 2 ] && grep -q 'is not of an error state' "$dir/log"
check $? "a damaged error state is refused: $(cat "$dir/log")"

[ "$failures" -eq 0 ]
