"""Pages that a site has in several languages: only one language is read."""

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
# The language of 'x-default', once the region is cut off.
DEFAULT = "x"
# A site with fewer pages in its main language is also read in others.
ENOUGH = 25


@dataclass(frozen=True, slots=True)
class Translation:
    """A page in one language: `page` is the same for all its translations, `language` is empty if unknown."""

    page: str
    language: str


def drop_translations(
    links: Iterable[Link], home: str, language: str, declared: Mapping[str, Translation]
) -> list[Link]:
    """The links without further translations of a page; `declared` are those that the site declares, by URL key.

    The English page stays, or else the default one, or else the one in the language of the home page.
    """
    links = list(links)
    keys = [url_key(link.url) for link in links]
    home_key = url_key(home)
    translations = {**_translations({*keys, home_key}), **declared}
    own = translations[home_key].language
    undeclared = DEFAULT if own else language
    rank = {ENGLISH: 0, DEFAULT: 1, own or language: 2}
    best: dict[str, tuple[tuple[int, bool], int]] = {}
    spoken: list[str] = []
    for at, key in enumerate(keys):
        copy = translations[key]
        spoken.append(copy.language or undeclared)
        better = ((rank.get(spoken[at], 3), key != copy.page), at)
        best[copy.page] = min(best.get(copy.page, better), better)
    kept = sorted(at for _, at in best.values())
    readable = _readable([spoken[at] for at in kept])
    return [links[at] for at in kept if spoken[at] in readable]


def _readable(spoken: list[str]) -> set[str]:
    """The main language, and others where it has few pages."""
    languages = Counter(spoken)
    return {name for name, count in languages.most_common(1) if count >= ENOUGH} or set(languages)


def _translations(keys: set[str]) -> dict[str, Translation]:
    """What the URLs say; a code counts only if a page exists with and without it, as 'it' may be a word."""
    found = {key: _translation(key) for key in keys}
    languages = {copy.language for copy in found.values() if copy.page in keys and _is_known(copy)}
    return {key: copy if copy.language in languages else Translation(key, "") for key, copy in found.items()}


def _is_known(copy: Translation) -> bool:
    return bool(copy.language) and ("/" in copy.page or copy.language == ENGLISH)


def _translation(key: str) -> Translation:
    for pattern, rest in ((IN_PATH, r"\1"), (IN_QUERY, ""), (IN_HOST, "")):
        if found := pattern.search(key):
            code = found[found.lastindex or 0].lower()
            return Translation(pattern.sub(rest, key), COUNTRIES.get(code, code))
    return Translation(key, "")
