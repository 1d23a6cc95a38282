"""Rules on figures: whether the quotation has them, of what, per what period, and in which month (D3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from octave_mcp.domain.names import normal
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.dates import days_of
from octave_mcp.evidence.support.amounts import is_capped, is_derived, is_said
from octave_mcp.evidence.support.lexicon import DOWN, LESS, NEGATIONS
from octave_mcp.evidence.support.months import lies_between
from octave_mcp.evidence.support.numerals import in_digits
from octave_mcp.evidence.support.quantities import Quantity, periods, quantities
from octave_mcp.evidence.support.statement import Statement, hard, soft
from octave_mcp.evidence.support.terms import MONTHS
from octave_mcp.evidence.support.wording import Word, joined, normalised, stems, wording

_SMALL = range(2, 6)
"""Such a number may count what the quotation lists."""
_NOTHING = NEGATIONS | frozenset("free zero".split())
_MEDIAN = 50
_NUMBER = re.compile(r"[$€£¥₹]?\d+(?:[.,]\d+)*")
_IN_NAME = re.compile(r"[A-Za-z](\d+)\b")


def figures(one: Statement) -> Iterator[Problem]:
    """Each figure is quoted, in whatever form, or stands in the heading."""
    for figure, same in _figures(one):
        if same and all(is_capped(figure, told) for told in same) and not _is_limited(one, figure):
            limit = _with_bound(one.said, same[0])
            yield from soft("D3", f"the quotation says {limit!r}, not plainly {_named(figure, one.text)}")
        elif same or _is_titled(one, figure):
            continue
        elif figure.bound == "vague" or (not figure.unit and figure.value in _SMALL) or _is_of_times(one, figure):
            yield from (
                () if _is_count(one, figure) else soft("D3", f"the quotation does not say {_named(figure, one.text)}")
            )
        else:
            yield from hard("D3", f"the figure {_named(figure, one.text)} is not in the quotation{_instead(one)}")


def renumbered(one: Statement) -> Iterator[Problem]:
    """A sentence of the quotation, word for word, with other figures, such as the number of a version."""
    sentences = [text for quoted in one.evidence for text in (quoted.text, *_SENTENCE_END.split(quoted.text))]
    said = {(_masked(text), _numbers(text)) for text in sentences}
    own = _masked(one.text)
    is_renumbered = own and any(own == text for text, _ in said) and (own, _numbers(one.text)) not in said
    if is_renumbered and all(problem.is_soft for problem in figures(one)):
        yield from hard("D3", "it is a sentence of the quotation with another figure")


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
            yield from soft("D3", f"{_named(figure, one.text)} stands in the page's title, but not in the quotation")


def _figures(one: Statement) -> Sequence[tuple[Quantity, list[Quantity]]]:
    """The claim's figures that have to be quoted, each with those of the quotation and heading that say it."""
    return _to_be_quoted(one) if quantities(one.text) else ()


@lru_cache(maxsize=256)
def _to_be_quoted(one: Statement) -> Sequence[tuple[Quantity, list[Quantity]]]:
    """Two rules in turn ask for it."""
    return tuple(_claimed(one))


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


_SINGLE = re.compile(r"\b(?:an?|one|next|following) (second|minute|hour|day|week|month|quarter|year)\b", re.IGNORECASE)


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


def _named(figure: Quantity, text: str) -> str:
    """As the text writes it, if it does so in digits: '3 times' is read as '3x'."""
    own = str(figure).strip("~ ")
    number = _NUMBER.match(own)
    return repr(number[0] if number and own not in text and number[0] in text else own)


def _instead(one: Statement) -> str:
    """The figures that are there."""
    there = list(dict.fromkeys(_named(told, one.said) for told in quantities(one.said)))[:4]
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
_WORKED_OUT = frozenset(
    "more fewer less sooner later longer shorter earlier faster slower quicker difference gap extra total together"
    " combined altogether added points grew growth increase increased drop dropped rest other remaining missed without"
    " cheaper higher lower saved saves saving cut another share half third quarter fifth above below ahead"
    " behind add adds adding bring brings bringing plus".split()
)
"""Words with which a claim works a figure out of two others."""
_TO = re.compile(r"\bto\s+(?:about|around|roughly|some|under|over)?\s*$", re.IGNORECASE)


def _follows(one: Statement, figure: Quantity) -> bool:
    """Whether it is worked out from figures of the quotation, as a claim may do in passing."""
    if not is_derived(figure, quantities(one.said)):
        return False
    if figure.unit != "x" and not figure.is_rough and not one.claim.lowers & _WORKED_OUT:
        return False
    if _TO.search(in_digits(one.text)[: figure.start].rstrip("~")):
        return False
    complements = [
        q for q in quantities(one.said) if q.unit == figure.unit == "%" and abs(100 - q.value - figure.value) < 1
    ]
    is_complement = bool(complements)
    if any(_word_after(one.said, told) == _word_after(one.text, figure) != "" for told in complements):
        return False
    turns = one.lowers | one.claim.lowers
    return not is_complement or bool(turns & (_COMPLEMENT | NEGATIONS) or stems(DOWN) & one.claim.stems)


def _word_after(text: str, figure: Quantity) -> str:
    """'Less' of '25% less', which is not the rest of '75% less'."""
    following = wording(in_digits(text)[figure.end :][:20]).words
    return following[0].lower if following and following[0].lower in DOWN | LESS else ""


def _is_count(one: Statement, figure: Quantity) -> bool:
    """'Two tools', in words, where the quotation lists two or more with commas."""
    if figure.unit or figure.bound == "vague" or re.search(rf"(?<!\d){figure.raw:g}(?!\d)", one.text):
        return False
    listed = max((len(re.findall(r",|\band\b|&", text)) + 1 for text in normalised(one.said).split("\n")), default=0)
    return listed >= figure.value


def counted(one: Statement) -> Iterator[Problem]:
    """'450 brands' is not '450 employees'; '25 countries' is not '10 countries', though 25 people are there."""
    for figure in quantities(one.text):
        same = [told for told in quantities(one.said) if is_said(figure, told)]
        if figure.unit or figure.is_year or figure.bound == "vague" or not same or _is_ordinal(one.text, figure):
            continue
        if not (things := _things(one.text, figure)) or is_derived(figure, quantities(one.said)):
            continue
        if _are_known(one, things) and all(thing.isdisjoint(_around(one.said, same)) for thing in things):
            yield from soft(
                "D3", f"{_named(figure, one.text)} counts something else in the quotation than in the claim"
            )
        elif other := _counts_otherwise(one, things, same):
            yield from soft(
                "D3", f"the quotation gives {_named(other, one.said)} of this, not {_named(figure, one.text)}"
            )


def _is_ordinal(text: str, figure: Quantity) -> bool:
    """An ordinal, part of a date or the number of a standard, such as 'ISO 27001', counts nothing."""
    plain = in_digits(text)
    if plain[max(0, figure.start - 1) : figure.start] in {"-", "/"} and plain[: figure.start - 1][-1:].isdigit():
        return True
    before = plain[: figure.start].rstrip(" ,.").rsplit(" ", 1)[-1]
    is_standard = len(before) > 1 and before.isupper() and before.isalpha()
    return plain[figure.end : figure.end + 1].isalpha() or before.lower() in MONTHS or is_standard


def _are_known(one: Statement, things: Sequence[frozenset[str]]) -> bool:
    """Whether one of them has synonyms, or is in the quotation: another noun may mean the same as the quotation's."""
    return any(len(thing) > 1 or not thing.isdisjoint(one.keys) for thing in things)


_ENDS = frozenset("in for with to from by on at after since per a an every each when and or of".split())
_MOST_THINGS = 3


def _things(text: str, figure: Quantity) -> list[frozenset[str]]:
    """The keys of what a figure counts: the words of meaning after it, up to a preposition."""
    found: list[frozenset[str]] = []
    if in_digits(text)[figure.end : figure.end + 1] == ",":
        return found
    for word in wording(in_digits(text)[figure.end :][:60]).words:
        if word.clause or word.lower in _ENDS or word.is_figure or len(found) == _MOST_THINGS:
            break
        if word.is_content:
            found.append(word.keys)
    return found


def _around(text: str, found: Sequence[Quantity]) -> frozenset[str]:
    plain = in_digits(text)
    return joined(wording(plain[max(0, q.start - 90) : q.end + 90]).keys for q in found)


def _counts_otherwise(one: Statement, things: Sequence[frozenset[str]], same: Sequence[Quantity]) -> Quantity | None:
    """The figure with which the quotation counts this thing, if the claim's figure counts another thing there."""
    own = joined(thing for told in same for thing in _things(one.said, told))
    if not own or any(thing & own for thing in things):
        return None
    return next((q for q in quantities(one.said) if any(things[-1] & thing for thing in _things(one.said, q))), None)


def period(one: Statement) -> Iterator[Problem]:
    """'A month' is not 'a day', and stands at the figure."""
    if not (claimed := quantities(one.text)):
        return
    missing = periods(one.text) - periods(one.said) - periods(one.headings) - periods(one.titles)
    if missing and not any(re.search(rf"\b{name}s?\b(?!-to-)", one.said, re.IGNORECASE) for name in missing):
        yield from soft("D3", f"the quotation does not say that it is per {min(missing)}")
        return
    for figure in claimed:
        own = _period_of(one.text, figure)
        others = {_period_of(one.said, told) for told in quantities(one.said) if is_said(figure, told)}
        if own and others and own not in others and "" not in others:
            yield from soft("D3", f"the quotation gives {_named(figure, one.text)} per {min(others)}, not per {own}")
            return


def _period_of(text: str, figure: Quantity) -> str:
    """The period after a figure, before the next one."""
    rest = in_digits(text)[figure.end :]
    found = periods(re.split(r"\d|[.;:]\s", rest, maxsplit=1)[0][:50])
    return min(found) if len(found) == 1 else ""


def swapped(one: Statement) -> Iterator[Problem]:
    """Two figures of the quotation, each with the words that the other has there."""
    claimed = [q for q in quantities(one.text) if not q.is_year]
    for first, second in pairwise(claimed):
        for said in one.evidence:
            there = quantities(said.text)
            a, b = ([told for told in there if is_said(q, told)] for q in (first, second))
            are_alike = len(a) == len(b) == 1 and a != b and first.unit == second.unit
            if are_alike and _are_swapped(one.text, (first, second), said.text, (a[0], b[0])):
                names = _named(first, one.text), _named(second, one.text)
                yield from soft("D3", f"the quotation says of {names[0]} what the claim says of {names[1]}")
                return


def _are_swapped(text: str, mine: tuple[Quantity, Quantity], said: str, theirs: tuple[Quantity, Quantity]) -> bool:
    a, b = (_beside(text, q) for q in mine)
    c, d = (_beside(said, q) for q in theirs)
    a, b, c, d = a - b, b - a, c - d, d - c
    return len(a & d) + len(b & c) > 0 and not a & c and not b & d and bool(a & d) and (bool(b & c) or not b)


_REACH = 4


def _beside(text: str, figure: Quantity) -> frozenset[str]:
    """The keys of the words after a figure in its clause; without any, of those before it."""
    plain = wording(in_digits(text))
    own = next((word for word in plain.words if figure.start <= word.start < figure.end), None)
    if own is None:
        return frozenset()
    before, after = (_until_figure(words) for words in plain.beside(own, _REACH))
    return joined(word.keys for word in after) or joined(word.keys for word in before)


def _until_figure(words: Sequence[Word]) -> list[Word]:
    end = next((at for at, word in enumerate(words) if word.is_figure), len(words))
    return [word for word in words[:end] if word.is_content]
