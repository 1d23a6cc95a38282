"""Rules on statuses and events: a claim must not say "certified" or "hired" if the quotation does not (D40)."""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.lexicon import FUNDING_WORDS
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.statement import Statement, soft
from octave_mcp.evidence.support.strong_words import EVENTS, STATUS
from octave_mcp.evidence.support.wording import Word


def added_status(statement: Statement) -> Iterator[Problem]:
    """Flag a status that the quotation does not state: "certified" for "follows the controls"."""
    if not statement.is_claim:
        return
    for word in statement.claim.words:
        kin = STATUS.get(word.lower)
        if kin and not kin & statement.lowers:
            yield from soft("D40", f"the claim says {word.text!r}, and the quotation does not")
            return


def added_event(statement: Statement) -> Iterator[Problem]:
    """Flag an event that the quotation does not state: "hired" for "is looking for"."""
    if statement.kind != "fact" or not statement.evidence:
        return
    for word in statement.claim.words:
        kin = EVENTS.get(word.lower)
        if kin and not kin & statement.lowers and not _is_no_event(statement, word):
            yield from soft("D40", f"the claim says {word.text!r}, and the quotation does not")
            return


def _is_no_event(statement: Statement, word: Word) -> bool:
    """Whether a word such as "raised" does not state an event in this text.

    For example, "raised prices" is not a funding round, and "is closed" is a state. If the claim contains figures,
    "doubled" can be calculated from them.
    """
    figures = quantities(statement.text)
    if word.lower in {"doubled", "tripled"}:
        return bool(figures)
    if word.lower in {"closed", "opened"} and statement.claim.before(word) in {"is", "are"}:
        return True
    is_money = any(figure.unit in ("$", "€", "£", "¥", "₹") for figure in figures)
    return word.lower in {"raised", "raises"} and not statement.claim.lowers & FUNDING_WORDS and not is_money
