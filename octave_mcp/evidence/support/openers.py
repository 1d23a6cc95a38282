"""Finds sentences whose first word is probably a name, based on the next words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from octave_mcp.evidence.support.naming import acts, has_name, is_named_first, is_plain_noun, is_plural, starts
from octave_mcp.evidence.support.wording import keys_of, normalised

# The first word of every sentence is capitalised, so it is often uncertain whether this word is a name. If the evidence
# does not contain such a word, the claim is usually only flagged, not rejected.
_FIRST_WORD = re.compile(r"(?<![\w.'-])(?P<word>[A-ZÀ-ÖØ-Þ][^\W\d_]{2,})(?P<own>'s?)?(?![\w'-])")
_ADVERB = (
    r"(?:now|also|just|still|already|then|soon|since|even|never|often|always|almost|more than|at least|no longer"
    r"|first|later|again|once|today|[a-z]{3,}ly)"
)
_VERB_NEXT = re.compile(rf"[ \t]+(?P<adverbs>(?:{_ADVERB}[ \t]+)*)(?P<verb>[a-z]+)\b(?P<rest>[^.!?\n]*)")
_MODALS = frozenset("will would may might could must did does".split())
_OBJECT_NEXT = re.compile(r"[ \t]+(?:its|their|the|an?|every|each|no|any|all|his|her)\b")
# Matches the text after the name in "Brassmere, which sells software, cut costs".
_APPOSITION = re.compile(
    r",[ \t]+(?:which|who|whose|where|with|based|backed|founded|headquartered|owned|known|formerly|now|once|home|part"
    r"|itself|an?|the|one|like)\b[^,.;:!?]*,[ \t]+(?P<verb>[a-z]+)\b"
)
# Matches the text after the first word in "Brassmere AI cut costs".
_ACRONYM_NEXT = re.compile(r"[ \t]+(?:[A-Z]{2,4}|[A-Z][a-z]+)(?P<verb>[ \t]+[a-z]+)\b")
# Matches the text after the name in "Brassmere users cut costs".
_PEOPLE_NEXT = re.compile(
    r"[ \t]+(?P<people>users|customers|clients|subscribers|members|employees|buyers|sellers|drivers|shoppers|engineers"
    r"|developers|staff|teams?|agents|reps|managers|crews|chief|founders?)\b"
)
# Ordinary words that describe a kind of people and are not names, such as "Mobile" in "Mobile users sign up".
_KINDS_OF_PEOPLE = frozenset(
    """
    account active agile app average central cross-functional customer beta bike business car cloud code consumer
    core corporate desktop early end enterprise existing field first-time former free front full-time government
    heavy home hotel key large local long loyal male mixed female mobile monthly new office online paid part-time
    past pilot plant potential power premium private product prospective public registered remote repair repeat
    retail returning rural senior single small smart store street student target top trial truck trusted typical
    urban veteran warehouse web website wholesale young adult bus taxi night day
    """.split()
)
# Words with these endings count as ordinary plurals: "Customers' invoices" contains no name, but "Brassmeres' software"
# does.
_PEOPLE_ENDINGS = re.compile(
    r"(?:[eo]rs|ees|ents|ants|ists|ians|ies|men|ests|ams|ops|ands|olks|eams|irms|iends|outs|ads|nts)$"
)


@lru_cache(maxsize=2048)
def likely_names(text: str) -> tuple[str, ...]:
    """Return the words that start a sentence and are probably names, in the order of the text.

    Some of the returned words can be ordinary words.
    """
    return tuple(dict.fromkeys(_find_names(normalised(text))))


def _find_names(plain: str) -> Iterator[str]:
    for match in _FIRST_WORD.finditer(plain):
        word = match["word"]
        if not starts(plain, match.start()) or is_named_first(plain, match, word) or not _may_be_a_name(word.lower()):
            continue
        if _is_followed_as_a_name(word, match["own"] or "", plain[match.end() :]):
            yield word


def _may_be_a_name(lower: str) -> bool:
    return not is_plain_noun(lower) and not lower.endswith(("ing", "ly")) and len(keys_of(lower)) == 1


def _is_followed_as_a_name(word: str, possessive: str, following: str) -> bool:
    if possessive == "'":
        return not _PEOPLE_ENDINGS.search(word)
    if _PEOPLE_NEXT.match(following):
        return word.lower() not in _KINDS_OF_PEOPLE and not is_plural(word.lower())
    if (match := _APPOSITION.match(following)) and acts(match["verb"]):
        return not is_plural(word.lower())
    if match := _ACRONYM_NEXT.match(following):
        return acts(match["verb"].strip())
    return bool((match := _VERB_NEXT.match(following)) and _acts_as_subject(word.lower(), match))


def _acts_as_subject(lower: str, match: re.Match[str]) -> bool:
    """Whether the word is the subject of a verb, as in "Brassmere now draws"."""
    verb = match["verb"]
    if verb in _MODALS:
        return not is_plural(lower)
    if match["adverbs"]:
        is_of_one = verb.endswith("s") and not verb.endswith("ss")
        return is_of_one if is_plural(lower) else is_of_one or acts(verb)
    return verb.endswith("s") and bool(_OBJECT_NEXT.match(match["rest"])) and not is_plural(lower)


def is_lower(name: str, text: str) -> bool:
    """Whether the text also contains the name in lower case, which means that the name is probably an ordinary word."""
    return has_name(name, text) and re.search(rf"\b{re.escape(name.lower())}", normalised(text)) is not None
