"""Selects sentences that can be quoted on their own, and puts them in quotation marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.sentence import Sentence, SentenceKind
from octave_mcp.models.extractive.typed_lines import CACHED_TEXTS

# Maximum number of words of an English quotation in an outline.
MAX_WORDS = 30
# Maximum length of a foreign-language quotation. Characters are counted, because some languages have no spaces between
# words.
MAX_FOREIGN_CHARACTERS = 120
# Two words are enough for a name, or for a line in a script without spaces. `lines` uses no foreign-language text with
# more words, because it does not fit into English outlines.
MAX_FOREIGN_WORDS = 2

_PERIOD = r"(?:day|week|month|quarter|year|spring|summer|autumn|fall|winter|morning|afternoon|decade)s?\b"
_DEPENDENT_START = re.compile(
    r"(?:if|but|and|so|because|this|that|these|those|it|its|they|their|he|his|she|her|to|while|when|with|since|then|"
    r"for|as|now,|thus|hence|therefore|otherwise|instead|however|moreover|meanwhile|still|yet|another|other times|"
    r"in addition|additionally|also|similarly|likewise|thanks to (?:this|that|it)|"
    r"\w+ (?:days?|weeks?|months?|years?) (?:later|after|ago))(?!\w)",
    re.IGNORECASE,
)
_CONNECTIVE = re.compile(
    r"^(?:Additionally|Also|However|Moreover|In addition|Today|Finally|Lastly),?\s+(?=(?:we|our)\b)",
    re.IGNORECASE,
)
# References to earlier text anywhere in a sentence: 'solves this problem', 'that whole gap', 'the latter'.
_REFERENCE = re.compile(
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
# Ignore pronouns after the first four words. A later pronoun can refer to a word in the same sentence: 'Acme alerts all
# drivers when they speed'.
_PRONOUN_WORDS = 4


def say(text: str, kind: SentenceKind, cites: Iterable[Cite] = ()) -> Sentence[Cite]:
    return Sentence[Cite](text=text, kind=kind, evidence=tuple(dict.fromkeys(cites)))


def quoted(text: str) -> str:
    """Return the text in quotation marks, followed by a full stop if the text has no final punctuation."""
    inner = text.strip('“”" ')
    return f"“{inner}”" if re.search(r"[.!?。！？]$", inner) else f"“{inner}”."


def quotable(text: str) -> Iterator[str]:
    """Yield the sentences of 5 to `MAX_WORDS` words that contain no quotation."""
    for part in re.split(r"(?<=[.!?])\s+", text.strip('“”" ')):
        if 5 <= len(part.split()) <= MAX_WORDS and not re.search(r"[“”\"]", part):
            yield part


def without_lead(text: str) -> str:
    """Drop a connective at the start: 'Additionally, we hire' gives 'we hire'."""
    return _CONNECTIVE.sub("", text)


@lru_cache(maxsize=CACHED_TEXTS)
def stands_alone(text: str) -> bool:
    """Whether a sentence can be understood without the text around it.

    'That whole problem is gone' cannot be understood alone.
    """
    early = " ".join(text.split()[:_PRONOUN_WORDS])
    return not (_DEPENDENT_START.match(text) or _REFERENCE.search(text) or _PRONOUN.search(early))
