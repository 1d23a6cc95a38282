"""Has the entries of a draft that lost what they cite written again: all else of it stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, cast

from octave_mcp.asks.corrections import Checks, RecordedAsks
from octave_mcp.asks.patches import (
    Fix,
    accepted,
    complaint,
    fixes,
    name_of,
    passages_cited,
    patch_form,
    reworded,
)
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import Answer, Ask, Judgement, Unusable
from octave_mcp.domain.evidence import Cite, Evidence, EvidenceId, Finding
from octave_mcp.domain.value import Path, Value, changed, form_at, is_within, part_at
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.judge import texts_of

A = TypeVar("A", bound=Value)

# Characters of what an entry is part of, so that its replacement fits in.
LONGEST_AROUND = 1_200


class Mended(NamedTuple):
    """The new entries by their paths, the evidence that they cite, and what nobody wrote again."""

    entries: dict[Path, object]
    evidence: tuple[Evidence, ...]
    dropped: tuple[Problem, ...]


def to_mend(draft: Value, ask: Ask[Any, Any], lost: Sequence[Problem], known: Sequence[str]) -> tuple[Fix, ...] | None:
    """What to ask for again so that nothing of this is left; None if that is more than one ask may be for."""
    found = fixes(draft, ask.answer, lost, known, ask.language)
    return found if all(any(is_within(problem.at, fix.at) for fix in found) for problem in lost) else None


def follow_on(draft: Value, checks: Checks[Any]) -> list[Problem]:
    """What the rest of a draft must not say without what it lost: such as a subject with a figure of that."""
    broken = checks.rules(*checks.judge.resolved(draft, checks.into)) if checks.rules else []
    found = (*checks.judge.problems(draft), *broken)
    return [one for one in found if one.at and not one.is_soft and not isinstance(part_at(draft, one.at), Finding)]


async def mended(
    draft: Value, found: Sequence[Fix], ask: Ask[Any, Any], checks: Checks[Any], asks: RecordedAsks
) -> Mended:
    """The draft is as the ask's answer would be. What comes of it passes the checks of such an answer.

    Raises:
        UpstreamError: no answer came.
    """
    numbers = tuple(number for number in passages_cited(draft, found) if 0 < number <= len(ask.passages))
    told = "\n".join((complaint(draft, found, {}), *_around(draft, found)))
    again = ask.model_copy(
        update={"complaint": told, "answer": patch_form(found), "patched": ask.answer, "cited": numbers}
    )
    answer = await asks.answer(again)
    kept = await computed(_accepted, draft, found, answer, checks)
    dropped = tuple(problem for fix in found if not fix.is_soft and fix.at not in kept for problem in fix.problems)
    wrong = answer.wrong or "; ".join(map(str, dropped))
    verdict = Judgement(wrong=wrong, dropped="; ".join(map(str, dropped)), is_usable=bool(kept), only_entries=True)
    await asks.asker.record_verdict(answer, verdict)
    return await computed(_resolved, kept, checks, dropped)


def _around(draft: Value, found: Sequence[Fix]) -> Iterator[str]:
    """What the entries are part of, in words: each once, and none that is one sentence."""
    wholes = dict.fromkeys(filter(None, (_entry(fix.at) for fix in found)))
    texts = ([*_said(part_at(draft, at))] for at in wholes)
    for said in dict.fromkeys(" ".join(said) for said in texts if len(said) > 1):
        yield f"- What they are part of reads: {said[:LONGEST_AROUND]}"


def _entry(at: Path) -> Path:
    """The entry of a list that it is in: an e-mail, a question; () for none."""
    return at[: next((length for length, step in enumerate(at, 1) if isinstance(step, int)), 0)]


def _said(part: object) -> Iterator[str]:
    if isinstance(part, tuple):
        for one in cast("tuple[object, ...]", part):
            yield from _said(one)
    elif isinstance(part, Value):
        yield from (text for _, text in texts_of(part))
        for name in type(part).model_fields:
            yield from _said(getattr(part, name))


def _accepted(
    draft: Value, found: Sequence[Fix], answer: Answer[Any] | Unusable, checks: Checks[Any]
) -> dict[Path, object]:
    if isinstance(answer, Unusable):
        return {}
    patch = cast("Value", answer.value)
    given = {fix.at: part for at, fix in enumerate(found) if (part := getattr(patch, name_of(at), None))}
    given |= {found[at].at: part for at, part in reworded(draft, found, answer.unread).items()}
    whole = changed(draft, given)
    broken = checks.rules(*checks.judge.resolved(whole, checks.into)) if checks.rules else []
    return accepted(whole, found, given, (*checks.judge.problems(whole), *broken))


def _resolved(kept: Mapping[Path, object], checks: Checks[Any], dropped: tuple[Problem, ...]) -> Mended:
    entries, evidence = dict[Path, object](), dict[EvidenceId, Evidence]()
    for at, part in kept.items():
        if isinstance(part, Value):
            entries[at], used = checks.judge.resolved(part, form_at(checks.into, at))
            evidence |= {one.id: one for one in used}
        else:
            entries[at] = part
    return Mended(entries, tuple(evidence.values()), dropped)


def as_answer(value: Value, form: type[A], numbers: Mapping[EvidenceId, int]) -> A:
    """The value as a model would have answered it: with the numbers of passages in place of evidence."""
    return form.model_validate(_tree(value, numbers))


def _tree(part: object, numbers: Mapping[EvidenceId, int]) -> object:
    if isinstance(part, tuple):
        return [_tree(one, numbers) for one in cast("tuple[object, ...]", part)]
    if not isinstance(part, Value):
        return part
    tree = {name: _tree(getattr(part, name), numbers) for name in type(part).model_fields if name != "support"}
    if evidence := cast("tuple[EvidenceId, ...]", getattr(part, "evidence", ())):
        tree["evidence"] = [Cite(passage=numbers[i]) for i in evidence if i in numbers]
    return tree
