"""A rule on words: a quotation that has hardly a word of its claim is about something else (D40)."""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.amounts import is_said
from octave_mcp.evidence.support.naming import names
from octave_mcp.evidence.support.pains import is_problem
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.statement import Statement, soft
from octave_mcp.evidence.support.wording import joined

# The least share of a claim's content words that its quotations have. Names in a title alone do not count.
_LEAST = {"fact": 0.2, "inference": 0.1}
_LEAST_OF_A_PAIN = 0.34


def overlap(one: Statement) -> Iterator[Problem]:
    if not one.is_claim or not one.content:
        return
    is_pain = one.kind == "fact" and one.mentions(one.prospect) and is_problem(one.claim)
    is_too_little = one.share_said < _LEAST_OF_A_PAIN if is_pain else _shares_nothing(one)
    if is_too_little and not _has_figure(one):
        yield from soft("D40", "most of what the claim says is not in the quotation")


def _shares_nothing(one: Statement) -> bool:
    quoted = joined(quote.keys for quote in one.quotes)
    named = {name.lower() for name in names(one.text)}
    own = [word for word in one.content if word.lower not in named or not word.keys.isdisjoint(quoted)]
    told = [not word.keys.isdisjoint(one.keys) for word in own]
    return bool(told) and sum(told) < _LEAST[one.kind] * len(told)


def _has_figure(one: Statement) -> bool:
    """A figure that the quotation has says as much as some words."""
    said = quantities(one.said)
    return any(is_said(figure, told) for figure in quantities(one.text) for told in said)
