"""Divides the drafts among asks whose answers are about equally long, because the slowest answer decides the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from octave_mcp.asks.corrections import Checked, Rules
from octave_mcp.concurrency.together import together
from octave_mcp.domain.evidence import Cite, EvidenceId
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.playbook import SummaryDraft
from octave_mcp.domain.prospect import BuyerPersona
from octave_mcp.domain.value import Path, Value, only
from octave_mcp.errors import BadAnswer, UpstreamError, without_provider_text

if TYPE_CHECKING:
    from octave_mcp.pipeline.writers import DraftWriter

Answer = Checked[Any] | UpstreamError
Answers = tuple[Answer, ...]

_CARDS = "battle_cards"
# In recorded answers, the summary is twice as long as any other draft, and this field is half of it.
_LONG_FIELD = "personas"
_OTHER_FIELDS = tuple(name for name in SummaryDraft.model_fields if name != _LONG_FIELD)
_SECTION = "priority_personas"


class Part(NamedTuple):
    """An ask for one draft or for several drafts.

    - `name`: the ask's name in the journal.
    - `answer`: the type of the model's answer, which cites passages by number.
    - `into`: the type of the checked answer, which cites evidence ids instead of passage numbers.
    - `rank`: the index of the persona, or None for drafts about the whole deal.
    - `places`: the path of each draft within the answer.
    - `personas`: all personas of the playbook if the ask combines drafts for personas, or else ().
    """

    name: str
    prompts: Sequence[str]
    answer: type[Value]
    into: type[Value]
    rules: Rules[Any]
    rank: int | None = None
    places: tuple[Path, ...] = ((),)
    personas: tuple[BuyerPersona, ...] = ()

    @property
    def is_summary(self) -> bool:
        return self.answer is SummaryDraft[Cite]


async def write_in_parallel(writer: DraftWriter, parts: Sequence[Part]) -> Answers:
    """Write the drafts with parallel asks, and return them in the order of `parts`.

    One ask is for all battle cards: together they are not much longer than a talk track, and each further ask would
    repeat all quotations. The summary has two asks.
    """
    groups = [list(group) for _, group in groupby(parts, key=_group)]
    return tuple(chain.from_iterable(await together(*(_written(writer, group) for group in groups))))


def _group(part: Part) -> str:
    return part.name if part.is_summary or part.rank is not None else _CARDS


async def _written(writer: DraftWriter, parts: Sequence[Part]) -> Answers:
    if len(parts) > 1:
        return await _cards(writer, parts)
    (part,) = parts
    return (await (_summary(writer, part) if part.is_summary else writer.write_part(part)),)


async def _cards(writer: DraftWriter, parts: Sequence[Part]) -> Answers:
    """Write all battle cards with one ask. Then ask separately for each card that its answer lacks.

    A playbook without any battle card counts as failed, so one bad answer must not cost all of them.
    """
    joint = writer.joint(parts)._replace(name=_CARDS)
    answers = separated(await writer.write_part(joint), joint.into)
    missing = [part for part, answer in zip(parts, answers, strict=True) if isinstance(answer, BadAnswer)]
    writer.run.progress.plan(len(missing))
    again = iter(await together(*(writer.write_part(part) for part in missing)))
    return tuple(next(again) if isinstance(answer, BadAnswer) else answer for answer in answers)


async def _summary(writer: DraftWriter, part: Part) -> Answer:
    rest = writer.write_part(_narrowed(part, part.name, _OTHER_FIELDS))
    if not writer.personas:
        return _joined(await rest, None)
    return _joined(*await together(rest, writer.write_part(_of_personas(part))))


async def completed(writer: DraftWriter, part: Part, draft: Checked[Any]) -> Answers:
    """Return a draft of an earlier version. If the ask for the personas of its summary failed, repeat this ask."""
    gaps = tuple(gap for gap in draft.gaps if gap.section != _SECTION)
    if len(gaps) == len(draft.gaps):
        return (draft,)
    return (_joined(replace(draft, gaps=gaps), await writer.write_part(_of_personas(part))),)


def _of_personas(summary: Part) -> Part:
    return _narrowed(summary, f"{summary.name}-{_LONG_FIELD}", (_LONG_FIELD,))


def _narrowed(part: Part, name: str, fields: tuple[str, ...]) -> Part:
    answer, into = only(SummaryDraft[Cite], fields), only(SummaryDraft[EvidenceId], fields)
    return part._replace(name=name, answer=answer, into=into)


def _joined(rest: Answer, personas: Answer | None) -> Answer:
    """Return the summary that the two answers make up.

    If only the answer about the personas failed, return the summary without this part, and with a gap. `personas` is
    None if the deal has no personas.
    """
    if isinstance(rest, UpstreamError):
        return rest
    parts = [part for part in (rest, personas) if isinstance(part, Checked)]
    fields = {_LONG_FIELD: (), **{name: value for part in parts for name, value in dict(part.value).items()}}
    evidence = {item.id: item for part in parts for item in part.evidence}
    return Checked(
        SummaryDraft[EvidenceId].model_validate(fields),
        tuple(evidence.values()),
        (*(gap for part in parts for gap in part.gaps), *_gaps(personas)),
        any(part.is_outline for part in parts),
    )


def _gaps(personas: Answer | None) -> Iterator[Gap]:
    if isinstance(personas, UpstreamError):
        reason = without_provider_text(personas)
        yield Gap(section=_SECTION, code=personas.code, reason=reason, would_fill="another run")


def separated(answer: Answer, form: type[Value]) -> Answers:
    """Split an answer that contains several drafts.

    Only the first draft gets the gaps, because the gaps are about the whole answer and must be reported only once.
    """
    names = list(form.model_fields)
    if isinstance(answer, UpstreamError):
        return (answer,) * len(names)
    drafts = {name: getattr(answer.value, name) for name in names}
    first = next((name for name in names if drafts[name] is not None), "")
    return tuple(
        BadAnswer(f"the answer has no {name}, or none of it passed the checks")
        if value is None
        else Checked(value, answer.evidence, answer.gaps if name == first else (), answer.is_outline)
        for name, value in drafts.items()
    )
