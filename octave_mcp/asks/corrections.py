"""Checks a model's answer and asks for one correction: a patch of the failed entries or a new complete answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast

from octave_mcp.asks.asker import Asker
from octave_mcp.asks.attempts import OnCall
from octave_mcp.asks.earlier import Earlier
from octave_mcp.asks.patches import (
    MAX_FIXES,
    Fix,
    accepted,
    complaint,
    entry_at,
    fixes,
    name_of,
    passages_cited,
    patch_form,
    reworded,
)
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import A, Answer, Ask, Fault, Judgement, Unread, Unusable
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.value import Path, Value, changed, is_within, part_at, path_text, place_before
from octave_mcp.errors import BadAnswer, ModelRefuses, NoAccess, UpstreamError
from octave_mcp.evidence.checks import CUT, DEPENDS, EMPTY, IGNORED, THOUGHTS, UNREAD, Problem, counted
from octave_mcp.evidence.coherence import without
from octave_mcp.evidence.judge import Judge
from octave_mcp.ports import Journal

R = TypeVar("R", bound=Value)

MAX_COMPLAINTS = 20

_RULE_OF: Mapping[Fault, str] = {"cut_off": CUT, "empty": EMPTY, "thoughts": THOUGHTS}

# Functions that check whether a draft follows the copy rules, but not whether evidence supports its claims.
Rules = Callable[[R, tuple[Evidence, ...]], list[Problem]]


@dataclass(frozen=True, slots=True)
class Checked(Generic[R]):
    """The part of an answer that passed the checks. `gaps` describe the parts of the answer that were dropped."""

    value: R
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...]
    is_outline: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """An answer with all problems found in it. `draft` is None if the answer cannot be decoded.

    `unproven`: problems with the answer's structure and evidence; `broken`: violated copy rules. If a list item is
    unreadable, it is None in the draft, so that later items keep their indexes from the original answer.
    """

    draft: Value | None
    unproven: tuple[Problem, ...]
    broken: tuple[Problem, ...] = ()
    unread: tuple[Unread, ...] = ()
    fault: Fault = ""
    is_outline: bool = False

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self.unproven, *self.broken)

    @property
    def wrong(self) -> str:
        return _listed(self.problems)

    @property
    def is_bad_as_a_whole(self) -> bool:
        return self.draft is None or bool(self.fault) or any(not problem.at for problem in self.problems)


@dataclass(frozen=True, slots=True)
class _Settled(Generic[R]):
    """The valid part of an answer. `value` is None if no part of the answer passed the checks.

    `dropped`: why parts of the answer were dropped. `missing`: why parts could not be read.
    """

    value: R | None
    evidence: tuple[Evidence, ...]
    dropped: tuple[Problem, ...]
    missing: tuple[Problem, ...]
    read: _Read

    @property
    def is_empty(self) -> bool:
        return self.value is None or not any(getattr(self.value, name) for name in type(self.value).model_fields)

    def is_better_than(self, first: _Settled[R]) -> bool:
        if self.is_empty or first.is_empty:
            return first.is_empty
        # If a fallback model answered the correction with an outline, prefer the first answer, even if it has more
        # problems.
        if self.read.is_outline and not first.read.is_outline:
            return False
        return len(self.read.problems) <= len(first.read.problems)

    def judgement(self, wrong: str, *, may_be_corrected: bool = False) -> Judgement:
        lost = self.read.problems if self.is_empty else (*self.dropped, *self.missing)
        return Judgement(
            wrong=wrong,
            dropped=None if may_be_corrected else _listed(lost),
            is_usable=not self.is_empty,
            only_entries=not self.is_empty and not self.missing and not self.read.fault,
        )


@dataclass(frozen=True, slots=True)
class Checks(Generic[R]):
    """Checks an answer. `into`: the type of the checked answer, which has evidence ids instead of passage numbers."""

    judge: Judge
    into: type[R]
    rules: Rules[R] | None = None
    language: str = "en"

    def read(self, answer: Answer[Any] | Unusable) -> _Read:
        if isinstance(answer, Unusable):
            return _Read(None, (Problem(_RULE_OF.get(answer.fault, UNREAD), answer.wrong),), fault=answer.fault)
        draft = _with_places(cast("Value", answer.value), answer.unread)
        unread = [Problem(UNREAD, one.wrong, one.at) for one in answer.unread]
        # A cut-off answer is requested again as a whole, so do not list the problems of single entries.
        if answer.fault:
            unread = [Problem(_RULE_OF.get(answer.fault, UNREAD), answer.wrong)]
        read = _Read(draft, (), (), answer.unread, answer.fault, answer.is_outline)
        return self._checked(read, draft, unread)

    def fixes(self, read: _Read, form: type[Value]) -> tuple[Fix, ...]:
        """Return a `Fix` for each entry that the model must replace."""
        if read.draft is None:
            return ()
        return fixes(read.draft, form, read.problems, self.judge.known, self.language)

    def settled(self, read: _Read, withdrawn: Sequence[Problem] = ()) -> _Settled[R]:
        """Drop failed entries, entries that the model withdrew, and entries that depend on a dropped entry."""
        draft = read.draft
        if draft is None:
            return _Settled(None, (), read.problems, (), read)
        hard = [
            *withdrawn,
            *(problem for problem in read.unproven if not problem.is_soft),
            *(problem for problem in read.broken if not problem.is_soft and _costs_itself(draft, problem.at)),
        ]
        gone = {at for problem in hard if problem.at and part_at(draft, at := entry_at(draft, problem)) != ()}
        coherent = without(draft, gone, known=self.judge.known, language=self.language)
        dependent = [Problem(DEPENDS, f"depends on {path_text(on)}", at) for at, on in coherent.dependents.items()]
        dropped = (*hard, *dependent)
        missing = [problem for problem in read.problems if problem.is_soft and problem.rule == UNREAD]
        if coherent.value is None:
            return _Settled(None, (), dropped, tuple(missing), read)
        return _Settled(*self.judge.resolved(coherent.value, self.into), dropped, tuple(missing), read)

    def patched(self, first: _Read, to_fix: Sequence[Fix], answer: Answer[Any] | Unusable) -> tuple[_Settled[R], str]:
        """Return the first answer with all valid replacements inserted, and the patch's problem ('' if none)."""
        draft = cast("Value", first.draft)
        patch = None if isinstance(answer, Unusable) else cast("Value", answer.value)
        given = {fix.at: part for at, fix in enumerate(to_fix) if (part := getattr(patch, name_of(at), None))}
        worded = {} if isinstance(answer, Unusable) else reworded(draft, to_fix, answer.unread)
        given |= {to_fix[at].at: part for at, part in worded.items()}
        # Check all replacements in one draft, because some rules compare entries, for example for repeats.
        read = self._checked(first, changed(draft, given), ())
        passed = accepted(cast("Value", read.draft), to_fix, given, read.problems)
        refused = [p for p in read.problems if any(at not in passed and is_within(p.at, at) for at in given)]
        left = tuple(one for one in first.unread if not any(is_within(one.at, at) for at in passed))
        unread = [Problem(UNREAD, one.wrong, one.at) for one in left]
        lost = () if isinstance(answer, Unusable) else tuple(one for one in answer.unread if not _is_of(one, worded))
        ignored = [_ignored(one, to_fix) for one in lost]
        read = self._checked(replace(first, unread=left), changed(draft, passed), [*unread, *filter(None, ignored)])
        settled = self.settled(read, () if patch is None else tuple(_withdrawn(patch, to_fix, draft, answer)))
        wrong = "" if worded and not lost else answer.wrong
        return settled, wrong or _listed([*refused, *settled.missing])

    def _checked(self, read: _Read, draft: Value, known: Sequence[Problem]) -> _Read:
        broken: list[Problem] = []
        if self.rules and not read.is_outline:
            # The rules get the draft without its unreadable items, so convert the indexes that the rules report.
            places = [one.at for one in read.unread if part_at(draft, one.at) is None]
            every = self.rules(*self.judge.resolved(draft, self.into))
            broken = [replace(problem, at=place_before(problem.at, places)) for problem in every]
        unproven = (*known, *self.judge.problems(draft))
        return replace(read, draft=draft, unproven=unproven, broken=tuple(broken))


def _with_places(value: Value, unread: Sequence[Unread]) -> Value:
    """Return the value with None in place of each list item that could not be read."""
    for one in sorted(
        (one for one in unread if isinstance(one.at[-1], int)), key=lambda one: (len(one.at), one.at[-1])
    ):
        entries = part_at(value, one.at[:-1])
        if isinstance(entries, tuple):
            listed = list(cast("tuple[object, ...]", entries))
            listed.insert(cast("int", one.at[-1]), None)
            value = changed(value, {one.at[:-1]: tuple(listed)})
    return value


def _costs_itself(draft: Value, at: Path) -> bool:
    """Return whether the text is a note or an opt-out line. The e-mail can be used without these texts.

    If any other text of an e-mail breaks a rule, the whole e-mail is dropped later.
    """
    return isinstance(part_at(draft, at), str) and (isinstance(at[-1], int) or at[-1] == "opt_out")


def _is_of(unread: Unread, worded: Collection[int]) -> bool:
    return any(unread.at[0] == name_of(at) for at in worded)


def _ignored(unread: Unread, to_fix: Sequence[Fix]) -> Problem | None:
    """Return the problem with an unusable part of a patch, or None if there is nothing to report."""
    at, named = ("patch", *unread.at), {name_of(place) for place in range(len(to_fix))}
    if unread.at[0] not in named:
        return Problem(IGNORED, f"{path_text(unread.at)} replaces nothing that was rejected", at)
    return None if len(unread.at) == 1 or unread.is_extra else Problem(UNREAD, unread.wrong, at)


def _withdrawn(patch: Value, to_fix: Sequence[Fix], draft: Value, answer: Answer[Any] | Unusable) -> Iterator[Problem]:
    """Yield a problem for each usable entry that the model withdrew by answering null in its patch."""
    unread = set[str | int]() if isinstance(answer, Unusable) else {one.at[0] for one in answer.unread}
    for at, fix in enumerate(to_fix):
        is_left_out = getattr(patch, name_of(at)) is None and name_of(at) not in unread
        if is_left_out and fix.is_soft and part_at(draft, fix.at) is not None:
            yield replace(fix.problems[0], at=fix.at, is_soft=False)


@dataclass(frozen=True, slots=True)
class RecordedAsks:
    """Makes an ask and its correction, and records both in the run's journal with their costs.

    `name`: the step's name. `earlier`: reusable answers of earlier runs. `until`: the deadline on the run's clock.
    """

    asker: Asker
    journal: Journal
    name: str
    step: str
    company: Role | None
    until: float
    on_call: OnCall
    earlier: Earlier | None = None

    async def answer(self, ask: Ask[A, Any]) -> Answer[A] | Unusable:
        is_new = False

        async def asked() -> Answer[A] | Unusable:
            nonlocal is_new
            is_new = True
            known = await self.earlier.answer(ask) if self.earlier else None
            return known or await self.asker.answer(ask, self.until, self.on_call)

        name = f"{self.name}/correction" if ask.complaint else self.name
        kind = cast("Any", Answer[ask.answer] | Unusable)
        answer = await self.journal.step(name, asked, kind, ask.given)
        if not is_new:
            self.asker.replayed(answer)
        self.asker.book(self.step, self.company, answer)
        return answer


async def corrected(ask: Ask[A, Any], checks: Checks[R], asks: RecordedAsks) -> Checked[R]:
    """Make an ask and check the answer. Ask once more for entries that fail, and drop the entries that fail again.

    Raises:
        BadAnswer: If no part of the answer passed, or if the model refused twice.
        UpstreamError: If no model answered.
    """
    answer = await asks.answer(ask)
    read = await computed(checks.read, answer)
    first = await computed(checks.settled, read)
    # Request a complete answer if the whole answer is bad, or if nothing passed and a patch could not fix all problems.
    is_hopeless = read.is_bad_as_a_whole or (first.is_empty and len(read.problems) > MAX_FIXES)
    to_fix = () if is_hopeless else await computed(checks.fixes, read, ask.answer)
    # Do not ask the extractive model again, because it would give the same answer.
    is_corrected = (bool(to_fix) or is_hopeless) and asks.asker.model.capacity.writes_copy
    await asks.asker.record_verdict(answer, first.judgement(read.wrong, may_be_corrected=is_corrected))
    best = await _correction(ask, answer, first, to_fix, checks, asks) if is_corrected else first
    fault = best.read.fault
    asks.asker.faults.book(fault)
    if best.value is None:
        if fault == "refused":
            raise ModelRefuses(f"the model declines to answer {ask.prompt!r}")
        raise BadAnswer(f"the answer to {ask.prompt!r} failed its checks: {counted(best.dropped)}", fault=fault)
    return Checked(best.value, best.evidence, tuple(gaps_of(ask.prompt, best.dropped)), best.read.is_outline)


async def _correction(
    ask: Ask[A, Any],
    answer: Answer[A] | Unusable,
    first: _Settled[R],
    to_fix: tuple[Fix, ...],
    checks: Checks[R],
    asks: RecordedAsks,
) -> _Settled[R]:
    """Ask again for the failed entries or the whole answer, and return the better of the two answers."""
    correction: Ask[Any, Any] = _patch_ask(ask, first.read, to_fix) if to_fix else ask
    text = correction.complaint or first.read.wrong
    correction = correction.model_copy(update={"complaint": text, "corrects": answer.key})
    try:
        second = await asks.answer(correction)
    except UpstreamError as failed:
        await asks.asker.record_verdict(answer, first.judgement(first.read.wrong))
        if first.value is None and isinstance(failed, NoAccess):
            raise
        return first
    if to_fix:
        best, wrong = await computed(checks.patched, first.read, to_fix, second)
    else:
        again = await computed(checks.settled, await computed(checks.read, second))
        best, wrong = (again if again.is_better_than(first) else first), again.read.wrong
    await asks.asker.record_verdict(second, best.judgement(wrong))
    return best


def _patch_ask(ask: Ask[Any, Any], read: _Read, to_fix: Sequence[Fix]) -> Ask[Any, Any]:
    draft, contents = cast("Value", read.draft), {one.at: one.said for one in read.unread}
    shown = tuple(number for number in passages_cited(draft, to_fix) if 0 < number <= len(ask.passages))
    text = complaint(draft, to_fix, cast("Mapping[Path, str]", contents))
    return ask.model_copy(
        update={"complaint": text, "answer": patch_form(to_fix), "patched": ask.answer, "cited": shown}
    )


def _listed(problems: Sequence[Problem]) -> str:
    texts = (f"{path_text(problem.at)}: {problem}" if problem.at else str(problem) for problem in problems)
    return "; ".join([*dict.fromkeys(texts)][:MAX_COMPLAINTS])


def gaps_of(section: str, dropped: Sequence[Problem]) -> Iterator[Gap]:
    """Yield at most two gaps: one for all dropped statements, and one for all ignored changes."""
    lost = [problem for problem in dropped if problem.rule != IGNORED]
    if lost:
        statements = "1 statement" if len(lost) == 1 else f"{len(lost)} statements"
        reason = f"{statements} failed a check and {'was' if len(lost) == 1 else 'were'} dropped: {counted(lost)}"
        yield Gap(section=section, code="dropped_by_check", reason=reason, would_fill="another run, or another model")
    if ignored := len(dropped) - len(lost):
        changes = "1 change by the model was" if ignored == 1 else f"{ignored} changes by the model were"
        reason = f"{changes} ignored, because no check had asked for them"
        yield Gap(section=section, code="ignored", reason=reason, would_fill="nothing is missing")
