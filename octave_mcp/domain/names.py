"""Normal forms of texts and company names, for comparing two spellings."""

from __future__ import annotations

import re
import unicodedata

_SUFFIXES = (" inc", " inc.", " ltd", " gmbh", " llc", " labs", " ai", ".com", ".ai", ".io", ".dev")


def normal(text: str) -> str:
    """NFKC, one kind of quotation mark and dash, no Markdown marks, single spaces, lower case."""
    plain = unicodedata.normalize("NFKC", text)
    plain = plain.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0x2212: "-"})
    return re.sub(r"\s+", " ", re.sub(r"[*_`]+", "", plain)).strip().casefold()


def name_key(name: str) -> str:
    """A company's name for comparison: 'Wells-Fargo', 'Wells Fargo Inc.' and 'wells fargo' are one."""
    key = normal(name).replace("-", " ").strip(" .")
    for suffix in _SUFFIXES:
        key = key.removesuffix(suffix)
    return key.replace(" ", "")
