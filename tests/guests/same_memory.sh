#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the same guest by two configurations and compares the check sum of the memory that it leaves ("arena ADDRESS SIZE crc32 SUM").
# Usage: same_memory.sh VMM FIRST.ini SECOND.ini; exit 77 skips where there is no KVM.
set -u
vmm=$1

if ! { : <>/dev/kvm; } 2>/dev/null; then
  echo "SKIP: /dev/kvm cannot be opened: load kvm_intel or kvm_amd, or join the group kvm"
  exit 77
fi
sums=()
for config in "$2" "$3"; do
  line=$("$vmm" run --timeout 120 "$config" 2>&1 </dev/null | grep -o 'arena .*')
  echo "$config: ${line:-no arena line}"
  sums+=("$line")
done
[ -n "${sums[0]}" ] && [ "${sums[0]}" = "${sums[1]}" ]
