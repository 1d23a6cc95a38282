"""The language of a page: what it declares, unless its letters say otherwise; else what its words look like."""

from __future__ import annotations

import re
from typing import cast

from octave_mcp.sources.html.tree import CJK

UNKNOWN = "und"
TAG = re.compile(r"([a-zA-Z]{2,3})(?:[-_]|$)")
KANA = re.compile(r"[\u3040-\u30ff]")
HANGUL = re.compile(r"[\uac00-\ud7af]")
SPOKEN_IN_CJK = frozenset({"zh", "ja", "ko", "yue"})
SAMPLE = 4000
FEWEST_WORDS = 20


def language_of(text: str, declared: str) -> str:
    """The primary subtag in lower case; 'und' where neither the page nor its words tell."""
    sample = text[:SAMPLE]
    tag = TAG.match(declared.strip())
    if tag and (tag[1].lower() in SPOKEN_IN_CJK or not _is_cjk(sample)):
        return tag[1].lower()
    if _is_cjk(sample):
        return "ko" if len(HANGUL.findall(sample)) > len(sample) // 10 else "ja" if KANA.search(sample) else "zh"
    return _guessed(sample) if len(sample.split()) > FEWEST_WORDS else UNKNOWN


def _is_cjk(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return len(CJK.findall(text)) * 2 > letters > 0


def _guessed(text: str) -> str:
    from py3langid import (  # noqa: PLC0415 - its model takes most of a second to load
        classify,  # pyright: ignore[reportUnknownVariableType]
    )

    language, _ = cast("tuple[str, float]", classify(text))
    return language
