"""A rule on words: a quotation that has hardly a word of its claim is about something else (D40)."""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.amounts import is_said
from octave_mcp.evidence.support.pains import is_problem
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.statement import Statement, soft

_LEAST = {"fact": 0.1, "inference": 0.1}
"""The least share of a claim's words of meaning that its quotations have."""


_LEAST_OF_A_PAIN = 0.34
_BESIDE_A_FIGURE = 0.5
"""A figure that the quotation has says as much as some words."""


def overlap(one: Statement) -> Iterator[Problem]:
    least = _LEAST.get(one.kind, 0.0) * (_BESIDE_A_FIGURE if _has_figure(one) else 1.0)
    if one.kind == "fact" and one.mentions(one.prospect) and is_problem(one.claim):
        least = _LEAST_OF_A_PAIN
    if one.is_claim and one.content and one.share_said < least:
        yield from soft("D40", "most of what the claim says is not in the quotation")


def _has_figure(one: Statement) -> bool:
    said = quantities(one.said)
    return any(is_said(figure, told) for figure in quantities(one.text) for told in said)
