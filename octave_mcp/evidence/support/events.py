"""Rules on what has to be said outright: certificates and other statuses, and events (D40)."""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.kin import EVENTS, STATUS
from octave_mcp.evidence.support.lexicon import FUNDING
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.statement import Statement, soft
from octave_mcp.evidence.support.wording import Word


def status(one: Statement) -> Iterator[Problem]:
    """'Follows the controls' is not 'certified'."""
    if not one.is_claim:
        return
    for word in one.claim.words:
        kin = STATUS.get(word.lower)
        if kin and not kin & one.lowers:
            yield from soft("D40", f"the claim says {word.text!r}, and the quotation does not")
            return


def event(one: Statement) -> Iterator[Problem]:
    """'Looking for' is not 'hired'."""
    if one.kind != "fact" or not one.evidence:
        return
    for word in one.claim.words:
        kin = EVENTS.get(word.lower)
        if kin and not kin & one.lowers and not _is_no_event(one, word):
            yield from soft("D40", f"the claim says {word.text!r}, and the quotation does not")
            return


def _is_no_event(one: Statement, word: Word) -> bool:
    """'Raised prices' is no round, and 'doubled' may be worked out."""
    figures = quantities(one.text)
    if word.lower in {"doubled", "tripled"}:
        return bool(figures)
    if word.lower in {"closed", "opened"} and one.claim.before(word) in {"is", "are"}:
        return True
    is_money = any(figure.unit in ("$", "€", "£", "¥", "₹") for figure in figures)
    return word.lower in {"raised", "raises"} and not one.claim.lowers & FUNDING and not is_money
