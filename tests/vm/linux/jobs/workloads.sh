# SPDX-License-Identifier: GPL-2.0-or-later
# What a guest of two_guests.sh does: probe, console, benchmarks on every engine, and that the kernel had nothing to complain about.
STEP_TIMEOUT=120
benchmarks=/usr/libexec/igt-gpu-tools/benchmarks

nodes() { [ -c /dev/dri/card0 ] && [ -c /dev/dri/renderD128 ]; }

# The state that i915 shows: all engines, none wedged.
debugfs() {
  local engine
  cat /sys/kernel/debug/dri/0/i915_gpu_info | head -n 5
  cat /sys/kernel/debug/dri/0/i915_engine_info >/tmp/engines || return 1
  for engine in rcs0 bcs0 vcs0 vecs0; do grep -q "^$engine" /tmp/engines || { echo "no $engine"; return 1; }; done
  grep -i wedged /sys/kernel/debug/dri/0/i915_wedged /tmp/engines
  [ "$(cat /sys/kernel/debug/dri/0/i915_wedged)" = 0 ]
}

# i915 takes the VBT of the OpRegion if there is one, else says that there is none.
vbt() {
  dmesg | grep -E 'VBT|OpRegion|VBIOS'
  wc -c </sys/kernel/debug/dri/0/i915_vbt
  if [ -n "$opregion" ]; then
    ! dmesg | grep -qE 'Failed to find VBIOS|Invalid VBT' && [ "$(head -c 4 /sys/kernel/debug/dri/0/i915_vbt)" = '$VBT' ]
  else
    dmesg | grep -q 'Failed to find VBIOS' && [ "$(wc -c </sys/kernel/debug/dri/0/i915_vbt)" -eq 0 ]
  fi
}

# The board's connectors, whether a VBT names them or not. One has a monitor, with an EDID whose check sum is right and the type's mode first.
connectors() {
  local connector all='' connected='' sum=0 byte
  for connector in /sys/class/drm/card0-*; do
    all="$all ${connector#*card0-}"
    [ "$(cat "$connector/status")" != connected ] || connected="$connected $connector"
  done
  echo "all:$all connected:$connected"
  [ "$all" = ' DP-1 DP-2 DP-3 HDMI-A-1 HDMI-A-2 HDMI-A-3' ] || return 1
  set -- $connected
  [ $# -eq 1 ] || return 1
  cat "$1/modes"
  [ "$(head -n 1 "$1/modes")" = "$mode" ] || return 1
  [ "$(wc -c <"$1/edid")" -ge 128 ] || return 1
  for byte in $(head -c 128 "$1/edid" | hexdump -v -e '/1 "%u "'); do sum=$((sum + byte)); done
  [ $((sum % 256)) -eq 0 ]
}

# The console is on the GPU's framebuffer. Its first four lines go to the host, which compares them with the screenshot (reading the aperture is slow).
console() {
  dmesg | grep -q 'i915drmfb frame buffer device' || return 1
  printf '\033[2J\033[H\033[?25l' >/dev/tty0 # clear, home, no cursor
  { echo "Stock Debian kernel $(uname -r)"; echo "on a Mediant vGPU"; dmesg | grep -E 'i915|drm' | cut -c1-120 | tail -n 30; } >/dev/tty0
  sleep 1
  dd if=/dev/fb0 of=/tmp/fb0 bs=$(($(cut -d, -f1 /sys/class/graphics/fb0/virtual_size) * 4)) count=64 2>/dev/null || return 1
  gzip -1 </tmp/fb0 | base64 | sed 's/^/DATA /' >&3
  report SCREEN
  sleep 3 # until the host has its picture
}

# Suspended to RAM, as far as that goes without somebody who wakes the machine up (pm_test): the driver saves what the device would lose, and brings it back.
suspend() {
  echo deep >/sys/power/mem_sleep && echo platform >/sys/power/pm_test && echo mem >/sys/power/state || return 1
  connectors
}

step i915 load_i915
step dmesg-probe dmesg_clean
step nodes nodes
step debugfs debugfs
step vbt vbt
step connectors connectors
step console console
for engine in rcs bcs vcs vecs; do step "gem_exec_nop-$engine" $benchmarks/gem_exec_nop -e $engine; done
step gem_blt $benchmarks/gem_blt -r 1
step suspend suspend
step gem_blt-resumed $benchmarks/gem_blt -r 1
step dmesg dmesg_clean
