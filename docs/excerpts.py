# ruff: noqa: INP001 - a part of the script beside it
"""What README shows of the playbook of the demo."""

from __future__ import annotations

from collections.abc import Iterable

from octave_mcp.domain.cards import CompetitivePositioningCard
from octave_mcp.domain.playbook import Brief, Playbook, Touch
from octave_mcp.evidence.dates import date_in_words

BY_RULES = "put together by rules, without a language model: e-mails and calls are outlines"


def excerpts(playbook: Playbook) -> dict[str, str]:
    """By name, as Markdown."""
    if not playbook.brief:
        raise SystemExit("the playbook of the demo has no brief")
    touch = next(s for s in playbook.email_sequences if s.persona_id == playbook.brief.persona_id).touches[0]
    return {
        "brief": _quoted(_brief(playbook.brief)),
        "writer": _writer(playbook),
        "email": _quoted((f"**{touch.subject}**", *touch.body.split("\n\n"))),
        "evidence": _evidence(playbook, touch),
        "rival": _quoted((_where_they_win(playbook),)),
    }


def _quoted(paragraphs: Iterable[str]) -> str:
    return "\n>\n".join("\n".join(f"> {line}" for line in one.split("\n")) for one in paragraphs)


def _brief(brief: Brief) -> Iterable[str]:
    yield f"**Call** {brief.person}, {brief.title}"
    if brief.why_now:
        yield f"**Why now** {brief.why_now.text} ({date_in_words(brief.date)})"
    if brief.proof:
        yield f"**Proof** {brief.proof.text}"


def _writer(playbook: Playbook) -> str:
    reasons = {f"{flag.code}": flag.reason for flag in playbook.flags}
    return f"It was {reasons.get('recorded', BY_RULES)}."


def _evidence(playbook: Playbook, touch: Touch) -> str:
    """What is quoted of the vendor for the e-mail."""
    cited = (playbook.evidence[id_] for sentence in touch.sentences for id_ in sentence.evidence)
    proof = next(evidence for evidence in cited if evidence.role == "vendor")
    return _quoted((proof.quote, f"<{proof.url}>"))


def _where_they_win(playbook: Playbook) -> str:
    cards = (card for card in playbook.battle_cards if isinstance(card, CompetitivePositioningCard))
    rivals = (rival for card in cards for rival in card.rivals if not rival.is_status_quo)
    return next(rival.where_they_win[-1].text for rival in rivals if rival.where_they_win)
