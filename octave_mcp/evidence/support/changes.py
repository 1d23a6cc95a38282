"""What changed from what to what, and who did what to whom, in a claim and in its quotation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from octave_mcp.evidence.support.lexicon import AWAY, PASSIVE, TOWARDS
from octave_mcp.evidence.support.naming import has_name, names
from octave_mcp.evidence.support.numerals import in_digits
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.statement import Quoted, Statement
from octave_mcp.evidence.support.subjects import story_of
from octave_mcp.evidence.support.wording import Word, Wording, is_past, joined, stem, stems, wording

_UP_FROM = re.compile(r"(?P<b>[^.;,:]{1,40}?),? (?:up|down) from (?P<a>[^.;,]{1,40})", re.IGNORECASE)
_FROM_TO = re.compile(
    r"\bfrom (?P<a>[^.;]{1,40}?) (?:down |up |all the way |back )?(?:to|into|onto) (?P<b>[^.;,]{1,40})", re.IGNORECASE
)
_TO_FROM = re.compile(
    r"\b(?:to|of|at|in|after|take|takes|took|now|is|are) (?P<b>[^.;,]{1,30}?),?"
    r" (?:instead of|rather than|up from|down from|from|compared with|where it was) (?P<a>[^.;,]{1,40})",
    re.IGNORECASE,
)
_USED_TO = re.compile(
    r"(?P<b>\d[^.;]{0,60}?)[,;] (?:(?:where|which|and|but) )?(?:it|they|that|this)? ?used to"
    r" (?:be|take|have|need|cost|get)"
    r" (?P<a>[^.;,]{1,30})",
    re.IGNORECASE,
)
_CHANGING = ("from", "From", "instead of", "rather than", "compared with", "where it was", "used to")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*|\b(?:one|single|nothing|zero|none)\b", re.IGNORECASE)


@lru_cache(maxsize=4096)
def change_of(text: str) -> tuple[str, str] | None:
    """What something changed from and to, by the first figure or name of each."""
    plain = in_digits(text)
    if not any(word in plain for word in _CHANGING):
        return None
    for pattern in (_FROM_TO, _UP_FROM, _TO_FROM, _USED_TO):
        if found := pattern.search(plain):
            before, after = _gist(found["a"]), _gist(found["b"])
            if before and after:
                return before, after
    return None


_IN_WORDS = {"one": "1", "single": "1", "nothing": "0", "zero": "0", "none": "0"}


def is_of_time(text: str) -> bool:
    """Whether what changed is a time: '3 weeks instead of 8'."""
    times = {f"{found.raw:g}" for found in quantities(text) if found.unit == "s"}
    return bool(times & set(change_of(text) or ()))


def change_way(text: str) -> str:
    """'up' or 'down', as the figures from which and to which something changed say; '' if they do not."""
    change = change_of(text)
    if not change or not all(part.replace(".", "", 1).isdigit() for part in change):
        return ""
    before, after = map(float, change)
    return "" if before == after else "up" if after > before else "down"


def _gist(part: str) -> str:
    if found := _FIGURE.search(part):
        return _IN_WORDS.get(found[0].lower(), found[0].rstrip(".,"))
    return next(iter(names(f"x {part}")), "").lower()


def is_turned_round(one: Statement) -> bool:
    """Whether the quotation has the same change, comparison or deed with its two sides swapped."""
    return (
        _is_reversed(one)
        or _is_out_of_order(one)
        or _is_away(one)
        or _is_left(one)
        or _is_from_for_to(one)
        or _is_since_for_until(one)
        or any(_is_compared_otherwise(one.claim, quote) for quote in one.quotes)
        or _is_done_to_the_doer(one)
    )


def _is_reversed(one: Statement) -> bool:
    mine = change_of(one.text)
    if not mine or mine[0] == mine[1]:
        return False
    return any(change_of(quoted.text) == mine[::-1] for quoted in one.evidence)


_TURNS = frozenset(
    "instead rather compared against versus vs was were from up down over replace replaced replacing than".split()
)


def _is_out_of_order(one: Statement) -> bool:
    """'From 30 to 60' where the quotation has 60 first, and no word that turns it round."""
    change = change_of(one.text)
    if not change or change_of(one.said) or one.claim.lowers.isdisjoint({"from", "instead"}):
        return False
    plain = in_digits(one.said).lower()
    first, last = (re.search(rf"(?<![\w.]){re.escape(part)}(?![\w]|\.\d)", plain) for part in change)
    return bool(first and last and last.start() < first.start()) and not wording(one.said).lowers & _TURNS


_SINCE = re.compile(r"\b(?:since|after|starting in|from)\s+(?:\w+\s+)?(\d{4})\b", re.IGNORECASE)
_FOUR_DIGITS = re.compile(r"\d{4}")
_UNTIL = re.compile(r"(?<!back )\b(?:until|till|before|up to|to|by)\s+(?:\w+\s+)?(\d{4})\b", re.IGNORECASE)


def _is_since_for_until(one: Statement) -> bool:
    if not _FOUR_DIGITS.search(one.text):
        return False
    since, until = set(_SINCE.findall(one.said)), set(_UNTIL.findall(one.said))
    return bool(set(_UNTIL.findall(one.text)) & since - until or set(_SINCE.findall(one.text)) & until - since)


_ONE = re.compile(r"\bone\b")
_FROM_OR_TO = re.compile(r"\b(?:from|to|off|into|out of)\s", re.IGNORECASE)
_FROM_FIGURE = re.compile(r"\b(?:from|off|out of)\s+(?:[a-z~]+\s){0,2}?[$€£~]?(\d+(?:\.\d+)?)", re.IGNORECASE)
_TO_FIGURE = re.compile(r"(?<!used )\b(?:to|into)\s+(?:[a-z~]+\s){0,2}?[$€£~]?(\d+(?:\.\d+)?)", re.IGNORECASE)

# Verbs of those who go from one thing to another.
_CHANGE = frozenset(
    "move migrate switch replace drop ditch abandon leave choose pick adopt transition port start end go use"
    " bring come"
    " return widen narrow".split()
)
# 'From two sites' is no change.
_SMALL = frozenset("1 2 3 4 5".split())


def _is_from_for_to(one: Statement) -> bool:
    mine, theirs = in_digits(one.text), in_digits(one.said)
    if not _FROM_OR_TO.search(mine):
        return False
    mine, theirs = _ONE.sub("1", mine), _ONE.sub("1", theirs)
    idle = frozenset[str]() if one.claim.stems & stems(_CHANGE) else _SMALL
    from_mine, to_mine, from_theirs, to_theirs = (
        {*pattern.findall(text)} - idle for text in (mine, theirs) for pattern in (_FROM_FIGURE, _TO_FIGURE)
    )
    return bool((from_mine - to_mine) & (to_theirs - from_theirs) or (to_mine - from_mine) & (from_theirs - to_theirs))


def _is_away(one: Statement) -> bool:
    """Away from what the quotation goes to."""
    for name in names(one.text):
        mine = _sides_taken(one.claim, name)
        theirs = {side for quote in one.quotes for side in _sides_taken(quote, name)}
        if len(mine) == len(theirs) == 1 and mine != theirs:
            return True
    return False


def _sides_taken(text: Wording, name: str) -> set[str]:
    found: set[str] = set()
    for word in text.words:
        if word.lower != name.lower() or not word.at:
            continue
        before = text.words[max(0, word.at - 2) : word.at]
        if before[-1].lower in AWAY or [w.lower for w in before] == ["out", "of"]:
            found.add("away")
        elif before[-1].lower in TOWARDS:
            found.add("towards")
    return found


_LEFT = re.compile(
    r"(?:\b(?:from|off|replac\w+|dropp\w+|ditch\w+|abandon\w+|left|leaving|instead of|rather than|than|used|before)"
    r"|\bout of|\baway from)\s+(?:using\s+|its\s+|their\s+|our\s+)?(?P<name>[A-Z][\w.]*)"
    r"|\b(?P<used>[A-Z][\w.]{0,50}),? which"
    r" (?:we|they|it) (?:used|previously|formerly)|(?:used to use|previously used"
    r"|formerly used) (?P<once>[A-Z][\w.]*)"
)
_CHOSEN = re.compile(
    r"\b(?:to|onto|chose|chooses|choosing|picked|adopted|adopts|into|with)\s+(?:using\s+)?(?P<name>[A-Z][\w.]*)"
)


def _is_left(one: Statement) -> bool:
    """One leaves in the claim what one comes to in the quotation, or the reverse."""
    if one.claim.stems.isdisjoint(stems(_CHANGE)):
        return False
    left, chosen = _named_in(_LEFT, one.text), _named_in(_CHOSEN, one.text)
    was_left, was_chosen = _named_in(_LEFT, one.said), _named_in(_CHOSEN, one.said)
    return bool((left - chosen) & (was_chosen - was_left) or (chosen - left) & (was_left - was_chosen))


def _named_in(pattern: re.Pattern[str], text: str) -> set[str]:
    return {name.lower().rstrip(".") for found in pattern.finditer(text) for name in found.groups() if name}


def _is_compared_otherwise(claim: Wording, quote: Wording) -> bool:
    """'A has more than B' where the quotation has 'B has more than A'."""
    for mine in _around_than(claim):
        for theirs in _around_than(quote):
            (a, b), (c, d) = _apart(mine), _apart(theirs)
            if a & d and b & c and not b & d:
                return True
    return False


_Sides = tuple[frozenset[str], frozenset[str]]


def _apart(sides: _Sides) -> _Sides:
    """Without what both have."""
    return sides[0] - sides[1], sides[1] - sides[0]


def _around_than(text: Wording) -> Iterator[_Sides]:
    for word in text.words:
        if word.lower == "than" and not _is_before_figure(text, word):
            before = (w for w in text.words[: word.at] if w.clause == word.clause and w.is_content)
            after = (w for w in text.words[word.at + 1 : word.at + 6] if w.clause == word.clause and w.is_content)
            yield joined(w.keys for w in before), joined(w.keys for w in after)


def _is_before_figure(text: Wording, than: Word) -> bool:
    return text.after(than)[:1].isdigit()


# Stands for the company whose page it is: by its name in a claim, as 'we' in a quotation.
_OWN = "@"
_SIDE = 4


def _is_done_to_the_doer(one: Statement) -> bool:
    """The nouns around a verb change places: 'A calls B' where the quotation says 'B calls A'."""
    return any(
        _is_done_to_other(claim, quote, _own_words(one, quoted), speaks=not story_of(quoted, _company(one, quoted)))
        for quoted in one.evidence
        for claim, quote in _plainer(one.text, quoted.text)
    )


_APPOSITION = re.compile(
    r"(?<=\w), (?:the|an?|which|who|whose|its|their|based|backed|founded|led|owned|known|part|one|formerly|with)"
    r" [^,.;:!?]{2,80}"
    r"(?:, (?=(?:[a-z]+ )?(?:[a-z]+(?:ed|s)|[a-z]*(?:ght|ook|ave|ent|old|ade|ew|ame|un|ut))\b)|(?=[.!?]|$))"
)


def _plainer(claim: str, quote: str) -> Iterator[tuple[Wording, Wording]]:
    """Both as they are, and without what stands between a name and its verb: 'Mist, a shop of maps, bought Fog'."""
    yield wording(claim), wording(quote)
    if "," in claim or "," in quote:
        plain = _APPOSITION.sub(" ", claim), _APPOSITION.sub(" ", quote)
        if plain != (claim, quote):
            yield wording(plain[0]), wording(plain[1])


def _may_be_a_verb(claim: Wording, word: Word) -> bool:
    is_formed = word.lower.endswith(("s", "ed")) or is_past(word.lower)
    is_placed = claim.before(word) in _BEFORE_VERBS or claim.after(word) in _BEFORE_OBJECTS
    is_noun = claim.before(word) in _BEFORE_NOUNS or claim.before(claim.words[word.at - 1]) in _BEFORE_NOUNS
    return word.is_content and word.text.islower() and (is_formed or is_placed) and not is_noun


def _is_after_plural(text: Wording, word: Word) -> bool:
    """'Depots call'."""
    return _PLURAL.search(text.before(word)) is not None and word.lower[-1:] != "s"


_PLURAL = re.compile(r"[^su]s$")
_BEFORE_VERBS = frozenset("to will can could would may might".split())
_BEFORE_NOUNS = frozenset("for of".split())
_BEFORE_OBJECTS = frozenset("the a an its their his her our us them it these those".split())
_WE = frozenset("we us i me".split())


def _is_done_to_other(claim: Wording, quote: Wording, own: frozenset[str], *, speaks: bool) -> bool:
    """`speaks`: 'we' in the quotation is the company."""
    own_quoted = own | _WE if speaks else own
    return any(
        all(change_places(_sides(claim, verb, own), _sides(quote, other, own_quoted)) for other in same)
        for verb, same in _same_words(claim, quote)
        for change_places in (_change_places if _may_be_a_verb(claim, verb) else _nouns_change_places,)
    )


def _same_words(claim: Wording, quote: Wording) -> Iterator[tuple[Word, Sequence[Word]]]:
    """Each word of meaning, which may be a verb, with the same one wherever the quotation has it."""
    for word in claim.words[1:-1]:
        own = stem(word.lower)
        if own not in quote.stems or not word.is_content or not word.text.islower():
            continue
        if _may_be_a_verb(claim, word) or _is_after_plural(claim, word):
            yield word, [other for other in quote.words if stem(other.lower) == own]


def _company(one: Statement, quoted: Quoted) -> str:
    return one.prospect if quoted.role == "prospect" else one.vendor


def _own_words(one: Statement, quoted: Quoted) -> frozenset[str]:
    name = _company(one, quoted)
    return frozenset(word.lower() for word in name.split()) if name and has_name(name, one.text) else frozenset()


def _sides(text: Wording, verb: Word, own: frozenset[str]) -> _Sides:
    before, after = text.beside(verb, _SIDE)
    if after and after[0].lower == "by" and any(word.lower in PASSIVE for word in before[:2]):
        return _side(text, after[1:], own), _side(text, before, own)
    is_passive = any(word.lower in PASSIVE for word in before[:2]) or any(word.lower == "by" for word in after)
    if is_passive:  # the doer may stand on either side
        return frozenset(), frozenset()
    return _side(text, before, own), _side(text, after, own)


def _side(text: Wording, words: Sequence[Word], own: frozenset[str]) -> frozenset[str]:
    """The keys of the words on one side; the company counts right beside the verb, and not as an owner."""
    keys = joined(word.keys for word in words if word.is_content and word.lower not in own)
    is_own = any(word.lower in own and not _is_owner(text, word) for word in words[:2])
    return keys | {_OWN} if is_own else keys


def _is_owner(text: Wording, word: Word) -> bool:
    return text.text.startswith("'", word.start + len(word.text))


def _nouns_change_places(mine: _Sides, theirs: _Sides) -> bool:
    (a, b), (c, d) = mine, theirs
    a, b, c, d = a - c, b - d, c - a, d - b
    return bool(a & d and b & c)


def _change_places(mine: _Sides, theirs: _Sides) -> bool:
    """Both nouns, or the company of the page alone."""
    if _nouns_change_places(mine, theirs):
        return True
    (a, b), (c, d) = mine, theirs
    has_moved = (_OWN in a - b and _OWN in d - c) or (_OWN in b - a and _OWN in c - d)
    return has_moved and bool((a | b) & (c | d) - {_OWN})
