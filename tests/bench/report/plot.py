# SPDX-License-Identifier: GPL-2.0-or-later
"""Plots as SVG: grouped or stacked bars, and lines. Used by page.py."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 340, 70, 180, 40, 60
COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#333333", "#994455"]


def ticks(low, high, log):
    if log:
        return [10.0 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    step = 10.0 ** math.floor(math.log10(high / 2 or 1))
    for factor in (1, 2, 5, 10):
        if high / (step * factor) <= 6:
            step *= factor
            break
    return [step * i for i in range(int(high / step) + 2)]


class Plot:
    def __init__(self, title, unit, highest, lowest=0.0, log=False):
        self.log = log
        self.marks = ticks(lowest if log else 0.0, max(highest, 1e-9), log)
        self.low, self.high = self.marks[0], self.marks[-1]
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
                      f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
                      f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>']
        for mark in self.marks:
            y = self.y(mark)
            self.parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
                              f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{mark:g}</text>')
        self.parts.append(f'<text x="14" y="{TOP - 8}">{escape(unit)}</text>')

    def y(self, value):
        if self.log:
            part = math.log10(max(value, self.low) / self.low) / math.log10(self.high / self.low)
        else:
            part = value / self.high
        return HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP)

    def bar(self, x, width, bottom, top, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{self.y(top):.1f}" width="{width:.1f}" height="{max(self.y(bottom) - self.y(top), 0):.1f}" fill="{colour}"/>')

    def label(self, x, text):
        self.parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{escape(text)}</text>')

    def legend(self, names):
        for i, name in enumerate(names):
            y = TOP + 18 * i
            self.parts.append(f'<rect x="{WIDTH - RIGHT + 14}" y="{y}" width="12" height="12" fill="{COLOURS[i % len(COLOURS)]}"/>'
                              f'<text x="{WIDTH - RIGHT + 32}" y="{y + 11}">{escape(name)}</text>')

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.parts + ["</svg>", ""]))


def bars(path, title, unit, groups, series, log=False, stacked=False):
    """series: [(name, [value or None of each group])]."""
    values = [value for _, column in series for value in column if value]
    if not values:
        return False
    highest = max(sum(column[i] or 0 for _, column in series) for i in range(len(groups))) if stacked else max(values)
    plot = Plot(title, unit, highest, min(values), log)
    room = (WIDTH - LEFT - RIGHT) / len(groups)
    for i, group in enumerate(groups):
        base = 0.0
        for j, (_, column) in enumerate(series):
            value = column[i] or 0
            width = 0.8 * room / (1 if stacked else len(series))
            x = LEFT + i * room + 0.1 * room + (0 if stacked else j * width)
            plot.bar(x, width * 0.95, base if stacked or not log else plot.low, base + value, COLOURS[j % len(COLOURS)])
            base += value if stacked else 0
        plot.label(LEFT + (i + 0.5) * room, group)
    plot.legend([name for name, _ in series])
    plot.save(path)
    return True


def lines(path, title, unit, points, series, log=False):
    """Over points at even distances; series as of bars()."""
    values = [value for _, column in series for value in column if value]
    if not values:
        return False
    plot = Plot(title, unit, max(values), min(values), log)
    room = (WIDTH - LEFT - RIGHT) / len(points)
    for j, (_, column) in enumerate(series):
        places = [(LEFT + (i + 0.5) * room, plot.y(value)) for i, value in enumerate(column) if value]
        path_text = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        plot.parts.append(f'<polyline points="{path_text}" fill="none" stroke="{COLOURS[j % len(COLOURS)]}" stroke-width="2"/>')
        plot.parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[j % len(COLOURS)]}"/>' for x, y in places]
    for i, point in enumerate(points):
        plot.label(LEFT + (i + 0.5) * room, point)
    plot.legend([name for name, _ in series])
    plot.save(path)
    return True
