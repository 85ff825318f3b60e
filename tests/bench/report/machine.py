# SPDX-License-Identifier: GPL-2.0-or-later
"""What the figures were taken on. Used by tests/bench/run."""
import datetime
import os
import platform
import subprocess
import time


def load():
    return os.getloadavg()[0]


def busy(seconds=1.0):
    """The part of the processors' time that others take now, 0 to 1. A load average would tell of minutes before."""
    def idle_and_all():
        with open("/proc/stat", encoding="utf-8") as file:
            times = [int(word) for word in file.readline().split()[1:]]
        return times[3] + times[4], sum(times[:8])

    idle, total = idle_and_all()
    time.sleep(seconds)
    idle_after, total_after = idle_and_all()
    return 1 - (idle_after - idle) / max(1, total_after - total)


def first(path, prefix):
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith(prefix):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown"


def describe(root):
    commit = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return {
        "cpu": first("/proc/cpuinfo", "model name"),
        "cpus": len(os.sched_getaffinity(0)),
        "memory": first("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "virtual": "hypervisor" in first("/proc/cpuinfo", "flags").split(),
        "commit": commit.stdout.strip() or "unknown",
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "load_before": load(),
        "busy_before": busy(),
    }
