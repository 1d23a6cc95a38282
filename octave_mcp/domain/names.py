"""Normal forms of texts and company names, for comparing two spellings."""

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
# A letter or a digit, not of a script without spaces: there a name may stand between others.
_LETTER = r"[^\W_\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uac00-\ud7af]"
_START = rf"(?:(?<!{_LETTER})(?<![^\w/]the\W)(?<![^\w/]a\W)|(?<=vs))"
_END = rf"(?:(?!{_LETTER})|(?=vs))"
# What may part the words of a name in an address.
_BETWEEN = r"[^\w/]?"


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


def is_named_in(name: str, address: str) -> bool:
    """Whether an address has a company's name, or its domain's, as whole words, however they are joined.

    'Wells Fargo' and 'wellsfargo.com' are in '/wells-fargo' and in '/wellsfargo'. 'Box' is in '/vs-box' and in
    '/boxvsdropbox', but not in '/dropbox', nor in '/out-of-the-box'.
    """
    pattern = _whole_name(name)
    return pattern is not None and pattern.search(folded(unquote(address)).replace("_", "-")) is not None


@lru_cache(maxsize=1024)
def _whole_name(name: str) -> re.Pattern[str] | None:
    """Of a domain it is not known where its words begin, so any of its letters may."""
    label, dot, _ = name.partition(".")
    is_domain = bool(dot) and " " not in name
    spaced = _CAMEL.sub(" ", name) if not is_domain else "" if label.isdigit() else " ".join(label)
    words = re.findall(r"[^\W_]+", normal(spaced))
    while len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words.pop()
    spelled = (spelling.replace(" ", _BETWEEN) for spelling in spellings(" ".join(words)))
    return re.compile(f"{_START}(?:{'|'.join(spelled)}){_END}") if words else None


def spellings(text: str) -> dict[str, None]:
    """Without accents, and as addresses often write umlauts: 'zurich', 'zuerich'."""
    return dict.fromkeys((folded(text), folded(text.translate(_UMLAUTS))))


def folded(text: str) -> str:
    """In lower case, without accents."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold())))
