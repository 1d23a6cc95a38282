"""Checks comparisons against figures: if a claim says "A costs more than B", A must have the higher price."""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.evidence.support.numerals import in_digits
from octave_mcp.evidence.support.quantities import Quantity, quantities
from octave_mcp.evidence.support.statement import Statement
from octave_mcp.evidence.support.wording import Word, Wording, wording

_MORE = frozenset("more greater higher larger bigger longer slower costlier pricier later".split())
_LESS = frozenset("less fewer lower smaller cheaper shorter faster quicker sooner earlier".split())
# Maximum distance, in words, between the comparative and "than", as in "fewer errors a day than".
_REACH = 6
# Minimum number of words between a figure and the comparative: "At 9%, our error rate is lower than the usual 12%". In
# "40% faster than the 30%", the 40% is a difference and must not be compared with the 30%.
_MIN_WORDS_BETWEEN = 2

_Keys = frozenset[str]


def contradicts_figures(statement: Statement) -> bool:
    """Whether a figure in the claim or the quotation contradicts a comparison in the claim."""
    claim = wording(in_digits(statement.text))
    for than in claim.words:
        before = claim.words[max(0, than.at - _REACH) : than.at] if than.lower == "than" else ()
        word = next((w for w in reversed(before) if w.lower in _MORE or w.lower in _LESS), None)
        if (
            word and word.at == than.at - 1 and claim.after(than)[:1].isdigit()
        ):  # "Less than 20%" is a limit, not a comparison.
            continue
        if word and (
            _contradicts_own_figures(claim, word, than) or _contradicts_quoted_figures(statement, claim, word, than)
        ):
            return True
    return False


def _contradicts_own_figures(claim: Wording, word: Word, than: Word) -> bool:
    """Whether the claim contradicts itself, as in "At 9%, our error rate is lower than the usual 3%"."""
    figures = quantities(claim.text)
    before = [q for q in figures if q.end <= word.start]
    after = [q for q in figures if q.start >= than.start]
    if not before or not after or len(before) > 1:
        return False
    between = [w for w in claim.words if before[0].end <= w.start < word.start]
    is_same_unit = before[0].unit == after[0].unit and before[0].unit in {"%", "$", "€", "£"}
    return is_same_unit and len(between) >= _MIN_WORDS_BETWEEN and _contradicts(word, before[0], after[0])


def _contradicts_quoted_figures(statement: Statement, claim: Wording, word: Word, than: Word) -> bool:
    before_than, after_than = _keys(claim.words[: than.at]), _keys(claim.words[than.at + 1 :])
    for quotation in statement.evidence:
        for first, second in _pairs(quotation.text):
            a, b = _sentence_keys(quotation.text, first), _sentence_keys(quotation.text, second)
            a, b = a - b, b - a
            subject, compared = before_than - after_than, after_than - before_than
            if (
                len(a & subject) > len(a & compared)
                and len(b & compared) > len(b & subject)
                and _contradicts(word, first, second)
            ):
                return True
    return False


def _pairs(text: str) -> Iterator[tuple[Quantity, Quantity]]:
    """If exactly two figures have the same unit, yield them in both orders.

    With three figures, it would be unclear which two the text compares.
    """
    figures = [q for q in quantities(text) if q.unit and not q.is_year]
    for unit in {q.unit for q in figures}:
        if len(same := [q for q in figures if q.unit == unit]) == 2:  # noqa: PLR2004 - a pair
            yield same[0], same[1]
            yield same[1], same[0]


def _contradicts(word: Word, first: Quantity, second: Quantity) -> bool:
    return first.value < second.value if word.lower in _MORE else first.value > second.value


def _keys(words: tuple[Word, ...]) -> _Keys:
    return frozenset[str]().union(*(w.keys for w in words if w.is_content or w.is_figure))


def _sentence_keys(text: str, figure: Quantity) -> _Keys:
    quote = wording(in_digits(text))
    figure_word = next((w for words in quote.sentences for w in words if figure.start <= w.start < figure.end), None)
    return _keys(tuple(quote.sentence_of((figure_word,)))) if figure_word else frozenset()
