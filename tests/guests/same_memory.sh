#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the same guest by two configurations, and by the second with a vGPU that vmm serve offers in another process, and compares the check sum of the
# memory that it leaves ("arena ADDRESS SIZE crc32 SUM"). Usage: same_memory.sh VMM FIRST.ini SECOND.ini; exit 77 skips where there is no KVM.
set -u
vmm=$1

. "$(dirname "$(readlink -f "$0")")/../kvm.sh"
need_kvm
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sums=()

# run WHAT OPTION...: one run's check sum.
run() {
  local what=$1 line
  shift
  line=$("$vmm" run --timeout 120 "$@" 2>"$dir/complaints" </dev/null | grep -o 'arena .*')
  echo "$what: ${line:-no arena line}"
  [ -n "$line" ] || cat "$dir/complaints"
  sums+=("$line")
}

run "$2" "$2"
run "$3" "$3"
printf '[vgpu selftest]\ntype = i915-GVTg_V5_4\nsocket = %s\n' "$dir/gpu.sock" >"$dir/served.ini"
"$vmm" serve --once --timeout 120 "$dir/served.ini" >"$dir/serve.out" 2>&1 &
for _ in $(seq 100); do [ -S "$dir/gpu.sock" ] && break; sleep 0.1; done
run "$3, vGPU of another process" -o "vm.gpu=vfio-user:$dir/gpu.sock" "$3"
wait $! || { echo "vmm serve failed:"; cat "$dir/serve.out"; exit 1; }
[ -n "${sums[0]}" ] && [ "${sums[0]}" = "${sums[1]}" ] && [ "${sums[0]}" = "${sums[2]}" ]
