"""The figures that the benchmark checks, with their bounds."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

MB = 2**20


class Bound(NamedTuple):
    """A figure and the highest acceptable value.

    - `figure`: the place of the figure in the results, such as 'concurrency/rows/20/slowest_ratio'.
    - `to`: the place of the figure to divide by, or a number to divide by.
    - `quick`: the bound in the quick benchmark; None if the quick benchmark does not check the figure.
    """

    name: str
    figure: str
    limit: float
    unit: str = ""
    to: str | float = 1
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


BOUNDS = (
    Bound("CPU per run with a model", "cpu/main, openai/median_seconds", 1.5, " s"),
    Bound("CPU per run without a key", "cpu/main, extractive/median_seconds", 1.2, " s"),
    Bound("critical path of one run", "one_run/critical_path_seconds", 90, " s"),
    Bound("cost of one run", "one_run/usd", 0.20, " USD", quick=0.25),
    Bound("wall / critical path", "one_run/wall_seconds", 1.05, to="one_run/critical_path_seconds", quick=5),
    Bound(
        "critical path / the same from the provider's log",
        "one_run/critical_path_seconds",
        1.05,
        to="one_run/from_log_seconds",
        quick=3,
    ),
    Bound("wall / classic plan", "one_run/wall_seconds", 0.65, to="one_run/classic_seconds", quick=5),
    Bound("wall / own calls with barriers", "one_run/wall_seconds", 0.92, to="one_run/barriers_seconds", quick=5),
    Bound("equal request: pages fetched", "one_run/again/pages_fetched", 0, quick=0),
    Bound("equal request: asks", "one_run/again/asks", 0, quick=0),
    Bound("equal request", "one_run/again/seconds", 300, " ms", to=0.001, quick=10_000),
    Bound("slowest of 3 runs at once / single run", "concurrency/rows/3/slowest_ratio", 2.5, quick=2.5),
    Bound("slowest of 20 runs at once / single run", "concurrency/rows/20/slowest_ratio", 1.25),
    Bound("slowest of 50 runs at once / single run", "concurrency/rows/50/slowest_ratio", 1.6),
    Bound("/livez with 20 runs, 99th percentile", "concurrency/rows/20/livez_p99_ms", 50, " ms"),
    Bound("/livez with 50 runs, 99th percentile", "concurrency/rows/50/livez_p99_ms", 50, " ms"),
    Bound("memory per run in flight, 50 runs", "concurrency/rows/50/pss_bytes_per_run", 4, " MB", to=MB),
    Bound(
        "mean cost per prospect / first playbook", "per_prospect/last_usd_per_prospect", 1, to="per_prospect/first_usd"
    ),
    Bound("CPU from start to tools/list / trivial server", "startup/ratio", 1.15, quick=1.6),
    Bound("idle memory over HTTP", "idle/http_pss_mb", 110, " MB"),
    Bound("idle memory over stdio", "idle/stdio_pss_mb", 110, " MB"),
    Bound("idle CPU of a core", "idle/http_cpu_percent", 1, " %"),
    Bound("first contentful paint of the start page", "start_page/median_ms", 300, " ms", quick=1_000),
    Bound("size of the start page with its files", "start_page/bytes", 150, " kB", to=1_000, quick=150),
    Bound("CPU of GET /runs/{id} / Starlette hello", "polls/rest_ratio", 10),
    Bound("CPU of get_run over HTTP / trivial tool", "polls/mcp_http_ratio", 1.5),
    Bound("CPU of get_run over stdio / trivial tool", "polls/mcp_stdio_ratio", 1.5),
    Bound("overhead of the durable engine / wall", "engines/overhead_seconds", 0.02, to="one_run/wall_seconds"),
)


def bounds(figures: Any, *, quick: bool) -> list[Checked]:  # noqa: ANN401 - JSON
    """Check each figure that was measured."""
    checked: list[Checked] = []
    for bound in BOUNDS:
        limit = bound.quick if quick else bound.limit
        value, to = _at(figures, bound.figure), _at(figures, bound.to) if isinstance(bound.to, str) else bound.to
        if limit is not None and value is not None and to:
            checked.append(Checked(bound.name, value / to, limit, bound.unit))
    return checked


def _at(figures: Any, place: str) -> float | None:  # noqa: ANN401 - JSON
    """Return the figure at this place, or None if it was not measured. A number selects the row with as many runs."""
    part = figures
    for name in place.split("/"):
        if part is not None:
            part = _row(cast("list[dict[str, Any]]", part), name) if isinstance(part, list) else part.get(name)
    return part


def _row(rows: list[dict[str, Any]], runs: str) -> Any:  # noqa: ANN401 - JSON
    return next((row for row in rows if row["runs"] == int(runs)), None)
