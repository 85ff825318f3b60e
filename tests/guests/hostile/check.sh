#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hostile guests beside a neighbour, all on one GPU. Usage: check.sh VMM GUEST-DIRECTORY NEIGHBOUR-SECONDS 'CASE[,CASE...][=REGEX|?REGEX]'...
# Each argument is one hostile VM. With =REGEX its vGPU must have been disabled for a reason like that, with ?REGEX it may have been; without
# either it must work on after each case. In any case the guest ends by itself, the neighbour sees nothing of it, and so does vmm. Exit 77 skips without KVM.
# The last line but one has the figures for tests/security.sh: attacks, of them rejected, the neighbour's longest gap and the longest hold of an engine.
set -u
vmm=$1 guests=$(readlink -f "$2") seconds=$3
shift 3
failures=0
fail() {
  echo "FAIL: $*"
  failures=$((failures + 1))
}

. "$(dirname "$(readlink -f "$0")")/../../kvm.sh"
need_kvm
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# The gap holds the hang bound and what a loaded machine adds.
cat >"$dir/run.ini" <<INI
[gpu]
aperture = 1G
[scheduler]
hang = 200ms
[vm neighbour]
image = $guests/neighbour.elf
memory = 32M
gpu = i915-GVTg_V5_8
args = seconds=$seconds gap=${MEDIANT_GAP:-1500}
INI
number=0 code=0 either=
for argument in "$@"; do
  number=$((number + 1))
  case ${argument#"${argument%%[=?]*}"} in
    =*) code=4 ;;
    \?*) either=4 ;;
  esac
  cat >>"$dir/run.ini" <<INI
[vm hostile$number]
image = $guests/hostile.elf
memory = 64M
vcpus = 2
gpu = i915-GVTg_V5_8
args = case=${argument%%[=?]*} seed=${MEDIANT_SEED:-20240229} ms=${MEDIANT_MS:-250}
screenshot = $dir/$number.png
INI
done

output=$("$vmm" run --stats --timeout "${MEDIANT_TIMEOUT:-60}" "$dir/run.ini" 2>&1 </dev/null)
status=$?
printf '%s\n' "$output"
[ "$status" -eq "$code" ] || [ "$status" = "$either" ] || fail "exit code $status instead of $code"
says() { grep -Eq -- "$1" <<<"$output"; }
says '^vmm: guest neighbour: shut down' || fail "the neighbour did not end well"
says '^\[neighbour\] SUMMARY: 2 tests, 0 failures, 0 skipped' || fail "the neighbour was harmed"
says 'vmm: guest neighbour: vGPU disabled' && fail "the neighbour's vGPU was disabled"
says '^vmm: guest .* crashed' && fail "a guest crashed"
number=0 attacks=0 rejected=0
for argument in "$@"; do
  cases=${argument%%[=?]*} && cases=${cases//[^,]/}
  attacks=$((attacks + ${#cases} + 1))
  number=$((number + 1)) vm=hostile$number reason=${argument#"${argument%%[=?]*}"}
  says "^vmm: guest $vm: shut down" || fail "$argument: did not end by itself"
  says "^vmm: guest $vm: vGPU disabled" && rejected=$((rejected + 1))
  case $reason in
    =*) says "^vmm: guest $vm: vGPU disabled: .*${reason#=}" || fail "$argument: no such reason" ;;
    \?*) says "^vmm: guest $vm: vGPU disabled" && ! says "^vmm: guest $vm: vGPU disabled: .*${reason#?}" && fail "$argument: another reason" ;;
    *)
      says "^vmm: guest $vm: vGPU disabled" && fail "$argument: the vGPU was disabled"
      says "^\[$vm\] hostile: .*: stopped" && fail "$argument: the vGPU does not work any more"
      ;;
  esac
done
echo "FIGURES attacks=$attacks rejected=$rejected gap_ms=$(sed -n 's/.*the longest gap was \([0-9]*\) ms.*/\1/p' <<<"$output")" \
  "held_ms=$(awk '$1 ~ /^hostile[0-9]+$/ && $2 ~ /GVTg/ && $NF > worst { worst = $NF } END { print worst + 0 }' <<<"$output")"
echo "$failures failures"
[ "$failures" -eq 0 ]
