# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by the tests of this folder: a served GPU, guests on it, and their results. Each test has VMM, the program under test, in $vmm.

linux=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
work=$(mktemp -d)
server='' failures=0
children=()
declare -A host_cpus=() # of each served vGPU's thread, and of its guest

finish() {
  local child
  for child in "${children[@]}"; do kill "$child" 2>/dev/null; done
  [ -z "$server" ] || kill "$server" 2>/dev/null
  wait
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 143' TERM INT HUP

fail() { echo "FAIL: $*"; failures=$((failures + 1)); }
pass() { echo "PASS: $*"; }
check() { local what=$1; shift; if "$@"; then pass "$what"; else fail "$what"; fi; }

# need COMPONENT...: fetches what the test needs; the test is skipped where that cannot be had.
need() { "$linux/fetch.sh" "$@" || exit $?; }

# host_cpu N: the Nth of the CPUs that this process may use, from 0 on, beginning again at their end.
host_cpu() {
  local range all=()
  for range in $(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status | tr , ' '); do
    # shellcheck disable=SC2207
    all+=($(seq "${range%-*}" "${range#*-}"))
  done
  echo "${all[$1 % ${#all[@]}]}"
}

# serve NAME=TYPE... [-- OPTION...]: starts vmm serve with a vGPU for each NAME, whose sockets are $work/NAME.sock, screenshots $work/NAME.png and screens
# for viewers $work/NAME.vnc.
serve() {
  local config=$work/serve.ini name cpu
  { echo "[gpu]"; echo "aperture = ${APERTURE:-256M}"; } >"$config"
  names=()
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    name=${1%%=*}
    # A guest and the thread that answers it mostly wait for each other: on one CPU, nobody has to be woken on another.
    cpu=$(host_cpu ${#names[@]}) host_cpus[$name]=$cpu
    names+=("$name")
    printf '[vgpu %s]\ntype = %s\npin = %s\nsocket = %s\nscreenshot = %s\nvnc = unix:%s\n' "$name" "${1#*=}" "$cpu" "$work/$name.sock" "$work/$name.png" "$work/$name.vnc" >>"$config"
    shift
  done
  [ $# -eq 0 ] || shift
  "$vmm" serve "$config" --stats "$@" >"$work/serve.out" 2>"$work/serve.err" &
  server=$!
  for name in "${names[@]}"; do
    for _ in $(seq 100); do [ -S "$work/$name.sock" ] && break; sleep 0.1; done
    [ -S "$work/$name.sock" ] || { fail "vmm serve does not listen"; cat "$work/serve.out" "$work/serve.err"; exit 1; }
  done
}

# guest NAME OPTION...: boots a guest on that vGPU in the background; results in $work/NAME.log, kernel log in $work/NAME.dmesg.
guest() {
  local name=$1 where=()
  shift
  # One vCPU has only the server to wait for; several run beside each other.
  [[ " $* " = *" --smp "* && " $* " != *" --smp 1 "* ]] || where=(--host-cpu "${host_cpus[$name]}")
  "$linux/qemu.sh" --socket "$work/$name.sock" ${where[@]+"${where[@]}"} --log "$work/$name.log" --dmesg "$work/$name.dmesg" "$@" >"$work/$name.out" 2>&1 &
  children+=($!)
  eval "guest_$name=$!"
}

# guest_result NAME: waits for it, prints what it said, and counts a failure unless its job ended well.
guest_result() {
  local pid=guest_$1 status
  wait "${!pid}"
  status=$?
  sed "s/^/[$1] /" "$work/$1.log" | grep -v '^\[[a-z]*\] DATA'
  [ $status -eq 0 ] && pass "guest $1" || { fail "guest $1: status $status"; tail -n 5 "$work/$1.out"; }
}

# on_kvm JOB OPTION...: runs a job, with qemu.sh's options, where KVM has hardware virtualization, whatever the KVM of this machine is: on a stock Debian kernel with its own kvm_amd, on one
# CPU that QEMU emulates with AMD-V and nested paging. The program under test is /vmm there, Debian's kernel for a guest /guest/vmlinuz (of GUEST_KERNEL).
# One CPU: with two, a guest spun for ever in 5 of 11 runs, with one in none of 5. The host's trace of a spinning guest: each instruction fetch is a #PF, whose delivery exits by `npf` with bit 33
# in the error code (a page walk) at 0x1009c2fe0, which is beyond the guest's 512 MiB and could be the host's: so CR3 is wrong, which is KVM's and the emulated CPU's to keep.
on_kvm() {
  local job=$1 files=(--file "$vmm:/vmm") module capstone
  shift
  files+=(--file "$(component "$(kernel_component "${GUEST_KERNEL:-6.1}")")/vmlinuz:/guest/vmlinuz")
  # Loaded when KVM could not finish an instruction.
  capstone=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p | sed -n 's/.*libcapstone\.so\.4 .*=> //p' | head -n 1)
  [ -z "$capstone" ] || files+=(--file "$capstone:/usr/lib/x86_64-linux-gnu/libcapstone.so.4")
  for module in "$(component kernel)"/kvm/*.ko; do files+=(--file "$module:/kvm/${module##*/}"); done
  { echo 'for module in irqbypass ccp kvm kvm-amd; do insmod /kvm/$module.ko || exit 1; done'; cat "$job"; } >"$job.on-kvm"
  "$linux/qemu.sh" --job "$job.on-kvm" "${files[@]}" --smp 1 "$@"
}

# stop_server: ends it as a user would, and looks at what it says.
stop_server() {
  kill -TERM "$server"
  wait "$server"
  local status=$?
  server=''
  cat "$work/serve.err"
  sed -n '/^guest/,$p' "$work/serve.out"
  [ $status -eq 0 ] && pass "vmm serve ended with status 0" || fail "vmm serve ended with status $status"
}

result() { echo "$failures failures"; [ $failures -eq 0 ]; exit; }
