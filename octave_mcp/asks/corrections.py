"""An ask whose answer is checked, and corrected once where entries fail: all of it, or the parts that failed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast

from octave_mcp.asks.asker import Asker
from octave_mcp.asks.attempts import OnCall
from octave_mcp.asks.replacements import findings, lists_of, named_problems, replaced, unreadable, unreplaced
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import A, Answer, Ask, Fault, Judgement, Unusable
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.value import Value, only, with_nothing_else
from octave_mcp.errors import BadAnswer, ModelRefuses, NoAccess, UpstreamError
from octave_mcp.evidence.checks import CUT, EMPTY, THOUGHTS, UNREAD, Problem, counted
from octave_mcp.evidence.judge import Judge
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
    """What passed of an answer or of a part of it, what was dropped, and every problem.

    `value` is None where nothing passed; `given` is the answer as it was read, None if it could not be read; `unread`
    counts its unreadable entries. `left_out` names rejected entries that the correction does not replace.
    """

    value: R | None
    evidence: tuple[Evidence, ...]
    dropped: Sequence[Problem]
    problems: Sequence[Problem]
    fault: Fault = ""
    is_outline: bool = False
    given: Value | None = None
    unread: int = 0
    left_out: Sequence[str] = ()

    def is_better_than(self, first: _Verdict[R]) -> bool:
        if self.is_empty or first.is_empty:
            return first.is_empty
        return len(self.problems) <= len(first.problems)

    @property
    def is_empty(self) -> bool:
        return self.value is None or not any(getattr(self.value, name) for name in type(self.value).model_fields)


@dataclass(frozen=True, slots=True)
class _Verdicts(Generic[R]):
    """The verdict on each part of an answer that is judged by parts, by its field; else on all of it, under ''."""

    into: type[R]
    parts: Mapping[str, _Verdict[R]]

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(name for name, verdict in self.parts.items() if verdict.problems)

    @property
    def complaint(self) -> str:
        problems = [problem for verdict in self.parts.values() for problem in verdict.problems]
        return _listed(problems)

    @property
    def dropped(self) -> list[Problem]:
        return list(dict.fromkeys(problem for verdict in self.parts.values() for problem in verdict.dropped))

    @property
    def lost(self) -> str:
        """What was dropped, and why a part that failed has nothing."""
        of_parts = (verdict.problems if verdict.is_empty else verdict.dropped for verdict in self.parts.values())
        left_out = [text for verdict in self.parts.values() for text in verdict.left_out]
        return "; ".join(filter(None, [_listed([problem for problems in of_parts for problem in problems]), *left_out]))

    @property
    def fault(self) -> Fault:
        faults: list[Fault] = [verdict.fault for verdict in self.parts.values() if verdict.fault]
        return faults[0] if faults else ""

    @property
    def is_outline(self) -> bool:
        return all(verdict.is_outline for verdict in self.parts.values())

    @property
    def value(self) -> R | None:
        """What passed of all parts; None where nothing of any did."""
        if "" in self.parts:
            return self.parts[""].value
        if all(verdict.value is None for verdict in self.parts.values()):
            return None
        found = {name: getattr(verdict.value, name) for name, verdict in self.parts.items() if verdict.value}
        return with_nothing_else(self.into, found)

    def with_better(self, again: _Verdicts[R]) -> _Verdicts[R]:
        """An outline does not take the place of copy."""
        if again.is_outline and not self.is_outline and self.value is not None:
            return self
        better = {name: self._better(name, verdict) for name, verdict in again.parts.items()}
        return _Verdicts(self.into, {**self.parts, **better})

    def _better(self, name: str, again: _Verdict[R]) -> _Verdict[R]:
        """The second answer for an object; for a list, what passed of both."""
        first = self.parts[name]
        if self._is_list(name) and first.value is not None and again.value is not None:
            entries = [getattr(part, name) for part in (first.given, first.value, again.given)]
            left_out = _left_out(first, first.unread + unreplaced(*entries) - again.unread)
            value = first.value.model_copy(update={name: replaced(entries[1], getattr(again.value, name))})
            both = (*first.evidence, *again.evidence)
            return replace(again, value=value, evidence=both, left_out=left_out)
        if not again.is_better_than(first):
            return first
        fewer = findings(first.given) - findings(again.given)
        return replace(again, left_out=_left_out(first, min(fewer, findings(first.given) - findings(first.value))))

    def has_lists(self, names: Sequence[str]) -> bool:
        """Whether each of these parts is a list of which at least one entry passed."""
        return all(self._is_list(name) and self.parts[name].value is not None for name in names)

    def _is_list(self, name: str) -> bool:
        return bool(name and lists_of(self.into, (name,)))

    def judgement(self, *, may_be_corrected: bool = False) -> Judgement:
        dropped = None if may_be_corrected else self.lost
        return Judgement(
            wrong=self.complaint, dropped=dropped, is_usable=not all(part.is_empty for part in self.parts.values())
        )


@dataclass(frozen=True, slots=True)
class Checks(Generic[R]):
    """The checks of an answer; what passes is returned as `into`. `by_parts`: each field passes or fails by itself."""

    judge: Judge
    into: type[R]
    rules: Rules[R] | None = None
    by_parts: bool = False

    def verdicts(self, answer: Answer[Any] | Unusable, names: tuple[str, ...] = ()) -> _Verdicts[R]:
        """On these parts of the answer, or on all."""
        every = tuple(self.into.model_fields) if self.by_parts else ("",)
        return _Verdicts(self.into, {name: self._verdict(answer, name) for name in names or every})

    def _verdict(self, answer: Answer[Any] | Unusable, name: str) -> _Verdict[R]:
        if isinstance(answer, Unusable):
            unread = [Problem(_RULE_OF.get(answer.fault, UNREAD), answer.wrong)]
            return _Verdict(None, (), unread, unread, answer.fault)
        given, into = cast("Value", answer.value), self.into
        if name:
            given = only(type(given), (name,)).model_construct(**{name: getattr(given, name)})
            into = cast("type[R]", only(into, (name,)))
        wrong = _about(name, answer)
        unread = [Problem(_RULE_OF.get(answer.fault, UNREAD), wrong)] if wrong else []
        value, evidence, dropped = self.judge.kept(given, into)
        problems = self._problems(given, name) if dropped else []
        rules = None if answer.is_outline else self.rules
        broken = rules(value, evidence) if rules and value is not None else []
        return _Verdict(
            value, evidence, [*unread, *dropped], [*unread, *problems, *broken],
            answer.fault if wrong else "", answer.is_outline, given, unreadable(wrong),
        )  # fmt: skip

    def _problems(self, given: Value, name: str) -> list[Problem]:
        return named_problems(self.judge, name, getattr(given, name)) if name else self.judge.problems(given)


@dataclass(frozen=True, slots=True)
class RecordedAsks:
    """Makes asks as steps of the journal; their costs are booked on `step` and `company`."""

    asker: Asker
    journal: Journal
    step: str
    company: Role | None
    until: float
    on_call: OnCall

    async def answer(self, ask: Ask[A, Any]) -> Answer[A] | Unusable:
        is_new = False

        async def asked() -> Answer[A] | Unusable:
            nonlocal is_new
            is_new = True
            return await self.asker.answer(ask, self.until, self.on_call)

        answer = await self.journal.step("ask", asked, cast("Any", Answer[ask.answer] | Unusable))
        if not is_new:
            self.asker.replayed(answer)
        self.asker.book(self.step, self.company, answer)
        return answer


async def corrected(ask: Ask[A, Any], checks: Checks[R], asks: RecordedAsks) -> Checked[R]:
    """The checked answer. If entries fail, asks once more, with the complaint, and drops what fails again.

    Raises:
        BadAnswer: nothing of the answer passed, or the model refused twice.
        UpstreamError: no answer came.
    """
    answer = await asks.answer(ask)
    first = await computed(checks.verdicts, answer)
    await asks.asker.record_verdict(answer, first.judgement(may_be_corrected=bool(first.failed)))
    best = await _correction(ask, answer, first, checks, asks) if first.failed else first
    asks.asker.faults.book(best.fault)
    if (value := best.value) is None:
        if best.fault == "refused":
            raise ModelRefuses(f"the model declines to answer {ask.prompt!r}")
        raise BadAnswer(f"the answer to {ask.prompt!r} failed its checks: {counted(best.dropped)}", fault=best.fault)
    evidence = {e.id: e for verdict in best.parts.values() for e in verdict.evidence}
    return Checked(value, tuple(evidence.values()), _gaps(ask.prompt, best.dropped), best.is_outline)


async def _correction(
    ask: Ask[A, Any],
    answer: Answer[A] | Unusable,
    first: _Verdicts[R],
    checks: Checks[R],
    asks: RecordedAsks,
) -> _Verdicts[R]:
    """The first answer's verdicts, with those on a second one where they are better."""
    names = first.failed
    parts = tuple(filter(None, names))
    correction = ask.model_copy(update={"complaint": first.complaint, "corrects": answer.key, "parts": parts})
    try:
        second = await asks.answer(correction)
    except UpstreamError as failed:
        await asks.asker.record_verdict(answer, first.judgement())
        if first.value is None and isinstance(failed, NoAccess):
            raise
        return first
    again = await computed(checks.verdicts, second, names)
    best = first.with_better(again)
    verdict = again.judgement().model_copy(update={"dropped": best.lost, "only_entries": best.has_lists(names)})
    await asks.asker.record_verdict(second, verdict)
    return best


def _left_out(first: _Verdict[Any], count: int) -> tuple[str, ...]:
    """Says how many of the rejected entries are not replaced; nothing if all are."""
    what = "1 rejected entry" if count == 1 else f"{count} rejected entries"
    return (f"the correction does not replace {what}; rejected were: {_listed(first.problems)}",) if count > 0 else ()


def _about(name: str, answer: Answer[Any]) -> str:
    """The complaints about an answer's form that name this part; an empty part also has those that name none."""
    if not name:
        return answer.wrong
    complaints, value = answer.wrong.split("; ") if answer.wrong else [], cast("Value", answer.value)
    parts = tuple(type(value).model_fields)
    own = [one for one in complaints if re.split(r"[.:]", one, maxsplit=1)[0] == name]
    general = [one for one in complaints if re.split(r"[.:]", one, maxsplit=1)[0] not in parts]
    empty = [part for part in parts if not getattr(value, part)] or parts[-1:]
    return "; ".join([*own, *(general if name in empty else ())])


def _listed(problems: Sequence[Problem]) -> str:
    return "; ".join(dict.fromkeys(map(str, problems[:MOST_COMPLAINTS])))


def _gaps(prompt: str, dropped: Sequence[Problem]) -> tuple[Gap, ...]:
    if not dropped:
        return ()
    count = "1 statement" if len(dropped) == 1 else f"{len(dropped)} statements"
    reason = f"{count} failed a check and were dropped: {counted(dropped)}"
    return (Gap(section=prompt, code="dropped_by_check", reason=reason, would_fill="another run, or another model"),)
