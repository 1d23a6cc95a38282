"""Finds the names in a text, and checks whether another text contains a name in any form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain

from octave_mcp.evidence.support.terms import FUNCTION_WORDS, MONTHS, PLAIN_NOUNS, TERMS
from octave_mcp.evidence.support.wording import is_past, keys_of, normalised, stem

# Names can contain punctuation marks: "HR-On", "Cal.com".
_CAPITALISED_WORD = re.compile(r"(?<![\w.-])(?<!\w')[A-ZÀ-ÖØ-Þ][\w&'+-]*(?:\.[A-Za-z]\w*)*")
# Matches names with digits, such as "v1.30.0" and "k8s".
_CODE_NAME = re.compile(r"(?<![A-Za-z\d_$€£.,])(?:[A-Za-z_]+\d\w*(?:\.\d\w*)*)")
_VERB_NEXT = re.compile(r"[ \t]+(?P<verb>[a-z]+)\b")
_POSSESSIVE = re.compile(r"'s?$", re.IGNORECASE)
# If one of these verbs follows the first word of a sentence, that word is probably a name: "Brassmere uses software".
_VERBS = frozenset(
    "has is was had can cut put set uses runs saves cuts says wants needs grows offers helps sells serves plans"
    " moves keeps"
    " gets makes sees works relies handles tracks ships pays finds lets gives takes shows sends builds buys"
    " chooses comes"
    " connects covers creates delivers employs expects fits follows goes hires holds improves includes knows"
    " launches leads"
    " lists loses manages means meets misses opens operates provides reaches reports requires scales seems"
    " speaks spends"
    " gains adds develops receives earns deploys hosts owns processes produces protects publishes"
    " raises recommends reduces releases removes replaces rates scans schedules selects signs stays"
    " switches teaches trains turns watches wins allows answers asks believes calls claims collects considers"
    " depends doubles drops enables encrypts ends enjoys ensures estimates explains feels generates"
    " guarantees hopes integrates intends invests joins lacks learns likes limits maintains measures monitors"
    " automates attributes credits describes praises regards refuses rejects returns searches stops thanks"
    " prefers prevents promises settles splits stood spans sits sticks syncs"
    " rolls got carries checks counts cooks bakes delivers drives feeds fills grinds heats installs keeps lends pours"
    " prints repairs roasts teaches weighs feeds divides combines compares begins became brings closes connects"
    " stands starts stores struggles suggests supports targets tells thinks tries trusts writes".split()
)
# These verbs are singular, so a subject that ends in -s is probably a name and not a plural: "Wellsprings uses
# software".
_SINGULAR = frozenset(verb for verb in _VERBS if verb.endswith("s")) - {"has", "is", "was"}
_WORDS = re.compile(r"[^\W_]+(?:[.&+][^\W_]+)*")
# Words in -ly that could look like names at the start of a sentence: "Finally cut costs". The ending -ly alone does not
# show that a word is not a name, because names such as "Calendly" have this ending, too.
_ADVERBS = frozenset(
    "typically usually previously currently finally recently generally mostly nearly only early really probably roughly"
    " possibly formerly originally initially eventually ultimately effectively automatically apparently reportedly"
    " publicly internally simply daily weekly monthly family assembly supply reply".split()
)
_JOINTS = re.compile(r"[.&+]")
_LETTERS_OR_DIGITS = re.compile(r"[a-z]{2,}|\d+")
_WORDS_ONLY = re.compile(r"[^\W_]+")
# "Open Telemetry" must match "OpenTelemetry", so sequences of up to four words are also compared as one word.
_MAX_JOINED_WORDS = 4
_NOT_WORDS = re.compile(r"[^\w]+")
_CAPITAL_NEXT = re.compile(r"[ \t]+[A-ZÀ-Þ][a-z]")
_AFTER_HEAD = re.compile(r"[-']")
_MIN_STEMMED_LENGTH = 4
# Maps alternative names, in lower case, to the form that is used in comparisons.
_SAME_NAMES = {
    **{
        word: line.split()[0]
        for line in (
            "poland polish polska",
            "germany german germans deutschland",
            "france french",
            "spain spanish espana",
            "netherlands dutch holland nederland",
            "sweden swedish sverige",
            "denmark danish danmark",
            "finland finnish suomi",
            "switzerland swiss schweiz suisse",
            "ireland irish",
            "greece greek",
            "turkey turkish turkiye",
            "portugal portuguese",
            "japan japanese",
            "china chinese",
            "wales welsh",
            "scotland scottish",
            "norway norwegian norge",
            "belgium belgian",
            "iceland icelandic",
            "israel israeli",
            "vietnam vietnamese",
            "taiwan taiwanese",
            "thailand thai",
            "czechia czech",
        )
        for word in line.split()
    },
    "european": "eu",
    "europe": "eu",
    "american": "us",
    "british": "uk",
    "postgresql": "postgres",
    "kubernetes": "k8s",
    "golang": "go",
    "javascript": "js",
    "typescript": "ts",
}
_SPELLED_OUT = {
    "uk": ("united", "kingdom"),
    "us": ("united", "states"),
    "usa": ("united", "states"),
    "eu": ("european", "union"),
}


@lru_cache(maxsize=8192)
def names(text: str) -> tuple[str, ...]:
    """Return the names in a text, in order and without repeats.

    The first word of a sentence is always capitalised. Its spelling ("PostHog") or the next words must show that it is
    a name.
    """
    return tuple(dict.fromkeys(_find_names(normalised(text))))


def _find_names(plain: str) -> Iterator[str]:
    for match in _CAPITALISED_WORD.finditer(plain):
        word = _POSSESSIVE.sub("", match[0]).strip("&'+-.")
        if not word or _is_term(word):
            continue
        if starts(plain, match.start()) and not is_named_first(plain, match, word):
            continue
        yield word
    yield from (match[0] for match in _CODE_NAME.finditer(plain) if match[0][0].islower())


def _is_term(word: str) -> bool:
    """Whether a capitalised word is not a name, but a month, a single letter, or a term such as "KPIs".

    Months do not count as names, because the rule `unquoted_months` checks months.
    """
    parts = word.split("-")
    return len(word) == 1 or all(part[:1].islower() or _is_plain(part) for part in parts if part)


def _is_plain(part: str) -> bool:
    return part in TERMS or part.removesuffix("s") in TERMS or part.lower() in MONTHS or len(part) == 1


def starts(plain: str, at: int) -> bool:
    before = plain[:at].rstrip(" \t\"'()>—-•*|#")
    return not before or before[-1] in ".!?:…\n;"


def is_named_first(plain: str, match: re.Match[str], word: str) -> bool:
    """Whether the first word of a sentence is a name, based on its spelling and the words after it."""
    lower = word.lower()
    if lower in FUNCTION_WORDS:
        return False
    if is_shaped(word):
        return True
    if is_plain_noun(lower):
        return False
    following = plain[match.end() :]
    is_owner = match[0].endswith("'s")
    return (
        is_owner or bool(_CAPITAL_NEXT.match(following) and not _is_gerund(lower)) or _precedes_verb(lower, following)
    )


def _precedes_verb(lower: str, following: str) -> bool:
    """Whether the next word is a verb, so that this word is probably a name: "Brassmere uses"."""
    verb = None if _PARTICIPLE_NEXT.match(following) else _VERB_NEXT.match(following)
    if not verb or lower.endswith("ing") or (lower.endswith("ly") and lower in _ADVERBS):
        return False
    if is_plural(lower):
        return verb["verb"] in _SINGULAR and not lower.endswith("ics")
    return verb["verb"] in _VERBS or (acts(verb["verb"]) and not lower.endswith("ly"))


def is_plain_noun(lower: str) -> bool:
    """Whether a word often starts sentences without being a name."""
    return lower in FUNCTION_WORDS or lower in PLAIN_NOUNS or bool(_ABSTRACT.search(lower))


def is_plain_word(name: str) -> bool:
    """Whether a name such as "Price" has known synonyms, and can therefore be an ordinary word."""
    return not is_shaped(name) and len(keys_of(name.lower())) > 1


def is_shaped(word: str) -> bool:
    """Whether the spelling alone shows that a word is a name: "PostHog", "AWS", "Cal.com", "S3"."""
    head = _AFTER_HEAD.split(word)[0]
    return any(letter.isupper() or letter.isdigit() or letter == "." for letter in head[1:])


# Words with these endings are usually ordinary nouns and not names: "Photography is allowed".
_ABSTRACT = re.compile(r"\w{4}(?:tion|ment|ness|graphy)$")


def _is_gerund(lower: str) -> bool:
    """Whether the word is a gerund, as in "Knowing Haskell". Short words such as "Ring" and "King" are not gerunds."""
    return lower.endswith("ing") and len(lower) >= _MIN_GERUND_LENGTH


_MIN_GERUND_LENGTH = 6
# In "Software built for banks is complex", "built" is a participle and does not make "Software" a name.
_PARTICIPLE_NEXT = re.compile(
    r"[ \t]+[a-z]+(?:ed|t|d|en|wn|de)[ \t]+(?:over|on|by|in|at|from|for|of|to|with|out|up)\b[^,.;:]*?"
    r"\b(?:is|are|was|were|has|have|can|goes|go|gets|get|comes|come)\b"
)


def acts(following: str) -> bool:
    """Whether a word looks like a verb whose subject is a company: "has", "runs", "moved", "grew"."""
    return following in _VERBS or is_past(following) or following.endswith("ed")


def is_plural(lower: str) -> bool:
    return lower.endswith("s") and not lower.endswith(("ss", "us", "is", "os"))


@lru_cache(maxsize=8192)
def _lowercase(text: str) -> str:
    return normalised(text).lower()


@lru_cache(maxsize=8192)
def _forms(text: str) -> frozenset[str]:
    """Return the lower-case words of a text, with their parts, stems and alternative forms."""
    words = set(_WORDS.findall(_lowercase(text)))
    words |= {part for word in words if not word.isalnum() for part in _JOINTS.split(word)}
    words |= {part for word in words if word[-1:].isdigit() for part in _LETTERS_OR_DIGITS.findall(word)}
    words |= {_SAME_NAMES[word] for word in words if word in _SAME_NAMES}
    words |= {part for word in words for part in _SPELLED_OUT.get(word, ())}
    words |= {_country_key(word) for word in words if len(word) >= _MIN_COUNTRY_LENGTH}
    return frozenset(words | {stem(word) for word in words if word.isalpha()})


@lru_cache(maxsize=8192)
def _joined_neighbours(text: str) -> frozenset[str]:
    """Return the words of a text, and sequences of up to four words joined into one word."""
    words = _WORDS_ONLY.findall(_lowercase(text))
    runs = (zip(*(words[at:] for at in range(count)), strict=False) for count in range(1, _MAX_JOINED_WORDS + 1))
    return frozenset(map("".join, chain.from_iterable(runs)))


@lru_cache(maxsize=8192)
def has_name(name: str, text: str) -> bool:
    """Whether the text contains the name in any form: "CVE" in "CVEs", "Debian" in "Debian-based"."""
    return _is_spelled(name, text) or _has_forms(name, text)


def _is_spelled(name: str, text: str) -> bool:
    letters = _letters(name)
    if (least := letters.removesuffix("s")) not in _letters(text):
        return False
    return not {letters, f"{letters}s", least}.isdisjoint(_joined_neighbours(text))


@lru_cache(maxsize=8192)
def _letters(text: str) -> str:
    """Return only the letters and digits of a text."""
    return "".join(_WORDS_ONLY.findall(_lowercase(text)))


def _has_forms(name: str, text: str) -> bool:
    text_forms = _forms(text)
    return all(_is_in(part, text_forms) for part in _NOT_WORDS.split(_lowercase(name)) if part)


def _is_in(part: str, text_forms: frozenset[str]) -> bool:
    forms = {part, part.removesuffix("s"), f"{part}s", _SAME_NAMES.get(part, part)}
    if len(part) >= _MIN_COUNTRY_LENGTH:
        forms.add(_country_key(part))
    return not forms.isdisjoint(text_forms) or (
        len(part) >= _MIN_STEMMED_LENGTH and not keys_of(part).isdisjoint(text_forms)
    )


_MIN_COUNTRY_LENGTH = 6
_COUNTRY = re.compile(r"(?:ia|y|ian|ians)$")


@lru_cache(maxsize=8192)
def _country_key(word: str) -> str:
    """Return the stem that a country and its people share: "eston-" for "Estonia", "Estonian" and "Estonians"."""
    return _COUNTRY.sub("-", word)


def strange(candidates: Iterable[str], sources: Iterable[str]) -> list[str]:
    """Return the names that no source contains. "Debian-based" counts as contained if a source contains "Debian"."""
    texts = tuple(dict.fromkeys(filter(None, sources)))
    return [name for name in candidates if not _is_known(name, texts)]


def _is_known(name: str, texts: Sequence[str]) -> bool:
    return (
        any(_is_spelled(name, text) for text in texts)
        or any(_has_forms(name, text) for text in texts)
        or any(_has_first_part(name, text) for text in texts)
        or (name.isupper() and any(name in _initials(text) for text in texts))
    )


@lru_cache(maxsize=8192)
def _initials(text: str) -> frozenset[str]:
    """Return the initials of each sequence of two to five capitalised words: "YC" for "Y Combinator"."""
    initials: set[str] = set()
    for match in _CAPITALISED_SEQUENCE.finditer(normalised(text)):
        letters = "".join(word[0] for word in re.split(r"[ -]", match[0]) if word[:1].isupper())
        initials |= {letters[at : at + count] for at in range(len(letters)) for count in range(2, _MAX_INITIALS + 1)}
    return frozenset(initials)


_CAPITALISED_SEQUENCE = re.compile(r"[A-Z]\w{0,50}(?:[ -](?:(?:of|and|the|for) )*[A-Z]\w*)+")
_MAX_INITIALS = 5


def _has_first_part(name: str, text: str) -> bool:
    first, *rest = name.split("-")
    is_joined = bool(rest) and all(
        part[:1].islower() or _is_plain(part) or has_name(part, text) for part in rest if part
    )
    return is_joined and (_is_plain(first) or has_name(first, text))
