"""Divides the drafts among asks whose answers are about equally long, because the slowest answer decides the time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from octave_mcp.asks.corrections import Checked
from octave_mcp.concurrency.together import together
from octave_mcp.domain.evidence import Cite, EvidenceId
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.playbook import SummaryDraft
from octave_mcp.domain.value import Value, only
from octave_mcp.errors import BadAnswer, UpstreamError, without_provider_text
from octave_mcp.pipeline.rewriting import Answers, Part
from octave_mcp.pipeline.unwritten import DEAL_SECTIONS

if TYPE_CHECKING:
    from octave_mcp.pipeline.writers import DraftWriter

Answer = Checked[Any] | UpstreamError
# In recorded answers, the summary is twice as long as any other draft, and this field is half of it.
_LONG_FIELD = "personas"
_SECTION = "priority_personas"


async def write_in_parallel(writer: DraftWriter, parts: Sequence[Part]) -> Answers:
    """Write the drafts with parallel asks, and return them in the order of `parts`.

    One ask is for all battle cards: together they are not much longer than a talk track, and each further ask would
    repeat all quotations. The summary has two asks.
    """
    summary, *cards = parts[: len(DEAL_SECTIONS)]
    answers = await together(
        _summary(writer, summary),
        _joint(writer, cards),
        *(_alone(writer, part) for part in parts[len(DEAL_SECTIONS) :]),
    )
    return tuple(chain.from_iterable(answers))


async def _alone(writer: DraftWriter, part: Part) -> Answers:
    return (await writer.write_part(part),)


async def _joint(writer: DraftWriter, parts: Sequence[Part]) -> Answers:
    joint = writer.joint(parts)
    return separated(await writer.write_part(joint), joint.into)


async def _summary(writer: DraftWriter, part: Part) -> Answers:
    others = tuple(name for name in SummaryDraft.model_fields if name != _LONG_FIELD)
    halves = (_narrowed(part, part.name, others), _narrowed(part, f"{part.name}-{_LONG_FIELD}", (_LONG_FIELD,)))
    first, second = await together(*(writer.write_part(half) for half in halves))
    return (_joined(first, second),)


def _narrowed(part: Part, name: str, fields: tuple[str, ...]) -> Part:
    answer, into = only(SummaryDraft[Cite], fields), only(SummaryDraft[EvidenceId], fields)
    return part._replace(name=name, answer=answer, into=into)


def _joined(first: Answer, second: Answer) -> Answer:
    """Return the summary that the two answers make up.

    If only the answer about the personas failed, return the summary without this part, and with a gap.
    """
    if isinstance(first, UpstreamError):
        return first
    if isinstance(second, UpstreamError):
        gap = Gap(section=_SECTION, code=second.code, reason=without_provider_text(second), would_fill="another run")
        draft = SummaryDraft[EvidenceId].model_validate({**dict(first.value), _LONG_FIELD: ()})
        return Checked(draft, first.evidence, (*first.gaps, gap), first.is_outline)
    draft = SummaryDraft[EvidenceId].model_validate({**dict(first.value), **dict(second.value)})
    evidence = {item.id: item for item in (*first.evidence, *second.evidence)}
    is_outline = first.is_outline or second.is_outline
    return Checked(draft, tuple(evidence.values()), (*first.gaps, *second.gaps), is_outline)


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
