"""Finds the figures in a text: numbers, shares, multiples, durations and sums of money, with bounds such as "over"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from octave_mcp.evidence.support.numerals import in_digits

# A number in this range is treated as a year if it has no unit.
YEARS = range(1900, 2100)
_SCALES = {
    **dict.fromkeys(("k", "thousand"), 1e3),
    **dict.fromkeys(("m", "mn", "mm", "mio", "million"), 1e6),
    **dict.fromkeys(("b", "bn", "billion"), 1e9),
    "hundred": 1e2,
    "dozen": 12.0,
    "trillion": 1e12,
    "万": 1e4,
    "亿": 1e8,
}
_DAY = 86_400.0
# Months, quarters and years vary in length, so these values are approximate. The module `amounts` tolerates small
# differences between long durations.
_SECONDS = {
    **dict.fromkeys(("millisecond", "ms"), 0.001),
    **dict.fromkeys(("second", "sec"), 1.0),
    **dict.fromkeys(("minute", "min"), 60.0),
    **dict.fromkeys(("hour", "hr"), 3600.0),
    **dict.fromkeys(("day", "night"), _DAY),
    "week": 7 * _DAY,
    "month": 30 * _DAY,
    "quarter": 90 * _DAY,
    "year": 365 * _DAY,
    "yr": 365 * _DAY,
}
_CURRENCIES = {
    **dict.fromkeys(("$", "us$", "usd", "dollar"), "$"),
    **dict.fromkeys(("€", "eur", "euro"), "€"),
    **dict.fromkeys(("£", "gbp", "pound"), "£"),
    "¥": "¥",
    "₹": "₹",
}
# The pattern must not match inside a word such as "B12", but must match a version such as "v1.30.0".
_QUANTITY = re.compile(
    r"(?:(?<![A-Za-zÀ-ÖØ-öø-ɏ\d_.])|(?<=\bv)(?=\d+\.))(?P<sign>(?:US)?[$€£¥₹])?\s?(?P<number>\d+(?:[.,]\d+)*)(?P<plus>\+)?"
    # `\s?` is inside the optional group, so that it consumes a space only if a scale such as "million" follows.
    r"(?:\s?(?P<scale>k|mm|mn|m|mio|bn|b|hundred|thousand|million|billion|trillion)\b|(?P<cjk>[万亿]))?(?P<plus2>\+)?"
    r"(?:\s?(?P<unit>%|percent\b|per cent\b|prozent\b|procent\b|pour cent\b|por ciento\b|per cento\b|x(?:ed)?\b"
    r"|times\b(?=\s+(?:as|more|faster|the|better|cheaper|larger|bigger|higher|fewer|less|slower|smaller|longer)))"
    r"|(?P<seconds>(?<=\d)s\b)"
    r"|[\s-]?(?P<time>milliseconds?|ms|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|nights?|weeks?|months?"
    r"|quarters?"
    r"|years?|yrs?)\b"
    r"|\s?(?P<money>dollars?|usd|euros?|eur|pounds?|gbp)\b)?(?P<plus3>\+)?",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_VAGUE_SCALES = ("dozens", "hundreds", "thousands", "illions")
_VAGUE = re.compile(r"\b(?P<scale>dozens|hundreds|thousands|millions|billions|trillions)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?]\s")
# "1,150" has a thousands comma, but "2,5" has a decimal comma.
_THOUSANDS_COMMA = re.compile(r",(?=\d{3}(?:\D|$))")
_RANGE_JOINT = re.compile(r"\s?(?:[-–—]|to|and)\s?")
_BOUNDS_BEFORE = tuple(
    (bound, re.compile(rf"(?:{words})\s*(?:{tail})?$", re.IGNORECASE))
    for bound, words, tail in (
        (
            ">",
            (
                r"(?<!no )(?<!not )more than|over|above|at least|exceed(?:s|ed|ing)?|upwards? of|north of"
                r"|greater than|a minimum of|minimum"
                r"|beyond|(?<!the )past|well over"
            ),
            r"an? (?:average|total) of\s*",
        ),
        (
            "<=",
            (
                r"up to|at most|no more than|not more than|as (?:many|much|few|little|low|high|fast) as|a maximum of"
                r"|maximum|max\.?|capped at|limited to|a limit of|not exceeding"
            ),
            r"the age of\s*",
        ),
        (
            "<",
            r"less than|fewer than|under|within|below|in no more than|shorter than|younger than",
            r"(?:a|an|the (?:first|last|space of|age of))\s*",
        ),
        ("~<", r"nearly|almost|close to|just under|approaching|just shy of|not quite", ""),
        (
            "~",
            (
                r"about|around|roughly|approximately|approx\.?|some|circa|ca\.|an average of|averag(?:e|es|ed|ing)"
                r"|on average"
            ),
            "",
        ),
    )
)
_BOUNDS_AFTER = tuple(
    (bound, re.compile(pattern, re.IGNORECASE))
    for bound, pattern in (
        (">", r"\s*(?:\w+\s){0,2}(?:or|and) (?:more|above|over|higher|longer|up)\b"),
        ("<=", r"\s*(?:\w+\s){0,2}(?:or (?:less|fewer|under|lower)|at (?:the )?most)\b"),
        ("~", r"\s*(?:\w+\s){0,2}on average\b|-ish\b"),
    )
)
_BOUND_CHARACTERS_BEFORE, _BOUND_CHARACTERS_AFTER = 32, 40
_PERIOD = re.compile(
    r"\b(?:per|an?|each|every)\s+(?P<p>second(?!\s+(?!(?:and|or|in|on|at|for|with|to|from)\b)[a-z])|minute|hour|day|night"
    r"|week|month|quarter|year)\b"
    r"|\b(?P<a>hourly|daily|nightly|weekly|monthly|quarterly|yearly|annually|annum)\b"
    r"|/(?P<s>second|sec|s|min|minute|h|hr|hour|day|week|wk|month|mo|year|yr|a)\b",
    re.IGNORECASE,
)
# "Within a month" and "half a year" are durations, not rates.
_DURATION_BEFORE = re.compile(
    r"(?:\bof|\bin|\bwithin|\bfor|\bafter|quarter of|half|over|twice|ago|than|under|once|about|around)\s+$",
    re.IGNORECASE,
)
_PERIODS = {
    **dict.fromkeys(("hourly", "h", "hr"), "hour"),
    **dict.fromkeys(("daily", "nightly", "night"), "day"),
    **dict.fromkeys(("weekly", "wk"), "week"),
    **dict.fromkeys(("monthly", "mo"), "month"),
    **dict.fromkeys(("yearly", "annually", "annum", "yr", "a"), "year"),
    "quarterly": "quarter",
    "s": "second",
    "sec": "second",
    "min": "minute",
}


class Quantity(NamedTuple):
    """A figure in a text.

    `value`: the number, converted to seconds for durations. `unit`: "%", "x" (multiple), a currency sign, "s"
    (duration) or "" (none). `bound`: "=", ">" (at least), "<" (below), "<=" (at most), "~<" (nearly), "~" (about) or
    "vague" ("thousands"). `raw`: the number in the unit that the text uses, such as 2 for "two weeks". `start`, `end`:
    offsets in the text that `in_digits` returns. `is_rough`: whether the figure is a share in words, such as "a third".
    `sentence`: index of the sentence that contains the figure.
    """

    value: float
    unit: str
    bound: str
    raw: float
    start: int
    end: int
    text: str
    is_rough: bool
    sentence: int

    def __str__(self) -> str:
        return self.text.strip()

    @property
    def is_year(self) -> bool:
        return not self.unit and _is_year(self.value)


def _is_year(number: float) -> bool:
    """Whether a number is a year.

    The conversion to int saves time: for a float, Python would compare all years in the range one by one.
    """
    return number.is_integer() and int(number) in YEARS


@lru_cache(maxsize=4096)
def quantities(text: str) -> tuple[Quantity, ...]:
    plain = in_digits(text)
    exact = _exact(plain) if _DIGIT.search(plain) else ()
    return (*exact, *_vague(plain)) if any(scale in plain.lower() for scale in _VAGUE_SCALES) else tuple(exact)


def _exact(plain: str) -> Iterator[Quantity]:
    """Yield the figures that the text gives in digits.

    In "10 to 15%", the unit "%" also applies to 10. A year gets no unit: "in 2024 - 15% more".
    """
    matches = [match for match in _QUANTITY.finditer(plain) if not _is_code(plain, match)]
    for at, match in enumerate(matches):
        unit, factor = _unit(match)
        after = matches[at + 1] if at + 1 < len(matches) else None
        scale, number = _scale(match), _number(match["number"])
        if not unit and after and not _is_year(number) and _RANGE_JOINT.fullmatch(plain[match.end() : after.start()]):
            unit, factor = _unit(after)
            scale = scale if scale > 1 else _scale(after)
        raw = number * scale
        is_rough = plain[match.start() - 1 : match.start()] == "~"
        yield Quantity(
            raw * factor, unit, _bound(plain, match), raw, match.start(), match.end(), match[0], is_rough,
            _sentence(plain, match),
        )  # fmt: skip


def _vague(plain: str) -> Iterator[Quantity]:
    for match in _VAGUE.finditer(plain):
        value = _SCALES[match["scale"].lower().removesuffix("s")]
        place = match.start(), match.end()
        yield Quantity(value, "", "vague", value, *place, match[0], True, _sentence(plain, match))


def _sentence(plain: str, match: re.Match[str]) -> int:
    return len(_SENTENCE_END.findall(plain, 0, match.start()))


def _is_code(plain: str, match: re.Match[str]) -> bool:
    """Whether the match is part of "24/7"."""
    return plain.startswith("24/7", match.start()) or plain.startswith("24/7", max(0, match.start() - 3))


def _number(number: str) -> float:
    plain = _THOUSANDS_COMMA.sub("", number).replace(",", ".")
    return float(plain) if plain.count(".") <= 1 else float(plain.replace(".", ""))


def _scale(match: re.Match[str]) -> float:
    return _SCALES.get((match["scale"] or match["cjk"] or "").lower(), 1.0)


def _unit(match: re.Match[str]) -> tuple[str, float]:
    """Return the unit of a figure, and the factor that converts the figure to the base unit."""
    if money := match["sign"] or match["money"]:
        return _CURRENCIES.get(money.lower().removesuffix("s"), "$"), 1.0
    if unit := match["unit"]:
        return ("x" if unit[0] in "xXtT" else "%"), 1.0
    if match["seconds"]:
        return "s", 1.0
    if time := match["time"]:
        word = time.lower()
        return "s", _SECONDS[word if word == "ms" else word.removesuffix("s")]
    return "", 1.0


def _bound(plain: str, match: re.Match[str]) -> str:
    if match["plus"] or match["plus2"] or match["plus3"]:
        return ">"
    before = plain[max(0, match.start() - _BOUND_CHARACTERS_BEFORE) : match.start()].rstrip("~")
    after = plain[match.end() : match.end() + _BOUND_CHARACTERS_AFTER]
    for bound, pattern in _BOUNDS_BEFORE:
        if pattern.search(before):
            return bound
    return next((bound for bound, pattern in _BOUNDS_AFTER if pattern.match(after)), "=")


@lru_cache(maxsize=4096)
def periods(text: str) -> frozenset[str]:
    """Return the periods of all rates in a text, such as "month" for "per month", "a month", "monthly" or "/mo"."""
    plain = in_digits(text).lower()
    return frozenset(
        _PERIODS.get(unit, unit)
        for match in _PERIOD.finditer(plain)
        if (unit := match["p"] or match["a"] or match["s"])
        and not (match["p"] and _DURATION_BEFORE.search(plain[: match.start()]))
    )
