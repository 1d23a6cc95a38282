"""A summary of all runs in a log: their results, durations, errors, reuse and cost."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from math import ceil

from octave_mcp.domain.value import Value
from octave_mcp.observability.log_lines import Log, LogLine, UnreadableLines
from octave_mcp.observability.run_log import UNFINISHED, share

# Maximum number of different names in a table, so that a damaged log cannot fill the memory.
MAX_NAMES = 200
OTHER = "other"
ERROR_CODE = re.compile(r"[A-Za-z_]\w*(?=:|\Z)")
# The last line of a traceback: the class of the exception, and its message.
EXCEPTION = re.compile(r"^([A-Za-z_][\w.]*)(?::.*)?$", re.MULTILINE)


class Percentiles(Value):
    """Durations in seconds. 90 of 100 durations are at most `p90`."""

    count: int
    p50: float
    p90: float
    p99: float
    longest: float


class Answers(Value):
    """Model answers. `calls` were paid for, `reused` came from the cache. `corrections` are among `calls`."""

    calls: int
    reused: int
    reused_share: float
    corrections: int
    input_tokens: int
    cached_tokens: int
    cached_share: float
    output_tokens: int
    usd: float
    unpriced: int


class PagesRead(Value):
    """Pages that runs read. `cached` of `pages` came from the cache."""

    pages: int
    cached: int
    cached_share: float
    failed: int


class LogSummary(Value):
    """The runs in a log. `runs` counts the runs by status, and `run_seconds` is None if no run has ended.

    `errors`: how often a run, step or call failed, by error code; exceptions that are bugs are counted by class.
    """

    since: datetime | None
    first_at: datetime | None
    last_at: datetime | None
    runs: dict[str, int]
    run_seconds: Percentiles | None
    step_seconds: dict[str, Percentiles]
    call_seconds: dict[str, Percentiles]
    run_errors: dict[str, int]
    step_errors: dict[str, int]
    call_errors: dict[str, int]
    exceptions: dict[str, int]
    answers: Answers
    pages: PagesRead
    unreadable: UnreadableLines


def summary(log: Log, since: datetime | None = None) -> LogSummary:
    """Summarise the lines of the log, or only the lines at or after the time `since`.

    Raises:
        NotFound: If there is no log.
        SetupError: If the log cannot be read.
    """
    counter = _Counter()
    for line in log.lines():
        if since is None or line.timestamp >= since:
            counter.add(line)
    return counter.result(since, log.unreadable)


class _Durations:
    """Durations by name, with 8 bytes per duration."""

    def __init__(self) -> None:
        self._seconds: dict[str, array[float]] = {}

    def add(self, name: str, seconds: float | None) -> None:
        if seconds is not None:
            name = name if name in self._seconds or len(self._seconds) < MAX_NAMES else OTHER
            self._seconds.setdefault(name, array("d")).append(seconds)

    @property
    def percentiles(self) -> dict[str, Percentiles]:
        return {name: _percentiles(seconds) for name, seconds in sorted(self._seconds.items())}


class _Counter:
    def __init__(self) -> None:
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._statuses: dict[str, str] = {}
        self._runs, self._steps, self._calls = _Durations(), _Durations(), _Durations()
        self._errors: dict[str, Counter[str]] = {kind: Counter() for kind in ("run", "step", "call", "exception")}
        self._sums = Counter[str]()
        self._usd = 0.0

    def add(self, line: LogLine) -> None:
        self._first = min(self._first or line.timestamp, line.timestamp)
        self._last = max(self._last or line.timestamp, line.timestamp)
        if line.run_id and line.event:
            self._statuses.setdefault(line.run_id, UNFINISHED)
        if line.exception:
            self._count("exception", _class_of(line.exception))
        match line.event:
            case "run_finished" if line.run_id:
                self._statuses[line.run_id] = line.detail or UNFINISHED
                self._runs.add("", line.seconds)
                self._count_failure("run", line)
            case "step_finished":
                self._steps.add(line.step or "", line.seconds)
                self._count_failure("step", line)
            case "call_failed":
                self._calls.add(line.model or OTHER, line.seconds)
                self._count("call", _code(line.error))
            case "answered":
                self._add_answer(line)
            case "fetched":
                self._add_fetch(line)
            case _:
                pass

    def _add_answer(self, line: LogLine) -> None:
        if line.reused:
            self._sums["reused"] += 1
            return
        self._calls.add(line.model or OTHER, line.seconds)
        self._usd += line.usd or 0
        self._sums.update(
            {
                "calls": 1,
                "corrections": line.is_correction,
                "input_tokens": line.input_tokens,
                "cached_tokens": line.cached_tokens,
                "output_tokens": line.output_tokens,
                "unpriced": line.usd is None,
            }
        )

    def _add_fetch(self, line: LogLine) -> None:
        self._sums.update({"pages": line.pages, "cached": line.cached_pages, "failed": line.failed_pages})
        self._count_failure("call", line)

    def _count_failure(self, kind: str, line: LogLine) -> None:
        if line.success is False and line.error:
            self._count(kind, _code(line.error))

    def _count(self, kind: str, name: str) -> None:
        counts = self._errors[kind]
        counts[name if name in counts or len(counts) < MAX_NAMES else OTHER] += 1

    def result(self, since: datetime | None, unreadable: UnreadableLines) -> LogSummary:
        sums = self._sums
        answers = {name: sums[name] for name in Answers.model_fields if not name.endswith("share") and name != "usd"}
        return LogSummary(
            since=since,
            first_at=self._first,
            last_at=self._last,
            runs=_by_count(Counter(self._statuses.values())),
            run_seconds=self._runs.percentiles.get(""),
            step_seconds=self._steps.percentiles,
            call_seconds=self._calls.percentiles,
            run_errors=_by_count(self._errors["run"]),
            step_errors=_by_count(self._errors["step"]),
            call_errors=_by_count(self._errors["call"]),
            exceptions=_by_count(self._errors["exception"]),
            answers=Answers(
                **answers,
                reused_share=share(sums["reused"], sums["reused"] + sums["calls"]),
                cached_share=share(sums["cached_tokens"], sums["input_tokens"]),
                usd=round(self._usd, 9),
            ),
            pages=PagesRead(
                pages=sums["pages"],
                cached=sums["cached"],
                cached_share=share(sums["cached"], sums["pages"]),
                failed=sums["failed"],
            ),
            unreadable=unreadable,
        )


def _percentiles(seconds: array[float]) -> Percentiles:
    ordered = sorted(seconds)
    p50, p90, p99 = (round(ordered[ceil(len(ordered) * share / 100) - 1], 3) for share in (50, 90, 99))
    return Percentiles(count=len(ordered), p50=p50, p90=p90, p99=p99, longest=round(ordered[-1], 3))


def _code(error: str | None) -> str:
    """Return the code at the start of an error, or 'other' if the error is only a sentence."""
    found = ERROR_CODE.match(error or "")
    return found[0] if found else OTHER


def _class_of(traceback: str) -> str:
    """Return the class of the exception. The last match is not always the class, because a message can have lines."""
    found = EXCEPTION.findall(traceback)
    return str(found[-1]) if found else OTHER


def _by_count(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
