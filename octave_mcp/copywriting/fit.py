"""Lists signs that the vendor and the prospect fit each other.

The signs are tools that both companies mention, and the vendor's capabilities that address the prospect's pains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from octave_mcp.domain.deal import Fit, StackOverlap, ValueMapRow
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.findings import CompanyIntegration
from octave_mcp.domain.names import name_key, normal
from octave_mcp.domain.playbook import SummaryDraft, TalkTrack

MAX_ROWS = 8


def fit(
    draft: SummaryDraft[EvidenceId], tracks: Sequence[TalkTrack], integrations: Sequence[CompanyIntegration]
) -> Fit:
    return Fit(
        value_map=tuple(_value_map(tracks))[:MAX_ROWS],
        stack_overlap=tuple(stack_overlap(integrations)),
        reasons_against=draft.reasons_against,
        when_not_to_sell=draft.when_not_to_sell,
    )


def stack_overlap(integrations: Sequence[CompanyIntegration]) -> Iterator[StackOverlap]:
    """Yield the tools that both companies mention.

    If a company has several relations to a tool, such as `uses` and `partner`, take `uses`, because only `uses` proves
    that the company uses the tool.
    """
    by_name: dict[str, list[CompanyIntegration]] = {}
    for integration in integrations:
        by_name.setdefault(name_key(integration.name), []).append(integration)
    for mentions in by_name.values():
        vendor, prospect = (_strongest(mentions, role) for role in ("vendor", "prospect"))
        if vendor and prospect:
            yield StackOverlap(
                name=prospect.name,
                vendor=vendor.relation,
                prospect=prospect.relation,
                evidence=tuple(dict.fromkeys((*vendor.evidence, *prospect.evidence))),
            )


def _strongest(mentions: Sequence[CompanyIntegration], role: str) -> CompanyIntegration | None:
    of_company = [mention for mention in mentions if mention.company == role]
    return min(of_company, key=lambda mention: mention.relation != "uses", default=None)


def _value_map(tracks: Sequence[TalkTrack]) -> Iterator[ValueMapRow[EvidenceId]]:
    """Yield the value-map rows of all call scripts in round-robin order. Skip a row that repeats a capability.

    Round-robin order ensures that every persona keeps some rows after the value map is cut to its limit.
    """
    seen = set[str]()
    longest = max((len(track.value_map) for track in tracks), default=0)
    for row in (track.value_map[place] for place in range(longest) for track in tracks if place < len(track.value_map)):
        if (key := normal(row.capability.text)) not in seen:
            seen.add(key)
            yield row
