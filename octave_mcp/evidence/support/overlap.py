"""A rule on shared words: a quotation with hardly any words of the claim is probably about something else (D40)."""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.amounts import is_said
from octave_mcp.evidence.support.naming import names
from octave_mcp.evidence.support.pains import is_problem
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.statement import Statement, soft
from octave_mcp.evidence.support.wording import joined

# Minimum share of the claim's content words that the quotations, headings and page titles must contain. Names that are
# only in the page title are ignored, because they would match every quotation from that page.
_MIN_SHARE = {"fact": 0.2, "inference": 0.1}
_MIN_PAIN_SHARE = 0.34


def too_little_overlap(statement: Statement) -> Iterator[Problem]:
    """Flag a claim if hardly any of the claim's words, and none of its figures, are in the quotation.

    The rule also flags true paraphrases.
    """
    if not statement.is_claim or not statement.content:
        return
    is_pain = statement.kind == "fact" and statement.mentions(statement.prospect) and is_problem(statement.claim)
    is_too_little = statement.share_quoted < _MIN_PAIN_SHARE if is_pain else _shares_too_little(statement)
    if is_too_little and not _shares_figure(statement):
        yield from soft("D40", "most of what the claim says is not in the quotation")


def _shares_too_little(statement: Statement) -> bool:
    quoted = joined(quote.keys for quote in statement.quotes)
    name_words = {name.lower() for name in names(statement.text)}
    counted = [word for word in statement.content if word.lower not in name_words or not word.keys.isdisjoint(quoted)]
    shared = [not word.keys.isdisjoint(statement.keys) for word in counted]
    return bool(shared) and sum(shared) < _MIN_SHARE[statement.kind] * len(shared)


def _shares_figure(statement: Statement) -> bool:
    quoted = quantities(statement.quoted_text)
    return any(is_said(figure, quantity) for figure in quantities(statement.text) for quantity in quoted)
