#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Records what stock drivers submit: i915's own commands, IGT's, and Mesa's, for OpenGL ES without a screen. Usage: record.sh VMM GLES FILE [i915|igt|mesa|mesa-25]...
# GLES is our program gles.c. Shows with vmm decode FILE, and becomes seeds of the fuzzer by tests/fuzz/seeds-from. Exit 77 where the images cannot be had.
set -u
vmm=$1 gles=$2 output=$3
shift 3
[ $# -gt 0 ] || set -- igt mesa
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need qemu busybox "${@/i915/busybox}" # the kernel is qemu.sh's to fetch

images=()
{
  echo STEP_TIMEOUT=${STEP_TIMEOUT:-200}
  echo "step i915 load_i915"
  for part; do
    case $part in
      i915) ;;
      igt)
        images+=(--image igt)
        for test in gem_exec_basic:basic gem_exec_store:basic gem_exec_fence:basic-await gem_exercise_blt:fast-copy gem_mmap_offset:blt-coherency gem_render_copy:linear; do
          echo "igt_subtests ${test%:*} ${test#*:}"
        done
        ;;
      mesa | mesa-25)
        images+=(--image "$part")
        for what in clear triangle depth texture compute query feedback indirect; do
          # A model that does not draw is what is expected as yet.
          printf 'gles_%s() { chroot /mesa /gles %s >/tmp/%s 2>&1; s=$?; cat /tmp/%s >&3; [ $s -eq 3 ] || return $s; }\nstep gles-%s gles_%s\n' $what $what $what $what $what $what
        done
        ;;
      *) echo "record.sh: $part: not i915, igt, mesa or mesa-25" >&2; exit 2 ;;
    esac
  done
  echo "step dmesg dmesg_clean"
} >"$work/job"
APERTURE=512M serve alpha=i915-GVTg_V5_4 -- -o "observe.streams=$(readlink -m "$output")" -o observe.streams_max=64M
guest alpha --kernel "${KERNEL:-6.1}" "${images[@]}" --memory "${MEMORY:-2G}" --job "$work/job" --file "$gles:/mesa/gles" --append fbcon=map:1 --timeout "${TIMEOUT:-1200}"
guest_result alpha
stop_server
case " $* " in *mesa*) check "what the model leaves out is told when it begins" grep -q '^vmm: guests use 3D, media or compute commands' "$work/serve.err" ;; esac
check "something was recorded" grep -q '^user-batch' "$output"
check "all of it decodes" sh -c '"$1" decode "$2" >/dev/null' sh "$vmm" "$output"
result
