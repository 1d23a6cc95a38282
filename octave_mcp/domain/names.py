"""Normalizes texts and company names, so that different spellings can be compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

_SUFFIXES = (" inc", " inc.", " ltd", " gmbh", " llc", " labs", " ai", ".com", ".ai", ".io", ".dev")
_ONE_KIND = str.maketrans("‘’“”–—\u2212", "''\"\"---")
_MARKUP = re.compile(r"[*_`]+")
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_LEGAL_FORMS = frozenset({"inc", "ltd", "gmbh", "llc"})
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Matches a letter or digit. A name next to a letter or digit is not matched, so 'Box' is not found in 'dropbox'.
# Chinese, Japanese, Korean and Thai characters are excluded, because texts in these languages may have no spaces around
# a name.
_LETTER = r"[^\W_\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uac00-\ud7af]"
# A name after 'a' or 'the' is not matched, because 'box' in '/out-of-the-box' is not the company Box. If the article is
# the first word, as in '/the-box', it can be a part of the name. 'vs' can precede a name without a separator: 'dropbox'
# is found in '/boxvsdropbox'.
_START = rf"(?:(?<!{_LETTER})(?<![^\w/]the\W)(?<![^\w/]a\W)|(?<=vs))"
_END = rf"(?:(?!{_LETTER})|(?=vs))"
# In a URL, the words of a name can be separated by one character or by nothing: 'wells-fargo', 'wellsfargo'.
_BETWEEN = r"[^\w/]?"


@lru_cache(maxsize=8192)
def normal(text: str) -> str:
    """Case-fold a text, normalize its Unicode (NFKC), quotes, hyphens and spaces, and remove Markdown marks."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_ONE_KIND)
    return " ".join(_MARKUP.sub("", plain).split()).casefold()


def name_key(name: str) -> str:
    """Return a key for comparing company names.

    'Wells-Fargo', 'Wells Fargo Inc.' and 'wells fargo' have the same key.
    """
    key = normal(name).replace("-", " ").strip(" .")
    for suffix in _SUFFIXES:
        key = key.removesuffix(suffix)
    return key.replace(" ", "")


def is_named_in(name: str, address: str) -> bool:
    """Whether a URL contains a company's name (or the name in its domain) as whole words.

    'Wells Fargo' and 'wellsfargo.com' are named in '/wells-fargo' and '/wellsfargo'. 'Box' is named in '/vs-box' and
    '/boxvsdropbox', but not in '/dropbox' or '/out-of-the-box'.
    """
    pattern = _whole_name(name)
    return pattern is not None and pattern.search(folded(unquote(address)).replace("_", "-")) is not None


@lru_cache(maxsize=1024)
def _whole_name(name: str) -> re.Pattern[str] | None:
    """Compile a pattern that matches a name in a URL. Return None if the name has no words.

    A domain does not show where its words start. The pattern for 'wellsfargo.com' therefore allows a separator after
    each letter, and matches '/wells-fargo'.
    """
    label, dot, _ = name.partition(".")
    is_domain = bool(dot) and " " not in name
    spaced = _CAMEL.sub(" ", name) if not is_domain else "" if label.isdigit() else " ".join(label)
    words = re.findall(r"[^\W_]+", normal(spaced))
    while len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words.pop()
    spelled = (spelling.replace(" ", _BETWEEN) for spelling in spellings(" ".join(words)))
    return re.compile(f"{_START}(?:{'|'.join(spelled)}){_END}") if words else None


def spellings(text: str) -> dict[str, None]:
    """Return the spellings that URLs use for a text: 'zurich' (without accents) and 'zuerich' (umlauts written out)."""
    return dict.fromkeys((folded(text), folded(text.translate(_UMLAUTS))))


def folded(text: str) -> str:
    """Return the text in lower case and without accents."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold())))
