"""An ask whose answer is checked, and corrected once where entries fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from octave_mcp.asks.asker import Asker
from octave_mcp.asks.attempts import OnCall
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import A, Answer, Ask, Fault, Unusable
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.value import Value
from octave_mcp.errors import BadAnswer, ModelRefuses, NoAccess, UpstreamError
from octave_mcp.evidence.checks import CUT, EMPTY, THOUGHTS, UNREAD, Judge, Problem, counted
from octave_mcp.ports import Journal

R = TypeVar("R", bound=Value)

ASK_PLACES = 2
"""The number of places in the journal that an ask takes: its own and that of its correction."""
MOST_COMPLAINTS = 20

_RULE_OF: Mapping[Fault, str] = {"cut_off": CUT, "empty": EMPTY, "thoughts": THOUGHTS}

Rules = Callable[[R, tuple[Evidence, ...]], list[Problem]]
"""What else is wrong with a draft, apart from claims that its evidence does not support."""


@dataclass(frozen=True, slots=True)
class Checked(Generic[R]):
    """An answer that passed its checks; `gaps` name what was dropped from it."""

    value: R
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...]
    is_outline: bool = False


@dataclass(frozen=True, slots=True)
class _Verdict(Generic[R]):
    """What passed of an answer, what was dropped, and every problem; the problems are the complaint for the model.

    `value` is None where nothing passed.
    """

    value: R | None
    evidence: tuple[Evidence, ...]
    dropped: Sequence[Problem]
    problems: Sequence[Problem]
    fault: Fault = ""
    is_outline: bool = False

    @property
    def complaint(self) -> str:
        return "; ".join(dict.fromkeys(map(str, self.problems[:MOST_COMPLAINTS])))

    def is_better_than(self, first: _Verdict[R]) -> bool:
        if self.value is None or first.value is None:
            return first.value is None
        return len(self.problems) <= len(first.problems)


@dataclass(frozen=True, slots=True)
class Checks(Generic[R]):
    """The checks of an answer; what passes is returned as `into`."""

    judge: Judge
    into: type[R]
    rules: Rules[R] | None = None

    def verdict(self, answer: Answer[Any] | Unusable) -> _Verdict[R]:
        unread = [Problem(_RULE_OF.get(answer.fault, UNREAD), answer.wrong)] if answer.wrong else []
        if isinstance(answer, Unusable):
            return _Verdict(None, (), unread, unread, answer.fault)
        value, evidence, dropped = self.judge.kept(answer.value, self.into)
        problems = self.judge.problems(answer.value) if dropped else []
        rules = None if answer.is_outline else self.rules
        broken = rules(value, evidence) if rules and value is not None else []
        problems = [*unread, *problems, *broken]
        return _Verdict(value, evidence, [*unread, *dropped], problems, answer.fault, answer.is_outline)


@dataclass(frozen=True, slots=True)
class RecordedAsks:
    """Makes asks as steps of the journal; their costs are booked on `step` and `company`."""

    asker: Asker
    journal: Journal
    step: str
    company: Role | None
    until: float
    on_call: OnCall

    async def checked(self, ask: Ask[A, Any], checks: Checks[R]) -> _Verdict[R]:
        answer = await self._answer(ask)
        self.asker.book(self.step, self.company, answer)
        verdict = await computed(checks.verdict, answer)
        await self.asker.record_verdict(answer, verdict.complaint)
        return verdict

    async def _answer(self, ask: Ask[A, Any]) -> Answer[A] | Unusable:
        is_new = False

        async def asked() -> Answer[A] | Unusable:
            nonlocal is_new
            is_new = True
            return await self.asker.answer(ask, self.until, self.on_call)

        answer = await self.journal.step("ask", asked, cast("Any", Answer[ask.answer] | Unusable))
        if not is_new:
            self.asker.replayed(answer)
        return answer


async def corrected(ask: Ask[A, Any], checks: Checks[R], asks: RecordedAsks) -> Checked[R]:
    """The checked answer. If entries fail, asks once more, with the complaint, and drops what fails again.

    Raises:
        BadAnswer: nothing of the answer passed, or the model refused twice.
        UpstreamError: no answer came.
    """
    best = await asks.checked(ask, checks)
    if best.problems and (again := await _correction(ask, best, checks, asks)):
        best = again if again.is_better_than(best) else best
    asks.asker.faults.book(best.fault)
    if best.value is None:
        if best.fault == "refused":
            raise ModelRefuses(f"the model declines to answer {ask.prompt!r}")
        raise BadAnswer(f"the answer to {ask.prompt!r} failed its checks: {counted(best.dropped)}", fault=best.fault)
    return Checked(best.value, best.evidence, _gaps(ask.prompt, best.dropped), best.is_outline)


async def _correction(
    ask: Ask[A, Any], first: _Verdict[R], checks: Checks[R], asks: RecordedAsks
) -> _Verdict[R] | None:
    """The verdict on a second answer; None if there was none and the first can be used."""
    try:
        return await asks.checked(ask.model_copy(update={"complaint": first.complaint}), checks)
    except UpstreamError as failed:
        if first.value is None and isinstance(failed, NoAccess):
            raise
        return None


def _gaps(prompt: str, dropped: Sequence[Problem]) -> tuple[Gap, ...]:
    if not dropped:
        return ()
    count = "1 statement" if len(dropped) == 1 else f"{len(dropped)} statements"
    reason = f"{count} failed a check and were dropped: {counted(dropped)}"
    return (Gap(section=prompt, code="dropped_by_check", reason=reason, would_fill="another run, or another model"),)
