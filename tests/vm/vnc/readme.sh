#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# README.md's own commands, as they stand there, up to a guest's picture in a viewer; which is the screenshot's, pixel by pixel. What is changed: the display's
# number, as others may use 0, and the viewer's window is not opened. Usage: readme.sh BUILD-DIRECTORY CLIENT; exit 77 skips without KVM or gvnccapture.
set -u
build=$(readlink -f "$1") client=$(readlink -f "$2")
root=$(readlink -f "$(dirname "$(readlink -f "$0")")/../../..")
. "$(dirname "$(readlink -f "$0")")/../../kvm.sh"
need_kvm
command -v gvnccapture >/dev/null || { echo "SKIP: gvnccapture is not there (apt-get install gvncviewer)"; exit 77; }
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$dir"' EXIT
fail() { echo "FAIL: $*"; cat "$dir"/log* 2>/dev/null; exit 1; }

# A tree as after ./demo: configurations are copied, as they name the guests by paths relative to themselves.
mkdir "$dir/build" && cp -R "$root/configs" "$dir/configs" && ln -s "$build" "$dir/build/default" && cd "$dir" || exit 1
export XDG_RUNTIME_DIR=$dir
number=$((4100 + RANDOM % 4000))
while ss -Hltn | grep -q ":$((5900 + number)) "; do number=$((number + 1)); done
sed -i "s/^vnc = :0$/vnc = :$number/" configs/screen.ini

# The block of README.md that has the viewer.
awk '/^```sh$/ { block = ""; inside = 1; next } /^```$/ && inside { inside = 0; if (block ~ /gvncviewer/) printf "%s", block; next } inside { block = block $0 "\n" }' \
  "$root/README.md" | sed "s/127\.0\.0\.1:0/127.0.0.1:$number/" >commands
[ "$(wc -l <commands)" -ge 4 ] || fail "README.md has no commands with gvncviewer"
vmm= captured=
while read -r line; do
  case $line in
    gvncviewer\ *) continue ;;
    *'&'*)
      command=${line%%&*}
      echo "\$ $command &"
      eval "exec $command" >log 2>&1 </dev/null &
      vmm=$!
      for _ in $(seq 200); do grep -q 'screen: shows' log && break; sleep 0.1; done
      grep -q "screen at 127.0.0.1:$((5900 + number)) (VNC)" log || fail "it does not say where the screen is"
      grep -q 'screen: shows' log || fail "the guest shows nothing"
      ;;
    *)
      echo "\$ $line"
      eval "timeout 30 $line" >log2 2>&1 </dev/null || fail "exit code $?"
      [[ $line != gvnccapture* ]] || captured=yes
      ;;
  esac
done <commands
[ -n "$vmm" ] && [ -n "$captured" ] || fail "README.md starts no guest or captures nothing"
wait "$vmm" || fail "vmm ended with $?"
"$client" compare viewer.png screenshot.png || fail "the viewer's picture is not the screenshot"
echo "PASS: the viewer shows what the screenshot has"
[ -z "${KEEP_PICTURE-}" ] || cp viewer.png "$KEEP_PICTURE"
