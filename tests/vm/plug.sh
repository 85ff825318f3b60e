#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# GPUs of `vmm run` that are unplugged and plugged in while guests run (tests/guests/plug.c), sandbox on: what clients are told, and what guests see.
# Usage: plug.sh VMM GUEST-DIRECTORY VNC-CLIENT; exit 77 skips without KVM.
set -u
vmm=$(readlink -f "$1") guests=$(readlink -f "$2") vnc_client=$(readlink -f "$3")
. "$(dirname "$(readlink -f "$0")")/../kvm.sh"
need_kvm
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$dir"' EXIT
export XDG_RUNTIME_DIR=$dir
cat >"$dir/vms.ini" <<INI
[vmm]
control = control.sock
[gpu]
aperture = 512M
[vm alpha]
image = $guests/plug.elf
memory = 64M
gpu = i915-GVTg_V5_4
weight = 5
args = rounds=4 refuse
screenshot = alpha.png
vnc = unix:alpha.vnc
input = no
[vm beta]
image = $guests/plug.elf
memory = 64M
args = rounds=3
[vm gamma]
image = $guests/end.elf
args = how=hang
INI
"$vmm" run "$dir/vms.ini" --timeout 300 --stats >"$dir/out" 2>"$dir/err" &
run=$!
for _ in $(seq 200); do [ -S "$dir/control.sock" ] && break; sleep 0.05; done
cat >"$dir/plug.py" <<'PYTHON'
import json, socket, subprocess, sys, time
failures = 0
def check(good, what, *more):
    global failures
    failures += not good
    print("PASS:" if good else "FAIL:", what, *([] if good else more), flush=True)
client = socket.socket(socket.AF_UNIX)
client.settimeout(60)
client.connect(sys.argv[1])
lines = client.makefile("rw")
lines.readline()
events = []
def call(command, **arguments):
    lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    lines.flush()
    while True:
        answer = json.loads(lines.readline())
        if "event" not in answer:
            return answer
        events.append(answer)
def event(name, guest):
    while True:
        for found in events:
            if found["event"] == name and found["data"].get("name") == guest:
                events.remove(found)
                return found["data"]
        events.append(json.loads(lines.readline()))
def refused(answer, words, what):
    check(words in answer.get("error", {}).get("desc", ""), what, answer)
def done(answer, what):
    check(answer == {"return": {}}, what, answer)
def vgpus():
    return {row["name"]: row for row in call("query-vgpus")["return"]}
def wait_for(text):
    for _ in range(600):
        if text in open(sys.argv[2]).read():
            return True
        time.sleep(0.05)
    return False

def vmm(code, words, *arguments):
    done = subprocess.run([sys.argv[3], *arguments, "--control", sys.argv[1]], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
    check(done.returncode == code and words in done.stderr, "vmm " + " ".join(arguments), done)

# Who looks all the time, at a GPU that comes and goes.
viewer = subprocess.Popen([sys.argv[4], sys.argv[5], "sleep", "250000"], stdin=subprocess.DEVNULL)
call("qmp_capabilities")
refused(call("device_del", name="nobody"), "there is no VM nobody", "a VM that is not there")
refused(call("device_del", name="beta"), "guest beta has no GPU", "a GPU that is not there")
refused(call("device_add", name="alpha", type="i915-GVTg_V5_8"), "there is a GPU already", "a second GPU")
refused(call("device_add", name="beta", type="i915-GVTg_V9_9"), "is no type of vGPUs", "an unknown type")
refused(call("device_add", name="beta", type="none"), "is no type of vGPUs", "no type")
refused(call("device_add", name="beta", type="i915-GVTg_V5_8", monitor="vga"), "monitor: dp or hdmi", "an unknown monitor")
check("error" in call("device_add", name="beta"), "a type that is not given")
check(set(vgpus()) == {"alpha"}, "one vGPU", vgpus())

# Who was asked and does not let go.
check(wait_for("[alpha] PASS: round 0: interrupts come"), "alpha uses its GPU")
done(call("device_del", name="alpha"), "it is asked to let go of it")
check(event("DEVICE_UNPLUG_GUEST_ERROR", "alpha")["status"] == 0x82, "and refuses")
check(vgpus()["alpha"]["weight"] == 5 and "unplugging" not in vgpus()["alpha"], "its vGPU is there still")
# Who lets go, also when asked twice.
call("device_del", name="alpha")
call("device_del", name="alpha")
event("DEVICE_DELETED", "alpha")
check(vgpus() == {}, "no vGPU", vgpus())
refused(call("device_del", name="alpha"), "guest alpha has no GPU", "it is gone")
refused(call("set-vgpu", name="alpha", weight=3), "alpha has no vGPU", "nothing to set")
refused(call("screenshot", name="alpha"), "there is no GPU", "no picture")
time.sleep(0.5) # the viewer sees that
# Another of another type, for each; beta has had none.
done(call("device_add", name="alpha", type="i915-GVTg_V5_8", monitor="hdmi"), "a smaller one")
done(call("device_add", name="beta", type="i915-GVTg_V5_8", weight=9), "a first one")
check({name: (row["type"], row["weight"]) for name, row in vgpus().items()} == {"alpha": ("i915-GVTg_V5_8", 5), "beta": ("i915-GVTg_V5_8", 9)}, "two vGPUs", vgpus())
check(wait_for("[alpha] PASS: round 1: interrupts come"), "alpha uses it")
check(wait_for("[beta] PASS: round 1: interrupts come"), "beta uses it")
users = {user["name"]: user for user in call("query-stats")["return"]["users"]}
check(users["beta"]["submitted"]["rcs0"] == 1 and users["alpha"]["submitted"]["rcs0"] == 1, "counts begin anew", users["alpha"], users["beta"])
# A guest that stands still lets go when it goes on.
call("stop", name="alpha")
done(call("device_del", name="alpha"), "a paused one is asked")
check(vgpus()["alpha"].get("unplugging") is True and "unplugging" not in vgpus()["beta"], "and keeps it", vgpus())
call("cont", name="alpha")
event("DEVICE_DELETED", "alpha")
# ... and finds what was plugged in meanwhile.
call("stop", name="alpha")
done(call("device_add", name="alpha", type="i915-GVTg_V5_4"), "one for a paused guest")
call("cont", name="alpha")
check(wait_for("[alpha] PASS: round 2: interrupts come"), "alpha uses it")
vmm(0, "", "unplug", "beta")
event("DEVICE_DELETED", "beta")
done(call("device_add", name="beta", type="i915-GVTg_V5_4"), "one after the other")
check(wait_for("[beta] PASS: round 2: interrupts come"), "beta uses it")
call("device_del", name="alpha")
event("DEVICE_DELETED", "alpha")
# A guest that does not care keeps its GPU until it begins again.
done(call("device_add", name="gamma", type="i915-GVTg_V5_4"), "one for a guest that does not look")
vmm(1, "guest gamma has not let go of its GPU within 0.2 s", "unplug", "gamma", "--timeout", "0.2")
check("gamma" in vgpus(), "and keeps it")
call("system_reset", name="gamma")
event("DEVICE_DELETED", "gamma")
check("gamma" not in vgpus(), "until it begins again", vgpus())
done(call("device_add", name="gamma", type="i915-GVTg_V5_4"), "and it can have another")
call("device_del", name="gamma")
# As often as somebody likes: nothing is used up.
for i in range(20):
    call("system_reset", name="gamma")
    event("DEVICE_DELETED", "gamma")
    if "return" not in call("device_add", name="gamma", type="i915-GVTg_V5_8") or "return" not in call("device_del", name="gamma"):
        check(False, f"round {i}")
call("quit", name="gamma")
event("SHUTDOWN", "gamma")
refused(call("device_del", name="gamma"), "guest gamma has ended", "a guest that has ended")
refused(call("device_add", name="gamma", type="i915-GVTg_V5_8"), "guest gamma has ended", "and gets nothing")
check(viewer.poll() is None, "the viewer is there still")
viewer.kill()
vmm(2, "there is no guest nobody", "plug", "nobody", "i915-GVTg_V5_8")
vmm(1, "monitor: dp or hdmi", "plug", "alpha", "i915-GVTg_V5_8", "--monitor", "vga")
vmm(0, "", "plug", "alpha", "i915-GVTg_V5_8", "--monitor", "dp", "--weight", "2")
check(vgpus()["alpha"]["weight"] == 2, "with another weight", vgpus())
check(wait_for("[alpha] PASS: round 3: interrupts come"), "alpha uses it")
sys.exit(failures > 0)
PYTHON
python3 "$dir/plug.py" "$dir/control.sock" "$dir/out" "$vmm" "$vnc_client" "$dir/alpha.vnc"
status=$?
[ $status -eq 0 ] || kill $run
fail() { printf 'FAIL: %s\n' "$*"; status=1; }
wait $run || fail "vmm run ended with $?"
for guest in alpha beta; do
  grep -q "^\[$guest\] SUMMARY: [0-9]* tests, 0 failures, 0 skipped" "$dir/out" && echo "PASS: $guest's own tests" || fail "$guest's own tests"
done
[ $status -eq 0 ] || cat "$dir/out" "$dir/err"
exit $status
