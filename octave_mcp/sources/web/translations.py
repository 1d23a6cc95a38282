"""Of pages that a site has in several languages, one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from octave_mcp.domain.addresses import url_key
from octave_mcp.domain.kinds import LANGUAGES
from octave_mcp.domain.page import Link

IN_PATH = re.compile(rf"^([^/]+)/({LANGUAGES})(?:[-_](?:[a-z]{{2,4}}|419))?(?=/|\?|$)", re.IGNORECASE)
IN_QUERY = re.compile(rf"[?&](?:lang|hl|locale)=({LANGUAGES})\b[^&]*", re.IGNORECASE)
IN_HOST = re.compile(rf"^({LANGUAGES})\.(?=[^/]+\.)")
COUNTRIES = {"jp": "ja", "kr": "ko", "cn": "zh", "tw": "zh", "br": "pt"}
ENGLISH = "en"
DEFAULT = "x"
"""What is left of 'x-default'."""
ENOUGH = 25
"""A site with fewer pages in its main language is also read in others."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One language's copy of a page: `page` is equal for all of them, `language` empty where nothing tells."""

    page: str
    language: str


def in_one_language(links: Iterable[Link], home: str, language: str, told: Mapping[str, Variant]) -> list[Link]:
    """The links without those to other languages' copies of a page; `told` are copies, by their keys, that are known.

    The English copy stays, else the one for any reader, else the one in the language of the home page.
    """
    links = list(links)
    keys = [url_key(link.url) for link in links]
    home_key = url_key(home)
    variants = {**_variants({*keys, home_key}), **told}
    own = variants[home_key].language
    unsaid = DEFAULT if own else language
    rank = {ENGLISH: 0, DEFAULT: 1, own or language: 2}
    best: dict[str, tuple[tuple[int, bool], int]] = {}
    spoken: list[str] = []
    for at, key in enumerate(keys):
        copy = variants[key]
        spoken.append(copy.language or unsaid)
        better = ((rank.get(spoken[at], 3), key != copy.page), at)
        best[copy.page] = min(best.get(copy.page, better), better)
    kept = sorted(at for _, at in best.values())
    readable = _readable([spoken[at] for at in kept])
    return [links[at] for at in kept if spoken[at] in readable]


def _readable(spoken: list[str]) -> set[str]:
    """The main language, and others where it has few pages."""
    languages = Counter(spoken)
    return {name for name, count in languages.most_common(1) if count >= ENOUGH} or set(languages)


def _variants(keys: set[str]) -> dict[str, Variant]:
    """What the addresses say; a code that stands in none of which there is another copy may be a word, as 'it' is."""
    found = {key: _variant(key) for key in keys}
    languages = {copy.language for copy in found.values() if copy.page in keys and _is_telling(copy)}
    return {key: copy if copy.language in languages else Variant(key, "") for key, copy in found.items()}


def _is_telling(copy: Variant) -> bool:
    return bool(copy.language) and ("/" in copy.page or copy.language == ENGLISH)


def _variant(key: str) -> Variant:
    for pattern, rest in ((IN_PATH, r"\1"), (IN_QUERY, ""), (IN_HOST, "")):
        if found := pattern.search(key):
            code = found[found.lastindex or 0].lower()
            return Variant(pattern.sub(rest, key), COUNTRIES.get(code, code))
    return Variant(key, "")
