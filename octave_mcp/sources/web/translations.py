"""Selects one language for each page that a site offers in several languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from octave_mcp.domain.addresses import url_key
from octave_mcp.domain.kinds import LANGUAGES
from octave_mcp.domain.page import Link

# Matches the language code at the start of a path: '/de/pricing', '/pt-br/pricing', '/es-419/pricing'.
LANGUAGE_IN_PATH = re.compile(rf"^([^/]+)/({LANGUAGES})(?:[-_](?:[a-z]{{2,4}}|419))?(?=/|\?|$)", re.IGNORECASE)
LANGUAGE_IN_QUERY = re.compile(rf"[?&](?:lang|hl|locale)=({LANGUAGES})\b[^&]*", re.IGNORECASE)
LANGUAGE_IN_HOST = re.compile(rf"^({LANGUAGES})\.(?=[^/]+\.)")
# Some sites use these country codes instead of language codes, as in '/jp/'.
COUNTRIES = {"jp": "ja", "kr": "ko", "cn": "zh", "tw": "zh", "br": "pt"}
ENGLISH = "en"
# The part after the hyphen is removed from an hreflang, so 'x-default' becomes 'x', just as 'pt-br' becomes 'pt'.
DEFAULT = "x"
# If a site has fewer pages than this in its main language, pages in other languages are read, too.
MIN_PAGES_OF_LANGUAGE = 25


@dataclass(frozen=True, slots=True)
class Translation:
    """A page in one language. `page`: a key that all translations of the page share. `language` is '' if unknown."""

    page: str
    language: str


def drop_translations(
    links: Iterable[Link], home: str, language: str, declared: Mapping[str, Translation]
) -> list[Link]:
    """Return the links to only one translation of each page.

    `declared` contains the translations that the site declares, by URL key.

    English is preferred, then the site's default language, then the language of the home page.
    """
    links = list(links)
    keys = [url_key(link.url) for link in links]
    home_key = url_key(home)
    translations = {**_translations({*keys, home_key}), **declared}
    home_language = translations[home_key].language
    undeclared = DEFAULT if home_language else language
    rank = {ENGLISH: 0, DEFAULT: 1, home_language or language: 2}
    best: dict[str, tuple[tuple[int, bool], int]] = {}
    languages: list[str] = []
    for at, key in enumerate(keys):
        copy = translations[key]
        languages.append(copy.language or undeclared)
        candidate = ((rank.get(languages[at], 3), key != copy.page), at)
        best[copy.page] = min(best.get(copy.page, candidate), candidate)
    chosen = sorted(at for _, at in best.values())
    readable = _readable([languages[at] for at in chosen])
    return [links[at] for at in chosen if languages[at] in readable]


def _readable(page_languages: list[str]) -> set[str]:
    """Return the main language. If the main language has too few pages, return all languages."""
    languages = Counter(page_languages)
    return {name for name, count in languages.most_common(1) if count >= MIN_PAGES_OF_LANGUAGE} or set(languages)


def _translations(keys: set[str]) -> dict[str, Translation]:
    """Return the page and the language for each URL key: for `/de/pricing`, the page `/pricing` and the language 'de'.

    A language code is accepted only if at least one page has a URL with the code and a URL without it. Without a page
    at `/services`, the 'it' in `/it/services` could mean the IT department.
    """
    suggested = {key: _translation(key) for key in keys}
    languages = {copy.language for copy in suggested.values() if copy.page in keys and _is_known(copy)}
    return {key: copy if copy.language in languages else Translation(key, "") for key, copy in suggested.items()}


def _is_known(copy: Translation) -> bool:
    # The home page always exists, so it does not prove that the 'it' in '/it' is a language code. '/en' is accepted
    # without proof, because it nearly always means English.
    return bool(copy.language) and ("/" in copy.page or copy.language == ENGLISH)


def _translation(key: str) -> Translation:
    for pattern, rest in ((LANGUAGE_IN_PATH, r"\1"), (LANGUAGE_IN_QUERY, ""), (LANGUAGE_IN_HOST, "")):
        if match := pattern.search(key):
            code = match[match.lastindex or 0].lower()
            return Translation(pattern.sub(rest, key), COUNTRIES.get(code, code))
    return Translation(key, "")
