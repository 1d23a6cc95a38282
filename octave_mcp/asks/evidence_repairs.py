"""Rewrites those entries of a draft whose evidence was lost in a refresh. The rest of the draft stays unchanged."""

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

# The model sees at most this many characters of the text around an entry, such as the rest of an e-mail. With this
# text, the model can fit the new entry into the e-mail.
MAX_CONTEXT_LENGTH = 1_200


class Repaired(NamedTuple):
    """The result of rewriting some entries of a draft.

    `entries`: the rewritten entries by path. `evidence`: the evidence that these entries cite. `dropped`: the problems
    with the entries that could not be rewritten.
    """

    entries: dict[Path, object]
    evidence: tuple[Evidence, ...]
    dropped: tuple[Problem, ...]


def to_repair(
    draft: Value, ask: Ask[Any, Any], lost: Sequence[Problem], known: Sequence[str]
) -> tuple[Fix, ...] | None:
    """Return the fixes for the problems in `lost`, or None if one ask cannot hold all of these fixes."""
    to_fix = fixes(draft, ask.answer, lost, known, ask.language)
    return to_fix if all(any(is_within(problem.at, fix.at) for fix in to_fix) for problem in lost) else None


def follow_on(draft: Value, checks: Checks[Any]) -> list[Problem]:
    """Return the problems that a lost entry causes elsewhere, such as a subject line that repeats a lost figure."""
    broken = checks.rules(*checks.judge.resolved(draft, checks.into)) if checks.rules else []
    every = (*checks.judge.problems(draft), *broken)
    return [one for one in every if one.at and not one.is_soft and not isinstance(part_at(draft, one.at), Finding)]


async def repaired_entries(
    draft: Value, to_fix: Sequence[Fix], ask: Ask[Any, Any], checks: Checks[Any], asks: RecordedAsks
) -> Repaired:
    """Ask for replacements of the entries in `to_fix`, and return the replacements that pass `checks`.

    The type of `draft` is `ask.answer`.

    Raises:
        UpstreamError: If no model answered.
    """
    numbers = tuple(number for number in passages_cited(draft, to_fix) if 0 < number <= len(ask.passages))
    text = "\n".join((complaint(draft, to_fix, {}), *_context(draft, to_fix)))
    again = ask.model_copy(
        update={"complaint": text, "answer": patch_form(to_fix), "patched": ask.answer, "cited": numbers}
    )
    answer = await asks.answer(again)
    entries = await computed(_accepted, draft, to_fix, answer, checks)
    dropped = tuple(problem for fix in to_fix if not fix.is_soft and fix.at not in entries for problem in fix.problems)
    wrong = answer.wrong or "; ".join(map(str, dropped))
    verdict = Judgement(wrong=wrong, dropped="; ".join(map(str, dropped)), is_usable=bool(entries), only_entries=True)
    await asks.asker.record_verdict(answer, verdict)
    return await computed(_resolved, entries, checks, dropped)


def _context(draft: Value, to_fix: Sequence[Fix]) -> Iterator[str]:
    """Yield the text around the entries to rewrite, such as the e-mail that contains an entry."""
    items = dict.fromkeys(filter(None, (_list_item(fix.at) for fix in to_fix)))
    texts = ([*_texts(part_at(draft, at))] for at in items)
    for text in dict.fromkeys(" ".join(parts) for parts in texts if len(parts) > 1):
        yield f"- What they are part of reads: {text[:MAX_CONTEXT_LENGTH]}"


def _list_item(at: Path) -> Path:
    """Return the path of the outermost list item around `at`, such as an e-mail, or () if `at` is not in a list."""
    return at[: next((length for length, step in enumerate(at, 1) if isinstance(step, int)), 0)]


def _texts(part: object) -> Iterator[str]:
    if isinstance(part, tuple):
        for one in cast("tuple[object, ...]", part):
            yield from _texts(one)
    elif isinstance(part, Value):
        yield from (text for _, text in texts_of(part))
        for name in type(part).model_fields:
            yield from _texts(getattr(part, name))


def _accepted(
    draft: Value, to_fix: Sequence[Fix], answer: Answer[Any] | Unusable, checks: Checks[Any]
) -> dict[Path, object]:
    if isinstance(answer, Unusable):
        return {}
    patch = cast("Value", answer.value)
    given = {fix.at: part for at, fix in enumerate(to_fix) if (part := getattr(patch, name_of(at), None))}
    given |= {to_fix[at].at: part for at, part in reworded(draft, to_fix, answer.unread).items()}
    whole = changed(draft, given)
    broken = checks.rules(*checks.judge.resolved(whole, checks.into)) if checks.rules else []
    return accepted(whole, to_fix, given, (*checks.judge.problems(whole), *broken))


def _resolved(entries: Mapping[Path, object], checks: Checks[Any], dropped: tuple[Problem, ...]) -> Repaired:
    resolved, evidence = dict[Path, object](), dict[EvidenceId, Evidence]()
    for at, part in entries.items():
        if isinstance(part, Value):
            resolved[at], used = checks.judge.resolved(part, form_at(checks.into, at))
            evidence |= {one.id: one for one in used}
        else:
            resolved[at] = part
    return Repaired(resolved, tuple(evidence.values()), dropped)


def as_answer(value: Value, form: type[A], numbers: Mapping[EvidenceId, int]) -> A:
    """Convert a checked value back into a model's answer, which cites passage numbers instead of evidence ids."""
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
