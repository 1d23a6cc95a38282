"""How hard a text is to read, by the length of its sentences and words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.page import count_words
from octave_mcp.evidence.sentences import ends_of_sentences

TERM_SYLLABLES = 3

_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
_WORD = re.compile(r"[^\W_][\w&'’-]*")
_NAME = re.compile(r"[A-Z][\w&'’-]*|[^\W\d]*\d[\w&'’-]*|\w[^\WA-Z]*[A-Z][\w&'’-]*")


def length(text: str) -> int:
    """Words; in scripts without spaces, two characters count as one."""
    return count_words(text) if _UNSPACED.search(text) else len(text.split())


def sentences(text: str) -> list[str]:
    """In the order of the text; a line ends one. 'Cloud.gov' does not."""
    return [one for line in text.splitlines() for one in _of_line(line) if one]


def _of_line(line: str) -> Iterator[str]:
    start = 0
    for end in ends_of_sentences(line):
        yield line[start:end].strip()
        start = end
    yield line[start:].strip()


def reading_grade(text: str) -> float:
    """Flesch-Kincaid grade of an English text, syllables counted by groups of vowels."""
    found = [s for s in sentences(text) if s.split()]
    words = re.findall(r"[A-Za-z']+", text)
    if not found or not words:
        return 0.0
    syllables = sum(_syllables(word) for word in words)
    return 0.39 * len(words) / len(found) + 11.8 * syllables / len(words) - 15.59


def without_terms(text: str, evidence: Sequence[Evidence]) -> str:
    """The text with a short word for each name, title and term of the reader's, which nobody can shorten.

    A term is a long word of what is quoted of the prospect.
    """
    said = {word.casefold() for e in evidence if e.role == "prospect" for word in _WORD.findall(e.quote)}
    terms = {word for word in said if _syllables(word) >= TERM_SYLLABLES}
    names = {word for s in sentences(text) for word in _WORD.findall(s)[1:] if _NAME.fullmatch(word)}

    def plainer(found: re.Match[str]) -> str:
        return "it" if found[0] in names or found[0].casefold() in terms else found[0]

    return _WORD.sub(plainer, text)


def _syllables(word: str) -> int:
    groups = re.findall(r"[aeiouy]+", word.casefold())
    silent = word.casefold().endswith("e") and not word.casefold().endswith("le") and len(groups) > 1
    return max(1, len(groups) - silent)
