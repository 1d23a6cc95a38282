"""Figures, names and quotations in a text, and which of them another text does not have.

Matching is exact after normalisation. Fuzzy matching is no check: it accepts a quotation whose figure was changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from itertools import zip_longest
from typing import NamedTuple

from octave_mcp.domain.names import normal

_FIGURE = re.compile(
    r"(?<![A-Za-zÀ-ÖØ-öø-ɏ\d_.])(?P<sign>[$€£¥])?\s?(?P<number>\d+(?:[.,]\d+)*)"
    r"(?:\s?(?P<unit>%|(?:percent|per cent|x|xed|k|m|mn|bn|b|hundred|thousand|million|billion)\b|万|亿)|"
    r"[\s-]?(?P<time>second|minute|hour|day|week|month|year)s?\b)?",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\s?(?:[-–—]|to)\s?")
_YEARS = range(1900, 2100)
_SCALE = {
    "hundred": 2,
    "k": 3,
    "thousand": 3,
    "m": 6,
    "mn": 6,
    "million": 6,
    "b": 9,
    "bn": 9,
    "billion": 9,
    "万": 4,
    "亿": 8,
}
TIMES = frozenset({"second", "minute", "hour", "day", "week", "month", "year"})
_SPELLED = {
    word: value
    for value, words in {
        2: "two twice double doubled doubles",
        3: "three triple tripled",
        4: "four",
        5: "five",
        6: "six",
        7: "seven",
        8: "eight",
        9: "nine",
        10: "ten tenfold",
        11: "eleven",
        12: "twelve dozen dozens",
        15: "fifteen",
        20: "twenty",
        30: "thirty",
        40: "forty",
        50: "fifty",
        60: "sixty",
        70: "seventy",
        80: "eighty",
        90: "ninety",
    }.items()
    for word in words.split()
}
_COMPOUND = re.compile(
    r"\b(?P<tens>twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[- ]"
    r"(?P<ones>one|two|three|four|five|six|seven|eight|nine)\b",
    re.IGNORECASE,
)
_SCALES = re.compile(r"\b(hundred|thousand|million|billion)s?\b", re.IGNORECASE)
_CODE = re.compile(r"(?<![A-Za-z\d_])[A-Za-z_]+\d[A-Za-z\d_]*(?:\.\d+)*")
_WORD = re.compile(r"[^\W\d_]+")
_NAME = re.compile(r"\b[A-ZÀ-ÖØ-Þ][\w&'’-]*(?:\.\w+)*(?:[ \t]+(?:[A-ZÀ-ÖØ-Þ][\w&'’-]*(?:\.\w+)*|&))*")
_QUOTED = re.compile(r"“([^”]{3,})”|\"([^\"]{3,})\"|(?<!\w)‘([^‘]{3,}?)’(?!\w)")
_ACTS_LIKE_A_NAME = re.compile(
    r"\s+(?:uses?|used|saved?|cuts?|improved|chose|switched|reduced|says|said|runs?|grew|built|moved|"
    r"replaced|is|was|has|had)\b"
)
_FREE = frozenset(
    "I I'm I'd I'll I've OK Monday Tuesday Wednesday Thursday Friday Saturday Sunday CEO CTO CFO COO CMO "
    "VP Head Hi Hello Best "
    "Thanks Director Manager Lead Chief Officer Engineering Product Marketing Growth Sales Data Design "
    "Operations Security Finance "
    "A B AI API APIs CRM ROI KPI KPIs SDR SDRs GTM SaaS "
    "SPIN MEDDPICC Support Success Team Founder Co-founder Cofounder Customer People".split()
)


class Figure(NamedTuple):
    """A figure, comparable: 40 % = 40 percent, 1.2M = 1,200,000."""

    sign: str
    value: Decimal
    unit: str

    def __str__(self) -> str:
        return f"{self.sign}{self.value:f}{self.unit}"


def _words(text: str) -> str:
    inside = " ".join(re.findall(r"[\w%]+", normal(text)))
    return f" {inside} "


def has_words(part: str, text: str) -> bool:
    """Whether the words of `part` stand in `text` in their order, whatever the punctuation."""
    return _words(part) in _words(text)


def figures(text: str) -> set[Figure]:
    """The figures of a text, written in digits or spelled out; 'one' is not counted as one."""
    plain = _in_digits(unicodedata.normalize("NFKC", text))
    alone = {
        Figure("", Decimal(1).scaleb(_SCALE[word.casefold()]), "") for word in _SCALES.findall(_FIGURE.sub(" ", plain))
    }
    return {*_measured(plain), *alone}


def _in_digits(text: str) -> str:
    """'twenty-five' as '25', 'two million' as '2 million'."""
    plain = _COMPOUND.sub(lambda m: str(_SPELLED[m["tens"].casefold()] + _SPELLED.get(m["ones"].casefold(), 1)), text)
    return _WORD.sub(lambda m: str(_SPELLED.get(m[0].casefold(), m[0])), plain)


def _measured(text: str) -> Iterator[Figure]:
    """Each figure with its unit; in '10 to 15%' the first has that of the second, unless it is a year."""
    found = list(_FIGURE.finditer(text))
    for match, after in zip_longest(found, found[1:]):
        figure = _figure(match)
        shared = after and not (match["unit"] or match["time"]) and figure.value not in _YEARS
        if shared and _RANGE.fullmatch(text[match.end() : after.start()]):
            figure = _figure(match, unit=after["unit"] or after["time"])
        yield figure


def _figure(match: re.Match[str], unit: str | None = None) -> Figure:
    number = match["number"]
    unit = str(unit or match["unit"] or match["time"] or "").casefold()
    plain = re.sub(r",(?=\d{3}(?:\D|$))", "", number).replace(",", ".")
    value = Decimal(plain) if plain.count(".") <= 1 else Decimal(re.sub(r"\D", "", plain))
    if unit in _SCALE:
        value, unit = value.scaleb(_SCALE[unit]), ""
    unit = {"percent": "%", "per cent": "%", "xed": "x"}.get(unit, unit)
    return Figure(match["sign"] or "", value.normalize() + 0, unit)


def codes(text: str) -> set[str]:
    """Words with figures in them, which no figure is: 'v2', 'SOC2', 'x86'."""
    return {code.casefold() for code in _CODE.findall(unicodedata.normalize("NFKC", text))}


def names(text: str) -> Iterator[str]:
    """Words that look like names: capitalised, and not only because a sentence starts with them."""
    for match in _NAME.finditer(text):
        words = [re.sub(r"['’]s$", "", word).strip(".&'’-") for word in match[0].split()]
        if _starts_sentence(text, match.start()) and not _named_first(text, match, words[0]):
            words = words[1:]
        yield from (word for word in words if word and word not in _FREE)


def _starts_sentence(text: str, at: int) -> bool:
    before = text[:at].rstrip(" \t\"“”‘’'()>-—•*|#")
    return not before or before[-1] in ".!?:…\n"


def _named_first(text: str, match: re.Match[str], first: str) -> bool:
    """Whether a sentence's first word is a name all the same: by its inner capitals or what follows it."""
    inner = any(letter.isupper() or letter.isdigit() for letter in first[1:]) and not first.isupper()
    if inner or re.match(r"['’]s\b", text[match.start() + len(first) :]):
        return first.casefold() not in {"it", "that", "there", "here", "what", "who", "let"}
    alone = " " not in match[0].strip()
    return alone and first.casefold() not in _PLAIN_STARTS and bool(_ACTS_LIKE_A_NAME.match(text, match.end()))


_PLAIN_STARTS = frozenset(
    "it this that there which what who everyone nobody someone one each either neither here he she they "
    "we you their your our his her "
    "its the a an and but so if when where how why as for in on at to of all most some any many few such "
    "no not only even still also "
    "then now today nothing everything something anything pricing team work support".split()
)


def strange_names(text: str, around: str) -> list[str]:
    """Names in `text` that `around` does not have."""
    inside, strange = _words(around), sorted(codes(text) - codes(around))
    found = [name for name in names(text) if _words(name).strip() and _words(name) not in inside]
    return list(
        dict.fromkeys([*found, *(code for code in strange if not any(code in name.casefold() for name in found))])
    )


def strange_quotations(text: str, said: str) -> list[str]:
    """What `text` puts in quotation marks and `said` does not say."""
    inside = normal(said)
    quoted = [next(filter(None, match.groups())) for match in _QUOTED.finditer(text)]
    return [quote for quote in quoted if not _stands_in(normal(quote).rstrip(".,;:!?"), inside)]


def _stands_in(part: str, text: str) -> bool:
    """As whole words: 'we ship fast' is not said by 'we ship faster'."""
    return bool(re.search(rf"(?<![a-z\d]){re.escape(part)}(?![a-z\d])", text))
