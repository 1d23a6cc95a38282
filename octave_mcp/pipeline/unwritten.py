"""The gaps that writers leave who failed: one for each reason, which names the persona and the sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from octave_mcp.asks.corrections import Checked
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.prospect import BuyerPersona
from octave_mcp.errors import UpstreamError, own_words

Answer = Checked[Any] | UpstreamError

OF_DEAL = ("executive_summary", "battle_cards", "battle_cards", "battle_cards")
OF_PERSONA = ("email_sequences", "talk_tracks")


def unwritten(answers: Sequence[Answer], personas: Sequence[BuyerPersona]) -> Iterator[Gap]:
    """`answers` are those about the deal, then the sequences of all personas, then their talk tracks."""
    deal, copy = answers[: len(OF_DEAL)], answers[len(OF_DEAL) :]
    yield from _gaps(OF_DEAL, deal)
    for rank, persona in enumerate(personas):
        whom = f"nothing is written for {persona.title} ({persona.id}): "
        yield from _gaps(OF_PERSONA, copy[rank :: len(personas)], whom)


def _gaps(sections: Sequence[str], answers: Sequence[Answer], whom: str = "") -> Iterator[Gap]:
    """Those of one subject."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for section, failed in zip(sections, answers, strict=True):
        if isinstance(failed, UpstreamError):
            by_reason.setdefault((failed.code, own_words(failed)), []).append(section)
    for (code, reason), left_out in by_reason.items():
        section = " and ".join(dict.fromkeys(left_out))
        yield Gap(section=section, code=code, reason=f"{whom}{reason}", would_fill="another run")
