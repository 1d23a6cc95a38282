"""Quoting a page: which sentences can stand alone, and how they are put in quotation marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.sentence import Sentence, SentenceKind

# The most words of a quotation in an outline.
MAX_WORDS = 30
# The same, in characters, for one that is not in English.
MAX_FOREIGN_CHARACTERS = 120
# A name, or a line in a script without spaces: a sentence in another language does not go into English copy.
MAX_FOREIGN_WORDS = 2

_PERIOD = r"(?:day|week|month|quarter|year|spring|summer|autumn|fall|winter|morning|afternoon|decade)s?\b"
_LEANS_BACK = re.compile(
    r"(?:if|but|and|so|because|this|that|these|those|it|its|they|their|he|his|she|her|to|while|when|with|since|then|"
    r"for|as|now,|thus|hence|therefore|otherwise|instead|however|moreover|meanwhile|still|yet|another|other times|"
    r"in addition|additionally|also|similarly|likewise|thanks to (?:this|that|it)|"
    r"\w+ (?:days?|weeks?|months?|years?) (?:later|after|ago))(?!\w)",
    re.IGNORECASE,
)
_LEADS_IN = re.compile(
    r"^(?:Additionally|Also|However|Moreover|In addition|Today|Finally|Lastly),?\s+(?=(?:we|our)\b)",
    re.IGNORECASE,
)
_POINTS_OUT = re.compile(
    rf"\b(?:this|these|those)\s+(?!{_PERIOD}|who\b|whose\b|that\b|which\b)\w+|\b(?:this|these|those|that)(?=[.,;!?]|$)|"
    r"\bthat\s+(?:whole|entire|very|same|kind|sort|one|problem|issue|challenge|pain|gap|question|approach|way|point|"
    r"decision|situation|reason)\b|"
    r"\b(?:makes?|made|does?|did|solve[sd]?|took|takes?|fix(?:es|ed)?)\s+that\b|"
    r"\bthe\s+(?:true|real|actual|same|other|latter|former|above)\s+(?:figures?|numbers?|problems?|issues?|results?|"
    r"ones?)\b|"
    r"\bthe (?:latter|former)\b|\bas a result(?! of\b)",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(?:it|they|them|he|she|him|her)\b", re.IGNORECASE)
# Words; a pronoun later than that may mean something that the sentence names before it.
_EARLY = 4


def say(text: str, kind: SentenceKind, cites: Iterable[Cite] = ()) -> Sentence[Cite]:
    return Sentence[Cite](text=text, kind=kind, evidence=tuple(dict.fromkeys(cites)))


def quoted(text: str) -> str:
    """In quotation marks; a stop inside stays, and one is added outside where there is none."""
    inner = text.strip('“”" ')
    return f"“{inner}”" if re.search(r"[.!?。！？]$", inner) else f"“{inner}”."


def quotable(text: str) -> Iterator[str]:
    """The sentences of a text that can be quoted: not too short, not too long, no quotation inside."""
    for part in re.split(r"(?<=[.!?])\s+", text.strip('“”" ')):
        if 5 <= len(part.split()) <= MAX_WORDS and not re.search(r"[“”\"]", part):
            yield part


def without_lead(text: str) -> str:
    """'Additionally, we hire' without the word that only ties it to what stood before."""
    return _LEADS_IN.sub("", text)


def stands_alone(text: str) -> bool:
    """Whether a sentence says by itself what it is about: 'that whole problem', 'As a result' point outside of it."""
    early = " ".join(text.split()[:_EARLY])
    return not (_LEANS_BACK.match(text) or _POINTS_OUT.search(text) or _PRONOUN.search(early))
