"""Rules on figures: the quotation must give the same figures as the claim, for the same things (D3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from octave_mcp.domain.names import normal
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.dates import days_of
from octave_mcp.evidence.support.amounts import is_capped, is_derived, is_opposed, is_said
from octave_mcp.evidence.support.counts import SMALL_COUNTS, as_written, is_count
from octave_mcp.evidence.support.lexicon import DOWN, LESS, NEGATIONS
from octave_mcp.evidence.support.months import lies_between
from octave_mcp.evidence.support.numerals import in_digits
from octave_mcp.evidence.support.quantities import Quantity, quantities
from octave_mcp.evidence.support.statement import Statement, hard, soft
from octave_mcp.evidence.support.wording import Word, joined, stems, wording

_ZERO_WORDS = NEGATIONS | frozenset("free zero".split())
_MEDIAN_PERCENT = 50
# If the quotation says 38%, the rest is 62%. "Six in ten" also counts as the rest, because the difference is smaller
# than this number of percentage points.
_ROUGH_POINTS = 4
# Matches the number at the end of a name such as "EC2". A claim can use this number.
_NUMBER_IN_NAME = re.compile(r"[A-Za-z](\d+)\b")


def unquoted_figures(statement: Statement) -> Iterator[Problem]:
    """Reject figures that neither the quotation nor its heading contains in any form.

    Omitted limits, vague figures and small numbers without a unit are only flagged. A limit is omitted if the claim
    says "40" and the quotation says "up to 40". A small number, such as "two", can be the length of a list in the
    quotation.
    """
    for figure, matches in _figures(statement):
        are_limits = all(is_capped(figure, quoted) or _is_opposed(statement, figure, quoted) for quoted in matches)
        if matches and are_limits and not _has_same_limit(statement, figure):
            limit = _figure_with_bound(statement.quoted_text, matches[0])
            yield from soft(
                "D3", f"the quotation says {limit!r}, and the claim plainly {as_written(figure, statement.text)}"
            )
        elif matches or _is_in_titles(statement, figure):
            continue
        elif (
            figure.bound == "vague"
            or (not figure.unit and figure.value in SMALL_COUNTS)
            or _counts_times(statement, figure)
        ):
            yield from (
                ()
                if is_count(statement, figure)
                else soft("D3", f"the quotation does not say {as_written(figure, statement.text)}")
            )
        else:
            yield from hard(
                "D3",
                f"the figure {as_written(figure, statement.text)} is not in the quotation{_quoted_figures(statement)}",
            )


def _is_opposed(statement: Statement, figure: Quantity, quoted: Quantity) -> bool:
    """Whether two figures contradict each other, such as "over 40" and "under 40".

    A negation in the claim or the quotation can reverse the meaning ("not under 40"), so the result is then False.
    """
    return (
        is_opposed(figure, quoted)
        and statement.claim.lowers.isdisjoint(NEGATIONS)
        and statement.lowers.isdisjoint(NEGATIONS)
    )


def renumbered_sentence(statement: Statement) -> Iterator[Problem]:
    """Reject a claim that repeats a sentence of the quotation word for word, but with another figure.

    For example, the claim says "40 stores and 10 offices", and the quotation "10 stores and 40 offices".
    `unquoted_figures` accepts this claim, because the quotation contains both figures.
    """
    sentences = [
        text for quotation in statement.evidence for text in (quotation.text, *_SENTENCE_END.split(quotation.text))
    ]
    masked_quotes = {(_masked(text), _numbers(text)) for text in sentences}
    masked_claim = _masked(statement.text)
    is_renumbered = (
        masked_claim
        and any(masked_claim == text for text, _ in masked_quotes)
        and (masked_claim, _numbers(statement.text)) not in masked_quotes
    )
    if is_renumbered and all(problem.is_soft for problem in unquoted_figures(statement)):
        yield from hard("D3", "the claim repeats a sentence of the quotation with another figure")


def _counts_times(statement: Statement, figure: Quantity) -> bool:
    """Whether "twice" means two occasions, as in "went up twice".

    In that case, the quotation can list the two occasions without giving a number.
    """
    return figure.unit == "x" and bool(_TIMES.search(in_digits(statement.text)[figure.end :]))


# Matches "twice" for two occasions, but not in "twice the price", where it is a multiple.
_TIMES = re.compile(r"^\s*twice\b(?! (?:as|the|its|their|what|that))", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_ANY_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def _masked(text: str) -> str:
    """Return the text with "#" instead of each figure, or "" if the text contains no figure."""
    plain = normal(text).rstrip(".!")
    return _ANY_NUMBER.sub("#", plain) if _ANY_NUMBER.search(plain) else ""


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(number.replace(",", "") for number in _ANY_NUMBER.findall(normal(text).rstrip(".!")))


def _has_same_limit(statement: Statement, figure: Quantity) -> bool:
    """Whether the claim gives the same number with a limit elsewhere, as in "10 teams of up to 10 people"."""
    return any(other.value == figure.value and other.bound == "<=" for other in quantities(statement.text))


def figures_in_title(statement: Statement) -> Iterator[Problem]:
    """Flag figures that are in the page's title, but not in the quotation."""
    for figure, matches in _figures(statement):
        if not matches and _is_in_titles(statement, figure) and not _is_in_compound(statement.text, figure):
            yield from soft(
                "D3", f"{as_written(figure, statement.text)} stands in the page's title, but not in the quotation"
            )


@lru_cache(maxsize=256)
def _figures(statement: Statement) -> Sequence[tuple[Quantity, list[Quantity]]]:
    """Return the claim's figures that need evidence, each with the matching figures in the quotation and its heading.

    The result is cached, because two rules use it.
    """
    return tuple(_figures_to_quote(statement)) if quantities(statement.text) else ()


def _figures_to_quote(statement: Statement) -> Iterator[tuple[Quantity, list[Quantity]]]:
    quoted = (
        *quantities(statement.quoted_text),
        *quantities(statement.headings),
        *_publication_years(statement),
        *quantities(_single_periods(statement.quoted_text)),
    )
    exempt = {
        float(number)
        for number in _NUMBER_IN_NAME.findall(f"{statement.quoted_text} {statement.titles} {statement.headings}")
    }
    exempt |= {quantity.raw for name in statement.free_names for quantity in quantities(name)}
    exempt |= _shares_of(statement) | _same_dates(statement)
    quoted = tuple(
        {
            (quantity.value, quantity.unit, quantity.bound, quantity.is_rough): quantity
            for quantity in reversed(quoted)
        }.values()
    )[::-1]
    for figure in quantities(statement.text):
        matches = [quantity for quantity in quoted if is_said(figure, quantity)]
        is_nothing = not figure.value and statement.lowers & _ZERO_WORDS
        is_nothing = is_nothing or (
            figure.is_rough and figure.value == _MEDIAN_PERCENT and "median" in statement.lowers
        )
        is_timespan = not matches and lies_between(statement, figure)
        if figure.raw not in exempt and (
            matches or not (is_nothing or is_timespan or _is_derivable(statement, figure))
        ):
            yield figure, matches


_SINGLE_PERIOD = re.compile(
    r"(?<!than )(?<!under )(?<!over )\b(?:an?|one|next|following) (second|minute|hour|day|week|month|quarter|year)\b",
    re.IGNORECASE,
)


def _single_periods(quoted_text: str) -> str:
    """Return each period that the quotation mentions without a number, with "1" added: "1 day" for "the next day"."""
    return ", ".join(f"1 {period}" for period in _SINGLE_PERIOD.findall(quoted_text))


_PART_OF_WHOLE = re.compile(r"\b(\d+) (?:out )?of (?:every )?(\d+)\b")


def _shares_of(statement: Statement) -> set[float]:
    """If the claim says "seven of ten" and the quotation says 70 %, return 7 and 10."""
    pairs = [(float(part), float(whole)) for part, whole in _PART_OF_WHOLE.findall(in_digits(statement.text))]
    shares = [quantity.value for quantity in quantities(statement.quoted_text) if quantity.unit == "%"]
    return {n for pair in pairs if 0 < pair[0] < pair[1] and 100 * pair[0] / pair[1] in shares for n in pair}


def _same_dates(statement: Statement) -> set[float]:
    """Return the year, month and day of each date that is in both the claim and the quotation, in any format."""
    both = {day for day, *_ in days_of(statement.text)} & {day for day, *_ in days_of(statement.quoted_text)}
    return {float(number) for day in both for number in (day.year, day.month, day.day)}


def _is_in_titles(statement: Statement, figure: Quantity) -> bool:
    return any(is_said(figure, quoted) for quoted in quantities(statement.titles))


def _is_in_compound(text: str, figure: Quantity) -> bool:
    """Whether the figure is part of a compound, as in "two-hour windows"."""
    return "-" in figure.text.strip() and not in_digits(text)[figure.end : figure.end + 1].isdigit()


def _quoted_figures(statement: Statement) -> str:
    """Return up to four figures from the quotation, as the end of an error text: ", which has '20%'"."""
    text = statement.quoted_text
    available = list(dict.fromkeys(as_written(quantity, text) for quantity in quantities(text)))[:4]
    return f", which has {', '.join(available)}" if available else ", which has no figures"


def _figure_with_bound(quoted_text: str, quantity: Quantity) -> str:
    """Return the figure with the words before it, which can state a limit: "up to 40"."""
    plain = in_digits(quoted_text)
    start = plain.rfind(" ", 0, max(0, quantity.start - 12) + 1) + 1
    return plain[start : quantity.end].strip("~ ").split("\n")[-1]


def _publication_years(statement: Statement) -> tuple[Quantity, ...]:
    """Return the years in which the cited pages were published, or nothing if the quotation contains a year."""
    if any(quantity.is_year for quantity in quantities(statement.quoted_text)):
        return ()
    return tuple(year for quotation in statement.evidence for year in quantities(quotation.published_on[:4]))


_COMPLEMENT_WORDS = DOWN | LESS | frozenset("rest other remaining missed without rather than excluding".split())
# With one of these words, a figure in the claim counts as calculated: "adds 90 stores, for 300 in total".
_DERIVING_WORDS = frozenset(
    "more fewer less sooner later longer shorter earlier faster slower quicker difference gap extra total together"
    " combined altogether added points grew growth increase increased drop dropped rest other remaining missed without"
    " cheaper higher lower saved saves saving cut another share half third quarter fifth above below ahead"
    " behind add adds adding bring brings bringing plus".split()
)
_ENDS_IN_TO = re.compile(r"\bto\s+(?:(?:about|around|roughly|some|under|over)\s*)?$", re.IGNORECASE)


def _is_derivable(statement: Statement, figure: Quantity) -> bool:
    """Whether the figure can be calculated from figures in the quotation, and the claim presents it as calculated."""
    if not is_derived(figure, quantities(statement.quoted_text)):
        return False
    if figure.unit != "x" and not figure.is_rough and not statement.claim.lowers & _DERIVING_WORDS:
        return False
    if _ENDS_IN_TO.search(in_digits(statement.text)[: figure.start].rstrip("~")):
        return False
    near = _ROUGH_POINTS if figure.is_rough else 1
    shares = [quoted for quoted in quantities(statement.quoted_text) if quoted.unit == figure.unit == "%"]
    complements = [quoted for quoted in shares if abs(100 - quoted.value - figure.value) < near]
    is_complement = bool(complements)
    if is_complement and _is_about_another_share(statement, figure, complements):
        return False
    if any(
        _comparative_after(statement.quoted_text, quoted) == _comparative_after(statement.text, figure) != ""
        for quoted in complements
    ):
        return False
    turns = statement.lowers | statement.claim.lowers
    return not is_complement or bool(turns & (_COMPLEMENT_WORDS | NEGATIONS) or stems(DOWN) & statement.claim.stems)


def _is_about_another_share(statement: Statement, figure: Quantity, complements: Sequence[Quantity]) -> bool:
    """Whether the words near the claim's figure describe a different percentage in the quotation.

    For example, the quotation says "38% have other complaints" and "80% feel buried by calls". Then the claim "six in
    ten feel buried by calls" is wrong. 60 % is close to 100 % - 38 %, but "feel buried by calls" describes 80 %.
    """
    claim_keys = _keys_near(statement.text, figure, _FAR_WORDS)
    shared_words = {
        share: len([key for key in claim_keys & _keys_near(statement.quoted_text, share, _FAR_WORDS) if key[0] != "#"])
        for share in quantities(statement.quoted_text)
        if share.unit == "%"
    }
    return max(shared_words.values(), default=0) > max(shared_words.get(share, 0) for share in complements)


def _comparative_after(text: str, figure: Quantity) -> str:
    """Return the comparative after a figure, such as "less" in "25% less". Return "" if there is none."""
    following = wording(in_digits(text)[figure.end :][:20]).words
    return following[0].lower if following and following[0].lower in DOWN | LESS else ""


def swapped_figures(statement: Statement) -> Iterator[Problem]:
    """Flag two swapped figures: "10 stores and 20 offices" where the quotation says "20 stores and 10 offices"."""
    claimed = [figure for figure in quantities(statement.text) if not figure.is_year]
    for first, second in pairwise(claimed):
        for quotation in statement.evidence:
            quoted = quantities(quotation.text)
            a, b = ([other for other in quoted if is_said(figure, other)] for figure in (first, second))
            are_alike = len(a) == len(b) == 1 and a != b and first.unit == second.unit
            if are_alike and _are_swapped(statement.text, (first, second), quotation.text, (a[0], b[0])):
                names = as_written(first, statement.text), as_written(second, statement.text)
                yield from soft("D3", f"the claim swaps {names[0]} and {names[1]}")
                return


def _are_swapped(
    text: str, claimed: tuple[Quantity, Quantity], quoted_text: str, quoted: tuple[Quantity, Quantity]
) -> bool:
    a, b = (_keys_near(text, q) for q in claimed)
    c, d = (_keys_near(quoted_text, q) for q in quoted)
    a, b, c, d = a - b, b - a, c - d, d - c
    return len(a & d) + len(b & c) > 0 and not a & c and not b & d and bool(a & d) and (bool(b & c) or not b)


# The words next to a figure show what it is about: up to four words are compared to find swapped figures, and up to
# eight to find another share.
_REACH_WORDS, _FAR_WORDS = 4, 8


def _keys_near(text: str, figure: Quantity, reach: int = _REACH_WORDS) -> frozenset[str]:
    """Return the comparison keys of the content words after a figure or, if there are none, before the figure."""
    plain = wording(in_digits(text))
    figure_word = next((word for word in plain.words if figure.start <= word.start < figure.end), None)
    if figure_word is None:
        return frozenset()
    before, after = (_until_figure(words) for words in plain.neighbours(figure_word, reach))
    return joined(word.keys for word in after) or joined(word.keys for word in before)


def _until_figure(words: Sequence[Word]) -> list[Word]:
    end = next((at for at, word in enumerate(words) if word.is_figure), len(words))
    return [word for word in words[:end] if word.is_content]
