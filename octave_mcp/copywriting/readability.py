"""Counts the words of a text, splits it into sentences, and computes its reading grade."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.page import count_words
from octave_mcp.evidence.sentences import ends_of_sentences

MIN_TERM_SYLLABLES = 3

# Japanese, Chinese and Thai are written without spaces between words.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
_WORD = re.compile(r"[^\W_][\w&'’-]*")
_NAME = re.compile(r"[A-Z][\w&'’-]*|[^\W\d]*\d[\w&'’-]*|\w[^\WA-Z]*[A-Z][\w&'’-]*")


def length(text: str) -> int:
    """Count the words. In scripts without spaces between words, two characters count as one word."""
    return count_words(text) if _UNSPACED.search(text) else len(text.split())


def sentences(text: str) -> list[str]:
    """Split a text into sentences.

    A line break ends a sentence, but a dot within a word such as 'Cloud.gov' does not.
    """
    return [sentence for line in text.splitlines() for sentence in _sentences_of_line(line) if sentence]


def _sentences_of_line(line: str) -> Iterator[str]:
    start = 0
    for end in ends_of_sentences(line):
        yield line[start:end].strip()
        start = end
    yield line[start:].strip()


def reading_grade(text: str) -> float:
    """Return the Flesch-Kincaid grade of an English text. Each group of vowels counts as a syllable."""
    sentences_found = [s for s in sentences(text) if s.split()]
    words = re.findall(r"[A-Za-z']+", text)
    if not sentences_found or not words:
        return 0.0
    syllables = sum(_syllables(word) for word in words)
    return 0.39 * len(words) / len(sentences_found) + 11.8 * syllables / len(words) - 15.59


def without_terms(text: str, evidence: Sequence[Evidence]) -> str:
    """Replace names and the reader's own terms with a short word, because writers cannot avoid these words.

    A long word counts as the reader's own term if a quotation from the prospect's pages contains it.
    """
    words_of_prospect = {word.casefold() for e in evidence if e.role == "prospect" for word in _WORD.findall(e.quote)}
    terms = {word for word in words_of_prospect if _syllables(word) >= MIN_TERM_SYLLABLES}
    names = {word for s in sentences(text) for word in _WORD.findall(s)[1:] if _NAME.fullmatch(word)}

    def plainer(match: re.Match[str]) -> str:
        return "it" if match[0] in names or match[0].casefold() in terms else match[0]

    return _WORD.sub(plainer, text)


def _syllables(word: str) -> int:
    groups = re.findall(r"[aeiouy]+", word.casefold())
    # A final 'e' is usually silent, as in 'time'. In words such as 'table', the final 'le' is a syllable.
    silent = word.casefold().endswith("e") and not word.casefold().endswith("le") and len(groups) > 1
    return max(1, len(groups) - silent)
