# SPDX-License-Identifier: GPL-2.0-or-later
"""results.md and the plots, and the block of docs/performance.md. Used by tests/bench/run."""
import os

from . import plot
from .goals import get

BEGIN, END = "<!-- figures: written by tests/bench/run --docs -->", "<!-- end of figures -->"
COSTS = ["page tables", "context", "copy", "audit", "queue", "schedule", "elsp", "write back", "status"]
COUNTS = ["1", "2", "4", "8", "16", "32", "64"]
IDLE = ["0", "1", "3", "7", "15"]
# Published costs of an exit to user space and back, for a trap's whole cost on hardware: ../shared/facts has the sources; ns.
EXIT_NS = 3000


def figure(value, digits=3):
    if value is None:
        return "-"
    return f"{value['median']:.{digits}g} ({value['low']:.{digits}g} to {value['high']:.{digits}g})"


def cell(rows, row, case, way, metric, digits=3):
    return figure(rows.get(row, {}).get(case, {}).get(way, {}).get(metric), digits)


def table(head, lines):
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)] + ["| " + " | ".join(line) + " |" for line in lines] + [""]


def describe(outcome):
    machine = outcome["machine"]
    text = (f"{outcome['runs']} interleaved runs in {machine['minutes']} minutes, {machine['date']}, commit {machine['commit']}: medians, and in parentheses the lowest and highest. "
            f"Machine: {machine['cpus']} CPUs ({machine['cpu']}{', virtual' if machine['virtual'] else ''}), {machine['memory']} RAM, Linux {machine['kernel']}, "
            f"load {machine['load_before']:.1f} before and {machine['load_after']:.1f} after.")
    lines = [text, ""]
    if machine.get("busy_before", 0) > 0.1:
        lines += ["**The machine was busy with something else: these figures are noise, and have to be taken again on an idle one.**", ""]
    if outcome["short"]:
        lines += ["**A short run: the figures mean nothing.**", ""]
    return lines


def goals(outcome):
    lines = [[goal["name"], goal["bound_text"], goal["text"], "met" if goal["met"] else "**not met**: " + goal["needs"]] for goal in outcome["goals"]]
    return ["### Goals", ""] + table(["goal", "bound", "figure", "met, or what stands in the way"], lines)


def submission(rows):
    lines = []
    for case in rows.get("submission", {}):
        lines.append([case] + [cell(rows, "submission", case, way, metric) for metric in ("us_each", "us_round_trip") for way in ("passthrough", "mediated", "ratio")])
    return ["### Submissions by size", "",
            "Time for each request in us: with eight in flight, and from the ring to the guest's knowing of its end, one at a time. A ratio above 1 is faster than pass-through.", "",
            "![Submissions](PLOTS/submission.svg)", ""] + table(
                ["batch fills", "passed through", "mediated", "ratio", "one, passed through", "one, mediated", "ratio"], lines)


def census(rows):
    lines = []
    for case in rows.get("census", {}):
        for kind in ("elsp", "interrupt", "gtt", "other"):
            if get(rows, "census", case, "mediated", f"{kind}_each") is None:
                continue
            each = get(rows, "census", case, "mediated", f"{kind}_each")
            lines.append([case, kind, cell(rows, "census", case, "mediated", f"{kind}_each"), cell(rows, "census", case, "mediated", f"{kind}_ns"),
                          cell(rows, "census", case, "passthrough", f"{kind}_ns"), f"{each * EXIT_NS / 1000:.1f}"])
    return ["### Traps", "",
            "For each request: how many, and what each takes without the exit (the clock's own time included). A vGPU's ELSP writes hold the whole mediation of a "
            f"submission, in the last of four. The last column is what the exits alone would add on hardware at a published {EXIT_NS} ns each.", ""] + table(
                ["batch fills", "class", "traps for each request", "ns each", "ns on the passed-through model", "exits, us for each request"], lines)


CLASSES = [("elsp", "ELSP"), ("irq", "interrupt"), ("display", "display"), ("read", "other reads"), ("write", "other writes"), ("pvinfo", "PVINFO"), ("gtt", "GTT"),
           ("aperture", "aperture")]


def stock(counted):
    lines = []
    for row in counted:
        every = sum(row["traps"].values())
        what = {"submission": "a submission", "frame": "a frame"}[row["case"]] + {"vgpu": ", vGPU", "passthrough": ", whole model"}[row["way"]]
        lines.append([f"{what} ({row['count']} counted)"] + [f"{row['traps'][name]:g}" for name, _ in CLASSES] + [f"{every:.1f}", f"{every * EXIT_NS / 1000:.0f}"])
    if not lines:
        return []
    return ["### Traps of a stock guest", "",
            "What Debian's stock kernel 6.12 traps under QEMU: for each submission of IGT's `gem_exec_nop`, of which it has one at a time in the engine, and for each frame of its `kms_flip`, "
            f"a flip at each vertical blank with its interrupt. The last column is what the exits add at a published {EXIT_NS} ns each, in us.", ""] + table(
                ["one of"] + [words for _, words in CLASSES] + ["all", "exits"], lines)


def cost(rows):
    cases = list(rows.get("cost", {}))
    lines = [[name] + [cell(rows, "cost", case, "mediated", f"{name}_us") for case in cases] for name in COSTS]
    return ["### Where the time of a submission goes", "",
            "us for each submission, by the product's own counters. The first five are on the guest's thread; `schedule` is the processor time of the scheduler's thread, its own writes to the ELSP included; `elsp`, the write to the ELSP, which "
            "wakes the model's engine, is on either; the last two are on the vGPU's thread. Back to back, several requests share what is done once for each round.", "",
            "![Cost](PLOTS/cost.svg)", ""] + table(["part"] + cases, lines)


def tables(rows):
    lines = [[case] + [cell(rows, "tables", case, way, "us_each") for way in ("passthrough", "mediated", "ratio")] for case in rows.get("tables", {})]
    return ["### Page tables", "", "us for each request, two in flight: so many page tables of 512 entries in the address space, of which entries change before each request.", ""] + table(
        ["address space", "passed through", "mediated", "ratio"], lines)


def guests(rows):
    kinds = ["noop", "128 KiB", "1 MiB"]
    lines = [[count] + [cell(rows, "guests", f"{kind}, {count}", "mediated", metric) for kind in kinds for metric in ("requests_per_s", "of_one")] for count in COUNTS]
    idle = [[count] + [cell(rows, "idle", f"{kind}, {count}", "mediated", metric) for kind in ("noop", "1 MiB") for metric in ("us_each", "of_quiet")] for count in IDLE]
    return ["### Many guests", "", "All together, requests in a second and against one guest alone.", "", "![Guests](PLOTS/guests.svg)", ""] + table(
        ["guests"] + [text for kind in kinds for text in (kind, "of one")], lines) + [
            "One guest that works beside idle ones whose displays are on: us for each request, and what is left of the speed that it has, in turn, while their displays are off. "
            "The row without idle guests tells how exact that is.", ""] + table(
                ["idle guests", "noop", "of quiet", "1 MiB", "of quiet"], idle) + [
                    f"Memory for each vGPU that has worked, beside guest memory: {cell(rows, 'memory', 'each vGPU', 'mediated', 'kib_each')} KiB.", ""]


def fairness(rows):
    columns = ["error_10ms_mean", "error_10ms_max", "error_100ms_mean", "error_100ms_max", "error_1000ms_mean", "error_1000ms_max", "jain", "gap_ms", "busy"]
    lines = [[case] + [cell(rows, "weights", case, "mediated", column, 4 if column == "jain" else 2) for column in columns] for case in rows.get("weights", {})]
    delays = [[case] + [cell(rows, "latency", case, "mediated", f"{name}_ms") for name in ("p50", "p95", "p99", "max")] for case in rows.get("latency", {})]
    return ["### Shares", "", "Guests that all want the engine: the largest error of any guest's share in windows of that length (mean over windows, and worst), Jain's index of time by "
            "weight, the longest time that a guest waited, and how much of the time the engine was busy. Slices of 4 ms where nothing else is said.", ""] + table(
                ["weights", "10 ms", "worst", "100 ms", "worst", "1 s", "worst", "Jain", "longest gap, ms", "busy"], lines) + [
                    "### A guest with little work beside one with much", "", "60 times a second two fills of 1 MiB, from submission to completion in ms; the batch guest has 64 MiB in each batch.", "",
                    "![Latency](PLOTS/latency.svg)", ""] + table(["", "p50", "p95", "p99", "max"], delays)


def plots(rows, folder):
    sizes = list(rows.get("submission", {}))
    plot.lines(os.path.join(folder, "submission.svg"), "Time for each request, eight in flight", "us", sizes,
               [(way, [get(rows, "submission", case, way, "us_each") for case in sizes]) for way in ("passthrough", "mediated")] if sizes else [], log=True)
    cases = list(rows.get("cost", {}))
    plot.bars(os.path.join(folder, "cost.svg"), "Cost of a submission by part", "us", cases,
              [(name, [get(rows, "cost", case, "mediated", f"{name}_us") for case in cases]) for name in COSTS] if cases else [], stacked=True)
    plot.lines(os.path.join(folder, "guests.svg"), "All guests together against one alone", "times", COUNTS,
               [(kind, [get(rows, "guests", f"{kind}, {count}", "mediated", "of_one") for count in COUNTS]) for kind in ("noop", "128 KiB", "1 MiB")])
    cases = list(rows.get("latency", {}))
    plot.bars(os.path.join(folder, "latency.svg"), "From submission to completion, 60 times a second", "ms", ["p50", "p95", "p99", "max"],
              [(case, [get(rows, "latency", case, "mediated", f"{name}_ms") for name in ("p50", "p95", "p99", "max")]) for case in cases])


def body(outcome, folder):
    rows = outcome["rows"]
    lines = describe(outcome) + goals(outcome)
    for part in (submission, census):
        lines += part(rows)
    lines += stock(outcome.get("stock", []))
    for part in (cost, tables, guests, fairness):
        lines += part(rows)
    return "\n".join(lines).replace("PLOTS/", folder)


def write(outcome, outdir):
    plots(outcome["rows"], outdir)
    with open(os.path.join(outdir, "results.md"), "w", encoding="utf-8") as file:
        file.write("# Benchmarks\n\n" + body(outcome, ""))


def update_docs(outcome, root):
    path, images = os.path.join(root, "docs", "performance.md"), os.path.join(root, "docs", "images", "performance")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    os.makedirs(images, exist_ok=True)
    plots(outcome["rows"], images)
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n\n" + body(outcome, "images/performance/") + "\n" + END + after)
