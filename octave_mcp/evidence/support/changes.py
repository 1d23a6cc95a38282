"""What changed from what to what, and who did what to whom, in a claim and in its quotation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from octave_mcp.evidence.support.lexicon import AWAY, PASSIVE_AUXILIARIES, TOWARDS
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
_CHANGE_MARKERS = ("from", "From", "instead of", "rather than", "compared with", "where it was", "used to")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*|\b(?:one|single|nothing|zero|none)\b", re.IGNORECASE)


@lru_cache(maxsize=4096)
def change_of(text: str) -> tuple[str, str] | None:
    """What something changed from and to, by the first figure or name of each."""
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
    """Whether what changed is a time: '3 weeks instead of 8'."""
    times = {f"{quantity.raw:g}" for quantity in quantities(text) if quantity.unit == "s"}
    return bool(times & set(change_of(text) or ()))


def change_direction(text: str) -> str:
    """'up' or 'down', as the figures from which and to which something changed say; '' if they do not."""
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
    """Whether the quotation has the same change, comparison or deed with its two sides swapped."""
    return (
        _is_change_reversed(statement)
        or _is_from_to_reordered(statement)
        or _is_opposite_preposition(statement)
        or _is_left_and_chosen_swapped(statement)
        or _are_from_and_to_swapped(statement)
        or _are_since_and_until_swapped(statement)
        or any(_is_comparison_swapped(statement.claim, quote) for quote in statement.quotes)
        or _are_roles_swapped(statement)
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
    """'From 30 to 60' where the quotation has 60 first, and no word that turns it round."""
    change = change_of(statement.text)
    if not change or change_of(statement.said) or statement.claim.lowers.isdisjoint({"from", "instead"}):
        return False
    plain = in_digits(statement.said).lower()
    first, last = (re.search(rf"(?<![\w.]){re.escape(part)}(?![\w]|\.\d)", plain) for part in change)
    return bool(first and last and last.start() < first.start()) and not wording(statement.said).lowers & _ORDER_WORDS


_SINCE = re.compile(r"\b(?:since|after|starting in|from)\s+(?:\w+\s+)?(\d{4})\b", re.IGNORECASE)
_FOUR_DIGITS = re.compile(r"\d{4}")
_UNTIL = re.compile(r"(?<!back )\b(?:until|till|before|up to|to|by)\s+(?:\w+\s+)?(\d{4})\b", re.IGNORECASE)


def _are_since_and_until_swapped(statement: Statement) -> bool:
    if not _FOUR_DIGITS.search(statement.text):
        return False
    since, until = set(_SINCE.findall(statement.said)), set(_UNTIL.findall(statement.said))
    return bool(
        set(_UNTIL.findall(statement.text)) & since - until or set(_SINCE.findall(statement.text)) & until - since
    )


_ONE = re.compile(r"\bone\b")
_FROM_OR_TO = re.compile(r"\b(?:from|to|off|into|out of)\s", re.IGNORECASE)
_FROM_FIGURE = re.compile(r"\b(?:from|off|out of)\s+(?:[a-z~]+\s){0,2}?[$€£~]?(\d+(?:\.\d+)?)", re.IGNORECASE)
_TO_FIGURE = re.compile(r"(?<!used )\b(?:to|into)\s+(?:[a-z~]+\s){0,2}?[$€£~]?(\d+(?:\.\d+)?)", re.IGNORECASE)

# Verbs of those who go from one thing to another.
_CHANGE_VERBS = frozenset(
    "move migrate switch replace drop ditch abandon leave choose pick adopt transition port start end go use"
    " bring come"
    " return widen narrow".split()
)
# 'From two sites' is no change.
_SMALL_NUMBERS = frozenset("1 2 3 4 5".split())


def _are_from_and_to_swapped(statement: Statement) -> bool:
    claim, quote = in_digits(statement.text), in_digits(statement.said)
    if not _FROM_OR_TO.search(claim):
        return False
    claim, quote = _ONE.sub("1", claim), _ONE.sub("1", quote)
    ignored = frozenset[str]() if statement.claim.stems & stems(_CHANGE_VERBS) else _SMALL_NUMBERS
    from_claim, to_claim, from_quote, to_quote = (
        {*pattern.findall(text)} - ignored for text in (claim, quote) for pattern in (_FROM_FIGURE, _TO_FIGURE)
    )
    return bool((from_claim - to_claim) & (to_quote - from_quote) or (to_claim - from_claim) & (from_quote - to_quote))


def _is_opposite_preposition(statement: Statement) -> bool:
    """Away from what the quotation goes to."""
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


def _is_left_and_chosen_swapped(statement: Statement) -> bool:
    """One leaves in the claim what one comes to in the quotation, or the reverse."""
    if statement.claim.stems.isdisjoint(stems(_CHANGE_VERBS)):
        return False
    left, chosen = _names_matched(_LEFT, statement.text), _names_matched(_CHOSEN, statement.text)
    was_left, was_chosen = _names_matched(_LEFT, statement.said), _names_matched(_CHOSEN, statement.said)
    return bool((left - chosen) & (was_chosen - was_left) or (chosen - left) & (was_left - was_chosen))


def _names_matched(pattern: re.Pattern[str], text: str) -> set[str]:
    return {name.lower().rstrip(".") for match in pattern.finditer(text) for name in match.groups() if name}


def _is_comparison_swapped(claim: Wording, quote: Wording) -> bool:
    """'A has more than B' where the quotation has 'B has more than A'."""
    for claimed in _sides_of_than(claim):
        for in_quote in _sides_of_than(quote):
            (a, b), (c, d) = _without_shared(claimed), _without_shared(in_quote)
            if a & d and b & c and not b & d:
                return True
    return False


_Sides = tuple[frozenset[str], frozenset[str]]


def _without_shared(sides: _Sides) -> _Sides:
    """Without what both have."""
    return sides[0] - sides[1], sides[1] - sides[0]


def _sides_of_than(text: Wording) -> Iterator[_Sides]:
    for word in text.words:
        if word.lower == "than" and not _is_before_figure(text, word):
            before = (w for w in text.words[: word.at] if w.clause == word.clause and w.is_content)
            after = (w for w in text.words[word.at + 1 : word.at + 6] if w.clause == word.clause and w.is_content)
            yield joined(w.keys for w in before), joined(w.keys for w in after)


def _is_before_figure(text: Wording, than: Word) -> bool:
    return text.after(than)[:1].isdigit()


# Stands for the company whose page it is: by its name in a claim, as 'we' in a quotation.
_COMPANY = "@"
_SIDE_WORDS = 4


def _are_roles_swapped(statement: Statement) -> bool:
    """The nouns around a verb change places: 'A calls B' where the quotation says 'B calls A'."""
    return any(
        _do_sides_swap(
            claim,
            quote,
            _company_words(statement, quotation),
            speaks=not story_of(quotation, _company(statement, quotation)),
        )
        for quotation in statement.evidence
        for claim, quote in _with_and_without_appositions(statement.text, quotation.text)
    )


_APPOSITION = re.compile(
    r"(?<=\w), (?:the|an?|which|who|whose|its|their|based|backed|founded|led|owned|known|part|one|formerly|with)"
    r" [^,.;:!?]{2,80}"
    r"(?:, (?=(?:[a-z]+ )?(?:[a-z]+(?:ed|s)|[a-z]*(?:ght|ook|ave|ent|old|ade|ew|ame|un|ut))\b)|(?=[.!?]|$))"
)


def _with_and_without_appositions(claim: str, quote: str) -> Iterator[tuple[Wording, Wording]]:
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


def _do_sides_swap(claim: Wording, quote: Wording, company_words: frozenset[str], *, speaks: bool) -> bool:
    """`speaks`: 'we' in the quotation is the company."""
    quoted_company_words = company_words | _WE if speaks else company_words
    return any(
        all(
            change_places(_sides(claim, verb, company_words), _sides(quote, quoted_verb, quoted_company_words))
            for quoted_verb in quoted_verbs
        )
        for verb, quoted_verbs in _shared_words(claim, quote)
        for change_places in (_are_sides_swapped if _may_be_a_verb(claim, verb) else _are_nouns_swapped,)
    )


def _shared_words(claim: Wording, quote: Wording) -> Iterator[tuple[Word, Sequence[Word]]]:
    """Each word of meaning, which may be a verb, with the same one wherever the quotation has it."""
    for word in claim.words[1:-1]:
        word_stem = stem(word.lower)
        if word_stem not in quote.stems or not word.is_content or not word.text.islower():
            continue
        if _may_be_a_verb(claim, word) or _is_after_plural(claim, word):
            yield word, [other for other in quote.words if stem(other.lower) == word_stem]


def _company(statement: Statement, quotation: Quoted) -> str:
    return statement.prospect if quotation.role == "prospect" else statement.vendor


def _company_words(statement: Statement, quotation: Quoted) -> frozenset[str]:
    name = _company(statement, quotation)
    return frozenset(word.lower() for word in name.split()) if name and has_name(name, statement.text) else frozenset()


def _sides(text: Wording, verb: Word, company_words: frozenset[str]) -> _Sides:
    before, after = text.beside(verb, _SIDE_WORDS)
    if after and after[0].lower == "by" and any(word.lower in PASSIVE_AUXILIARIES for word in before[:2]):
        return _side(text, after[1:], company_words), _side(text, before, company_words)
    is_passive = any(word.lower in PASSIVE_AUXILIARIES for word in before[:2]) or any(
        word.lower == "by" for word in after
    )
    if is_passive:  # the doer may stand on either side
        return frozenset(), frozenset()
    return _side(text, before, company_words), _side(text, after, company_words)


def _side(text: Wording, words: Sequence[Word], company_words: frozenset[str]) -> frozenset[str]:
    """The keys of the words on one side; the company counts right beside the verb, and not as an owner."""
    keys = joined(word.keys for word in words if word.is_content and word.lower not in company_words)
    is_own = any(word.lower in company_words and not _is_possessive(text, word) for word in words[:2])
    return keys | {_COMPANY} if is_own else keys


def _is_possessive(text: Wording, word: Word) -> bool:
    return text.text.startswith("'", word.start + len(word.text))


def _are_nouns_swapped(claimed: _Sides, quoted: _Sides) -> bool:
    (a, b), (c, d) = claimed, quoted
    a, b, c, d = a - c, b - d, c - a, d - b
    return bool(a & d and b & c)


def _are_sides_swapped(claimed: _Sides, quoted: _Sides) -> bool:
    """Both nouns, or the company of the page alone."""
    if _are_nouns_swapped(claimed, quoted):
        return True
    (a, b), (c, d) = claimed, quoted
    has_moved = (_COMPANY in a - b and _COMPANY in d - c) or (_COMPANY in b - a and _COMPANY in c - d)
    return has_moved and bool((a | b) & (c | d) - {_COMPANY})
