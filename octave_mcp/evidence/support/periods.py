"""Rules on rates, such as "40 orders a month", and on vague durations, such as "several weeks" (D3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.amounts import is_said
from octave_mcp.evidence.support.counts import as_written
from octave_mcp.evidence.support.numerals import in_digits
from octave_mcp.evidence.support.quantities import Quantity, periods, quantities
from octave_mcp.evidence.support.statement import Statement, soft
from octave_mcp.evidence.support.wording import normalised

# Maps words for rates to their periods. `quantities.periods` does not recognise these words.
_PERIOD_ADJECTIVES = {"annual": "year", "yoy": "year", "mom": "month", "qoq": "quarter"}


def wrong_period(statement: Statement) -> Iterator[Problem]:
    """Flag a rate with another period: "40 orders a day" where the quotation says "40 orders a month"."""
    if not (claimed := quantities(statement.text)):
        return
    missing = (
        periods(statement.text)
        - periods(statement.quoted_text)
        - periods(statement.headings)
        - periods(statement.titles)
    )
    missing -= frozenset(_PERIOD_ADJECTIVES.get(word, "") for word in statement.lowers)
    if missing and not any(
        re.search(rf"\b{name}s?\b(?!-to-)", statement.quoted_text, re.IGNORECASE) for name in missing
    ):
        yield from soft("D3", f"the quotation does not say that it is per {min(missing)}")
        return
    for figure in claimed:
        claimed_period = _period_of(statement.text, figure)
        quoted_periods = {
            _period_of(statement.quoted_text, quoted)
            for quoted in quantities(statement.quoted_text)
            if is_said(figure, quoted)
        }
        if claimed_period and quoted_periods and claimed_period not in quoted_periods and "" not in quoted_periods:
            yield from soft(
                "D3",
                f"the quotation gives {as_written(figure, statement.text)} per {min(quoted_periods)},"
                f" not per {claimed_period}",
            )
            return


def _period_of(text: str, figure: Quantity) -> str:
    """Return the period that follows the figure, such as "month".

    Return "" if there is no period, or several periods, before the next figure.
    """
    rest = in_digits(text)[figure.end :]
    named_periods = periods(re.split(r"\d|[.;:]\s", rest, maxsplit=1)[0][:50])
    return min(named_periods) if len(named_periods) == 1 else ""


_VAGUE_PERIOD = re.compile(
    r"\b(?:several|few|couple of|many|some|mere) (second|minute|hour|day|week|month|quarter|year|decade)s?\b",
    re.IGNORECASE,
)


def wrong_vague_time(statement: Statement) -> Iterator[Problem]:
    """Flag a vague duration with another unit: "several weeks" where the quotation says "a few days"."""
    claimed, quoted = (
        {unit.lower() for unit in _VAGUE_PERIOD.findall(normalised(text))}
        for text in (statement.text, statement.quoted_text)
    )
    if claimed and quoted and not any(word in statement.quoted_text.lower() for word in claimed):
        yield from soft("D3", f"the quotation speaks of {min(quoted)}s, not of {min(claimed)}s")
