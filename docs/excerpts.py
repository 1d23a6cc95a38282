# ruff: noqa: INP001 - a module of the script generate.py, not of a package
"""Creates excerpts from the demo's playbook for the README."""

from __future__ import annotations

from collections.abc import Iterable

from octave_mcp.domain.playbook import Playbook, Touch

BY_RULES = "put together by rules, without a language model: e-mails and calls are outlines"


def excerpts(playbook: Playbook) -> dict[str, str]:
    """Return the excerpts as Markdown. The keys are the names that the README uses."""
    if not playbook.brief:
        raise SystemExit("the demo's playbook has no brief; the README needs one")
    touch = next(s for s in playbook.email_sequences if s.persona_id == playbook.brief.persona_id).touches[0]
    return {
        "writer": _writer(playbook),
        "email": _quoted((f"**{touch.subject}**", *touch.body.split("\n\n"))),
        "evidence": _first_evidence(playbook, touch),
    }


def _quoted(paragraphs: Iterable[str]) -> str:
    return "\n>\n".join("\n".join(f"> {line}" for line in paragraph.split("\n")) for paragraph in paragraphs)


def _writer(playbook: Playbook) -> str:
    reasons = {f"{flag.code}": flag.reason for flag in playbook.flags}
    writer, _, _ = reasons.get("recorded", BY_RULES).partition(";")
    return f"The demo's playbook was {writer}."


def _first_evidence(playbook: Playbook, touch: Touch) -> str:
    evidence = playbook.evidence[next(id_ for sentence in touch.sentences for id_ in sentence.evidence)]
    return _quoted((evidence.quote, f"<{evidence.url}>"))
