"""Says which parts of a playbook are outlines, and how to get finished sales copy instead."""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.domain.choices import finished_copy
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.playbook import Playbook, SummaryDraft

TITLE = "Outline: you or a model must write the final text"
PARTLY = "Some parts are outlines ({}): you or a model must write their final text"
HOW = (
    "The quotations are in place; the wording is up to you. For finished copy, generate the playbook again with a "
    f"language model: {finished_copy()}."
)
TOO_LITTLE = (
    "Too little was found about {} to write e-mails and call scripts that are specific to it. Say in the context what "
    "you know about it, or start with the question."
)

_UNWRITTEN = {
    "quick_wins": "quick wins are advice; rules only quote what the pages say",
    "success_metrics": "success metrics are advice; rules only quote what the pages say",
    "priority_personas.goals": "no page gives goals for these titles; rules only quote what the pages say",
}
_WOULD_FILL = f"you, or a language model: {finished_copy()}"


def title(playbook: Playbook) -> str:
    """Return a heading that says which parts of the playbook are outlines. Return '' if there are no outlines."""
    parts = dict(_parts(playbook))
    outlined = [name for name, forms in parts.items() if "outline" in forms]
    is_whole = {form for forms in parts.values() for form in forms} == {"outline"}
    return TITLE if is_whole else PARTLY.format(", ".join(outlined)) if outlined else ""


def _parts(playbook: Playbook) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each section that models write, with the kind of each item in it, such as "outline".

    If the summary is empty, its list of kinds is empty, too.
    """
    summary = playbook.executive_summary
    sentences = (*summary.whom_to_approach, *summary.why_now, *summary.how_to_engage)
    yield "summary", [summary.kind for _ in sentences]
    yield "e-mails", [touch.kind for sequence in playbook.email_sequences for touch in sequence.touches]
    yield "call scripts", [track.kind for track in playbook.talk_tracks]
    yield "battle cards", [card.form for card in playbook.battle_cards]


def how(playbook: Playbook) -> str:
    """Return a text that explains how to get finished e-mails, call scripts and battle cards."""
    is_by_rules = any(flag.code == "extractive" for flag in playbook.flags)
    return HOW if is_by_rules else TOO_LITTLE.format(playbook.prospect.name)


def notice(playbook: Playbook) -> str:
    """Return a text that names the outlines and explains how to replace them.

    Return '' if there are no outlines.
    """
    return f"{heading}. {how(playbook)}" if (heading := title(playbook)) else ""


def unwritten(summary: SummaryDraft[EvidenceId]) -> Iterator[Gap]:
    """Yield a `Gap` for each empty section that only a person or a model can write, such as quick wins."""
    written = {
        "quick_wins": summary.quick_wins,
        "success_metrics": summary.success_metrics,
        "priority_personas.goals": [goal for points in summary.personas for goal in points.goals],
    }
    for section, reason in _UNWRITTEN.items():
        if not written[section]:
            yield Gap(section=section, code="not_written", reason=reason, would_fill=_WOULD_FILL)
