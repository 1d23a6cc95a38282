"""Checks whether a text contains a line or a sentence of another text."""

from __future__ import annotations

import re
from functools import lru_cache

from octave_mcp.evidence.support.lexicon import NEGATIONS

# A label of up to four words can precede a sentence: "Our promise: we never share your data."
MAX_LABEL_WORDS = 4
# These words can deny a statement, limit it to the past or make it conditional: "It is not true that ...", "Vessler had
# 500 customers in 2010; today ...".
RETRACTING = NEGATIONS | frozenset("myth false wrong untrue lie contrary had was were used until if unless".split())
_SENTENCE_MARKS = (".", "!", "?", "。", ":")


def is_sentence_of(line: str, text: str) -> bool:
    """Whether `line`, without a short label at its start, is one or more whole sentences of `text`.

    Part of a sentence is not enough, because "It is false that we sell data" contains "we sell data".
    """
    label, mark, marked = line.partition('"')
    if mark and label.count(" ") < MAX_LABEL_WORDS and (quoted := marked.rstrip('".')) and has_line(text, quoted):
        return True
    label, _, labelled = line.partition(": ")
    if labelled and label.count(" ") < MAX_LABEL_WORDS and RETRACTING.isdisjoint(label.split()) and line not in text:
        line = labelled
    start = text.find(line)
    before, after = text[:start].rstrip(), text[start + len(line) :].lstrip()
    starts = not before or before.endswith(_SENTENCE_MARKS)
    is_whole_sentence = (
        start >= 0 and starts and (not after or line.endswith(_SENTENCE_MARKS) or after.startswith(_SENTENCE_MARKS))
    )
    return is_whole_sentence or f" | {_in_words(line)} | " in f" | {_in_words(text)} | "


@lru_cache(maxsize=8192)
def _in_words(text: str) -> str:
    """Return the words of a text without punctuation, and with a bar between sentences."""
    return " ".join(re.findall(r"[\w%|$€£]+", _SENTENCE_ENDS.sub(" | ", text))).strip(" |")


_SENTENCE_ENDS = re.compile(r"(?<![.!?:。])[.!?:。]+[\"')]*(?:\s|$)")


def has_line(text: str, line: str) -> bool:
    """Whether the text contains the line as whole words.

    For example, neither "140" nor "40%" contains the line "40".
    """
    start = text.find(line)
    while start >= 0:
        before, after = text[start - 1 : start] if start else "", text[start + len(line) :][:1]
        if (not before or before in ' "(') and not (after.isalnum() or after == "%"):
            return True
        start = text.find(line, start + 1)
    return False
