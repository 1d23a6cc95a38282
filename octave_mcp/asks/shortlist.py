"""Which findings a writer is shown where all of them would be too much to read, and to pay for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil
from typing import NamedTuple, cast

from octave_mcp.asks.notes import notes
from octave_mcp.domain.asks import UnderstandingBrief, WritingBrief
from octave_mcp.domain.evidence import EvidenceId, Passage
from octave_mcp.domain.findings import UNDATED, CompanyTrigger
from octave_mcp.domain.value import Value, walk
from octave_mcp.evidence.interest import Interest
from octave_mcp.evidence.selection import ranks

UNDERSTANDING_CHARACTERS = 28_000
# Of findings and the passages they rest on: about 7,000 and 5,000 tokens.
WRITING_CHARACTERS = 20_000
# Shown whatever else is.
NEWEST_TRIGGERS = 4
# Characters around a passage in the list.
OF_LINE = 10


class _Group(NamedTuple):
    """Findings of one kind, and how many of them are taken in a turn."""

    findings: Sequence[Value]
    per_turn: int = 1


def shortlist(
    brief: UnderstandingBrief | WritingBrief, passages: Mapping[EvidenceId, Passage], most: int | None = None
) -> frozenset[EvidenceId]:
    """The evidence to show: that of the most telling findings of every kind, in turns.

    `most` is the number of characters to show, where a model has less room than usual.
    """
    if isinstance(brief, UnderstandingBrief):
        reading, found = brief.reading, brief.findings
        interest = Interest(brief.context, brief.counterpart, brief.offer)
        kinds = (reading.signals, found.triggers, reading.facts, reading.jobs, found.people, found.integrations)
        most = most or UNDERSTANDING_CHARACTERS
        return _fitting(_most_telling_first(map(_Group, kinds), passages, interest, most), passages, most)
    interest = Interest(brief.context, brief.names.prospect, brief.pitch.text if brief.pitch else "")
    always = {*brief.existing_customer, *brief.vendor_is_customer, *_of_personas(brief, passages)}
    newest, most = _newest_triggers(brief), most or WRITING_CHARACTERS
    ranked = _most_telling_first(_of_writing(brief), passages, interest, most)
    return _fitting([_Group(newest, len(newest)), *ranked], passages, most) | always


def _newest_triggers(brief: WritingBrief) -> list[CompanyTrigger]:
    """The newest dated ones of the prospect: why to write now."""
    dated = [one for one in brief.findings.triggers if one.company == "prospect" and one.date != UNDATED]
    return dated[:NEWEST_TRIGGERS]


def _of_personas(brief: WritingBrief, passages: Mapping[EvidenceId, Passage]) -> Iterator[EvidenceId]:
    """The quotations for each persona: without them, a writer would not be told of it."""
    return (i for persona in brief.prospect.buyer_personas for i in persona.evidence if i in passages)


def _of_writing(brief: WritingBrief) -> Iterator[_Group]:
    """The prospect's needs and the vendor's stories first; the kinds of elements that are not listed here last."""
    vendor, prospect, profile = brief.vendor, brief.prospect, brief.prospect.company_profile
    found = brief.findings
    ranked = (
        _Group(vendor.case_studies, 2),
        _Group(prospect.pain_points),
        _Group([one for one in found.triggers if one.company == "prospect"]),
        _Group(prospect.buyer_personas),
        _Group(vendor.proof_points, 2),
        _Group(found.people),
        _Group([own for own in vendor.differentiators if own.favours == "vendor"]),
        _Group([theirs for theirs in vendor.differentiators if theirs.favours == "competitor"]),
        _Group(vendor.offerings),
        _Group([claim for claim in (brief.pitch, profile.summary) if claim]),
        _Group(vendor.value_propositions),
        _Group(profile.facts),
        _Group(found.integrations),
        _Group(vendor.use_cases),
        _Group(vendor.reference_customers),
        _Group(vendor.target_personas),
        _Group([one for one in found.triggers if one.company == "vendor"]),
    )
    yield from ranked
    listed = {id(one) for group in ranked for one in group.findings}
    for _, elements in vendor.by_kind():
        yield _Group([one for one in elements if id(one) not in listed])


def _fitting(groups: Sequence[_Group], passages: Mapping[EvidenceId, Passage], most: int) -> frozenset[EvidenceId]:
    """As much as `most` characters hold: of passages, and of the notes made of the findings."""
    chosen: set[EvidenceId] = set()
    numbers = dict.fromkeys(passages, 1)
    for finding in _in_turns(groups):
        wanted = {i for i in _evidence(finding) if i in passages}
        size = len(notes(finding, numbers)) + sum(len(passages[i].text) + OF_LINE for i in wanted - chosen)
        if size <= most:
            most -= size
            chosen |= wanted
    return frozenset(chosen)


def _most_telling_first(
    groups: Iterable[_Group], passages: Mapping[EvidenceId, Passage], interest: Interest, most: int
) -> list[_Group]:
    """Each group in the order of its best quotations, those that repeat another last."""
    ids, found = list(passages), list(passages.values())
    by_id = {ids[at]: rank for at, rank in ranks(found, interest, most).items()}

    def rank(finding: Value) -> int:
        return min((by_id.get(i, len(ids)) for i in _evidence(finding)), default=len(ids))

    return [_Group(sorted(group.findings, key=rank), group.per_turn) for group in groups]


def _in_turns(groups: Sequence[_Group]) -> Iterator[Value]:
    longest = max((ceil(len(group.findings) / (group.per_turn or 1)) for group in groups), default=0)
    for turn in range(longest):
        for findings, per_turn in groups:
            yield from findings[turn * per_turn : (turn + 1) * per_turn]


def _evidence(finding: Value) -> Iterator[EvidenceId]:
    return (i for value in walk(finding) for i in cast("tuple[EvidenceId, ...]", getattr(value, "evidence", ())))
