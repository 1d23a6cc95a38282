"""Summarises a finished playbook for the report on its run."""

from __future__ import annotations

import json

from octave_mcp.copywriting import outlines
from octave_mcp.domain.company import ROLES, Role
from octave_mcp.domain.deal import Brief
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.findings import DealFindings
from octave_mcp.domain.playbook import SECTIONS, Playbook, Summary
from octave_mcp.domain.prospect import ProspectIntelligence
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.tools.paging import dumped


class Overview(Value):
    """A summary of a finished playbook.

    `outline` says which parts are outlines and how to get finished sales copy; it is empty if there are no outlines.
    """

    outline: str
    summary: str
    personas: tuple[str, ...]
    counts: dict[str, int]
    gaps: tuple[str, ...]
    flags: tuple[str, ...]
    usd: float | None
    seconds: float
    section_tokens: dict[str, int]


def overview(playbook: Playbook) -> Overview:
    # Estimate the tokens: a token has about four characters.
    sizes = {name: len(json.dumps(dumped(getattr(playbook, name)), ensure_ascii=False)) // 4 for name in SECTIONS}
    return Overview(
        outline=outlines.notice(playbook),
        summary=_brief(playbook.brief) if playbook.brief else _summary(playbook.executive_summary),
        personas=tuple(persona.title for persona in playbook.priority_personas),
        counts=_counts(playbook),
        gaps=tuple(f"{gap.section}: {gap.reason}"[:300] for gap in playbook.gaps[:12]),
        flags=tuple(f"{flag.code}: {flag.reason}" for flag in playbook.flags),
        usd=playbook.cost.usd,
        seconds=playbook.timings.total_seconds,
        section_tokens=sizes,
    )


def _brief(brief: Brief) -> str:
    why = " ".join(sentence.text for sentence in (brief.why_now, brief.means) if sentence)
    lines = (
        ("Call", ", ".join(filter(None, (brief.person, brief.title)))),
        (f"Why now ({brief.date})", why),
        ("Say first", brief.first_line),
    )
    return "\n\n".join(f"{title}: {text}" for title, text in lines if text)


def _summary(summary: Summary) -> str:
    paragraphs = (summary.whom_to_approach, summary.why_now, summary.how_to_engage)
    return "\n\n".join(" ".join(sentence.text for sentence in paragraph) for paragraph in paragraphs)


def _counts(playbook: Playbook) -> dict[str, int]:
    """Count the findings in each list of the playbook.

    If both companies have a list with the same name, the key of the second list starts with its company's role, such as
    'prospect_'.
    """
    counts: dict[str, int] = {}
    for role in playbook.companies:
        of_company = _company_counts(role, getattr(playbook, ROLES[role].section))
        counts |= {f"{role}_{name}" if name in counts else name: count for name, count in of_company.items()}
    counts |= {section: len(getattr(playbook, section)) for section in DealFindings.model_fields}
    return {**counts, "evidence": len(playbook.evidence), "pages": len(playbook.pages)}


def _company_counts(role: Role, section: VendorElements[EvidenceId] | ProspectIntelligence) -> dict[str, int]:
    if isinstance(section, VendorElements):
        return {kind: len(elements) for kind, elements in section.by_kind()}
    return {f"{role}_facts": len(section.company_profile.facts), "pain_points": len(section.pain_points)}
