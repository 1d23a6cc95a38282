"""Gaps for drafts that could not be written, grouped by reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from octave_mcp.asks.corrections import Checked
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.prospect import BuyerPersona
from octave_mcp.errors import UpstreamError, without_provider_text

Answer = Checked[Any] | UpstreamError

# The section to which each draft belongs, in the order of the answers.
DEAL_SECTIONS = ("executive_summary", "battle_cards", "battle_cards", "battle_cards")
PERSONA_SECTIONS = ("email_sequences", "talk_tracks")


def unwritten(answers: Sequence[Answer], personas: Sequence[BuyerPersona]) -> Iterator[Gap]:
    """Yield a `Gap` for each group of drafts that could not be written.

    `answers` contains the drafts about the deal, then all e-mail sequences, and then all talk tracks.
    """
    deal, copy = answers[: len(DEAL_SECTIONS)], answers[len(DEAL_SECTIONS) :]
    yield from _gaps(DEAL_SECTIONS, deal)
    for rank, persona in enumerate(personas):
        prefix = f"nothing was written for {persona.title} ({persona.id}): "
        yield from _gaps(PERSONA_SECTIONS, copy[rank :: len(personas)], prefix)


def _gaps(sections: Sequence[str], answers: Sequence[Answer], prefix: str = "") -> Iterator[Gap]:
    by_reason: dict[tuple[str, str], list[str]] = {}
    for section, failed in zip(sections, answers, strict=True):
        if isinstance(failed, UpstreamError):
            by_reason.setdefault((failed.code, without_provider_text(failed)), []).append(section)
    for (code, reason), left_out in by_reason.items():
        section = " and ".join(dict.fromkeys(left_out))
        yield Gap(section=section, code=code, reason=f"{prefix}{reason}", would_fill="another run")
