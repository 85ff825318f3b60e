# SPDX-License-Identifier: GPL-2.0-or-later
# What docs/qemu.md shows: i915 on the vGPU, its console, and the blitter at work for some seconds.
step i915 load_i915
dmesg | grep -E 'i915|drm' | cut -d']' -f2- >&3
dmesg | grep -E 'i915|drm' >/dev/tty0
ls -l /dev/dri >&3
for size in 65536 1048576 16777216; do
  echo "gem_blt, copies of $size bytes, MiB/s: $(/usr/libexec/igt-gpu-tools/benchmarks/gem_blt -r 1 -s $size 2>/dev/null)" >&3
done
step dmesg dmesg_clean
