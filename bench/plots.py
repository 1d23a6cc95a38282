"""Draws the plots of the report as SVG."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

Figures = Mapping[str, Any]
BLUE, RED, GREY = "#3566b0", "#c0392b", "#b9c2d0"
# Without a date and random ids, the same results give the same file.
METADATA = {"Date": None}


def plots(figures: Figures) -> Iterator[tuple[str, str]]:
    """Yield the title and the SVG of each plot whose figures were measured."""
    mpl.rcParams.update(
        {
            "svg.hashsalt": "octave-mcp",
            "font.family": "sans-serif",
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )
    drawn: dict[str, tuple[str, Callable[[Any], Figure]]] = {
        "Timeline of one run: each bar is a call, the critical path is red": ("one_run", _timeline),
        "Cost per step": ("one_run", _cost_per_step),
        "Runs at once on one process: throughput and latency": ("concurrency", _concurrency),
        "Mean cost per prospect for one vendor": ("per_prospect", _per_prospect),
    }
    for title, (name, draw) in drawn.items():
        if name in figures:
            yield title, _svg(draw(figures[name]))


def _svg(figure: Figure) -> str:
    file = io.StringIO()
    drawn: Any = figure  # matplotlib's types are incomplete
    drawn.savefig(file, format="svg", bbox_inches="tight", metadata=METADATA)
    return file.getvalue().partition("<svg")[2].join(("<svg", ""))


def _timeline(run: Figures) -> Figure:
    steps = sorted(
        (step for step in run["steps"] if step["ended"] - step["began"] > 0.02), key=lambda step: step["began"]
    )
    figure = Figure(figsize=(11, 0.17 * len(steps) + 1))
    axes: Any = figure.subplots()
    for row, step in enumerate(steps):
        colour = RED if step["name"] in run["critical_path"] else BLUE
        axes.broken_barh([(step["began"], step["ended"] - step["began"])], (row - 0.4, 0.8), color=colour)
    axes.set_yticks(range(len(steps)), [step["name"] for step in steps], fontsize=6)
    axes.invert_yaxis()
    axes.set_xlabel("seconds since the start of the run")
    return figure


def _cost_per_step(run: Figures) -> Figure:
    costs = [cost for cost in run["cost_per_step"] if cost["usd"]]
    figure = Figure(figsize=(9, 0.35 * len(costs) + 1))
    axes: Any = figure.subplots()
    axes.barh(
        [f"{cost['step']} ({cost['company'] or 'deal'})" for cost in costs], [cost["usd"] for cost in costs], color=BLUE
    )
    axes.invert_yaxis()
    axes.set_xlabel("US dollars")
    return figure


def _concurrency(figures: Figures) -> Figure:
    rows = figures["rows"]
    runs = [row["runs"] for row in rows]
    figure = Figure(figsize=(11, 3.5))
    left, right = figure.subplots(1, 2)
    left.plot(runs, [row["runs_per_minute"] for row in rows], marker="o", color=BLUE)
    left.set(xlabel="runs at once", ylabel="runs per minute")
    right.plot(runs, [row["median_seconds"] for row in rows], marker="o", color=BLUE, label="median")
    right.plot(runs, [row["slowest_seconds"] for row in rows], marker="o", color=RED, label="slowest")
    right.set(xlabel="runs at once", ylabel="seconds", ylim=(0, None))
    right.legend(frameon=False)
    return figure


def _per_prospect(figures: Figures) -> Figure:
    figure = Figure(figsize=(9, 3))
    axes: Any = figure.subplots()
    count = range(1, len(figures["usd"]) + 1)
    axes.plot(count, figures["usd_per_prospect"], color=BLUE, label="mean of all playbooks")
    axes.plot(count, figures["usd"], color=GREY, label="this playbook")
    axes.set(xlabel="prospects", ylabel="US dollars", ylim=(0, None))
    axes.legend(frameon=False)
    return figure
