"""Recognises the purpose of elements by whole words in their class and id.

A word in a class or id is only a hint. For example, page builders use `widget` for containers of text, and `banner` for
the introduction of a home page.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from octave_mcp.sources.html.tree import Element

Name = Literal["consent", "breadcrumb", "skip", "overlay", "notice", "links", "place", "footer", "opener", "button"]

# Matches names with a bracket or colon. They are usually utility classes, which describe the appearance of an element
# and not its purpose: `pt-[var(--navbar-height)]`, `md:menu`.
UTILITY_CLASS = re.compile(r"[\[(:]")
WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9])|[^A-Za-z0-9\s]+")
MAX_NAMES_CHARACTERS = 1000
NO_NAMES: frozenset[Name] = frozenset()


def _whole_words(pattern: str) -> re.Pattern[str]:
    """Compile a pattern that matches whole words: `menu` in `main-menu`, but not in `menus`.

    A word after "has-", "with-" or "no-" does not match: an element with the class `has-sidebar` is not the sidebar.
    """
    return re.compile(rf"(?<![^-])(?<!has-)(?<!with-)(?<!no-)(?:{pattern})(?![^-])")


NAME_PATTERNS: dict[Name, re.Pattern[str]] = {
    "consent": _whole_words(r"cookie(?!less|cutter)[a-z]*|consent|gdpr|ccpa|onetrust|cookiebot|usercentrics|didomi"),
    "breadcrumb": _whole_words(r"bread-?crumbs?"),
    "skip": re.compile(r"(?<![^-])skip-?(?:to-?)?(?:links?|nav|to|content|main)(?![^-])|^skip$"),
    "overlay": _whole_words(
        r"nav-?bar|site-?(?:header|footer|nav)|main-?(?:menu|nav)|mega-?menu|off-?canvas|mobile-?(?:menu|nav)"
        r"|modal(?!-(?:open|trigger|link|button|btn))|popup(?!-(?:open|trigger|link|button|btn|shops?|stores?|events?))|lightbox"
        r"|elementor-location-(?:header|footer|popup)"
        r"|(?:promo|top|alert|notification|announcement)-?bar"
    ),
    "notice": _whole_words(r"announcements?|disclaimers?|(?:promo|alert|notification)-?banner"),
    "links": _whole_words(
        r"(?=[a-z]*menu)[a-z]+|[a-z0-9]*side-?bar|(?<!market-)(?<!file-)(?<!data-)(?<!ride-)shar(?:e|ing)"
        r"|social(?!-(?:proof|impact|good|responsibility))[a-z]*|related|newsletter[a-z]*|subscribe|pagination[a-z]*|toc"
        r"|table-of-contents|latest|trending|recent-(?:entries|comments)|tag-?cloud"
    ),
    "place": _whole_words(r"[a-z]*banner|widgets?"),
    "footer": _whole_words(r"(?:site|page|main|global|app)?footer|copyrights?"),
    "opener": _whole_words(r"accordions?|faqs?|questions?|tabs?|collaps(?:e|ible)"),
    "button": _whole_words(r"btn|button"),
}

# The patterns are slow, so they are tried only on names that contain one of these stems. Searching for the stems is
# several times as fast as trying the patterns, and most names contain no stem.
STEMS: dict[Name, tuple[str, ...]] = {
    "consent": ("cookie", "consent", "gdpr", "ccpa", "onetrust", "usercentrics", "didomi"),
    "breadcrumb": ("crumb",),
    "skip": ("skip",),
    "overlay": ("bar", "header", "footer", "nav", "menu", "canvas", "modal", "popup", "lightbox"),
    "notice": ("announce", "disclaim", "banner"),
    "links": tuple(
        "menu bar shar social related letter subscribe paginat toc contents latest trend recent cloud".split()
    ),
    "place": ("banner", "widget"),
    "footer": ("footer", "copyright"),
    "opener": ("accordion", "faq", "question", "tab", "collaps"),
    "button": ("btn", "button"),
}
ANY_STEM = re.compile("|".join(sorted({stem for stems in STEMS.values() for stem in stems})))


def names_of(element: Element) -> frozenset[Name]:
    """Return the purposes that the class and id of an element suggest."""
    if not element.attributes:
        return NO_NAMES
    return _names(element.attributes.get("class", ""), element.attributes.get("id", ""))


@lru_cache(maxsize=4096)
def _names(class_: str, id_: str) -> frozenset[Name]:
    if not ANY_STEM.search(f"{class_} {id_}".lower()):
        return NO_NAMES
    return NO_NAMES.union(*map(_kinds, f"{class_} {id_}"[:MAX_NAMES_CHARACTERS].split()))


@lru_cache(maxsize=8192)
def _kinds(name: str) -> frozenset[Name]:
    lowered = name.lower()
    if not ANY_STEM.search(lowered) or UTILITY_CLASS.search(name):
        return NO_NAMES
    kinds: list[Name] = [kind for kind, stems in STEMS.items() if any(stem in lowered for stem in stems)]
    words = WORD_BOUNDARY.sub("-", name).lower()
    return frozenset(kind for kind in kinds if NAME_PATTERNS[kind].search(words))
