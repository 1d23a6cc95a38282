"""Warns about a slow model: how slow it is, and what the user can do about it."""

from __future__ import annotations

from collections.abc import Callable

# A run usually starts with two asks, and each ask retries a timeout once. When the first of these asks gives up, three
# calls have timed out.
MAX_UNANSWERED = 3
# A model counts as slow if its calls take this long on average, or if the run has waited this long in total for its
# turn. After a timeout, it always counts as slow.
SLOW_SECONDS = 60.0


class Slowness:
    """Records how long a run's calls to one server wait for their turn, and how long their answers take."""

    def __init__(
        self, name: str, call_seconds: float, *, is_own: bool, report: Callable[[str, str], None] | None
    ) -> None:
        self._name, self._call_seconds, self._is_own, self._report = name, call_seconds, is_own, report
        self._answered = self._timed_out = 0
        self._took_seconds = self._waited_seconds = self._counted_until = 0.0

    def waited(self, since: float, until: float) -> None:
        # Asks of the same run can wait at the same time, so count overlapping waits only once.
        self._waited_seconds += max(0.0, until - max(since, self._counted_until))
        self._counted_until = max(self._counted_until, until)
        self._report_if_slow()

    def answered(self, took_seconds: float) -> None:
        self._answered += 1
        self._took_seconds += took_seconds
        self._report_if_slow()

    def timed_out(self) -> None:
        self._timed_out += 1
        self._report_if_slow()

    @property
    def is_unresponsive(self) -> bool:
        """Whether at least `MAX_UNANSWERED` calls of this run timed out and no call was answered."""
        return self._timed_out >= MAX_UNANSWERED and not self._answered

    def _report_if_slow(self) -> None:
        average = self._took_seconds / max(1, self._answered)
        if self._report and (self._timed_out or max(average, self._waited_seconds) >= SLOW_SECONDS):
            self._report(self._name, f"{self._figures(average)}; {self._advice}")

    def _figures(self, average: float) -> str:
        figures = [f"an answer took {average:.0f} s on average"] if self._answered else []
        if self._waited_seconds >= 1:
            figures.append(f"the run waited {self._waited_seconds:.0f} s for its turn")
        if self._timed_out:
            calls = "1 call" if self._timed_out == 1 else f"{self._timed_out} calls"
            figures.append(f"{calls} got no answer within {self._call_seconds:g} s")
        return ", ".join(figures)

    @property
    def _advice(self) -> str:
        faster = (
            "let the server answer several calls at once, use a smaller model, or lower max_pages"
            if self._is_own
            else "lower max_pages, start fewer runs at once, or use another model"
        )
        return f"{faster}; to allow slower answers, raise OCTAVE_CALL_TIMEOUT_SECONDS" if self._timed_out else faster
