#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# configs/demo.ini as ./demo runs it, its pictures elsewhere: both guests draw and end well, each has its picture, the timeline is there, and the guest of weight 3
# had more of the GPU. Usage: demo.sh VMM GUEST-DIRECTORY; exit 77 skips without KVM.
set -u
vmm=$1 guests=$2 here=$(dirname "$(readlink -f "$0")")
. "$(dirname "$(readlink -f "$0")")/../kvm.sh"
need_kvm
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
settings=()
for guest in alpha beta; do settings+=(-o "$guest.image=$guests/draw.elf" -o "$guest.screenshot=$dir/$guest.png"); done
"$vmm" run "$here/../../configs/demo.ini" "${settings[@]}" --timeout 60 --timeline "$dir/timeline.png" --stats >"$dir/log" 2>&1
status=$?
cat "$dir/log"
fail() {
  echo "FAIL: $*"
  exit 1
}
[ $status -eq 0 ] || fail "vmm ended with status $status"
for picture in alpha:'1024 x 768' beta:'1024 x 768' timeline:''; do
  said=$(file -b "$dir/${picture%%:*}.png")
  [[ $said == "PNG image data, ${picture#*:}"* ]] || fail "${picture%%:*}.png: $said"
done
cmp -s "$dir/alpha.png" "$dir/beta.png" && fail "both guests have one picture"
ms() { sed -n "/GPU ms/,/^\$/s/^$1 .* \([0-9.]*\) *[0-9.]*% .*/\1/p" "$dir/log"; }
awk -v alpha="$(ms alpha)" -v beta="$(ms beta)" 'BEGIN { exit !(beta > 0 && alpha > beta) }' || fail "GPU time: alpha $(ms alpha) ms, beta $(ms beta) ms"
