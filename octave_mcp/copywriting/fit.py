"""How well the two companies fit: what both name, and which capability meets which pain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from octave_mcp.domain.deal import Fit, StackOverlap, ValueMapRow
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.findings import CompanyIntegration
from octave_mcp.domain.names import name_key, normal
from octave_mcp.domain.playbook import SummaryDraft, TalkTrack

MAX_ROWS = 8


def fit(draft: SummaryDraft[EvidenceId], tracks: Sequence[TalkTrack], named: Sequence[CompanyIntegration]) -> Fit:
    return Fit(
        value_map=tuple(_value_map(tracks))[:MAX_ROWS],
        stack_overlap=tuple(stack_overlap(named)),
        reasons_against=draft.reasons_against,
        when_not_to_sell=draft.when_not_to_sell,
    )


def stack_overlap(named: Sequence[CompanyIntegration]) -> Iterator[StackOverlap]:
    """What both companies name. Only `uses` proves that a company runs on it, so it counts before other relations."""
    by_name: dict[str, list[CompanyIntegration]] = {}
    for one in named:
        by_name.setdefault(name_key(one.name), []).append(one)
    for same in by_name.values():
        vendor, prospect = (_strongest(same, role) for role in ("vendor", "prospect"))
        if vendor and prospect:
            yield StackOverlap(
                name=prospect.name,
                vendor=vendor.relation,
                prospect=prospect.relation,
                evidence=tuple(dict.fromkeys((*vendor.evidence, *prospect.evidence))),
            )


def _strongest(same: Sequence[CompanyIntegration], role: str) -> CompanyIntegration | None:
    own = [one for one in same if one.company == role]
    return min(own, key=lambda one: one.relation != "uses", default=None)


def _value_map(tracks: Sequence[TalkTrack]) -> Iterator[ValueMapRow[EvidenceId]]:
    """The rows of all personas in turns, each capability once."""
    seen = set[str]()
    longest = max((len(track.value_map) for track in tracks), default=0)
    for row in (track.value_map[at] for at in range(longest) for track in tracks if at < len(track.value_map)):
        if (key := normal(row.capability.text)) not in seen:
            seen.add(key)
            yield row
