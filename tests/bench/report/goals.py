# SPDX-License-Identifier: GPL-2.0-or-later
"""The goals, each with its figure in the results and with what stands in its way. Used by results.py."""

SLICE_MS, PREEMPT_MS = 4, 1  # the default slice; what a preemption may take


def get(rows, row, case, way, metric):
    try:
        return rows[row][case][way][metric]["median"]
    except KeyError:
        return None


def least(values):
    values = [value for value in values if value is not None]
    return min(values) if values else None


def most(values):
    values = [value for value in values if value is not None]
    return max(values) if values else None


def long_work(rows):
    """The worst ratio among sizes that take a millisecond or more."""
    cases = rows.get("submission", {})
    return least(get(rows, "submission", case, "ratio", "us_each") for case in cases
                 if (get(rows, "submission", case, "passthrough", "us_each") or 0) >= 1000)


def own_part(rows):
    """What the guest's own thread does for a submission."""
    parts = [get(rows, "cost", "noop, back to back", "mediated", f"{name}_us") for name in ("page tables", "context", "copy", "audit", "queue")]
    return None if None in parts else sum(parts)


def trap(rows):
    values = [get(rows, "census", case, "mediated", "interrupt_ns") for case in rows.get("census", {})]
    value = most(values)
    return None if value is None else value / 1000


def idle_cost(rows):
    left = least(get(rows, "idle", f"{kind}, 15", "mediated", "of_quiet") for kind in ("noop", "1 MiB"))
    return None if left is None else 1 - left


# name, figure, relation, bound, unit, what stands in the way when it is not met
GOALS = [
    ("mediated over passed-through, 1 ms or more for each submission", long_work, ">=", 0.99, "",
     "the engine waits for the scheduler's thread between submissions only when its queue is empty; on few cores the threads of mediation also take the engine's core"),
    ("mediated over passed-through, empty batches back to back", lambda rows: get(rows, "submission", "noop", "ratio", "us_each"), ">=", 0.90, "",
     "an empty batch costs the model less than the wake-up of one thread; a submission goes through three. Fewer threads on the way would be needed: "
     "the engine's interrupt handled where it arises, and results taken by the guest's own thread"),
    ("two guests together over one, empty batches", lambda rows: get(rows, "guests", "noop, 2", "mediated", "of_one"), ">=", 0.95, "",
     "on two cores the second guest's thread takes time from the engine's"),
    ("what 15 idle guests with displays on cost one that works", idle_cost, "<=", 0.01, "",
     "each idle guest's display wakes its thread for each frame; one timer for all displays would do"),
    ("largest share error in any 100 ms, weights 1:2:4:8, slice 1 ms", lambda rows: get(rows, "weights", "1:2:4:8, slice 1 ms", "mediated", "error_100ms_max"),
     "<=", 0.01, "", "a window ends inside a slice, and preemption waits for the end of a command"),
    ("largest share error in any 100 ms, weights 1:2:4:8, slice 4 ms", lambda rows: get(rows, "weights", "1:2:4:8", "mediated", "error_100ms_max"),
     "<=", 0.01, "", "one slice is 4 % of the window: shorter slices are the price of exact shares in short windows"),
    ("Jain's index, equal weights", lambda rows: get(rows, "weights", "1:1:1:1", "mediated", "jain"), ">=", 0.999, "",
     "the measured time is short against slices, or the machine was busy"),
    ("longest time without service, two equal guests", lambda rows: get(rows, "weights", "1:1", "mediated", "gap_ms"), "<=", 2 * SLICE_MS + PREEMPT_MS, " ms",
     "a thread of the model, the scheduler or a guest did not get a processor in time"),
    ("the guest's thread's part of a submission", own_part, "<=", 5, " us", "the wake-up of the scheduler's thread, and its lock, where it is busy with what came before, are the largest part"),
    ("a trapped register access, without the exit", trap, "<=", 0.5, " us", "the vGPU's lock is held by its thread at times"),
    ("page-table stress, media-like, mediated over passed-through",
     lambda rows: get(rows, "tables", "64 tables, 2048 entries change, 8 MiB", "ratio", "us_each"), ">=", 0.95, "",
     "every table of the address space is compared for each submission; knowing which were written (write protection, dirty logs) would leave only those"),
    ("64 guests together over one, empty batches", lambda rows: get(rows, "guests", "noop, 64", "mediated", "of_one"), ">=", 0.90, "",
     "64 guests are 192 threads here"),
    ("64 guests together over one, 1 MiB", lambda rows: get(rows, "guests", "1 MiB, 64", "mediated", "of_one"), ">=", 0.90, "",
     "each of 64 guests has memory of its own: one guest's 1 MiB stays in the processor's cache, 64 MiB do not"),
]


def judge(rows):
    result = []
    for name, figure, relation, bound, unit, needs in GOALS:
        value = figure(rows)
        met = value is not None and (value >= bound if relation == ">=" else value <= bound)
        result.append({"name": name, "value": value, "relation": relation, "bound": bound, "unit": unit, "met": met, "needs": needs,
                       "text": "no figure" if value is None else f"{value:.3f}{unit}", "bound_text": f"{relation} {bound:g}{unit}"})
    return result
