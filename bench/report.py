"""Writes the report of a benchmark: an HTML page with plots, and `docs/performance.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from bounds import bounds
from markdown_tables import table
from world import cases

Results = Mapping[str, Any]
MB = 2**20
# Kinds of calls that take less time than this are left out of the table.
MIN_SHOWN_SECONDS = 0.05


def write(results: Results, page: Path) -> None:
    """Write the report page."""
    page.write_text(_html(results), "utf-8")


def markdown(results: Results) -> str:
    """Return the text of `docs/performance.md`, which contains no more than the results."""
    return "\n".join(
        (
            "# Performance",
            "",
            "This page is written by `make bench`, from `bench/results.json`. Nothing in it is edited by hand.",
            "",
            *_origin(results),
            "",
            *(line for title, rows in _tables(results) for line in (f"## {title}", "", table(rows[0], rows[1:]), "")),
        )
    )


def _origin(results: Results) -> list[str]:
    machine, latency = results["machine"], results["settings"]["latency"]
    when = datetime.fromisoformat(results["measured_at"])
    text = (
        f"octave-mcp {results['version']}, measured on {when:%Y-%m-%d} on {machine['cores']} cores "
        f"({machine['processor'] or machine['system']}, {machine['memory_gb']} GB, Python {machine['python']}). "
        "No real provider was called. The simulated providers need "
        f"{latency['first_token_seconds']:g} s for the first token, read {latency['input_tokens_per_second']:,.0f} "
        f"tokens per second and write {latency['output_tokens_per_second']:g}. Answers are as long as recorded ones. "
        f"Half of the pages arrive within {latency['page_seconds']:g} s."
    )
    return [text]


Rows = list[tuple[str, ...]]


def _tables(results: Results) -> list[tuple[str, Rows]]:
    figures = results["figures"]
    makers = {
        "Targets": lambda: _targets(results),
        "One run": lambda: _one_run(figures["one_run"]),
        "Slowest calls of the run": lambda: _slowest(figures["one_run"]),
        "Cost per step": lambda: _cost_per_step(figures["one_run"]),
        "Time per kind of call": lambda: _time_per_call(figures["one_run"]),
        "Cases": lambda: _cases(figures["cases"]),
        "Runs at once on one process": lambda: _levels(figures["concurrency"]),
        "CPU time per run": lambda: _cpu(figures["cpu"]),
        "Kinds of findings per ask": lambda: _shapes(figures["shapes"]),
        "Cost per prospect": lambda: _per_prospect(figures["per_prospect"]),
        "Start page of the web app": lambda: _start_page(figures["start_page"]),
        "Several servers on one Postgres database": lambda: _postgres(figures["postgres"]),
        "What a run costs the database": lambda: _database(figures["postgres"]),
    }
    tables: list[tuple[str, Rows]] = []
    for title, make in makers.items():
        try:
            tables.append((title, make()))
        except KeyError:  # this benchmark did not measure it
            continue
    if results["skipped"]:
        tables.append(("Skipped", [("measurement", "reason"), *results["skipped"].items()]))
    return tables


def _targets(results: Results) -> Rows:
    checked = bounds(results["figures"], quick=results["settings"]["quick"])
    return [
        ("figure", "measured", "at most", ""),
        *(
            (one.name, f"{one.value:.3g}{one.unit}", f"{one.limit:g}{one.unit}", "reached" if one.holds else "missed")
            for one in checked
        ),
    ]


def _one_run(run: Results) -> Rows:
    again = run["again"]
    return [
        ("figure", "value"),
        ("companies", run["case"]),
        ("wall time", _seconds(run["wall_seconds"])),
        ("critical path", _seconds(run["critical_path_seconds"])),
        ("critical path by the provider's log", _seconds(run["from_log_seconds"])),
        ("the same calls with a barrier after each step", _seconds(run["barriers_seconds"])),
        ("classic plan: 8 + 3 + 4 specialists that each read all pages", _seconds(run["classic_seconds"])),
        ("cost", f"${run['usd']:.3f}"),
        ("asks", f"{run['asks']}"),
        ("input tokens, of which cached", f"{run['input_tokens']:,}, {run['cached_tokens']:,}"),
        ("output tokens", f"{run['output_tokens']:,}"),
        (
            "an equal request",
            f"{1000 * again['seconds']:.0f} ms, {again['asks']} asks, {again['pages_fetched']} pages fetched",
        ),
        ("critical path, in order", " → ".join(run["critical_path"])),
    ]


def _slowest(run: Results) -> Rows:
    return [("call", "seconds"), *((call["name"], _seconds(call["seconds"])) for call in run["slowest_calls"])]


def _cost_per_step(run: Results) -> Rows:
    costs = [
        (
            f"{cost['step']} ({cost['company'] or 'deal'})",
            f"{cost['asks']}",
            f"{cost['input_tokens']:,}",
            f"{cost['output_tokens']:,}",
            f"${cost['usd'] or 0:.4f}",
        )
        for cost in run["cost_per_step"]
    ]
    return [("step", "asks", "input tokens", "output tokens", "cost"), *costs]


def _time_per_call(run: Results) -> Rows:
    seconds: dict[str, float] = {}
    for step in run["steps"]:
        seconds[_kind(step["name"])] = seconds.get(_kind(step["name"]), 0) + step["ended"] - step["began"]
    slowest = sorted(seconds.items(), key=lambda item: -item[1])
    return [
        ("call", "seconds, summed over parallel calls"),
        *((name, f"{total:.1f} s") for name, total in slowest if total >= MIN_SHOWN_SECONDS),
    ]


def _kind(name: str) -> str:
    """Return a step's name without numbers and companies: 'pack ask' for 'vendor/pack-3/ask-2'."""
    parts = [part.rstrip("-0123456789") for part in name.split("/") if part not in {"vendor", "prospect"}]
    return " ".join(dict.fromkeys(parts))


def _cases(figures: Results) -> Rows:
    rows: Rows = [("case, all at once", "model", "status", "wall", "critical path", "cost", "asks", "pages", "error")]
    for row in figures["rows"]:
        if "error" in row:
            rows.append((row["case"], row["model"], row["status"], "", "", "", "", "", row["error"]))
            continue
        path, usd = row["critical_path_seconds"], row["usd"]
        cost = "" if usd is None else f"${usd:.3f}"
        rows.append(
            (
                row["case"],
                row["model"],
                row["status"],
                _seconds(row["wall_seconds"]),
                _seconds(path),
                cost,
                f"{row['asks']}",
                f"{row['pages_fetched']}",
                "",
            )
        )
    return [*rows, *((name, "", "skipped", "", "", "", "", "", reason) for name, reason in figures["skipped"].items())]


def _levels(figures: Results) -> Rows:
    return [
        (
            "runs",
            "median",
            "slowest",
            "slowest / single",
            "runs per minute",
            "CPU per run",
            "/livez p50",
            "/livez p99",
            "memory per run",
        ),
        *(
            (
                f"{row['runs']}",
                _seconds(row["median_seconds"]),
                _seconds(row["slowest_seconds"]),
                f"{row['slowest_ratio']:.2f}",
                f"{row['runs_per_minute']:.1f}",
                f"{row['cpu_seconds_per_run']:.2f} s",
                f"{row['livez_p50_ms']:.1f} ms",
                f"{row['livez_p99_ms']:.1f} ms",
                f"{row['pss_bytes_per_run'] / MB:.1f} MB",
            )
            for row in figures["rows"]
        ),
    ]


def _cpu(figures: Results) -> Rows:
    main = cases()[0].name
    rows = (
        (name.replace("main", main), f"{row['median_seconds']:.2f} s", f"{row['least_seconds']:.2f} s")
        for name, row in figures.items()
    )
    return [("case and model, with shortened waits", "median", "lowest"), *rows]


def _shapes(figures: Results) -> Rows:
    return [
        (
            "kinds per ask about the vendor",
            "wall",
            "critical path",
            "asks",
            "input tokens",
            "cached",
            "cached if schemas were not part of prompts",
            "output tokens",
            "cost",
        ),
        *(
            (
                f"{row['specialists_per_ask']}",
                _seconds(row["wall_seconds"]),
                _seconds(row["critical_path_seconds"]),
                f"{row['asks']}",
                f"{row['input_tokens']:,}",
                f"{row['cached_tokens'] / row['input_tokens']:.0%}",
                f"{row['sharable_share']:.0%}",
                f"{row['output_tokens']:,}",
                f"${row['usd']:.3f}",
            )
            for row in figures["rows"]
        ),
    ]


def _per_prospect(figures: Results) -> Rows:
    costs, totals = figures["usd"], figures["usd_per_prospect"]
    shown = [count for count in (1, 2, 5, 10, 20, 50) if count <= len(costs)]
    return [
        ("prospects", "cost of this playbook", "mean cost per prospect"),
        *((f"{count}", f"${costs[count - 1]:.3f}", f"${totals[count - 1]:.3f}") for count in shown),
    ]


def _start_page(figures: Results) -> Rows:
    spread = f"{figures['least_ms']:.0f} to {figures['most_ms']:.0f} ms"
    return [
        ("figure", "value"),
        ("first contentful paint, median", f"{figures['median_ms']:.0f} ms"),
        (f"range of {figures['visits']} visits, each in a new browser profile", spread),
        ("size with headers, and files loaded", f"{figures['bytes'] / 1000:.1f} kB, {figures['requests']}"),
    ]


def _postgres(figures: Results) -> Rows:
    return [
        ("processes", "runs per minute", "relative to one", "failed"),
        *(
            (f"{row['processes']}", f"{row['runs_per_minute']:.1f}", f"{row['relative']:.2f}", f"{row['failed']}")
            for row in figures["rows"]
        ),
    ]


def _database(figures: Results) -> Rows:
    used = ((name.replace("_", " "), f"{value:,.0f}") for name, value in figures["per_run"].items())
    limit = f"{figures['runs_per_second_at_limit']:.1f} runs per second"
    return [("per run", "amount"), *used, ("limit of one server at 5,000 commits per second", limit)]


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"


def _html(results: Results) -> str:
    from plots import plots  # noqa: PLC0415 - slow to import, and not needed for the text

    tables = "".join(f"<h2>{escape(title)}</h2>{_as_table(rows)}" for title, rows in _tables(results))
    drawn = "".join(
        f"<figure>{svg}<figcaption>{escape(title)}</figcaption></figure>" for title, svg in plots(results["figures"])
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>octave-mcp: performance</title>"
        f"<style>{STYLE}</style><h1>Performance</h1><p>{escape(_origin(results)[0])}</p>{drawn}{tables}</html>\n"
    )


def _as_table(rows: Sequence[Sequence[str]]) -> str:
    header, *body = rows
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in body)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c2330}"
    "table{border-collapse:collapse;font-size:14px}"
    "td,th{padding:.25rem .6rem;border-bottom:1px solid #d8dde6;text-align:left}"
    "figure{margin:1.5rem 0}figcaption{color:#596275}svg{max-width:100%;height:auto}"
)
