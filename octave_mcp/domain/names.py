"""Normal forms of texts and company names, for comparing two spellings."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SUFFIXES = (" inc", " inc.", " ltd", " gmbh", " llc", " labs", " ai", ".com", ".ai", ".io", ".dev")
_ONE_KIND = str.maketrans("‘’“”–—\u2212", "''\"\"---")
_MARKUP = re.compile(r"[*_`]+")


@lru_cache(maxsize=8192)
def normal(text: str) -> str:
    """NFKC, one kind of quotation mark and dash, no Markdown marks, single spaces, lower case."""
    plain = unicodedata.normalize("NFKC", text).translate(_ONE_KIND)
    return " ".join(_MARKUP.sub("", plain).split()).casefold()


def name_key(name: str) -> str:
    """A company's name for comparison: 'Wells-Fargo', 'Wells Fargo Inc.' and 'wells fargo' are one."""
    key = normal(name).replace("-", " ").strip(" .")
    for suffix in _SUFFIXES:
        key = key.removesuffix(suffix)
    return key.replace(" ", "")
