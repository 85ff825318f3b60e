#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stock Debian guests under QEMU share one served GPU at the same time: probe, console, workloads, clean kernel logs. Usage: guests.sh VMM SAME-SCREEN
# VNC-CLIENT NAME=TYPE...; GUEST_OPTIONS for qemu.sh, GUEST_TIMEOUT; SCREENSHOTS=FOLDER keeps the pictures. Exit 77 where the images cannot be had.
set -u
vmm=$1 same_screen=$2 vnc_client=$3
shift 3
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need qemu kernel busybox igt-tools

names=()
serve "$@"
check "vmm opregion writes a file" "$vmm" opregion "$work/opregion"
# The first guest has an OpRegion, others do without: it must make no difference but that i915 finds a VBT.
opregion=yes
for guest in "$@"; do
  name=${guest%%=*}
  case $guest in *V5_[124] | *=passthrough) mode=1920x1200 ;; *) mode=1024x768 ;; esac
  { echo mode=$mode; echo opregion=$opregion; cat "$linux/jobs/workloads.sh"; } >"$work/$name.job"
  # shellcheck disable=SC2086
  guest "$name" ${opregion:+--opregion "$work/opregion"} --image tools --job "$work/$name.job" --timeout "${GUEST_TIMEOUT:-900}" ${GUEST_OPTIONS:-}
  opregion=
done

# The CPUs of the threads that answer the guests, a line each.
answering() {
  local task
  for task in /proc/"$server"/task/*; do
    [ "$(cat "$task/comm")" != vfio-user ] || sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "$task/status"
  done 2>/dev/null | sort
}
pins=$(printf '%s\n' "${host_cpus[@]}" | sort)
for _ in $(seq 600); do [ "$(answering)" != "$pins" ] || break; sleep 0.1; done
check "each guest is answered on the CPU of its vGPU's pin" [ "$(answering)" = "$pins" ]

# The picture that our side has of a guest's console against the framebuffer as the guest sees it.
compare_screen() {
  local name=$1
  "$vnc_client" "$work/$name.vnc" sleep 500 shot "$work/$name.vnc.png" # first: it may take a while, and the guest does not wait long
  rm -f "$work/$name.png"
  kill -USR1 "$server"
  for _ in $(seq 50); do [ -s "$work/$name.png" ] && break; sleep 0.1; done
  sleep 0.3
  cp "$work/$name.png" "$work/$name.console.png" 2>/dev/null
  sed -n 's/^DATA //p' "$work/$name.out" | base64 -d | gzip -d >"$work/$name.fb0"
  check "the screenshot of $name shows its console" "$same_screen" "$work/$name.console.png" "$work/$name.fb0"
  check "a viewer of $name sees the same" "$vnc_client" compare "$work/$name.vnc.png" "$work/$name.console.png"
  [ -z "${SCREENSHOTS:-}" ] || cp "$work/$name.console.png" "$SCREENSHOTS/$name.png"
}

# Who is ready first is first: a guest's screen goes dark when it goes on to its suspension.
left=("${names[@]}")
for _ in $(seq 3000); do
  waiting=()
  for name in "${left[@]}"; do
    pid=guest_$name
    if grep -q '^SCREEN' "$work/$name.out" || ! kill -0 "${!pid}" 2>/dev/null; then compare_screen "$name"; else waiting+=("$name"); fi
  done
  left=("${waiting[@]}")
  [ ${#left[@]} -gt 0 ] || break
  sleep 0.2
done
for name in "${left[@]}"; do compare_screen "$name"; done
for name in "${names[@]}"; do guest_result "$name"; done
stop_server
check "no vGPU was disabled and no client was refused anything" \
  [ "$(grep -cvE 'a client is attached|the client has left|no screenshot|left out|leaves out|screen at' "$work/serve.err")" -eq 0 ]
result
