"""Converts numbers in words to digits: "half" to "50%", "twice" to "2x", "a fortnight" to "2 weeks"."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from octave_mcp.evidence.support.wording import normalised

ONES: dict[str, int] = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
        " seventeen"
        " eighteen nineteen".split()
    )
}
TENS: dict[str, int] = dict(
    zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True)
)
_FRACTION_PARTS = {
    "half": 2,
    "third": 3,
    "fourth": 4,
    "quarter": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
}
_SINGLE = frozenset({"a", "an", "one"})
_WORDS = "|".join([*ONES, *TENS])
_PERIODS = "second|minute|hour|day|week|month|quarter|year"
_LARGE = "hundred|thousand|million|billion"
# If an ordinary noun follows, "second" is an ordinal and not a duration: "a second trip".
_NOT_ORDINAL = (
    r"(?!(?<=second) (?!(?:and|or|of|in|on|at|to|for|from|by|with|per|after|before|is|was|when|if|as|than|the|later)\b)"
    r"[a-z])"
)

_FROM_WORDS = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(TENS)})[- ](?P<ones>{'|'.join([*ONES][1:10])})|(?P<word>{_WORDS}))\b(?!')", re.IGNORECASE
)
_TOTALS = "(?:three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|[2-9]|10|12|20|100|1,000)"
# Matches "three of ten" and "one in three customers", but not "3 of 10 days", which counts days.
_SHARE = re.compile(
    rf"\b(?P<count>an?|{_WORDS}|\d+)\s+(?P<what>(?:(?!{_WORDS}\b)[A-Za-z'-]+\s+){{0,3}}?)(?:in|out of|of)\s+"
    r"(?:every\s+|each\s+)?"
    rf"(?P<total>{_TOTALS})\b"
    r"(?!\s*(?:%|percent|days?|weeks?|months?|years?|hours?|minutes?|seconds?|countries|regions|depots))",
    re.IGNORECASE,
)
# If this fast pattern does not match a text, the slow pattern for shares does not match either and is not tried.
_MAY_BE_SHARE = re.compile(rf"\b(?:in|of)\s+(?:every\s+|each\s+)?{_TOTALS}", re.IGNORECASE)
_FRACTION = re.compile(
    r"\b(?:(?P<count>a|an|one|two|three|four|five|six|seven|eight|nine|\d)[ -])?"
    r"(?P<part>half|halves|thirds?|quarters?|fourths?|fifths?|sixths?|sevenths?|eighths?|ninths?|tenths?)\b"
    r"(?P<of>\s+(?:of|the|as|their|its|our|fewer|less|more|a)\b)?",
    re.IGNORECASE,
)
_MULTIPLE = re.compile(
    r"\b(?:(?P<two>twice|doubl(?:e|es|ed|ing))|(?P<three>tripl(?:e|es|ed|ing)|thrice|trebl(?:e|es|ed))"
    r"|(?P<four>quadrupl(?:e|es|ed|ing))|(?P<half>halv(?:e|es|ed|ing)))\b",
    re.IGNORECASE,
)
_MULTIPLES = {"two": "2x ", "three": "3x ", "four": "4x ", "half": "~50% "}


def _word_value(word: str) -> float:
    lower = word.lower()
    return float(ONES.get(lower, TENS.get(lower, 100 if lower == "hundred" else 1)))


def _in_dollars(match: re.Match[str]) -> str:
    return f"${float(match[1]) / 100:g}"


def _as_multiple(match: re.Match[str]) -> str:
    return f"{_word_value(match[1]):g}x"


_FOLDS = "fold twofold threefold fourfold fivefold sixfold sevenfold eightfold ninefold tenfold twentyfold hundredfold"
_Replacement = str | Callable[[re.Match[str]], str]
# Each entry consists of words, a pattern and a replacement. The pattern is tried only if the text contains one of the
# words, because a search for words is faster.
_REWRITES: tuple[tuple[frozenset[str], re.Pattern[str], _Replacement], ...] = tuple(
    (frozenset(words.split()), re.compile(pattern, re.IGNORECASE), written)
    for words, pattern, written in (
        ("half", r"\b(\d+)\s+and\s+a\s+half\b", r"\1.5"),
        ("half", r"\b(?:a|one) year and a half\b", "18 months"),
        (
            _PERIODS.replace("|", " "),
            (
                r"\b(in|within|under|than|after|about|nearly|almost|over|around|takes?|took|only|just|for|by|roughly"
                r"|up to)"
                rf" (?:an?|one)(?: single)? ({_PERIODS})\b(?! of an? ){_NOT_ORDINAL}"
            ),
            r"\1 1 \2",
        ),
        (
            _PERIODS.replace("|", " "),
            (
                rf"\b(?:an?|one) ({_PERIODS}) (later|late|early|earlier|long|longer|sooner|ago|faster|slower|after"
                r"|before"
                r"|behind|ahead)\b"
            ),
            r"1 \1 \2",
        ),
        ("half", r"\b(?:an|one) hour and a half\b", "90 minutes"),
        ("cent cents", r"\b(\d+(?:\.\d+)?) cents?\b", _in_dollars),
        ("point points", r"\b(\d+(?:\.\d+)?) (?:percentage )?points?\b", r"\1%"),
        ("half", r"\bhalf an hour\b|\bhalf-hour\b", "30 minutes"),
        ("half", rf"\bhalf a ({_LARGE})\b", r"0.5 \1"),
        ("quarter", r"\b(?:a |one )?quarter of an hour\b", "15 minutes"),
        ("quarters", r"\bthree[- ]quarters of an hour\b", "45 minutes"),
        ("fortnight", r"\b(?:a|an|one)\s+fortnight\b|\bfortnight\b", "2 weeks"),
        ("decade", r"\b(?:a|one) decade\b|\bdecade\b", "10 years"),
        ("fold", r"\b(\d+(?:\.\d+)?)[ -]?fold\b", r"\1x"),
        ("times", r"\b(\d+(?:\.\d+)?)[ -]times\b(?!\s+(?:a|an|per|each|every)\b)", r"\1x"),
        (
            _FOLDS,
            r"\b(two|three|four|five|six|seven|eight|nine|ten|twenty|hundred)[ -]?fold\b",
            _as_multiple,
        ),
        ("dozens", r"\b(?:a|one|half a|several)? ?dozens\b", "dozens"),
        ("dozen", r"\bhalf a dozen\b", "6"),
        ("dozen", r"\b(?:a|one) dozen\b|\bdozen\b", "12"),
        (_LARGE.replace("|", " "), rf"\b(?:a|one) ({_LARGE})\b", r"1 \1"),
    )
)
# "One" is a number in "one million" and "one in three", but often a pronoun in other phrases.
_ONE_COUNTS = re.compile(
    rf"\s+(?:{_LARGE})\b|\s+(?:in|out of)\s+(?:every\s+)?(?!(?:19|20)\d\d\b)(?:\d+|{_WORDS})\b"
    r"(?!\s+(?:day|week|month|year|hour|minute)s)",
    re.IGNORECASE,
)


_LETTERS = re.compile(r"[a-z]+")
_PARTS_AND_PLURALS = frozenset(("halves", *(form for part in _FRACTION_PARTS for form in (part, f"{part}s"))))
_MULTIPLE_WORDS = frozenset(
    "twice thrice double doubles doubled doubling triple triples tripled tripling treble trebles trebled quadruple"
    " quadruples quadrupled quadrupling halve halves halved halving".split()
)
_WHOLES = frozenset((*ONES, *TENS))
_SHARES = frozenset({"in", "of"})


@lru_cache(maxsize=8192)
def in_digits(text: str) -> str:
    """Return the normalised text, with all numbers in digits.

    For example, "three of ten" becomes "~30% ", and "twice" becomes "2x twice". The sign "~" shows that a share was
    written in words and can therefore be rounded.
    """
    plain = normalised(text)
    words = frozenset(_LETTERS.findall(plain.lower()))
    if words & _SHARES and _MAY_BE_SHARE.search(plain):
        plain = _SHARE.sub(_share, plain)
    if words & _PARTS_AND_PLURALS:
        plain = _FRACTION.sub(_fraction, plain)
    if words & _WHOLES:
        plain = _FROM_WORDS.sub(_number, plain)
    for needed, pattern, written in _REWRITES:
        if words & needed:
            plain = pattern.sub(written, plain)
    if words & _MULTIPLE_WORDS:
        plain = _MULTIPLE.sub(lambda match: _MULTIPLES[str(match.lastgroup)] + match[0], plain)
    return plain


def _count(word: str) -> float:
    return float(word) if word.isdigit() else _word_value(word)


_OF_WORD = re.compile(r"\bof\s", re.IGNORECASE)
_CLAUSE_END = re.compile(r"\s*(?:$|[,.])")


def _share(match: re.Match[str]) -> str:
    """Convert a share such as "one in three customers" to digits.

    Phrases such as "two of our three plans" and "an office in ten cities" are unchanged, because they are not shares.
    """
    count, total = _count(match["count"]), _count(match["total"].replace(",", ""))
    is_of = bool(_OF_WORD.search(match[0])) and "out of" not in match[0].lower()
    ends = bool(_CLAUSE_END.match(match.string, match.end()))
    if not 0 < count <= total or (is_of and (match["what"] or not ends)):
        return match[0]
    if match["count"].lower() in {"a", "an"} and (match["what"] or is_of):
        return match[0]
    return f"~{100 * count / total:.4g}% {match['what']}"


# A capitalised number word counts as a name if it follows a lower-case letter and this pattern matches after it: "the
# Twenty story". The pattern does not match after "Twenty" in the headline "Save Twenty Hours a Week".
_AFTER_NAME = re.compile(
    rf"(?: (?!(?:{_PERIODS}|{_LARGE}|percent|times|dollars?|euros?|pounds?)s?\b)[a-z]|[,.;:!?'’]|$)"
)


def _is_name(match: re.Match[str]) -> bool:
    """Whether a number word is part of a name: it is capitalised inside a sentence, as in "the Twenty story"."""
    within = match.string[: match.start()].rstrip(" ")
    return (
        match[0][:1].isupper()
        and match[0][1:].islower()
        and within[-1:].islower()
        and bool(_AFTER_NAME.match(match.string, match.end()))
    )


def _number(match: re.Match[str]) -> str:
    if _is_name(match):
        return match[0]
    if match["tens"]:
        return str(TENS[match["tens"].lower()] + ONES[match["ones"].lower()])
    word = match["word"].lower()
    return match[0] if word == "one" and not _one_counts(match) else f"{_word_value(word):g}"


def _one_counts(match: re.Match[str]) -> bool:
    """Whether "one" is a number, as in "one in three", and not a pronoun or an article, as in "one of them"."""
    return bool(_ONE_COUNTS.match(match.string, match.end()))


_OF_A_UNIT = re.compile(r"\s*(?:an hour|a million|a thousand|a hundred|a billion|a dozen|hour)", re.IGNORECASE)
_BY = frozenset("by than about nearly almost".split())
_APPROXIMATORS = _BY | frozenset("over roughly around least under".split())


def _fraction(match: re.Match[str]) -> str:
    part = match["part"].lower().removesuffix("s").replace("halve", "half")
    before = match.string[: match.start()].rstrip().rsplit(" ", 1)[-1].lower()
    of = match["of"] or ""
    if _OF_A_UNIT.match(match.string, match.end()) or of.strip() == "a" or not _is_share(match, part, before):
        return match[0]
    many = _count(match["count"]) if match["count"] else 1.0
    return f"~{100 * many / _FRACTION_PARTS[part]:.4g}%{of}"


# If an ordinary noun follows, as in "by a third party", "third" is not a share.
_NOUN_NEXT = re.compile(
    r"\s+(?!(?:compared|versus|vs|since|in|after|when|while|to|from|and|or|but|over|than|this|last|within|on|at|for|as|of"
    r"|by|each|every|per|with|thanks|less|more|fewer|faster|higher|lower)\b)[a-z]",
)


def _is_share(match: re.Match[str], part: str, before: str) -> bool:
    """Whether a fraction is a share, as in "a third of" and "by a quarter", and not an ordinal, as in "the third"."""
    count, of = (match["count"] or "").lower(), match["of"]
    if part == "half":
        return before not in {"second", "first", "and", "other", "better", "last"} and (not count or count in _SINGLE)
    if not count:
        return False
    if part == "quarter":
        return bool(of) or before in _BY
    is_of_a_noun = count in _SINGLE and bool(_NOUN_NEXT.match(match.string, match.end()))
    return bool(of) or (before in _APPROXIMATORS and not is_of_a_noun) or count not in _SINGLE
