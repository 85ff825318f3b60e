# SPDX-License-Identifier: GPL-2.0-or-later
"""From measurements to medians, ratios and goals. Used by tests/bench/run; the form of results.json is what summarize() returns."""
import statistics

from . import goals

# The cases that must be there, and how often each has to be measured in which ways: what check() goes by.
EXPECTED = {"submission": (6, 2), "census": (2, 2), "cost": (3, 1), "tables": (5, 2), "guests": (21, 1), "idle": (10, 1), "memory": (1, 1),
            "weights": (4, 1), "latency": (3, 1)}


def spread(values):
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "n": len(values)}


def summarize(samples, runs, short, machine):
    """rows: {row: {case: {way: {metric: spread}}}}, with the way "ratio" where a case was measured in both (of the same run: above 1 is faster)."""
    by_run = {}
    for sample in samples:
        place = by_run.setdefault(sample["row"], {}).setdefault(sample["case"], {})
        for name, value in sample["metrics"].items():
            place.setdefault(sample["way"], {}).setdefault(name, {})[sample["run"]] = value
    rows = {}
    for row, cases in by_run.items():
        for case, ways in cases.items():
            done = rows.setdefault(row, {}).setdefault(case, {})
            for way, metrics in ways.items():
                done[way] = {name: spread(list(values.values())) for name, values in metrics.items()}
            if "passthrough" not in ways or "mediated" not in ways:
                continue
            done["ratio"] = {}
            for name, values in ways["mediated"].items():
                bare = ways["passthrough"].get(name, {})
                ratios = [bare[run] / value for run, value in values.items() if value and run in bare]
                if ratios:
                    done["ratio"][name] = spread(ratios)
    # Sums over guests against one guest alone in the same run.
    for case, ways in by_run.get("guests", {}).items():
        kind = case.rsplit(", ", 1)[0]
        alone = by_run["guests"].get(f"{kind}, 1", {}).get("mediated", {}).get("requests_per_s", {})
        against = [value / alone[run] for run, value in ways["mediated"]["requests_per_s"].items() if alone.get(run)]
        if against:
            rows["guests"][case]["mediated"]["of_one"] = spread(against)
    return {"format": 1, "short": short, "runs": runs, "machine": machine, "rows": rows, "goals": goals.judge(rows), "samples": samples}


def check(outcome):
    """What is wrong with the form of the results: for the short run, whose figures mean nothing."""
    problems = []
    for row, (cases, ways) in EXPECTED.items():
        found = outcome["rows"].get(row, {})
        if len(found) != cases:
            problems.append(f"row {row} has {len(found)} cases instead of {cases}")
        for case, measured in found.items():
            if len([way for way in measured if way != "ratio"]) != ways:
                problems.append(f"row {row}, case {case}: {sorted(measured)} instead of {ways} ways")
            for way, metrics in measured.items():
                for name, value in metrics.items():
                    if value["median"] < 0 or (way != "ratio" and value["n"] != outcome["runs"]):
                        problems.append(f"row {row}, case {case}, {way}: {name} is {value}")
    for goal in outcome["goals"]:
        if goal["value"] is None:
            problems.append(f"goal without a figure: {goal['name']}")
    return problems
