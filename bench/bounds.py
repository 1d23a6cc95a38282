"""The figures that the benchmark checks, with their bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Figures = Mapping[str, Any]


class Bound(NamedTuple):
    """A figure and the highest acceptable value. `quick` is the bound in the quick benchmark; None is no bound."""

    name: str
    figure: Callable[[Figures], float]
    limit: float
    unit: str = ""
    quick: float | None = None


class Checked(NamedTuple):
    name: str
    value: float
    limit: float
    unit: str

    @property
    def holds(self) -> bool:
        return self.value <= self.limit

    @property
    def line(self) -> str:
        mark = "ok    " if self.holds else "MISSED"
        return f"{mark} {self.name}: {self.value:.3g}{self.unit} (at most {self.limit:g}{self.unit})"


def _level(figures: Figures, runs: int) -> Figures:
    return next(row for row in figures["concurrency"]["rows"] if row["runs"] == runs)


def _main(figures: Figures, model: str) -> float:
    return next(row["median_seconds"] for name, row in figures["cpu"].items() if name.endswith(f", {model}"))


def _one(field: str) -> Callable[[Figures], float]:
    return lambda figures: figures["one_run"][field]


def _ratio(of: str, to: str) -> Callable[[Figures], float]:
    return lambda figures: figures["one_run"][of] / figures["one_run"][to]


MB = 2**20
BOUNDS = (
    Bound("CPU per run with a model", lambda f: _main(f, "openai"), 1.5, " s"),
    Bound("CPU per run without a key", lambda f: _main(f, "extractive"), 1.2, " s"),
    Bound("critical path of one run", _one("critical_path_seconds"), 90, " s"),
    Bound("cost of one run", _one("usd"), 0.20, " USD", 0.25),
    Bound("wall time / critical path", _ratio("wall_seconds", "critical_path_seconds"), 1.05, "", 3.0),
    Bound(
        "critical path / the same from the provider's log",
        _ratio("critical_path_seconds", "from_log_seconds"),
        1.05,
        "",
        2.0,
    ),
    Bound("wall time / classic plan", _ratio("wall_seconds", "classic_seconds"), 0.65, "", 1.5),
    Bound("wall time / own calls with barriers", _ratio("wall_seconds", "barriers_seconds"), 0.92, "", 2.0),
    Bound(
        "same deal again, pages fetched and asks",
        lambda f: f["one_run"]["again"]["pages_fetched"] + f["one_run"]["again"]["asks"],
        0,
        "",
        0,
    ),
    Bound("same deal again", lambda f: 1000 * f["one_run"]["again"]["seconds"], 300, " ms", 5000),
    Bound("slowest of 20 runs at once / single run", lambda f: _level(f, 20)["slowest_ratio"], 1.25),
    Bound("slowest of 50 runs at once / single run", lambda f: _level(f, 50)["slowest_ratio"], 1.6),
    Bound("slowest of 4 runs at once / single run", lambda f: _level(f, 4)["slowest_ratio"], 4, "", 4),
    Bound("/livez with 20 runs, 99th percentile", lambda f: _level(f, 20)["livez_p99_ms"], 50, " ms"),
    Bound("/livez with 50 runs, 99th percentile", lambda f: _level(f, 50)["livez_p99_ms"], 50, " ms"),
    Bound("memory per run in flight, 50 runs", lambda f: _level(f, 50)["pss_bytes_per_run"] / MB, 4, " MB"),
    Bound(
        "cost per prospect after 50 / first",
        lambda f: f["per_prospect"]["usd_per_prospect"][-1] / f["per_prospect"]["usd"][0],
        0.9,
    ),
    Bound("CPU from start to tools/list / trivial server", lambda f: f["startup"]["ratio"], 1.15, "", 1.6),
    Bound("idle memory", lambda f: f["idle"]["pss_bytes"] / MB, 110, " MB"),
    Bound("idle CPU share of a core", lambda f: 100 * f["idle"]["cpu_share"], 1, " %"),
    Bound("CPU of GET /runs/{id} / Starlette hello", lambda f: f["requests"]["rest_ratio"], 10),
    Bound("CPU of get_run over MCP / trivial tool", lambda f: f["requests"]["mcp_ratio"], 1.5),
    Bound(
        "durable engine's share of the wall time",
        lambda f: 100 * f["engines"]["overhead_seconds"] / f["one_run"]["wall_seconds"],
        2,
        " %",
    ),
)


def bounds(figures: Figures, *, quick: bool) -> list[Checked]:
    """Check each figure that was measured."""
    checked: list[Checked] = []
    for bound in BOUNDS:
        limit = bound.quick if quick else bound.limit
        if limit is None:
            continue
        try:
            value = bound.figure(figures)
        except (KeyError, StopIteration, TypeError):  # this benchmark did not measure it
            continue
        checked.append(Checked(bound.name, value, limit, bound.unit))
    return checked
