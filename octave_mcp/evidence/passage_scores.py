"""Scores how informative a passage is for a seller, based on keywords and on details such as figures and names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import IntFlag, auto
from functools import lru_cache
from math import fsum


class Cue(IntFlag):
    """A kind of information that a passage can contain."""

    OURS = auto()
    EVENT = auto()
    HIRING = auto()
    RESULT = auto()
    CUSTOMER = auto()
    TOOL = auto()
    CERTIFICATE = auto()
    TITLE = auto()
    NEED = auto()
    RIVAL = auto()
    PRODUCT = auto()
    FIGURE = auto()
    PRICE = auto()
    DATE = auto()
    NAME = auto()
    QUOTATION = auto()
    SPEAKER = auto()
    LOGOS = auto()
    DATED = auto()


# Keywords for each cue, in several languages. A star matches any ending: 'launch*' matches 'launched'.
_WORDS: dict[Cue, str] = {
    Cue.OURS: "we our us i my wir unser* nous notre nos nosotros nuestr* nós noss* noi nostr* wij onze",
    Cue.EVENT: (
        "acqui* launch* introduc* announc* released releases releasing raised raises raising unveil* opened opens "
        "opening joined joins appoint* partnered partnership* merge* merger expand* expansion built build builds "
        "rebuilt shipped ships shipping rolled rolling moved moving migrat* switched switching adopted adopts "
        "award* won available series funding funded invest* founded started chose chosen decided signed completed "
        "grew grown became created replaced rewrote retired sunset* deprecat* raise* ipo campaign* conference "
        "summit webinar regulation* compliance eröffn* übern* gegründet* eingeführt* lancier* angekündigt* lanc* "
        "annonc* acquis* lanz* anunci* adquir*"
    ),
    Cue.HIRING: (
        "hiring hire* recruit* role roles vacanc* position* opening* careers job jobs stelle* wir-suchen recrut* "
        "empleo* vagas"
    ),
    Cue.RESULT: (
        "reduc* increas* improv* saved saves saving* cut cuts cutting doubl* tripl* faster boost* drove drives "
        "decreas* fewer eliminat* conver* returned accelerat* halved gespart* steiger* rédui* augment*"
    ),
    Cue.CUSTOMER: (
        "customer* client clients trusted kunde* kunden* clientes klant* user users companies teams like startups "
        "enterprises"
    ),
    Cue.TOOL: (
        "integrat* connector* plugin* plug-in* powered partner partners marketplace stack import* export* sync* "
        "sdk sdks api apis webhook* uses use using runs hosted"
    ),
    Cue.CERTIFICATE: (
        "soc soc2 iso iso27001 hipaa gdpr dsgvo rgpd fedramp pci hitrust ccpa fips tisax certif* baa zertifi* "
        "attest* pentest*"
    ),
    Cue.TITLE: (
        "ceo cto cfo coo cmo cpo cio ciso cro vp svp evp president head director* founder* cofounder* co-founder* "
        "manager lead chief engineer developer designer architect principal author geschäftsführer* leiter* "
        "gründer* fondat* fundador* directeur*"
    ),
    Cue.NEED: (
        "challeng* problem* struggl* manual manually bottleneck* pain difficult* slow expensive couldn need needed "
        "goal goals priorit* mission roadmap plan planning planned focus* biggest requir* want wanted trying risk* "
        "herausforder* défi* desaf*"
    ),
    Cue.RIVAL: "unlike vs versus alternative* compared comparison instead replac* competitor* rather",
    Cue.PRODUCT: (
        "platform help helps lets enables designed ideal product products company culture values open-source "
        "automat* supports includes lösung* plattform* plateforme plataforma"
    ),
}


def _table(selects: Callable[[str], bool]) -> dict[str, int]:
    """Map each keyword that `selects` accepts, without the final "*", to a bit set of its cues."""
    table: dict[str, int] = {}
    for cue, listed in _WORDS.items():
        for word in filter(selects, listed.split()):
            table[word.rstrip("*")] = table.get(word.rstrip("*"), 0) | int(cue)
    return table


_PREFIXES = _table(lambda word: word.endswith("*"))
_WHOLE = _table(lambda word: not word.endswith("*"))
_PREFIX_LENGTHS = sorted({len(beginning) for beginning in _PREFIXES})

_UNITS = (
    "customers|clients|users|teams|companies|people|employees|countries|developers|engineers|stores?|hours?|days?|weeks?"
    "|months?|minutes?|seconds?|times|years?|events?|requests?|sources|databases?|projects?|members?|locations|offices"
    "|partners|integrations|products|kunden|mitarbeiter\\w*|länder\\w*|clientes|empleados|employés|pays|países|gb|tb|mb|pb|ms"
)
_SIGNS = "$€£¥₹"
# Matches figures such as '40 %', '$5', '3x' and '400 customers', but not '2026' or 'v2.1' alone.
_FIGURE = re.compile(
    rf"[{_SIGNS}\d](?:(?<=[{_SIGNS}])\s?\d|(?<=\d)(?:\s?%|[\d,.]{{0,20}}(?:\+|x\b|\s?[kmb]\b|\s?(?:million|billion|thousand|mio|mrd"
    rf"|millones|万|亿|億|倍|人|社)|[ -](?:[\w-]{{1,50}} ){{0,2}}(?:{_UNITS})\b)))"
)
_PRICE = re.compile(rf"[{_SIGNS}\d](?:(?<=[{_SIGNS}])\s?\d|(?<=\d)\s?(?:[{_SIGNS}]|usd|eur|gbp|chf|元|円))")
_YEAR = re.compile(r"(?:19|20)\d\d(?!\d)")
# Matches a capitalised word inside a sentence. The first word never matches, because it is always capitalised.
_NAME = re.compile(r" (?<=[\w,;:(&/] )[A-ZÀ-ÖØ-Þ][\w.&-]*[a-zA-Z]")
_QUOTATION = re.compile(r"\s*(?:>\s*)?[\"“„«「『‘]|\s*>")

_QUOTES, _NAMES, _DATES = int(Cue.QUOTATION), int(Cue.NAME), int(Cue.DATE)
_DIGIT = re.compile(r"[0-9]")
_DIGIT_PATTERNS = ((int(Cue.FIGURE), _FIGURE), (int(Cue.PRICE), _PRICE))

_POINTS: dict[Cue, float] = {
    Cue.OURS: 0.7,
    Cue.EVENT: 1.2,
    Cue.HIRING: 0.4,
    Cue.RESULT: 0.8,
    Cue.CUSTOMER: 0.6,
    Cue.TOOL: 0.4,
    Cue.CERTIFICATE: 1.6,
    Cue.TITLE: 0.5,
    Cue.NEED: 0.8,
    Cue.RIVAL: 0.8,
    Cue.PRODUCT: 0.4,
    Cue.FIGURE: 3.0,
    Cue.PRICE: 1.2,
    Cue.DATE: 0.8,
    Cue.NAME: 0.6,
    Cue.QUOTATION: 0.6,
    Cue.SPEAKER: 1.4,
    Cue.LOGOS: 1.5,
    Cue.DATED: 0.6,
    Cue.OURS | Cue.EVENT: 1.2,
    Cue.OURS | Cue.HIRING: 0.6,
    Cue.OURS | Cue.NEED: 0.6,
    Cue.EVENT | Cue.NAME: 0.5,
    Cue.EVENT | Cue.DATE: 0.8,
    Cue.EVENT | Cue.DATED: 0.8,
    Cue.RESULT | Cue.FIGURE: 1.2,
    Cue.CUSTOMER | Cue.NAME: 0.8,
    Cue.CUSTOMER | Cue.FIGURE: 0.6,
    Cue.TOOL | Cue.NAME: 0.8,
    Cue.TITLE | Cue.NAME: 1.0,
    Cue.RIVAL | Cue.NAME: 0.8,
}
_POINTS_BY_BITS = tuple((int(cue), given) for cue, given in _POINTS.items())
# Minimum score of a passage. It is above zero, so that passages are selected even from a page without any cue (kind of
# information).
MIN_POINTS = 0.2


class Cues:
    """Finds the cues (kinds of information) in texts.

    The vocabulary must contain all words of the texts, in lower case.
    """

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._of = {word: cues for word in vocabulary if (cues := _cues_of(word))}
        self._words = frozenset(self._of)

    def of(self, text: str, words: frozenset[str]) -> int:
        """Return the cues of the text as a bit set. `words` are the text's words in lower case."""
        cues = _sign_cues(text)
        for word in self._words & words:
            cues |= self._of[word]
        return cues


def _sign_cues(text: str) -> int:
    cues = _QUOTES if _QUOTATION.match(text) else 0
    if _NAME.search(text):
        cues |= _NAMES
    if _DIGIT.search(text):
        lower = text.lower()
        cues |= sum(bit for bit, pattern in _DIGIT_PATTERNS if pattern.search(lower))
    return cues


@lru_cache(maxsize=50_000)
def _cues_of(word: str) -> int:
    if word[0].isdigit():
        return _DATES if _YEAR.match(word) else 0
    cues = _WHOLE.get(word, 0)
    for length in _PREFIX_LENGTHS:
        cues |= _PREFIXES.get(word[:length], 0)
    return cues


@lru_cache(maxsize=10_000)
def points(cues: int) -> float:
    """Return the score for these cues, plus extra points for combinations of cues."""
    return MIN_POINTS + fsum(given for cue, given in _POINTS_BY_BITS if cues & cue == cue)
