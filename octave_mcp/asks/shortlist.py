"""Selects the findings to show to a writer, because showing all of them would cost too many tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil
from typing import NamedTuple

from octave_mcp.asks.notes import notes
from octave_mcp.domain.asks import UnderstandingBrief, WritingBrief
from octave_mcp.domain.evidence import EvidenceId, Passage, cited_in
from octave_mcp.domain.findings import UNDATED, CompanyTrigger
from octave_mcp.domain.value import Value
from octave_mcp.evidence.interest import Interest
from octave_mcp.evidence.selection import ranks

# Usual limits on the characters of selected findings and passages in one ask: about 7,000 tokens for the analysis of a
# prospect, and 5,000 tokens for sales copy. A writer needs few findings, because an e-mail has room for only a handful
# of claims. Without these limits, asks for sales copy used two thirds of a run's input tokens.
UNDERSTANDING_CHARACTERS = 28_000
WRITING_CHARACTERS = 20_000
# The prospect's newest dated triggers are selected first, because they are the reason to write now.
NEWEST_TRIGGERS = 4
OF_LINE = 10


class _Group(NamedTuple):
    """Findings of one kind, and the number of findings to add in each turn."""

    findings: Sequence[Value]
    per_turn: int = 1


class Shortlists:
    """Selects the evidence to show in the asks of a run, and reuses the last selection for asks from the same findings.

    The asks for the drafts of a playbook differ only in the personas that they are for, so they share one selection.
    """

    def __init__(self) -> None:
        self._last: tuple[object, frozenset[EvidenceId]] = None, frozenset()

    def of(
        self,
        brief: UnderstandingBrief | WritingBrief,
        passages: Mapping[EvidenceId, Passage],
        max_characters: int | None = None,
    ) -> frozenset[EvidenceId]:
        if isinstance(brief, WritingBrief):
            brief = brief.model_copy(update={"persona": None, "rank": 0, "personas": ()})
        last, chosen = self._last
        if last != (given := (brief, passages, max_characters)):
            chosen = shortlist(*given)
            self._last = given, chosen
        return chosen


def shortlist(
    brief: UnderstandingBrief | WritingBrief, passages: Mapping[EvidenceId, Passage], max_characters: int | None = None
) -> frozenset[EvidenceId]:
    """Return the ids of the evidence to show.

    The kinds of findings take turns, and each turn adds the best remaining findings of one kind.

    `max_characters` replaces the usual limit for models with a smaller context.
    """
    if isinstance(brief, UnderstandingBrief):
        prospect_findings, findings = brief.reading, brief.findings
        interest = Interest(brief.context, brief.counterpart, brief.offer)
        kinds = (
            prospect_findings.signals,
            findings.triggers,
            prospect_findings.facts,
            prospect_findings.jobs,
            findings.people,
            findings.integrations,
        )
        max_characters = max_characters or UNDERSTANDING_CHARACTERS
        return _fitting(_ranked(map(_Group, kinds), passages, interest, max_characters), passages, max_characters)
    interest = Interest(brief.context, brief.names.prospect, brief.pitch.text if brief.pitch else "")
    always = {*brief.existing_customer, *brief.vendor_is_customer, *_of_personas(brief, passages)}
    newest, max_characters = _newest_triggers(brief), max_characters or WRITING_CHARACTERS
    ranked = _ranked(_of_writing(brief), passages, interest, max_characters)
    return _fitting([_Group(newest, len(newest)), *ranked], passages, max_characters) | always


def _newest_triggers(brief: WritingBrief) -> list[CompanyTrigger]:
    """Return the prospect's newest dated triggers. The brief lists triggers from newest to oldest."""
    dated = [one for one in brief.findings.triggers if one.company == "prospect" and one.date != UNDATED]
    return dated[:NEWEST_TRIGGERS]


def _of_personas(brief: WritingBrief, passages: Mapping[EvidenceId, Passage]) -> Iterator[EvidenceId]:
    # Always show the evidence about the personas. Without this evidence, the notes would omit a persona, but a writer
    # must know every persona.
    return (i for persona in brief.prospect.buyer_personas for i in persona.evidence if i in passages)


def _of_writing(brief: WritingBrief) -> Iterator[_Group]:
    """Yield the groups of findings in order of priority."""
    vendor, prospect, profile = brief.vendor, brief.prospect, brief.prospect.company_profile
    findings = brief.findings
    ranked = (
        _Group(vendor.case_studies, 2),
        _Group(prospect.pain_points),
        _Group([one for one in findings.triggers if one.company == "prospect"]),
        _Group(prospect.buyer_personas),
        _Group(vendor.proof_points, 2),
        _Group(findings.people),
        _Group([edge for edge in vendor.differentiators if edge.favours == "vendor"]),
        _Group([edge for edge in vendor.differentiators if edge.favours == "competitor"]),
        _Group(vendor.offerings),
        _Group([claim for claim in (brief.pitch, profile.summary) if claim]),
        _Group(vendor.value_propositions),
        _Group(profile.facts),
        _Group(findings.integrations),
        _Group(vendor.use_cases),
        _Group(vendor.reference_customers),
        _Group(vendor.target_personas),
        _Group([one for one in findings.triggers if one.company == "vendor"]),
    )
    yield from ranked
    # If a kind of element is missing from the list above, its findings come last.
    listed = {id(one) for group in ranked for one in group.findings}
    for _, elements in vendor.by_kind():
        yield _Group([one for one in elements if id(one) not in listed])


def _fitting(
    groups: Sequence[_Group], passages: Mapping[EvidenceId, Passage], max_characters: int
) -> frozenset[EvidenceId]:
    """Take findings from each group in turn until their notes and passages fill `max_characters`."""
    chosen: set[EvidenceId] = set()
    numbers = dict.fromkeys(passages, 1)
    for finding in _in_turns(groups):
        wanted = {i for i in cited_in(finding) if i in passages}
        size = len(notes(finding, numbers)) + sum(len(passages[i].text) + OF_LINE for i in wanted - chosen)
        if size <= max_characters:
            max_characters -= size
            chosen |= wanted
    return frozenset(chosen)


def _ranked(
    groups: Iterable[_Group], passages: Mapping[EvidenceId, Passage], interest: Interest, max_characters: int
) -> list[_Group]:
    """Sort each group's findings by the rank of their best quotation.

    Quotations that repeat other quotations rank last.
    """
    ids = list(passages)
    by_id = {ids[at]: rank for at, rank in ranks(list(passages.values()), interest, max_characters).items()}

    def rank(finding: Value) -> int:
        return min((by_id.get(i, len(ids)) for i in cited_in(finding)), default=len(ids))

    return [_Group(sorted(group.findings, key=rank), group.per_turn) for group in groups]


def _in_turns(groups: Sequence[_Group]) -> Iterator[Value]:
    turns = max((ceil(len(group.findings) / (group.per_turn or 1)) for group in groups), default=0)
    for turn in range(turns):
        for findings, per_turn in groups:
            yield from findings[turn * per_turn : (turn + 1) * per_turn]
