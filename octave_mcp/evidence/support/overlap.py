"""A rule on words: a quotation that has hardly a word of its claim is about something else (D40)."""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.statement import Statement, soft

_LEAST = {"fact": 0.34, "inference": 0.15}
"""The least share of a claim's words of meaning that its quotations have."""


def overlap(one: Statement) -> Iterator[Problem]:
    if one.is_claim and one.content and one.share_said < _LEAST[one.kind]:
        yield from soft("D40", "most of what the claim says is not in the quotation")
