"""Finds changes from one value to another, and detects claims that reverse a change in the quotation."""

from __future__ import annotations

import re
from functools import lru_cache

from octave_mcp.evidence.support.lexicon import AWAY, TOWARDS
from octave_mcp.evidence.support.naming import names
from octave_mcp.evidence.support.numerals import in_digits
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.roles import are_roles_swapped, is_comparison_swapped
from octave_mcp.evidence.support.statement import Statement
from octave_mcp.evidence.support.wording import Wording, stems, wording

# Matches "450 brands, up from 300", in which the new value comes first.
_UP_FROM = re.compile(r"(?P<b>[^.;,:]{1,40}?),? (?:up|down) from (?P<a>[^.;,]{1,40})", re.IGNORECASE)
_FROM_TO = re.compile(
    r"\bfrom (?P<a>[^.;]{1,40}?) (?:down |up |all the way |back )?(?:to|into|onto) (?P<b>[^.;,]{1,40})", re.IGNORECASE
)
# Matches "takes 4 minutes instead of 16".
_TO_FROM = re.compile(
    r"\b(?:to|of|at|in|after|take|takes|took|now|is|are) (?P<b>[^.;,]{1,30}?),?"
    r" (?:instead of|rather than|up from|down from|from|compared with|where it was) (?P<a>[^.;,]{1,40})",
    re.IGNORECASE,
)
# Matches "A report takes 16 minutes, where it used to take 4".
_USED_TO = re.compile(
    r"(?P<b>\d[^.;]{0,60}?)[,;] (?:(?:where|which|and|but) )?(?:it|they|that|this)? ?used to"
    r" (?:be|take|have|need|cost|get)"
    r" (?P<a>[^.;,]{1,30})",
    re.IGNORECASE,
)
# Nearly every change contains one of these phrases, so the slower patterns are skipped for all other texts.
_CHANGE_MARKERS = ("from", "From", "instead of", "rather than", "compared with", "where it was", "used to")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*|\b(?:one|single|nothing|zero|none)\b", re.IGNORECASE)


@lru_cache(maxsize=4096)
def change_of(text: str) -> tuple[str, str] | None:
    """Return the old and the new value of a change. Each value is a figure or, if there is none, a name."""
    plain = in_digits(text)
    if not any(word in plain for word in _CHANGE_MARKERS):
        return None
    for pattern in (_FROM_TO, _UP_FROM, _TO_FROM, _USED_TO):
        if match := pattern.search(plain):
            before, after = _value_in(match["a"]), _value_in(match["b"])
            if before and after:
                return before, after
    return None


_IN_WORDS = {"one": "1", "single": "1", "nothing": "0", "zero": "0", "none": "0"}


def is_change_of_time(text: str) -> bool:
    """Whether the change is between two durations, as in "3 weeks instead of 8"."""
    times = {f"{quantity.raw:g}" for quantity in quantities(text) if quantity.unit == "s"}
    return bool(times & set(change_of(text) or ()))


def change_direction(text: str) -> str:
    """Return "up" or "down", or "" if the text does not describe a change between two different figures."""
    change = change_of(text)
    if not change or not all(part.replace(".", "", 1).isdigit() for part in change):
        return ""
    before, after = map(float, change)
    return "" if before == after else "up" if after > before else "down"


def _value_in(part: str) -> str:
    if match := _FIGURE.search(part):
        return _IN_WORDS.get(match[0].lower(), match[0].rstrip(".,"))
    return next(iter(names(f"x {part}")), "").lower()


def is_reversed(statement: Statement) -> bool:
    """Whether the claim reverses a change, a comparison or an action that the quotation describes."""
    return (
        _is_change_reversed(statement)
        or _is_from_to_reordered(statement)
        or _is_opposite_preposition(statement)
        or _is_left_and_chosen_swapped(statement)
        or _are_from_and_to_swapped(statement)
        or _are_since_and_until_swapped(statement)
        or any(is_comparison_swapped(statement.claim, quote) for quote in statement.quotes)
        or are_roles_swapped(statement)
    )


def _is_change_reversed(statement: Statement) -> bool:
    claimed = change_of(statement.text)
    if not claimed or claimed[0] == claimed[1]:
        return False
    return any(change_of(quotation.text) == claimed[::-1] for quotation in statement.evidence)


_ORDER_WORDS = frozenset(
    "instead rather compared against versus vs was were from up down over replace replaced replacing than".split()
)


def _is_from_to_reordered(statement: Statement) -> bool:
    """Whether the claim says "from 30 to 60" where the quotation mentions 60 before 30.

    The result is False if the quotation contains words such as "instead of", which explain the order.
    """
    change = change_of(statement.text)
    if not change or change_of(statement.quoted_text) or statement.claim.lowers.isdisjoint({"from", "instead"}):
        return False
    plain = in_digits(statement.quoted_text).lower()
    first, last = (re.search(rf"(?<![\w.]){re.escape(part)}(?![\w]|\.\d)", plain) for part in change)
    is_reversed = bool(first and last and last.start() < first.start())
    return is_reversed and not wording(statement.quoted_text).lowers & _ORDER_WORDS


_SINCE = re.compile(r"\b(?:since|after|starting in|from)\s+(?:\w+\s+)?(\d{4})\b", re.IGNORECASE)
_FOUR_DIGITS = re.compile(r"\d{4}")
_UNTIL = re.compile(r"(?<!back )\b(?:until|till|before|up to|to|by)\s+(?:\w+\s+)?(\d{4})\b", re.IGNORECASE)


def _are_since_and_until_swapped(statement: Statement) -> bool:
    if not _FOUR_DIGITS.search(statement.text):
        return False
    since, until = set(_SINCE.findall(statement.quoted_text)), set(_UNTIL.findall(statement.quoted_text))
    return bool(
        set(_UNTIL.findall(statement.text)) & since - until or set(_SINCE.findall(statement.text)) & until - since
    )


_ONE = re.compile(r"\bone\b")
_FROM_OR_TO = re.compile(r"\b(?:from|to|off|into|out of)\s", re.IGNORECASE)
_FROM_FIGURE = re.compile(r"\b(?:from|off|out of)\s+(?:[a-z~]+\s){0,2}?[$€£~]?(\d+(?:\.\d+)?)", re.IGNORECASE)
_TO_FIGURE = re.compile(r"(?<!used )\b(?:to|into)\s+(?:[a-z~]+\s){0,2}?[$€£~]?(\d+(?:\.\d+)?)", re.IGNORECASE)

# With one of these verbs, a small number can be a value of a change: "went from two sites to one".
_CHANGE_VERBS = frozenset(
    "move migrate switch replace drop ditch abandon leave choose pick adopt transition port start end go use"
    " bring come"
    " return widen narrow".split()
)
# Without one of these verbs, a small number after "from" or "to" is probably a count: "data from two sites".
_SMALL_NUMBERS = frozenset("1 2 3 4 5".split())


def _are_from_and_to_swapped(statement: Statement) -> bool:
    claim, quote = in_digits(statement.text), in_digits(statement.quoted_text)
    if not _FROM_OR_TO.search(claim):
        return False
    claim, quote = _ONE.sub("1", claim), _ONE.sub("1", quote)
    ignored = frozenset[str]() if statement.claim.stems & stems(_CHANGE_VERBS) else _SMALL_NUMBERS
    from_claim, to_claim, from_quote, to_quote = (
        {*pattern.findall(text)} - ignored for text in (claim, quote) for pattern in (_FROM_FIGURE, _TO_FIGURE)
    )
    return bool((from_claim - to_claim) & (to_quote - from_quote) or (to_claim - from_claim) & (from_quote - to_quote))


def _is_opposite_preposition(statement: Statement) -> bool:
    """Whether one text says "off" before a name, and the other text says "onto" before the same name."""
    for name in names(statement.text):
        claimed = _prepositions_at(statement.claim, name)
        in_quote = {side for quote in statement.quotes for side in _prepositions_at(quote, name)}
        if len(claimed) == len(in_quote) == 1 and claimed != in_quote:
            return True
    return False


def _prepositions_at(text: Wording, name: str) -> set[str]:
    sides: set[str] = set()
    for word in text.words:
        if word.lower != name.lower() or not word.at:
            continue
        before = text.words[max(0, word.at - 2) : word.at]
        if before[-1].lower in AWAY or [w.lower for w in before] == ["out", "of"]:
            sides.add("away")
        elif before[-1].lower in TOWARDS:
            sides.add("towards")
    return sides


# Matches products that were probably dropped: "replaced Tidewell", "Tidewell, which they used", "before Tidewell".
_LEFT = re.compile(
    r"(?:\b(?:from|off|replac\w+|dropp\w+|ditch\w+|abandon\w+|left|leaving|instead of|rather than|than|used|before)"
    r"|\bout of|\baway from)\s+(?:using\s+|its\s+|their\s+|our\s+)?(?P<name>[A-Z][\w.]*)"
    r"|\b(?P<used>[A-Z][\w.]{0,50}),? which"
    r" (?:we|they|it) (?:used|previously|formerly)|(?:used to use|previously used"
    r"|formerly used) (?P<once>[A-Z][\w.]*)"
)
# Matches products that were probably chosen: "moved to Tidewell", "adopted Tidewell".
_CHOSEN = re.compile(
    r"\b(?:to|onto|chose|chooses|choosing|picked|adopted|adopts|into|with)\s+(?:using\s+)?(?P<name>[A-Z][\w.]*)"
)


def _is_left_and_chosen_swapped(statement: Statement) -> bool:
    """Whether the claim says that a product was dropped and the quotation says that it was chosen, or the reverse."""
    if statement.claim.stems.isdisjoint(stems(_CHANGE_VERBS)):
        return False
    left, chosen = _names_matched(_LEFT, statement.text), _names_matched(_CHOSEN, statement.text)
    was_left, was_chosen = _names_matched(_LEFT, statement.quoted_text), _names_matched(_CHOSEN, statement.quoted_text)
    return bool((left - chosen) & (was_chosen - was_left) or (chosen - left) & (was_left - was_chosen))


def _names_matched(pattern: re.Pattern[str], text: str) -> set[str]:
    return {name.lower().rstrip(".") for match in pattern.finditer(text) for name in match.groups() if name}
