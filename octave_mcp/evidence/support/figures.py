"""Rules on figures: whether the quotation has them, of what, per what period, and in which month (D3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from octave_mcp.domain.names import normal
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.dates import days_of
from octave_mcp.evidence.support.amounts import is_capped, is_derived, is_opposed, is_said
from octave_mcp.evidence.support.counts import SMALL, is_count, named
from octave_mcp.evidence.support.lexicon import DOWN, LESS, NEGATIONS
from octave_mcp.evidence.support.months import lies_between
from octave_mcp.evidence.support.numerals import in_digits
from octave_mcp.evidence.support.quantities import Quantity, periods, quantities
from octave_mcp.evidence.support.statement import Statement, hard, soft
from octave_mcp.evidence.support.wording import Word, joined, normalised, stems, wording

_NOTHING = NEGATIONS | frozenset("free zero".split())
_MEDIAN = 50
# A share in words is that many points off.
_ROUGHLY = 4
_IN_NAME = re.compile(r"[A-Za-z](\d+)\b")


def figures(one: Statement) -> Iterator[Problem]:
    """Each figure is quoted, in whatever form, or stands in the heading."""
    for figure, same in _figures(one):
        are_limits = all(is_capped(figure, told) or _is_opposed(one, figure, told) for told in same)
        if same and are_limits and not _is_limited(one, figure):
            limit = _with_bound(one.said, same[0])
            yield from soft("D3", f"the quotation says {limit!r}, and the claim plainly {named(figure, one.text)}")
        elif same or _is_titled(one, figure):
            continue
        elif figure.bound == "vague" or (not figure.unit and figure.value in SMALL) or _is_of_times(one, figure):
            yield from (
                () if is_count(one, figure) else soft("D3", f"the quotation does not say {named(figure, one.text)}")
            )
        else:
            yield from hard("D3", f"the figure {named(figure, one.text)} is not in the quotation{_instead(one)}")


def _is_opposed(one: Statement, figure: Quantity, told: Quantity) -> bool:
    """On the other side of the same limit, if neither side is denied."""
    return is_opposed(figure, told) and one.claim.lowers.isdisjoint(NEGATIONS) and one.lowers.isdisjoint(NEGATIONS)


def renumbered(one: Statement) -> Iterator[Problem]:
    """A sentence of the quotation, word for word, with other figures, such as the number of a version."""
    sentences = [text for quoted in one.evidence for text in (quoted.text, *_SENTENCE_END.split(quoted.text))]
    said = {(_masked(text), _numbers(text)) for text in sentences}
    own = _masked(one.text)
    is_renumbered = own and any(own == text for text, _ in said) and (own, _numbers(one.text)) not in said
    if is_renumbered and all(problem.is_soft for problem in figures(one)):
        yield from hard("D3", "the claim repeats a sentence of the quotation with another figure")


def _is_of_times(one: Statement, figure: Quantity) -> bool:
    """'Went up twice' counts what the quotation may list."""
    return figure.unit == "x" and bool(_TIMES.search(in_digits(one.text)[figure.end :]))


_TIMES = re.compile(r"^\s*twice\b(?! (?:as|the|its|their|what|that))", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_ANY_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def _masked(text: str) -> str:
    """Without its figures; empty if it has none."""
    plain = normal(text).rstrip(".!")
    return _ANY_NUMBER.sub("#", plain) if _ANY_NUMBER.search(plain) else ""


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(number.replace(",", "") for number in _ANY_NUMBER.findall(normal(text).rstrip(".!")))


def _is_limited(one: Statement, figure: Quantity) -> bool:
    """Whether the claim has the limit too: 'up to 10 sites and 10 members'."""
    return any(other.value == figure.value and other.bound == "<=" for other in quantities(one.text))


def in_title(one: Statement) -> Iterator[Problem]:
    """A figure that stands in the page's title alone is not quite quoted."""
    for figure, same in _figures(one):
        if not same and _is_titled(one, figure) and not _is_in_compound(one.text, figure):
            yield from soft("D3", f"{named(figure, one.text)} stands in the page's title, but not in the quotation")


@lru_cache(maxsize=256)
def _figures(one: Statement) -> Sequence[tuple[Quantity, list[Quantity]]]:
    """The claim's figures that have to be quoted, each with those of the quotation and heading that say it.

    Two rules in turn ask for it.
    """
    return tuple(_claimed(one)) if quantities(one.text) else ()


def _claimed(one: Statement) -> Iterator[tuple[Quantity, list[Quantity]]]:
    said = (*quantities(one.said), *quantities(one.headings), *_dates(one), *quantities(_single_periods(one.said)))
    free = {float(number) for number in _IN_NAME.findall(f"{one.said} {one.titles} {one.headings}")}
    free |= {quantity.raw for name in one.free_names for quantity in quantities(name)}
    free |= _shares_of(one) | _same_dates(one)
    said = tuple({(told.value, told.unit, told.bound, told.is_rough): told for told in reversed(said)}.values())[::-1]
    for figure in quantities(one.text):
        same = [told for told in said if is_said(figure, told)]
        is_nothing = not figure.value and one.lowers & _NOTHING
        is_nothing = is_nothing or (figure.is_rough and figure.value == _MEDIAN and "median" in one.lowers)
        is_apart = not same and lies_between(one, figure)
        if figure.raw not in free and (same or not (is_nothing or is_apart or _follows(one, figure))):
            yield figure, same


_SINGLE = re.compile(
    r"(?<!than )(?<!under )(?<!over )\b(?:an?|one|next|following) (second|minute|hour|day|week|month|quarter|year)\b",
    re.IGNORECASE,
)


def _single_periods(said: str) -> str:
    """'1 day' of 'the next day', and '1 week' of 'it used to be a week'."""
    return ", ".join(f"1 {period}" for period in _SINGLE.findall(said))


_OF = re.compile(r"\b(\d+) (?:out )?of (?:every )?(\d+)\b")


def _shares_of(one: Statement) -> set[float]:
    """Both figures of 'seven of ten', if the quotation has their share: '70%'."""
    pairs = [(float(part), float(whole)) for part, whole in _OF.findall(in_digits(one.text))]
    shares = [told.value for told in quantities(one.said) if told.unit == "%"]
    return {n for pair in pairs if 0 < pair[0] < pair[1] and 100 * pair[0] / pair[1] in shares for n in pair}


def _same_dates(one: Statement) -> set[float]:
    """The numbers of dates that both have, in whatever form."""
    both = {day for day, *_ in days_of(one.text)} & {day for day, *_ in days_of(one.said)}
    return {float(number) for day in both for number in (day.year, day.month, day.day)}


def _is_titled(one: Statement, figure: Quantity) -> bool:
    return any(is_said(figure, told) for told in quantities(one.titles))


def _is_in_compound(text: str, figure: Quantity) -> bool:
    """'Two-hour windows' names a thing."""
    return "-" in figure.text.strip() and not in_digits(text)[figure.end : figure.end + 1].isdigit()


def _instead(one: Statement) -> str:
    """The figures that are there."""
    there = list(dict.fromkeys(named(told, one.said) for told in quantities(one.said)))[:4]
    return f", which has {', '.join(there)}" if there else ", which has no figures"


def _with_bound(said: str, told: Quantity) -> str:
    """The figure with the words before it, none of them cut."""
    plain = in_digits(said)
    start = plain.rfind(" ", 0, max(0, told.start - 12) + 1) + 1
    return plain[start : told.end].strip("~ ").split("\n")[-1]


def _dates(one: Statement) -> tuple[Quantity, ...]:
    """The year in which the page was published, which may be said of what it reports if it names no other."""
    if any(told.is_year for told in quantities(one.said)):
        return ()
    return tuple(year for quoted in one.evidence for year in quantities(quoted.published_on[:4]))


_COMPLEMENT = DOWN | LESS | frozenset("rest other remaining missed without rather than excluding".split())
# Words with which a claim works a figure out of two others.
_WORKED_OUT = frozenset(
    "more fewer less sooner later longer shorter earlier faster slower quicker difference gap extra total together"
    " combined altogether added points grew growth increase increased drop dropped rest other remaining missed without"
    " cheaper higher lower saved saves saving cut another share half third quarter fifth above below ahead"
    " behind add adds adding bring brings bringing plus".split()
)
_TO = re.compile(r"\bto\s+(?:(?:about|around|roughly|some|under|over)\s*)?$", re.IGNORECASE)


def _follows(one: Statement, figure: Quantity) -> bool:
    """Whether it is worked out from figures of the quotation, as a claim may do in passing."""
    if not is_derived(figure, quantities(one.said)):
        return False
    if figure.unit != "x" and not figure.is_rough and not one.claim.lowers & _WORKED_OUT:
        return False
    if _TO.search(in_digits(one.text)[: figure.start].rstrip("~")):
        return False
    near = _ROUGHLY if figure.is_rough else 1
    shares = [told for told in quantities(one.said) if told.unit == figure.unit == "%"]
    complements = [told for told in shares if abs(100 - told.value - figure.value) < near]
    is_complement = bool(complements)
    if is_complement and _is_of_another(one, figure, complements):
        return False
    if any(_word_after(one.said, told) == _word_after(one.text, figure) != "" for told in complements):
        return False
    turns = one.lowers | one.claim.lowers
    return not is_complement or bool(turns & (_COMPLEMENT | NEGATIONS) or stems(DOWN) & one.claim.stems)


def _is_of_another(one: Statement, figure: Quantity, complements: Sequence[Quantity]) -> bool:
    """Whether the words beside the figure are those of a share that is no complement of it."""
    own = _beside(one.text, figure, _FAR)
    shares = {
        told: len([key for key in own & _beside(one.said, told, _FAR) if key[0] != "#"])
        for told in quantities(one.said)
        if told.unit == "%"
    }
    return max(shares.values(), default=0) > max(shares.get(told, 0) for told in complements)


def _word_after(text: str, figure: Quantity) -> str:
    """'Less' of '25% less', which is not the rest of '75% less'."""
    following = wording(in_digits(text)[figure.end :][:20]).words
    return following[0].lower if following and following[0].lower in DOWN | LESS else ""


_PERIODICAL = {"annual": "year", "yoy": "year", "mom": "month", "qoq": "quarter"}


def period(one: Statement) -> Iterator[Problem]:
    """'A month' is not 'a day', and stands at the figure."""
    if not (claimed := quantities(one.text)):
        return
    missing = periods(one.text) - periods(one.said) - periods(one.headings) - periods(one.titles)
    missing -= frozenset(_PERIODICAL.get(word, "") for word in one.lowers)
    if missing and not any(re.search(rf"\b{name}s?\b(?!-to-)", one.said, re.IGNORECASE) for name in missing):
        yield from soft("D3", f"the quotation does not say that it is per {min(missing)}")
        return
    for figure in claimed:
        own = _period_of(one.text, figure)
        others = {_period_of(one.said, told) for told in quantities(one.said) if is_said(figure, told)}
        if own and others and own not in others and "" not in others:
            yield from soft("D3", f"the quotation gives {named(figure, one.text)} per {min(others)}, not per {own}")
            return


def _period_of(text: str, figure: Quantity) -> str:
    """The period after a figure, before the next one."""
    rest = in_digits(text)[figure.end :]
    found = periods(re.split(r"\d|[.;:]\s", rest, maxsplit=1)[0][:50])
    return min(found) if len(found) == 1 else ""


_FEW = re.compile(
    r"\b(?:several|few|couple of|many|some|mere) (second|minute|hour|day|week|month|quarter|year|decade)s?\b",
    re.IGNORECASE,
)


def vague_time(one: Statement) -> Iterator[Problem]:
    """'Several weeks' are not 'a few days'."""
    mine, theirs = ({found.lower() for found in _FEW.findall(normalised(text))} for text in (one.text, one.said))
    if mine and theirs and not any(word in one.said.lower() for word in mine):
        yield from soft("D3", f"the quotation speaks of {min(theirs)}s, not of {min(mine)}s")


def swapped(one: Statement) -> Iterator[Problem]:
    """Two figures of the quotation, each with the words that the other has there."""
    claimed = [q for q in quantities(one.text) if not q.is_year]
    for first, second in pairwise(claimed):
        for said in one.evidence:
            there = quantities(said.text)
            a, b = ([told for told in there if is_said(q, told)] for q in (first, second))
            are_alike = len(a) == len(b) == 1 and a != b and first.unit == second.unit
            if are_alike and _are_swapped(one.text, (first, second), said.text, (a[0], b[0])):
                names = named(first, one.text), named(second, one.text)
                yield from soft("D3", f"the claim swaps {names[0]} and {names[1]}")
                return


def _are_swapped(text: str, mine: tuple[Quantity, Quantity], said: str, theirs: tuple[Quantity, Quantity]) -> bool:
    a, b = (_beside(text, q) for q in mine)
    c, d = (_beside(said, q) for q in theirs)
    a, b, c, d = a - b, b - a, c - d, d - c
    return len(a & d) + len(b & c) > 0 and not a & c and not b & d and bool(a & d) and (bool(b & c) or not b)


_REACH, _FAR = 4, 8


def _beside(text: str, figure: Quantity, reach: int = _REACH) -> frozenset[str]:
    """The keys of the words after a figure in its clause; without any, of those before it."""
    plain = wording(in_digits(text))
    own = next((word for word in plain.words if figure.start <= word.start < figure.end), None)
    if own is None:
        return frozenset()
    before, after = (_until_figure(words) for words in plain.beside(own, reach))
    return joined(word.keys for word in after) or joined(word.keys for word in before)


def _until_figure(words: Sequence[Word]) -> list[Word]:
    end = next((at for at, word in enumerate(words) if word.is_figure), len(words))
    return [word for word in words[:end] if word.is_content]
