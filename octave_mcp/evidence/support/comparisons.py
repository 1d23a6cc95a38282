"""Whether a comparison goes the way in which the figures of the quotation go: 'A costs more than B'."""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.evidence.support.numerals import in_digits
from octave_mcp.evidence.support.quantities import Quantity, quantities
from octave_mcp.evidence.support.statement import Statement
from octave_mcp.evidence.support.wording import Word, Wording, wording

_MORE = frozenset("more greater higher larger bigger longer slower costlier pricier later".split())
_LESS = frozenset("less fewer lower smaller cheaper shorter faster quicker sooner earlier".split())
# How many words before 'than' the comparative may stand.
_REACH = 6
# '40% faster than the 30%' compares no two shares.
_APART = 2

_Keys = frozenset[str]


def is_against_figures(one: Statement) -> bool:
    """Whether the figures of the two sides go the other way."""
    claim = wording(in_digits(one.text))
    for than in claim.words:
        before = claim.words[max(0, than.at - _REACH) : than.at] if than.lower == "than" else ()
        word = next((w for w in reversed(before) if w.lower in _MORE or w.lower in _LESS), None)
        if word and word.at == than.at - 1 and claim.after(than)[:1].isdigit():  # 'less than 20%' is a bound
            continue
        if word and (_is_against_its_own(claim, word, than) or _is_against(one, claim, word, than)):
            return True
    return False


def _is_against_its_own(claim: Wording, word: Word, than: Word) -> bool:
    """'At 9.4%, fewer than the 3% allowed'."""
    found = quantities(claim.text)
    before = [q for q in found if q.end <= word.start]
    after = [q for q in found if q.start >= than.start]
    if not before or not after or len(before) > 1:
        return False
    between = [w for w in claim.words if before[0].end <= w.start < word.start]
    is_same_unit = before[0].unit == after[0].unit and before[0].unit in {"%", "$", "€", "£"}
    return is_same_unit and len(between) >= _APART and _goes_against(word, before[0], after[0])


def _is_against(one: Statement, claim: Wording, word: Word, than: Word) -> bool:
    mine, theirs = _keys(claim.words[: than.at]), _keys(claim.words[than.at + 1 :])
    for said in one.evidence:
        for first, second in _pairs(said.text):
            a, b = _beside(said.text, first), _beside(said.text, second)
            a, b = a - b, b - a
            own, other = mine - theirs, theirs - mine
            if len(a & own) > len(a & other) and len(b & other) > len(b & own) and _goes_against(word, first, second):
                return True
    return False


def _pairs(text: str) -> Iterator[tuple[Quantity, Quantity]]:
    """Two figures of one unit, if the text has no third, in either order."""
    found = [q for q in quantities(text) if q.unit and not q.is_year]
    for unit in {q.unit for q in found}:
        if len(same := [q for q in found if q.unit == unit]) == 2:  # noqa: PLR2004 - a pair
            yield same[0], same[1]
            yield same[1], same[0]


def _goes_against(word: Word, first: Quantity, second: Quantity) -> bool:
    return first.value < second.value if word.lower in _MORE else first.value > second.value


def _keys(words: tuple[Word, ...]) -> _Keys:
    return frozenset[str]().union(*(w.keys for w in words if w.is_content or w.is_figure))


def _beside(text: str, figure: Quantity) -> _Keys:
    """The keys of the sentence that the figure is in."""
    said = wording(in_digits(text))
    own = next((w for words in said.sentences for w in words if figure.start <= w.start < figure.end), None)
    return _keys(tuple(said.sentence_of((own,)))) if own else frozenset()
