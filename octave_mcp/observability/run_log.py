"""What the log says about one run: its timeline, retries, corrections and cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from octave_mcp.domain.value import Value
from octave_mcp.errors import NotFound
from octave_mcp.observability.log_lines import Log, LogLine, UnreadableLines, retention

T = TypeVar("T")

UNFINISHED = "unfinished"
SLOWEST = 5
# Maximum number of entries of each kind, so that a damaged log cannot fill the memory. A real run has about 100.
MAX_ENTRIES = 10_000
# Two log lines are about the same retry if their times and waits differ by less than this many seconds.
SAME_TIME_SECONDS, SAME_WAIT = 0.25, 0.006


class Span(Value):
    """A part of a run. `start_seconds` counts from the start of the run. `seconds` is None if unknown."""

    step: str
    company: str | None
    start_seconds: float
    seconds: float | None


class StepSpan(Span):
    """A step. `success` is None if the step has not ended, or if only its calls are logged."""

    success: bool | None = None
    error: str | None = None


class CallSpan(Span):
    """A model call. `error` is the code of the failure. `seconds` includes the wait for a free model."""

    model: str
    prompt: str
    attempt: int
    is_correction: bool
    reused: bool
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    usd: float | None
    error: str | None


class FetchSpan(Span):
    """A fetch of pages. See `PageFetch` for the counts."""

    fetched: str
    pages: int
    failed_pages: int
    cached_pages: int
    error: str | None


class Retry(Value):
    """A call that failed and was repeated after a wait. `what` names the prompt, or '' for a fetch."""

    at_seconds: float
    step: str
    company: str | None
    what: str
    cause: str
    wait_seconds: float


class StepUsage(Value):
    """Model calls of a step. `cached_share` is the share of input tokens from the provider's cache.

    `usd` is None if the price of a call is unknown.
    """

    step: str
    company: str | None = None
    calls: int = 0
    reused: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cached_share: float = 0.0
    output_tokens: int = 0
    usd: float | None = 0.0


class RunLog(Value):
    """Everything that the log says about a run.

    - `status`: the final status, or 'unfinished' if the log does not contain the end of the run.
    - `is_complete`: whether the log contains the start of the run.
    - `resumes`: how often the run was resumed.
    - `problems`: messages about failures other than those of calls.
    - `omitted`: the number of lines that were left out, because there are too many.
    """

    run_id: str
    session_id: str
    status: str
    error: str | None
    started_at: datetime
    seconds: float
    is_complete: bool
    resumes: int
    steps: tuple[StepSpan, ...]
    calls: tuple[CallSpan, ...]
    fetches: tuple[FetchSpan, ...]
    slowest: tuple[CallSpan, ...]
    retries: tuple[Retry, ...]
    corrections: tuple[CallSpan, ...]
    problems: tuple[str, ...]
    cost: tuple[StepUsage, ...]
    total: StepUsage
    omitted: int
    unreadable: UnreadableLines


def run_log(log: Log, run_id: str) -> RunLog:
    """Read what the log says about a run.

    Raises:
        NotFound: If there is no log, or no line about the run.
        SetupError: If the log cannot be read.
    """
    collector = _Collector(run_id)
    for line in log.lines():
        if line.run_id == run_id:
            collector.add(line)
    if not collector.first_at:
        starts = f", which starts on {log.starts_at.astimezone():%Y-%m-%d at %H:%M}" if log.starts_at else ""
        raise NotFound(
            f"there is no line about run {run_id!r} in the log {str(log.path)!r}{starts}; octave-mcp runs lists the "
            f"runs and their times; if the run is older than the log, its lines were deleted, because {retention()}; "
            "if another server executed the run, name that server's log with --file"
        )
    return collector.result(log.unreadable)


@dataclass(slots=True)
class _Collector:
    """Collects the lines of one run."""

    run_id: str
    first_at: datetime | None = None
    last_at: datetime | None = None
    start: LogLine | None = None
    end: LogLine | None = None
    session_id: str = ""
    resumes: int = 0
    omitted: int = 0
    open_steps: dict[tuple[str, str | None], list[LogLine]] = field(
        default_factory=dict[tuple[str, str | None], list[LogLine]]
    )
    ended_steps: list[LogLine] = field(default_factory=list[LogLine])
    calls: list[LogLine] = field(default_factory=list[LogLine])
    fetches: list[LogLine] = field(default_factory=list[LogLine])
    retries: list[LogLine] = field(default_factory=list[LogLine])
    problems: list[LogLine] = field(default_factory=list[LogLine])

    def add(self, line: LogLine) -> None:
        # Several processes can write to the log, so the lines are not always in the order of their times.
        self.first_at = min(self.first_at or line.timestamp, line.timestamp)
        self.last_at = max(self.last_at or line.timestamp, line.timestamp)
        self.session_id = self.session_id or line.session_id or ""
        match line.event:
            case "run_started":
                self.start = line
            case "run_resumed":
                self.resumes += 1
            case "run_finished":
                self.end = line
            case "step_started":
                self._append(self.open_steps.setdefault(_place(line), []), line)
            case "step_finished":
                started = self.open_steps.get(_place(line))
                if started:
                    started.pop(0)
                self._append(self.ended_steps, line)
            case _:
                self._add_call(line)

    def _add_call(self, line: LogLine) -> None:
        if line.prompt and line.event in {"answered", "call_failed"}:
            self._append(self.calls, line)
        elif line.fetched and line.event == "fetched":
            self._append(self.fetches, line)
        elif line.wait_for is not None:
            self._append(self.retries, line)
        elif line.event == "call_failed":
            self._append(self.problems, line)

    def _append(self, lines: list[LogLine], line: LogLine) -> None:
        if len(lines) < MAX_ENTRIES:
            lines.append(line)
        else:
            self.omitted += 1

    def result(self, unreadable: UnreadableLines) -> RunLog:
        calls, fetches = tuple(map(self._call, self.calls)), tuple(map(self._fetch, self.fetches))
        timed = [call for call in calls if call.seconds is not None and not call.reused]
        slowest = sorted(timed, key=lambda call: call.seconds or 0, reverse=True)[:SLOWEST]
        cost = usage(self.calls)
        end, last = self.end, self.last_at or self._zero
        return RunLog(
            run_id=self.run_id,
            session_id=self.session_id,
            status=(end.detail if end else None) or UNFINISHED,
            error=end.error if end else None,
            started_at=self._zero,
            seconds=round((last - self._zero).total_seconds(), 3),
            is_complete=self.start is not None,
            resumes=self.resumes,
            steps=tuple(sorted(self._steps((*calls, *fetches)), key=lambda step: step.start_seconds)),
            calls=calls,
            fetches=fetches,
            slowest=tuple(slowest),
            retries=tuple(sorted(self._retries(), key=lambda retry: retry.at_seconds)),
            corrections=tuple(call for call in calls if call.is_correction),
            problems=tuple(line.error or line.detail or line.message for line in self.problems),
            cost=cost,
            total=_sum("", None, self.calls),
            omitted=self.omitted,
            unreadable=unreadable,
        )

    @property
    def _zero(self) -> datetime:
        # A line can be earlier than the first event, because the clock of the machine can be set back.
        first = self.start.timestamp if self.start else self.first_at
        if first is None:
            raise AssertionError("unreachable: a result needs a line")
        return first

    def _offset(self, line: LogLine, seconds: float = 0) -> float:
        return round(max(0.0, (line.timestamp - self._zero).total_seconds() - seconds), 3)

    def _place(self, line: LogLine) -> dict[str, object]:
        seconds = line.seconds
        start = self._offset(line, seconds or 0)
        return {"step": line.step or "", "company": line.company, "start_seconds": start, "seconds": seconds}

    def _call(self, line: LogLine) -> CallSpan:
        given = line.model_dump(include=set(CallSpan.model_fields))
        return CallSpan.model_validate(given | {"model": line.model or ""} | self._place(line))

    def _fetch(self, line: LogLine) -> FetchSpan:
        return FetchSpan.model_validate(line.model_dump(include=set(FetchSpan.model_fields)) | self._place(line))

    def _steps(self, calls: Iterable[Span]) -> Iterator[StepSpan]:
        ended = [
            StepSpan.model_validate(self._place(line) | {"success": line.success, "error": line.error})
            for line in self.ended_steps
        ]
        started = [StepSpan.model_validate(self._place(line)) for lines in self.open_steps.values() for line in lines]
        yield from (*ended, *started)
        known = {(step.step, step.company) for step in (*ended, *started)}
        # The step `read_pack` is executed several times in parallel, and logs only its calls.
        without: dict[tuple[str, str | None], list[Span]] = {}
        for call in calls:
            if (call.step, call.company) not in known:
                without.setdefault((call.step, call.company), []).append(call)
        for (step, company), spans in without.items():
            start = min(span.start_seconds for span in spans)
            end = max(span.start_seconds + (span.seconds or 0) for span in spans)
            yield StepSpan(step=step, company=company, start_seconds=start, seconds=round(end - start, 3))

    def _retries(self) -> Iterator[Retry]:
        reported = list[tuple[float, float]]()
        for line in self.calls:
            if line.wait_seconds is not None:
                reported.append((self._offset(line), line.wait_seconds))
                yield self._retry(line, line.prompt or "", line.error or "", line.wait_seconds)
        # stamina logs each retry of a model call as well, at the same time and with the same wait, rounded to 10 ms.
        for line in self.retries:
            if (wait := line.wait_for) is None:
                continue
            at = self._offset(line)
            same = (one for one in reported if abs(one[0] - at) < SAME_TIME_SECONDS and abs(one[1] - wait) < SAME_WAIT)
            if found := next(same, None):
                reported.remove(found)
            else:
                yield self._retry(line, "", line.caused_by or "", wait)

    def _retry(self, line: LogLine, what: str, cause: str, wait: float) -> Retry:
        at, step = self._offset(line), line.step or ""
        return Retry(at_seconds=at, step=step, company=line.company, what=what, cause=cause, wait_seconds=wait)


def usage(calls: Iterable[LogLine]) -> tuple[StepUsage, ...]:
    """Return the usage of each step, in the order of the first calls."""
    steps: dict[tuple[str, str | None], list[LogLine]] = {}
    for call in calls:
        steps.setdefault(_place(call), []).append(call)
    return tuple(_sum(step, company, lines) for (step, company), lines in steps.items())


def _sum(step: str, company: str | None, lines: Iterable[LogLine]) -> StepUsage:
    answered = [line for line in lines if line.event == "answered"]
    paid = [line for line in answered if not line.reused]
    prices = [line.usd for line in paid]
    read, cached = sum(line.input_tokens for line in paid), sum(line.cached_tokens for line in paid)
    return StepUsage(
        step=step,
        company=company,
        calls=len(paid),
        reused=len(answered) - len(paid),
        input_tokens=read,
        cached_tokens=cached,
        cached_share=share(cached, read),
        output_tokens=sum(line.output_tokens for line in paid),
        usd=None if None in prices else round(sum(filter(None, prices)), 9),
    )


def share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _place(line: LogLine) -> tuple[str, str | None]:
    return line.step or "", line.company
