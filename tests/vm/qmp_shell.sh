#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The control socket driven by QEMU's own clients, unmodified: qmp-shell calls each command of `vmm serve` and `vmm run`, and a program uses qemu.qmp.
# Usage: qmp_shell.sh VMM GUEST-DIRECTORY; exit 77 skips: no python3, no KVM (the part without guests has run then), or no archive to fetch qmp-shell from.
set -u
vmm=$(readlink -f "$1") guests=$(readlink -f "$2")
cd "$(dirname "$(readlink -f "$0")")/linux" || exit 1
. ./common.sh
. ../../kvm.sh
command -v python3 >/dev/null || skip "python3 is not there (apt-get install python3)"
./fetch.sh qmp-shell || exit
tools=$(component qmp-shell)
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
export HOME=$dir XDG_RUNTIME_DIR=$dir PYTHONDONTWRITEBYTECODE=1
failures=0
fail() { printf 'FAIL: %s\n' "$*"; failures=$((failures + 1)); }

# shell SOCKET OPTION...: qmp-shell with the commands on its standard input; what it says is in the file said, and in all for the list of commands called.
shell() {
  timeout 60 python3 "$tools/scripts/qmp/qmp-shell" "${@:2}" "$1" >said 2>&1
  status=$?
  cat said >>all
}
# says REGEX: a line of the last session.
says() { grep -Eq -- "$1" said && echo "PASS: qmp-shell says $1" || { fail "qmp-shell does not say $1 (exit code $status):"; cat said; }; }
until_true() { for _ in $(seq 400); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done; fail "never: $*"; }
# called SOCKET: each command that this server lists was sent by qmp-shell, as its option -v shows.
called() {
  local name count=0
  shell "$1" -p <<<query-commands
  for name in $(sed -n 's/.*"name": "\(.*\)".*/\1/p' said); do
    count=$((count + 1))
    grep -qF "{\"execute\": \"$name\"" all || fail "$name is never called"
  done
  [ $count -gt 15 ] && echo "PASS: $count commands" || fail "only $count commands are listed"
}

printf '%s\n' '[vmm]' 'control = served.sock' '[observe]' "directory = $dir" '[vgpu one]' 'type = i915-GVTg_V5_8' 'socket = one.sock' >served.ini
"$vmm" serve served.ini >served.log 2>&1 &
until_true test -S served.sock
shell served.sock -v <<'COMMANDS'
query-version
query-vms
query-vgpus
device_add name=two type=i915-GVTg_V5_8 weight=7
set-vgpu name=two weight=5 gpu_cap=40 class=latency
query-vgpus
device_del name=two
set-vgpu name=two weight=5
set-vgpu name=one weight=999
set-vgpu name=one weight=[1,{"nested":true}]
set-vgpu name.first=one
query-status
COMMANDS
[ $status -eq 0 ] || fail "qmp-shell ended with $status"
says '^Connected to QEMU 0\.[0-9]+\.[0-9]+'
says '"name": "two".*"weight": 5'
says '"class": "DeviceNotFound"'
says 'weight is not between 1 and 256'
says 'weight is not a whole number'
says 'name is not a string'
tail -n 2 said | grep -q '"return": .*"policy"' && echo "PASS: the connection stays after errors" || fail "no answer after errors: $(tail -n 2 said)"

if ! kvm_usable; then
  [ "$failures" -eq 0 ] && skip "$kvm_missing"
  exit 1
fi
cat >run.ini <<INI
[vmm]
control = run.sock
[gpu]
aperture = 1G
[observe]
directory = $dir
[vm alpha]
image = $guests/draw.elf
memory = 64M
gpu = i915-GVTg_V5_8
args = name=ALPHA seconds=600
serial = none
[vm screen]
image = $guests/screen.elf
memory = 96M
gpu = i915-GVTg_V5_4
args = seconds=600
input = yes
serial = screen.txt
INI
"$vmm" run run.ini >run.log 2>&1 </dev/null &
run=$!
until_true grep -q 'screen: shows' screen.txt
until_true "$vmm" screenshot --control run.sock alpha first.png
cat >commands <<COMMANDS
qmp_capabilities
query-vms
query-stats
stop name=alpha
query-vms
cont name=alpha
query-status

screenshot name=alpha
screenshot name=alpha filename=$dir/shot.png
set-policy policy=fifo
query-status
send-key name=screen keys=[{"type":"qcode","data":"a"}] hold-time=20
input-send-event name=screen events=[{'type':'key','data':{'down':true,'key':{'type':'qcode','data':'b'}}}]
input-send-event name=screen events=[{'type':'key','data':{'down':false,'key':{'type':'qcode','data':'b'}}}]
trace-start file=live.json
query-trace
trace-stop
device_add name=x type=i915-GVTg_V5_8
device_del name=x
human-monitor-command command-line=help
transaction( block-dirty-bitmap-add node=a )
no pair
system_reset name=alpha
system_powerdown name=alpha
query-commands
COMMANDS
# Events are read with the next answer, and printed at an empty line; a reset's comes when the guest begins again.
shell run.sock -v < <(cat commands; until_true grep -q 'guest alpha: reset' run.log; sleep 0.5; printf 'query-status\n\n')
[ $status -eq 0 ] || fail "qmp-shell ended with $status"
says 'capabilities were negotiated already'
says '"name": "alpha".*"state": "paused"'
says "'event': 'STOP'"
says "'event': 'RESUME'"
says "'event': 'RESET'"
says "'event': 'POWERDOWN'"
says '"png": "iVBOR'
says '"policy": "fifo"'
says 'live\.json'
says '"class": "CommandNotFound".*human-monitor-command'
says '"class": "CommandNotFound".*transaction'
says 'Expected a key=value pair'
[ "$(head -c 4 shot.png | tail -c 3)" = PNG ] || fail "no screenshot"
[ -s live.json ] || fail "no trace"
until_true grep -q 'key 30 1' screen.txt
until_true grep -q 'key 48 0' screen.txt

# HMP is not there: that client gives up by itself, others are not concerned.
shell run.sock -H <<<'info version'
[ $status -ne 0 ] && [ $status -ne 124 ] || fail "qmp-shell -H ended with $status"
shell run.sock -p <<<query-status
says '^    "return": \{'

# As a program uses the package.
cat >client.py <<'PY'
import sys
from qemu.qmp.legacy import QEMUMonitorProtocol
with QEMUMonitorProtocol(sys.argv[1]) as monitor:
    assert "QMP" in monitor.connect()
    assert {vm["name"] for vm in monitor.command("query-vms")} == {"alpha", "screen"}
    monitor.command("stop", name="screen")
    event = monitor.pull_event(wait=20.0)
    while event["event"] != "STOP":
        event = monitor.pull_event(wait=20.0)
    assert event["data"] == {"name": "screen"} and event["timestamp"]["seconds"] > 0, event
    monitor.clear_events()
    assert monitor.cmd("cont", {"name": "screen"}, cmd_id="one")["id"] == "one"
    assert monitor.cmd("nothing")["error"]["class"] == "CommandNotFound"
    try:
        monitor.command("stop", name="nobody")
        raise SystemExit("no error")
    except Exception as error:
        assert "nobody" in str(error), error
    assert monitor.command("query-status")["running"] is True
print("all as it should be")
PY
output=$(PYTHONPATH=$tools/python timeout 60 python3 client.py run.sock 2>&1)
[ "$output" = "all as it should be" ] && echo "PASS: qemu.qmp" || fail "qemu.qmp: $output"

shell run.sock -v <<<'quit name=screen'
says '"return": \{\}'
shell run.sock -v <<<'quit'
wait $run || fail "vmm run ended with $?"
called served.sock
echo "$failures failures"
[ "$failures" -eq 0 ]
