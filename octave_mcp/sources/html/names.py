"""What the class and id of an element say that it is, word by word.

A name is a hint, not a verdict: page builders call what holds a text 'widget', and a company's first words 'banner'.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from octave_mcp.sources.html.tree import Element

Name = Literal["consent", "breadcrumb", "skip", "overlay", "notice", "links", "place", "footer", "opener", "button"]

# Of utility frameworks: 'pt-[var(--navbar-height)]', 'md:menu', 'calc(...)'. They say how something looks.
UTILITY = re.compile(r"[\[(:]")
SEAMS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9])|[^A-Za-z0-9\s]+")
LONGEST_NAME = 1000
NONE: frozenset[Name] = frozenset()


def _words(pattern: str) -> re.Pattern[str]:
    """Whole words of a name; '-' stands for any seam. 'has-sidebar' speaks of another element."""
    return re.compile(rf"(?<![^-])(?<!has-)(?<!with-)(?<!no-)(?:{pattern})(?![^-])")


NAMES: dict[Name, re.Pattern[str]] = {
    "consent": _words(r"cookie(?!less|cutter)[a-z]*|consent|gdpr|ccpa|onetrust|cookiebot|usercentrics|didomi"),
    "breadcrumb": _words(r"bread-?crumbs?"),
    "skip": re.compile(r"(?<![^-])skip-?(?:to-?)?(?:links?|nav|to|content|main)(?![^-])|^skip$"),
    "overlay": _words(
        r"nav-?bar|site-?(?:header|footer|nav)|main-?(?:menu|nav)|mega-?menu|off-?canvas|mobile-?(?:menu|nav)"
        r"|modal(?!-(?:open|trigger|link|button|btn))|popup(?!-(?:open|trigger|link|button|btn|shops?|stores?|events?))|lightbox"
        r"|elementor-location-(?:header|footer|popup)"
        r"|(?:promo|top|alert|notification|announcement)-?bar"
    ),
    "notice": _words(r"announcements?|disclaimers?|(?:promo|alert|notification)-?banner"),
    "links": _words(
        r"(?=[a-z]*menu)[a-z]+|[a-z0-9]*side-?bar|(?<!market-)(?<!file-)(?<!data-)(?<!ride-)shar(?:e|ing)"
        r"|social(?!-(?:proof|impact|good|responsibility))[a-z]*|related|newsletter[a-z]*|subscribe|pagination[a-z]*|toc"
        r"|table-of-contents|latest|trending|recent-(?:entries|comments)|tag-?cloud"
    ),
    "place": _words(r"[a-z]*banner|widgets?"),
    "footer": _words(r"(?:site|page|main|global|app)?footer|copyrights?"),
    "opener": _words(r"accordions?|faqs?|questions?|tabs?|collaps(?:e|ible)"),
    "button": _words(r"btn|button"),
}

# What a name has that a pattern can match: looking for it takes a tenth of the time, and most names have none.
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
    if not element.attributes:
        return NONE
    return _names(element.attributes.get("class", ""), element.attributes.get("id", ""))


@lru_cache(maxsize=4096)
def _names(class_: str, id_: str) -> frozenset[Name]:
    """Pages say the same ones over and over."""
    if not ANY_STEM.search(f"{class_} {id_}".lower()):
        return NONE
    return NONE.union(*map(_kinds, f"{class_} {id_}"[:LONGEST_NAME].split()))


@lru_cache(maxsize=8192)
def _kinds(name: str) -> frozenset[Name]:
    plain = name.lower()
    if not ANY_STEM.search(plain) or UTILITY.search(name):
        return NONE
    kinds: list[Name] = [kind for kind, stems in STEMS.items() if any(stem in plain for stem in stems)]
    words = SEAMS.sub("-", name).lower()
    return frozenset(kind for kind in kinds if NAMES[kind].search(words))
