"""The command `logs`, which reads only log files. It works even if the database does not."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated

from cyclopts import Parameter

from octave_mcp.errors import InputError
from octave_mcp.observability.log_lines import Log, UnreadableLines
from octave_mcp.observability.log_summary import LogSummary, Percentiles, summary
from octave_mcp.observability.logs import log_path
from octave_mcp.observability.run_log import CallSpan, FetchSpan, Retry, RunLog, Span, StepSpan, StepUsage, run_log
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.terminal import DONE, PLAIN, Output, RunId, counted, on_one_line, table

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
# The timeline has bars if the terminal has at least this many columns.
MIN_COLUMNS = 80
MIN_BAR = 10
MAX_NAME = 36
MAX_CAUSE = 80
# Shorter durations are shown in hundredths of a second.
MAX_PRECISE = 10


def logs(
    run: RunId | None = None,
    /,
    *,
    summarise: Annotated[bool, Parameter(name="--summary", negative=(), help="Summarise all runs in the log")] = False,
    since: Annotated[
        str | None,
        Parameter(
            help="With --summary: leave out lines before this time, e.g. 24h (ago), 7d, 2026-03-01 or 2026-03-01T09:30"
        ),
    ] = None,
    file: Annotated[
        Path | None, Parameter(help="Log file to read; default: OCTAVE_LOG_FILE, or OCTAVE_HOME/logs/octave.jsonl")
    ] = None,
    output: Output = PLAIN,
) -> int:
    """Show what the log says about one run, or summarise all runs in the log.

    For a run: its timeline, slowest calls, retries, corrections and cost. The rotated files of the log are read, too.
    """
    if (run is None) != summarise:
        raise InputError("give either a run ID or --summary, as in 'octave-mcp logs --summary'")
    if since is not None and not summarise:
        raise InputError("--since can be used only with --summary")
    start = _time(since) if since is not None else None
    log = Log(file.expanduser() if file else log_path(load()))
    if run is None:
        _show_summary(summary(log, start), output)
    else:
        _show_run(run_log(log, run), output)
    return DONE


def _time(since: str) -> datetime:
    try:
        if span := re.fullmatch(r"(\d+)([mhd])", since):
            return datetime.now(UTC) - timedelta(**{UNITS[span[2]]: int(span[1])})
        return datetime.fromisoformat(since).astimezone()
    except (ValueError, OverflowError):
        raise InputError(
            f"invalid --since {since!r}; give a duration like 24h or 7d, or a date like 2026-03-01"
        ) from None


def _show_run(found: RunLog, output: Output) -> None:
    output.result(found, lambda: _run_text(found))
    if not found.is_complete:
        output.hint("the log does not contain the start of this run; the times count from the first line about the run")
    if found.omitted:
        output.hint(f"left out {counted(found.omitted, 'line')}, because the log has too many lines about this run")
    _hint_unreadable(found.unreadable, output)


def _show_summary(found: LogSummary, output: Output) -> None:
    output.result(found, lambda: _summary_text(found))
    if not found.runs:
        since = f" since {found.since.astimezone():%Y-%m-%d %H:%M}" if found.since else ""
        output.hint(f"the log contains no runs{since}")
    _hint_unreadable(found.unreadable, output)


def _hint_unreadable(unreadable: UnreadableLines, output: Output) -> None:
    if unreadable.lines:
        lines, files = counted(unreadable.lines, "line"), counted(len(unreadable.files), "file")
        output.hint(f"skipped {lines} that octave-mcp cannot read, in {files}: {', '.join(unreadable.files)}")


def _run_text(found: RunLog) -> str:
    status = f"{found.status} after {_seconds(found.seconds)} s"
    resumed = f", resumed {counted(found.resumes, 'time')}" if found.resumes else ""
    head = f"{found.run_id}  {found.started_at.astimezone():%Y-%m-%d %H:%M:%S}  {_plain(status)}{resumed}"
    slowest = [(_seconds(call.seconds), _place(call), call.prompt, call.model) for call in found.slowest]
    retries = [
        (
            f"{one.at_seconds:.2f}",
            _place(one),
            one.what or "fetch",
            f"wait {one.wait_seconds:.2f} s",
            _cut(one.cause, MAX_CAUSE),
        )
        for one in found.retries
    ]
    corrections = [
        (f"{call.start_seconds:.2f}", _seconds(call.seconds), _place(call), call.prompt, call.model)
        for call in found.corrections
    ]
    parts = (
        head if found.error is None else f"{head}\n{_plain(found.error)}",
        _titled("timeline (start and duration in seconds)", _timeline(found)),
        _titled("slowest calls (seconds)", _rows(slowest)),
        _titled("retries (start in seconds)", _rows(retries)),
        _titled("corrections (start and duration in seconds)", _rows(corrections)),
        _titled("other problems", _rows([(problem,) for problem in found.problems])),
        _titled("cost", _cost(found)),
    )
    return "\n\n".join(filter(None, parts))


def _timeline(found: RunLog) -> str:
    spans = [*_in_order(found)]
    rows = [(f"{span.start_seconds:.2f}", _seconds(span.seconds), _name(span)) for span in spans]
    if not rows:
        return ""
    lines = _rows(rows).split("\n")
    room = get_terminal_size().columns - max(map(len, lines)) - 4
    if not sys.stdout.isatty() or get_terminal_size().columns < MIN_COLUMNS or room < MIN_BAR:
        return "\n".join(lines)
    width, whole = (
        max(map(len, lines)),
        max(found.seconds, *(span.start_seconds + (span.seconds or 0) for span in spans)),
    )
    return "\n".join(
        f"{line:<{width}}  {_bar(span, whole, room)}".rstrip() for line, span in zip(lines, spans, strict=True)
    )


def _in_order(found: RunLog) -> Iterator[Span]:
    """Yield each step, followed by its calls and fetches."""
    inside: dict[tuple[str, str | None], list[Span]] = {}
    for span in sorted((*found.fetches, *found.calls), key=lambda span: span.start_seconds):
        inside.setdefault((span.step, span.company), []).append(span)
    for step in found.steps:
        yield step
        yield from inside.pop((step.step, step.company), ())


def _name(span: Span) -> str:
    if isinstance(span, StepSpan):
        failed = f"failed: {span.error or 'unknown error'}" if span.success is False else ""
        return _cut(f"{_place(span)} {failed}")
    if isinstance(span, FetchSpan):
        counts = f"{span.pages} pages, {span.cached_pages} cached" if span.fetched == "pages" else span.error or ""
        return _cut(f"  fetch {span.fetched} {counts}")
    if isinstance(span, CallSpan):
        notes = (span.error, "reused" if span.reused else "", "correction" if span.is_correction else "")
        return _cut(f"  {span.prompt} {' '.join(filter(None, notes))}")
    raise TypeError(f"unexpected span: {span!r}")


def _place(part: Span | Retry | StepUsage) -> str:
    return f"{part.step} ({part.company})" if part.company else part.step


def _bar(span: Span, whole: float, width: int) -> str:
    fine = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    mark = ("█" if fine else "#") if isinstance(span, StepSpan) else ("─" if fine else "-")
    per_column = whole / width if whole else 1.0
    start = min(width - 1, int(span.start_seconds / per_column))
    length = max(1, round((span.seconds or 0) / per_column))
    return " " * start + mark * min(length, width - start)


def _cost(found: RunLog) -> str:
    if not found.cost:
        return ""
    head = ("step", "calls", "reused", "input", "cached", "output", "USD")
    return _rows((head, *map(_usage, found.cost), _usage(found.total.model_copy(update={"step": "total"}))))


def _usage(used: StepUsage) -> tuple[str, ...]:
    usd = "unknown" if used.usd is None else f"{used.usd:.4f}"
    counts = (used.calls, used.reused, used.input_tokens)
    return (_place(used), *(f"{n:,}" for n in counts), _percent(used.cached_share), f"{used.output_tokens:,}", usd)


def _summary_text(found: LogSummary) -> str:
    answers, pages = found.answers, found.pages
    times = (
        f"{found.first_at.astimezone():%Y-%m-%d %H:%M} to {found.last_at.astimezone():%Y-%m-%d %H:%M}"
        if (found.first_at and found.last_at)
        else "no lines"
    )
    whole = {"whole run": found.run_seconds} if found.run_seconds else {}
    unpriced = f", and {counted(answers.unpriced, 'call')} of unknown price" if answers.unpriced else ""
    reuse = (
        ("answers", f"{answers.calls + answers.reused:,}, {_percent(answers.reused_share)} reused"),
        ("corrections", f"{answers.corrections:,}"),
        ("input tokens", f"{answers.input_tokens:,}, {_percent(answers.cached_share)} cached"),
        ("output tokens", f"{answers.output_tokens:,}"),
        ("pages", f"{pages.pages:,}, {_percent(pages.cached_share)} cached, {pages.failed:,} failed"),
        ("cost", f"${answers.usd:.4f}{unpriced}"),
    )
    errors = {
        "errors of runs": found.run_errors,
        "errors of steps": found.step_errors,
        "errors of calls": found.call_errors,
        "unexpected exceptions (bugs in octave-mcp)": found.exceptions,
    }
    parts = (
        f"{counted(sum(found.runs.values()), 'run')}, {times}",
        _titled("runs by status", _counts(found.runs)),
        _titled("seconds per run and per step", _percentiles({**whole, **found.step_seconds})),
        _titled("seconds per model call", _percentiles(found.call_seconds)),
        *(_titled(title, _counts(counts)) for title, counts in errors.items()),
        _titled("answers and pages", _rows(reuse)),
    )
    return "\n\n".join(filter(None, parts))


def _percentiles(durations: Mapping[str, Percentiles]) -> str:
    if not durations:
        return ""
    head = ("", "count", "p50", "p90", "p99", "longest")
    return _rows(
        (
            head,
            *(
                (name, f"{d.count:,}", *map(_seconds, (d.p50, d.p90, d.p99, d.longest)))
                for name, d in durations.items()
            ),
        )
    )


def _counts(counts: Mapping[str, int]) -> str:
    return _rows([(name, f"{count:,}") for name, count in counts.items()])


def _titled(title: str, text: str) -> str:
    return f"{title}:\n{text}" if text else ""


def _rows(rows: Iterable[Sequence[str]]) -> str:
    """Return an indented table. Columns of numbers are aligned to the right."""
    lines = [[_plain(cell) for cell in row] for row in rows]
    if not lines:
        return ""
    columns = [*zip(*lines, strict=True)]
    aligned = [_aligned(column) for column in columns]
    return "\n".join(f"  {line}" for line in table(zip(*aligned, strict=True)).split("\n"))


def _aligned(column: Sequence[str]) -> Sequence[str]:
    is_number = all(re.fullmatch(r"[-\d.,]+%?|unknown|", cell) for cell in column[1:]) and len(column) > 1
    return [cell.rjust(max(map(len, column))) for cell in column] if is_number else column


def _plain(text: str) -> str:
    return on_one_line(text)


def _cut(text: str, length: int = MAX_NAME) -> str:
    text = text.rstrip()
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:,.{2 if seconds < MAX_PRECISE else 1}f}"


def _percent(part: float) -> str:
    return f"{part:.0%}"
