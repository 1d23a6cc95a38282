"""Which findings a writer is shown where all of them would be too much to read, and to pay for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import cast

from octave_mcp.domain.asks import UnderstandingBrief, WritingBrief
from octave_mcp.domain.evidence import EvidenceId, Passage
from octave_mcp.domain.value import Value, walk
from octave_mcp.evidence.interest import Interest
from octave_mcp.evidence.selection import ranks

UNDERSTANDING_CHARACTERS = 28_000
WRITING_CHARACTERS = 15_000
"""Of findings and the passages they rest on: about 7,000 and 4,000 tokens."""

Findings = Sequence[Value]


def shortlist(
    brief: UnderstandingBrief | WritingBrief, passages: Mapping[EvidenceId, Passage], most: int | None = None
) -> frozenset[EvidenceId]:
    """The evidence to show: that of the most telling findings of every kind, in turns.

    `most` is the number of characters to show, where a model has less room than usual.
    """
    if isinstance(brief, UnderstandingBrief):
        reading, found = brief.reading, brief.findings
        interest = Interest(brief.context, brief.counterpart, brief.offer)
        groups = (reading.signals, found.triggers, reading.facts, reading.jobs, found.people, found.integrations)
        return _fitting(groups, passages, interest, most or UNDERSTANDING_CHARACTERS)
    interest = Interest(brief.context, brief.names.prospect, brief.pitch.text if brief.pitch else "")
    always = {*brief.existing_customer, *brief.vendor_is_customer, *_of_personas(brief, passages)}
    return _fitting(_of_writing(brief), passages, interest, most or WRITING_CHARACTERS) | always


def _of_personas(brief: WritingBrief, passages: Mapping[EvidenceId, Passage]) -> Iterator[EvidenceId]:
    """The quotations for each persona: without them, a writer would not be told of it."""
    return (i for persona in brief.prospect.buyer_personas for i in persona.evidence if i in passages)


def _of_writing(brief: WritingBrief) -> tuple[Findings, ...]:
    """The prospect's needs and the vendor's proof first; the kinds of elements that are not listed here last."""
    vendor, prospect, profile = brief.vendor, brief.prospect, brief.prospect.company_profile
    found = brief.findings
    ranked: tuple[Findings, ...] = (
        prospect.pain_points,
        found.triggers,
        vendor.case_studies,
        prospect.buyer_personas,
        vendor.proof_points,
        [own for own in vendor.differentiators if own.favours == "vendor"],
        [theirs for theirs in vendor.differentiators if theirs.favours == "competitor"],
        vendor.offerings,
        [claim for claim in (brief.pitch, profile.summary) if claim],
        vendor.value_propositions,
        found.people,
        profile.facts,
        found.integrations,
        vendor.use_cases,
        vendor.reference_customers,
        vendor.target_personas,
    )
    listed = {id(one) for group in ranked for one in group}
    return (*ranked, *([one for one in found if id(one) not in listed] for _, found in vendor.by_kind()))


def _fitting(
    groups: Sequence[Findings], passages: Mapping[EvidenceId, Passage], interest: Interest, most: int
) -> frozenset[EvidenceId]:
    chosen: set[EvidenceId] = set()
    for finding in _in_turns(_most_telling_first(groups, passages, interest, most)):
        wanted = {i for i in _evidence(finding) if i in passages}
        size = len(finding.model_dump_json()) // 2 + sum(len(passages[i].text) for i in wanted - chosen)
        if size <= most:
            most -= size
            chosen |= wanted
    return frozenset(chosen)


def _most_telling_first(
    groups: Sequence[Findings], passages: Mapping[EvidenceId, Passage], interest: Interest, most: int
) -> list[Findings]:
    """Each group in the order of its best quotations, those that repeat another last."""
    ids, found = list(passages), list(passages.values())
    by_id = {ids[at]: rank for at, rank in ranks(found, interest, most).items()}

    def rank(finding: Value) -> int:
        return min((by_id.get(i, len(ids)) for i in _evidence(finding)), default=len(ids))

    return [sorted(group, key=rank) for group in groups]


def _in_turns(groups: Sequence[Findings]) -> Iterator[Value]:
    return (finding for turn in zip_longest(*groups) for finding in turn if finding is not None)


def _evidence(finding: Value) -> Iterator[EvidenceId]:
    return (i for value in walk(finding) for i in cast("tuple[EvidenceId, ...]", getattr(value, "evidence", ())))
