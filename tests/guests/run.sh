#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs one guest for CTest. Usage: run.sh VMM CONFIG.ini TIMEOUT EXIT [REGEX]; exit 77 skips where there is no KVM.
set -u
vmm=$1 config=$2 timeout=$3 expected=$4 regex=${5-}

. "$(dirname "$(readlink -f "$0")")/../kvm.sh"
need_kvm
output=$("$vmm" run --timeout "$timeout" "$config" 2>&1 </dev/null)
code=$?
printf '%s\n' "$output"
if [ "$code" -ne "$expected" ]; then
  echo "run.sh: exit code $code instead of $expected"
  exit 1
fi
if [ -n "$regex" ] && ! grep -Eq -- "$regex" <<<"$output"; then
  echo "run.sh: no line matches $regex"
  exit 1
fi
